# SPDX-License-Identifier: Apache-2.0
"""The firmware's conversation in simulated time, byte by byte."""

from __future__ import annotations

import itertools
import json
import struct
from contextlib import closing

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor_app.emulators.board.boards import TX1
from monitor_app.emulators.board.energy_log import EnergyLog
from monitor_app.emulators.board.load_signal import LevelChange
from monitor_app.emulators.board.sampler import SampleClock, Sampler
from monitor_app.emulators.powersensor3.device import PowerSensor3Device
from monitor_app.emulators.powersensor3.sensors import Sensors
from monitor_app.emulators.runtime.send_queue import SendQueue

ORIGIN_NS = 5_000_000_000
US, MS, S = 1_000, 1_000_000, 1_000_000_000
RECORD = struct.Struct("<16s16sff?")


class Rig:
    """A device on a clock that stands still until it is told to go on."""

    def __init__(self, energy_log=None, ppm=0.0, pairs=4, capacity=256 * 1024) -> None:
        self.now_ns = ORIGIN_NS
        rate_hz = 20_000 * (1 + ppm * 1e-6)
        self.energy_log = EnergyLog(energy_log, rate_hz)
        self.sampler = Sampler(TX1, SampleClock(ORIGIN_NS, rate_hz), 1, ())
        self.queue = SendQueue(capacity)
        self.stream = bytearray()
        self.device = PowerSensor3Device(Sensors("tx1", pairs, 1), self.sampler, self.queue, self.energy_log)

    def go(self, ns: int, drain: bool = True) -> None:
        """Let time pass as the process does: from one deadline to the next."""
        end_ns = self.now_ns + ns
        while (due_ns := self.device.due_ns()) is not None and due_ns <= end_ns:
            # A command may make more due than was before.
            self.now_ns = max(due_ns, self.now_ns)
            self.device.tick(self.now_ns)
            if drain:
                self.drain()
        self.now_ns = end_ns

    def send(self, data: bytes) -> None:
        self.device.receive(data, self.now_ns)

    def change(self, *changes: tuple[int, bool]) -> None:
        """Changes of the load_signal, in ns after power-up."""
        self.sampler.change([LevelChange(ORIGIN_NS + at, busy) for at, busy in changes], self.now_ns)

    def drain(self) -> None:
        def write(data: bytes) -> int:
            self.stream += data
            return len(data)

        self.queue.flush(write)

    def sent(self) -> bytes:
        """What has come since the last call."""
        self.drain()
        sent = bytes(self.stream)
        self.stream.clear()
        return sent

    def ask(self, command: bytes) -> bytes:
        self.send(command)
        return self.sent()


@pytest.fixture
def rig():
    return Rig()


class Frames:
    """Whole frames in a row, each byte checked against the description of the format."""

    def __init__(self, stream: bytes) -> None:
        assert len(stream) % 18 == 0
        words = np.frombuffer(stream, np.uint8).reshape(-1, 9, 2)
        first, second = words[:, :, 0], words[:, :, 1]
        assert (first & 0x80).all()
        assert not (second & 0x80).any()
        assert (first >> 4 & 7 == [7, 0, 1, 2, 3, 4, 5, 6, 7]).all()
        values = (first & 0x0F).astype(int) << 6 | (second & 0x3F)
        marks = second >> 6 & 1
        assert marks[:, 0].all()
        assert not marks[:, 2:].any()
        self.time_us = values[:, 0]
        self.levels = values[:, 1:]
        self.marked = np.flatnonzero(marks[:, 1]).tolist()

    def __len__(self) -> int:
        return len(self.levels)

    def steps_us(self) -> list[int]:
        return sorted(set((np.diff(self.time_us) % 1024).tolist()))


def config_of(rig: Rig) -> list[bytes]:
    records = [rig.ask(b"R")]
    records += [rig.ask(b"?") for _ in range(8)]
    assert records.pop() == b"D"
    return records


