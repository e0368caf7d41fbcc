# SPDX-License-Identifier: Apache-2.0
"""Instruments that send lines of text, played against a clock that only they move, and over a real pseudo-terminal."""

from __future__ import annotations

import itertools
import json
import logging
import os
import pty
import re
import threading
import tty

import numpy as np
import pytest

from monitor_app.core.errors import HandshakeError, PortError, SourceLostError
from monitor_app.core.samples import Quantity, Role, SampleBlock
from monitor_app.sources.lines import driver as lines_module
from monitor_app.sources.lines.described_meter import Column, LinesSpec, TimeColumn
from monitor_app.sources.lines.driver import LinesSource
from tests.sources.lines.device import FakeTime, LineDevice

MS, S = 1_000_000, 1_000_000_000
START_NS = 5 * S
COLUMNS = (
    Column(name="current", field=2, quantity=Quantity.CURRENT, scale=0.001),
    Column(name="voltage", field=1, quantity=Quantity.VOLTAGE),
)
STAMPED = LinesSpec(
    kind="lines", format="csv", columns=COLUMNS, time=TimeColumn(field=0, scale_s=1e-6), baud=115_200,
)  # fmt: skip
PLAIN = STAMPED.model_copy(update={"time": None})


@pytest.fixture
def clock(monkeypatch) -> FakeTime:
    return FakeTime(START_NS).put_in_place(monkeypatch)


def csv_lines(period_ns: int, *, ppm: float = 0.0, n: int = 100_000, first: int = 0):
    """Line k is written at k periods by the host's clock, and comes 0.4 to 1.2 ms later."""
    for k in range(first, n):
        written_ns = START_NS + k * period_ns
        delay_ns = 400_000 + (k * 7919) % 800_000
        stamp_us = round((written_ns - START_NS) * (1 + ppm * 1e-6) / 1000) + 10**6
        yield written_ns + delay_ns, b"%d,%.2f,%d\r\n" % (stamp_us, 5 + k * 0.01, k)


def opened(device: LineDevice, spec: LinesSpec, name: str = "meter") -> LinesSource:
    source = LinesSource(name, "/dev/scripted", spec, lambda port: device)
    source.open()
    return source


def read_for(source: LinesSource, clock: FakeTime, seconds: float) -> list[SampleBlock]:
    blocks = []
    until_ns = clock.now_ns + round(seconds * 1e9)
    while clock.now_ns < until_ns:
        blocks += [reading for reading in source.read(0.05) if isinstance(reading, SampleBlock)]
    return blocks


def joined(blocks: list[SampleBlock]) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """Index, times and codes of all samples."""
    index = np.concatenate([block.first_index + np.arange(len(block)) for block in blocks])
    times_ns = np.concatenate([block.times_ns for block in blocks if block.times_ns is not None])
    codes = [np.concatenate([block.codes[k] for block in blocks]) for k in range(len(blocks[0].codes))]
    return index, times_ns, codes


# -- lines as a profile describes them -------------------------------------------------------------


@pytest.mark.parametrize("period_ms", [1, 5, 100])
@pytest.mark.parametrize("spec", [STAMPED, PLAIN])
def test_samples_have_the_times_at_which_they_were_written(clock, spec, period_ms):
    device = LineDevice(clock, csv_lines(period_ms * MS))
    source = opened(device, spec)
    index, times_ns, (current, voltage) = joined(read_for(source, clock, 3.0))
    k = np.round(current * 1000).astype(int)
    assert (np.diff(k) == 1).all()
    assert (np.diff(index) == 1).all()
    assert (np.diff(times_ns) > 0).all()
    assert len(k) > 2500 // period_ms
    np.testing.assert_allclose(voltage, (5 + k * 0.01).astype("<f4"))
    errors = np.abs(times_ns - (START_NS + k * period_ms * MS))
    assert errors.max() <= source.info.transport_bound_ns
    assert source.info.rate_hz == pytest.approx(1000 / period_ms, rel=0.05)
    if spec is STAMPED:
        assert source.info.transport_bound_ns < 4 * MS


