# SPDX-License-Identifier: Apache-2.0
"""How well one ratio predicts another network: operations a second, or for a joule, spread by a factor."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.findings.finding import CONFIDENCE
from monitor_app.analysis.findings.regression import deviation_of
from monitor_app.analysis.statistics.distributions import t_quantile
from monitor_app.core.estimate import Estimate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_Z_90 = 1.6448536269514722
"""95 % point of the normal distribution: nine of ten lie within it on both sides."""


def nine_of_ten(ratios: Floats) -> Estimate:
    """Factor within which the geometric mean predicts nine of ten further networks, for log-normal ratios (n,)."""
    deviation, stretch = deviation_of(np.log(ratios)), _Z_90 * math.sqrt(1 + 1 / len(ratios))
    return Estimate(*(math.exp(stretch * each) for each in (deviation.value, deviation.low, deviation.high)))


def left_out_errors(ratios: Floats) -> Floats:
    """By which factor each differs from the geometric mean of all others, shape (n,)."""
    logs = np.log(ratios)
    errors: Floats = np.exp((logs - logs.mean()) * len(logs) / (len(logs) - 1))
    return errors


def far_above(ratios: Floats, factor: float) -> NDArray[np.intp]:
    """Those shown to lie above the others by more than a factor, by a Student test each; one false in twenty sets."""
    logs, count = np.log(ratios), len(ratios)
    off = logs - logs.mean()
    from_others = off * count / (count - 1)
    # Mean and deviation of all others, without a loop: Cook and Weisberg 1982, section 2.2.
    squares = np.maximum(float(off @ off) - off**2 * count / (count - 1), 0.0)
    error = np.sqrt(squares / (count - 2) * count / (count - 1))
    limit = t_quantile(1 - (1 - CONFIDENCE) / 2 / count, count - 2)
    return np.flatnonzero(from_others - limit * error > math.log(factor))