def values_of(frames: Frames, records: list[bytes]) -> np.ndarray:
    """In A and V, a row for each frame."""
    zero, sensitivity = np.array([RECORD.unpack(record)[2:4] for record in records]).T
    return (3.3 * frames.levels / 1023 - zero) / sensitivity


def test_it_says_nothing_until_it_is_asked(rig):
    rig.go(1 * S)
    assert rig.sent() == b""
    assert rig.device.due_ns() is None


def test_the_version_line_says_that_it_is_emulated(rig):
    assert rig.ask(b"V") == b"F411-1.6.1 emulated\r\n"


def test_what_it_does_not_know_is_passed_over(rig):
    assert rig.ask(b"\0x\xff!V") == b"F411-1.6.1 emulated\r\n"


def test_it_streams_18_bytes_every_50_microseconds(rig):
    rig.send(b"S")
    rig.go(1 * S)
    rig.send(b"T")
    frames = Frames(rig.sent())
    # The one that is being taken is still finished.
    assert len(frames) == 20_001
    assert frames.steps_us() == [50]


def test_the_time_stamp_is_taken_at_the_end_of_a_frame(rig):
    # Two starts, some way into a frame and at the beginning of one.
    ends_us = []
    for wait_us in (1_010, 1_990):
        rig.go(wait_us * US)
        rig.send(b"ST")
        now_us = (rig.now_ns - ORIGIN_NS) // US
        ends_us.append((now_us, int(Frames(rig.sent()).time_us[0])))
    (now_us, end_us), (next_now_us, next_end_us) = ends_us
    # At 1 010 the frame of 975 to 1 025, at 3 000 that of 2 975 to 3 025.
    assert (next_now_us - now_us, (next_end_us - end_us) % 1024) == (1_990, 2_000 % 1024)


def test_t_stops_without_a_stop_word(rig):
    rig.send(b"S")
    rig.go(10 * MS)
    rig.send(b"T")
    Frames(rig.sent())
    rig.go(1 * S)
    assert rig.sent() == b""


def test_x_sends_the_stop_word_twice_after_100_ms(rig):
    rig.send(b"S")
    rig.go(10 * MS)
    rig.send(b"X")
    Frames(rig.sent())
    rig.go(100 * MS - 1)
    assert rig.sent() == b""
    rig.go(1)
    assert rig.sent() == b"\xff\x3f\xff\x3f"
    rig.go(1 * S)
    assert rig.sent() == b""


def test_x_while_nothing_streams_sends_the_stop_word_too(rig):
    rig.send(b"XV")
    assert rig.sent() == b""
    rig.go(100 * MS)
    # What came in between waits for its turn.
    assert rig.sent() == b"\xff\x3f\xff\x3fF411-1.6.1 emulated\r\n"


def test_i_sends_one_frame(rig):
    rig.send(b"I")
    rig.go(100 * MS)
    assert len(Frames(rig.sent())) == 1


def test_i_while_streaming_changes_nothing(rig):
    rig.send(b"S")
    rig.go(50 * MS)
    rig.send(b"I")
    rig.go(50 * MS)
    rig.send(b"T")
    frames = Frames(rig.sent())
    assert (len(frames), frames.steps_us()) == (2_001, [50])


def test_a_mark_is_in_the_frame_that_is_being_taken(rig):
    rig.send(b"S")
    # Frame 0 is the one at power-up, up to 25 us; these are in frames 20, 20 and 21.
    for wait_us in (980, 40, 10):
        rig.go(wait_us * US)
        rig.send(b"M")
    rig.go(50 * MS)
    # The second in the same frame has to wait for the next, which the third finds taken.
    assert Frames(rig.sent()).marked == [20, 21, 22]


def test_marks_are_told_before_the_stream_stops(rig):
    rig.send(b"S")
    rig.go(10 * MS)
    rig.send(b"MMMT")
    frames = Frames(rig.sent())
    assert frames.marked == [200, 201, 202]
    assert len(frames) == 204


def test_a_mark_waits_for_the_stream(rig):
    rig.send(b"M")
    rig.go(100 * MS)
    rig.send(b"S")
    rig.go(50 * MS)
    assert Frames(rig.sent()).marked == [0]


