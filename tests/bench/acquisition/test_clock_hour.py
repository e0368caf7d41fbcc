# SPDX-License-Identifier: Apache-2.0
"""Up to an hour of each instrument in simulated time, over a USB link as late as real ones: are its times true?

Each gives the evidence that its driver really gives: the shunt answers pings, a PowerSensor3 returns markers, a PPK2
says once that it has started, and an edge on the sync line is seen by those that have one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest

from monitor_app.bench.acquisition.sync_line import EdgeLog, SentEdge
from monitor_app.bench.acquisition.timeline import Timeline
from monitor_app.core.clock import ClockMethod
from monitor_app.core.samples import LineChanges, Quantity, SampleBlock, Signal, SourceInfo, TimeMark
from monitor_app.sources.lines.edgepowermeter import TRANSPORT_NS
from monitor_app.sources.lines.timestamps import FIT_NS, StampTimes

HOUR_S, TEN_MINUTES_S, SHORT_S = 3600, 600, 100
BLOCK_S = 0.05
POWER_UP_NS = 987_654_321_012_345
SETTLED_S = 20.0
EVERY_S = 0.5
"""Between two pings, markers, or edges on the wire."""
FIRST_MARKS, FIRST_EVERY_S = 8, 0.05


class Usb:
    """Delays of one way: 0.2 to 0.4 ms and on top a millisecond on average, one in fifty much later."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)

    def delay_ns(self) -> float:
        late = self._rng.uniform(0.2e6, 0.4e6) + self._rng.exponential(1e6)
        return late + (self._rng.exponential(8e6) if self._rng.random() < 0.02 else 0.0)

    def moment(self, longest: float) -> float:
        return float(self._rng.uniform(0, longest))


@dataclass
class Device:
    """Sample ``i`` is taken at ``origin + i`` true periods, and complete one period later."""

    rate_hz: float
    ppm: float

    @property
    def period_ns(self) -> float:
        return 1e9 / (self.rate_hz * (1 + self.ppm * 1e-6))

    def true_ns(self, index: float) -> float:
        return POWER_UP_NS + index * self.period_ns

    def count(self, host_ns: float) -> float:
        return (host_ns - POWER_UP_NS) / self.period_ns


class Instrument:
    """What comes from a device in each block; the base has no evidence but the arrivals."""

    transport_bound_ns = 1_000_000

    def __init__(self, device: Device, usb: Usb) -> None:
        self.device, self.usb = device, usb
        self._due_ns, self._asked = float(POWER_UP_NS), 0

    def marks(self, block_end_ns: float, arrival_ns: int) -> list[TimeMark]:
        """What the driver hands over with the block that ends and arrives at these times."""
        marks = []
        while self._due_ns < block_end_ns:
            marks.append(self.mark(self._due_ns, arrival_ns))
            self._asked += 1
            self._due_ns += 1e9 * (FIRST_EVERY_S if self._asked < FIRST_MARKS else EVERY_S)
        return [mark for mark in marks if mark is not None]

    def mark(self, sent_ns: float, arrival_ns: int) -> TimeMark | None:
        return None


class Shunt(Instrument):
    def mark(self, sent_ns: float, arrival_ns: int) -> TimeMark:
        heard_ns = sent_ns + self.usb.delay_ns()
        return TimeMark(self.device.count(heard_ns), math.floor(sent_ns), math.ceil(heard_ns + self.usb.delay_ns()))


class PowerSensor3(Instrument):
    def mark(self, sent_ns: float, arrival_ns: int) -> TimeMark:
        """In the frame that is being taken when the command comes, or in the one before, not yet sent."""
        frame = math.floor(self.device.count(sent_ns + self.usb.delay_ns())) - int(self.usb.moment(2))
        back_ns = self.device.true_ns(frame + 1) + self.usb.delay_ns()
        return TimeMark(frame + 1, math.floor(sent_ns - 1e9 / self.device.rate_hz), math.ceil(back_ns))


class Ppk2(Instrument):
    def mark(self, sent_ns: float, arrival_ns: int) -> TimeMark | None:
        """Only of the start: its first sample is somewhere between the command and the first arrival."""
        if sent_ns > POWER_UP_NS:
            return None
        return TimeMark(0.0, round(POWER_UP_NS - self.usb.delay_ns()), arrival_ns)


@dataclass
class Given:
    first_error_ns: np.ndarray
    """Of each block's first sample."""
    last_error_ns: np.ndarray
    bound_ns: np.ndarray
    """After the block, so of its last sample."""
    method: ClockMethod
    rate_hz: float


