# SPDX-License-Identifier: Apache-2.0
"""Memory against parameters: a floor up to a knee, then a straight line. Figure 6 and its finding use this model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.statistics.regression import BrokenLine, fit_broken_line

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LEAST_NETWORKS = 6
LEAST_ABOVE = 3
"""Networks above the knee, for a slope to be determined."""


def fit_memory(parameters_mb: Floats, memory_mb: Floats) -> BrokenLine | None:
    """Of networks at one batch size, shapes (n,); None for too few, or where memory does not grow behind any knee."""
    known = np.isfinite(parameters_mb) & np.isfinite(memory_mb)
    if known.sum() < LEAST_NETWORKS:
        return None
    return fit_broken_line(parameters_mb[known], memory_mb[known], LEAST_ABOVE)
