# SPDX-License-Identifier: Apache-2.0
"""What made-up traces say of the meter that they take, and how often it is wrong."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from monitor_app.analysis.findings.finding import Verdict
from monitor_app.analysis.findings.trace import bandwidth_hz, meter_findings, missed_at
from monitor_app.analysis.run.inputs import Readings
from tests.analysis.findings.traces import LOAD_W, TRACE_BOARDS, rippling, trace, trace_rates, wandering


@pytest.mark.parametrize("board", TRACE_BOARDS, ids=lambda board: board.name)
def test_verdicts_agree_with_the_truth(board):
    draws = 30 if board.key == "bandwidth" else 8
    assert trace_rates(board, draws)[board.truth] >= 0.95


def test_a_constant_power_is_missed_by_no_meter():
    flat = [trace(lambda t: np.full_like(t, LOAD_W), rate_hz=1000, seed=k) for k in range(3)]
    for rate_hz in (12.0, 2.0):
        for averages in (False, True):
            missed = missed_at(flat, rate_hz, averages=averages)
            assert missed.of_batch() == pytest.approx(0, abs=1e-9)
            assert missed.of_run() == pytest.approx(0, abs=1e-9)


def test_two_values_a_second_miss_the_ends_of_a_short_run():
    """Power is there for 1 s, and a period p after its begin and its end a value is taken."""
    on = [trace(lambda t: np.where((t >= 0) & (t < 1), LOAD_W, 0.0), rate_hz=1000) for _ in range(3)]
    readings, means = (missed_at(on, 2.0, averages=averages) for averages in (False, True))
    after, period = np.arange(24) / 24 * 0.5, 0.5
    # Seconds of load that a straight line from one reading to the next puts outside, at both ends together.
    outside = (after**2 + (period - after) ** 2) / (2 * period)
    assert np.sort(-readings.runs[0]) == pytest.approx(np.sort(outside), abs=0.01)
    # The same of means: the share of the period that lies outside has the load of the share inside, twice.
    outside = 2 * after * (period - after) / period
    assert np.sort(-means.runs[0]) == pytest.approx(np.sort(outside), abs=0.01)


def test_too_few_or_too_slow_traces_are_not_judged():
    random = np.random.default_rng(1)
    few, slow = rippling(1400)(random)[:2], wandering(0.3)(random)
    assert meter_findings(few)[0].verdict is Verdict.NOT_ENOUGH_DATA
    assert meter_findings(slow)[0].verdict is Verdict.NOT_ENOUGH_DATA
    assert [each.verdict for each in meter_findings(())] == [Verdict.NOT_ENOUGH_DATA] * 2
    assert all(each.sentence.endswith(".") for each in meter_findings(()))


def test_a_band_that_is_full_is_no_bandwidth():
    """At 6 kSa/s 2.95 kHz is the end of what is seen, and may as well be what came back from above it."""
    ends = [trace(lambda t: LOAD_W + np.sin(2 * np.pi * 2950 * t), rate_hz=6000, noise_w=0.1, seed=k) for k in range(3)]
    finding = meter_findings(ends)[0]
    assert finding.verdict is Verdict.NOT_ENOUGH_DATA
    assert "faster" in finding.sentence


def test_a_run_without_idle_time_has_no_bandwidth():
    [one, *_] = rippling(1400)(np.random.default_rng(1))
    assert bandwidth_hz(one) is not None
    assert bandwidth_hz(replace(one, idle=one.idle[:100])) is None


def test_simulated_traces_are_marked():
    traces = rippling(1400)(np.random.default_rng(1))
    assert all(each.simulated for each in meter_findings(traces, simulated=True))
    assert not any(each.simulated for each in meter_findings(traces))


def test_the_idle_level_does_not_matter_to_what_is_missed():
    [one, *_] = wandering(0.3)(np.random.default_rng(1))
    lifted = replace(one, power=Readings(one.power.times_ns, one.power.values + 5), idle=one.idle + 5)
    assert missed_at([lifted], 12.0).of_batch() == pytest.approx(missed_at([one], 12.0).of_batch())
