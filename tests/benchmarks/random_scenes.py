# SPDX-License-Identifier: Apache-2.0
"""What single actions seldom lead to: short scenes of random_actions.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from window_input import CTRL, LEFT, NO, RIGHT, SHIFT

from monitor_app.gui.panels.run_table import RunTable

if TYPE_CHECKING:
    from random_actions import Actor


class Scenes:
    """Begins one; what it opens is answered by the actions after it."""

    def __init__(self, actor: Actor) -> None:
        self._actor = actor

    def play(self) -> None:
        """One of them by chance."""
        self._actor.random.choice((
            self._analyse, self._overlay_two, self._undo_some, self._menu_of_pane, self._show_sheet, self._close_shown,
        ))()  # fmt: skip

    def _analyse(self) -> None:
        """A pair around something, and its inferences."""
        viewport = self._actor.window.parts.stack.viewport()
        start, end = self._actor.point(viewport), self._actor.point(viewport)
        self._actor.note("lay a pair and analyse it")
        self._actor.pull(viewport, start, end, LEFT, SHIFT)
        self._actor.hand.key(self._actor.window, Qt.Key.Key_A)

    def _show_sheet(self) -> None:
        self._actor.note("show the sheet New")
        self._actor.hand.key(self._actor.window, Qt.Key.Key_N, CTRL)

    def _close_shown(self) -> None:
        """End the recording, or close the session, which leads to the start page; now and then, the window."""
        keys = (Qt.Key.Key_R if self._actor.window.bench.live else Qt.Key.Key_W), Qt.Key.Key_Q
        key = self._actor.random.choices(keys, (4, 1))[0]
        self._actor.note(f"close what is shown: Ctrl+{key.name[-1]}")
        self._actor.hand.key(self._actor.window, key, CTRL)

    def _overlay_two(self) -> None:
        """Two runs of the table selected, and the menu of the second opened; another action answers it."""
        view = self._actor.window.parts.panel(RunTable).view
        if not view.isVisible() or view.model().rowCount() < 2:
            return
        first, second = self._actor.random.sample(range(view.model().rowCount()), 2)
        self._actor.note(f"select the rows {first} and {second}")
        for row, modifier in ((first, NO), (second, CTRL)):
            view.scrollTo(view.model().index(row, 0))
            at = view.visualRect(view.model().index(row, 0)).center()
            self._actor.hand.click(view.viewport(), at, LEFT, modifier)
        self._actor.hand.click(view.viewport(), at, RIGHT)

    def _undo_some(self) -> None:
        back, forth = self._actor.random.randrange(1, 8), self._actor.random.randrange(8)
        self._actor.note(f"undo {back} times, redo {forth} times")
        for key, count in ((Qt.Key.Key_Z, back), (Qt.Key.Key_Y, forth)):
            for _ in range(count):
                self._actor.hand.key(self._actor.window, key, CTRL)

    def _menu_of_pane(self) -> None:
        """By the mouse or by a key."""
        viewport = self._actor.window.parts.stack.viewport()
        if self._actor.random.random() < 0.7:
            at = self._actor.point(viewport)
            self._actor.note(f"menu of the panes at {at.x()}, {at.y()}")
            self._actor.hand.click(viewport, at, RIGHT)
        else:
            self._actor.note("menu of the panes by a key")
            self._actor.window.parts.stack.setFocus()
            self._actor.hand.key(self._actor.window, Qt.Key.Key_F10, SHIFT)
