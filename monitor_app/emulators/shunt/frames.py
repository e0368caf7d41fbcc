# SPDX-License-Identifier: Apache-2.0
"""Frames of the shunt stream protocol (docs/shunt-protocol.md), as the device builds and reads them."""

from __future__ import annotations

import binascii
import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    import numpy.typing as npt

    from monitor_app.emulators.board.sampler import Channel, LineChange

VERSION = 1
EMULATED = 0x01
MAX_DECODED = 16_384
MAX_SAMPLES = 2_000
MAX_CHANGES = 2_000
# A code byte for every 254 bytes, and one for the rest.
_MAX_ENCODED = MAX_DECODED + MAX_DECODED // 254 + 1

_INFO = struct.Struct("<BBBBI16s16s16s")
_CHANNEL = struct.Struct("<16s4sddf4x")
_DATA = struct.Struct("<BBHQIHH")
_CHANGE = struct.Struct("<HBB")


class Command(IntEnum):
    """What a host sends."""

    HELLO = 0x01
    START = 0x02
    STOP = 0x03
    PING = 0x04


class Reply(IntEnum):
    """What a device sends."""

    INFO = 0x81
    STARTED = 0x82
    STOPPED = 0x83
    PONG = 0x84
    DATA = 0x90
    ERROR = 0xFF


class Fault(IntEnum):
    """Codes of ERROR."""

    UNKNOWN_COMMAND = 1
    MALFORMED = 2
    CONVERTER = 3


@dataclass(frozen=True)
class Identity:
    """What INFO reports of a device."""

    model: str
    serial: str
    firmware: str
    rate_hz: float
    channels: Sequence[Channel]
    lines: Sequence[str]


def frame(kind: int, body: bytes) -> bytes:
    """One frame as it is sent on the wire, its closing zero included."""
    checked = bytes([kind]) + body
    checked += struct.pack("<H", crc(checked))
    return cobs(checked) + b"\0"


def crc(data: bytes) -> int:
    """CRC-16/XMODEM of `data`."""
    return binascii.crc_hqx(data, 0)


def cobs(data: bytes) -> bytes:
    """`data` without zeros, by consistent overhead byte stuffing."""
    parts: list[bytes] = []
    *followed, last = data.split(b"\0")
    for run in followed:
        while len(run) >= 254:
            parts += (b"\xff", run[:254])
            run = run[254:]
        parts += (bytes([len(run) + 1]), run)
    # No zero follows the last run, so exactly 254 bytes need no code for an empty rest.
    while len(last) > 254:
        parts += (b"\xff", last[:254])
        last = last[254:]
    parts += (bytes([len(last) + 1]), last)
    return b"".join(parts)


def uncobs(data: bytes) -> bytes | None:
    """The bytes that `cobs` made `data` from; None if nothing gives `data`."""
    parts: list[bytes] = []
    at = 0
    while at < len(data):
        code = data[at]
        run = data[at + 1 : at + code]
        if code == 0 or len(run) != code - 1 or 0 in run:
            return None
        at += code
        parts.append(run if code == 255 or at == len(data) else run + b"\0")
    return b"".join(parts)


def info(identity: Identity) -> bytes:
    """The INFO frame."""
    body = _INFO.pack(
        VERSION,
        len(identity.channels),
        len(identity.lines),
        EMULATED,
        round(identity.rate_hz * 1000),
        *(text.encode() for text in (identity.model, identity.serial, identity.firmware)),
    )
    for channel in identity.channels:
        body += _CHANNEL.pack(
            channel.name.encode(), channel.unit.encode(), channel.scale, channel.zero, channel.accuracy
        )
    return frame(Reply.INFO, body + b"".join(struct.pack("8s", line.encode()) for line in identity.lines))


def data(
    *,
    seq: int,
    first: int,
    dropped: int,
    codes: npt.NDArray[np.uint16],
    levels: int,
    changes: Sequence[LineChange],
) -> bytes:
    """A DATA frame.

    Args:
        seq: number of frames sent before; wraps.
        first: index of the first sample.
        dropped: samples taken but not sent since START; wraps.
        codes: n samples by C channels, 1 to 2 000 samples.
        levels: bit i is the level of line i at the first sample.
        changes: what changed at samples of this frame, counted from the first; up to 2 000.
    """
    packed = b"".join(_CHANGE.pack(*change) for change in changes)
    head = _DATA.pack(
        levels,
        codes.shape[1],
        seq & 0xFFFF,
        first,
        dropped & 0xFFFF_FFFF,
        len(codes),
        len(changes),
    )
    return frame(Reply.DATA, head + packed + codes.astype("<u2", copy=False).tobytes())


class FrameReader:
    """Finds the complete, valid frames in a stream of bytes and skips the rest."""

    def __init__(self) -> None:
        self._begun = bytearray()

    def read(self, chunk: bytes) -> Iterator[tuple[int, bytes]]:
        """Type and body of every frame that ends in `chunk`."""
        self._begun += chunk
        *ended, rest = bytes(self._begun).split(b"\0")
        # Of a frame that is too long already, enough is kept to know it when it ends.
        self._begun[:] = rest[: _MAX_ENCODED + 1]
        for encoded in ended:
            decoded = uncobs(encoded) if len(encoded) <= _MAX_ENCODED else None
            if decoded and len(decoded) >= 3 and crc(decoded[:-2]) == int.from_bytes(decoded[-2:], "little"):
                yield decoded[0], decoded[1:-2]
