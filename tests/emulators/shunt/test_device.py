# SPDX-License-Identifier: Apache-2.0
"""The device's conversation in simulated time, so that every sample can be told beforehand."""

from __future__ import annotations

import itertools
import json
import struct
from contextlib import closing

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor_app.core.errors import SourceError
from monitor_app.emulators.board.boards import TX1
from monitor_app.emulators.board.energy_log import EnergyLog
from monitor_app.emulators.board.load_signal import LevelChange, Line
from monitor_app.emulators.board.sampler import CHANNELS, SampleClock, Sampler
from monitor_app.emulators.runtime.send_queue import SendQueue
from monitor_app.emulators.shunt.__main__ import LINES
from monitor_app.emulators.shunt.device import SETTLE_NS, ShuntDevice
from monitor_app.emulators.shunt.frames import Identity
from tests.emulators.shunt import protocol
from tests.emulators.shunt.protocol import ERROR, HELLO, INFO, PING, PONG, START, STARTED, STOP, STOPPED, wire

RATE_HZ = 50_000.0
ORIGIN_NS = 5_000_000_000
MS = 1_000_000

YEAR_S = 365 * 86_400.0


class Rig:
    """A device on a clock that stands still until it is told to go on."""

    def __init__(self, energy_log=None, rate_hz=RATE_HZ, capacity=256 * 1024, nominal_hz=RATE_HZ) -> None:
        self.now_ns = ORIGIN_NS
        clock = SampleClock(ORIGIN_NS, rate_hz)
        self.energy_log = EnergyLog(energy_log, rate_hz)
        self.sampler = Sampler(TX1, clock, seed=1)
        self.queue = SendQueue(capacity)
        identity = Identity("TX1 shunt", "SIM-1", "test", nominal_hz, CHANNELS, LINES)
        self.device = ShuntDevice(identity, self.sampler, self.queue, self.energy_log, lambda: self.now_ns)
        self.stream = b""

    def go(self, ns: int, drain: bool = True) -> None:
        """Let time pass as the process does: from one deadline to the next."""
        end_ns = self.now_ns + ns
        while (due_ns := self.device.due_ns()) is not None and due_ns <= end_ns:
            self.now_ns = due_ns
            self.device.tick(due_ns)
            if drain:
                self.drain()
        self.now_ns = end_ns

    def send(self, *commands: bytes) -> None:
        self.device.receive(b"".join(commands), self.now_ns)

    def change(self, *changes: tuple[int, bool]) -> None:
        """Changes of the load signal, in ns after power-up."""
        self.sampler.change([LevelChange(ORIGIN_NS + at, busy) for at, busy in changes], self.now_ns)

    def drain(self, room: int = 10**9) -> None:
        def write(data: bytes) -> int:
            nonlocal room
            taken = min(room, len(data))
            room -= taken
            self.stream += data[:taken]
            return taken

        self.queue.flush(write)

    def frames(self) -> list[protocol.Frame]:
        self.drain()
        frames, self.stream = protocol.split(self.stream), b""
        return frames


@pytest.fixture
def rig():
    return Rig()


