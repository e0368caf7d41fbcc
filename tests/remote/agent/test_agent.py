# SPDX-License-Identifier: Apache-2.0
"""The agent as the bench meets it: a process, through the real loader, under every Python that a board may have."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from monitor_app.remote import bootstrap
from tests.remote.agent.boards import WAIT_S, FakeBoard, RunningAgent, interpreters

if TYPE_CHECKING:
    from collections.abc import Iterator

ECHO = """
import sys
print("ready", flush=True)
for line in sys.stdin:
    print("got " + line.strip(), flush=True)
    if line.strip() == "quit": sys.exit(3)
    if line.strip() == "complain": sys.stderr.write("ouch\\n"); sys.stderr.flush()
"""
STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(other.pid, flush=True)
time.sleep(600)
"""


def raw_ns() -> int:
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW)


def bundle_of(source: str) -> tuple[str, str]:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("__main__.py", source)
    data = whole.getvalue()
    return hashlib.sha256(data).hexdigest(), base64.b64encode(data).decode()


def start(agent: RunningAgent, source: str, python: str = sys.executable, **fields: object) -> int:
    """Start a child that runs this source; its number."""
    sha256, data = bundle_of(source)
    assert agent.ask("bundle", sha256=sha256, data=data)["type"] == "stored"
    asked = {"python": python, "bundle": sha256, "arguments": [], "environment": {}, **fields}
    number = agent.say("start", child="inference", **asked)
    answer = agent.wait_for(lambda each: each.get("id") == number)
    assert answer["type"] == "started", answer
    return number


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def wait_until_gone(pid: int) -> None:
    until = time.monotonic() + WAIT_S
    while not gone(pid):
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.fixture
def board(tmp_path: Path) -> FakeBoard:
    return FakeBoard(tmp_path)


@pytest.fixture
def agent(board: FakeBoard) -> Iterator[RunningAgent]:
    with RunningAgent(board) as running:
        running.hello()
        yield running


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FakeBoard, RunningAgent]]:
    """A board with one agent that is asked what changes nothing; it keeps no message of another test."""
    board = FakeBoard(tmp_path_factory.mktemp("board"))
    for name in ("nvpmodel", "jetson_clocks", "reboot"):
        board.tool(name, f"touch {board.folder / 'was-called'}")
    with RunningAgent(board, lease_s=1000.0) as running:
        running.hello()
        yield board, running


@pytest.fixture
def asked(there: tuple[FakeBoard, RunningAgent]) -> RunningAgent:
    agent = there[1]
    assert agent.process.poll() is None
    assert agent._kept == []
    return agent


@pytest.fixture(params=interpreters(), ids=lambda each: Path(each).parents[1].name if "/" in each else each)
def python(request: pytest.FixtureRequest) -> str:
    path: str = request.param
    if not Path(path).exists():
        pytest.skip(f"no Python {path} is installed here")
    return path


