# SPDX-License-Identifier: Apache-2.0
"""Plans under a load, on the emulated board and in real time, from the profile to the results."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from monitor_app.analysis.campaign.assembly import campaign_of
from monitor_app.analysis.run.inputs import Effort, run_inputs
from monitor_app.analysis.run.latency import latencies_s
from monitor_app.analysis.run.results import RunResult, run_result
from monitor_app.bench.acquisition.recorder import Recorder
from monitor_app.bench.runs.capacity import Capacity
from monitor_app.bench.runs.completed_runs import CompletedRuns
from monitor_app.bench.runs.driver import RunDriver
from monitor_app.core.profile import Profile
from monitor_app.core.runs import Batch, Phase, RunState
from monitor_app.session.reader import SessionReader

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    WaitUntil = Callable[[Callable[[], bool]], None]


@pytest.fixture
def measured(tmp_path: Path, wait_until: WaitUntil) -> Callable[..., RunResult]:
    """Run a plan of one run under a load."""

    def run(load: dict[str, object], timed_s: float = 1.5, **plan: object) -> RunResult:
        recorder = Recorder(tmp_path / "s.plm")
        protocol = {"settle_s": 0.0, "idle_s": 0.01, "warm_up_s": 0.0, "warm_up_batches": 8, "timed_s": timed_s}
        tables = {
            "title": "x", "protocol": {**protocol, "timed_batches": 5}, "load": load,
            "inference": {"device": "emulated:tx1"},
            "plan": {"networks": ("alexnet_2016",), "without_power": True, **plan},
        }  # fmt: skip
        driver = RunDriver(Profile.model_validate(tables), 2, recorder)
        driver.start()
        try:
            wait_until(lambda: not driver.active)
        finally:
            driver.close()
            recorder.close()
        with SessionReader(recorder.path) as reader:
            [row] = reader.runs()
            return run_result(run_inputs(reader, row, Effort(resamples=100)))

    return run


def test_poisson_arrivals_at_a_part_of_the_capacity(measured: Callable[..., RunResult], tmp_path: Path) -> None:
    found = measured({"scenario": "server", "of_capacity": 0.6})
    assert found.run.state == RunState.DONE.value
    load = found.load
    assert load is not None
    assert load.offered_hz == pytest.approx(0.6 * (load.capacity_hz or 0), rel=1e-9)
    assert load.waiting is not None
    assert load.waiting.low <= load.waiting.value <= load.waiting.high
    assert found.service is not found.latency
    with SessionReader(tmp_path / "s.plm") as reader:
        inputs = run_inputs(reader, found.run)
        [cell] = campaign_of(reader).cells
    timed = inputs.timed
    assert timed.arrival_ns is not None
    assert (timed.arrival_ns <= timed.start_ns).all()
    assert (timed.start_ns[1:] >= timed.end_ns[:-1]).all(), "one request is served at a time"
    assert latencies_s(timed) == pytest.approx((timed.end_ns - timed.arrival_ns) * 1e-9)
    assert cell.conditions.load == "server at 60 % of capacity"
    assert any("600 s" in note for note in found.notes)
    # A resumed session knows the run again
    assert (1, found.run.batch_size) in {
        (cycle, spec.batch_size) for cycle, spec in CompletedRuns.of(tmp_path / "s.plm").done
    }


def test_what_cannot_be_served_is_told_and_its_latency_is_of_no_steady_state(
    measured: Callable[..., RunResult],
) -> None:
    found = measured({"scenario": "poisson", "of_capacity": 3.0}, timed_s=0.7)
    load, latency = found.load, found.latency
    assert load is not None
    assert latency is not None
    assert load.utilisation > 1.5
    assert load.overload is not None
    assert "without bound" in load.overload
    assert load.waiting is None
    assert [latency.p50, latency.p90, latency.p99] == [None] * 3
    assert load.unserved > 0
    assert load.overload in found.notes


def test_a_paced_load_waits_for_nothing_at_half_the_capacity(measured: Callable[..., RunResult]) -> None:
    found = measured({"scenario": "paced", "of_capacity": 0.5})
    load, latency, service = found.load, found.latency, found.service
    assert load is not None
    assert latency is not None
    assert service is not None
    assert load.achieved_hz == pytest.approx(load.offered_hz, rel=0.15)
    assert latency.median_s >= service.median_s
    assert found.seconds_per_image == service.mean, "the time of an image is that of its pass"


def test_clients_in_a_closed_loop_have_latencies_of_several_passes(measured: Callable[..., RunResult]) -> None:
    found = measured({"scenario": "closed", "streams": 3}, timed_s=0.5)
    assert found.load is not None
    assert found.latency is not None
    assert found.service is not None
    assert found.latency.median_s == pytest.approx(3 * found.service.median_s, rel=0.5)
    assert found.load.overload is None


def test_a_closed_loop_is_as_it_was(measured: Callable[..., RunResult]) -> None:
    found = measured({}, timed_s=0.3)
    assert (found.load, found.passes, found.run.load.queues) == (None, None, False)
    assert found.service is found.latency


def test_an_emulated_board_has_no_stages(measured: Callable[..., RunResult]) -> None:
    found = measured({"end_to_end": True}, images="demo")
    assert found.run.state == RunState.FAILED.value
    assert "end_to_end" in (found.run.error or "")


def test_the_capacity_is_that_of_the_later_half_of_the_warm_up() -> None:
    capacity = Capacity()
    assert capacity.rate_hz is None
    starts = np.concatenate((np.arange(4) * 1_000_000_000, 4_000_000_000 + np.arange(5) * 10_000_000))
    capacity.add(Batch(Phase.WARM_UP, int(at), int(at) + 9_000_000, 1) for at in starts)
    assert capacity.rate_hz == pytest.approx(5 / 0.049)
