# SPDX-License-Identifier: Apache-2.0
"""The driver of the runs with scripted children: what fails, does not fit, is cut off, and a board that is changed."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from monitor_app.bench.acquisition.recorder import Recorder
from monitor_app.bench.board import control as board_control
from monitor_app.bench.board.machine import ThisMachine
from monitor_app.bench.runs import cool_down, run
from monitor_app.bench.runs import driver as runs
from monitor_app.bench.runs import inference_place as child_place
from monitor_app.bench.runs.completed_runs import CompletedRuns
from monitor_app.bench.runs.driver import RunDriver
from monitor_app.bench.runs.run import Run
from monitor_app.core.errors import ChildDiedError, SessionError
from monitor_app.core.host_time import host_time_ns
from monitor_app.core.profile import Profile
from monitor_app.core.runs import Phase, RunState
from monitor_app.inference.process import ChildKind
from monitor_app.session.reader import SessionReader
from tests.bench.jetson_commands import Jetson, make_jetson
from tests.bench.sensors import TEMPERATURE, add_sensor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from monitor_app.session.rows import RunRow

    WaitUntil = Callable[[Callable[[], bool]], None]

SCRIPTED = Path(__file__).with_name("scripted_child.py")
QUICK = {
    "settle_s": 0.0, "idle_s": 0.001, "warm_up_s": 0.0, "warm_up_batches": 1, "timed_s": 0.01, "timed_batches": 1,
}  # fmt: skip


class Rig:
    """A recorder, and drivers of plans one after the other."""

    def __init__(self, folder: Path) -> None:
        self.log_file = folder / "log"
        self.recorder = Recorder(folder / "s.plm")
        self.driver: RunDriver | None = None

    def drive(
        self, *, completed: CompletedRuns | None = None, protocol: dict[str, object] | None = None, **plan: object
    ) -> None:
        """Start a plan."""
        tables = {"title": "x", "protocol": {**QUICK, **(protocol or {})}, "plan": {"networks": ("ok",), **plan}}
        self.driver = RunDriver(Profile.model_validate(tables), 2, self.recorder, completed=completed)
        self.driver.start()

    def close(self) -> None:
        if self.driver is not None:
            self.driver.close()
        self.recorder.close()

    def rows(self) -> list[RunRow]:
        """All runs of the file, once it is closed."""
        self.close()
        with SessionReader(self.recorder.path) as reader:
            return reader.runs()

    def marks(self) -> list[tuple[str, str]]:
        with SessionReader(self.recorder.path) as reader:
            return [(mark.kind, mark.text) for mark in reader.marks()]

    def log(self) -> list[tuple[int, str]]:
        """Process and what it was told."""
        if not self.log_file.exists():
            return []
        pairs = (line.split(" ", 1) for line in self.log_file.read_text().splitlines())
        return [(int(pid), text) for pid, text in pairs]

    def told(self, kind: str) -> list[str]:
        return [text for _, text in self.log() if text.startswith(kind)]


@pytest.fixture
def rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    made = Rig(tmp_path)
    command = (sys.executable, str(SCRIPTED), str(made.log_file))
    monkeypatch.setattr(ChildKind, "command", command)
    yield made
    made.close()


@pytest.fixture
def done(rig: Rig, wait_until: WaitUntil) -> Callable[..., list[RunRow]]:
    """Drive a plan to its end."""

    def drive(**options: object) -> list[RunRow]:
        rig.drive(**options)  # type: ignore[arg-type]
        wait_until(lambda: rig.driver is not None and not rig.driver.active)
        return rig.rows()

    return drive


def states(rows: list[RunRow]) -> list[tuple[str, int, str]]:
    return [(row.network, row.batch_size, row.state) for row in rows]


def test_the_log_says_what_the_monitor_took_while_batches_were_timed(
    rig: Rig, done: Callable[..., list[RunRow]]
) -> None:
    done(networks=("ok",), batch_sizes=(1, 2))
    with SessionReader(rig.recorder.path) as reader:
        told = [row.text for row in reader.log() if "of a core" in row.text]
    assert [text.partition(":")[0] for text in told] == ["Run 1", "Run 2"]
    assert all("the bench took" in text for text in told)


# -- what goes wrong ---------------------------------------------------------------------------------


def test_what_the_kernel_ends_for_memory_does_not_fit_and_the_plan_goes_on(
    rig: Rig, done: Callable[..., list[RunRow]], monkeypatch: pytest.MonkeyPatch
) -> None:
    killed: list[int] = []
    receive = child_place.InferenceChild.receive

    def receive_while_it_is_killed(child: child_place.InferenceChild, timeout_s: float) -> object:
        try:
            return receive(child, timeout_s)
        except ChildDiedError:
            killed.append(child.pid)
            raise

    monkeypatch.setattr(child_place.InferenceChild, "receive", receive_while_it_is_killed)
    monkeypatch.setattr(child_place, "oom_kills", lambda: len(killed))
    rows = done(networks=("died@4", "ok"), batch_sizes=(1, 4, 8))
    assert states(rows) == [
        ("died@4", 1, "done"), ("died@4", 4, "does_not_fit"), ("died@4", 8, "does_not_fit"),
        ("ok", 1, "done"), ("ok", 4, "done"), ("ok", 8, "done"),
    ]  # fmt: skip
    tried, not_tried = rows[1].error, rows[2].error
    assert tried == (
        "died@4 with 4 images at a time does not fit into memory, and the system ended the inference process: use a "
        "smaller batch size."
    )
    assert not_tried == "Not tried, since 4 images at a time did not fit into memory."
    assert rig.marks() == [("does not fit", tried)]
    assert len(killed) == 1
    # One child for what went before, and one after it.
    assert len({pid for pid, _ in rig.log()}) == 2
    assert rig.driver is not None
    assert rig.driver.message == ""


def test_what_the_network_says_does_not_fit_costs_no_child(rig: Rig, done: Callable[..., list[RunRow]]) -> None:
    rows = done(networks=("told@4", "ok"), batch_sizes=(8, 4, 1))
    assert states(rows) == [
        ("told@4", 8, "does_not_fit"), ("told@4", 4, "does_not_fit"), ("told@4", 1, "done"),
        ("ok", 8, "done"), ("ok", 4, "done"), ("ok", 1, "done"),
    ]  # fmt: skip
    assert rows[0].error == rows[1].error == "It does not fit, says the network."
    assert len({pid for pid, _ in rig.log()}) == 1


def test_a_child_is_replaced_after_a_failure_that_it_has_not_told(
    rig: Rig, done: Callable[..., list[RunRow]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may still be at what the run that failed has asked of it."""

    def unreadable(*_: object) -> None:
        raise SessionError("It cannot be read.")

    monkeypatch.setattr(run, "WarmUpJudge", unreadable)
    rows = done(batch_sizes=(1, 2), protocol={"warm_up_max_s": 1.0})
    assert [(row.state, row.error) for row in rows] == [("failed", "It cannot be read.")] * 2
    assert len({pid for pid, text in rig.log() if text.startswith("Load")}) == 2


