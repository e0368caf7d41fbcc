# SPDX-License-Identifier: Apache-2.0
"""The loop of every emulated device: it wakes for bytes, for samples that are due, for room on the line.

It ends with a signal, on its parent's wish, or with its parent's death.
"""

from __future__ import annotations

import ctypes
import os
import selectors
import signal
import socket
import sys
from typing import TYPE_CHECKING, Protocol

from monitor_app.core.host_time import host_time_ns
from monitor_app.emulators.runtime.faults import Happening

if TYPE_CHECKING:
    from types import FrameType

    from monitor_app.emulators.board.load_signal import LoadSignalReceiver
    from monitor_app.emulators.board.sampler import Sampler
    from monitor_app.emulators.runtime.faults import FaultyLine
    from monitor_app.emulators.runtime.send_queue import SendQueue


class Device(Protocol):
    """What `serve` asks of an emulated device; what it sends goes into the send queue it was made with."""

    def receive(self, chunk: bytes, host_ns: int) -> None:
        """Act on the bytes of the host, at least one, the last of which was read at `host_ns`."""

    def tick(self, host_ns: int) -> None:
        """Do what is due by `host_ns`; called at least once after each `due_ns`, and often before."""

    def due_ns(self) -> int | None:
        """When to call `tick` next; None if only bytes of the host can bring something about."""

    def reset(self, host_ns: int) -> None:
        """Forget all that a real device forgets without power; the queue has been emptied."""


def serve(
    device: Device,
    queue: SendQueue,
    line: FaultyLine,
    sampler: Sampler | None,
    load_signal: LoadSignalReceiver | None,
    stop: StopSignals,
) -> None:
    """Run the device on its line until it has to stop.

    Args:
        device: what answers and sends.
        queue: what the device sends into.
        line: the port; its path is printed on standard output whenever it was plugged in again.
        sampler: receives the changes of the load signal; None where there is no load signal.
        load_signal: when the board is busy, and the level of the sync line.
        stop: when to end.

    Raises:
        MonitorError: the port is not available again after it was unplugged, or the energy log cannot be written.
    """
    # Not epoll: it refuses a regular file as standard input.
    with selectors.PollSelector() as selector:
        stop.watch(selector)
        if load_signal is not None:
            selector.register(load_signal, selectors.EVENT_READ)
        watch = _LineWatch(selector)
        while not stop.stopped:
            watch.follow(line, bool(queue))
            ready = {key.fd for key, _ in selector.select(_timeout_s(device, line))}
            stop.look(ready)
            for happening in line.advance(host_time_ns()):
                _tell(happening, device, queue, line)
            chunk = line.read() if line.fileno() in ready else b""
            now_ns = host_time_ns()
            # Before the command, which may be the STOP that follows the board's last change.
            if load_signal is not None and load_signal.fileno() in ready and sampler is not None:
                sampler.change(load_signal.read(), now_ns)
            if line.plugged:
                if chunk:
                    device.receive(chunk, now_ns)
                device.tick(now_ns)
                queue.flush(line.write)


class _LineWatch:
    """Watches the line's descriptor for the events that matter; the descriptor may change."""

    def __init__(self, selector: selectors.BaseSelector) -> None:
        self._selector = selector
        self._fd = -1
        self._events = 0

    def follow(self, line: FaultyLine, has_more: bool) -> None:
        """Watch for bytes of the host and, if there is more to send, for room; not at all while nothing passes."""
        fd = line.fileno() if line.passing else -1
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if has_more else 0)
        if (fd, events) == (self._fd, self._events):
            return
        if self._fd >= 0:
            self._selector.unregister(self._fd)
        if fd >= 0:
            self._selector.register(fd, events)
        self._fd, self._events = fd, events


def _timeout_s(device: Device, line: FaultyLine) -> float | None:
    dues = (device.due_ns() if line.plugged else None, line.due_ns())
    due_ns = min((due for due in dues if due is not None), default=None)
    return None if due_ns is None else max(0.0, (due_ns - host_time_ns()) * 1e-9)


def _tell(happening: Happening, device: Device, queue: SendQueue, line: FaultyLine) -> None:
    queue.clear()
    if happening is Happening.UNPLUGGED:
        return
    device.reset(host_time_ns())
    if happening is Happening.PLUGGED:
        sys.stdout.write(line.path + "\n")
        sys.stdout.flush()


_PR_SET_PDEATHSIG = 1
_STDIN = 0


class StopSignals:
    """Watches for SIGTERM and SIGINT and, on request, for the end of the parent; main thread only.

    A stop wakes the selector that `watch` was given, so that no loop has to poll for one.

    Args:
        until_stdin_closes: stop when standard input closes, and with the parent process.
    """

    def __init__(self, until_stdin_closes: bool) -> None:
        self.stopped = False
        self._until_stdin_closes = until_stdin_closes
        self._parent = os.getppid()
        self._wake, self._woken = socket.socketpair()
        self._wake.setblocking(False)
        self._woken.setblocking(False)
        self._old_fd = signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)
        self._old = {number: signal.signal(number, self._stop) for number in (signal.SIGTERM, signal.SIGINT)}
        if until_stdin_closes and sys.platform == "linux":
            # The kernel sends it when the thread that started this process ends, which is not yet the parent.
            self._old[signal.SIGUSR1] = signal.signal(signal.SIGUSR1, self._stop_if_orphaned)
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGUSR1), 0, 0, 0)

    def watch(self, selector: selectors.BaseSelector) -> None:
        """Let a stop end the selector's `select`; `look` must be called after it."""
        selector.register(self._woken, selectors.EVENT_READ)
        if self._until_stdin_closes:
            selector.register(_STDIN, selectors.EVENT_READ)

    def look(self, ready: set[int]) -> None:
        """Handle the descriptors that are `ready`."""
        if self._woken.fileno() in ready:
            self._woken.recv(64)
        if self._until_stdin_closes and _STDIN in ready and not os.read(_STDIN, 4_096):
            self.stopped = True

    def close(self) -> None:
        """Put everything back as it was."""
        for number, handler in self._old.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._old_fd)
        self._wake.close()
        self._woken.close()

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self.stopped = True

    def _stop_if_orphaned(self, _number: int, _frame: FrameType | None) -> None:
        if os.getppid() != self._parent:
            self.stopped = True
