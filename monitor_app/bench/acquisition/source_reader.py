# SPDX-License-Identifier: Apache-2.0
"""One thread for one instrument: reads it, gives its samples their times, passes them to the recorder."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from monitor_app.bench.acquisition.instruments import unknown_roles
from monitor_app.bench.acquisition.late_reads import LateReads
from monitor_app.bench.acquisition.timeline import LOST, READ_TOO_LATE, Timeline
from monitor_app.core.clock import CRYSTAL
from monitor_app.core.errors import HandshakeError, MonitorError, PortError, SourceError
from monitor_app.core.host_time import host_time_ns
from monitor_app.core.samples import TimeMark
from monitor_app.core.status import SourceState, SourceStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from monitor_app.bench.acquisition.recorder import Recorder
    from monitor_app.bench.acquisition.sync_line import EdgeLog
    from monitor_app.bench.acquisition.timeline import Gap, Placed
    from monitor_app.core.clock import ClockState
    from monitor_app.core.samples import PowerSource, Signal, SourceInfo
    from monitor_app.session.writer import SessionWriter

READ_S = 0.05
RECONNECT_EVERY_S = 0.5
LOOK_EVERY_S = 2.0
"""How often a port that has not been there yet is tried."""
CLOSE_S = 4.0
"""How long to wait for a thread that is just opening its instrument, which may take longer."""
CLOCK_EVERY_NS = 1_000_000_000

logger = logging.getLogger(__name__)


class Tap(Protocol):
    """Computes something from samples on their way to the file. Called on the recorder's thread, in order."""

    def begin(self, source_id: int, info: SourceInfo, writer: SessionWriter) -> None:
        """A source has described its signals."""

    def add(self, source_id: int, placed: Placed, writer: SessionWriter) -> None:
        """A block of a source has been written."""

    def clock(self, source_id: int, host_ns: int, state: ClockState, writer: SessionWriter) -> None:
        """The clock fit of a source has a new state."""


@dataclass(frozen=True, slots=True)
class Sync:
    """The sync line of a source."""

    line: str
    edges: EdgeLog


