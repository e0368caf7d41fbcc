# SPDX-License-Identifier: Apache-2.0
"""The worker thread that drives the inference: run by run, phase by phase, by the protocol of the profile."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from monitor_app.bench.alignment import SETTLE_S, find_delays
from monitor_app.bench.progress import PlanProgress
from monitor_app.core.errors import ChildDiedError, InferenceError, MonitorError
from monitor_app.core.lamp import Lamp
from monitor_app.core.runs import Phase, RunState
from monitor_app.core.status import RunStatus
from monitor_app.inference import messages
from monitor_app.inference.networks.registry import network_title
from monitor_app.inference.process import InferenceChild

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from monitor_app.bench.recorder import Recorder
    from monitor_app.core.profile import Profile
    from monitor_app.core.runs import RunSpec

READY_S = 120.0
"""torch may take a minute to import from a cold disk of a small board."""
LOAD_S = 300.0
PULSES_S = 60.0
SILENCE_S = 600.0
"""The longest that one batch may take."""
STOP_S = 5.0
POLL_S = 0.1
_ANSWERS = (messages.Ready, messages.Loaded, messages.Played, messages.PhaseDone, messages.Failed)

logger = logging.getLogger(__name__)


_Answer = TypeVar("_Answer", bound=messages.Event)


class _CancelledError(Exception):
    """The user has stopped or skipped the run."""


class _ToldError(InferenceError):
    """The child itself says that the run cannot be; it lives on."""


class RunDriver:
    """Runs the plan of a profile whenever it is told to. Its thread lives until close."""

    def __init__(self, profile: Profile, threads: int, recorder: Recorder, lamps: Sequence[Path]) -> None:
        self._profile = profile
        self._plan = profile.plan
        self._specs = profile.run_specs(threads)
        self._threads = threads
        self._recorder = recorder
        self._lamps = tuple(lamps)
        self._progress = PlanProgress.of(profile.protocol, accuracy=bool(self._plan and self._plan.images))
        self._cycle = 0
        self._run_ids = itertools.count(1)
        self._span_ids = itertools.count(1)
        self._child: InferenceChild | None = None
        self._wake = threading.Event()
        """Set to end any waiting: start, stop, skip and close all do."""
        self._start = threading.Event()
        self._stop = threading.Event()
        self._skip = threading.Event()
        self._closing = threading.Event()
        self._active = False
        self.message = ""
        """The last thing that went wrong, one sentence."""
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
            self._start.set()
            self._wake.set()

    def stop(self) -> None:
        """Cancel the run that is going on and those that wait."""
        self._start.clear()
        if self._active:
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
            self._end_child()

    def _run_plan(self) -> None:
        self._stop.clear()
        self._skip.clear()
        self.message = ""
        cycles = self._plan.cycles if self._plan else 0
        if self._profile.sync.pulses:
            self._align()
        for done in itertools.count():
            if self._stop.is_set() or (cycles and done >= cycles):
                break
            self._cycle += 1
            self._run_cycle()

    def _align(self) -> None:
        """Play the pulse train and store how late each source showed it; without it the runs go on all the same."""
        try:
            child = self._ready_child()
            inference = self._profile.inference
            child.send(messages.Pulses(inference.device, self._threads, seed=inference.seed))
            edges_ns = self._expect(child, messages.Played, PULSES_S).edges_ns
            if not edges_ns:
                return
            self._wait(SETTLE_S)
            for source_id, delay in find_delays(self._recorder.path, edges_ns).items():
                self._recorder.put(
                    lambda writer, source_id=source_id, delay=delay: writer.write_alignment(  # type: ignore[misc]
                        source_id, edges_ns[0], delay
                    )
                )
        except _CancelledError:
            pass  # the plan ends before its first run
        except MonitorError as error:
            self.message = f"The delays of the instruments were not found: {error}"
            logger.warning("%s", self.message)
            self._end_child()

    def _run_cycle(self) -> None:
        self._progress.begin_cycle(
            [RunStatus(None, network_title(s.network), s.batch_size, RunState.WAITING.value) for s in self._specs]
        )
        for index, spec in enumerate(self._specs):
            if self._stop.is_set():
                self._progress.cancel_waiting()
                return
            self._skip.clear()
            self._one_run(index, spec)

    def _one_run(self, index: int, spec: RunSpec) -> None:
        run_id, cycle, started_ns = next(self._run_ids), self._cycle, time.perf_counter_ns()
        title = network_title(spec.network)
        self._recorder.put(lambda writer: writer.add_run(run_id, cycle, spec, title, RunState.RUNNING))
        self._recorder.put(lambda writer: writer.update_run(run_id, started_ns=started_ns))
        self._progress.begin_run(index, run_id)
        state, reason = RunState.DONE, None
        try:
            self._phases(run_id, spec)
        except _CancelledError:
            state = RunState.CANCELLED
        except MonitorError as error:
            state, reason = RunState.FAILED, str(error)
            self._after_failure(run_id, error)
        ended_ns = time.perf_counter_ns()
        self._recorder.put(lambda writer: writer.update_run(run_id, state=state.value, error=reason, ended_ns=ended_ns))
        self._progress.end_run(state, reason or "")

    def _after_failure(self, run_id: int, error: MonitorError) -> None:
        logger.warning("Run %d failed: %s", run_id, error)
        self.message = str(error)
        now_ns = time.perf_counter_ns()
        self._recorder.put(lambda writer: writer.write_mark(now_ns, "failed", str(error), run_id))
        if not isinstance(error, _ToldError):
            # A child that died, or does not do as it is told, is replaced before the next run.
            self._end_child()

    def _phases(self, run_id: int, spec: RunSpec) -> None:
        protocol, plan = self._profile.protocol, self._plan
        assert plan is not None, "runs come from a plan"
        with self._phase(run_id, Phase.LOAD):
            has_weights = self._load(run_id, spec, plan.weights)
        self._idle(run_id, Phase.IDLE_BEFORE)
        with self._phase(run_id, Phase.WARM_UP):
            self._command(run_id, messages.WarmUp(spec.batch_size, protocol.warm_up_s, protocol.warm_up_batches))
        with self._phase(run_id, Phase.TIMED):
            self._command(run_id, messages.Time(spec.batch_size, protocol.timed_s, protocol.timed_batches))
        note = self._accuracy(run_id, spec, plan.images, has_weights=has_weights)
        self._recorder.put(lambda writer: writer.update_run(run_id, dataset=plan.images, accuracy_note=note))
        self._idle(run_id, Phase.IDLE_AFTER)

    def _accuracy(self, run_id: int, spec: RunSpec, images: str | None, *, has_weights: bool) -> str | None:
        """Measure it, or say why not."""
        if not has_weights:
            return "no weights"
        if images is None:
            return "no images in the profile"
        with self._phase(run_id, Phase.ACCURACY):
            return self._command(run_id, messages.Evaluate(spec.batch_size, images)).reason

    def _load(self, run_id: int, spec: RunSpec, weights: str) -> bool:
        child = self._ready_child()
        child.send(
            messages.Load(
                spec.network, spec.precision, spec.device, spec.threads, weights, self._profile.inference.seed
            )
        )
        loaded = self._expect(child, messages.Loaded, LOAD_S)
        facts = loaded.facts
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

    def _idle(self, run_id: int, phase: Phase) -> None:
        """Let the load die away, then let the idle baseline be recorded as a span of its own."""
        protocol = self._profile.protocol
        with self._counted(phase):
            self._wait(protocol.settle_s)
            with self._span(run_id, phase):
                self._wait(protocol.idle_s)

    # -- the child -------------------------------------------------------------------------------

    def _ready_child(self) -> InferenceChild:
        if self._child is not None:
            return self._child
        child = self._child = InferenceChild(self._lamps)
        ready = self._expect(child, messages.Ready, READY_S)
        environment = {**ready.versions, **{f"device {name}": title for name, title in ready.devices.items()}}
        self._recorder.put(lambda writer: writer.set_environment(environment))
        return child

    def _end_child(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        child.close()
        if self._lamps:
            # One that was killed in the middle of a pass could not do so itself.
            lamp = Lamp(*self._lamps)
            lamp.set(False, time.perf_counter_ns())
            lamp.close()

    def _command(self, run_id: int, command: messages.WarmUp | messages.Time | messages.Evaluate) -> messages.PhaseDone:
        """One phase of the child, its batches going to the file as they come."""
        child = self._child
        if child is None:
            raise ChildDiedError("There is no inference process: start the run again.")
        child.send(command)
        for event in self._events(child, SILENCE_S):
            if isinstance(event, messages.PhaseDone):
                return event
            if isinstance(event, messages.Batches):
                batches = event.batches
                self._recorder.put(lambda writer, batches=batches: writer.write_batches(run_id, batches))  # type: ignore[misc]
        raise InferenceError("The inference process has been silent for too long: try a smaller batch size.")

    def _expect(self, child: InferenceChild, kind: type[_Answer], timeout_s: float) -> _Answer:
        for event in self._events(child, timeout_s):
            if isinstance(event, kind):
                return event
        raise InferenceError(f"The inference process did not answer within {timeout_s:.0f} s: start the run again.")

    def _events(self, child: InferenceChild, silence_s: float) -> Iterator[messages.Event]:
        """What the child says, until it has been silent for too long. Raises _CancelledError, InferenceError."""
        heard = time.monotonic()
        while time.monotonic() - heard < silence_s:
            if self._cancelled:
                self._interrupt(child)
                raise _CancelledError
            event = child.receive(POLL_S)
            if event is None:
                continue
            heard = time.monotonic()
            if isinstance(event, messages.Failed):
                raise _ToldError(event.message)
            yield event

    def _interrupt(self, child: InferenceChild) -> None:
        """End the phase that is going on; a child that does not listen is replaced."""
        child.send(messages.Stop())
        deadline = time.monotonic() + STOP_S
        while time.monotonic() < deadline:
            if isinstance(child.receive(POLL_S), _ANSWERS):
                return
        self._end_child()

    # -- waiting and spans -----------------------------------------------------------------------

    @property
    def _cancelled(self) -> bool:
        return self._stop.is_set() or self._skip.is_set()

    def _wait(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if self._cancelled:
                raise _CancelledError
            if self._wake.wait(left):
                self._wake.clear()

    @contextmanager
    def _phase(self, run_id: int, phase: Phase) -> Iterator[None]:
        with self._counted(phase), self._span(run_id, phase):
            yield

    @contextmanager
    def _counted(self, phase: Phase) -> Iterator[None]:
        """The phase as progress; one that is broken off says nothing about how long the next will take."""
        self._progress.begin_phase(phase, time.perf_counter_ns())
        yield
        self._progress.end_phase(phase, time.perf_counter_ns())

    @contextmanager
    def _span(self, run_id: int, phase: Phase) -> Iterator[None]:
        """The phase as a row of the file, closed however it ends."""
        span_id, start_ns = next(self._span_ids), time.perf_counter_ns()
        self._recorder.put(lambda writer: writer.open_span(span_id, run_id, phase, start_ns))
        try:
            yield
        finally:
            end_ns = time.perf_counter_ns()
            self._recorder.put(lambda writer: writer.close_span(span_id, end_ns))
