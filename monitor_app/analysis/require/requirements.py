# SPDX-License-Identifier: Apache-2.0
"""Requirements as values in SI units, and what they are called."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from monitor_app.core.formatting import number

if TYPE_CHECKING:
    from monitor_app.analysis.require.limits import Limits


class Kind(str, Enum):
    """What is limited."""

    MISSES = "deadline"
    """The fraction of batches that take longer than the deadline."""
    P99 = "p99"
    """The time of a batch that 1 % of them exceed."""
    ENERGY = "energy"
    """Of the whole board, per image."""
    POWER = "power"
    """Mean of the whole board while batches are timed."""
    TOP1 = "top1"


UNITS = {
    Kind.MISSES: ("%", 100.0),
    Kind.P99: ("ms", 1e3),
    Kind.ENERGY: ("mJ", 1e3),
    Kind.POWER: ("W", 1.0),
    Kind.TOP1: ("%", 100.0),
}
"""In which values of each kind are written, and what one in SI units is multiplied by for it."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One limit. A value that is exactly the limit meets it."""

    kind: Kind
    limit: float
    """The largest value that meets it, or the smallest of an accuracy: a fraction, s, J or W."""
    deadline_s: float | None = None
    """Of ``MISSES``."""

    @property
    def title(self) -> str:
        """For people: energy at most 60 mJ per image."""
        if self.kind is Kind.MISSES:
            return f"deadline {number(1e3 * (self.deadline_s or 0.0))} ms missed by at most {ratio(self.limit)}"
        if self.kind is Kind.P99:
            return f"p99 at most {number(1e3 * self.limit)} ms"
        if self.kind is Kind.ENERGY:
            return f"energy at most {number(1e3 * self.limit)} mJ per image"
        if self.kind is Kind.POWER:
            return f"power at most {number(self.limit)} W"
        return f"top-1 at least {number(100 * self.limit)} %"

    @property
    def short(self) -> str:
        """The same where there is little room: energy ≤ 60 mJ."""
        if self.kind is Kind.MISSES:
            return f"deadline {number(1e3 * (self.deadline_s or 0.0))} ms, {ratio(self.limit)}"
        unit, scale = UNITS[self.kind]
        sign = "≥" if self.kind is Kind.TOP1 else "≤"
        name = "top-1" if self.kind is Kind.TOP1 else self.kind.value
        return f"{name} {sign} {number(scale * self.limit)} {unit}"


def requirements_of(require: Limits) -> tuple[Requirement, ...]:
    """Those of a profile or of a command line, in a fixed order."""
    found: list[Requirement] = []
    if require.deadline_ms is not None:
        found.append(Requirement(Kind.MISSES, require.miss_ratio, 1e-3 * require.deadline_ms))
    limits = (
        (Kind.P99, require.p99_ms, 1e-3),
        (Kind.ENERGY, require.max_energy_mj, 1e-3),
        (Kind.POWER, require.max_power_w, 1.0),
        (Kind.TOP1, require.min_top1, 1e-2),
    )
    found += [Requirement(kind, scale * limit) for kind, limit, scale in limits if limit is not None]
    return tuple(found)


def ratio(fraction: float) -> str:
    """A small fraction as people say it: 0.1 %."""
    return f"{number(100 * fraction)} %"
