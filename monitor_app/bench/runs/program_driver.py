# SPDX-License-Identifier: Apache-2.0
"""The worker thread that runs a command of the user's again and again, in place of the plan of a profile."""

from __future__ import annotations

import itertools
import logging
import os
import threading
import time
from typing import TYPE_CHECKING

from monitor_app.bench.board.machine import BoardElsewhere, ThisMachine
from monitor_app.bench.runs.gate import admit
from monitor_app.bench.runs.inference_link import CancelledError
from monitor_app.bench.runs.observer import Observer
from monitor_app.bench.runs.program_on_board import CommandOnBoard
from monitor_app.bench.runs.program_place import CommandHere
from monitor_app.bench.runs.program_run import ProgramContext, ProgramRun
from monitor_app.bench.runs.progress import PlanProgress
from monitor_app.core.errors import BoardError, MonitorError
from monitor_app.core.host_time import host_time_ns
from monitor_app.core.log import state_folder
from monitor_app.core.runs import RunState
from monitor_app.core.status import CheckStatus, RunStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor_app.bench.acquisition.recorder import Recorder
    from monitor_app.bench.acquisition.source_set import SourceSet
    from monitor_app.bench.board.connection import BoardConnection
    from monitor_app.bench.board.machine import Machine
    from monitor_app.bench.runs.own_program import OwnProgram
    from monitor_app.bench.runs.program_place import ProgramPlace
    from monitor_app.bench.runs.program_run import Repetition
    from monitor_app.core.profile import Profile

BOARD_FILE = "board.json"

logger = logging.getLogger(__name__)


class ProgramDriver:
    """Runs the command once `start` is called. Its thread lives until `close`; what it runs is its child.

    Args:
        profile: whose instruments measure; of its protocol, how long idle is and settles.
        program: the command.
        recorder: writes the session.
        sources: those of the bench.
        connection: to the board that the command runs on, where that is not this machine.
        write: what a command elsewhere has written, as `ProgramContext.write`.
    """

    def __init__(
        self,
        profile: Profile,
        program: OwnProgram,
        recorder: Recorder,
        sources: SourceSet,
        connection: BoardConnection | None = None,
        write: Callable[[int, bytes], None] | None = None,
    ) -> None:
        self._profile, self._program, self._recorder, self._sources = profile, program, recorder, sources
        self._wake, self._stop, self._closing = threading.Event(), threading.Event(), threading.Event()
        self._place: ProgramPlace
        self._machine: Machine
        if connection is None:
            self._place = CommandHere(sources.load_signals)
            self._machine = ThisMachine(state_folder() / BOARD_FILE)
        else:
            self._place = CommandOnBoard(connection, sources.load_signals, self._stop.is_set)
            self._machine = BoardElsewhere(connection)
        self._progress = PlanProgress.of(profile.protocol, accuracy=False)
        self._progress.begin_cycle(
            [RunStatus(None, program.title, 1, RunState.WAITING.value) for _ in range(program.repetitions)]
        )
        self._context = ProgramContext(
            program, profile.protocol, recorder, self._place, self._progress,
            itertools.count(recorder.next_span_id), Observer(recorder), self._wait, self._stop.is_set,
            write or _write,
        )  # fmt: skip
        self._run_ids = itertools.count(recorder.next_run_id)
        self._active = False
        self.codes: tuple[int, ...] = ()
        """Exit codes of the command, in the order of its repetitions; negative for a signal."""
        self.check = CheckStatus()
        self.message = self.unrestored = ""
        self.refusal: MonitorError | None = None
        """Why the command could not be run at all, or could not be measured to its end."""
        self.failures: tuple[str, ...] = ()
        self._thread = threading.Thread(target=self._run, name="own program")
        self._thread.start()

    @property
    def active(self) -> bool:
        """The command is being run, or is about to be."""
        return self._active

    @property
    def cycle(self) -> int:
        """The repetition, counted from 1."""
        return len(self.codes) + self._active

    def snapshot(self) -> tuple[tuple[RunStatus, ...], float | None]:
        """The repetitions and the seconds left as far as that is known, from any thread."""
        return self._progress.snapshot(host_time_ns())

    def start(self, *, only_check: bool = False, resume: bool = False) -> None:
        """Run it; only once."""
        if not only_check and not resume and not self._wake.is_set():
            self._active = True
            self._wake.set()

    def pass_signal(self, number: int) -> None:
        """Send the command a signal, from any thread; nothing where none runs."""
        self._place.pass_signal(number)

    def stop(self) -> None:
        """No further repetition. A command that runs is not ended: `pass_signal` asks it to."""
        self._stop.set()

    def skip(self) -> None:
        """As `stop`."""
        self.stop()

    def close(self) -> None:
        """Wait until the command has ended; calling it twice is fine."""
        self._closing.set()
        self.stop()
        self._wake.set()
        self._thread.join()

    # -- the thread ------------------------------------------------------------------------------

    def _run(self) -> None:
        self._wake.wait()
        try:
            if self._active:
                self._run_all()
        except CancelledError:
            pass
        except MonitorError as error:
            self.message, self.refusal = str(error), error
            logger.warning("The command cannot be run: %s", error)
        except Exception as error:  # the top of a thread
            self.refusal = MonitorError(
                f"The command was not measured because of an error in this program ({error!r})."
            )
            self.message = str(self.refusal)
            logger.exception("The command was not measured")
        finally:
            self._progress.cancel_waiting()
            self._active = False

    def _run_all(self) -> None:
        self._meet()
        plan = self._profile.plan
        admit(
            self._recorder.path, self._sources, self._wait,
            without_power=plan is not None and plan.without_power, what="command",
        )  # fmt: skip
        environment = dict(self._machine.environment())
        self._recorder.put(lambda writer: writer.set_environment(environment))
        for index in range(self._program.repetitions):
            if self._stop.is_set() or not self._goes_on(self._repeat(index)):
                break

    def _meet(self) -> None:
        try:
            self._machine.meet(self._stop.is_set)
        except BoardError:
            if self._stop.is_set():
                raise CancelledError from None
            raise
        meta = dict(self._machine.meta())
        self._recorder.put(lambda writer: writer.set_meta(meta))

    def _repeat(self, index: int) -> Repetition:
        run_id, started_ns, program = next(self._run_ids), host_time_ns(), self._program
        self._recorder.put(
            lambda writer: writer.add_run(run_id, index + 1, program.spec, program.title, RunState.RUNNING)
        )
        self._recorder.put(lambda writer: writer.start_run(run_id, started_ns))
        self._progress.begin_run(index, run_id)
        outcome = ProgramRun(run_id, self._context).carry_out()
        ended_ns = host_time_ns()
        self._recorder.put(lambda writer: writer.end_run(run_id, outcome.state, outcome.reason, ended_ns))
        self._progress.end_run(outcome.state, outcome.reason or "")
        return outcome

    def _goes_on(self, outcome: Repetition) -> bool:
        if outcome.code is not None:
            self.codes = (*self.codes, outcome.code)
        if outcome.error is not None:
            raise outcome.error
        if outcome.state is RunState.FAILED:
            self.failures = (*self.failures, outcome.reason or "")
        return outcome.state is RunState.DONE or (self._program.ignore_failure and outcome.state is RunState.FAILED)

    def _wait(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        if self._stop.wait(max(deadline - time.monotonic(), 0.0)):
            raise CancelledError


def _write(stream: int, data: bytes) -> None:
    """Through, as a command here writes itself."""
    try:
        while data:
            data = data[os.write(stream, data) :]
    except OSError:  # nobody reads any more
        pass
