# SPDX-License-Identifier: Apache-2.0
"""Faults on request: garbage on the line, lost bytes, a stall, a reset, an unplugged device."""

from __future__ import annotations

import heapq
import math
import re
from collections import deque
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.core.errors import SourceError
from monitor_app.core.host_time import host_time_ns
from monitor_app.emulators.runtime.pty import PtyLink

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

_NS = 1e9
_NUMBER = r"\d+(?:\.\d*)?|\.\d+"
_FAULT = re.compile(rf"([a-z]+)@({_NUMBER})(?::({_NUMBER}))?(?:/({_NUMBER}))?", re.ASCII)
_MAX_BYTES = 65_536
_MAX_S = 86_400.0
_MIN_EVERY_S = 0.01
# A fault of the bytes falls at random within this many of those that follow, so that it hits the middle of frames too.
_SOON = 256


class Kind(Enum):
    """What may go wrong."""

    GARBAGE = "garbage"
    """Random bytes get into the stream."""
    DROP = "drop"
    """Bytes of the stream are lost."""
    STALL = "stall"
    """Nothing is sent or read for a while; the device continues."""
    RESET = "reset"
    """The device restarts; the line stays."""
    UNPLUG = "unplug"
    """The port is gone for a while; the device comes back as after power-up."""


_IN_BYTES = {Kind.GARBAGE, Kind.DROP}
_LASTING = {Kind.STALL, Kind.UNPLUG}
_USUAL = {Kind.GARBAGE: 64.0, Kind.DROP: 64.0, Kind.STALL: 1.0, Kind.RESET: 0.0, Kind.UNPLUG: 2.0}


@dataclass(frozen=True)
class Fault:
    """One fault, once or again and again."""

    kind: Kind
    at_s: float
    """Since the emulator started."""
    amount: float
    """Bytes of GARBAGE and DROP, seconds of STALL and UNPLUG, 0 for RESET."""
    every_s: float | None = None
    """From each occurrence to the next; None for a single one."""


def parse_fault(text: str) -> Fault:
    """The fault that `text` asks for, as KIND@SECONDS[:AMOUNT][/EVERY].

    Raises:
        SourceError: `text` is not of that form, or a number is out of range.
    """
    found = _FAULT.fullmatch(text)
    if found is None or found[1] not in {kind.value for kind in Kind}:
        raise _not_allowed(text)
    kind = Kind(found[1])
    amount = _USUAL[kind] if found[3] is None else float(found[3])
    fault = Fault(kind, float(found[2]), amount, None if found[4] is None else float(found[4]))
    if not _is_allowed(fault) or (kind is Kind.RESET and found[3] is not None):
        raise _not_allowed(text)
    return fault


def _is_allowed(fault: Fault) -> bool:
    if fault.kind in _IN_BYTES and not (fault.amount.is_integer() and 1 <= fault.amount <= _MAX_BYTES):
        return False
    if fault.kind in _LASTING and not 0 < fault.amount <= _MAX_S:
        return False
    if fault.every_s is not None:
        shortest_s = fault.amount if fault.kind in _LASTING else _MIN_EVERY_S
        if not max(shortest_s, _MIN_EVERY_S) <= fault.every_s <= _MAX_S:
            return False
    return fault.at_s <= _MAX_S


def _not_allowed(text: str) -> SourceError:
    return SourceError(
        f"The fault {text!r} cannot be emulated; choose garbage@SECONDS[:BYTES], drop@SECONDS[:BYTES], "
        f"stall@SECONDS[:SECONDS], reset@SECONDS or unplug@SECONDS[:SECONDS] with --fault, up to {_MAX_BYTES} "
        f"bytes and {_MAX_S:.0f} s, each repeated by /SECONDS, which must not be shorter than the fault or "
        f"{_MIN_EVERY_S:g} s."
    )


class Happening(Enum):
    """What has happened to the device's line."""

    RESET = "reset"
    UNPLUGGED = "unplugged"
    PLUGGED = "plugged"
    """There is a new port, and the device has power again."""


@dataclass
class _Strike:
    """A fault of the bytes that waits for them."""

    before: int
    """Bytes that pass first."""
    garbage: bytes
    missing: int


