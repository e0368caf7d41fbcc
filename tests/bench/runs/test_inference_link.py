# SPDX-License-Identifier: Apache-2.0
"""The line to the inference child, at whose other end are children that die, hang and do not listen."""

from __future__ import annotations

import itertools
import re
import socket
import struct
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from monitor_app.bench.runs import inference_link as child_link
from monitor_app.bench.runs import inference_place as child_place
from monitor_app.bench.runs.inference_link import (
    CancelledError,
    ChildReportedError,
    InferenceLink,
    NoMemoryLeftError,
)
from monitor_app.bench.runs.inference_place import Here, oom_kills
from monitor_app.core.errors import ChildDiedError, InferenceError
from monitor_app.core.runs import Phase
from monitor_app.inference.messages import Batches, Failed, FailureKind, Load, Loaded, PhaseDone, Ready, Time, encode
from monitor_app.inference.process import ChildKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SCRIPTED = Path(__file__).with_name("scripted_child.py")
LONG_S = 20.0
FOR_EVER = Time(1, 3600.0, 1)
READY = Ready(1, {}, {}, 1)


class Bench:
    """A link whose children are what ``commands`` says, by the name of the device."""

    def __init__(self, lamps: tuple[Path, ...] = ()) -> None:
        self.commands: dict[str, tuple[str, ...]] = {}
        self.cancelled = False
        self.link = InferenceLink(Here(lamps), lambda: self.cancelled)

    @property
    def pid(self) -> int:
        assert self.link._child is not None
        return self.link._child.pid


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    made = Bench()
    monkeypatch.setattr(ChildKind, "command", property(lambda kind: made.commands[kind.back_end]))
    made.commands["cpu"] = (sys.executable, str(SCRIPTED), str(tmp_path / "log"))
    yield made
    made.link.end()


@pytest.fixture
def log(tmp_path: Path) -> Callable[[], list[str]]:
    return lambda: [line.partition(" ")[2] for line in (tmp_path / "log").read_text().splitlines()]


def saying(*events: object, then: str = "any('quit' in line for line in sys.stdin)") -> tuple[str, ...]:
    """A child that says these things unasked, and then does something: it waits for its end."""
    text = b"".join(encode(event) for event in events)  # type: ignore[arg-type]
    return sys.executable, "-c", f"import os, signal, sys, time\nos.write(1, {text!r})\n{then}"


def start(bench: Bench, network: str = "ok") -> None:
    assert isinstance(bench.link.start(ChildKind(back_end="cpu")), Ready)
    assert bench.link.ask(Load(network), Loaded, LONG_S).network == network


# -- starting ----------------------------------------------------------------------------------------


def test_a_child_is_started_once_and_replaced_for_another_device(bench: Bench) -> None:
    bench.commands["other"] = saying(READY)
    ready = bench.link.start(ChildKind(back_end="cpu"))
    assert ready is not None
    assert ready.pid == bench.pid
    assert bench.link.start(ChildKind(back_end="cpu")) is None
    first = psutil.Process(bench.pid)
    assert bench.link.start(ChildKind(back_end="other")) is not None
    assert not first.is_running()
    bench.link.end()
    bench.link.end()
    with pytest.raises(ChildDiedError, match="no inference process"):
        bench.link.ask(None, Ready, LONG_S)


def test_one_that_cannot_run_says_why_and_is_tried_anew(bench: Bench) -> None:
    """Not taken for one that is there, which would fail every second run with another reason."""
    told = Failed(FailureKind.ERROR, "The inference process cannot run (ImportError: no torch).")
    bench.commands["broken"] = saying(told, then="sys.exit(1)")
    for _ in range(2):
        with pytest.raises(ChildReportedError, match="no torch"):
            bench.link.start(ChildKind(back_end="broken"))
    start(bench)


def test_one_that_dies_at_its_start_is_tried_anew(bench: Bench) -> None:
    bench.commands["broken"] = saying(then="sys.exit('bad luck')")
    for _ in range(2):
        with pytest.raises(ChildDiedError, match="bad luck"):
            bench.link.start(ChildKind(back_end="broken"))


def test_a_program_that_is_not_there_is_a_sentence(bench: Bench) -> None:
    bench.commands["gone"] = ("/nowhere/python",)
    with pytest.raises(ChildDiedError, match=r"cannot be started \(No such file or directory\).*start the run again\."):
        bench.link.start(ChildKind(back_end="gone"))


def test_one_that_never_gets_ready_is_not_kept(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child_link, "READY_S", 0.2)
    bench.commands["silent"] = saying()
    with pytest.raises(InferenceError, match="did not answer within"):
        bench.link.start(ChildKind(back_end="silent"))
    assert bench.link._child is None