def life_of(instrument: Instrument, seconds: float, *, line: bool) -> Given:
    device, usb = instrument.device, instrument.usb
    n = round(device.rate_hz * BLOCK_S)
    info = SourceInfo(
        "it", "test", "", "", "", device.rate_hz, (Signal("power", Quantity.POWER),), lines=("sync",),
        transport_bound_ns=instrument.transport_bound_ns,
    )  # fmt: skip
    log, level, codes = EdgeLog(), False, (np.zeros(n, "<f4"),)
    timeline = Timeline(log)
    timeline.connect(info, "sync" if line else None)
    edge_ns, newest_ns = POWER_UP_NS + usb.moment(1e9), 0
    given = []
    for number in range(round(seconds / BLOCK_S)):
        first = number * n
        end_ns = device.true_ns(first + n)
        newest_ns = max(newest_ns, math.ceil(end_ns + usb.delay_ns()))
        changes = LineChanges()
        if line and (seen := math.ceil(device.count(edge_ns))) < first + n:
            level = not level
            # A GPIO is written to in some microseconds, and switches within them.
            log.add(SentEdge(math.floor(edge_ns - usb.moment(10e3)), math.ceil(edge_ns + usb.moment(10e3)), level))
            changes = LineChanges(np.array([seen]), np.zeros(1, np.uint8), np.array([level], np.uint8))
            edge_ns += EVERY_S * (0.5e9 + usb.moment(1e9))
        for mark in instrument.marks(end_ns, newest_ns):
            timeline.add_mark(mark)
        for placed in timeline.add(SampleBlock(first, codes, newest_ns, changes=changes)):
            start_ns, last_ns = placed.times_ns.tolist()
            given.append((
                abs(start_ns - device.true_ns(placed.first)),
                abs(last_ns - device.true_ns(placed.first + n - 1)),
                timeline.state.bound_ns,
            ))  # fmt: skip
    return Given(*np.array(given).T, timeline.state.method, timeline.state.rate_hz)


def check(given: Given, seconds: float, most_ns: float, device: Device) -> None:
    settled, a_second = round(SETTLED_S / BLOCK_S), round(1 / BLOCK_S)
    assert len(given.bound_ns) == round(seconds / BLOCK_S)
    # Those that waited for the first marks have the bound of a time at which more was known.
    assert given.first_error_ns[:a_second].max() <= 1_000_000
    assert (given.last_error_ns <= given.bound_ns)[a_second:].all()
    assert (given.first_error_ns[1:] <= np.maximum(given.bound_ns[:-1], given.bound_ns[1:]))[a_second:].all()
    assert given.bound_ns[settled:].max() <= most_ns
    assert given.rate_hz == pytest.approx(1e9 / device.period_ns, rel=2e-6)


WITHOUT_A_LINE = [
    (Shunt, 50_000.0, ClockMethod.TWO_WAY),
    (Shunt, 1_000_000.0, ClockMethod.TWO_WAY),
    (PowerSensor3, 20_000.0, ClockMethod.TWO_WAY),
    (Ppk2, 100_000.0, ClockMethod.ARRIVAL),
]
WITH_A_LINE = [(Shunt, 50_000.0), (Shunt, 250_000.0), (Ppk2, 100_000.0)]


@pytest.mark.parametrize("ppm", [-100, 0, 100])
@pytest.mark.parametrize(("kind", "rate_hz", "method"), WITHOUT_A_LINE)
def test_without_a_line_the_times_are_good_to_a_millisecond(kind, rate_hz, method, ppm):
    device = Device(rate_hz, ppm)
    given = life_of(kind(device, Usb(ppm + 200)), SHORT_S, line=False)
    check(given, SHORT_S, 1_000_000, device)
    assert given.method is method


@pytest.mark.parametrize("ppm", [-100, 0, 100])
@pytest.mark.parametrize(("kind", "rate_hz"), WITH_A_LINE)
def test_with_a_line_the_times_are_good_to_fifty_microseconds(kind, rate_hz, ppm):
    device = Device(rate_hz, ppm)
    given = life_of(kind(device, Usb(ppm + 300)), SHORT_S, line=True)
    check(given, SHORT_S, 50_000, device)
    assert given.method is ClockMethod.LINE


@pytest.mark.parametrize(
    ("kind", "rate_hz", "ppm", "line", "seconds"),
    [
        (PowerSensor3, 20_000.0, -100, False, TEN_MINUTES_S),
        (Ppk2, 100_000.0, 100, False, TEN_MINUTES_S),
        (Ppk2, 100_000.0, 0, True, TEN_MINUTES_S),
    ],
)
def test_they_stay_as_good(kind, rate_hz, ppm, line, seconds):
    device = Device(rate_hz, ppm)
    given = life_of(kind(device, Usb(7)), seconds, line=line)
    check(given, seconds, 50_000 if line else 1_000_000, device)


@pytest.mark.parametrize("ppm", [-100, 0, 100])
def test_a_meter_that_stamps_its_lines_keeps_its_bound_for_an_hour(ppm):
    """An EdgePowerMeter that averages 1024 conversions; what it tells is a mean, whose time is its middle."""
    period_us, usb = 942_080, Usb(ppm + 400)
    device = Device(1e6 / period_us, ppm)
    times = StampTimes(1000.0, TRANSPORT_NS // 2 + period_us * 500)
    bound_ns = TRANSPORT_NS // 2 + FIT_NS
    errors, newest_ns = [], 0
    for number in range(1, round(HOUR_S * 1e6 / period_us)):
        ready_ns = device.true_ns(number)
        newest_ns = max(newest_ns, math.ceil(ready_ns + usb.delay_ns()))
        stamps_ns, kept = times.accept(np.array([float(number * period_us)]), newest_ns)
        assert kept.all()
        (time_ns,) = times.place(stamps_ns, newest_ns)
        errors.append(time_ns - (ready_ns - device.period_ns / 2))
    settled = round(60e6 / period_us)
    assert np.abs(errors[settled:]).max() <= bound_ns
    assert bound_ns <= 1_000_000
