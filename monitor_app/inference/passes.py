# SPDX-License-Identifier: Apache-2.0
"""Around every forward pass, real or replayed: the load signal, the reports, no garbage collection. No torch."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from monitor_app.core.host_time import host_time_ns
from monitor_app.inference.messages import Batches, PartRow, Row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from monitor_app.core.runs import Phase

REPORT_EVERY_NS = 50_000_000


class BusySignal(Protocol):
    """Shows a simulated board when the network runs."""

    def set(self, busy: bool, host_ns: int) -> None: ...

    def set_load(self, load: float, host_ns: int) -> None: ...

    def flush(self) -> None: ...


class NoLoadSignal:
    """For runs without a simulated board."""

    def set(self, busy: bool, host_ns: int) -> None:
        """Nothing."""

    def set_load(self, load: float, host_ns: int) -> None:
        """Nothing."""

    def flush(self) -> None:
        """Nothing."""


class Report:
    """Groups rows, so that writing them disturbs only one pass in many."""

    def __init__(self, phase: Phase, send: Callable[[Batches], None]) -> None:
        self.batches = 0
        self.images = 0
        self._phase = phase
        self._send = send
        self._rows: list[Row] = []
        self._parts: list[PartRow] = []
        self._arrivals_ns: list[int] = []
        self._stages_ns: list[tuple[int, ...]] = []
        self._sent_ns = host_time_ns()

    def add(
        self,
        row: Row,
        parts: tuple[PartRow, ...] = (),
        arrival_ns: int | None = None,
        stages_ns: tuple[int, ...] = (),
    ) -> None:
        """A pass that has ended; all passes of a phase have an arrival, or none, and likewise the stages."""
        self.batches += 1
        self.images += row[2]
        self._rows.append(row)
        self._parts += parts
        if arrival_ns is not None:
            self._arrivals_ns.append(arrival_ns)
        if stages_ns:
            self._stages_ns.append(stages_ns)
        if row[1] - self._sent_ns >= REPORT_EVERY_NS:
            self._flush()

    def _flush(self) -> None:
        if self._rows:
            self._send(
                Batches(
                    self._phase,
                    tuple(self._rows),
                    tuple(self._parts),
                    tuple(self._arrivals_ns),
                    tuple(self._stages_ns),
                )
            )
            self._rows.clear()
            self._parts.clear()
            self._arrivals_ns.clear()
            self._stages_ns.clear()
        self._sent_ns = host_time_ns()

    def __enter__(self) -> Report:
        return self

    def __exit__(self, *_: object) -> None:
        # Also when a pass failed: the passes before it are kept
        self._flush()


@contextmanager
def no_garbage_collection() -> Iterator[None]:
    """While batches are timed."""
    # Only off, not run first: a collection takes a tenth of a second, in which the board would cool down
    # between the warm-up and the timed passes. Loading a network collects.
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
