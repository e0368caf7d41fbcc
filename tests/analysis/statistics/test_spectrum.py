# SPDX-License-Identifier: Apache-2.0
"""The spectrum against scipy's, and the bandwidth of fluctuations of which it is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal

from monitor_app.analysis.statistics.spectrum import LEAST_PIECES, added_bandwidth_hz, spectrum

RATE_HZ = 8000.0


def noise(seed: int, count: int = 16_000, deviation: float = 1.0) -> np.ndarray:
    return deviation * np.random.default_rng(seed).standard_normal(count)


def tones(*hertz: float, count: int = 16_000) -> np.ndarray:
    times_s = np.arange(count) / RATE_HZ
    return np.sum([np.sin(2 * np.pi * each * times_s + each) for each in hertz], axis=0)


def test_it_is_the_periodogram_of_scipy_up_to_a_factor():
    values = noise(1) + 3 * tones(333.0)
    ours = spectrum(values, RATE_HZ)
    assert ours is not None
    frequencies, theirs = signal.welch(values, RATE_HZ, window="hann", nperseg=2000, noverlap=1000, detrend="constant")
    assert ours.frequencies_hz == pytest.approx(frequencies[2:])
    # Ours has no scale; one-sided, scipy's last is counted once and the others twice.
    ratio = (ours.power / theirs[2:])[:-1]
    assert ratio == pytest.approx(ratio[0])


@pytest.mark.parametrize("highest_hz", [40.0, 400.0, 1400.0, 3200.0])
def test_the_bandwidth_is_that_of_the_highest_of_equal_tones_whatever_the_noise(highest_hz):
    busy = spectrum(tones(0.5 * highest_hz, highest_hz) + noise(1), RATE_HZ)
    idle = spectrum(noise(2), RATE_HZ)
    assert busy is not None
    assert idle is not None
    assert added_bandwidth_hz(busy, idle, 0.99) == pytest.approx(highest_hz, abs=8)


def test_a_share_below_the_lower_tone_is_told_apart():
    busy = spectrum(3 * tones(100.0) + tones(2000.0) + noise(1, deviation=0.01), RATE_HZ)
    idle = spectrum(noise(2, deviation=0.01), RATE_HZ)
    assert busy is not None
    assert idle is not None
    assert added_bandwidth_hz(busy, idle, 0.80) == pytest.approx(100, abs=8)
    assert added_bandwidth_hz(busy, idle, 0.99) == pytest.approx(2000, abs=8)


def test_noise_that_is_alike_in_both_has_no_bandwidth():
    found = []
    for seed in range(100):
        busy, idle = spectrum(noise(2 * seed), RATE_HZ), spectrum(noise(2 * seed + 1), RATE_HZ)
        assert busy is not None
        assert idle is not None
        found.append(added_bandwidth_hz(busy, idle, 0.99))
    assert sum(each is not None for each in found) <= 5


def test_too_little_says_nothing():
    assert spectrum(noise(1, count=1999), RATE_HZ) is None
    assert spectrum(noise(1, count=100), 20.0) is None
    short, long = spectrum(noise(1, count=4000), RATE_HZ), spectrum(noise(1), RATE_HZ)
    assert short is not None
    assert long is not None
    assert short.pieces < LEAST_PIECES
    assert added_bandwidth_hz(long, short, 0.99) is None