def test_a_mark_is_in_a_single_frame(rig):
    rig.send(b"MI")
    rig.go(50 * MS)
    assert Frames(rig.sent()).marked == [0]


def test_the_configuration_comes_a_record_at_a_time(rig):
    first = rig.ask(b"R")
    assert len(first) == 41
    rig.go(1_999 * MS)
    assert rig.sent() == b""
    records = [first, *(rig.ask(bytes([number])) for number in range(8))]
    assert records.pop() == b"D"
    kinds, names, zeros, sensitivities, in_use = zip(*map(RECORD.unpack, records), strict=True)
    assert [kind.rstrip(b"\0") for kind in kinds] == [b"MLX10", b"VOLTAGE"] * 4
    assert [name.rstrip(b"\0") for name in names[::2]] == [b"tx1", b"GPU", b"CPU", b"DDR"]
    assert names[::2] == names[1::2]
    assert all(in_use)
    assert zeros[::2] == pytest.approx([1.65] * 4, abs=0.01)
    assert [abs(sensitivity) for sensitivity in sensitivities[::2]] == pytest.approx([0.12] * 4, rel=0.01)
    assert 0.12 not in {round(sensitivity, 5) for sensitivity in sensitivities}


def test_pairs_that_are_not_connected_are_not_in_use_but_sent():
    rig = Rig(pairs=1)
    assert [RECORD.unpack(record)[4] for record in config_of(rig)] == [True, True] + [False] * 6
    rig.send(b"S")
    rig.go(10 * MS)
    assert Frames(rig.sent()).levels.shape[1] == 8


def test_a_configuration_that_is_written_is_read_back_and_survives_a_reset(rig):
    wanted = [
        RECORD.pack(b"MLX75", f"pair {number // 2}".encode(), 1.5, -0.01 * number, number < 2) for number in range(8)
    ]
    assert rig.ask(b"W") == b""
    answers = [rig.ask(record) for record in wanted]
    assert answers == [b"S"] * 7 + [b"SD"]
    assert config_of(rig) == wanted
    rig.send(b"Z")
    rig.go(500 * MS)
    assert config_of(rig) == wanted


@given(st.lists(st.integers(1, 8 * 41), max_size=6))
def test_a_configuration_may_come_in_any_pieces(cuts):
    rig = Rig()
    wanted = [RECORD.pack(b"a", b"b", number, 1.0, True) for number in range(8)]
    message = b"W" + b"".join(wanted)
    ends = sorted({*cuts, len(message)})
    answers = [rig.ask(message[start:end]) for start, end in itertools.pairwise([0, *ends])]
    assert b"".join(answers) == b"SSSSSSSSD"
    assert config_of(rig) == wanted


@pytest.mark.parametrize("begun", [b"R", b"R..", b"W", b"W" + bytes(40), b"W" + bytes(41 + 7)])
def test_a_host_that_leaves_a_conversation_resets_the_device(rig, begun):
    before = config_of(rig)
    rig.send(b"S")
    rig.send(begun)
    rig.go(2_000 * MS + 500 * MS - 1)
    rig.sent()
    # It is still blinking.
    assert rig.ask(b"V") == b""
    rig.go(1)
    assert rig.sent() == b"F411-1.6.1 emulated\r\n"
    rig.go(1 * S)
    assert rig.sent() == b""
    assert config_of(rig) == before


def test_q_counts_eight_conversions_a_frame_since_the_start(rig):
    rig.go(100 * MS)
    assert rig.ask(b"Q") == struct.pack("<I", 8 * 2_000)
    rig.send(b"S")
    rig.go(50 * MS)
    assert rig.ask(b"Q")[-4:] == struct.pack("<I", 8 * 1_000)
    rig.send(b"T")
    rig.sent()
    rig.go(50 * MS)
    assert rig.ask(b"Q") == struct.pack("<I", 8 * 2_000)


