# SPDX-License-Identifier: Apache-2.0
"""The commands as a user types them; where it is about signals, terminals and logs, in processes of their own."""

from __future__ import annotations

import functools
import json
import os
import pty
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from monitor_app.bench.acquisition import instruments
from monitor_app.cli import record
from monitor_app.core.errors import SessionError
from monitor_app.session.reader import SessionReader
from monitor_app.sources.serial.ports import locate
from monitor_app.sources.serial.transport import SerialPort
from tests.bench.conftest import EMULATED_RUNS_PROFILE, IDLE_PROFILE
from tests.cli.program import monitor_app
from tests.conftest import Tries
from tests.inference.onnx_files.graphs import classifier, saved

if TYPE_CHECKING:
    from tests.typed import Typist

KEYS = {"idle_w", "swing_w", "lost_samples", "sample_rate_hz", "simulated", "coverage", "runs"}


def has_samples(path: Path) -> bool:
    try:
        with SessionReader(path) as reader:
            return reader.extent() is not None
    except SessionError:  # it is being created
        return False


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Tries[Path]:
    return Tries(lambda _: recorded(tmp_path_factory.mktemp("cli")))


def recorded(folder: Path) -> Path:
    profile = folder / "quick.toml"
    text = EMULATED_RUNS_PROFILE.replace("timed_s = 1.0", "timed_s = 0.3")
    text = text.replace(', "bn_nin"]', ']\nbatch_sizes = [1, 4]\naccuracy = "once"')
    profile.write_text(text.replace('"tx1"\n', '"tx1"\nrate_hz = 10_000\n', 1))
    done = monitor_app("record", str(profile), "-o", str(folder / "s.plm"), "--export")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [
        "session", str(folder / "s.plm"), "table", str(folder / "s.csv"), "picture", str(folder / "s.png"),
    ]  # fmt: skip
    assert "SIMULATED" in done.stderr
    assert "lost" in done.stderr
    return folder / "s.plm"


def test_a_recording_of_a_plan_ends_with_it_and_can_be_shown(recording: Path) -> None:
    done = monitor_app("show", str(recording), "--json")
    document = json.loads(done.stdout)
    assert document.keys() >= KEYS
    assert document["simulated"] is True
    assert [run["state"] for run in document["runs"]] == ["done", "done"]
    assert document["runs"][0]["top1"]["correct"] == 27_305
    assert document["runs"][1]["top1"] is None
    assert document["runs"][0]["latency_ms"]["p50"] > 0
    for_people = monitor_app("show", str(recording))
    assert "SIMULATED" in for_people.stdout
    assert "AlexNet" in for_people.stdout


def test_the_export_beside_it_is_a_table_and_a_picture(recording: Path) -> None:
    table = recording.with_suffix(".csv").read_text()
    assert "SIMULATED" in table.split("time_s")[0]
    assert recording.with_suffix(".png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.realtime
def test_parts_can_be_exported(recording: Path, tmp_path: Path) -> None:
    out = tmp_path / "part.csv"
    done = monitor_app(
        "export", str(recording), "--format", "csv", "-o", str(out), "--signals", "power", "--from", "1", "--to", "1.5"
    )
    assert done.returncode == 0, done.stderr
    rows = [line for line in out.read_text().splitlines() if not line.startswith("#")]
    assert rows[0] == "time_s,power_W"
    # In its first seconds the sample clock may bend by 500 ppm.
    assert len(rows) == pytest.approx(5_001, abs=5)
    runs = tmp_path / "runs.csv"
    assert monitor_app("export", str(recording), "--format", "csv", "--table", "runs", "-o", str(runs)).returncode == 0
    assert len([line for line in runs.read_text().splitlines() if not line.startswith("#")]) == 3


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("show", "nothing.plm"), 1, "There is no file nothing.plm"),
        (("show", __file__), 1, "not a session"),
        (("record", "nothing.toml"), 1, "There is no profile nothing.toml"),
        (("record", "no-such-profile"), 1, "simulated-tx1"),
        (("export", "nothing.plm", "--format", "csv", "-o", "x.csv"), 1, "There is no file"),
        (("export", "nothing.plm", "--format", "docx", "-o", "x"), 2, "docx"),
        (("frobnicate", "--now"), 2, ""),
        (("record",), 2, "profile"),
    ],
)
def test_what_goes_wrong_is_one_sentence_and_a_code(words: tuple[str, ...], code: int, says: str) -> None:
    done = monitor_app(*words)
    assert done.returncode == code
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    if code == 1:
        assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("words", [("help",), ("-h",), ("--help",)])
def test_help_is_where_it_is_looked_for(words: tuple[str, ...]) -> None:
    done = monitor_app(*words)
    assert done.returncode == 0
    assert "analyze" in done.stdout


def test_help_of_a_command() -> None:
    done = monitor_app("help", "record")
    assert done.returncode == 0
    assert "--resume" in done.stdout
    assert done.stdout == monitor_app("record", "-h").stdout