def test_it_says_what_it_measures(clock):
    info = opened(LineDevice(clock, csv_lines(10 * MS)), STAMPED).info
    assert (info.name, info.kind, info.simulated) == ("meter", "lines", False)
    current, voltage, power = info.signals
    assert (current.name, current.quantity, current.dtype, current.scale) == ("current", Quantity.CURRENT, "<f4", 1.0)
    assert (voltage.name, voltage.quantity) == ("voltage", Quantity.VOLTAGE)
    assert (power.quantity, power.role, power.product_of) == (Quantity.POWER, Role.TOTAL, ("current", "voltage"))
    assert len(info.notes) == 2


def test_power_that_is_measured_is_not_derived(clock):
    own = (*COLUMNS, Column(name="watts", field=0, quantity=Quantity.POWER))
    info = opened(LineDevice(clock, csv_lines(10 * MS)), PLAIN.model_copy(update={"columns": own})).info
    assert info.derived_signals == ()
    assert [signal.name for signal in info.signals] == ["current", "voltage", "watts"]


def test_json_lines_with_a_time_of_their_own(clock):
    def stream():
        yield START_NS + MS, b'{"status": "SIMULATED"}\n'
        for k in range(10_000):
            document = {"ms": 100 + 2 * k, "i": k, "v": 5.0}
            yield START_NS + 2 * k * MS + 500_000, json.dumps(document).encode() + b"\n"

    columns = (
        Column(name="i", quantity=Quantity.CURRENT),
        Column(name="bus", field="v", quantity=Quantity.VOLTAGE),
    )
    spec = LinesSpec(kind="lines", format="json", columns=columns, time=TimeColumn(field="ms", scale_s=1e-3))
    source = opened(LineDevice(clock, stream()), spec)
    assert source.info.simulated
    _, times_ns, (current, _) = joined(read_for(source, clock, 1.0))
    assert np.abs(times_ns - (START_NS + current * 2 * MS)).max() <= source.info.transport_bound_ns


def test_a_clock_of_a_ceramic_resonator_is_followed(clock):
    source = opened(LineDevice(clock, csv_lines(4 * MS, ppm=4000)), STAMPED)
    read_for(source, clock, 3.0)
    _, times_ns, (current, _) = joined(read_for(source, clock, 20.0))
    truth_ns = START_NS + np.round(current * 1000).astype(np.int64) * 4 * MS
    assert np.abs(times_ns - truth_ns).max() <= source.info.transport_bound_ns


def test_a_late_read_does_not_move_the_samples(clock):
    """The host was busy for half a second; what came meanwhile lies where it belongs."""
    source = opened(LineDevice(clock, csv_lines(10 * MS)), PLAIN)
    read_for(source, clock, 0.2)
    clock.now_ns += S // 2
    _, times_ns, (current, _) = joined(read_for(source, clock, 0.2))
    truth_ns = START_NS + np.round(current * 1000).astype(np.int64) * 10 * MS
    assert np.abs(times_ns - truth_ns).max() <= source.info.transport_bound_ns


def test_half_lines_and_malformed_ones(clock, caplog):
    def stream():
        for arrival_ns, line in csv_lines(10 * MS):
            k = (arrival_ns - START_NS) // (10 * MS)
            if k in {100, 101, 150}:
                line = b"1,nan,5\n"
            yield arrival_ns, line[:4]
            yield arrival_ns + MS, line[4:]

    source = opened(LineDevice(clock, stream()), PLAIN)
    with caplog.at_level(logging.WARNING):
        blocks = read_for(source, clock, 2.0)
    lost = [(round(float(block.codes[0][0]) * 1000), block.lost_before) for block in blocks if block.lost_before]
    assert lost == [(102, 2), (151, 1)]
    assert source.malformed_lines == 3
    assert len(caplog.records) == 1
    assert "1,nan,5" in caplog.text
    index, _, (current, _) = joined(blocks)
    # Their indices are left out too, so that index and time stay together.
    assert np.ptp(index - np.round(current * 1000)) == 0


def test_what_lay_in_the_buffers_is_not_taken_for_now(clock, caplog):
    device = LineDevice(
        clock, csv_lines(10 * MS, first=50), stale=b"# emulated meter\nus,V,mA\n" + b"1,5.0,9999\n" * 20
    )
    source = opened(device, PLAIN)
    assert source.info.simulated
    with caplog.at_level(logging.WARNING):
        _, _, (current, _) = joined(read_for(source, clock, 0.5))
    assert current.max() < 9
    assert caplog.records == []