class TestUnderEachPython:
    def test_says_who_and_what_it_is(self, board: FakeBoard, python: str) -> None:
        with RunningAgent(board, python) as agent:
            before_ns = raw_ns()
            hello = agent.hello()
            version = subprocess.check_output([python, "-c", "import platform; print(platform.python_version())"])
            assert hello["version"] == agent.version
            assert hello["pid"] == agent.process.pid
            assert hello["python"] == version.decode().strip()
            assert hello["host"] == socket.gethostname()
            assert hello["now_ns"] <= raw_ns()
            assert agent.ask("clock")["received_ns"] >= before_ns

    def test_carries_out_all_kinds_of_questions(self, board: FakeBoard, python: str) -> None:
        board.file("/sys/bus/i2c/drivers/ina3221/1-0040/hwmon/hwmon3/in1_label", "VDD_IN\n")
        with RunningAgent(board, python) as agent:
            agent.hello()
            for _ in range(3):
                asked_ns = raw_ns()
                clock = agent.ask("clock")
                assert asked_ns <= clock["received_ns"] <= clock["sent_ns"] <= raw_ns()
            files = agent.ask("snapshot", patterns=["/sys/bus/i2c/drivers/*/*/hwmon/hwmon*/*"])["files"]
            assert files == {"/sys/bus/i2c/drivers/ina3221/1-0040/hwmon/hwmon3/in1_label": "VDD_IN\n"}
            sweep = agent.say("sweep", paths=list(files), interval_s=0.1, burst=2)
            assert agent.next("swept")["rows"][0][2] == ["VDD_IN\n"]
            assert agent.ask("stop_sweep", sweep=sweep)["type"] == "stopped"
            assert agent.ask("state", action="write", text="{}")["text"] == "{}"
            number = start(agent, ECHO, python, environment={"OMP_NUM_THREADS": "1"})
            agent.say("input", child=number, lines=["complain", "quit"])
            assert agent.next("error_output")["text"] == "ouch\n"
            ended = agent.next("ended")
            assert (ended["child"], ended["code"], ended["out_of_memory"]) == (number, 3, False)
            agent.say("bye")
            assert agent.rest()[-1] == {"type": "farewell", "reason": "bye"}
            assert agent.wait() == 0
            assert agent.stderr == b""

    def test_facts(self, board: FakeBoard, python: str) -> None:
        board.tool("nvpmodel", "exit 0")
        board.file("/proc/cpuinfo", "processor : 0\nmodel name\t: ARMv8 Processor rev 1 (v8l)\n")
        with RunningAgent(board, python) as agent:
            agent.hello()
            facts = agent.ask("facts")
            assert facts["processor"] == "ARMv8 Processor rev 1 (v8l)"
            assert facts["cores"] == len(os.sched_getaffinity(0))
            assert facts["tools"]["nvpmodel"] == str(board.folder / "bin/nvpmodel")
            assert facts["home"] == str(board.folder / "home")
            assert facts["cache"].startswith(facts["home"])
            assert facts["kernel"] == os.uname().release
            assert facts["disk_free_bytes"] > 0

    def test_killed_it_takes_its_child_along(self, board: FakeBoard, python: str) -> None:
        with RunningAgent(board, python) as agent:
            agent.hello()
            number = start(agent, ECHO, python)
            assert "ready" in agent.next("output", child=number)["lines"]
            (child,) = psutil.Process(agent.process.pid).children()
            os.kill(agent.process.pid, signal.SIGKILL)
            assert agent.wait() == -signal.SIGKILL
            wait_until_gone(child.pid)


def test_a_login_shell_may_print_before_it(board: FakeBoard) -> None:
    payload = board.payload()
    words = [sys.executable, *bootstrap.arguments(payload, holder="a@b")]
    quoted = " ".join("'" + word + "'" for word in words)
    with RunningAgent(board, command=["sh", "-c", "echo welcome; exec " + quoted]) as agent:
        assert agent.line() == b"welcome\n"
        agent.hello()


def test_python_2_is_told_in_one_line() -> None:
    python2 = Path(interpreters()[1]).parents[2] / "2.7.18/bin/python2" if "/" in interpreters()[1] else Path("/none")
    if not python2.exists():
        pytest.skip("no Python 2 is installed here")
    done = subprocess.run(
        [python2, *bootstrap.arguments(b"", holder="x")], capture_output=True, timeout=WAIT_S, check=False
    )
    assert done.returncode == bootstrap.PYTHON_UNUSABLE
    assert done.stderr.decode() == f"{bootstrap.COMPLAINT}Python 2.7 is too old, 3.6 or later is needed\n"


@pytest.mark.parametrize("change", [lambda data: data[:-1], lambda data: data[:-1] + b"x"])
def test_a_payload_that_did_not_come_whole(change: object) -> None:
    payload = bootstrap.payload()
    sent = change(payload)  # type: ignore[operator]
    done = subprocess.run(
        [sys.executable, *bootstrap.arguments(payload, holder="x")],
        input=sent, capture_output=True, timeout=WAIT_S, check=False,
    )  # fmt: skip
    assert done.returncode == bootstrap.NOT_ARRIVED
    assert done.stderr.decode().startswith(bootstrap.COMPLAINT)
    assert done.stderr.count(b"\n") == 1


def test_the_loader_passes_every_login_shell() -> None:
    assert not set(bootstrap.LOADER) & set("'!\n`")
    assert "\\\\" not in bootstrap.LOADER
    assert bootstrap.make_payload({}) == bootstrap.payload()


