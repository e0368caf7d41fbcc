# SPDX-License-Identifier: Apache-2.0
"""What the user chooses about the panes: scales, ranges, curves, times, heights; applied at once and remembered."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal

from monitor_app.analysis.session_summary import started_utc
from monitor_app.core.formatting import QUANTITIES, number, unit_of
from monitor_app.gui.plot.scales.plot_options import ACCURACY
from monitor_app.gui.plot.scales.time_labels import RELATIVE, wall_clock
from monitor_app.gui.plot.scales.value_scale import Scale
from monitor_app.gui.plot.trace_pane import TracePane
from monitor_app.gui.session.curve_style import CurveStyle
from monitor_app.gui.session.shown_signals import MOST_IN_PANE
from monitor_app.gui.views.deadline_dialog import ask_deadline
from monitor_app.gui.views.pane_handles import PaneHandles
from monitor_app.gui.views.range_dialog import PaneRange, RangeDialog
from monitor_app.gui.views.view_memory import read_options, write_options

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from PySide6.QtWidgets import QWidget

    from monitor_app.gui.actions import Chosen
    from monitor_app.gui.plot.navigation import Navigation
    from monitor_app.gui.plot.pane import Pane
    from monitor_app.gui.plot.pane_stack import PaneStack
    from monitor_app.gui.plot.scales.plot_options import PlotOptions
    from monitor_app.gui.plot.scales.time_labels import TimeLabels
    from monitor_app.gui.session.recording import Recording
    from monitor_app.gui.session.signal_selection import SignalSelection
    from monitor_app.gui.settings import Settings
    from monitor_app.gui.theme import Theme

WALL_CLOCK, KEEP_WIDTH = "wall_clock", "keep_width"
NO_UTC = "This session does not say when it was recorded: its times are since its start."
TOO_MANY = f"More than {MOST_IN_PANE} signals cannot be told apart in one pane: they are stacked."
UNITS = {"latency": "ms", ACCURACY: "%"}


@dataclass(frozen=True, slots=True)
class Choices:
    """Everything that is chosen here."""

    options: PlotOptions
    wall_clock: bool
    keep_width: bool


class ViewController(QObject):
    """Each choice is a method without a dialog, for a menu, a key or a right click; panes are those of the stack."""

    note = Signal(str)
    changed = Signal()
    """Panels show what depends on it."""

    def __init__(
        self, parent: QWidget, stack: PaneStack, signals: SignalSelection, navigation: Navigation, settings: Settings,
        recording: Callable[[], Recording | None], theme: Callable[[], Theme],
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._parent, self._stack, self._signals, self._navigation = parent, stack, signals, navigation
        self._settings, self._recording, self._theme = settings, recording, theme
        self.options = read_options(settings)
        self.wall_clock = settings.read(WALL_CLOCK, False)
        self._labels: tuple[Path, TimeLabels] | None = None
        navigation.keep_width = settings.read(KEEP_WIDTH, True)
        self.handles = PaneHandles(stack)
        self.handles.heights_chosen.connect(self._set_heights)
        for pane in stack.every:
            pane.box.y_reset_asked.connect(partial(self._forget_range, pane))
        stack.fit_asked.connect(self._forget_ranges)
        signals.changed.connect(self._apply)
        self._apply()

    @property
    def choices(self) -> Choices:
        """All of them, to be restored."""
        return Choices(self.options, self.wall_clock, self._navigation.keep_width)

    def restore(self, choices: Choices) -> None:
        """Choose all of these."""
        self.keep_width(choices.keep_width)
        self.use_wall_clock(choices.wall_clock)
        self._choose(choices.options)

    # -- applied ---------------------------------------------------------------------------------

    def update(self) -> None:
        """Bring the panes up to date with the session, a few times a second."""
        self._apply()
        self._stack.show_times(self._times())

    def _choose(self, options: PlotOptions) -> None:
        self.options = options
        write_options(self._settings, options)
        self._apply()
        self.changed.emit()

    def _apply(self) -> None:
        self._signals.overlaid = self.options.overlaid and not self._too_many
        deadline_ms = self.required_ms or self.options.deadline_ms
        self._stack.set_options(replace(self.options, overlaid=self._signals.overlaid, deadline_ms=deadline_ms))

    @property
    def required_ms(self) -> float | None:
        """The deadline that the profile of the session requires."""
        recording = self._recording()
        return recording.require.deadline_ms if recording is not None else None

    @property
    def _too_many(self) -> bool:
        return len(self._signals.shown.all) > MOST_IN_PANE

    def _times(self) -> TimeLabels:
        recording = self._recording()
        if not self.wall_clock or recording is None:
            return RELATIVE
        if self._labels is None or self._labels[0] != recording.reader.path:
            started = started_utc(recording.reader)
            if started is None:
                return RELATIVE
            self._labels = recording.reader.path, wall_clock(started)
        return self._labels[1]

    # -- choices ---------------------------------------------------------------------------------

    def set_scale(self, pane: Pane, scale: Scale) -> None:
        """Linear or logarithmic values in this pane, and wherever its quantity is shown."""
        if self.can_be_log(pane):
            self._choose(self.options.with_scale(self._stack.key_of(pane), scale))

    def switch_scale(self) -> None:
        """Of the pane under the mouse, else of the first."""
        pane = self._stack.pane_at_pointer or self._stack.trace
        self.set_scale(pane, Scale.LINEAR if pane.scale is Scale.LOG else Scale.LOG)

    def can_be_log(self, pane: Pane) -> bool:
        """A fraction of 0 to 100 percent has no use for it."""
        return self._stack.key_of(pane) != ACCURACY

    def set_range(self, pane: Pane, bounds: tuple[float, float] | None) -> None:
        """Exactly these values in this pane, or those that fit."""
        self._choose(self.options.with_range(self._stack.key_of(pane), bounds))
        if bounds is None:
            pane.fit_y()

    def ask_range(self, pane: Pane | None = None) -> None:
        """Let the user type the range of this pane, else of that under the mouse, else of the first."""
        pane = pane or self._stack.pane_at_pointer or self._stack.trace
        panes = [self._range_of(each) for each in self._stack.panes]
        dialog = RangeDialog(self._parent, panes, self._stack.key_of(pane), self._theme())
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.chosen.connect(self._take_range)
        dialog.open()

    def set_deadline(self, deadline_ms: float | None) -> None:
        """Of a batch, where the profile requires none: what takes longer is marked and counted."""
        self._choose(replace(self.options, deadline_ms=deadline_ms))

    def ask_deadline(self) -> None:
        """Let the user type a deadline; that of the profile stays."""
        required_ms = self.required_ms
        if required_ms is not None:
            self.note.emit(f"The profile of this session requires a deadline of {number(required_ms)} ms.")
            return
        ask_deadline(self._parent, self.options.deadline_ms, self.set_deadline)

    def choose_style(self, style: CurveStyle) -> None:
        """What is drawn around the means."""
        self._choose(replace(self.options, style=style))

    def overlay(self, on: bool) -> None:
        """Signals of all quantities in one pane with an axis for each, or a pane for each quantity."""
        self._choose(replace(self.options, overlaid=on))
        if on and self._too_many:
            self.note.emit(TOO_MANY)

    def switch_overlay(self) -> None:
        self.overlay(not self.options.overlaid)

    def use_wall_clock(self, on: bool) -> None:
        """Times by the clock, or since the start of the session."""
        self.wall_clock = on
        self._settings.write(WALL_CLOCK, on)
        self._stack.show_times(self._times())
        self._stack.viewport().update()
        if on and self._recording() is not None and self._stack.times.day is None:
            self.note.emit(NO_UTC)
        self.changed.emit()

    def switch_clock(self) -> None:
        self.use_wall_clock(not self.wall_clock)

    def keep_width(self, on: bool) -> None:
        """While a recording is followed: keep the width, or let a view of the whole session grow with it."""
        self._navigation.keep_width = on
        self._settings.write(KEEP_WIDTH, on)
        self.changed.emit()

    def reset_heights(self) -> None:
        """The usual heights of the panes that are shown."""
        self._set_heights(None)

    # -- menus -----------------------------------------------------------------------------------

    def pane_entries(self, pane: Pane) -> list[Chosen]:
        """What can be chosen about one pane, for a menu."""
        entries: list[Chosen] = []
        if self.can_be_log(pane):
            other = Scale.LINEAR if pane.scale is Scale.LOG else Scale.LOG
            do = partial(self.set_scale, pane, other)
            entries.append(("Logarithmic", do, pane.scale is Scale.LOG))
        entries.append(("Range of values…", partial(self.ask_range, pane), None))
        entries.append(("Fit the values", partial(self.set_range, pane, None), None))
        if pane is self._stack.latency:
            entries += self._deadline_entries()
        return entries

    def _deadline_entries(self) -> list[Chosen]:
        entries: list[Chosen] = [("Deadline…", self.ask_deadline, None)]
        if self.options.deadline_ms is not None:
            entries.append(("Remove the deadline", partial(self.set_deadline, None), None))
        return entries

    def value_entries(self) -> list[Chosen]:
        """The same for all panes."""
        return [
            (f"{self.title_of(pane)}: {text[0].lower()}{text[1:]}", do, checked)
            for pane in self._stack.panes
            for text, do, checked in self.pane_entries(pane)
        ]

    def curve_entries(self) -> list[Chosen]:
        """The styles of the curves."""
        return [(each.title, partial(self.choose_style, each), each is self.options.style) for each in CurveStyle]

    def time_entries(self) -> list[Chosen]:
        """What the time axis says, and what a followed view does."""
        keeps = self._navigation.keep_width
        return [
            ("Since the start of the session", partial(self.use_wall_clock, False), not self.wall_clock),
            ("By the clock", partial(self.use_wall_clock, True), self.wall_clock),
            ("Keep the width while live", partial(self.keep_width, not keeps), keeps),
        ]

    def pane_layout_entries(self) -> list[Chosen]:
        """How the panes lie."""
        overlaid = self.options.overlaid
        return [
            ("Stacked, one for each quantity", partial(self.overlay, False), not overlaid),
            ("Overlaid, with an axis for each quantity", partial(self.overlay, True), overlaid),
            ("Usual heights", self.reset_heights, None),
        ]

    def title_of(self, pane: Pane) -> str:
        """What a menu calls it."""
        key = self._stack.key_of(pane)
        name = QUANTITIES[pane.quantity] if isinstance(pane, TracePane) else "top-1" if key == ACCURACY else key
        return name[0].upper() + name[1:]

    # -- asked for by the mouse and the dialog ---------------------------------------------------

    def _range_of(self, pane: Pane) -> PaneRange:
        key = self._stack.key_of(pane)
        unit = unit_of(pane.quantity) if isinstance(pane, TracePane) else UNITS[key]
        return PaneRange(key, self.title_of(pane), unit, *pane.y_range, pane.scale, self.can_be_log(pane))

    def _take_range(self, key: str, bounds: tuple[float, float] | None, scale: Scale) -> None:
        self._choose(self.options.with_scale(key, scale).with_range(key, bounds))
        for pane in self._stack.panes:
            if self._stack.key_of(pane) == key and bounds is None:
                pane.fit_y()
            elif self._stack.key_of(pane) == key and bounds is not None:
                pane.set_exact_range(*bounds)

    def _set_heights(self, heights: tuple[int, ...] | None) -> None:
        self._choose(self.options.with_heights(self._stack.arrangement, heights))

    def _forget_range(self, pane: Pane) -> None:
        key = self._stack.key_of(pane)
        if key in self.options.ranges:
            self._choose(self.options.with_range(key, None))

    def _forget_ranges(self) -> None:
        for pane in self._stack.panes:
            self._forget_range(pane)
