# SPDX-License-Identifier: Apache-2.0
"""From which batch size on a larger one hardly saves energy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monitor_app.core.estimate import Estimate

NEAR = 1.10
"""An image at the knee takes at most this times the least energy."""


@dataclass(frozen=True, slots=True)
class Knee:
    """The smallest batch whose energy an image is within 10 % of the least; ``earliest <= batch <= latest``.

    It is that of the batches that were measured: where the least is at the largest of them, a larger one may take
    less still.
    """

    batch: int
    earliest: int
    """The smallest of which the intervals allow it."""
    latest: int
    """The smallest of which they prove it, or that with the least energy."""


def knee(energy: Mapping[int, Estimate]) -> Knee | None:
    """The knee of energies by batch size; None for fewer than two of them or none above zero."""
    positive = {batch: energy[batch] for batch in sorted(energy) if energy[batch].value > 0}
    if len(positive) < 2:
        return None
    least_batch = min(positive, key=lambda batch: positive[batch].value)
    least = positive[least_batch]
    # The least interval end of any batch: another one than the least value may in truth be the least.
    lowest = min(each.low for each in positive.values())
    surest = min(each.high for each in positive.values())
    batch = next(b for b, e in positive.items() if e.value <= NEAR * least.value)
    earliest = next(b for b, e in positive.items() if b == batch or e.low <= NEAR * surest)
    latest = next(b for b, e in positive.items() if b >= batch and (b == least_batch or e.high <= NEAR * lowest))
    return Knee(batch, earliest, latest)
