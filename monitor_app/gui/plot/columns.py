# SPDX-License-Identifier: Apache-2.0
"""Groups of samples as lines to draw, one column for each pixel, with their gaps. No Qt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from monitor_app.session.waveform import Envelope

FULL_ENOUGH = 0.25
"""Fraction of its samples that the newest group needs for its mean to be part of the line."""
BASE, FACTOR = 64, 16
"""Sizes of the stored groups: 64 samples, then 16 times more at each level of the pyramid."""


@dataclass(frozen=True, slots=True)
class TraceLines:
    """An interval of a signal as lines; times are in s since the start of the session."""

    minimum: NDArray[np.float64]
    """Of each group, as ``maximum``: the ends of a vertical line; both are empty for single samples."""
    maximum: NDArray[np.float64]
    mean_x: NDArray[np.float64]
    mean_y: NDArray[np.float64]
    deviation: NDArray[np.float64]
    """Standard deviation of each group; empty for single samples."""
    joined: NDArray[np.bool_]
    """Whether a point of the mean line is joined to the next one; False before a gap."""
    low: float
    high: float
    samples_per_column: int

    @property
    def has_gaps(self) -> bool:
        return not bool(self.joined[:-1].all())


def columns_for(duration_s: float, rate_hz: float, pixels: int) -> int:
    """Columns to ask for so that each pixel gets one, and fewer than two.

    Groups come in multiples of a stored size; asking for the multiple below keeps columns from being wider than a
    pixel, which would leave stripes.
    """
    samples = max(duration_s * rate_hz, 1.0)
    per_pixel = samples / max(pixels, 1)
    if per_pixel < BASE:
        width = max(int(per_pixel), 1)
    else:
        size = BASE
        while size * FACTOR <= per_pixel:
            size *= FACTOR
        width = int(per_pixel / size) * size
    return max(round(samples / width), 1)


def trace_lines(envelope: Envelope, origin_ns: int) -> TraceLines:
    """The envelope as lines."""
    single = envelope.samples_per_column == 1
    start_ns, end_ns = envelope.start_ns - origin_ns, envelope.end_ns - origin_ns
    x = 1e-9 * np.asarray(start_ns if single else (start_ns + end_ns) / 2, np.float64)
    low, high = envelope.minimum, envelope.maximum
    return TraceLines(
        minimum=low[:0] if single else low,
        maximum=high[:0] if single else high,
        mean_x=x,
        mean_y=envelope.mean,
        deviation=low[:0] if single else np.sqrt(envelope.variance),
        joined=joined_groups(envelope),
        low=float(low.min()) if len(low) else float("nan"),
        high=float(high.max()) if len(high) else float("nan"),
        samples_per_column=envelope.samples_per_column,
    )


def joined_groups(envelope: Envelope) -> NDArray[np.bool_]:
    """A group is joined to the next one unless samples are missing in either or between them."""
    n = len(envelope)
    joined = np.ones(n, np.bool_)
    if n < 2:
        return joined
    length = envelope.end_ns - envelope.start_ns
    between = envelope.start_ns[1:] - envelope.end_ns[:-1]
    joined[:-1] = between <= 0.5 * np.median(length)
    # The first and the last group are cut at the window's edge and smaller without a loss.
    short = envelope.count[1:-1] < envelope.samples_per_column
    joined[1:-1] &= ~short
    joined[:-2] &= ~short
    # The mean of a few samples at the live edge would fluctuate; their column is drawn nevertheless.
    joined[-2] &= envelope.count[-1] >= FULL_ENOUGH * envelope.samples_per_column
    return joined


def extremes(
    x: NDArray[np.float64], y: NDArray[np.float64], start: float, width: float, pixels: int
) -> NDArray[np.int64]:
    """Indices of the points to draw: all, or the lowest and highest within each pixel. x is sorted."""
    if len(x) <= 2 * pixels:
        return np.arange(len(x))
    column = np.floor((x - start) / width * pixels).astype(np.int64)
    by_value = np.lexsort((y, column))
    first = np.flatnonzero(np.diff(column[by_value], prepend=column[by_value[0]] - 1))
    last = np.append(first[1:], len(x)) - 1
    return np.unique(np.concatenate((by_value[first], by_value[last])))
