# SPDX-License-Identifier: Apache-2.0
"""The theme of the window and the size of its text: applied at once, and remembered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QApplication, QWidget

from monitor_app.gui.theme import TEXT_PERCENT, THEMES, qt_palette, set_text_size, style_sheet

if TYPE_CHECKING:
    from PySide6.QtGui import QAction

    from monitor_app.gui.settings import Settings
    from monitor_app.gui.theme import Theme


class Appearance(QObject):
    """Made before the parts of the window, which take its theme; they are told of another one."""

    changed = Signal()

    def __init__(self, window: QWidget, settings: Settings, theme: Theme) -> None:
        super().__init__(window)
        self._window, self._settings = window, settings
        self.theme = theme

    @property
    def percent(self) -> int:
        """Size of the text."""
        return text_percent(self._settings)

    def use_theme(self, name: str) -> None:
        """The theme of this name, dark or light."""
        self.theme = THEMES[name]
        app = QApplication.instance()
        if isinstance(app, QApplication):
            app.setPalette(qt_palette(self.theme))
        self._window.setStyleSheet(style_sheet(self.theme))
        self.changed.emit()

    def choose_theme(self, name: str) -> None:
        """The theme of this name from now on, and at the next start."""
        self.use_theme(name)
        self._settings.write("theme", name)

    def choose_dark(self, on: bool) -> None:
        """As a command that is on or off."""
        self._choose("dark", on=on)

    def choose_light(self, on: bool) -> None:
        self._choose("light", on=on)

    def _choose(self, name: str, *, on: bool) -> None:
        if on and self.theme.name != name:
            self.choose_theme(name)

    def attach(self, **actions: QAction) -> None:
        """These are the choices of a theme, by name; that of the present one is checked, however it was chosen."""
        group = QActionGroup(self)
        for name, action in actions.items():
            group.addAction(action)
            action.triggered.connect(lambda _=False, name=name: self._settings.write("theme", name))

        def check() -> None:
            actions[self.theme.name].setChecked(True)

        self.changed.connect(check)
        check()

    def change_text_size(self, step: int) -> None:
        """By one size, larger where ``step`` is 1 and smaller where it is -1; 0: the usual size."""
        at = TEXT_PERCENT.index(self.percent) + step
        wanted = TEXT_PERCENT[min(max(at, 0), len(TEXT_PERCENT) - 1)] if step else 100
        if wanted != self.percent:  # every part of the window is polished anew
            self.set_text_percent(wanted)

    def set_text_percent(self, percent: int) -> None:
        """All text of the window this large, now and at the next start."""
        self._settings.write("text_percent", percent)
        set_text_size(percent)
        self.use_theme(self.theme.name)  # a style sheet keeps the font that it has found


def text_percent(settings: Settings) -> int:
    """How large the user wants the text."""
    wanted = settings.read("text_percent", 100)
    return min(TEXT_PERCENT, key=lambda each: abs(each - wanted))
