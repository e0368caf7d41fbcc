# SPDX-License-Identifier: Apache-2.0
"""The statistics of the view: of what was recorded and no more, as much of them as there is room for, copied."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QGuiApplication, QImage, QPainter

from monitor_app.core.samples import Quantity
from monitor_app.gui.main_window import ROWS_S
from monitor_app.gui.plot.legend import legend_px, paint_legend
from monitor_app.gui.plot.plot_state import LegendEntry
from monitor_app.gui.plot.view_statistics import view_figures, within
from monitor_app.gui.theme import DARK, SMALL_PX, application, set_text_size, ui_font
from monitor_app.session.waveform import Statistics
from tests.gui.conftest import FULL_A, GAP_S, VOLTS, frames

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from monitor_app.gui.main_window import MainWindow

    Opener = Callable[..., MainWindow]

SOME = Statistics(100, 1.2709, 14.091, 6.2442, 0.1, 100, 10.0)


def texts(window: MainWindow, pane: int = 0) -> dict[str, str]:
    figures = window.statistics.lines[pane].figures
    assert figures is not None
    return figures.texts


def test_they_are_of_the_view_and_follow_it(open_window: Opener, session: Path) -> None:
    window = open_window(None, session)
    window.navigation.show_between(4.0, 6.0)
    frames(window)
    full_w = VOLTS * FULL_A
    assert texts(window) == {
        "mean": f"{full_w:.3f} W", "min": f"{full_w:.3f}", "max": f"{full_w:.3f}", "p-p": "0.0000", "std": "0.0000",
        "∫": f"{2 * full_w:.3f} J",
    }  # fmt: skip
    line = window.statistics.lines[0]
    assert line.isVisible()
    assert line.text().startswith("mean 10.000 W")
    window.navigation.show_between(10.0, 12.0)
    frames(window)
    assert texts(window)["mean"] == "1.0000 W"
    assert ROWS_S <= 0.25


def test_nothing_is_integrated_where_nothing_was_recorded(open_window: Opener, session: Path) -> None:
    window = open_window(None, session)
    window.navigation.show_between(GAP_S[0] - 0.5, GAP_S[1] + 0.5)
    frames(window)
    assert texts(window)["∫"] == "≥ 1.0000 J"
    window.navigation.view = window.view.between(19.0, 25.0, 20.0, live=True)
    frames(window)
    assert texts(window)["∫"] == "1.0000 J"


def test_a_source_that_begins_or_is_read_a_moment_later_lacks_nothing() -> None:
    second = 1_000_000_000
    assert within((0, 60 * second), None) == (0, 60 * second)
    assert within((0, 60 * second), (second // 2, 59 * second)) == (second // 2, 59 * second)
    assert within((0, 60 * second), (2 * second, 50 * second)) == (0, 60 * second), "that is a loss"
    assert within((10, 20), (0, 60 * second)) == (10, 20)


def test_each_pane_has_its_own_and_a_click_copies_it(qtbot: QtBot, open_window: Opener, session: Path) -> None:
    window = open_window(None, session)
    window.signals.toggle_quantity("A")
    window.navigation.show_between(4.0, 6.0)
    frames(window, 3)
    assert texts(window, 1)["∫"] == "2.0000 C"
    power, current = window.statistics.lines[:2]
    assert power.y() < current.y()
    qtbot.mouseClick(current, Qt.MouseButton.LeftButton)
    heads, row = (line.split("\t") for line in QGuiApplication.clipboard().text().splitlines())
    cells = dict(zip(heads, row, strict=True))
    assert float(cells["mean (A)"]) == pytest.approx(FULL_A)
    assert float(cells["integral (C)"]) == pytest.approx(2 * FULL_A)
    assert cells["origin"] == "SIMULATED"
    window.signals.toggle_quantity("A")
    frames(window, 2)
    assert not current.isVisible()


def test_the_view_that_stands_still_is_read_once(
    open_window: Opener, session: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_window(None, session)
    assert window.recording is not None
    read: list[int] = []
    monkeypatch.setattr(window.recording.reader, "statistics", lambda signal, *_: read.append(signal))
    window._show_statistics()
    assert read == []


def test_where_room_is_short_the_mean_stays() -> None:
    application()
    figures = view_figures("power", Quantity.POWER, Statistics(100, 0.05, 0.0712, 0.0613, 1e-6, 100, 10.0), "")
    metrics = QFontMetricsF(ui_font(SMALL_PX))
    assert figures.line(1000, metrics) == (
        "mean 61.300 mW   min 50.000   max 71.200   p-p 21.200   std 1.0000   ∫ 613.00 mJ"
    )
    assert figures.line(metrics.horizontalAdvance("mean 61.300 mW   ∫ 613.00 mJ"), metrics) == (
        "mean 61.300 mW   ∫ 613.00 mJ"
    )
    assert figures.line(5, metrics) == ""


@pytest.mark.parametrize("percent", [100, 130])
@pytest.mark.parametrize("value", ["13.0 W", "850 mW", ""])
def test_a_legend_of_five_leaves_the_statistics_their_room(percent: int, value: str, qapp: object) -> None:
    """At 1280 pixels, where panes and their notes are 950 wide."""
    strip = QRectF(0, 0, 950, 18)
    names = ("shunt power", "tx1", "ppk2 power", "edgepowermeter power", "csv power")
    set_text_size(percent)
    try:
        entries = [LegendEntry(name, value, "#ffffff", slot) for slot, name in enumerate(names)]
        image = QImage(strip.size().toSize(), QImage.Format.Format_RGB32)
        image.fill(0)
        painter = QPainter(image)
        paint_legend(painter, DARK, strip, entries, marked=True)
        painter.end()
        columns = [x for x in range(image.width()) if any(image.pixel(x, y) & 0xFFFFFF for y in range(image.height()))]
        line = view_figures("power", Quantity.POWER, SOME, "").line(
            room := strip.width() - legend_px(strip.width(), entries), QFontMetricsF(ui_font(SMALL_PX))
        )
        assert line.startswith("mean 6.2442 W")
        assert max(columns) < strip.width() - room, "where the statistics begin at the earliest"
        others = [LegendEntry(name, value and "9.99 W", "#ffffff", slot) for slot, name in enumerate(names)]
        assert legend_px(strip.width(), others) == legend_px(strip.width(), entries), "other values move nothing"
    finally:
        set_text_size(100)
