# SPDX-License-Identifier: Apache-2.0
"""Straight lines by least squares, with the band in which the true line lies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.statistics.distributions import t_quantile
from monitor_app.analysis.statistics.regression import StraightLine, straight_line

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LEAST = 4
"""Points below which a line says nothing about a fifth one."""


def fit(x: Floats, y: Floats) -> StraightLine | None:
    """The line through points of shape (n,), all of one weight; None for fewer than LEAST or where x does not vary."""
    if len(x) < LEAST:
        return None
    rounding = 8 * np.finfo(np.float64).eps * float(np.abs(x).max())
    return straight_line(x, y) if float(((x - x.mean()) ** 2).sum()) > len(x) * rounding**2 else None


def half_band(line: StraightLine, x: Floats) -> Floats:
    """Half the width of the 95 % band of the line (not of single points), for errors that are alike along it."""
    half: Floats = t_quantile(0.975, line.count - 2) * line.deviation * line.spread(x)
    return half
