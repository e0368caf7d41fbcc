# SPDX-License-Identifier: Apache-2.0
"""The dialogue with an EdgePowerMeter: an INA226 behind a microcontroller that sends each conversion as a line.

Its converter has a clock of its own, a percent or more off; its samples get their times from
the microcontroller's time on each line.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from monitor_app.core.errors import HandshakeError, SourceLostError
from monitor_app.core.host_time import host_time_ns
from monitor_app.core.samples import Quantity, Role, Signal, SourceInfo
from monitor_app.sources.base import says_simulated
from monitor_app.sources.lines import edgepowermeter_decoder as protocol
from monitor_app.sources.lines.decoder import NO_CHECKSUM
from monitor_app.sources.lines.timestamps import FIT_NS, StampTimes, blocks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from monitor_app.core.samples import SampleBlock
    from monitor_app.sources.serial.transport import Transport

ANSWER_S = 2.5
"""While it starts it answers nothing for 1.5 s."""
ASK_EVERY_S = 0.5
FIRST_SAMPLES_S = 0.5
"""Time to listen to lines before the first gets its time."""
TRANSPORT_NS = 1_000_000
SPEAKS = 2
BUSIEST_US = 500
"""Below this conversion time its firmware misses some, and does not count them."""
_Answer = TypeVar("_Answer", protocol.Hello, protocol.Config, protocol.Done)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Samples:
    """Samples of one read, before they have their times."""

    index: NDArray[np.int64]
    codes: tuple[NDArray[np.int16], NDArray[np.uint16]]
    """Shunt and bus."""
    stamps_ns: NDArray[np.int64]
    arrival_ns: int
    expected: int | None


class EdgePowerMeter:
    """One connection to the meter."""

    def __init__(self, name: str, port: str, roles: Mapping[str, Role], start: str | None, stop: str | None) -> None:
        self._name, self._port, self._roles = name, port, roles
        self._start, self._stop = start, stop
        self._state = protocol.RawState()
        self._restore_commands: list[str] = []
        self._last: tuple[int, int] | None = None
        """Number and stamp of the last sample."""
        self._remark = ""
        self._early: list[_Samples] = []
        self.emulated = False
        """One of its remarks says that it is."""
        self._rejected: bytes | None = None

    @property
    def malformed(self) -> int:
        """Lines that are not part of its protocol, since the beginning."""
        return self._state.malformed

    @property
    def last_rejected(self) -> bytes | None:
        """One of them."""
        return self._rejected

    def begin(self, transport: Transport) -> SourceInfo | None:
        """Make it stream; None when it does not answer, as the first firmware does not. Raises HandshakeError."""
        # What an earlier program had half written is ended first.
        transport.write(b"\n")
        hello = self._ask(transport, "HELLO", protocol.Hello)
        if hello is None:
            return None
        if hello.protocol != SPEAKS:
            raise HandshakeError(f"{self._name} speaks protocol {hello.protocol}; this program speaks {SPEAKS}.")
        if self._start is not None:
            self._order(transport, self._start)
        config = self._ask(transport, "GET", protocol.Config)
        if config is None:
            raise HandshakeError(f"{self._name} does not report its shunt and its period: update its firmware.")
        if not config.streams:
            self._order(transport, "SET STREAM 1")
            self._restore_commands.append("SET STREAM 0")
        if config.mode != "RAW":
            self._restore_commands.append(f"MODE {config.mode or 'CSV'}")
        self._period_us = config.period_us
        self._times = StampTimes(1000.0, TRANSPORT_NS // 2 + self._half_period_ns)
        self._order(transport, "MODE RAW")
        # Until then it may have sent lines of its other mode.
        self._state, self._rejected = replace(self._state, malformed=0), None
        return self._describe(hello, config, self._first_voltage(transport))

    def take(self, data: bytes, since_ns: int, arrival_ns: int) -> list[SampleBlock]:
        """The samples that are complete with these bytes. Raises SourceLostError."""
        decoded = self._decode(data)
        if decoded.rejected is not None and protocol.is_of_other_mode(decoded.rejected):
            raise SourceLostError(f"{self._name} has left its RAW mode: it was reset.")
        for reply in decoded.replies:
            if isinstance(reply, protocol.Refused):
                logger.warning("%s refuses %s (%s)", self._name, reply.command, reply.reason)
        samples, self._early = [*self._early, self._accept(decoded, arrival_ns)], []
        return [block for some in samples for block in self._blocks(some)]

    def end(self, transport: Transport) -> None:
        """Leave it as it was found."""
        for command in [*reversed(self._restore_commands), *([self._stop] if self._stop is not None else [])]:
            transport.write(command.encode() + b"\n")

    @property
    def _half_period_ns(self) -> int:
        """A line is written when its conversion ends; its value is the mean since the end of the previous one."""
        return round(self._period_us * 500)

    def _decode(self, data: bytes) -> protocol.DecodedRaw:
        decoded = protocol.decode(data, self._state)
        self._state = decoded.state
        self._rejected = decoded.rejected or self._rejected
        self.emulated = self.emulated or any(map(says_simulated, decoded.remarks))
        self._remark = next((r for r in reversed(decoded.remarks) if r.startswith("ERROR")), self._remark)
        return decoded

    def _accept(self, decoded: protocol.DecodedRaw, arrival_ns: int) -> _Samples:
        """Those with a possible stamp and number."""
        stamps_ns, can_be = self._times.accept(decoded.stamps_us.astype(np.float64), arrival_ns)
        if self._times.was_reset(1e6 / self._period_us):
            raise SourceLostError(f"{self._name} restarted its time count: it was reset.")
        stamps_us = decoded.stamps_us[can_be]
        expected = None if self._last is None else self._last[0] + 1
        index, kept = protocol.number(decoded.sequence[can_be], stamps_us, self._last, self._period_us)
        if len(index):
            self._last = (int(index[-1]), int(stamps_us[kept][-1]))
        codes = (decoded.shunt[can_be][kept], decoded.bus[can_be][kept])
        return _Samples(index, codes, stamps_ns[kept], arrival_ns, expected)

    def _blocks(self, samples: _Samples) -> list[SampleBlock]:
        times_ns = self._times.place(samples.stamps_ns, samples.arrival_ns)
        return blocks(samples.index, samples.codes, times_ns, samples.arrival_ns, samples.expected)

    def _first_voltage(self, transport: Transport) -> float:
        """Listen until the arrivals say when lines are written; the samples are kept for the first read."""
        start = time.monotonic()
        patience_s = max(ANSWER_S, 2.5e-6 * self._period_us)
        while (waited_s := time.monotonic() - start) < FIRST_SAMPLES_S or (not self._early and waited_s < patience_s):
            data = transport.read(0.05, eager=True)
            samples = self._accept(self._decode(data), host_time_ns())
            if len(samples.index):
                self._early.append(samples)
        if not self._early:
            raise HandshakeError(
                f"{self._name} answers but measures nothing{f' ({self._remark})' if self._remark else ''}: "
                "check the wires to its INA226."
            )
        return float(self._early[-1].codes[1][-1]) * protocol.VOLTS_PER_BUS_CODE

    def _order(self, transport: Transport, command: str) -> None:
        """Send a command and wait until it has been obeyed. Raises HandshakeError."""
        if self._ask(transport, command, protocol.Done) is None:
            raise HandshakeError(f"{self._name} does not answer to {command}: switch it off and on.")

    def _ask(self, transport: Transport, command: str, answer: type[_Answer]) -> _Answer | None:
        """Send a command until its answer comes; None when none does. Raises HandshakeError when it is refused."""
        word = command.split()[0].upper()
        deadline, repeat_at = time.monotonic() + ANSWER_S, 0.0
        while (now := time.monotonic()) < deadline:
            if now >= repeat_at:
                transport.write(command.encode() + b"\n")
                repeat_at = now + ASK_EVERY_S
            for reply in self._decode(transport.read(0.05, eager=True)).replies:
                if isinstance(reply, answer) and (not isinstance(reply, protocol.Done) or reply.command == word):
                    return reply
                if isinstance(reply, protocol.Refused) and reply.command == word:
                    raise HandshakeError(f"{self._name} refuses {command} ({reply.reason}): see its manual.")
        return None

    def _describe(self, hello: protocol.Hello, config: protocol.Config, supply_v: float) -> SourceInfo:
        a_per_code = protocol.VOLTS_PER_SHUNT_CODE / config.shunt_ohm
        roles = self._roles
        signals = (
            Signal(
                "current", Quantity.CURRENT, roles.get("current", Role.OTHER), "<i2", a_per_code, resolution=a_per_code
            ),
            Signal(
                "voltage", Quantity.VOLTAGE, roles.get("voltage", Role.OTHER), "<u2", protocol.VOLTS_PER_BUS_CODE,
                resolution=protocol.VOLTS_PER_BUS_CODE,
            ),
            Signal(
                "power", Quantity.POWER, roles.get("power", Role.OTHER),
                resolution=a_per_code * supply_v or None, product_of=("current", "voltage"),
            ),
        )  # fmt: skip
        notes = [f"Each sample is a mean over {config.period_us / 1000:g} ms.", NO_CHECKSUM]
        if config.period_us < BUSIEST_US:
            notes.append("At this short conversion time its firmware misses conversions without counting them.")
        return SourceInfo(
            name=self._name,
            kind="lines",
            model="EdgePowerMeter",
            serial_number="",
            firmware=hello.firmware,
            rate_hz=1e6 / config.period_us,
            signals=signals,
            simulated=self.emulated or says_simulated(hello.firmware),
            transport_bound_ns=TRANSPORT_NS // 2 + self._half_period_ns + FIT_NS,
            notes=tuple(notes),
        )
