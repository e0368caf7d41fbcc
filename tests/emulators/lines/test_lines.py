# SPDX-License-Identifier: Apache-2.0
"""Meters that print lines of text: in simulated time byte for byte, and once each over a real pseudo-terminal."""

from __future__ import annotations

import itertools
import json
import os
import re
import select
import subprocess
import sys
import time
import tty
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor_app.core.errors import SourceError
from monitor_app.emulators.board.boards import TX1
from monitor_app.emulators.board.energy_log import EnergyLog
from monitor_app.emulators.board.load_signal import LevelChange
from monitor_app.emulators.board.sampler import SampleClock, Sampler
from monitor_app.emulators.lines.__main__ import EMULATOR, LinesOptions, run
from monitor_app.emulators.lines.csv_json import CsvMeter, JsonMeter
from monitor_app.emulators.lines.device import INPUT_HZ, MEMORY, Chip
from monitor_app.emulators.lines.edgepowermeter import EdgePowerMeter, OldEdgePowerMeter, RealTimeClock
from monitor_app.emulators.runtime.main import main
from monitor_app.emulators.runtime.send_queue import SendQueue

ORIGIN_NS = 5_000_000_000
MS = 1_000_000
S = 1_000 * MS
# 2026-10-08 12:34:56.25 of the local calendar
LOCAL_S = 1_791_462_896.25
SHUNT_OHM = 0.02


class Rig:
    """A device on a clock that stands still until it is told to go on."""

    def __init__(self, make, period_us=920.0, energy_log=None, ppm=0.0, capacity=10**7) -> None:
        self.now_ns = ORIGIN_NS
        clock = SampleClock(ORIGIN_NS, INPUT_HZ * (1 + ppm * 1e-6))
        self.energy_log = EnergyLog(energy_log, clock.rate_hz)
        self.sampler = Sampler(TX1, clock, seed=1, channels=())
        self.queue = SendQueue(capacity)
        self.device = make(Chip(self.sampler, self.energy_log, 1, period_us), self.queue, ORIGIN_NS)
        self.printed = b""

    def go(self, ns: int, drain: bool = True) -> None:
        """Let time pass as the process does: from one deadline to the next."""
        end_ns = self.now_ns + ns
        while (due_ns := self.device.due_ns()) is not None and due_ns <= end_ns:
            self.now_ns = due_ns
            self.device.tick(due_ns)
            if drain:
                self.drain()
        self.now_ns = end_ns

    def send(self, *lines: str) -> None:
        self.device.receive(b"".join(line.encode() + b"\n" for line in lines), self.now_ns)

    def drain(self) -> None:
        def write(data: bytes) -> int:
            self.printed += data
            return len(data)

        self.queue.flush(write)

    def lines(self, ending: bytes = b"\n") -> list[str]:
        """All that was printed since the last call, in whole lines."""
        self.drain()
        *lines, rest = self.printed.split(ending)
        self.printed = b""
        assert rest == b""
        return [line.decode("ascii") for line in lines]

    def ask(self, line: str) -> list[str]:
        """What is printed at once."""
        self.lines()
        self.send(line)
        return self.lines()


def edge_power_meter(chip, queue, host_ns):
    return EdgePowerMeter(chip, queue, RealTimeClock(LOCAL_S, host_ns), host_ns)


@pytest.fixture
def rig():
    return Rig(edge_power_meter)


@pytest.fixture
def raw(rig):
    rig.send("MODE RAW")
    rig.lines()
    return rig


def data(lines: list[str]) -> np.ndarray:
    """Sequence number, time, bus and shunt of the raw lines."""
    return np.array([[int(field) for field in line.split(",")[1:]] for line in lines if line[0] == "D"])


def anchors(lines: list[str]) -> list[str]:
    return [line for line in lines if line.startswith("T,")]


def watts(rows: np.ndarray) -> np.ndarray:
    return rows[:, 2] * 1.25e-3 * rows[:, 3] * 2.5e-6 / SHUNT_OHM


# An EdgePowerMeter with firmware 2.


def test_it_boots_into_csv_and_says_that_it_is_emulated(rig):
    rig.go(20 * MS)
    *comments, header, first = rig.lines()[:4]
    assert all(line.startswith("#") for line in comments)
    assert re.fullmatch(r"# EdgePowerMeter v2\S*emulated ready \(protocol 2\)", comments[-1])
    assert header == "Timestamp,Voltage[V],Current[A],Power[W]"
    assert re.fullmatch(r"2026-10-08 12:34:56\.25\d,1[89]\.\d{4},0\.\d{4},1\.\d{4}", first)


