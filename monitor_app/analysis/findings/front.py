# SPDX-License-Identifier: Apache-2.0
"""The upper hull of accuracy against time: the networks that none beats in both."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def upper_hull(cost: Floats, gain: Floats) -> NDArray[np.intp]:
    """Indices by rising cost of those whose gain no other reaches at the same cost or less; both of shape (n,).

    Of several with the same cost and gain the first counts. What is not a number is left out.
    """
    known = np.flatnonzero(np.isfinite(cost) & np.isfinite(gain))
    order = known[np.lexsort((-gain[known], cost[known]))]
    best = np.maximum.accumulate(gain[order])
    return order[np.append(True, best[1:] > best[:-1])] if len(order) else order
