# SPDX-License-Identifier: Apache-2.0
"""A million frames through each decoder of a stream, with garbage between them, flipped bits and missing bytes.

    python tests/benchmarks/fuzz_decoders.py [FRAMES [SEED]]

There may be no exception and no state that grows. Prints for each decoder what came out, how much of it is wrong (a
value that the device did not send under that index), and the memory that was needed. Ends with 1 where the state grew,
or where something is wrong although the protocol has a checksum.
"""

from __future__ import annotations

import sys
import tracemalloc
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from monitor_app.emulators.shunt import frames as shunt_frames
from monitor_app.sources.lines import decoder as lines
from monitor_app.sources.powersensor3 import decoder as powersensor3
from monitor_app.sources.ppk2 import decoder as ppk2
from monitor_app.sources.shunt import decoder as shunt
from tests.benchmarks.bench_decoders import powersensor3_stream, ppk2_stream

if TYPE_CHECKING:
    from collections.abc import Callable

PART_FRAMES = 20_000
EVERY_BYTES = 5_000
"""One place of damage in this many bytes, on average."""
MOST_STATE_BYTES = 100_000
SHUNT_SAMPLES = 4
"""In a DATA frame; its codes are the sample's index and its complement."""
LAYOUT = lines.Layout("csv", (0, 1), (1.0, 1.0), (0.0, 0.0))


@dataclass
class Decoder:
    """One of them, and how its answers are judged."""

    name: str
    stream: Callable[[int, int], bytes]
    """(first frame, frames): their bytes."""
    state: Any
    decode: Callable[[bytes, Any], tuple[int, int, Any]]
    """(values, wrong ones, state) of a read."""
    has_checksum: bool = False


def shunt_stream(first: int, count: int) -> bytes:
    pieces = []
    for k in range(first, first + count):
        index = k * SHUNT_SAMPLES + np.arange(SHUNT_SAMPLES)
        codes = np.stack([index & 0xFFFF, ~index & 0xFFFF], axis=1).astype("<u2")
        pieces.append(shunt_frames.data(seq=k, first=k * SHUNT_SAMPLES, dropped=0, codes=codes, levels=0, changes=()))
    return b"".join(pieces)


def shunt_decode(data: bytes, state: shunt.DecoderState) -> tuple[int, int, shunt.DecoderState]:
    decoded = shunt.decode(data, state)
    values = wrong = 0
    for each in decoded.messages:
        if isinstance(each, shunt.Samples):
            index = each.first + np.arange(len(each.codes))
            values += each.codes.size
            wrong += int((each.codes[:, 0] != index & 0xFFFF).sum() + (each.codes[:, 1] != ~index & 0xFFFF).sum())
    return values, wrong, decoded.state


def powersensor3_decode(data: bytes, state: powersensor3.DecoderState) -> tuple[int, int, powersensor3.DecoderState]:
    decoded = powersensor3.decode(data, state)
    return decoded.frames.levels.size, 0, decoded.state


def ppk2_decode(data: bytes, state: ppk2.DecoderState) -> tuple[int, int, ppk2.DecoderState]:
    decoded = ppk2.decode(data, state)
    return sum(len(run.words) for run in decoded.runs), 0, decoded.state


def lines_stream(first: int, count: int) -> bytes:
    return b"".join(b"%d.25,%d\r\n" % (k % 1000, k) for k in range(first, first + count))


def lines_decode(data: bytes, state: lines.LinesState) -> tuple[int, int, lines.LinesState]:
    decoded = lines.decode(data, state, LAYOUT)
    return decoded.values.size, 0, decoded.state


def repeated(stream: bytes) -> Callable[[int, int], bytes]:
    """The same part again and again."""
    return lambda _first, _count: stream


DECODERS = (
    Decoder("shunt", shunt_stream, shunt.DecoderState(channels=2), shunt_decode, has_checksum=True),
    Decoder("powersensor3", repeated(powersensor3_stream()), powersensor3.DecoderState(), powersensor3_decode),
    Decoder("ppk2", repeated(ppk2_stream()), ppk2.DecoderState(), ppk2_decode),
    Decoder("lines", lines_stream, lines.LinesState(), lines_decode),
)
FRAMES_IN = {"powersensor3": len(powersensor3_stream()) // powersensor3.FRAME_BYTES, "ppk2": len(ppk2_stream()) // 4}
"""Of the streams that are repeated."""


def damaged(stream: bytes, rng: np.random.Generator) -> bytes:
    """With garbage put in, bits flipped and bytes left out."""
    pieces, at = [], 0
    places = np.sort(rng.integers(0, len(stream), max(len(stream) // EVERY_BYTES, 1)))
    for place, kind in zip(places.tolist(), rng.integers(0, 3, len(places)).tolist(), strict=True):
        if place < at:
            continue
        pieces.append(stream[at:place])
        at = place + 1
        if kind == 0:
            pieces.append(rng.bytes(int(rng.integers(1, 60))))
            at = place
        elif kind == 1:
            pieces.append(bytes([stream[place] ^ 1 << int(rng.integers(0, 8))]))
        else:
            at = place + int(rng.integers(1, 40))
    return b"".join((*pieces, stream[at:]))


def size_of(state: Any) -> int:
    """Bytes that a state carries."""
    return sum(len(value) for name in state.__slots__ if isinstance(value := getattr(state, name), (bytes, tuple)))


def run(decoder: Decoder, frames: int, rng: np.random.Generator) -> bool:
    """Feed it; whether all was well."""
    per_part = FRAMES_IN.get(decoder.name, PART_FRAMES)
    sent = values = wrong = largest = 0
    tracemalloc.start()
    while sent < frames:
        stream = damaged(decoder.stream(sent, per_part), rng)
        sent += per_part
        at = 0
        while at < len(stream):
            size = int(rng.choice([1, 7, 64, 2_000, 16_000, 65_536]))
            got, bad, decoder.state = decoder.decode(stream[at : at + size], decoder.state)
            values, wrong, at = values + got, wrong + bad, at + size
            largest = max(largest, size_of(decoder.state))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    judged = f"{wrong} wrong, " if decoder.has_checksum else ""
    print(f"{decoder.name:14} {sent} frames, {values} values, {judged}state {largest} B, peak {peak / 1e6:.0f} MB")
    return largest <= MOST_STATE_BYTES and not (decoder.has_checksum and wrong)


def main(frames: int, seed: int) -> int:
    """One line for each decoder; the exit code."""
    rng = np.random.default_rng(seed)
    well = [run(decoder, frames, rng) for decoder in DECODERS]
    return 0 if all(well) else 1


if __name__ == "__main__":
    chosen = [int(word) for word in sys.argv[1:]]
    sys.exit(main(*chosen, *(1_000_000, 1)[len(chosen) :]))