def test_it_is_told_to_start_and_to_stop(clock):
    device = LineDevice(clock, answer=lambda told: csv_lines(10 * MS) if told == b"START\n" else b"")
    source = opened(device, STAMPED.model_copy(update={"start": "START", "stop": "STOP"}))
    read_for(source, clock, 0.1)
    source.close()
    source.close()
    assert device.heard == [b"START\n", b"STOP\n"]
    assert device.closed == 1


def stream_of(line: bytes, period_ns: int = 10 * MS):
    return ((START_NS + k * period_ns, line) for k in range(1000))


def with_heading() -> LinesSpec:
    columns = (Column(name="amps", quantity=Quantity.CURRENT),)
    return LinesSpec(kind="lines", format="csv", columns=columns)


@pytest.mark.parametrize(
    ("stream", "spec", "sentence"),
    [
        ((), PLAIN, "sends nothing: check that it is the right port and that the instrument is on"),
        (stream_of(b"hello, world\n"), PLAIN, r"do not fit the profile, such as 'hello, world': check format, columns"),
        (stream_of(b"\x80\xff"), PLAIN, "sends bytes but no lines of text: check the baud rate, which is set to 1152"),
        (stream_of(b"1,2,3\n"), with_heading(), "has sent no heading with amps: give the numbers of the columns"),
        (stream_of(b"1,2,3\n", 4 * S), PLAIN, "sends less than a line in 2.5 s: make the instrument send more often"),
        (stream_of(b"1,2,3\n"), STAMPED, "meter sends a time that does not rise: check the field"),
        (csv_lines(10 * MS), STAMPED.model_copy(update={"time": TimeColumn(field=0, scale_s=1e-3)}),
         "time of meter runs (999|1e.03) times as fast as the clock: check scale_s"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_said_in_one_sentence(clock, stream, spec, sentence):
    device = LineDevice(clock, stream)
    with pytest.raises(HandshakeError, match=sentence) as raised:
        opened(device, spec)
    assert str(raised.value).endswith(".")
    assert device.closed == 1


def test_silence_a_reset_and_other_lines_are_losses(clock):
    source = opened(LineDevice(clock, itertools.islice(csv_lines(10 * MS), 100)), STAMPED)
    with pytest.raises(SourceLostError, match="fell silent"):
        read_for(source, clock, 5.0)

    clock.now_ns = START_NS
    reset = ((at + 2 * S, line) for at, line in csv_lines(10 * MS))
    source = opened(LineDevice(clock, itertools.chain(itertools.islice(csv_lines(10 * MS), 200), reset)), STAMPED)
    with pytest.raises(SourceLostError, match="restarted its time count: it was reset"):
        read_for(source, clock, 6.0)

    clock.now_ns = START_NS
    other = ((START_NS + 2 * S + k * MS, b"menu\n") for k in range(10_000))
    source = opened(LineDevice(clock, itertools.chain(itertools.islice(csv_lines(10 * MS), 200), other)), PLAIN)
    with pytest.raises(SourceLostError, match="nothing that fits any more"):
        read_for(source, clock, 6.0)


def test_unplugged(clock):
    source = opened(LineDevice(clock, csv_lines(10 * MS), unplugged_ns=START_NS + 2 * S), STAMPED)
    with pytest.raises(SourceLostError):
        read_for(source, clock, 5.0)
    source.close()


def test_before_open_there_is_nothing_to_read():
    source = LinesSource("meter", "/dev/scripted", PLAIN, lambda port: LineDevice(FakeTime()))
    with pytest.raises(PortError):
        _ = source.info
    with pytest.raises(SourceLostError):
        source.read(0.0)
    source.close()


def test_the_port_is_opened_at_the_baud_rate_of_the_profile(monkeypatch):
    told = []

    def transport(port: str, baud: int = 0):
        told.append((port, baud))
        raise PortError("no.")

    monkeypatch.setattr(lines_module, "SerialTransport", transport)
    with pytest.raises(PortError):
        LinesSource("meter", "/dev/x", PLAIN.model_copy(update={"baud": 9600})).open()
    assert told == [("/dev/x", 9600)]


def test_over_a_real_pseudo_terminal():
    master, slave = pty.openpty()
    tty.setraw(slave)
    stop = threading.Event()

    def send() -> None:
        for k in itertools.count():
            os.write(master, b"%d,5.0,%d\n" % (k * 5000, k))
            if stop.wait(0.005):
                return

    sender = threading.Thread(target=send)
    sender.start()
    source = LinesSource("meter", os.ttyname(slave), PLAIN)
    try:
        source.open()
        blocks: list[SampleBlock] = []
        while sum(map(len, blocks)) < 200:
            blocks += [reading for reading in source.read(0.05) if isinstance(reading, SampleBlock)]
        index, times_ns, (current, _) = joined(blocks)
    finally:
        stop.set()
        sender.join()
        source.close()
        os.close(master)
        os.close(slave)
    assert (np.diff(index) == 1).all()
    assert (np.diff(np.round(current * 1000)) == 1).all()
    assert (np.diff(times_ns) > 0).all()


# -- EdgePowerMeter --------------------------------------------------------------------------------

METER = LinesSpec(kind="lines", format="edgepowermeter")
PERIOD_US = 1376


class Meter(LineDevice):
    """The device side of protocol 2. Its converter is 3 % slow; its registers count up."""

    def __init__(self, clock: FakeTime, *, mode: str = "CSV", streams: bool = True, firmware: str = "2.1.0") -> None:
        super().__init__(clock, answer=self.obey)
        self.mode, self.streams, self.firmware = mode, streams, firmware
        self.protocol, self.deaf = 2, 0
        self.shunt = b"0.01"
        self.missing: set[int] = set()
        self.refuses = b""
        self.first_sequence = 2**32 - 700

    def obey(self, told: bytes):
        word = told.split()[0].upper() if told.strip() else b""
        if self.deaf or not word:
            self.deaf = max(self.deaf - 1, 0)
            return b""
        if word == self.refuses:
            return b"!ERR %s invalid_value\n" % word
        if word == b"HELLO":
            return b"!HELLO,EdgePowerMeter,%s,%d\n" % (self.firmware.encode(), self.protocol)
        if word == b"GET":
            return b"!CFG,avg=4,vct=140,ict=204,shunt=%s,oled=1,stream=%d,mode=%s,sqw=1,period_us=%d\n" % (
                self.shunt, self.streams, self.mode.encode(), PERIOD_US,
            )  # fmt: skip
        if told == b"MODE RAW\n":
            return self.conversions()
        return b"!OK %s\n" % word

    def conversions(self):
        yield self.clock.now_ns, b"!OK MODE\nT,5,1791549296,S\n# remark\n"
        for k in range(100_000):
            ready_ns = START_NS + S + round(k * PERIOD_US * 1030)
            if ready_ns > self.clock.now_ns - 50 * MS and k not in self.missing:
                sequence = (self.first_sequence + k) % 2**32
                stamp_us = (ready_ns - START_NS) // 1000 + 10**9
                yield (
                    ready_ns + 300_000 + (k * 7919) % 400_000,
                    b"D,%d,%d,%d,%d\n" % (sequence, stamp_us, 4000 + k % 100, k % 30_000 - 10),
                )


def test_the_meter_is_greeted_read_and_left_as_it_was(clock):
    device = Meter(clock)
    source = opened(device, METER)
    assert device.heard == [b"\n", b"HELLO\n", b"GET\n", b"MODE RAW\n"]
    info = source.info
    assert (info.model, info.firmware, info.simulated) == ("EdgePowerMeter", "2.1.0", False)
    assert info.rate_hz == pytest.approx(1e6 / PERIOD_US)
    current, voltage, power = info.signals
    # 2.5 uV a code over 10 mOhm, 1.25 mV a code.
    assert (current.dtype, current.scale, current.resolution) == ("<i2", 2.5e-4, 2.5e-4)
    assert (voltage.dtype, voltage.scale) == ("<u2", 1.25e-3)
    assert power.product_of == ("current", "voltage")
    assert power.resolution == pytest.approx(2.5e-4 * 5.0, rel=0.03)
    source.close()
    assert device.heard[-1] == b"MODE CSV\n"


def test_its_samples_are_numbered_as_it_does_and_lie_in_the_middle_of_their_conversion(clock):
    device = Meter(clock)
    device.missing = {900, 901, 1500}
    source = opened(device, METER)
    blocks = read_for(source, clock, 3.0)
    index, times_ns, (shunt, bus) = joined(blocks)
    k = shunt.astype(int) + 10
    assert (index - k == 2**32 - 700).all()  # through the wrap
    assert [block.lost_before for block in blocks if block.lost_before] == [2, 1]
    assert (bus == 4000 + k % 100).all()
    truth_ns = START_NS + S + k * PERIOD_US * 1030 - PERIOD_US * 500
    assert np.abs(times_ns - truth_ns).max() <= source.info.transport_bound_ns
    assert source.info.transport_bound_ns < 2 * MS
    assert source.malformed_lines == 0


def test_a_meter_that_was_paused_and_raw_is_so_again_afterwards(clock):
    device = Meter(clock, mode="RAW", streams=False)
    source = opened(device, METER.model_copy(update={"start": "SET AVG 4", "stop": "SET AVG 1"}))
    source.close()
    assert device.heard[2:] == [
        b"SET AVG 4\n", b"GET\n", b"SET STREAM 1\n", b"MODE RAW\n", b"SET STREAM 0\n", b"SET AVG 1\n",
    ]  # fmt: skip


def test_a_meter_that_is_still_starting_is_asked_again(clock):
    device = Meter(clock)
    device.deaf = 4
    assert opened(device, METER).info.firmware == "2.1.0"
    assert device.heard.count(b"HELLO\n") == 4


def test_a_meter_that_starts_anew_is_a_loss(clock):
    device = Meter(clock)
    source = opened(device, METER)
    read_for(source, clock, 0.5)
    device.stale = b"# EdgePowerMeter v2.1.0 ready (protocol 2)\n2026-10-08 12:34:56.123,12.3450,0.1234,1.5234\n"
    with pytest.raises(SourceLostError, match="has left its RAW mode: it was reset"):
        read_for(source, clock, 0.5)


@pytest.mark.parametrize("firmware", ["2.1.0 (SIMULATED)", "emulated-2.0"])
def test_an_emulated_meter_is_told_to_be_simulated(clock, firmware):
    assert opened(Meter(clock, firmware=firmware), METER).info.simulated


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"protocol": 3}, "meter speaks protocol 3; this program speaks 2."),
        ({"shunt": b"0"}, "meter does not report its shunt and its period"),
        ({"refuses": b"MODE"}, "meter refuses MODE RAW (invalid_value)"),
        ({"missing": set(range(100_000))}, "meter answers but measures nothing"),
    ],
)
def test_a_meter_that_cannot_be_used_is_said_so(clock, change, sentence):
    device = Meter(clock)
    for name, value in change.items():
        setattr(device, name, value)
    with pytest.raises(HandshakeError, match=re.escape(sentence)):
        opened(device, METER)
    assert device.closed == 1


def test_the_first_firmware_answers_nothing_and_is_read_all_the_same(clock):
    def stream():
        yield START_NS, b"=== EdgePowerMeter ===\n[INFO] 1,2,3,4\nTimestamp,Voltage[V],Current[A],Power[W]\n"
        for k in range(1000):
            moment = b"2026-10-08 12:34:%02d.%03d" % (k // 50 % 60, k % 50 * 20)
            yield START_NS + k * 20 * MS, moment + b",12.5000,%.4f,%.4f\n" % (k * 0.001, k * 0.0125)

    device = LineDevice(clock, stream())
    source = opened(device, METER)
    assert (source.info.model, source.info.firmware) == ("EdgePowerMeter", "1")
    blocks = read_for(source, clock, 2.0)
    _, _, (current, voltage) = joined(blocks)
    assert (voltage == 12.5).all()
    np.testing.assert_allclose(np.diff(current), 0.001, atol=1e-6)
    assert source.malformed_lines == 0
