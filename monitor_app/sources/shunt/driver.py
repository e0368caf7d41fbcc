# SPDX-License-Identifier: Apache-2.0
"""A current and voltage meter that speaks the shunt stream protocol (docs/shunt-protocol.md)."""

from __future__ import annotations

import struct
import time
from typing import TYPE_CHECKING, Literal, TypeVar

import numpy as np
from pydantic import Field

from monitor_app.core.errors import HandshakeError, SourceLostError
from monitor_app.core.host_time import host_time_ns
from monitor_app.core.samples import LineChanges, Quantity, Role, SampleBlock, Signal, SourceInfo, TimeMark
from monitor_app.core.source_specs import Name, SerialSpec
from monitor_app.sources.accuracy import product_accuracy
from monitor_app.sources.base import Connected
from monitor_app.sources.serial.transport import SerialTransport
from monitor_app.sources.shunt import decoder as protocol
from monitor_app.sources.shunt.cobs import seal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from monitor_app.core.samples import Reading
    from monitor_app.sources.serial.transport import Transport

HANDSHAKE_S = 3.0
HELLO_EVERY_S = 0.5
PING_EVERY_S = 0.5
FIRST_PINGS, FIRST_PING_EVERY_S = 8, 0.05
"""A burst at the start, so that the first samples have a narrow bound too."""
_Answer = TypeVar("_Answer", protocol.DeviceInfo, protocol.Started)
SILENCE_S = 2.0
"""A meter that streams sends a frame every few ms; after this long without one it counts as lost."""


class ShuntSpec(SerialSpec):
    """A meter that speaks the shunt stream protocol (docs/shunt-protocol.md)."""

    kind: Literal["shunt"]
    name: Name = "shunt"
    rate_hz: float = Field(50_000.0, ge=100, le=1_000_000)
    """Sample rate of the emulated meter; a real one reports its own."""

    def emulator_options(self) -> list[str]:
        return [*super().emulator_options(), "--rate-hz", str(self.rate_hz)]


