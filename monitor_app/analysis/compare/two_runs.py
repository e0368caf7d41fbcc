# SPDX-License-Identifier: Apache-2.0
"""Two runs of a session: by how much their results differ, and whether that is more than their uncertainty.

Both were measured by the same meter, so an error of its gain cancels in their ratio. What changes from one run of the
same network to the next, such as the temperature of the board, is in neither interval: only repetitions show it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from monitor_app.analysis.compare.change import beyond_noise, change_of_ratio, without_gain
from monitor_app.analysis.run.energy import COVERAGE_FACTOR
from monitor_app.core.estimate import Estimate
from monitor_app.core.formatting import decimals_of, fixed, interval
from monitor_app.core.models.units import worded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from monitor_app.analysis.run.energy import Budget, Figure
    from monitor_app.analysis.run.results import RunResult


@dataclass(frozen=True, slots=True)
class RunChange:
    """One quantity of both runs, in ``unit``."""

    name: str
    unit: str
    first: Estimate
    second: Estimate
    ratio: Estimate
    """The second over the first, without the gain that both have in common."""
    p_value: float
    """Two-sided: the probability of a difference at least as large if there is none."""
    real: bool
    """Whether it is beyond noise, all quantities of the comparison considered (Holm 1979)."""

    @property
    def sentence(self) -> str:
        """For people."""
        values = f"{interval(self.first, self.unit)} and {interval(self.second, self.unit)}"
        verdict = "a real difference" if self.real else "no difference is shown"
        name = f"{self.name[0].upper()}{self.name[1:]}"
        return f"{name}: {values}, {percent_change(self.ratio)}: {verdict}."


def percent_change(ratio: Estimate) -> str:
    """+3.1 % (+0.5 to +6.8 %), to the digits that the interval supports."""
    value, low, high = (100 * (each - 1) for each in (ratio.value, ratio.low, ratio.high))
    half = max(value - low, high - value)
    if not math.isfinite(half):
        return f"{_signed(value, decimals_of(value))} % (interval not known)"
    decimals = decimals_of(value, half)
    return f"{_signed(value, decimals)} % ({_signed(low, decimals)} to {_signed(high, decimals)} %)"


def run_changes(first: RunResult, second: RunResult) -> tuple[RunChange, ...]:
    """Of each quantity that both runs have."""
    return _decided(list(_begun(first, second)))


def _begun(first: RunResult, second: RunResult) -> Iterator[RunChange]:
    for (name, unit, old, old_gain), (_, _, new, new_gain) in zip(_values(first), _values(second), strict=True):
        if old is None or new is None or min(old.value, new.value) <= 0:
            continue
        if first.unit != second.unit and name.endswith("image"):
            continue
        gain = min(old_gain, new_gain)
        change = change_of_ratio(without_gain(old, gain), without_gain(new, gain))
        back = change_of_ratio(without_gain(new, gain), without_gain(old, gain))
        p_value = min(2 * min(change.p_value, back.p_value), 1.0)
        if change.ratio is not None and not math.isnan(p_value):
            yield RunChange(worded(name, first.unit), unit, old, new, change.ratio, p_value, real=False)


def _decided(found: Sequence[RunChange]) -> tuple[RunChange, ...]:
    """Holm's procedure with two-sided probabilities."""
    changes = [replace(change_of_ratio(each.first, each.second), p_value=each.p_value) for each in found]
    return tuple(replace(each, real=real) for each, real in zip(found, beyond_noise(changes), strict=True))


def _values(result: RunResult) -> Iterator[tuple[str, str, Estimate | None, float]]:
    """Name, unit, value and relative standard uncertainty of the gain; always the same in the same order."""
    per_image, energy, power = result.seconds_per_image, result.energy, result.power
    yield "time / image", "ms", None if per_image is None else per_image.scaled(1e3), 0.0
    yield "net energy / image", "mJ", *_of_energy(None if energy is None else energy.net)
    yield "energy / image", "mJ", *_of_energy(None if energy is None else energy.gross)
    full_w, net_w = (None, None) if power is None else (power.full_w, power.net_w)
    yield "full power", "W", *_of(full_w, None if energy is None else energy.full_w)
    yield "net power", "W", *_of(net_w, None if energy is None else energy.net_w)


def _of_energy(figure: Figure | None) -> tuple[Estimate | None, float]:
    """In mJ."""
    return (None, 0.0) if figure is None else _of(figure.j_per_image, figure.budget, 1e3)


def _of(value: float | None, budget: Budget | None, scale: float = 1.0) -> tuple[Estimate | None, float]:
    if value is None or budget is None or not math.isfinite(budget.combined):
        return None, 0.0
    half = COVERAGE_FACTOR * budget.combined
    estimate = Estimate(scale * value, scale * (value - half), scale * (value + half))
    return estimate, budget.gain / abs(value) if value else 0.0


def _signed(value: float, decimals: int) -> str:
    text = fixed(value, decimals)
    return f"+{text}" if value > 0 else text
