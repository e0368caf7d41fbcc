# SPDX-License-Identifier: Apache-2.0
"""A panel is one file and one line: a made-up one is shown, kept up to date and coloured like the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtWidgets import QLabel, QVBoxLayout

from monitor_app.gui import layout
from monitor_app.gui.panels.panel import Panel, Place
from monitor_app.gui.theme import DARK, LIGHT
from tests.gui.conftest import LENGTH_S, frames

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from monitor_app.gui.main_window import MainWindow
    from monitor_app.gui.panels.panel import WindowState
    from monitor_app.gui.theme import Theme


class LengthPanel(Panel):
    """The length of the session and the number of its signals that are shown."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme)
        self.label = QLabel()
        QVBoxLayout(self).addWidget(self.label)

    def show_state(self, state: WindowState) -> None:
        self.label.setText(f"{state.length_s:.1f} s, {len(state.shown.signals)} shown")


@pytest.mark.parametrize("place", [Place.SIDE, Place.BELOW_PANES])
def test_a_made_up_panel_takes_one_line(
    place: Place, open_window: Callable[..., MainWindow], session: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LengthPanel, "place", place)
    monkeypatch.setattr(layout, "PANELS", (*layout.PANELS, LengthPanel))
    window = open_window(None, session, theme=LIGHT)
    panel = window.parts.panel(LengthPanel)
    assert panel.isVisible()
    assert panel.label.text() == f"{LENGTH_S:.1f} s, 1 shown"
    window.signals.toggle_quantity("A")
    frames(window, 1)
    assert panel.label.text() == f"{LENGTH_S:.1f} s, 2 shown"
    assert panel.theme is LIGHT
    window.appearance.use_theme("dark")
    assert panel.theme is DARK


def test_a_panel_that_was_not_added_is_not_there(open_window: Callable[..., MainWindow], session: Path) -> None:
    window = open_window(None, session)
    with pytest.raises(StopIteration):
        window.parts.panel(LengthPanel)
