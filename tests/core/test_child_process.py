# SPDX-License-Identifier: Apache-2.0
"""A child is ended within its stop ladder, whatever it does and whatever it has started."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from time import monotonic
from typing import TYPE_CHECKING

import psutil
import pytest

from monitor_app.core.child_process import ASK_S, KILL_S, ChildProcess, python_module

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SHORT = {"ask_s": 0.3, "terminate_s": 0.3}
LADDER_S = 0.3 + 0.3 + KILL_S
LONG_S = 30.0
WAIT_FOR_EVER = "while True: time.sleep(100)"


def script(text: str) -> list[str]:
    return [sys.executable, "-c", f"import os, signal, subprocess, sys, time\n{text}"]


def start(text: str, **options: float) -> ChildProcess:
    return ChildProcess(script(text), "test child", log_stderr=True, **options)  # type: ignore[arg-type]


def read_to_the_end(child: ChildProcess) -> None:
    while True:
        child.lines(0.1)


def closing_s(child: ChildProcess, quit_line: bytes = b"") -> float:
    before_s = monotonic()
    child.close(quit_line)
    took_s = monotonic() - before_s
    child.close(quit_line)
    return took_s


@pytest.fixture
def grandchildren() -> Iterator[list[int]]:
    """Processes to be killed after the test."""
    pids: list[int] = []
    yield pids
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


# -- the end of a child ------------------------------------------------------------------------------


def test_a_child_ends_when_its_stdin_does() -> None:
    child = start("sys.exit(sys.stdin.read() != '')")
    assert closing_s(child) < ASK_S
    assert child.exit_code == 0


def test_a_child_ends_when_it_is_asked() -> None:
    child = start("sys.exit(sys.stdin.readline() != 'bye\\n')")
    assert closing_s(child, b"bye\n") < ASK_S
    assert child.exit_code == 0


def test_a_child_with_much_to_say_can_end() -> None:
    text = "sys.stdin.read(); [os.write(1, b'x' * 65535 + b'\\n') or os.write(2, b'y' * 65536) for _ in range(30)]"
    child = start(text)
    assert closing_s(child) < ASK_S
    assert child.exit_code == 0


@pytest.mark.parametrize("stop", [False, True], ids=["sleeping", "stopped"])
def test_a_grandchild_that_holds_the_pipes_does_not_hold_up_the_close(grandchildren: list[int], *, stop: bool) -> None:
    """Even where it does nothing any more, so that waiting for the end of the child's stderr would never end."""
    text = "other = subprocess.Popen(['sleep', '20'], start_new_session=True)\nprint(other.pid, flush=True)\n"
    child = start(text + "sys.stdin.read()")
    pid = int(child.lines(LONG_S)[0])
    grandchildren.append(pid)
    held = [os.readlink(f"/proc/{pid}/fd/{number}") for number in (1, 2)]
    assert all(name.startswith("pipe:") for name in held)
    if stop:
        os.kill(pid, signal.SIGSTOP)
    assert closing_s(child) < 1.0
    assert child.exit_code == 0
    assert psutil.pid_exists(pid)


def test_the_end_of_a_child_is_seen_although_a_grandchild_holds_its_stdout(grandchildren: list[int]) -> None:
    text = "other = subprocess.Popen(['sleep', '20'], start_new_session=True)\nprint(other.pid, flush=True)\n"
    child = start(text + "sys.stderr.write('out of order')\nos._exit(5)")
    grandchildren.append(int(child.lines(LONG_S)[0]))
    with pytest.raises(EOFError):
        read_to_the_end(child)
    assert child.exit_reason() == "ended with exit code 5"
    assert child.stderr_tail == "out of order"
    child.close()


def test_a_child_that_is_not_asked_in_its_own_way_is_terminated() -> None:
    child = start(f"print('up', flush=True)\n{WAIT_FOR_EVER}", ask_s=0.1)
    assert child.lines(LONG_S) == [b"up"]
    assert closing_s(child) < LADDER_S
    assert child.exit_code == -signal.SIGTERM


def test_a_child_that_ignores_being_terminated_is_killed_with_what_it_started() -> None:
    text = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint(subprocess.Popen(['sleep', '20']).pid, flush=True)\n"
    child = start(text + WAIT_FOR_EVER, **SHORT)
    other = psutil.Process(int(child.lines(LONG_S)[0]))
    took_s = closing_s(child)
    assert 0.6 <= took_s < LADDER_S
    assert child.exit_code == -signal.SIGKILL
    gone, _ = psutil.wait_procs([other], timeout=LONG_S)
    assert gone == [other]


def test_a_stopped_child_is_killed() -> None:
    child = start(f"print('up', flush=True)\n{WAIT_FOR_EVER}", **SHORT)
    assert child.lines(LONG_S) == [b"up"]
    os.kill(child.pid, signal.SIGSTOP)
    took_s = closing_s(child, b"bye\n")
    assert 0.6 <= took_s < LADDER_S
    assert child.exit_code == -signal.SIGKILL


