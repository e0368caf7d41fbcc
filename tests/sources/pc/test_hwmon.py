# SPDX-License-Identifier: Apache-2.0
"""The kernel's power sensors, on trees as its drivers make them."""

from __future__ import annotations

import os

import pytest

from monitor_app.core.errors import PortError, SourceError, SourceLostError
from monitor_app.core.samples import Quantity, Role
from monitor_app.sources.pc.hwmon import HwmonSource
from tests.sources.polled import START_NS, FakeTime, values, write_tree

HWMON = "sys/class/hwmon"


def chip(number: int, name: str, **files: object) -> dict[str, object]:
    return {f"{HWMON}/hwmon{number}/{file}": content for file, content in {"name": name, **files}.items()}


AMDGPU = {"power1_average": 41_000_000, "power1_label": "PPT", "in0_input": 812, "in0_label": "vddgfx"}
SUPPLY = {
    "power1_input": 212_000_000, "power1_label": "power total",
    "power2_input": 180_500_000, "power2_label": "power +12v",
    "curr1_input": 15_000, "curr1_label": "curr +12v",
    "in1_input": 12_030, "in1_label": "v_out +12v",
}  # fmt: skip
INA = {"in0_input": 2, "in1_input": 19_000, "curr1_input": 650, "power1_input": 12_350_000, "update_interval": 35}
CURRENT_AND_VOLTAGE = {"in1_input": 19_008, "curr1_input": 640, "in2_input": 5_000, "curr3_input": 12}


def read_on(source: HwmonSource, polls: int) -> None:
    for _ in range(polls):
        assert source.read(1.0) == []


def opened(root, *chips, time=None, roles=None) -> HwmonSource:
    write_tree(root, {name: text for one in chips for name, text in one.items()})
    source = HwmonSource("hwmon", str(root), roles, clock=(time or FakeTime()).clock)
    source.open()
    return source


def test_every_power_is_a_signal_in_watts(tmp_path):
    time = FakeTime()
    roles = {"corsairpsu power total": Role.TOTAL}
    source = opened(tmp_path, chip(2, "amdgpu", **AMDGPU), chip(10, "corsairpsu", **SUPPLY), time=time, roles=roles)
    info = source.info
    assert [(s.name, s.role) for s in info.signals] == [
        ("amdgpu PPT", Role.OTHER),
        ("corsairpsu power total", Role.TOTAL),
        ("corsairpsu power +12v", Role.OTHER),
    ]
    assert {s.quantity for s in info.signals} == {Quantity.POWER}
    assert (info.kind, info.rate_hz) == ("hwmon", 10.0)
    assert any("mean power that it computes itself" in note for note in info.notes)
    [block] = source.read(1.0)
    assert values(block) == pytest.approx([41.0, 212.0, 180.5])
    assert block.times_ns.tolist() == [START_NS + 100_000_000]
    source.close()


def test_the_moment_is_preferred_to_the_mean(tmp_path):
    source = opened(tmp_path, chip(0, "amdgpu", power1_average=30_000_000, power1_input=31_000_000))
    assert [s.name for s in source.info.signals] == ["amdgpu power1"]
    assert values(source.read(1.0)[0]) == [31.0]
    source.close()


def test_a_chip_is_not_asked_more_often_than_it_converts(tmp_path):
    time = FakeTime()
    source = opened(tmp_path, chip(0, "ina226", **INA), time=time)
    assert source.info.rate_hz == pytest.approx(1 / 0.035)
    assert source.info.transport_bound_ns == 17_500_000
    assert source.info.notes == ()
    times = [source.read(1.0)[0].times_ns[0] for _ in range(3)]
    assert [t - START_NS for t in times] == [35_000_000, 70_000_000, 105_000_000]
    source.close()


def test_the_slowest_chip_sets_the_pace(tmp_path):
    slow = {"power1_input": 1_000_000, "update_interval": 2_000}
    source = opened(tmp_path, chip(0, "ina226", **INA), chip(1, "slow", **slow), chip(2, "silent", power1_input=1))
    assert source.info.rate_hz == 0.5
    assert any("does not say how often" in note for note in source.info.notes)
    source.close()


def test_without_a_power_it_is_the_product_of_current_and_voltage(tmp_path):
    roles = {"shunt channel 1 power": Role.TOTAL}
    source = opened(tmp_path, chip(0, "shunt", **CURRENT_AND_VOLTAGE), roles=roles)
    current, voltage, power = source.info.signals
    assert (current.name, current.quantity) == ("shunt channel 1 current", Quantity.CURRENT)
    assert (voltage.name, voltage.quantity) == ("shunt channel 1 voltage", Quantity.VOLTAGE)
    assert power.product_of == (current.name, voltage.name)
    assert (power.name, power.role) == ("shunt channel 1 power", Role.TOTAL)
    assert values(source.read(1.0)[0]) == pytest.approx([0.640, 19.008])
    source.close()


