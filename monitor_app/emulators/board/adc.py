# SPDX-License-Identifier: Apache-2.0
"""The shunt amplifier and the converter: from amperes and volts to codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

CODES = 65_536


@dataclass(frozen=True)
class Channel:
    """One input with the calibration its device holds: value = scale * (code - zero)."""

    name: str
    unit: str
    scale: float
    """SI units per code."""
    zero: float
    accuracy: float
    """Relative accuracy of `scale`, 0 if unknown."""
    noise_codes: float
    """Standard deviation of the amplifier's noise."""


# Neither a round scale nor a round zero, so that tests notice a host that assumes nominal values.
CURRENT = Channel("current", "A", scale=7.6917e-5, zero=32_805.25, accuracy=0.001, noise_codes=1.6)
VOLTAGE = Channel("voltage", "V", scale=4.6013e-4, zero=12.5, accuracy=0.0005, noise_codes=1.2)


class Converter:
    """Takes all its channels at the same instant.

    The noise is drawn sample by sample, so that any split into calls gives the same codes.
    """

    def __init__(self, channels: Sequence[Channel], seed: int) -> None:
        self._scale = np.array([channel.scale for channel in channels])
        self._zero = np.array([channel.zero for channel in channels])
        self._noise_codes = np.array([channel.noise_codes for channel in channels], dtype=np.float32)
        self._noise = np.random.default_rng(seed)

    def digitise(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.uint16]:
        """Codes of `values`, both n samples by C channels, in the channels' units.

        Values out of range are clipped to the first or the last code.
        """
        codes = values / self._scale
        codes += self._zero
        codes += self._noise_codes * self._noise.standard_normal(values.shape, dtype=np.float32)
        np.rint(codes, out=codes)
        np.maximum(codes, 0, out=codes)
        np.minimum(codes, CODES - 1, out=codes)
        digitised: npt.NDArray[np.uint16] = codes.astype(np.uint16)
        return digitised
