# SPDX-License-Identifier: Apache-2.0
"""The values of a comparison: what is compared, by how much it may get worse, and how each check ended."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from monitor_app.core.errors import MonitorError
from monitor_app.core.models.units import IMAGE

if TYPE_CHECKING:
    from monitor_app.core.estimate import Estimate


class CompareError(MonitorError):
    """A comparison that cannot be made as it was asked for."""


class Compared(str, Enum):
    """What is compared."""

    ENERGY = "energy"
    """Per image, of the whole board; above idle where only that is in both sessions."""
    LATENCY = "latency"
    """Median time of a batch over its images."""
    MEMORY = "memory"
    ACCURACY = "accuracy"
    """Top-1, once per network."""


class Verdict(str, Enum):
    """The result of a check."""

    PASSED = "passed"
    """The upper end of the one-sided 95 % interval is within the limit."""
    FAILED = "failed"
    """Worse by more than the limit, and noise does not explain that it is worse."""
    UNCLEAR = "unclear"
    """Neither, or there is nothing to compare with."""
    MISSING = "missing"
    """Measured in the baseline and not in the candidate."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The most by which the candidate may be worse, at least 0; None: not checked."""

    energy: float | None = None
    """Relative: 0.03 for 3 %."""
    latency: float | None = None
    memory: float | None = None
    accuracy: float | None = None
    """Points of top-1: 0.5 for from 70.0 % to 69.5 %."""

    def __post_init__(self) -> None:
        for limit in (self.energy, self.latency, self.memory, self.accuracy):
            if limit is not None and not (math.isfinite(limit) and limit >= 0):
                raise CompareError(
                    f"A limit must be 0 or more, not {limit}: give the largest increase that is tolerated."
                )

    def of(self, quantity: Compared) -> float | None:
        """The limit of one quantity."""
        return {
            Compared.ENERGY: self.energy,
            Compared.LATENCY: self.latency,
            Compared.MEMORY: self.memory,
            Compared.ACCURACY: self.accuracy,
        }[quantity]


@dataclass(frozen=True, slots=True)
class Check:
    """One quantity of one network in both sessions."""

    network: str
    """Its name in the registry."""
    label: str
    """For people, unique among the checks of a quantity: ResNet-50 b16, fp16."""
    batch: int | None
    """None: of the network at all batch sizes."""
    quantity: Compared
    limit: float
    """As in `Limits`."""
    baseline: Estimate | None
    """s or J per image, bytes, or a fraction of the images, with its 95 % interval."""
    candidate: Estimate | None
    ratio: Estimate | None
    """Candidate over baseline, with its 95 % interval; None where one of them is missing or not above 0."""
    verdict: Verdict
    sentence: str
    unit: str = IMAGE
    """What times and energies are per."""

    @property
    def fails(self) -> bool:
        """A job with this check must fail."""
        return self.verdict in {Verdict.FAILED, Verdict.MISSING}


def parse_percent(text: str) -> float:
    """A limit as it is typed, +3%, 3 % or 0.5%, as a fraction. Raises CompareError."""
    number, sign, rest = text.strip().partition("%")
    try:
        percent = float(number) if sign and not rest and "_" not in number else math.nan
    except ValueError:
        percent = math.nan
    if not (math.isfinite(percent) and percent >= 0):
        raise CompareError(
            f"{text!r} is not a limit: give the largest tolerated increase as a percentage, such as +3%."
        )
    return percent / 100
