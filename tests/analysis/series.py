# SPDX-License-Identifier: Apache-2.0
"""Series whose distribution and correlation are known."""

from __future__ import annotations

import math
from itertools import accumulate

import numpy as np


def autoregressive(rng: np.random.Generator, rho: float, count: int, rows: int = 1) -> np.ndarray:
    """Standard normal values, each correlated by ``rho`` with the one before; shape (rows, count)."""
    series = rng.normal(size=(count, rows))
    series[1:] *= math.sqrt(1 - rho**2)
    if rows == 1:
        # Plain numbers, for which a step takes a tenth of the time
        return np.array([list(accumulate(series[:, 0].tolist(), lambda before, value: value + rho * before))])
    for step in range(1, count):
        series[step] += rho * series[step - 1]
    return np.ascontiguousarray(series.T)


def true_time(rho: float) -> float:
    """Integrated autocorrelation time of such a series."""
    return (1 + rho) / (1 - rho) / 2