class FaultyLine:
    """A pseudo-terminal on which faults happen when they are due; without faults it is a plain one.

    The faults of the bytes depend on the seed and on the bytes alone, not on how these are cut into writes.

    Args:
        link: where to put a symbolic link to the port, if anywhere; it follows the port.
        faults: what happens.
        seed: of the garbage and of where a fault strikes.
        start_ns: the time that the faults count from, by default now.

    Raises:
        PortError: there is no pseudo-terminal to be had, or the link cannot be made.
    """

    def __init__(
        self,
        link: str | os.PathLike[str] | None = None,
        faults: Sequence[Fault] = (),
        seed: int = 0,
        start_ns: int | None = None,
    ) -> None:
        start_ns = host_time_ns() if start_ns is None else start_ns
        self._link = link
        self._random = np.random.default_rng(seed)
        self._schedule = [(start_ns + round(fault.at_s * _NS), order, fault) for order, fault in enumerate(faults)]
        heapq.heapify(self._schedule)
        self._strikes: deque[_Strike] = deque()
        self._stalled_until_ns: int | None = None
        self._plug_at_ns: int | None = None
        self._pty = PtyLink(link)

    @property
    def path(self) -> str:
        """The port for a host to open, or the last one while unplugged."""
        return self._pty.path

    @property
    def plugged(self) -> bool:
        """Whether there is a port; without one the device has no power."""
        return self._plug_at_ns is None

    @property
    def passing(self) -> bool:
        """Whether bytes pass; while they do not, there is no use in waiting for the descriptor."""
        return self.plugged and self._stalled_until_ns is None

    def fileno(self) -> int:
        """Readable when the host has sent something; another one after `PLUGGED`, and -1 while unplugged."""
        return self._pty.fileno()

    def due_ns(self) -> int | None:
        """When to call `advance` next, if ever."""
        ends = [end for end in (self._stalled_until_ns, self._plug_at_ns) if end is not None]
        begins = [self._schedule[0][0]] if self._schedule else []
        return min(ends + begins, default=None)

    def advance(self, host_ns: int) -> list[Happening]:
        """Let happen what is due.

        Raises:
            PortError: it was unplugged, and there is no pseudo-terminal or no link to be had any more.
        """
        happened = []
        if self._stalled_until_ns is not None and self._stalled_until_ns <= host_ns:
            self._stalled_until_ns = None
        if self._plug_at_ns is not None and self._plug_at_ns <= host_ns:
            self._pty = PtyLink(self._link)
            self._plug_at_ns = None
            happened.append(Happening.PLUGGED)
        while self._schedule and self._schedule[0][0] <= host_ns:
            due_ns, order, fault = heapq.heappop(self._schedule)
            if fault.every_s is not None:
                heapq.heappush(self._schedule, (due_ns + round(fault.every_s * _NS), order, fault))
            # What is not there cannot fail.
            if self.plugged:
                happened += self._begin(fault, host_ns)
        return happened

    def read(self) -> bytes:
        """What the host has sent, up to 4 KiB; empty if nothing."""
        return self._pty.read() if self.passing else b""

    def write(self, data: bytes) -> int:
        """Hand over as much of `data` as the line takes now, and say how much that is."""
        while self.passing and self._strikes:
            strike = self._strikes[0]
            if strike.before:
                taken = self._pty.write(data[: strike.before])
                strike.before -= taken
                return taken
            if strike.garbage:
                strike.garbage = strike.garbage[self._pty.write(strike.garbage) :]
                if strike.garbage:
                    return 0
            if strike.missing:
                gone = min(strike.missing, len(data))
                strike.missing -= gone
                return gone
            self._strikes.popleft()
        return self._pty.write(data) if self.passing else 0

    def close(self) -> None:
        """Hang up and remove the link, if it still leads here; twice is fine."""
        self._pty.close()

    def _begin(self, fault: Fault, host_ns: int) -> list[Happening]:
        if fault.kind is Kind.RESET:
            return [Happening.RESET]
        if fault.kind is Kind.UNPLUG:
            self._pty.close()
            self._strikes.clear()
            self._stalled_until_ns = None
            self._plug_at_ns = host_ns + math.ceil(fault.amount * _NS)
            return [Happening.UNPLUGGED]
        if fault.kind is Kind.STALL:
            self._stalled_until_ns = max(self._stalled_until_ns or 0, host_ns + math.ceil(fault.amount * _NS))
        else:
            garbage = self._random.bytes(int(fault.amount)) if fault.kind is Kind.GARBAGE else b""
            missing = int(fault.amount) if fault.kind is Kind.DROP else 0
            self._strikes.append(_Strike(int(self._random.integers(_SOON)), garbage, missing))
        return []
