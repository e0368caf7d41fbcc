# SPDX-License-Identifier: Apache-2.0
"""Prefill and decode of a board whose power in each is known, and intervals of metrics."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from monitor_app.analysis.run.inputs import Batches, Instrument, PowerInputs, Readings
from monitor_app.analysis.run.integration import mean_power
from monitor_app.analysis.run.metrics import metric_of
from monitor_app.analysis.run.parts import part_results
from monitor_app.core.runs import DECODE, PREFILL, Scores
from monitor_app.session.rows import PART
from tests.analysis.run.test_energy import at

IDLE_W, PREFILL_W, DECODE_W = 2.0, 10.0, 6.0
PREFILL_S, STEP_S, PAUSE_S = 0.1, 0.02, 0.03
STEPS, PROMPTS, WIDTH, REQUESTS = 10, 2, 64, 25
PERIOD_S = PREFILL_S + STEPS * STEP_S + PAUSE_S


def rows() -> np.ndarray:
    found = []
    for request in range(REQUESTS):
        start_s = 1 + request * PERIOD_S
        found.append((PREFILL, start_s, start_s + PREFILL_S, PROMPTS * WIDTH))
        begin_s = start_s + PREFILL_S
        found += [(DECODE, begin_s + k * STEP_S, begin_s + (k + 1) * STEP_S, PROMPTS) for k in range(STEPS)]
    kinds, starts, ends, units = zip(*found, strict=True)
    made = np.zeros(len(found), PART)
    made["kind"], made["units"] = kinds, units
    made["start_ns"], made["end_ns"] = at(starts), at(ends)
    return made


def watts(times_s: np.ndarray) -> np.ndarray:
    within = np.mod(times_s - 1, PERIOD_S)
    ran = (times_s >= 1) & (times_s < 1 + REQUESTS * PERIOD_S)
    busy = np.where(within < PREFILL_S, PREFILL_W, np.where(within < PREFILL_S + STEPS * STEP_S, DECODE_W, IDLE_W))
    return np.where(ran, busy, IDLE_W)


def inputs(rate_hz: float) -> PowerInputs:
    times_s = np.arange(round((2 + REQUESTS * PERIOD_S) * rate_hz)) / rate_hz
    power = Readings(at(times_s), watts(times_s))
    parts = rows()
    first = parts["kind"] == PREFILL
    ends = at(1 + np.arange(REQUESTS) * PERIOD_S + PERIOD_S - PAUSE_S)
    requests = Batches(parts["start_ns"][first], ends, np.full(REQUESTS, PROMPTS * (STEPS + 1)))
    return PowerInputs(requests, power, None, (), None, None, Instrument(None, None, None))  # type: ignore[arg-type]


def idle():
    return mean_power(Readings(at(np.arange(0, 1, 0.001)), np.full(1000, IDLE_W) + 1e-9 * np.arange(1000)))


def results(rate_hz: float):
    power = inputs(rate_hz)
    return part_results(rows(), power, (idle(), None), 0, 0.0, resamples=50)


def test_each_phase_has_the_energy_of_its_own_power_per_token_of_its_own():
    prefill, decode = results(20_000)
    assert (prefill.units, decode.units) == (REQUESTS * PROMPTS * WIDTH, REQUESTS * PROMPTS * STEPS)
    expected = (PREFILL_W - IDLE_W) * PREFILL_S / (PROMPTS * WIDTH)
    assert prefill.energy.net.j_per_image == pytest.approx(expected, rel=2e-3)
    assert decode.energy.net.j_per_image == pytest.approx((DECODE_W - IDLE_W) * STEP_S / PROMPTS, rel=2e-3)
    assert decode.energy.batches == REQUESTS  # all steps of a request together


def test_the_first_token_takes_the_prefill_and_the_rate_is_that_of_the_steps():
    prefill, decode = results(20_000)
    assert prefill.latency.mean.value == pytest.approx(PREFILL_S)
    assert decode.latency.count == REQUESTS * STEPS
    assert decode.seconds_per_unit.value == pytest.approx(STEP_S / PROMPTS)
    assert decode.units_per_s.value == pytest.approx(PROMPTS / STEP_S)


def test_a_meter_that_cannot_tell_the_phases_apart_gives_no_energy_and_says_why():
    prefill, decode = results(15)  # a value every 67 ms; a prefill takes 100, decoding 200
    assert prefill.energy is None
    assert "every 66.7 ms and such a part takes 100 ms" in prefill.lacking
    assert decode.energy is not None
    (without, _) = part_results(rows(), None, (None, None), 0, 0.0, resamples=50)
    assert without.lacking == "Power was not measured."


def test_a_run_without_parts_has_none():
    assert part_results(np.zeros(0, PART), None, (None, None), 0, 0.0, resamples=50) == ()


# -- metrics -----------------------------------------------------------------------------------------


def scores(values: np.ndarray) -> Scores:
    counted = bool(np.isin(values, (0, 1)).all())
    return Scores("m", float(values.mean()), float(values.std(ddof=1)), len(values), counted)


def test_the_interval_of_scores_is_that_of_student():
    values = np.random.default_rng(2).beta(4, 2, 30)
    found = metric_of(scores(values))
    expected = scipy.stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert found.items == 30


def test_right_and_wrong_have_the_interval_of_wilson():
    values = np.array([1.0] * 14 + [0.0] * 6)
    found = metric_of(scores(values))
    expected = scipy.stats.binomtest(14, 20).proportion_ci(method="wilson")
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=1e-4)


def test_a_share_does_not_leave_0_to_1_and_what_shows_no_scatter_has_no_interval():
    found = metric_of(scores(np.array([0.99, 0.9, 1.0])))
    assert found.high == 1.0
    assert metric_of(Scores("m", 0.5, 0.0, 10, False)).low is None
    assert metric_of(Scores("bleu", 31.2, None, 0, False)).items is None


def test_the_interval_covers_the_mean_of_all_items():
    rng, inside = np.random.default_rng(5), 0
    for _ in range(400):
        found = metric_of(scores(rng.beta(5, 3, 25)))
        inside += found.low <= 5 / 8 <= found.high
    assert 0.92 <= inside / 400 <= 0.98