@pytest.mark.parametrize(("network", "reason"), [("died", "SIGKILL"), ("crashed", "SIGSEGV")])
def test_a_child_that_dies_fails_its_run_alone_and_every_size_is_tried(
    rig: Rig, done: Callable[..., list[RunRow]], monkeypatch: pytest.MonkeyPatch, network: str, reason: str
) -> None:
    monkeypatch.setattr(child_place, "oom_kills", lambda: 0)
    rows = done(networks=(network, "ok"), batch_sizes=(1, 2))
    assert states(rows) == [(network, 1, "failed"), (network, 2, "failed"), ("ok", 1, "done"), ("ok", 2, "done")]
    assert reason in (rows[0].error or "")
    assert [kind for kind, _ in rig.marks()] == ["failed", "failed"]


def test_a_child_that_cannot_start_fails_each_run_in_a_sentence(
    rig: Rig, done: Callable[..., list[RunRow]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ChildKind, "command", ("/nowhere/python",))
    rows = done(batch_sizes=(1, 2))
    assert states(rows) == [("ok", 1, "failed"), ("ok", 2, "failed")]
    assert all("cannot be started" in (row.error or "") for row in rows)
    assert rig.driver is not None
    assert "cannot be started" in rig.driver.message


@pytest.mark.parametrize("network", ["told", "died"])
def test_an_endless_plan_of_which_nothing_can_be_run_ends(
    rig: Rig, done: Callable[..., list[RunRow]], monkeypatch: pytest.MonkeyPatch, network: str
) -> None:
    """A thousand cycles a second of what does not fit would fill the disk overnight."""
    monkeypatch.setattr(child_place, "oom_kills", lambda: 0)
    rows = done(networks=(network,), cycles=0)
    assert len(rows) == 1
    assert rig.driver is not None
    assert rig.driver.message


def test_an_endless_plan_goes_on_while_something_of_it_can(rig: Rig, wait_until: WaitUntil) -> None:
    rig.drive(networks=("told", "ok"), cycles=0)
    assert rig.driver is not None
    wait_until(lambda: rig.driver is not None and rig.driver.cycle >= 4)
    assert rig.driver.active
    rows = rig.rows()
    assert {row.state for row in rows if row.network == "told"} == {"does_not_fit"}
    assert [row.state for row in rows if row.network == "ok"][:3] == ["done"] * 3


# -- processes, memory, warm-up, accuracy ------------------------------------------------------------


def test_each_run_in_a_process_of_its_own_with_its_memory(rig: Rig, done: Callable[..., list[RunRow]]) -> None:
    rows = done(protocol={"fresh_process": True}, batch_sizes=(1, 2, 4))
    assert [row.state for row in rows] == ["done"] * 3
    loads = [pid for pid, text in rig.log() if text.startswith("Load")]
    assert len(set(loads)) == 3
    with SessionReader(rig.recorder.path) as reader:
        assert [(use.run, use.kind, use.net_bytes) for use in reader.memory()] == [(n, "pss", 2000) for n in (1, 2, 3)]


def test_one_process_for_all_measures_no_memory(rig: Rig, done: Callable[..., list[RunRow]]) -> None:
    done(batch_sizes=(1, 2, 4))
    assert len({pid for pid, _ in rig.log()}) == 1
    assert rig.told("MeasureMemory") == []
    with SessionReader(rig.recorder.path) as reader:
        assert reader.memory() == []


def test_a_warm_up_that_is_judged_is_told_its_longest_and_is_stopped_before(
    rig: Rig, done: Callable[..., list[RunRow]]
) -> None:
    """Ten batches, as the least, may take half an hour; the judge counts them where there is time."""
    protocol = {"warm_up_batches": 3, "warm_up_max_s": 100.0, "warm_up_s": 0.1, "timed_s": 0.01}
    [row] = done(protocol=protocol)
    assert rig.told("WarmUp") == ["WarmUp(batch_size=1, min_s=100.0, min_batches=1)"]
    assert len(rig.told("Stop")) == 1
    assert (row.state, row.steady) == ("done", 1)
    assert (row.warm_up_note or "").startswith("Shown to be steady after ")


def test_a_warm_up_that_ends_unproven_says_so(rig: Rig, done: Callable[..., list[RunRow]]) -> None:
    [row] = done(protocol={"warm_up_max_s": 0.05})
    assert (row.state, row.steady) == ("done", 0)
    assert (row.warm_up_note or "").startswith("Not shown to be steady: ")


def test_a_warm_up_that_is_judged_takes_its_least_time_where_its_longest_is_shorter(
    rig: Rig, done: Callable[..., list[RunRow]]
) -> None:
    done(protocol={"warm_up_s": 0.1, "warm_up_max_s": 0.05})
    assert rig.told("WarmUp") == ["WarmUp(batch_size=1, min_s=0.1, min_batches=1)"]


def test_a_warm_up_that_is_not_judged_is_as_long_as_the_least(rig: Rig, done: Callable[..., list[RunRow]]) -> None:
    [row] = done(protocol={"warm_up_batches": 3})
    assert rig.told("WarmUp") == ["WarmUp(batch_size=1, min_s=0.0, min_batches=3)"]
    assert (row.steady, row.warm_up_note) == (None, None)


@pytest.mark.parametrize(("accuracy", "evaluations"), [("every", 8), ("once", 2)])
def test_accuracy_once_is_once_in_all_cycles(
    rig: Rig, done: Callable[..., list[RunRow]], accuracy: str, evaluations: int
) -> None:
    rows = done(networks=("ok", "ok@1"), batch_sizes=(4, 1), cycles=2, accuracy=accuracy, images="demo")
    assert len(rows) == 8
    assert len(rig.told("Evaluate")) == evaluations
    noted = [row.accuracy_note for row in rows if row.accuracy_note]
    assert noted == ["in another run"] * (8 - evaluations)
    with SessionReader(rig.recorder.path) as reader:
        found = [reader.answers(row.id) for row in rows]
    assert [each is None for each in found] == [row.accuracy_note is not None for row in rows]
    assert {(each.correct, each.images) for each in found if each} == {(7, 10)}


def test_accuracy_without_an_image_is_tried_again_by_the_next_run(rig: Rig, done: Callable[..., list[RunRow]]) -> None:
    rows = done(networks=("blind",), cycles=2, accuracy="once", images="demo")
    assert len(rig.told("Evaluate")) == 2
    assert [row.accuracy_note for row in rows] == ["no image can be read"] * 2


def test_what_the_completed_holds_is_not_run_again(rig: Rig, done: Callable[..., list[RunRow]]) -> None:
    tables = {"title": "x", "plan": {"networks": ("ok",), "batch_sizes": (1, 2, 4)}}
    specs = Profile.model_validate(tables).run_specs(threads=2)
    completed = CompletedRuns()
    completed.note(1, specs[0], RunState.DONE)
    completed.note(1, specs[2], RunState.DOES_NOT_FIT)
    rows = done(completed=completed, batch_sizes=(1, 2, 4))
    assert states(rows) == [("ok", 2, "done")]
    assert rig.driver is not None
    shown, left_s = rig.driver.snapshot()
    assert [run.state for run in shown] == ["done", "done", "does_not_fit"]
    assert left_s is None


def test_a_plan_that_was_stopped_is_resumed_in_its_cycle(rig: Rig, wait_until: WaitUntil) -> None:
    rig.drive(batch_sizes=(1, 2, 4), cycles=2, protocol={"idle_s": 0.2})
    driver = rig.driver
    assert driver is not None

    def cancelled() -> list[str]:
        return [run.state for run in driver.snapshot()[0]]

    wait_until(lambda: driver.cycle == 2 and cancelled()[0] == "done" and cancelled()[1] == "running")
    driver.stop()
    wait_until(lambda: not driver.active)
    assert cancelled() == ["done", "cancelled", "cancelled"]
    driver.start(resume=True)
    wait_until(lambda: not driver.active)
    assert (driver.cycle, cancelled()) == (2, ["done"] * 3)
    assert [(row.cycle, *each) for row, each in zip(rig.rows(), states(rig.rows()), strict=True)] == [
        (1, "ok", 1, "done"), (1, "ok", 2, "done"), (1, "ok", 4, "done"), (2, "ok", 1, "done"),
        (2, "ok", 2, "cancelled"), (2, "ok", 2, "done"), (2, "ok", 4, "done"),
    ]  # fmt: skip


# -- cooling down ------------------------------------------------------------------------------------


def warm(rig: Rig, degrees: float) -> None:
    """A sensor that tells the same all the time, from a moment ago to in a minute."""
    start_ns = host_time_ns() - 10**9
    rig.recorder.put(
        lambda writer: add_sensor(writer, 1, lambda _: degrees, what=TEMPERATURE, rate_hz=10, start_ns=start_ns)
    )
    written = threading.Event()
    rig.recorder.put(lambda writer: written.set())
    assert written.wait(60)


def test_who_ends_the_bench_does_not_wait_for_the_board_to_cool_down(rig: Rig, wait_until: WaitUntil) -> None:
    warm(rig, 80.0)
    rig.drive(protocol={"cool_down_c": 45.0, "cool_down_max_s": 1e6}, batch_sizes=(1, 2))
    driver = rig.driver
    assert driver is not None
    wait_until(lambda: any(run.phase == Phase.COOL_DOWN.value for run in driver.snapshot()[0]))
    [row] = rig.rows()
    assert row.state == "cancelled"
    assert [run.state for run in driver.snapshot()[0]] == ["cancelled", "cancelled"]
    assert rig.log() == []
    with SessionReader(rig.recorder.path) as reader:
        [span] = reader.spans()
    assert (span.phase, span.end_ns is not None) == ("cool_down", True)


def test_a_board_that_stays_warm_is_measured_all_the_same_with_a_note(
    rig: Rig, done: Callable[..., list[RunRow]]
) -> None:
    warm(rig, 80.0)
    [row] = done(protocol={"cool_down_c": 45.0, "cool_down_max_s": 0.01})
    assert row.state == "done"
    assert rig.marks() == [("note", "The board was still at 80 °C, above 45 °C, when the run began.")]


def test_a_cool_board_is_measured_at_once_and_one_without_thermometer_with_a_note(
    rig: Rig, done: Callable[..., list[RunRow]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cool_down, "NO_THERMOMETER_S", 0.01)
    [row] = done(protocol={"cool_down_c": 45.0})
    assert row.state == "done"
    assert [text.partition(" when ")[0] for _, text in rig.marks()] == ["No temperature was measured"]


# -- power modes and clocks --------------------------------------------------------------------------


@pytest.fixture
def jetson(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Jetson:
    """One that an ordinary user is on, in MODE_30W."""
    made = make_jetson(tmp_path / "jetson")
    monkeypatch.setenv("PATH", f"{made.commands}:{os.environ['PATH']}")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(runs, "ThisMachine", partial(ThisMachine, clocks_file=made.clocks_file))
    return made


@pytest.fixture
def state_file(own_home: Path) -> Path:
    """In the state folder of XDG, which is a test's own."""
    return own_home / "state" / "monitor-app" / runs.BOARD_FILE


def modes_set(jetson: Jetson) -> list[str]:
    return [line.split()[-1] for line in jetson.changes() if line.startswith("nvpmodel -m")]


def test_each_mode_is_set_for_its_runs_and_what_was_found_is_restored(
    rig: Rig, done: Callable[..., list[RunRow]], jetson: Jetson, state_file: Path
) -> None:
    before = jetson.settings()
    rows = done(power_modes=("MODE_15W", "MAXN"), clocks=("max",), batch_sizes=(1, 2), order="random")
    assert [(row.power_mode, row.clocks, row.state) for row in rows] == [
        ("MODE_15W", "max", "done"), ("MODE_15W", "max", "done"), ("MAXN", "max", "done"), ("MAXN", "max", "done"),
    ]  # fmt: skip
    assert jetson.settings() == before
    assert not state_file.exists()
    assert list(dict.fromkeys(modes_set(jetson))) == ["1", "0", "2"]
    with SessionReader(rig.recorder.path) as reader:
        assert reader.environment()["power mode"] == "MODE_30W"


def test_what_was_found_is_restored_where_runs_fail(
    rig: Rig, done: Callable[..., list[RunRow]], jetson: Jetson, state_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child_place, "oom_kills", lambda: 0)
    before = jetson.settings()
    rows = done(networks=("crashed", "ok", "told"), power_modes=("MODE_15W",), clocks=("default", "max"))
    assert [row.state for row in rows] == ["failed", "done", "does_not_fit"] * 2
    assert jetson.settings() == before
    assert not state_file.exists()
    assert modes_set(jetson)[:1] == ["1"]


def test_what_was_found_is_restored_where_the_bench_is_ended_in_mid_run(
    rig: Rig, jetson: Jetson, state_file: Path, wait_until: WaitUntil
) -> None:
    before = jetson.settings()
    rig.drive(protocol={"timed_s": 1e6}, power_modes=("MODE_15W",), clocks=("max",))
    wait_until(lambda: any(text.startswith("Time") for text in rig.told("Time")))
    assert jetson.settings() != before
    assert state_file.exists()
    [row] = rig.rows()
    assert row.state == "cancelled"
    assert jetson.settings() == before
    assert not state_file.exists()


def test_what_was_found_is_restored_where_the_program_has_a_fault(
    rig: Rig, jetson: Jetson, state_file: Path, wait_until: WaitUntil, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = jetson.settings()
    faults: list[str] = []

    def fault(run: Run, phase: Phase) -> None:
        faults.append(jetson.settings()["pmode"])
        raise ZeroDivisionError

    monkeypatch.setattr(Run, "_idle", fault)
    rig.drive(power_modes=("MODE_15W",))
    wait_until(lambda: rig.driver is not None and not rig.driver.active)
    assert rig.driver is not None
    assert "error in this program" in rig.driver.message
    rig.close()
    assert faults == ["1"]
    assert jetson.settings() == before
    assert not state_file.exists()


def test_a_mode_that_wants_a_reboot_fails_its_own_runs_only(
    rig: Rig, done: Callable[..., list[RunRow]], jetson: Jetson, state_file: Path
) -> None:
    before = jetson.settings()
    rows = done(power_modes=("MODE_10W", "MODE_15W"))
    assert [row.state for row in rows] == ["failed", "done"]
    assert "reboot" in (rows[0].error or "")
    assert jetson.settings() == before
    assert not state_file.exists()


@pytest.mark.parametrize(("plan", "trouble"), [
    ({"power_modes": ("MODE_99W",)}, "no power mode MODE_99W"),
    ({"clocks": ("max",)}, "sudo"),
])  # fmt: skip
def test_a_plan_that_cannot_be_run_on_this_board_ends_before_its_first_run_and_says_why(
    rig: Rig, done: Callable[..., list[RunRow]], jetson: Jetson, plan: dict[str, object], trouble: str
) -> None:
    """Who waits for its end, as `record` does, must see that it has come."""
    if trouble == "sudo":
        jetson.set(no_sudo="")
    before = jetson.settings()
    assert done(batch_sizes=(1, 2), **plan) == []
    assert rig.driver is not None
    assert trouble in rig.driver.message
    assert [run.state for run in rig.driver.snapshot()[0]] == ["cancelled", "cancelled"]
    assert jetson.settings() == before
    assert jetson.changes() == []


def test_a_machine_that_is_no_jetson_says_so(
    rig: Rig, done: Callable[..., list[RunRow]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board_control, "find_tools", lambda _: None)
    assert done(power_modes=("MAXN",)) == []
    assert rig.driver is not None
    assert "no nvpmodel" in rig.driver.message


def test_what_a_killed_session_has_left_changed_is_set_back_before_the_next_runs(
    rig: Rig, done: Callable[..., list[RunRow]], jetson: Jetson, state_file: Path
) -> None:
    before = jetson.settings()
    killed = (
        "import os, sys; from pathlib import Path; from monitor_app.bench.board.control import this_board\n"
        "board = this_board(Path(sys.argv[1]), Path(sys.argv[2])); os.geteuid = lambda: 1000\n"
        "board.apply('MODE_15W', 'max'); os._exit(9)"
    )
    left = subprocess.run([sys.executable, "-c", killed, str(state_file), str(jetson.clocks_file)], check=False)
    assert left.returncode == 9
    assert jetson.settings() != before
    [row] = done()
    assert (row.state, row.power_mode) == ("done", None)
    assert jetson.settings() == before
    assert not state_file.exists()
    with SessionReader(rig.recorder.path) as reader:
        assert reader.environment()["power mode"] == "MODE_30W"


# -- start and stop ----------------------------------------------------------------------------------


def test_a_stop_right_after_the_start_is_not_lost(rig: Rig, wait_until: WaitUntil) -> None:
    rig.drive(protocol={"timed_s": 1e6})
    driver = rig.driver
    assert driver is not None
    driver.stop()
    wait_until(lambda: not driver.active)
    driver.start()
    wait_until(lambda: any(run.phase == Phase.TIMED.value for run in driver.snapshot()[0]))
    driver.skip()
    wait_until(lambda: not driver.active)
    assert {row.state for row in rig.rows()} == {"cancelled"}
