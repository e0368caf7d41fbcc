# SPDX-License-Identifier: Apache-2.0
"""What is required, in the window: a deadline in the pane of latencies, and a strip that turns as evidence comes in."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDoubleSpinBox, QInputDialog

from monitor_app.analysis.require.judgement import Verdict
from monitor_app.analysis.require.session import required_by, verdicts_on
from monitor_app.gui.panels.readouts import Readouts
from monitor_app.gui.panels.requirement_strip import RequirementStrip, without_ends
from monitor_app.gui.views.view_memory import read_options
from monitor_app.session.reader import SessionReader
from tests.gui.conftest import frames

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from monitor_app.gui.main_window import MainWindow
    from tests.gui.conftest import StandIn, Tape

    Live = tuple[MainWindow, StandIn, Tape]

PROFILE = 'title = "It"\n[require]\ndeadline_ms = 10\np99_ms = 500\nmax_power_w = 14\nmin_top1 = 90\n'
"""Batches take 18 ms, the board 10 W, and half of the images are answered right."""


def verdicts(window: MainWindow) -> list[str]:
    """As the strip shows them."""
    return [chip.verdict.split()[-1] for chip in window.parts.panel(RequirementStrip).chips]


def settle(qtbot: QtBot, window: MainWindow, shown: list[str]) -> None:
    """Until the thread that judges has said so."""

    def look() -> None:
        frames(window, 1)
        assert verdicts(window) == shown

    qtbot.waitUntil(lambda: look() is None, timeout=20_000)


@pytest.fixture
def required(session: Path) -> Path:
    with sqlite3.connect(session) as file:
        file.execute("INSERT INTO meta VALUES ('profile', ?)", (PROFILE,))
    return session


def test_an_old_session_shows_the_verdicts_of_check(
    qtbot: QtBot, open_window: Callable[..., MainWindow], required: Path
) -> None:
    window = open_window(None, required)
    strip = window.parts.panel(RequirementStrip)
    window.show_run(1)
    settle(qtbot, window, ["FAIL", "INCONCLUSIVE", "PASS", "FAIL"])
    assert strip.isVisible()
    assert (strip.head.name, strip.head.verdict) == ("SqueezeNet 1.1 b1", "SIMULATED")
    assert [chip.name for chip in strip.chips] == [
        "deadline 10 ms, 1 %",
        "p99 ≤ 500 ms",
        "power ≤ 14 W",
        "top-1 ≥ 90 %",
    ]
    assert "more batches" in strip.chips[1].toolTip()
    window.show_run(2)
    settle(qtbot, window, ["FAIL", "INCONCLUSIVE", "PASS", "INCONCLUSIVE"])
    with SessionReader(required) as reader:
        checked = verdicts_on(reader, required_by(reader)).judgements
    assert [each.verdict for each in checked] == [each.verdict for each in window.requirements.judgements]
    assert len(checked) == 8


def test_a_deadline_is_a_line_and_its_misses_are_marked(
    qtbot: QtBot, open_window: Callable[..., MainWindow], required: Path
) -> None:
    window = open_window(None, required)
    latency = window.parts.stack.latency
    settle(qtbot, window, verdicts(window) or ["FAIL", "INCONCLUSIVE", "PASS", "FAIL"])
    missed, timed = latency.misses(window.view) or (0, 0)
    assert missed == timed == 350
    assert len(latency._missed._x) > 0
    assert len(latency._timed._x) == 0
    notes = {note.name: note.text for note in window.parts.stack.annotations.latency}
    assert (notes["limit"], notes["missed"]) == ("10 ms", "350")


def test_nothing_is_shown_where_nothing_is_required(open_window: Callable[..., MainWindow], session: Path) -> None:
    window = open_window(None, session)
    frames(window, 4)
    assert not window.parts.panel(RequirementStrip).isVisible()
    assert "limit" not in {note.name for note in window.parts.stack.annotations.latency}
    assert window.parts.stack.latency.misses(window.view) is None


def test_a_deadline_of_the_user_is_undone_and_remembered(
    qtbot: QtBot, open_window: Callable[..., MainWindow], session: Path
) -> None:
    window = open_window(None, session)
    stack = window.parts.stack
    texts = [text for text, _, _ in window.views.pane_entries(stack.latency)]
    assert "Deadline…" in texts
    assert "Deadline…" not in [text for text, _, _ in window.views.pane_entries(stack.trace)]
    window.views.ask_deadline()
    [dialog] = window.findChildren(QInputDialog)
    [field] = dialog.findChildren(QDoubleSpinBox)
    field.setValue(12.5)
    dialog.accept()
    settle(qtbot, window, ["FAIL"])
    assert window.parts.panel(RequirementStrip).isVisible()
    assert read_options(window.settings).deadline_ms == 12.5
    assert window.actions_by_name["Undo"].text() == "Undo deadline"
    window.actions_by_name["Undo"].trigger()
    settle(qtbot, window, [])
    assert not window.parts.panel(RequirementStrip).isVisible()
    assert stack.latency.deadline_ms is None
    window.actions_by_name["Redo"].trigger()
    settle(qtbot, window, ["FAIL"])


def test_the_deadline_of_the_profile_stays(
    qtbot: QtBot, open_window: Callable[..., MainWindow], required: Path
) -> None:
    window = open_window(None, required)
    frames(window)
    said: list[str] = []
    window.views.note.connect(said.append)
    window.views.ask_deadline()
    assert said == ["The profile of this session requires a deadline of 10 ms."]
    window.views.set_deadline(99.0)
    assert window.parts.stack.latency.deadline_ms == 10


def test_the_strip_turns_as_evidence_comes_in(qtbot: QtBot, open_window: Callable[..., MainWindow], tape: Tape) -> None:
    tape.profile('title = "It"\n[require]\ndeadline_ms = 10\n')
    tape.write_until(4.0)
    window = open_window(None, tape.path)
    settle(qtbot, window, ["INCONCLUSIVE"])
    assert "No batch has been timed yet." in window.parts.panel(RequirementStrip).chips[0].toolTip()
    tape.write_until(8.0)
    settle(qtbot, window, ["FAIL"])


def test_it_is_hidden_with_the_read_outs(qtbot: QtBot, open_window: Callable[..., MainWindow], required: Path) -> None:
    window = open_window(None, required)
    settle(qtbot, window, verdicts(window) or ["FAIL", "INCONCLUSIVE", "PASS", "FAIL"])
    qtbot.keyClick(window, Qt.Key.Key_F7)
    frames(window)
    assert not window.parts.panel(RequirementStrip).isVisible()
    assert not window.parts.panel(Readouts).isVisible()
    qtbot.keyClick(window, Qt.Key.Key_F7)
    assert window.parts.panel(RequirementStrip).isVisible()


def test_what_has_not_changed_is_not_judged_again(
    qtbot: QtBot, open_window: Callable[..., MainWindow], required: Path
) -> None:
    window = open_window(None, required)
    settle(qtbot, window, verdicts(window) or ["FAIL", "INCONCLUSIVE", "PASS", "FAIL"])
    before = window.requirements.judgements
    frames(window, 5)
    assert window.requirements._task is None
    assert window.requirements.judgements is before
    assert {each.verdict for each in before} == set(Verdict)


@pytest.mark.parametrize(
    ("value", "short"),
    [("217 ± 14 mJ", "217 mJ"), ("3 (0 to 18) %", "3 %"), ("at least 3 ms", "at least 3 ms"), ("12 W", "12 W")],
)
def test_a_value_without_its_interval(value: str, short: str) -> None:
    assert without_ends(value) == short