def test_one_that_has_died_since_is_replaced(bench: Bench) -> None:
    start(bench)
    process = psutil.Process(bench.pid)
    process.kill()
    psutil.wait_procs([process], timeout=LONG_S)
    start(bench)


def test_who_stops_while_it_starts_does_not_wait_for_it(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child_link, "STOP_S", 0.2)
    bench.commands["silent"] = saying()
    bench.cancelled = True
    with pytest.raises(CancelledError):
        bench.link.start(ChildKind(back_end="silent"))
    bench.cancelled = False
    start(bench)


# -- asking ------------------------------------------------------------------------------------------


def test_what_the_child_refuses_is_told_with_its_kind_and_the_child_is_kept(bench: Bench) -> None:
    start(bench, "told@1")
    pid = bench.pid
    with pytest.raises(ChildReportedError, match="It does not fit, says the network") as caught:
        bench.link.run(Time(1, 0, 1), lambda _: False)
    assert caught.value.kind is FailureKind.OUT_OF_MEMORY
    assert bench.link.ask(Load("ok"), Loaded, LONG_S).network == "ok"
    assert bench.pid == pid


def test_silence_ends_a_question_and_a_phase(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child_link, "SILENCE_S", 0.2)
    bench.commands["deaf"] = saying(READY)
    bench.link.start(ChildKind(back_end="deaf"))
    with pytest.raises(InferenceError, match="did not answer within 0 s"):
        bench.link.ask(Load("ok"), Loaded, 0.2)
    with pytest.raises(InferenceError, match="silent for too long"):
        bench.link.run(FOR_EVER, lambda _: False)


# -- a phase -----------------------------------------------------------------------------------------


def test_all_batches_are_handed_over_in_their_order(bench: Bench) -> None:
    start(bench)
    seen: list[Batches] = []

    def take(event: Batches) -> bool:
        seen.append(event)
        return False

    done = bench.link.run(Time(4, 0, 5), take)
    assert done == PhaseDone(Phase.TIMED, 5, 20)
    starts = [batch.start_ns for event in seen for batch in event.batches]
    assert starts == sorted(starts)
    assert len(starts) == 5


def test_a_phase_that_has_gone_on_long_enough_is_told_so_once(bench: Bench, log: Callable[[], list[str]]) -> None:
    """Also where batches that were on their way still come and the answer is the same."""
    text = b"".join(
        encode(Batches(Phase.WARM_UP, ((k, k + 1, 1, None, None, None),))) for k in range(10)
    ) + encode(PhaseDone(Phase.WARM_UP, 10, 10, True))  # fmt: skip
    counts = f"sys.stdin.readline(); os.write(1, {text!r}); sys.stdin.readline()\nos.set_blocking(0, False)\n"
    counts += "import select; more = select.select([0], [], [], 0.3)[0] and os.read(0, 999)\n"
    counts += f"os.write(1, {encode(Failed(FailureKind.ERROR, 'stopped once'))!r} if not more else b'?')"
    bench.commands["cpu"] = saying(READY, then=counts)
    bench.link.start(ChildKind(back_end="cpu"))
    asked = itertools.count()
    assert bench.link.run(FOR_EVER, lambda _: next(asked) >= 2).stopped
    assert next(asked) == 10
    with pytest.raises(ChildReportedError, match="stopped once"):
        bench.link.ask(None, Loaded, LONG_S)


def test_a_phase_that_is_told_to_stop_does(bench: Bench, log: Callable[[], list[str]]) -> None:
    start(bench)
    asked = itertools.count(1)
    done = bench.link.run(FOR_EVER, lambda _: next(asked) >= 3)
    assert done.stopped
    assert log().count("Stop()") == 1
    assert bench.link.run(Time(1, 0, 2), lambda _: False) == PhaseDone(Phase.TIMED, 2, 2)
    assert log().count("Stop()") == 1


def test_a_cancelled_phase_ends_and_the_child_is_kept(bench: Bench) -> None:
    start(bench)
    pid = bench.pid

    def take(_: Batches) -> bool:
        bench.cancelled = True
        return False

    with pytest.raises(CancelledError):
        bench.link.run(FOR_EVER, take)
    bench.cancelled = False
    assert bench.link.start(ChildKind(back_end="cpu")) is None
    assert bench.link.run(Time(1, 0, 2), lambda _: False).batches == 2
    assert bench.pid == pid