def test_the_conversation_of_the_protocol(rig):
    assert rig.ask("HELLO") == ["!HELLO,EdgePowerMeter,2.0.0-emulated,2"]
    assert rig.ask("get") == ["!CFG,avg=1,vct=332,ict=588,shunt=0.02000,oled=1,stream=1,mode=CSV,sqw=1,period_us=920"]
    assert rig.ask("Mode Raw") == ["!OK MODE"]
    assert rig.ask("SET AVG 4") == ["!OK SET"]
    assert rig.ask("SET VCT 140") == ["!OK SET"]
    assert rig.ask("SET ICT 204") == ["!OK SET"]
    assert rig.ask("SET SHUNT 0.1") == ["!OK SET"]
    assert rig.ask("SET OLED 0") == ["!OK SET"]
    assert rig.ask("SET STREAM 0") == ["!OK SET"]
    assert rig.ask("GET") == ["!CFG,avg=4,vct=140,ict=204,shunt=0.10000,oled=0,stream=0,mode=RAW,sqw=1,period_us=1376"]
    assert rig.ask("SAVE") == ["!OK SAVE"]
    assert rig.ask("MODE CSV") == ["!OK MODE", "Timestamp,Voltage[V],Current[A],Power[W]"]


@pytest.mark.parametrize(
    ("command", "reply"),
    [
        ("FOO", "!ERR FOO unknown_command"),
        ("foo bar", "!ERR FOO unknown_command"),
        ("MODE", "!ERR MODE missing_argument"),
        ("MODE XML", "!ERR MODE invalid_value"),
        ("SET AVG", "!ERR SET missing_argument"),
        ("SET AVG 3", "!ERR SET invalid_value"),
        ("SET VCT 1000", "!ERR SET invalid_value"),
        ("SET SHUNT 0", "!ERR SET invalid_value"),
        ("SET SHUNT nan", "!ERR SET invalid_value"),
        ("SET SHUNT x", "!ERR SET invalid_value"),
        ("SET STREAM 2", "!ERR SET invalid_value"),
        ("SET FOO 1", "!ERR SET unknown_parameter"),
        ("SYNC 2026-10-08", "!ERR SYNC missing_argument"),
        ("SYNC 2026-13-08 00:00:00", "!ERR SYNC invalid_value"),
        ("A" * 96, "!ERR ? line_too_long"),
        ("A" * 5_000, "!ERR ? line_too_long"),
        ("A" * 95, f"!ERR {'A' * 95} unknown_command"),
    ],
)
def test_every_mistake_has_its_one_reply(rig, command, reply):
    assert rig.ask(command) == [reply]


@given(cuts=st.sets(st.integers(0, 60)))
def test_commands_may_come_in_any_pieces(cuts):
    rig = Rig(edge_power_meter)
    rig.lines()
    stream = b"HELLO\r\n\r\nMODE RAW\nset stream 0\n" + 100 * b"x" + b"\nGET\n"
    at = [0, *sorted(cuts), len(stream)]
    for start, end in itertools.pairwise(at):
        rig.device.receive(stream[start:end], rig.now_ns)
    assert [line.split(",")[0] for line in rig.lines()] == [
        "!HELLO", "!OK MODE", "!OK SET", "!ERR ? line_too_long", "!CFG",
    ]  # fmt: skip


def test_raw_lines_count_every_conversion_and_give_the_board(raw):
    raw.go(1 * S)
    rows = data(raw.lines())
    assert len(rows) == pytest.approx(1e6 / 920, abs=12)
    assert (np.diff(rows[:, 0]) == 1).all()
    assert np.diff(rows[:, 1]).mean() == pytest.approx(920, abs=0.1)
    # The main loop sees that a conversion is ready a little later, never earlier.
    late_us = rows[:, 1] - 920 * (rows[:, 0] + 1)
    assert 0 < late_us.min() <= late_us.max() <= 20
    assert watts(rows).mean() == pytest.approx(1.30, rel=3e-3)