def paced(rig: Rig, ns: int, bytes_per_s: int) -> None:
    """Let time pass, while the host reads this fast."""
    end_ns, read_ns = rig.now_ns + ns, rig.now_ns
    while (due_ns := rig.device.due_ns()) is not None and due_ns <= end_ns:
        rig.now_ns = max(rig.now_ns, due_ns)
        rig.device.tick(rig.now_ns)
        rig.drain((rig.now_ns - read_ns) * bytes_per_s // 10**9)
        read_ns = rig.now_ns
    rig.now_ns = end_ns


def test_a_process_that_was_held_up_makes_up_for_it_without_a_loss():
    rig = Rig()
    rig.send(wire(START))
    rig.go(100 * MS)
    rig.now_ns += 4_000 * MS  # of samples that are more than three times what its memory holds
    paced(rig, 4_000 * MS, 800_000)
    data = protocol.data_of(rig.frames())
    assert_contiguous(data)
    assert {one.dropped for one in data} == {0}
    assert data[-1].end >= 8.0 * RATE_HZ


def test_on_a_line_that_is_too_slow_it_loses_samples_and_does_not_fall_behind_for_ever():
    rig = Rig()
    rig.send(wire(START))
    rig.now_ns += 1_000 * MS
    paced(rig, 10_000 * MS, 100_000)
    data = protocol.data_of(rig.frames())
    assert data[-1].dropped > 0
    assert data[-1].end >= 10.9 * RATE_HZ


def u64(body: bytes) -> int:
    return struct.unpack("<Q", body)[0]


def assert_contiguous(data: list[protocol.Data]) -> None:
    for before, after in itertools.pairwise(data):
        assert after.first == before.end
        assert after.seq == (before.seq + 1) % 65_536


def test_one_zero_ends_whatever_was_on_the_line(rig):
    rig.drain()
    assert rig.stream == b"\0"


def test_hello_is_answered_whether_it_streams_or_not(rig):
    rig.send(wire(HELLO))
    assert [kind for kind, _ in rig.frames()] == [INFO]
    rig.send(wire(START))
    rig.frames()
    rig.send(wire(HELLO))
    assert [kind for kind, _ in rig.frames()] == [INFO]


def test_the_stream_begins_and_ends_where_the_device_says(rig):
    rig.go(1_000 * MS)
    rig.send(wire(START))
    rig.go(105 * MS)
    rig.send(wire(STOP))
    (kind, started), *frames, (last_kind, stopped) = rig.frames()
    data = protocol.data_of(frames)
    assert (kind, last_kind) == (STARTED, STOPPED)
    assert u64(started) == data[0].first == 50_001
    assert_contiguous(data)
    # 105 ms later, the sample being taken included.
    assert u64(stopped) == data[-1].end == 50_000 + 5_250 + 1
    assert {len(one.codes) for one in data[:-1]} == {500}


def test_after_stopped_no_data_follows_until_start(rig):
    rig.send(wire(START))
    rig.go(50 * MS)
    rig.send(wire(STOP))
    rig.frames()
    rig.go(500 * MS)
    assert rig.frames() == []
    rig.send(wire(START))
    rig.go(50 * MS)
    frames = rig.frames()
    assert frames[0][0] == STARTED
    assert u64(frames[0][1]) == protocol.data_of(frames)[0].first == 27_501


def test_start_while_streaming_and_stop_while_stopped_are_answered(rig):
    rig.send(wire(STOP))
    assert rig.frames() == [(STOPPED, bytes(8))]
    rig.send(wire(START))
    rig.go(100 * MS)
    before = protocol.data_of(rig.frames())
    rig.send(wire(START))
    rig.go(100 * MS)
    frames = rig.frames()
    assert u64(frames[0][1]) == before[-1].end
    assert_contiguous(before + protocol.data_of(frames))
    rig.send(wire(STOP), wire(STOP))
    *_, first, second = rig.frames()
    assert first == second


def test_a_pong_tells_the_count_at_the_ping_and_how_long_it_was_held(rig):
    # 123.75 sample periods after power-up.
    rig.now_ns += 2_475_000
    rig.send(wire(PING, b"\x01\x02\x03\x04"))
    rig.now_ns += 777
    assert rig.frames() == [(PONG, struct.pack("<IQHI", 0x04030201, 123, 49_152, 777))]


def test_a_pong_overtakes_data_but_does_not_break_a_frame(rig):
    rig.send(wire(START))
    rig.drain()
    rig.go(100 * MS, drain=False)
    rig.drain(room=100)
    rig.send(wire(PING, bytes(4)))
    kinds = [kind for kind, _ in rig.frames()]
    assert kinds[:3] == [STARTED, protocol.DATA, PONG]
    assert set(kinds[3:]) == {protocol.DATA}


def test_the_count_of_a_pong_does_not_wait_for_the_samples(rig):
    rig.send(wire(START))
    rig.go(7 * MS)
    rig.send(wire(PING, bytes(4)))
    frames = rig.frames()
    assert protocol.data_of(frames) == []
    [pong] = [body for kind, body in frames if kind == PONG]
    assert struct.unpack_from("<Q", pong, 4) == (350,)


@pytest.mark.parametrize(
    ("command", "code"),
    [(wire(0x05), 1), (wire(0x7F, b"abc"), 1), (wire(PING, b"abc"), 2), (wire(HELLO, b"a"), 2)],
)
def test_what_it_cannot_do_is_answered_with_an_error(rig, command, code):
    rig.send(command)
    [(kind, body)] = rig.frames()
    assert (kind, body[0]) == (ERROR, code)
    assert body[1:].decode()


@settings(max_examples=500)
@given(st.floats(100.0, 1_000_000.0), st.floats(0.0, YEAR_S))
def test_when_samples_are_due_their_count_has_been_reached(rate_hz, after_s):
    clock, sample = SampleClock(ORIGIN_NS, rate_hz), int(after_s * rate_hz)
    assert sample <= clock.count_at(clock.begun_ns(sample)) < sample + 0.02


@given(st.binary(max_size=300))
def test_garbage_does_not_keep_it_from_answering(garbage):
    rig = Rig()
    rig.send(garbage, b"\0", wire(HELLO))
    assert [kind for kind, _ in rig.frames() if kind != ERROR][-1] == INFO


def test_a_frame_for_hosts_is_not_its_business(rig):
    rig.send(wire(0x81, b"abc"))
    assert rig.frames() == []


def test_a_change_of_the_lamp_is_told_at_the_first_sample_that_sees_it(rig):
    rig.send(wire(START))
    # Between samples 1000 and 1001, and right at 2000.
    rig.change((20_010_000, True), (40_000_000, False))
    rig.go(100 * MS)
    data = protocol.data_of(rig.frames())
    told = [(one.first + offset, line, level) for one in data for offset, line, level in one.changes]
    assert told == [(1_001, 0, 1), (2_000, 0, 0)]
    # Frames begin at 1, 501, 1001 ...: the level of a frame is that of its first sample.
    assert [one.flags for one in data[:6]] == [0, 0, 1, 1, 0, 0]


def test_the_line_tells_its_level_at_the_start_without_a_change(rig):
    rig.change((0, True))
    rig.go(100 * MS)
    rig.send(wire(START))
    rig.go(50 * MS)
    data = protocol.data_of(rig.frames())
    assert {one.flags for one in data} == {1}
    assert [one.changes for one in data] == [[]] * len(data)


def test_at_a_million_samples_a_second_the_frames_are_as_long_as_they_may_be():
    rig = Rig(rate_hz=1e6, nominal_hz=1e6)
    rig.send(wire(START))
    rig.go(200 * MS)
    data = protocol.data_of(rig.frames())
    assert {len(one.codes) for one in data} == {2_000}
    assert_contiguous(data)
    assert len(data) >= 80


def test_the_sync_line_is_line_1(rig):
    rig.send(wire(START))
    rig.sampler.change([LevelChange(ORIGIN_NS + 20_010_000, True, Line.SYNC)], rig.now_ns)
    rig.change((40_000_000, True))
    rig.go(100 * MS)
    data = protocol.data_of(rig.frames())
    told = [(one.first + offset, line, level) for one in data for offset, line, level in one.changes]
    assert told == [(1_001, 1, 1), (2_000, 0, 1)]
    assert [one.flags for one in data[:6]] == [0, 0, 2, 2, 3, 3]


def test_two_lines_that_change_at_every_sample_are_told_whole_and_no_frame_is_too_long():
    rig = Rig(rate_hz=250_000.0, nominal_hz=250_000.0)
    rig.send(wire(START))
    flips = [
        LevelChange(ORIGIN_NS + 4_000 * sample, sample % 2 == 1, line) for sample in range(1, 6_000) for line in Line
    ]
    rig.sampler.change(flips, ORIGIN_NS + 24 * MS)
    rig.go(50 * MS)
    # What is too long is refused here.
    data = protocol.data_of(rig.frames())
    assert_contiguous(data)
    told = [(one.first + offset, line, level) for one in data for offset, line, level in one.changes]
    # The first sample of all has nothing before it.
    assert told == [(sample, line, sample % 2) for sample in range(2, 6_000) for line in (0, 1)]


def test_after_a_reset_it_is_as_after_power_up_and_the_board_goes_on(rig):
    rig.change((100 * MS, True))
    rig.send(wire(START))
    rig.go(300 * MS)
    rig.frames()
    rig.now_ns += 5 * MS
    rig.queue.clear()
    rig.device.reset(rig.now_ns)
    rig.go(50 * MS)
    rig.drain()
    assert rig.stream == b"\0"
    rig.send(wire(PING, bytes(4)), wire(STOP), wire(HELLO), wire(START))
    rig.go(60 * MS)
    frames = rig.frames()
    assert [kind for kind, _ in frames if kind != protocol.DATA] == [PONG, INFO, STOPPED, STARTED]
    [pong, info, stopped, started] = [body for kind, body in frames if kind != protocol.DATA]
    assert struct.unpack_from("<Q", pong, 4) == (2_500,)
    assert (u64(stopped), u64(started)) == (0, 2_501)
    data = protocol.data_of(frames)
    assert (data[0].first, data[0].seq, data[0].dropped, data[0].flags) == (2_501, 0, 0, 1)
    assert np.mean(np.prod(values(data, info), axis=1)) == pytest.approx(13.10, rel=0.02)


def test_a_pulse_between_two_samples_is_not_seen(rig):
    rig.send(wire(START))
    rig.change((20_003_000, True), (20_009_000, False))
    rig.go(100 * MS)
    assert not any(one.changes for one in protocol.data_of(rig.frames()))


def test_a_late_change_acts_on_the_next_sample(rig):
    rig.send(wire(START))
    rig.go(SETTLE_NS + 41 * MS)
    taken = rig.sampler.next
    rig.change((5 * MS, True))
    rig.go(50 * MS)
    data = protocol.data_of(rig.frames())
    told = [(one.first + offset, level) for one in data for offset, _, level in one.changes]
    assert told == [(taken, 1)]


def test_a_change_from_a_far_future_is_not_waited_for(rig):
    rig.send(wire(START))
    rig.change((2**61, True), (20 * MS, True))
    rig.go(50 * MS)
    assert any(one.changes for one in protocol.data_of(rig.frames()))


def values(data: list[protocol.Data], info: bytes) -> np.ndarray:
    scale, zero = protocol.calibration(info)
    return scale * (np.concatenate([one.codes for one in data]) - zero)


def test_the_samples_show_the_rise_from_idle_to_full_load(rig):
    rig.send(wire(HELLO), wire(START))
    rig.change((500 * MS, True))
    rig.go(2_000 * MS)
    frames = rig.frames()
    [info] = [body for kind, body in frames if kind == INFO]
    power_w = np.prod(values(protocol.data_of(frames), info), axis=1)
    assert np.mean(power_w[:25_000]) == pytest.approx(1.30, rel=2e-3)
    assert np.mean(power_w[50_000:]) == pytest.approx(13.10, rel=2e-3)


@pytest.mark.parametrize("ppm", [0.0, 200.0])
def test_the_account_is_what_the_samples_hold(tmp_path, ppm):
    path = tmp_path / "energy-log"
    rate_hz = RATE_HZ * (1.0 + ppm * 1e-6)
    rig = Rig(energy_log=path, rate_hz=rate_hz)
    with closing(rig.energy_log):
        rig.go(300 * MS)
        rig.send(wire(HELLO), wire(START))
        rig.change((500 * MS, True), (700 * MS, False), (900 * MS, True), (1_200 * MS, False))
        rig.go(2_500 * MS)
        rig.send(wire(STOP))
        frames = rig.frames()
        lines = [json.loads(line) for line in path.read_text().splitlines()]
    # One more at the end.
    assert len(path.read_text().splitlines()) == len(lines) + 1

    [info] = [body for kind, body in frames if kind == INFO]
    data = protocol.data_of(frames)
    # At least once a second and at STOP.
    assert len(lines) == 3
    for line in lines:
        assert line["first_sample"] == data[0].first
        count = line["sample"] - line["first_sample"]
        power_w = np.prod(values(data, info), axis=1)[:count]
        assert line["seconds"] == pytest.approx(count / rate_hz)
        assert line["energy_j"] == pytest.approx(np.mean(power_w) * count / rate_hz, rel=1e-3)
    assert lines[-1]["sample"] == data[-1].end
    assert lines[-1]["busy_s"] == pytest.approx(0.5, abs=2 / rate_hz)


def test_an_account_on_a_full_disk_is_told_in_a_sentence():
    energy_log = EnergyLog("/dev/full", RATE_HZ)
    with pytest.raises(SourceError, match="--energy-log"):
        energy_log.write()
    energy_log.close()


def test_the_account_does_not_depend_on_noise_or_on_how_time_was_cut(tmp_path):
    energies = []
    for name, step_ms in (("a", 7), ("b", 110)):
        rig = Rig(energy_log=tmp_path / name)
        with closing(rig.energy_log):
            rig.send(wire(START))
            rig.change((100 * MS, True), (300 * MS, False))
            for _ in range(770 // step_ms):
                rig.now_ns += step_ms * MS
                rig.device.tick(rig.now_ns)
                rig.drain()
            rig.send(wire(STOP))
        energies.append(json.loads((tmp_path / name).read_text().splitlines()[-1]))
    assert energies[0]["sample"] == energies[1]["sample"]
    assert energies[0]["energy_j"] == pytest.approx(energies[1]["energy_j"], rel=1e-12)


@settings(deadline=None, max_examples=40)
@given(
    st.lists(
        st.tuples(st.integers(1, 120), st.integers(0, 15_000)),
        min_size=1,
        max_size=20,
    )
)
def test_a_full_queue_drops_whole_frames_and_counts_them_exactly(steps):
    rig = Rig(capacity=12_000)
    rig.send(wire(START))
    for step_ms, room in steps:
        rig.go(step_ms * MS, drain=False)
        rig.drain(room)
    rig.drain()
    # Once there is room again, one more frame tells what was dropped before it.
    rig.go(50 * MS)
    rig.send(wire(STOP))
    frames = rig.frames()
    data = protocol.data_of(frames)
    [started] = [u64(body) for kind, body in frames if kind == STARTED]
    [stopped] = [u64(body) for kind, body in frames if kind == STOPPED]
    holes = 0
    expected = started
    for index, one in enumerate(data):
        holes += one.first - expected
        assert one.dropped == holes
        assert one.seq == index
        expected = one.end
    assert expected == stopped


def test_a_long_stall_drops_what_the_memory_cannot_hold(rig):
    rig.send(wire(START))
    rig.go(3_000 * MS, drain=False)
    rig.drain()
    rig.go(50 * MS)
    data = protocol.data_of(rig.frames())
    held = sum(len(one.codes) for one in data if one.dropped == 0)
    # 256 KiB of four bytes a sample, less what framing takes.
    assert 60_000 < held < 65_536
    assert data[-1].dropped % 500 == 0
    assert data[-1].dropped > 80_000


def test_start_counts_drops_from_zero_again(rig):
    rig.send(wire(START))
    rig.go(3_000 * MS, drain=False)
    rig.send(wire(STOP))
    rig.frames()
    rig.send(wire(START))
    rig.go(100 * MS)
    assert {one.dropped for one in protocol.data_of(rig.frames())} == {0}
