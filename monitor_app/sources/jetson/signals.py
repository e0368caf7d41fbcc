# SPDX-License-Identifier: Apache-2.0
"""What a power monitor chip of a Jetson measures, in the words of the program: signals, resolutions, notes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from monitor_app.core.samples import Quantity, Role, Signal, SourceInfo
from monitor_app.sources.accuracy import INA238, INA238_ZERO_V, INA3221, INA3221_ZERO_V
from monitor_app.sources.jetson.chips import averaged_samples

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from monitor_app.sources.accuracy import DataSheet
    from monitor_app.sources.jetson.boards import Board
    from monitor_app.sources.jetson.chips import Chip, ChipRail
    from monitor_app.sources.jetson.sweeps import UpdateRate

_LEAST_SHUNT_OHM = 1e-4
_POWER_STEP_V = 0.2
"""An INA238's step of power over its step of current."""


def model_of(chip: Chip, board: Board | None) -> str:
    """INA3221 at 1-0040 (Jetson AGX Orin)."""
    return f"{chip.part} at {chip.where}" + (f" ({board.title})" if board else "")


def describe(
    name: str,
    chip: Chip,
    rails: Sequence[ChipRail],
    board: Board | None,
    roles: Mapping[str, Role],
    update_rate: UpdateRate,
    volts: Mapping[str, float],
) -> SourceInfo:
    """The source of these rails of a chip; ``volts`` are their voltages, for the resolution of their powers."""
    sheet = _data_sheet(chip, rails)
    stored = [signal for rail in rails for signal in _stored(rail, sheet, board, roles)]
    derived = [_derived(rail, sheet, board, roles, volts.get(rail.name)) for rail in rails if rail.power is None]
    return SourceInfo(
        name=name,
        kind="jetson-rails",
        model=model_of(chip, board),
        serial_number=chip.where,
        firmware=chip.driver,
        rate_hz=update_rate.rate_hz,
        signals=(*stored, *derived),
        transport_bound_ns=round(update_rate.bound_s * 1e9),
        notes=tuple(_notes(chip, rails, board, update_rate)),
    )


def _stored(rail: ChipRail, sheet: DataSheet, board: Board | None, roles: Mapping[str, Role]) -> Iterator[Signal]:
    """Current, voltage, and power where the chip measures it, in the order of the samples."""
    for quantity, step in ((Quantity.CURRENT, rail.current_lsb_a), (Quantity.VOLTAGE, rail.voltage_lsb_v)):
        name = f"{rail.name} {quantity.name.lower()}"
        role, zero = roles.get(name, Role.OTHER), sheet.zero_of(quantity)
        yield Signal(name, quantity, role, resolution=step, accuracy=sheet.of(quantity), zero=zero)
    if rail.power is not None:
        step = rail.current_lsb_a * _POWER_STEP_V if rail.current_lsb_a else None
        role = _role(rail, board, roles)
        yield Signal(rail.name, Quantity.POWER, role, resolution=step, accuracy=sheet.power)


def _derived(
    rail: ChipRail, sheet: DataSheet, board: Board | None, roles: Mapping[str, Role], volts: float | None
) -> Signal:
    step = rail.current_lsb_a * abs(volts) if rail.current_lsb_a and volts else None
    return Signal(
        rail.name,
        Quantity.POWER,
        _role(rail, board, roles),
        resolution=step,
        accuracy=sheet.power,
        product_of=(f"{rail.name} current", f"{rail.name} voltage"),
    )


def _data_sheet(chip: Chip, rails: Sequence[ChipRail]) -> DataSheet:
    """Of the chip with its shunts; the zero is that of its voltage over the least of them."""
    sheet, zero_v = (INA238, INA238_ZERO_V) if chip.driver == "ina238" else (INA3221, INA3221_ZERO_V)
    shunts = [rail.shunt_ohm for rail in rails if rail.shunt_ohm]
    return replace(sheet, zero_a=zero_v / min(shunts) if shunts else None)


def _role(rail: ChipRail, board: Board | None, roles: Mapping[str, Role]) -> Role:
    known = board.rail(rail.name) if board else None
    return roles.get(rail.name, known.role if known else Role.OTHER)


def _notes(chip: Chip, rails: Sequence[ChipRail], board: Board | None, update_rate: UpdateRate) -> Iterator[str]:
    if board is None:
        yield "The board is not known, so no rail counts as its total: name the board in the profile."
    else:
        known = [board.rail(rail.name) for rail in rails]
        if any(rail and rail.name in board.total for rail in known):
            yield from board.notes
    if off := [rail.name for rail in chip.rails if rail not in rails]:
        yield f"Switched off and left out: {', '.join(off)}."
    if any(rail.both is None and rail.power is None for rail in rails):
        yield "Current and voltage of a rail come from different conversions, so power is inaccurate during a change."
    yield _data_sheet(chip, rails).note
    mean_of = averaged_samples(chip)
    of = f" of {mean_of} conversions" if mean_of and mean_of > 1 else ""
    interval_ms = update_rate.interval_s * 1e3
    yield f"A value is the mean{of} over up to {interval_ms:.3g} ms, and may be as old again when it is read."
    for rail in rails:
        if rail.shunt_ohm is not None and rail.shunt_ohm < _LEAST_SHUNT_OHM:
            yield (
                f"The kernel assumes a shunt of {rail.shunt_ohm * 1e6:.3g} uOhm at {rail.name}, "
                "which cannot be right: its currents are far too large."
            )
