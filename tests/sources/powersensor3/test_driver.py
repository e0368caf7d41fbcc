# SPDX-License-Identifier: Apache-2.0
"""The host side of a conversation with a PowerSensor3: scripted, over a real pseudo-terminal, and frame by frame."""

from __future__ import annotations

import itertools
import os
import pty
import select
import struct
import threading
import tty
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor_app.core.errors import HandshakeError, PortError, SourceLostError
from monitor_app.core.host_time import host_time_ns
from monitor_app.core.samples import Role, SampleBlock, TimeMark
from monitor_app.sources.powersensor3 import driver as module
from monitor_app.sources.powersensor3 import handshake
from monitor_app.sources.powersensor3.decoder import DecoderState, decode
from monitor_app.sources.powersensor3.driver import PowerSensor3Source
from monitor_app.sources.powersensor3.frame_counter import HOLD_NS, FrameCounter, frame_period_us
from tests.sources.powersensor3.device import LEVELS, ONE_PAIR, STOP_WORD, Meter, frame, record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor_app.core.samples import Reading
    from monitor_app.sources.powersensor3.frame_counter import Run


@contextmanager
def conversation(meter: Meter, **roles: Role) -> Iterator[PowerSensor3Source]:
    source = PowerSensor3Source("ps3", "/dev/scripted", roles, open_transport=lambda port: meter)
    try:
        source.open()
        yield source
    finally:
        source.close()


def drained(source: PowerSensor3Source, meter: Meter) -> list[Reading]:
    readings = source.read(0.0)
    while meter.out:
        readings += source.read(0.0)
    return readings


def blocks(readings: list[Reading]) -> list[SampleBlock]:
    return [reading for reading in readings if isinstance(reading, SampleBlock)]


def indices(readings: list[Reading]) -> list[int]:
    return [index for b in blocks(readings) for index in range(b.first_index, b.first_index + len(b))]


def lost(readings: list[Reading]) -> int:
    return sum(block.lost_before for block in blocks(readings))


def refused(meter: Meter, match: str) -> None:
    with pytest.raises(HandshakeError, match=match):
        PowerSensor3Source("ps3", "/dev/scripted", {}, lambda port: meter).open()
    assert meter.closed == 1


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(module, "FIRST_S", 0.05)
    monkeypatch.setattr(handshake, "STOP_S", 0.05)
    monkeypatch.setattr(handshake, "ANSWER_S", 0.05)
    monkeypatch.setattr(handshake, "STOP_EVERY_S", 0.01)
    monkeypatch.setattr(module, "SILENCE_S", 0.1)
    monkeypatch.setattr(module, "LULL_S", 0.02)
    monkeypatch.setattr(module, "COUNT_AGAIN_S", 0.001)
    monkeypatch.setattr(module, "LAST_MARK_S", 0.01)


def tick(monkeypatch, step_ns: int) -> None:
    """Give the driver a clock that goes on by this whenever it is read, as fast or slow as the machine may be."""
    ticks = itertools.count(10**12, step_ns)
    monkeypatch.setattr(module, "host_time_ns", lambda: next(ticks))
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: next(ticks) * 1e-9))


@pytest.fixture
def curious(monkeypatch):
    """The device is asked for its count whenever it has answered."""
    monkeypatch.setattr(module, "COUNT_EVERY_S", 0.0)


# -- handshake -------------------------------------------------------------------------------------


def test_it_stops_what_ran_asks_who_it_is_reads_the_calibration_and_starts():
    meter = Meter()
    with conversation(meter):
        assert meter.heard[0:3] == b"XVR"
        assert meter.heard[-1:] == b"S"
        # Any byte acknowledges a record, but none that would be a command if it were taken for one.
        assert len(meter.heard[3:-1]) == 8
        assert not set(meter.heard[3:-1]) & set(b"STXIMRWVQBZY")
    assert meter.heard[-1:] == b"X"
    assert meter.closed == 1


