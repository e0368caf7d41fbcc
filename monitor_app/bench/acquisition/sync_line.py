# SPDX-License-Identifier: Apache-2.0
"""The sync line: a GPIO of the board on a digital input of the meter, switched at known host times.

The intervals are random, so that an edge cannot be mistaken for its neighbour, and so that edges fall anywhere
between two samples: together they fit the clock to less than one sample period.
"""

from __future__ import annotations

import logging
import random
import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from monitor_app.core.errors import MonitorError, SourceError
from monitor_app.core.host_time import host_time_ns
from monitor_app.core.load_signal import LoadSignal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

KEPT = 256
AHEAD_NS = 20_000_000

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SentEdge:
    """The wire was switched to ``level`` between two host times."""

    earliest_ns: int
    latest_ns: int
    level: bool


class EdgeLog:
    """The newest edges that were sent; one thread adds, others look them up."""

    def __init__(self) -> None:
        self._edges: deque[SentEdge] = deque(maxlen=KEPT)

    def add(self, edge: SentEdge) -> None:
        """The wire has been switched."""
        self._edges.append(edge)

    def nearest(self, host_ns: int, level: bool, tolerance_ns: int) -> SentEdge | None:
        """The edge to ``level`` nearest to a host time, if it is within the tolerance and no other is."""
        near = [
            edge
            for edge in tuple(self._edges)
            if edge.level == level and edge.earliest_ns - tolerance_ns <= host_ns <= edge.latest_ns + tolerance_ns
        ]
        return near[0] if len(near) == 1 else None


class Wire(Protocol):
    """A line that can be switched."""

    def set(self, level: bool) -> tuple[int, int]:
        """Switch it; host times just before and just after."""

    def close(self) -> None:
        """Set it low and release it."""


class SimulatedWire:
    """The wire of a simulated board."""

    def __init__(self, load_signals: Sequence[Path]) -> None:
        self._load_signal = LoadSignal(*load_signals)

    def set(self, level: bool) -> tuple[int, int]:
        # Sent ahead of time, so that the message has arrived when the wire switches: a real wire has no delay.
        switched_ns = host_time_ns() + AHEAD_NS
        self._load_signal.set_sync(level, switched_ns)
        return switched_ns, switched_ns

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

    def set(self, level: bool) -> tuple[int, int]:
        before_ns = host_time_ns()
        self._gpio.output(self._pin, self._gpio.HIGH if level else self._gpio.LOW)
        return before_ns, host_time_ns()

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


class SyncDriver:
    """A thread that switches the wire at random intervals and keeps a log of it."""

    def __init__(self, make_wire: Callable[[], Wire], log: EdgeLog, interval_s: float) -> None:
        self.message = ""
        """Why there is no sync line, once that is known; one sentence."""
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
            wire = self._make_wire()
            try:
                self._switch(wire)
            finally:
                wire.close()
        except MonitorError as error:
            self.message = str(error)
            logger.warning("%s", error)
        except Exception:  # the top of a thread
            self.message = "The sync line stopped because of an error in this program; see the log."
            logger.exception("The sync line has stopped")

    def _switch(self, wire: Wire) -> None:
        level, wait_s = False, self._interval_s / 2
        while not self._closing.wait(wait_s):
            level = not level
            self._log.add(SentEdge(*wire.set(level), level))
            wait_s = self._interval_s * random.uniform(0.5, 1.5)