class TestFiles:
    def test_links_inside_are_followed_and_none_out(self, board: FakeBoard) -> None:
        board.file("/sys/devices/i2c-1/1-0040/hwmon/hwmon2/name", "ina3221\n")
        board.file("/etc/passwd", "root")
        root = board.folder / "root"
        (root / "sys/bus").mkdir()
        (root / "sys/bus/1-0040").symlink_to("../devices/i2c-1/1-0040")
        (root / "sys/bus/out").symlink_to("/etc")
        (root / "sys/bus/up").symlink_to("../../etc")
        (root / "sys/bus/round").symlink_to("round")
        (root / "sys/passwd").symlink_to(root / "etc/passwd")
        with RunningAgent(board) as agent:
            agent.hello()
            patterns = ["/sys/bus/*/hwmon/*/name", "/sys/bus/*/passwd", "/sys/*", "/sys/bus/*/*", "/sys/bus/up/passwd"]
            found = agent.ask("snapshot", patterns=patterns)
            assert found["files"] == {"/sys/bus/1-0040/hwmon/hwmon2/name": "ina3221\n"}
            assert found["errors"] == {}
            failed = agent.ask("sweep", paths=["/sys/passwd"], interval_s=1, burst=0)
            assert (failed["type"], failed["errno"]) == ("failed", 13)

    @pytest.mark.parametrize(
        "path",
        [
            "/etc/passwd",
            "/sys/../etc/passwd",
            "sys/x",
            "/",
            "/sys/**/x",
            "/etc/*",
            "/proc/self/environ",
            "/proc/1/root/etc/passwd",
            "/sys/kernel/debug/x",
            "/proc/kmsg",
            "/sys/" + "a/" * 40,
            "/sys/a\0b",
        ],
    )
    def test_nothing_else_is_read(self, asked: RunningAgent, path: str) -> None:
        assert asked.ask("snapshot", patterns=[path])["type"] == "failed"
        assert asked.ask("sweep", paths=[path], interval_s=1)["type"] == "failed"

    def test_processes_are_not_found_by_a_star(self, board: FakeBoard) -> None:
        board.file("/proc/17/environ", "SECRET=1")
        board.file("/proc/self/environ", "SECRET=1")
        board.file("/proc/stat", "cpu 1\n")
        with RunningAgent(board) as agent:
            agent.hello()
            assert agent.ask("snapshot", patterns=["/proc/*/environ", "/proc/*"])["files"] == {"/proc/stat": "cpu 1\n"}

    def test_bytes_of_the_device_tree_survive(self, board: FakeBoard) -> None:
        cell = bytes(range(256))
        board.file("/sys/firmware/devicetree/base/cell", cell)
        (board.folder / "root/proc/device-tree").symlink_to("../sys/firmware/devicetree/base")
        with RunningAgent(board) as agent:
            agent.hello()
            files = agent.ask("snapshot", patterns=["/proc/device-tree/cell"])["files"]
            assert files["/proc/device-tree/cell"].encode("utf-8", "surrogateescape") == cell

    def test_the_real_sysfs(self, tmp_path: Path) -> None:
        with RunningAgent(FakeBoard(tmp_path, root=Path("/"))) as agent:
            agent.hello()
            files = agent.ask("snapshot", patterns=["/sys/class/net/*/mtu", "/sys/class/net/*/ifindex"])["files"]
            expected = {str(file): file.read_text() for file in Path("/sys/class/net").glob("*/mtu")}
            assert expected.items() <= files.items()
            assert agent.ask("snapshot", patterns=["/proc/self/root/etc/passwd"])["type"] == "failed"


