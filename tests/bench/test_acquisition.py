# SPDX-License-Identifier: Apache-2.0
"""What becomes of losses, unplugging and failures, with a source whose every step the test decides."""

from __future__ import annotations

import queue
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest

from monitor_app.bench.acquisition import Acquisition
from monitor_app.bench.recorder import Recorder
from monitor_app.core.errors import MonitorError, PortError, SourceLostError
from monitor_app.core.samples import Quantity, Reading, Role, SampleBlock, Signal, SourceInfo, TimeMark
from monitor_app.core.status import SourceState
from monitor_app.session.reader import SessionReader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

RATE_HZ = 1_000.0
INFO = SourceInfo(
    "meter", "test", "model", "serial", "1", RATE_HZ, (Signal("power", Quantity.POWER, Role.TOTAL, "<u2", 0.001),)
)


class Script:
    """A source that plays what the test puts into its queue: readings, or an error to raise."""

    def __init__(self, open_error: MonitorError | None = None) -> None:
        self.open_error = open_error
        self.steps: queue.SimpleQueue[Reading | MonitorError] = queue.SimpleQueue()
        self.closed = 0

    @property
    def info(self) -> SourceInfo:
        return INFO

    def open(self) -> None:
        if self.open_error is not None:
            raise self.open_error

    def read(self, timeout_s: float) -> list[Reading]:
        try:
            step = self.steps.get(timeout=timeout_s)
        except queue.Empty:
            return []
        if isinstance(step, MonitorError):
            raise step
        return [step]

    def close(self) -> None:
        self.closed += 1

    def play(self, first: int, n: int, value: int, lost: int = 0) -> None:
        """Samples, with a mark that makes the device's clock start at zero host time of this test."""
        end_ns = START_NS + round((first + n) * 1e9 / RATE_HZ)
        self.steps.put(TimeMark(first + n, end_ns - 1000, end_ns + 1000))
        self.steps.put(SampleBlock(first, (np.full(n, value, "<u2"),), end_ns, lost))


START_NS = time.perf_counter_ns()


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    recorder = Recorder(tmp_path / "s.plm")
    yield recorder
    recorder.close()


def test_a_loss_becomes_a_gap_and_is_counted(recorder: Recorder, wait_until: Callable[..., None]) -> None:
    script = Script()
    acquisition = Acquisition(1, "meter", "test", lambda _: script, recorder)
    script.play(5_000, 100, 1)
    script.play(5_130, 100, 2, lost=30)
    wait_until(lambda: acquisition.status.lost_samples == 30)
    acquisition.close()
    recorder.close()
    with SessionReader(recorder.path) as reader:
        (gap,) = reader.gaps()
        assert (gap.first, gap.n, gap.reason) == (100, 30, "lost on the way")
        assert gap.end_ns - gap.start_ns == pytest.approx(30e6, abs=1e5)
        extent = reader.extent()
        assert extent is not None
        stats = reader.statistics(1, extent.start_ns, extent.end_ns)
        assert (stats.count, stats.expected) == (200, 230)
        _, values = reader.samples(1, extent.start_ns, extent.end_ns)
        assert values.tolist() == [0.001] * 100 + [0.002] * 100


def test_unplugged_and_put_back_goes_on_in_the_same_file(recorder: Recorder, wait_until: Callable[..., None]) -> None:
    scripts = [Script(), Script(PortError("not there yet")), Script()]
    made = iter(scripts)
    acquisition = Acquisition(1, "meter", "test", lambda _: next(made), recorder)
    scripts[0].play(0, 100, 1)
    scripts[0].steps.put(SourceLostError("The cable is out."))
    wait_until(lambda: acquisition.status.state is SourceState.LOST)
    # The device counts from zero after power-up, two seconds of its own time after the first sample.
    end_ns = START_NS + 2_100_000_000
    scripts[2].steps.put(TimeMark(100, end_ns - 1000, end_ns + 1000))
    scripts[2].steps.put(SampleBlock(0, (np.full(100, 2, "<u2"),), end_ns))
    wait_until(lambda: acquisition.status.lost_samples > 0)
    acquisition.close()
    recorder.close()
    assert [script.closed for script in scripts] == [1, 1, 1]
    with SessionReader(recorder.path) as reader:
        assert len(reader.sources()) == 1
        (gap,) = reader.gaps()
        assert gap.reason == "disconnected"
        assert gap.first == 100
        assert gap.n == pytest.approx(1900, abs=2)
        _, values = reader.samples(1, START_NS, end_ns + 10**9)
        assert values.tolist() == [0.001] * 100 + [0.002] * 100
        assert any("cable" in mark.text for mark in reader.marks())


def test_a_source_that_cannot_be_opened_waits_for_the_user(recorder: Recorder, wait_until: Callable[..., None]) -> None:
    scripts = [Script(PortError("There is no port X.")), Script()]
    made = iter(scripts)
    acquisition = Acquisition(1, "meter", "test", lambda _: next(made), recorder)
    wait_until(lambda: acquisition.status.state is SourceState.FAILED)
    assert acquisition.status.message == "There is no port X."
    acquisition.connect()
    wait_until(lambda: acquisition.status.state is SourceState.STREAMING)
    acquisition.disconnect()
    wait_until(lambda: acquisition.status.state is SourceState.DISCONNECTED)
    assert scripts[1].closed == 1
    acquisition.close()
    acquisition.close()
