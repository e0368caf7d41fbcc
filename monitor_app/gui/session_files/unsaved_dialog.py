# SPDX-License-Identifier: Apache-2.0
"""The sessions that were never saved: each can be opened, saved, or discarded once the user has confirmed it."""

from __future__ import annotations

import itertools
import math
import sqlite3
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QSize, Signal
from PySide6.QtGui import QColor, QPainter, QPixmap, QPolygonF
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from monitor_app.core.errors import MonitorError
from monitor_app.core.formatting import size
from monitor_app.gui.confirm import confirmed
from monitor_app.gui.panels.parts import Label
from monitor_app.gui.theme import DARK, LIGHT
from monitor_app.session.files import discard_session, keep_session, settle

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor_app.gui.session_files.facts import SessionFacts

TRACE_PX = QSize(150, 40)
FIRST_PX = QSize(760, 420)
READING = "Reading the unsaved recordings…"
NONE_LEFT = "There are no unsaved recordings."
IN_USE = "It is shown in another window, or still being written: close that one first."


class UnsavedDialog(QDialog):
    """Shows a list once it has been read."""

    open_asked = Signal(Path)
    """(session to show in the window)"""
    saved = Signal(Path)
    """(where a session was saved)"""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Unsaved recordings")
        self.resize(FIRST_PX)
        self.rows: dict[Path, UnsavedRow] = {}
        self._sizes: dict[Path, int] = {}
        self._over = False
        self.finished.connect(self._end)
        self.head = Label(READING)
        self.head.setWordWrap(True)
        self._list = QVBoxLayout()
        self._list.setContentsMargins(0, 0, 8, 0)
        self._list.setSpacing(14)
        self._list.addStretch(1)
        inner, area, column = QWidget(), QScrollArea(), QVBoxLayout(self)
        inner.setLayout(self._list)
        area.setWidget(inner)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        column.setContentsMargins(20, 16, 12, 16)
        column.setSpacing(14)
        column.addWidget(self.head)
        column.addWidget(area, 1)

    def show_sessions(self, found: Sequence[SessionFacts]) -> None:
        """What has been found; the user may have closed the dialog meanwhile."""
        if self._over:
            return
        for facts in found:
            row = UnsavedRow(facts)
            row.open.clicked.connect(partial(self._open, facts.path))
            row.save.clicked.connect(partial(self._save, facts))
            row.discard.clicked.connect(partial(self._discard, facts))
            self.rows[facts.path], self._sizes[facts.path] = row, facts.size_bytes
            self._list.insertWidget(self._list.count() - 1, row)
        self._count()

    def _end(self) -> None:
        self._over = True

    def _count(self) -> None:
        total = size(sum(self._sizes.values()))
        count = "1 recording" if len(self.rows) == 1 else f"{len(self.rows)} recordings"
        self.head.setText(f"{count} of {total} that nobody has saved." if self.rows else NONE_LEFT)

    def _open(self, path: Path) -> None:
        self.close()
        self.open_asked.emit(path)

    def _save(self, facts: SessionFacts) -> None:
        target = self.ask_target(facts)
        if target is None:
            return
        try:
            keep_session(facts.path, target)
        except MonitorError as error:
            self.head.setText(str(error))
            return
        self._remove(facts.path)
        self.saved.emit(target)

    def _discard(self, facts: SessionFacts) -> None:
        question = f"{facts.title} ({facts.summary}) is deleted for good. Do you want to discard it?"
        if not confirmed(self, question, "Discard", "Keep it"):
            return
        if _in_use(facts.path):
            self.head.setText(IN_USE)
            return
        discard_session(facts.path)
        self._remove(facts.path)

    def _remove(self, path: Path) -> None:
        row = self.rows.pop(path)
        del self._sizes[path]
        self._list.removeWidget(row)
        row.hide()
        row.deleteLater()
        self._count()

    def ask_target(self, facts: SessionFacts) -> Path | None:
        """Where to save a session; None when the user cancels."""
        name, _ = QFileDialog.getSaveFileName(self, "Save recording", facts.path.name, "Sessions (*.plm)")
        return Path(name) if name else None


class UnsavedRow(QWidget):
    """One session with what can be done with it."""

    def __init__(self, facts: SessionFacts) -> None:
        super().__init__()
        self.open, self.save, self.discard = QPushButton("Open"), QPushButton("Save as…"), QPushButton("Discard…")
        for button, does in ((self.open, "Open"), (self.save, "Save"), (self.discard, "Discard")):
            button.setAccessibleName(f"{does} {facts.title}, {facts.summary}")
            button.setAutoDefault(False)
        self.open.setEnabled(not facts.problem)
        title, summary, trace = Label(facts.title), Label(facts.summary), QLabel()
        summary.setObjectName("dim")
        if facts.problem:
            summary.setToolTip(facts.problem)
        trace.setFixedSize(TRACE_PX)
        trace.setPixmap(_picture(facts, self.palette().highlight().color(), trace.devicePixelRatioF()))
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(2)
        grid.addWidget(trace, 0, 0, 2, 1)
        grid.addWidget(title, 0, 1)
        grid.addWidget(summary, 1, 1)
        grid.setColumnStretch(1, 1)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        for button in (self.open, self.save, self.discard):
            buttons.addWidget(button)
        grid.addLayout(buttons, 0, 2, 2, 1)


def _in_use(session: Path) -> bool:
    """Whether another window or program still reads or writes it; one that is damaged is not known to be."""
    try:
        settle(session)
    except sqlite3.OperationalError as error:
        return "locked" in str(error) or "still being read" in str(error)
    except sqlite3.Error:
        return False
    return False


def _picture(facts: SessionFacts, ground: QColor, ratio: float) -> QPixmap:
    """The power over the whole session, from zero or its smallest value to its largest."""
    picture = QPixmap(TRACE_PX * ratio)
    picture.setDevicePixelRatio(ratio)
    picture.fill(ground)
    there = [(k, low, high) for k, (low, high) in enumerate(facts.trace) if math.isfinite(low)]
    if not there:
        return picture
    bottom, top = min(0.0, *(low for _, low, _ in there)), max(high for _, _, high in there)
    scale = (TRACE_PX.height() - 6) / max(top - bottom, 1e-12)
    across = TRACE_PX.width() / len(facts.trace)

    def point(k: int, value: float) -> QPointF:
        return QPointF((k + 0.5) * across, TRACE_PX.height() - 3 - (value - bottom) * scale)

    painter = QPainter(picture)
    painter.setPen(QColor((DARK if ground.lightness() < 128 else LIGHT).power))
    for k, low, high in there:
        painter.drawPolyline(QPolygonF([point(k, low), point(k, high)]))
    for (k, _, high), (later, low, _) in itertools.pairwise(there):
        if later == k + 1:
            painter.drawLine(point(k, high), point(later, low))
    painter.end()
    return picture
