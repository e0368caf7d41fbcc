# SPDX-License-Identifier: Apache-2.0
"""How well a ratio (operations per second or per joule) of some networks predicts that of another one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.statistics.intervals import Z_90, t_quantile
from monitor_app.analysis.statistics.regression import deviation_of
from monitor_app.core.estimate import FINDING_LEVEL, Estimate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def prediction_factor(ratios: Floats) -> Estimate:
    """Factor that a 90 % prediction interval about the geometric mean spans, for log-normal ratios, shape (n,)."""
    return deviation_of(np.log(ratios)).scaled(Z_90 * math.sqrt(1 + 1 / len(ratios))).exponential()


def left_out_errors(ratios: Floats) -> Floats:
    """The factor by which each ratio differs from the geometric mean of all the others, shape (n,)."""
    logs = np.log(ratios)
    errors: Floats = np.exp((logs - logs.mean()) * len(logs) / (len(logs) - 1))
    return errors


def far_above(ratios: Floats, factor: float) -> NDArray[np.intp]:
    """Places of the ratios shown by a Student test to exceed the others by a factor; one false in twenty sets."""
    logs, count = np.log(ratios), len(ratios)
    off = logs - logs.mean()
    from_others = off * count / (count - 1)
    # Mean and deviation of all the others, without a loop: Cook and Weisberg 1982, section 2.2.
    residual = np.maximum(float(off @ off) - off**2 * count / (count - 1), 0.0)
    error = np.sqrt(residual / (count - 2) * count / (count - 1))
    limit = t_quantile(1 - (1 - FINDING_LEVEL) / 2 / count, count - 2)
    return np.flatnonzero(from_others - limit * error > math.log(factor))
