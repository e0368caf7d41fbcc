# SPDX-License-Identifier: Apache-2.0
"""A PowerSensor3: up to four pairs of a current and a voltage sensor, 20 000 times a second.

Time marks. On the command M the device sets a marker in the next frame that it sends. When that frame k is on its
way, the device has taken k + 1 frames and not yet k + 2, the command has been received, and the marker not yet
arrived here. So the end of frame k lies, on the host's clock, between one frame before the command was sent and the
arrival of the marker. The time of a sample is the middle of its frame, in which six conversions are averaged; so the
end of frame k is that of the index k + 1/2. One command is pending at a time; one whose marker does not come back
within half a second of the device's time was lost with its frame.

On a stop command its firmware waits until all markers are sent, in a loop that sends none: a stop right after a
command M would hang it. So none is sent while a marker is pending.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from monitor_app.core.errors import HandshakeError, SourceLostError
from monitor_app.core.host_time import host_time_ns
from monitor_app.core.samples import Quantity, Reading, Role, SampleBlock, SourceInfo, TimeMark
from monitor_app.core.source_specs import Name, SerialSpec
from monitor_app.sources.accuracy import POWERSENSOR3
from monitor_app.sources.base import Connected
from monitor_app.sources.implausible import JumpState, lone_jumps
from monitor_app.sources.powersensor3.decoder import ANSWER_BYTES, Decoded, DecoderState, decode
from monitor_app.sources.powersensor3.frame_counter import FrameCounter, frame_period_us
from monitor_app.sources.powersensor3.handshake import STOP, introduce
from monitor_app.sources.powersensor3.sensors import describe_sensors
from monitor_app.sources.serial.transport import SerialTransport

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from monitor_app.sources.powersensor3.frame_counter import Run
    from monitor_app.sources.powersensor3.sensors import Sensor
    from monitor_app.sources.serial.transport import Transport

START, MARK, COUNT = b"S", b"M", b"Q"
FIRST_S, FIRST_READ_S = 1.0, 0.15
FIRST_FRAMES = 1000
"""Seen before open is done: the rate is found in them."""
SILENCE_S = 2.0
LULL_S = 0.3
"""After this long without a frame the driver asks the device for its count, which shows whether it was reset."""
MARK_EVERY_S = 0.5
FIRST_MARKS, FIRST_MARK_EVERY_S = 8, 0.05
"""A burst at the start, so that the first samples have a narrow bound too."""
MARK_LOST_FRAMES = 10_000
"""More than lines and buffers ever hold."""
COUNT_EVERY_S = 1.0
COUNT_AGAIN_S = 0.1
LAST_MARK_S = 0.2
JUMP = 512.0
"""Levels, half of the range: a lone sample that far from both of its neighbours is pointed out. A sample is a mean over
all of its 50 us, so a pulse of the load would have to fill exactly one of them."""
NO_CHECKSUM = (
    "Its protocol has no checksum: a bit flipped on the line gives a valid sample with a wrong value. Lone jumps of "
    "half the range and back are counted as implausible, smaller ones are not noticed."
)


class PowerSensor3Spec(SerialSpec):
    """A PowerSensor3 with up to four pairs of current and voltage sensors."""

    kind: Literal["powersensor3"]
    name: Name = "powersensor3"
    roles: dict[str, Role] = Field(default_factory=dict)
    pairs: int | None = Field(None, ge=1, le=4)
    """Of the emulated device; by default four, or one where the roles name "power", the signal of a single pair."""

    def emulator_options(self) -> list[str]:
        pairs = self.pairs or (1 if "power" in self.roles else 4)
        return [*super().emulator_options(), "--pairs", str(pairs)]


class PowerSensor3Source(Connected["Transport"]):
    """The meter on one port. ``roles`` says what each signal feeds, by its name; the protocol has no serial number."""

    def __init__(
        self,
        name: str,
        port: str,
        roles: Mapping[str, Role] | None = None,
        open_transport: Callable[[str], Transport] = SerialTransport,
        serial_number: str = "",
    ) -> None:
        super().__init__(name)
        self._port = port
        self._roles = dict(roles or {})
        self._open_transport = open_transport
        self._serial_number = serial_number

    def open(self) -> None:
        """Connect, read who it is and its calibration, start streaming. Raises PortError, HandshakeError."""
        self.close()
        self._link = self._open_transport(self._port)
        self._state = DecoderState()
        self._early: list[tuple[Decoded, int]] = []
        self._mark: tuple[int, int] | None = None
        """Host time at which the pending command was sent, and the index after which it counts as lost."""
        self._marks = 0
        self._asked_ns: int | None = None
        """When the device was asked for its count; None once it has answered."""
        self._next_index = 0
        try:
            controller, firmware, sensors = introduce(self._link, self._port)
            period_us = self._start(self._link)
            self._info = self._describe(controller, firmware, sensors, period_us)
        except BaseException:
            self.close()
            raise
        self._counter = FrameCounter(period_us)
        self._jumps = JumpState()
        self._period_ns = round(period_us * 1e3)
        self._next_mark_ns = self._next_count_ns = self._heard_ns = host_time_ns()

    def read(self, timeout_s: float) -> list[Reading]:
        """Samples and two-way time marks. Raises SourceLostError when the meter is gone or was reset."""
        transport = self._require()
        self._send_mark(transport)
        self._send_count(transport)
        before = self._state.tail
        data = transport.read(timeout_s, eager=self._mark is not None)
        arrival_ns = host_time_ns()
        decoded = decode(data, self._state)
        self._state = decoded.state
        arrived, self._early = [*self._early, (decoded, arrival_ns)], []
        readings: list[Reading] = []
        for part, part_ns in arrived:
            readings += self._readings(part, part_ns)
        if len(decoded.frames):
            self._heard_ns = arrival_ns
        else:
            self._listen_in_lull(before, arrival_ns)
        if self._counter.was_reset:
            raise SourceLostError(f"{self._name} restarted its sample count: it was reset.")
        if arrival_ns - self._heard_ns > SILENCE_S * 1e9:
            raise SourceLostError(f"{self._name} on {self._port} fell silent: check its power and its cable.")
        return readings

    def _leave(self, link: Transport) -> None:
        self._await_mark(link)
        link.write(STOP)

    def _start(self, transport: Transport) -> float:
        """Start the stream; what comes meanwhile is kept. Returns the period of the frames in us of the device."""
        deadline = time.monotonic() + FIRST_S
        transport.write(START)
        frames = 0
        while frames < FIRST_FRAMES and time.monotonic() < deadline:
            decoded = decode(transport.read(FIRST_READ_S), self._state)
            self._early.append((decoded, host_time_ns()))
            self._state = decoded.state
            frames += len(decoded.frames)
        period_us = frame_period_us(np.concatenate([decoded.frames.stamps for decoded, _ in self._early]))
        if period_us is None:
            raise HandshakeError(
                f"{self._name} on {self._port} answers but sends no samples: unplug it, plug it in again, and retry."
            )
        return period_us

    def _describe(self, controller: str, firmware: str, sensors: list[Sensor], period_us: float) -> SourceInfo:
        levels = np.concatenate([decoded.frames.levels for decoded, _ in self._early])
        signals, self._columns = describe_sensors(self._name, sensors, self._roles, levels.mean(axis=0).tolist())
        notes = [
            "A sample is the average of six conversions of each sensor, floored to a whole level.",
            POWERSENSOR3.note,
            NO_CHECKSUM,
        ]
        notes += [
            f"The current sensor of {signal.name} is of an unknown type, so its accuracy is not known."
            for signal in signals
            if signal.quantity is Quantity.CURRENT and signal.accuracy is None
        ]
        notes += [
            f"Sensor {number} is in use without the other sensor of its pair, so the pair has no power."
            for number in self._columns
            if number ^ 1 not in self._columns
        ]
        return SourceInfo(
            name=self._name,
            kind="powersensor3",
            model=f"PowerSensor3 {controller}",
            serial_number=self._serial_number,
            firmware=firmware,
            rate_hz=1e6 / period_us,
            signals=signals,
            simulated="emul" in firmware.lower(),
            notes=tuple(notes),
        )

    # -- stream ------------------------------------------------------------------------------------

    def _readings(self, decoded: Decoded, arrival_ns: int) -> list[Reading]:
        answers = decoded.answers if self._asked_ns is not None else {}
        if answers:
            self._asked_ns = None
        readings: list[Reading] = []
        for run in self._counter.add(decoded.frames, answers, arrival_ns):
            readings += self._time_marks(run)
            levels = run.levels[:, list(self._columns)]
            implausible, self._jumps = lone_jumps(run.first_index, levels, np.full(levels.shape[1], JUMP), self._jumps)
            readings.append(
                SampleBlock(
                    first_index=run.first_index,
                    implausible=implausible,
                    codes=tuple(np.ascontiguousarray(run.levels[:, sensor]) for sensor in self._columns),
                    arrival_ns=run.arrival_ns,
                    lost_before=run.lost_before,
                )
            )
            self._next_index = run.first_index + len(run.levels)
        if self._mark is not None and self._next_index > self._mark[1]:
            self._mark = None
        return readings

    def _time_marks(self, run: Run) -> list[Reading]:
        marks: list[Reading] = []
        for index, arrival_ns in run.marks:
            if self._mark is not None and index <= self._mark[1]:
                marks.append(TimeMark(index + 0.5, self._mark[0] - self._period_ns, arrival_ns))
                self._mark = None
        return marks

    def _send_mark(self, transport: Transport) -> None:
        now_ns = host_time_ns()
        if self._mark is not None or now_ns < self._next_mark_ns:
            return
        self._marks += 1
        interval_s = FIRST_MARK_EVERY_S if self._marks < FIRST_MARKS else MARK_EVERY_S
        self._next_mark_ns = now_ns + round(interval_s * 1e9)
        self._mark = (host_time_ns(), self._next_index + MARK_LOST_FRAMES)
        transport.write(MARK)

    def _send_count(self, transport: Transport) -> None:
        now_ns = host_time_ns()
        if self._asked_ns is not None and now_ns - self._asked_ns < COUNT_AGAIN_S * 1e9:
            return
        in_lull = now_ns - self._heard_ns > LULL_S * 1e9
        if now_ns < self._next_count_ns and not self._counter.wants_count and not in_lull:
            return
        self._next_count_ns = now_ns + round(COUNT_EVERY_S * 1e9)
        self._asked_ns = now_ns
        transport.write(COUNT)

    def _listen_in_lull(self, before: bytes, arrival_ns: int) -> None:
        """An answer that no frame follows; what was there before it may be the beginning of a frame still."""
        answer = self._state.tail[len(before) :]
        if self._asked_ns is None or len(answer) != ANSWER_BYTES or not self._state.tail.startswith(before):
            return
        if arrival_ns - self._heard_ns > LULL_S * 1e9:
            self._counter.check(int.from_bytes(answer, "little"))
            self._asked_ns = None
            self._state = DecoderState(before, self._state.skipped)

    def _await_mark(self, transport: Transport) -> None:
        deadline = time.monotonic() + LAST_MARK_S
        while self._mark is not None and time.monotonic() < deadline:
            decoded = decode(transport.read(LAST_MARK_S, eager=True), self._state)
            self._state = decoded.state
            if decoded.frames.marked.any():
                self._mark = None