def test_it_describes_the_meter():
    with conversation(Meter(), power=Role.TOTAL) as source:
        told = source.info
    assert (told.name, told.kind, told.model, told.serial_number, told.firmware) == (
        "ps3", "powersensor3", "PowerSensor3 F411", "", "1.6.1",
    )  # fmt: skip
    assert (told.rate_hz, told.lines, told.simulated) == (20_000.0, (), False)
    assert [(s.name, s.role) for s in told.signals] == [
        ("current", Role.OTHER), ("voltage", Role.OTHER), ("power", Role.TOTAL),
    ]  # fmt: skip
    # Sensor 1 shows 300, so 3.3 * 300 / 1023 / 0.09 V.
    assert told.signals[2].resolution == pytest.approx(3.3 / 1023 / 0.12 * 3.3 * 300 / 1023 / 0.09)


def test_its_serial_number_is_that_of_the_port():
    source = PowerSensor3Source("ps3", "/dev/scripted", {}, lambda port: Meter(), serial_number="SN7")
    source.open()
    assert source.info.serial_number == "SN7"
    source.close()


def test_an_emulated_meter_is_told_to_be_simulated():
    with conversation(Meter(version=b"F411-1.6.1 emulated\r\n")) as source:
        assert source.info.simulated
        assert source.info.firmware == "1.6.1 emulated"


def test_one_of_another_clock_has_the_rate_that_its_stamps_show():
    with conversation(Meter(version=b"F401-1.5.0\r\n", period_us=1200 / 21)) as source:
        assert source.info.rate_hz == pytest.approx(17_500)
    with conversation(Meter(version=b"F407-1.5.0\r\n", period_us=29.333)) as source:
        assert source.info.rate_hz == pytest.approx(1e6 / 29.333, rel=1e-4)


def test_it_finds_the_end_of_a_stream_that_is_full_of_stop_words():
    meter = Meter(streaming=True)
    full = (0,) * 7 + (1023,)
    meter.say(*[meter.take(10, full)] * 20)
    meter.leftover = meter.take(1, full)
    with conversation(meter) as source:
        assert meter.heard.startswith(b"XVR")
        assert indices(drained(source, meter))[0] == 0


def test_one_whose_last_frame_ends_like_a_stop_word_has_not_stopped(impatient):
    meter = Meter(stop_words=b"", leftover=b"".join(frame(50 * k) for k in range(3)))
    refused(meter, "does not answer as a PowerSensor3 does")


def test_one_that_an_earlier_program_left_while_it_told_its_configuration_is_freed(monkeypatch):
    monkeypatch.setattr(handshake, "STOP_EVERY_S", 0.01)
    meter = Meter(_left=5)
    with conversation(meter) as source:
        assert source.info.firmware == "1.6.1"


@pytest.mark.parametrize("deaf", [b"X", b"V", b"R", b"s"])
def test_a_port_with_something_else_is_said_so_and_let_go(impatient, deaf):
    refused(Meter(deaf=deaf), r"^/dev/scripted does not answer as a PowerSensor3 does: check that it is the right port")


@pytest.mark.parametrize("version", [b"F411-1.2.1\r\n", b"F401-0.9\r\n"])
def test_an_old_firmware_is_to_be_updated(version):
    with (
        pytest.raises(HandshakeError, match=r"firmware \d\.\d.*update it to 1\.3 or later"),
        conversation(Meter(version=version)),
    ):
        pass


@pytest.mark.parametrize("version", [b"login: ", b"OK\r\n", b"\x00" * 40])
def test_another_answer_is_none(impatient, version):
    refused(Meter(version=version), "does not answer as a PowerSensor3 does")


@pytest.mark.parametrize("odd", [b"short", b"a record that is longer than forty-one bytes are"])
def test_a_configuration_of_another_length_is_none(impatient, odd):
    refused(Meter(records=(odd, *ONE_PAIR[1:])), "does not answer as a PowerSensor3 does")


