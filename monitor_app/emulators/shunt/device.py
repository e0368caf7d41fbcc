# SPDX-License-Identifier: Apache-2.0
"""The device side of the shunt stream protocol (docs/shunt-protocol.md): what it answers and sends.

It reads no clock but the one it is given and touches no line: `receive` takes bytes in, the send queue holds
what goes out, `tick` takes the samples that are due.
"""

from __future__ import annotations

import struct
from functools import partial
from typing import TYPE_CHECKING

from monitor_app.emulators.shunt import frames
from monitor_app.emulators.shunt.frames import Command, Fault, FrameReader, Reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor_app.emulators.board.energy_log import EnergyLog
    from monitor_app.emulators.board.sampler import Sampler, Taken
    from monitor_app.emulators.runtime.send_queue import SendQueue
    from monitor_app.emulators.shunt.frames import Identity

FRAMES_PER_S = 100
# Waking costs more than computing: a process that slept finds the processor's caches cold.
WAKES_PER_S = 50
_MAX_WAKES_AT_ONCE = 10
# A change of the load signal travels this long at most, unless its sender was put off between stamp and send.
SETTLE_NS = 3_000_000
# Of a device whose process was held up and that waits for room to send.
_REST_NS = 2_000_000
_PING_BODY = 4
_FROM_DEVICE = 0x80


