# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: N802 (Qt names this method)
"""Quiet mode: nothing is painted while batches are timed, so that the window takes next to nothing of the machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtWidgets import QPushButton, QWidget

from monitor_app.core.runs import Phase

if TYPE_CHECKING:
    from monitor_app.core.status import BenchStatus
    from monitor_app.gui.settings import Settings

QUIET_TEXT = "Quiet: nothing is painted while batches are timed   ·   click to paint"
SETTING = "quiet"
ABOVE_PX = 12


class QuietMode(QObject):
    """Whether the user wants it, which is remembered, and whether it is in effect; a label on the panes says so."""

    left = Signal()
    """The user has clicked the label: painting is wanted again."""

    def __init__(self, settings: Settings, panes: QWidget, overview: QWidget) -> None:
        super().__init__(panes)
        self._settings = settings
        self._panes, self._overview = panes, overview
        self.wanted = settings.read(SETTING, False)  # the default
        self.active = False
        self.label = QPushButton(QUIET_TEXT, panes)
        self.label.setObjectName("pill")
        self.label.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.label.setCursor(Qt.CursorShape.PointingHandCursor)
        self.label.hide()
        self.label.clicked.connect(self.left)
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

    def _set(self, *, active: bool) -> None:
        if active == self.active:
            return
        self.active = active
        self.label.setVisible(active)
        if active:
            self._place()
            self._panes.window().repaint()  # the label, before nothing is painted any more
        for widget in (self._panes, self._overview):  # which the mouse would have painted
            widget.setUpdatesEnabled(not active)

    def _place(self) -> None:
        self.label.adjustSize()
        self.label.move((self._panes.width() - self.label.width()) // 2, ABOVE_PX)
        self.label.raise_()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self._place()
        return False


def is_timed(status: BenchStatus | None) -> bool:
    """Whether the batches of a run are being timed."""
    return status is not None and any(run.phase == Phase.TIMED.value for run in status.runs)
