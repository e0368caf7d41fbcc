# SPDX-License-Identifier: Apache-2.0
"""One run of a plan, phase by phase: cool-down, load, idle, warm-up, timed batches, accuracy, idle."""

from __future__ import annotations

import contextlib
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor_app.bench.runs.cool_down import hottest_c, wait_until_cool
from monitor_app.bench.runs.inference_link import CancelledError, ChildReportedError, NoMemoryLeftError
from monitor_app.bench.runs.warm_up import WarmUpJudge
from monitor_app.core.errors import BoardLostError, InferenceError, MonitorError, SessionError
from monitor_app.core.host_time import host_time_ns
from monitor_app.core.runs import Phase, RunState
from monitor_app.inference import messages
from monitor_app.inference.networks.registry import network_title
from monitor_app.inference.process import child_kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from monitor_app.bench.acquisition.recorder import Recorder
    from monitor_app.bench.board.control import BoardControl
    from monitor_app.bench.runs.inference_link import InferenceLink
    from monitor_app.bench.runs.observer import Observer
    from monitor_app.bench.runs.progress import PlanProgress
    from monitor_app.core.profile import Plan, Protocol
    from monitor_app.core.runs import RunSpec
    from monitor_app.inference.process import ChildKind

LOAD_S = 3600.0
"""Weights may be downloaded in it."""
MEMORY_S = 60.0
KILLED = (
    "{} with {} images at a time does not fit into memory, and the system ended the inference process: use a smaller "
    "batch size."
)
KEEPS_LOSING = "The board was lost in this run three times in a row, at last so: {} Try a smaller batch size."
NOT_HERE = "in another run"
"""Why a run has no accuracy where the plan asks for it once."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended."""

    state: RunState
    reason: str | None = None
    """Why not well, one sentence."""
    accuracy_measured: bool = False
    board_lost: bool = False
    """The board was out of reach meanwhile: nothing is known of the run, which is to be repeated."""


@dataclass(frozen=True, slots=True)
class RunContext:
    """What all runs of a plan share."""

    protocol: Protocol
    plan: Plan
    seed: int
    recorder: Recorder
    inference: InferenceLink
    board: BoardControl | None
    """Sets the power mode and the clocks; None where no run of the plan names any."""
    progress: PlanProgress
    span_ids: Iterator[int]
    wait: Callable[[float], None]
    """Waits that many seconds. Raises CancelledError where the run is to end."""
    observer: Observer


