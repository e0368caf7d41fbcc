# SPDX-License-Identifier: Apache-2.0

# ruff: noqa: N802 (Qt names these methods)
"""The large numbers above the panes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QPointF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QContextMenuEvent, QFont, QFontMetricsF, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from monitor_app.core.formatting import NOTHING, engineering, fixed, live, metric_value, short_fraction, three_digits
from monitor_app.core.models.units import IMAGE, worded
from monitor_app.core.runs import DECODE, PREFILL
from monitor_app.core.samples import Quantity
from monitor_app.gui.clipboard import copy
from monitor_app.gui.context_menu import Item, Title, menu_of, pop_up
from monitor_app.gui.panels.panel import Panel, Place
from monitor_app.gui.panels.parts import WordButton, dim_label
from monitor_app.gui.panels.status_bar import stopped_text
from monitor_app.gui.plain_tip import plain_tip
from monitor_app.gui.session.net_power import net_bound_w
from monitor_app.gui.session.subject import APART
from monitor_app.gui.session.tables import marked, origin, table_of
from monitor_app.gui.theme import SMALL_PX, ui_font, usual_font

if TYPE_CHECKING:
    from monitor_app.analysis.run.results import RunResult
    from monitor_app.gui.context_menu import Entry
    from monitor_app.gui.panels.panel import WindowState
    from monitor_app.gui.session.recording import Recording
    from monitor_app.gui.session.subject import Subject
    from monitor_app.gui.theme import Theme
    from monitor_app.session.rows import SignalRow

HEIGHT_PX, CAPTION_PX = 62, 16
SMALLEST_UNIT_PX = 7
"""Where text is large and room short, a bound is better small than left out."""
LARGEST_PX, SMALLEST_PX = 32, 13
SIDE_PX = 14


@dataclass(frozen=True, slots=True)
class Reading:
    """A number as it is shown."""

    text: str = NOTHING
    unit: str = ""
    caption: str = ""
    """Replaces the caption of the dial."""

    @property
    def words(self) -> str:
        """With its unit."""
        return f"{self.text} {self.unit}".strip()


@dataclass(frozen=True, slots=True)
class Dial:
    """One of the large numbers."""

    caption: str
    colour: str
    """Name of a colour of the theme."""
    tip: str
    short: str = ""
    """The caption where there is no room for it."""


RATES = {IMAGE: "img/s"}
"""Words for throughput that are shorter than the unit."""
NOW = "Live: mean over the last 0.5 s. Otherwise: mean over the timed span of the run that is named above."
RUN = "Of the run that is named above."
DIALS = (
    Dial("power", "power", NOW),
    Dial(
        "net power",
        "power",
        f"{NOW} Idle power is subtracted; 0 ± a bound where less is within its own uncertainty.",
        "net",
    ),
    Dial("current", "current", NOW),
    Dial("voltage", "current", NOW),
    Dial("energy / image", "power", f"{RUN} Net energy of the timed phase, divided by its images.", "energy"),
    Dial(
        "latency p50",
        "latency",
        f"{RUN} The median latency of a timed batch, from its arrival where it had one.",
        "p50",
    ),
    Dial(
        "latency p99",
        "latency",
        f"{RUN} 99 % of the timed batches were faster, from their arrival where they had one.",
        "p99",
    ),
    Dial("throughput", "latency", f"{RUN} Images per second in the timed phase.", "rate"),
    Dial("top-1", "accuracy", f"{RUN} Correct answers out of all images, with the 95 % Wilson interval."),
)


def readings(recording: Recording, subject: Subject) -> tuple[Reading, ...]:
    """What the dials show of the subject, in their order."""
    power = recording.read_out
    mean_w = _mean(recording, subject, power)
    idle_w = subject.levels.idle_w
    of_board = power == recording.power
    if of_board and subject.levels.full_w is not None and not subject.live:
        mean_w = subject.levels.full_w  # as in the table, without the guard of the timed span
    net_w = mean_w - idle_w if mean_w is not None and idle_w is not None and of_board else None
    mean_a = _mean(recording, subject, recording.beside(Quantity.CURRENT))
    mean_v = _mean(recording, subject, recording.beside(Quantity.VOLTAGE))
    return (
        Reading(*live(mean_w, "W"), _which(recording)),
        _net(recording, subject, net_w),
        Reading(*live(mean_a, "A", 3)),
        Reading(*live(mean_v, "V")),
        *_of_run(subject.result),
    )


def _net(recording: Recording, subject: Subject, net_w: float | None) -> Reading:
    """The net power; nothing with its bound where it is less than its own uncertainty."""
    bound_w = net_bound_w(recording, subject) if net_w is not None else None
    if net_w is None or bound_w is None or abs(net_w) >= bound_w:
        return Reading(*live(net_w, "W"))
    return Reading("0", f"± {engineering(bound_w, 'W')}")


def _mean(recording: Recording, subject: Subject, signal: SignalRow | None) -> float | None:
    if subject.span_s is None:
        return recording.mean_now(signal)
    return recording.mean_between(signal, *subject.span_s)


def _which(recording: Recording) -> str:
    """The name of the power, where there is another one that it could be."""
    power = recording.read_out
    several = sum(signal.quantity is Quantity.POWER for signal in recording.signals) > 1
    return recording.labels.get(power.id, power.name) if power is not None and several else ""


def _of_run(result: RunResult | None) -> tuple[Reading, ...]:
    if result is None:
        return (Reading(unit="mJ"), Reading(unit="ms"), Reading(unit="ms"), Reading(unit="img/s"), Reading())
    energy = result.energy.net.j_per_image if result.energy and result.energy.net else None
    p50_s = result.latency.median_s if result.latency else None
    p99 = result.latency.p99 if result.latency else None
    top1 = result.top1
    latencies = Reading(_milliseconds(p50_s), "ms"), Reading(_milliseconds(p99.value if p99 else None), "ms")
    return (
        Reading(three_digits(None if energy is None else 1e3 * energy), "mJ", _of_unit("energy / image", result.unit)),
        *(_generating(result) or latencies),
        Reading(three_digits(result.images_per_s), RATES.get(result.unit, f"{result.unit}s/s")),
        Reading(*short_fraction(top1)) if top1 else _by_metric(result),
    )


def _generating(result: RunResult) -> tuple[Reading, ...]:
    """In place of the latency of a request, of a model that generates: until the first token, and for one more."""
    prefill, decode = result.part(PREFILL), result.part(DECODE)
    if prefill is None or decode is None or prefill.latency is None:
        return ()
    step = decode.seconds_per_unit
    return (
        Reading(_milliseconds(prefill.latency.median_s), "ms", "first token"),
        Reading(_milliseconds(step.value if step else None), "ms", "decode / token"),
    )


def _of_unit(caption: str, unit: str) -> str:
    """A caption in the words of a unit; empty, for that of the dial, where it is an image."""
    return "" if unit == IMAGE else worded(caption, unit)


def _by_metric(result: RunResult) -> Reading:
    """The first of the user's own metrics."""
    metric = next(iter(result.metrics), None)
    if metric is None:
        return Reading()
    text, _, half = metric_value(metric).partition(" ")
    return Reading(text, half, metric.name)


