# SPDX-License-Identifier: Apache-2.0
"""The instruments of a profile with [board]: rails in the session file, a board lost and found, what is refused."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from monitor_app.bench.acquisition.instruments import make_instruments
from monitor_app.bench.acquisition.recorder import Recorder
from monitor_app.bench.acquisition.source_set import SourceSet
from monitor_app.bench.board.connection import BoardConnection
from monitor_app.core.errors import ProfileError
from monitor_app.core.profile import Profile
from monitor_app.core.status import SourceState
from monitor_app.remote.link import Link
from monitor_app.session.reader import SessionReader
from monitor_app.sources.profile_reader import parse_source
from tests.remote.agent.boards import FakeBoard
from tests.sources.jetson.tree import JetsonTree

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

AGX_ORIN = {
    "1-0040": {1: "VDD_GPU_SOC", 2: "VDD_CPU_CV", 3: "VIN_SYS_5V0"},
    "1-0041": {1: "NC", 2: "VDDQ_VDD2_1V8AO", 3: "NC"},
}


def totalled(path: Path) -> bool:
    """Whether the sum of both chips has been recorded, for which both must have had samples at one time."""
    with SessionReader(path) as reader:
        named = {each.id: each.name for each in reader.sources()}
        total = next((each for each in reader.signals() if named[each.source] == "total of Jetson AGX Orin"), None)
        extent = reader.extent()
        if total is None or extent is None:
            return False
        return reader.statistics(total.id, extent.start_ns, extent.end_ns).count > 0


def test_rails_are_recorded_and_the_same_sources_go_on_after_a_loss(
    tmp_path: Path, wait_until: Callable[[Callable[[], bool]], None]
) -> None:
    fake = FakeBoard(tmp_path / "board")
    tree = JetsonTree(fake.root)
    tree.device_tree("Jetson AGX Orin Developer Kit", "nvidia,p3737-0000+p3701-0000", "nvidia,tegra234")
    for place, labels in AGX_ORIN.items():
        tree.hwmon(place, labels)
    profile = Profile(
        title="board", board=fake.reached(), source=(parse_source({"kind": "jetson-rails", "name": "rails"}),)
    )
    recorder = Recorder(tmp_path / "s.plm")
    links: list[Link] = []

    def make(board: object, wait_s: float) -> Link:
        links.append(Link(fake.reached(), payload=fake.payload(), wait_s=wait_s))
        return links[-1]

    assert profile.board is not None
    connection = BoardConnection(profile.board, recorder, make)
    sources = SourceSet(profile, recorder, connection)
    try:

        def streaming() -> bool:
            return all(each.state is SourceState.STREAMING and each.clock_bound_ns for each in sources.statuses())

        assert [each.name for each in sources.instruments] == ["rails 1-0040", "rails 1-0041"]
        wait_until(streaming)
        os.kill(links[-1].hello.pid, signal.SIGKILL)
        wait_until(lambda: all(each.state is SourceState.LOST for each in sources.statuses()))
        wait_until(streaming)
        wait_until(lambda: all(each.lost_samples for each in sources.statuses()))
        wait_until(lambda: totalled(recorder.path))
    finally:
        sources.close()
        connection.close()
        recorder.close()
    assert len(links) >= 2
    with SessionReader(recorder.path) as reader:
        found = {each.name: each for each in reader.sources()}
        assert set(found) == {"rails 1-0040", "rails 1-0041", "total of Jetson AGX Orin", "link to board"}
        for name in ("rails 1-0040", "rails 1-0041"):
            gaps = [gap for gap in reader.gaps() if gap.source == found[name].id]
            assert [gap.reason for gap in gaps].count("disconnected") == 1
            clock = reader.clock(found[name].id)
            assert clock is not None
            assert clock.bound_ns > 14_000_000  # two conversions of 7 ms, and the link


@pytest.mark.parametrize("kind", ["hwmon", "rapl", "nvml"])
def test_what_would_measure_this_computer_is_refused(kind: str) -> None:
    spec = parse_source({"kind": kind})

    def link() -> Link:
        raise AssertionError("the board is not needed for that")

    with pytest.raises(ProfileError, match=rf"\({kind}\) would measure this computer, not the board of \[board\]"):
        make_instruments(spec, None, link)
    assert make_instruments(spec)
