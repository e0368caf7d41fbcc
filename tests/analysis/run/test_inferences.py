# SPDX-License-Identifier: Apache-2.0
"""Histogram, largest window, folded waveform and spectrum, where the result is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from monitor_app.analysis.run.distribution import MOST_BINS, cumulative, histogram
from monitor_app.analysis.run.folding import Folded, difference, fold
from monitor_app.analysis.run.inputs import Batches, Readings
from monitor_app.analysis.run.largest_window import largest_window
from monitor_app.analysis.statistics.spectrum import amplitude_density

S = 1_000_000_000
EPOCH_NS = 7_000_000_000_000_000_123
RATE_HZ = 5000.0


def at(seconds: object) -> np.ndarray:
    return EPOCH_NS + np.round(np.asarray(seconds, np.float64) * S).astype(np.int64)


def sampled(function, seconds=4.0) -> Readings:
    times_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return Readings(at(times_s), np.asarray(function(times_s), np.float64))


def test_a_histogram_counts_each_value_once():
    values = np.random.default_rng(0).lognormal(3, 0.2, 500)
    found = histogram(values)
    assert found.counts.sum() == 500
    assert found.edges[0] == values.min()
    assert found.edges[-1] == values.max()
    x, y = found.outline()
    assert y[0] == y[-1] == 0
    assert len(x) == len(y)


@pytest.mark.parametrize("values", [np.array([5.0]), np.full(100, 5.0), np.append(np.full(99, 5.0), 9.0), np.zeros(3)])
def test_a_histogram_of_values_that_hardly_vary(values):
    found = histogram(values)
    assert found.counts.sum() == len(values)
    assert len(found.counts) <= MOST_BINS
    assert (np.diff(found.edges) > 0).all()


def test_the_cumulative_distribution_ends_at_one():
    x, fractions = cumulative(np.array([3.0, 1.0, 2.0]))
    assert x.tolist() == [1, 1, 2, 2, 3, 3]
    assert fractions == pytest.approx([0, 1 / 3, 1 / 3, 2 / 3, 2 / 3, 1])
    many, _ = cumulative(np.arange(100_000.0))
    assert (many[0], many[-1]) == (0.0, 99_999.0)


def test_the_largest_window_is_over_the_pulse():
    power = sampled(lambda t: np.where((t >= 2.0) & (t < 2.5), 10.0, 1.0))
    found = largest_window(power, round(0.5 * S))
    assert found is not None
    assert (found.start_ns - EPOCH_NS) / S == pytest.approx(2.0, abs=1 / RATE_HZ)
    assert found.mean_w == pytest.approx(10.0, rel=0.01)
    assert found.energy_j == pytest.approx(5.0, rel=0.01)
    assert largest_window(power, 5 * S) is None, "longer than what was recorded"


def test_a_window_across_a_gap_does_not_count():
    power = sampled(lambda t: np.where((t >= 2.0) & (t < 2.5), 10.0, 1.0))
    kept = (power.times_ns < at(2.1)) | (power.times_ns > at(2.2))
    found = largest_window(Readings(power.times_ns[kept], power.values[kept]), round(0.2 * S))
    assert found is not None
    assert (found.start_ns - EPOCH_NS) / S >= 2.2


def batches(count: int, period_s: float = 0.02, length_s: float = 0.018, first_s: float = 0.1) -> Batches:
    starts = at(first_s + period_s * np.arange(count))
    return Batches(starts, starts + round(length_s * S), np.ones(count, np.int64))


def of_batch(t: np.ndarray, amplitude: float = 2.0) -> np.ndarray:
    """The same in each batch of 20 ms."""
    return 10 + amplitude * np.sin(2 * math.pi * 50 * (t - 0.1))


def folded(found: Folded | str) -> Folded:
    assert isinstance(found, Folded), found
    return found


def test_folding_finds_the_waveform_under_noise():
    random = np.random.default_rng(2)
    found = folded(fold(sampled(lambda t: of_batch(t) + random.standard_normal(len(t))), batches(150)))
    assert found.batches == 150
    truth = of_batch(found.times_s + 0.1)
    assert np.abs(found.mean - truth).max() < 0.5
    assert ((found.low <= truth) & (truth <= found.high)).mean() > 0.97
    p05, p25, p75, p95 = found.spread
    assert (p05 <= p25).all()
    assert (p75 <= p95).all()
    assert (p95 - p05).mean() == pytest.approx(2 * 1.645, rel=0.25)


def test_batches_with_missing_samples_are_left_out():
    whole = sampled(of_batch)
    kept = (whole.times_ns < at(1.0)) | (whole.times_ns > at(1.2))
    found = folded(fold(Readings(whole.times_ns[kept], whole.values[kept]), batches(150)))
    assert 136 <= found.batches <= 140


def test_what_cannot_be_folded_says_why():
    assert "at least 10" in str(fold(sampled(of_batch), batches(9)))
    slow = Readings(at(np.arange(40) * 0.1), np.full(40, 10.0))
    assert "cannot be seen" in str(fold(slow, batches(100)))


def test_a_difference_is_real_where_there_is_one():
    random = np.random.default_rng(3)

    def run(amplitude: float) -> Folded:
        return folded(fold(sampled(lambda t: of_batch(t, amplitude) + random.standard_normal(len(t))), batches(150)))

    other = difference(run(2.0), run(3.0))
    assert other.real.any()
    assert other.mean.max() == pytest.approx(1.0, abs=0.4)
    false = [difference(run(2.0), run(2.0)).real.any() for _ in range(20)]
    assert sum(false) <= 3, "of equal runs one in twenty may seem to differ"


def test_the_density_of_white_noise_and_of_a_sine():
    random = np.random.default_rng(4)
    noise = amplitude_density(0.5 * random.standard_normal(1 << 16), 1000.0)
    assert noise is not None
    # A variance of 0.25 over a band of 500 Hz.
    assert np.median(noise.power) == pytest.approx(math.sqrt(0.25 / 500), rel=0.2)
    assert noise.frequencies_hz[-1] == 500.0
    t = np.arange(1 << 14) / 1000.0
    sine = amplitude_density(np.sin(2 * math.pi * 125 * t), 1000.0)
    assert sine is not None
    assert sine.frequencies_hz[np.argmax(sine.power)] == pytest.approx(125, abs=0.5)
    power = float((sine.power**2).sum()) * float(np.diff(sine.frequencies_hz[:2])[0])
    assert power == pytest.approx(0.5, rel=0.05)
    assert amplitude_density(np.ones(5), 1000.0) is None