class TestSweeps:
    def test_rows_have_stamps_and_errors_in_their_places(self, board: FakeBoard) -> None:
        board.file("/sys/a", "1\n")
        with RunningAgent(board) as agent:
            agent.hello()
            began_ns = raw_ns()
            sweep = agent.say("sweep", paths=["/sys/a", "/sys/absent"], interval_s=0.02, burst=5)
            rows = []
            while len(rows) < 12:
                message = agent.next("swept")
                assert message["sweep"] == sweep
                rows += message["rows"]
            assert all(texts == ["1\n", 2] for _, _, texts in rows)
            stamps = [stamp for before, after, _ in rows for stamp in (before, after)]
            assert stamps == sorted(stamps)
            assert began_ns <= stamps[0]
            assert stamps[-1] <= raw_ns()

    def test_a_file_that_blocks_holds_up_nothing_else(self, board: FakeBoard) -> None:
        board.file("/sys/slow", "1\n")
        with RunningAgent(board, slow_s=0.4) as agent:
            agent.hello()
            agent.say("sweep", paths=["/sys/slow"], interval_s=0.05, burst=0)
            late, answered = 0, 0
            while late < 7:
                clock = agent.ask("clock")
                assert clock["sent_ns"] >= clock["received_ns"]
                answered += 1
                time.sleep(0.01)
                for message in [each for each in agent._kept if each["type"] == "swept"]:
                    agent._kept.remove(message)
                    late += message["late"]
                    assert all(after - before >= 400_000_000 for before, after, _ in message["rows"])
            assert answered > 10

    def test_values_change(self, board: FakeBoard) -> None:
        file = board.file("/sys/a", "1\n")
        with RunningAgent(board) as agent:
            agent.hello()
            agent.say("sweep", paths=["/sys/a"], interval_s=0.05, burst=0)
            assert agent.next("swept")["rows"][0][2] == ["1\n"]
            file.write_text("2\n")
            while agent.next("swept")["rows"][-1][2] != ["2\n"]:
                pass


class TestChildren:
    def test_lines_both_ways(self, agent: RunningAgent) -> None:
        number = start(agent, ECHO)
        agent.say("input", child=number, lines=["a", "b\u00e4"])
        said = []
        while len(said) < 3:
            said += agent.next("output", child=number)["lines"]
        assert said == ["ready", "got a", "got b\u00e4"]

    def test_a_megabyte_passes(self, agent: RunningAgent) -> None:
        number = start(agent, "for k in range(20000): print('%06d' % k + 'x' * 100)")
        lines = []
        while len(lines) < 20000:
            lines += agent.next("output", child=number)["lines"]
        assert [int(line[:6]) for line in lines] == list(range(20000))
        assert agent.next("ended")["code"] == 0

    def test_asked_it_ends_by_itself(self, agent: RunningAgent) -> None:
        number = start(agent, ECHO)
        agent.say("end", child=number, line="quit")
        assert agent.next("ended", child=number)["code"] == 3

    def test_a_stubborn_one_is_killed_with_what_it_has_started(self, agent: RunningAgent) -> None:
        number = start(agent, STUBBORN)
        (other,) = agent.next("output", child=number)["lines"]
        agent.say("end", child=number, line="quit")
        while True:
            agent.ask("clock")
            time.sleep(0.02)
            if any(each["type"] == "ended" for each in agent._kept):
                break
        assert agent.next("ended")["code"] == -signal.SIGKILL
        wait_until_gone(int(other))

    def test_a_signal_is_told_and_is_no_lack_of_memory(self, agent: RunningAgent) -> None:
        number = start(agent, ECHO)
        agent.next("output", child=number)
        (child,) = psutil.Process(agent.process.pid).children()
        child.kill()
        ended = agent.next("ended")
        assert ended["code"] == -signal.SIGKILL
        assert not ended["out_of_memory"]

    def test_it_need_not_exist(self, asked: RunningAgent) -> None:
        fields = {"child": "gpio", "bundle": None, "arguments": [], "environment": {}}
        failed = asked.ask("start", python="/nowhere/python3", **fields)
        assert (failed["type"], failed["errno"]) == ("failed", 2)
        failed = asked.ask("start", python="python3.99", **fields)
        assert (failed["type"], failed["errno"]) == ("failed", 2)

    @pytest.mark.parametrize(
        "change",
        [
            {"child": "shell"},
            {"python": "/bin/sh"},
            {"python": "./python3"},
            {"environment": {"LD_PRELOAD": "/tmp/x.so"}},
            {"environment": {"OMP_NUM_THREADS": 1}},
            {"bundle": "../../etc/passwd"},
            {"bundle": "0" * 64},
            {"arguments": "x"},
        ],
    )
    def test_nothing_else_is_started(self, asked: RunningAgent, change: dict[str, object]) -> None:
        good = {"child": "inference", "python": sys.executable, "bundle": None, "arguments": [], "environment": {}}
        assert asked.ask("start", **{**good, **change})["type"] == "failed"

    def test_the_pin_is_switched_between_stamps(self, board: FakeBoard, agent: RunningAgent) -> None:
        library = board.folder / "library/Jetson"
        library.mkdir(parents=True)
        (library / "__init__.py").touch()
        (library / "GPIO.py").write_text(
            "BOARD, OUT, LOW, HIGH = 'BOARD', 'OUT', 0, 1\n"
            f"log = open({str(board.folder / 'pin.log')!r}, 'a', 1)\n"
            "def setmode(mode): print('chatter'); print(mode, file=log)\n"
            "def setup(pin, direction, initial): print(pin, direction, initial, file=log)\n"
            "def output(pin, level): print(pin, level, file=log)\n"
            "def cleanup(pin): print('cleanup', pin, file=log)\n"
        )
        number = agent.say(
            "start", child="gpio", python=sys.executable, bundle=None, arguments=["18"],
            environment={"PYTHONPATH": str(library.parent)},
        )  # fmt: skip
        assert json.loads(agent.next("output", child=number)["lines"][0]) == {"ready": True}
        before_ns = raw_ns()
        agent.say("input", child=number, lines=["1"])
        edge = json.loads(agent.next("output", child=number)["lines"][0])
        assert before_ns <= edge["before_ns"] <= edge["after_ns"] <= raw_ns()
        assert edge["level"] is True
        agent.say("end", child=number, line="")
        assert agent.next("ended")["code"] == 0
        assert (board.folder / "pin.log").read_text().splitlines() == [
            "BOARD", "18 OUT 0", "18 1", "18 0", "cleanup 18",
        ]  # fmt: skip

    def test_without_the_library_the_pin_says_so(self, agent: RunningAgent) -> None:
        number = agent.say("start", child="gpio", python=sys.executable, bundle=None, arguments=["18"], environment={})
        assert "error" in json.loads(agent.next("output", child=number)["lines"][0])
        assert agent.next("ended")["code"] == 1


