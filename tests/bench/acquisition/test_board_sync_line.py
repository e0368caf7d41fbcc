# SPDX-License-Identifier: Apache-2.0
"""A sync line that a board elsewhere switches: what the link is off cancels between the meter and the board."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import numpy as np
import pytest

from monitor_app.analysis.run.delay import find_delay
from monitor_app.bench.acquisition.sync_line import BoardStamps, BoardWire, EdgeLog, SyncDriver
from monitor_app.bench.acquisition.timeline import Timeline
from monitor_app.core.clock import ClockMethod
from monitor_app.core.errors import BoardLostError, PortError, SourceError, SourceLostError
from monitor_app.core.samples import LineChanges, Quantity, SampleBlock, Signal, SourceInfo, TimeMark
from monitor_app.remote.clock import LinkClock, RoundTrip
from monitor_app.remote.link import Link
from tests.remote.agent.boards import FakeBoard
from tests.remote.simulated_link import BOARD_ZERO_NS, HOST_ZERO_NS, Oscillator, Pipe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

RATE_HZ = 20_000.0
S = 1_000_000_000
PIPES = {
    "asymmetric": (Pipe(2.0, 1.0), Pipe(0.2, 0.1)),
    "slow and late": (Pipe(2.0, 1.0, 0.1), Pipe(2.0, 1.0, 0.1)),
    "quick": (Pipe(0.1, 0.05, 0.02), Pipe(0.1, 0.05, 0.02)),
}


class Laboratory:
    """A PC, a board and a meter with clocks of their own, computed without waiting; times are true seconds."""

    def __init__(self, up: Pipe, down: Pipe, seed: int, ppms: tuple[float, float, float]) -> None:
        self.rng = np.random.default_rng(seed)
        self.host = Oscillator(HOST_ZERO_NS, ppms[0], wander_ppm=2)
        self.board = Oscillator(BOARD_ZERO_NS, ppms[1], wander_ppm=2, phase=1.0)
        self.meter_ppm = ppms[2]
        self.up, self.down = Pipe(up.ms, up.jitter_ms, up.late), Pipe(down.ms, down.jitter_ms, down.late)
        self.link = LinkClock()
        self.log = EdgeLog()
        self.stamps = BoardStamps(self.link)
        self.timeline = Timeline(self.log)
        info = SourceInfo("meter", "ppk2", "m", "1", "1", RATE_HZ, (Signal("p", Quantity.POWER),), ("sync",))
        self.timeline.connect(info, "sync")
        self._asked_s = self._edge_s = 0.0
        self._level = False

    def sample_s(self, index: float) -> float:
        return index / (RATE_HZ * (1 + self.meter_ppm * 1e-6)) + 4.0

    def talk_until(self, end_s: float) -> None:
        """Questions about the board's clock."""
        while self._asked_s < end_s:
            received_s = self.up.arrives_s(self._asked_s, self.rng)
            replied_s = received_s + 40e-6
            answered_s = self.down.arrives_s(replied_s, self.rng)
            stamps = self.host.ns(self._asked_s), self.board.ns(received_s), self.board.ns(replied_s)
            self.link.add(RoundTrip(*stamps, self.host.ns(answered_s)))
            self._asked_s = max(self._asked_s + 0.2, answered_s)

    def changes_until(self, end_s: float) -> LineChanges:
        """The edge that the board has sent and the meter has seen by now, if there is one."""
        if self._edge_s == 0.0:
            self._edge_s = end_s
        if self._edge_s > end_s - 1 / RATE_HZ:
            return LineChanges()
        at_s, self._level = self._edge_s, not self._level
        self._edge_s += self.rng.uniform(0.5, 1.5)
        self.log.add(self.stamps.edge(self.board.ns(at_s - 8e-6), self.board.ns(at_s + 5e-6), self._level))
        index = int(np.ceil((at_s - 4.0) * RATE_HZ * (1 + self.meter_ppm * 1e-6)))
        return LineChanges(np.array([index]), np.array([0], np.uint8), np.array([self._level], np.uint8))

    def run(self, seconds: float, marks: bool) -> tuple[list[float], list[int], list[int]]:
        """Errors against what the link makes of the board's time, bounds, and bounds of the link."""
        errors, bounds, links = [], [], []
        n = round(RATE_HZ / 20)
        for first in range(0, round(seconds * RATE_HZ), n):
            end_s = self.sample_s(first + n)
            self.talk_until(end_s)
            changes = self.changes_until(end_s)
            if marks and first % (10 * n) == 0:
                at_s = self.sample_s(first + n - 1)
                earliest_ns = self.host.ns(at_s - self.rng.uniform(0.1e-3, 1e-3))
                latest_ns = self.host.ns(at_s + self.rng.uniform(0.1e-3, 1e-3))
                self.timeline.add_mark(TimeMark(first + n - 1, earliest_ns, latest_ns))
            arrival_ns = self.host.ns(end_s + 200e-6 + self.rng.exponential(1e-3))
            for placed in self.timeline.add(SampleBlock(first, (np.zeros(n, "<f4"),), arrival_ns, 0, changes)):
                state = self.timeline.state
                if state.method is ClockMethod.LINE and end_s > 20:
                    board_ns = np.array([self.board.ns(self.sample_s(placed.first))], np.int64)
                    errors.append(float(placed.times_ns[0] - self.link.host_ns(board_ns)[0]))
                    bounds.append(state.bound_ns)
                    links.append(self.link.state.bound_ns)
        return errors, bounds, links


