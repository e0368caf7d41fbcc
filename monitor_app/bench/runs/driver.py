# SPDX-License-Identifier: Apache-2.0
"""The worker thread that drives the inference: run by run, phase by phase, by the protocol of the profile."""

from __future__ import annotations

import contextlib
import itertools
import logging
import threading
import time
from typing import TYPE_CHECKING

from monitor_app.bench.board.control import BoardControl, BoardControlError, pending_restore
from monitor_app.bench.board.environment import machine_environment
from monitor_app.bench.runs.completed_runs import Ledger
from monitor_app.bench.runs.cool_down import hottest_c, wait_until_cool
from monitor_app.bench.runs.inference_link import CancelledError, ChildLink, NoMemoryLeftError, ToldError
from monitor_app.bench.runs.progress import PlanProgress
from monitor_app.bench.runs.pulse_delay import SETTLE_S, find_delays
from monitor_app.bench.runs.warm_up import WarmUpJudge
from monitor_app.core.errors import MonitorError, SessionError
from monitor_app.core.log import state_folder
from monitor_app.core.runs import Phase, RunState
from monitor_app.core.status import RunStatus
from monitor_app.inference import messages
from monitor_app.inference.networks.registry import network_title

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from monitor_app.bench.acquisition.recorder import Recorder
    from monitor_app.core.profile import Profile
    from monitor_app.core.runs import RunSpec

LOAD_S = 3600.0
"""Weights may be downloaded in it."""
PULSES_S = 60.0
MEMORY_S = 60.0
BOARD_FILE = "board.json"
"""Keeps the power mode and the clocks that were found, while they are changed."""
KILLED = (
    "{} with {} images at a time does not fit into memory, and the system ended the inference process: use a smaller "
    "batch size."
)
NOT_HERE = "in another run"
"""Why a run has no accuracy where the plan asks for it once."""

logger = logging.getLogger(__name__)