class TestLease:
    def test_without_a_line_all_ends_within_it_and_a_second(self, board: FakeBoard) -> None:
        with RunningAgent(board, lease_s=2.0) as agent:
            agent.hello()
            number = start(agent, STUBBORN)
            (other,) = agent.next("output", child=number)["lines"]
            renewed_ns = agent.ask("clock")["received_ns"]
            messages = agent.rest()
            assert messages[-2]["type"] == "ended"
            assert messages[-1] == {"type": "farewell", "reason": "lease"}
            assert agent.wait() == 4
            # On a busy machine the agent itself may have to wait.
            assert raw_ns() - renewed_ns >= 2_000_000_000
            wait_until_gone(int(other))

    def test_any_line_renews_it(self, board: FakeBoard) -> None:
        with RunningAgent(board, lease_s=1.0) as agent:
            agent.hello()
            until = time.monotonic() + 2.5
            while time.monotonic() < until:
                assert agent.ask("clock")["type"] == "clock"
                time.sleep(0.05)
            agent.say("bye")
            assert agent.rest()[-1]["reason"] == "bye"

    def test_a_bench_that_reads_nothing_does_not_hold_it_up(self, board: FakeBoard) -> None:
        sha256, data = bundle_of("while True: print('x' * 1000)")
        with RunningAgent(board) as agent:
            agent.hello()
            assert agent.ask("bundle", sha256=sha256, data=data)["type"] == "stored"
        payload = board.payload()
        with subprocess.Popen(
            [sys.executable, *bootstrap.arguments(payload, holder="x", lease_s=1.0)],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=board.environment(),
        ) as process:
            assert process.stdin is not None
            fields = {"python": sys.executable, "bundle": sha256, "arguments": [], "environment": {}}
            question = {"type": "start", "id": 3, "child": "replay", **fields}
            # More than a pipe holds, so it has read the payload when this has been written.
            for block in (payload, json.dumps(question).encode() + b"\n"):
                view = memoryview(block)
                while view:
                    view = view[process.stdin.write(view) :]
            assert process.wait(WAIT_S) == 4

    def test_a_second_agent_is_told_who_holds_the_board(self, board: FakeBoard) -> None:
        with RunningAgent(board) as first:
            first.hello()
            before_s = time.time()
            with RunningAgent(board) as second:
                second.greeting()
                busy = second.next("busy")
                assert busy["holder"] == "tester@lab"
                assert before_s - 60 < busy["since_utc_s"] <= time.time()
                assert second.wait() == 3
            assert first.ask("clock")["type"] == "clock"

    def test_the_next_agent_takes_over_when_the_lease_has_ended(self, board: FakeBoard) -> None:
        with RunningAgent(board, lease_s=5.0) as first:
            first.hello()
            number = start(first, STUBBORN)
            (other,) = first.next("output", child=number)["lines"]
            (child,) = psutil.Process(first.process.pid).children()
            with RunningAgent(board, wait_s=WAIT_S) as second:
                second.hello()
                assert gone(child.pid)
                # Killed with it, but nobody there can wait for what a child has started.
                wait_until_gone(int(other))
                assert first.wait() == 4

    def test_a_bench_that_has_given_up_waiting_leaves_no_agent(self, board: FakeBoard) -> None:
        with RunningAgent(board) as first:
            first.hello()
            with RunningAgent(board, wait_s=3000.0) as second:
                second.greeting()
                assert second.process.stdin is not None
                second.process.stdin.close()
                assert second.wait() == 3

    def test_the_end_of_stdin_ends_it_at_once(self, board: FakeBoard) -> None:
        with RunningAgent(board, lease_s=1000.0) as agent:
            agent.hello()
            start(agent, STUBBORN)
            assert agent.process.stdin is not None
            agent.process.stdin.close()
            assert agent.rest()[-1]["type"] == "farewell"
            assert agent.wait() == 0

    def test_terminated_it_ends_its_children(self, board: FakeBoard) -> None:
        with RunningAgent(board, lease_s=1000.0) as agent:
            agent.hello()
            number = start(agent, ECHO)
            agent.next("output", child=number)
            agent.process.terminate()
            messages = agent.rest()
            assert messages[-2]["type"] == "ended"
            assert messages[-1] == {"type": "farewell", "reason": "terminated"}
            assert agent.wait() == 5


