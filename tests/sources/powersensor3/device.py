# SPDX-License-Identifier: Apache-2.0
"""The device side of a PowerSensor3, byte by byte from its description, to hold the host side against."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from monitor_app.core.errors import SourceLostError

STOP_WORD = b"\xff\x3f"
PERIOD_US = 50
LEVELS = (512, 300, 1, 2, 3, 4, 5, 1023)


def word(sensor: int, level: int, marker: int = 0) -> bytes:
    return bytes([0x80 | sensor << 4 | level >> 6, marker << 6 | level & 0x3F])


def frame(time_us: int, levels: tuple[int, ...] = LEVELS, marked: bool = False) -> bytes:
    out = word(7, time_us % 1024, 1)
    for sensor, level in enumerate(levels):
        out += word(sensor, level, int(marked and sensor == 0))
    return out


def record(pair: str, vref: float, sensitivity: float, in_use: bool = True, kind: str = "MLX10") -> bytes:
    return (
        kind.encode().ljust(16, b"\0")
        + pair.encode().ljust(16, b"\0")
        + struct.pack("<ff", vref, sensitivity)
        + bytes([in_use])
    )


UNUSED = record("", 0.0, 0.0, in_use=False)
ONE_PAIR = (record("board", 1.65, 0.12), record("board", 0.0, 0.09, kind="voltage"), *[UNUSED] * 6)


@dataclass
class Meter:
    """A transport with a meter behind it whose clock is moved by the test. Everything it says is queued in ``out``."""

    version: bytes = b"F411-1.6.1\r\n"
    records: tuple[bytes, ...] = ONE_PAIR
    period_us: float = PERIOD_US
    counts: bool = True
    """Answers Q."""
    first_frames: int = 1000
    """Streamed at once on S."""
    out: list[bytes] = field(default_factory=list)
    heard: bytes = b""
    closed: int = 0
    lost: bool = False
    deaf: bytes = b""
    """Commands that it does not hear."""
    streaming: bool = False
    sent: int = 0
    """Frames taken since S, sent or not."""
    boot_us: float = 700.0
    pending_marks: int = 0
    hung: bool = False
    stop_words: bytes = STOP_WORD * 2
    leftover: bytes = b""
    """Said on X before the stop words: what was under way."""
    _left: int = 0

    def read(self, timeout_s: float, *, eager: bool = False) -> bytes:
        if self.lost:
            raise SourceLostError("it went away: check the cable.")
        return self.out.pop(0) if self.out else b""

    def write(self, data: bytes) -> None:
        if self.lost:
            raise SourceLostError("it takes no commands: check the cable.")
        for byte in data:
            command = bytes([byte])
            self.heard += command
            if command not in self.deaf and not self.hung:
                self._obey(command)

    def close(self) -> None:
        self.closed += 1

    def say(self, *pieces: bytes) -> None:
        self.out += pieces

    def take(self, n: int, levels: tuple[int, ...] = LEVELS) -> bytes:
        """The next n frames."""
        taken = b""
        for _ in range(n):
            marked, self.pending_marks = self.pending_marks > 0, max(self.pending_marks - 1, 0)
            self.sent += 1
            taken += frame(int(self.boot_us + self.sent * self.period_us), levels, marked)
        return taken

    def stream(self, n: int, levels: tuple[int, ...] = LEVELS) -> None:
        self.say(self.take(n, levels))

    def lose(self, n: int) -> None:
        """``n`` frames are taken and not sent."""
        self.sent += n

    def _obey(self, command: bytes) -> None:
        if self._left:
            self._left -= 1
            self.say(self.records[8 - self._left] if self._left else b"D")
        elif command == b"X":
            self.hung = self.streaming and self.pending_marks > 0
            if not self.hung:
                self.streaming = False
                self.say(*filter(None, [self.leftover, self.stop_words]))
                self.leftover = b""
        elif command == b"V":
            self.say(self.version)
        elif command == b"R":
            self._left = 8
            self.say(self.records[0])
        elif command == b"S":
            self.streaming, self.sent = True, 0
            self.stream(self.first_frames)
        elif command == b"M":
            self.pending_marks += 1
        elif command == b"Q" and self.counts:
            self.say(struct.pack("<I", 8 * self.sent % 2**32))
