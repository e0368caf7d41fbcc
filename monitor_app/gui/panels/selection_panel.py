# SPDX-License-Identifier: Apache-2.0
"""Statistics of the selected interval, for each signal that is shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QVBoxLayout

from monitor_app.core.formatting import NOTHING, engineering, exact_interval, fixed, scale_of, three_digits, unit_of
from monitor_app.core.models.units import worded
from monitor_app.core.samples import Quantity
from monitor_app.gui.panels.panel import Panel
from monitor_app.gui.panels.parts import Elided, Label, MarkedName, SectionHeader, dim_label
from monitor_app.gui.plot.legend import LETTERS
from monitor_app.gui.session.interval_statistics import image_energy, measured
from monitor_app.gui.session.tables import origin, table_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor_app.gui.panels.panel import WindowState
    from monitor_app.gui.session.recording import Recording
    from monitor_app.gui.session.shown_signals import ShownSignal, ShownSignals
    from monitor_app.gui.theme import Theme
    from monitor_app.session.waveform import Statistics

COLUMNS = ("mean", "min", "max", "energy")
TOO_FEW_SAMPLES = "withheld: samples missing"


@dataclass(frozen=True, slots=True)
class SignalFigures:
    """One of several signals: its name, its unit, and a text for each of COLUMNS."""

    name: str
    unit: str
    colour: str
    slot: int
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SelectionFigures:
    """Statistics of the interval; rows that do not apply are left out."""

    rows: dict[str, str] = field(default_factory=dict)
    signals: tuple[SignalFigures, ...] = ()
    """Empty where one signal is shown: then the rows have its figures."""


def selection_figures(
    recording: Recording, shown: ShownSignals, start_s: float, end_s: float, theme: Theme
) -> SelectionFigures:
    """Of all signals that are shown, over every sample of the interval."""
    signals = measured(recording, shown.all, start_s, end_s)
    rows = {"Δt": exact_interval(recording.host_ns(end_s) - recording.host_ns(start_s))}
    if not any(s.count for _, s in signals):
        return SelectionFigures(rows | {"coverage": "no samples"})
    if len(signals) == 1:
        rows |= _rows_of(*signals[0])
    board = next((s for t, s in signals if t.signal == recording.power and s.count), None)
    if board is not None:
        rows |= _energies(recording, board, start_s, end_s)
    rows |= _coverage(recording, signals)
    several = signals if len(signals) > 1 else []
    return SelectionFigures(rows, tuple(_signal_figures(recording, t, s, theme) for t, s in several))


def _rows_of(each: ShownSignal, s: Statistics) -> dict[str, str]:
    quantity, unit = each.signal.quantity, unit_of(each.signal.quantity)
    rows = {
        "mean": engineering(s.mean, unit, exact=True),
        "min … max": f"{fixed(s.minimum, 3)} … {fixed(s.maximum, 3)} {unit}",
        "std": engineering(s.deviation, unit, exact=True),
    }
    if quantity is Quantity.POWER:
        rows["energy"] = _at_least(s, engineering(s.integral, "J", exact=True))
    elif quantity is Quantity.CURRENT:
        rows["charge"] = _at_least(s, engineering(s.integral, "C", exact=True))
    return rows


def _at_least(s: Statistics, text: str) -> str:
    """An integral, as a lower bound where samples are missing."""
    return text if s.complete else f"at least {text}"


def _energies(recording: Recording, power: Statistics, start_s: float, end_s: float) -> dict[str, str]:
    """Of the board: net of its idle power, and per image where nearly all of the interval was recorded."""
    energy, figures = image_energy(recording, power, start_s, end_s), {}
    if energy.net_j is not None:
        figures["net"] = _at_least(power, engineering(energy.net_j, "J", exact=True))
    per_image = worded("per image", energy.unit)
    figures[worded("images", energy.unit)] = f"{energy.images:,}"
    if energy.withheld:
        figures[per_image] = TOO_FEW_SAMPLES
    elif energy.per_image_j is not None:
        figures[per_image] = engineering(energy.per_image_j, "J", exact=True)
    return figures


def _coverage(recording: Recording, signals: Sequence[tuple[ShownSignal, Statistics]]) -> dict[str, str]:
    """How much of the interval was recorded, of the signal with the most missing, which is named."""
    worst, s = min(signals, key=lambda each: each[1].coverage)
    if s.complete:
        return {"coverage": "100.00 %"}
    name = recording.labels.get(worst.signal.id, worst.signal.name)
    # Never 100 % where a sample is missing.
    return {
        "recorded": f"{fixed(s.recorded_s, 1)} of {fixed(s.duration_s, 1)} s",
        "coverage": f"{min(100 * s.coverage, 99.99):.2f} %",
        "gap in": name,
    }


def _signal_figures(recording: Recording, each: ShownSignal, s: Statistics, theme: Theme) -> SignalFigures:
    quantity = each.signal.quantity
    name = recording.labels.get(each.signal.id, each.signal.name)
    factor, unit = scale_of(max(abs(s.minimum), abs(s.maximum)) if s.count else 1.0, unit_of(quantity))
    values = (s.mean, s.minimum, s.maximum)
    texts = [three_digits(value * factor) if s.count else NOTHING for value in values]
    bound = "" if s.complete else "≥ "
    texts.append(bound + engineering(s.integral, "J") if s.count and quantity is Quantity.POWER else "")
    return SignalFigures(name, unit, theme.of_trace(quantity, each.slot), each.slot, tuple(texts))


class SelectionPanel(Panel):
    """Hidden while nothing is selected."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme)
        self._grid, self._table = QGridLayout(), QGridLayout()
        for grid in (self._grid, self._table):
            grid.setHorizontalSpacing(8)
            grid.setVerticalSpacing(4)
        self._grid.setColumnStretch(1, 1)
        self.shown = SelectionFigures()
        self._rows: list[tuple[QLabel, Elided]] = []
        self._heads = [dim_label(name) for name in COLUMNS]
        self._signals: list[tuple[MarkedName, Label, list[Label]]] = []
        for column, head in enumerate(self._heads):
            self._table.addWidget(head, 0, column, Qt.AlignmentFlag.AlignRight)
            self._table.setColumnStretch(column, 1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(7)
        whole.addWidget(SectionHeader("selection"))
        whole.addLayout(self._table)
        whole.addLayout(self._grid)
        self.hide()

    def text_at(self, at: QPoint) -> str:
        """The number at a place of the panel, with what it is; empty where there is none."""
        rows = (name.text() + "  " + value.whole for name, value in self._rows if _has(at, name, value))
        cells = (
            f"{figures.name}  {head} {text} {figures.unit if head != 'energy' else ''}".rstrip()
            for figures, (_, _, labels) in zip(self.shown.signals, self._signals, strict=False)
            for head, text, label in zip(COLUMNS, figures.texts, labels, strict=True)
            if text and _has(at, label)
        )
        return next(iter((*rows, *cells)), "")

    def table(self, *, simulated: bool) -> str:
        """All that is shown, a row for each number."""
        where = origin(simulated=simulated)
        rows: list[Sequence[str]] = [("signal", "quantity", "value", "origin")]
        rows += (("", name, value, where) for name, value in self.shown.rows.items())
        rows += (
            (figures.name, head, text if head == "energy" else f"{text} {figures.unit}", where)
            for figures in self.shown.signals
            for head, text in zip(COLUMNS, figures.texts, strict=True)
            if text not in {"", NOTHING}
        )
        return table_of(rows)

    def show_state(self, state: WindowState) -> None:
        if state.recording is None or state.selection is None:
            self.show_figures(None)
        else:
            self.show_figures(selection_figures(state.recording, state.shown, *state.selection, state.theme))

    def show_figures(self, figures: SelectionFigures | None) -> None:
        """None hides the panel."""
        self.setVisible(figures is not None)
        if figures is None or figures == self.shown:
            return
        self.shown = figures
        while len(self._rows) < len(figures.rows):
            self._add_row()
        while len(self._signals) < len(figures.signals):
            self._add_signal()
        texts = [*figures.rows.items(), *[("", "")] * len(self._rows)]
        for (name, value), (name_text, value_text) in zip(self._rows, texts, strict=False):
            name.setText(name_text)
            value.set_text(value_text)
            for label in (name, value):
                label.setVisible(bool(name_text))
        for head in self._heads:
            head.setVisible(bool(figures.signals))
        for k, labels in enumerate(self._signals):
            self._fill(labels, figures.signals[k] if k < len(figures.signals) else None)

    def _fill(self, labels: tuple[MarkedName, Label, list[Label]], figures: SignalFigures | None) -> None:
        name, unit, cells = labels
        for label in (name, unit, *cells):
            label.setVisible(figures is not None)
        if figures is None:
            return
        name.show_name(LETTERS[figures.slot], figures.colour, figures.name)
        unit.setText(figures.unit)
        for cell, text in zip(cells, figures.texts, strict=True):
            cell.setText(text)

    def _add_row(self) -> None:
        name, value = dim_label(), Elided()
        value.setObjectName("")
        _make_number(value)
        row = len(self._rows)
        self._grid.addWidget(name, row, 0)
        self._grid.addWidget(value, row, 1)
        self._rows.append((name, value))

    def _add_signal(self) -> None:
        """Its name over its figures: four columns of numbers are as wide as the panel."""
        name, unit, cells = MarkedName(), dim_label(), [Label() for _ in COLUMNS]
        row = 1 + 2 * len(self._signals)
        self._table.addWidget(name, row, 0, 1, len(COLUMNS) - 1)
        self._table.addWidget(unit, row, len(COLUMNS) - 1, Qt.AlignmentFlag.AlignRight)
        for column, cell in enumerate(cells):
            _make_number(cell)
            self._table.addWidget(cell, row + 1, column)
        self._signals.append((name, unit, cells))


def _make_number(label: QLabel) -> None:
    """Copied by the menu of the panel, which says whether it is simulated; a selected text would not."""
    label.setAlignment(Qt.AlignmentFlag.AlignRight)


def _has(at: QPoint, *labels: QLabel) -> bool:
    return any(not label.isHidden() and label.geometry().contains(at) for label in labels)