def _milliseconds(seconds: float | None) -> str:
    """With one decimal, and two below ten: a small network on a GPU takes a fraction of one."""
    return fixed(None if seconds is None else 1e3 * seconds, 1 if seconds is None or seconds >= 0.01 else 2)


def joined(*parts: str) -> str:
    """Those that say something, on one line."""
    return APART.join(part for part in parts if part)


class Readouts(Panel):
    """A row of numbers of one size, under the name of what they belong to."""

    place = Place.ABOVE_PANES
    live_asked = Signal()
    """The newest samples are to be read again."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme)
        self.setFixedHeight(HEIGHT_PX + CAPTION_PX)
        self._simulated = False
        self.caption = dim_label()
        self.live = WordButton("follow", name="live")
        self.live.setToolTip("Follow the newest samples and read them (End)")
        self.live.clicked.connect(self.live_asked)
        self.live.hide()
        row = QHBoxLayout()
        row.setContentsMargins(8, 0, 4, 0)
        row.setSpacing(0)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(self._head())
        column.addLayout(row)
        self.numbers = [Number(dial, theme) for dial in DIALS]
        for number in self.numbers:
            row.addWidget(number, 5 if number.dial.caption == "top-1" else 4)

    def _head(self) -> QHBoxLayout:
        head = QHBoxLayout()
        head.setContentsMargins(8 + SIDE_PX, 6, 0, 0)
        head.setSpacing(12)
        head.addWidget(self.caption)
        head.addWidget(self.live)
        head.addStretch(1)
        return head

    def show_state(self, state: WindowState) -> None:
        if state.recording is None:
            return
        self._simulated = state.simulated
        self.live.setVisible(state.growing and not state.subject.live)
        stopped = stopped_text(state) if state.subject.live else ""
        self.caption.setText(stopped if state.silent_s and stopped else joined(state.subject.caption, stopped))
        # Both are named: an empty style leaves a label in the colour that it had.
        self.caption.setStyleSheet(f"color: {self.theme.alarm if stopped else self.theme.dim}")
        self.show_readings(readings(state.recording, state.subject))

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Copy a number, or all of them."""
        pop_up(menu_of(self, self.entries(event.pos())), event.globalPos())

    def entries(self, at: QPoint) -> list[Entry]:
        """Of the menu at a place."""
        number = next((each for each in self.numbers if each.geometry().contains(at)), None)
        measured = number is not None and number.reading.text != NOTHING
        return [
            Title(self.caption.text()),
            *(
                [Item("Copy this number", partial(copy, marked(number.reading.words, simulated=self._simulated)))]
                if number is not None and measured
                else []
            ),
            Item("Copy all of them as a table", lambda: copy(self._table())),
        ]

    def _table(self) -> str:
        rows = (("of", "quantity", "value", "unit", "origin"), *map(self._row, self.numbers))
        return table_of(rows)

    def _row(self, number: Number) -> tuple[str, ...]:
        reading = number.reading
        text = "" if reading.text == NOTHING else reading.text
        return (self.caption.text(), reading.caption or number.dial.caption, text, reading.unit,
                origin(simulated=self._simulated))  # fmt: skip

    def show_readings(self, shown: tuple[Reading, ...]) -> None:
        for number, reading in zip(self.numbers, shown, strict=True):
            number.show_reading(reading)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        size = min(number.largest_px() for number in self.numbers)
        for number in self.numbers:
            number.set_size(size)

    def set_theme(self, theme: Theme) -> None:
        super().set_theme(theme)
        for number in self.numbers:
            number.set_theme(theme)


