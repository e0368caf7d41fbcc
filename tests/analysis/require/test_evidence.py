# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest

from monitor_app.analysis.campaign.assembly import pooled
from monitor_app.analysis.require.evidence import NO_POWER, evidence_of
from monitor_app.analysis.run.inputs import Answers, Batches, Effort, RunInputs
from monitor_app.analysis.run.results import RunResult, run_result
from monitor_app.core.estimate import Estimate
from tests.analysis.require.boards import run_row, runs


def result(number: int, *, batches: int = 20, answers: int = 0, **changes: object) -> RunResult:
    """A run in which nothing measured power."""
    starts = np.arange(batches) * 10_000_000
    timed = Batches(starts, starts + 9_000_000, np.full(batches, 4))
    row, counted = run_row(number, **changes), Answers(answers, answers // 2)
    return run_result(RunInputs(row, timed, np.empty(0), (), counted, counted, None, Effort(resamples=10)))


def test_repetitions_are_pooled_as_in_a_campaign() -> None:
    inputs = runs(np.random.default_rng(1), cycles=4, batches=40)
    results = [run_result(each) for each in inputs]
    [found] = evidence_of(results, {each.run.id: each.timed.seconds for each in inputs}, power_simulated=False)
    assert found.energy is not None
    energies = [each.energy for each in results if each.energy is not None]
    assert len(energies) == 4
    halves = [(each.gross.j_per_image, each.gross.expanded_j) for each in energies]
    campaign = pooled([Estimate(value, value - half, value + half) for value, half in halves])
    assert campaign is not None
    ends = found.energy.estimate
    assert (ends.value, ends.low, ends.high) == pytest.approx((campaign.value, campaign.low, campaign.high), rel=1e-3)
    assert len(found.latencies_s) == 160
    assert found.no_power == ""
    assert found.energy.cause == "gain"


def test_runs_that_are_not_complete_do_not_count_unless_it_is_live() -> None:
    results = [result(1), result(2, state="running"), result(3, state="failed", error="It broke.")]
    latencies = {number: np.full(20, 0.01 * number) for number in (1, 2, 3)}
    [done] = evidence_of(results, latencies, power_simulated=False)
    [live] = evidence_of(results, latencies, power_simulated=False, live=True)
    assert (done.run_ids, live.run_ids) == ((1,), (1, 2))
    assert live.latencies_s.tolist() == [0.01] * 20 + [0.02] * 20
    assert done.no_power == NO_POWER


@pytest.mark.parametrize(
    ("state", "error", "reason"),
    [
        ("failed", "It broke.", "It broke."),
        ("cancelled", None, "The run was cancelled."),
        ("does_not_fit", None, "The network does not fit in memory at batch size 4."),
        ("waiting", None, "No batch has been timed yet."),
    ],
)
def test_what_was_not_timed_says_why(state: str, error: str | None, reason: str) -> None:
    [found] = evidence_of([result(1, batches=0, state=state, error=error)], {}, power_simulated=False)
    assert (found.not_timed, found.no_power) == (reason, reason)


def test_conditions_are_apart_and_named_where_they_differ() -> None:
    results = [result(1), result(2, precision="fp16"), result(3, batch_size=8)]
    found = evidence_of(results, {}, power_simulated=False)
    assert [each.label for each in found] == ["ResNet-18 b4, fp32", "ResNet-18 b4, fp16", "ResNet-18 b8, fp32"]


def test_accuracy_is_that_on_the_most_images_and_of_every_batch_size() -> None:
    results = [result(1, answers=20), result(2, answers=100, batch_size=8), result(3, network="other")]
    found = evidence_of(results, {}, power_simulated=False)
    assert [each.top1.images if each.top1 else 0 for each in found] == [100, 100, 0]
    assert "labelled images" in found[2].no_top1
