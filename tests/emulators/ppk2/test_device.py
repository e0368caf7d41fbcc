# SPDX-License-Identifier: Apache-2.0
"""The firmware's conversation in simulated time, and the formula of the calibration read forwards."""

from __future__ import annotations

import json
import re
import struct
from contextlib import closing

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor_app.emulators.board.boards import TX1
from monitor_app.emulators.board.energy_log import EnergyLog
from monitor_app.emulators.board.load_signal import LevelChange, Line
from monitor_app.emulators.board.sampler import SampleClock, Sampler
from monitor_app.emulators.ppk2.device import Ppk2Device
from monitor_app.emulators.ppk2.meter import Meter, codes_for, follow_ranges
from monitor_app.emulators.runtime.send_queue import SendQueue

ORIGIN_NS = 5_000_000_000
US, MS, S = 1_000, 1_000_000, 1_000_000_000
START, STOP, METADATA, RESET = b"\x06", b"\x07", b"\x19", b"\x20"
RUN, HALT = b"\x0c\x01", b"\x0c\x00"
AMPERE, SOURCE = b"\x11\x01", b"\x11\x02"
KEYS = {f"{key}{number}" for key in ("R", "GS", "GI", "O", "S", "I", "UG") for number in range(5)}
DEFAULT_R = (1031.64, 101.65, 10.15, 0.94, 0.043)


def regulator(mv: int) -> bytes:
    return bytes([0x0D, mv >> 8, mv & 0xFF])


class Rig:
    """A device on a clock that stands still until it is told to go on."""

    def __init__(self, energy_log=None, ppm=0.0, supply_v=5.0, spikes=False, capacity=256 * 1024) -> None:
        self.now_ns = ORIGIN_NS
        rate_hz = 100_000 * (1 + ppm * 1e-6)
        self.energy_log = EnergyLog(energy_log, rate_hz)
        self.sampler = Sampler(TX1, SampleClock(ORIGIN_NS, rate_hz), 1, ())
        self.queue = SendQueue(capacity)
        self.stream = bytearray()
        meter = Meter(1, spikes)
        self.device = Ppk2Device(4711, supply_v, meter, self.sampler, self.queue, self.energy_log)

    def go(self, ns: int, drain: bool = True) -> None:
        """Let time pass as the process does: from one deadline to the next."""
        end_ns = self.now_ns + ns
        while (due_ns := self.device.due_ns()) is not None and due_ns <= end_ns:
            assert due_ns >= self.now_ns
            self.now_ns = due_ns
            self.device.tick(due_ns)
            if drain:
                self.drain()
        self.now_ns = end_ns

    def send(self, *commands: bytes) -> None:
        for command in commands:
            self.device.receive(command, self.now_ns)

    def change(self, *changes: tuple[int, bool, Line]) -> None:
        """Changes of the load_signal, in ns after power-up."""
        self.sampler.change([LevelChange(ORIGIN_NS + at, level, line) for at, level, line in changes], self.now_ns)

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

    def metadata(self) -> dict[str, str]:
        self.send(METADATA)
        self.go(100 * MS)
        *lines, end, nothing = self.sent().decode().split("\n")
        assert (end, nothing) == ("END", "")
        return dict(line.split(": ") for line in lines)

    def samples(self) -> Samples:
        return Samples(self.sent())


class Samples:
    """The parts of the words of a stream."""

    def __init__(self, stream: bytes) -> None:
        assert len(stream) % 4 == 0
        words = np.frombuffer(stream, "<u4")
        self.adc = (words & 0x3FFF).astype(int)
        self.range = (words >> 14 & 7).astype(int)
        self.counter = (words >> 18 & 63).astype(int)
        self.lines = (words >> 24).astype(int)
        assert not (words >> 17 & 1).any()
        assert self.range.max(initial=0) <= 4

    def __len__(self) -> int:
        return len(self.adc)

    def steps(self) -> set[int]:
        return set((np.diff(self.counter) % 64).tolist())

    def current_a(self, metadata: dict[str, str], vdd_v: float) -> np.ndarray:
        def of(key: str) -> np.ndarray:
            return np.array([float(metadata[f"{key}{number}"]) for number in range(5)])[self.range]

        result = (self.adc * 4 - of("O")) * (1.8 / 163840 / of("R"))
        return of("UG") * (result * (of("GS") * result + of("GI")) + (of("S") * vdd_v + of("I")))


