# SPDX-License-Identifier: Apache-2.0
"""What a PowerSensor3 keeps of its sensors, and the signals that follow from it.

Sensors 0 and 1 are the current and the voltage of the first pair, 2 and 3 of the second, and so on. A level of the
converter, of 1023 for 3.3 V, means ``(3.3 * level / 1023 - vref) / sensitivity`` in amperes or volts; a negative
sensitivity is a sensor that is mounted the other way round.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor_app.core.errors import HandshakeError
from monitor_app.core.samples import Quantity, Role, Signal
from monitor_app.sources.accuracy import POWERSENSOR3, product_accuracy
from monitor_app.sources.powersensor3.decoder import SENSORS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_HALL_TYPES = "MLX"
"""How the types of the maker's own current sensors begin: MLX10, MLX20, MLX50, MLX75."""

RECORD = struct.Struct("<16s16sff?")
FULL_SCALE_V, FULL_SCALE_LEVEL = 3.3, 1023


@dataclass(frozen=True, slots=True)
class Sensor:
    """One sensor as the device keeps it."""

    type: str
    pair_name: str
    vref_v: float
    sensitivity: float
    """Volts of the converter per ampere or per volt."""
    in_use: bool

    @property
    def scale(self) -> float:
        """Amperes or volts a level."""
        return FULL_SCALE_V / (FULL_SCALE_LEVEL * self.sensitivity)

    @property
    def offset(self) -> float:
        """Amperes or volts at level 0."""
        return -self.vref_v / self.sensitivity

    @property
    def is_calibrated(self) -> bool:
        return math.isfinite(self.vref_v) and math.isfinite(self.sensitivity) and self.sensitivity != 0


def parse_sensor(record: bytes) -> Sensor:
    """One record of the configuration, 41 bytes."""
    kind, pair_name, vref_v, sensitivity, in_use = RECORD.unpack(record)
    return Sensor(_text(kind), _text(pair_name), vref_v, sensitivity, in_use)


def describe_sensors(
    name: str, sensors: Sequence[Sensor], roles: Mapping[str, Role], mean_levels: Sequence[float]
) -> tuple[tuple[Signal, ...], tuple[int, ...]]:
    """The signals of the sensors in use, and the sensor of each stored one.

    A pair is named as the device names it; the only one is "current", "voltage" and "power", as of other meters.

    Args:
        name: Of the instrument, for its errors.
        sensors: All eight.
        roles: What a signal feeds, by its name.
        mean_levels: What each sensor shows now; the steps of the powers are given at these voltages.

    Raises:
        HandshakeError: No sensor is in use, or one has a calibration that is not valid.
    """
    used = [number for number in range(SENSORS) if sensors[number].in_use]
    if not used:
        raise HandshakeError(f"{name} has no sensor in use: switch its sensors on with psconfig.")
    for number in used:
        _check(name, number, sensors[number])
    pairs = sorted({number // 2 for number in used})
    names = _pair_names(sensors, pairs)
    stored: list[Signal] = []
    derived: list[Signal] = []
    for pair in pairs:
        prefix, power_name = (f"{names[pair]} ", names[pair]) if len(pairs) > 1 else ("", "power")
        both = [
            _signal(f"{prefix}{quantity.name.lower()}", quantity, sensors[number], roles)
            for number, quantity in ((2 * pair, Quantity.CURRENT), (2 * pair + 1, Quantity.VOLTAGE))
            if sensors[number].in_use
        ]
        stored += both
        if len(both) == 2:
            voltage_v = both[1].scale * mean_levels[2 * pair + 1] + both[1].offset
            derived.append(_power(power_name, both[0], both[1], voltage_v, roles))
    return (*stored, *derived), tuple(used)


def _check(name: str, number: int, sensor: Sensor) -> None:
    if not sensor.is_calibrated:
        raise HandshakeError(
            f"{name}: sensor {number} has an invalid calibration (sensitivity {sensor.sensitivity:g}, reference "
            f"{sensor.vref_v:g} V): set it with psconfig, or switch the sensor off."
        )


def _pair_names(sensors: Sequence[Sensor], pairs: Sequence[int]) -> dict[int, str]:
    """Unique, whatever the device says; no name may be that of another pair's current or voltage either."""
    names: dict[int, str] = {}
    taken: set[str] = set()
    for pair in pairs:
        said = next((s.pair_name for s in sensors[2 * pair : 2 * pair + 2] if s.in_use and s.pair_name), "")
        wanted = said or f"pair {pair}"
        candidates = [wanted, *(f"{wanted} {count}" for count in range(2, 2 + 3 * len(pairs)))]
        names[pair] = next(c for c in candidates if taken.isdisjoint({c, f"{c} current", f"{c} voltage"}))
        taken |= {names[pair], f"{names[pair]} current", f"{names[pair]} voltage"}
    return names


def _signal(name: str, quantity: Quantity, sensor: Sensor, roles: Mapping[str, Role]) -> Signal:
    return Signal(
        name,
        quantity,
        roles.get(name, Role.OTHER),
        dtype="<u2",
        scale=sensor.scale,
        offset=sensor.offset,
        resolution=abs(sensor.scale),
        accuracy=_accuracy(sensor, quantity),
    )


def _power(name: str, current: Signal, voltage: Signal, voltage_v: float, roles: Mapping[str, Role]) -> Signal:
    return Signal(
        name,
        Quantity.POWER,
        roles.get(name, Role.OTHER),
        resolution=abs(current.scale * voltage_v) or None,
        accuracy=product_accuracy((current, voltage)),
        product_of=(current.name, voltage.name),
    )


def _accuracy(sensor: Sensor, quantity: Quantity) -> float | None:
    """By the type of the sensor; None of a current sensor that is not of the maker's modules."""
    known = quantity is Quantity.VOLTAGE or sensor.type.upper().startswith(_HALL_TYPES)
    return POWERSENSOR3.of(quantity) if known else None


def _text(padded: bytes) -> str:
    return padded.partition(b"\0")[0].decode(errors="replace").strip()
