# SPDX-License-Identifier: Apache-2.0
"""A Nordic Power Profiler Kit II: 100 000 currents a second, up to 1 A, and eight digital lines.

How it switches the power of the board that it measures. Closing the source leaves the power as it is, so that the
board keeps running when the program ends.

- Source mode: the supply is set to the voltage of the profile and switched on. Where the kit was in ampere mode
  before, its output is switched off until the voltage is set.
- Ampere mode: the switch between the other supply and the board is closed.
"""

from __future__ import annotations

import time
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from monitor_app.core.errors import HandshakeError, SourceLostError
from monitor_app.core.host_time import host_time_ns
from monitor_app.core.samples import Quantity, Role, SampleBlock, Signal, SourceInfo, TimeMark
from monitor_app.core.source_specs import Name, SerialSpec
from monitor_app.sources.accuracy import PPK2
from monitor_app.sources.base import Connected
from monitor_app.sources.implausible import JumpState, lone_jumps
from monitor_app.sources.ppk2 import decoder as protocol
from monitor_app.sources.ppk2.calibration import FilterState, amperes, parse_metadata
from monitor_app.sources.ppk2.decoder import LossWatch
from monitor_app.sources.serial.transport import SerialTransport

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from monitor_app.core.samples import Reading
    from monitor_app.sources.ppk2.calibration import Metadata
    from monitor_app.sources.serial.transport import Transport

RATE_HZ = 100_000.0
AVERAGE_START, AVERAGE_STOP = 0x06, 0x07
DEVICE_RUNNING_SET, REGULATOR_SET, SET_POWER_MODE = 0x0C, 0x0D, 0x11
GET_METADATA = 0x19
AMPERE, SOURCE = 1, 2
LINES = tuple(f"D{line}" for line in range(8))

HANDSHAKE_S = 6.0
ASK_EVERY_S = 1.0
QUIET_S = 0.1
"""This long without a byte means that nothing of an earlier stream is still on the way."""
SILENCE_S = 2.0
LEAST_RANGES = np.array([2.0])
"""A lone sample this number of ranges away from both of its neighbours, which agree, is pointed out: that is a factor
of more than a hundred for 10 us."""
NO_CHECKSUM = (
    "Its protocol has no checksum: a bit flipped on the line gives a valid sample with a wrong value. Lone jumps of "
    "two ranges and back are counted as implausible, others are not noticed."
)
"""It sends something every few milliseconds; after this long without a sample it counts as lost."""


class Ppk2Spec(SerialSpec):
    """A Nordic Power Profiler Kit II. It measures current only; the voltage is what it or the user supplies."""

    kind: Literal["ppk2"]
    name: Name = "ppk2"
    mode: Literal["source", "ampere"] = "ampere"
    """source: the kit supplies the device; ampere: it measures in the line of another supply."""
    supply_v: float = Field(3.3, ge=0.8, le=5.0)
    """Voltage that the kit supplies (source) or that the other supply gives (ampere). Power is current times this."""
    sync_line: str = "D1"

    def emulator_options(self) -> list[str]:
        return [*super().emulator_options(), "--supply-v", str(self.supply_v)]


