# SPDX-License-Identifier: Apache-2.0
"""Frames of a PowerSensor3 on their way to an index: what came, what is known of each, and what is held."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.sources.powersensor3.decoder import Frames

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class FramePosition:
    """Of one frame."""

    index: int
    elapsed_us: int
    """Device time since the first frame; a multiple of 1024 us may be missing at every doubt."""
    seen_ns: int


@dataclass(slots=True)
class Batch:
    """Frames as they came, and what is known of each."""

    frames: Frames
    seen_ns: NDArray[np.int64]
    answers: dict[int, int]
    """The device's count as reported just before frame k."""

    def __add__(self, other: Batch) -> Batch:
        a, b = self.frames, other.frames
        frames = Frames(
            np.concatenate((a.levels, b.levels)),
            np.concatenate((a.stamps, b.stamps)),
            np.concatenate((a.marked, b.marked)),
            np.concatenate((a.skipped, b.skipped)),
        )
        answers = self.answers | {k + len(a): answer for k, answer in other.answers.items()}
        return Batch(frames, np.concatenate((self.seen_ns, other.seen_ns)), answers)

    def part(self, start: int, stop: int) -> Batch:
        f, cut = self.frames, slice(start, stop)
        frames = Frames(f.levels[cut], f.stamps[cut], f.marked[cut], f.skipped[cut])
        answers = {k - start: answer for k, answer in self.answers.items() if start <= k < stop}
        return Batch(frames, self.seen_ns[cut], answers)


@dataclass(frozen=True, slots=True)
class Piece:
    """Frames in a row, held or about to be released."""

    first: FramePosition
    last: FramePosition
    levels: NDArray[np.uint16]
    marks: tuple[tuple[int, int], ...]
    """(offset, seen_ns)"""
    doubtful: bool


@dataclass(frozen=True, slots=True)
class FrameIndex:
    """Of the frames of a batch."""

    index: NDArray[np.int64]
    elapsed_us: NDArray[np.int64]
    doubtful: NDArray[np.bool_]
    """More may be missing before it than the stamps say."""
    after_joint: NDArray[np.bool_]
    """The frame before it may be made of two."""

    def of(self, k: int, batch: Batch) -> FramePosition:
        return FramePosition(int(self.index[k]), int(self.elapsed_us[k]), int(batch.seen_ns[k]))

    def pieces(self, n: int, answers: Mapping[int, int]) -> list[tuple[int, int]]:
        """[start, stop) of frames in a row among the first n, cut where an answer came too."""
        cuts = sorted({0, n, *np.flatnonzero(self.doubtful[:n]).tolist(), *(k for k in answers if k < n)})
        return list(pairwise(cuts))
