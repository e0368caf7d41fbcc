# SPDX-License-Identifier: Apache-2.0
"""The host side of a conversation: with a scripted meter, over a real pseudo-terminal, and with the emulator."""

from __future__ import annotations

import itertools
import os
import pty
import struct
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pytest
import serial

from monitor_app.core.clock import SampleClock
from monitor_app.core.errors import HandshakeError, PortError, SourceLostError
from monitor_app.core.host_time import host_time_ns
from monitor_app.core.samples import Quantity, Role, SampleBlock, TimeMark
from monitor_app.sources.serial.transport import SerialTransport
from monitor_app.sources.shunt import driver as shunt_module
from monitor_app.sources.shunt.driver import ShuntSource
from tests.sources.shunt import device
from tests.sources.shunt.device import ERROR, HELLO, INFO, PING, PONG, START, STARTED, STOP, STOPPED, Frame, info, wire

if TYPE_CHECKING:
    from collections.abc import Iterator

RATE_HZ = 50_000
ROLES = {"power": Role.TOTAL}


@dataclass
class Meter:
    """A transport with a meter behind it. ``out`` is what the next reads give, one piece each."""

    info: bytes = field(default_factory=info)
    deaf: dict[int, int] = field(default_factory=dict)
    """Commands that it does not hear the first few times."""
    with_started: bytes = b""
    """What comes in the same read as STARTED."""
    first: int = 1000
    hold_ns: int = 0
    out: list[bytes] = field(default_factory=list)
    heard: list[int] = field(default_factory=list)
    closed: int = 0
    lost: bool = False
    _rest: bytes = b""

    def read(self, timeout_s: float, *, eager: bool = False) -> bytes:
        if self.lost:
            raise SourceLostError("it went away: check the cable.")
        return self.out.pop(0) if self.out else b""

    def write(self, data: bytes) -> None:
        if self.lost:
            raise SourceLostError("it takes no commands: check the cable.")
        *stuffed, self._rest = (self._rest + data).split(b"\0")
        for piece in filter(None, stuffed):
            kind, body = self._unwire(piece)
            self.heard.append(kind)
            if self.deaf.get(kind, 0):
                self.deaf[kind] -= 1
            else:
                self._answer(kind, body)

    def close(self) -> None:
        self.closed += 1

    def say(self, *pieces: bytes) -> None:
        self.out += pieces

    def _unwire(self, stuffed: bytes) -> tuple[int, bytes]:
        """Commands are short: every block of theirs ends at a zero."""
        plain, position = bytearray(), 0
        while position < len(stuffed):
            plain += stuffed[position + 1 : position + stuffed[position]] + b"\0"
            position += stuffed[position]
        plain.pop()
        assert device.crc16(plain[:-2]) == int.from_bytes(plain[-2:], "little")
        return plain[0], bytes(plain[1:-2])

    def _answer(self, kind: int, body: bytes) -> None:
        now_ns = host_time_ns()
        if kind == HELLO:
            self.say(wire(INFO, self.info))
        elif kind == START:
            self.say(wire(STARTED, self.first.to_bytes(8, "little")) + self.with_started)
        elif kind == STOP:
            self.say(wire(STOPPED, self.first.to_bytes(8, "little")))
        elif kind == PING:
            count = now_ns * RATE_HZ / 1e9
            sample = int(count)
            fraction = int((count - sample) * 65_536)
            self.say(wire(PONG, body + struct.pack("<QHI", sample, fraction, self.hold_ns)))


@contextmanager
def conversation(meter: Meter, **roles: Role) -> Iterator[ShuntSource]:
    source = ShuntSource("shunt", "/dev/scripted", roles or ROLES, open_transport=lambda port: meter)
    try:
        source.open()
        yield source
    finally:
        source.close()


def drained(source: ShuntSource, meter: Meter) -> list[SampleBlock]:
    blocks = []
    while True:
        readings = source.read(0.0)
        blocks += [reading for reading in readings if isinstance(reading, SampleBlock)]
        if not meter.out:
            return blocks


def until_lost(source: ShuntSource) -> None:
    while True:
        source.read(0.0)


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(shunt_module, "HANDSHAKE_S", 0.15)
    monkeypatch.setattr(shunt_module, "HELLO_EVERY_S", 0.01)
    monkeypatch.setattr(shunt_module, "SILENCE_S", 0.05)


# -- handshake -------------------------------------------------------------------------------------


