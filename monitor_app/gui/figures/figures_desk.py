# SPDX-License-Identifier: Apache-2.0
"""The figures as the main window has them: made when they are first asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from monitor_app.gui.figures.window import FiguresWindow
    from monitor_app.gui.main_window import MainWindow


class FiguresDesk:
    """At most one window of figures."""

    def __init__(self, main: MainWindow) -> None:
        self._main = main
        self.window: FiguresWindow | None = None

    def show(self) -> None:
        """Bring the figures to the front."""
        if self._main.recording is None:
            self._main.parts.message_bar.note("There is no session yet: start one, or open a session file.")
            return
        if self.window is None:
            from monitor_app.gui.figures.window import FiguresWindow  # few sessions need it at their start

            self.window = FiguresWindow(self._main)
        self.window.start()

    def set_theme(self) -> None:
        """As the main window has it."""
        if self.window is not None:
            self.window.set_theme()

    def close(self) -> None:
        """The main window closes."""
        if self.window is not None:
            self.window.close()
            self.window.deleteLater()
            self.window = None