def test_an_answer_comes_between_frames(rig):
    rig.send(b"S")
    rig.go(20 * MS + 10 * US)
    rig.send(b"V")
    rig.go(20 * MS)
    rig.send(b"T")
    before, _, after = rig.sent().partition(b"F411-1.6.1 emulated\r\n")
    assert len(Frames(before)) == 400
    assert Frames(before + after).steps_us() == [50]


def test_blinking_keeps_it_from_sending_for_half_a_second(rig):
    rig.send(b"S")
    rig.go(100 * MS)
    rig.send(b"B")
    rig.go(600 * MS)
    rig.send(b"T")
    frames = Frames(rig.sent())
    assert len(frames) == 4_001
    assert frames.steps_us() == sorted({50, 10_001 * 50 % 1024})


def test_reading_the_configuration_of_a_stream_holds_up_the_stream(rig):
    rig.send(b"S")
    rig.go(100 * MS)
    rig.send(b"R")
    before = rig.sent()
    rig.go(100 * MS)
    assert rig.sent() == b""
    rig.send(b"........")
    assert len(rig.sent()) == 7 * 41 + 1
    rig.go(100 * MS)
    rig.send(b"T")
    frames = Frames(before[:-41] + rig.sent())
    assert (len(frames), frames.steps_us()) == (4_001, sorted({50, 2_001 * 50 % 1024}))


@pytest.mark.parametrize("how", ["Z", "reset"])
def test_a_reset_ends_everything_and_begins_the_clock_again(rig, how):
    rig.go(1 * S + 321 * US)
    rig.send(b"SMM")
    if how == "Z":
        rig.send(b"Z")
    else:
        rig.device.reset(rig.now_ns)
    assert rig.sent() == b""
    rig.go(500 * MS)
    assert rig.ask(b"Q") == struct.pack("<I", 8 * 10_000)
    rig.send(b"S")
    rig.go(50 * MS)
    frames = Frames(rig.sent())
    assert frames.marked == []
    other = Rig()
    other.go(500 * MS)
    other.send(b"S")
    other.go(50 * MS)
    assert frames.time_us.tolist() == Frames(other.sent()).time_us.tolist()


def test_the_boot_loader_speaks_another_language(rig):
    rig.send(b"SY")
    rig.go(10 * S)
    assert rig.ask(b"V") == b""
    assert rig.device.due_ns() is None
    rig.device.reset(rig.now_ns)
    rig.go(500 * MS)
    assert rig.ask(b"V") == b"F411-1.6.1 emulated\r\n"


@pytest.mark.parametrize("ppm", [-100, 100])
def test_a_clock_that_is_off_gives_more_or_fewer_frames_of_its_50_microseconds(ppm):
    rig = Rig(ppm=ppm)
    rig.send(b"S")
    count, stream = 0, b""
    for _ in range(10):
        rig.go(1 * S)
        stream = rig.sent()
        count += len(Frames(stream))
        assert Frames(stream).steps_us() == [50]
    rig.send(b"T")
    count += len(Frames(rig.sent()))
    assert count == 200_001 + ppm // 5


def test_the_levels_show_the_board_and_its_rails(rig):
    records = config_of(rig)
    rig.send(b"S")
    rig.change((1 * S, True))
    rig.go(2 * S)
    rig.send(b"T")
    values = values_of(Frames(rig.sent()), records)
    idle, busy = values[:20_000], values[-10_000:]
    power_w = [np.mean(part[:, ::2] * part[:, 1::2], axis=0) for part in (idle, busy)]
    # Less than a hundredth of the 0.5 W that are one level of the supply.
    assert power_w[0] == pytest.approx(1.30 * np.array([1.0, 0.45, 0.25, 0.10]), abs=0.005)
    assert power_w[1] == pytest.approx(13.10 * np.array([1.0, 0.45, 0.25, 0.10]), abs=0.01)
    assert np.mean(busy[:, 1::2], axis=0) == pytest.approx([19.0, 5.0, 5.0, 3.3], abs=0.03)
    # In levels of 26.7 mA: the noise of a conversion averaged over six, and what rounding adds.
    assert 0.5 < np.std(idle[:, 0]) / (3.3 / 1023 / 0.12064) < 1.2