def test_channels_labelled_differently_are_not_multiplied(tmp_path):
    labels = {"in1_label": "VCC", "curr1_label": "fan", "in1_input": 5_000, "curr1_input": 100}
    with pytest.raises(SourceError, match="knows no power sensor"):
        opened(tmp_path, chip(0, "board", **labels))


def test_a_label_is_the_name_of_its_channel(tmp_path):
    labels = {"in1_label": "VDD", "curr1_label": "VDD", "in1_input": 5_000, "curr1_input": 100}
    source = opened(tmp_path, chip(0, "board", **labels))
    assert [s.name for s in source.info.signals] == ["board VDD current", "board VDD voltage", "board VDD power"]
    source.close()


def test_devices_and_labels_alike_have_names_of_their_own(tmp_path):
    twins = {"power1_input": 1, "power1_label": "PPT", "power2_input": 2, "power2_label": "PPT"}
    write_tree(tmp_path, {**chip(0, "amdgpu", **twins), **chip(1, "amdgpu", power1_input=3)})
    for number, address in enumerate(("0000:03:00.0", "0000:83:00.0")):
        device = tmp_path / "sys/devices" / address
        device.mkdir(parents=True)
        (tmp_path / HWMON / f"hwmon{number}/device").symlink_to(device)
    source = HwmonSource("hwmon", str(tmp_path))
    source.open()
    assert [s.name for s in source.info.signals] == [
        "amdgpu 0000:03:00.0 PPT (power1)",
        "amdgpu 0000:03:00.0 PPT (power2)",
        "amdgpu 0000:83:00.0 power1",
    ]
    source.close()


def test_a_sensor_that_cannot_be_read_is_left_out_and_said(tmp_path):
    source = opened(tmp_path, chip(0, "amdgpu", power1_input=""), chip(1, "ina226", **INA))
    assert [s.name for s in source.info.signals] == ["ina226 power1"]
    assert [note for note in source.info.notes if "amdgpu power1" in note and note.endswith("is left out.")]
    source.close()


def test_none_that_can_be_read_is_one_sentence(tmp_path):
    with pytest.raises(SourceError, match=r"None of the power sensors can be read: .*amdgpu power1"):
        opened(tmp_path, chip(0, "amdgpu", power1_input=""))


def test_the_rails_of_a_jetson_have_a_source_of_their_own(tmp_path):
    rails = chip(0, "ina3221", in1_input=5_000, curr1_input=100)
    tegra = {"proc/device-tree/compatible": "nvidia,p3737-0000\0nvidia,tegra234\0"}
    with pytest.raises(SourceError, match="knows no power sensor"):
        opened(tmp_path / "jetson", rails, tegra)
    source = opened(tmp_path / "other", rails, {"proc/device-tree/compatible": "raspberrypi,5-model-b\0brcm,bcm2712\0"})
    assert len(source.info.signals) == 3
    source.close()


def test_a_poll_that_fails_is_left_out_and_counted(tmp_path):
    time = FakeTime()
    source = opened(tmp_path, chip(0, "ina226", **INA), time=time)
    path = tmp_path / HWMON / "hwmon0/power1_input"
    path.write_text("")
    assert source.read(1.0) == []
    time.go(0.070)
    path.write_text("2000000\n")
    [block] = source.read(1.0)
    # One that failed, and one that came too late to be made.
    assert (block.first_index, block.lost_before, values(block)) == (2, 2, [2.0])
    path.write_text("")
    with pytest.raises(SourceLostError, match="ina226 power1 can no longer be read"):
        read_on(source, 200)
    source.close()


def test_a_device_that_is_gone_is_lost_at_once(tmp_path, monkeypatch):
    source = opened(tmp_path, chip(0, "ina226", **INA))

    def gone(*_):
        raise OSError(19, "No such device")

    monkeypatch.setattr(os, "pread", gone)
    with pytest.raises(SourceLostError, match=r"ina226 power1 can no longer be read \(No such device\)"):
        source.read(1.0)
    source.close()


def test_closing_twice_leaves_no_descriptor(tmp_path):
    before = len(os.listdir("/proc/self/fd"))
    source = opened(tmp_path, chip(0, "ina226", **INA))
    source.open()
    source.close()
    source.close()
    assert len(os.listdir("/proc/self/fd")) == before
    with pytest.raises(SourceLostError):
        source.read(0.0)
    unopened = HwmonSource("hwmon", str(tmp_path))
    unopened.close()
    with pytest.raises(PortError):
        _ = unopened.info
