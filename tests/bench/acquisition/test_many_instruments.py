# SPDX-License-Identifier: Apache-2.0
"""Several instruments in one session on one time base: what they agree on, and what happens when one is disturbed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
import pytest

from monitor_app.bench.bench import Bench
from monitor_app.core.errors import MonitorError
from monitor_app.core.host_time import host_time_ns
from monitor_app.core.load_signal import LoadSignal
from monitor_app.core.status import SourceState
from monitor_app.session.reader import SessionReader
from monitor_app.sources.profile_reader import parse_profile, parse_source
from tests.conftest import Tries
from tests.sources.jetson.tree import JetsonTree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from monitor_app.session.rows import SignalRow

# Five instruments at their full rates: a machine that is busy with other work loses samples of them.
pytestmark = pytest.mark.realtime

IDLE_W, LOAD_W = 1.30, 11.80
RISE_S = 0.040
MS = 1_000_000

METERS = """
title = "everything"
[[source]]
kind = "shunt"
emulate = "tx1"
clock_ppm = 80
[[source]]
kind = "powersensor3"
emulate = "tx1"
clock_ppm = -60
roles = { tx1 = "total" }
[[source]]
kind = "ppk2"
emulate = "tx1"
supply_v = 5.0
clock_ppm = 100
[[source]]
kind = "lines"
emulate = "tx1"
format = "edgepowermeter"
[[source]]
kind = "lines"
name = "csv"
emulate = "tx1"
format = "csv"
time = { field = 0, scale_s = 1e-6 }
columns = [
    { name = "current", field = 1, quantity = "A", scale = 0.001 },
    { name = "voltage", field = 2, quantity = "V" },
]
"""
SHARE = {"ppk2": 1 / 8}
"""The board behind the kit draws an eighth."""


class Recording:
    """A session with what the test did to it."""

    def __init__(self, text: str, path: Path) -> None:
        self.path = path
        self.bench = Bench(parse_profile(text, "test"), text, path)

    def wait_for(self, *states: SourceState, timeout_s: float = 60.0) -> None:
        self.wait(lambda: all(s.state in states for s in self.bench.status().sources), timeout_s)

    def wait(self, condition: Callable[[], bool], timeout_s: float = 60.0) -> None:
        deadline = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < deadline, [(s.name, s.state, s.message) for s in self.bench.status().sources]
            time.sleep(0.01)

    def record_for(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        self.wait(lambda: time.monotonic() > end)


@pytest.fixture
def recordings(tmp_path: Path) -> Iterator[Callable[[str], Recording]]:
    made: list[Recording] = []

    def record(text: str) -> Recording:
        made.append(Recording(text, tmp_path / f"{len(made)}.plm"))
        return made[-1]

    yield record
    for recording in made:
        recording.bench.close()


def total_of(reader: SessionReader, name: str) -> SignalRow:
    """The power that a source gives its board."""
    (source,) = [s for s in reader.sources() if s.name == name]
    powers = [s for s in reader.signals() if s.source == source.id and s.role.value == "total"]
    assert len(powers) == 1, powers
    return powers[0]


def crossing_ns(times_ns: np.ndarray, power_w: np.ndarray, level_w: float, window_ns: int) -> int:
    """When a rising power has passed a level, on means over a window, each at the middle of its window."""
    n = max(1, round(window_ns * len(times_ns) / (times_ns[-1] - times_ns[0])))
    means = np.convolve(power_w, np.ones(n) / n, "valid")
    middles = (times_ns[: len(means)] + times_ns[n - 1 :]) / 2
    return int(middles[int(np.argmax(means > level_w))])


class Pulse:
    """A session of all meters in which the board was busy for a while."""

    def __init__(self, path: Path) -> None:
        recording = Recording(METERS, path)
        try:
            recording.wait_for(SourceState.STREAMING)
            recording.record_for(1.5)
            lamp = LoadSignal(
                *[i.load_signal for i in recording.bench._sources.instruments if i.load_signal is not None]
            )
            self.on_ns = host_time_ns()
            lamp.set(True, self.on_ns)
            recording.record_for(0.8)
            self.off_ns = host_time_ns()
            lamp.set(False, self.off_ns)
            lamp.close()
            recording.record_for(1.0)
            self.statuses = recording.bench.status().sources
        finally:
            recording.bench.close()
        self.path = path


@pytest.fixture(scope="module")
def pulse(tmp_path_factory: pytest.TempPathFactory) -> Tries[Pulse]:
    return Tries(lambda _: Pulse(tmp_path_factory.mktemp("many") / "s.plm"))


NAMES = ["shunt", "powersensor3", "ppk2", "lines", "csv"]


def test_all_are_in_one_file_and_say_what_they_are(pulse: Pulse) -> None:
    with SessionReader(pulse.path) as reader:
        assert [source.name for source in reader.sources()] == NAMES
        assert all(source.simulated for source in reader.sources())
        assert reader.gaps() == []
    assert all(status.lost_samples == 0 for status in pulse.statuses)


@pytest.mark.parametrize("name", NAMES)
def test_each_measures_the_same_board(pulse: Pulse, name: str) -> None:
    with SessionReader(pulse.path) as reader:
        signal = total_of(reader, name)
        idle = reader.statistics(signal.id, pulse.on_ns - 800 * MS, pulse.on_ns - 20 * MS)
        busy = reader.statistics(signal.id, pulse.on_ns + 400 * MS, pulse.off_ns)
    share = SHARE.get(name, 1.0)
    # A tenth of the coarsest step: the noise of each is wider than its step, so that means are finer.
    step_w = 0.5 if name == "powersensor3" else 0.01
    assert idle.mean == pytest.approx(IDLE_W * share, abs=0.1 * step_w + 0.003)
    # Over less than half a second the activity of the work itself does not quite average out.
    assert busy.mean == pytest.approx((IDLE_W + LOAD_W) * share, rel=0.01, abs=0.1 * step_w)


@pytest.mark.parametrize("name", NAMES)
def test_an_edge_of_the_load_has_one_time_for_all_within_their_bounds(pulse: Pulse, name: str) -> None:
    window_ns = 4 * MS
    with SessionReader(pulse.path) as reader:
        signal = total_of(reader, name)
        clock = reader.clock(signal.source, pulse.on_ns + 10**9)
        times_ns, power_w = reader.samples(signal.id, pulse.on_ns - 50 * MS, pulse.on_ns + 150 * MS)
        rate_hz = reader.sample_rate_hz(signal.id)
    assert clock is not None
    assert rate_hz is not None
    share = SHARE.get(name, 1.0)
    # Half of the step is reached after tau * ln 2; the activity moves that by a millisecond or so.
    due_ns = pulse.on_ns + round(RISE_S * np.log(2) * 1e9)
    seen_ns = crossing_ns(times_ns, power_w, (IDLE_W + LOAD_W / 2) * share, window_ns)
    # Without a mark a bound rests on one early arrival, which a machine that is busy with tests may not grant.
    late_ns = 10 * MS if clock.method == "polled" else 0
    assert seen_ns == pytest.approx(due_ns, abs=clock.bound_ns + 2.5 * MS + 1e9 / rate_hz + late_ns)


@pytest.mark.parametrize(("name", "ppm"), [("shunt", 80), ("ppk2", 100)])
def test_a_line_ties_the_clocks_within_seconds(pulse: Pulse, name: str, ppm: float) -> None:
    with SessionReader(pulse.path) as reader:
        (source,) = [source for source in reader.sources() if source.name == name]
        clock = reader.clock(source.id)
    assert clock is not None
    assert clock.method == "line"
    assert clock.rate_hz == pytest.approx(source.rate_hz * (1 + ppm * 1e-6), rel=500e-6)


FAULTY = """
title = "one is unplugged"
[[source]]
kind = "shunt"
emulate = "tx1"
rate_hz = 10_000
faults = ["unplug@3:1"]
[[source]]
kind = "powersensor3"
emulate = "tx1"
roles = { tx1 = "total" }
faults = ["unplug@3:1"]
[[source]]
kind = "ppk2"
emulate = "tx1"
supply_v = 5.0
faults = ["unplug@3:1"]
[[source]]
kind = "lines"
emulate = "tx1"
format = "edgepowermeter"
faults = ["unplug@3.5:1"]
[[source]]
kind = "shunt"
name = "witness"
emulate = "tx1"
rate_hz = 1000
"""
UNPLUGGED = ["shunt", "powersensor3", "ppk2", "lines"]
OUT_S = 1.0


class Unplugged:
    """A session in which four instruments were unplugged for a second and put back, and one was not."""

    def __init__(self, path: Path) -> None:
        recording = Recording(FAULTY, path)
        try:
            recording.wait_for(SourceState.STREAMING)
            for state in (SourceState.LOST, SourceState.STREAMING):
                waiting = set(UNPLUGGED)

                def all_have_been(state: SourceState = state, waiting: set[str] = waiting) -> bool:
                    waiting -= {s.name for s in recording.bench.status().sources if s.state is state}
                    return not waiting

                recording.wait(all_have_been)
            recording.wait(lambda: all(s.lost_samples for s in recording.bench.status().sources if s.name != "witness"))
            recording.record_for(0.7)
        finally:
            recording.bench.close()
        self.path = path


@pytest.fixture(scope="module")
def unplugged(tmp_path_factory: pytest.TempPathFactory) -> Tries[Unplugged]:
    return Tries(lambda _: Unplugged(tmp_path_factory.mktemp("unplugged") / "s.plm"))


@pytest.mark.parametrize("name", UNPLUGGED)
def test_what_was_unplugged_goes_on_in_the_same_row_after_a_gap(unplugged: Unplugged, name: str) -> None:
    with SessionReader(unplugged.path) as reader:
        assert [source.name for source in reader.sources()] == [*UNPLUGGED, "witness"]
        (source,) = [source for source in reader.sources() if source.name == name]
        (gap,) = [gap for gap in reader.gaps() if gap.source == source.id]
        assert gap.reason == "disconnected"
        out_s = (gap.end_ns - gap.start_ns) * 1e-9
        # Out for a second, back within two; before that it is asked who it is.
        assert OUT_S - 0.05 < out_s < OUT_S + 2.0
        assert gap.n == pytest.approx(out_s * source.rate_hz, rel=2e-3, abs=2)
        signal = total_of(reader, name)
        bound_ns = reader.clock(source.id).bound_ns
        inside, _ = reader.samples(signal.id, gap.start_ns + bound_ns, gap.end_ns - bound_ns)
        assert len(inside) == 0
        extent = reader.extent()
        times_ns, power_w = reader.samples(signal.id, extent.start_ns, extent.end_ns + 1)
        assert (np.diff(times_ns) > 0).all()
        assert times_ns[-1] > gap.end_ns + 300 * MS
        for part in (times_ns < gap.start_ns, times_ns > gap.end_ns):
            assert power_w[part].mean() == pytest.approx(IDLE_W * SHARE.get(name, 1.0), rel=0.06)


def test_the_other_goes_on_without_a_gap(unplugged: Unplugged) -> None:
    with SessionReader(unplugged.path) as reader:
        (witness,) = [source for source in reader.sources() if source.name == "witness"]
        assert [gap for gap in reader.gaps() if gap.source == witness.id] == []
        marks = [mark for mark in reader.marks() if mark.kind == "lost"]
        assert len(marks) == len(UNPLUGGED)
        signal = total_of(reader, "witness")
        extent = reader.extent()
        assert reader.statistics(signal.id, extent.start_ns, extent.end_ns).coverage > 0.9


DISTURBED = """
title = "garbage, drops, stalls and a reset"
[[source]]
kind = "shunt"
emulate = "tx1"
rate_hz = 10_000
faults = ["garbage@2:200", "drop@2.4:777", "stall@2.8:0.5", "reset@3.8"]
[[source]]
kind = "powersensor3"
emulate = "tx1"
roles = { tx1 = "total" }
faults = ["garbage@2:200", "drop@2.4:777", "stall@2.8:0.5", "reset@3.8"]
[[source]]
kind = "ppk2"
emulate = "tx1"
supply_v = 5.0
faults = ["garbage@2:200", "drop@2.4:777", "stall@2.8:0.5", "reset@3.8"]
[[source]]
kind = "lines"
emulate = "tx1"
format = "edgepowermeter"
faults = ["garbage@2.5:200", "drop@2.9:777", "stall@3.3:0.5", "reset@4.3"]
"""


@pytest.fixture(scope="module")
def disturbed(tmp_path_factory: pytest.TempPathFactory) -> Tries[Path]:
    return Tries(lambda _: recorded_disturbed(tmp_path_factory.mktemp("disturbed") / "s.plm"))


def recorded_disturbed(path: Path) -> Path:
    recording = Recording(DISTURBED, path)
    try:
        recording.wait_for(SourceState.STREAMING)
        began = time.monotonic()
        recording.wait(lambda: time.monotonic() > began + 5.5)
        recording.wait_for(SourceState.STREAMING)
        recording.record_for(0.7)
    finally:
        recording.bench.close()
    return path


LIMITS_W = {
    "shunt": (1.2, 1.4),
    "powersensor3": (-1.5, 4.0),
    # The first samples of a stream may still be settling.
    "ppk2": (0.1, 0.3),
    "lines": (1.2, 1.4),
}
"""What an idle board can look like to each, with the noise and the ripple that it has."""


@pytest.mark.parametrize("name", UNPLUGGED)
def test_a_disturbed_line_costs_samples_but_makes_none(disturbed: Path, name: str) -> None:
    with SessionReader(disturbed) as reader:
        (source,) = [source for source in reader.sources() if source.name == name]
        gaps = [gap for gap in reader.gaps() if gap.source == source.id]
        signal = total_of(reader, name)
        extent = reader.extent()
        times_ns, power_w = reader.samples(signal.id, extent.start_ns, extent.end_ns + 1)
        rate_hz = reader.sample_rate_hz(signal.id)
    assert (np.diff(times_ns) > 0).all()
    low, high = LIMITS_W[name]
    assert low < power_w.min()
    assert power_w.max() < high
    lost = sum(gap.n for gap in gaps if gap.reason == "lost on the way")
    assert lost > 0
    # All that is missing is in a gap: what came and what was lost fill the time.
    span_s = (times_ns[-1] - times_ns[0]) * 1e-9
    assert len(times_ns) + sum(gap.n for gap in gaps) == pytest.approx(span_s * source.rate_hz, rel=1.5e-3)
    assert rate_hz is not None


def rails_profile(root: Path, more: str) -> str:
    return f'title = "rails"\n[[source]]\nkind = "jetson-rails"\nroot = "{root}"\n{more}'


def test_rails_and_a_meter_are_reconciled(tmp_path: Path, recordings: Callable[[str], Recording]) -> None:
    tree = JetsonTree(tmp_path / "root")
    tree.device_tree("NVIDIA Jetson Xavier NX", "nvidia,p3509-0000+p3668-0001", "nvidia,tegra194")
    tree.hwmon("7-0040", {1: "VDD_IN", 2: "VDD_CPU_GPU_CV", 3: "VDD_SOC"}, mv=5000, ma=180, interval_ms=20)
    recording = recordings(rails_profile(tree.root, '[[source]]\nkind = "shunt"\nemulate = "tx1"\nrate_hz = 10_000\n'))
    recording.wait_for(SourceState.STREAMING)
    recording.record_for(1.2)
    recording.bench.close()
    with SessionReader(recording.path) as reader:
        assert [s.name for s in reader.sources()] == ["rails", "shunt", "carrier and regulators"]
        beyond = reader.sources()[-1]
        assert beyond.kind == "difference"
        assert beyond.simulated
        (signal,) = [s for s in reader.signals() if s.source == beyond.id]
        extent = reader.extent()
        found = reader.statistics(signal.id, extent.start_ns, extent.end_ns)
    assert found.count > 10
    assert found.mean == pytest.approx(IDLE_W - 5.0 * 0.180, abs=0.01)


def test_the_total_of_a_board_is_the_sum_of_rails_on_two_chips(
    tmp_path: Path, recordings: Callable[[str], Recording]
) -> None:
    tree = JetsonTree(tmp_path / "root")
    tree.device_tree("NVIDIA Jetson AGX Xavier", "nvidia,p2972-0000", "nvidia,tegra194")
    tree.hwmon("1-0040", {1: "GPU", 2: "CPU", 3: "SOC"}, mv=19_000, ma=100, interval_ms=20)
    tree.hwmon("1-0041", {1: "CV", 2: "VDDRQ", 3: "SYS5V"}, mv=19_000, ma=200, interval_ms=30)
    recording = recordings(rails_profile(tree.root, ""))
    recording.wait_for(SourceState.STREAMING)
    recording.record_for(1.0)
    recording.bench.close()
    with SessionReader(recording.path) as reader:
        total = reader.sources()[-1]
        assert (total.name, total.kind) == ("total of Jetson AGX Xavier", "sum")
        assert not total.simulated
        (signal,) = [s for s in reader.signals() if s.source == total.id]
        assert signal.role.value == "total"
        extent = reader.extent()
        found = reader.statistics(signal.id, extent.start_ns, extent.end_ns)
    assert found.count > 10
    assert found.mean == pytest.approx(19.0 * (0.100 + 0.101 + 0.102 + 0.200 + 0.201 + 0.202), rel=1e-6)


def test_an_instrument_can_be_added_while_others_are_read(recordings: Callable[[str], Recording]) -> None:
    recording = recordings('title = "grows"\n[[source]]\nkind = "shunt"\nemulate = "tx1"\nrate_hz = 10_000\n')
    recording.wait_for(SourceState.STREAMING)
    recording.bench.add_source(parse_source({"kind": "ppk2", "emulate": "tx1", "supply_v": 5.0}))
    with pytest.raises(MonitorError, match="already: give the new one another name"):
        recording.bench.add_source(parse_source({"kind": "ppk2", "emulate": "tx1"}))
    recording.wait(lambda: len(recording.bench.status().sources) == 2)
    recording.wait_for(SourceState.STREAMING)
    recording.record_for(0.8)
    recording.bench.close()
    with SessionReader(recording.path) as reader:
        assert [(s.id, s.name) for s in reader.sources()] == [(1, "shunt"), (2, "ppk2")]
        assert reader.gaps() == []
        signal = total_of(reader, "ppk2")
        extent = reader.extent()
        assert reader.statistics(signal.id, extent.start_ns, extent.end_ns).mean == pytest.approx(IDLE_W / 8, rel=0.02)
