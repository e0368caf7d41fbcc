# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: N802 (Qt names these methods)
"""Statistics of what is in view, at the upper right of each pane of signals; a click copies them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QRectF, Qt
from PySide6.QtGui import QContextMenuEvent, QFontMetricsF, QGuiApplication
from PySide6.QtWidgets import QAbstractScrollArea, QApplication, QPushButton, QToolTip

from monitor_app.core.formatting import five_digits, precise, scale_of, unit_of
from monitor_app.core.samples import Quantity
from monitor_app.gui.plain_tip import plain_tip
from monitor_app.gui.plot.legend import LEGEND_PX, legend_px
from monitor_app.gui.session.tables import origin_of
from monitor_app.gui.theme import SMALL_PX, ui_font

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor_app.gui.plot.pane_stack import PaneStack
    from monitor_app.gui.plot.trace_pane import TracePane
    from monitor_app.gui.session.recording import Recording
    from monitor_app.session.waveform import Statistics

EDGE_NS = 1_000_000_000
"""A longer absence at an end of the session is a loss."""
BESIDE_PX = 10
APART = "   "
INTEGRALS = {Quantity.POWER: "J", Quantity.CURRENT: "C"}
LEFT_OUT = ("std", "p-p", "max", "min", "∫")
"""Where room is short, from the first on."""


@dataclass(frozen=True, slots=True)
class ViewFigures:
    """Statistics of one signal as text, and as numbers for a spreadsheet."""

    name: str
    texts: dict[str, str]
    table: str

    def line(self, room_px: float, metrics: QFontMetricsF) -> str:
        """As many of them as there is room for; nothing where not even the mean fits."""
        left = dict(self.texts)
        for out in (*LEFT_OUT, "mean"):
            line = APART.join(f"{name} {text}" for name, text in left.items())
            if metrics.horizontalAdvance(line) <= room_px:
                return line
            left.pop(out, None)
        return ""


def view_figures(name: str, quantity: Quantity, s: Statistics, origin: str) -> ViewFigures:
    """Of a signal with this name; an integral is over what was recorded, so it is a lower bound beside gaps.

    ``origin``: whether it was measured or simulated, as the table says it.
    """
    factor, unit = scale_of(max(abs(s.minimum), abs(s.maximum)), unit_of(quantity))
    values = {"mean": s.mean, "min": s.minimum, "max": s.maximum, "p-p": s.maximum - s.minimum, "std": s.deviation}
    texts = {key: five_digits(value * factor) for key, value in values.items()}
    texts["mean"] += f" {unit}".rstrip()
    cells = {f"{key} ({unit_of(quantity)})": value for key, value in values.items()}
    if quantity in INTEGRALS:
        texts["∫"] = ("" if s.complete else "≥ ") + precise(s.integral, INTEGRALS[quantity])
        cells[f"integral ({INTEGRALS[quantity]})"] = s.integral
    cells["recorded (s)"] = s.recorded_s
    heads, numbers = "\t".join(cells), "\t".join(f"{value:.9g}" for value in cells.values())
    return ViewFigures(name, texts, f"signal\t{heads}\torigin\n{name}\t{numbers}\t{origin}\n")


def within(span_ns: tuple[int, int], recorded_ns: tuple[int, int] | None) -> tuple[int, int]:
    """Without what the signal lacks at an end because other sources began before it, or are read a moment later."""
    if recorded_ns is None:
        return span_ns
    late_ns, early_ns = recorded_ns[0] - span_ns[0], span_ns[1] - recorded_ns[1]
    return (
        recorded_ns[0] if 0 < late_ns <= EDGE_NS else span_ns[0],
        recorded_ns[1] if 0 < early_ns <= EDGE_NS else span_ns[1],
    )


class StatisticsLine(QPushButton):
    """The figures of a pane."""

    def __init__(self, stack: PaneStack) -> None:
        super().__init__(stack)
        self.figures: ViewFigures | None = None
        self.setObjectName("statistics")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFont(ui_font(SMALL_PX))
        self.setAccessibleName("statistics of the view")
        self.clicked.connect(self.copy)
        self.hide()

    def show_figures(self, figures: ViewFigures | None, corner: QPoint, room_px: float) -> None:
        """With the upper right ``corner`` there; hidden where there are none, or no room for them."""
        if figures is not None and figures != self.figures:
            self.setToolTip(plain_tip(f"{figures.name}, over what is in view. Click: copy as a table."))
        self.figures = figures
        line = figures.line(room_px, QFontMetricsF(self.font())) if figures is not None else ""
        if line != self.text():
            self.setText(line)
            self.adjustSize()
        self.setFixedHeight(LEGEND_PX - 4)
        self.move(corner - QPoint(self.width(), 0))
        self.setVisible(bool(line))

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """The menu is that of the pane below: Qt gives a click on a child to no viewport."""
        stack = self.parent()
        assert isinstance(stack, QAbstractScrollArea)
        there = stack.viewport().mapFromGlobal(event.globalPos())
        QApplication.sendEvent(
            stack.viewport(), QContextMenuEvent(event.reason(), there, event.globalPos(), event.modifiers())
        )
        event.accept()

    def copy(self) -> None:
        """All of them as a table, also those without room."""
        if self.figures is not None:
            QGuiApplication.clipboard().setText(self.figures.table)
            QToolTip.showText(self.mapToGlobal(QPoint(0, self.height())), "Copied", self)


class ViewStatistics:
    """A line for each pane of signals, of its first signal; in a strip above the pane, where nothing else is drawn."""

    def __init__(self, stack: PaneStack) -> None:
        self._stack = stack
        stack.keep_strips()
        self.lines: list[StatisticsLine] = []
        self._known: dict[int, tuple[tuple[int, int], Statistics]] = {}

    def clear(self) -> None:
        """Forget the session."""
        self._known.clear()
        self._show([])

    def refresh(self, recording: Recording, span_s: tuple[float, float]) -> None:
        """Of the part of the session in view, start and end in s; reads only what has changed."""
        span_ns = (recording.host_ns(span_s[0]), recording.host_ns(span_s[1]))
        self._show([self._figures(recording, pane, span_ns) for pane in self._stack.traces])

    def _figures(self, recording: Recording, pane: TracePane, span_ns: tuple[int, int]) -> ViewFigures | None:
        if not pane.curves or span_ns[1] <= span_ns[0]:
            return None
        signal = pane.curves[0].shown.signal
        span_ns = within(span_ns, recording.reader.waveform(signal.id).times.extent())
        known = self._known.get(signal.id)
        if known is None or known[0] != span_ns:
            known = self._known[signal.id] = span_ns, recording.reader.statistics(signal.id, *span_ns)
        name = recording.labels.get(signal.id, signal.name)
        return view_figures(name, signal.quantity, known[1], origin_of(recording)) if known[1].count else None

    def _show(self, figures: Sequence[ViewFigures | None]) -> None:
        while len(self.lines) < len(figures):
            self.lines.append(StatisticsLine(self._stack))
        for line in self.lines[len(figures) :]:
            line.hide()
        for line, each, pane, entries in zip(
            self.lines, figures, self._stack.traces, (*self._stack.legends, *[()] * len(figures)), strict=False
        ):
            rect, gutter_px = pane.rect, self._stack.gutter_px - BESIDE_PX
            corner = self._stack.mapFromScene(rect.topRight()) + QPoint(gutter_px, -(1 + pane.strip) * LEGEND_PX)
            strip_px = rect.width() + gutter_px
            line.show_figures(each, corner, strip_px - legend_px(strip_px, entries))
        self._stack.keep_clear(tuple(QRectF(line.geometry()) for line in self.lines if not line.isHidden()))
