# SPDX-License-Identifier: Apache-2.0
"""The bench as its own process: it obeys, it outlives its window, and its death costs next to nothing."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from monitor_app.bench.client import BenchClient
from monitor_app.bench.messages import (
    AddMark,
    AskTrust,
    Closed,
    Event,
    Failed,
    Opened,
    Quit,
    SetMarkers,
    SetNotes,
    StartRuns,
    Status,
    Trust,
)
from monitor_app.core.host_time import host_time_ns
from monitor_app.core.markers import Marker
from monitor_app.core.status import BenchPhase, SourceState
from monitor_app.session.reader import SessionReader
from monitor_app.session.writer import SessionWriter
from tests.bench.conftest import IDLE_PROFILE
from tests.bench.test_trust import PROGRAM, tracer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


class Window:
    """What a window does with a bench: polls it, and remembers what it said."""

    def __init__(self, client: BenchClient) -> None:
        self.client = client
        self.heard: list[Event] = []

    def has_heard(self, kind: type[Event]) -> bool:
        self.heard += self.client.poll()
        return any(isinstance(event, kind) for event in self.heard)

    def streams(self) -> bool:
        self.has_heard(Status)
        statuses = [event.status for event in self.heard if isinstance(event, Status)]
        return bool(statuses) and bool(statuses[-1].sources) and statuses[-1].sources[0].state is SourceState.STREAMING


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[str], Window]]:
    windows = []

    def start(text: str = IDLE_PROFILE) -> Window:
        profile = tmp_path / "bench.toml"
        profile.write_text(text)
        windows.append(Window(BenchClient(profile, tmp_path / f"s{len(windows)}.plm")))
        return windows[-1]

    yield start
    for window in windows:
        window.client.close()
        window.client.close()


def recorded_s(path: Path) -> float:
    with SessionReader(path) as reader:
        extent = reader.extent()
    return extent.duration_s if extent else 0.0


def test_it_opens_tells_obeys_and_closes(
    start: Callable[[], Window], wait_until: Callable[[Callable[[], bool]], None]
) -> None:
    window = start()
    wait_until(lambda: window.has_heard(Opened))
    wait_until(window.streams)
    window.client.send(AddMark(host_time_ns(), "a note"))
    window.client.send(SetMarkers((Marker(1, 5, 9, "one", 0),)))
    window.client.send(SetNotes("a cool day"))
    children = psutil.Process(window.client.pid).children(recursive=True)
    assert children, "the emulated meter is a process of its own"
    window.client.close()
    assert not any(child.is_running() for child in children)
    assert not window.client.alive
    with SessionReader(window.client.session) as reader:
        assert [mark.text for mark in reader.marks()] == ["a note"]
        assert reader.markers() == [Marker(1, 5, 9, "one", 0)]
        assert reader.meta()["notes"] == "a cool day"
        assert "completed_utc_ns" in reader.meta()


def test_killed_it_leaves_a_sound_file_and_says_so(
    start: Callable[[], Window], wait_until: Callable[[Callable[[], bool]], None]
) -> None:
    chance = random.Random(7)
    for _ in range(3):
        window = start()
        wait_until(window.streams)
        wait_until(lambda window=window: recorded_s(window.client.session) > 0.3)  # type: ignore[misc]
        time.sleep(chance.uniform(0.0, 0.3))
        children = psutil.Process(window.client.pid).children(recursive=True)
        killed_ns = host_time_ns()
        os.kill(window.client.pid, signal.SIGKILL)
        wait_until(lambda window=window: window.has_heard(Failed))  # type: ignore[misc]
        (told,) = [event for event in window.heard if isinstance(event, Failed)]
        assert "SIGKILL" in told.message
        assert str(window.client.session) in told.message
        wait_until(lambda children=children: not any(child.is_running() for child in children))  # type: ignore[misc]
        with SessionReader(window.client.session) as reader:
            extent = reader.extent()
            assert extent is not None
            stats = reader.statistics(3, extent.start_ns, extent.end_ns)
            assert stats.coverage == 1.0
            assert stats.mean == pytest.approx(1.30, abs=0.01)
            assert 0 <= (killed_ns - extent.end_ns) * 1e-9 < 5.0
            assert reader.lost_samples() == 0
        db = sqlite3.connect(window.client.session)
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        db.close()


def test_it_outlives_a_window_that_dies_until_the_plan_is_done(
    start: Callable[[str], Window], wait_until: Callable[[Callable[[], bool]], None]
) -> None:
    plan = (
        '[inference]\ndevice = "emulated:tx1"\n'
        "[protocol]\nsettle_s = 0\npower_check = false\nidle_s = 0.5\n"
        "warm_up_s = 0.1\nwarm_up_max_s = 1\ntimed_s = 0.3\n"
        '[plan]\nnetworks = ["alexnet_2016"]\n'
    )
    window = start(IDLE_PROFILE + plan)
    wait_until(window.streams)
    process = window.client._child._process
    assert process.stdin is not None
    process.stdin.close()  # as when the window is killed
    wait_until(lambda: process.poll() is not None)
    assert process.returncode == 0
    with SessionReader(window.client.session) as reader:
        assert [run.state for run in reader.runs()] == ["done"]
        assert "completed_utc_ns" in reader.meta()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_good_order(
    start: Callable[[], Window], wait_until: Callable[[Callable[[], bool]], None], number: signal.Signals
) -> None:
    window = start()
    wait_until(window.streams)
    os.kill(window.client.pid, number)
    wait_until(lambda: window.has_heard(Closed))
    assert recorded_s(window.client.session) > 0


def test_what_cannot_begin_is_said_in_a_sentence(
    start: Callable[[str], Window], wait_until: Callable[[Callable[[], bool]], None]
) -> None:
    window = start('title = "x"\nbanana = 1\n')
    wait_until(lambda: window.has_heard(Failed))
    wait_until(lambda: not window.client.alive)
    window.has_heard(Failed)
    assert [type(event) for event in window.heard] == [Failed]
    assert isinstance(window.heard[0], Failed)
    assert "banana" in window.heard[0].message


def test_the_status_names_a_port_that_is_not_there(
    start: Callable[[str], Window], wait_until: Callable[[Callable[[], bool]], None]
) -> None:
    window = start('title = "x"\n[[source]]\nkind = "shunt"\nport = "/dev/ttyNOTHING"\n')

    def failed() -> bool:
        window.has_heard(Status)
        statuses = [event.status for event in window.heard if isinstance(event, Status)]
        return bool(statuses) and statuses[-1].sources[0].state is SourceState.FAILED

    wait_until(failed)
    status = [event.status for event in window.heard if isinstance(event, Status)][-1]
    assert status.phase is BenchPhase.MONITORING
    assert "There is no port /dev/ttyNOTHING" in status.message


@pytest.mark.parametrize("answer", [Trust(), Quit(), None])
def test_a_profile_that_runs_code_waits_for_the_users_answer(
    start: Callable[[str], Window],
    wait_until: Callable[[Callable[[], bool]], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    answer: Trust | Quit | None,
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    program, trace = tracer(tmp_path)
    window = start(PROGRAM.format(python=str(program)))
    wait_until(lambda: window.has_heard(AskTrust))
    window.client.send(StartRuns())
    assert window.heard == [
        AskTrust(
            f"This profile runs code: the program {program} for the source jtop. It can do on this computer whatever "
            "you can. Do you allow it?"
        )
    ]
    assert not window.client.session.exists()
    if answer == Trust():
        window.client.send(answer)
        wait_until(lambda: window.has_heard(Opened) and trace.exists())
        return
    if answer is None:
        window.client._child._close_stdin()  # as when the window dies
    else:
        window.client.send(answer)
    wait_until(lambda: window.has_heard(Failed))
    assert "was not used, because it runs code" in window.heard[-1].message
    assert not trace.exists()
    assert not window.client.session.exists()


def test_the_profile_that_a_session_holds_is_asked_about_like_any_other(
    wait_until: Callable[[Callable[[], bool]], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    program, trace = tracer(tmp_path)
    old = tmp_path / "old.plm"
    writer = SessionWriter(old)
    writer.set_meta({"profile": PROGRAM.format(python=str(program))})
    writer.close()
    window = Window(BenchClient(old, tmp_path / "new.plm", stored=True))
    try:
        wait_until(lambda: window.has_heard(AskTrust))
        window.client.send(Quit())
        wait_until(lambda: window.has_heard(Failed))
    finally:
        window.client.close()
    assert f"the profile in {old} was not used, because it runs code" in window.heard[-1].message
    assert not trace.exists()