class ShuntDevice:
    """Answers commands and streams samples into `queue`.

    Args:
        now_ns: the host's clock.
    """

    def __init__(
        self,
        identity: Identity,
        sampler: Sampler,
        queue: SendQueue,
        energy_log: EnergyLog,
        now_ns: Callable[[], int],
    ) -> None:
        self.streaming = False
        self._identity = identity
        self._sampler = sampler
        self._queue = queue
        self._energy_log = energy_log
        self._now_ns = now_ns
        self._reader = FrameReader()
        self._frame_samples = max(1, min(frames.MAX_SAMPLES, round(identity.rate_hz / FRAMES_PER_S)))
        self._wake_samples = self._frame_samples * max(1, round(identity.rate_hz / WAKES_PER_S / self._frame_samples))
        self._wake_bytes = len(identity.channels) * 2 * self._wake_samples
        self._rest_until_ns = 0
        self._make_up_until_ns: int | None = None
        self._seq = 0
        self._dropped = 0
        self._end = 0
        self._answers: dict[int, Callable[[int], None]] = {
            Command.HELLO: self._hello,
            Command.START: self._start,
            Command.STOP: self._stop,
        }
        self._end_the_line()

    def receive(self, chunk: bytes, host_ns: int) -> None:
        """Answer the commands that end in `chunk`, whose last byte was read at `host_ns`."""
        for kind, body in self._reader.read(chunk):
            if kind == Command.PING and len(body) == _PING_BODY:
                self._queue.put_urgent(partial(self._pong, body, host_ns))
            elif kind == Command.PING or (kind in self._answers and body):
                self._error(Fault.MALFORMED, f"command 0x{kind:02X} with a body of {len(body)} bytes")
            elif kind in self._answers:
                self._answers[kind](host_ns)
            elif kind < _FROM_DEVICE:
                self._error(Fault.UNKNOWN_COMMAND, f"unknown command 0x{kind:02X}")

    def due_ns(self) -> int | None:
        """When to call `tick` next; None while nothing streams."""
        if not self.streaming:
            return None
        due_ns = self._sampler.clock.begun_ns(self._sampler.next + self._wake_samples - 1) + SETTLE_NS
        return max(due_ns, self._rest_until_ns)

    def tick(self, host_ns: int) -> None:
        """Take the whole frames that are due, or follow the load signal while nothing streams.

        A process that was held up, which no device is, makes up for it without a loss where the line is fast enough.
        """
        settled = int(self._sampler.clock.count_at(host_ns - SETTLE_NS)) + 1
        if not self.streaming:
            self._sampler.skip(settled)
            return
        wakes_due = (settled - self._sampler.next) // self._wake_samples
        wakes = min(wakes_due, _MAX_WAKES_AT_ONCE, self._wakes_to_send(wakes_due, host_ns))
        self._rest_until_ns = 0 if wakes else host_ns + _REST_NS
        if wakes >= 1:
            self._send(wakes * self._wake_samples)

    def _wakes_to_send(self, wakes_due: int, host_ns: int) -> int:
        """As many as there is room for, for twice as long as the process was held up; any number otherwise."""
        room = self._queue.room // (2 * self._wake_bytes)  # half of it, for headers and changes of lines
        if wakes_due <= 1 and room > 1:
            self._make_up_until_ns = None
        elif wakes_due > _MAX_WAKES_AT_ONCE and self._make_up_until_ns is None:
            self._make_up_until_ns = host_ns + 2 * wakes_due * (10**9 // WAKES_PER_S)
        if self._make_up_until_ns is None or host_ns > self._make_up_until_ns:
            return wakes_due
        return room

    def reset(self, host_ns: int) -> None:
        """Start as after power-up at `host_ns`: nothing streams, and samples are counted from 0."""
        if self.streaming:
            self._energy_log.write()
        self.streaming = False
        self._reader = FrameReader()
        self._seq = self._dropped = self._end = 0
        self._sampler.restart(host_ns)
        self._end_the_line()

    def _end_the_line(self) -> None:
        """End whatever was on the line."""
        self._queue.put(b"\0")

    def _hello(self, _: int) -> None:
        self._queue.put_urgent(partial(frames.info, self._identity))

    def _start(self, host_ns: int) -> None:
        if not self.streaming:
            self._sampler.skip(int(self._sampler.clock.count_at(host_ns)) + 1)
        self.streaming = True
        self._dropped = 0
        self._energy_log.restart(self._sampler.next)
        self._queue.put(frames.frame(Reply.STARTED, struct.pack("<Q", self._sampler.next)))

    def _stop(self, host_ns: int) -> None:
        if self.streaming:
            # All that was sampled before the command came, the part of a frame included.
            end = int(self._sampler.clock.count_at(host_ns)) + 1
            while self._sampler.next < end:
                self._send(min(_MAX_WAKES_AT_ONCE * self._wake_samples, end - self._sampler.next))
            self._energy_log.write()
            self._end = self._sampler.next
        self.streaming = False
        self._queue.put(frames.frame(Reply.STOPPED, struct.pack("<Q", self._end)))

    def _send(self, count: int) -> None:
        taken = self._sampler.take(count)
        self._energy_log.add(taken)
        for start in range(0, count, self._frame_samples):
            self._offer(taken, start, min(start + self._frame_samples, count))

    def _offer(self, taken: Taken, start: int, end: int) -> None:
        changes = [
            change._replace(sample=change.sample - start) for change in taken.changes if start <= change.sample < end
        ]
        if len(changes) > frames.MAX_CHANGES:
            middle = (start + end) // 2
            self._offer(taken, start, middle)
            self._offer(taken, middle, end)
            return
        frame = frames.data(
            seq=self._seq,
            first=taken.first + start,
            dropped=self._dropped,
            codes=taken.codes[start:end],
            levels=int(taken.levels[start]),
            changes=changes,
        )
        if self._queue.offer(frame):
            self._seq += 1
        else:
            self._dropped += end - start

    def _pong(self, nonce: bytes, host_ns: int) -> bytes:
        count = self._sampler.clock.count_at(host_ns)
        sample = int(count)
        fraction = int((count - sample) * 65_536)
        hold_ns = min(self._now_ns() - host_ns, 0xFFFF_FFFF)
        return frames.frame(Reply.PONG, nonce + struct.pack("<QHI", sample, fraction, hold_ns))

    def _error(self, fault: Fault, text: str) -> None:
        self._queue.put(frames.frame(Reply.ERROR, bytes([fault]) + text.encode()))
