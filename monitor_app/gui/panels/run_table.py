# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: N802 (Qt names these methods)
"""All runs of the session with their results."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, QSize, Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QVBoxLayout

from monitor_app.core.formatting import NOTHING, fixed, percent_range, plus_minus, three_digits, without_interval
from monitor_app.core.runs import RunState
from monitor_app.gui.panels.panel import Panel, Place
from monitor_app.gui.plain_tip import plain_tip
from monitor_app.gui.theme import SMALL_PX, ui_font

if TYPE_CHECKING:
    from monitor_app.analysis.run.energy import EnergySummary
    from monitor_app.analysis.run.results import RunResult
    from monitor_app.gui.panels.panel import WindowState
    from monitor_app.gui.session.recording import Recording
    from monitor_app.gui.theme import Theme
    from monitor_app.session.rows import RunRow

COLUMNS = (
    "run", "batch", "state", "images/s", "ms/image", "p50 ms", "p99 ms", "idle W", "full W", "net W",
    "mJ/image", "top-1",
)  # fmt: skip
LEFT = frozenset({"run", "state"})
"""Columns set to the left; numbers are set to the right."""
ROW_PX = 26
HEIGHT_PX = 136
"""Until the user drags its edge."""
Index: TypeAlias = "QModelIndex | QPersistentModelIndex"


@dataclass(frozen=True, slots=True)
class RunLine:
    """A row of the table as text."""

    run_id: int
    texts: tuple[str, ...]
    tip: str
    failed: bool


def run_line(run: RunRow, result: RunResult | None) -> RunLine:
    """The texts of a run, with dashes for what was not measured."""
    rate, latency, power = (result.images_per_s, result.latency, result.power) if result else (None, None, None)
    p99 = latency.p99 if latency else None
    delays = (latency.median_s if latency else None, p99.value if p99 else None)
    watts = (power.idle_w, power.full_w, power.net_w) if power else (None, None, None)
    texts = (
        run.title, f"{run.batch_size}", run.state.replace("_", " "), three_digits(rate),
        without_interval(result.seconds_per_image if result else None, 1e3),
        *(fixed(None if s is None else 1e3 * s, 1) for s in delays),
        *(fixed(w, 2) for w in watts),
        energy_words(result.energy if result else None), _top1(run, result),
    )  # fmt: skip
    return RunLine(run.id, texts, _tip(run, result), run.state == RunState.FAILED.value)


def energy_words(energy: EnergySummary | None) -> str:
    """Net millijoules per image with one standard deviation."""
    if energy is None or energy.net is None:
        return NOTHING
    return plus_minus(1e3 * energy.net.j_per_image, 1e3 * energy.net.expanded_j)


def _top1(run: RunRow, result: RunResult | None) -> str:
    p = result.top1 if result else None
    if p is not None:
        return f"{p.correct}/{p.images}   {percent_range(p)}"
    return run.accuracy_note or NOTHING


def _tip(run: RunRow, result: RunResult | None) -> str:
    if run.error:
        return run.error
    parts = [run.network, run.precision, f"on {run.device}", f"{run.threads} threads"]
    if result is not None and result.power is not None:
        parts.append(f"{100 * result.power.coverage:.2f} % of the samples arrived")
    accuracy = (f"Accuracy was not measured: {run.accuracy_note}.",) if run.accuracy_note else ()
    return "\n".join(("  ·  ".join(parts), *(result.notes if result is not None else ()), *accuracy))


WIDTHS = {"run": 122, "batch": 50, "state": 94, "images/s": 68, "mJ/image": 110, "top-1": 154}
"""Of the columns whose width does not follow the window's, in pixels."""


