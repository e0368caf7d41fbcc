# SPDX-License-Identifier: Apache-2.0
"""The firmware of a PowerSensor3: what it answers and sends, in simulated time.

A main loop obeys one command after another and sends each frame when it is finished; a command that waits, for
the host or for time to pass, holds up both. Nothing here reads a clock or touches a line.
"""

from __future__ import annotations

import math
import struct
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from monitor_app.emulators.powersensor3.sensors import RECORD, SENSORS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt

    from monitor_app.emulators.board.energy_log import EnergyLog
    from monitor_app.emulators.board.sampler import Sampler
    from monitor_app.emulators.powersensor3.sensors import Sensors
    from monitor_app.emulators.runtime.send_queue import SendQueue

    Bytes = npt.NDArray[np.uint8]

VERSION = b"F411-1.6.1 emulated\r\n"
"""A real one does not say `emulated`."""
FRAME_RATE_HZ = 20_000.0
FRAME_BYTES = 2 * (SENSORS + 1)
FRAMES_PER_WAKE = 160
# A mark is answered as soon as the real device would.
FRAMES_PER_MARK = 4
# Samples leave the device this late, as over USB; a change of the load signal seldom travels longer.
SETTLE_NS = 400_000
HOST_TIMEOUT_NS = 2_000_000_000
STOP_DELAY_NS = 100_000_000
BLINK_NS = 500_000_000

_MAX_FRAMES_AT_ONCE = 10 * FRAMES_PER_WAKE
_STOP_WORD = b"\xff\x3f"
_FRAME_US = 50
_MARK = 0x40
_MARKED_BYTE = 3
# That of the time stamp, and those of the sensors.
_WORD_IDS = np.array([0xF0, *(0x80 | sensor << 4 for sensor in range(SENSORS))], dtype=np.uint8)
# The device has run for a while before it is asked for anything.
_BOOT_US = 389


class _Wait(NamedTuple):
    """It waits for this many bytes of the host until the time; for the time if none; for ever if there is no time."""

    bytes: int
    until_ns: int | None