def test_a_change_of_the_board_shows_at_its_time(raw):
    raw.sampler.change([LevelChange(ORIGIN_NS + 500 * MS, True)], raw.now_ns)
    raw.go(1 * S)
    rows = data(raw.lines())
    before, after = rows[rows[:, 1] < 500_000], rows[rows[:, 1] > 800_000]
    assert watts(before).max() < 1.4
    assert watts(after).mean() == pytest.approx(13.1, rel=0.02)
    rise = rows[np.argmax(watts(rows) > 1.30 + 11.8 * (1 - np.exp(-1))), 1]
    assert rise == pytest.approx(540_000, abs=3_000)


def test_the_account_is_what_the_lines_say(tmp_path):
    path = tmp_path / "energy-log"
    rig = Rig(edge_power_meter, energy_log=path)
    rig.send("MODE RAW")
    rig.sampler.change([LevelChange(ORIGIN_NS + at * 100 * MS, at % 2 == 1) for at in range(1, 20)], rig.now_ns)
    rig.go(2 * S)
    rig.energy_log.close()
    last = json.loads(path.read_text().splitlines()[-1])
    rows = data(rig.lines())
    assert len(rows) * 920e-6 == pytest.approx(last["seconds"], abs=1e-4)
    assert watts(rows).sum() * 920e-6 == pytest.approx(last["energy_j"], rel=1e-3)


def test_once_a_second_an_anchor_ties_the_clocks(raw):
    raw.go(3 * S)
    lines = raw.lines()
    # A quarter of a second had gone at power-up.
    assert anchors(lines) == [
        "T,750000,1791462897,S",
        "T,1750000,1791462898,S",
        "T,2750000,1791462899,S",
    ]
    times = [int(line.split(",")[1 if line[0] == "T" else 2]) for line in lines]
    assert times == sorted(times)


def test_an_anchor_shows_a_clock_that_is_off():
    rig = Rig(edge_power_meter, ppm=100.0)
    rig.send("MODE RAW")
    rig.go(11 * S)
    first, *_, last = [int(line.split(",")[1]) for line in anchors(rig.lines())]
    assert last - first == pytest.approx(10e6 * (1 + 100e-6), abs=2)


def test_anchors_are_told_again_on_request(raw):
    raw.go(1 * S)
    raw.lines()
    assert raw.ask("MODE RAW") == ["!OK MODE", "T,750000,1791462897,S"]
    assert raw.ask("SET STREAM 0") == ["!OK SET"]
    assert raw.ask("SET STREAM 1") == ["!OK SET", "T,750000,1791462897,S"]
    reply, anchor = raw.ask("SYNC 2027-01-01 00:00:00")
    assert reply == "!OK SYNC"
    assert anchor == "T,1000000,1798761600,S"
    raw.go(1_100 * MS)
    assert anchors(raw.lines()) == ["T,2000000,1798761601,S"]


def test_a_paused_stream_goes_on_counting(raw):
    raw.go(500 * MS)
    before = data(raw.lines())
    raw.send("SET STREAM 0")
    raw.go(1 * S)
    assert raw.lines() == ["!OK SET"]
    raw.send("SET STREAM 1")
    raw.go(100 * MS)
    after = data(raw.lines())
    assert after[0, 0] - before[-1, 0] == pytest.approx(1e6 / 920, abs=14)


def test_other_settings_change_the_pace_and_seq_goes_on(raw):
    raw.go(100 * MS)
    before = data(raw.lines())
    raw.send("SET AVG 16", "SET VCT 1100", "SET ICT 1100")
    raw.go(1 * S)
    rows = data(raw.lines())
    assert rows[0, 0] == before[-1, 0] + 1
    assert np.diff(rows[:, 1]).mean() == pytest.approx(35_200, abs=5)
    assert watts(rows).mean() == pytest.approx(1.30, rel=3e-3)


def test_conversions_too_fast_for_the_main_loop_show_in_the_times_only(raw):
    raw.send("SET VCT 140", "SET ICT 140")
    raw.go(100 * MS)
    rows = data(raw.lines())
    assert (np.diff(rows[:, 0]) == 1).all()
    assert np.diff(rows[:, 1]).mean() == pytest.approx(560, abs=1)


def test_a_host_that_does_not_read_loses_lines_but_not_their_numbers():
    rig = Rig(edge_power_meter, capacity=MEMORY)
    rig.send("MODE RAW", "SET OLED 0")
    rig.go(1 * S, drain=False)
    kept = data(rig.lines())
    assert (np.diff(kept[:, 0]) == 1).all()
    rig.go(50 * MS)
    assert data(rig.lines())[0, 0] > kept[-1, 0] + 500