class TestBoardCalls:
    def test_the_calls_of_the_program_are_made(self, board: FakeBoard) -> None:
        board.tool("nvpmodel", 'echo "called $*"; read answer; echo "answer $answer"; exit 3')
        with RunningAgent(board) as agent:
            agent.hello()
            called = agent.ask("call", tool="nvpmodel", arguments=["-m", "2"], answer="no\n", root=False)
            assert called["code"] == 3
            assert called["text"] == "called -m 2\nanswer no\n"

    def test_root_is_asked_of_sudo_without_a_password(self, board: FakeBoard) -> None:
        board.tool("sudo", 'echo "sudo $*"')
        board.tool("jetson_clocks", 'echo "clocks $*"')
        with RunningAgent(board) as agent:
            agent.hello()
            text = agent.ask("call", tool="jetson_clocks", arguments=["--show"], answer="", root=True)["text"]
            tool = board.folder / "bin/jetson_clocks"
            assert text == ("clocks --show\n" if os.geteuid() == 0 else f"sudo -n {tool} --show\n")

    @pytest.mark.parametrize(
        ("tool", "arguments", "answer"),
        [
            ("nvpmodel", ["-f", "/tmp/x"], ""),
            ("nvpmodel", ["-m", "1; reboot"], ""),
            ("nvpmodel", ["-m", "1"], "yes\n"),
            ("nvpmodel", ["-m", "1", "-f", "x"], ""),
            ("jetson_clocks", ["--store", "/etc/passwd"], "Y\n"),
            ("jetson_clocks", ["--restore", "/tmp/own"], ""),
            ("reboot", [], ""),
            ("sh", ["-c", "true"], ""),
            ("../bin/sh", [], ""),
        ],
    )
    def test_no_other_call_is_made(
        self, there: tuple[FakeBoard, RunningAgent], tool: str, arguments: list[str], answer: str
    ) -> None:
        board, agent = there
        failed = agent.ask("call", tool=tool, arguments=arguments, answer=answer, root=False)
        assert (failed["type"], failed["errno"]) == ("failed", 1)
        assert not (board.folder / "was-called").exists()