@pytest.mark.parametrize("marks", [False, True], ids=["arrivals", "marks"])
@pytest.mark.parametrize("way", PIPES)
def test_the_meter_follows_the_boards_time_as_the_link_has_it(way: str, marks: bool) -> None:
    ppms = (20.0, -50.0, 80.0) if marks else (-60.0, 90.0, -30.0)
    errors, bounds, links = Laboratory(*PIPES[way], seed=3, ppms=ppms).run(90.0, marks)
    assert len(errors) > 1000
    outside = np.abs(errors) > np.array(bounds)
    assert not outside.any()
    if way != "quick":
        # The link alone is off by half a millisecond and more, and its bound says so.
        assert np.median(links) > 500_000
    assert np.median(bounds) < 150_000


def test_the_delay_of_a_load_step_sequence_contains_what_the_link_is_off() -> None:
    lab = Laboratory(*PIPES["asymmetric"], seed=5, ppms=(20.0, -50.0, 80.0))
    lab.talk_until(40.0)
    # The board switches, and stamps, at these true times; the meter shows the true power in host time.
    edges_s = 30.0 + np.cumsum(lab.rng.uniform(0.15, 0.6, 24))
    edges_ns = lab.link.host_ns(np.array([lab.board.ns(each) for each in edges_s], np.int64))
    times_s = np.arange(29.5, edges_s[-1] + 2.0, 1e-4)
    power_w = np.ones(len(times_s))
    for edge_s, target_w in zip(edges_s, np.resize([5.0, 1.0], len(edges_s)), strict=True):
        after = times_s >= edge_s
        power_w[after] += (target_w - power_w[after][0]) * (1 - np.exp(-(times_s[after] - edge_s) / 0.01))
    times_ns = np.array([lab.host.ns(each) for each in times_s], np.int64)
    found = find_delay(edges_ns, times_ns, power_w + lab.rng.normal(0, 0.05, len(power_w)))
    off_ns = np.array([lab.host.ns(each) for each in edges_s], np.int64) - edges_ns
    assert found is not None
    # Half of the difference of the two ways, which no question can see.
    assert abs(np.mean(off_ns)) > 300_000
    assert found.bound_ns < 200_000
    assert abs(found.delay_ns - np.mean(off_ns)) < found.bound_ns + np.ptp(off_ns)


# -- the pin of a board ------------------------------------------------------------------------------

LIBRARY = """
import os, time
BOARD, OUT, LOW, HIGH = 10, 0, 0, 1
def write(*words):
    with open(os.environ["PYTHON_PIN_LOG"], "a") as file:
        file.write(" ".join(map(str, words)) + "\\n")
def setmode(mode): write("mode", mode)
def setup(pin, way, initial):
    if pin == 99: raise ValueError("channel 99 is invalid")
    write("setup", pin, initial)
def output(pin, level): write(time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW), level)
def cleanup(pin): write("cleanup", pin)
"""


