# SPDX-License-Identifier: Apache-2.0
"""The sync line: which edge was which, what it does to the bound, and wires that cannot be used."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from monitor_app.bench.acquisition.sync_line import EdgeLog, GpioWire, SentEdge, SimulatedWire, SyncDriver
from monitor_app.bench.acquisition.timeline import Timeline
from monitor_app.core.clock import ClockMethod
from monitor_app.core.errors import SourceError
from monitor_app.core.host_time import host_time_ns
from monitor_app.core.samples import LineChanges, Quantity, SampleBlock, Signal, SourceInfo
from monitor_app.emulators.board.load_signal import LoadSignalReceiver

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

START_NS = 7_000_000_000_000
S = 1_000_000_000


def test_an_edge_is_found_by_its_time_and_its_level_unless_two_may_be_meant():
    log = EdgeLog()
    rise, fall, second = (SentEdge(START_NS + k * S, START_NS + k * S + 20_000, level) for k, level in
                          ((0, True), (1, False), (2, True)))  # fmt: skip
    for edge in (rise, fall, second):
        log.add(edge)
    assert log.nearest(START_NS + 1_000_000, True, 2_000_000) is rise
    assert log.nearest(START_NS + 1_000_000, False, 2_000_000) is None
    assert log.nearest(START_NS + S - 1_000_000, False, 2_000_000) is fall
    assert log.nearest(START_NS + S, True, 3 * S) is None


@pytest.mark.parametrize("rate_hz", [20_000.0, 100_000.0])
@pytest.mark.parametrize("ppm", [-100, 0, 100])
def test_edges_bring_the_bound_below_fifty_microseconds_and_the_truth_within_it(rate_hz, ppm):
    rng = np.random.default_rng(5)
    info = SourceInfo(
        "meter", "ppk2", "m", "1", "1", rate_hz, (Signal("current", Quantity.CURRENT),), ("busy", "sync")
    )  # fmt: skip
    log = EdgeLog()
    timeline = Timeline(log)
    timeline.connect(info, "sync")
    period_ns = 1e9 / (rate_hz * (1 + ppm * 1e-6))
    n, level, errors, bounds = round(rate_hz / 100), False, [], []
    next_edge_ns = START_NS + 100_000_000.0
    for block in range(100 * 40):
        first = block * n
        end_ns = START_NS + (first + n) * period_ns
        changes = LineChanges()
        if next_edge_ns < end_ns - period_ns:
            level = not level
            sent_ns = round(next_edge_ns)
            log.add(SentEdge(sent_ns - 8_000, sent_ns + 5_000, level))
            index = int(np.ceil((next_edge_ns - START_NS) / period_ns))
            changes = LineChanges(np.array([index]), np.array([1], np.uint8), np.array([level], np.uint8))
            next_edge_ns += rng.uniform(0.25, 0.75) * S
        arrival_ns = round(end_ns + 200_000 + rng.exponential(1e6))
        for placed in timeline.add(SampleBlock(first, (np.zeros(n, "<f4"),), arrival_ns, 0, changes)):
            errors.append(abs(int(placed.times_ns[0]) - (START_NS + placed.first * period_ns)))
            bounds.append(timeline.state.bound_ns)
    assert timeline.state.method is ClockMethod.LINE
    assert (np.array(errors) <= np.array(bounds))[1000:].all()
    assert max(bounds[2000:]) <= 50_000
    assert timeline.state.rate_hz == pytest.approx(rate_hz * (1 + ppm * 1e-6), rel=2e-6)


def test_an_edge_that_nobody_sent_changes_nothing():
    info = SourceInfo("meter", "ppk2", "m", "1", "1", 1000.0, (Signal("current", Quantity.CURRENT),), ("sync",))
    timeline = Timeline(EdgeLog())
    timeline.connect(info, "sync")
    changes = LineChanges(np.array([5]), np.array([0], np.uint8), np.array([1], np.uint8))
    timeline.add(SampleBlock(0, (np.zeros(10, "<f4"),), START_NS, 0, changes))
    assert timeline.state.method is ClockMethod.ARRIVAL


def test_the_wire_of_a_simulated_board_is_seen_by_every_instrument_on_it(
    tmp_path: Path, wait_until: Callable[..., None]
):
    receivers = [LoadSignalReceiver(tmp_path / name) for name in ("a", "b")]
    log = EdgeLog()
    driver = SyncDriver(lambda: SimulatedWire([tmp_path / "a", tmp_path / "b"]), log, 0.05)
    wait_until(lambda: len(log._edges) >= 4)
    driver.close()
    driver.close()
    sent = [(edge.earliest_ns, edge.level) for edge in log._edges]
    assert [level for _, level in sent] == [k % 2 == 0 for k in range(len(sent))]
    for receiver in receivers:
        got = receiver.read()
        assert [change.host_ns for change in got][: len(sent)] == [host_ns for host_ns, _ in sent]
        receiver.close()


def test_a_pin_is_switched_between_two_looks_at_the_clock_and_left_low():
    calls: list[tuple[object, ...]] = []
    gpio = SimpleNamespace(
        BOARD=10, OUT=0, LOW=0, HIGH=1, setmode=lambda mode: calls.append(("mode", mode)),
        setup=lambda pin, way, initial: calls.append(("setup", pin, initial)),
        output=lambda pin, level: calls.append(("output", pin, level)),
        cleanup=lambda pin: calls.append(("cleanup", pin)),
    )  # fmt: skip
    wire = GpioWire(7, gpio)
    before_ns = host_time_ns()
    edge = wire.set(True)
    assert before_ns <= edge.earliest_ns <= edge.latest_ns <= host_time_ns()
    wire.close()
    assert calls == [
        ("mode", 10), ("setup", 7, 0), ("output", 7, 1), ("output", 7, 0), ("cleanup", 7)
    ]  # fmt: skip


def test_a_pin_that_cannot_be_used_is_said_in_a_sentence():
    def refuse(*_: object, **__: object) -> None:
        raise ValueError("channel 99 is invalid")

    gpio = SimpleNamespace(BOARD=10, OUT=0, LOW=0, setmode=lambda mode: None, setup=refuse)
    with pytest.raises(SourceError, match="Pin 99 cannot be used as the sync line"):
        GpioWire(99, gpio)


def test_without_the_library_the_bench_says_how_to_get_it(wait_until: Callable[..., None]):
    driver = SyncDriver(lambda: GpioWire(7), EdgeLog(), 0.05)
    wait_until(lambda: bool(driver.message))
    driver.close()
    assert "pip install Jetson.GPIO" in driver.message
