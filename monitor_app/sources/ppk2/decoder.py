# SPDX-License-Identifier: Apache-2.0
"""Bytes of a Power Profiler Kit II as words of known place in the stream. Pure: bytes and state in, values out.

A sample is a little-endian word of 32 bits: 14 of the converter, 3 of the range (0 to 4), 1 for the battery, 6 of
a counter, 8 of the digital lines. There is no frame and no checksum, so the counter alone shows where words begin
and what is missing. A word is passed on only if the counter has run on without a break for MARGIN_AFTER words
before it and does so for MARGIN_BEFORE words behind it; after a break, that needs PROOF_WORDS in a row at one byte
phase and at no other. What does not pass is not guessed at: it is counted as lost with whatever never came.

The counter has six bits: of a loss it gives the number of samples modulo 64 only, and it does not see one of
exactly 64, or of a multiple (LossWatch looks for those). Two things look like whole words: one that is
put together from the halves of two between which such a loss lies; and, when bytes are lost while the current rises
by exactly 4 codes a sample, in one case of 64, its own phase from the one in which the current counts.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.core.samples import LineChanges

if TYPE_CHECKING:
    from numpy.typing import NDArray


WORD_BYTES = 4
COUNTS = 64
PROOF_WORDS = 8
"""Chance makes this many words follow each other once in 4 million million times."""
MARGIN_BEFORE = 8
"""Words before a break that are left out: where bytes are gone, what follows may seem to run on for a few words,
most of all with a smooth current."""
MARGIN_AFTER = 3
"""Words after a break that are left out: the first may be made of pieces, and chance may have put some before it."""

_CODE_BITS = 14
_COUNTER_BITS = 18
_LINE_BITS = 24
_RANGE = np.uint32(7 << _CODE_BITS)
_LAST_RANGE = np.uint32(4 << _CODE_BITS)
_PROOF_BYTES = PROOF_WORDS * WORD_BYTES
_RIVALS = np.array([d for d in range(1, _PROOF_BYTES) if d % WORD_BYTES])
"""Where a run at another byte phase that shares bytes with one begins, from the beginning of that."""
_CHUNK_WORDS = 16_384
_CHUNK_BYTES = 4_096


@dataclass(frozen=True, slots=True)
class Words:
    """Samples that follow each other without a gap."""

    first: int
    """Index of the first one; the first of all is 0."""
    words: NDArray[np.uint32]
    lost_before: int
    """Samples that are missing before the first one, modulo 64."""


@dataclass(frozen=True, slots=True)
class DecoderState:
    """What is carried from one read to the next."""

    rest: bytes = b""
    """In step: the last word passed on and all after it. Else: bytes in which no run of words has begun so far."""
    in_step: bool = False
    next_index: int = 0
    counter: int | None = None
    """Of the last word passed on."""
    breaks: int = 0
    """Places at which the counter did not run on, since the beginning."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """What a read has proven, and what is carried to the next."""

    runs: tuple[Words, ...]
    state: DecoderState


def decode(data: bytes, state: DecoderState) -> Decoded:
    """All words that are proven to be whole with these bytes; the last MARGIN_BEFORE wait for what follows them."""
    buffer = state.rest + data
    at, in_step, counter, next_index, breaks = 0, state.in_step, state.counter, state.next_index, state.breaks
    runs: list[Words] = []
    while True:
        if not in_step:
            at, in_step = _search(buffer, at)
            if not in_step:
                break
        words, at, in_step = _follow(buffer, at)
        if len(words):
            lost = 0 if counter is None else (_counter(words[0]) - counter - 1) % COUNTS
            runs.append(Words(next_index + lost, words, lost))
            next_index += lost + len(words)
            counter = _counter(words[-1])
        if in_step:
            break
        breaks += 1
    return Decoded(tuple(runs), DecoderState(buffer[at:], in_step, next_index, counter, breaks))


def line_changes(run: Words, levels_before: int) -> LineChanges:
    """Changes of the eight digital lines; bit i of ``levels_before`` is the level of line i before the run."""
    levels = np.empty(len(run.words) + 1, np.uint8)
    levels[0] = levels_before
    levels[1:] = run.words >> _LINE_BITS
    changed = levels[1:] ^ levels[:-1]
    at = np.flatnonzero(changed)
    row, bit = np.nonzero(np.unpackbits(changed[at, None], axis=1, bitorder="little"))
    line = bit.astype(np.uint8)
    return LineChanges(run.first + at[row], line, levels[1:][at[row]] >> line & np.uint8(1))


def ranges(run: Words) -> NDArray[np.uint32]:
    """The range of each sample, 0 to 4."""
    found: NDArray[np.uint32] = (run.words & _RANGE) >> np.uint32(_CODE_BITS)
    return found


def levels_after(run: Words) -> int:
    """Levels of the digital lines at the last word, line i in bit i."""
    return int(run.words[-1]) >> _LINE_BITS


def _counter(word: np.uint32) -> int:
    return int(word) >> _COUNTER_BITS & COUNTS - 1


def _follow(buffer: bytes, at: int) -> tuple[NDArray[np.uint32], int, bool]:
    """The words after the one at ``at`` up to the next break, where to go on, and whether still in step there."""
    words = np.frombuffer(buffer, "<u4", (len(buffer) - at) // WORD_BYTES, at)
    length = _length_of_run(words)
    last = max(length - 1 - MARGIN_BEFORE, 0)
    if length == len(words):
        return words[1 : last + 1], at + last * WORD_BYTES, True
    return words[1 : last + 1], at + length * WORD_BYTES, False


def _length_of_run(words: NDArray[np.uint32]) -> int:
    """How many words follow each other from the first on; that one is taken as it is."""
    for start in range(0, len(words) - 1, _CHUNK_WORDS):
        part = words[start : start + _CHUNK_WORDS + 1]
        counters = part >> np.uint32(_COUNTER_BITS)
        broken = (counters[1:] - counters[:-1]) & np.uint32(COUNTS - 1) != 1
        broken |= (part[1:] & _RANGE) > _LAST_RANGE
        first = int(broken.argmax())
        if broken[first]:
            return start + first + 1
    return len(words)


def _search(buffer: bytes, at: int) -> tuple[int, bool]:
    """The place of the last word of the margin of the next proven run; or up to where there is none, and False."""
    # Whether a run has a rival shows only when as many bytes again are there.
    decidable = 2 * _PROOF_BYTES
    while (left := len(buffer) - at) >= decidable:
        piece = np.frombuffer(buffer, np.uint8, min(left, _CHUNK_BYTES + decidable), at)
        begins = _run_begins(piece)
        candidates = np.flatnonzero(begins[: len(piece) - decidable + 1])
        proven = candidates[~begins[candidates[:, None] + _RIVALS].any(axis=1)]
        if len(proven):
            return at + int(proven[0]) + (MARGIN_AFTER - 1) * WORD_BYTES, True
        at += len(piece) - decidable + 1
    return at, False


def _run_begins(piece: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """For each byte, whether PROOF_WORDS words that follow each other begin there."""
    counters = piece[2:-1] >> 2
    ranges = piece[1:-2] >> 6 | (piece[2:-1] & 1) << 2
    valid = ranges <= 4
    links = (counters[4:] - counters[:-4]) & (COUNTS - 1) == 1
    links &= valid[4:] & valid[:-4]
    n = len(piece) - _PROOF_BYTES + 1
    begins = np.ones(n, np.bool_)
    for word in range(PROOF_WORDS - 1):
        begins &= links[word * WORD_BYTES :][:n]
    return begins


BIN_NS = 1_000_000_000
PERSIST_BINS = 3
LEAST_NS = 10_000_000
LEAST_BROKEN_NS = 2_000_000


class LossWatch:
    """Follows the arrivals of one stream, to find by the clock what a counter of six bits does not show.

    The instrument takes samples at a rate known to a few parts in ten thousand. Samples that are late come all the
    same, later; samples that are lost never do, and from then on every one seems to be late by as much. So what counts
    is how late the earliest read of a second is, and only when it stays late for PERSIST_BINS seconds in a row: a stall
    of this program, of the system or of the bus ends with a burst and is not counted. A transport that becomes
    permanently slower by LEAST_NS would be counted: a network may do that, a cable does not.

    Found is a loss of LEAST_NS, or of LEAST_BROKEN_NS where the counter shows that something is gone, PERSIST_BINS to
    PERSIST_BINS + 1 seconds after it happened; until then the samples that followed it have been given times that are
    too early by it. Its size is right to the nearest multiple of 64, or the one beside it if the transport became
    slower in the same second. Not found is a multiple of 64 that is smaller: 64 samples are 0.64 ms, too little to
    distinguish a loss from a delay.
    """

    def __init__(self, rate_hz: float) -> None:
        self._period_ns = 1e9 / rate_hz
        self._origin: tuple[int, int] | None = None
        self._bins: deque[_Bin] = deque(maxlen=PERSIST_BINS + 2)

    def missing(self, end_index: int, arrival_ns: int, *, broken: bool = False) -> int:
        """Samples that must be added to the count from here on: 0 nearly always, else a multiple of 64.

        ``end_index`` is the index after the newest sample, with all that was added so far; ``broken`` says that
        the counter did not run on somewhere in this read.
        """
        if self._origin is None:
            self._origin = (end_index, arrival_ns)
        elapsed_ns = arrival_ns - self._origin[1]
        late_ns = elapsed_ns - (end_index - self._origin[0]) * self._period_ns
        second = elapsed_ns // BIN_NS
        if self._bins and self._bins[-1].second == second:
            last = self._bins[-1]
            self._bins[-1] = _Bin(second, min(late_ns, last.late_ns), broken or last.broken)
            return 0
        self._bins.append(_Bin(second, late_ns, broken))
        return self._deficit()

    def _deficit(self) -> int:
        """What has been missing in all of the last seconds and still is, against the one before them."""
        if len(self._bins) < PERSIST_BINS + 2:
            return 0
        before, *since = self._bins
        deficit_ns = min(each.late_ns for each in since) - before.late_ns
        # The second in which it happened has reads from before it too, but for when it began with it.
        least_ns = LEAST_BROKEN_NS if before.broken or since[0].broken else LEAST_NS
        if deficit_ns < least_ns:
            return 0
        count = COUNTS * round(deficit_ns / (COUNTS * self._period_ns))
        shift_ns = count * self._period_ns
        self._bins = deque((each.earlier(shift_ns) for each in since), self._bins.maxlen)
        return count


@dataclass(frozen=True, slots=True)
class _Bin:
    """One second of reads, counted from the first."""

    second: int
    late_ns: float
    """Lateness of the earliest."""
    broken: bool

    def earlier(self, by_ns: float) -> _Bin:
        return replace(self, late_ns=self.late_ns - by_ns)
