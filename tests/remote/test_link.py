# SPDX-License-Identifier: Apache-2.0
"""The link over a real sshd, in a time namespace, so that the offset of the two clocks is known exactly."""

from __future__ import annotations

import json
import os
import pwd
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import psutil
import pytest

from monitor_app.core.errors import BoardBusyError, BoardError, BoardLostError, BoardUnreachableError
from monitor_app.core.host_time import host_time_ns
from monitor_app.remote import link as remote_link
from monitor_app.remote.link import FIRST_QUESTIONS
from tests.remote.conftest import AHEAD_S, PIPES

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor_app.remote.child import RemoteChild
    from monitor_app.remote.link import Link
    from tests.remote.conftest import Cable, SshBoard

LONG_S = 60.0
TOLD_S, CLOSED_S = 10.0, 5.0
"""What is promised of a pulled cable, and of the end of a link."""


def read_to_the_end(child: RemoteChild) -> None:
    while True:
        child.lines(LONG_S)


def wait_for(happened: Callable[[], object], timeout_s: float = LONG_S) -> float:
    """How long it took."""
    start_s = time.monotonic()
    while not happened():
        assert time.monotonic() - start_s < timeout_s
        threading.Event().wait(0.02)
    return time.monotonic() - start_s


def closing_s(link: Link) -> float:
    start_s = time.monotonic()
    link.close()
    return time.monotonic() - start_s


def alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


# -- the clock ---------------------------------------------------------------------------------------


def check_clock(link: Link, answers: int) -> int:
    """The bound, after every answer has been looked at."""
    outside, seen = 0, 0
    while seen < answers:
        wait_for(lambda seen=seen: link.clock.count > seen)  # type: ignore[misc]
        seen = link.clock.count
        board_ns = np.array([host_time_ns() + AHEAD_S * 1_000_000_000])
        error_ns = abs(int(link.clock.host_ns(board_ns)[0]) - (int(board_ns[0]) - AHEAD_S * 1_000_000_000))
        outside += error_ns > link.clock.bound_ns(board_ns)
    assert outside == 0
    return link.clock.state.bound_ns


def test_the_offset_of_the_clocks_is_within_the_bound(link_to: Callable[..., Link]) -> None:
    link = link_to()
    hello = link.connect()
    assert link.clock.count >= FIRST_QUESTIONS
    assert abs(hello.now_ns - host_time_ns() - AHEAD_S * 1e9) < 60e9
    assert check_clock(link, 20) < 2_000_000


@pytest.mark.parametrize(("up", "down"), [((2, 1), (2, 1)), ((2, 1), (0.2, 0.1))], ids=["slow", "asymmetric"])
def test_over_a_slow_way_too(
    ssh_board: SshBoard, link_to: Callable[..., Link], up: tuple[float, float], down: tuple[float, float]
) -> None:
    words = " ".join(map(str, (sys.executable, PIPES, "delay", ssh_board.port, *up, *down)))
    link = link_to(ssh_board.board(ssh_board.config(f"ProxyCommand {words}\n")))
    link.connect()
    # A round trip takes 4 or 2.2 ms.
    assert 500_000 < check_clock(link, 20) < 20_000_000


@pytest.mark.parametrize("version", ["3.6.15", "3.8.18"])
def test_with_the_pythons_of_older_boards(ssh_board: SshBoard, link_to: Callable[..., Link], version: str) -> None:
    python = Path(pwd.getpwuid(os.getuid()).pw_dir) / f".pyenv/versions/{version}/bin/python3"
    if not python.exists():
        pytest.skip(f"there is no Python {version}")
    link = link_to(ssh_board.board(python=str(python)))
    assert link.connect().python == version
    assert check_clock(link, 20) < 20_000_000


# -- what can be asked -------------------------------------------------------------------------------


def test_facts_files_and_sweeps_are_the_boards(link_to: Callable[..., Link]) -> None:
    link = link_to()
    hello = link.connect()
    facts = link.facts()
    assert facts.cores == len(os.sched_getaffinity(0))
    assert facts.machine == os.uname().machine
    assert hello.boot_id == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    found = link.snapshot(["/proc/version", "/proc/no-such-*"])
    assert found.files == {"/proc/version": Path("/proc/version").read_text()}
    sweep = link.sweep(["/proc/uptime", "/proc/none"], 0.02, burst=3)
    rows = []
    while len(rows) < 5:
        rows += sweep.rows(LONG_S)
    sweep.close()
    # /proc/uptime shows the clock of the namespace, to a hundredth; RAW differs from it by what NTP has corrected.
    assert all(abs(float(str(row.texts[0]).split()[0]) - row.before_ns / 1e9) < 60 for row in rows)
    assert {row.texts[1] for row in rows} == {2}
    assert all(row.before_ns <= row.after_ns for row in rows)


