# SPDX-License-Identifier: Apache-2.0
"""The state of the sources in a session file while it is written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.session.pyramid import LEVELS, Entries, Pyramid

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from monitor_app.core.samples import Signal

INTERRUPTED = "the recording was interrupted"
"""Reason of a gap between two parts of a session: the session was not being recorded, and no sample was lost."""


@dataclass(slots=True)
class Channel:
    """A stored or derived signal while it is written."""

    id: int
    signal: Signal
    pyramid: Pyramid = field(default_factory=Pyramid)
    waiting: list[list[Entries]] = field(default_factory=lambda: [[] for _ in range(LEVELS)])
    """Per level: complete entries, too few yet for a row of their own."""


@dataclass(frozen=True, slots=True)
class Block:
    """Samples with their place in the file, before they are written."""

    first: int
    codes: tuple[NDArray[np.generic], ...]
    times_ns: NDArray[np.int64]
    """Of every sample, or of the first and the last where they are evenly spaced."""
    even: bool

    @property
    def end(self) -> int:
        return self.first + len(self.codes[0])


@dataclass(frozen=True, slots=True)
class Tail:
    """Where the samples of a source end in the file before this part."""

    end: int
    """Index after the last one."""
    last_ns: int
    """Time of the last one."""
    rate_hz: float


@dataclass(frozen=True, slots=True)
class Pause:
    """The row of ``gap`` between two parts."""

    first: int
    start_ns: int
    end_ns: int


@dataclass(slots=True)
class Source:
    """One source in the file; ``offset`` leads from the indices of this part to those of the file."""

    id: int
    stored: list[Channel]
    derived: list[Channel]
    tail: Tail | None = None
    offset: int | None = 0
    """None until the time of the first samples gives the length of the pause."""
    last_ns: int = 0
    open_gap: int | None = None
    """Row of the gap that grows until samples come again."""
    blocks: list[Block] = field(default_factory=list)
    """Blocks since the last commit."""

    @property
    def channels(self) -> tuple[Channel, ...]:
        return (*self.stored, *self.derived)

    def index(self, first: int) -> int:
        """Of a sample in the file, by its index in this part."""
        assert self.offset is not None, "the first samples set the offset"
        return first + self.offset

    def resume(self, first: int, start_ns: int) -> Pause | None:
        """The first sample of this part; its index in the file is later by the samples of the pause."""
        assert self.tail is not None, "only a source of an earlier part is resumed"
        end_ns = self.tail.last_ns + round(1e9 / self.tail.rate_hz)
        missed = max(round((start_ns - end_ns) * 1e-9 * self.tail.rate_hz), 0)
        self.offset = self.tail.end + missed - first
        return Pause(self.tail.end, end_ns, start_ns) if missed else None

    def add(
        self, first: int, codes: tuple[NDArray[np.generic], ...], times_ns: NDArray[np.int64], *, even: bool
    ) -> None:
        """A block with its place in this part and its times in the file."""
        if self.tail is not None:
            # Within the clock bounds the first samples could seem to be older than the last ones of the part before.
            steps = np.array([0, len(codes[0]) - 1]) if even else np.arange(len(times_ns))
            times_ns = np.maximum(times_ns, self.last_ns + 1 + steps)
            self.last_ns = int(times_ns[-1])
        self.blocks.append(Block(self.index(first), codes, times_ns, even))

    def take_runs(self) -> Iterator[list[Block]]:
        """The blocks since the last commit, grouped where they follow each other without a gap."""
        blocks, self.blocks = self.blocks, []
        start = 0
        for k in range(1, len(blocks) + 1):
            if k == len(blocks) or blocks[k].first != blocks[k - 1].end or blocks[k].even != blocks[k - 1].even:
                yield blocks[start:k]
                start = k


def sample_rows(signal: int, blocks: Sequence[Block], codes: NDArray[np.generic]) -> Iterator[tuple[object, ...]]:
    """One row for evenly spaced samples, for others one each: within a row times are evenly spaced."""
    first = blocks[0].first
    if blocks[0].even:
        t_first_ns, t_last_ns = int(blocks[0].times_ns[0]), int(blocks[-1].times_ns[-1])
        yield signal, first, len(codes), t_first_ns, t_last_ns, codes.tobytes()
        return
    for block in blocks:
        begin, n = block.first - first, block.end - block.first
        size = n if _is_even(block.times_ns) else 1
        for k, t_first_ns, t_last_ns in zip(
            range(begin, begin + n, size), block.times_ns[::size].tolist(), block.times_ns[size - 1 :: size].tolist(),
            strict=True,
        ):  # fmt: skip
            yield signal, first + k, size, t_first_ns, t_last_ns, codes[k : k + size].tobytes()


def _is_even(times_ns: NDArray[np.int64]) -> bool:
    """To the nanosecond, so that a reader computes the same times from the first and the last."""
    steps = np.arange(len(times_ns)) * (int(times_ns[-1] - times_ns[0]) / max(len(times_ns) - 1, 1))
    return bool((np.abs(times_ns - times_ns[0] - np.round(steps)) <= 1).all())
