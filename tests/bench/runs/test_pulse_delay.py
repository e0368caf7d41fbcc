# SPDX-License-Identifier: Apache-2.0
"""The pulse train before the first run, once through all: played, recorded, found, stored, used."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from monitor_app.analysis.run.inputs import delay_of
from monitor_app.bench.bench import Bench
from monitor_app.core.status import SourceState
from monitor_app.inference.process import ChildKind
from monitor_app.session.reader import SessionReader
from monitor_app.sources.profile_reader import parse_profile

if TYPE_CHECKING:
    from collections.abc import Callable

SCRIPTED = Path(__file__).with_name("scripted_child.py")
PROFILE = """
title = "Pulses"
[[source]]
kind = "shunt"
emulate = "tx1"
[sync]
pulses = true
[protocol]
settle_s = 0.0
power_check = false
idle_s = 0.1
warm_up_s = 0.0
warm_up_batches = 1
timed_s = 0.1
timed_batches = 1
[plan]
networks = ["alexnet_2016"]
weights = "none"
autostart = false
[inference]
device = "emulated:tx1"
"""


@pytest.mark.realtime
def test_the_delay_of_an_emulated_meter_is_found_and_is_next_to_nothing(
    tmp_path: Path, wait_until: Callable[..., None]
) -> None:
    bench = Bench(parse_profile(PROFILE, "test"), PROFILE, tmp_path / "s.plm")
    try:
        wait_until(lambda: bench.status().sources[0].state is SourceState.STREAMING)
        bench.start_runs()
        wait_until(lambda: not bench.runs_active, timeout_s=120)
        assert bench.status().message == ""
        assert [run.state for run in bench.status().runs] == ["done"]
    finally:
        bench.close()
    with SessionReader(tmp_path / "s.plm") as reader:
        found = reader.alignment(1)
        assert found is not None
        assert found.correlation > 0.95
        # The emulated board is told of each edge by a message, and acts on the stamp in it.
        assert abs(found.delay_ns) <= found.bound_ns + 3_000_000
        assert found.bound_ns < 20_000_000
        # It was played before the first run, and holds for all that came after it.
        (run,) = reader.runs()
        assert run.started_ns is not None
        assert found.host_ns < run.started_ns
        used_ns = delay_of(reader, 1, 2**62)
        assert used_ns == (found.delay_ns if abs(found.delay_ns) > found.bound_ns else 0)
        assert delay_of(reader, 1, found.host_ns - 1) == 0


def test_a_plan_that_is_stopped_while_the_train_is_played_runs_nothing(
    tmp_path: Path, wait_until: Callable[..., None]
) -> None:
    bench = Bench(parse_profile(PROFILE, "test"), PROFILE, tmp_path / "s.plm")
    try:
        wait_until(lambda: bench.status().sources[0].state is SourceState.STREAMING)
        bench.start_runs()
        wait_until(lambda: lit(tmp_path / "s.plm"), timeout_s=120)
        bench.stop_runs()
        wait_until(lambda: not bench.runs_active)
        assert bench.status().message == ""
    finally:
        bench.close()
    with SessionReader(tmp_path / "s.plm") as reader:
        assert reader.runs() == []
        assert reader.alignment(1) is None
        extent = reader.extent()
        assert extent is not None
        (power,) = [signal for signal in reader.signals() if signal.name == "power"]
        assert reader.statistics(power.id, extent.start_ns, extent.end_ns).maximum > 5.0


def lit(path: Path) -> bool:
    """A pulse has been seen."""
    with SessionReader(path) as reader:
        return len(reader.line_changes(1)) > 0 and any(level for _, level in reader.line_changes(1))


def test_a_train_that_cannot_be_played_is_said_and_the_runs_go_on(
    tmp_path: Path, wait_until: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "log"
    monkeypatch.setattr(ChildKind, "command", (sys.executable, str(SCRIPTED), str(log)))
    text = PROFILE.replace("alexnet_2016", "squeezenet1_1").replace("emulated:tx1", "cuda:9")
    bench = Bench(parse_profile(text, "test"), text, tmp_path / "s.plm")
    try:
        bench.start_runs()
        wait_until(lambda: "delays of the instruments were not found" in bench.status().message, timeout_s=120)
        wait_until(lambda: not bench.runs_active, timeout_s=120)
        # The runs themselves have no such device either.
        assert [run.state for run in bench.status().runs] == ["failed"]
    finally:
        bench.close()
    told = re.findall(r"^\d+ (\w+)\(.*\)$", log.read_text(), re.MULTILINE)
    assert told == ["Pulses", "Quit", "Load", "Quit"]
