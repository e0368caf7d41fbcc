# SPDX-License-Identifier: Apache-2.0
"""What the jtop service of jetson-stats reports of a Jetson: rails, load, clocks, temperatures, fan, memory.

Through a child process: jetson-stats is under another licence and changes how the whole process that imports it
starts others (docs/decisions/0006-jtop-in-a-child.md).
"""

from __future__ import annotations

import json
import time
from collections import deque
from dataclasses import replace
from statistics import median
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from monitor_app.core.errors import HandshakeError, SourceLostError
from monitor_app.core.host_time import host_time_ns
from monitor_app.core.samples import Quantity, Role, Signal, SourceInfo
from monitor_app.core.source_specs import Name, SourceSpec
from monitor_app.core.status import FoundSource
from monitor_app.sources.accuracy import INA3221
from monitor_app.sources.base import Described, try_source
from monitor_app.sources.jetson.boards import recognise_board
from monitor_app.sources.jtop import readings as jtop_readings
from monitor_app.sources.jtop.failures import failure, most_telling, other_interpreter_may_do
from monitor_app.sources.jtop.places import Here, There
from monitor_app.sources.polling import Blocks

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from monitor_app.core.samples import Reading
    from monitor_app.remote.link import GetLink
    from monitor_app.sources.jtop.places import Child, Place

SOCKET = "/run/jtop.sock"
CONNECT_S = 20.0
"""An old board takes seconds to import jetson-stats. A service whose inner process died never answers."""
BOARD_S = 5.0
"""A jetson-stats that looks for CUDA and OpenCV first takes long to name the board; the numbers need not wait."""
STEP_S = 0.01
"""Of the service's time stamps."""
STALE_INTERVALS, STALE_S = 3, 5.0
"""Silence after which the service counts as lost: this many intervals, and at least this long."""
MOST_INCOMPLETE = 3
"""Updates in a row that lack a signal, after which the signals are no longer those of the source."""


class JtopSpec(SourceSpec):
    """What the jtop service of jetson-stats reports: rails, load, frequencies, temperatures, fan, memory."""

    kind: Literal["jtop"]
    name: Name = "jtop"
    interval_s: float = Field(1.0, ge=0.05, le=60)
    python: str | None = None
    """The interpreter that has jetson-stats in the service's version; by default this one, then the system's."""
    roles: dict[str, Role] = Field(default_factory=dict)


