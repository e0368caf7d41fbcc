# SPDX-License-Identifier: Apache-2.0
"""A second reading of docs/shunt-protocol.md, byte by byte, for the tests to hold the emulator against."""

from __future__ import annotations

import os
import select
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.core.host_time import host_time_ns

if TYPE_CHECKING:
    from collections.abc import Callable

HELLO, START, STOP, PING = 1, 2, 3, 4
INFO, STARTED, STOPPED, PONG, DATA, ERROR = 0x81, 0x82, 0x83, 0x84, 0x90, 0xFF

Frame = tuple[int, bytes]


def _divide(register: int) -> int:
    for _ in range(8):
        register = (register << 1) ^ (0x1021 if register & 0x8000 else 0)
    return register & 0xFFFF


_REMAINDERS = [_divide(byte << 8) for byte in range(256)]


def crc16(data: bytes) -> int:
    register = 0
    for byte in data:
        register = (register << 8) & 0xFFFF ^ _REMAINDERS[register >> 8 ^ byte]
    return register


def unstuff(data: bytes) -> bytes:
    decoded = bytearray()
    left, zero_due = 0, False
    for byte in data:
        if left == 0:
            if zero_due:
                decoded.append(0)
            left, zero_due = byte - 1, byte != 255
            assert byte != 0
        else:
            decoded.append(byte)
            left -= 1
    assert left == 0
    return bytes(decoded)


def stuff(data: bytes) -> bytes:
    encoded = bytearray()
    block = bytearray()
    for byte in data:
        if byte == 0:
            encoded += bytes([len(block) + 1]) + block
            block.clear()
        else:
            block.append(byte)
            if len(block) == 254:
                encoded += b"\xff" + block
                block.clear()
    return bytes(encoded + bytes([len(block) + 1]) + block)


def wire(kind: int, body: bytes = b"") -> bytes:
    checked = bytes([kind]) + body
    return stuff(checked + crc16(checked).to_bytes(2, "little")) + b"\0"


def unwire(encoded: bytes) -> Frame:
    decoded = unstuff(encoded)
    assert 3 <= len(decoded) <= 16_384
    assert crc16(decoded[:-2]) == int.from_bytes(decoded[-2:], "little")
    return decoded[0], decoded[1:-2]


def split(stream: bytes) -> list[Frame]:
    *encoded, rest = stream.split(b"\0")
    assert rest == b""
    return [unwire(one) for one in encoded if one]


@dataclass(frozen=True)
class Data:
    flags: int
    seq: int
    first: int
    dropped: int
    changes: list[tuple[int, int, int]]
    codes: np.ndarray

    @property
    def end(self) -> int:
        return self.first + len(self.codes)

    @classmethod
    def parse(cls, body: bytes) -> Data:
        flags, channels = body[0], body[1]
        seq = int.from_bytes(body[2:4], "little")
        first = int.from_bytes(body[4:12], "little")
        dropped = int.from_bytes(body[12:16], "little")
        n = int.from_bytes(body[16:18], "little")
        k = int.from_bytes(body[18:20], "little")
        changes = [struct.unpack_from("<HBB", body, 20 + 4 * i) for i in range(k)]
        assert len(body) == 20 + 4 * k + 2 * n * channels
        codes = np.frombuffer(body, "<u2", offset=20 + 4 * k).reshape(n, channels)
        return cls(flags, seq, first, dropped, changes, codes)


def data_of(frames: list[Frame]) -> list[Data]:
    return [Data.parse(body) for kind, body in frames if kind == DATA]


def calibration(info: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Scale and zero of each channel."""
    channels = info[1]
    pairs = [struct.unpack_from("<dd", info, 56 + 44 * i + 20) for i in range(channels)]
    scale, zero = np.array(pairs).T
    return scale, zero


class Host:
    """The other end of a real pseudo-terminal. A damaged frame is an error, or else is counted in `damaged`."""

    def __init__(self, path: str) -> None:
        self._fd = os.open(path, os.O_RDWR | os.O_NOCTTY)
        self._rest = b""
        self.frames: list[Frame] = []
        self.tolerant = False
        self.damaged = 0
        self.empty = 0

    def send(self, kind: int, body: bytes = b"") -> None:
        os.write(self._fd, wire(kind, body))

    def send_raw(self, data: bytes) -> None:
        os.write(self._fd, data)

    def until(self, wanted: Callable[[Frame], bool]) -> bytes:
        """Read until a wanted frame has come, and give its body; the frames before it are kept."""
        while True:
            for frame in self._take(self._read()):
                if wanted(frame):
                    return frame[1]

    def until_restart(self) -> None:
        """Read until the device ends whatever was on the line: an empty frame, or half a one that is ended."""
        before = self.damaged, self.empty
        while (self.damaged, self.empty) == before:
            self._take(self._read())

    def ask(self, kind: int, answer: int, body: bytes = b"") -> bytes:
        self.send(kind, body)
        return self.until(lambda frame: frame[0] == answer)

    def record(self, size: int) -> list[Frame]:
        """Stream this number of bytes; taken apart only afterwards, so that the line does not wait."""
        self.send(START)
        raw = bytearray()
        while len(raw) < size:
            raw += self._read()
        self.send(STOP)
        while not self._has_stopped(raw):
            raw += self._read()
        return self._take(bytes(raw))

    def _read(self) -> bytes:
        select.select([self._fd], [], [])
        chunk = os.read(self._fd, 65_536)
        if not chunk:
            raise EOFError
        return chunk

    def _take(self, chunk: bytes) -> list[Frame]:
        *encoded, self._rest = (self._rest + chunk).split(b"\0")
        new = []
        for one in encoded:
            if not one:
                self.empty += 1
                continue
            try:
                new.append(unwire(one))
            except AssertionError:
                if not self.tolerant:
                    raise
                self.damaged += 1
        self.frames += new
        return new

    @staticmethod
    def _has_stopped(raw: bytearray) -> bool:
        # Eleven bytes, one code, and the type, which is no zero, right behind it.
        *_, last, rest = (b"", *raw[-20:].split(b"\0"))
        return not rest and len(last) == 12 and last[1] == STOPPED

    def ping(self, nonce: int) -> tuple[int, float, int]:
        """Earliest host time, count of samples, latest host time."""
        before_ns = host_time_ns()
        body = self.ask(PING, PONG, nonce.to_bytes(4, "little"))
        after_ns = host_time_ns()
        told, sample, fraction, hold_ns = struct.unpack("<IQHI", body)
        assert told == nonce
        return before_ns, sample + fraction / 65_536, after_ns - hold_ns

    def close(self) -> None:
        os.close(self._fd)
