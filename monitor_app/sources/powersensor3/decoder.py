# SPDX-License-Identifier: Apache-2.0
"""Bytes of a streaming PowerSensor3 as frames. Pure: bytes and state in, frames out.

A frame is nine words of two bytes: the time, then the levels of sensors 0 to 7, always all of them. A word is
``1iiiaaaa 0mbbbbbb``: sensor i, marker m, level aaaabbbbbb. The word of the time calls itself sensor 7 and has the
marker set, which no sensor but 0 ever has; its level is the device's microseconds modulo 1024.

Frames have no checksum and no number. A frame is taken when its nine words stand in order without a byte between,
so garbage costs the frames it touches. A level that was changed on the line is not noticed, and
bytes that went missing in multiples of a frame's length can join the halves of two frames. Only the time of the
frame that follows shows the latter (see frame_counter).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SENSORS = 8
WORDS = 1 + SENSORS
FRAME_BYTES = 2 * WORDS
STAMP_US = 1024
"""The stamps count microseconds modulo this."""
ANSWER_BYTES = 4
"""The device's count of conversions, when asked for, comes between two frames as four bytes without a header."""
MAX_TAIL_BYTES = 64

# Little-endian: the first byte of a word on the line is its low one.
_STAMP_MASK, _STAMP = 0xC0F0, 0x40F0
_MASK = np.array([_STAMP_MASK, 0x80F0, *[0xC0F0] * (SENSORS - 1)], "<u2")
_HEADER = np.array([_STAMP, *(0x80 | sensor << 4 for sensor in range(SENSORS))], "<u2")
_MARKER = 0x4000


@dataclass(frozen=True, slots=True)
class Frames:
    """Frames in the order in which they came, n of them."""

    levels: NDArray[np.uint16]
    """Shape (n, 8), 0 to 1023."""
    stamps: NDArray[np.uint16]
    """Shape (n,): microseconds modulo 1024 at the end of the frame."""
    marked: NDArray[np.bool_]
    """Shape (n,): the frame carries a marker."""
    skipped: NDArray[np.int64]
    """Shape (n,): bytes between the end of the frame before and the start of this one."""

    def __len__(self) -> int:
        return len(self.stamps)


@dataclass(frozen=True, slots=True)
class DecoderState:
    """What is carried from one read to the next."""

    tail: bytes = b""
    """Bytes after the last frame."""
    skipped: int = 0
    """Bytes that were dropped between the last frame and the tail."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """What a read has completed, and what is carried to the next."""

    frames: Frames
    answers: dict[int, int] = field(default_factory=dict)
    """Where exactly four bytes stood before frame k: {k: these as a number}. An answer, if one was asked for."""
    state: DecoderState = field(default_factory=DecoderState)


def decode(data: bytes, state: DecoderState) -> Decoded:
    """All frames that are complete with these bytes; any split of a stream into reads gives the same."""
    buffer = state.tail + data
    n = len(buffer) // FRAME_BYTES
    words = np.frombuffer(buffer, "<u2", n * WORDS).reshape(n, WORDS)
    if n and not state.skipped and not ((words ^ _HEADER) & _MASK).any():
        frames = _frames(words, np.zeros(n, np.int64))
        return Decoded(frames, state=DecoderState(buffer[n * FRAME_BYTES :]))
    return _resynchronised(buffer, state.skipped)


def _resynchronised(buffer: bytes, already_skipped: int) -> Decoded:
    """The frames among other bytes. No two can overlap: their headers contradict each other."""
    octets = np.frombuffer(buffer, np.uint8)
    pairs = octets[:-1] | octets[1:].astype("<u2") << np.uint16(8)
    starts = np.flatnonzero((pairs[: max(len(buffer) - FRAME_BYTES + 1, 0)] & _STAMP_MASK) == _STAMP)
    words = pairs[starts[:, None] + 2 * np.arange(WORDS)]
    whole = np.flatnonzero(~((words ^ _HEADER) & _MASK).any(axis=1))
    starts, words = starts[whole].astype(np.int64), words[whole]
    ends = np.concatenate(([0], starts + FRAME_BYTES))
    skipped = starts - ends[:-1]
    answers = {int(k): _number(buffer, int(starts[k])) for k in np.flatnonzero(skipped == ANSWER_BYTES)}
    if already_skipped and len(starts):
        skipped[0] += already_skipped
        answers.pop(0, None)
    tail = DecoderState(buffer[ends[-1] :], 0 if len(starts) else already_skipped)
    return Decoded(_frames(words, skipped), answers, _bounded(tail))


def _number(buffer: bytes, end: int) -> int:
    return int.from_bytes(buffer[end - ANSWER_BYTES : end], "little")


def _bounded(state: DecoderState) -> DecoderState:
    """Of bytes that cannot become a frame any more, only the number is kept."""
    if len(state.tail) <= MAX_TAIL_BYTES:
        return state
    kept = state.tail[-(FRAME_BYTES - 1) :]
    return replace(state, tail=kept, skipped=state.skipped + len(state.tail) - len(kept))


def _frames(words: NDArray[np.uint16], skipped: NDArray[np.int64]) -> Frames:
    levels = (words & 0x0F) << np.uint16(6) | (words >> np.uint16(8)) & np.uint16(0x3F)
    return Frames(levels[:, 1:], levels[:, 0], (words[:, 1] & _MARKER) != 0, skipped)
