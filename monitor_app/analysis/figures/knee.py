# SPDX-License-Identifier: Apache-2.0
"""The batch size beyond which larger ones hardly save energy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monitor_app.core.estimate import Estimate

NEAR = 1.10
"""Largest ratio of the energy per image at the knee to the least energy."""


@dataclass(frozen=True, slots=True)
class Knee:
    """The smallest batch whose energy per image is within 10 % of the least; ``earliest <= batch <= latest``.

    Only measured batches count: if the largest of them takes the least energy, a larger one may take even less.
    """

    batch: int
    earliest: int
    """The smallest batch that the intervals allow."""
    latest: int
    """The smallest batch that the intervals prove, or the one with the least energy."""


def knee(energy: Mapping[int, Estimate]) -> Knee | None:
    """The knee of energies by batch size; None for fewer than two of them or none above zero."""
    positive = {batch: energy[batch] for batch in sorted(energy) if energy[batch].value > 0}
    if len(positive) < 2:
        return None
    least_batch = min(positive, key=lambda batch: positive[batch].value)
    least = positive[least_batch]
    # The least lower end of any batch: the batch with the least value need not be the one with the least true value.
    lowest = min(each.low for each in positive.values())
    surest = min(each.high for each in positive.values())
    batch = next(b for b, e in positive.items() if e.value <= NEAR * least.value)
    earliest = next(b for b, e in positive.items() if b == batch or e.low <= NEAR * surest)
    latest = next(b for b, e in positive.items() if b >= batch and (b == least_batch or e.high <= NEAR * lowest))
    return Knee(batch, earliest, latest)