class Run:
    """One run, to be carried out once.

    Args:
        run_id: its row in the session file, which is there already.
        spec: what to run.
        context: what it shares with the other runs of the plan.
        accuracy_due: False where the accuracy of the network is measured in another run.
        last_try: it fails where the board is lost once more.
    """

    def __init__(
        self, run_id: int, spec: RunSpec, context: RunContext, *, accuracy_due: bool, last_try: bool = False
    ) -> None:
        self._id = run_id
        self._spec = spec
        self._context = context
        self._accuracy_due = accuracy_due
        self._last_try = last_try
        self._accuracy_measured = False

    def carry_out(self) -> Outcome:
        """All phases, until the last has ended, the run is cancelled or it fails."""
        state, reason = RunState.DONE, None
        try:
            self._phases()
        except CancelledError:
            state = RunState.CANCELLED
        except BoardLostError as error:
            if not self._last_try:
                logger.warning("Run %d is lost: %s", self._id, error)
                self._mark("lost", f"{error} The run is repeated.")
                self._context.inference.end()
                return Outcome(RunState.CANCELLED, str(error), self._accuracy_measured, board_lost=True)
            state, reason = self._failure(InferenceError(KEEPS_LOSING.format(error)))
        except MonitorError as error:
            state, reason = self._failure(error)
        return Outcome(state, reason, self._accuracy_measured)

    def _failure(self, error: MonitorError) -> tuple[RunState, str]:
        reason, does_not_fit = str(error), False
        if isinstance(error, NoMemoryLeftError):
            reason, does_not_fit = KILLED.format(network_title(self._spec.network), self._spec.batch_size), True
        elif isinstance(error, ChildReportedError):
            does_not_fit = error.kind is messages.FailureKind.OUT_OF_MEMORY
        logger.warning("Run %d failed: %s", self._id, reason)
        self._mark("does not fit" if does_not_fit else "failed", reason)
        if not isinstance(error, ChildReportedError):
            # A child that died, or does not do what it is asked, is replaced before the next run.
            self._context.inference.end()
        return RunState.DOES_NOT_FIT if does_not_fit else RunState.FAILED, reason

    def _phases(self) -> None:
        spec, protocol, plan = self._spec, self._context.protocol, self._context.plan
        if self._context.board is not None:
            self._context.board.apply(spec.power_mode, spec.clocks)
        self._cool_down()
        if protocol.fresh_process:
            self._context.inference.end()
        with self._phase(Phase.LOAD):
            has_weights = self._load(plan.weights)
        self._idle(Phase.IDLE_BEFORE)
        with self._phase(Phase.WARM_UP):
            self._warm_up()
        with self._phase(Phase.TIMED), self._context.observer.watch(self._id):
            self._batches(messages.Time(spec.batch_size, protocol.timed_s, protocol.timed_batches))
        if protocol.fresh_process:
            self._memory()
        self._update(dataset=plan.images, accuracy_note=self._accuracy(plan.images, has_weights=has_weights))
        self._idle(Phase.IDLE_AFTER)

    # -- phases ----------------------------------------------------------------------------------

    def _cool_down(self) -> None:
        """Wait until the board is no warmer than the protocol wants, or has had time enough."""
        limit_c = self._context.protocol.cool_down_c
        if limit_c is None:
            return
        with self._phase(Phase.COOL_DOWN):
            note = wait_until_cool(self._hottest_c, limit_c, self._context.protocol.cool_down_max_s, self._context.wait)
        if note is not None:
            self._mark("note", note)

    def _hottest_c(self) -> float | None:
        recorder = self._context.recorder
        try:
            return hottest_c(recorder.path, recorder.file_time(host_time_ns()))
        except SessionError as error:
            logger.warning("No temperature: %s", error)
            return None

    def _load(self, weights: str) -> bool:
        """Load the network; whether it has weights with which accuracy can be measured."""
        spec = self._spec
        kind = child_kind(spec.device, spec.back_end, spec.allocator)
        start_inference(self._context.inference, kind, self._context.recorder)
        load = messages.Load(
            spec.network, spec.precision, spec.device, spec.threads, weights, self._context.seed,
            spec.channels_last, spec.compiled, spec.cudnn_benchmark,
        )  # fmt: skip
        loaded = self._context.inference.ask(load, messages.Loaded, LOAD_S)
        run_id, facts = self._id, loaded.facts
        self._context.recorder.put(lambda writer: writer.write_run_facts(run_id, loaded.settings))
        self._update(
            title=facts.title,
            parameters=facts.parameters,
            macs=facts.macs,
            operations=facts.operations,
            input_pixels=facts.input_pixels,
            weights=facts.weights,
            weights_sha256=facts.weights_sha256,
        )
        return facts.weights is not None

    def _idle(self, phase: Phase) -> None:
        """Let the effects of the load fade, then record the idle baseline as a span of its own."""
        protocol = self._context.protocol
        with self._counted(phase):
            self._context.wait(protocol.settle_s)
            with self._span(phase):
                self._context.wait(protocol.idle_s)

    def _warm_up(self) -> None:
        """For as long as the protocol says, or until the measured values have been shown to be steady."""
        protocol, batch_size = self._context.protocol, self._spec.batch_size
        if not protocol.warm_up_max_s:
            self._batches(messages.WarmUp(batch_size, protocol.warm_up_s, protocol.warm_up_batches))
            return
        # The judge counts the batches, and not the child: ten may take half an hour, longer than the longest warm-up.
        most_s = max(protocol.warm_up_s, protocol.warm_up_max_s)
        with WarmUpJudge(self._context.recorder.path, protocol, self._context.recorder.shift_ns) as judge:
            self._batches(messages.WarmUp(batch_size, most_s, 1), judge)
            steady, note = bool(judge.verdict and judge.verdict.steady), judge.note()
        self._update(steady=int(steady), warm_up_note=note)

    def _batches(
        self, command: messages.WarmUp | messages.Time | messages.Evaluate, judge: WarmUpJudge | None = None
    ) -> messages.PhaseDone:
        """One phase of the child, its batches going to the file as they come."""
        run_id = self._id

        def take(event: messages.Batches) -> bool:
            batches = event.batches
            self._context.recorder.put(lambda writer: writer.write_batches(run_id, batches))
            return judge is not None and judge.steady_with(batches)

        return self._context.inference.run(command, take)

    def _memory(self) -> None:
        run_id = self._id
        uses = self._context.inference.ask(messages.MeasureMemory(), messages.MemoryReport, MEMORY_S).uses
        self._context.recorder.put(lambda writer: writer.write_memory(run_id, uses))

    def _accuracy(self, images: str | None, *, has_weights: bool) -> str | None:
        """Measure it, or say why not."""
        if not has_weights:
            return "no weights"
        if images is None:
            return "no images in the profile"
        if not self._accuracy_due:
            return NOT_HERE
        with self._phase(Phase.ACCURACY):
            done = self._batches(messages.Evaluate(self._spec.batch_size, images))
        self._accuracy_measured = bool(done.images)
        if (answers := done.answers) is not None:
            run_id = self._id
            self._context.recorder.put(lambda writer: writer.write_answers(run_id, answers))
        return done.reason

    # -- the session file ------------------------------------------------------------------------

    @contextlib.contextmanager
    def _phase(self, phase: Phase) -> Iterator[None]:
        with self._counted(phase), self._span(phase):
            yield

    @contextlib.contextmanager
    def _counted(self, phase: Phase) -> Iterator[None]:
        """The phase as progress; one that is broken off says nothing about how long the next will take."""
        self._context.progress.begin_phase(phase, host_time_ns())
        yield
        self._context.progress.end_phase(phase, host_time_ns())

    @contextlib.contextmanager
    def _span(self, phase: Phase) -> Iterator[None]:
        """The phase as a row of the file, closed however it ends."""
        run_id, span_id, start_ns = self._id, next(self._context.span_ids), host_time_ns()
        self._context.recorder.put(lambda writer: writer.open_span(span_id, run_id, phase, start_ns))
        try:
            yield
        finally:
            end_ns = host_time_ns()
            self._context.recorder.put(lambda writer: writer.close_span(span_id, end_ns))

    def _update(self, **columns: str | int | None) -> None:
        run_id = self._id
        self._context.recorder.put(lambda writer: writer.update_run(run_id, **columns))

    def _mark(self, kind: str, text: str) -> None:
        run_id, now_ns = self._id, host_time_ns()
        self._context.recorder.put(lambda writer: writer.write_mark(now_ns, kind, text, run_id))


def start_inference(inference: InferenceLink, kind: ChildKind, recorder: Recorder) -> None:
    """Have a child of that kind, and record what a new one says about its machine.

    Raises CancelledError, InferenceError, BoardError.
    """
    ready = inference.start(kind)
    if ready is not None:
        environment = {**ready.versions, **{f"device {name}": title for name, title in ready.devices.items()}}
        recorder.put(lambda writer: writer.set_environment(environment))
