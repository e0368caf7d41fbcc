# SPDX-License-Identifier: Apache-2.0
"""Bytes of the shunt stream protocol as values (docs/shunt-protocol.md). Pure: bytes and state in, values out."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from monitor_app.core.errors import HandshakeError
from monitor_app.sources.shunt.cobs import unseal

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

HELLO, START, STOP, PING = 0x01, 0x02, 0x03, 0x04
INFO, STARTED, STOPPED, PONG, DATA, ERROR = 0x81, 0x82, 0x83, 0x84, 0x90, 0xFF
MAX_FRAME_BYTES = 16_384
MAX_FRAME_SAMPLES = 2_000
CRC_BYTES = 2
MAX_STUFFED_BYTES = MAX_FRAME_BYTES + MAX_FRAME_BYTES // 254 + 1

_INFO = struct.Struct("<BBBBI16s16s16s")
_CHANNEL = struct.Struct("<16s4sddf4x")
_DATA = struct.Struct("<BBHQIHH")
_PONG = struct.Struct("<IQHI")
_SAMPLE = struct.Struct("<Q")
_CHANGE = np.dtype([("offset", "<u2"), ("line", "u1"), ("level", "u1")])


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel of the device; a code c means scale * (c - zero)."""

    name: str
    unit: str
    scale: float
    zero: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """What the device says of itself."""

    model: str
    serial_number: str
    firmware: str
    rate_hz: float
    channels: tuple[Channel, ...]
    lines: tuple[str, ...]
    emulated: bool


@dataclass(frozen=True, slots=True)
class Samples:
    """Consecutive samples, from one DATA frame or several."""

    first: int
    codes: NDArray[np.uint16]
    """Shape (n, channels)."""
    line_levels: int
    """Bit i is the level of line i at the first sample."""
    changes: NDArray[np.void]
    """Structured array: offset (from first), line, level."""
    dropped: int
    """Samples the device has dropped since START, as of the last frame."""


@dataclass(frozen=True, slots=True)
class Pong:
    """The answer to a ping: the device's count when the ping arrived, and how long the answer was held."""

    nonce: int
    index: float
    hold_ns: int


@dataclass(frozen=True, slots=True)
class Started:
    """The device streams from this sample on."""

    first: int


@dataclass(frozen=True, slots=True)
class Stopped:
    """The device streams no more."""

    end: int


@dataclass(frozen=True, slots=True)
class DeviceError:
    """The device refuses a command."""

    code: int
    text: str


Message: TypeAlias = DeviceInfo | Samples | Pong | Started | Stopped | DeviceError


