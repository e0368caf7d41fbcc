# SPDX-License-Identifier: Apache-2.0
"""The loop: it passes what there is, wakes when something is due, and never for nothing."""

from __future__ import annotations

import os
import threading
from contextlib import ExitStack, closing

import pytest

from monitor_app.core.host_time import host_time_ns
from monitor_app.core.load_signal import LoadSignal
from monitor_app.emulators.board.boards import TX1
from monitor_app.emulators.board.load_signal import LoadSignalReceiver
from monitor_app.emulators.board.sampler import SampleClock, Sampler
from monitor_app.emulators.runtime.faults import FaultyLine, parse_fault
from monitor_app.emulators.runtime.loop import StopSignals, serve
from monitor_app.emulators.runtime.send_queue import SendQueue

MS = 1_000_000
MEGABYTE = 1_000_000


class Toy:
    """A device that sends a greeting of any length and ends the loop when it is `lifetime_ns` old."""

    def __init__(self, queue: SendQueue, stop: StopSignals, lifetime_ns: int, greeting: bytes = b"") -> None:
        self.ticks = 0
        self.resets: list[int] = []
        self.was_reset = threading.Event()
        self.received = b""
        self.end_on = b"\0never"
        self._queue = queue
        self._stop = stop
        self._end_ns = host_time_ns() + lifetime_ns
        queue.offer(greeting)

    def receive(self, chunk: bytes, host_ns: int) -> None:
        assert chunk
        assert host_ns <= host_time_ns()
        self.received += chunk
        if self.end_on in self.received:
            self._stop.stopped = True

    def due_ns(self) -> int | None:
        return self._end_ns

    def tick(self, host_ns: int) -> None:
        self.ticks += 1
        if host_ns >= self._end_ns:
            self._stop.stopped = True

    def reset(self, host_ns: int) -> None:
        self.resets.append(host_ns)
        self._queue.offer(b"again")
        self.was_reset.set()


class Setting:
    """A line, a queue, and what stops the loop."""

    def __init__(self, stack: ExitStack, faults: tuple[str, ...] = (), link: object = None) -> None:
        self.stop = stack.enter_context(closing(StopSignals(False)))
        self.line = stack.enter_context(closing(FaultyLine(link, [parse_fault(fault) for fault in faults])))
        self.queue = SendQueue(capacity=100 * MEGABYTE)
        self._stack = stack

    def host(self, path: str | None = None) -> int:
        fd = os.open(path or self.line.path, os.O_RDWR | os.O_NOCTTY)
        self._stack.callback(os.close, fd)
        return fd

    def serve(self, device: Toy, sampler: Sampler | None = None, load_signal: LoadSignalReceiver | None = None) -> None:
        serve(device, self.queue, self.line, sampler, load_signal, self.stop)


@pytest.fixture
def stack():
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def setting(stack):
    return Setting(stack)


def test_it_does_not_spin_with_nothing_to_do(setting):
    setting.host()
    toy = Toy(setting.queue, setting.stop, 200 * MS)
    setting.serve(toy)
    assert toy.ticks < 10


def test_it_does_not_spin_while_nobody_reads(setting):
    setting.host()
    toy = Toy(setting.queue, setting.stop, 200 * MS, bytes(MEGABYTE))
    setting.serve(toy)
    # A few, as the kernel moves what it was given from one buffer to the next.
    assert toy.ticks < 50
    assert setting.queue


def test_it_does_not_spin_while_it_stalls_although_the_host_has_written(stack):
    setting = Setting(stack, faults=("stall@0:60",))
    os.write(setting.host(), b"anyone?")
    toy = Toy(setting.queue, setting.stop, 200 * MS, b"greeting")
    setting.serve(toy)
    assert toy.ticks < 10
    assert toy.received == b""


def test_it_does_not_spin_while_it_is_unplugged_and_the_device_is_without_power(stack):
    setting = Setting(stack, faults=("unplug@0:0.2",))
    setting.host()
    toy = Toy(setting.queue, setting.stop, 0)
    setting.serve(toy)
    assert toy.ticks == 1
    assert len(toy.resets) == 1


def test_megabytes_pass_through_a_line_of_a_few_kilobytes(setting):
    # Long enough for a host that is put off; the answer of the host ends it.
    sent = os.urandom(1_000) * 4_000
    toy = Toy(setting.queue, setting.stop, 60_000 * MS, sent)
    toy.end_on = b"got it"
    host = setting.host()
    got = bytearray()

    def read() -> None:
        while len(got) < len(sent):
            got.extend(os.read(host, 65_536))
        os.write(host, b"got it")

    reader = threading.Thread(target=read)
    reader.start()
    setting.serve(toy)
    reader.join()
    assert got == sent
    assert toy.received == b"got it"
    assert not setting.queue


def test_after_a_reset_what_was_queued_is_gone_and_the_device_begins_anew(stack):
    setting = Setting(stack, faults=("reset@0.05",))
    toy = Toy(setting.queue, setting.stop, 60_000 * MS, b"I am")
    toy.end_on = b"bye"
    host = setting.host()
    # More than the line takes, so that some of it is still queued.
    setting.queue.offer(b"x" * MEGABYTE)
    got = bytearray()

    def read() -> None:
        toy.was_reset.wait()
        while not got.endswith(b"again"):
            got.extend(os.read(host, 65_536))
        os.write(host, b"bye")

    reader = threading.Thread(target=read)
    reader.start()
    setting.serve(toy)
    reader.join()
    assert len(got) < MEGABYTE
    assert len(toy.resets) == 1


def test_a_new_port_is_announced_and_served(stack, tmp_path, capsys):
    link = tmp_path / "port"
    setting = Setting(stack, faults=("unplug@0.05:0.1",), link=link)
    toy = Toy(setting.queue, setting.stop, 60_000 * MS, b"I am")
    toy.end_on = b"bye"
    old = setting.host()
    got = []

    def read() -> None:
        while _read(old):
            pass
        toy.was_reset.wait()
        new = os.open(link, os.O_RDWR | os.O_NOCTTY)
        got.append(os.read(new, 100))
        os.write(new, b"bye")
        _read(new)
        os.close(new)

    reader = threading.Thread(target=read)
    reader.start()
    setting.serve(toy)
    printed = capsys.readouterr().out.splitlines()
    setting.line.close()
    reader.join()
    assert got == [b"again"]
    assert printed == [setting.line.path]
    assert len(toy.resets) == 1


def _read(fd: int) -> bytes:
    try:
        return os.read(fd, 100)
    except OSError:
        return b""


def test_the_lamp_is_passed_on_even_while_the_device_is_without_power(stack, tmp_path):
    setting = Setting(stack, faults=("unplug@0:0.1",))
    lamp_path = tmp_path / "lamp"
    receiver = stack.enter_context(closing(LoadSignalReceiver(lamp_path)))
    load_signal = stack.enter_context(closing(LoadSignal(lamp_path)))
    clock = SampleClock(host_time_ns(), 1_000.0)
    sampler = Sampler(TX1, clock, 1)
    load_signal.set_sync(True, clock.origin_ns + 4_500_000)
    setting.serve(Toy(setting.queue, setting.stop, 0), sampler, receiver)
    assert sampler.take(10).sync.tolist() == [False] * 5 + [True] * 5