@pytest.fixture
def rig():
    return Rig()


def test_the_metadata_have_all_keys_and_say_that_it_is_emulated(rig):
    metadata = rig.metadata()
    assert set(metadata) == KEYS | {"Calibrated", "VDD", "HW", "mode", "IA", "emulated"}
    assert (metadata["emulated"], metadata["HW"]) == ("1", "4711")
    # What nobody has set is printed the way a C library does.
    assert metadata.pop("IA") == "-nan"
    assert all(re.fullmatch(r"-?\d+(\.\d+)?", value) for value in metadata.values())


def test_the_metadata_come_in_pieces(rig):
    rig.send(METADATA)
    pieces = [rig.sent()]
    while rig.device.due_ns() is not None:
        rig.go(rig.device.due_ns() - rig.now_ns)
        pieces.append(rig.sent())
    assert len(pieces) > 8
    assert all(0 < len(piece) <= 64 for piece in pieces)
    assert b"".join(pieces).endswith(b"END\n")


def test_a_host_that_does_not_read_the_constants_is_found_out(rig):
    metadata = rig.metadata()
    assert all(float(metadata[f"R{number}"]) != default for number, default in enumerate(DEFAULT_R))
    rig.send(AMPERE, START)
    rig.change((200 * MS, True, Line.BUSY))
    rig.go(1 * S)
    samples = rig.samples()
    defaults = {f"{key}{number}": "0" for key in "OSI" for number in range(5)}
    defaults |= {f"{key}{number}": "1" for key in ("GS", "GI", "UG") for number in range(5)}
    defaults |= {f"R{number}": str(default) for number, default in enumerate(DEFAULT_R)}
    right, wrong = samples.current_a(metadata, 5.0), samples.current_a(defaults, 5.0)
    for part in (slice(0, 5_000), slice(60_000, None)):
        assert abs(np.mean(wrong[part]) / np.mean(right[part]) - 1) > 0.03


@pytest.mark.parametrize("vdd_mv", [800, 3_300, 5_000])
def test_in_source_mode_it_supplies_what_the_regulator_is_set_to(rig, vdd_mv):
    rig.send(SOURCE, regulator(vdd_mv), RUN)
    metadata = rig.metadata()
    assert (metadata["mode"], metadata["VDD"]) == ("2", str(vdd_mv))
    rig.send(START)
    rig.go(500 * MS)
    current_a = rig.samples().current_a(metadata, vdd_mv / 1000)
    assert np.mean(current_a) == pytest.approx(1.30 / 8 / (vdd_mv / 1000), rel=3e-3)


def test_the_supply_gives_no_more_than_1_a(rig):
    rig.send(SOURCE, regulator(800), RUN)
    metadata = rig.metadata()
    rig.change((0, True, Line.BUSY))
    rig.go(1 * S)
    rig.send(START)
    rig.go(100 * MS)
    assert np.mean(rig.samples().current_a(metadata, 0.8)) == pytest.approx(1.0, rel=1e-3)


@pytest.mark.parametrize(("asked_mv", "told_mv"), [(0, 800), (799, 800), (5_001, 5_000), (0xFFFF, 5_000)])
def test_the_regulator_keeps_to_its_limits(rig, asked_mv, told_mv):
    rig.send(regulator(asked_mv))
    assert rig.metadata()["VDD"] == str(told_mv)