def test_what_the_agent_refuses_is_an_error_and_the_link_lives_on(link_to: Callable[..., Link]) -> None:
    link = link_to()
    link.connect()
    with pytest.raises(BoardError, match=r"does not call `nvpmodel --reboot`"):
        link.call("nvpmodel", ["--reboot"])
    with pytest.raises(BoardError):
        link.snapshot(["/etc/passwd"])
    assert link.state("read") is None
    assert link.state("write", '{"mode": 2}') == '{"mode": 2}'
    assert link.state("read") == '{"mode": 2}'
    assert link.state("remove") is None
    assert not link.ended


def test_a_bundle_is_sent_once(link_to: Callable[..., Link], ssh_board: SshBoard) -> None:
    link = link_to()
    link.connect()
    data = os.urandom(300_000)
    sha256 = link.bundle(data)
    [stored] = list(ssh_board.home.rglob(f"*{sha256}*"))
    assert stored.read_bytes() == data
    before = stored.stat().st_ctime_ns, stored.stat().st_ino
    assert link.bundle(data) == sha256
    assert stored.stat().st_ino == before[1]


def replay(link: Link) -> tuple[RemoteChild, Callable[[], dict[str, object]]]:
    root = str(Path(__file__).parents[2])
    child = link.start_child("replay", ["--board", "tx1"], environment={"PYTHONPATH": root})
    waiting: list[bytes] = []

    def event() -> dict[str, object]:
        while not waiting:
            waiting.extend(child.lines(LONG_S))
        found: dict[str, object] = json.loads(waiting.pop(0))
        return found

    return child, event


def test_a_child_speaks_and_ends_as_a_local_one_does(link_to: Callable[..., Link]) -> None:
    link = link_to()
    link.connect()
    child, event = replay(link)
    assert event()["type"] == "ready"
    assert alive(child.pid)
    assert child.exit_code is None
    child.close(b'{"type":"quit"}\n')
    child.close()
    assert child.closed
    assert child.exit_code == 0
    assert not alive(child.pid)
    with pytest.raises(BrokenPipeError):
        child.send(b"x\n")


def test_the_signal_that_ended_a_child_is_told_as_that_of_a_local_one(link_to: Callable[..., Link]) -> None:
    link = link_to()
    link.connect()
    child, event = replay(link)
    event()
    os.kill(child.pid, signal.SIGSEGV)
    with pytest.raises(EOFError):
        read_to_the_end(child)
    assert child.exit_reason() == "was killed by signal 11 (SIGSEGV)"
    assert child.exit_code == -signal.SIGSEGV
    assert not child.out_of_memory
    child.close()
    assert not link.ended


def test_a_child_that_cannot_run_says_why(link_to: Callable[..., Link]) -> None:
    link = link_to()
    link.connect()
    with pytest.raises(BoardError, match=r"There is no python3\.99 on the board"):
        link.start_child("inference", python="python3.99")
    child = link.start_child("inference", environment={"PYTHONPATH": "/nowhere"}, python="python3")
    with pytest.raises(EOFError):
        read_to_the_end(child)
    assert child.exit_reason() == "ended with exit code 1"
    assert "No module named" in child.stderr_tail
    child.close()


# -- the end of a link -------------------------------------------------------------------------------


def test_a_link_that_is_closed_leaves_nothing_on_the_board(link_to: Callable[..., Link]) -> None:
    link = link_to()
    hello = link.connect()
    child, event = replay(link)
    event()
    assert closing_s(link) < CLOSED_S
    assert link.error is None
    wait_for(lambda: not alive(hello.pid) and not alive(child.pid))
    with pytest.raises(EOFError):
        child.lines(LONG_S)
    with pytest.raises(BoardLostError, match=r"There is no link to board: connect again\."):
        link.facts()
    child.close()
    link.close()


def test_a_pulled_cable_is_told_and_the_board_ends_by_itself(
    link_to: Callable[..., Link], ssh_board: SshBoard, cable: Cable
) -> None:
    link = link_to(ssh_board.board(ssh_board.config(port=cable.port)))
    hello = link.connect()
    child, event = replay(link)
    event()
    cable.pull()
    assert wait_for(lambda: link.ended) < TOLD_S
    assert str(link.error) == "board has not answered for 5 s: check its power, its cable or Wi-Fi."
    with pytest.raises(EOFError):
        child.lines(LONG_S)
    assert child.exit_reason() == "was lost with the link to the board"
    assert child.lost is link.error
    child.close()
    assert closing_s(link) < CLOSED_S
    # By its lease, since nobody tells it.
    wait_for(lambda: not alive(hello.pid) and not alive(child.pid))
    cable.put_back()
    again = link_to(wait_s=10.0)
    assert again.connect().pid != hello.pid


def test_a_link_over_a_stopped_cable_is_closed_in_time(
    link_to: Callable[..., Link], ssh_board: SshBoard, cable: Cable
) -> None:
    link = link_to(ssh_board.board(ssh_board.config(port=cable.port)))
    link.connect()
    cable.pull()
    assert closing_s(link) < CLOSED_S
    cable.put_back()