def test_it_stops_what_ran_asks_who_it_is_and_starts():
    meter = Meter()
    with conversation(meter) as source:
        assert meter.heard == [STOP, HELLO, START]
        assert source.damaged_frames == 0
    assert meter.heard[-1] == STOP
    assert meter.closed == 1


def test_it_describes_the_meter_and_derives_the_power():
    with conversation(Meter(), power=Role.GPU, current=Role.OTHER) as source:
        told = source.info
    assert (told.name, told.kind, told.model, told.serial_number, told.firmware) == (
        "shunt", "shunt", "Bench shunt", "SN-0042", "3.1",
    )  # fmt: skip
    assert (told.rate_hz, told.lines, told.simulated) == (50_000.0, ("busy",), False)
    current, voltage, power = told.signals
    assert told.stored_signals == (current, voltage)
    assert (current.quantity, current.dtype) == (Quantity.CURRENT, "<u2")
    # A value is scale * (code - zero).
    assert current.scale * 42_768 + current.offset == pytest.approx(0.0001 * (42_768 - 32_768))
    assert voltage.scale * 10_000 + voltage.offset == pytest.approx(5.0)
    assert current.resolution == pytest.approx(0.0001)
    assert (power.quantity, power.role, power.product_of) == (Quantity.POWER, Role.GPU, ("current", "voltage"))
    assert power.accuracy == pytest.approx(0.003, rel=1e-5)


def test_an_emulated_meter_is_told_to_be_simulated():
    with conversation(Meter(info(flags=1))) as source:
        assert source.info.simulated


def test_accuracy_that_is_not_known_of_a_factor_is_not_known_of_the_power():
    vague = device.channel("voltage", "V", 0.0005, 0.0)
    with conversation(Meter(info((device.CURRENT, vague)))) as source:
        _, voltage, power = source.info.signals
    assert voltage.accuracy is None
    assert power.accuracy is None


def test_accuracy_of_a_channel_that_is_no_factor_is_not_counted():
    heat = device.channel("heat", "degC", 0.01, 0.0, 0.05)
    with conversation(Meter(info((device.CURRENT, device.VOLTAGE, heat)))) as source:
        assert source.info.signals[-1].accuracy == pytest.approx(0.003, rel=1e-5)


def test_two_currents_make_no_power():
    both = (device.CURRENT, device.channel("second", "A", 1.0, 0.0), device.VOLTAGE)
    with conversation(Meter(info(both))) as source:
        assert source.info.derived_signals == ()


def test_a_meter_that_measures_power_itself_keeps_it():
    own = (device.CURRENT, device.VOLTAGE, device.channel("power", "W", 0.01, 0.0))
    with conversation(Meter(info(own))) as source:
        names = [signal.name for signal in source.info.signals]
        assert source.info.signals[2].role is Role.TOTAL
    assert names == ["current", "voltage", "power"]


def test_a_meter_that_misses_the_first_commands_is_asked_again(impatient):
    meter = Meter(deaf={HELLO: 3, START: 2})
    with conversation(meter) as source:
        assert source.info.model == "Bench shunt"
    assert meter.heard.count(HELLO) == 4
    assert meter.heard.count(START) == 3


@pytest.mark.parametrize("command", [HELLO, START])
def test_a_meter_that_does_not_answer_is_said_so_and_let_go(impatient, command):
    meter = Meter(deaf={command: 10**6})
    with pytest.raises(HandshakeError, match=r"^/dev/scripted does not answer as a shunt meter does: check"):
        ShuntSource("shunt", "/dev/scripted", ROLES, lambda port: meter).open()
    assert meter.closed == 1


def test_noise_is_no_answer(impatient):
    meter = Meter(deaf={HELLO: 10**6})
    meter.say(*[b"login: \0" * 20] * 30)
    with pytest.raises(HandshakeError):
        ShuntSource("shunt", "/dev/scripted", ROLES, lambda port: meter).open()


def test_a_later_version_is_named(impatient):
    with pytest.raises(HandshakeError, match="version 2"):
        ShuntSource("shunt", "/dev/scripted", ROLES, lambda port: Meter(info(version=2))).open()


def test_an_unknown_unit_is_named(impatient):
    odd = (device.channel("torque", "Nm", 1.0, 0.0),)
    with pytest.raises(HandshakeError, match="'Nm', which is not one of A, V, W, degC"):
        ShuntSource("shunt", "/dev/scripted", ROLES, lambda port: Meter(info(odd))).open()


