# SPDX-License-Identifier: Apache-2.0
"""A synthetic session with two runs and a gap, and a bench that only listens."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from monitor_app.bench.messages import Opened, Status
from monitor_app.core.clock import ClockState
from monitor_app.core.runs import Batch, Phase, RunSpec, RunState
from monitor_app.core.samples import Quantity, Role, Signal, SourceInfo
from monitor_app.core.status import BenchPhase, BenchStatus, RunStatus, SourceState, SourceStatus
from monitor_app.gui.main_window import MainWindow
from monitor_app.gui.session import recording
from monitor_app.gui.theme import application
from monitor_app.session.writer import SessionWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytestqt.qtbot import QtBot

    from monitor_app.analysis.run.correlation import Correlations
    from monitor_app.analysis.run.results import RunResult
    from monitor_app.bench.messages import Command, Event
    from monitor_app.session.reader import SessionReader
    from monitor_app.session.rows import RunRow

RATE_HZ = 10_000
T0_NS = 5_000_000_000_000
VOLTS, IDLE_A, FULL_A = 10.0, 0.1, 1.0
GAP_S = (9.0, 9.5)
LENGTH_S = 20.0
BATCH_S = 0.02
# Run 1 with accuracy, run 2 without weights: (run, phase, start, end).
SPANS = (
    (1, Phase.IDLE_BEFORE, 0.0, 2.0), (1, Phase.WARM_UP, 2.0, 4.0), (1, Phase.TIMED, 4.0, 7.0),
    (1, Phase.ACCURACY, 7.0, 8.0), (2, Phase.IDLE_BEFORE, 10.0, 12.0), (2, Phase.WARM_UP, 12.0, 14.0),
    (2, Phase.TIMED, 14.0, 18.0),
)  # fmt: skip
BUSY = ((2.0, 8.0), (12.0, 18.0))


def source(*, simulated: bool = True) -> SourceInfo:
    signals = (
        Signal("current", Quantity.CURRENT, scale=1.0, resolution=1e-3),
        Signal("voltage", Quantity.VOLTAGE, scale=1.0),
        Signal("power", Quantity.POWER, Role.TOTAL, product_of=("current", "voltage")),
    )
    return SourceInfo("shunt", "shunt", "Test shunt", "T1", "1", RATE_HZ, signals, simulated=simulated)


def at(seconds: float) -> int:
    return T0_NS + round(seconds * 1e9)


class Tape:
    """Writes the session piece by piece, so that a test can let it grow."""

    def __init__(self, path: Path, *, simulated: bool = True) -> None:
        self.path = path
        self._writer = SessionWriter(path)
        self._writer.add_source(1, source(simulated=simulated))
        self._written_s, self._closed = 0.0, False
        self._plan()

    def _plan(self) -> None:
        for run, title in ((1, "SqueezeNet 1.1"), (2, "ResNet-18")):
            self._writer.add_run(run, 1, RunSpec(title.lower()), title, RunState.WAITING)
        self._writer.update_run(2, accuracy_note="no weights")

    def write_until(self, until_s: float) -> None:
        while self._written_s < until_s - 1e-9:
            start_s = self._written_s
            self._written_s = end_s = min(start_s + 0.5, until_s)
            if start_s == GAP_S[0]:
                lost = round((GAP_S[1] - GAP_S[0]) * RATE_HZ)
                self._writer.write_gap(1, round(start_s * RATE_HZ), lost, at(start_s), at(end_s), "test")
                continue
            k = np.arange(round(start_s * RATE_HZ), round(end_s * RATE_HZ))
            seconds = k / RATE_HZ
            busy = np.any([(a <= seconds) & (seconds < b) for a, b in BUSY], axis=0)
            amps = np.where(busy, FULL_A, IDLE_A).astype("<f4")
            volts = np.full(len(k), VOLTS, "<f4")
            self._writer.write_block(1, int(k[0]), (amps, volts), at(seconds[0]), at(seconds[-1]))
            self._events(start_s, end_s)
        self._writer.write_clock(1, at(until_s), ClockState(float(RATE_HZ), 210_000))
        self._writer.commit()

    def _events(self, start_s: float, end_s: float) -> None:
        for number, (run, phase, begin, end) in enumerate(SPANS, start=1):
            if start_s <= begin < end_s:
                self._writer.open_span(number, run, phase, at(begin))
                self._writer.update_run(run, state="running", started_ns=at(begin))
            if start_s < end <= end_s:
                self._writer.close_span(number, at(end))
                self._writer.write_batches(run, _batches(run, phase, begin, end))
                if phase is (Phase.ACCURACY if run == 1 else Phase.TIMED):
                    self._writer.update_run(run, state="done", ended_ns=at(end))

    def mark(self, seconds: float, text: str) -> None:
        self._writer.write_mark(at(seconds), "user", text)
        self._writer.commit()

    def title(self, text: str) -> None:
        self._writer.set_meta({"title": text})
        self._writer.commit()

    def profile(self, text: str) -> None:
        self._writer.set_meta({"profile": text})
        self._writer.commit()

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._writer.close()


def _batches(run: int, phase: Phase, begin: float, end: float) -> list[Batch]:
    if phase is Phase.IDLE_BEFORE or (phase is Phase.ACCURACY and run == 2):
        return []
    starts = np.arange(begin, end - 1e-9, BATCH_S)
    right = [int(k % 2 == 0) if phase is Phase.ACCURACY else None for k in range(len(starts))]
    return [
        Batch(phase, at(s), at(s + BATCH_S * 0.9), 1, top, top) for s, top in zip(starts.tolist(), right, strict=True)
    ]


BESIDE_RESULTS = frozenset({"meta", "environment", "utc", "mark", "marker", "log"})


def contents(reader: SessionReader) -> bytes:
    """A digest of all rows of a session but those on which no result of a run depends."""
    digest = hashlib.sha256()
    tables = reader._rows("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    for table in (name for (name,) in tables if name not in BESIDE_RESULTS):
        for row in reader._rows(f"SELECT * FROM {table}"):
            digest.update(repr([value for value in (table, *row) if not isinstance(value, bytes)]).encode())
            for blob in (value for value in row if isinstance(value, bytes)):
                digest.update(blob)
    return digest.digest()


@pytest.fixture(scope="session")
def known_results() -> dict[tuple[bytes, int], RunResult]:
    """By the contents of the session and the number of the run."""
    return {}


@pytest.fixture(autouse=True)
def results_once(monkeypatch: pytest.MonkeyPatch, known_results: dict[tuple[bytes, int], RunResult]) -> None:
    """Windows of several tests that show the same session have its results computed for the first of them."""
    compute, version = recording.result_of, (None, (0, 0), b"")

    def result_of(reader: SessionReader, run: RunRow, correlations: Correlations) -> RunResult:
        nonlocal version
        if version[:2] != (reader, reader.version()):
            version = reader, reader.version(), contents(reader)
        key = version[2], run.id
        if key not in known_results:
            known_results[key] = compute(reader, run, correlations)
        return known_results[key]

    monkeypatch.setattr(recording, "result_of", result_of)


class StandIn:
    """A bench that reports what the test gives it and records the commands it is sent."""

    def __init__(self, session: Path) -> None:
        self.session = session
        self.alive = True
        self.commands: list[Command] = []
        self.events: list[Event] = []

    def send(self, command: Command) -> None:
        self.commands.append(command)

    def poll(self) -> list[Event]:
        said, self.events = self.events, []
        return said

    def close(self) -> None:
        self.alive = False

    def say(self, *events: Event) -> None:
        self.events.extend(events)


def status(phase: BenchPhase = BenchPhase.MONITORING, message: str = "") -> BenchStatus:
    return BenchStatus(
        phase=phase,
        sources=(SourceStatus("shunt", "shunt", SourceState.STREAMING, "", 10_000.0, 0, 210_000, simulated=True),),
        runs=(
            RunStatus(1, "SqueezeNet 1.1", 1, "done", None, 1.0),
            RunStatus(2, "ResNet-18", 1, "running", "timed", 0.5),
        ),
        cycle=1, cycles=2, remaining_s=38.0, file_bytes=51_000_000, disk_free_bytes=79_000_000_000,
        disk_left_s=37 * 86_400.0, cpu_fraction=0.04, message=message,
    )  # fmt: skip


@pytest.fixture
def tape(tmp_path: Path) -> Iterator[Tape]:
    made = Tape(tmp_path / "live.plm")
    yield made
    made.close()


@pytest.fixture(scope="session")
def written_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = Tape(tmp_path_factory.mktemp("written") / "old.plm")
    made.write_until(LENGTH_S)
    made.close()
    return made.path


@pytest.fixture
def session(written_once: Path, tmp_path: Path) -> Path:
    """A complete session of 20 s."""
    return Path(shutil.copy(written_once, tmp_path))


@pytest.fixture
def open_window(qtbot: QtBot) -> Iterator[Callable[..., MainWindow]]:
    """A window whose frames the test makes itself, closed at the end without questions."""
    application()
    windows: list[MainWindow] = []

    def make(
        *args: object, before_shown: Callable[[MainWindow], None] = lambda _: None, **options: object
    ) -> MainWindow:
        window = MainWindow(*args, **options)  # type: ignore[arg-type]
        before_shown(window)
        window._timer.stop()
        window._task_timer.stop()
        window.resize(1280, 800)
        window.show()
        # Keys reach only the window that is active.
        window.activateWindow()
        qtbot.waitUntil(window.isActiveWindow)
        frames(window)
        windows.append(window)
        return window

    yield make
    for window in windows:
        window.close_at_once()
        window.deleteLater()


def frames(window: MainWindow, count: int = 2) -> None:
    """This number of frames, with every task due."""
    for _ in range(count):
        window.refresh()
        window._tasks.do_all(0)


@pytest.fixture
def live(
    open_window: Callable[..., MainWindow], tape: Tape, monkeypatch: pytest.MonkeyPatch
) -> tuple[MainWindow, StandIn, Tape]:
    """A window on a bench that has recorded 15 s; that nothing follows in the test is no silence."""
    monkeypatch.setattr(recording, "SILENT_S", 1e6)
    tape.write_until(15.0)
    bench = StandIn(tape.path)
    bench.say(Opened(str(tape.path)), Status(status()))
    window = open_window(bench)
    return window, bench, tape