class Number(QWidget):
    """A caption, a large light number, its unit."""

    def __init__(self, dial: Dial, theme: Theme) -> None:
        super().__init__()
        self.dial = dial
        self.reading = Reading()
        self._theme = theme
        self._size_px = LARGEST_PX
        self.setToolTip(dial.tip)
        self.setAccessibleName(dial.caption)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(100, HEIGHT_PX)

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.update()

    def show_reading(self, reading: Reading) -> None:
        if reading != self.reading:
            self.reading = reading
            self.setAccessibleDescription(f"{reading.text} {reading.unit}")
            self.setToolTip(plain_tip(f"{reading.caption}: {self.dial.tip}" if reading.caption else self.dial.tip))
            self.update()

    def set_size(self, size_px: int) -> None:
        if size_px != self._size_px:
            self._size_px = size_px
            self.update()

    def largest_px(self) -> int:
        """The largest size at which number and unit fit; room for one digit more, so that it seldom changes.

        Larger text makes no number smaller: its unit then has the room that it has at the usual size.
        """
        unit_at_usual_size = QFontMetricsF(usual_font(SMALL_PX)).horizontalAdvance(self.reading.unit)
        room = self.width() - SIDE_PX - 8 - unit_at_usual_size
        wide = sum(_advances(self.reading.text, QFontMetricsF(_large(100))))
        return int(min(max(100 * room / max(wide, 1), SMALLEST_PX), LARGEST_PX))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.TextAntialiasing)
        painter.setPen(QColor(self._theme.dim))
        painter.setFont(ui_font(SMALL_PX))
        metrics = QFontMetricsF(painter.font())
        caption = self.reading.caption or self.dial.caption
        room = self.width() - SIDE_PX - 4
        if metrics.horizontalAdvance(caption) > room:
            caption = self.reading.caption or self.dial.short or caption
        painter.drawText(QPointF(SIDE_PX, 19), metrics.elidedText(caption, Qt.TextElideMode.ElideRight, room))
        font = _large(self._size_px)
        painter.setFont(font)
        measured = self.reading.text != NOTHING
        painter.setPen(QColor(getattr(self._theme, self.dial.colour) if measured else self._theme.dim))
        x = float(SIDE_PX - 1)
        for character, advance in zip(
            self.reading.text, _advances(self.reading.text, QFontMetricsF(font)), strict=True
        ):
            painter.drawText(QPointF(x, 48), character)
            x += advance
        if measured:
            painter.setPen(QColor(self._theme.dim))
            size_px = unit_px(self.reading.unit, self.width() - x - 8)
            if size_px is not None:  # else over the next number
                painter.setFont(ui_font(size_px))
                painter.drawText(QPointF(x + 5, 48), self.reading.unit)


def unit_px(unit: str, room_px: float) -> int | None:
    """The size of the font, as `ui_font` takes it, in which a unit with its bound fits; None where none can be read."""
    sizes = range(SMALL_PX, SMALLEST_UNIT_PX - 1, -1)
    return next((px for px in sizes if QFontMetricsF(ui_font(px)).horizontalAdvance(unit) <= room_px), None)


def _large(size_px: int) -> QFont:
    return ui_font(size_px, QFont.Weight.ExtraLight)


def _advances(text: str, metrics: QFontMetricsF) -> list[float]:
    """Tabular figures, whatever the font: each digit is as wide as the widest."""
    digit = max(metrics.horizontalAdvance(d) for d in "0123456789")
    return [
        digit if c.isdigit() else 0.6 * metrics.horizontalAdvance(c) if c == " " else metrics.horizontalAdvance(c)
        for c in text
    ]
