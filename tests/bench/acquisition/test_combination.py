# SPDX-License-Identifier: Apache-2.0
"""Sums and differences of sources of different rates, against integrals in closed form."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from monitor_app.bench.acquisition.combination import Combination, Term
from monitor_app.bench.acquisition.timeline import Gap, Placed
from monitor_app.core.clock import ClockMethod, ClockState
from monitor_app.core.samples import LineChanges, Quantity, Role, Signal, SourceInfo
from monitor_app.session.reader import SessionReader
from monitor_app.session.writer import SessionWriter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

START_NS = 5_000_000_000_000
METER = SourceInfo(
    "meter", "shunt", "m", "1", "1", 10_000.0,
    (
        Signal("current", Quantity.CURRENT, Role.OTHER, "<u2", 0.001, -1.0),
        Signal("voltage", Quantity.VOLTAGE, Role.OTHER, "<u2", 0.01),
        Signal("power", Quantity.POWER, Role.TOTAL, product_of=("current", "voltage")),
    ),
)  # fmt: skip
RAILS = SourceInfo(
    "rails", "jetson-rails", "INA3221", "1-0040", "ina3221", 20.0,
    (Signal("VDD_IN", Quantity.POWER, Role.TOTAL), Signal("VDD_GPU", Quantity.POWER, Role.GPU)),
)  # fmt: skip
RESULT = 3


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[SessionWriter]:
    writer = SessionWriter(tmp_path / "s.plm")
    yield writer
    writer.close()


def current(times_ns: np.ndarray) -> np.ndarray:
    """Rises by 1 A a second from 2 A."""
    return 2.0 + (times_ns - START_NS) * 1e-9


def meter_block(first: int, n: int, gap: Gap | None = None) -> Placed:
    """10 V, so the power is ten times the current."""
    times_ns = START_NS + (first + np.arange(n)) * 100_000
    codes = np.round((current(times_ns) + 1.0) / 0.001).astype("<u2")
    return Placed(first, (codes, np.full(n, 1000, "<u2")), times_ns[[0, -1]].astype(np.int64), True, LineChanges(), gap)


def rails_block(first: int, times_s: list[float], total: list[float], gap: Gap | None = None) -> Placed:
    times_ns = START_NS + np.round(np.array(times_s) * 1e9).astype(np.int64)
    codes = (np.array(total, "<f4"), np.zeros(len(total), "<f4"))
    return Placed(first, codes, times_ns, False, LineChanges(), gap)


def begun(writer: SessionWriter, terms: list[Term]) -> Combination:
    combination = Combination(RESULT, "beyond", terms, Role.OTHER)
    for number, info in ((1, METER), (2, RAILS)):
        writer.add_source(number, info)
        combination.begin(number, info, writer)
    return combination


def written(writer: SessionWriter, path: Path) -> tuple[np.ndarray, np.ndarray, SessionReader]:
    writer.commit()
    with SessionReader(path) as reader:
        signal = next(s for s in reader.signals() if s.source == RESULT)
        times_ns, values = reader.samples(signal.id, 0, 2**60)
        return (times_ns - START_NS) * 1e-9, values, reader


def test_a_difference_is_taken_over_the_time_that_each_slow_sample_stands_for(writer, tmp_path):
    combination = begun(writer, [Term(1, None, 1.0), Term(2, "VDD_IN", -1.0)])
    for first in range(0, 10_000, 500):
        combination.add(1, meter_block(first, 500), writer)
    combination.add(2, rails_block(0, [0.1, 0.15, 0.21, 0.25], [5.0, 5.0, 6.0, 7.0]), writer)
    times_s, values, _ = written(writer, tmp_path / "s.plm")
    # The first interval is as long as the mean spacing; each is the mean of 10 V * (2 A + t) less the rails.
    starts = np.array([0.05, 0.1, 0.15, 0.21])
    expected = 10 * (2 + (starts + times_s) / 2) - np.array([5.0, 5.0, 6.0, 7.0])
    assert times_s == pytest.approx([0.1, 0.15, 0.21, 0.25])
    assert values == pytest.approx(expected, abs=0.006)


def test_a_sum_of_signals_of_one_source_is_their_sum_sample_by_sample(writer, tmp_path):
    info = SourceInfo(
        "rails", "jetson-rails", "m", "1", "1", 20.0,
        tuple(Signal(name, Quantity.POWER) for name in ("GPU", "CPU", "SOC")),
    )  # fmt: skip
    combination = Combination(RESULT, "total", [Term(1, name, 1.0) for name in ("GPU", "CPU", "SOC")], Role.TOTAL)
    writer.add_source(1, info)
    combination.begin(1, info, writer)
    times_ns = START_NS + np.array([10, 60, 115, 160], np.int64) * 1_000_000
    parts = tuple(np.array([k, 2 * k, 3 * k, 4 * k], "<f4") for k in (1.0, 10.0, 100.0))
    combination.add(1, Placed(0, parts, times_ns, False, LineChanges(), None), writer)
    _, values, _ = written(writer, tmp_path / "s.plm")
    assert values == pytest.approx([111, 222, 333, 444])
    with SessionReader(tmp_path / "s.plm") as reader:
        row = reader.sources()[-1]
        assert (row.kind, row.model) == ("sum", "rails GPU + rails CPU + rails SOC")
        assert reader.signals()[-1].role is Role.TOTAL


def test_where_one_of_them_is_missing_there_is_no_value_but_a_gap(writer, tmp_path):
    combination = begun(writer, [Term(1, None, 1.0), Term(2, "VDD_IN", -1.0)])
    combination.add(1, meter_block(0, 2000), writer)
    hole = Gap(2000, 2000, START_NS + 200_000_000, START_NS + 400_000_000, "lost on the way")
    combination.add(1, meter_block(4000, 4000, hole), writer)
    times_s = [0.1, 0.15, 0.25, 0.35, 0.45, 0.5]
    combination.add(2, rails_block(0, times_s, [5.0] * 6), writer)
    got_s, _, _ = written(writer, tmp_path / "s.plm")
    assert got_s == pytest.approx([0.1, 0.15, 0.5])
    with SessionReader(tmp_path / "s.plm") as reader:
        (gap,) = reader.gaps()
        assert (gap.source, gap.first, gap.n) == (RESULT, 2, 3)
        assert reader.sources()[-1].kind == "difference"


def test_a_source_that_does_not_come_is_not_waited_for(writer, tmp_path):
    combination = begun(writer, [Term(1, None, 1.0), Term(2, "VDD_IN", -1.0)])
    times_s = [0.05 * k for k in range(1, 400)]
    combination.add(2, rails_block(0, times_s, [5.0] * len(times_s)), writer)
    assert len(combination._due) <= 201
    combination.add(1, meter_block(190_000, 10_000), writer)
    got_s, _, _ = written(writer, tmp_path / "s.plm")
    assert got_s[0] == pytest.approx(19.05)


def test_the_order_in_which_blocks_come_does_not_matter(writer, tmp_path):
    terms = [Term(1, None, 1.0), Term(2, "VDD_IN", -1.0)]
    results = []
    for order in range(2):
        path = tmp_path / f"{order}.plm"
        one = SessionWriter(path)
        combination = begun(one, terms)
        fast = [meter_block(first, 500) for first in range(0, 10_000, 500)]
        slow = [rails_block(k, [0.1 + 0.05 * k], [5.0 + k]) for k in range(15)]
        blocks = [(1, b) for b in fast] + [(2, b) for b in slow]
        if order:
            blocks = [(2, b) for b in slow] + [(1, b) for b in fast]
        for number, block in blocks:
            combination.add(number, block, one)
        results.append(written(one, path)[:2])
        one.close()
    assert results[0][0].tolist() == results[1][0].tolist()
    assert results[0][1] == pytest.approx(results[1][1])


def test_what_has_no_power_to_combine_is_said_in_the_log(writer, tmp_path):
    begun(writer, [Term(1, "watts", 1.0), Term(2, None, -1.0)])
    writer.commit()
    with SessionReader(tmp_path / "s.plm") as reader:
        assert len(reader.sources()) == 2
        assert "beyond is not computed" in reader.log()[0].text


FAST = [
    SourceInfo(
        name, "test", "m", "1", "1", rate_hz, (Signal("power", Quantity.POWER, Role.TOTAL),),
    ) for name, rate_hz in (("one", 20_000.0), ("two", 50_000.0))
]  # fmt: skip


def fast_block(rate_hz: float, first: int, n: int, watts: float, gap: Gap | None = None) -> Placed:
    times_ns = START_NS + np.round((first + np.arange(n)) * 1e9 / rate_hz).astype(np.int64)
    return Placed(first, (np.full(n, watts, "<f4"),), times_ns[[0, -1]], True, LineChanges(), gap)


def fast_pair(writer: SessionWriter) -> Combination:
    combination = Combination(RESULT, "beyond", [Term(1, None, 1.0), Term(2, None, -1.0)], Role.OTHER)
    for number, info in enumerate(FAST, start=1):
        writer.add_source(number, info)
        combination.begin(number, info, writer)
    return combination


def test_two_fast_meters_are_compared_a_thousand_times_a_second(writer, tmp_path):
    combination = fast_pair(writer)
    for k in range(20):
        # Blocks whose ends are no multiples of anything.
        combination.add(1, fast_block(20_000, 1_007 * k, 1_007, 5.0 + k), writer)
        combination.add(2, fast_block(50_000, 2_500 * k, 2_500, 2.0), writer)
    times_s, values, _ = written(writer, tmp_path / "s.plm")
    with SessionReader(tmp_path / "s.plm") as reader:
        assert reader.sources()[-1].rate_hz == pytest.approx(1_000)
        assert reader.gaps() == []
    assert np.diff(times_s) == pytest.approx(np.full(len(times_s) - 1, 0.001), abs=1e-8)
    assert len(values) == pytest.approx(1_000, abs=2)
    block = (times_s * 20_000) // 1_007
    inside = ((times_s - 0.001) * 20_000) // 1_007 == block
    assert values[inside] == pytest.approx(3.0 + block[inside], abs=1e-4)


@pytest.mark.parametrize("stops", [1, 2])
def test_while_one_is_away_for_long_the_others_do_not_pile_up(writer, tmp_path, stops):
    combination = fast_pair(writer)
    goes_on = 3 - stops
    rates = {1: 20_000, 2: 50_000}
    combination.add(stops, fast_block(rates[stops], 0, rates[stops] // 10, 5.0), writer)
    sizes = []
    for k in range(400):
        rate = rates[goes_on]
        combination.add(goes_on, fast_block(rate, k * rate // 10, rate // 10, 2.0), writer)
        sizes.append(sum(len(track._pieces) for tracks in combination._tracks.values() for track in tracks))
        assert len(combination._due) <= 10_100
    assert max(sizes[200:]) <= max(sizes[:150]) + 2
    # It comes back after its hole, and is compared again.
    rate = rates[stops]
    hole = Gap(rate // 10, 1, START_NS, START_NS + 39 * 10**9, "disconnected")
    combination.add(stops, fast_block(rate, 39 * rate, rate, 5.0, hole), writer)
    times_s, values, _ = written(writer, tmp_path / "s.plm")
    sign = 1 if stops == 1 else -1
    back = values[times_s > 1]
    assert back == pytest.approx(np.full(len(back), sign * 3.0), abs=1e-4)
    assert len(back) == pytest.approx(1_000, abs=2)
    with SessionReader(tmp_path / "s.plm") as reader:
        (gap,) = reader.gaps()
        assert gap.end_ns - gap.start_ns == pytest.approx(38.9e9, rel=0.01)


def test_a_slow_pace_is_waited_for_as_long_as_its_samples_are_apart(writer, tmp_path):
    combination = Combination(RESULT, "beyond", [Term(1, None, 1.0), Term(2, None, -1.0)], Role.OTHER)
    slow = SourceInfo("slow", "scpi", "m", "1", "1", 1 / 60, (Signal("power", Quantity.POWER),))
    for number, info in ((1, FAST[0]), (2, slow)):
        writer.add_source(number, info)
        combination.begin(number, info, writer)
    for k in range(140):
        combination.add(1, fast_block(20_000, k * 20_000, 20_000, float(k)), writer)
        if k in {10, 70, 130}:
            combination.add(2, rails_block(k // 60, [k + 1.0], [1.0]), writer)
    times_s, values, _ = written(writer, tmp_path / "s.plm")
    # The first stands for no time that is known.
    assert times_s == pytest.approx([71, 131])
    assert values == pytest.approx([np.arange(11, 71).mean() - 1, np.arange(71, 131).mean() - 1], abs=0.001)


def test_its_times_are_as_sure_as_those_of_its_least_sure_source(writer, tmp_path):
    combination = begun(writer, [Term(1, None, 1.0), Term(2, "VDD_IN", -1.0)])
    combination.clock(1, START_NS, ClockState(10_000.1, 20_000, ClockMethod.LINE), writer)
    combination.clock(2, START_NS, ClockState(19.9, 25_000_000, ClockMethod.POLLED), writer)
    writer.commit()
    with SessionReader(tmp_path / "s.plm") as reader:
        clock = reader.clock(RESULT)
    assert clock is not None
    assert (clock.rate_hz, clock.bound_ns, clock.method) == (19.9, 25_000_000, "polled")