def test_csv_is_scaled_by_the_shunt_it_was_told_of(rig):
    rig.send("SET SHUNT 0.04")
    rig.go(50 * MS)
    amperes = [float(line.split(",")[2]) for line in rig.lines() if line.startswith("2026")]
    assert np.mean(amperes) == pytest.approx(1.30 / 19.0 / 2, rel=0.02)


def test_power_up_brings_back_what_was_saved(raw):
    raw.send("SET AVG 4", "SAVE", "SET AVG 16")
    raw.device.receive(b"HEL", raw.now_ns)
    raw.go(1 * S)
    raw.device.reset(raw.now_ns)
    lines = raw.ask("GET")
    assert lines == ["!CFG,avg=4,vct=332,ict=588,shunt=0.02000,oled=1,stream=1,mode=CSV,sqw=1,period_us=3680"]
    raw.send("MODE RAW")
    raw.go(20 * MS)
    assert data(raw.lines())[0, 0] == 0


# Firmware 1.


def test_old_firmware_prints_csv_and_obeys_nothing():
    rig = Rig(lambda chip, queue, ns: OldEdgePowerMeter(chip, queue, RealTimeClock(LOCAL_S, ns), ns))
    rig.send("HELLO", "MODE RAW")
    rig.go(1 * S)
    banner, info, header, *rows = rig.lines()
    assert re.fullmatch(r"=== .*emulated.* ===", banner)
    assert info.startswith("[INFO] ")
    assert header == "Timestamp,Voltage[V],Current[A],Power[W]"
    assert len(rows) == pytest.approx(1e6 / 920, abs=12)
    assert all(re.fullmatch(r"2026-10-08 12:34:5[67]\.\d{3},\d+\.\d{4},0\.\d{4},\d\.\d{4}", row) for row in rows)
    assert [row[:23] for row in rows] == sorted(row[:23] for row in rows)


# Home-made ones.


def test_csv_is_marked_and_headed_and_in_the_units_of_its_heading():
    rig = Rig(CsvMeter, period_us=1_000.0)
    rig.send("START")
    rig.go(1 * S)
    mark, header, *rows = rig.lines(b"\r\n")
    assert mark.startswith("# SIMULATED")
    assert header == "time_us,current_mA,voltage_V"
    # Said again, for those who come late.
    assert 2 <= sum(row == "# SIMULATED" for row in rows) <= 4
    values = [[float(x) for x in row.split(",")] for row in rows if not row.startswith("#")]
    times_us, milliamperes, volts = np.array(values).T
    assert np.diff(times_us).mean() == pytest.approx(1_000, abs=0.1)
    assert (milliamperes * 1e-3 * volts).mean() == pytest.approx(1.30, rel=3e-3)


def test_json_streams_between_start_and_stop():
    rig = Rig(JsonMeter, period_us=10_000.0)
    rig.go(500 * MS)
    [hello] = map(json.loads, rig.lines(b"\r\n"))
    assert (hello["type"], "SIMULATED" in hello["msg"]) == ("INFO", True)
    rig.send("PING", "START")
    rig.go(1 * S)
    rig.send("STOP")
    rig.go(1 * S)
    pong, started, *rows, stopped = map(json.loads, rig.lines(b"\r\n"))
    assert pong == {"v": 1, "type": "PONG"}
    assert started == {"v": 1, "type": "ACK", "cmd": "START", "msg": "SIMULATED"}
    assert stopped == {"v": 1, "type": "ACK", "cmd": "STOP"}
    assert len(rows) == pytest.approx(100, abs=1)
    assert [row["seq"] - rows[0]["seq"] for row in rows] == list(range(len(rows)))
    assert np.mean([row["current"] * row["voltage"] for row in rows]) == pytest.approx(1.30, rel=3e-3)
    assert np.diff([row["t_us"] for row in rows]).mean() == pytest.approx(10_000, abs=1)


@pytest.mark.parametrize(("asked", "hz"), [("200", 200), ("0", 1), ("9999", 400), ("50x", 50)])
def test_json_rate_is_set_within_what_it_can(asked, hz):
    rig = Rig(JsonMeter, period_us=10_000.0)
    rig.lines(b"\r\n")
    rig.send(f"SR {asked}", "START")
    rig.go(4 * S)
    ack, _, *rows = map(json.loads, rig.lines(b"\r\n"))
    assert ack == {"v": 1, "type": "ACK", "cmd": "SR", "hz": hz}
    assert len(rows) == pytest.approx(4 * hz, abs=5)