@dataclass(frozen=True, slots=True)
class DecoderState:
    """What is carried from one read to the next."""

    remainder: bytes = b""
    channels: int | None = None
    """Channels a DATA frame must have; None before INFO, when DATA is ignored."""
    damaged_frames: int = 0
    """Pieces between zeros that were no frame, since the beginning."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """What a read has completed, and what is carried to the next."""

    messages: tuple[Message, ...]
    """In the order in which they came; DATA frames that follow each other without a gap are joined."""
    state: DecoderState = field(default_factory=DecoderState)


def decode(data: bytes, state: DecoderState) -> Decoded:
    """All messages that are complete with these bytes. Garbage costs the frames it touches and no others.

    Raises:
        HandshakeError: The device describes itself as one that this program cannot read.
    """
    *pieces, remainder = (state.remainder + data).split(b"\0")
    # No frame is this long: it remains too long, however it ends, and then counts as garbage once.
    remainder = remainder[: MAX_STUFFED_BYTES + 1]
    messages: list[Message] = []
    damaged, channels = 0, state.channels
    run: list[Samples] = []
    for body in (_body(piece) for piece in pieces if piece):
        message = None if body is None else _message(body, channels)
        if message is None:
            damaged += body is None or _is_malformed(body, channels)
            continue
        if run and not (isinstance(message, Samples) and _follows(run, message)):
            messages.append(_joined(run))
            run = []
        if isinstance(message, Samples):
            run.append(message)
        else:
            if isinstance(message, DeviceInfo):
                channels = len(message.channels)
            messages.append(message)
    if run:
        messages.append(_joined(run))
    return Decoded(tuple(messages), replace(
        state, remainder=remainder, channels=channels, damaged_frames=state.damaged_frames + damaged
    ))  # fmt: skip


def _body(piece: bytes) -> bytes | None:
    """The body of a piece between zeros, or None where it is damaged or longer than a frame may be."""
    body = unseal(piece) if len(piece) <= MAX_STUFFED_BYTES else None
    return body if body is None or len(body) + CRC_BYTES <= MAX_FRAME_BYTES else None


def _is_malformed(body: bytes, channels: int | None) -> bool:
    """Whether a body without a message is a fault: unknown types and samples before INFO are not."""
    return body[0] in _PARSERS and not (body[0] == DATA and channels is None)


def _follows(run: list[Samples], message: Samples) -> bool:
    return run[-1].first + len(run[-1].codes) == message.first


def _joined(run: list[Samples]) -> Samples:
    if len(run) == 1:
        return run[0]
    changes = []
    for part in run:
        moved = part.changes.astype([("offset", "<i8"), ("line", "u1"), ("level", "u1")])
        moved["offset"] += part.first - run[0].first
        changes.append(moved)
    return Samples(
        run[0].first,
        np.concatenate([part.codes for part in run]),
        run[0].line_levels,
        np.concatenate(changes),
        run[-1].dropped,
    )


def _message(body: bytes, channels: int | None) -> Message | None:
    """A body as a message; None for one of an unknown type or a wrong shape."""
    parser = _PARSERS.get(body[0])
    if parser is None:
        return None
    if body[0] == DATA:
        return _samples(body, channels)
    try:
        return parser(body)
    except (struct.error, UnicodeDecodeError):
        return None


def _info(body: bytes) -> DeviceInfo:
    version, channel_count, line_count, flags, rate_mhz, *texts = _INFO.unpack_from(body, 1)
    if version != 1:
        raise HandshakeError(f"The meter speaks version {version} of the shunt protocol; this program speaks 1.")
    if not 1 <= channel_count <= 8 or line_count > 8 or rate_mhz == 0:
        raise HandshakeError("The meter's description is not valid.")
    offset = 1 + _INFO.size
    channels = tuple(_channel(_CHANNEL.unpack_from(body, offset + k * _CHANNEL.size)) for k in range(channel_count))
    if not all(_is_calibrated(channel) for channel in channels):
        raise HandshakeError("The meter's calibration is not valid: a scale, zero or accuracy is not a usable number.")
    if len({channel.name for channel in channels}) < channel_count:
        raise HandshakeError("The meter gives two of its channels the same name; each needs its own.")
    offset += channel_count * _CHANNEL.size
    if len(body) < offset + 8 * line_count:
        raise HandshakeError("The meter's description is cut short.")
    lines = tuple(_text(body[offset + 8 * k : offset + 8 * k + 8]) for k in range(line_count))
    model, serial_number, firmware = map(_text, texts)
    return DeviceInfo(model, serial_number, firmware, rate_mhz / 1000, channels, lines, bool(flags & 1))


def _channel(fields: tuple[bytes, bytes, float, float, float]) -> Channel:
    name, unit, scale, zero, accuracy = fields
    return Channel(_text(name), _text(unit), scale, zero, accuracy)


def _is_calibrated(channel: Channel) -> bool:
    numbers = (channel.scale, channel.zero, channel.accuracy)
    return all(map(math.isfinite, numbers)) and channel.scale != 0 and channel.accuracy >= 0


def _text(padded: bytes) -> str:
    return padded.rstrip(b"\0").decode()


def _samples(body: bytes, channels: int | None) -> Samples | None:
    if channels is None or len(body) < 1 + _DATA.size:
        return None
    levels, frame_channels, _, first, dropped, n, change_count = _DATA.unpack_from(body, 1)
    offset = 1 + _DATA.size
    codes_at = offset + change_count * _CHANGE.itemsize
    if frame_channels != channels or not 1 <= n <= MAX_FRAME_SAMPLES or len(body) != codes_at + 2 * n * channels:
        return None
    changes = np.frombuffer(body, _CHANGE, change_count, offset)
    codes = np.frombuffer(body, "<u2", n * channels, codes_at).reshape(n, channels)
    return Samples(first, codes, levels, changes, dropped)


def _pong(body: bytes) -> Pong:
    nonce, sample, fraction, hold_ns = _PONG.unpack_from(body, 1)
    return Pong(nonce, sample + fraction / 65_536, hold_ns)


def _started(body: bytes) -> Started:
    return Started(*_SAMPLE.unpack_from(body, 1))


def _stopped(body: bytes) -> Stopped:
    return Stopped(*_SAMPLE.unpack_from(body, 1))


def _error(body: bytes) -> DeviceError:
    return DeviceError(body[1], body[2:].decode(errors="replace")) if len(body) > 1 else DeviceError(0, "")


_PARSERS: dict[int, Callable[[bytes], Message | None]] = {
    INFO: _info,
    STARTED: _started,
    STOPPED: _stopped,
    PONG: _pong,
    ERROR: _error,
    DATA: lambda body: _samples(body, None),
}