def test_what_an_earlier_program_left_on_the_line_is_not_taken_for_samples():
    meter = Meter()
    meter.say(b"\x05\x11" + Frame(5, [(1, 1)]).wire(), Frame(6, [(2, 2)]).wire())
    with conversation(meter) as source:
        meter.say(Frame(1000, [(3, 4)]).wire())
        [block] = drained(source, meter)
    assert (block.first_index, block.lost_before) == (1000, 0)


def test_before_open_there_is_nothing_to_read():
    source = ShuntSource("shunt", "/dev/scripted", ROLES, lambda port: Meter())
    with pytest.raises(PortError):
        _ = source.info
    with pytest.raises(SourceLostError):
        source.read(0.0)
    source.close()


# -- samples ---------------------------------------------------------------------------------------


def test_samples_come_as_blocks_of_codes_one_array_a_channel():
    meter = Meter()
    with conversation(meter) as source:
        meter.say(Frame(1000, [(1, 10), (2, 20)]).wire() + Frame(1002, [(3, 30)]).wire())
        before_ns = host_time_ns()
        [block] = drained(source, meter)
        after_ns = host_time_ns()
    current, voltage = block.codes
    assert (block.first_index, len(block), block.lost_before) == (1000, 3, 0)
    assert (current.tolist(), voltage.tolist()) == ([1, 2, 3], [10, 20, 30])
    assert before_ns <= block.arrival_ns <= after_ns


def test_samples_in_the_same_read_as_the_answer_to_start_are_not_lost():
    meter = Meter(with_started=Frame(1000, [(1, 10), (2, 20)]).wire())
    with conversation(meter) as source:
        meter.say(Frame(1002, [(3, 30)]).wire())
        blocks = drained(source, meter)
    assert [code for block in blocks for code in block.codes[0].tolist()] == [1, 2, 3]
    assert [block.lost_before for block in blocks] == [0] * len(blocks)


def test_losses_are_counted_before_the_block_that_follows_them():
    meter = Meter()
    with conversation(meter) as source:
        meter.say(
            Frame(1004, [(1, 1)] * 2).wire(),
            Frame(1006, [(1, 1)] * 4).wire(),
            Frame(1510, [(1, 1)]).wire() + Frame(1521, [(1, 1)], dropped=10).wire(),
        )
        blocks = drained(source, meter)
    assert [(block.first_index, block.lost_before) for block in blocks] == [
        (1004, 4), (1006, 0), (1510, 500), (1521, 10),
    ]  # fmt: skip


def test_a_line_that_was_high_at_the_start_or_changed_in_a_lost_frame_is_told():
    meter = Meter()
    with conversation(meter) as source:
        meter.say(
            Frame(1000, [(1, 1)] * 4, flags=1).wire(),
            Frame(1004, [(1, 1)] * 4, [(2, 0, 0)], flags=1).wire(),
            Frame(1008, [(1, 1)] * 4, flags=0).wire(),
            Frame(1100, [(1, 1)] * 4, flags=1).wire(),
            Frame(1104, [(1, 1)] * 4, [(0, 0, 0)], flags=0).wire(),
        )
        blocks = drained(source, meter)
    changes = [(block.changes.index.tolist(), block.changes.level.tolist()) for block in blocks]
    assert changes == [([1000], [1]), ([1006], [0]), ([], []), ([1100], [1]), ([1104], [0])]


def test_a_damaged_frame_is_counted_and_is_a_loss():
    meter = Meter()
    damaged = bytearray(Frame(1002, [(1, 1)] * 2).wire())
    damaged[15] ^= 0x40
    with conversation(meter) as source:
        meter.say(Frame(1000, [(1, 1)] * 2).wire() + damaged + Frame(1004, [(1, 1)]).wire())
        blocks = drained(source, meter)
        assert source.damaged_frames == 1
    assert [(block.first_index, block.lost_before) for block in blocks] == [(1000, 0), (1004, 2)]


def test_changes_of_lines_carry_the_index_of_their_sample():
    meter = Meter()
    with conversation(meter) as source:
        meter.say(
            Frame(1000, [(1, 1)] * 5, [(0, 0, 1), (4, 0, 0)], flags=1).wire()
            + Frame(1005, [(1, 1)], [(0, 0, 1)]).wire()
        )
        [block] = drained(source, meter)
    assert block.changes.index.tolist() == [1000, 1004, 1005]
    assert block.changes.line.tolist() == [0, 0, 0]
    assert block.changes.level.tolist() == [1, 0, 1]


# -- being gone ------------------------------------------------------------------------------------