class RunModel(QAbstractTableModel):
    """The lines of the table for Qt."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.lines: list[RunLine] = []
        self.theme = theme

    def show_lines(self, lines: list[RunLine]) -> None:
        """Change only what is different, so that selection and scrolling stay."""
        if [line.run_id for line in lines[: len(self.lines)]] != [line.run_id for line in self.lines]:
            self.beginResetModel()
            self.lines = lines
            self.endResetModel()
            return
        for row, (old, new) in enumerate(zip(self.lines, lines, strict=False)):
            if old != new:
                self.lines[row] = new
                self.dataChanged.emit(self.index(row, 0), self.index(row, len(COLUMNS) - 1))
        if len(lines) > len(self.lines):
            self.beginInsertRows(QModelIndex(), len(self.lines), len(lines) - 1)
            self.lines = list(lines)
            self.endInsertRows()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.lines)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return COLUMNS[section]
        return _alignment(section) if role == Qt.ItemDataRole.TextAlignmentRole else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        line = self.lines[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return line.texts[index.column()]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(index.column())
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tip(line.tip)
        if role == Qt.ItemDataRole.ForegroundRole:
            return self._colour(line, index.column())
        return None

    def _colour(self, line: RunLine, column: int) -> QColor | None:
        text = line.texts[column]
        if line.failed and COLUMNS[column] == "state":
            return QColor(self.theme.alarm)
        reason = COLUMNS[column] == "top-1" and "/" not in text
        quiet = text == NOTHING or reason or COLUMNS[column] == "state"
        return QColor(self.theme.dim) if quiet else None


def _alignment(column: int) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignLeft if COLUMNS[column] in LEFT else Qt.AlignmentFlag.AlignRight
    return side | Qt.AlignmentFlag.AlignVCenter


class RunTable(Panel):
    """One run a line, the newest last; hidden where there are no runs."""

    place = Place.BELOW_PANES
    period_s = 0.5

    run_chosen = Signal(int)
    """(id of the run) on a double click"""

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme)
        self.view = QTableView()
        self._model = RunModel(theme)
        self._wanted = self._has_runs = True
        self.view.setModel(self._model)
        self.view.setShowGrid(False)
        self.view.setAlternatingRowColors(True)
        self.view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.view.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.view.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.view.setMinimumHeight(2 * ROW_PX)
        self.view.verticalHeader().hide()
        self.view.verticalHeader().setDefaultSectionSize(ROW_PX)
        self._set_header()
        self.view.doubleClicked.connect(self._choose)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.view)

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), HEIGHT_PX)

    def _set_header(self) -> None:
        header = self.view.horizontalHeader()
        header.setFont(ui_font(SMALL_PX))
        header.setFixedHeight(ROW_PX)
        header.setHighlightSections(False)
        header.setSectionsClickable(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        header.setMinimumSectionSize(40)
        for name, width in WIDTHS.items():
            header.setSectionResizeMode(COLUMNS.index(name), QHeaderView.ResizeMode.Fixed)
            header.resizeSection(COLUMNS.index(name), width)

    def set_theme(self, theme: Theme) -> None:
        super().set_theme(theme)
        self._model.theme = theme
        self.view.viewport().update()

    def set_wanted(self, on: bool) -> None:
        """Show the table where there are runs, or hide it in any case."""
        self._wanted = on
        self.setVisible(on and self._has_runs)

    def show_state(self, state: WindowState) -> None:
        if state.recording is not None:
            self._show_runs(state.recording)
            self._has_runs = state.recording.has_runs
            self.set_wanted(self._wanted)

    def _show_runs(self, recording: Recording) -> None:
        """The newest run stays in view if it was."""
        bar = self.view.verticalScrollBar()
        at_end = bar.value() == bar.maximum()
        count = self._model.rowCount()
        self._model.show_lines([run_line(run, recording.results.get(run.id)) for run in recording.runs])
        if at_end and self._model.rowCount() != count:
            self.view.scrollToBottom()

    @property
    def chosen(self) -> int | None:
        """Id of the run whose line is selected; None where none is."""
        rows = self.view.selectionModel().selectedRows()
        return self._model.lines[rows[0].row()].run_id if rows else None

    def select(self, run_id: int | None) -> None:
        """Select the line of a run, or none."""
        row = next((k for k, line in enumerate(self._model.lines) if line.run_id == run_id), None)
        if row is None:
            self.view.clearSelection()
        else:
            self.view.selectRow(row)

    def _choose(self, index: QModelIndex) -> None:
        self.run_chosen.emit(self._model.lines[index.row()].run_id)