class JtopSource(Described):
    """The service, on this computer or a board elsewhere. ``roles`` says what each signal feeds, by its name.

    Args:
        name: of the source.
        interval_s: between updates, if no other program has set the service's interval before.
        roles: by signal name; a rail that the service itself calls the input is the total without being named.
        python: the interpreter that has jetson-stats in the service's version; by default this one, then the
            service's, then the system's.
        socket: where the service listens.
        place: the machine that the service is on.
    """

    def __init__(
        self,
        name: str,
        interval_s: float,
        roles: Mapping[str, Role] | None = None,
        python: str | None = None,
        *,
        socket: str = SOCKET,
        place: Place | None = None,
    ) -> None:
        super().__init__(name)
        self._asked_s = interval_s
        self._roles = dict(roles or {})
        self._python = python
        self._socket = socket
        self._place = place if place is not None else Here()
        self._process: JtopProcess | None = None
        self._environment: dict[str, str] = {}

    @property
    def environment(self) -> dict[str, str]:
        """Settings that belong to a measurement, as last reported: power mode, jetson_clocks, versions."""
        return dict(self._environment)

    def open(self) -> None:
        """Connect, and describe the signals from a first update. Raises SourceError with what to do."""
        self.close()
        failures: list[dict[str, Any]] = []
        for python in self._place.interpreters() if self._python is None else [self._python]:
            try:
                problem = self._connect(python)
            except BaseException:
                self.close()
                raise
            if problem is None:
                return
            self.close()
            if not other_interpreter_may_do(problem):
                raise failure(self._name, problem)
            failures.append(problem)
        raise failure(self._name, most_telling(failures))

    def read(self, timeout_s: float) -> list[Reading]:
        """The block of the next update, or nothing.

        Raises:
            SourceLostError: the service is gone or says nothing new, or no longer reports what it did at open.
        """
        if self._process is None:
            raise SourceLostError(f"{self._name} is not connected: connect it first.")
        if not self._pending:
            self._pending.extend(self._process.receive(timeout_s))
        readings: list[Reading] = []
        if self._pending:
            kind, content = self._pending.popleft()
            if kind == "error":
                raise failure(self._name, content, lost=True)
            if kind == "board":
                self._environment.update(_texts(content))
            elif kind == "update":
                readings += self._block(content)
        now_ns = host_time_ns()
        if now_ns - self._heard_ns > self._stale_s * 1e9:
            raise SourceLostError(
                f"The jtop service has sent {self._name} nothing new for {self._stale_s:.3g} s: "
                "restart it with `sudo systemctl restart jtop`."
            )
        return readings

    def close(self) -> None:
        """End the child; calling it twice is fine."""
        process, self._process = self._process, None
        if process is not None:
            process.close()

    def _connect(self, python: str) -> dict[str, Any] | None:
        """Start the child and wait until it has described the board. What went wrong, or None."""
        self._process = JtopProcess(self._place.start(python, [self._socket, str(self._asked_s)]))
        self._pending: deque[tuple[str, dict[str, Any]]] = deque()
        received: dict[str, dict[str, Any]] = {}
        wait_s = CONNECT_S + STALE_INTERVALS * self._asked_s
        end_s = time.monotonic() + wait_s
        while not {"connected", "board", "update"} <= received.keys() and (left_s := end_s - time.monotonic()) > 0:
            for kind, content in self._process.receive(left_s):
                if kind == "error":
                    return content
                if kind in received:
                    self._pending.append((kind, content))
                    continue
                received[kind] = content
                if kind == "connected":
                    wait_s = self._stale_after(content)
                    end_s = time.monotonic() + wait_s
                elif kind == "update":
                    end_s = time.monotonic() + BOARD_S
        if "connected" not in received or "update" not in received:
            return {"code": "silent", "seconds": wait_s}
        self._start(received["connected"], received.get("board", {}), received["update"])
        return None

    @staticmethod
    def _stale_after(connected: Mapping[str, Any]) -> float:
        return max(STALE_INTERVALS * float(connected["interval_s"]), STALE_S)

    def _start(self, connected: Mapping[str, Any], board: Mapping[str, Any], update: Mapping[str, Any]) -> None:
        """From the first update, which is not passed on: its loads are means since the board was switched on."""
        if update["seen_s"] < update["uptime_s"] - STEP_S:
            raise HandshakeError(
                f"The jtop service uses another clock than {self._name}: run this program where the service runs, "
                "not in a container with an uptime of its own."
            )
        self._interval_s = float(connected["interval_s"])
        self._stale_s = self._stale_after(connected)
        # On a busy board the service takes longer than it did now, and values are read at any time within.
        self._span_s = max(self._interval_s, 3 * (update["seen_s"] - update["uptime_s"]))
        readings = jtop_readings.decode(update)
        self._environment = {"jetson-stats": str(connected["version"]), **_texts(board), **_modes(update)}
        self._info = self._describe(readings, board)
        self._blocks = Blocks()
        self._steps: deque[float] = deque(maxlen=9)
        self._uptime_s = float(update["uptime_s"])
        self._incomplete = 0
        self._heard_ns = host_time_ns()

    def _block(self, update: Mapping[str, Any]) -> Iterator[Reading]:
        arrival_ns = host_time_ns()
        self._heard_ns = arrival_ns
        uptime_s, seen_s = float(update["uptime_s"]), float(update["seen_s"])
        self._blocks.leave_out(self._missed(uptime_s - self._uptime_s))
        self._uptime_s = uptime_s
        self._environment.update(_modes(update))
        values = jtop_readings.decode(update).values
        lacking = [signal.name for signal in self.info.signals if signal.name not in values]
        self._incomplete = self._incomplete + 1 if lacking else 0
        if self._incomplete >= MOST_INCOMPLETE:
            raise SourceLostError(
                f"The jtop service no longer sends {self._name} the value of {lacking[0]}: connect again to continue "
                "with what it still sends."
            )
        if lacking or seen_s - uptime_s > self._span_s:
            self._blocks.leave_out()
            return
        # The two clocks of the machine drift apart only while it sleeps.
        since_s = (uptime_s + seen_s + STEP_S) / 2 - float(update["boot_s"])
        time_ns, bound_ns = self._place.host_ns(int(update["raw_ns"]) + round(since_s * 1e9))
        block = self._blocks.make([values[signal.name][1] for signal in self.info.signals], time_ns, arrival_ns)
        yield replace(block, times_bound_ns=bound_ns)

    def _missed(self, step_s: float) -> int:
        """Updates between two that came. A busy board is slower than its interval, so the usual step counts."""
        usual_s = max(self._interval_s, median(self._steps)) if self._steps else self._interval_s
        self._steps.append(step_s)
        return max(0, round(step_s / usual_s) - 1)

    def _describe(self, readings: jtop_readings.Readings, board: Mapping[str, Any]) -> SourceInfo:
        signals = tuple(
            Signal(
                name,
                quantity,
                self._roles.get(name, Role.TOTAL if name == readings.total else Role.OTHER),
                accuracy=INA3221.of(quantity),
            )
            for name, (quantity, _) in readings.values.items()
        )
        if not signals:
            raise HandshakeError(
                f"The jtop service sends {self._name} nothing about this board: see `journalctl -u jtop` for why."
            )
        return SourceInfo(
            name=self._name,
            kind="jtop",
            model=str(board.get("Model") or board.get("Module") or "unknown board"),
            serial_number=str(board.get("Serial Number") or ""),
            firmware=f"jetson-stats {self._environment['jetson-stats']}",
            rate_hz=1 / self._interval_s,
            signals=signals,
            transport_bound_ns=round((self._span_s + STEP_S) / 2 * 1e9),
            notes=tuple(self._notes(readings)),
        )

    def _notes(self, readings: jtop_readings.Readings) -> Iterator[str]:
        yield (
            f"The service polls the board every {self._interval_s:.3g} s; its rails do not show changes between "
            "polls, and its cpu load is the mean since the previous poll."
        )
        if self._interval_s != self._asked_s:
            yield (
                f"Another program has set the service's interval to {self._interval_s:.3g} s instead of "
                f"{self._asked_s:.3g} s: close it to get the interval of the profile."
            )
        if readings.total == jtop_readings.MODULE_TOTAL:
            yield f"The total of the module is the sum of {', '.join(jtop_readings.MODULE_RAILS)}."
        if readings.sums_twice:
            yield (
                f"{jtop_readings.SUM} is the service's sum of all rails; where one rail feeds another it counts "
                "the same power twice, so it is not taken for the total."
            )
        if any(quantity is Quantity.POWER for quantity, _ in readings.values.values()):
            yield INA3221.note
        if any(signal.endswith(" current") for signal in readings.values):
            yield "The service does not report the resolution of the rails; the kind jetson-rails does."
        if "RAM used" in readings.values:
            yield "RAM used is the fraction of all memory that is neither free nor buffers nor cache."
        for key in ("power mode", "jetson_clocks"):
            if key in self._environment:
                yield f"At the start the {key} was {self._environment[key]}."


