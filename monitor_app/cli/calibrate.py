# SPDX-License-Identifier: Apache-2.0
"""`monitor-app calibrate`: a meter against known loads or against a second meter."""

from __future__ import annotations

import math
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.bench.acquisition.instruments import make_instruments
from monitor_app.cli.consent import allowance
from monitor_app.cli.terminal import say
from monitor_app.core.errors import ProfileError, SourceError
from monitor_app.core.samples import Quantity, Role, SampleBlock
from monitor_app.sources.calibration import Calibration, Level, calibrate, profile_lines
from monitor_app.sources.profile_reader import parse_profile, read_profile_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from monitor_app.core.samples import PowerSource, Signal, SourceInfo
    from monitor_app.core.source_specs import SourceSpec

READ_S = 0.05
PARTS = 10
"""The uncertainty of a mean is estimated from this number of its parts."""
UNIT = {Quantity.CURRENT: "A", Quantity.POWER: "W"}


@dataclass(frozen=True, slots=True)
class Reference:
    """What the meter is compared with: loads, in A or W, or a second meter by its name in the profile."""

    loads: tuple[float, ...] = ()
    quantity: Quantity = Quantity.CURRENT
    """Of the loads."""
    meter: str | None = None
    levels: int = 1
    """Loads at which two meters are compared."""
    accuracy: float | None = None
    """Relative limit of the error; None is that which the second meter states."""


def run(
    profile: Path,
    name: str,
    signal: str | None,
    reference: Reference,
    seconds: float,
    wait: Callable[[str], None],
    *,
    trusted: bool = False,
) -> tuple[Calibration, list[str]]:
    """Measure, and return the calibration with the lines of the profile.

    Args:
        profile: its file.
        name: of the meter.
        signal: of the meter, where it has several.
        reference: what it is compared with.
        seconds: how long each load is measured.
        wait: asks the user to set a load.
        trusted: the profile may run code.

    Raises:
        MonitorError: An instrument cannot be used, the loads do not fit, or the profile may not be used.
    """
    text = read_profile_text(profile)
    read = parse_profile(text, str(profile))
    allowance(read, text, str(profile), trusted=trusted)
    with ExitStack() as stack:
        # Two meters are compared by their currents, or by their powers where the first has no current.
        quantities = (reference.quantity,) if reference.meter is None else (Quantity.CURRENT, Quantity.POWER)
        itself = {"gain": 1.0, "zero_a": 0.0, "accuracy": None, "calibrated": None}
        spec = _named(read.source, profile, name).model_copy(update=itself)
        meter = _Meter.open(stack, spec, signal, quantities)
        second = None
        if reference.meter is not None:
            # As the profile has it: it may itself be calibrated.
            other = _named(read.source, profile, reference.meter)
            second = _Meter.open(stack, other, None, (meter.quantity,))
        levels = _levels(meter, second, reference, seconds, wait)
    accuracy = reference.accuracy if second is None or reference.accuracy is not None else second.signal.accuracy
    if accuracy is None:
        raise SourceError(f"{reference.meter} does not state its accuracy: give it with --reference-accuracy.")
    found = calibrate(levels, accuracy, with_zero=meter.quantity is Quantity.CURRENT)
    unit = UNIT[meter.quantity]
    against = ", ".join(f"{level.true:.6g} {unit}" for level in levels)
    if second is not None:
        against = f"{second.info.name} ({second.info.model}) at {against}"
    date = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M")
    return found, profile_lines(found, date, against, meter.signal.name if meter.is_one_of_several else None)


def _named(specs: Sequence[SourceSpec], profile: Path, name: str) -> SourceSpec:
    found = next((spec for spec in specs if spec.name == name), None)
    if found is None:
        names = ", ".join(spec.name for spec in specs) or "none"
        raise ProfileError(f"{profile} has no source named {name}; there are: {names}.")
    return found


