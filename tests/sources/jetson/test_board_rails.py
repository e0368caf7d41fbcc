# SPDX-License-Identifier: Apache-2.0
"""The rails of a board elsewhere, through the real agent, over trees and chips that know nothing of sweeps."""

from __future__ import annotations

import errno
import os
import signal
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest

from monitor_app.core.errors import BoardLostError, PortError, SourceLostError
from monitor_app.core.samples import SampleBlock
from monitor_app.remote.link import Link
from monitor_app.sources.jetson.driver import JetsonRailsSpec, first_chip, rails_of_board
from tests.remote.agent.boards import FakeBoard
from tests.remote.conftest import AHEAD_S, run_sshd
from tests.sources.jetson.board_chip import Chip
from tests.sources.jetson.tree import JetsonTree

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from monitor_app.core.samples import PowerSource, SourceInfo

ORIN = {1: "VDD_IN", 2: "VDD_CPU_GPU_CV", 3: "VDD_SOC"}
TX1 = {"1-0040": ["VDD_IN", "VDD_GPU", "VDD_CPU"], "1-0042": ["VDD_MUX", "VDD_5V_IO_SYS", "VDD_3V3_SYS"]}
SPEC = JetsonRailsSpec(kind="jetson-rails")
LONG_S = 60.0
CYCLE_NS = 20_000_000


class Setup:
    """A tree that is a board, and the links to it."""

    def __init__(self, folder: Path) -> None:
        self.board = FakeBoard(folder)
        self.tree = JetsonTree(self.board.root)
        self.chip: Chip | None = None
        self._links: list[Link] = []

    def connect(self) -> Link:
        more = self.chip.source if self.chip is not None else ""
        self._links.append(Link(self.board.reached(), payload=self.board.payload(more=more), wait_s=30.0))
        self._links[-1].connect()
        return self._links[-1]

    def link(self) -> Link:
        """That of this moment, as a bench has it."""
        if not self._links or self._links[-1].ended:
            raise BoardLostError("board is not connected yet: wait a moment.")
        return self._links[-1]

    def close(self) -> None:
        for each in self._links:
            each.close()


@pytest.fixture
def setup(tmp_path: Path) -> Iterator[Setup]:
    made = Setup(tmp_path)
    yield made
    made.close()


def read(source: PowerSource, samples: int) -> list[SampleBlock]:
    """So many or more."""
    found: list[SampleBlock] = []
    deadline_s = time.monotonic() + LONG_S
    while sum(map(len, found)) < samples:
        assert time.monotonic() < deadline_s
        found += [each for each in source.read(0.05) if isinstance(each, SampleBlock)]
    return found


def static(info: SourceInfo) -> list[object]:
    """What does not depend on how fast this machine was meanwhile."""
    notes = [note for note in info.notes if not note.startswith("A value is the mean")]
    return [info.name, info.kind, info.model, info.serial_number, info.firmware, info.signals, info.lines, notes]


def build(tree: JetsonTree, form: str) -> None:
    if form == "hwmon":
        tree.device_tree("NVIDIA Jetson Orin NX", "nvidia,p3768-0000+p3767-0000", "nvidia,tegra234")
        tree.hwmon("1-0040", ORIN, samples=4)
    elif form == "iio":
        tree.device_tree("NVIDIA Jetson TX1", "nvidia,p2371-2180", "nvidia,tegra210")
        for number, (place, names) in enumerate(TX1.items()):
            tree.iio(place, names, folder=f"iio:device{number}", config=0x7127, shunt_mohm=20)
    else:
        tree.device_tree("NVIDIA Jetson AGX Thor", "nvidia,p3971-0080+p3834-0008", "nvidia,tegra264")
        tree.hwmon("2-0040", {1: "VDD_GPU", 2: "VDD_CPU_SOC_MSS", 3: "VIN_SYS_5V0"})
        tree.ina238("2-0044")
        (tree.root / "sys/devices/ina238-2-0044/of_node/reg").write_bytes(b"\0\0\0\x44")


