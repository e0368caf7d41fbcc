# SPDX-License-Identifier: Apache-2.0
"""The bench's link to the inference child: started when needed, replaced when it fails, cancelled at any time."""

from __future__ import annotations

import logging
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from monitor_app.core.errors import ChildDiedError, InferenceError
from monitor_app.core.host_time import host_time_ns
from monitor_app.core.load_signal import LoadSignal
from monitor_app.inference import messages
from monitor_app.inference.process import InferenceChild, child_command

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

READY_S = 120.0
"""torch may take a minute to import from a cold disk of a small board."""
SILENCE_S = 600.0
"""The longest that one batch may take."""
GROUPS, OWN_GROUP = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")
VMSTAT = Path("/proc/vmstat")
STOP_S = 5.0
POLL_S = 0.1
_ANSWERS = (
    messages.Ready,
    messages.Loaded,
    messages.Played,
    messages.PhaseDone,
    messages.MemoryReport,
    messages.Failed,
)
Phases = messages.WarmUp | messages.Time | messages.Evaluate
_Answer = TypeVar("_Answer", bound=messages.Event)


logger = logging.getLogger(__name__)


class CancelledError(Exception):
    """The user has stopped or skipped the run."""


class ChildReportedError(InferenceError):
    """The child reports that it cannot carry out a command; the child lives on."""

    def __init__(self, failed: messages.Failed) -> None:
        super().__init__(failed.message)
        self.kind = failed.kind


class NoMemoryLeftError(InferenceError):
    """The system has killed the child because memory ran out."""


class InferenceLink:
    """At most one inference child. Use it from one thread: Linux kills the child when that thread ends.

    Args:
        load_signals: sockets of simulated instruments, which show the load of the network.
        cancelled: polled while an answer is waited for; True ends the wait.
    """

    def __init__(self, load_signals: Sequence[Path], cancelled: Callable[[], bool]) -> None:
        self._load_signals = tuple(load_signals)
        self._cancelled = cancelled
        self._child: InferenceChild | None = None
        self._device = ""
        self._oom_kills = 0

    def start(self, device: str) -> messages.Ready | None:
        """Have a child for that device. Returns how a new one describes itself, None where it was there already.

        Raises CancelledError, InferenceError; then there is none.
        """
        command = child_command(device)
        alive = self._child is not None and self._child.exit_code is None
        if alive and child_command(self._device) == command:
            return None
        self.end()
        try:
            self._child, self._device = InferenceChild(self._load_signals, command), device
            return self.ask(None, messages.Ready, READY_S)
        except OSError as error:
            raise ChildDiedError(
                f"The inference process cannot be started ({error.strerror or error}): free some memory, then start "
                "the run again."
            ) from error
        except (CancelledError, InferenceError):
            # A child that has not started properly is not to be relied on later.
            self.end()
            raise

    def end(self) -> None:
        """End the child, if there is one."""
        child, self._child = self._child, None
        if child is None:
            return
        child.close()
        if self._load_signals:
            # A child that was killed in the middle of a pass has left it high.
            load_signal = LoadSignal(*self._load_signals)
            load_signal.set(False, host_time_ns())
            load_signal.close()

    def ask(self, command: messages.Command | None, kind: type[_Answer], timeout_s: float) -> _Answer:
        """Send a command and wait for its answer. Raises CancelledError, InferenceError."""
        child = self._require()
        self._oom_kills = oom_kills()
        if command is not None:
            child.send(command)
        for event in self._events(child, timeout_s):
            if isinstance(event, kind):
                return event
        raise InferenceError(f"The inference process did not answer within {timeout_s:.0f} s: start the run again.")

    def run(self, command: Phases, take: Callable[[messages.Batches], bool]) -> messages.PhaseDone:
        """One phase. Its batches are given to ``take``, which returns True to end the phase after its current batch."""
        child = self._require()
        self._oom_kills = oom_kills()
        child.send(command)
        asked_to_stop = False
        for event in self._events(child, SILENCE_S):
            if isinstance(event, messages.PhaseDone):
                return event
            if isinstance(event, messages.Batches) and take(event) and not asked_to_stop:
                asked_to_stop = True
                child.send(messages.Stop())
        raise InferenceError("The inference process has been silent for too long: try a smaller batch size.")

    def _require(self) -> InferenceChild:
        if self._child is None:
            raise ChildDiedError("There is no inference process: start the run again.")
        return self._child

    def _events(self, child: InferenceChild, silence_s: float) -> Iterator[messages.Event]:
        """Events of the child, until it has been silent for too long. Raises CancelledError, InferenceError."""
        heard = time.monotonic()
        while time.monotonic() - heard < silence_s:
            if self._cancelled():
                self._interrupt(child)
                raise CancelledError
            event = self._receive(child)
            if event is None:
                continue
            heard = time.monotonic()
            if isinstance(event, messages.Failed):
                raise ChildReportedError(event)
            yield event

    def _receive(self, child: InferenceChild) -> messages.Event | None:
        try:
            return child.receive(POLL_S)
        except ChildDiedError as error:
            # The count is that of several processes: another one may have been killed while this one crashed.
            if child.exit_code == -signal.SIGKILL and oom_kills() > self._oom_kills:
                raise NoMemoryLeftError(
                    "The system ran out of memory and ended the inference process: use a smaller batch size."
                ) from error
            raise

    def _interrupt(self, child: InferenceChild) -> None:
        """End the current phase; a child that does not respond, or has died, is ended and later replaced."""
        try:
            child.send(messages.Stop())
            deadline = time.monotonic() + STOP_S
            while time.monotonic() < deadline:
                if isinstance(child.receive(POLL_S), _ANSWERS):
                    return
        except InferenceError as error:
            logger.info("The inference process did not end its phase as asked: %s", error)
        self.end()


def oom_kills() -> int:
    """How many processes the kernel has killed so far because memory ran out; 0 where it does not report it.

    Those of our own control group (v2), which its children share; where that does not count them, those of the machine.
    """
    own = _counter(_own_group() / "memory.events")
    return own if own is not None else _counter(VMSTAT) or 0


def _own_group() -> Path:
    """The folder of the control group that this process is in."""
    try:
        lines = OWN_GROUP.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return GROUPS
    return GROUPS / next((line[len("0::") :].lstrip("/") for line in lines if line.startswith("0::")), "")


def _counter(file: Path) -> int | None:
    """The line `oom_kill N` of a file of the kernel; None where there is none."""
    try:
        lines = file.read_text(encoding="ascii").splitlines()
        return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), None)
    except (OSError, ValueError, IndexError):
        return None