class RunDriver:
    """Runs the plan of a profile whenever it is told to. Its thread lives until close."""

    def __init__(
        self, profile: Profile, threads: int, recorder: Recorder, lamps: Sequence[Path], ledger: Ledger | None = None
    ) -> None:
        """With the ledger of a session that is gone on with, what it holds is not run again."""
        self._profile = profile
        self._plan = profile.plan
        self._specs = profile.run_specs(threads)
        self._threads = threads
        self._recorder = recorder
        self._ledger = ledger or Ledger()
        self._child = ChildLink(lamps, lambda: self._cancelled)
        self._board: BoardControl | None = None
        self._board_file = state_folder() / BOARD_FILE
        self._progress = PlanProgress.of(profile.protocol, accuracy=bool(self._plan and self._plan.images))
        self._cycle = 0
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
        self._active = False
        self.message = ""
        """The last thing that went wrong, one sentence."""
        self.refusal: MonitorError | None = None
        """Why the plan could not be run at all, once that is known."""
        self._thread = threading.Thread(target=self._run, name="inference runs")
        self._thread.start()

    @property
    def active(self) -> bool:
        """A plan is being run, or is about to be."""
        return self._active or self._start.is_set()

    @property
    def cycle(self) -> int:
        """The cycle that is going on, or was last; counted from 1."""
        return self._cycle

    def snapshot(self) -> tuple[tuple[RunStatus, ...], float | None]:
        """The runs of this cycle and the seconds left of it, from any thread."""
        return self._progress.snapshot(time.perf_counter_ns())

    def start(self) -> None:
        """Run the plan from its beginning; nothing happens where one is running."""
        if self._specs and not self._active:
            self._stop.clear()
            self._start.set()
            self._wake.set()

    def stop(self) -> None:
        """Cancel the run that is going on and those that wait."""
        self._start.clear()
        # Also where nothing runs yet: the thread may be just about to begin.
        self._stop.set()
        self._wake.set()

    def skip(self) -> None:
        """Cancel only the run that is going on."""
        if self._active:
            self._skip.set()
            self._wake.set()

    def close(self) -> None:
        """Cancel what is going on, end the child, join the thread; calling it twice is fine."""
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
            self.message = "The inference runs stopped on a fault of the program; see the log."
            logger.exception("The inference runs have stopped")
        finally:
            self._child.end()

    def _run_plan(self) -> None:
        self._skip.clear()
        self.message = ""
        self._begin_cycle(self._cycle + 1)
        try:
            self._prepare_board()
            self._run_cycles()
        except MonitorError as error:
            self.message, self.refusal = str(error), error
            logger.warning("The plan cannot be run: %s", error)
        finally:
            # Who waits for the end of the plan sees that nothing is left to wait for.
            self._progress.cancel_waiting()
            self._restore_board()

    def _prepare_board(self) -> None:
        """Set back what a killed session has left; whether the modes of the plan can be set. Raises MonitorError."""
        left = pending_restore(self._board_file)
        if left is not None:
            left.restore()
        modes = {spec.power_mode for spec in self._specs} - {None}
        if not modes and all(spec.clocks is None for spec in self._specs):
            return
        self._board = BoardControl(self._board_file)
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
            self.message = f"The board could not be set back to what it was: {error}"
            logger.warning("%s", self.message)

    def _run_cycles(self) -> None:
        cycles = self._plan.cycles if self._plan else 0
        environment = self._environment()
        self._recorder.put(lambda writer: writer.set_environment(environment))
        if self._profile.sync.pulses:
            self._align()
        for done in itertools.count():
            if self._stop.is_set() or (cycles and done >= cycles):
                break
            self._cycle += 1
            if not self._run_cycle() and not cycles and not self._stop.is_set():
                self.message = self.message or "Not one run of the plan could be done, so it is not run once more."
                break

    def _environment(self) -> dict[str, str]:
        found = machine_environment()
        with contextlib.suppress(BoardControlError):
            mode = BoardControl(self._board_file).mode()
            if mode is not None:
                found["power mode"] = mode
        return found

    def _align(self) -> None:
        """Play the pulse train and store how late each source showed it; without it the runs go on all the same."""
        try:
            inference = self._profile.inference
            self._start_child(inference.device)
            pulses = messages.Pulses(inference.device, self._threads, seed=inference.seed)
            edges_ns = self._child.ask(pulses, messages.Played, PULSES_S).edges_ns
            if not edges_ns:
                return
            self._wait(SETTLE_S)
            for source_id, delay in find_delays(
                self._recorder.path, [self._recorder.file_time(edge_ns) for edge_ns in edges_ns]
            ).items():
                self._recorder.put(
                    lambda writer, source_id=source_id, delay=delay: writer.write_alignment(  # type: ignore[misc]
                        source_id, edges_ns[0], delay
                    )
                )
        except CancelledError:
            pass  # the plan ends before its first run
        except MonitorError as error:
            self.message = f"The delays of the instruments were not found: {error}"
            logger.warning("%s", self.message)
            self._child.end()

    def _begin_cycle(self, cycle: int) -> None:
        self._progress.begin_cycle([self._waiting(cycle, spec) for spec in self._specs])

    def _run_cycle(self) -> bool:
        """All runs that are still to be run; whether any of the cycle is done."""
        self._begin_cycle(self._cycle)
        for index, spec in enumerate(self._specs):
            if self._stop.is_set():
                break
            if self._ledger.state(self._cycle, spec) is None:
                self._skip.clear()
                self._one_run(index, spec)
        return any(self._ledger.state(self._cycle, spec) is RunState.DONE for spec in self._specs)

    def _waiting(self, cycle: int, spec: RunSpec) -> RunStatus:
        """A run before its turn, or one that the session holds already."""
        state = self._ledger.state(cycle, spec) or RunState.WAITING
        fraction = 1.0 if state is RunState.DONE else 0.0
        return RunStatus(None, network_title(spec.network), spec.batch_size, state.value, fraction=fraction)

    def _one_run(self, index: int, spec: RunSpec) -> None:
        run_id, cycle, started_ns = next(self._run_ids), self._cycle, time.perf_counter_ns()
        title = network_title(spec.network)
        self._recorder.put(lambda writer: writer.add_run(run_id, cycle, spec, title, RunState.RUNNING))
        self._recorder.put(lambda writer: writer.start_run(run_id, started_ns))
        self._progress.begin_run(index, run_id)
        state, reason = self._outcome(run_id, spec)
        ended_ns = time.perf_counter_ns()
        self._recorder.put(lambda writer: writer.end_run(run_id, state, reason, ended_ns))
        self._ledger.note(cycle, spec, state)
        self._progress.end_run(state, reason or "")

    def _outcome(self, run_id: int, spec: RunSpec) -> tuple[RunState, str | None]:
        """Carry the run out: how it ended, and why if not well."""
        size = self._ledger.too_big(spec)
        if size is not None:
            return RunState.DOES_NOT_FIT, f"Not tried, since {size} images at a time did not fit into memory."
        try:
            self._phases(run_id, spec)
        except CancelledError:
            return RunState.CANCELLED, None
        except MonitorError as error:
            reason = KILLED.format(network_title(spec.network), spec.batch_size) if _killed(error) else str(error)
            self._after_failure(run_id, error, reason)
            return RunState.DOES_NOT_FIT if _out_of_memory(error) else RunState.FAILED, reason
        return RunState.DONE, None

    def _after_failure(self, run_id: int, error: MonitorError, reason: str) -> None:
        logger.warning("Run %d failed: %s", run_id, reason)
        now_ns = time.perf_counter_ns()
        kind = "does not fit" if _out_of_memory(error) else "failed"
        if kind == "failed":
            self.message = reason
        self._recorder.put(lambda writer: writer.write_mark(now_ns, kind, reason, run_id))
        if not isinstance(error, ToldError):
            # A child that died, or does not do as it is told, is replaced before the next run.
            self._child.end()

    def _phases(self, run_id: int, spec: RunSpec) -> None:
        protocol, plan = self._profile.protocol, self._plan
        assert plan is not None, "runs come from a plan"
        if self._board is not None:
            self._board.apply(spec.power_mode, spec.clocks)
        self._cool_down(run_id)
        if protocol.fresh_process:
            self._child.end()
        with self._phase(run_id, Phase.LOAD):
            has_weights = self._load(run_id, spec, plan.weights)
        self._idle(run_id, Phase.IDLE_BEFORE)
        with self._phase(run_id, Phase.WARM_UP):
            self._warm_up(run_id, spec)
        with self._phase(run_id, Phase.TIMED):
            self._batches(run_id, messages.Time(spec.batch_size, protocol.timed_s, protocol.timed_batches))
        if protocol.fresh_process:
            uses = self._child.ask(messages.MeasureMemory(), messages.MemoryReport, MEMORY_S).uses
            self._recorder.put(lambda writer: writer.write_memory(run_id, uses))
        note = self._accuracy(run_id, spec, plan.images, has_weights=has_weights)
        self._recorder.put(lambda writer: writer.update_run(run_id, dataset=plan.images, accuracy_note=note))
        self._idle(run_id, Phase.IDLE_AFTER)

    def _cool_down(self, run_id: int) -> None:
        """Wait until the board is no warmer than the protocol wants, or has had time enough."""
        limit_c = self._profile.protocol.cool_down_c
        if limit_c is None:
            return
        with self._phase(run_id, Phase.COOL_DOWN):
            note = wait_until_cool(self._hottest_c, limit_c, self._profile.protocol.cool_down_max_s, self._wait)
        if note is not None:
            self._note(note, run_id)

    def _hottest_c(self) -> float | None:
        try:
            return hottest_c(self._recorder.path, self._recorder.file_time(time.perf_counter_ns()))
        except SessionError as error:
            logger.warning("No temperature: %s", error)
            return None

    def _note(self, text: str, run_id: int) -> None:
        now_ns = time.perf_counter_ns()
        self._recorder.put(lambda writer: writer.write_mark(now_ns, "note", text, run_id))

    def _warm_up(self, run_id: int, spec: RunSpec) -> None:
        """For as long as the protocol says, or until what is measured has been shown to be steady."""
        protocol = self._profile.protocol
        if not protocol.warm_up_max_s:
            self._batches(run_id, messages.WarmUp(spec.batch_size, protocol.warm_up_s, protocol.warm_up_batches))
            return
        # It is the judge who counts batches: ten may take half an hour, and at most is at most.
        most_s = max(protocol.warm_up_s, protocol.warm_up_max_s)
        command = messages.WarmUp(spec.batch_size, most_s, 1)
        with WarmUpJudge(self._recorder.path, protocol, self._recorder.shift_ns) as judge:
            self._batches(run_id, command, judge)
            steady, note = bool(judge.verdict and judge.verdict.steady), judge.note()
        self._recorder.put(lambda writer: writer.update_run(run_id, steady=int(steady), warm_up_note=note))

    def _batches(
        self,
        run_id: int,
        command: messages.WarmUp | messages.Time | messages.Evaluate,
        judge: WarmUpJudge | None = None,
    ) -> messages.PhaseDone:
        """One phase of the child, its batches going to the file as they come."""

        def take(event: messages.Batches) -> bool:
            batches = event.batches
            self._recorder.put(lambda writer: writer.write_batches(run_id, batches))
            return judge is not None and judge.steady_with(batches)

        return self._child.run(command, take)

    def _accuracy(self, run_id: int, spec: RunSpec, images: str | None, *, has_weights: bool) -> str | None:
        """Measure it, or say why not."""
        if not has_weights:
            return "no weights"
        if images is None:
            return "no images in the profile"
        key = spec.network, spec.precision
        if not spec.accuracy or (self._plan and self._plan.accuracy == "once" and key in self._evaluated):
            return NOT_HERE
        with self._phase(run_id, Phase.ACCURACY):
            done = self._batches(run_id, messages.Evaluate(spec.batch_size, images))
        if done.images:
            self._evaluated.add(key)
        return done.reason

    def _load(self, run_id: int, spec: RunSpec, weights: str) -> bool:
        self._start_child(spec.device)
        load = messages.Load(
            spec.network, spec.precision, spec.device, spec.threads, weights, self._profile.inference.seed,
            spec.channels_last, spec.compiled,
        )  # fmt: skip
        facts = self._child.ask(load, messages.Loaded, LOAD_S).facts
        self._recorder.put(
            lambda writer: writer.update_run(
                run_id,
                title=facts.title,
                parameters=facts.parameters,
                macs=facts.macs,
                operations=facts.operations,
                input_pixels=facts.input_pixels,
                weights=facts.weights,
                weights_sha256=facts.weights_sha256,
            )
        )
        return facts.weights is not None

    def _start_child(self, device: str) -> None:
        ready = self._child.start(device)
        if ready is not None:
            environment = {**ready.versions, **{f"device {name}": title for name, title in ready.devices.items()}}
            self._recorder.put(lambda writer: writer.set_environment(environment))

    def _idle(self, run_id: int, phase: Phase) -> None:
        """Let the load die away, then let the idle baseline be recorded as a span of its own."""
        protocol = self._profile.protocol
        with self._counted(phase):
            self._wait(protocol.settle_s)
            with self._span(run_id, phase):
                self._wait(protocol.idle_s)

    # -- waiting and spans -----------------------------------------------------------------------

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

    @contextlib.contextmanager
    def _phase(self, run_id: int, phase: Phase) -> Iterator[None]:
        with self._counted(phase), self._span(run_id, phase):
            yield

    @contextlib.contextmanager
    def _counted(self, phase: Phase) -> Iterator[None]:
        """The phase as progress; one that is broken off says nothing about how long the next will take."""
        self._progress.begin_phase(phase, time.perf_counter_ns())
        yield
        self._progress.end_phase(phase, time.perf_counter_ns())

    @contextlib.contextmanager
    def _span(self, run_id: int, phase: Phase) -> Iterator[None]:
        """The phase as a row of the file, closed however it ends."""
        span_id, start_ns = next(self._span_ids), time.perf_counter_ns()
        self._recorder.put(lambda writer: writer.open_span(span_id, run_id, phase, start_ns))
        try:
            yield
        finally:
            end_ns = time.perf_counter_ns()
            self._recorder.put(lambda writer: writer.close_span(span_id, end_ns))


def _out_of_memory(error: MonitorError) -> bool:
    if isinstance(error, ToldError):
        return error.kind is messages.FailureKind.OUT_OF_MEMORY
    return _killed(error)


def _killed(error: MonitorError) -> bool:
    return isinstance(error, NoMemoryLeftError)