class PinBoard:
    """A board with Jetson.GPIO, which writes what it does into a file."""

    def __init__(self, folder: Path, library: bool = True) -> None:
        self.fake = FakeBoard(folder)
        self.log = folder / "pin"
        if library:
            (folder / "python/Jetson").mkdir(parents=True)
            (folder / "python/Jetson/__init__.py").touch()
            (folder / "python/Jetson/GPIO.py").write_text(LIBRARY)
        self._links: list[Link] = []

    def connect(self) -> Link:
        env = {"PYTHONPATH": str(self.fake.folder / "python"), "PYTHON_PIN_LOG": str(self.log)}
        self._links.append(Link(self.fake.reached(env=env), payload=self.fake.payload(), wait_s=30.0))
        self._links[-1].connect()
        return self._links[-1]

    def link(self) -> Link:
        if not self._links or self._links[-1].ended:
            raise BoardLostError("board is not connected yet: wait a moment.")
        return self._links[-1]

    def lines(self) -> list[list[str]]:
        return [line.split() for line in self.log.read_text().splitlines()] if self.log.exists() else []

    def close(self) -> None:
        for each in self._links:
            each.close()


@pytest.fixture
def pin_board(tmp_path: Path) -> Iterator[PinBoard]:
    made = PinBoard(tmp_path)
    yield made
    made.close()


def test_the_pin_of_a_board_is_switched_between_two_stamps_of_it_and_left_low(pin_board: PinBoard) -> None:
    link = pin_board.connect()
    wire = BoardWire(7, pin_board.link)
    edges = [wire.set(level) for level in (True, False, True)]
    wire.close()
    assert pin_board.lines()[:2] == [["mode", "10"], ["setup", "7", "0"]]
    switched = [(int(at_ns), int(level)) for at_ns, level in pin_board.lines()[2:5]]
    # Both ends are on one machine, so its times are host times too.
    for (at_ns, level), edge in zip(switched, edges, strict=True):
        assert edge.mapped is not None
        within_ns = edge.mapped.bound_ns
        assert edge.earliest_ns - within_ns <= at_ns <= edge.latest_ns + within_ns
        assert edge.level == level
    assert [level for _, level in switched] == [1, 0, 1]
    assert [line[-1] for line in pin_board.lines()[5:]] == ["0", "7"]
    assert not link.ended


def test_a_pin_of_a_board_that_cannot_be_used_is_said_in_a_sentence(pin_board: PinBoard) -> None:
    pin_board.connect()
    with pytest.raises(SourceError, match=r"Pin 99 of board cannot be used .*channel 99 is invalid") as caught:
        BoardWire(99, pin_board.link)
    assert not isinstance(caught.value, PortError | SourceLostError)


def test_a_board_without_the_library_is_said_in_a_sentence(tmp_path: Path) -> None:
    board = PinBoard(tmp_path, library=False)
    try:
        board.connect()
        with pytest.raises(SourceError, match=r"Pin 7 of board .*No module named 'Jetson'.*install Jetson\.GPIO there"):
            BoardWire(7, board.link)
    finally:
        board.close()


def test_the_sync_line_comes_back_with_the_board(
    pin_board: PinBoard, wait_until: Callable[[Callable[[], bool]], None]
) -> None:
    log = EdgeLog()
    driver = SyncDriver(lambda: BoardWire(7, pin_board.link), log, 0.05)
    try:
        wait_until(lambda: "not connected" in driver.message)
        link = pin_board.connect()
        wait_until(lambda: not driver.message and len(log) > 2)
        first = log.newest
        os.kill(link.hello.pid, signal.SIGKILL)
        wait_until(lambda: bool(driver.message))
        ways = ("The agent on board is gone", "not connected", "was lost with the link")  # whichever is seen first
        assert any(words in driver.message for words in ways)
        pin_board.connect()
        wait_until(lambda: not driver.message and log.newest.mapped.link != first.mapped.link)
    finally:
        driver.close()
    assert pin_board.lines()[-1] == ["cleanup", "7"]
