# SPDX-License-Identifier: Apache-2.0
"""The sync line: a GPIO of the board on a digital input of the meter, switched at known host times.

The intervals are random, so that an edge cannot be mistaken for its neighbour, and so that edges fall anywhere
between two samples: together they fit the clock to less than one sample period.
"""

from __future__ import annotations

import itertools
import json
import logging
import random
import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from monitor_app.core.clock import MappedEdge
from monitor_app.core.errors import BoardError, BoardLostError, MonitorError, PortError, SourceError, SourceLostError
from monitor_app.core.host_time import host_time_ns
from monitor_app.core.load_signal import LoadSignal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from monitor_app.remote.clock import LinkClock
    from monitor_app.remote.link import GetLink

KEPT = 256
TICKS_HZ = 1e6
"""The clock of a board counts as microseconds."""
AHEAD_NS = 20_000_000
AGAIN_S = 2.0
"""From the loss of a wire on a board elsewhere to the next try."""
ANSWER_S = 10.0
"""For the process that switches it there; a cold board takes seconds to load Jetson.GPIO."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SentEdge:
    """The wire was switched to ``level`` between two host times."""

    earliest_ns: int
    latest_ns: int
    level: bool
    mapped: MappedEdge | None = None
    """How it came to these times, where a board elsewhere has switched the wire."""
    anchor: Callable[[int], MappedEdge] | None = None
    """What the clock of the link to that board says at a host time."""

    def may_be(self, host_ns: int, tolerance_ns: int) -> bool:
        """Whether it may have been at a host time."""
        within_ns = tolerance_ns + (self.mapped.bound_ns if self.mapped is not None else 0)
        return self.earliest_ns - within_ns <= host_ns <= self.latest_ns + within_ns


class EdgeLog:
    """The newest edges that were sent; one thread adds, others look them up."""

    def __init__(self) -> None:
        self._edges: deque[SentEdge] = deque(maxlen=KEPT)

    def add(self, edge: SentEdge) -> None:
        """The wire has been switched."""
        self._edges.append(edge)

    def __len__(self) -> int:
        return len(self._edges)

    @property
    def newest(self) -> SentEdge:
        """The last that was sent. Raises IndexError before the first."""
        return self._edges[-1]

    def nearest(self, host_ns: int, level: bool, tolerance_ns: int) -> SentEdge | None:
        """The edge to ``level`` nearest to a host time, if it is within the tolerance and no other is."""
        near = [edge for edge in tuple(self._edges) if edge.level == level and edge.may_be(host_ns, tolerance_ns)]
        return near[0] if len(near) == 1 else None


class Wire(Protocol):
    """A line that can be switched."""

    def set(self, level: bool) -> SentEdge:
        """Switch it, and say when that was. Raises SourceError."""

    def close(self) -> None:
        """Set it low and release it."""


class SimulatedWire:
    """The wire of a simulated board."""

    def __init__(self, load_signals: Sequence[Path]) -> None:
        self._load_signal = LoadSignal(*load_signals)

    def set(self, level: bool) -> SentEdge:
        # Sent ahead of time, so that the message has arrived when the wire switches: a real wire has no delay.
        switched_ns = host_time_ns() + AHEAD_NS
        self._load_signal.set_sync(level, switched_ns)
        return SentEdge(switched_ns, switched_ns, level)

    def close(self) -> None:
        self._load_signal.close()


class GpioWire:
    """A pin of the 40-pin header, by its number on the board, through Jetson.GPIO. Raises SourceError."""

    def __init__(self, pin: int, gpio: Any = None) -> None:
        self._pin = pin
        self._gpio = gpio if gpio is not None else _jetson_gpio()
        try:
            self._gpio.setmode(self._gpio.BOARD)
            self._gpio.setup(pin, self._gpio.OUT, initial=self._gpio.LOW)
        except (ValueError, OSError, RuntimeError) as error:
            raise SourceError(
                f"Pin {pin} cannot be used as the sync line ({error}): choose another under [sync], "
                "or run `sudo usermod -aG gpio $USER` and log in again."
            ) from error

    def set(self, level: bool) -> SentEdge:
        before_ns = host_time_ns()
        self._gpio.output(self._pin, self._gpio.HIGH if level else self._gpio.LOW)
        return SentEdge(before_ns, host_time_ns(), level)

    def close(self) -> None:
        self._gpio.output(self._pin, self._gpio.LOW)
        self._gpio.cleanup(self._pin)


def _jetson_gpio() -> Any:
    try:
        import Jetson.GPIO
    except Exception as error:
        # On other machines the import itself raises a bare Exception.
        raise SourceError(
            f"The sync line needs the library Jetson.GPIO on a Jetson ({error}): "
            "install it with `pip install Jetson.GPIO`, or take gpio out of [sync]."
        ) from error
    return Jetson.GPIO


class BoardStamps:
    """Edges that a board has stamped, in host time. Of one link, in their order."""

    _links = itertools.count(1)

    def __init__(self, clock: LinkClock) -> None:
        self._clock = clock
        self._link = next(self._links)
        self._newest: MappedEdge | None = None

    def edge(self, before_ns: int, after_ns: int, level: bool) -> SentEdge:
        """The wire was switched between these two times of the board."""
        self._newest = mapped = self._mapped(before_ns)
        return SentEdge(mapped.host_ns, self._clock.host_time_ns(after_ns), level, mapped, self.anchor)

    def anchor(self, host_ns: int) -> MappedEdge:
        """As an edge at a host time would be, from any thread; after the first edge."""
        newest = self._newest
        assert newest is not None, "an edge has brought this"
        return self._mapped(newest.tangent_board_ns(host_ns))

    def _mapped(self, board_ns: int) -> MappedEdge:
        host_ns, bound_ns = self._clock.host_time_ns(board_ns), self._clock.bound_ns(np.array([board_ns], np.int64))
        return MappedEdge(board_ns, host_ns, TICKS_HZ / self._clock.state.rate_hz, bound_ns, self._link)


class BoardWire:
    """The same pin of a board elsewhere, switched by a child of the agent there and stamped by the board's clock.

    Raises PortError where the board is out of reach, SourceError where the pin cannot be used.
    """

    def __init__(self, pin: int, link: GetLink) -> None:
        try:
            self._link = link()
        except BoardError as error:
            raise PortError(str(error)) from error
        try:
            self._child = self._link.start_child("gpio", [str(pin)])
        except BoardLostError as error:
            raise PortError(str(error)) from error
        except BoardError as error:
            raise SourceError(f"The sync line cannot be switched: {error}") from error
        self._stamps = BoardStamps(self._link.clock)
        try:
            answer = self._answer()
            if "error" in answer:
                raise SourceError(
                    f"Pin {pin} of {self._link.board.host} cannot be used as the sync line ({answer['error']}): choose "
                    "another under [sync], install Jetson.GPIO there for the python of [board], or run "
                    "`sudo usermod -aG gpio $USER` there."
                )
        except BaseException:
            self._child.close()
            raise

    def set(self, level: bool) -> SentEdge:
        try:
            self._child.send(b"1\n" if level else b"0\n")
        except BrokenPipeError as error:
            raise self._gone() from error
        answer = self._answer()
        return self._stamps.edge(answer["before_ns"], answer["after_ns"], level)

    def close(self) -> None:
        self._child.close()

    def _answer(self) -> dict[str, Any]:
        """The next line of the child, which says nothing unasked."""
        try:
            lines = self._child.lines(ANSWER_S)
            answer = json.loads(lines[0]) if lines else None
        except EOFError as error:
            raise self._gone() from error
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise SourceLostError(
                f"The sync line of {self._link.board.host} does not answer: look for other load on the board."
            )
        return answer

    def _gone(self) -> SourceLostError:
        said = self._child.lost or (
            f"The process that switches the sync line on {self._link.board.host} {self._child.exit_reason()}: it is "
            "started again."
        )
        return SourceLostError(str(said))


class SyncDriver:
    """A thread that switches the wire at random intervals and keeps a log of it."""

    def __init__(self, make_wire: Callable[[], Wire], log: EdgeLog, interval_s: float) -> None:
        self.message = ""
        """Why there is no sync line, once that is known; one sentence."""
        self._said = ""
        self._make_wire = make_wire
        self._log = log
        self._interval_s = interval_s
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sync line")
        self._thread.start()

    def close(self) -> None:
        """Stop and release the wire; calling it twice is fine."""
        self._closing.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._closing.is_set():
                try:
                    self._switch_a_wire()
                except (PortError, SourceLostError) as error:  # a board that is gone may come back
                    self._say(str(error))
                    self._closing.wait(AGAIN_S)
        except MonitorError as error:
            self._say(str(error))
        except Exception:  # the top of a thread
            self.message = "The sync line stopped because of an error in this program; see the log."
            logger.exception("The sync line has stopped")

    def _switch_a_wire(self) -> None:
        wire = self._make_wire()
        self.message = ""
        try:
            self._switch(wire)
        finally:
            wire.close()

    def _say(self, message: str) -> None:
        if message != self._said:
            logger.warning("%s", message)
        self.message = self._said = message

    def _switch(self, wire: Wire) -> None:
        level, wait_s = False, self._interval_s / 2
        while not self._closing.wait(wait_s):
            level = not level
            self._log.add(wire.set(level))
            wait_s = self._interval_s * random.uniform(0.5, 1.5)
