# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: N802 (Qt names these methods)
"""The rows and cells of the table of runs: as a model, sorted and filtered, and the view with its keys and mouse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from PySide6.QtCore import (
    QAbstractTableModel,
    QEvent,
    QModelIndex,
    QPersistentModelIndex,
    QSortFilterProxyModel,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QLineEdit, QTableView

from monitor_app.core.formatting import NOTHING
from monitor_app.gui.panels.run_lines import (
    COLUMNS,
    LEFT,
    RunLine,
    heads_of,
)
from monitor_app.gui.plain_tip import plain_tip

if TYPE_CHECKING:
    from PySide6.QtGui import QFocusEvent, QMouseEvent, QResizeEvent

    from monitor_app.gui.theme import Theme

Index: TypeAlias = "QModelIndex | QPersistentModelIndex"


class RunModel(QAbstractTableModel):
    """The lines of the table for Qt, in the order of the session."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.lines: list[RunLine] = []
        self.heads: tuple[str, ...] = COLUMNS
        """What stands above the columns."""
        self.theme = theme

    def show_lines(self, lines: list[RunLine]) -> None:
        """Change only what is different, so that selection and scrolling stay."""
        heads = heads_of(lines)
        if heads != self.heads:
            self.heads = heads
            self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, len(COLUMNS) - 1)
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
            return self.heads[section]
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
        reason = COLUMNS[column] == "top-1" and not any(letter.isdigit() for letter in text)
        quiet = text == NOTHING or reason or COLUMNS[column] in {"#", "state"}
        return QColor(self.theme.dim) if quiet else None


def _alignment(column: int) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignLeft if COLUMNS[column] in LEFT else Qt.AlignmentFlag.AlignRight
    return side | Qt.AlignmentFlag.AlignVCenter


class ShownRuns(QSortFilterProxyModel):
    """The lines with the words of the filter and of one count, in the order of a column."""

    def __init__(self, model: RunModel) -> None:
        super().__init__()
        self._model = model
        self.words = self.end = ""
        self.setSourceModel(model)

    @property
    def filters(self) -> bool:
        return bool(self.words or self.end)

    def show_only(self, *, words: str, end: str) -> None:
        if (words, end) != (self.words, self.end):
            self.words, self.end = words, end
            self.invalidate()

    def filterAcceptsRow(self, source_row: int, source_parent: Index) -> bool:
        line = self._model.lines[source_row]
        return (not self.end or self.end in line.ends) and line.contains(self.words)

    def lessThan(self, source_left: Index, source_right: Index) -> bool:
        """What was not measured comes last in both orders."""
        column = source_left.column()
        left, right = (self._model.lines[index.row()].keys[column] for index in (source_left, source_right))
        if left is None or right is None:
            return (right is None) != (left is None) and (right is None) == self._rises
        return left < right  # type: ignore[operator]  # of one column, thus of one type

    @property
    def _rises(self) -> bool:
        return self.sortOrder() == Qt.SortOrder.AscendingOrder

    def line(self, row: int) -> RunLine:
        return self._model.lines[self.mapToSource(self.index(row, 0)).row()]


RETURN_KEYS = {Qt.Key.Key_Return, Qt.Key.Key_Enter}
TABLE_KEYS = {Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Home, Qt.Key.Key_End, *RETURN_KEYS}


class RunsView(QTableView):
    """Has Ctrl+C and Esc while the focus is in it; all other keys are those of the window.

    Where Tab has led to it, it has also the arrows and Return, which shows the run.
    """

    copy_asked = Signal()
    clear_asked = Signal()
    return_pressed = Signal(int)
    """(row)"""
    run_double_clicked = Signal(int)
    """(id of the run under the first of the two clicks)"""
    resized = Signal()
    """The rows have more or less room, as where a bar to scroll them appears."""
    _by_keys = False
    _clicked: int | None = None

    def mousePressEvent(self, event: QMouseEvent) -> None:
        super().mousePressEvent(event)
        self._clicked = self._run_at(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """The first click says which run is meant: the rows of a table that is refreshed may have moved since."""
        run_id, self._clicked = self._clicked, None
        super().mouseDoubleClickEvent(event)  # which is a press where the rows have moved
        if run_id is None:
            run_id = self._run_at(event)
        if run_id is not None and event.button() == Qt.MouseButton.LeftButton:
            self.run_double_clicked.emit(run_id)

    def _run_at(self, event: QMouseEvent) -> int | None:
        index, model = self.indexAt(event.position().toPoint()), self.model()
        return model.line(index.row()).run_id if index.isValid() and isinstance(model, ShownRuns) else None

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.resized.emit()

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride:
            event.setAccepted(self._wants(event))
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy_asked.emit()
        elif self._by_keys and event.key() in RETURN_KEYS and self.currentIndex().isValid():
            self.return_pressed.emit(self.currentIndex().row())
        elif self._by_keys and event.key() in TABLE_KEYS:
            super().keyPressEvent(event)
        elif self._wants(event):
            self.clear_asked.emit()
        else:
            event.ignore()

    def _wants(self, event: QKeyEvent) -> bool:
        model = self.model()
        clears = event.key() == Qt.Key.Key_Escape and isinstance(model, ShownRuns) and model.filters
        moves = self._by_keys and event.key() in TABLE_KEYS
        return bool(clears) or moves or event.matches(QKeySequence.StandardKey.Copy)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self._by_keys = event.reason() in {Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason}
        super().focusInEvent(event)
        if self._by_keys and not self.selectionModel().hasSelection():
            self.selectRow(0)


class FilterField(QLineEdit):
    """Esc clears it and gives the keys back to the window."""

    left = Signal()

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape:
            event.accept()
            if event.type() == QEvent.Type.KeyPress:
                self.left.emit()
            return True
        return super().event(event)
