# SPDX-License-Identifier: Apache-2.0
"""The bandwidth of the fluctuations that work adds to a power, separated from the noise of the meter."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

RESOLUTION_HZ = 4.0
LEAST_PIECES = 4
_LEAST_SAMPLES = 8
_MOST_PIECE = 1 << 17
_SURE = 5.0
"""Standard deviations, of the logarithm of their ratio, by which two spectra must differ at a frequency."""


@dataclass(frozen=True, slots=True)
class Spectrum:
    """Power of the fluctuations at each frequency, shape (f,): the mean over half-overlapping pieces."""

    frequencies_hz: Floats
    power: Floats
    pieces: int


def spectrum(values: Floats, rate_hz: float) -> Spectrum | None:
    """By Welch (1967, IEEE Trans. Audio Electroacoust. 15:70), Hann window; None for too few values, shape (n,)."""
    size = round(rate_hz / RESOLUTION_HZ)
    if size < _LEAST_SAMPLES or len(values) < size:
        return None
    pieces = np.lib.stride_tricks.sliding_window_view(values, size)[:: max(size // 2, 1)]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
    about = (pieces - pieces.mean(axis=1, keepdims=True)) * window
    power = (np.abs(np.fft.rfft(about, axis=1)) ** 2).mean(axis=0)
    frequencies: Floats = np.fft.rfftfreq(size, 1 / rate_hz).astype(np.float64)
    # The two lowest hold what the window smears of the mean, and drifts, which any meter sees.
    return Spectrum(frequencies[2:], power[2:], len(pieces))


def amplitude_density(values: Floats, rate_hz: float) -> Spectrum | None:
    """One-sided amplitude spectral density, in the unit of the values over the root of Hz; None for too few values.

    Pieces overlap by half, and there are at least about ``LEAST_PIECES`` of them; their length is a power of two.
    """
    size = 1 << int(math.log2(max(2 * len(values) / (LEAST_PIECES + 1), 1)))
    size = min(size, _MOST_PIECE)
    if size < _LEAST_SAMPLES:
        return None
    pieces = np.lib.stride_tricks.sliding_window_view(values, size)[:: size // 2]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
    power = np.zeros(size // 2 + 1)
    for piece in pieces:  # one after the other, since all together would take hundreds of megabytes
        power += np.abs(np.fft.rfft((piece - piece.mean()) * window)) ** 2
    density = np.sqrt(2 * power / (len(pieces) * rate_hz * float((window**2).sum())))
    frequencies: Floats = np.fft.rfftfreq(size, 1 / rate_hz).astype(np.float64)
    return Spectrum(frequencies[2:], density[2:], len(pieces))


def added_bandwidth_hz(busy: Spectrum, idle: Spectrum, fraction: float) -> float | None:
    """Frequency below which a fraction of the fluctuations lies that the busy time adds to those of the idle time.

    Only frequencies at which the two spectra differ significantly count. Noise that is the same in both would
    otherwise leave half of its random differences, over a band that is a hundred times wider than the work's. None
    where no frequency differs, or where there are too few pieces to decide.
    """
    if min(busy.pieces, idle.pieces) < LEAST_PIECES:
        return None
    sure = math.exp(_SURE * math.sqrt(1 / busy.pieces + 1 / idle.pieces))
    sums = np.cumsum(np.where(busy.power > sure * idle.power, busy.power - idle.power, 0.0))
    if sums[-1] <= 0:
        return None
    return float(busy.frequencies_hz[np.searchsorted(sums, fraction * sums[-1])])
