# SPDX-License-Identifier: Apache-2.0
"""The processor's energy counters, on trees as the kernel makes them."""

from __future__ import annotations

import os

import pytest

from monitor_app.core.errors import PortError, SourceError, SourceLostError
from monitor_app.core.samples import Quantity, Role
from monitor_app.sources.pc.rapl import RaplSource
from tests.sources.polled import START_NS, FakeTime, values, write_tree

RANGE_UJ = 262_143_328_850
CAP = "sys/class/powercap"


def zone(path: str, name: str, energy_uj: int = 0, range_uj: int = RANGE_UJ) -> dict[str, object]:
    folder = f"{CAP}/{path}"
    return {
        f"{folder}/name": name,
        f"{folder}/energy_uj": energy_uj,
        f"{folder}/max_energy_range_uj": range_uj,
        f"{folder}/enabled": 0,
    }


class Machine:
    """A tree with counters that can be moved on."""

    def __init__(self, root, *zones: dict[str, object], **options) -> None:
        self.root = write_tree(root, {name: text for one in zones for name, text in one.items()})
        self.time = FakeTime()
        self.source = RaplSource("cpu", str(root), clock=self.time.clock, **options)

    def count(self, path: str, energy_uj: int) -> None:
        (self.root / CAP / path / "energy_uj").write_text(f"{energy_uj}\n")

    def read_on(self, polls: int) -> None:
        for _ in range(polls):
            assert self.source.read(1.0) == []

    def block(self):
        [block] = self.source.read(1.0)
        return block


@pytest.fixture
def machine(tmp_path):
    machine = Machine(tmp_path, zone("intel-rapl:0", "package-0", 5_000_000))
    machine.source.open()
    yield machine
    machine.source.close()


def test_power_is_the_energy_between_polls_and_its_time_the_middle(machine):
    machine.count("intel-rapl:0", 5_000_000 + 3_250_000)
    block = machine.block()
    assert values(block) == [pytest.approx(65.0)]
    assert block.times_ns.tolist() == [START_NS + 25_000_000]
    assert (block.first_index, block.lost_before) == (0, 0)
    machine.count("intel-rapl:0", 8_250_000 + 500_000)
    block = machine.block()
    assert values(block) == [pytest.approx(10.0)]
    assert block.times_ns.tolist() == [START_NS + 75_000_000]


def test_a_counter_that_goes_round_is_counted_on(tmp_path):
    machine = Machine(tmp_path, zone("intel-rapl:0", "package-0", RANGE_UJ - 1_000_000))
    machine.source.open()
    machine.count("intel-rapl:0", 500_000)
    assert values(machine.block()) == [pytest.approx(30.0)]
    machine.source.close()


def test_a_late_poll_is_a_mean_over_a_longer_time(machine):
    machine.time.go(1.0)
    machine.count("intel-rapl:0", 5_000_000 + 42_000_000)
    block = machine.block()
    assert values(block) == [pytest.approx(42.0)]
    assert block.times_ns.tolist() == [START_NS + 500_000_000]
    assert block.lost_before == 0


def test_a_poll_so_late_that_the_counter_may_have_gone_round_is_left_out_and_counted(machine):
    machine.time.go(60.0)
    machine.count("intel-rapl:0", 6_000_000)
    assert machine.source.read(1.0) == []
    machine.count("intel-rapl:0", 7_000_000)
    block = machine.block()
    assert values(block) == [pytest.approx(20.0)]
    assert block.lost_before == 60 * 20
    assert block.first_index == 60 * 20


def test_a_counter_that_was_set_back_gives_no_power(machine):
    machine.count("intel-rapl:0", 1_000)
    assert machine.source.read(1.0) == []
    machine.count("intel-rapl:0", 1_001_000)
    block = machine.block()
    assert values(block) == [pytest.approx(20.0)]
    assert block.lost_before == 1


def test_a_poll_that_fails_loses_no_energy(machine):
    (machine.root / CAP / "intel-rapl:0/energy_uj").write_text("")
    assert machine.source.read(1.0) == []
    machine.count("intel-rapl:0", 5_000_000 + 2_000_000)
    assert values(machine.block()) == [pytest.approx(20.0)]


