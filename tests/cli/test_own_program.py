# SPDX-License-Identifier: Apache-2.0
"""`monitor-app run` and `monitor-app mark` as they are typed."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import pytest

from monitor_app.analysis.program_summary import program_summary
from monitor_app.emulators.board.boards import TX1, Edge, LoadState, follow, power
from monitor_app.session.reader import SessionReader
from monitor_app.sources.profile_reader import parse_profile
from tests.cli.program import monitor_app

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from monitor_app.session.rows import ProgramRow
    from tests.typed import Typist

    Run = Callable[..., subprocess.CompletedProcess[str]]

REPOSITORY = Path(__file__).parents[2]
LONG_S = 120
PROFILE = """\
title = "own"
[protocol]
settle_s = 0.01
idle_s = 0.02
[plan]
networks = ["./nobody.py:asks"]
"""
WITH_POWER = """\
title = "own"
[[source]]
kind = "shunt"
name = "shunt"
emulate = "tx1"
[source.roles]
power = "total"
[protocol]
settle_s = 0.5
idle_s = 0.5
"""


@pytest.fixture
def profile(tmp_path: Path) -> str:
    """Without an instrument, which takes seconds to start; its plan names code that is not run, nor asked about."""
    (tmp_path / "own.toml").write_text(PROFILE)
    return str(tmp_path / "own.toml")


@pytest.fixture
def run(typist: Typist) -> Run:
    """`monitor-app run` in a process of its own, in the folder of its session."""

    def run(
        profile: str, session: Path, command: Sequence[str], *more: str, stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        return typist.run(words(profile, session, command, *more), folder=session.parent, stdin=stdin)

    return run


def words(profile: str, session: Path, command: Sequence[str], *more: str) -> list[str]:
    return ["run", *more, "-o", str(session), profile, "--", *command]


def python(text: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", textwrap.dedent(text), *arguments]


def rows_of(session: Path) -> list[ProgramRow]:
    with SessionReader(session) as reader:
        return list(reader.programs().values())


# -- what it costs -----------------------------------------------------------------------------------


def true_net_j(reader: SessionReader, starts_ns: np.ndarray, ends_ns: np.ndarray) -> np.ndarray:
    """What the board drew above idle from each start to each end, on a fine grid.

    Whether it is busy it has told by a line: on a machine with other work it learns late of a load.
    """
    (source,) = reader.sources()
    signal = next(each for each in reader.signals() if not each.is_product)
    busy = [(reader.time_at(signal.id, sample), level) for sample, level in reader.line_changes(source.id).tolist()]
    origin_ns = int(starts_ns[0])
    edges = [Edge((at_ns - origin_ns) * 1e-9, float(level)) for at_ns, level in busy]
    starts_s, ends_s = (starts_ns - origin_ns) * 1e-9, (ends_ns - origin_ns) * 1e-9
    step_s = 20e-6
    times_s = np.arange(min(edges[0].time_s, 0.0) - 0.01, ends_s[-1] + 0.01, step_s)
    edges = [edge for edge in edges if edge.time_s < times_s[-1]]
    load, _, _ = follow(TX1, LoadState(), edges, times_s)
    sums = np.concatenate(([0.0], np.cumsum((power(TX1, load, times_s) - TX1.idle_w) * step_s)))
    grid = np.append(times_s, times_s[-1] + step_s)
    return np.interp(ends_s, grid, sums) - np.interp(starts_s, grid, sums)


def test_joules_of_spans_agree_with_the_simulated_board(run: Run, tmp_path: Path) -> None:
    session = tmp_path / "s.plm"
    (tmp_path / "power.toml").write_text(WITH_POWER)
    command = [sys.executable, str(REPOSITORY / "examples" / "own_loop.py")]
    done = run(str(tmp_path / "power.toml"), session, command, "-n", "2", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stderr[done.stderr.index("{\n") : done.stderr.rindex("}\n") + 1])
    spans = {each["name"]: each for each in document["spans"]}
    assert (spans["inference"]["spans"], spans["inference"]["images"], spans["load model"]["spans"]) == (40, 320, 2)
    assert document["simulated"] is True
    assert document["lost_marks"] == 0
    assert [each["exit_code"] for each in document["repetitions"]] == [0, 0]
    with SessionReader(session) as reader:
        summary = program_summary(reader)
        assert summary is not None
        for repetition in summary.repetitions:
            rows = reader.work_spans(run_id=repetition.result.run.id)
            busy = np.sort(rows.rows[rows.rows["images"] >= 0], order="start_ns")
            true_j = true_net_j(reader, busy["start_ns"], busy["end_ns"])
            for work in repetition.work:
                own = true_j[busy["name"] == rows.names.index(work.name)]
                assert work.energy is not None
                estimate = work.energy.estimate(net=True)
                assert estimate is not None
                assert estimate.low < own.mean() < estimate.high, (work.name, estimate, own.mean())
                assert estimate.high - estimate.low < 0.05 * estimate.value
    # Both ends of the interval over the repetitions, as it is printed, hold the mean of both.
    low, high = spans["inference"]["net_j"]["interval"]
    assert low < spans["inference"]["net_j"]["value"] < high


def test_what_is_printed_and_passed_through(run: Run, tmp_path: Path) -> None:
    session, profile = tmp_path / "s.plm", str(tmp_path / "power.toml")
    (tmp_path / "power.toml").write_text(WITH_POWER)
    command = python(
        """
        import sys
        from monitor_marks import mark, span
        with span("work"):
            sys.stdout.write(sys.stdin.read() + "\\x1b[1m\\0")
            sys.stderr.write("err")
        mark("moment")
        """
    )
    done = run(profile, session, command, stdin="straight through")
    assert done.returncode == 0
    assert done.stdout == "straight through\x1b[1m\0"
    assert "SIMULATED" in done.stderr
    for what in ("energy net, above idle", "energy gross", "mean power", "peak power", "time", "work"):
        assert what in done.stderr
    assert f"session  {session}" in done.stderr
    (row,) = rows_of(session)
    assert (row.exit_code, row.marks, row.lost, row.malformed) == (0, 2, 0, 0)
    shown = monitor_app("show", str(session))
    assert shown.returncode == 0
    for more in (("analyze",), ("figures", "--list"), ("export", "--format", "csv", "-o", str(tmp_path / "o.csv"))):
        done_more = monitor_app(more[0], str(session), *more[1:])
        assert done_more.returncode in (0, 1), done_more.stderr
        assert "Traceback" not in done_more.stderr


# -- how it ends -------------------------------------------------------------------------------------


def test_repetitions_end_with_the_first_that_fails(run: Run, profile: str, tmp_path: Path) -> None:
    session = tmp_path / "s.plm"
    done = run(profile, session, ["sh", "-c", "exit 3"], "-n", "3")
    assert done.returncode == 3
    (row,) = rows_of(session)
    assert row.exit_code == 3
    with SessionReader(session) as reader:
        assert [(each.state, each.error) for each in reader.runs()] == [
            ("failed", "The command ended with exit code 3.")
        ]
    again = run(profile, tmp_path / "t.plm", ["sh", "-c", "exit 3"], "-n", "2", "-i", "-q")
    assert again.returncode == 3
    assert again.stderr == ""
    assert len(rows_of(tmp_path / "t.plm")) == 2


@pytest.mark.parametrize(
    ("command", "code", "sentence"),
    [
        (["no-such-program"], 127, "There is no program no-such-program: check its name, or give its path."),
        (["./text"], 126, "./text cannot be started (Permission denied): check its permissions."),
    ],
)
def test_a_command_that_cannot_be_started(
    run: Run, profile: str, tmp_path: Path, command: list[str], code: int, sentence: str
) -> None:
    (tmp_path / "text").write_text("no program")
    done = run(profile, tmp_path / "s.plm", command)
    assert done.returncode == code
    assert done.stderr == sentence + "\n"
    assert not (tmp_path / "s.plm").exists()


def test_a_file_that_is_no_program_is_known_only_once_it_is_started(run: Run, profile: str, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no program")
    (tmp_path / "text").chmod(0o755)
    done = run(profile, tmp_path / "s.plm", ["./text"])
    assert done.returncode == 126
    assert done.stderr.splitlines()[-1] == "./text is no program: name what runs it before it, such as `sh ./text`."
    assert not (tmp_path / "s.plm").exists()


def test_a_signal_gives_128_and_its_number_and_its_marks_stay(run: Run, profile: str, tmp_path: Path) -> None:
    """Its children are killed before: what they did until then is there."""
    session = tmp_path / "s.plm"
    command = python(
        """
        import os, signal, time
        from monitor_marks import span
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            for _ in range(3):
                with span("child"): pass
            os.write(write, b".")
            time.sleep(100)
        os.read(read, 1)
        os.kill(pid, signal.SIGKILL)
        os.wait()
        with span("parent"): pass
        os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    done = run(profile, session, command)
    assert done.returncode == 128 + signal.SIGKILL
    (row,) = rows_of(session)
    assert (row.exit_code, row.marks, row.lost) == (-signal.SIGKILL, 4, 0)
    with SessionReader(session) as reader:
        assert reader.work_spans().names == ("child", "parent")


