# SPDX-License-Identifier: Apache-2.0
"""Pareto fronts: the points that no other point beats in both respects at once."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


class Better(Enum):
    """Which way is better."""

    LOW = -1
    HIGH = 1


def front(x: Floats, y: Floats, x_better: Better, y_better: Better) -> NDArray[np.intp]:
    """Places of the points that no other one equals or beats in both and beats in one, by rising x.

    ``x`` and ``y`` of shape (n,).
    """
    across, up = x_better.value * x, y_better.value * y
    at_least = (across[:, None] >= across) & (up[:, None] >= up)
    more = (across[:, None] > across) | (up[:, None] > up)
    kept = np.flatnonzero(~(at_least & more).any(axis=0))
    ordered: NDArray[np.intp] = kept[np.argsort(x[kept], kind="stable")]
    return ordered


def best_for_cost(cost: Floats, gain: Floats) -> NDArray[np.intp]:
    """The Pareto front of low cost and high gain, by rising cost, of points of shape (n,).

    Of several with the same cost and gain the first counts. What is not a number is left out.
    """
    known = np.flatnonzero(np.isfinite(cost) & np.isfinite(gain))
    kept = known[front(cost[known], gain[known], Better.LOW, Better.HIGH)]
    # On a front the same cost has the same gain.
    return kept[np.append(True, np.diff(cost[kept]) > 0)] if len(kept) else kept


def step_line(x: Floats, y: Floats, x_better: Better) -> tuple[Floats, Floats]:
    """A front (by rising x, shape (n,)) as a step line, the best y for every x: 2 n - 1 corners, n at least 1."""
    if x_better is Better.LOW:
        return np.repeat(x, 2)[1:], np.repeat(y, 2)[:-1]
    return np.repeat(x, 2)[:-1], np.repeat(y, 2)[1:]
