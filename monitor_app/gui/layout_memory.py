# SPDX-License-Identifier: Apache-2.0
"""Size and place of the window, and what the user has moved or hidden in it, from one start to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray

from monitor_app.gui.menus import ONLY_TRACES, PANEL_COMMANDS
from monitor_app.gui.plot.time_window import FIRST_WIDTH_S, MIN_WIDTH_S

if TYPE_CHECKING:
    from collections.abc import Mapping

    from PySide6.QtGui import QAction
    from PySide6.QtWidgets import QMainWindow

    from monitor_app.gui.layout import Parts
    from monitor_app.gui.settings import Settings

LONGEST_S = 86_400.0
"""A followed view is begun with no more than this."""


def restore_layout(window: QMainWindow, parts: Parts, actions: Mapping[str, QAction], settings: Settings) -> None:
    """As it was when the last window was closed; Qt keeps it on the screens that there are now."""
    geometry = settings.read("geometry", "")
    if geometry:
        window.restoreGeometry(_bytes(geometry))
    for name, splitter in parts.splitters.items():
        state = settings.read(f"splitter-{name}", "")
        if state:
            splitter.restoreState(_bytes(state))
    hidden = settings.read("hidden", [])
    for name in PANEL_COMMANDS:
        actions[name].setChecked(name not in hidden)


def remember_layout(window: QMainWindow, parts: Parts, actions: Mapping[str, QAction], settings: Settings) -> None:
    """For the next window. What was hidden for a moment, by full screen or by the traces alone, is left as it was."""
    if not window.isFullScreen():
        settings.write("geometry", bytes(window.saveGeometry().data()).hex())
    for name, splitter in parts.splitters.items():
        settings.write(f"splitter-{name}", bytes(splitter.saveState().data()).hex())
    if not actions[ONLY_TRACES].isChecked():
        settings.write("hidden", [name for name in PANEL_COMMANDS if not actions[name].isChecked()])


def live_width_s(settings: Settings) -> float:
    """How much of a recording a view begins with that follows it, in s."""
    return min(max(settings.read("live_width_s", FIRST_WIDTH_S), MIN_WIDTH_S), LONGEST_S)


def _bytes(text: str) -> QByteArray:
    return QByteArray.fromHex(text.encode("ascii", "replace"))
