# SPDX-License-Identifier: Apache-2.0
"""What the datagrams of a marking program say, and how many of its marks are missing (resources/marks).

A datagram comes from whoever can write to the socket, which is any process of the user: all that it can do is to be
counted. Memory is bounded by the limits below.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TypeAlias

    Row: TypeAlias = "tuple[int, int, int, int, str]"
    """Start and end in ns, images, kind and name."""

HEADER = struct.Struct("<4sHHIIQ")
RECORD = struct.Struct("<QqqIBB")
MAGIC, VERSION = b"PLMM", 1
MOMENT, SPAN, END = 0, 1, 2
"""Kinds of records: something at one time; work from its start to its end; the last of a sender."""
LONGEST = 65_536
"""Bytes of a datagram; those that our files send have at most 16 KiB."""
MOST_MARKS = 2_000_000
"""Of one run of the command: with more the file would grow until the disk is full."""
MOST_NAMES = 500
MOST_SENDERS = 4_096
AHEAD_NS = 50_000_000
"""A mark may be this much later than the clock says; one core may read it a moment after another."""


class Tally:
    """The marks of one run of a command.

    Args:
        since_ns: host time; no mark can be from before.
    """

    def __init__(self, since_ns: int) -> None:
        self._since_ns = since_ns
        self.marks = 0
        """Taken."""
        self.malformed = 0
        """Datagrams and records that are no marks."""
        self.left_out = 0
        """Marks beyond the limits."""
        self._names: set[str] = set()
        self._received: dict[int, int] = {}
        self._sent: dict[int, int] = {}
        """By sender: how many marks there were at least."""

    @property
    def lost(self) -> int:
        """Marks that were made and have not come."""
        return sum(max(sent - self._received[sender], 0) for sender, sent in self._sent.items())

    def take(self, datagram: bytes, now_ns: int) -> list[Row]:
        """The marks in it that can be; everything else is counted."""
        if len(datagram) < HEADER.size:
            return self._refuse()
        magic, version, count, _, _, sender = HEADER.unpack_from(datagram)
        records = _records(datagram, count) if (magic, version) == (MAGIC, VERSION) else None
        if not records:
            return self._refuse()
        if sender not in self._sent:
            if len(self._sent) >= MOST_SENDERS:
                self.left_out += len(records)
                return []
            self._sent[sender] = self._received[sender] = 0
        return [row for record in records for row in self._one(sender, record, now_ns)]

    def _refuse(self) -> list[Row]:
        self.malformed += 1
        return []

    def _one(self, sender: int, record: tuple[int, Row], now_ns: int) -> list[Row]:
        number, row = record
        start_ns, end_ns, _, kind, name = row
        if kind == END:
            self._sent[sender] = max(self._sent[sender], number)
            return []
        self._sent[sender] = max(self._sent[sender], number + 1)
        self._received[sender] += 1
        possible = self._since_ns <= start_ns <= end_ns <= now_ns + AHEAD_NS
        if not possible or kind not in (MOMENT, SPAN) or not name:
            return self._refuse()
        if self.marks >= MOST_MARKS or (name not in self._names and len(self._names) >= MOST_NAMES):
            self.left_out += 1
            return []
        self._names.add(name)
        self.marks += 1
        return [row]


def _records(datagram: bytes, count: int) -> list[tuple[int, Row]] | None:
    """Number and mark of each; None where they are not as long as they say."""
    at, found = HEADER.size, []
    for _ in range(count):
        if at + RECORD.size > len(datagram):
            return None
        number, start_ns, end_ns, images, kind, length = RECORD.unpack_from(datagram, at)
        at += RECORD.size
        name = datagram[at : at + length].decode("utf-8", "replace")
        at += length
        found.append((number, (start_ns, end_ns, images, kind, name)))
    return found if at == len(datagram) else None
