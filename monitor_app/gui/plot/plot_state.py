# SPDX-License-Identifier: Apache-2.0
"""All that is painted around the curves at one moment, as a frozen value. Places are in pixels of the stack."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby
from types import MappingProxyType
from typing import TYPE_CHECKING

from monitor_app.gui.plot.scales.time_labels import RELATIVE, TimeLabels
from monitor_app.gui.plot.scales.value_scale import Scale

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from PySide6.QtCore import QRectF

    from monitor_app.gui.plot.annotations import Annotations
    from monitor_app.gui.plot.columns import TraceLines
    from monitor_app.gui.plot.time_window import TimeWindow
    from monitor_app.gui.theme import Theme


@dataclass(frozen=True, slots=True)
class LegendEntry:
    """A signal as the legend names it."""

    name: str
    value: str
    colour: str
    slot: int


@dataclass(frozen=True, slots=True)
class Cursor:
    """The time under the mouse, and the lines of text to write there."""

    seconds: float
    traces: tuple[tuple[str, ...], ...]
    """For each trace pane; the first line of the first one is the time."""
    latency: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CurveState:
    """A curve, as the marks along it are placed; ``lines`` is None where nothing is drawn."""

    lines: TraceLines | None
    colour: str
    slot: int


@dataclass(frozen=True, slots=True)
class PaneState:
    """A pane: where its data are, and the values at its lower and upper edge."""

    rect: QRectF
    y_range: tuple[float, float]
    text_scale: float = 1.0
    """What the numbers on the y axis are multiplied by."""
    curves: tuple[CurveState, ...] = ()
    source_ids: frozenset[int] = frozenset()
    legend: tuple[LegendEntry, ...] = ()
    scale: Scale = Scale.LINEAR
    note: str = ""
    """Why something is not seen."""
    column: int = 0
    """Of its axis, counted from the data outwards; a pane whose axis is not in the first lies over another one."""
    strip: int = 0
    """Legends between its own and the data."""
    axis_colour: str = ""
    """Of the numbers where several panes share their place."""
    label: str = ""
    """Of the axis: the quantity with its unit."""

    @property
    def over(self) -> bool:
        """Whether it lies over another pane."""
        return self.column > 0

    def y_pixel(self, value: float) -> float:
        """Where a value is."""
        (low, high), rect = self.y_range, self.rect
        if self.scale is not Scale.LINEAR:
            low, high, value = self.scale.plotted(low), self.scale.plotted(high), self.scale.plotted(value)
        return rect.bottom() - (value - low) / (high - low) * rect.height()


@dataclass(frozen=True, slots=True)
class BoxColumn:
    """Statistics of one signal, a text for each row of its box."""

    mark: str
    """Which of several signals; empty where there is one."""
    colour: str
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StatBox:
    """What a pair of markers encloses in one pane."""

    names: tuple[str, ...]
    """Of the rows."""
    columns: tuple[BoxColumn, ...]
    warning: str = ""
    """That samples are missing."""
    integral: bool = False
    """Whether the last row is one, whose unit a click changes."""


@dataclass(frozen=True, slots=True)
class ShownMarker:
    """A marker as it is painted; times in s since the start of the session."""

    number: int
    start_s: float
    end_s: float | None
    labels: tuple[str, ...]
    """What its banner says, from the longest text to the shortest."""
    colour: str
    row: int = 0
    """Of its banner, from above: those that overlap in time have different ones."""
    active: bool = False
    boxes: tuple[StatBox | None, ...] = ()
    """One for each pane, from top to bottom."""

    @property
    def last_s(self) -> float:
        """Its right edge, which for a single marker is its only one."""
        return self.start_s if self.end_s is None else self.end_s


@dataclass(frozen=True, slots=True)
class BatchSpan:
    """A batch; times in s since the start of the session."""

    index: int
    """In the log of batches."""
    start_s: float
    end_s: float
    timed: bool


@dataclass(frozen=True, slots=True)
class BatchCard:
    """What is known of one batch, as rows of name and text."""

    span: BatchSpan
    title: str
    rows: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...] = ()
    """Written in the colour of an alarm."""
    stages_s: tuple[float, ...] = ()
    """Where one stage of a pass that was timed end to end gives way to the next, s since the start of the session."""


@dataclass(frozen=True, slots=True)
class ShownBatches:
    """The spans in view, and the card of the one that is looked at."""

    spans: tuple[BatchSpan, ...] = ()
    card: BatchCard | None = None
    energies: Mapping[int, str] = field(default_factory=lambda: MappingProxyType({}))
    """Texts, by index, of those that are wide enough for one."""

    @property
    def seen_card(self) -> BatchCard | None:
        """The card, while its span is in view."""
        card = self.card
        return card if card is not None and any(span.index == card.span.index for span in self.spans) else None


NO_BATCHES = ShownBatches()


@dataclass(frozen=True, slots=True)
class Strip:
    """From one whole pixel to another, as seen from the left edge of the pane."""

    left: int
    right: int
    name: str
    colour: int
    """Number of the name, which chooses the colour."""
    lane: int
    """0 for the outermost spans."""
    edges: tuple[bool, bool]
    """Whether it begins and ends in view."""
    single: bool
    """One span; else several that are too short to be told apart."""


@dataclass(frozen=True, slots=True)
class Caption:
    """A name over spans that follow each other in one lane."""

    left: int
    right: int
    name: str
    lane: int


@dataclass(frozen=True, slots=True)
class Moment:
    """Something at one pixel."""

    x: int
    name: str
    colour: int


@dataclass(frozen=True, slots=True)
class ShownWork:
    """What is painted."""

    strips: tuple[Strip, ...] = ()
    moments: tuple[Moment, ...] = ()
    lanes: int = 0

    def captions(self, fits: Callable[[str, int], bool]) -> Iterator[Caption]:
        """Names to write: on each span where it fits (into so many pixels), else once for those that follow each other.

        A name that is longer than all of these is left out.
        """
        ordered = sorted(self.strips, key=lambda strip: (strip.lane, strip.left))
        for (lane, name), group in groupby(ordered, key=lambda strip: (strip.lane, strip.name)):
            strips = list(group)
            own = [strip for strip in strips if fits(name, strip.right - strip.left)]
            if own:
                yield from (Caption(strip.left, strip.right, name, lane) for strip in own)
            elif fits(name, strips[-1].right - strips[0].left):
                yield Caption(strips[0].left, strips[-1].right, name, lane)


NO_WORK = ShownWork()


@dataclass(frozen=True, slots=True)
class PlotState:
    """The panes that are shown, from top to bottom, with what is written on them."""

    area: QRectF
    theme: Theme
    view: TimeWindow
    gutter_px: int
    """Room on the right of the panes."""
    traces: tuple[PaneState, ...]
    """At least one."""
    latency: PaneState | None
    accuracy: PaneState | None
    levels_pane: PaneState | None
    """The one with the power of the board."""
    annotations: Annotations
    markers: tuple[ShownMarker, ...]
    """The active one is the last."""
    cursor: Cursor | None
    batches: ShownBatches = NO_BATCHES
    """Those that are wide enough to be spans."""
    times: TimeLabels = RELATIVE
    work: ShownWork = NO_WORK
    """Spans that a program has marked."""

    @property
    def first(self) -> PaneState:
        return self.traces[0]

    @property
    def panes(self) -> tuple[PaneState, ...]:
        return (*self.traces, *(pane for pane in (self.latency, self.accuracy) if pane is not None))

    @property
    def reads_batch(self) -> bool:
        """Whether the mouse is on the batch of the card: what is read there stands on the card, not beside it."""
        card, cursor = self.batches.seen_card, self.cursor
        return card is not None and cursor is not None and card.span.start_s <= cursor.seconds <= card.span.end_s

    def x_pixel(self, seconds: float) -> float:
        """Where a time is, in s since the start of the session."""
        rect = self.first.rect
        return rect.left() + (seconds - self.view.start_s) / self.view.width_s * rect.width()
