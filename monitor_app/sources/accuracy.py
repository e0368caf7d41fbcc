# SPDX-License-Identifier: Apache-2.0
"""How accurate the meters are, as their makers state it: the default where a profile gives no `accuracy`.

An accuracy is a limit, not a standard deviation: the true gain lies within plus and minus this fraction of the one
that is used. The analysis takes every value within the limits for equally likely (JCGM 100:2008, 4.3.7), so its
standard uncertainty is the limit over the square root of three.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from monitor_app.core.samples import Quantity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from monitor_app.core.samples import Signal, SourceInfo


@dataclass(frozen=True, slots=True)
class DataSheet:
    """The limits of the errors of one kind of meter."""

    source: str
    """The document that states them."""
    current: float
    """Of the gain of a current, relative."""
    voltage: float = 0.0
    """Of the gain of a voltage, relative; 0 where the voltage is that of the profile."""
    zero_a: float | None = None
    """Of the zero of a current."""

    @property
    def power(self) -> float:
        """Of a product: the limits add, since both errors may have the same sign."""
        return self.current + self.voltage

    def of(self, quantity: Quantity) -> float | None:
        """The limit for a signal of this quantity; None where an accuracy makes no sense."""
        limits = {Quantity.CURRENT: self.current, Quantity.VOLTAGE: self.voltage or None, Quantity.POWER: self.power}
        return limits.get(quantity)

    def zero_of(self, quantity: Quantity) -> float | None:
        """The limit of the zero of a signal of this quantity."""
        return self.zero_a if quantity is Quantity.CURRENT else None

    @property
    def note(self) -> str:
        """One sentence for the user."""
        zero = "" if self.zero_a is None else f", and its zero of current within {self.zero_a * 1e3:.3g} mA"
        return f"Its power is taken to be right within {self.power * 100:.3g} %{zero} ({self.source})."


MILLIOHM_SHUNT = 0.01
"""Tolerance of the shunts beside the monitors of a Jetson (NVIDIA DG-09840-001, figure 5-14: 0.005 ohm, 1 %)."""
INA3221 = DataSheet("TI SBOS576: gains 0.25 %; shunt 1 %, NVIDIA DG-09840-001", 0.0025 + MILLIOHM_SHUNT, 0.0025)
INA3221_ZERO_V = 80e-6
"""Over the shunt (TI SBOS576)."""
INA238 = DataSheet("TI SBOSA20: gains 0.1 %; shunt 1 %", 0.001 + MILLIOHM_SHUNT, 0.001)
INA238_ZERO_V = 5e-6
"""Over the shunt (TI SBOSA20)."""
INA226 = DataSheet("TI SBOS547: gains 0.1 %; shunt 1 %", 0.001 + MILLIOHM_SHUNT, 0.001)

POWERSENSOR3 = DataSheet("Melexis MLX91221, 3901091221: trim and drift; divider of 1 %", 0.03, 0.01)
"""Of a current sensor of type MLX10 to MLX75, a Melexis MLX91221 (data sheet 3901091221: a Hall sensor, trimmed by its
maker, whose sensitivity drifts with temperature), and of a divider of resistors of 1 % that psconfig has been told of.
The sheet has no limit for the module as a whole; 3 % holds trim and drift."""

PPK2_RANGES = ((50e-6, 0.10), (500e-6, 0.10), (5e-3, 0.10), (60e-3, 0.10), (1.0, 0.15))
"""Upper end in A and limit of each, most sensitive first (Nordic, PPK2 user guide, measurement resolution and accuracy;
typical values)."""
PPK2 = DataSheet(
    "Nordic, PPK2 user guide: 10 % below 60 mA, 15 % above; typical values", max(limit for _, limit in PPK2_RANGES)
)

NVML = DataSheet("NVIDIA, reference of nvmlDeviceGetPowerUsage: 5 %", 0.05)
RAPL = DataSheet("no maker states a limit; comparisons with external meters agree within 5 %", 0.05)

E364X = DataSheet("Keysight E364xA User's and Service Guide, table 7-2, readback", 0.0015, 0.0005, 5e-3)
E364X_SECOND_OUTPUT = DataSheet(E364X.source, 0.0015, 0.001, 10e-3)
HP34401A = DataSheet("Agilent 34401A Service Guide, range of 3 A, one year", 0.0012, zero_a=0.6e-3)

PROBE_1146B = {10.0: 0.03, 100.0: 0.04}
"""By amperes per volt (1146B User's Guide, performance verification); other probes as its coarser range."""
SCOPE_VERTICAL = 0.03
"""Of full scale, DC vertical gain (Keysight InfiniiVision 2000 X-Series data sheet)."""


def ppk2_limit(most_a: float) -> float:
    """The largest limit of the ranges that a PPK2 uses for currents up to this one; of all where it is not known."""
    used = [limit for top_a, limit in PPK2_RANGES[:-1] if most_a < top_a]
    return used[0] if used else PPK2.current


def scpi_data_sheet(model: str, channel: int | None) -> DataSheet | None:
    """Of a supply or multimeter by the model that it identifies itself as; None of one that is not known."""
    if model.upper().startswith("E364"):
        return E364X_SECOND_OUTPUT if channel == 2 else E364X
    return HP34401A if model.upper().startswith("34401") else None


def scope_data_sheet(a_per_v: float) -> DataSheet:
    """Of an oscilloscope with a current probe."""
    probe = PROBE_1146B.get(a_per_v, max(PROBE_1146B.values()))
    return DataSheet("1146B User's Guide and InfiniiVision 2000 X data sheet", probe + SCOPE_VERTICAL, zero_a=50e-3)


def described_by(info: SourceInfo, sheet: DataSheet) -> SourceInfo:
    """A source with the accuracies and the note of a data sheet."""
    signals = tuple(
        replace(signal, accuracy=sheet.of(signal.quantity), zero=sheet.zero_of(signal.quantity))
        for signal in info.signals
    )
    return replace(info, signals=signals, notes=(*info.notes, sheet.note))


def product_accuracy(factors: Iterable[Signal]) -> float | None:
    """Relative limit of the error of current times voltage; unknown where that of a factor is."""
    limits = [signal.accuracy for signal in factors]
    known = [limit for limit in limits if limit is not None]
    return sum(known) if len(known) == len(limits) else None
