# SPDX-License-Identifier: Apache-2.0
"""Quantiles of Student's t and of chi-square, from their densities by quadrature and bisection."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(200)
_HALVINGS = 60
_MOST_FREEDOM = 10**6
"""From there on it is the normal distribution, and its density in the angle too narrow for the nodes."""


@lru_cache(maxsize=4096)
def t_quantile(share: float, freedom: int) -> float:
    """Of Student's t with ``freedom`` of at least 1, for a share between 0 and 1."""
    freedom = min(freedom, _MOST_FREEDOM)
    if share < 0.5:
        return -t_quantile(1 - share, freedom)
    # With t = sqrt(freedom) tan(angle) the density becomes a power of the cosine.
    log_scale = math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2) - math.log(math.pi) / 2

    def beyond_middle(angle: float) -> float:
        density = np.exp(log_scale + (freedom - 1) * np.log(np.cos(angle * (_NODES + 1) / 2)))
        return angle / 2 * float(_WEIGHTS @ density)

    return math.sqrt(freedom) * math.tan(_solve(beyond_middle, share - 0.5, math.pi / 2))


@lru_cache(maxsize=4096)
def chi_square_quantile(share: float, freedom: int) -> float:
    """Of chi-square with ``freedom`` of at least 1, for a share between 0 and 1."""
    log_scale = math.log(2) * (1 - freedom / 2) - math.lgamma(freedom / 2)

    def up_to(root: float) -> float:
        roots = root * (_NODES + 1) / 2
        density = np.exp(log_scale + (freedom - 1) * np.log(roots) - roots**2 / 2)
        return root / 2 * float(_WEIGHTS @ density)

    return _solve(up_to, share, math.sqrt(freedom) + 10) ** 2


def _solve(rising: Callable[[float], float], target: float, most: float) -> float:
    low, high = 0.0, most
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < target else (low, middle)
    return (low + high) / 2
