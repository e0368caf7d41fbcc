# SPDX-License-Identifier: Apache-2.0
"""Lines of an EdgePowerMeter in its RAW mode (protocol 2) as values. Pure: bytes and state in, values out.

D,<seq>,<t_us>,<bus>,<shunt>    a conversion: its number (u32, wraps), the device's time, the two registers
T,<t_us>,<clock_s>,<S|P>        its battery-backed clock at a full second: it has not been compared with the host's
!...                            the answer to a command
# ...                           a remark
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

VOLTS_PER_BUS_CODE = 1.25e-3
VOLTS_PER_SHUNT_CODE = 2.5e-6
MAX_LINE_BYTES = 512
"""What is kept of a line that has not ended; none of those above is so long."""
SEQUENCE = 2**32

_CONVERSION = re.compile(rb"D,(\d{1,10}),(\d{1,15}),(\d{1,5}),(-?\d{1,5})")
_CSV_MODE = re.compile(rb"Timestamp,|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
_ANCHOR = re.compile(rb"T,\d{1,15},-?\d{1,15},[SP]")


@dataclass(frozen=True, slots=True)
class Hello:
    """Who it is."""

    firmware: str
    protocol: int


@dataclass(frozen=True, slots=True)
class Config:
    """What it is set to."""

    shunt_ohm: float
    period_us: float
    """Nominal time of one conversion of both registers, averages included."""
    mode: str
    streams: bool


@dataclass(frozen=True, slots=True)
class Done:
    """A command has been obeyed."""

    command: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A command has been refused."""

    command: str
    reason: str


Reply: TypeAlias = Hello | Config | Done | Refused


@dataclass(frozen=True, slots=True)
class RawState:
    """What is carried from one read to the next."""

    remainder: bytes = b""
    malformed: int = 0
    """Lines that were none of those above, since the beginning."""


@dataclass(frozen=True, slots=True)
class DecodedRaw:
    """What a read has completed, and what is carried to the next. All arrays have one entry a conversion."""

    sequence: NDArray[np.int64]
    """0 to 2^32 - 1."""
    stamps_us: NDArray[np.int64]
    bus: NDArray[np.uint16]
    shunt: NDArray[np.int16]
    replies: tuple[Reply, ...]
    remarks: tuple[str, ...]
    rejected: bytes | None
    """The last line that was malformed."""
    state: RawState = field(default_factory=RawState)


def decode(data: bytes, state: RawState) -> DecodedRaw:
    """All lines that are complete with these bytes."""
    *pieces, remainder = (state.remainder + data).split(b"\n")
    lines = [line for line in (piece.rstrip(b"\r") for piece in pieces) if line]
    matches = [_CONVERSION.fullmatch(line) for line in lines]
    numbers = np.array([match.groups() for match in matches if match is not None], "S15").reshape(-1, 4)
    table = numbers.astype(np.int64)
    holds = (table[:, 0] < SEQUENCE) & (table[:, 2] < 2**16) & (table[:, 3] >= -(2**15)) & (table[:, 3] < 2**15)
    table = table[holds]
    others = [line for line, match in zip(lines, matches, strict=True) if match is None]
    malformed = [line for line in others if not line.startswith((b"#", b"!")) and not _ANCHOR.fullmatch(line)]
    return DecodedRaw(
        table[:, 0],
        table[:, 1],
        table[:, 2].astype(np.uint16),
        table[:, 3].astype(np.int16),
        tuple(reply for reply in (_reply(_text(line)) for line in others if line[:1] == b"!") if reply is not None),
        tuple(_text(line)[1:].strip() for line in others if line[:1] == b"#"),
        malformed[-1] if malformed else None,
        RawState(
            remainder[:MAX_LINE_BYTES], state.malformed + len(malformed) + int((~holds).sum())
        ),
    )  # fmt: skip


def number(
    sequence: NDArray[np.int64], stamps_us: NDArray[np.int64], last: tuple[int, int] | None, period_us: float
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Sequence numbers without wraps, and which of the conversions have a possible one.

    A possible number exceeds the one before by no more conversions than there was time for; the converter's
    own clock may be a quarter off.

    Args:
        sequence: As sent, 0 to 2^32 - 1.
        stamps_us: Rising.
        last: Number (without wraps) and stamp of the last conversion before these, or None.
        period_us: Nominal time of a conversion.
    """
    before, numbers, kept = last, [], []
    for sent, stamp_us in zip(sequence.tolist(), stamps_us.tolist(), strict=True):
        index, stamp = before or (sent - 1, stamp_us)
        step = (sent - index) % SEQUENCE
        is_possible = 1 <= step <= (stamp_us - stamp) * 1.25 / period_us + 2
        kept.append(is_possible)
        if is_possible:
            before = index + step, stamp_us
            numbers.append(index + step)
    return np.array(numbers, np.int64), np.array(kept, np.bool_)


def is_of_other_mode(line: bytes) -> bool:
    """Whether a line that was rejected is one of its CSV mode, in which it starts."""
    return _CSV_MODE.match(line) is not None


def _text(line: bytes) -> str:
    return line.decode("ascii", "replace").strip()


def _reply(line: str) -> Reply | None:
    """An answer; None for one that is damaged, or that a later firmware gives."""
    kind, *parts = line[1:].split(",")
    if kind == "HELLO" and len(parts) == 3 and parts[0] == "EdgePowerMeter" and parts[2].isdecimal():
        return Hello(parts[1], int(parts[2]))
    if kind == "CFG":
        return _config(dict(part.partition("=")[::2] for part in parts))
    words = line[1:].split(maxsplit=2)
    if len(words) == 2 and words[0] == "OK":
        return Done(words[1])
    if len(words) == 3 and words[0] == "ERR":
        return Refused(words[1], words[2])
    return None


def _config(settings: dict[str, str]) -> Config | None:
    try:
        shunt_ohm, period_us = float(settings["shunt"]), float(settings["period_us"])
    except (KeyError, ValueError):
        return None
    if not (0 < shunt_ohm < math.inf and 0 < period_us < math.inf):
        return None
    return Config(shunt_ohm, period_us, settings.get("mode", ""), settings.get("stream") != "0")