class ShuntSource(Connected["Transport"]):
    """The meter on one port. ``roles`` says what each signal feeds, by its name."""

    def __init__(
        self,
        name: str,
        port: str,
        roles: Mapping[str, Role],
        open_transport: Callable[[str], Transport] = SerialTransport,
    ) -> None:
        super().__init__(name)
        self._port = port
        self._roles = dict(roles)
        self._open_transport = open_transport

    @property
    def damaged_frames(self) -> int:
        """Pieces of the stream that were no frames, since open."""
        return self._state.damaged_frames

    def open(self) -> None:
        """Connect, read who it is and its calibration, start streaming. Raises PortError, HandshakeError."""
        self.close()
        self._link = self._open_transport(self._port)
        self._state = protocol.DecoderState()
        self._levels = 0
        """Bit i is the last known level of line i."""
        self._expected: int | None = None
        self._pings: dict[int, int] = {}
        self._ping_count = 0
        self._early: tuple[protocol.Message, ...] = ()
        try:
            # First end the frame and the stream that an earlier program may have left unfinished.
            self._link.write(b"\0" + seal(bytes([protocol.STOP])))
            device = self._ask(protocol.HELLO, protocol.DeviceInfo)
            self._info = self._describe(device)
            started = self._ask(protocol.START, protocol.Started)
        except BaseException:
            self.close()
            raise
        self._expected = started.first
        self._next_ping_ns = self._heard_ns = host_time_ns()

    def read(self, timeout_s: float) -> list[Reading]:
        """Samples and two-way time marks. Raises SourceLostError when the meter is gone or was reset."""
        transport = self._require()
        self._ping(transport)
        data = transport.read(timeout_s, eager=bool(self._pings))
        arrival_ns = host_time_ns()
        decoded = protocol.decode(data, self._state)
        self._state = decoded.state
        messages, self._early = (*self._early, *decoded.messages), ()
        readings: list[Reading] = []
        for message in messages:
            if isinstance(message, protocol.Samples):
                self._heard_ns = arrival_ns
                readings.append(self._block(message, arrival_ns))
            elif isinstance(message, protocol.Pong) and message.nonce in self._pings:
                sent_ns = self._pings.pop(message.nonce)
                readings.append(TimeMark(message.index, sent_ns, arrival_ns - message.hold_ns))
            elif isinstance(message, protocol.DeviceError):
                raise SourceLostError(f"{self._name} reports a fault ({message.text}): switch it off and on.")
        # Samples, not bytes: a meter that was reset answers pings and streams nothing.
        if arrival_ns - self._heard_ns > SILENCE_S * 1e9:
            raise SourceLostError(f"{self._name} on {self._port} fell silent: check its power and its cable.")
        return readings

    def _leave(self, link: Transport) -> None:
        link.write(seal(bytes([protocol.STOP])))

    def _ask(self, command: int, answer: type[_Answer]) -> _Answer:
        """Send a command until its answer comes. Raises HandshakeError."""
        transport = self._require()
        deadline = time.monotonic() + HANDSHAKE_S
        repeat_at = 0.0
        while (now := time.monotonic()) < deadline:
            if now >= repeat_at:
                transport.write(seal(bytes([command])))
                repeat_at = now + HELLO_EVERY_S
            decoded = protocol.decode(transport.read(0.05, eager=True), self._state)
            self._state = decoded.state
            for position, message in enumerate(decoded.messages, start=1):
                if isinstance(message, answer):
                    self._early = decoded.messages[position:]
                    return message
        raise HandshakeError(
            f"{self._port} does not answer as a shunt meter does: check that it is the right port "
            "and that the meter speaks the shunt stream protocol, version 1."
        )

    def _ping(self, transport: Transport) -> None:
        now_ns = host_time_ns()
        if now_ns < self._next_ping_ns:
            return
        self._ping_count += 1
        interval_s = FIRST_PING_EVERY_S if self._ping_count < FIRST_PINGS else PING_EVERY_S
        self._next_ping_ns = now_ns + round(interval_s * 1e9)
        # An unanswered ping must not keep the reads eager for ever.
        self._pings = {self._ping_count: host_time_ns()}
        transport.write(seal(struct.pack("<BI", protocol.PING, self._ping_count)))

    def _block(self, samples: protocol.Samples, arrival_ns: int) -> SampleBlock:
        expected = samples.first if self._expected is None else self._expected
        if samples.first < expected:
            raise SourceLostError(f"{self._name} restarted its sample count: it was reset.")
        self._expected = samples.first + len(samples.codes)
        changes = self._line_changes(samples)
        return SampleBlock(
            first_index=samples.first,
            codes=tuple(np.ascontiguousarray(column) for column in samples.codes.T),
            arrival_ns=arrival_ns,
            lost_before=samples.first - expected,
            changes=changes,
        )

    def _line_changes(self, samples: protocol.Samples) -> LineChanges:
        """The changes reported, and at the first sample those missed before the start or in lost frames."""
        levels = samples.line_levels
        at_start = {int(c["line"]) for c in samples.changes if c["offset"] == 0}
        missed = [
            line for line in range(len(self.info.lines)) if (levels ^ self._levels) >> line & 1 and line not in at_start
        ]
        for change in samples.changes:
            bit = 1 << int(change["line"])
            levels = levels | bit if change["level"] else levels & ~bit
        self._levels = levels
        return LineChanges(
            samples.first + np.concatenate(([0] * len(missed), samples.changes["offset"])).astype(np.int64),
            np.concatenate((missed, samples.changes["line"])).astype(np.uint8),
            np.concatenate(([samples.line_levels >> line & 1 for line in missed], samples.changes["level"])).astype(
                np.uint8
            ),
        )

    def _describe(self, device: protocol.DeviceInfo) -> SourceInfo:
        signals = [self._signal(channel) for channel in device.channels]
        currents = [s.name for s in signals if s.quantity is Quantity.CURRENT]
        voltages = [s.name for s in signals if s.quantity is Quantity.VOLTAGE]
        if len(currents) == len(voltages) == 1 and "power" not in {s.name for s in signals}:
            signals.append(
                Signal(
                    "power",
                    Quantity.POWER,
                    self._roles.get("power", Role.OTHER),
                    accuracy=product_accuracy(s for s in signals if s.name in {currents[0], voltages[0]}),
                    product_of=(currents[0], voltages[0]),
                )
            )
        return SourceInfo(
            name=self._name,
            kind="shunt",
            model=device.model,
            serial_number=device.serial_number,
            firmware=device.firmware,
            rate_hz=device.rate_hz,
            signals=tuple(signals),
            lines=device.lines,
            simulated=device.emulated,
        )

    def _signal(self, channel: protocol.Channel) -> Signal:
        try:
            quantity = Quantity(channel.unit)
        except ValueError as error:
            raise HandshakeError(
                f"{self._name} measures {channel.name} in {channel.unit!r}, which is not one of A, V, W, degC."
            ) from error
        return Signal(
            name=channel.name,
            quantity=quantity,
            role=self._roles.get(channel.name, Role.OTHER),
            dtype="<u2",
            scale=channel.scale,
            offset=-channel.scale * channel.zero,
            resolution=abs(channel.scale),
            accuracy=channel.accuracy or None,
        )