def test_a_meter_that_counts_anew_was_reset():
    meter = Meter()
    with conversation(meter) as source:
        meter.say(Frame(1000, [(1, 1)] * 100).wire(), Frame(0, [(1, 1)]).wire())
        with pytest.raises(SourceLostError, match="it was reset"):
            drained(source, meter)


@pytest.mark.parametrize("answers_pings", [True, False])
def test_a_meter_that_streams_no_more_is_gone_even_when_it_answers_pings(monkeypatch, answers_pings):
    monkeypatch.setattr(shunt_module, "SILENCE_S", 0.1)
    monkeypatch.setattr(shunt_module, "PING_EVERY_S", 0.01)
    meter = Meter(deaf={} if answers_pings else {PING: 10**6})
    with conversation(meter) as source:
        meter.say(Frame(1000, [(1, 1)]).wire())
        with pytest.raises(SourceLostError, match="fell silent: check its power and its cable"):
            until_lost(source)


def test_a_slow_handshake_is_no_silence(monkeypatch):
    monkeypatch.setattr(shunt_module, "SILENCE_S", 0.2)
    monkeypatch.setattr(shunt_module, "HELLO_EVERY_S", 0.01)
    meter = Meter(deaf={HELLO: 30})
    with conversation(meter) as source:
        assert [r for r in source.read(0.0) if isinstance(r, SampleBlock)] == []


def test_a_fault_that_the_meter_reports_is_passed_on():
    meter = Meter()
    with conversation(meter) as source:
        meter.say(wire(ERROR, b"\x03converter saturated"))
        with pytest.raises(SourceLostError, match="converter saturated"):
            drained(source, meter)


def test_closing_twice_or_when_it_is_gone_is_fine():
    meter = Meter()
    with conversation(meter) as source:
        meter.lost = True
        with pytest.raises(SourceLostError):
            source.read(0.0)
        source.close()
        source.close()
    assert meter.closed == 1


def test_it_can_be_opened_again_from_the_start():
    meters = [Meter(first=1000), Meter(first=5)]
    remaining = iter(meters)
    source = ShuntSource("shunt", "/dev/scripted", ROLES, lambda port: next(remaining))
    source.open()
    source.close()
    source.open()
    meters[1].say(Frame(5, [(1, 1)]).wire())
    [block] = drained(source, meters[1])
    source.close()
    assert (block.first_index, block.lost_before) == (5, 0)


# -- two-way time ----------------------------------------------------------------------------------


def test_marks_hold_the_truth():
    """The scripted meter counts the host's own clock, so that the true time of a count is known."""
    meter = Meter(hold_ns=1)
    marks = []
    with conversation(meter) as source:
        while len(marks) < 5:
            marks += [reading for reading in source.read(0.0) if isinstance(reading, TimeMark)]
    for mark in marks:
        true_ns = mark.index * 1e9 / RATE_HZ
        # The count is cut to 1/65536 of a sample, and a double holds it to a few more nanoseconds.
        assert mark.earliest_ns - 400 <= true_ns <= mark.latest_ns + 400
    assert all(a.latest_ns < b.latest_ns for a, b in itertools.pairwise(marks))


def test_the_time_an_answer_was_held_narrows_its_mark():
    meter = Meter()
    with conversation(meter) as source:
        answered: list[TimeMark] = []
        while not answered:
            meter.hold_ns = 0
            answered = [reading for reading in source.read(0.0) if isinstance(reading, TimeMark)]
        source._next_ping_ns = 0
        meter.hold_ns = 5_000
        before_ns = host_time_ns()
        [held] = [reading for reading in source.read(0.0) if isinstance(reading, TimeMark)]
        after_ns = host_time_ns()
    assert before_ns <= held.earliest_ns
    assert held.latest_ns <= after_ns - 5_000


def test_an_answer_to_a_ping_that_was_never_sent_is_ignored():
    meter = Meter(deaf={PING: 10**6})
    with conversation(meter) as source:
        meter.say(wire(PONG, struct.pack("<IQHI", 4711, 1, 0, 0)))
        assert source.read(0.0) == []


# -- real ports ------------------------------------------------------------------------------------


@contextmanager
def terminal() -> Iterator[tuple[list[int], str]]:
    """The far end of a pseudo-terminal and the path of its port."""
    far, near = pty.openpty()
    path = os.ttyname(near)
    os.close(near)
    ends = [far]
    try:
        yield ends, path
    finally:
        for end in ends:
            os.close(end)


