# SPDX-License-Identifier: Apache-2.0
"""The bench's link to the inference child: started when needed, replaced when it fails, cancelled at any time."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, TypeVar

from monitor_app.core.errors import BoardError, ChildDiedError, InferenceError
from monitor_app.inference import messages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from monitor_app.bench.runs.inference_place import Place
    from monitor_app.inference.process import ChildKind, InferenceChild

READY_S = 120.0
"""torch may take a minute to import from a cold disk of a small board."""
SILENCE_S = 600.0
"""The longest that one batch may take."""
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
        place: where the child runs.
        cancelled: polled while an answer is waited for; True ends the wait.
    """

    def __init__(self, place: Place, cancelled: Callable[[], bool]) -> None:
        self._place = place
        self._cancelled = cancelled
        self._child: InferenceChild | None = None
        self._kind: ChildKind | None = None

    def require(self, kind: ChildKind) -> None:
        """Return where such a child can run, as far as is seen without a process. Raises InferenceError."""
        self._place.require(kind)

    def start(self, kind: ChildKind) -> messages.Ready | None:
        """Have a child of that kind. Returns how a new one describes itself, None where it was there already.

        Raises CancelledError, InferenceError, BoardError; then there is none.
        """
        alive = self._child is not None and self._child.exit_code is None and self._place.lost() is None
        if alive and self._kind == kind:
            return None
        self.end()
        try:
            self._child, self._kind = self._place.start(kind), kind
            return self.ask(None, messages.Ready, READY_S)
        except OSError as error:
            raise ChildDiedError(
                f"The inference process cannot be started ({error.strerror or error}): free some memory, then start "
                "the run again."
            ) from error
        except BoardError:
            self.end()
            if self._cancelled():
                raise CancelledError from None
            raise
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
        self._place.end()

    def ask(self, command: messages.Command | None, kind: type[_Answer], timeout_s: float) -> _Answer:
        """Send a command and wait for its answer. Raises CancelledError, InferenceError, BoardLostError."""
        child = self._require()
        self._place.expect()
        if command is not None:
            self._send(child, command)
        for event in self._events(child, timeout_s):
            if isinstance(event, kind):
                return event
        raise InferenceError(f"The inference process did not answer within {timeout_s:.0f} s: start the run again.")

    def run(self, command: Phases, take: Callable[[messages.Batches], bool]) -> messages.PhaseDone:
        """One phase. Its batches are given to ``take``, which returns True to end the phase after its current batch."""
        child = self._require()
        self._place.expect()
        self._send(child, command)
        asked_to_stop = False
        for event in self._events(child, SILENCE_S):
            if isinstance(event, messages.PhaseDone):
                return event
            if isinstance(event, messages.Batches) and take(event) and not asked_to_stop:
                asked_to_stop = True
                self._send(child, messages.Stop())
        raise InferenceError("The inference process has been silent for too long: try a smaller batch size.")

    def _send(self, child: InferenceChild, command: messages.Command) -> None:
        try:
            child.send(command)
        except ChildDiedError as error:
            self._raise_lost(error)
            raise

    def _raise_lost(self, error: ChildDiedError) -> None:
        """Say that the board is out of reach, where it is not the child that has ended."""
        lost = self._place.lost()
        if lost is not None:
            raise lost from error

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
            told = self._receive(child)
            event = None if told is None else self._place.here(told)
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
            self._raise_lost(error)
            if self._place.out_of_memory(child):
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