def test_a_mistyped_command_is_suggested() -> None:
    done = monitor_app("anaylze", "s.plm")
    assert done.returncode == 2
    assert done.stderr == "There is no command anaylze: did you mean `monitor-app analyze`?\n"


FAILS = """
from PySide6.QtCore import QTimer
from monitor_app.gui import app
from monitor_app.gui.theme import application
qt = application()
def fail():
    QTimer.singleShot(10, qt.quit)
    raise ValueError("on purpose")
QTimer.singleShot(0, fail)
app.run_window(None)
"""


def test_the_window_writes_the_log_that_its_message_names(tmp_path: Path) -> None:
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "XDG_STATE_HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-c", FAILS], env=environment, timeout=100, check=True)
    assert "ValueError: on purpose" in (tmp_path / "monitor-app" / "window.log").read_text()


INTERRUPTED = """
import os, signal, sys
from monitor_app.cli import main
from monitor_app.gui import app
class Window(app.MainWindow):
    def __init__(self, *words, **options):
        os.kill(os.getpid(), signal.SIGINT)
        super().__init__(*words, **options)
        os.kill(os.getpid(), signal.SIGTERM)
app.MainWindow = Window
sys.exit(main(["window", "--start-page"]))
"""


def test_a_signal_while_the_window_is_made_ends_it_quietly(tmp_path: Path) -> None:
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "XDG_STATE_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED], env=environment, timeout=100, check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_without_a_display_the_window_names_what_works() -> None:
    done = monitor_app(QT_QPA_PLATFORM="", DISPLAY="", WAYLAND_DISPLAY="")
    assert done.returncode == 1
    assert "monitor-app record" in done.stderr


def test_a_port_that_is_not_there_leaves_no_file(tmp_path: Path) -> None:
    profile = tmp_path / "p.toml"
    profile.write_text('title = "x"\n[[source]]\nkind = "shunt"\nport = "/dev/ttyNOTHING"\n')
    done = monitor_app("record", str(profile), "-o", str(tmp_path / "s.plm"), "--quiet")
    assert done.returncode == 1
    assert done.stderr.strip().startswith("There is no port /dev/ttyNOTHING")
    assert [path.name for path in tmp_path.iterdir()] == ["p.toml"]


def reader_lost(session: Path) -> int:
    with SessionReader(session) as reader:
        return reader.lost_samples()


