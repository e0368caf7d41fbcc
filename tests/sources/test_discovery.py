# SPDX-License-Identifier: Apache-2.0
"""What is found on a machine: serial instruments behind real ptys, a Jetson and a PC made of files, or nothing."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from monitor_app.core.errors import PortError
from monitor_app.sources import polling
from monitor_app.sources.discovery import find_serial, find_sources
from monitor_app.sources.profile_reader import parse_source
from monitor_app.sources.registry import KINDS
from monitor_app.sources.serial.ports import locate
from monitor_app.sources.serial.transport import SerialPort
from tests.sources.every_source import emulator
from tests.sources.jetson.tree import JetsonTree
from tests.sources.polled import write_tree

if TYPE_CHECKING:
    from pathlib import Path

PPK2, ST = (0x1915, 0xC00A), (0x0483, 0x5740)
PICO = (0x2E8A, 0x000A)


def usb(device: str, ids: tuple[int, int], serial_number: str | None = "S1", interface: str = "") -> SerialPort:
    return SerialPort(device, "a port", serial_number, usb=True, vid=ids[0], pid=ids[1], interface=interface)


def is_a_sentence(text: str) -> bool:
    return text.endswith(".") and "\n" not in text


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    root.mkdir()
    return root


def test_on_a_machine_with_nothing_only_what_can_be_simulated_is_found(empty: Path) -> None:
    found = find_sources(lambda: [], root=empty)
    assert [each.kind for each in found] == [kind.name for kind in KINDS.values() if kind.emulates]
    for each in found:
        assert each.ready
        assert "SIMULATED" in each.description
        assert parse_source(each.spec).kind == each.kind


def test_each_instrument_is_asked_in_its_language() -> None:
    with ExitStack() as stack:
        ports = {
            "ppk2": stack.enter_context(emulator("ppk2")),
            "powersensor3": stack.enter_context(emulator("powersensor3")),
            "shunt": stack.enter_context(emulator("shunt")),
            "lines": stack.enter_context(emulator("lines")),
        }
        ids = {"ppk2": PPK2, "powersensor3": ST, "shunt": PICO, "lines": PICO}
        present = [usb(port, ids[kind], f"USB-{kind}") for kind, port in ports.items()]
        # The kit's other port carries no data.
        present.insert(1, usb("/dev/ttyACM99", PPK2, "USB-ppk2", "1-1:1.3"))
        found = find_serial(present, ask=True)
    assert [each.kind for each in found] == list(ports)
    for each in found:
        assert (each.where, each.ready, each.state) == (ports[each.kind], True, "ready")
        spec = parse_source(each.spec)
        assert (spec.kind, spec.serial_number) == (each.kind, f"USB-{each.kind}")
    assert "Power Profiler Kit" in found[0].description
    assert "SIM-1" in found[2].description


def test_nothing_is_opened_unless_it_is_to_be_asked() -> None:
    master, slave = os.openpty()
    try:
        port = os.ttyname(slave)
        (named,) = find_serial([usb(port, PPK2)], ask=False)
        (generic,) = find_serial([usb(port, PICO)], ask=False)
        (in_use,) = find_serial([usb(port, ST)], ask=True, in_use=[port])
        (uart,) = find_serial([SerialPort(port, "ttyS0", None, usb=False)], ask=True)
        os.set_blocking(master, False)
        with pytest.raises(BlockingIOError):
            os.read(master, 1)
    finally:
        os.close(master)
        os.close(slave)
    assert (named.kind, named.ready) == ("ppk2", True)
    assert (generic.kind, generic.ready) == ("serial", False)
    assert (in_use.ready, in_use.state) == (False, "in use by this session")
    assert "profile" in uart.state
    assert all(is_a_sentence(each.state) for each in (named, generic, uart))


def test_who_answers_nothing_is_said_in_a_sentence() -> None:
    master, slave = os.openpty()
    try:
        (found,) = find_serial([usb(os.ttyname(slave), ST)], ask=True)
    finally:
        os.close(master)
        os.close(slave)
    assert (found.kind, found.ready) == ("powersensor3", False)
    assert is_a_sentence(found.state)
    assert "does not answer as a PowerSensor3" in found.state


def test_a_port_that_may_not_be_opened_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # Root may open everything, so the question itself is answered for somebody else.
    monkeypatch.setattr(os, "access", lambda *_: False)
    (found,) = find_serial([usb(str(tmp_path / "ttyACM0"), PPK2)], ask=True)
    assert not found.ready
    assert " sources --install-udev` and plug it in again" in found.state
    assert "dialout" in found.state


def test_a_jetson_shows_its_rails_and_what_is_missing(empty: Path) -> None:
    tree = JetsonTree(empty)
    tree.device_tree("NVIDIA Jetson Xavier NX", "nvidia,p3509-0000+p3668-0001", "nvidia,tegra194")
    blind = {each.kind: each for each in find_sources(lambda: [], root=empty) if each.kind.startswith("j")}
    tree.hwmon("7-0040", {1: "VDD_IN", 2: "VDD_CPU_GPU_CV", 3: "VDD_SOC"})
    seeing = {each.kind: each for each in find_sources(lambda: [], root=empty) if each.kind.startswith("j")}
    assert not blind["jetson-rails"].ready
    assert is_a_sentence(blind["jetson-rails"].state)
    assert "Jetson Xavier NX" in blind["jetson-rails"].state
    assert seeing["jetson-rails"].ready
    assert seeing["jetson-rails"].description == "Jetson Xavier NX: VDD_IN, VDD_CPU_GPU_CV, VDD_SOC"
    assert parse_source(seeing["jetson-rails"].spec).kind == "jetson-rails"
    assert not seeing["jtop"].ready
    assert is_a_sentence(seeing["jtop"].state)
    assert "the rails work without" in seeing["jtop"].state


RAPL = {
    f"sys/class/powercap/intel-rapl:0/{name}": content
    for name, content in {"name": "package-0", "energy_uj": 5, "max_energy_range_uj": 262_143_328_850}.items()
}


def test_the_sensors_of_a_pc_are_tried(empty: Path) -> None:
    hwmon = {"sys/class/hwmon/hwmon0/name": "amdgpu", "sys/class/hwmon/hwmon0/power1_input": 30_000_000}
    write_tree(empty, {**RAPL, **hwmon})
    found = {each.kind: each for each in find_sources(lambda: [], root=empty) if each.kind in {"rapl", "hwmon", "nvml"}}
    assert found.keys() == {"rapl", "hwmon"}
    assert found["rapl"].ready
    assert {each.identity for each in found.values()} == {"kind"}
    assert (found["hwmon"].ready, found["hwmon"].description) == (True, "amdgpu power1")


def test_counters_that_are_kept_for_root_say_so(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tree(empty, RAPL)

    def refuse(self: polling.NumberFile, path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(polling.NumberFile, "__init__", refuse)
    (found,) = [each for each in find_sources(lambda: [], root=empty) if each.kind == "rapl"]
    assert not found.ready
    assert "sudo chmod a+r /sys/class/powercap" in found.state


def test_an_instrument_is_found_by_its_number_on_whatever_port_it_came_back() -> None:
    ports = [usb("/dev/ttyACM0", PPK2, "A", "1-1:1.1"), usb("/dev/ttyACM7", PPK2, "B", "1-2:1.3")]
    ports.append(usb("/dev/ttyACM8", PPK2, "B", "1-2:1.1"))
    assert locate(KINDS["ppk2"].port_filter, None, "B", lambda: ports).device == "/dev/ttyACM8"
    assert locate(KINDS["ppk2"].port_filter, "/dev/ttyACM0", "B", lambda: ports).device == "/dev/ttyACM8"
    assert locate(KINDS["ppk2"].port_filter, "/dev/ttyACM0", None, lambda: ports).device == "/dev/ttyACM0"
    assert locate(KINDS["ppk2"].port_filter, "socket://bench:7000", None, lambda: ports).device == "socket://bench:7000"
    assert locate(KINDS["ppk2"].port_filter, None, None, lambda: ports[1:]).device == "/dev/ttyACM8"


@pytest.mark.parametrize(
    ("ports", "serial_number", "words"),
    [
        ([], None, "No Power Profiler Kit II is plugged in"),
        ([], "B", "No Power Profiler Kit II B is plugged in"),
        ([usb("/dev/a", PPK2, "A"), usb("/dev/b", PPK2, "B")], None, "Several ports may be the Power Profiler Kit II"),
    ],
)
def test_one_that_cannot_be_found_is_a_sentence(ports: list[SerialPort], serial_number: str | None, words: str) -> None:
    with pytest.raises(PortError, match=words) as caught:
        locate(KINDS["ppk2"].port_filter, None, serial_number, lambda: ports)
    assert is_a_sentence(str(caught.value))
