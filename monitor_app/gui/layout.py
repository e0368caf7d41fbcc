# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: N802 (Qt names these methods)
"""The parts of the window and where each of them stands. A panel is added to ``PANELS``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtWidgets import (
    QFrame,
    QLabel,
    QPushButton,
    QScrollArea,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from monitor_app.gui.panels.discovery_panel import DiscoveryPanel
from monitor_app.gui.panels.message_bar import MessageBar
from monitor_app.gui.panels.panel import Panel, Place
from monitor_app.gui.panels.readouts import Readouts
from monitor_app.gui.panels.requirement_strip import RequirementStrip
from monitor_app.gui.panels.run_panel import RunPanel
from monitor_app.gui.panels.run_table import RunTable
from monitor_app.gui.panels.selection_panel import SelectionPanel
from monitor_app.gui.panels.source_panel import SourcePanel
from monitor_app.gui.panels.status_bar import StatusBar
from monitor_app.gui.panels.toolbar import Toolbar
from monitor_app.gui.plot.overview import Overview
from monitor_app.gui.plot.pane_stack import PaneStack
from monitor_app.gui.session_files.start_page import StartPage

if TYPE_CHECKING:
    from PySide6.QtWidgets import QMainWindow

    from monitor_app.gui.theme import Theme

PANELS: tuple[type[Panel], ...] = (
    Toolbar, SourcePanel, DiscoveryPanel, RunPanel, SelectionPanel, Readouts, RequirementStrip, RunTable, StatusBar,
)  # fmt: skip
"""All panels, those of one place from top to bottom."""
SIDE_PX, LEAST_SIDE_PX, MOST_SIDE_PX = 252, 200, 640
FIRST_PX = QSize(1440, 900)
"""Of the window, where the screen has room for it."""
FRAME_PX = QSize(4, 40)
"""What the frame of a window takes of the screen, at most as a rule; it is not known before the window is shown."""
NOTHING_TEXT = "Nothing was recorded in this session."
PILL_TEXT = "Paused   ·   press End to follow"
P = TypeVar("P", bound=Panel)


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of the window."""

    message_bar: MessageBar
    side: QScrollArea
    """Holds the panels of the side."""
    stack: PaneStack
    pill: QPushButton
    """Over the panes while a live view is paused."""
    overview: Overview
    nothing: QLabel
    """Over the panes of a session in which nothing was recorded."""
    start_page: StartPage
    """In the place of panes and side while there is neither a session nor a bench."""
    pages: QStackedWidget
    splitters: dict[str, QSplitter]
    """By what they set the size of; they are restored by these names."""
    panels: tuple[Panel, ...]

    def panel(self, kind: type[P]) -> P:
        """The panel of this kind; StopIteration where ``PANELS`` has none."""
        return next(panel for panel in self.panels if isinstance(panel, kind))

    def show_start(self, on: bool) -> bool:
        """The start page, or panes and side; whether the start page has appeared."""
        wanted = self.start_page if on else self.splitters["side"]
        appears = on and self.pages.currentWidget() is not wanted
        if self.pages.currentWidget() is not wanted:
            self.pages.setCurrentWidget(wanted)
        return appears

    def at(self, place: Place) -> list[Panel]:
        """The panels of a place."""
        return [panel for panel in self.panels if panel.place is place]

    def fit_text(self, percent: int) -> None:
        """Leave the side panels and the right of the panes room for text of this size."""
        self.stack.fit_text()
        self.side.setMinimumWidth(LEAST_SIDE_PX if percent <= 100 else SIDE_PX * percent // 100)

    def set_theme(self, theme: Theme) -> None:
        for panel in self.panels:
            panel.set_theme(theme)
        self.stack.set_theme(theme)
        self.overview.set_theme(theme)


def arrange(window: QMainWindow, theme: Theme) -> Parts:
    """Make the parts and put them where they belong in the window."""
    stack = PaneStack(theme)
    parts = Parts(
        MessageBar(), QScrollArea(), stack, QPushButton(PILL_TEXT, stack), Overview(theme),
        QLabel(NOTHING_TEXT, stack), StartPage(), QStackedWidget(), _splitters(),
        tuple(panel(theme) for panel in PANELS),
    )  # fmt: skip
    _fill_side(parts)
    _place_pill(parts)
    _place_nothing(parts)
    window.setCentralWidget(_whole(parts))
    window.resize(first_size(window.screen().availableGeometry().size()))
    stack.setFocus()  # keys and the menu key are for the panes until something else is chosen
    return parts


def first_size(available: QSize) -> QSize:
    """Of a new window with its frame on a screen that has this much room."""
    return FIRST_PX.boundedTo(available - FRAME_PX)


def _whole(parts: Parts) -> QWidget:
    middle = parts.splitters["side"]
    middle.addWidget(parts.side)
    middle.addWidget(_page(parts))
    middle.setStretchFactor(0, 0)
    middle.setStretchFactor(1, 1)
    middle.setSizes([SIDE_PX, FIRST_PX.width() - SIDE_PX])
    whole = QWidget()
    column = _column(whole)
    for widget in (*parts.at(Place.TOP), parts.message_bar):
        column.addWidget(widget)
    for page in (middle, parts.start_page):
        parts.pages.addWidget(page)
    column.addWidget(parts.pages, 1)
    for panel in parts.at(Place.BOTTOM):
        column.addWidget(panel)
    return whole


def _page(parts: Parts) -> QWidget:
    traces = QWidget()
    traces.setObjectName("page")
    column = _column(traces)
    column.setSpacing(4)
    column.addWidget(parts.stack, 1)
    column.addWidget(parts.overview)
    below = parts.at(Place.BELOW_PANES)
    splitter = parts.splitters["table"]
    for widget in (traces, *below):
        splitter.addWidget(widget)
    splitter.setStretchFactor(0, 1)
    for k in range(1, len(below) + 1):
        splitter.setStretchFactor(k, 0)
    splitter.setSizes([600, *(panel.sizeHint().height() for panel in below)])
    page = QWidget()
    whole = _column(page)
    for panel in parts.at(Place.ABOVE_PANES):
        whole.addWidget(panel)
    whole.addWidget(splitter, 1)
    return page


def _splitters() -> dict[str, QSplitter]:
    """Of the side panels and what is beside them, and of the panes and the table below them."""
    made = {"side": QSplitter(Qt.Orientation.Horizontal), "table": QSplitter(Qt.Orientation.Vertical)}
    for splitter in made.values():
        splitter.setHandleWidth(3)
        splitter.setChildrenCollapsible(False)
    return made


def _column(widget: QWidget) -> QVBoxLayout:
    column = QVBoxLayout(widget)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(0)
    return column


def _fill_side(parts: Parts) -> None:
    inner = QWidget()
    column = QVBoxLayout(inner)
    column.setContentsMargins(14, 10, 14, 10)
    column.setSpacing(22)
    for panel in parts.at(Place.SIDE):
        column.addWidget(panel)
    column.addStretch(1)
    parts.side.setWidget(inner)
    parts.side.setWidgetResizable(True)
    parts.side.setFrameShape(QFrame.Shape.NoFrame)
    parts.side.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    parts.fit_text(100)
    parts.side.setMaximumWidth(MOST_SIDE_PX)


class _PillPosition(QObject):
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
    parts.pill.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    parts.pill.setCursor(Qt.CursorShape.PointingHandCursor)
    parts.pill.hide()
    _PillPosition(parts.stack, parts.pill)


class _Cover(QObject):
    """Keeps the label over all of the panes."""

    def __init__(self, stack: PaneStack, label: QLabel) -> None:
        super().__init__(label)
        self._label = label
        stack.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and isinstance(watched, QWidget):
            self._label.resize(watched.size())
        return False


def _place_nothing(parts: Parts) -> None:
    parts.nothing.setObjectName("nothing")
    parts.nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
    parts.nothing.hide()
    _Cover(parts.stack, parts.nothing)