def test_a_counter_that_stays_silent_is_lost(machine):
    (machine.root / CAP / "intel-rapl:0/energy_uj").write_text("")
    with pytest.raises(SourceLostError, match=r"^cpu can no longer be read \(.*\)\.$"):
        machine.read_on(100)


def test_zones_have_names_of_their_own(tmp_path):
    zones = [
        zone("intel-rapl:0", "package-0"),
        zone("intel-rapl:0:0", "core"),
        zone("intel-rapl:0:1", "dram", range_uj=65_712_999_613),
        zone("intel-rapl:1", "package-1"),
        zone("intel-rapl:1:0", "core"),
        zone("intel-rapl:2", "psys"),
        zone("intel-rapl:10", "psys"),
        zone("intel-rapl-mmio:0", "package-0"),
    ]
    machine = Machine(tmp_path, *zones, {"proc/cpuinfo": "processor\t: 0\nmodel name\t: A Processor 9000\n"})
    (tmp_path / CAP / "intel-rapl").mkdir()
    machine.source = RaplSource(
        "cpu", str(tmp_path), {"package-0": Role.CPU, "psys": Role.TOTAL}, clock=machine.time.clock
    )
    machine.source.open()
    info = machine.source.info
    machine.source.close()
    assert [signal.name for signal in info.signals] == [
        "package-0",
        "package-0 core",
        "package-0 dram",
        "package-1",
        "package-1 core",
        "psys",
        "psys (intel-rapl:10)",
    ]
    assert [signal.role for signal in info.signals] == [
        Role.CPU, Role.OTHER, Role.OTHER, Role.OTHER, Role.OTHER, Role.TOTAL, Role.OTHER,
    ]  # fmt: skip
    assert {signal.quantity for signal in info.signals} == {Quantity.POWER}
    assert info.model == "A Processor 9000"
    assert any("must not be added" in note for note in info.notes)
    # Half of the interval over which a sample is the mean, and a step of the counter.
    assert 25_000_000 <= info.transport_bound_ns <= 30_000_000


def test_two_packages_are_told_apart(tmp_path):
    machine = Machine(tmp_path, zone("intel-rapl:0", "package-0"), zone("intel-rapl:1", "package-1", 10))
    machine.source.open()
    machine.count("intel-rapl:0", 1_000_000)
    machine.count("intel-rapl:1", 2_000_010)
    assert values(machine.block()) == [pytest.approx(20.0), pytest.approx(40.0)]
    machine.source.close()


def test_no_counters_is_one_sentence_with_what_to_do(tmp_path):
    source = RaplSource("cpu", str(tmp_path))
    source.close()
    with pytest.raises(SourceError, match=r"sudo modprobe intel_rapl_msr"):
        source.open()
    with pytest.raises(SourceLostError):
        source.read(0.0)
    with pytest.raises(PortError):
        _ = source.info


@pytest.mark.parametrize("file", ["energy_uj", "max_energy_range_uj"])
def test_counters_for_root_only_name_the_command(tmp_path, monkeypatch, file):
    write_tree(tmp_path, zone("intel-rapl:0", "package-0"))
    real = os.open

    # Tests may run as root, who may open everything.
    def refuse(path, *arguments):
        if os.path.basename(path) == file:
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *arguments)

    monkeypatch.setattr(os, "open", refuse)
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(PortError, match="sudo chmod a\\+r /sys/class/powercap/intel-rapl"):
        RaplSource("cpu", str(tmp_path)).open()
    assert len(os.listdir("/proc/self/fd")) == before


def test_closing_twice_leaves_no_descriptor(tmp_path):
    before = len(os.listdir("/proc/self/fd"))
    machine = Machine(tmp_path, zone("intel-rapl:0", "package-0"), zone("intel-rapl:0:0", "core"))
    machine.source.open()
    machine.source.open()
    machine.source.close()
    machine.source.close()
    assert len(os.listdir("/proc/self/fd")) == before