def test_a_port_that_does_not_exist_says_so():
    with pytest.raises(PortError, match=r"There is no port /dev/ttyNothing: plug the instrument in"):
        ShuntSource("shunt", "/dev/ttyNothing", ROLES).open()


def test_a_port_in_use_says_how_to_find_by_whom():
    with terminal() as (_, path):
        holder = SerialTransport(path)
        with pytest.raises(PortError, match=f"{path} is in use by another program: `fuser -v {path}`"):
            ShuntSource("shunt", path, ROLES).open()
        holder.close()
        SerialTransport(path).close()


def test_a_port_one_may_not_open_says_which_group_mends_it(monkeypatch, tmp_path):
    port = tmp_path / "ttyACM0"
    port.touch()

    def refuse(*args: object, **options: object) -> None:
        raise serial.SerialException(13, "could not open port: Permission denied")

    monkeypatch.setattr(serial, "serial_for_url", refuse)
    with pytest.raises(PortError, match="usermod -aG dialout"):
        SerialTransport(str(port))


def test_what_is_not_a_port_says_so(tmp_path):
    path = tmp_path / "file"
    path.touch()
    with pytest.raises(PortError, match="cannot be opened"):
        SerialTransport(str(path))


def test_bytes_go_both_ways_and_nothing_is_no_error():
    with terminal() as ([far], path):
        port = SerialTransport(path)
        assert port.read(0.0) == b""
        port.write(b"\x00\x01\x0a\x0d\x11\x13\xff")
        assert os.read(far, 100) == b"\x00\x01\x0a\x0d\x11\x13\xff"
        os.write(far, b"\x03\x04\x0a\x0d\x11\x13\x1a\xff\x00")
        assert port.read(1.0) == b"\x03\x04\x0a\x0d\x11\x13\x1a\xff\x00"
        port.close()
        port.close()


class Plugged(SerialTransport):
    """A port whose far end answers each command as soon as it is written."""

    far: int
    answers: ClassVar[dict[int, bytes]] = {HELLO: wire(INFO, info()), START: wire(STARTED, (7).to_bytes(8, "little"))}

    def write(self, data: bytes) -> None:
        super().write(data)
        for kind, answer in self.answers.items():
            if data == wire(kind):
                os.write(self.far, answer)


def test_a_port_pulled_out_is_a_source_lost():
    with terminal() as (ends, path):
        plugged = type("PluggedHere", (Plugged,), {"far": ends[0]})
        source = ShuntSource("shunt", path, ROLES, plugged)
        source.open()
        os.write(ends[0], Frame(7, [(1, 1)]).wire())
        blocks: list[SampleBlock] = []
        while not blocks:
            blocks = [reading for reading in source.read(1.0) if isinstance(reading, SampleBlock)]
        assert [block.first_index for block in blocks] == [7]
        os.close(ends.pop())
        with pytest.raises(SourceLostError, match="check the cable"):
            source.read(1.0)
        source.close()
        source.close()


# -- the emulator ----------------------------------------------------------------------------------


def test_a_second_of_the_emulated_meter_is_whole_and_in_order():
    command = [sys.executable, "-m", "monitor_app.emulators.shunt", "--until-stdin-closes"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        source = ShuntSource("shunt", process.stdout.readline().decode().strip(), ROLES)
        source.open()
        clock = SampleClock(source.info.rate_hz, source.info.transport_bound_ns)
        blocks: list[SampleBlock] = []
        times: list[tuple[int, int]] = []
        marks = 0
        while sum(map(len, blocks)) < RATE_HZ:
            for reading in source.read(0.1):
                if isinstance(reading, TimeMark):
                    assert reading.earliest_ns <= reading.latest_ns
                    clock.add_mark(reading)
                    marks += 1
                else:
                    clock.add_arrival(reading.first_index + len(reading), reading.arrival_ns)
                    times.append(clock.times(reading.first_index, len(reading)))
                    blocks.append(reading)
                    assert times[-1][1] <= reading.arrival_ns + clock.state.bound_ns
        damaged = source.damaged_frames
        source.close()
        source.close()
        process.stdin.close()
        assert process.wait() == 0
    assert source.info.simulated
    assert damaged == 0
    assert {block.lost_before for block in blocks} == {0}
    assert all(a.first_index + len(a) == b.first_index for a, b in itertools.pairwise(blocks))
    flat = np.array(times).ravel()
    assert (np.diff(flat) > 0).all()
    assert marks >= 3
    # What the first, wide mark got wrong is bent away slowly; how much that is depends on how busy this machine is.
    assert clock.state.bound_ns < 20_000_000
