# SPDX-License-Identifier: Apache-2.0
"""One thread for one instrument: reads it, gives its samples their times, hands them to the recorder.

Sample indices in the file start at 0 and go on through losses and reconnections: a hole is as long as the time
that was missed, so that index and time stay together.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from monitor_app.core.clock import SampleClock
from monitor_app.core.errors import MonitorError, SourceLostError
from monitor_app.core.samples import LineChanges, TimeMark
from monitor_app.core.status import SourceState, SourceStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor_app.bench.recorder import Recorder
    from monitor_app.core.samples import PowerSource, SampleBlock, SourceInfo

READ_S = 0.05
RECONNECT_EVERY_S = 0.5
CLOCK_EVERY_NS = 1_000_000_000

logger = logging.getLogger(__name__)


class Acquisition:
    """A source being read. ``make_source`` is called on the thread, anew for every connection."""

    def __init__(
        self, source_id: int, name: str, kind: str, make_source: Callable[[], PowerSource], recorder: Recorder
    ) -> None:
        self._id = source_id
        self._make_source = make_source
        self._recorder = recorder
        self._stopping = threading.Event()
        self._wanted = threading.Event()
        self._wanted.set()
        self._status = SourceStatus(name, kind, SourceState.CONNECTING)
        self._info: SourceInfo | None = None
        self._end: tuple[int, int] | None = None
        """Index and host time at which the samples in the file end."""
        self._lost = 0
        self._thread = threading.Thread(target=self._run, name=f"source {name}")
        self._thread.start()

    @property
    def status(self) -> SourceStatus:
        """A snapshot, from any thread."""
        return self._status

    def connect(self) -> None:
        """Try again after a failure or a disconnect."""
        self._wanted.set()

    def disconnect(self) -> None:
        """Let go of the instrument until connect."""
        self._wanted.clear()

    def close(self) -> None:
        """Stop reading and join the thread; calling it twice is fine."""
        self._stopping.set()
        self._wanted.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                if not self._wanted.is_set():
                    self._say(SourceState.DISCONNECTED, "")
                    self._wanted.wait()
                    continue
                self._connection()
        except Exception:  # the top of a thread
            logger.exception("Source %s has stopped", self._status.name)
            self._say(SourceState.FAILED, "The source stopped on a fault of the program; see the log.")

    def _connection(self) -> None:
        """From opening the source to losing it, failing, or being told to stop."""
        source = None
        try:
            source = self._make_source()
            source.open()
            self._introduce(source.info)
            self._stream(source, SampleClock(source.info.rate_hz, source.info.transport_bound_ns))
        except MonitorError as error:
            logger.info("Source %s: %s", self._status.name, error)
            self._report(error)
        finally:
            if source is not None:
                source.close()

    def _report(self, error: MonitorError) -> None:
        """Lost once it has been there: then try for ever. Failed at the first try: then wait for the user."""
        text = str(error)
        self._recorder.put(lambda writer: writer.write_log(time.perf_counter_ns(), "warning", text))
        if self._info is not None:
            if self._status.state is SourceState.STREAMING or isinstance(error, SourceLostError):
                now_ns = time.perf_counter_ns()
                self._recorder.put(lambda writer: writer.write_mark(now_ns, "lost", text))
            self._say(SourceState.LOST, text)
            self._stopping.wait(RECONNECT_EVERY_S)
        else:
            self._say(SourceState.FAILED, text)
            self._wanted.clear()
            self._wanted.wait()

    def _introduce(self, info: SourceInfo) -> None:
        if self._info is None:
            self._info = info
            self._recorder.put(lambda writer: writer.add_source(self._id, info))
        self._status = replace(self._status, simulated=info.simulated, rate_hz=info.rate_hz)

    def _stream(self, source: PowerSource, clock: SampleClock) -> None:
        base: int | None = None
        clock_due_ns = 0
        self._say(SourceState.STREAMING, "")
        while not self._stopping.is_set() and self._wanted.is_set():
            for reading in source.read(READ_S):
                if isinstance(reading, TimeMark):
                    clock.add_mark(reading)
                    continue
                clock.add_arrival(reading.first_index + len(reading), reading.arrival_ns)
                t_first_ns, t_last_ns = clock.times(reading.first_index, len(reading))
                if base is None:
                    base = reading.first_index - self._resume_at(t_first_ns, clock)
                self._store(reading, base, t_first_ns, t_last_ns)
            now_ns = time.perf_counter_ns()
            if base is not None and now_ns > clock_due_ns:
                clock_due_ns = now_ns + CLOCK_EVERY_NS
                self._store_clock(clock, now_ns)

    def _resume_at(self, t_first_ns: int, clock: SampleClock) -> int:
        """Index for the first sample of a connection: 0, or as far on as time has gone since the last one."""
        if self._end is None:
            return 0
        index, end_ns = self._end
        missed = max(round((t_first_ns - end_ns) * 1e-9 * clock.state.rate_hz), 0)
        self._gap(index, missed, end_ns, t_first_ns, "disconnected")
        return index + missed

    def _store(self, block: SampleBlock, base: int, t_first_ns: int, t_last_ns: int) -> None:
        first = block.first_index - base
        if block.lost_before and self._end is not None:
            self._gap(first - block.lost_before, block.lost_before, self._end[1], t_first_ns, "lost on the way")
        period_ns = (t_last_ns - t_first_ns) // max(len(block) - 1, 1)
        self._end = (first + len(block), t_last_ns + period_ns)
        self._recorder.put(lambda writer: writer.write_block(self._id, first, block.codes, t_first_ns, t_last_ns))
        if len(block.changes.index):
            changes = LineChanges(block.changes.index - base, block.changes.line, block.changes.level)
            self._recorder.put(lambda writer: writer.write_line_changes(self._id, changes))

    def _gap(self, first: int, n: int, start_ns: int, end_ns: int, reason: str) -> None:
        if n == 0:
            return
        self._lost += n
        self._status = replace(self._status, lost_samples=self._lost)
        self._recorder.put(lambda writer: writer.write_gap(self._id, first, n, start_ns, end_ns, reason))

    def _store_clock(self, clock: SampleClock, now_ns: int) -> None:
        state = clock.state
        self._status = replace(self._status, rate_hz=state.rate_hz, clock_bound_ns=state.bound_ns)
        self._recorder.put(lambda writer: writer.write_clock(self._id, now_ns, state.rate_hz, state.bound_ns))

    def _say(self, state: SourceState, message: str) -> None:
        self._status = replace(self._status, state=state, message=message)