@pytest.mark.parametrize(
    ("ending", "reason"),
    [
        ("sys.exit(3)", "ended with exit code 3"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "was killed by signal 11 (SIGSEGV)"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "was killed by signal 9 (SIGKILL)"),
        ("os.kill(os.getpid(), 44)", "was killed by signal 44"),
        (f"os.close(1)\n{WAIT_FOR_EVER}", "closed its output"),
    ],
)
def test_how_a_child_ended_is_said(ending: str, reason: str) -> None:
    child = start(f"print('up', flush=True)\n{ending}", ask_s=0.0)
    assert child.lines(LONG_S) == [b"up"]
    with pytest.raises(EOFError):
        read_to_the_end(child)
    assert child.exit_reason() == reason
    child.close()


def test_a_program_that_is_not_there_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        ChildProcess(["/nowhere/program"], "test child")


# -- lines -------------------------------------------------------------------------------------------


def test_lines_come_whole_and_before_the_end() -> None:
    child = start("for part in (b'one\\ntw', b'o\\n', b'rest'): os.write(1, part); sys.stdin.readline()")
    assert child.lines(LONG_S) == [b"one"]
    assert child.lines(0.0) == []
    assert child.send(b"\n")
    assert child.lines(LONG_S) == [b"two"]
    assert child.send(b"\n\n")
    with pytest.raises(EOFError):
        child.lines(LONG_S)
    child.close()
    with pytest.raises(EOFError):
        child.lines(0.0)
    assert not child.send(b"\n")


def test_what_was_said_while_it_was_closed_can_still_be_read() -> None:
    child = start("sys.stdin.read(); print('closed')")
    child.close()
    assert child.lines(0.0) == [b"closed"]
    with pytest.raises(EOFError):
        child.lines(0.0)


def test_a_child_that_writes_only_to_its_stderr_does_not_hold_up_the_reader() -> None:
    child = start("while True: os.write(2, b'news\\n'); time.sleep(0.001)")
    try:
        assert child.lines(0.3) == []  # it writes for ever, so without a limit this never returns
    finally:
        child.close()


def test_a_child_that_reads_nothing_does_not_hold_up_the_writer() -> None:
    child = start(f"print('up', flush=True)\n{WAIT_FOR_EVER}", ask_s=0.0)
    assert child.lines(LONG_S) == [b"up"]
    assert not all(child.send(b"x" * 4095 + b"\n") for _ in range(100))
    child.close(b"bye\n")


def test_a_child_that_has_ended_breaks_the_pipe() -> None:
    child = start("")
    with pytest.raises(EOFError):
        child.lines(LONG_S)
    assert child.exit_reason() == "ended with exit code 0"
    with pytest.raises(BrokenPipeError):
        child.send(b"hello\n")
    child.close(b"bye\n")


def test_stderr_is_logged_and_its_tail_kept(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "monitor_app.core.child_process")
    child = start("os.write(2, b'some ne'); os.write(2, b'ws\\n\\xff\\n\\nlast')")
    with pytest.raises(EOFError):
        child.lines(LONG_S)
    child.exit_reason()
    assert "test child: some news" in caplog.text
    assert child.stderr_tail == "last"
    child.close()


def test_ctrl_c_in_the_terminal_does_not_reach_it() -> None:
    child = start("print(os.getsid(0) == os.getpid(), flush=True)")
    assert child.lines(LONG_S) == [b"True"]
    child.close()


def test_a_module_of_this_program_is_not_looked_for_in_the_current_folder(tmp_path: Path) -> None:
    """Nor is anything that it imports, as a json.py that came with somebody's profile."""
    for name in ("json", "runpy", "numpy", "monitor_app"):
        (tmp_path / f"{name}.py").write_text(f"open('trace-{name}', 'w')")
    command = python_module("monitor_app.gui.session.table_process", "no-session", "x.csv", "0", "1")
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "There is no file no-session" in done.stdout + done.stderr
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("trace")] == []


# -- what the link to a board needs besides --------------------------------------------------------


def test_much_is_written_in_pieces_that_the_pipe_takes() -> None:
    child = start("data = sys.stdin.buffer.read(300_000); print(len(data), data.count(b'x'))")
    left = b"x" * 300_000
    first = child.send_some(left, LONG_S)
    assert 0 < first < len(left)
    left = left[first:]
    while left:
        left = left[child.send_some(left, LONG_S) :]
    assert child.lines(LONG_S) == [b"300000 300000"]
    child.close()
    with pytest.raises(BrokenPipeError):
        child.send_some(b"x", 0.0)


def test_a_pipe_that_is_full_takes_nothing() -> None:
    child = start(WAIT_FOR_EVER, **SHORT)
    while child.send_some(b"x" * 4096, 0.0):
        pass
    assert child.send_some(b"x", 0.0) == 0
    child.close()


def test_the_last_lines_of_stderr_are_kept_in_their_order() -> None:
    child = start("[print(n, file=sys.stderr) for n in range(30)]; sys.stderr.write('rest')")
    with pytest.raises(EOFError):
        read_to_the_end(child)
    child.exit_reason()
    assert child.stderr_text.split() == [*map(str, range(10, 30)), "rest"]
    child.close()
