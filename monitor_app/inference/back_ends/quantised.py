# SPDX-License-Identifier: Apache-2.0
"""Tensors of whole numbers that stand for real ones: real = scale * (whole - zero point)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Quantised:
    """What whole numbers of a tensor stand for."""

    dtype: str
    """Of the whole numbers, as numpy calls it."""
    scale: float
    zero_point: int

    def from_real(self, values: NDArray[Any]) -> NDArray[Any]:
        """The nearest whole numbers, those out of range at its ends."""
        limits = np.iinfo(self.dtype)
        whole = np.rint(values / np.float32(self.scale)) + self.zero_point
        limited: NDArray[Any] = np.clip(whole, limits.min, limits.max).astype(self.dtype)
        return limited

    def to_real(self, values: NDArray[Any]) -> NDArray[Any]:
        """float32."""
        real: NDArray[Any] = (values.astype(np.float32) - np.float32(self.zero_point)) * np.float32(self.scale)
        return real


def quantised_as(described: Any) -> Quantised | None:
    """Of a tensor as an interpreter of LiteRT describes it; None where it holds what it says."""
    scale, zero_point = described["quantization"]
    if not scale:
        return None
    return Quantised(np.dtype(described["dtype"]).name, float(scale), int(zero_point))