class Acquisition:
    """A source being read. ``make_source`` is called on the thread, once for every connection.

    Its argument is the description of the instrument from the connection before, or None, so that an instrument
    that was plugged in elsewhere can be found.
    """

    def __init__(
        self,
        source_id: int,
        name: str,
        kind: str,
        make_source: Callable[[SourceInfo | None], PowerSource],
        recorder: Recorder,
        *,
        sync: Sync | None = None,
        taps: Sequence[Tap] = (),
        roles: frozenset[str] = frozenset(),
        is_over: Callable[[], bool] = lambda: False,
    ) -> None:
        self._id = source_id
        self._make_source = make_source
        self._recorder = recorder
        self._sync = sync
        self._taps = tuple(taps)
        self._roles = roles
        """Signals that the profile gives roles to."""
        self._is_over = is_over
        """Whether it is a capture that has been played to its end, and so owes no samples."""
        self.refusal = ""
        """Why the instrument does not suit the profile, one sentence; empty where it does."""
        self._stopping = threading.Event()
        self._wanted = threading.Event()
        self._wanted.set()
        self._status = SourceStatus(name, kind, SourceState.CONNECTING)
        self._info: SourceInfo | None = None
        self._timeline = Timeline(sync.edges if sync else None)
        self._late_reads = LateReads()
        self._lost = 0
        self._open_gap: Gap | None = None
        """What has been missing since the connection ended, as it is in the file; it grows until samples come again."""
        self._stopped_ns = 0
        """When the recording ended."""
        self._fault: Exception | None = None
        """Why samples of this source could not be written, until the source's thread has reported it."""
        self._contradicted = False
        """The user has been told that its clock is not what a crystal's can be."""
        self._said: set[str] = set()
        """Errors that have been logged since the last data."""
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
        """Close the instrument until connect."""
        self._wanted.clear()

    def stop(self) -> None:
        """Ask the thread to end, without waiting for it."""
        self._stopped_ns = self._stopped_ns or host_time_ns()
        self._stopping.set()
        self._wanted.set()

    def close(self, timeout_s: float = CLOSE_S) -> None:
        """Stop reading and join the thread; calling it twice is fine.

        What an instrument that has not come back owed until the end is lost like any other sample.
        A thread that is still waiting for the identification of an instrument after that time ends by itself later.
        """
        self.stop()
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            logger.warning("Source %s is still being opened; its thread is left to end by itself", self._status.name)
        if not (self._status.state is SourceState.STREAMING and self._timeline.started):
            self._grow_gap(self._stopped_ns)

    def _run(self) -> None:
        while not self._stopping.is_set():
            if not self._wanted.is_set():
                self._say(SourceState.DISCONNECTED, "")
                self._wanted.wait()
                self._say(SourceState.CONNECTING, "")
                continue
            try:
                self._connection()
            except Exception as error:  # the top of a thread, which survives whatever a driver or a library raises
                fault = self._program_fault(error)
                if str(fault) not in self._said:
                    logger.exception("Source %s stopped", self._status.name)
                self._report(fault)

    def _connection(self) -> None:
        """From opening the source until it is lost, fails, or is to stop."""
        source = None
        try:
            source = self._make_source(self._info)
            source.open()
            self._introduce(source.info)
            self._stream(source)
        except MonitorError as error:
            if str(error) not in self._said:
                logger.info("Source %s: %s", self._status.name, error)
            self._report(error)
        finally:
            if source is not None:
                with contextlib.suppress(MonitorError):
                    source.close()

    def _program_fault(self, error: Exception) -> SourceError:
        """An unexpected exception as a sentence."""
        return SourceError(
            f"{self._status.name} stopped because of an error in this program ({error!r}): the recording continues; "
            "if the source does not come back by itself, connect it again, and report the error with the log."
        )

    def _report(self, error: MonitorError) -> None:
        """Set the state after an error, and wait until the next try is due.

        A source that has been connected is lost and tried until it is back. One that fails at its first try waits for
        the user, unless its port is missing: the instrument may not be plugged in yet.
        """
        text, now_ns = str(error), host_time_ns()
        if text not in self._said:
            self._said.add(text)
            self._recorder.put(lambda writer: writer.write_log(now_ns, "warning", text))
        if self._info is not None:
            if self._timeline.started and self._status.state is SourceState.STREAMING:
                self._recorder.put(lambda writer: writer.write_mark(now_ns, "lost", text))
            self._say(SourceState.LOST, text)
            if not self._stopping.is_set():
                self._grow_gap(now_ns)
            self._stopping.wait(RECONNECT_EVERY_S)
        elif isinstance(error, PortError):
            self._say(SourceState.FAILED, text)
            self._stopping.wait(LOOK_EVERY_S)
        else:
            # Cleared before the state is published: its reader may ask to connect at once.
            self._wanted.clear()
            self._say(SourceState.FAILED, text)
            if not self._stopping.is_set():
                self._wanted.wait()
                self._say(SourceState.CONNECTING, "")

    def _introduce(self, info: SourceInfo) -> None:
        if self._info is None:
            _check_names(info)
            self.refusal = unknown_roles(info.name, [signal.name for signal in info.signals], self._roles)
            if self.refusal:
                raise HandshakeError(self.refusal)
            self._info = info
            self._recorder.put(lambda writer: writer.add_source(self._id, info))
            for tap in self._taps:
                self._recorder.put(lambda writer, tap=tap: tap.begin(self._id, info, writer))  # type: ignore[misc]
        elif info.serial_number != self._info.serial_number:
            raise HandshakeError(
                f"{info.name} is now {info.model} {info.serial_number}, which is not the {self._info.serial_number} "
                "of this session: plug that one in again, or start a new session."
            )
        elif _encodings(info) != _encodings(self._info):
            raise HandshakeError(
                f"{info.name} came back with other signals or another calibration: start a new session for it."
            )
        self._status = replace(
            self._status, simulated=info.simulated, rate_hz=info.rate_hz, model=info.model,
            serial_number=info.serial_number, notes=info.notes,
        )  # fmt: skip

    def _stream(self, source: PowerSource) -> None:
        timeline = self._timeline
        timeline.connect(source.info, self._sync.line if self._sync else None)
        self._late_reads.connect()
        clock_due_ns = 0
        self._say(SourceState.STREAMING, "")
        try:
            while not self._stopping.is_set() and self._wanted.is_set():
                self._raise_fault()
                readings = source.read(READ_S)
                self._late_reads.note(host_time_ns(), time.process_time_ns())
                for reading in readings:
                    if isinstance(reading, TimeMark):
                        timeline.add_mark(reading)
                    elif len(reading):
                        self._store(timeline.add(reading))
                now_ns = host_time_ns()
                self._store(timeline.due(now_ns))
                if timeline.started and now_ns > clock_due_ns:
                    clock_due_ns = now_ns + CLOCK_EVERY_NS
                    self._store_clock(now_ns)
        finally:
            self._store(timeline.release())

    def _raise_fault(self) -> None:
        fault, self._fault = self._fault, None
        if fault is not None:
            raise fault

    def _store(self, blocks: list[Placed]) -> None:
        if blocks:
            self._said.clear()
            self._end_gap()
        for placed in blocks:
            if placed.gap is not None:
                self._store_gap(placed.gap)
            if len(placed.implausible):
                count = self._status.implausible_samples + len(placed.implausible)
                self._status = replace(self._status, implausible_samples=count)
            self._recorder.put(lambda writer, placed=placed: self._write(placed, writer))  # type: ignore[misc]

    def _write(self, placed: Placed, writer: SessionWriter) -> None:
        """On the recorder's thread."""
        with self._guarded():
            self._write_placed(placed, writer)

    def _write_placed(self, placed: Placed, writer: SessionWriter) -> None:
        if placed.even:
            writer.write_block(self._id, placed.first, placed.codes, *placed.times_ns.tolist())
        else:
            writer.write_timed_block(self._id, placed.first, placed.codes, placed.times_ns)
        if len(placed.changes.index):
            writer.write_line_changes(self._id, placed.changes)
        if len(placed.implausible):
            writer.write_implausible(self._id, placed.implausible)
        for tap in self._taps:
            tap.add(self._id, placed, writer)

    def _grow_gap(self, now_ns: int) -> None:
        """Count what has been missing since the connection ended, so that it is in the file whatever ends the bench."""
        if self._is_over():
            self._end_gap()  # as long as it still waited for a question, it seemed to owe some
            return
        gap = self._timeline.missing_until(now_ns)
        if gap is None or gap == self._open_gap:
            return
        self._open_gap = gap
        self._status = replace(self._status, lost_samples=self._lost + gap.n)
        self._recorder.put(
            lambda writer: writer.write_open_gap(self._id, gap.first, gap.n, gap.start_ns, gap.end_ns, gap.reason)
        )

    def _end_gap(self) -> None:
        """Samples have come again: the gap before them is written with its exact length."""
        if self._open_gap is not None:
            self._open_gap = None
            self._status = replace(self._status, lost_samples=self._lost)
            self._recorder.put(lambda writer: writer.remove_open_gap(self._id))

    def _store_gap(self, gap: Gap) -> None:
        self._lost += gap.n
        self._status = replace(self._status, lost_samples=self._lost)
        late = self._late_reads.cause_of(gap) if gap.reason == LOST else None
        if late is not None:
            gap = replace(gap, reason=READ_TOO_LATE)
            text = late.explain(gap, self._status.name)
            self._recorder.put(lambda writer: writer.write_log(late.end_ns, "warning", text))
        self._recorder.put(
            lambda writer: writer.write_gap(self._id, gap.first, gap.n, gap.start_ns, gap.end_ns, gap.reason)
        )

    def _store_clock(self, now_ns: int) -> None:
        state = self._timeline.state
        if state.contradicted and not self._contradicted:
            self._contradicted = True
            text = (
                f"The times of {self._status.name} contradict a clock within {CRYSTAL * 1e6:.0f} ppm of its rate: its "
                "clock is further off, or samples were lost without notice; its times are only as good as its bound."
            )
            self._status = replace(self._status, notes=(*self._status.notes, text))
            self._recorder.put(lambda writer: writer.write_log(now_ns, "warning", text))
        self._status = replace(
            self._status, rate_hz=state.rate_hz, clock_bound_ns=state.bound_ns, clock_method=state.method.value
        )
        self._recorder.put(lambda writer: self._write_clock(now_ns, state, writer))

    def _write_clock(self, now_ns: int, state: ClockState, writer: SessionWriter) -> None:
        """On the recorder's thread."""
        with self._guarded():
            writer.write_clock(self._id, now_ns, state)
            for tap in self._taps:
                tap.clock(self._id, now_ns, state, writer)

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[None]:
        """Samples that cannot be written are a failure of this source alone; the recording of the others continues."""
        try:
            yield
        except MonitorError:
            raise  # of the file itself
        except Exception as error:  # of one item of the writer's work; reported on the source's own thread
            logger.exception("Samples of %s could not be written", self._status.name)
            self._fault = error

    def _say(self, state: SourceState, message: str) -> None:
        self._status = replace(self._status, state=state, message=message)


def _check_names(info: SourceInfo) -> None:
    names = [signal.name for signal in info.signals]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise HandshakeError(f"{info.name} has two signals named {twice[0]}: give each a name of its own.")


def _encodings(info: SourceInfo) -> list[tuple[object, ...]]:
    """The properties by which samples of two connections are one signal; a resolution may depend on the range."""
    return [_encoding(signal) for signal in info.signals]


def _encoding(signal: Signal) -> tuple[object, ...]:
    return signal.name, signal.quantity, signal.dtype, signal.scale, signal.offset, signal.product_of
