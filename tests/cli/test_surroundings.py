# SPDX-License-Identifier: Apache-2.0
"""What surrounds the program fails: no home, no reader, no terminal, no folder to write to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from monitor_app.cli import main, record
from monitor_app.cli.terminal import Terminal, put, say, signals_to_end
from monitor_app.core.errors import ExportError, MonitorError, SessionError
from monitor_app.core.log import log_to_file, state_folder
from monitor_app.exports.csv import write_runs
from monitor_app.session.reader import SessionReader
from monitor_app.session.writer import SessionWriter
from tests.bench.conftest import IDLE_PROFILE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NO_HOME = ("/dev/null", "/proc/nothing", "/dev/null/deeper")


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Those of signals are as they were."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def sampled(path: Path) -> bool:
    try:
        with SessionReader(path) as reader:
            return reader.extent() is not None
    except SessionError:  # it is being created
        return False


def recorded(session: Path, once: Callable[[], None], duration_s: float = 30.0) -> int:
    """Record, and do something once there are samples."""

    def wait() -> None:
        while not sampled(session):
            time.sleep(0.05)
        once()

    thread = threading.Thread(target=wait)
    thread.start()
    try:
        return record.record_profile(IDLE_PROFILE, "p.toml", session, duration_s, export=False, quiet=False)
    finally:
        thread.join()


def is_whole(session: Path) -> bool:
    with SessionReader(session) as reader:
        return "completed_utc_ns" in reader.meta() and reader.extent() is not None


# -- no home ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("home", NO_HOME)
@pytest.mark.parametrize("variable", ["HOME", "XDG_STATE_HOME"])
def test_without_a_home_there_is_a_folder_and_no_log(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str, home: str
) -> None:
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv(variable, home)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert main(["--version"]) == 0
    assert main(["record", "--help"]) == 0
    assert log_to_file("test") == Path(os.devnull)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr("os.getpid", lambda: hash((variable, home)))
    folder = state_folder()
    assert folder == state_folder()
    assert (folder.parent, folder.stat().st_mode & 0o777) == (tmp_path, 0o700)


def test_without_a_place_for_a_folder_it_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/dev/null")
    monkeypatch.setattr("tempfile.tempdir", "/dev/null")
    monkeypatch.setattr("os.getpid", lambda: -1)
    with pytest.raises(MonitorError, match="set XDG_STATE_HOME"):
        state_folder()


# -- no reader, no terminal ---------------------------------------------------------------------------


@pytest.mark.parametrize("terminal", [False, True])
def test_a_recording_goes_on_when_the_reader_of_its_progress_goes_away(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, terminal: bool
) -> None:
    monkeypatch.setattr(record, "LINE_EVERY_S", 0.1)
    read, write = os.pipe()
    with os.fdopen(write, "w") as stderr:
        monkeypatch.setattr(sys, "stderr", stderr)
        if terminal:
            monkeypatch.setenv("FORCE_COLOR", "1")
        session = tmp_path / "s.plm"
        assert recorded(session, lambda: os.close(read), 4.0) == 0
        say("and what comes then goes nowhere")
        Terminal(stderr=True).print("nor does that")
        stderr.flush()
    assert is_whole(session)


def test_what_is_printed_to_nobody_costs_neither_the_command_nor_its_exit_code() -> None:
    program = "import sys; from monitor_app.cli import main; sys.exit(main(['--version']))"
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    with process.stderr:
        assert process.stderr.read() == b""
    assert process.wait(60) == 0


def test_the_end_of_the_terminal_ends_a_recording_with_its_file_whole(tmp_path: Path) -> None:
    session = tmp_path / "s.plm"
    assert recorded(session, lambda: os.kill(os.getpid(), signal.SIGHUP)) == 130
    assert is_whole(session)


def test_under_nohup_a_recording_outlives_its_terminal() -> None:
    assert signal.SIGHUP in signals_to_end()
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    assert signals_to_end() == [signal.SIGINT, signal.SIGTERM]


# -- no file, no folder -------------------------------------------------------------------------------


def test_a_session_that_is_deleted_while_it_is_recorded_is_told_and_saved(tmp_path: Path) -> None:
    session = tmp_path / "s.plm"
    with pytest.raises(SessionError, match="all samples up to then were saved as") as caught:
        recorded(session, session.unlink)
    saved = tmp_path / "s-saved-1.plm"
    assert str(saved) in str(caught.value)
    with SessionReader(saved) as reader:
        assert reader.extent() is not None


@pytest.mark.parametrize("name", ["/dev/null/s.plm", "x" * 300 + "/s.plm"])
def test_where_nothing_can_be_recorded_it_is_a_sentence(tmp_path: Path, name: str) -> None:
    with pytest.raises(MonitorError, match="choose"):
        record.record_profile(IDLE_PROFILE, "p", tmp_path / name, 1.0, export=False, quiet=True)


@pytest.mark.parametrize("name", ["/proc/x.csv", "folder", "x" * 300, "nowhere/x.csv", "file/x.csv"])
def test_where_nothing_can_be_exported_it_is_a_sentence(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("a file")
    SessionWriter(tmp_path / "s.plm").close()
    with SessionReader(tmp_path / "s.plm") as reader, pytest.raises(ExportError):
        write_runs(reader, tmp_path / name)
    assert sorted(os.listdir(tmp_path)) == ["file", "folder", "s.plm"]


@pytest.mark.parametrize("name", ["-o.csv", "two\nlines.csv", os.fsdecode(b"caf\xe9.csv"), "[red].csv", "x" * 230])
def test_odd_names_of_exports_are_names(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    SessionWriter(tmp_path / "s.plm").close()
    monkeypatch.chdir(tmp_path)
    assert main(["export", "s.plm", "--format", "csv", "--table", "runs", "-o", name]) == 0
    put(name)
    assert capsys.readouterr().out.count("\n") == 1
    assert sorted(os.listdir(tmp_path)) == sorted([name, "s.plm"])
