# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: N802 (Qt names these methods)
"""A tour of the window in five steps: a card beside each part, which stays usable; shown once, and from the menu."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPen, QRegion
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from monitor_app.gui.panels.parts import Label, SectionHeader, dim_label
from monitor_app.gui.panels.readouts import Readouts
from monitor_app.gui.panels.run_table import RunTable
from monitor_app.gui.panels.toolbar import Toolbar
from monitor_app.gui.theme import ui_font

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PySide6.QtGui import QPaintEvent, QResizeEvent

    from monitor_app.gui.layout import Parts
    from monitor_app.gui.settings import Settings
    from monitor_app.gui.theme import Theme

SEEN = "tour_seen"
CARD_PX, GAP_PX, OUTLINE_PX, TITLE_PX = 330, 10, 2, 15


@dataclass(frozen=True, slots=True)
class Step:
    """What is said beside a part of the window; beside none where the part is hidden."""

    title: str
    text: str
    part: QWidget


def steps_of(parts: Parts) -> tuple[Step, ...]:
    """The five steps, in the order in which a first session needs them."""
    return (
        Step(
            "Record",
            "Record begins a session; what is measured is in a file from the first second. Run plan lets the "
            "networks run one after another, and the recording goes on when they are done.",
            parts.panel(Toolbar),
        ),
        Step(
            "Read",
            "These numbers are of the present while you follow it; else of the run in view, which the line above "
            "them names. A dash means that it was not measured.",
            parts.panel(Readouts),
        ),
        Step(
            "Look closer",
            "The wheel zooms at the pointer, down to single samples; drag to pan, double click for the whole "
            "session, End to follow again.",
            parts.stack,
        ),
        Step(
            "Measure",
            "Shift + drag lays a pair of markers: mean, extremes, energy, and joules for each image between them. "
            "D and S lay one at the pointer, Ctrl+Z takes it back, a right click shows what else there is.",
            parts.stack,
        ),
        Step(
            "Compare",
            "Each run is a row: sort, filter, double click to see its trace. F5 opens the figures and findings, "
            "Ctrl+S saves the session. F1 lists all keys.",
            parts.panel(RunTable),
        ),
    )


class Tour(QObject):
    """At most one card; it takes no keys from the window."""

    def __init__(self, window: QWidget, steps: Sequence[Step], settings: Settings, theme: Callable[[], Theme]) -> None:
        super().__init__(window)
        self._window, self._steps, self._settings, self._theme = window, tuple(steps), settings, theme
        self.card: Card | None = None
        self._outline: Outline | None = None
        self._at = 0

    def start_once(self) -> None:
        """At the first start of the program, and never again by itself."""
        if not self._settings.read(SEEN, default=False):
            self._settings.write(SEEN, value=True)
            self.start()

    def start(self) -> None:
        """From the first step."""
        self.end()
        self._outline, self.card = Outline(self._window, self._theme), Card(self._window)
        self.card.back.clicked.connect(lambda: self._go(self._at - 1))
        self.card.on.clicked.connect(lambda: self._go(self._at + 1))
        self.card.leave.clicked.connect(self.end)
        for watched in {self._window, *(step.part for step in self._steps)}:
            watched.installEventFilter(self)
        self._go(0)

    def end(self) -> None:
        """Calling it twice does no harm."""
        for widget in (self.card, self._outline):
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        self.card = self._outline = None
        for watched in {self._window, *(step.part for step in self._steps)}:
            watched.removeEventFilter(self)

    def _go(self, at: int) -> None:
        if not 0 <= at < len(self._steps) or self.card is None:
            self.end()
            return
        self._at = at
        self.card.show_step(self._steps[at], at + 1, len(self._steps))
        self._place()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        moved = {QEvent.Type.Resize, QEvent.Type.Move, QEvent.Type.Show, QEvent.Type.Hide}
        if event.type() in moved and self.card is not None:
            self._place()
        return False

    def _place(self) -> None:
        """The outline around the part, and the card beside it where there is room."""
        card, outline = self.card, self._outline
        assert card is not None
        assert outline is not None
        part, whole = self._steps[self._at].part, self._window.rect()
        shown = part.isVisible()
        there = QRect(part.mapTo(self._window, QPoint(0, 0)), part.size()) if shown else QRect()
        outline.setGeometry(there.adjusted(-OUTLINE_PX, -OUTLINE_PX, OUTLINE_PX, OUTLINE_PX).intersected(whole))
        outline.setVisible(shown)
        card.adjustSize()
        card.move(card_place(card.rect(), there, whole) if shown else whole.center() - card.rect().center())
        for widget in (outline, card):
            widget.raise_()
        card.show()


def card_place(card: QRect, part: QRect, whole: QRect) -> QPoint:
    """Upper left corner of the card: below the part, above it, or within it at the lower right."""
    x = min(max(part.left(), whole.left() + GAP_PX), whole.right() - card.width() - GAP_PX)
    below, above = part.bottom() + GAP_PX, part.top() - card.height() - GAP_PX
    if below + card.height() <= whole.bottom():
        return QPoint(x, below)
    if above >= whole.top() and part.height() < 2 * card.height():
        return QPoint(x, above)
    return QPoint(part.right() - card.width() - 12 * GAP_PX, part.bottom() - card.height() - 3 * GAP_PX)


class Card(QFrame):
    """The words of a step, with buttons that are reached with Tab."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("tour")
        self.setAutoFillBackground(True)
        self._number = SectionHeader("")
        self.title, self.text = Label(), dim_label()
        self.title.setFont(ui_font(TITLE_PX, QFont.Weight.DemiBold))
        self.text.setWordWrap(True)
        self.back, self.on, self.leave = QPushButton("Back"), QPushButton("Next"), QPushButton("End the tour")
        self.leave.setObjectName("word")
        row = QHBoxLayout()
        row.addWidget(self.leave)
        row.addStretch(1)
        for button in (self.leave, self.back, self.on):
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        row.addWidget(self.back)
        row.addWidget(self.on)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 12)
        column.setSpacing(8)
        column.addWidget(self._number)
        for label in (self.title, self.text):
            column.addWidget(label)
        column.addSpacing(4)
        column.addLayout(row)
        self.setFixedWidth(CARD_PX)

    def show_step(self, step: Step, number: int, of: int) -> None:
        """The step with this number, from 1."""
        self._number.setText(f"{number} OF {of}")
        self.title.setText(step.title)
        self.text.setText(step.text)
        self.text.setFixedHeight(self.text.heightForWidth(CARD_PX - 32))
        self.back.setVisible(number > 1)
        self.on.setText("Next" if number < of else "Done")


class Outline(QWidget):
    """A frame around a part, through which the mouse reaches it."""

    def __init__(self, parent: QWidget, theme: Callable[[], Theme]) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The part within is no part of it, and is painted as ever."""
        inner = self.rect().adjusted(OUTLINE_PX, OUTLINE_PX, -OUTLINE_PX, -OUTLINE_PX)
        self.setMask(QRegion(self.rect()) - QRegion(inner))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setPen(QPen(QColor(self._theme().current), OUTLINE_PX))
        painter.drawRect(self.rect().adjusted(1, 1, -1, -1))