def test_in_source_mode_nothing_flows_until_it_is_switched_on(rig):
    rig.send(SOURCE, regulator(3_300))
    metadata = rig.metadata()
    rig.send(START)
    rig.go(100 * MS)
    off_a = rig.samples().current_a(metadata, 3.3)
    rig.send(RUN)
    # What is sent in between was not switched on yet.
    assert abs(rig.samples().current_a(metadata, 3.3)).max() < 1e-6
    rig.go(100 * MS)
    on_a = rig.samples().current_a(metadata, 3.3)
    rig.send(HALT)
    rig.samples()
    rig.go(100 * MS)
    assert abs(np.mean(off_a)) < 1e-8
    assert np.mean(on_a) == pytest.approx(1.30 / 8 / 3.3, rel=3e-3)
    assert abs(np.mean(rig.samples().current_a(metadata, 3.3))) < 1e-8


def test_in_ampere_mode_the_board_has_a_supply_of_its_own():
    rig = Rig(supply_v=4.2)
    rig.send(AMPERE)
    metadata = rig.metadata()
    assert (metadata["mode"], metadata["VDD"]) == ("1", "4200")
    rig.send(START)
    rig.go(500 * MS)
    assert np.mean(rig.samples().current_a(metadata, 4.2)) == pytest.approx(1.30 / 8 / 4.2, rel=3e-3)


def test_it_streams_100_000_samples_a_second_and_counts_them_in_six_bits(rig):
    rig.send(START)
    rig.go(1 * S)
    rig.send(STOP)
    samples = rig.samples()
    assert len(samples) == 100_000
    assert samples.steps() == {1}
    rig.go(1 * S)
    assert rig.sent() == b""


def test_it_counts_on_while_nothing_streams(rig):
    rig.send(START, STOP)
    rig.go(10 * US + 64 * 10 * US)
    rig.send(START)
    rig.go(50 * MS)
    samples = rig.samples()
    # The next sample after the start, 65 periods after power-up, is number 66.
    assert samples.counter[0] == 66 % 64


def test_start_while_it_streams_changes_nothing(rig):
    rig.send(START)
    rig.go(50 * MS)
    rig.send(START)
    rig.go(50 * MS)
    rig.send(STOP, STOP)
    samples = rig.samples()
    assert (len(samples), samples.steps()) == (10_000, {1})


@pytest.mark.parametrize("ppm", [-100, 100])
def test_a_clock_that_is_off_gives_more_or_fewer_samples(ppm):
    rig = Rig(ppm=ppm)
    rig.send(START)
    count = 0
    for _ in range(10):
        rig.go(1 * S)
        count += len(rig.samples())
    rig.send(STOP)
    count += len(rig.samples())
    assert abs(count - (1_000_000 + ppm)) <= 1


def test_the_lines_tell_of_the_lamp_at_the_first_sample_that_sees_it(rig):
    rig.send(START)
    # Between samples 1000 and 1001, right at 2000 and 3000, and so on.
    rig.change((10_005 * US, True, Line.BUSY), (20 * MS, True, Line.SYNC), (30 * MS, False, Line.BUSY))
    rig.change((40 * MS, False, Line.SYNC))
    rig.go(60 * MS)
    rig.send(STOP)
    lines = rig.samples().lines
    changes = np.flatnonzero(np.diff(lines)) + 1
    # The stream begins with sample 1.
    assert (changes + 1).tolist() == [1_001, 2_000, 3_000, 4_000]
    assert lines[[0, *changes]].tolist() == [0, 1, 3, 2, 0]