def test_a_child_that_does_not_listen_is_ended(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child_link, "STOP_S", 0.2)
    start(bench, "stubborn")
    stubborn = psutil.Process(bench.pid)

    def take(_: Batches) -> bool:
        bench.cancelled = True
        return False

    with pytest.raises(CancelledError):
        bench.link.run(FOR_EVER, take)
    assert not stubborn.is_running()
    bench.cancelled = False
    start(bench)


def test_who_cancels_has_cancelled_also_where_the_child_dies_of_it(bench: Bench) -> None:
    bench.commands["cpu"] = saying(READY, then="sys.stdin.readline(); sys.exit(3)")
    bench.link.start(ChildKind(back_end="cpu"))
    bench.cancelled = True
    with pytest.raises(CancelledError):
        bench.link.run(FOR_EVER, lambda _: False)
    assert bench.link._child is None


def test_the_lamp_is_put_out_for_a_child_that_was_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bench: Bench
) -> None:
    path = tmp_path / "lamp"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as lamp:
        lamp.bind(str(path))
        lamp.settimeout(LONG_S)
        link = InferenceLink(Here((path,)), lambda: False)
        bench.commands["cpu"] = saying(READY)
        link.start(ChildKind(back_end="cpu"))
        link.end()
        assert struct.unpack("<qB", lamp.recv(64))[1] == 0


# -- out of memory -----------------------------------------------------------------------------------


@pytest.fixture
def kills(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What the kernel counts; appending to it raises the count."""
    counted: list[int] = [3]
    monkeypatch.setattr(child_place, "oom_kills", lambda: len(counted))
    return counted


@pytest.mark.parametrize(("network", "kernel", "out_of_memory"), [
    ("died@1", True, True),
    ("died@1", False, False),
    ("crashed@1", True, False),
])  # fmt: skip
def test_only_a_child_that_the_kernel_killed_for_memory_did_not_fit(
    bench: Bench, kills: list[int], monkeypatch: pytest.MonkeyPatch, network: str, kernel: bool, out_of_memory: bool
) -> None:
    """Other programs are ended for want of memory as well, and a child that crashed meanwhile has crashed."""
    start(bench, network)
    receive = child_place.InferenceChild.receive

    def receive_while_it_is_killed(child: child_place.InferenceChild, timeout_s: float) -> object:
        try:
            return receive(child, timeout_s)
        except ChildDiedError:
            if kernel:
                kills.append(1)
            raise

    monkeypatch.setattr(child_place.InferenceChild, "receive", receive_while_it_is_killed)
    with pytest.raises(InferenceError) as caught:
        bench.link.run(Time(1, 0, 1), lambda _: False)
    assert isinstance(caught.value, NoMemoryLeftError) is out_of_memory
    assert isinstance(caught.value, ChildDiedError) is not out_of_memory


def test_a_kill_before_the_phase_is_none_of_this_phase(bench: Bench, kills: list[int]) -> None:
    start(bench, "died@1")
    kills.append(1)
    with pytest.raises(ChildDiedError, match="SIGKILL"):
        bench.link.run(Time(1, 0, 1), lambda _: False)


def test_the_kernels_count_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child_place, "GROUPS", tmp_path)
    found = re.search(r"^oom_kill (\d+)$", Path("/proc/vmstat").read_text(), re.MULTILINE)
    assert oom_kills() >= (int(found[1]) if found else 0)


def test_the_count_of_our_own_control_group_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine counts what other programs were ended for."""
    for name, text in (("own", "3:memory:/old\n0::/user/app\n"), ("vmstat", "oom_kill 9\n")):
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(child_place, "GROUPS", tmp_path)
    monkeypatch.setattr(child_place, "OWN_GROUP", tmp_path / "own")
    monkeypatch.setattr(child_place, "VMSTAT", tmp_path / "vmstat")
    assert oom_kills() == 9
    (tmp_path / "user" / "app").mkdir(parents=True)
    (tmp_path / "user" / "app" / "memory.events").write_text("low 0\noom 4\noom_kill 2\noom_group_kill 1\n")
    assert oom_kills() == 2


@pytest.mark.parametrize(("text", "count"), [
    ("pgfault 17\noom_kill 5\noom_killer 9\n", 5), ("pgfault 17\n", 0), ("", 0), ("oom_kill x\n", 0), (None, 0),
])  # fmt: skip
def test_an_old_kernel_counts_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None, count: int
) -> None:
    file = tmp_path / "vmstat"
    if text is not None:
        file.write_text(text)
    monkeypatch.setattr(child_place, "GROUPS", tmp_path)
    monkeypatch.setattr(child_place, "VMSTAT", file)
    assert oom_kills() == count
