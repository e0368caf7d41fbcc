# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: N802 (Qt names this method)
"""Quiet mode: nothing is painted while batches are timed, so that the window takes next to nothing of the machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import QAbstractScrollArea, QLabel, QPushButton

from monitor_app.core.runs import Phase

if TYPE_CHECKING:
    from monitor_app.core.status import BenchStatus
    from monitor_app.gui.settings import Settings

QUIET_TEXT = "Quiet: nothing is painted while batches are timed   ·   click to paint"
SETTING = "quiet"
BELOW_PX = 34
"""Between the label and the lower edge of the panes: the times of the axis, not the statistics above, stay read."""


class QuietMode(QObject):
    """Whether the user wants it, which is remembered, and whether it is in effect; a label on the panes says so."""

    left = Signal()
    """The user has clicked the label: painting is wanted again."""
    outdated = Signal()
    """The panes have another size: the picture that stands in for them is to be taken anew."""

    def __init__(self, settings: Settings, panes: QAbstractScrollArea) -> None:
        super().__init__(panes)
        self._settings = settings
        self._panes = panes
        self._picture = QLabel(panes)
        """The panes as they were; the system may ask for it again, as when another window has been over it."""
        self._picture.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        self._picture.hide()
        self.wanted = settings.read(SETTING, False)  # the default
        self.active = False
        self.label = QPushButton(QUIET_TEXT, panes)
        self.label.setObjectName("pill")
        self.label.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.label.setCursor(Qt.CursorShape.PointingHandCursor)
        self.label.hide()
        self.label.clicked.connect(self.left)
        self._resized = QTimer(self, interval=0, singleShot=True)
        self._resized.timeout.connect(self.outdated)
        panes.installEventFilter(self)

    def want(self, on: bool) -> None:
        """From now on, and at the next start."""
        self.wanted = on
        self._settings.write(SETTING, on)
        if not on:
            self._set(active=False)

    def holds(self, status: BenchStatus | None) -> bool:
        """Whether nothing is to be painted now; called whenever the bench may have said something new."""
        self._set(active=self.wanted and is_timed(status))
        return self.active

    def renew(self) -> None:
        """Take the picture of the panes anew: they have other colours, or another size."""
        if self.active:
            self._set(active=False)
            self._set(active=True)

    def _set(self, *, active: bool) -> None:
        if active == self.active:
            return
        self.active = active
        if active:
            self._picture.setPixmap(self._panes.grab())
            self._place()
        self._picture.setVisible(active)
        self.label.setVisible(active)
        self._panes.viewport().setUpdatesEnabled(not active)

    def _place(self) -> None:
        self._picture.setGeometry(self._panes.rect())
        self._picture.raise_()
        self.label.adjustSize()
        left = (self._panes.width() - self.label.width()) // 2
        self.label.move(left, self._panes.height() - self.label.height() - BELOW_PX)
        self.label.raise_()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self._place()
            if self.active:
                self._resized.start()
        return False


def is_timed(status: BenchStatus | None) -> bool:
    """Whether the batches of a run are being timed."""
    return status is not None and any(run.phase == Phase.TIMED.value for run in status.runs)
