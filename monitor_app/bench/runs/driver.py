# SPDX-License-Identifier: Apache-2.0
"""The worker thread that carries out the plan of a profile, cycle by cycle and run by run."""

from __future__ import annotations

import contextlib
import itertools
import logging
import threading
import time
from typing import TYPE_CHECKING

from monitor_app.bench.board.commands import BoardControlError
from monitor_app.bench.board.machine import BoardElsewhere, ThisMachine
from monitor_app.bench.runs.completed_runs import CompletedRuns, threads_for
from monitor_app.bench.runs.inference_link import CancelledError, InferenceLink
from monitor_app.bench.runs.inference_on_board import OnTheBoard
from monitor_app.bench.runs.inference_place import Here
from monitor_app.bench.runs.observer import Observer
from monitor_app.bench.runs.preparation import Preparation
from monitor_app.bench.runs.progress import PlanProgress
from monitor_app.bench.runs.run import Outcome, Run, RunContext
from monitor_app.core.errors import BoardError, BoardLostError, MonitorError
from monitor_app.core.host_time import host_time_ns
from monitor_app.core.log import state_folder
from monitor_app.core.runs import RunState
from monitor_app.core.status import RunStatus
from monitor_app.inference.networks.registry import network_title

if TYPE_CHECKING:
    from monitor_app.bench.acquisition.recorder import Recorder
    from monitor_app.bench.acquisition.source_set import SourceSet
    from monitor_app.bench.board.connection import BoardConnection
    from monitor_app.bench.board.control import BoardControl
    from monitor_app.bench.board.machine import Machine
    from monitor_app.bench.runs.inference_place import Place
    from monitor_app.core.profile import Profile
    from monitor_app.core.runs import RunSpec
    from monitor_app.core.status import CheckStatus

MOST_LOSSES = 3
"""So many times in a row the board may be lost in one run, which may be what brings it down."""
BOARD_FILE = "board.json"
"""Keeps the power mode and the clocks that were found, while they are changed."""

logger = logging.getLogger(__name__)