def test_a_configuration_with_nan_is_refused_in_one_sentence():
    meter = Meter(records=(record("a", 1.65, float("nan")), *ONE_PAIR[1:]))
    refused(meter, r"^ps3: sensor 0 has an invalid calibration \(sensitivity nan, reference 1.65 V\)")


@pytest.mark.parametrize("frames", [0, 1])
def test_one_that_sends_no_samples_is_told_apart(impatient, frames):
    refused(Meter(first_frames=frames), "answers but sends no samples: unplug it")


def test_before_open_there_is_nothing_to_read():
    source = PowerSensor3Source("ps3", "/dev/scripted", {}, lambda port: Meter())
    with pytest.raises(PortError):
        _ = source.info
    with pytest.raises(SourceLostError):
        source.read(0.0)
    source.close()
    source.close()


# -- samples ---------------------------------------------------------------------------------------


def test_samples_come_as_blocks_of_levels_one_array_a_sensor_in_use_and_none_is_lost():
    meter = Meter()
    with conversation(meter) as source:
        meter.stream(5, (100, 200, *LEVELS[2:]))
        meter.stream(1)
        before_ns = host_time_ns()
        readings = drained(source, meter)
        after_ns = host_time_ns()
    assert indices(readings) == list(range(1005))
    assert lost(readings) == 0
    current, voltage = (np.concatenate([block.codes[k] for block in blocks(readings)]) for k in range(2))
    assert current.tolist() == [512] * 1000 + [100] * 5
    assert voltage.tolist() == [300] * 1000 + [200] * 5
    assert current.dtype == np.dtype("<u2")
    assert before_ns <= blocks(readings)[-1].arrival_ns <= after_ns


def test_only_sensors_in_use_become_codes():
    pair = record("slot", 1.65, 0.06)
    with conversation(meter := Meter(records=(*[record("", 0, 0, in_use=False)] * 4, pair, pair, *ONE_PAIR))) as source:
        readings = drained(source, meter)
    assert [int(code[0]) for code in blocks(readings)[0].codes] == list(LEVELS[4:])


@pytest.mark.parametrize("hole", [1, 2, 19, 20, 21, 40, 41, 42, 82, 511, 512, 513, 20_000, 100_000])
def test_a_hole_of_any_length_is_counted_exactly(curious, hole):
    meter = Meter()
    with conversation(meter) as source:
        readings = drained(source, meter)
        meter.stream(100)
        readings += drained(source, meter)
        meter.lose(hole)
        # The test did not wait for as long as the hole lasted.
        source._counter._lateness_us.append(-1e12)
        for _ in range(8):
            meter.stream(10)
            readings += drained(source, meter)
    assert indices(readings)[-1] == meter.sent - 2
    # A frame before a hole in which no byte came may be made of two, and is not taken.
    assert lost(readings) in {hole, hole + 1}
    assert lost(readings) + len(indices(readings)) == meter.sent - 1


def test_bytes_that_go_missing_cost_the_frames_they_were_in():
    meter = Meter()
    with conversation(meter) as source:
        readings = drained(source, meter)
        stream = meter.take(30)
        meter.say(stream[:100] + stream[131:])
        readings += drained(source, meter)
        meter.stream(10)
        readings += drained(source, meter)
        meter.stream(10)
        readings += drained(source, meter)
    # Bytes 100 to 130 are in the frames 5, 6 and 7 of these.
    assert [index for index in range(meter.sent - 1) if index not in indices(readings)] == [1005, 1006, 1007]
    assert lost(readings) == 3


def test_garbage_between_two_frames_costs_none():
    meter = Meter()
    with conversation(meter) as source:
        for _ in range(4):
            meter.say(meter.take(10) + b"\xff\x00 login:" + meter.take(10))
            readings = drained(source, meter)
        meter.stream(1)
        meter.stream(1)
        readings += drained(source, meter)
    assert lost(readings) == 0