@pytest.mark.parametrize("ppm", [0, 100])
def test_the_account_is_what_the_levels_show(tmp_path, ppm):
    path = tmp_path / "energy-log"
    rig = Rig(energy_log=path, ppm=ppm)
    with closing(rig.energy_log):
        rig.go(300 * MS)
        records = config_of(rig)
        rig.send(b"S")
        rig.change((500 * MS, True), (700 * MS, False), (900 * MS, True), (1_200 * MS, False))
        rig.go(2_500 * MS)
        rig.send(b"T")
        values = values_of(Frames(rig.sent()), records)
        lines = [json.loads(line) for line in path.read_text().splitlines()]
    power_w = values[:, 0] * values[:, 1]
    assert len(lines) == 3
    for line in lines:
        count = line["sample"] - line["first_sample"]
        seconds = count / (20_000 * (1 + ppm * 1e-6))
        assert line["seconds"] == pytest.approx(seconds)
        # Five times what is left of the noise of 0.37 W.
        noise_j = 5 * 0.37 * count**0.5 / 20_000
        assert line["energy_j"] == pytest.approx(np.mean(power_w[:count]) * seconds, abs=noise_j)
    assert count == len(values)
    assert lines[-1]["busy_s"] == pytest.approx(0.5, abs=2 / 20_000)


def words_of(stream: bytes) -> list[tuple[int, int, int]]:
    """Sensor, marker bit and value of every word, found again after each byte too few."""
    words = []
    at = 0
    while at + 1 < len(stream):
        first, second = stream[at], stream[at + 1]
        if not first & 0x80 or second & 0x80:
            at += 1
            continue
        words.append((first >> 4 & 7, second >> 6 & 1, (first & 0x0F) << 6 | second & 0x3F))
        at += 2
    return words


@pytest.mark.parametrize("stall_us", [305_000, 307_150, 311_300])
def test_a_host_that_does_not_read_loses_frames_whole_but_for_one(stall_us):
    rig = Rig(capacity=36_000)
    rig.send(b"SM")
    rig.go(stall_us * US, drain=False)
    held = rig.sent()
    rig.send(b"M")
    rig.go(50 * MS)
    rig.send(b"T")
    # Whole ones, and the beginning of the one that the room ended in.
    assert 35_000 < len(held) < 36_000 + 18
    assert len(held) % 18 != 0
    words = words_of(held + rig.sent())
    starts = [at for at, word in enumerate(words) if word[:2] == (7, 1)]
    sizes = [end - start for start, end in itertools.pairwise([*starts, len(words)])]
    whole = [start for start, size in zip(starts, sizes, strict=True) if size == 9]
    assert len(starts) - len(whole) <= 1
    assert all([words[start + 1 + sensor][0] for sensor in range(8)] == list(range(8)) for start in whole)
    # The mark that was set in between was kept for a frame that is sent.
    assert sum(words[start + 1][1] for start in whole) == 2
    times_us = [words[start][2] for start in whole]
    steps_us = [(after - before) % 1024 for before, after in itertools.pairwise(times_us)]
    assert sum(step != 50 for step in steps_us) <= 1
    # The stream goes on for as long as it did, and what is missing is missing in one place.
    assert len(whole) < (stall_us + 50_000) // 50


def test_any_split_of_the_time_gives_the_same_levels():
    current_a, voltage_v = np.linspace(0.05, 0.7, 500), np.linspace(19.0, 18.9, 500)
    together = Sensors("tx1", 4, 7).levels(current_a, voltage_v)
    sensors = Sensors("tx1", 4, 7)
    parts = [sensors.levels(current_a[part], voltage_v[part]) for part in np.split(np.arange(500), [1, 30, 333])]
    assert np.array_equal(np.concatenate(parts), together)


def test_what_is_beyond_the_converter_sticks_at_its_ends():
    levels = Sensors("tx1", 1, 7).levels(np.array([-20.0, 20.0]), np.array([0.0, 60.0]))
    assert levels[:, 0].tolist() == [0, 1023]
    assert levels[1, 1] == 1023
