# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: N802 (Qt names these methods)
"""Where the parts of the window are, and which of their wishes goes where."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from monitor_app.gui.panels.discovery_panel import FoundPanel
from monitor_app.gui.panels.message_bar import Notice
from monitor_app.gui.panels.readouts import Readouts
from monitor_app.gui.panels.run_panel import RunPanel
from monitor_app.gui.panels.run_table import RunTable
from monitor_app.gui.panels.selection_panel import SelectionPanel
from monitor_app.gui.panels.source_panel import SourcePanel
from monitor_app.gui.panels.status_bar import StatusBar
from monitor_app.gui.panels.toolbar import Toolbar
from monitor_app.gui.plot.axes import AXIS_WIDTH_PX
from monitor_app.gui.plot.overview import Overview
from monitor_app.gui.plot.pane_stack import PaneStack

if TYPE_CHECKING:
    from monitor_app.gui.main_window import MainWindow
    from monitor_app.gui.theme import Theme

SIDE_PX = 252
TABLE_PX = 136
PILL_TEXT = "Paused   ·   End follows again"


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of the window by name."""

    toolbar: Toolbar
    notice: Notice
    side: QScrollArea
    sources: SourcePanel
    found: FoundPanel
    runs: RunPanel
    selection: SelectionPanel
    readouts: Readouts
    stack: PaneStack
    pill: QPushButton
    overview: Overview
    table: RunTable
    status: StatusBar

    def set_theme(self, theme: Theme) -> None:
        for part in (self.sources, self.runs, self.readouts, self.stack, self.overview, self.table, self.status):
            part.set_theme(theme)


def arrange(window: MainWindow) -> Parts:
    """Make the parts, put them where they belong, and connect them to the window."""
    theme = window.theme
    stack = PaneStack(theme)
    parts = Parts(
        toolbar=Toolbar(), notice=Notice(), side=QScrollArea(), sources=SourcePanel(theme), found=FoundPanel(),
        runs=RunPanel(theme), selection=SelectionPanel(), readouts=Readouts(theme), stack=stack,
        pill=QPushButton(PILL_TEXT, stack), overview=Overview(theme, AXIS_WIDTH_PX), table=RunTable(theme),
        status=StatusBar(theme),
    )  # fmt: skip
    _fill_side(parts)
    _place_pill(parts)
    window.setCentralWidget(_whole(parts))
    window.setAcceptDrops(True)
    window.resize(1440, 900)
    _connect(window, parts)
    return parts


def _whole(parts: Parts) -> QWidget:
    middle = QHBoxLayout()
    middle.setContentsMargins(0, 0, 0, 0)
    middle.setSpacing(0)
    middle.addWidget(parts.side)
    middle.addWidget(_page(parts), 1)
    whole = QWidget()
    column = QVBoxLayout(whole)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(0)
    column.addWidget(parts.toolbar)
    column.addWidget(parts.notice)
    column.addLayout(middle, 1)
    column.addWidget(parts.status)
    return whole


def _page(parts: Parts) -> QWidget:
    traces = QWidget()
    traces.setObjectName("page")
    column = QVBoxLayout(traces)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(4)
    column.addWidget(parts.stack, 1)
    column.addWidget(parts.overview)
    splitter = QSplitter(Qt.Orientation.Vertical)
    splitter.setHandleWidth(3)
    splitter.setChildrenCollapsible(False)
    splitter.addWidget(traces)
    splitter.addWidget(parts.table)
    splitter.setStretchFactor(0, 1)
    splitter.setStretchFactor(1, 0)
    splitter.setSizes([600, TABLE_PX])
    page = QWidget()
    whole = QVBoxLayout(page)
    whole.setContentsMargins(0, 0, 0, 0)
    whole.setSpacing(0)
    whole.addWidget(parts.readouts)
    whole.addWidget(splitter, 1)
    return page


def _fill_side(parts: Parts) -> None:
    inner = QWidget()
    column = QVBoxLayout(inner)
    column.setContentsMargins(14, 10, 14, 10)
    column.setSpacing(22)
    for part in (parts.sources, parts.found, parts.runs, parts.selection):
        column.addWidget(part)
    column.addStretch(1)
    parts.side.setWidget(inner)
    parts.side.setWidgetResizable(True)
    parts.side.setFrameShape(QFrame.Shape.NoFrame)
    parts.side.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    parts.side.setFixedWidth(SIDE_PX)


class _Moored(QObject):
    """Keeps the pill in the lower right corner of the panes."""

    def __init__(self, stack: PaneStack, pill: QPushButton) -> None:
        super().__init__(pill)
        self._stack, self._pill = stack, pill
        stack.installEventFilter(self)
        pill.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in {QEvent.Type.Resize, QEvent.Type.Show}:
            at = self._stack.trace.rect.bottomRight().toPoint()
            self._pill.adjustSize()
            self._pill.move(
                self._stack.width() - self._stack.gutter_px - self._pill.width() - 10, at.y() - self._pill.height() - 10
            )
        return False


def _place_pill(parts: Parts) -> None:
    parts.pill.setObjectName("pill")
    parts.pill.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    parts.pill.setCursor(Qt.CursorShape.PointingHandCursor)
    parts.pill.hide()
    _Moored(parts.stack, parts.pill)


def _connect(window: MainWindow, parts: Parts) -> None:
    parts.toolbar.asked.connect(lambda method: attrgetter(method)(window)())
    parts.stack.zoom_asked.connect(window.navigation.zoom)
    parts.stack.pan_asked.connect(window.navigation.pan)
    parts.stack.fit_asked.connect(window.navigation.show_all)
    parts.stack.selected.connect(window.select)
    parts.stack.selection_cleared.connect(window.clear_selection)
    parts.pill.clicked.connect(window.navigation.follow)
    parts.overview.asked.connect(window.navigation.show_between)
    parts.runs.start_stop_asked.connect(window.desk.start_or_stop)
    parts.runs.skip_asked.connect(window.desk.skip_run)
    parts.sources.connect_asked.connect(window.desk.connect_source)
    parts.sources.disconnect_asked.connect(window.desk.disconnect_source)
    parts.sources.signal_chosen.connect(window.show_signal)
    parts.sources.signal_toggled.connect(window.toggle_signal)
    parts.found.find_asked.connect(window.desk.find_sources)
    parts.found.add_asked.connect(window.desk.add_source)
    parts.table.run_chosen.connect(window.show_run)