def test_a_failure_while_a_lost_port_is_looked_for_keeps_the_recording_and_its_samples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The plug is pulled for good; then the list of serial ports raises, as when a USB device goes away meanwhile."""
    link, session = tmp_path / "meter", tmp_path / "s.plm"
    emulator = subprocess.Popen(
        [sys.executable, "-m", "monitor_app", "emulate", "shunt", "--rate-hz", "1000", "--link", str(link)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert emulator.stdout is not None
    emulator.stdout.readline()
    pulled = threading.Event()

    def ports() -> list[SerialPort]:
        if pulled.is_set():
            raise TypeError("int() argument must be a string, not 'NoneType'")
        return [SerialPort(str(link), "USB meter", "A17", True, 0x10C4, 0xEA60, "1-4:1.0")]

    monkeypatch.setattr(instruments, "locate", functools.partial(locate, ports=ports))

    def pull() -> None:
        while not has_samples(session):
            time.sleep(0.05)
        pulled.set()
        emulator.terminate()

    pulling = threading.Thread(target=pull)
    pulling.start()
    profile = 'title = "x"\n[[source]]\nkind = "shunt"\nserial_number = "A17"\n'
    code = record.record_profile(profile, "p.toml", session, 6.0, export=False, quiet=True)
    pulling.join()
    emulator.communicate(timeout=60)
    assert code == 0
    with SessionReader(session) as reader:
        assert reader.extent() is not None
        assert "completed_utc_ns" in reader.meta()
        assert any("an error in this program (TypeError" in row.text for row in reader.log())
        # What is missing until the end is lost, by count and by coverage.
        extent, gap = reader.extent(), reader.gaps()[-1]
        assert extent is not None
        assert extent.end_ns == gap.end_ns > extent.newest_ns
        assert gap.n == pytest.approx((gap.end_ns - gap.start_ns) * 1e-6, rel=0.01, abs=2)
        whole = reader.statistics(1, extent.start_ns, extent.end_ns)
        assert whole.expected - whole.count == pytest.approx(reader.lost_samples(), rel=0.01, abs=2)
    assert f"lost     {reader_lost(session):,} samples of shunt (coverage " in capsys.readouterr().out


def test_networks_and_sources_as_json() -> None:
    networks = json.loads(monitor_app("networks", "--json").stdout)
    by_name = {network["name"]: network for network in networks}
    assert by_name["resnet18"]["parameters"] == 11_689_512
    assert by_name["resnet18"]["weights"] is None
    assert by_name["efficientnet_lite0"]["weights"]
    sources = json.loads(monitor_app("sources", "--json").stdout)
    assert any("SIMULATED" in source["description"] for source in sources)


def test_ctrl_c_ends_a_recording_with_the_file_complete(typist: Typist, tmp_path: Path) -> None:
    profile = tmp_path / "p.toml"
    profile.write_text(IDLE_PROFILE)
    with open(os.devnull, "rb+") as nothing, open(tmp_path / "said", "wb") as said:
        words = ["record", str(profile), "-o", str(tmp_path / "s.plm")]
        process = typist.start(words, nothing.fileno(), said.fileno(), said.fileno(), folder=tmp_path)
    deadline = time.monotonic() + 30
    while not has_samples(tmp_path / "s.plm"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    document = json.loads(monitor_app("show", str(tmp_path / "s.plm"), "--json").stdout)
    assert document["complete"] is True
    assert document["duration_s"] > 0


def test_an_emulated_meter_prints_its_port_and_can_be_measured(tmp_path: Path) -> None:
    emulator = subprocess.Popen(
        [sys.executable, "-m", "monitor_app", "emulate", "shunt", "--link", str(tmp_path / "meter")],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert emulator.stdout is not None
        port = emulator.stdout.readline().strip()
        assert (tmp_path / "meter").resolve() == Path(port)
        profile = tmp_path / "p.toml"
        profile.write_text(f'title = "x"\n[[source]]\nkind = "shunt"\nport = "{tmp_path / "meter"}"\n')
        done = monitor_app("record", str(profile), "-o", str(tmp_path / "s.plm"), "--duration", "1.5", "--quiet")
        assert done.returncode == 0, done.stderr
        document = json.loads(monitor_app("show", str(tmp_path / "s.plm"), "--json").stdout)
        assert document["mean_w"] == pytest.approx(1.30, abs=0.01)
        assert document["simulated"] is True
    finally:
        emulator.send_signal(signal.SIGINT)
        emulator.communicate(timeout=60)
    assert emulator.returncode == 0
    assert not (tmp_path / "meter").exists()


def test_on_a_terminal_the_progress_is_redrawn(typist: Typist, tmp_path: Path) -> None:
    profile = tmp_path / "p.toml"
    profile.write_text(IDLE_PROFILE)
    master, slave = pty.openpty()
    with open(os.devnull, "rb+") as nothing:
        words = ["record", str(profile), "-o", str(tmp_path / "s.plm"), "--duration", "1"]
        process = typist.start(words, nothing.fileno(), nothing.fileno(), slave, folder=tmp_path, TERM="xterm")
    os.close(slave)
    shown = b""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            chunk = os.read(master, 4096)
        except OSError:  # the other end is closed
            break
        shown += chunk
    os.close(master)
    assert process.wait(60) == 0
    assert b"left; Ctrl-C ends the recording" in shown


@pytest.mark.realtime
def test_record_check_answers_by_its_code_and_records_nothing(tmp_path: Path) -> None:
    profile = tmp_path / "p.toml"
    roles = '[[source]]\nkind = "shunt"\nemulate = "tx1"\nrate_hz = 10_000\n[source.roles]\n{} = "total"\n'
    rest = '[inference]\ndevice = "emulated:tx1"\n[protocol]\nsettle_s = {}\n[plan]\nnetworks = ["bn_nin"]\n'
    for role, settle_s, code, says in (
        ("power", 1.0, 0, "follows the work"), ("power", 0.01, 1, "set settle_s"), ("watts", 1.0, 1, "no signal watts"),
    ):  # fmt: skip
        profile.write_text('title = "x"\n' + roles.format(role) + rest.format(settle_s))
        done = monitor_app("record", str(profile), "--check")
        assert done.returncode == code, done.stderr
        assert says in (done.stderr if code else done.stdout)
        assert [path.name for path in tmp_path.iterdir()] == ["p.toml"]


def test_an_onnx_file_is_listed_with_its_costs_and_converted(tmp_path: Path) -> None:
    file, half = tmp_path / "small.onnx", tmp_path / "half.onnx"
    saved(classifier(np.random.default_rng(0)), file)
    (listed,) = json.loads(monitor_app("networks", f"{file}@8", "--json").stdout)
    assert (listed["macs"], listed["parameters"]) == (4 * 36 * 27 + 20, 4 * 27 + 4 + 20 + 5)
    done = monitor_app("networks", "--export", f"{file}@8", "--precision", "fp16", "-o", str(half))
    assert done.stdout.startswith(f"{half}: small in fp16\n")
    assert half.stat().st_size < file.stat().st_size
    assert monitor_app("networks", "--export", "resnet18").returncode == 2
    refused = monitor_app("networks", "--export", "resnet18", "-o", str(tmp_path / "x.pb"))
    assert (refused.returncode, refused.stderr) == (
        1,
        f"{tmp_path / 'x.pb'} does not end in .onnx or .tflite, by which its kind is known: name it so.\n",
    )
