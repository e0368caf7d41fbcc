# SPDX-License-Identifier: Apache-2.0
"""The four pairs of sensors of an emulated PowerSensor3: what they are wired to, and the levels they give."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

PAIRS = 4
SENSORS = 2 * PAIRS
SCANS = 6
"""Conversions of every sensor in one frame."""
RECORD = struct.Struct("<16s16sff?")
"""What the device keeps of one sensor: type, name of its pair, zero in V, V per A or V per V, in use."""

_REFERENCE_V = 3.3
_TOP_LEVEL = 1023
_LEVELS_PER_V = _TOP_LEVEL / _REFERENCE_V
# The average of six whole levels is rounded down, by 0 to 5 sixths. The zero of a device that was calibrated
# through this arithmetic includes the mean of that.
_ROUNDING_LEVELS = 2.5 / SCANS
# Of one conversion. Six of them average to what is also less than one level.
_NOISE_LEVELS = 1.6
_FLOATING_V = 0.42


@dataclass(frozen=True)
class Pair:
    """A current and a voltage sensor on one supply rail."""

    name: str
    share: float
    """Of the board's power that passes here."""
    rail_v: float | None
    """Voltage of a regulated rail; None for the board's own supply."""
    current_type: str
    current_zero_v: float
    volts_per_ampere: float
    voltage_zero_v: float
    volts_per_volt: float


# None of them nominal (0.120 V/A, 1.65 V and so on), so that tests notice a host that does not read the
# configuration. The third is mounted the wrong way round, which a negative sensitivity makes up for.
_WIRING = (
    Pair("supply", 1.00, None, "MLX10", 1.6483, 0.12064, 0.0, 0.08774),
    Pair("GPU", 0.45, 5.0, "MLX10", 1.6522, 0.11937, 0.0, 0.09112),
    Pair("CPU", 0.25, 5.0, "MLX10", 1.6507, -0.12011, 0.0, 0.09085),
    Pair("DDR", 0.10, 3.3, "MLX10", 1.6471, 0.11989, 0.0, 0.17820),
)


class Sensors:
    """Eight inputs, of which those of the first `used` pairs are connected to a board.

    The noise is drawn conversion by conversion, so that any split into calls gives the same levels.

    Args:
        board_name: names the first pair, which carries all of the board's supply.
        used: pairs, 1 to 4.
        seed: of the noise.
    """

    def __init__(self, board_name: str, used: int, seed: int) -> None:
        names = (board_name, *(pair.name for pair in _WIRING[1:]))
        self._pairs = _WIRING[:used]
        self._noise = np.random.default_rng(seed)
        connected = [record for pair, name in zip(self._pairs, names, strict=False) for record in _records(pair, name)]
        self.records = connected + [bytes(RECORD.size)] * (SENSORS - len(connected))
        """As they left the factory, one for each sensor."""

    def levels(self, current_a: npt.NDArray[np.float64], voltage_v: npt.NDArray[np.float64]) -> npt.NDArray[np.uint16]:
        """What the device reports.

        Args:
            current_a: of the board's supply, in each frame.
            voltage_v: likewise.

        Returns:
            Frames by sensors, 0 to 1023: six conversions of each sensor, averaged and rounded down.
        """
        inputs = self._inputs_v(current_a, voltage_v) * np.float32(_LEVELS_PER_V)
        scans = self._noise.standard_normal((len(inputs), SCANS, SENSORS), dtype=np.float32)
        scans *= np.float32(_NOISE_LEVELS)
        scans += inputs[:, np.newaxis]
        np.rint(scans, out=scans)
        np.clip(scans, 0, _TOP_LEVEL, out=scans)
        # Sums of this few whole numbers are exact.
        averaged: npt.NDArray[np.uint16] = scans.sum(axis=1).astype(np.uint16) // np.uint16(SCANS)
        return averaged

    def _inputs_v(
        self, current_a: npt.NDArray[np.float64], voltage_v: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float32]:
        inputs = np.full((len(current_a), SENSORS), _FLOATING_V, dtype=np.float32)
        power_w = current_a * voltage_v
        for number, pair in enumerate(self._pairs):
            through_a = current_a * pair.share if pair.rail_v is None else power_w * (pair.share / pair.rail_v)
            across_v = voltage_v if pair.rail_v is None else pair.rail_v
            inputs[:, 2 * number] = pair.current_zero_v + pair.volts_per_ampere * through_a
            inputs[:, 2 * number + 1] = pair.voltage_zero_v + pair.volts_per_volt * across_v
        return inputs


def _records(pair: Pair, name: str) -> tuple[bytes, bytes]:
    rounding_v = _ROUNDING_LEVELS / _LEVELS_PER_V
    kept = name.encode()[:15]
    return (
        RECORD.pack(pair.current_type.encode(), kept, pair.current_zero_v - rounding_v, pair.volts_per_ampere, True),
        RECORD.pack(b"VOLTAGE", kept, pair.voltage_zero_v - rounding_v, pair.volts_per_volt, True),
    )