def test_the_range_follows_the_current(rig):
    rig.send(AMPERE)
    metadata = rig.metadata()
    rig.send(START)
    rig.change((200 * MS, True, Line.BUSY), (600 * MS, False, Line.BUSY))
    rig.go(1 * S)
    samples = rig.samples()
    assert np.flatnonzero(np.diff(samples.range)).size == 2
    assert samples.range[[0, 40_000, -1]].tolist() == [3, 4, 3]
    current_a = samples.current_a(metadata, 5.0)
    up, down = np.flatnonzero(np.diff(samples.range)) + 1
    assert np.mean(current_a[up - 5 : up + 5]) == pytest.approx(0.070, rel=0.02)
    assert np.mean(current_a[down - 5 : down + 5]) == pytest.approx(0.055, rel=0.02)


def test_only_the_first_samples_in_a_range_are_wrong():
    streams = []
    for spikes in (False, True):
        rig = Rig(spikes=spikes)
        rig.send(AMPERE, START)
        rig.change((200 * MS, True, Line.BUSY), (600 * MS, False, Line.BUSY))
        rig.go(1 * S)
        streams.append(rig.samples())
    right, spiky = streams
    assert np.array_equal(right.range, spiky.range)
    up, down = np.flatnonzero(np.diff(right.range)) + 1
    wrong = [up, up + 1, down, down + 1, down + 2]
    assert np.flatnonzero(right.adc != spiky.adc).tolist() == wrong
    assert (spiky.adc[wrong] > 1.05 * right.adc[wrong]).all()


@given(
    st.lists(st.one_of(st.floats(0, 1), st.sampled_from([40e-6, 50e-6, 60e-6, 5e-4, 5e-3, 0.056, 0.06, 0.08]))),
    st.integers(0, 4),
)
def test_the_range_changes_as_it_would_one_sample_at_a_time(currents, before):
    expected = []
    now = before
    for current in currents:
        while now < 4 and current > (60e-6, 600e-6, 6e-3, 70e-3)[now]:
            now += 1
        while now > 0 and current < (45e-6, 450e-6, 4.5e-3, 55e-3)[now - 1]:
            now -= 1
        expected.append(now)
    assert follow_ranges(np.array(currents, dtype=float), before).tolist() == expected


@given(st.floats(0, 1), st.floats(0.8, 5))
def test_the_codes_are_what_the_formula_turns_into_the_current(current_a, vdd_v):
    metadata = Rig().metadata()
    for number in range(5):
        [code] = codes_for(np.array([current_a]), np.array([number]), vdd_v)
        r, gs, gi, o, s, i = (float(metadata[f"{key}{number}"]) for key in ("R", "GS", "GI", "O", "S", "I"))
        result = (code * 4 - o) * (1.8 / 163840 / r)
        assert result * (gs * result + gi) + (s * vdd_v + i) == pytest.approx(current_a, rel=1e-9, abs=1e-15)


@given(st.lists(st.integers(0, 400), max_size=5))
def test_any_split_of_the_time_gives_the_same_samples(cuts):
    current_a = 0.06 + 0.05 * np.sin(np.arange(400) / 9)
    parts = [part for part in np.split(current_a, sorted(cuts)) if len(part)]
    together, meter = Meter(5), Meter(5)
    assert np.array_equal(
        np.concatenate([meter.convert(part, 5.0) for part in parts]), together.convert(current_a, 5.0)
    )


def test_the_account_is_what_the_samples_show(tmp_path):
    path = tmp_path / "energy-log"
    rig = Rig(energy_log=path, ppm=100, spikes=True)
    with closing(rig.energy_log):
        rig.send(SOURCE, regulator(4_000), RUN)
        metadata = rig.metadata()
        rig.go(200 * MS)
        rig.send(START)
        rig.change((500 * MS, True, Line.BUSY), (800 * MS, False, Line.BUSY), (900 * MS, True, Line.BUSY))
        rig.go(700 * MS)
        # The board keeps its state though it has no power, as far as anybody can see.
        rig.send(HALT)
        rig.go(300 * MS)
        rig.send(RUN)
        rig.go(1_100 * MS)
        rig.send(STOP)
        samples = rig.samples()
        lines = [json.loads(line) for line in path.read_text().splitlines()]
    power_w = 4.0 * samples.current_a(metadata, 4.0)
    # What a host has to take out.
    for change in np.flatnonzero(np.diff(samples.range)) + 1:
        power_w[change : change + 3] = power_w[change + 3]
    assert len(lines) == 3
    for line in lines:
        count = line["sample"] - line["first_sample"]
        assert line["seconds"] == pytest.approx(count / 100_010)
        assert line["energy_j"] == pytest.approx(np.sum(power_w[:count]) / 100_010, rel=5e-4)
    assert count == len(samples)