class RunDriver:
    """Runs the plan of a profile from each `start` on. Its thread lives until `close`.

    Args:
        profile: whose plan is run.
        threads: torch threads of each run.
        recorder: writes the session.
        sources: those of the bench; None runs the plan without looking at any.
        completed: runs that a resumed session holds already; they are not run again.
        window: number of the process of the window, where there is one.
        connection: to the board that the networks run on, where that is not this machine.
    """

    def __init__(
        self,
        profile: Profile,
        threads: int,
        recorder: Recorder,
        sources: SourceSet | None = None,
        completed: CompletedRuns | None = None,
        window: int | None = None,
        connection: BoardConnection | None = None,
    ) -> None:
        self._profile = profile
        self._plan = profile.plan
        self._specs = profile.run_specs(threads)
        self._recorder = recorder
        self._observer = Observer(recorder, window)
        self._completed = completed or CompletedRuns()
        self._machine: Machine
        load_signals = sources.load_signals if sources else ()
        if connection is None:
            place: Place = Here(load_signals)
            self._machine = ThisMachine(state_folder() / BOARD_FILE)
        else:
            place = OnTheBoard(connection, load_signals, lambda: self._cancelled)
            self._machine = BoardElsewhere(connection)
        self._inference = InferenceLink(place, lambda: self._cancelled)
        self._preparation = Preparation(profile, threads, recorder, sources, self._inference, self._wait)
        self._board: BoardControl | None = None
        self._progress = PlanProgress.of(profile.protocol, accuracy=bool(self._plan and self._plan.images))
        self._cycle = 0
        self._before = 0
        """The cycle before the first one of the plan that runs, or ran last."""
        self._evaluated: set[tuple[str, str]] = set()
        """Networks and precisions whose accuracy this bench has measured."""
        self._run_ids = itertools.count(recorder.next_run_id)
        self._span_ids = itertools.count(recorder.next_span_id)
        self._wake = threading.Event()
        """Set to end any waiting: start, stop, skip and close all do."""
        self._start = threading.Event()
        self._stop = threading.Event()
        self._skip = threading.Event()
        self._closing = threading.Event()
        self._active = self._only_check = self._resume = False
        self.message = ""
        """The last thing that went wrong, one sentence."""
        self.refusal: MonitorError | None = None
        """Why the plan could not be run at all, once that is known."""
        self.unrestored = ""
        """Why the power mode and clocks are not as they were found, where they are not."""
        self.failures: tuple[str, ...] = ()
        """Why runs failed, in their order."""
        self._thread = threading.Thread(target=self._run, name="inference runs")
        self._thread.start()

    @property
    def active(self) -> bool:
        """A plan is being run, or is about to be."""
        return self._active or self._start.is_set()

    @property
    def cycle(self) -> int:
        """The current or the last cycle, counted from 1."""
        return self._cycle

    @property
    def check(self) -> CheckStatus:
        """The checks before the first run, from any thread."""
        return self._preparation.status

    def snapshot(self) -> tuple[tuple[RunStatus, ...], float | None]:
        """The runs of this cycle and the seconds left of it, from any thread."""
        return self._progress.snapshot(host_time_ns())

    def start(self, *, only_check: bool = False, resume: bool = False) -> None:
        """Run the plan from its beginning, or only what comes before its first run; nothing happens where one runs.

        ``resume``: run what is left of a plan that was stopped.
        """
        if (self._specs or only_check) and not self._active:
            self._only_check, self._resume = only_check, resume
            self._stop.clear()
            self._start.set()
            self._wake.set()

    def stop(self) -> None:
        """Cancel the current run and those that wait."""
        self._start.clear()
        # Also where nothing runs yet: the thread may be just about to begin.
        self._stop.set()
        self._wake.set()

    def skip(self) -> None:
        """Cancel only the current run."""
        if self._active:
            self._skip.set()
            self._wake.set()

    def close(self) -> None:
        """Cancel all runs, end the child, join the thread; calling it twice is fine."""
        self._closing.set()
        self.stop()
        self._thread.join()

    # -- the thread ------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while not self._closing.is_set():
                self._wake.wait()
                self._wake.clear()
                if self._start.is_set() and not self._closing.is_set():
                    self._active = True
                    self._start.clear()
                    self._run_plan()
                    self._active = False
        except Exception:  # the top of a thread
            self._active = False
            self.message = "The inference runs stopped because of an error in this program; see the log."
            logger.exception("The inference runs have stopped")
        finally:
            self._inference.end()

    def _run_plan(self) -> None:
        self._skip.clear()
        self.message = ""
        if self._resume and self._cycle > self._before:
            self._cycle -= 1  # the cycle that was stopped is completed
        else:
            self._before = self._cycle
        self._begin_cycle(self._cycle + 1)
        try:
            self._meet()
            self._prepare()
            if not self._only_check:
                self._run_cycles()
        except CancelledError:
            self._preparation.forget()  # the plan ends before its first run
        except MonitorError as error:
            self.message, self.refusal = str(error), error
            self._preparation.refuse(str(error))
            logger.warning("The plan cannot be run: %s", error)
        finally:
            # Only now is the plan over for those who wait for it: nothing of it is waiting any more.
            self._progress.cancel_waiting()
            self._restore_board()

    def _meet(self) -> None:
        """Wait for a board elsewhere, and plan with its number of cores. Raises BoardError, CancelledError."""
        try:
            self._machine.meet(lambda: self._cancelled)
        except BoardError:
            if self._cancelled:
                raise CancelledError from None
            raise
        meta = dict(self._machine.meta())
        if meta:
            threads = threads_for(self._profile, self._completed, self._machine.cores())
            self._specs = self._profile.run_specs(threads)
            self._preparation.use_threads(threads)
            self._recorder.put(lambda writer: writer.set_meta({**meta, "threads": str(threads)}))
            self._begin_cycle(self._cycle + 1)

    def _prepare(self) -> None:
        """Everything before the first run; again where the board is lost meanwhile. Raises MonitorError."""
        for tried in range(1, MOST_LOSSES + 1):
            try:
                self._prepare_once()
                return
            except BoardLostError as error:
                logger.warning("The board was lost before the first run: %s", error)
                self._inference.end()
                if tried == MOST_LOSSES:
                    raise
                if not self._found_again():
                    raise CancelledError from None

    def _prepare_once(self) -> None:
        total = self._preparation.admit()
        if not self._only_check:
            self._prepare_board()
        environment = dict(self._machine.environment())
        self._recorder.put(lambda writer: writer.set_environment(environment))
        self.message = self._preparation.play_steps(total, only_check=self._only_check)

    def _prepare_board(self) -> None:
        """Undo what a killed session has left, and check that the modes of the plan can be set. Raises MonitorError."""
        left = self._machine.pending()
        if left is not None:
            left.restore()
        modes = {spec.power_mode for spec in self._specs} - {None}
        if not modes and all(spec.clocks is None for spec in self._specs):
            return
        self._board = self._machine.control()
        missing = self._board.ready(str(mode) for mode in modes)
        if missing is not None:
            raise BoardControlError(missing)

    def _restore_board(self) -> None:
        board, self._board = self._board, None
        if board is None:
            return
        try:
            board.restore()
        except MonitorError as error:
            self.message = f"The original power mode and clocks could not be restored: {error}"
            self.unrestored = f"{self.message} The next plan for this board will."
            logger.warning("%s", self.message)

    def _run_cycles(self) -> None:
        cycles = self._plan.cycles if self._plan else 0
        context = self._context()
        while not self._stop.is_set() and not (cycles and self._cycle - self._before >= cycles):
            self._cycle += 1
            if not self._run_cycle(context) and not cycles and not self._stop.is_set():
                self.message = self.message or "No run of the plan could be completed, so the plan is not repeated."
                break

    def _context(self) -> RunContext:
        assert self._plan is not None, "runs come from a plan"
        return RunContext(
            self._profile.protocol,
            self._plan,
            self._profile.inference.seed,
            self._profile.inference.calibration or "",
            self._recorder,
            self._inference,
            self._board,
            self._progress,
            self._span_ids,
            self._wait,
            self._observer,
        )

    def _begin_cycle(self, cycle: int) -> None:
        self._progress.begin_cycle([self._waiting(cycle, spec) for spec in self._specs])

    def _run_cycle(self, context: RunContext) -> bool:
        """All runs that are still to be run; whether any of the cycle is done."""
        self._begin_cycle(self._cycle)
        for index, spec in enumerate(self._specs):
            if self._stop.is_set():
                break
            if self._completed.state(self._cycle, spec) is None:
                self._skip.clear()
                self._one_run(index, spec, context)
        return any(self._completed.state(self._cycle, spec) is RunState.DONE for spec in self._specs)

    def _waiting(self, cycle: int, spec: RunSpec) -> RunStatus:
        """A run before its turn, or one that the resumed session holds already."""
        state = self._completed.state(cycle, spec) or RunState.WAITING
        fraction = 1.0 if state is RunState.DONE else 0.0
        return RunStatus(None, network_title(spec.network, spec.model), spec.batch_size, state.value, fraction=fraction)

    def _one_run(self, index: int, spec: RunSpec, context: RunContext) -> None:
        """Again, where the board is lost meanwhile: nothing is known of such a run. Not for ever: it may be the run."""
        for tried in range(1, MOST_LOSSES + 1):
            if not self._try_run(index, spec, context, last=tried == MOST_LOSSES) or not self._found_again():
                return

    def _found_again(self) -> bool:
        """Wait for a board that was lost, for as long as it takes; False where the wait was cancelled."""
        with contextlib.suppress(BoardError):
            self._machine.meet_again(lambda: self._cancelled)
            return not self._cancelled
        return False

    def _try_run(self, index: int, spec: RunSpec, context: RunContext, *, last: bool) -> bool:
        """Whether the board was lost, and the run is to be tried again."""
        run_id, cycle, started_ns = next(self._run_ids), self._cycle, host_time_ns()
        title = network_title(spec.network, spec.model)
        self._recorder.put(lambda writer: writer.add_run(run_id, cycle, spec, title, RunState.RUNNING))
        self._recorder.put(lambda writer: writer.start_run(run_id, started_ns))
        self._progress.begin_run(index, run_id)
        outcome = self._outcome(run_id, spec, context, last=last)
        ended_ns = host_time_ns()
        self._recorder.put(lambda writer: writer.end_run(run_id, outcome.state, outcome.reason, ended_ns))
        self._completed.note(cycle, spec, outcome.state)
        self._progress.end_run(outcome.state, outcome.reason or "")
        return outcome.board_lost

    def _outcome(self, run_id: int, spec: RunSpec, context: RunContext, *, last: bool) -> Outcome:
        size = self._completed.too_big(spec)
        if size is not None:
            return Outcome(
                RunState.DOES_NOT_FIT, f"Not tried, since {size} {spec.items} at a time did not fit into memory."
            )
        key = spec.network, spec.precision
        due = spec.accuracy and (context.plan.accuracy != "once" or key not in self._evaluated)
        outcome = Run(run_id, spec, context, accuracy_due=due, last_try=last).carry_out()
        if outcome.accuracy_measured:
            self._evaluated.add(key)
        if outcome.state is RunState.FAILED:
            self.message = outcome.reason or ""
            self.failures = (
                *self.failures,
                f"{network_title(spec.network, spec.model)} b{spec.batch_size}: {self.message}",
            )
        return outcome

    # -- waiting ---------------------------------------------------------------------------------

    @property
    def _cancelled(self) -> bool:
        return self._stop.is_set() or self._skip.is_set()

    def _wait(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if self._cancelled:
                raise CancelledError
            if self._wake.wait(left):
                self._wake.clear()