def test_a_link_over_a_stopped_proxy_command_is_closed_in_time(
    link_to: Callable[..., Link], ssh_board: SshBoard
) -> None:
    words = f"{sys.executable} {PIPES} delay {ssh_board.port} 0 0 0 0"
    link = link_to(ssh_board.board(ssh_board.config(f"ProxyCommand {words}\n")))
    link.connect()
    proxies = psutil.Process(link._ssh.pid).children(recursive=True)
    for each in proxies:
        each.suspend()
    assert closing_s(link) < CLOSED_S
    wait_for(lambda: not any(alive(each.pid) for each in proxies))


def test_an_ssh_that_is_killed_is_told(link_to: Callable[..., Link]) -> None:
    link = link_to()
    hello = link.connect()
    os.kill(link._ssh.pid, signal.SIGKILL)
    wait_for(lambda: link.ended)
    assert str(link.error) == "ssh to board was killed on this computer by signal 9 (SIGKILL): connect again."
    wait_for(lambda: not alive(hello.pid))


def test_an_agent_that_is_killed_is_told(link_to: Callable[..., Link]) -> None:
    link = link_to()
    hello = link.connect()
    child, event = replay(link)
    event()
    os.kill(hello.pid, signal.SIGKILL)
    wait_for(lambda: link.ended)
    assert isinstance(link.error, BoardLostError)
    assert "board" in str(link.error)
    wait_for(lambda: not alive(child.pid))
    child.close()


def test_an_agent_that_is_terminated_says_so(link_to: Callable[..., Link]) -> None:
    link = link_to()
    os.kill(link.connect().pid, signal.SIGTERM)
    wait_for(lambda: link.ended)
    expected = "The agent on board was ended there (terminated): see whether the board shuts down."
    assert str(link.error) == expected


def test_a_question_does_not_outlive_the_link(link_to: Callable[..., Link]) -> None:
    link = link_to()
    hello = link.connect()
    os.kill(hello.pid, signal.SIGSTOP)
    said: list[BaseException] = []

    def ask() -> None:
        try:
            link.ask({"type": "facts"}, LONG_S)
        except BoardError as error:
            said.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join(LONG_S)
    assert isinstance(said[0], BoardLostError)
    os.kill(hello.pid, signal.SIGKILL)


def test_a_second_bench_is_told_who_has_the_board(link_to: Callable[..., Link]) -> None:
    link_to().connect()
    with pytest.raises(
        BoardBusyError, match=r"^board is in use by \S+@\S+ \(since 20\d\d-.* UTC by the board's clock\): "
    ):
        link_to().connect()


def test_connecting_can_be_cancelled(link_to: Callable[..., Link], ssh_board: SshBoard, cable: Cable) -> None:
    cable.pull()
    link = link_to(ssh_board.board(ssh_board.config(port=cable.port)))
    with pytest.raises(BoardLostError, match="Connecting to board was stopped"):
        link.connect(lambda: True)
    assert closing_s(link) < CLOSED_S


# -- what else is promised ---------------------------------------------------------------------------


def test_no_process_of_ours_listens(link_to: Callable[..., Link]) -> None:
    link = link_to()
    hello = link.connect()
    child, event = replay(link)
    event()
    listed = subprocess.run(["ss", "-Hltnp"], capture_output=True, text=True, check=True, timeout=60).stdout
    ours = [f"pid={pid}," for pid in (os.getpid(), link._ssh.pid, hello.pid, child.pid)]
    assert [line for line in listed.splitlines() if any(each in line for each in ours)] == []
    child.close()


def test_a_key_that_may_do_nothing_else_is_enough(link_to: Callable[..., Link], ssh_board: SshBoard) -> None:
    agent = ssh_board.folder / "agent.pyz"
    agent.write_bytes(ssh_board.payload)
    keys = ssh_board.folder / "authorized_keys"
    keys.write_text(f'restrict,command="{sys.executable} {agent}" {keys.read_text()}')
    link = link_to()
    link.connect()
    assert link.facts().cores > 0
    other = [*ssh_board.board().ssh, "board", "touch", str(ssh_board.folder / "touched")]
    subprocess.run(other, capture_output=True, timeout=60, check=False, stdin=subprocess.DEVNULL)
    assert not (ssh_board.folder / "touched").exists()


def test_a_bashrc_that_starts_another_shell_gets_nothing_to_run(
    link_to: Callable[..., Link], ssh_board: SshBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It would run as commands whatever comes on its input.
    got = ssh_board.folder / "got"
    (ssh_board.home / ".bashrc").write_text(f"exec cat > {got}\n")
    monkeypatch.setattr(remote_link, "HELLO_S", 5.0)
    with pytest.raises(
        BoardUnreachableError, match=r"has not started the agent within 5 s: .* starts another shell\.$"
    ):
        link_to().connect()
    assert got.read_bytes() == b""


@pytest.mark.parametrize(
    "bashrc", ["echo hello\n", "printf 'no end of line'\n", "echo to stderr >&2\nseq 5000\n", "fortune\n"]
)
def test_a_bashrc_that_prints_is_no_trouble(link_to: Callable[..., Link], ssh_board: SshBoard, bashrc: str) -> None:
    (ssh_board.home / ".bashrc").write_text(bashrc)
    link = link_to()
    link.connect()
    assert link.facts().cores > 0
