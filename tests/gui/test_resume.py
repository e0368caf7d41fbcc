# SPDX-License-Identifier: Apache-2.0
"""A plan that was stopped is resumed, in the bench that records or in the session that holds it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt

from monitor_app.bench.client import Resumed
from monitor_app.bench.messages import Closed, Opened, ResumeRuns, StartRuns, Status
from monitor_app.core.runs import RunState
from monitor_app.core.status import BenchPhase, RunStatus
from monitor_app.gui.bench.resume_offer import resume_at
from monitor_app.gui.panels.run_panel import RunPanel
from monitor_app.session.writer import SessionWriter
from monitor_app.sources.profile_reader import parse_profile
from tests.gui.conftest import StandIn, frames, status

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from monitor_app.bench.messages import Command
    from monitor_app.core.status import BenchStatus
    from monitor_app.gui.bench.controller import Wanted
    from monitor_app.gui.main_window import MainWindow
    from tests.gui.conftest import Tape

CLICK = Qt.MouseButton.LeftButton
PLAN = 'title = "t"\n[inference]\nthreads = 1\n[plan]\nnetworks = ["resnet18"]\nbatch_sizes = [1, 2, 4]\n'


def reported(*states: str, cycle: int = 1, cycles: int = 1, phase: BenchPhase = BenchPhase.MONITORING) -> BenchStatus:
    runs = tuple(RunStatus(None, "ResNet-18", 1, state) for state in states)
    return replace(status(phase), runs=runs, cycle=cycle, cycles=cycles)


@pytest.mark.parametrize(
    ("given", "at"),
    [
        (reported("done", "cancelled", "cancelled"), 2),
        (reported("done", "does_not_fit", "cancelled"), 3),
        (reported("done", "cancelled", "done"), None),
        (reported("done", "done", "done"), None),
        (reported("done", "running", "waiting", phase=BenchPhase.RUNNING), None),
        (reported("cancelled", "cancelled", "cancelled", cycle=0), None),
        (reported("done", "cancelled", "cancelled", cycle=3, cycles=4), 8),
        (reported("done", "done", "done", cycle=1, cycles=2), 4),
        (reported("done", "cancelled", cycle=7, cycles=0), 2),
        (None, None),
    ],
)
def test_where_a_bench_can_resume(given: BenchStatus | None, at: int | None) -> None:
    assert resume_at(given) == at


def test_a_stopped_plan_is_resumed_by_its_bench(qtbot: QtBot, live: tuple[MainWindow, StandIn, Tape]) -> None:
    window, bench, _ = live
    button = window.parts.panel(RunPanel).resume
    assert not button.isVisible()
    bench.say(Status(reported("done", "cancelled", "cancelled")))
    frames(window)
    assert button.text().replace("&", "") == "Resume at run 2"
    qtbot.mouseClick(button, CLICK)
    qtbot.keyClick(window, Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    assert bench.commands == [ResumeRuns(), ResumeRuns()]
    bench.say(Status(reported("done", "running", "waiting", phase=BenchPhase.RUNNING)))
    frames(window)
    assert not button.isVisible()


def stopped_session(path: Path, *states: RunState) -> Path:
    specs = parse_profile(PLAN, "it").run_specs(1)
    writer = SessionWriter(path)
    writer.set_meta({"profile": PLAN})
    for number, state in enumerate(states):
        writer.add_run(number + 1, 1, specs[number], "ResNet-18", state)
    writer.close()
    return path


def test_a_stopped_session_is_resumed_in_its_file(
    qtbot: QtBot, open_window: Callable[..., MainWindow], tmp_path: Path
) -> None:
    path = stopped_session(tmp_path / "old.plm", RunState.DONE, RunState.CANCELLED)
    wanted: list[Wanted] = []
    bench = StandIn(path)

    def start(what: Wanted) -> StandIn:
        wanted.append(what)
        return bench

    window = open_window(None, path, start_bench=start)
    button = window.parts.panel(RunPanel).resume
    qtbot.waitUntil(button.isVisible, timeout=30_000)
    assert button.text().replace("&", "") == "Resume at run 2"
    qtbot.mouseClick(button, CLICK)
    assert wanted == [Resumed(path)]
    bench.say(Opened(str(path)), Status(reported("done", "running", "waiting", phase=BenchPhase.RUNNING)))
    frames(window)
    assert not button.isVisible()
    assert "is resumed" in window.parts.message_bar.text
    assert not window.document.undecided, "it has its name already, and must not be discarded"
    commands: list[Command] = [each for each in bench.commands if isinstance(each, StartRuns)]
    assert commands == [], "what is left runs, and not all of it"
    bench.say(Closed(str(path)))
    frames(window)
    qtbot.waitUntil(button.isVisible, timeout=30_000)
    qtbot.keyClick(window, Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier)
    assert wanted[1:] == [path], "Record begins a new session with the same profile"


def test_a_session_that_ran_to_its_end_offers_nothing(
    qtbot: QtBot, open_window: Callable[..., MainWindow], tmp_path: Path
) -> None:
    path = stopped_session(tmp_path / "old.plm", RunState.DONE, RunState.CANCELLED, RunState.DONE)
    window = open_window(None, path, start_bench=lambda _: StandIn(path))
    window.tasks.wait()
    frames(window)
    assert not window.parts.panel(RunPanel).resume.isVisible()