class Ppk2Source(Connected["Transport"]):
    """The kit on one port, namely the one of its two that measures."""

    def __init__(
        self,
        name: str,
        port: str,
        mode: Literal["source", "ampere"],
        supply_v: float,
        roles: Mapping[str, Role] = MappingProxyType({}),
        serial_number: str = "",
        open_transport: Callable[[str], Transport] = SerialTransport,
        *,
        spike_filter: bool = True,
    ) -> None:
        """``supply_v``: what it supplies (source) or what the other supply gives (ampere), 0.8 to 5 V.

        ``roles`` says what "current" and "power" feed, ``serial_number`` what USB says of the port.
        """
        super().__init__(name)
        self._port = port
        self._source_mode = mode == "source"
        self._supply_v = supply_v
        self._roles = dict(roles)
        self._serial_number = serial_number
        self._open_transport = open_transport
        self._spike_filter = spike_filter
        self._state = protocol.DecoderState()

    @property
    def breaks(self) -> int:
        """Places at which the stream was damaged or incomplete, since open."""
        return self._state.breaks

    def open(self) -> None:
        """Connect, read the calibration, set mode and power, start streaming. Raises PortError, HandshakeError."""
        self.close()
        transport = self._link = self._open_transport(self._port)
        try:
            transport.write(bytes([AVERAGE_STOP]))
            self._wait_for_quiet(transport)
            metadata = self._ask_metadata(transport)
            self._wait_for_quiet(transport)
            self._info = self._describe(metadata)
            self._set_power(transport, metadata)
            self._begin(metadata)
            self._start_ns: int | None = host_time_ns()
            transport.write(bytes([AVERAGE_START]))
            self._heard_ns = host_time_ns()
        except BaseException:
            self.close()
            raise

    def read(self, timeout_s: float) -> list[Reading]:
        """Samples, and once the mark that ties the first of them to the start. Raises SourceLostError."""
        transport = self._require()
        data = transport.read(timeout_s, eager=self._start_ns is not None)
        arrival_ns = host_time_ns()
        decoded = protocol.decode(data, self._state)
        # A slip whose loss is a multiple of 64 leaves nothing in the counter but that it had to be found again.
        broken = decoded.state.breaks > self._state.breaks or any(run.lost_before for run in decoded.runs)
        self._state = decoded.state
        readings: list[Reading] = []
        for run in decoded.runs:
            if self._start_ns is not None:
                readings.append(TimeMark(0.0, self._start_ns, arrival_ns))
                self._start_ns = None
            readings.append(self._block(run, arrival_ns))
        if decoded.runs:
            self._heard_ns = arrival_ns
            end = self._state.next_index + self._unseen
            self._unseen += self._losses.missing(end, arrival_ns, broken=broken)
        elif arrival_ns - self._heard_ns > SILENCE_S * 1e9:
            # Samples, not bytes: noise does not show that the kit is still there.
            raise SourceLostError(f"{self._name} on {self._port} fell silent: check its power and its cable.")
        return readings

    def _leave(self, link: Transport) -> None:
        """Stop the stream; the board keeps its power."""
        link.write(bytes([AVERAGE_STOP]))

    def _begin(self, metadata: Metadata) -> None:
        """Forget everything of an earlier stream."""
        self._state = protocol.DecoderState()
        self._table = metadata.calibration.table(self._supply_v)
        self._filter = FilterState() if self._spike_filter else None
        self._levels = 0
        """Bit i is the last known level of line i."""
        self._losses = LossWatch(RATE_HZ)
        self._jumps = JumpState()
        self._unseen = 0
        """Samples lost that the counter did not show, by which the decoder's index is behind."""
        self._reported_unseen = 0
        """Those of them that a block has already reported."""

    def _wait_for_quiet(self, transport: Transport) -> None:
        """Discard what is still on the way. Raises HandshakeError when it does not end."""
        deadline = time.monotonic() + HANDSHAKE_S
        while time.monotonic() < deadline:
            if not transport.read(QUIET_S, eager=True):
                return
        raise self._not_a_ppk2()

    def _ask_metadata(self, transport: Transport) -> Metadata:
        """Raises HandshakeError when none comes."""
        deadline = time.monotonic() + HANDSHAKE_S
        ask_at = 0.0
        answer = b""
        while (now := time.monotonic()) < deadline:
            if now >= ask_at:
                transport.write(bytes([GET_METADATA]))
                ask_at, answer = now + ASK_EVERY_S, b""
            answer += transport.read(0.05, eager=True)
            text, end, _ = answer.partition(b"\nEND")
            if end and (metadata := parse_metadata(text)) is not None:
                return metadata
        raise self._not_a_ppk2()

    def _not_a_ppk2(self) -> HandshakeError:
        return HandshakeError(
            f"{self._port} does not answer as a PPK2 does: check that it is a PPK2, and that it is the one of its "
            "two ports that measures."
        )

    def _set_power(self, transport: Transport, metadata: Metadata) -> None:
        regulator = bytes([REGULATOR_SET]) + round(self._supply_v * 1000).to_bytes(2, "big")
        on, off = bytes([DEVICE_RUNNING_SET, 1]), bytes([DEVICE_RUNNING_SET, 0])
        if not self._source_mode:
            # The kit's own front end needs a voltage in this mode too.
            commands = [bytes([SET_POWER_MODE, AMPERE]), regulator, on]
        elif metadata.source_mode:
            commands = [bytes([SET_POWER_MODE, SOURCE]), regulator, on]
        else:
            # Whatever voltage it was last set to must not reach the board.
            commands = [off, regulator, bytes([SET_POWER_MODE, SOURCE]), on]
        for command in commands:
            transport.write(command)

    def _block(self, run: protocol.Words, arrival_ns: int) -> SampleBlock:
        currents, self._filter = amperes(run.words, self._table, self._filter)
        lost = run.lost_before + self._unseen - self._reported_unseen
        self._reported_unseen = self._unseen
        placed = protocol.Words(run.first + self._unseen, run.words, lost)
        changes = protocol.line_changes(placed, self._levels)
        self._levels = protocol.levels_after(placed)
        ranges = protocol.ranges(run)[:, None]
        implausible, self._jumps = lone_jumps(placed.first, ranges, LEAST_RANGES, self._jumps)
        return SampleBlock(
            first_index=placed.first,
            implausible=implausible,
            codes=(currents.astype("<f4"), (currents * self._supply_v).astype("<f4")),
            arrival_ns=arrival_ns,
            lost_before=lost,
            changes=changes,
        )

    def _describe(self, metadata: Metadata) -> SourceInfo:
        step_a = metadata.calibration.coarsest_step_a
        return SourceInfo(
            name=self._name,
            kind="ppk2",
            model="Power Profiler Kit II" + (" (emulated)" if metadata.simulated else ""),
            serial_number=self._serial_number,
            firmware=f"hardware {metadata.hardware}" if metadata.hardware else "",
            rate_hz=RATE_HZ,
            signals=(
                self._signal("current", Quantity.CURRENT, step_a),
                self._signal("power", Quantity.POWER, step_a * self._supply_v),
            ),
            lines=LINES,
            simulated=metadata.simulated,
            notes=self._notes(metadata),
        )

    def _signal(self, name: str, quantity: Quantity, resolution: float) -> Signal:
        return Signal(
            name,
            quantity,
            self._roles.get(name, Role.OTHER),
            dtype="<f4",
            resolution=resolution,
            accuracy=PPK2.of(quantity),
        )

    def _notes(self, metadata: Metadata) -> tuple[str, ...]:
        notes = [
            f"Power is current times the {self._supply_v:g} V of the profile; this instrument measures no voltage.",
            "The resolution is that of the least sensitive of five ranges; small currents are resolved more finely.",
            "The three samples after each change of range are replaced by a rolling average."
            if self._spike_filter
            else "The first samples after a change of range may be spikes that are not in the current.",
        ]
        notes += [PPK2.note, NO_CHECKSUM]
        if metadata.nominal_ranges:
            ranges = ", ".join(map(str, metadata.nominal_ranges))
            notes.append(f"The instrument has no calibration for range {ranges}: the nominal resistance is used there.")
        return tuple(notes)