class TestCache:
    def test_a_bundle_is_known_by_its_hash(self, board: FakeBoard) -> None:
        sha256, data = bundle_of(ECHO)
        with RunningAgent(board) as agent:
            agent.hello()
            assert agent.ask("bundle", sha256=sha256, data=None)["errno"] == 2
            assert agent.ask("bundle", sha256="0" * 64, data=data)["type"] == "failed"
            path = Path(agent.ask("bundle", sha256=sha256, data=data)["path"])
        assert hashlib.sha256(path.read_bytes()).hexdigest() == sha256
        assert path.parent.stat().st_mode & 0o77 == 0
        with RunningAgent(board) as agent:
            agent.hello()
            assert agent.ask("bundle", sha256=sha256, data=None)["path"] == str(path)
            path.write_bytes(b"changed")
            assert agent.ask("bundle", sha256=sha256, data=None)["type"] == "failed"

    def test_the_saved_state_outlives_the_agent(self, board: FakeBoard) -> None:
        with RunningAgent(board) as agent:
            agent.hello()
            assert agent.ask("state", action="read")["text"] is None
            assert agent.ask("state", action="write", text='{"mode": 2}')["text"] == '{"mode": 2}'
            agent.process.kill()
            agent.wait()
        with RunningAgent(board) as agent:
            agent.hello()
            assert agent.ask("state", action="read")["text"] == '{"mode": 2}'
            assert agent.ask("state", action="remove")["text"] is None
            assert agent.ask("state", action="elsewhere")["type"] == "failed"

    def test_the_saved_state_is_the_boards_and_not_its_users(self, board: FakeBoard) -> None:
        with RunningAgent(board) as agent:
            agent.hello()
            agent.ask("state", action="write", text='{"mode": 2}')
        with RunningAgent(board, environment={"HOME": str(board.folder / "memory")}) as other:
            other.hello()
            assert other.ask("state", action="read")["text"] == '{"mode": 2}'
            assert other.ask("state", action="write", text='{"mode": 3}')["text"] == '{"mode": 3}'
        state = board.folder / "board.state"
        assert state.stat().st_mode & 0o777 == 0o666
        with RunningAgent(board) as agent:
            agent.hello()
            assert agent.ask("state", action="read")["text"] == '{"mode": 3}'
            assert agent.ask("state", action="remove")["text"] is None
        assert not state.exists()

    def test_a_link_is_no_saved_state_and_the_users_folder_is_taken(self, board: FakeBoard) -> None:
        (board.folder / "elsewhere").write_text("mine")
        (board.folder / "board.state").symlink_to(board.folder / "elsewhere")
        with RunningAgent(board) as agent:
            agent.hello()
            assert agent.ask("state", action="read")["text"] is None
            assert agent.ask("state", action="write", text="{}")["text"] == "{}"
        assert (board.folder / "elsewhere").read_text() == "mine"
        assert list((board.folder / "home").rglob("board.json"))

    def test_networks_run_alone(self, board: FakeBoard) -> None:
        with RunningAgent(board) as agent:
            agent.hello()
            number = start(agent, ECHO)
            agent.next("output", child=number)
            second = agent.ask("start", child="replay", python=sys.executable, bundle=None, arguments=[])
            assert second["type"] == "failed"
            assert re.fullmatch(r"Process \d+ of before has not ended on the board: .*", second["message"])
            agent.say("end", child=number, line="quit")
            agent.next("ended", child=number)
            start(agent, ECHO)

    def test_interpreters_are_asked_for_their_versions_by_name(self, board: FakeBoard) -> None:
        (board.folder / "bin/python3.99").symlink_to(sys.executable)
        with RunningAgent(board) as agent:
            agent.hello()
            named = ["python3.99", sys.executable, "/none/python3", "/bin/sh"]
            pythons = agent.ask("facts", pythons=named)["pythons"]
        version = ".".join(map(str, sys.version_info[:3]))
        assert {name: pythons.get(name) for name in named} == {
            "python3.99": version, sys.executable: version, "/none/python3": None, "/bin/sh": None,
        }  # fmt: skip

    def test_a_home_that_cannot_be_written(self, board: FakeBoard) -> None:
        # Root may write to folders of any mode, but not below a file.
        (board.folder / "file").touch()
        with RunningAgent(board, environment={"HOME": str(board.folder / "file")}) as agent:
            agent.hello()
            number = start(agent, ECHO)
            assert agent.next("output", child=number)["lines"] == ["ready"]
            assert agent.ask("facts")["cache"] == str(board.folder / f"memory/monitor-app-{os.getuid()}")

    def test_a_link_in_shared_memory_is_not_taken(self, board: FakeBoard) -> None:
        (board.folder / "file").touch()
        (board.folder / "elsewhere").mkdir()
        (board.folder / f"memory/monitor-app-{os.getuid()}").symlink_to(board.folder / "elsewhere")
        with RunningAgent(board, environment={"HOME": str(board.folder / "file")}) as agent:
            agent.hello()
            sha256, data = bundle_of(ECHO)
            assert agent.ask("bundle", sha256=sha256, data=data)["type"] == "failed"
            assert not list((board.folder / "elsewhere").iterdir())


