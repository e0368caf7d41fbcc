# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: N802 (Qt names these methods)
"""All runs of the session with their results: counted, sorted, filtered, copied."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from PySide6.QtCore import (
    QItemSelectionModel,
    QPoint,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QFontMetricsF
from PySide6.QtWidgets import QAbstractItemView, QHBoxLayout, QHeaderView, QMenu, QVBoxLayout

from monitor_app.core.formatting import NOTHING
from monitor_app.gui.clipboard import copy
from monitor_app.gui.panels.panel import Panel, Place
from monitor_app.gui.panels.parts import WordButton
from monitor_app.gui.panels.run_lines import (
    COLUMNS,
    WHERE_THEY_DIFFER,
    Count,
    RunLine,
    counts,
    differing,
    ended_plan,
    planned_runs,
    run_lines,
)
from monitor_app.gui.panels.runs_view import FilterField, RunModel, RunsView, ShownRuns
from monitor_app.gui.session.tables import origin, table_of
from monitor_app.gui.theme import SMALL_PX, ui_font

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from monitor_app.gui.panels.panel import WindowState
    from monitor_app.gui.theme import Theme

ROW_PX = 26
HEIGHT_PX = 162
"""Until the user drags its edge."""
FILTER_PX = 190
PADDING_PX, HEAD_PADDING_PX = 20, 18
"""Of a cell, on both sides together."""
LEAST_PX, LEAST_NAME_PX = 30, 126
WORDS = ("top-1", "run")
"""Columns whose words can be elided, the first one first; between the two, columns give way."""
GIVE_WAY = ("p99 ms", "idle W", "full W", "p50 ms", "start", "precision", "cycle", "images/s", "net W")
"""Columns that are hidden where there is no room for all, the first one first, unless the user has chosen them."""
ARROW_PX = 14
"""Of the order, beside a head."""


@dataclass(frozen=True, slots=True)
class TableView:
    """What the user has set: columns that were shown or hidden, the order, and what is filtered."""

    columns: tuple[tuple[str, bool], ...] = ()
    sorted_by: int = -1
    """Column; -1 keeps the order of the session."""
    descending: bool = False
    words: str = ""
    end: str = ""
    """The count that was clicked."""


class RunTable(Panel):
    """A line of counts, and one run a line, the newest last; hidden where there are no runs."""

    place = Place.BELOW_PANES
    period_s = 0.5

    run_chosen = Signal(int)
    """(id of the run) on a double click"""
    overlay_asked = Signal(int, int)
    """(ids of two runs, in the order of the table)"""
    plan_ended = Signal(str, bool)
    """(how many runs came to which end, one sentence; whether some were lost)"""

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme)
        self.view = RunsView()
        self.counts: dict[str, WordButton] = {}
        """By end."""
        self.filter = FilterField(placeholderText="Filter runs (Ctrl+F)", clearButtonEnabled=True)
        self._strip = QHBoxLayout()
        self._model = RunModel(theme)
        self._shown = ShownRuns(self._model)
        self._wanted = self._has_runs = True
        self._simulated = False
        self._plan_runs = False
        self._chosen_columns: dict[str, bool] = {}
        """Columns that the user has shown or hidden."""
        self._widths: dict[int, float] = {}
        """What the columns need that are wanted, by their place."""
        self._least: dict[int, float] = {}
        """What is left of those whose words are elided."""
        self.view.resized.connect(self._fit)
        self._set_view()
        self._set_header()
        self._arrange()
        self._connect()

    def _set_view(self) -> None:
        self.view.setModel(self._shown)
        self.view.setShowGrid(False)
        self.view.setAlternatingRowColors(True)
        self.view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.view.setAccessibleName("runs")
        self.view.setTabKeyNavigation(False)
        self.view.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.view.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.view.setMinimumHeight(2 * ROW_PX)
        self.view.verticalHeader().hide()
        self.view.verticalHeader().setDefaultSectionSize(ROW_PX)

    def _set_header(self) -> None:
        header = self.view.horizontalHeader()
        header.setFont(ui_font(SMALL_PX))
        header.setFixedHeight(ROW_PX)
        header.setHighlightSections(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setMinimumSectionSize(LEAST_PX)
        header.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        # The third click on a head gives the order of the session back.
        header.setSortIndicatorClearable(True)
        header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self.view.setSortingEnabled(True)

    def _arrange(self) -> None:
        self.filter.setFixedWidth(FILTER_PX)
        self.filter.setAccessibleName("words that a run has to have")
        self._strip.setSpacing(14)
        line = QHBoxLayout()
        line.setContentsMargins(8, 3, 8, 3)
        line.addLayout(self._strip)
        line.addStretch(1)
        line.addWidget(self.filter)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(line)
        column.addWidget(self.view)

    def _connect(self) -> None:
        self.view.return_pressed.connect(lambda row: self.run_chosen.emit(self._shown.line(row).run_id))
        self.view.run_double_clicked.connect(self.run_chosen)
        self.view.customContextMenuRequested.connect(self._open_menu)
        self.view.copy_asked.connect(self.copy_rows)
        self.view.clear_asked.connect(self.show_all)
        self.view.horizontalHeader().customContextMenuRequested.connect(self._open_columns_menu)
        self.view.horizontalHeader().sortIndicatorChanged.connect(lambda *_: self._set_columns())
        self.filter.textChanged.connect(lambda words: self._show_only(words, self._shown.end))
        self.filter.left.connect(self._leave_filter)

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), HEIGHT_PX)

    def set_theme(self, theme: Theme) -> None:
        super().set_theme(theme)
        self._model.theme = theme
        self._set_columns()  # the text may have become larger
        self.view.viewport().update()

    def set_wanted(self, on: bool) -> None:
        """Show the table where there are runs, or hide it in any case."""
        self._wanted = on
        self.setVisible(on and self._has_runs)

    def show_state(self, state: WindowState) -> None:
        if state.recording is None:
            self._show_runs([])
            self._has_runs = False
            self.set_wanted(self._wanted)
            return
        self._simulated = state.simulated
        lines = run_lines(state.recording)
        self._show_runs(lines)
        parts = counts(lines, planned_runs(lines, state.status))
        self._show_counts(parts)
        self._announce_end(lines, parts, state)
        self._has_runs = state.recording.has_runs
        self.set_wanted(self._wanted)

    def _announce_end(self, lines: list[RunLine], parts: Sequence[Count], state: WindowState) -> None:
        """Once the last run of a plan has come to its end in the file as well."""
        if state.running:
            self._plan_runs = True
        elif self._plan_runs and not any(line.running for line in lines):
            self._plan_runs = False
            sentence = ended_plan(lines, parts) if state.live else ""
            if sentence:
                self.plan_ended.emit(sentence, any(part.wrong for part in parts))

    def _show_runs(self, lines: list[RunLine]) -> None:
        """The newest run stays in view if it was."""
        if lines == self._model.lines:
            return
        bar = self.view.verticalScrollBar()
        at_end = bar.value() == bar.maximum()
        count = self._shown.rowCount()
        self._model.show_lines(lines)
        self._set_columns()
        if at_end and self._shown.rowCount() != count:
            self.view.scrollToBottom()

    # -- counts and filter -----------------------------------------------------------------------

    def _show_counts(self, parts: Sequence[Count]) -> None:
        for part in parts:
            if part.end not in self.counts:
                self._add_count(part)
            self.counts[part.end].setText(part.text)
            self._mark(self.counts[part.end], part)
        for end, button in self.counts.items():
            button.setVisible(any(part.end == end for part in parts))

    def _mark(self, button: WordButton, part: Count) -> None:
        """Only where it changes: a style is slow to set."""
        if button.property("wrong") != part.wrong:
            button.setProperty("wrong", part.wrong)
            button.style().unpolish(button)
            button.style().polish(button)

    def _add_count(self, part: Count) -> None:
        button = WordButton(name="count")
        button.setCheckable(True)
        button.setToolTip(f"{part.tip}; a second click shows all again")
        button.clicked.connect(lambda on: self._show_only(self._shown.words, part.end if on else ""))
        self._strip.addWidget(button)
        self.counts[part.end] = button

    def _show_only(self, words: str, end: str) -> None:
        self._shown.show_only(words=words, end=end)
        for name, button in self.counts.items():
            button.setChecked(name == end)

    def find_runs(self) -> None:
        """Type words that the runs shown should contain."""
        if self.isVisible():
            self.filter.setFocus(Qt.FocusReason.ShortcutFocusReason)
            self.filter.selectAll()

    def show_all(self) -> None:
        """Filter nothing."""
        self.filter.clear()
        self._show_only("", "")

    def _leave_filter(self) -> None:
        self.show_all()
        self.filter.clearFocus()

    # -- columns ---------------------------------------------------------------------------------

    def show_column(self, name: str, on: bool) -> None:
        """Show or hide a column, whatever is in it."""
        self._chosen_columns[name] = on
        self._set_columns()

    def _set_columns(self) -> None:
        """Give each column that is wanted the room that its texts need."""
        varied = differing(self._model.lines)
        wanted = [
            k
            for k, name in enumerate(COLUMNS)
            if self._chosen_columns.get(name, name not in WHERE_THEY_DIFFER or name in varied)
        ]
        lines = self._model.lines
        self._widths = {k: self._needed(k, [line.texts[k] for line in lines]) for k in wanted}
        top1, run = (COLUMNS.index(name) for name in WORDS)
        # Of top-1 only the reasons can be elided: the numbers are read as a whole.
        numbers = self._needed(top1, [line.texts[top1] for line in lines if "/" in line.texts[top1]])
        self._least = {top1: max(numbers, LEAST_NAME_PX), run: LEAST_NAME_PX}
        self._fit()

    def _needed(self, k: int, texts: Iterable[str]) -> float:
        """The width of a column in which these texts are."""
        cells, heads = QFontMetricsF(self.view.font()), QFontMetricsF(self.view.horizontalHeader().font())
        arrow = ARROW_PX if k == self._shown.sortColumn() else 0
        return max(
            heads.horizontalAdvance(self._model.heads[k]) + HEAD_PADDING_PX + arrow,
            *(cells.horizontalAdvance(text) + PADDING_PX for text in texts),
            LEAST_PX,
        )

    def _fit(self) -> None:
        """What room is left is shared by all columns; where it is short, some of them give way to the names."""
        widths = self._fitting(self.view.viewport().width())
        spare = self.view.viewport().width() - sum(widths.values())
        for k in range(len(COLUMNS)):
            self.view.setColumnHidden(k, k not in widths)
        for k, width in widths.items():
            self.view.setColumnWidth(k, ceil(width) + int(max(spare - len(widths), 0) / len(widths)))

    def _fitting(self, room_px: float) -> dict[int, float]:
        """The widths of the columns that are shown: reasons are elided, then columns hidden, then names elided."""
        widths = dict(self._widths)
        top1, run = (COLUMNS.index(name) for name in WORDS)

        def elide(k: int) -> None:
            over = sum(map(ceil, widths.values())) - room_px
            if k in widths and over > 0:
                widths[k] = max(widths[k] - over, min(widths[k], self._least[k]))

        elide(top1)
        for k in (COLUMNS.index(name) for name in GIVE_WAY if not self._chosen_columns.get(name)):
            if sum(map(ceil, widths.values())) > room_px:
                widths.pop(k, None)
        if top1 in widths:  # a column that has given way may leave more room than was missing
            widths[top1] = self._widths[top1]
        elide(top1)
        elide(run)
        return widths

    def columns_menu(self) -> QMenu:
        """Which columns are shown."""
        menu = QMenu(self)
        for k, name in enumerate(COLUMNS):
            action = menu.addAction(self._model.heads[k])
            action.setCheckable(True)
            action.setChecked(not self.view.isColumnHidden(k))
            action.setEnabled(name != "run")
            action.toggled.connect(lambda on, name=name: self.show_column(name, on))
        return menu

    def _open_columns_menu(self, at: QPoint) -> None:
        self._pop_up(self.columns_menu(), self.view.horizontalHeader().mapToGlobal(at))

    def view_settings(self) -> TableView:
        """What the user has set."""
        header = self.view.horizontalHeader()
        return TableView(
            tuple(self._chosen_columns.items()), header.sortIndicatorSection(),
            header.sortIndicatorOrder() is Qt.SortOrder.DescendingOrder, self._shown.words, self._shown.end,
        )  # fmt: skip

    def set_view(self, wanted: TableView) -> None:
        """As it was set before."""
        self._chosen_columns = dict(wanted.columns)
        order = Qt.SortOrder.DescendingOrder if wanted.descending else Qt.SortOrder.AscendingOrder
        self.view.horizontalHeader().setSortIndicator(wanted.sorted_by, order)
        self.filter.setText(wanted.words)
        self._show_only(wanted.words, wanted.end)
        self._set_columns()

    # -- rows ------------------------------------------------------------------------------------

    @property
    def chosen(self) -> int | None:
        """Id of the run whose line is selected; None where none is."""
        rows = self.view.selectionModel().selectedRows()
        return self._shown.line(rows[0].row()).run_id if rows else None

    @property
    def selected(self) -> list[int]:
        """Ids of the runs whose lines are selected, from top to bottom."""
        rows = sorted(index.row() for index in self.view.selectionModel().selectedRows())
        return [self._shown.line(row).run_id for row in rows]

    def overlay_runs(self) -> None:
        """Lay the two selected runs over each other."""
        if len(self.selected) == 2:
            self.overlay_asked.emit(*self.selected)

    def select(self, run_id: int | None) -> None:
        """Select the line of a run, or none; a filter that hides it is cleared."""
        if run_id is not None and self._row_of(run_id) is None:
            self.show_all()
        row = None if run_id is None else self._row_of(run_id)
        if row is None:
            self.view.clearSelection()
            return
        # Not by selectRow, for which the modifier keys mean what they mean for a click.
        index, flags = self._shown.index(row, 0), QItemSelectionModel.SelectionFlag
        self.view.selectionModel().setCurrentIndex(index, flags.ClearAndSelect | flags.Rows)
        self.view.scrollTo(index)

    def _row_of(self, run_id: int) -> int | None:
        return next((k for k in range(self._shown.rowCount()) if self._shown.line(k).run_id == run_id), None)

    def row_menu(self, row: int) -> QMenu:
        """What can be done with a row."""
        line = self._shown.line(row)
        menu = QMenu(self)
        menu.addAction("Show", lambda: self.run_chosen.emit(line.run_id))
        overlay = menu.addAction("Overlay the runs", self.overlay_runs)
        overlay.setEnabled(len(self.selected) == 2)
        overlay.setToolTip("Select two runs: Ctrl and click")
        menu.addSeparator()
        several = len(self.selected) > 1
        menu.addAction("Copy rows" if several else "Copy row", self.copy_rows)
        menu.addAction("Copy table", self.copy_table)
        return menu

    def _open_menu(self, at: QPoint) -> None:
        index = self.view.indexAt(at)
        if index.isValid():
            self._pop_up(self.row_menu(index.row()), self.view.viewport().mapToGlobal(at))

    def _pop_up(self, menu: QMenu, at: QPoint) -> None:
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(at)

    def copy_rows(self) -> None:
        """The selected rows with their heads and where they come from, as text for a spreadsheet."""
        self._copy(sorted(index.row() for index in self.view.selectionModel().selectedRows()))

    def copy_table(self) -> None:
        """All rows that are shown."""
        self._copy(range(self._shown.rowCount()))

    def copy_run(self, run_id: int) -> None:
        """The row of a run, also of one that is filtered out."""
        self._copy_lines([line for line in self._model.lines if line.run_id == run_id])

    def _copy(self, rows: Sequence[int]) -> None:
        self._copy_lines([self._shown.line(row) for row in rows])

    def _copy_lines(self, lines: Sequence[RunLine]) -> None:
        if not lines:
            return
        shown = sorted(self._widths)  # also those for which there is no room
        cells = [[*(self._model.heads[k] for k in shown), "origin"]]
        where = origin(simulated=self._simulated)
        cells += [[*("" if line.texts[k] == NOTHING else line.texts[k] for k in shown), where] for line in lines]
        copy(table_of(cells))
