# SPDX-License-Identifier: Apache-2.0
"""Batches as spans: shown where they are wide enough, read with the mouse, stepped through with the keys."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import numpy as np
import pytest
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF

from monitor_app.gui.batch_controller import FIRST, LAST, NO_BATCHES
from monitor_app.gui.plot.batches.layer import card_rect, card_size, shown_card
from monitor_app.gui.plot.batches.spans import spans_in
from monitor_app.gui.plot.plot_state import BatchCard, BatchSpan
from monitor_app.gui.plot.time_window import TimeWindow
from monitor_app.gui.session.batch_log import COLUMN
from monitor_app.gui.theme import SMALL_PX, ui_font
from tests.gui.conftest import BATCH_S, Tape, frames
from tests.gui.test_markers import move
from tests.gui.test_window import on_trace

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from monitor_app.gui.main_window import MainWindow
    from monitor_app.gui.session.batch_log import BatchLog


@pytest.fixture
def window(open_window: Callable[..., MainWindow], session: Path) -> MainWindow:
    return open_window(None, session)


def shown(window: MainWindow) -> BatchCard | None:
    """The card that is painted."""
    window.parts.stack.viewport().grab()
    state = window.parts.stack.state().batches
    if state.card is None or state.card.span.index not in {span.index for span in state.spans}:
        return None
    return state.card


def point_at(qtbot: QtBot, window: MainWindow, seconds: float) -> None:
    """The mouse at a time, once it is seen there."""
    view, stack = window.view, window.parts.stack

    def is_there() -> bool:
        move(window, on_trace(window, (seconds - view.start_s) / view.width_s))
        return stack.pointer_s is not None and abs(stack.pointer_s - seconds) < 2 * view.width_s / stack.pixels

    qtbot.waitUntil(is_there)


def test_batches_are_spans_where_they_are_wide_enough(window: MainWindow) -> None:
    assert window.parts.stack.batch_spans == ()
    window.navigation.show_between(5.0, 5.2)
    frames(window)
    spans = window.parts.stack.batch_spans
    assert len(spans) == 10
    assert all(span.timed for span in spans)
    assert (spans[1].start_s, spans[1].end_s) == pytest.approx((5.02, 5.02 + 0.9 * BATCH_S))
    window.navigation.show_between(7.0, 7.2)
    frames(window)
    assert not any(span.timed for span in window.parts.stack.batch_spans), "those of the accuracy pass are pale"


def test_a_span_is_seen(window: MainWindow) -> None:
    window.navigation.show_between(5.0, 5.2)
    frames(window)

    def colour_at(seconds: float) -> QColor:
        at = on_trace(window, (seconds - 5.0) / 0.2, 0.8)
        return window.parts.stack.viewport().grab().toImage().pixelColor(at)

    assert colour_at(5.03) != colour_at(5.039), "a batch, and the pause after it"


def test_the_mouse_reads_a_batch(qtbot: QtBot, window: MainWindow) -> None:
    window.navigation.show_between(5.0, 5.2)
    frames(window)
    point_at(qtbot, window, 5.03)
    card = shown(window)
    assert card is not None
    assert card.title == "timed batch 52 of 150"
    # 10 W less 1 W of idle for 18 ms.
    assert dict(card.rows) == {"time": "18.00 ms", "net energy": card.rows[1][1], "mean power": "10.00 W"}
    assert card.rows[1][1].startswith("162")
    assert " ± " in card.rows[1][1]
    assert card.rows[1][1].endswith(" mJ")
    assert card.warnings == ("SIMULATED",)
    point_at(qtbot, window, 5.039)
    assert shown(window) is None, "in the pause between two"


def test_the_stages_of_a_pass_from_end_to_end_are_on_its_card(
    qtbot: QtBot, session: Path, open_window: Callable[..., MainWindow]
) -> None:
    with closing(sqlite3.connect(session)) as file, file:
        ends_ns = [0, 2_000_000, 4_000_000, 4_500_000, 16_000_000, 18_000_000]
        file.execute(
            "INSERT INTO stages SELECT id, " + ", ".join(f"start_ns + {ns}" for ns in ends_ns)
            + " FROM batch WHERE phase = 'timed'"
        )  # fmt: skip
    window = open_window(None, session)
    window.navigation.show_between(5.0, 5.2)
    frames(window)
    point_at(qtbot, window, 5.03)
    card = shown(window)
    assert card is not None
    # 10 W less 1 W of idle for 2 ms; half a millisecond has too few samples for an energy of its own.
    stages = dict(card.rows[-5:])
    assert list(stages) == ["decode", "pre-process", "copy in", "compute", "copy out"]
    assert stages["decode"].startswith("2.000 ms  ·  18")
    assert stages["compute"].startswith("11.50 ms  ·  103")
    assert stages["copy in"] == "500.0 µs"  # noqa: RUF001
    assert card.stages_s == pytest.approx((5.022, 5.024, 5.0245, 5.036))
    window.navigation.show_between(7.0, 7.2)
    frames(window)
    point_at(qtbot, window, 7.03)
    other = shown(window)
    assert other is not None
    assert other.stages_s == (), "a pass that was not timed end to end"


def test_what_is_read_on_a_batch_stands_on_its_card_alone(qtbot: QtBot, window: MainWindow) -> None:
    stack = window.parts.stack
    window.signals.toggle_quantity("A")
    window.navigation.show_between(5.0, 5.2)
    frames(window)

    def boxes() -> int:
        """Of values and cards over the first pane."""
        stack.viewport().grab()
        state = stack.state()
        return sum(tag.intersects(state.first.rect) for tag in stack.cursor_layer.tags) + (shown(window) is not None)

    point_at(qtbot, window, 5.03)
    card = shown_card(stack.state())
    assert card is not None
    assert card.rows[:-1] == (shown(window) or card).rows
    assert card.rows[-1][0].startswith("0:05.03")
    assert card.rows[-1][1] == "10.00 W"
    assert boxes() == 1
    assert len(stack.cursor_layer.tags) == 1, "the value of the other pane"
    point_at(qtbot, window, 5.039)
    assert boxes() == 1, "in the pause between two, that of the values"


def test_wide_spans_say_what_they_took(window: MainWindow) -> None:
    window.navigation.show_between(5.0, 5.1)
    frames(window, 4)
    batches = window.parts.stack.state().batches
    assert len(batches.spans) == 5
    texts = [batches.energies[span.index] for span in batches.spans]
    assert len(texts) == 5, "some at a time"
    assert all(text.startswith("162") and text.endswith(" mJ") and "±" not in text for text in texts)


def test_a_double_click_on_a_span_lays_a_pair_around_the_batch(qtbot: QtBot, window: MainWindow) -> None:
    window.navigation.show_between(5.0, 5.2)
    frames(window)
    at = on_trace(window, 0.15)  # 5.03 s
    qtbot.mouseDClick(window.parts.stack.viewport(), Qt.MouseButton.LeftButton, pos=at)
    assert window.selection == pytest.approx((5.02, 5.038), abs=1e-6)


def test_right_or_wrong_is_said_where_it_is_known(qtbot: QtBot, window: MainWindow) -> None:
    window.navigation.show_between(7.0, 7.2)
    frames(window)
    for seconds, answer in ((7.01, "right"), (7.03, "wrong")):
        point_at(qtbot, window, seconds)
        card = shown(window)
        assert card is not None
        assert dict(card.rows)["answer"] == answer


def test_a_batch_during_which_samples_were_lost_has_no_energy(
    qtbot: QtBot, open_window: Callable[..., MainWindow], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.gui.conftest.GAP_S", (5.0, 5.5))
    tape = Tape(tmp_path / "gap.plm", simulated=False)
    tape.write_until(8.0)
    tape.close()
    window = open_window(None, tape.path)
    window.navigation.show_between(5.0, 5.2)
    frames(window)
    # Those of a span are written when it ends, whatever is missing of the power.
    point_at(qtbot, window, 5.03)
    card = shown(window)
    assert card is not None
    assert dict(card.rows)["energy"] == "No power was recorded during it."
    assert card.warnings == ()


def test_keys_step_through_them(qtbot: QtBot, window: MainWindow) -> None:
    window.navigation.show_between(4.0, 6.02)
    frames(window)
    qtbot.keyClick(window, Qt.Key.Key_BracketRight)
    frames(window)
    card = shown(window)
    assert card is not None
    assert card.title == "timed batch 51 of 150"
    view = window.view
    assert view.width_s < 0.5, "it is wide enough to be seen"
    assert view.start_s + view.width_s / 2 == pytest.approx((card.span.start_s + card.span.end_s) / 2)
    qtbot.keyClick(window, Qt.Key.Key_BracketRight)
    frames(window)
    card = shown(window)
    assert card is not None
    assert card.title == "timed batch 52 of 150"
    assert window.view.width_s == view.width_s
    for _ in range(2):
        qtbot.keyClick(window, Qt.Key.Key_BracketLeft)
    frames(window)
    card = shown(window)
    assert card is not None
    assert card.title == "timed batch 50 of 150"
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    assert shown(window) is None


def test_the_last_and_the_first_one_are_told(qtbot: QtBot, window: MainWindow) -> None:
    window.navigation.show_between(-1.0, 3.0)
    frames(window)
    qtbot.keyClick(window, Qt.Key.Key_BracketLeft)
    assert window.parts.message_bar.text == FIRST
    window.navigation.show_between(17.9, 20.0)
    window.batches.leave()
    qtbot.keyClick(window, Qt.Key.Key_BracketRight)
    assert window.parts.message_bar.text == LAST


def test_a_session_without_batches_says_so(
    qtbot: QtBot, open_window: Callable[..., MainWindow], tmp_path: Path
) -> None:
    tape = Tape(tmp_path / "idle.plm")
    tape.write_until(1.5)
    tape.close()
    window = open_window(None, tape.path)
    qtbot.keyClick(window, Qt.Key.Key_BracketRight)
    assert window.parts.message_bar.text == NO_BATCHES


def test_spans_overlapping_an_edge_of_the_view_are_shown(window: MainWindow) -> None:
    assert window.recording is not None
    found = spans_in(window.recording.batches, TimeWindow(5.01, 0.02), 1000)
    assert [(round(s.start_s, 3), round(s.end_s, 3)) for s in found] == [(5.0, 5.018), (5.02, 5.038)]


def test_the_card_stands_beside_its_batch() -> None:
    card = BatchCard(BatchSpan(0, 0, 1, True), "timed batch 1 of 2", (("time", "18.00 ms"),))
    size = card_size(card, QFontMetricsF(ui_font(SMALL_PX)))
    first, runs = QRectF(60, 60, 600, 300), QRectF(60, 400, 600, 150)
    place = partial(card_rect, size, (first, runs))
    assert place((300, 340), leftwards=False).left() == 350
    assert place((300, 340), leftwards=True).right() == 290
    assert place((560, 600), leftwards=False).right() == 550
    assert place((80, 120), leftwards=True).left() == 130
    assert first.contains(place((61, 659), leftwards=True))
    low = QRectF(60, 60, 600, 20)
    assert runs.contains(card_rect(size, (low, runs), (300, 340), leftwards=False)), "where the first pane is too low"


@pytest.mark.parametrize(("narrow", "shown"), [(0, 20), (2, 20), (4, 0)])
def test_all_batches_are_spans_or_none(narrow: int, shown: int) -> None:
    """Where a tenth of them is narrow, it belongs to the picture; a few wide ones among many say nothing."""
    rows = np.zeros(20, COLUMN)
    rows["end_s"], rows["latency_ms"] = 0.05 * np.arange(1, 21), 40.0
    rows["latency_ms"][:narrow] = 1.0
    assert len(spans_in(cast("BatchLog", SimpleNamespace(rows=rows)), TimeWindow(0.0, 1.0), 1000)) == shown