@pytest.mark.parametrize(("make", "printed"), [(CsvMeter, 2), (JsonMeter, 1)])
def test_power_up_begins_anew(make, printed):
    rig = Rig(make, period_us=10_000.0)
    begun = rig.lines(b"\r\n")
    rig.send("SR 400", "START")
    rig.go(1 * S)
    rig.lines(b"\r\n")
    rig.device.receive(b"half a", rig.now_ns)
    rig.device.reset(rig.now_ns)
    rig.send("START")
    rig.go(105 * MS)
    lines = rig.lines(b"\r\n")
    assert lines[:printed] == begun
    data = [line for line in lines if line[0].isdigit() or '"t_us"' in line]
    times_us = [int(re.search(r"^\d+|(?<=\"t_us\":)\d+", line)[0]) for line in data]
    assert times_us == pytest.approx([10_000 * k for k in range(1, 11)], abs=20)


def test_json_does_not_know_other_commands():
    rig = Rig(JsonMeter)
    rig.lines(b"\r\n")
    rig.send('say "x"', "", "START now")
    unknown, other = map(json.loads, rig.lines(b"\r\n"))
    assert unknown == {"v": 1, "type": "ERR", "msg": "Unknown cmd", "line": 'say "x"'}
    assert other["type"] == "ERR"


# The process.


@contextmanager
def emulated(*arguments: object):
    """The descriptor of the port of a running emulator."""
    command = [sys.executable, "-m", "monitor_app.emulators.lines", "--until-stdin-closes", *map(str, arguments)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    port = -1
    try:
        port = os.open(process.stdout.readline().decode().strip(), os.O_RDWR | os.O_NOCTTY)
        tty.setraw(port)
        yield port
    finally:
        if port >= 0:
            os.close(port)
        process.stdin.close()
        assert process.wait() == 0
        process.stdout.close()


def read_until(port: int, found, timeout_s: float = 20.0) -> list[str]:
    """Whole lines, up to one that is looked for."""
    deadline = time.monotonic() + timeout_s
    printed = b""
    while True:
        *lines, _ = printed.split(b"\n")
        texts = [line.decode().rstrip("\r") for line in lines]
        if any(found(text) for text in texts):
            return texts
        assert select.select([port], [], [], deadline - time.monotonic())[0], printed[-500:]
        printed += os.read(port, 65_536)


def test_an_edge_power_meter_on_a_real_port():
    with emulated("--seed", 7) as port:
        os.write(port, b"HELLO\nMODE RAW\n")
        read_until(port, lambda line: line == "!HELLO,EdgePowerMeter,2.0.0-emulated,2")
        lines = read_until(port, lambda line: line.startswith("T,"))
    rows = data([line for line in lines if re.fullmatch(r"D(,\d+){4}", line)])
    assert (np.diff(rows[:, 0]) == 1).all()
    assert watts(rows).mean() == pytest.approx(1.30, rel=0.01)


def test_a_json_meter_on_a_real_port():
    with emulated("--format", "json", "--rate-hz", 200) as port:
        os.write(port, b"START\n")
        lines = read_until(port, lambda line: line.startswith('{"v":1,"chip"'))
    assert json.loads(lines[-1])["voltage"] == pytest.approx(19.0, abs=0.05)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (LinesOptions(format="xml"), "choose one of: edgepowermeter, csv, json"),
        (LinesOptions(firmware=3), "--firmware"),
        (LinesOptions(rate_hz=100.0), "leave --rate-hz out"),
        (LinesOptions(format="csv", rate_hz=5_000.0), "1 to 2000 with --rate-hz"),
        (LinesOptions(format="json", rate_hz=0.5), "1 to 400 with --rate-hz"),
        (LinesOptions(board="tx9"), "tx1"),
    ],
)
def test_an_option_that_cannot_be_used_is_one_sentence(options, says):
    with pytest.raises(SourceError, match=says):
        run(options)


def test_the_command_line_says_it_too(capsys):
    assert main(EMULATOR, ["--format", "xml"]) == 1
    assert capsys.readouterr().err.startswith("There is no format 'xml'")
