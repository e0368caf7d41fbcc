# SPDX-License-Identifier: Apache-2.0
"""The file that programs mark with: what it sends, and that it never waits, fails or loses count."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.program.listening import FOLDER, Received, Socket
from tests.remote.bundle.old_pythons import old_python

if TYPE_CHECKING:
    from pathlib import Path

SPAN, MOMENT, END = 1, 0, 2


@pytest.fixture
def listening(tmp_path: Path):  # type: ignore[no-untyped-def]
    with Socket(tmp_path) as found:
        yield found


def python(text: str, executable: str = sys.executable) -> list[str]:
    return [executable, "-c", "from monitor_marks import *\n" + text]


def lost(received: list[Received]) -> int:
    """Marks that are missing, by their numbers."""
    missing = 0
    for sender in {each.sender for each in received}:
        own = [each for each in received if each.sender == sender]
        total = max(each.number + (each.kind != END) for each in own)
        missing += total - sum(each.kind != END for each in own)
    return missing


@pytest.mark.parametrize("version", [None, (3, 6), (3, 8)], ids=str)
def test_spans_nest_and_have_the_times_of_their_work(listening: Socket, version: tuple[int, int] | None) -> None:
    executable = sys.executable if version is None else old_python(version)
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW)
    received = listening.run(
        python(
            "with span('outer'):\n  with span('inner', images=8): pass\nmark('naïve')\n"
            "@span('call')\ndef f(): return 3\nassert f() == 3 and f.__name__ == 'f'",
            executable,
        )
    )
    after = time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW)
    inner, outer, moment, call, end = received
    assert [(each.name, each.kind, each.images) for each in received] == [
        ("inner", SPAN, 8), ("outer", SPAN, 0), ("naïve", MOMENT, 0), ("call", SPAN, 0), ("", END, 0),
    ]  # fmt: skip
    assert [each.number for each in received] == [0, 1, 2, 3, 4]
    assert before < outer.start_ns <= inner.start_ns <= inner.end_ns <= outer.end_ns
    assert outer.end_ns <= moment.start_ns == moment.end_ns <= call.start_ns <= after
    assert len({each.sender for each in received}) == 1
    assert end.lost == 0


def test_without_a_bench_nothing_happens_and_a_bench_that_goes_ends_nothing(tmp_path: Path) -> None:
    text = "assert not listening()\nwith span('x'): mark('y')"
    environment = {**os.environ, "PYTHONPATH": str(FOLDER)}
    environment.pop("MONITOR_APP_MARKS", None)
    subprocess.run(python(text), env=environment, check=True, timeout=60)
    # There is a name, and nobody behind it.
    gone = {**environment, "MONITOR_APP_MARKS": str(tmp_path / "gone")}
    text = "assert listening()\nwith span('x'): mark('y')\nassert not listening()"
    subprocess.run(python(text), env=gone, check=True, timeout=60)


def test_marks_wait_while_nobody_reads_and_what_finds_no_place_is_counted(listening: Socket) -> None:
    """Nothing is read before the program has ended, so nearly all of these cannot be sent."""
    environment = listening.environment()
    text = "import sys\nfor _ in range(5000):\n  with span('x'): pass\nsys.stderr.write('made')"
    process = subprocess.Popen(python(text), env=environment, stderr=subprocess.PIPE)
    assert process.stderr is not None
    assert process.stderr.read(4) == b"made"  # it did not wait for us
    received = listening.waiting()
    while process.poll() is None:
        received += listening.waiting()
    process.stderr.close()
    received += listening.waiting()
    came = sum(each.kind == SPAN for each in received)
    assert 1000 <= came < 5000
    assert lost(received) == 5000 - came
    assert max(each.lost for each in received) == 5000 - came


def test_a_child_that_closes_everything_and_opens_other_things_marks_on(listening: Socket) -> None:
    """The bytes of a mark must not come into a file or connection that was given the number of our socket."""
    text = """
import os, socket
mark("parent")
if os.fork() == 0:
    os.closerange(3, 4096)
    os.closerange(4096, 70000)
    a, b = socket.socketpair()
    files = [open(os.devnull) for _ in range(50)]
    for k in range(3):
        mark("child %d" % k)
    b.setblocking(False)
    try:
        os._exit(1 if b.recv(100) else 2)
    except BlockingIOError:
        os._exit(0)
assert os.wait()[1] == 0
os.closerange(3, 70000)
a, b = socket.socketpair()
mark("parent again")
b.setblocking(False)
try:
    b.recv(100)
    raise SystemExit(3)
except BlockingIOError:
    pass
"""
    received = listening.run(python(text))
    names = {each.name for each in received if each.kind == MOMENT}
    assert names == {"parent", "child 0", "child 1", "child 2", "parent again"}
    assert len({each.sender for each in received}) == 2
    assert lost(received) == 0


def test_threads_and_a_signal_handler_mark_at_once(listening: Socket) -> None:
    text = """
import signal, threading
signal.signal(signal.SIGALRM, lambda *_: mark("alarm"))
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
def work():
    for _ in range(2000):
        with span("x"): pass
threads = [threading.Thread(target=work) for _ in range(4)]
for each in threads: each.start()
for each in threads: each.join()
signal.setitimer(signal.ITIMER_REAL, 0)
"""
    received = listening.run(python(text))
    spans = [each for each in received if each.kind == SPAN]
    assert len({(each.sender, each.number) for each in received}) == len(received)
    assert len({each.sender for each in received}) == 1
    assert len(spans) + lost(received) >= 8000
    assert all(each.start_ns <= each.end_ns for each in spans)


def test_names_that_are_too_long_or_no_text_end_nothing(listening: Socket) -> None:
    received = listening.run(
        python(
            "with span('é' * 200, images=-3): pass\nmark(None)\nmark('')\nmark('b' * 121)\nspan('x', 2**40).__enter__()"
        )
    )
    names = [each.name for each in received if each.kind != END]
    assert names == ["é" * 60, "", "b" * 120]


def test_a_simulated_board_is_busy_from_the_first_span_to_the_last(listening: Socket, tmp_path: Path) -> None:
    (tmp_path / "load").mkdir()
    with Socket(tmp_path / "load") as load:
        text = "with span('a'):\n  with span('b'): pass\nwith span('c'): pass"
        listening.run(python(text), MONITOR_APP_LOAD=f"{load.path}:/nowhere")
        changes = [load.socket.recv(100) for _ in range(4)]
    assert [change[8] for change in changes] == [1, 0, 1, 0]
    times = [int.from_bytes(change[:8], "little") for change in changes]
    assert times == sorted(times)