class TestForcedCommand:
    def installed(self, board: FakeBoard, tmp_path: Path, asked: list[str], *words: str) -> RunningAgent:
        file = tmp_path / "agent.pyz"
        file.write_bytes(board.payload())
        environment = {"SSH_ORIGINAL_COMMAND": shlex.join(asked)}
        return RunningAgent(board, command=[sys.executable, str(file), *words], environment=environment)

    def test_runs_what_is_installed_and_takes_no_programs(self, board: FakeBoard, tmp_path: Path) -> None:
        asked = ["python3", *bootstrap.arguments(board.payload(), holder="x@y")]
        with self.installed(board, tmp_path, asked, "--only-stored") as agent:
            assert agent.hello()["version"] == agent.version
            sha256, data = bundle_of(ECHO)
            assert agent.ask("bundle", sha256=sha256, data=data)["errno"] == 1

    def test_says_that_it_is_another_version(self, board: FakeBoard, tmp_path: Path) -> None:
        arguments = bootstrap.arguments(board.payload(), holder="x@y")
        arguments[3] = "0" * 64
        with self.installed(board, tmp_path, ["python3", *arguments]) as agent:
            agent.greeting()
            assert "another version" in agent.next("failed")["message"]
            assert agent.wait() == 98

    def test_nothing_else_is_run(self, board: FakeBoard, tmp_path: Path) -> None:
        with self.installed(board, tmp_path, ["sh", "-c", "touch /tmp/x"]) as agent:
            assert agent.wait() == 98
            assert agent.stderr.decode().startswith(bootstrap.COMPLAINT)


class TestGarbage:
    @pytest.mark.parametrize(
        "line",
        [
            b"hello",
            b"\xff\xfe\x00",
            b"[]",
            b"3",
            b"null",
            b'{"type": "unheard"}',
            b'{"type": ["clock"]}',
            b"[" * 100_000,
        ],
    )
    def test_is_answered_and_survived(self, asked: RunningAgent, line: bytes) -> None:
        asked.write(line + b"\n")
        assert asked.next("failed")["id"] is None
        assert asked.ask("clock")["type"] == "clock"
        assert asked.stderr == b""

    @pytest.mark.parametrize(
        "kind",
        ["snapshot", "sweep", "stop_sweep", "bundle", "start", "call", "state", "input"],
    )  # fmt: skip
    def test_questions_without_their_fields(self, asked: RunningAgent, kind: str) -> None:
        asked.say(kind)
        assert "in this program" not in asked.next("failed")["message"]
        assert asked.ask("clock")["type"] == "clock"

    def test_options_that_are_none(self, board: FakeBoard) -> None:
        payload = board.payload()
        words = [*bootstrap.arguments(payload, holder="x")[:-1], "[]"]
        with RunningAgent(board, command=[sys.executable, *words]) as agent:
            agent.greeting()
            assert agent.next("failed")["message"]
            assert agent.wait() == 1