def test_a_child_that_outlives_the_command_holds_nothing_up(run: Run, profile: str, tmp_path: Path) -> None:
    session = tmp_path / "s.plm"
    command = python(
        """
        import os, sys, time
        from monitor_marks import mark
        mark("parent")
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.setsid()
            os.closerange(0, 70000)
            mark("daemon")
            while not os.path.exists(sys.argv[1]):
                time.sleep(0.05)
            os._exit(0)
        os.close(write)
        os.read(read, 1)
        print(pid)
        sys.exit(5)
        """,
        str(tmp_path / "go on"),
    )
    done = run(profile, session, command, "-q")
    assert done.returncode == 5
    assert psutil.pid_exists(int(done.stdout))
    (tmp_path / "go on").touch()
    with SessionReader(session) as reader:
        assert set(reader.work_spans().names) == {"parent", "daemon"}


def test_a_flood_of_anything_is_counted_and_ends_nothing(run: Run, profile: str, tmp_path: Path) -> None:
    session = tmp_path / "s.plm"
    command = python(
        """
        import os, socket, time
        from monitor_marks import span
        flood = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)  # which waits for room
        pid = os.fork()
        if pid == 0:
            for _ in range(3000):
                flood.sendto(b"PLMM" + os.urandom(2000), os.environ["MONITOR_APP_MARKS"])
            os._exit(0)
        for _ in range(20):
            with span("mine"): time.sleep(0.005)
        os.waitpid(pid, 0)
        """
    )
    done = run(profile, session, command)
    assert done.returncode == 0
    (row,) = rows_of(session)
    assert row.marks + row.lost == 20
    assert row.malformed == 3000
    assert "3,000 messages were no marks and were left out" in done.stderr


