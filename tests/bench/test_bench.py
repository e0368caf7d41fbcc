# SPDX-License-Identifier: Apache-2.0
"""The whole path, once: emulated meter on a pty, real networks in the child, one file."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from monitor_app.analysis.session_summary import SessionSummary, summarise
from monitor_app.bench import bench as bench_module
from monitor_app.bench.bench import Bench
from monitor_app.core.errors import SessionError
from monitor_app.core.host_time import host_time_ns
from monitor_app.core.load_signal import LoadSignal
from monitor_app.core.runs import Phase
from monitor_app.core.status import BenchPhase, SourceState
from monitor_app.inference.datasets import find_dataset
from monitor_app.session.reader import SessionReader
from monitor_app.sources.profile_reader import parse_profile
from tests.bench.conftest import EMULATED_RUNS_PROFILE, IDLE_PROFILE, RUNS_PROFILE
from tests.conftest import Tries

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def inference_child() -> psutil.Process | None:
    """The inference process among our descendants, once there is one."""
    for process in psutil.Process().children(recursive=True):
        if "monitor_app.inference.child" in process.cmdline():
            return process
    return None


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Tries[Path]:
    return Tries(lambda _: recorded(tmp_path_factory.mktemp("bench") / "s.plm"))


@pytest.fixture(scope="module")
def summary(session: Tries[Path]) -> Tries[SessionSummary]:
    return session.then(summarised)


def summarised(session: Path) -> SessionSummary:
    with SessionReader(session) as reader:
        return summarise(reader)


def busy_fraction(session: Path) -> float:
    """How much of the timed spans of completed runs lies within batches."""
    with SessionReader(session) as reader:
        done = [run.id for run in reader.runs() if run.state == "done"]
        spans = [span for run in done for span in reader.spans(run) if span.phase == Phase.TIMED.value]
        batches = [reader.batches(run_id=run) for run in done]
    timed = [each[each["phase"] == Phase.TIMED.value] for each in batches]
    busy_ns = sum(int((each["end_ns"] - each["start_ns"]).sum()) for each in timed)
    return busy_ns / sum((span.end_ns or span.start_ns) - span.start_ns for span in spans)


def recorded(path: Path) -> Path:
    """Two runs, the inference killed in the second, and a third that begins again after it."""
    images = path.with_name("images")
    images.mkdir()
    for photograph in find_dataset("demo").images:
        shutil.copy(photograph.file, images)
    (images / os.fsdecode(b"caf\xe9_7.jpg")).write_bytes(b"no picture")
    text = RUNS_PROFILE.replace(
        '["squeezenet1_1", "resnet18"]', '["squeezenet1_1", "squeezenet1_0", "mobilenet_v3_large"]'
    )
    text = text.replace("timed_s = 1.0", "timed_s = 0.5")
    text = text.replace('images = "demo"', f'images = "{images}"')
    bench = Bench(parse_profile(text, "test"), text, path)
    try:
        deadline = time.monotonic() + 90
        killed = False
        while bench.runs_active and time.monotonic() < deadline:
            runs = bench.status().runs
            if not killed and len(runs) > 1 and runs[1].phase == Phase.TIMED.value:
                child = inference_child()
                assert child is not None
                os.kill(child.pid, signal.SIGKILL)
                killed = True
            time.sleep(0.05)
        assert not bench.runs_active, "the plan did not end"
        assert bench.status().phase is BenchPhase.MONITORING
    finally:
        bench.close()
    return path


@pytest.mark.realtime
def test_the_session_is_whole(summary: SessionSummary, session: Path) -> None:
    assert summary.complete
    assert summary.simulated
    assert summary.lost_samples == 0
    assert summary.coverage == 1.0
    assert summary.idle_w == pytest.approx(1.30, abs=0.05)
    # The board is idle between batches, for longer on a busy machine.
    assert 11.8 * busy_fraction(session) - 0.3 < (summary.swing_w or 0.0) < 11.8 + 0.3
    assert summary.sources[0].rate_hz == pytest.approx(50_000, rel=1e-3)


@pytest.mark.realtime
def test_a_run_has_its_latency_its_energy_and_its_accuracy(summary: SessionSummary) -> None:
    run = summary.runs[0]
    assert (run.run.title, run.run.state) == ("SqueezeNet 1.1", "done")
    assert run.latency is not None
    assert run.latency.count >= 5
    assert 0 < run.latency.seconds < run.timed_s
    assert run.top1 is not None
    assert (run.top1.correct, run.top1.images) == (14, 20)
    assert run.power is not None
    assert run.images_per_s is not None
    assert run.energy is not None
    assert run.energy.net is not None
    # Of the batches; the board is idle between them, for longer on a busy machine.
    seconds_per_image = run.energy.seconds / run.energy.images
    assert seconds_per_image < 1 / run.images_per_s
    assert run.energy.gross.j_per_image == pytest.approx(run.power.full_w * seconds_per_image, rel=0.03)
    assert run.energy.net.j_per_image == pytest.approx((run.power.full_w - 1.30) * seconds_per_image, rel=0.03)
    assert run.power.coverage == 1.0
    assert run.run.parameters == 1_235_496


def test_an_image_that_cannot_be_read_is_named_and_its_run_is_done(summary: SessionSummary) -> None:
    """Also where its name is not UTF-8."""
    run = summary.runs[0].run
    assert run.state == "done"
    assert run.accuracy_note is not None
    assert "caf\\xe9_7.jpg" in run.accuracy_note


def test_a_killed_child_fails_its_run_and_no_other(summary: SessionSummary) -> None:
    killed, after = summary.runs[1], summary.runs[2]
    assert killed.run.state == "failed"
    assert killed.run.error is not None
    assert "SIGKILL" in killed.run.error
    assert after.run.state == "done"
    assert after.latency is not None


def test_without_weights_accuracy_is_not_measured(summary: SessionSummary) -> None:
    run = summary.runs[2]
    assert run.top1 is None
    assert run.run.accuracy_note == "no weights"


def test_phases_follow_each_other_and_batches_lie_in_them(session: Path) -> None:
    with SessionReader(session) as reader:
        spans = reader.spans(1)
        assert [span.phase for span in spans] == [
            "load", "idle_before", "warm_up", "timed", "accuracy", "idle_after",
        ]  # fmt: skip
        for earlier, later in itertools.pairwise(spans):
            assert earlier.end_ns is not None
            assert earlier.end_ns <= later.start_ns
        for span in spans:
            batches = reader.batches(run_id=1)
            inside = batches[batches["phase"] == span.phase]
            assert all(inside["start_ns"] >= span.start_ns)
            assert all(inside["end_ns"] <= (span.end_ns or 0))
        assert reader.environment()["torch"]
        assert reader.meta()["profile"].strip().startswith('title = "A quick bench"')


@pytest.mark.realtime
def test_marks_and_samples_agree_within_the_stored_bound(session: Path) -> None:
    """The meter's digital line saw every pass begin; the child's stamps and the sample clock must agree on when."""
    with SessionReader(session) as reader:
        clock = reader.clock(1)
        assert clock is not None
        changes = reader.line_changes(1)
        rises = [reader.time_at(1, int(sample)) for sample, level in changes if level == 1]
        starts = sorted(reader.batches()["start_ns"].tolist())
        assert len(rises) >= len(starts) - 1
        apart = sorted(min(abs(rise - start) for rise in rises) for start in starts)
        # A sample period, and the time that the lamp's message takes between its stamp and that of the pass.
        assert apart[len(apart) // 2] <= clock.bound_ns + 20_000 + 100_000
        assert clock.method == "line"


@pytest.mark.realtime
def test_energy_agrees_with_what_the_board_really_presented(tmp_path: Path, wait_until: Callable[..., None]) -> None:
    lamp_path, account = tmp_path / "lamp", tmp_path / "account.jsonl"
    command = [sys.executable, "-m", "monitor_app.emulators.shunt", "--until-stdin-closes"]
    command += ["--lamp", str(lamp_path), "--account", str(account), "--clock-ppm", "70"]
    emulator = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert emulator.stdin is not None
    assert emulator.stdout is not None
    lamp = None
    try:
        port = emulator.stdout.readline().decode().strip()
        text = f'title = "account"\n[[source]]\nkind = "shunt"\nport = "{port}"\n'
        bench = Bench(parse_profile(text, "test"), text, tmp_path / "s.plm")
        lamp = LoadSignal(lamp_path)
        try:
            wait_until(lambda: bench.status().sources[0].clock_bound_ns is not None)
            for k in range(20):
                lamp.set(k % 2 == 0, host_time_ns())
                time.sleep(0.05 + 0.03 * (k % 5))
        finally:
            bench.close()
    finally:
        if lamp is not None:
            lamp.close()
        emulator.stdin.close()
        emulator.wait(60)
        emulator.stdout.close()
    lines = [json.loads(line) for line in account.read_text().splitlines()]
    with SessionReader(tmp_path / "s.plm") as reader:
        extent = reader.extent()
        assert extent is not None
        recorded = reader.statistics(3, extent.start_ns, extent.end_ns).count
        # What the meter still sent while it was told to stop is no part of the recording.
        told = [line for line in lines if 0 < line["sample"] - line["first_sample"] <= recorded][-1]
        end_ns = reader.time_at(3, told["sample"] - told["first_sample"])
        part = reader.statistics(3, extent.start_ns, end_ns)
    assert part.count == told["sample"] - told["first_sample"] > 50_000
    assert part.integral == pytest.approx(told["energy_j"], rel=1e-3)


def test_a_bench_with_nothing_to_run_only_records(tmp_path: Path, wait_until: Callable[..., None]) -> None:
    bench = Bench(parse_profile(IDLE_PROFILE, "test"), IDLE_PROFILE, tmp_path / "s.plm")
    try:
        wait_until(lambda: bench.status().sources[0].state is SourceState.STREAMING)
        bench.start_runs()
        assert not bench.runs_active
        bench.add_mark(host_time_ns(), "lunch")
        wait_until(lambda: bench.status().file_bytes > 0)
    finally:
        bench.close()
        bench.close()
    assert bench.status().phase is BenchPhase.CLOSED
    with SessionReader(tmp_path / "s.plm") as reader:
        assert [mark.text for mark in reader.marks()] == ["lunch"]


def test_runs_can_be_stopped_and_started_again(tmp_path: Path, wait_until: Callable[..., None]) -> None:
    text = EMULATED_RUNS_PROFILE.replace("timed_s = 1.0", "timed_s = 600.0")
    bench = Bench(parse_profile(text, "test"), text, tmp_path / "s.plm")
    try:
        wait_until(lambda: any(run.phase == "timed" for run in bench.status().runs))
        bench.skip_run()
        wait_until(lambda: bench.status().runs[0].state == "cancelled")
        wait_until(lambda: bench.status().runs[1].phase == "warm_up")
        bench.stop_runs()
        wait_until(lambda: not bench.runs_active)
        bench.start_runs()
        wait_until(lambda: bench.cycle == 2 and bench.status().runs[0].phase == "warm_up")
    finally:
        bench.close()
    with SessionReader(tmp_path / "s.plm") as reader:
        assert [run.state for run in reader.runs()] == ["cancelled"] * 3
        assert all(span.end_ns is not None for span in reader.spans())


def test_a_bench_that_cannot_be_made_leaves_nothing_running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise SessionError("The state folder belongs to another user.")

    monkeypatch.setattr(bench_module, "RunDriver", refuse)
    with pytest.raises(SessionError, match="belongs to another user"):
        Bench(parse_profile(IDLE_PROFILE, "idle"), IDLE_PROFILE, tmp_path / "s.plm")