class PowerSensor3Device:
    """Obeys commands and streams frames into `queue`.

    Args:
        sensors: what converts.
        sampler: takes what the sensors see in the middle of each frame.
        queue: takes what the device sends.
        energy_log: counts frames, from each start of the stream.
    """

    def __init__(self, sensors: Sensors, sampler: Sampler, queue: SendQueue, energy_log: EnergyLog) -> None:
        self.streaming = False
        self._sensors = sensors
        self._sampler = sampler
        self._queue = queue
        self._energy_log = energy_log
        self._inbox = bytearray()
        self._task: Iterator[_Wait] | None = None
        self._wait: _Wait | None = None
        self._now_ns = 0
        self._counted_from = 0
        self._single_frame: int | None = None
        self._marks: deque[int] = deque()
        self._torn = False
        self._flash = list(sensors.records)
        self._commands: dict[int, Callable[[], Iterator[_Wait] | None]] = {
            ord("S"): self._start,
            ord("T"): self._stop,
            ord("X"): self._shut_down,
            ord("I"): self._single,
            ord("M"): self._mark,
            ord("R"): self._read_config,
            ord("W"): self._write_config,
            ord("V"): self._version,
            ord("Q"): self._conversions,
            ord("B"): self._blink,
            ord("Z"): self._restart,
            ord("Y"): self._boot_loader,
        }

    def receive(self, chunk: bytes, host_ns: int) -> None:
        """Obey the commands in `chunk`, whose last byte was read at `host_ns`."""
        self._inbox += chunk
        self._run(host_ns)

    def due_ns(self) -> int | None:
        """When to call `tick` next; None while there is nothing to do but to wait for the host."""
        due = []
        if self.streaming:
            due.append(self._sampler.clock.begun_ns(self._sampler.next + self._frames_per_wake) + SETTLE_NS)
        if self._single_frame is not None:
            due.append(self._sampler.clock.begun_ns(self._single_frame + 1) + SETTLE_NS)
        if self._wait is not None and self._wait.until_ns is not None:
            due.append(self._wait.until_ns)
        return min(due, default=None)

    @property
    def _frames_per_wake(self) -> int:
        return FRAMES_PER_MARK if self._marks else FRAMES_PER_WAKE

    def tick(self, host_ns: int) -> None:
        """Send the frames that are finished, and continue a command that has waited."""
        settled = self._finished(host_ns - SETTLE_NS)
        if self._single_frame is not None and settled > self._single_frame:
            self._sampler.skip(self._single_frame)
            self._single_frame = None
            self._send(self._sampler.next + 1)
        if not self.streaming:
            self._sampler.skip(settled)
        elif settled >= self._sampler.next + self._frames_per_wake:
            self._send(min(settled, self._sampler.next + _MAX_FRAMES_AT_ONCE))
        self._run(host_ns)

    def reset(self, host_ns: int) -> None:
        """Begin again as after power-up, with the configuration that is in flash memory."""
        if self.streaming:
            self._energy_log.write()
        self.streaming = False
        self._inbox.clear()
        self._counted_from = 0
        self._single_frame = None
        self._marks.clear()
        self._queue.clear()
        self._sampler.restart(host_ns)
        # It blinks once, and begins to listen.
        self._task = iter(())
        self._wait = _Wait(0, host_ns + BLINK_NS)

    # The main loop.

    def _run(self, host_ns: int) -> None:
        while self._goes_on(host_ns):
            self._now_ns = host_ns
            if self._task is None:
                command = self._commands.get(self._inbox.pop(0))
                self._task = command() if command is not None else None
            if self._task is not None:
                self._catch_up()
                self._wait = next(self._task, None)
            if self._wait is None:
                self._task = None

    def _goes_on(self, host_ns: int) -> bool:
        if self._wait is None:
            return bool(self._inbox)
        waits_for, until_ns = self._wait
        timed_out = until_ns is not None and host_ns >= until_ns
        if waits_for == 0 or len(self._inbox) >= waits_for:
            return timed_out or waits_for > 0
        if timed_out:
            self.reset(host_ns)
        return False

    def _pause(self, ns: int) -> _Wait:
        return _Wait(0, self._now_ns + ns)

    def _host(self, count: int) -> _Wait:
        return _Wait(count, self._now_ns + HOST_TIMEOUT_NS)

    def _heard(self, count: int) -> bytes:
        heard = bytes(self._inbox[:count])
        del self._inbox[:count]
        return heard

    # Commands; those that wait are generators.

    def _start(self) -> None:
        self._catch_up()
        self._counted_from = self._finished(self._now_ns)
        self._sampler.skip(self._counted_from)
        self.streaming = True
        self._single_frame = None
        self._energy_log.restart(self._sampler.next)

    def _stop(self) -> None:
        if not self.streaming:
            return
        # The frame that is being taken is still sent; with marks to send, those that carry them and one more.
        end = self._sampler.next
        for mark in self._marks:
            end = max(mark, end) + 1
        self._send(max(self._finished(self._now_ns), end if self._marks else 0) + 1)
        self.streaming = False
        self._energy_log.write()

    def _shut_down(self) -> Iterator[_Wait]:
        self._stop()
        yield self._pause(STOP_DELAY_NS)
        self._say(2 * _STOP_WORD)

    def _single(self) -> None:
        if not self.streaming:
            self._single_frame = self._finished(self._now_ns)

    def _mark(self) -> None:
        self._marks.append(self._finished(self._now_ns))

    def _read_config(self) -> Iterator[_Wait]:
        for record in self._flash:
            self._say(record)
            yield self._host(1)
            self._heard(1)
        self._say(b"D")

    def _write_config(self) -> Iterator[_Wait]:
        records = []
        for _ in range(SENSORS):
            yield self._host(RECORD.size)
            records.append(self._heard(RECORD.size))
            self._say(b"S")
        self._flash = records
        self._say(b"D")

    def _version(self) -> None:
        self._say(VERSION)

    def _conversions(self) -> None:
        count = SENSORS * (self._finished(self._now_ns) - self._counted_from)
        self._say(struct.pack("<I", count & 0xFFFF_FFFF))

    def _blink(self) -> Iterator[_Wait]:
        yield self._pause(BLINK_NS)

    def _restart(self) -> Iterator[_Wait]:
        self.reset(self._now_ns)
        yield self._pause(BLINK_NS)

    def _boot_loader(self) -> Iterator[_Wait]:
        self.reset(self._now_ns)
        yield _Wait(0, None)

    # Frames.

    def _finished(self, host_ns: int) -> int:
        """Frames finished by then; also the number of the one that is being taken."""
        return math.floor(self._sampler.clock.count_at(host_ns) + 0.5)

    def _say(self, answer: bytes) -> None:
        self._catch_up()
        self._queue.put(answer)

    def _catch_up(self) -> None:
        if self.streaming:
            self._send(self._finished(self._now_ns))

    def _send(self, end: int) -> None:
        while self._sampler.next < end:
            taken = self._sampler.take(min(FRAMES_PER_WAKE, end - self._sampler.next))
            if self.streaming:
                self._energy_log.add(taken)
            frames = _frames(taken.first, self._sensors.levels(taken.current_a, taken.voltage_v))
            # A command that waits keeps the main loop from sending.
            if self._wait is None:
                self._offer(taken.first, frames)

    def _offer(self, first: int, frames: Bytes) -> None:
        fitting = frames[: self._queue.room // FRAME_BYTES]
        self._tell_marks(first, fitting)
        self._queue.offer(fitting.tobytes())
        if len(fitting) == len(frames):
            self._torn = False
        elif not self._torn:
            # Writing gives up in the middle of a frame when the host takes no more; later frames are lost whole.
            self._torn = True
            self._queue.put(frames[len(fitting)].tobytes()[: 1 + first % (FRAME_BYTES - 1)])

    def _tell_marks(self, first: int, frames: Bytes) -> None:
        at = first
        while self._marks and (at := max(self._marks[0], at)) < first + len(frames):
            self._marks.popleft()
            frames[at - first, _MARKED_BYTE] |= _MARK
            at += 1


def _frames(first: int, levels: npt.NDArray[np.uint16]) -> Bytes:
    """Frames by bytes."""
    words = np.empty((len(levels), SENSORS + 1), dtype=np.uint16)
    # The time at the end of the frame, whose number is that of its middle.
    words[:, 0] = (_BOOT_US + np.arange(first, first + len(levels)) * _FRAME_US) & 0x3FF
    words[:, 1:] = levels
    frames = np.empty((len(levels), SENSORS + 1, 2), dtype=np.uint8)
    frames[:, :, 0] = words >> 6
    frames[:, :, 0] |= _WORD_IDS
    frames[:, :, 1] = words & 0x3F
    frames[:, 0, 1] |= _MARK
    return frames.reshape(len(levels), FRAME_BYTES)