@pytest.mark.parametrize("handles", [True, False])
def test_ctrl_c_at_a_terminal_reaches_the_command_once_and_the_recording_ends_well(
    typist: Typist, profile: str, tmp_path: Path, handles: bool
) -> None:
    session = tmp_path / "s.plm"
    text = """
        import signal, sys, time
        from monitor_marks import span
        count = 0
        def note(*_):
            global count
            count += 1
        if sys.argv[1] == "True":
            signal.signal(signal.SIGINT, note)
        else:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
        with span("before"): pass
        print("ready", sys.stdin.isatty(), flush=True)
        while not count:
            time.sleep(0.01)
        time.sleep(0.5)
        sys.exit(10 + count)
    """
    terminal, its_end = pty.openpty()
    typed = words(profile, session, python(text, str(handles)), "-n", "3", "-q")
    started = typist.start(typed, its_end, its_end, its_end, folder=tmp_path, terminal=True)
    os.close(its_end)
    said = b""
    while b"ready True" not in said:
        said += os.read(terminal, 1000)
    os.write(terminal, b"\x03")
    code = started.wait()
    os.close(terminal)
    assert code == (11 if handles else 130)
    (row,) = rows_of(session)
    assert row.marks == 1
    with SessionReader(session) as reader:
        (found,) = reader.runs()
        assert (found.state, found.error) == ("cancelled", "The command was interrupted.")
        assert "completed_utc_ns" in reader.meta()