def _levels(
    meter: _Meter, second: _Meter | None, reference: Reference, seconds: float, wait: Callable[[str], None]
) -> list[Level]:
    unit = UNIT[meter.quantity]
    count = len(reference.loads) if second is None else reference.levels
    levels = []
    for k in range(count):
        if count > 1:
            load = f"a load of {reference.loads[k]:g} {unit}" if second is None else f"load {k + 1} of {count}"
            wait(f"Set {load}, then press Enter.")
        meters = [each for each in (meter, second) if each is not None]
        _measure(meters, seconds)
        shown, uncertainty = meter.mean()
        true, of_true = (reference.loads[k], 0.0) if second is None else second.mean()
        levels.append(Level(true, shown, math.hypot(uncertainty, of_true)))
        say(f"{true:.6g} {unit}: shown {shown:.6g} {unit}")
    return levels


def _measure(meters: Sequence[_Meter], seconds: float) -> None:
    """Read all of them over the same time."""
    for meter in meters:
        meter.forget()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for meter in meters:
            meter.read()


@dataclass(slots=True)
class _Meter:
    """An open instrument and one of its signals."""

    source: PowerSource
    info: SourceInfo
    signal: Signal
    values: list[np.ndarray[tuple[int], np.dtype[np.float64]]] = field(default_factory=list)

    @classmethod
    def open(cls, stack: ExitStack, spec: SourceSpec, name: str | None, quantities: Sequence[Quantity]) -> _Meter:
        """Raises MonitorError."""
        for instrument in make_instruments(spec):
            stack.callback(instrument.close)
            source = instrument.make_source(None)
            stack.callback(source.close)
            source.open()
            found = [_chosen(source.info, name, quantity) for quantity in quantities]
            signal = next((each for each in found if each is not None), None)
            if signal is not None:
                return cls(source, source.info, signal)
        words = " or ".join(quantity.name.lower() for quantity in quantities)
        what = f"{words} {name}" if name else f"single {words}"
        raise SourceError(f"{spec.name} has no {what}: name one of its signals with --signal.")

    @property
    def quantity(self) -> Quantity:
        return self.signal.quantity

    @property
    def is_one_of_several(self) -> bool:
        return sum(signal.quantity is self.quantity for signal in self.info.signals) > 1

    def forget(self) -> None:
        """Drop what has been read, and what came before the load was set."""
        self.source.read(READ_S)
        self.values.clear()

    def read(self) -> None:
        for reading in self.source.read(READ_S):
            if isinstance(reading, SampleBlock):
                self.values.append(self._values(reading))

    def mean(self) -> tuple[float, float]:
        """Mean and its standard uncertainty. Raises SourceError where nothing came."""
        values = np.concatenate(self.values) if self.values else np.empty(0)
        if not len(values):
            raise SourceError(f"{self.info.name} gave no value in this time: measure longer, with --seconds.")
        parts = [part.mean() for part in np.array_split(values, min(PARTS, len(values)))]
        scatter = float(np.std(parts, ddof=1)) / math.sqrt(len(parts)) if len(parts) > 1 else 0.0
        return float(values.mean()), scatter

    def _values(self, block: SampleBlock) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        stored = {
            signal.name: signal.scale * codes.astype(np.float64) + signal.offset
            for signal, codes in zip(self.info.stored_signals, block.codes, strict=True)
        }
        if self.signal.product_of is None:
            return stored[self.signal.name]
        current, voltage = self.signal.product_of
        return stored[current] * stored[voltage]


def _chosen(info: SourceInfo, name: str | None, quantity: Quantity) -> Signal | None:
    """The signal of that name, or the only one of the quantity, or the total among several."""
    signals = [signal for signal in info.signals if signal.quantity is quantity]
    if name is not None:
        return next((signal for signal in signals if name in {signal.name, signal.name.removesuffix(" current")}), None)
    totals = [signal for signal in signals if signal.role is Role.TOTAL]
    chosen = signals if len(signals) == 1 else totals
    return chosen[0] if len(chosen) == 1 else None
