# SPDX-License-Identifier: Apache-2.0
"""Sessions whose meter misleads: the right sentence, and no finding about power that holds.

The power of the board depends on the network and on the batch size by more than any margin, so a claim that it does
not is wrong whatever the meter shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest

from monitor_app.analysis.findings import Verdict
from monitor_app.analysis.study import study
from monitor_app.core.clock import ClockState
from monitor_app.core.runs import Batch, Phase, RunSpec, RunState
from monitor_app.core.samples import Quantity, Role, Signal, SourceInfo
from monitor_app.session.writer import SessionWriter

if TYPE_CHECKING:
    from pathlib import Path

    from monitor_app.analysis.campaign.cells import Campaign
    from monitor_app.analysis.findings import Finding

IDLE_W = 1.3
NET_W = {"alexnet": 6.0, "resnet18": 7.0, "resnet50": 8.0, "googlenet": 9.0, "vgg16": 12.0}
SIZES = (1, 4, 16)
PER_SIZE = 1.25
"""Factor of net power from one batch size to the next."""
SETTLE_S, IDLE_S, TIMED_S, BATCH_S = 0.4, 1.0, 4.0, 0.2
RUN_S = 2 * (SETTLE_S + IDLE_S) + TIMED_S
S, START_NS = 10**9, 5_000_000_000_000
ABOUT_POWER = {"power-batch", "power-architecture", "power-deviation", "energy-operations", "bandwidth", "slow-meters"}


@dataclass(frozen=True)
class Meter:
    """How a meter sees the board."""

    rate_hz: float = 1000.0
    late_s: float = 0.0
    follows: bool = True
    """Whether it measures the board that the networks run on."""
    block: int = 0
    """Samples of a packet, of which every second one is lost; 0 for none."""

    def power_w(self, times_s: np.ndarray) -> np.ndarray:
        rng = np.random.default_rng(1)
        power = np.full(len(times_s), IDLE_W)
        for k, (network, size) in enumerate(runs()):
            begin_s = k * RUN_S + SETTLE_S + IDLE_S + self.late_s
            busy = (times_s >= begin_s) & (times_s < begin_s + TIMED_S) & self.follows
            power[busy] += NET_W[network] * PER_SIZE ** SIZES.index(size)
        return power + rng.normal(0, 0.02, len(times_s))


def runs() -> list[tuple[str, int]]:
    return [(network, size) for network in NET_W for size in SIZES]


def recorded(path: Path, meter: Meter) -> tuple[Campaign, dict[str, Finding]]:
    """A campaign as this meter shows it, analysed as the commands do."""
    writer = SessionWriter(path)
    signals = (Signal("power", Quantity.POWER, Role.TOTAL, dtype="<f4", accuracy=0.005),)
    writer.add_source(1, SourceInfo("meter", "lines", "Meter", "1", "1", meter.rate_hz, signals))
    _write_samples(writer, meter)
    for number, (network, size) in enumerate(runs(), start=1):
        _write_run(writer, number, RunSpec(network, size))
    writer.write_clock(1, START_NS, ClockState(meter.rate_hz, 1_000_000))
    writer.close()
    found = study([path])
    return found.campaigns[0], {finding.key: finding for finding in found.findings[0]}


def _write_samples(writer: SessionWriter, meter: Meter) -> None:
    times_s = np.arange(0.0, len(runs()) * RUN_S + 2, 1 / meter.rate_hz)
    times_ns = START_NS + np.round(times_s * S).astype(np.int64)
    power = meter.power_w(times_s).astype("<f4")
    block = meter.block or len(power)
    for number, first in enumerate(range(0, len(power), block)):
        last = min(first + block, len(power)) - 1
        if meter.block and number % 2:
            writer.write_gap(1, first, last - first + 1, int(times_ns[first]), int(times_ns[last]), "lost")
        else:
            writer.write_block(1, first, (power[first : last + 1],), int(times_ns[first]), int(times_ns[last]))
    writer.commit()


def _write_run(writer: SessionWriter, number: int, spec: RunSpec) -> None:
    begin_ns = START_NS + round((number - 1) * RUN_S * S)
    timed_ns = begin_ns + round((SETTLE_S + IDLE_S) * S)
    after_ns = timed_ns + round((TIMED_S + SETTLE_S) * S)
    writer.add_run(number, 1, spec, spec.network.title(), RunState.RUNNING)
    phases = (
        (Phase.IDLE_BEFORE, begin_ns + round(SETTLE_S * S), timed_ns),
        (Phase.TIMED, timed_ns, timed_ns + round(TIMED_S * S)),
        (Phase.IDLE_AFTER, after_ns, after_ns + round(IDLE_S * S)),
    )
    for k, (phase, start_ns, end_ns) in enumerate(phases):
        writer.open_span(10 * number + k, number, phase, start_ns)
        writer.close_span(10 * number + k, end_ns)
    starts = timed_ns + np.arange(round(TIMED_S / BATCH_S)) * round(BATCH_S * S)
    writer.write_batches(
        number, [Batch(Phase.TIMED, start, start + round(BATCH_S * S), spec.batch_size) for start in starts.tolist()]
    )
    writer.end_run(number, RunState.DONE, None, after_ns + round(IDLE_S * S))


def test_a_good_meter_shows_that_power_depends_on_both(tmp_path: Path) -> None:
    campaign, found = recorded(tmp_path / "s.plm", Meter())
    assert found["power-batch"].verdict is Verdict.DOES_NOT_HOLD
    assert found["power-architecture"].verdict is Verdict.DOES_NOT_HOLD
    assert not any(cell.doubts for cell in campaign.cells)


@pytest.mark.parametrize(
    ("meter", "sentence"),
    [
        pytest.param(Meter(follows=False), "Power did not rise", id="a meter on another board"),
        pytest.param(Meter(late_s=0.43), "settle_s is shorter than the lag", id="a meter that lags by a little more"),
        pytest.param(Meter(late_s=0.5), "settle_s is shorter than the lag", id="a meter that lags by more"),
        pytest.param(Meter(late_s=1.0), "lags by more than settle_s", id="a meter that lags"),
    ],
)
def test_power_that_cannot_be_that_of_the_runs_is_in_no_finding(tmp_path: Path, meter: Meter, sentence: str) -> None:
    campaign, found = recorded(tmp_path / "s.plm", meter)
    assert all(sentence in " ".join(cell.doubts) for cell in campaign.cells)
    for key in ABOUT_POWER & found.keys():
        assert found[key].verdict is Verdict.NOT_ENOUGH_DATA, key
    assert sentence in found["power-batch"].caution


@pytest.mark.parametrize(
    ("meter", "sentence"),
    [
        pytest.param(Meter(rate_hz=2.0), "only the mean over the run is measured", id="a meter of two values a second"),
        pytest.param(Meter(block=50), "recorded for 49% of the time", id="a meter of which half is lost"),
    ],
)
def test_a_meter_that_shows_little_says_so_and_makes_nothing_hold(tmp_path: Path, meter: Meter, sentence: str) -> None:
    campaign, found = recorded(tmp_path / "s.plm", meter)
    for key in ("power-batch", "power-architecture", "power-deviation"):
        assert found[key].verdict is not Verdict.HOLDS, key
    assert all(sentence in " ".join(cell.notes) for cell in campaign.cells)