def test_a_signal_to_us_alone_reaches_the_command(typist: Typist, profile: str, tmp_path: Path) -> None:
    session = tmp_path / "s.plm"
    text = "import time\nprint('ready', flush=True)\ntime.sleep(100)"
    (said, saying), own = os.pipe(), len(psutil.Process().children(recursive=True))
    with open(os.devnull, "rb+") as nothing, os.fdopen(said, "rb") as stdout:
        started = typist.start(
            words(profile, session, python(text), "-q"), nothing.fileno(), saying, nothing.fileno(), folder=tmp_path
        )
        os.close(saying)
        assert stdout.readline() == b"ready\n"
        started.send_signal(signal.SIGTERM)
        assert started.wait() == 128 + signal.SIGTERM
    assert len(psutil.Process().children(recursive=True)) <= own or session.exists()


# -- what it measures with ---------------------------------------------------------------------------


def test_without_a_profile_and_an_instrument_it_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from monitor_app.cli import own_program

    monkeypatch.setattr(own_program, "find_sources", list)
    monkeypatch.chdir(tmp_path)
    done = monitor_app("run", "--", "true")
    assert done.returncode == 125
    assert done.stderr.startswith("Nothing that measures power was found on this machine: connect a meter")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("kind", "says"), [("rapl", "(the profile pc)"), ("jetson-rails", "(the profile jetson)"),
                                            ("lines", "at /dev/ttyUSB0")])  # fmt: skip
def test_without_a_profile_the_first_instrument_that_is_ready_is_named(
    kind: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from monitor_app.cli import own_program
    from monitor_app.core.status import FoundSource

    found = [
        FoundSource("shunt", "simulated", "SIMULATED board", True, "ready", {"kind": "shunt", "emulate": "tx1"}),
        FoundSource("nvml", "GPU 0", "a GPU", False, "install it"),
        FoundSource("hwmon", "here", "sensors", True, "ready", {"kind": "hwmon"}),
        FoundSource(kind, "/dev/ttyUSB0", "a meter", True, "ready", {"kind": kind, "format": "edgepowermeter"}),
    ]
    monkeypatch.setattr(own_program, "find_sources", lambda: found)
    profile, text, name = own_program._profile(None)
    assert name.startswith("a meter")
    assert name.endswith(says)
    assert profile.source[0].kind == kind
    assert parse_profile(text, "again").source[0].kind == kind


def test_wrong_usage(profile: str) -> None:
    for arguments in (("run", profile), ("run",), ("run", profile, "--"), ("run", "-n", "0", profile, "--", "true")):
        assert monitor_app(*arguments).returncode == 2
    assert monitor_app("run", "no-such-profile", "--", "true").returncode == 125


def test_a_summary_goes_into_a_file(profile: str, tmp_path: Path) -> None:
    """In a process that has imported nothing before."""
    typed = words(profile, tmp_path / "s.plm", ["true"], "-q", "--json", "--summary", str(tmp_path / "found.json"))
    done = subprocess.run(
        [sys.executable, "-m", "monitor_app", *typed], capture_output=True, text=True, timeout=LONG_S, check=False
    )
    assert done.returncode == 0
    assert done.stderr == ""
    document: dict[str, Any] = json.loads((tmp_path / "found.json").read_text())
    assert document["command"] == ["true"]
    assert document["spans"] == []


# -- marks of shells ---------------------------------------------------------------------------------


def test_a_shell_marks(typist: Typist, profile: str, tmp_path: Path) -> None:
    session = tmp_path / "s.plm"
    mark = f"{sys.executable} -m monitor_app mark"
    script = f'{mark} first && {mark} "a span" -- sh -c "exit 4"; test $? = 4 && {mark} last'
    typed = words(profile, session, ["sh", "-c", script], "-q")
    done = typist.run(typed, folder=tmp_path, PYTHONPATH=str(REPOSITORY))
    assert done.returncode == 0
    with SessionReader(session) as reader:
        spans = reader.work_spans()
        names = [spans.names[each["name"]] for each in np.sort(spans.rows, order="start_ns")]
        assert names == ["first", "a span", "last"]
        assert len(spans.of("a span")) == 1


def test_mark_says_where_the_files_are_and_does_nothing_elsewhere(capfd: pytest.CaptureFixture[str]) -> None:
    done = monitor_app("mark", "--where")
    assert (Path(done.stdout.strip()) / "monitor_marks.h").is_file()
    assert monitor_app("mark", "x").returncode == 0
    for wrong in ((), ("--nothing",), ("x", "y"), ("x", "--")):
        assert monitor_app("mark", *wrong).returncode == 2
    assert monitor_app("mark", "--help").returncode == 0