def jtop_source(spec: JtopSpec, link: GetLink | None = None) -> JtopSource:
    """The service of this machine, or of the board that a link leads to. Raises PortError where that is not there."""
    place = There(link) if link is not None else Here()
    return JtopSource(spec.name, spec.interval_s, spec.roles, spec.python, place=place)


def find(root: Path) -> list[FoundSource]:
    """The service of the Jetson whose files are under ``root``, or how to start it; empty on another machine."""
    if (root / SOCKET.lstrip("/")).exists():
        return [try_source("jtop", SOCKET, JtopSource("probe", 1.0), {"kind": "jtop"})]
    if recognise_board(root) is None:
        return []
    state = "The jtop service is not running: run `sudo jtop --install-service`; the rails work without it."
    return [FoundSource("jtop", SOCKET, "jetson-stats", False, state)]


def _texts(board: Mapping[str, Any]) -> dict[str, str]:
    return {key: str(value) for key, value in board.items() if value and key != "Serial Number"}


def _modes(update: Mapping[str, Any]) -> dict[str, str]:
    clocks = update.get("jetson_clocks")
    modes = {
        "power mode": update.get("power_mode"),
        "jetson_clocks": None if clocks is None else "on" if clocks else "off",
    }
    return {key: text for key, text in modes.items() if text is not None}


class JtopProcess:
    """A running child. Messages are objects with one key that says what they are."""

    def __init__(self, child: Child) -> None:
        self._child = child

    def receive(self, timeout_s: float) -> list[tuple[str, dict[str, Any]]]:
        """The messages that have come, waiting at most timeout_s for the first. Raises SourceLostError at the end."""
        try:
            lines = self._child.lines(timeout_s)
        except EOFError as error:
            reason, tail = self._child.exit_reason(), self._child.stderr_tail
            said = f" (its last message: {tail})" if tail else ""
            raise SourceLostError(f"The process that asks the jtop service {reason}{said}: connect again.") from error
        return [next(iter(json.loads(line).items())) for line in lines]

    def close(self) -> None:
        """End it by closing its stdin, or by force. Calling it twice is fine."""
        self._child.close()