@pytest.mark.parametrize("stall_ms", [300, 1_000])
def test_a_host_that_does_not_read_loses_samples_whole(stall_ms):
    rig = Rig(capacity=40_000)
    rig.send(START)
    rig.go(stall_ms * MS, drain=False)
    held = rig.samples()
    rig.go(50 * MS)
    rig.send(STOP)
    after = rig.samples()
    assert len(held) <= 10_000
    assert held.steps() == after.steps() == {1}
    lost = stall_ms * 100 + 5_000 - len(held) - len(after)
    assert (after.counter[0] - held.counter[-1] - 1) % 64 == lost % 64 != 0


def test_a_reset_makes_it_as_it_was_at_first(rig):
    first = rig.metadata()
    rig.send(AMPERE, regulator(1_234), RUN, START)
    rig.go(50 * MS, drain=False)
    rig.send(RESET)
    assert rig.device.due_ns() is None
    assert rig.sent() == b""
    # It takes a moment until it listens.
    rig.send(METADATA)
    assert rig.sent() == b""
    rig.go(300 * MS)
    assert rig.metadata() == first


def test_user_gains_are_kept_for_the_host(rig):
    rig.send(b"\x25\x03" + struct.pack("<f", 1.25), b"\x25\x05" + struct.pack("<f", 9), b"\x25\x00\0\0\xc0\x7f")
    gains = [float(rig.metadata()[f"UG{number}"]) for number in range(5)]
    assert gains == [1, 1, 1, 1.25, 1]
    rig.send(RESET)
    rig.go(1 * S)
    assert float(rig.metadata()["UG3"]) == 1.25


def test_the_spike_filter_is_the_business_of_the_host(rig):
    rig.send(START)
    rig.go(100 * MS)
    for command in (b"\x15", b"\x16"):
        rig.send(command)
        rig.go(100 * MS)
    rig.send(STOP)
    samples = rig.samples()
    assert (len(samples), samples.steps()) == (30_000, {1})


def test_a_command_that_it_does_not_know_takes_its_packet_with_it(rig):
    rig.send(b"\x01\x06\x06", b"\x0e\x00\x06")
    rig.go(100 * MS)
    assert rig.sent() == b""
    assert rig.metadata()["emulated"] == "1"


def test_a_command_may_come_in_pieces(rig):
    rig.send(*(bytes([byte]) for byte in regulator(2_500) + SOURCE))
    metadata = rig.metadata()
    assert (metadata["VDD"], metadata["mode"]) == ("2500", "2")


def test_a_mode_that_there_is_not_is_ignored(rig):
    rig.send(AMPERE, b"\x11\x07")
    assert rig.metadata()["mode"] == "1"


def test_commands_in_a_row_are_all_obeyed(rig):
    rig.send(AMPERE + regulator(3_000) + RUN + START)
    rig.go(10 * MS)
    rig.send(STOP + START + STOP)
    rig.samples()
    assert rig.metadata()["VDD"] == "3000"


def test_what_is_left_of_an_answer_goes_before_the_samples(rig):
    rig.send(METADATA + START)
    rig.go(100 * MS)
    text, end, samples = rig.sent().partition(b"END\n")
    assert (text[:10], end) == (b"Calibrated", b"END\n")
    assert Samples(samples).steps() == {1}
