# SPDX-License-Identifier: Apache-2.0
"""The signals of a session that results are computed from, first of all the power of the whole board."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor_app.core.samples import Quantity, Role

if TYPE_CHECKING:
    from monitor_app.session.reader import SessionReader
    from monitor_app.session.rows import SignalRow


def total_power(reader: SessionReader) -> SignalRow | None:
    """The power with the role total, of several that of the first source; else the only power; else None."""
    # Sources are in the order of the profile; signals are numbered in the order in which instruments answered.
    ordered = sorted(reader.signals(), key=lambda each: (each.source, each.id))
    powers = [signal for signal in ordered if signal.quantity is Quantity.POWER]
    totals = [signal for signal in powers if signal.role is Role.TOTAL]
    if totals:
        return totals[0]
    return powers[0] if len(powers) == 1 else None


def powers_of_sources(reader: SessionReader) -> dict[int, SignalRow]:
    """By source: its total power, or its only or first one; sources without a power are left out."""
    powers = [signal for signal in reader.signals() if signal.quantity is Quantity.POWER]
    chosen: dict[int, SignalRow] = {}
    for signal in sorted(powers, key=lambda each: each.role is not Role.TOTAL):
        chosen.setdefault(signal.source, signal)
    return chosen


def sibling(reader: SessionReader, power: SignalRow, quantity: Quantity) -> SignalRow | None:
    """The current or voltage that belongs to a power: its factor, or the only one of its source."""
    signals = [s for s in reader.signals() if s.source == power.source and s.quantity is quantity]
    factors = [s for s in signals if s.id in {power.factor_a, power.factor_b}]
    return (factors or signals)[0] if len(factors or signals) == 1 else None


def temperatures(reader: SessionReader) -> list[SignalRow]:
    """All that are measured, in degrees Celsius."""
    return [signal for signal in reader.signals() if signal.quantity is Quantity.TEMPERATURE]


def frequencies(reader: SessionReader) -> list[SignalRow]:
    """All clock frequencies of the board that are measured, in Hz."""
    return [signal for signal in reader.signals() if signal.quantity is Quantity.FREQUENCY]


def is_simulated(reader: SessionReader) -> bool:
    """Whether an instrument of the session, or the device that networks ran on, is simulated."""
    return any(source.simulated for source in reader.sources()) or any(run.simulated for run in reader.runs())