def test_the_joint_of_two_frames_is_thrown_away():
    meter = Meter()
    with conversation(meter) as source:
        readings = drained(source, meter)
        a, b = meter.take(5, (1,) * 8), meter.take(5, (2,) * 8)
        meter.say(a[: 4 * 18 + 8] + b[18 + 8 :])
        for _ in range(4):
            meter.stream(10)
            readings += drained(source, meter)
    missing = [index for index in range(meter.sent - 1) if index not in indices(readings)]
    assert missing == [1004, 1005, 1006]
    for block in blocks(readings):
        assert (block.codes[0] != 1).tolist() == (block.codes[1] != 1).tolist()


# -- marks -----------------------------------------------------------------------------------------


@dataclass
class TimedMeter(Meter):
    """Frame k ends at ``started_ns`` + (k + 1) * 50 us of the driver's own clock; reads give what has been."""

    started_ns: int = 0
    marked_ns: list[int] = field(default_factory=list)
    busy_us: float = 0.0
    """A frame that ended so long before the command was heard carries the marker yet."""

    def read(self, timeout_s: float, *, eager: bool = False) -> bytes:
        if not self.streaming:
            return super().read(timeout_s)
        due = (module.host_time_ns() - self.started_ns) // 50_000
        taken = b""
        while self.sent < due:
            end_ns = self.started_ns + (self.sent + 1) * 50_000
            if self.marked_ns and end_ns + self.busy_us * 1e3 >= self.marked_ns[0]:
                self.pending_marks = 1
                self.marked_ns.pop(0)
            taken += self.take(1)
        pieces, self.out = b"".join(self.out), []
        return taken + pieces

    def _obey(self, command: bytes) -> None:
        if command == b"M":
            self.marked_ns.append(module.host_time_ns())
            return
        super()._obey(command)
        if command == b"S":
            self.started_ns = module.host_time_ns()


@pytest.mark.parametrize("busy_us", [0.0, 25.0, 49.0])
def test_a_mark_bounds_the_host_time_of_the_count(monkeypatch, busy_us):
    monkeypatch.setattr(module, "FIRST_MARK_EVERY_S", 0.001)
    monkeypatch.setattr(module, "FIRST_FRAMES", 10)
    tick(monkeypatch, 7_000)
    meter = TimedMeter(first_frames=0, busy_us=busy_us)
    with conversation(meter) as source:
        marks: list[TimeMark] = []
        while len(marks) < 8:
            marks += [reading for reading in source.read(0.0) if isinstance(reading, TimeMark)]
    for mark in marks:
        # A sample's time is the middle of the frame in which its conversions are averaged.
        at_ns = meter.started_ns + (mark.index + 0.5) * 50_000
        assert (mark.index + 0.5).is_integer()
        assert mark.earliest_ns <= at_ns <= mark.latest_ns


def test_one_mark_is_out_at_a_time_and_one_that_is_lost_is_given_up(monkeypatch):
    monkeypatch.setattr(module, "FIRST_MARK_EVERY_S", 0.0)
    meter = Meter()
    with conversation(meter) as source:
        source.read(0.0)
        assert meter.heard.count(b"M") == 1
        meter.pending_marks = 0
        for k in range(11):
            meter.stream(1000)
            readings = drained(source, meter)
            assert not any(isinstance(reading, TimeMark) for reading in readings)
            assert meter.heard.count(b"M") == 1 or k >= 9
        meter.stream(1000)
        source.read(0.0)
        assert meter.heard.count(b"M") == 2


def test_a_marker_that_nobody_asked_for_is_no_mark(monkeypatch):
    meter = Meter(deaf=b"M")
    with conversation(meter) as source:
        meter.pending_marks = 1
        source._next_mark_ns = 2**62
        meter.stream(10)
        assert not any(isinstance(reading, TimeMark) for reading in drained(source, meter))


@dataclass
class SlowMeter(Meter):
    """A frame comes when it is waited for."""

    def read(self, timeout_s: float, *, eager: bool = False) -> bytes:
        return super().read(timeout_s) or (self.take(1) if self.streaming else b"")


