# SPDX-License-Identifier: Apache-2.0
"""A host clock that only a scripted instrument moves on, and the instrument: when which bytes come."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from monitor_app.core.errors import SourceLostError
from monitor_app.sources.lines import described_meter as text_lines
from monitor_app.sources.lines import driver as lines
from monitor_app.sources.lines import edgepowermeter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

COALESCE_NS = 4_000_000


@dataclass
class FakeTime:
    """Stands in for the module ``time``, and for the host's clock."""

    now_ns: int = 5_000_000_000

    def host_time_ns(self) -> int:
        return self.now_ns

    def monotonic(self) -> float:
        return self.now_ns * 1e-9

    def put_in_place(self, monkeypatch) -> FakeTime:
        for module in (lines, text_lines, edgepowermeter):
            monkeypatch.setattr(module, "host_time_ns", self.host_time_ns)
        for module in (text_lines, edgepowermeter):
            monkeypatch.setattr(module, "time", self)
        return self


@dataclass
class LineDevice:
    """A transport. ``stream`` gives (arrival, bytes) in order; ``answer`` what comes at once after a command."""

    clock: FakeTime
    stream: Iterable[tuple[int, bytes]] = ()
    answer: Callable[[bytes], Iterable[tuple[int, bytes]] | bytes] | None = None
    heard: list[bytes] = field(default_factory=list)
    stale: bytes = b""
    closed: int = 0
    unplugged_ns: int | None = None
    _next: tuple[int, bytes] | None = None
    _source: Iterator[tuple[int, bytes]] | None = None

    def read(self, timeout_s: float, *, eager: bool = False) -> bytes:
        if self.unplugged_ns is not None and self.clock.now_ns >= self.unplugged_ns:
            raise SourceLostError("it went away: check the cable.")
        if self.stale:
            stale, self.stale = self.stale, b""
            return stale
        deadline_ns = self.clock.now_ns + round(timeout_s * 1e9)
        first = self._peek()
        if first is None or first[0] > deadline_ns:
            self.clock.now_ns = deadline_ns
            return b""
        self.clock.now_ns = max(self.clock.now_ns, first[0]) + (0 if eager else COALESCE_NS)
        data = b""
        while (piece := self._peek()) is not None and piece[0] <= self.clock.now_ns:
            data += piece[1]
            self._next = None
        return data

    def write(self, data: bytes) -> None:
        if self.unplugged_ns is not None and self.clock.now_ns >= self.unplugged_ns:
            raise SourceLostError("it takes no commands: check the cable.")
        self.heard.append(data)
        if self.answer is not None:
            answer = self.answer(data)
            if isinstance(answer, bytes):
                self.stale += answer
            else:
                self.stream, self._source, self._next = answer, None, None

    def close(self) -> None:
        self.closed += 1

    def _peek(self) -> tuple[int, bytes] | None:
        if self._source is None:
            self._source = iter(self.stream)
        if self._next is None:
            self._next = next(self._source, None)
        return self._next
