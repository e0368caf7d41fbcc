# SPDX-License-Identifier: Apache-2.0
"""One repetition of a command: idle, the command with the marks that it sends, idle."""

from __future__ import annotations

import base64
import contextlib
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor_app.bench.runs.inference_link import CancelledError
from monitor_app.core.errors import BoardError, MonitorError, ProgramError
from monitor_app.core.host_time import host_time_ns
from monitor_app.core.runs import Batch, Phase, RunState
from monitor_app.program.command import NotStartedError, exit_sentence
from monitor_app.program.marks import SPAN
from monitor_app.program.messages import Counts, Ended, Marks, NotStarted, Output, Started

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from monitor_app.bench.acquisition.recorder import Recorder
    from monitor_app.bench.runs.observer import Observer
    from monitor_app.bench.runs.own_program import OwnProgram
    from monitor_app.bench.runs.program_place import ProgramPlace
    from monitor_app.bench.runs.progress import PlanProgress
    from monitor_app.core.profile import Protocol
    from monitor_app.program.messages import Event

LOOK_S = 0.1
COUNTS_S = 30.0
"""How long the last marks may take once the command has ended."""
NO_COUNTS = (0, 0, 0, 0)
INTERRUPTED = "The command was interrupted."

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Repetition:
    """How a repetition ended."""

    state: RunState
    reason: str | None = None
    """Why not well, one sentence."""
    code: int | None = None
    """Of the command, negative for a signal, or as a shell has it where it was not started; None: it has not run."""
    error: MonitorError | None = None
    """Why none of the others can be run either."""


@dataclass(frozen=True, slots=True)
class ProgramContext:
    """What all repetitions share."""

    program: OwnProgram
    protocol: Protocol
    recorder: Recorder
    place: ProgramPlace
    progress: PlanProgress
    span_ids: Iterator[int]
    observer: Observer
    wait: Callable[[float], None]
    """Waits that many seconds. Raises CancelledError where nothing more is to be run."""
    cancelled: Callable[[], bool]
    write: Callable[[int, bytes], None]
    """What a command that runs elsewhere has written: to our stdout (1) or stderr (2)."""


class ProgramRun:
    """One repetition, to be carried out once. ``run_id`` is its row in the session file, which is there already."""

    def __init__(self, run_id: int, context: ProgramContext) -> None:
        self._id = run_id
        self._context = context
        self._code: int | None = None
        self._counts: tuple[int, int, int, int] = NO_COUNTS

    def carry_out(self) -> Repetition:
        """Idle, the command to its end, idle; a command that runs is never left before it has ended."""
        run_id, command = self._id, self._context.program.command
        self._context.recorder.put(lambda writer: writer.add_program(run_id, command))
        try:
            self._phases()
        except CancelledError:
            return Repetition(RunState.CANCELLED, INTERRUPTED if self._code is not None else None, self._code)
        except NotStartedError as error:
            return Repetition(RunState.FAILED, str(error), error.code, error)
        except (BoardError, ProgramError) as error:
            logger.warning("Run %d failed: %s", self._id, error)
            return Repetition(RunState.FAILED, str(error), self._code, error)
        finally:
            self._context.place.close()
        if self._code:
            return Repetition(RunState.FAILED, exit_sentence(self._code), self._code)
        return Repetition(RunState.DONE, None, self._code)

    def _phases(self) -> None:
        context = self._context
        context.place.listen()
        self._idle(Phase.IDLE_BEFORE)
        context.progress.begin_phase(Phase.TIMED, host_time_ns())
        with context.observer.watch(self._id):
            self._command()
        context.progress.end_phase(Phase.TIMED, host_time_ns())
        if context.cancelled():
            raise CancelledError
        self._idle(Phase.IDLE_AFTER)

    def _idle(self, phase: Phase) -> None:
        """As around the run of a network: the load fades, then the baseline is recorded as a span of its own."""
        context, protocol = self._context, self._context.protocol
        context.progress.begin_phase(phase, host_time_ns())
        context.wait(protocol.settle_s)
        with self._span(phase, host_time_ns()):
            context.wait(protocol.idle_s)
        context.progress.end_phase(phase, host_time_ns())

    # -- the command -----------------------------------------------------------------------------

    def _command(self) -> None:
        context = self._context
        start_ns = context.place.start(context.program.words)
        if start_ns is None:
            start_ns = self._wait_for_start()
        end_ns = start_ns
        try:
            with self._span(Phase.TIMED, start_ns, lambda: end_ns):
                end_ns = self._wait_for_end()
            self._counts = self._wait_for_counts()
        finally:
            run_id, code, counts = self._id, self._code, self._counts
            if code is not None:
                context.recorder.put(lambda writer: writer.end_program(run_id, code, counts))
        batch = Batch(Phase.TIMED, start_ns, end_ns, 1)
        context.recorder.put(lambda writer: writer.write_batches(run_id, [batch]))

    def _wait_for_start(self) -> int:
        while True:
            event = self._receive()
            if isinstance(event, NotStarted):
                raise NotStartedError(event.message, event.code)
            if isinstance(event, Started):
                return event.host_ns
            self._take(event)

    def _wait_for_end(self) -> int:
        while True:
            event = self._receive()
            if isinstance(event, Ended):
                self._code = event.code
                return event.host_ns
            self._take(event)

    def _wait_for_counts(self) -> tuple[int, int, int, int]:
        self._context.place.finish()
        until_ns = host_time_ns() + int(COUNTS_S * 1e9)
        while host_time_ns() < until_ns:
            event = self._receive()
            if isinstance(event, Counts):
                return event.marks, event.lost, event.malformed, event.left_out
            self._take(event)
        raise ProgramError("The last marks of the command did not come: start it again.")

    def _receive(self) -> Event | None:
        lost = self._context.place.lost()
        if lost is not None:
            raise lost
        return self._context.place.receive(LOOK_S)

    def _take(self, event: Event | None) -> None:
        if isinstance(event, Marks):
            rows = [
                (name, start_ns, end_ns, images) if kind == SPAN else (name, start_ns, None, None)
                for start_ns, end_ns, images, kind, name in event.rows
            ]
            run_id = self._id
            self._context.recorder.put(lambda writer: writer.write_work(run_id, rows))
        elif isinstance(event, Output):
            self._context.write(event.stream, base64.b64decode(event.data))

    # -- the session file ------------------------------------------------------------------------

    @contextlib.contextmanager
    def _span(self, phase: Phase, start_ns: int, end: Callable[[], int] = host_time_ns) -> Iterator[None]:
        span_id, run_id = next(self._context.span_ids), self._id
        self._context.recorder.put(lambda writer: writer.open_span(span_id, run_id, phase, start_ns))
        try:
            yield
        finally:
            end_ns = max(end(), start_ns)
            self._context.recorder.put(lambda writer: writer.close_span(span_id, end_ns))
