# SPDX-License-Identifier: Apache-2.0
"""Pareto fronts: what nothing else beats in both respects at once."""

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


def stairs(x: Floats, y: Floats, x_better: Better) -> tuple[Floats, Floats]:
    """A front (by rising x, shape (n,)) as what can be had at every x: a path of 2 n - 1 corners, n at least 1."""
    if x_better is Better.LOW:
        return np.repeat(x, 2)[1:], np.repeat(y, 2)[:-1]
    return np.repeat(x, 2)[:-1], np.repeat(y, 2)[1:]
