# SPDX-License-Identifier: Apache-2.0
"""The device side of a Power Profiler Kit II, bit by bit, to hold the host side against."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

import numpy as np

from monitor_app.core.errors import SourceLostError

METADATA = b"""\
Calibrated: 0
R0: 1003.3506
R1: 101.5865
R2: 10.3027
R3: 0.9636
R4: 0.0564
GS0: 0.0000
GS1: 112.7890
GS2: 18.0115
GS3: 2.4217
GS4: 0.0729
GI0: 1.0000
GI1: 0.9695
GI2: 0.9609
GI3: 0.9519
GI4: 0.9582
O0: 112.9420
O1: 75.4627
O2: 64.6020
O3: 50.4983
O4: 87.2177
VDD: 3000
HW: 9173
mode: 2
S0: 0.000000048
S1: 0.000000596
S2: 0.000005281
S3: 0.000062577
S4: 0.002940743
I0: -0.000000104
I1: -0.000001443
I2: 0.000036439
I3: -0.000374119
I4: -0.009388455
UG0: 1.00
UG1: 1.00
UG2: 1.00
UG3: 1.00
UG4: 1.00
IA: 56
END
"""
STOP, START, RUNNING, REGULATOR, MODE, ASK = 0x07, 0x06, 0x0C, 0x0D, 0x11, 0x19
LENGTHS = {STOP: 1, START: 1, RUNNING: 2, REGULATOR: 3, MODE: 2, ASK: 1}


def stream(codes, ranges=None, levels=None, *, first=0) -> bytes:
    """Samples as the kit sends them; ``first`` is the counter of the first."""
    n = len(codes)
    ranges = [0] * n if ranges is None else ranges
    levels = [0] * n if levels is None else levels
    return b"".join(
        struct.pack("<I", int(code) | int(rng) << 14 | (first + k) % 64 << 18 | int(level) << 24)
        for k, (code, rng, level) in enumerate(zip(codes, ranges, levels, strict=True))
    )


def noise(n: int, seed: int = 0, *, first: int = 0) -> bytes:
    """Samples no two of which are alike in more than chance makes them."""
    rng = np.random.default_rng(seed)
    return stream(rng.integers(0, 1 << 14, n), rng.integers(0, 5, n), rng.integers(0, 256, n), first=first)


@dataclass
class Kit:
    """A transport with a kit behind it. ``out`` is what the next reads give, one piece each."""

    metadata: bytes = METADATA
    piece: int = 10_000
    """Bytes of the metadata a read."""
    deaf: int = 0
    """Questions for metadata that it does not hear."""
    stale: list[bytes] = field(default_factory=list)
    """What is still on the way when it is told to stop."""
    samples: list[bytes] = field(default_factory=list)
    """What it sends once started, one piece a read."""
    heard: list[tuple[int, ...]] = field(default_factory=list)
    out: list[bytes] = field(default_factory=list)
    closed: int = 0
    lost: bool = False
    streaming: bool = False
    eager: list[bool] = field(default_factory=list)

    def read(self, timeout_s: float, *, eager: bool = False) -> bytes:
        if self.lost:
            raise SourceLostError("it went away: check the cable.")
        self.eager.append(eager)
        if self.out:
            return self.out.pop(0)
        return self.samples.pop(0) if self.streaming and self.samples else b""

    def write(self, data: bytes) -> None:
        if self.lost:
            raise SourceLostError("it takes no commands: check the cable.")
        while data:
            command, data = data[: LENGTHS[data[0]]], data[LENGTHS[data[0]] :]
            self.heard.append(tuple(command))
            self._obey(command)

    def close(self) -> None:
        self.closed += 1

    def _obey(self, command: bytes) -> None:
        if command[0] == STOP:
            self.streaming = False
            self.out += self.stale
        elif command[0] == START:
            self.streaming = True
        elif command[0] == ASK:
            if self.deaf:
                self.deaf -= 1
                return
            self.out += [self.metadata[k : k + self.piece] for k in range(0, len(self.metadata), self.piece)]