@pytest.mark.parametrize("form", ["hwmon", "iio", "ina238"])
def test_the_same_chips_signals_and_values_as_on_the_board_itself(form: str, setup: Setup) -> None:
    build(setup.tree, form)
    here = rails_of_board(SPEC.model_copy(update={"root": str(setup.board.root)}))
    setup.connect()
    there = rails_of_board(SPEC, setup.link)
    assert len(here) == {"hwmon": 1, "iio": 2, "ina238": 2}[form]
    assert [(part.name, part.board, part.rails) for part in there] == [
        (part.name, part.board, part.rails) for part in here
    ]
    for part_there, part_here in zip(there, here, strict=True):
        sources = [part_here.make(), part_there.make()]
        for source in sources:
            source.open()
        local, remote = sources
        assert static(remote.info) == static(local.info)
        assert remote.info.rate_hz == pytest.approx(local.info.rate_hz, rel=0.5)
        [first, *_], [second, *_] = read(local, 1), read(remote, 1)
        assert first.times_bound_ns == 0 < second.times_bound_ns
        np.testing.assert_array_equal([codes[0] for codes in first.codes], [codes[0] for codes in second.codes])
        for source in sources:
            source.close()


@pytest.mark.parametrize(("waits", "form"), [(True, "hwmon"), (False, "hwmon"), (False, "iio"), (False, "ina238")])
def test_every_value_held_within_the_bounds_of_chip_and_link(
    waits: bool, form: str, setup: Setup, tmp_path: Path
) -> None:
    if form == "hwmon":
        setup.tree.hwmon("1-0040", ORIN, interval_ms=CYCLE_NS // 1_000_000)
    elif form == "iio":
        setup.tree.iio("1-0040", list(ORIN.values()))
    else:
        setup.tree.ina238("2-0044")
    setup.chip = Chip(tmp_path, CYCLE_NS, waits)
    setup.connect()
    (part,) = rails_of_board(SPEC, setup.link)
    source = part.make()
    source.open()
    bound_ns = source.info.transport_bound_ns
    if waits:
        # A sweep waits for as many conversions as there are files, six; the first may be nearly over as it begins.
        assert source.info.rate_hz < 1.02 / (5 * CYCLE_NS * 1e-9)
    else:
        assert source.info.rate_hz == pytest.approx(1e9 / CYCLE_NS, rel=0.3)
    found = read(source, 20)
    if form == "ina238":  # the power is the same number in another unit
        found = [SampleBlock(each.first_index, each.codes[:1], 0, 0, times_ns=each.times_ns) for each in found]
        bound_ns += 5_000_000
    assert setup.chip.check(found, bound_ns) >= 20
    times = np.concatenate([each.times_ns for each in found if each.times_ns is not None])
    assert np.all(np.diff(times) > 0)
    assert found[0].first_index == found[0].lost_before
    source.close()


def test_over_ssh_to_a_clock_that_is_hours_ahead(tmp_path: Path) -> None:
    fake = FakeBoard(tmp_path / "fake")
    JetsonTree(fake.root).hwmon("1-0040", ORIN, interval_ms=CYCLE_NS // 1_000_000)
    chip = Chip(tmp_path, CYCLE_NS, waits=True, ahead_ns=AHEAD_S * 1_000_000_000)
    (tmp_path / "ssh").mkdir()
    with (
        run_sshd(tmp_path / "ssh") as ssh_board,
        Link(ssh_board.board(), payload=fake.payload(more=chip.source)) as link,
    ):
        link.connect()
        (part,) = rails_of_board(SPEC, lambda: link)
        source = part.make()
        source.open()
        assert chip.check(read(source, 20), source.info.transport_bound_ns) >= 20 * 6
        source.close()


def test_a_rail_that_is_off_is_left_out_and_one_that_goes_off_ends_the_reading(setup: Setup, tmp_path: Path) -> None:
    setup.tree.hwmon("1-0040", ORIN, interval_ms=20)
    setup.chip = Chip(tmp_path, CYCLE_NS, waits=True)
    setup.connect()
    (part,) = rails_of_board(SPEC, setup.link)
    setup.chip.fail(errno.ENODATA, "in2_input", "curr2_input")
    source = part.make()
    source.open()
    assert [signal.name for signal in source.info.derived_signals] == ["VDD_IN", "VDD_SOC"]
    read(source, 2)
    setup.chip.fail(errno.ENODATA, "in3_input")
    with pytest.raises(SourceLostError, match="VDD_SOC of INA3221 at 1-0040 was switched off"):
        read(source, 1000)
    source.close()


def test_passing_errors_are_lost_samples_and_lasting_ones_the_loss_of_the_chip(setup: Setup, tmp_path: Path) -> None:
    setup.tree.hwmon("1-0040", ORIN, interval_ms=20)
    setup.chip = Chip(tmp_path, CYCLE_NS, waits=True)
    setup.connect()
    (part,) = rails_of_board(SPEC, setup.link)
    source = part.make()
    source.open()
    before = read(source, 3)
    setup.chip.fail(errno.ETIMEDOUT, "curr2_input")
    for _ in range(10):
        before += [each for each in source.read(0.05) if isinstance(each, SampleBlock)]
    setup.chip.fail(0)
    found = before + read(source, 3)
    assert sum(each.lost_before for each in found) > 0
    firsts, lengths = [each.first_index for each in found], [len(each) for each in found]
    losses = [each.lost_before for each in found]
    assert firsts[1:] == [a + n + lost for a, n, lost in zip(firsts, lengths, losses[1:], strict=False)]
    setup.chip.fail(errno.ETIMEDOUT, "curr2_input")
    with pytest.raises(SourceLostError, match="INA3221 at 1-0040 has given no values for"):
        read(source, 1000)
    source.close()


def test_a_board_that_is_gone_is_said_and_its_chip_found_again_under_another_number(setup: Setup) -> None:
    values = setup.tree.hwmon("1-0040", ORIN)
    link = setup.connect()
    (part,) = rails_of_board(SPEC, setup.link)
    source = part.make()
    source.open()
    info = source.info
    read(source, 5)
    os.kill(link.hello.pid, signal.SIGKILL)
    with pytest.raises(SourceLostError, match="The agent on board is gone"):
        read(source, 100_000)
    source.close()
    with pytest.raises(PortError, match="not connected"):
        part.make()
    # A board that has started again counts its devices anew.
    values.rename(values.with_name("hwmon77"))
    setup.connect()
    again = part.make()
    again.open()
    assert static(again.info) == static(info)
    read(again, 5)
    again.close()


def test_a_board_that_is_not_there_yet_has_one_source_until_it_is(setup: Setup) -> None:
    build(setup.tree, "iio")
    assert rails_of_board(SPEC, setup.link) == []
    with pytest.raises(PortError, match="not connected"):
        first_chip(SPEC, setup.link)
    setup.connect()
    source = first_chip(SPEC, setup.link)
    source.open()
    assert source.info.serial_number == "1-0040"
    assert "has 2 power monitors, of which this is the first" in source.info.notes[0]
    source.close()


def test_a_board_without_chips_says_what_a_machine_without_chips_says(setup: Setup) -> None:
    setup.tree.device_tree("NVIDIA Jetson Nano 2GB", "nvidia,p3542-0000", "nvidia,tegra210")
    setup.connect()
    assert rails_of_board(SPEC, setup.link) == []
    with pytest.raises(PortError, match="no power monitor of its own: connect an external meter"):
        first_chip(SPEC, setup.link)


def test_nothing_is_left_behind(setup: Setup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copies = tmp_path / "copies"
    copies.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(copies))
    setup.tree.hwmon("1-0040", ORIN)
    setup.connect()
    (part,) = rails_of_board(SPEC, setup.link)
    source = part.make()
    source.open()
    read(source, 1)
    source.close()
    source.close()
    assert list(copies.iterdir()) == []
