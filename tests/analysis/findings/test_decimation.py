# SPDX-License-Identifier: Apache-2.0
"""What slower meters make of a trace, against integrals in closed form and against another bootstrap."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from monitor_app.analysis.findings.trace import Spans, averaged, most_off, read_at_once, remaining
from monitor_app.analysis.run.inputs import Readings
from monitor_app.analysis.run.integration import Integral

RATE_HZ = 1000
TIMES_NS = np.arange(4 * RATE_HZ + 1, dtype=np.int64) * 1_000_000
TIMES_S = TIMES_NS * 1e-9
PER_MS = 1_000_000


def power(watts: np.ndarray) -> Readings:
    return Readings(TIMES_NS, watts)


def spans(*ends_ms: tuple[int, int]) -> Spans:
    return Spans(*(np.array(each, dtype=np.int64) * PER_MS for each in zip(*ends_ms, strict=True)))


@pytest.mark.parametrize("phase", [0, 17, 249])
def test_a_straight_power_is_integrated_exactly_by_either_meter(phase):
    trace, asked = power(5 + 2 * TIMES_S), spans((500, 1500), (1250, 3000))
    exact = [5 * 1.0 + (1.5**2 - 0.5**2), 5 * 1.75 + (3.0**2 - 1.25**2)]
    assert read_at_once(trace, 250, phase, asked) == pytest.approx(exact)
    # Means hold over their period, so that a part of one is off by the slope, and whole ones are not.
    [begin_ns], [end_ns] = (each[:1] + phase * PER_MS for each in (asked.start_ns, asked.end_ns))
    whole = averaged(Integral(trace), 250, phase, Spans(np.array([begin_ns]), np.array([end_ns])))
    assert whole == pytest.approx([5 * 1.0 + (end_ns * 1e-9) ** 2 - (begin_ns * 1e-9) ** 2])


def test_readings_at_the_top_of_a_sine_see_its_top():
    trace = power(10 + 3 * np.cos(2 * np.pi * 4 * TIMES_S))
    assert read_at_once(trace, 250, 0, spans((1000, 3000))) == pytest.approx([26.0])
    assert read_at_once(trace, 250, 125, spans((1000, 3000))) == pytest.approx([14.0])
    assert averaged(Integral(trace), 250, 40, spans((1000, 3000))) == pytest.approx([20.0], rel=1e-4)


def test_means_smear_a_pulse_over_their_period():
    """10 J within 100 ms, of which means over 500 ms give a fifth to the 100 ms that hold it."""
    trace = power(np.where((TIMES_NS > 2100 * PER_MS) & (TIMES_NS <= 2200 * PER_MS), 100.0, 0.0))
    assert averaged(Integral(trace), 500, 0, spans((2100, 2200), (2000, 2500))) == pytest.approx([2.0, 10.0], rel=0.02)


def test_a_meter_too_slow_for_two_values_says_nothing():
    trace = power(np.ones_like(TIMES_S))
    assert read_at_once(trace, 5000, 0, spans((0, 1))) is None
    assert averaged(Integral(trace), 5000, 0, spans((0, 1))) is None


def test_what_means_leave_of_a_sine_is_its_sinc():
    hertz, step = 3.0, 100
    left = remaining(np.sin(2 * np.pi * hertz * TIMES_S), step)
    assert left == pytest.approx(np.sinc(hertz * step / RATE_HZ), rel=0.01)
    assert remaining(np.ones(100), 10) == 0.0


def test_the_error_of_95_of_100_is_the_quantile_and_its_interval_that_of_redrawn_runs():
    random = np.random.default_rng(5)
    errors = [scale * random.standard_normal(400) for scale in random.uniform(0.5, 1.5, size=10)]
    found = most_off(errors)
    assert found.value == pytest.approx(np.quantile(np.abs(np.concatenate(errors)), 0.95))

    def of_runs(rows: np.ndarray) -> float:
        return float(np.quantile(np.abs(np.concatenate([errors[row] for row in rows])), 0.95))

    theirs = stats.bootstrap(
        (np.arange(10),),
        of_runs,
        vectorized=False,
        n_resamples=2000,
        confidence_level=0.9,
        method="percentile",
        rng=random,
    )
    assert (found.low, found.high) == pytest.approx(tuple(theirs.confidence_interval), rel=0.05)


def test_one_run_alone_has_no_interval():
    found = most_off([np.linspace(-1, 1, 10_001)])
    assert (found.low, found.value, found.high) == pytest.approx((0.95, 0.95, 0.95), abs=0.001)
