# SPDX-License-Identifier: Apache-2.0
"""The device side of docs/shunt-protocol.md, byte by byte from the page, to hold the host side against."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

HELLO, START, STOP, PING = 0x01, 0x02, 0x03, 0x04
INFO, STARTED, STOPPED, PONG, DATA, ERROR = 0x81, 0x82, 0x83, 0x84, 0x90, 0xFF


def _shifted(register: int) -> int:
    for _ in range(8):
        register = (register << 1) ^ (0x1021 if register & 0x8000 else 0)
    return register & 0xFFFF


_SHIFTED = [_shifted(byte << 8) for byte in range(256)]


def crc16(data: bytes) -> int:
    register = 0
    for byte in data:
        register = (register << 8) & 0xFFFF ^ _SHIFTED[register >> 8 ^ byte]
    return register


def stuff(data: bytes) -> bytes:
    """As in the paper, with the phantom zero that its encoder adds at the end."""
    out, block = bytearray(), bytearray()
    for byte in data:
        if byte:
            block.append(byte)
        if not byte or len(block) == 254:
            out += bytes([len(block) + 1]) + block
            block.clear()
    return bytes(out + bytes([len(block) + 1]) + block)


def wire(kind: int, body: bytes = b"") -> bytes:
    checked = bytes([kind]) + body
    return stuff(checked + crc16(checked).to_bytes(2, "little")) + b"\0"


@dataclass(frozen=True)
class Frame:
    """A DATA frame. ``codes`` is a list of samples, each a tuple of one code a channel."""

    first: int
    codes: list[tuple[int, ...]]
    changes: list[tuple[int, int, int]] = field(default_factory=list)
    flags: int = 0
    seq: int = 0
    dropped: int = 0

    def body(self, channels: int | None = None, n: int | None = None) -> bytes:
        out = bytes([self.flags, len(self.codes[0]) if channels is None else channels])
        out += self.seq.to_bytes(2, "little") + self.first.to_bytes(8, "little") + self.dropped.to_bytes(4, "little")
        out += (len(self.codes) if n is None else n).to_bytes(2, "little") + len(self.changes).to_bytes(2, "little")
        for offset, line, level in self.changes:
            out += offset.to_bytes(2, "little") + bytes([line, level])
        for sample in self.codes:
            for code in sample:
                out += code.to_bytes(2, "little")
        return out

    def wire(self) -> bytes:
        return wire(DATA, self.body())


def padded(text: str, size: int) -> bytes:
    return text.encode().ljust(size, b"\0")


def channel(name: str, unit: str, scale: float, zero: float, accuracy: float = 0.0) -> bytes:
    return padded(name, 16) + padded(unit, 4) + struct.pack("<ddf", scale, zero, accuracy) + bytes(4)


CURRENT = channel("current", "A", 0.0001, 32768.0, 0.001)
VOLTAGE = channel("voltage", "V", 0.0005, 0.0, 0.002)


def info(
    channels: tuple[bytes, ...] = (CURRENT, VOLTAGE),
    lines: tuple[str, ...] = ("busy",),
    version: int = 1,
    flags: int = 0,
    rate_mhz: int = 50_000_000,
) -> bytes:
    return (
        bytes([version, len(channels), len(lines), flags])
        + rate_mhz.to_bytes(4, "little")
        + padded("Bench shunt", 16)
        + padded("SN-0042", 16)
        + padded("3.1", 16)
        + b"".join(channels)
        + b"".join(padded(line, 8) for line in lines)
    )
