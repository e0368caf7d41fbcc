# SPDX-License-Identifier: Apache-2.0
"""What one update of the jtop service says, as named values in SI units. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from monitor_app.core.samples import Quantity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SUM = "tot"
"""The service's sum of all rails, on boards where no rail is the input."""
ADDABLE_RAILS = frozenset({"GPU", "CPU", "SOC", "CV", "VDDRQ", "SYS5V"})
"""Rails of the AGX Xavier: side by side, so that their sum is what the module takes. On other boards without an input
rail some feed others (on the AGX Orin VIN_SYS_5V0 feeds VDDQ_VDD2_1V8AO) and a sum counts the same power twice."""
MODULE_TOTAL = "total"
"""Our sum of the rails that make up what an AGX Orin takes, which the service does not add up by themselves."""
MODULE_RAILS = ("VDD_GPU_SOC", "VDD_CPU_CV", "VIN_SYS_5V0")
"""As in profiles/boards/jetson-agx-orin.toml."""
LOWEST_TEMPERATURE = -200.0
"""A sensor that is off reads -256."""
SWITCHED_UNITS = ("gpu", "cv")
"""Units that a board powers down when they have nothing to do."""
LARGEST_MEGAHERTZ = 20_000
"""Through NVML the clock comes in MHz, on Thor sometimes in kHz; no GPU runs above this many MHz or below it in kHz."""


@dataclass(frozen=True, slots=True)
class Readings:
    """One update."""

    values: dict[str, tuple[Quantity, float]] = field(default_factory=dict)
    """By signal name, in the service's order: what was measured, in SI units."""
    total: str | None = None
    """Which of them is what the whole board or module takes, as the service reports it."""
    sums_twice: bool = False
    """The service adds rails of which some may feed others."""


def decode(update: Mapping[str, Any]) -> Readings:
    """The values of an update; what it does not say, or says of a sensor that is off, is left out."""
    total, sums_twice, power = _power(update.get("power") or {})
    parts = (
        power,
        _gpus(update.get("gpu") or {}),
        _cpus(update.get("cpu") or []),
        _memory(update.get("memory") or {}),
        _temperatures(update.get("temperature") or {}),
        _fans(update.get("fan") or {}),
    )
    values = {
        name: (quantity, float(value))
        for part in parts
        for name, quantity, value in part
        if isinstance(value, (int, float)) and math.isfinite(value)
    }
    return Readings(values, total if total in values else None, sums_twice)


_Named = tuple[str, Quantity, Any]


def _power(power: Mapping[str, Any]) -> tuple[str | None, bool, list[_Named]]:
    rails: Mapping[str, Any] = power.get("rail", {})
    total: Mapping[str, Any] = power.get("tot", {})
    named = [*((name, rail) for name, rail in rails.items()), *([(total.get("name", SUM), total)] if total else [])]
    values = [value for name, rail in named for value in _rail(name, rail)]
    if "name" in total:
        return total["name"], False, values
    if set(MODULE_RAILS) <= rails.keys():
        parts = [_scaled(rails[name].get("power"), 1e-3) for name in MODULE_RAILS]
        whole = None if None in parts else sum(part or 0.0 for part in parts)
        return MODULE_TOTAL, bool(total), [*values, (MODULE_TOTAL, Quantity.POWER, whole)]
    addable = bool(rails) and rails.keys() <= ADDABLE_RAILS
    return (SUM if addable else None), bool(total) and not addable, values


def _rail(name: str, rail: Mapping[str, Any]) -> Iterator[_Named]:
    """The power is the service's own: up to JetPack 4 the driver's, later voltage times current in whole mW."""
    for key, suffix, quantity in (
        ("curr", " current", Quantity.CURRENT),
        ("volt", " voltage", Quantity.VOLTAGE),
        ("power", "", Quantity.POWER),
    ):
        yield name + suffix, quantity, _scaled(rail.get(key), 1e-3)


def _gpus(gpus: Mapping[str, Any]) -> Iterator[_Named]:
    for name, gpu in gpus.items():
        yield f"{name} load", Quantity.LEVEL, _scaled(gpu.get("status", {}).get("load"), 1e-2)
        frequency = gpu.get("freq", {}).get("cur")
        scale = 1e3
        if gpu.get("power_control") == "nvml":
            frequency = frequency or None  # the service says 0 where NVML reports none
            scale = 1e6 if (frequency or 0) < LARGEST_MEGAHERTZ else 1e3
        yield f"{name} frequency", Quantity.FREQUENCY, _scaled(frequency, scale)


def _cpus(cores: list[Mapping[str, Any]]) -> Iterator[_Named]:
    """The mean load of the cores that are on, as the service's own total is wrong, and the fastest one's clock."""
    shares = [
        sum(core[kind] for kind in ("user", "nice", "system"))
        for core in cores
        if core.get("online") and sum(core.get(kind, 0) for kind in ("user", "nice", "system", "idle")) > 0
    ]
    if shares:
        yield "cpu load", Quantity.LEVEL, sum(shares) / len(shares) * 1e-2
    clocks = [clock for core in cores if core.get("online") and (clock := core.get("freq", {}).get("cur")) is not None]
    if clocks:
        yield "cpu frequency", Quantity.FREQUENCY, max(clocks) * 1e3


def _memory(memory: Mapping[str, Any]) -> Iterator[_Named]:
    ram: Mapping[str, Any] = memory.get("RAM", {})
    if ram.get("tot") and "used" in ram:
        yield "RAM used", Quantity.LEVEL, ram["used"] / ram["tot"]
    emc: Mapping[str, Any] = memory.get("EMC", {})
    if emc.get("online"):
        yield "EMC load", Quantity.LEVEL, _scaled(emc.get("val"), 1e-2)
        # 1 kHz is what the service says where it may not read the clock.
        yield "EMC frequency", Quantity.FREQUENCY, _scaled(emc["cur"], 1e3) if emc.get("cur", 1) > 1 else None


def _temperatures(sensors: Mapping[str, Any]) -> Iterator[_Named]:
    on = {name: sensor["temp"] for name, sensor in sensors.items() if _is_on(sensor)}
    # A board that switches sensors off does so with the unit they are in, whenever that idles. A signal that comes
    # and goes would take the rails of the same update with it.
    switches = len(on) < len(sensors)
    for name, value in on.items():
        if not (switches and name.lower().startswith(SWITCHED_UNITS)):
            yield f"{name} temperature", Quantity.TEMPERATURE, value


def _is_on(sensor: Mapping[str, Any]) -> bool:
    value = sensor.get("temp")
    return bool(sensor.get("online", True)) and isinstance(value, (int, float)) and value > LOWEST_TEMPERATURE


def _fans(fans: Mapping[str, Any]) -> Iterator[_Named]:
    for name, fan in fans.items():
        for index, speed in enumerate(fan.get("speed", [])):
            yield f"{name} {index} duty", Quantity.LEVEL, _scaled(speed, 1e-2)
        for index, turns in enumerate(fan.get("rpm", [])):
            yield f"{name} {index} rotation", Quantity.FREQUENCY, _scaled(turns, 1 / 60)


def _scaled(value: Any, scale: float) -> float | None:
    return value * scale if isinstance(value, (int, float)) else None