def test_it_waits_for_its_marker_before_it_stops_for_else_the_firmware_hangs():
    meter = SlowMeter()
    source = PowerSensor3Source("ps3", "/dev/scripted", {}, lambda port: meter)
    source.open()
    source._send_mark(meter)
    assert meter.pending_marks == 1
    source.close()
    assert meter.heard[-1:] == b"X"
    assert not meter.hung
    assert not meter.streaming


# -- being gone ------------------------------------------------------------------------------------


def until_lost(source: PowerSensor3Source) -> None:
    while True:
        source.read(0.0)


def test_a_meter_that_falls_silent_is_lost(impatient):
    meter = Meter(counts=False)
    with conversation(meter) as source, pytest.raises(SourceLostError, match="fell silent: check its power"):
        until_lost(source)


def test_a_stall_is_not_yet_a_loss(impatient, monkeypatch):
    tick(monkeypatch, 100_000)
    monkeypatch.setattr(module, "SILENCE_S", 100.0)
    meter = Meter()
    with conversation(meter) as source:
        readings = drained(source, meter)
        asked = meter.heard.count(b"Q")
        while meter.heard.count(b"Q") < asked + 3:
            readings += source.read(0.0)
        while len(indices(readings)) < 1030:
            meter.stream(1)
            readings += drained(source, meter)
    assert lost(readings) == 0
    assert indices(readings) == list(range(len(indices(readings))))


def test_a_meter_that_was_reset_and_is_silent_is_told_by_its_count(impatient, monkeypatch):
    monkeypatch.setattr(module, "SILENCE_S", 100.0)
    meter = Meter()
    with conversation(meter) as source:
        drained(source, meter)
        meter.stream(10)
        drained(source, meter)
        meter.sent, meter.streaming = 3, False
        with pytest.raises(SourceLostError, match="ps3 restarted its sample count: it was reset"):
            until_lost(source)


def test_a_meter_that_was_reset_and_streams_is_told_by_its_count(monkeypatch):
    monkeypatch.setattr(module, "COUNT_AGAIN_S", 0.0)
    meter = Meter()
    with conversation(meter) as source:
        drained(source, meter)
        meter.stream(10)
        drained(source, meter)
        meter.sent, meter.boot_us = 0, 123.0
        meter.say(*(piece for _ in range(20) for piece in (meter.take(10), meter.take(10))))
        with pytest.raises(SourceLostError, match="was reset"):
            until_lost(source)


def test_unplugged():
    meter = Meter()
    with conversation(meter) as source:
        meter.lost = True
        with pytest.raises(SourceLostError, match="check the cable"):
            until_lost(source)
    assert meter.closed == 1


# -- counting --------------------------------------------------------------------------------------


def numbered(index: int) -> bytes:
    """A frame that knows its number, twice, so that halves of two can be told apart."""
    low, high = index & 1023, index >> 10
    return frame(700 + 50 * index, (low, high, 0, 0, 0, 0, high, low))


def check_runs(runs: list[Run], end: int = 0) -> int:
    """Every frame has the index that it knows itself to have. Returns the index after the last."""
    for run in runs:
        told = run.levels[:, 1].astype(int) << 10 | run.levels[:, 0]
        assert (run.levels[:, 1] == run.levels[:, 6]).all()
        assert (run.levels[:, 0] == run.levels[:, 7]).all()
        assert told.tolist() == list(range(run.first_index, run.first_index + len(told)))
        assert run.first_index == end + run.lost_before
        end = run.first_index + len(told)
    return end


