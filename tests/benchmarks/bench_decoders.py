# SPDX-License-Identifier: Apache-2.0
"""How fast the decoders of the serial meters are: values a second and bytes a second, in reads of several sizes.

python tests/benchmarks/bench_decoders.py [SECONDS]

A meter at its own rate is read about 200 times a second; the largest reads are those after a stall.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from monitor_app.sources.powersensor3 import decoder as powersensor3
from monitor_app.sources.ppk2 import calibration as ppk2_current
from monitor_app.sources.ppk2 import decoder as ppk2_decoder

if TYPE_CHECKING:
    from collections.abc import Callable

READ_BYTES = (2_000, 16_000, 65_536)
STREAM_BYTES = 2_000_000


@dataclass(frozen=True)
class Decoder:
    name: str
    unit: str
    """What is counted: what the device sends most of."""
    stream: Callable[[], bytes]
    begin: Callable[[], Any]
    """The state before the first byte."""
    decode: Callable[[bytes, Any], tuple[int, Any]]
    """(values, state) of one read."""


def powersensor3_stream() -> bytes:
    n = STREAM_BYTES // powersensor3.FRAME_BYTES
    numbers = np.random.default_rng(0).integers(0, 1024, (n, powersensor3.WORDS))
    numbers[:, 0] = 50 * np.arange(n) % 1024
    words = np.empty((n, powersensor3.WORDS, 2), np.uint8)
    words[..., 0] = 0x80 | np.array([7, *range(8)]) << 4 | numbers >> 6
    words[..., 1] = numbers & 0x3F
    words[:, 0, 1] |= 0x40
    return words.tobytes()


def damaged(stream: bytes) -> bytes:
    """One byte of every 20 000 is missing."""
    return b"".join(stream[at : at + 19_999] for at in range(0, len(stream), 20_000))


def powersensor3_words(data: bytes, state: powersensor3.DecoderState) -> tuple[int, powersensor3.DecoderState]:
    decoded = powersensor3.decode(data, state)
    return len(decoded.frames) * powersensor3.WORDS, decoded.state


def ppk2_stream() -> bytes:
    """A change of range every 100 ms."""
    n = STREAM_BYTES // ppk2_decoder.WORD_BYTES
    k = np.arange(n)
    words = np.random.default_rng(0).integers(0, 1 << 14, n) | k // 10_000 % 5 << 14 | k % 64 << 18
    return words.astype("<u4").tobytes()


def ppk2_words(data: bytes, state: ppk2_decoder.DecoderState) -> tuple[int, ppk2_decoder.DecoderState]:
    decoded = ppk2_decoder.decode(data, state)
    return sum(len(run.words) for run in decoded.runs), decoded.state


PPK2_TABLE = ppk2_current.Calibration().table(3.3)


def ppk2_amperes(data: bytes, states: tuple[Any, Any]) -> tuple[int, tuple[Any, Any]]:
    """With the spike filter, to single precision."""
    decoded = ppk2_decoder.decode(data, states[0])
    spikes, n = states[1], 0
    for run in decoded.runs:
        current, spikes = ppk2_current.amperes(run.words, PPK2_TABLE, spikes)
        n += len(current.astype("<f4"))
    return n, (decoded.state, spikes)


DECODERS = (
    Decoder("powersensor3", "words", powersensor3_stream, powersensor3.DecoderState, powersensor3_words),
    Decoder(
        "powersensor3, damaged",
        "words",
        lambda: damaged(powersensor3_stream()),
        powersensor3.DecoderState,
        powersensor3_words,
    ),
    Decoder("ppk2", "words", ppk2_stream, ppk2_decoder.DecoderState, ppk2_words),
    Decoder("ppk2, damaged", "words", lambda: damaged(ppk2_stream()), ppk2_decoder.DecoderState, ppk2_words),
    Decoder(
        "ppk2 to amperes",
        "samples",
        ppk2_stream,
        lambda: (ppk2_decoder.DecoderState(), ppk2_current.FilterState()),
        ppk2_amperes,
    ),
)


def measure(decoder: Decoder, stream: bytes, read_bytes: int, seconds: float) -> tuple[float, float]:
    """Values a second and bytes a second, one thread."""
    reads = [stream[at : at + read_bytes] for at in range(0, len(stream), read_bytes)]
    values = octets = 0
    start = time.perf_counter()
    while (elapsed := time.perf_counter() - start) < seconds:
        state = decoder.begin()
        for read in reads:
            n, state = decoder.decode(read, state)
            values += n
        octets += len(stream)
    return values / elapsed, octets / elapsed


def main(seconds: float) -> None:
    """One line for each decoder and size of read."""
    for decoder in DECODERS:
        stream = decoder.stream()
        for read_bytes in READ_BYTES:
            values, octets = measure(decoder, stream, read_bytes, seconds)
            print(
                f"{decoder.name:24} reads of {read_bytes:6} B: {values / 1e6:7.1f} M {decoder.unit}/s, "
                f"{octets / 1e6:7.1f} MB/s"
            )


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0)
