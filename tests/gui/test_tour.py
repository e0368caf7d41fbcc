# SPDX-License-Identifier: Apache-2.0
"""The tour is shown once by itself, beside the part that it explains, and leaves the window usable."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtWidgets import QApplication, QWidget

from monitor_app.gui.help.tour import card_place
from monitor_app.gui.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from monitor_app.gui.help.tour import Card
    from monitor_app.gui.main_window import MainWindow

    Opener = Callable[..., MainWindow]


def card_of(window: MainWindow) -> Card:
    assert window.tour.card is not None
    return window.tour.card


def within(window: MainWindow, widget: QWidget) -> QRect:
    return QRect(widget.mapTo(window, QPoint(0, 0)), widget.size())


def test_the_first_start_shows_it_and_the_next_does_not(open_window: Opener, session: Path, tmp_path: Path) -> None:
    first = open_window(None, session, settings=Settings(tmp_path / "window.ini"))
    first.tour.start_once()
    assert card_of(first).isVisible()
    again = open_window(None, session, settings=Settings(tmp_path / "window.ini"))
    again.tour.start_once()
    assert again.tour.card is None
    again.actions_by_name["Take the tour"].trigger()
    assert card_of(again).isVisible()


def test_it_has_five_steps_while_the_window_stays_usable(qtbot: QtBot, open_window: Opener, session: Path) -> None:
    window = open_window(None, session)
    window.tour.start()
    titles = []
    for _ in range(5):
        titles.append(card_of(window).title.text())
        assert window.rect().contains(within(window, card_of(window)))
        qtbot.mouseClick(card_of(window).on, Qt.MouseButton.LeftButton)
    assert window.tour.card is None
    assert len(set(titles)) == 5
    window.tour.start()
    width_s = window.view.width_s
    qtbot.keyClick(window, Qt.Key.Key_Up)
    assert window.view.width_s < width_s, "keys are those of the window"
    qtbot.mouseClick(card_of(window).on, Qt.MouseButton.LeftButton)
    qtbot.mouseClick(card_of(window).back, Qt.MouseButton.LeftButton)
    assert card_of(window).title.text() == titles[0]
    qtbot.mouseClick(card_of(window).leave, Qt.MouseButton.LeftButton)
    assert window.tour.card is None


def test_the_card_stays_beside_its_part(qtbot: QtBot, open_window: Opener, session: Path) -> None:
    window = open_window(None, session)
    window.tour.start()
    readouts = window.tour._steps[1].part
    qtbot.mouseClick(card_of(window).on, Qt.MouseButton.LeftButton)
    for size in ((1280, 800), (900, 600)):
        window.resize(*size)
        qtbot.waitUntil(lambda size=size: (window.width(), window.height()) == size)  # type: ignore[misc]
        QApplication.processEvents()
        assert not within(window, card_of(window)).intersects(within(window, readouts))
        assert window.rect().contains(within(window, card_of(window)))
    qtbot.keyClick(window, Qt.Key.Key_F7)
    QApplication.processEvents()
    assert card_of(window).isVisible(), "also where the part is hidden"


@pytest.mark.parametrize(
    ("part", "place"),
    [
        (QRect(0, 0, 1000, 40), QPoint(10, 49)), (QRect(300, 500, 700, 90), QPoint(300, 390)),
        (QRect(300, 60, 700, 540), QPoint(679, 469)),
    ],
)  # fmt: skip
def test_it_is_below_above_or_within(part: QRect, place: QPoint) -> None:
    assert card_place(QRect(0, 0, 200, 100), part, QRect(0, 0, 1000, 600)) == place