class Line:
    """A device, a line that does damage to its bytes, and a counter at the end of it."""

    def __init__(self) -> None:
        self.counter, self.state = FrameCounter(50.0), DecoderState()
        self.index = self.end = self.late_ns = 0
        self.stream = b""

    def frames(self, n: int) -> None:
        self.stream += self._take(n)

    def skip(self, n: int) -> None:
        self.stream += b"\x00\x80\x00"
        self.index += n

    def bytes(self, n: int, start: int) -> None:
        damaged = self._take(n // 18 + 3)
        self.stream += damaged[:start] + b"\xff\xff" + damaged[start + n :]

    def garbage(self, noise: bytes) -> None:
        self.stream += noise

    def count(self) -> None:
        self.stream += struct.pack("<I", 8 * self.index)

    def read(self) -> None:
        self.end = check_runs(self.runs(), self.end)

    def runs(self) -> list[Run]:
        decoded = decode(self.stream, self.state)
        self.state, self.stream = decoded.state, b""
        return self.counter.add(decoded.frames, decoded.answers, self.index * 50_000 + self.late_ns)

    def _take(self, n: int) -> bytes:
        self.index += n
        return b"".join(numbered(k) for k in range(self.index - n, self.index))


events = st.one_of(
    st.tuples(st.just("frames"), st.integers(1, 30)),
    st.tuples(st.just("skip"), st.one_of(st.integers(1, 60), st.integers(1, 40_000))),
    st.tuples(st.just("bytes"), st.integers(1, 1000), st.integers(0, 17)),
    st.tuples(st.just("garbage"), st.binary(min_size=5, max_size=40)),
    st.tuples(st.just("count")),
)


@given(st.lists(events, max_size=25))
def test_no_frame_is_ever_given_the_index_of_another(happenings):
    """Whatever goes wrong, as long as it is seen to go wrong: every damage leaves bytes that are out of place."""
    line = Line()
    line.frames(20)
    line.count()
    line.frames(2)
    line.read()
    for name, *arguments in happenings:
        getattr(line, name)(*arguments)
        line.frames(2)
        line.read()
    for _ in range(3):
        line.frames(5)
        line.count()
        line.frames(5)
        line.read()
    assert line.end == line.index - 1


@pytest.mark.parametrize("hole", [1, 41, 42, 512, 5000, 60_000])
@pytest.mark.parametrize("stalled_us", [0, 150_000])
def test_without_counts_the_host_clock_tells_how_long_a_hole_was(hole, stalled_us):
    random = np.random.default_rng(hole)
    counter, state, end, index = FrameCounter(50.0), DecoderState(), 0, 0
    for k in range(140):
        index += hole if k == 40 else 0
        data = b"".join(numbered(one) for one in range(index, index + 100))
        index += 100
        decoded = decode((b"\x00" if k == 40 else b"") + data, state)
        state = decoded.state
        # Late by 0.4 ms at least, by a few ms now and then, and once by what had to be caught up.
        late_us = 400 + random.exponential(500) + (stalled_us if 38 < k < 45 else 0)
        end = check_runs(counter.add(decoded.frames, {}, round((index * 50 + late_us) * 1e3)), end)
    assert end == index - 1
    assert HOLD_NS < 100 * 100 * 50_000


def test_a_guess_by_the_host_clock_that_was_too_long_is_no_reset():
    line = Line()
    line.frames(20)
    line.count()
    for _ in range(10):
        line.frames(100)
        line.read()
    # The host reads late from here on, so 41 frames seem missing where one byte is too many.
    line.garbage(b"\x00")
    line.late_ns = 41 * 50_000
    for _ in range(100):
        line.frames(100)
        runs = line.runs()
    assert runs[-1].first_index == line.index - 101 + 41
    for _ in range(5):
        line.count()
        line.frames(100)
        assert [run.lost_before for run in line.runs()] == [0, 0]
    assert not line.counter.was_reset


@pytest.mark.parametrize("jitter_us", [0, 3, 5])
def test_stamps_that_jitter_lose_nothing(jitter_us):
    random = np.random.default_rng(1)
    counter = FrameCounter(50.0)
    stream = b"".join(frame(50 * k + int(j)) for k, j in enumerate(random.integers(-jitter_us, jitter_us + 1, 20_000)))
    decoded = decode(stream, DecoderState())
    [run] = counter.add(decoded.frames, {}, 0)
    assert (run.first_index, len(run.levels), run.lost_before) == (0, 19_999, 0)


def test_the_device_may_count_through_its_32_bits():
    counter, state, end = FrameCounter(50.0), DecoderState(), 0
    base = 2**32 // 8 - 50
    for k in range(10):
        answer = struct.pack("<I", (base + 20 * k) * 8 % 2**32)
        decoded = decode(answer + b"".join(numbered(one) for one in range(20 * k, 20 * k + 20)), state)
        state = decoded.state
        end = check_runs(counter.add(decoded.frames, decoded.answers, k * 10**6), end)
    assert not counter.was_reset
    assert end == 199


def test_no_answer_can_be_ahead_of_time():
    counter = FrameCounter(50.0)
    stream = b"".join(numbered(k) for k in range(10))
    decoded = decode(struct.pack("<I", 0) + stream, DecoderState())
    runs = counter.add(decoded.frames, decoded.answers, 10**6)
    stream = b"".join(numbered(k) for k in range(10, 20))
    decoded = decode(struct.pack("<I", 8 * 10**6) + stream, DecoderState())
    runs += counter.add(decoded.frames, decoded.answers, 2 * 10**6)
    assert check_runs(runs) == 19


def test_the_period_is_that_of_most_frames():
    stamps = np.cumsum([50] * 300 + [750] + [51, 49] * 100 + [100] + [50] * 200) % 1024
    assert frame_period_us(stamps.astype(np.uint16)) == 50.0
    assert frame_period_us(stamps[:1].astype(np.uint16)) is None
    assert frame_period_us(np.zeros(100, np.uint16)) is None


# -- a real line -----------------------------------------------------------------------------------


@pytest.fixture
def line() -> Iterator[tuple[str, Meter]]:
    """A meter at the far end of a pseudo-terminal, 20 frames a millisecond at most."""
    master, slave = pty.openpty()
    tty.setraw(master)
    meter, stopping = Meter(first_frames=20), threading.Event()

    def serve() -> None:
        while not stopping.is_set():
            if select.select([master], [], [], 0.001)[0]:
                meter.write(os.read(master, 100))
            if meter.streaming:
                meter.stream(20)
            for piece in meter.out:
                os.write(master, piece)
            meter.out.clear()

    thread = threading.Thread(target=serve)
    thread.start()
    yield os.ttyname(slave), meter
    stopping.set()
    thread.join()
    os.close(master)
    os.close(slave)


def test_over_a_real_line(line):
    port, meter = line
    source = PowerSensor3Source("ps3", port, {"power": Role.TOTAL})
    source.open()
    readings: list[Reading] = []
    while not (len(indices(readings)) > 3000 and any(isinstance(one, TimeMark) for one in readings)):
        readings += source.read(0.05)
    source.close()
    source.close()
    assert lost(readings) == 0
    assert indices(readings) == list(range(len(indices(readings))))
    assert meter.heard[:3] == b"XVR"
    assert STOP_WORD * 2 not in b"".join(block.codes[0].tobytes() for block in blocks(readings))


def test_a_flipped_bit_is_pointed_out_and_its_level_stays_as_it_came():
    """Half the range away for one sample; a load step of the same height is none."""
    meter = Meter()
    with conversation(meter) as source:
        meter.stream(5)
        meter.stream(1, (LEVELS[0] ^ 512, *LEVELS[1:]))
        meter.stream(5)
        meter.stream(5, (1023, *LEVELS[1:]))
        meter.stream(5, (400, *LEVELS[1:]))
        readings = drained(source, meter)
        assert any("no checksum" in note for note in source.info.notes)
    assert [index for block in blocks(readings) for index in block.implausible.tolist()] == [1005]
    assert np.concatenate([block.codes[0] for block in blocks(readings)])[1005] == 0
