# SPDX-License-Identifier: Apache-2.0
"""Stages of a pass whose power in each is known."""

from __future__ import annotations

import numpy as np
import pytest

from monitor_app.analysis.run.inputs import Answers, Batches, Effort, Instrument, PowerInputs, Readings, RunInputs
from monitor_app.analysis.run.stages import stage_results
from monitor_app.core.runs import STAGES
from tests.analysis.require.boards import run_row
from tests.analysis.run.test_energy import at

LENGTHS_S = np.array([0.01, 0.02, 0.002, 0.06, 0.008])
WATTS = np.array([5.0, 6.0, 4.0, 10.0, 3.0])
IDLE_W, PAUSE_S, PASSES = 2.0, 0.03, 40
PERIOD_S = LENGTHS_S.sum() + PAUSE_S
BEGINS_S = np.concatenate(([0.0], np.cumsum(LENGTHS_S)))
GAIN = 0.01


def watts(times_s: np.ndarray) -> np.ndarray:
    within = np.mod(times_s - 1, PERIOD_S)
    stage = np.searchsorted(BEGINS_S[1:], within, "right")
    ran = (times_s >= 1) & (times_s < 1 + PASSES * PERIOD_S)
    return np.where(ran, np.append(WATTS, IDLE_W)[stage], IDLE_W)


def results(rate_hz: float, clock_bound_ns: float | None = None, delay_s: float = 0.0):
    """Of a meter that is right to a hundredth, with its samples later by ``delay_s``."""
    times_s = np.arange(round((2 + PASSES * PERIOD_S) * rate_hz)) / rate_hz
    starts_s = 1 + PERIOD_S * np.arange(PASSES)
    ends_s = starts_s + LENGTHS_S.sum()
    images = np.ones(PASSES, np.int64)
    power = PowerInputs(
        Batches(at(starts_s + delay_s), at(ends_s + delay_s), images),
        Readings(at(times_s + delay_s), watts(times_s)),
        None, (), None, None, Instrument(None, GAIN, clock_bound_ns),
    )  # type: ignore[arg-type]  # fmt: skip
    return stage_results(RunInputs(
        run_row(1), Batches(at(starts_s), at(ends_s), images), np.empty(0), (), Answers(0, 0), Answers(0, 0), power,
        Effort(), stages_ns=at(starts_s[:, np.newaxis] + BEGINS_S),
    ))  # fmt: skip


@pytest.mark.parametrize("delay_s", [0.0, 0.2])
def test_each_has_its_time_and_the_energy_of_its_own_power(delay_s):
    found = results(20_000, delay_s=delay_s)
    assert tuple(each.name for each in found) == STAGES
    assert [each.mean.value for each in found] == pytest.approx(LENGTHS_S)
    assert [each.part for each in found] == pytest.approx(LENGTHS_S / LENGTHS_S.sum())
    for each, joules in zip(found, WATTS * LENGTHS_S, strict=True):
        assert each.gross_j.value == pytest.approx(joules, rel=0.02)  # of its ends, half a sample is the neighbour's
        # Expanded: 1.96 times a standard uncertainty of a hundredth, which is the limit of a rectangle.
        assert each.gross_j.high - each.gross_j.value == pytest.approx(1.96 * GAIN / 3**0.5 * joules, rel=0.2)
        assert each.no_energy is None


def test_stages_that_the_meter_cannot_tell_apart_have_no_energy_and_say_why():
    found = {each.name: each for each in results(500)}  # a value every 2 ms
    assert found["compute"].gross_j is not None
    assert found["copy in"].gross_j is None
    assert found["copy in"].no_energy == "The meter gives a value every 2 ms, and this stage takes 2 ms."


def test_stages_whose_times_the_clock_blurs_have_no_energy_and_say_why():
    found = {each.name: each for each in results(20_000, clock_bound_ns=1.5e6)}
    assert found["pre-process"].gross_j is not None
    assert found["decode"].gross_j is None
    assert found["decode"].no_energy == "The times of the power are known only to 1.5 ms, and this stage takes 10 ms."
