# SPDX-License-Identifier: Apache-2.0
"""Samples that a bit flipped on the line is the best explanation for. Pure: arrays and state in, places out.

Without a checksum a flipped bit makes a valid sample of another value. The value is never changed; one that jumps by
much more than its neighbours and is back at the very next sample is pointed out. A load step stays, and is none.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

ALIKE = 8
"""Its neighbours differ from each other by less than this fraction of the jump, one eighth."""


def _nothing() -> NDArray[np.float64]:
    return np.empty((0, 0))


@dataclass(frozen=True, slots=True)
class JumpState:
    """What is carried from one block to the next."""

    next_index: int = -1
    """Index after the last sample."""
    last: NDArray[np.float64] = field(default_factory=_nothing)
    """The last two samples, or fewer: shape (0 to 2, channels)."""


def lone_jumps(
    first_index: int, values: NDArray[np.generic], least: NDArray[np.float64], state: JumpState
) -> tuple[NDArray[np.int64], JumpState]:
    """Samples that differ from both of their neighbours by a jump that these do not know of.

    Args:
        first_index: of the first sample of the block; a gap before it begins anew.
        values: shape (n, channels), in any unit.
        least: of each channel the smallest jump that is pointed out, in that unit, above 0.
        state: after the block before.

    Returns:
        Indices in rising order, the first of which may be the last sample of the block before, and the state. Any
        split of a stream into blocks gives the same indices. The first and the last sample of all are never found.
    """
    joined = first_index == state.next_index and len(state.last) > 0
    rows = np.concatenate((state.last, values)) if joined else values.astype(np.float64)
    start = first_index - (len(state.last) if joined else 0)
    after = JumpState(first_index + len(values), rows[-2:])
    if len(rows) < 3:
        return np.empty(0, np.int64), after
    steps = np.diff(rows, axis=0)
    jump = np.minimum(np.abs(steps[:-1]), np.abs(steps[1:]))
    found = (jump >= least) & (np.abs(rows[2:] - rows[:-2]) * ALIKE < jump)
    return start + 1 + np.flatnonzero(found.any(axis=1)), after
