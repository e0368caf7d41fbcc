# SPDX-License-Identifier: Apache-2.0
"""`monitor-app sources`: the list, what it needs, and the udev rules that give it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from monitor_app.cli.sources import RULES, install_udev, replay_profile, spec_to_capture
from monitor_app.core.errors import MonitorError, ProfileError, SourceError
from monitor_app.core.files.package_data import resource_path
from monitor_app.sources.profile_reader import parse_profile, parse_source
from monitor_app.sources.registry import KINDS
from monitor_app.sources.serial.capture import Capture
from tests.cli.program import monitor_app

if TYPE_CHECKING:
    from pathlib import Path


def test_the_list_is_one_json_document() -> None:
    done = monitor_app("sources", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    simulated = [each for each in found if "SIMULATED" in json.dumps(each)]
    assert {each["kind"] for each in simulated} == {"shunt", "powersensor3", "ppk2", "lines", "scpi"}
    for each in found:
        assert each["ready"] in {True, False}


def test_the_list_for_people_names_what_can_be_simulated() -> None:
    done = monitor_app("sources")
    assert done.returncode == 0, done.stderr
    assert "SIMULATED" in done.stdout
    assert "PowerSensor3" in done.stdout


def test_the_doctor_says_what_is_missing_and_its_exit_code_is_the_truth(tmp_path: Path) -> None:
    done = monitor_app("doctor", "simulated-tx1", "--json", "--folder", str(tmp_path))
    found = json.loads(done.stdout)
    names = {check["name"] for check in found["checks"]}
    assert {"board", "processor clock", "other load", "disk", "inference", "meter"} <= names
    assert (done.returncode, found["ready"]) == (0, True)
    profile = tmp_path / "probe.toml"
    profile.write_text('title = "a probe"\n[[source]]\nkind = "powersensor3"\n')
    done = monitor_app("doctor", str(profile), "--folder", str(tmp_path))
    assert done.returncode == 1
    assert "The profile has powersensor3, of which nothing is seen on this machine." in done.stdout
    assert "Not ready to be measured" in done.stdout


@pytest.fixture
def commands_run(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that would have been run."""
    commands: list[list[str]] = []
    monkeypatch.setattr(subprocess, "run", lambda command, **_: commands.append(command))
    return commands


def test_the_rules_are_copied_and_udev_reads_them(tmp_path: Path, commands_run: list[list[str]], capsys) -> None:
    install_udev(tmp_path)
    install_udev(tmp_path)
    assert (tmp_path / RULES).read_bytes() == resource_path(f"udev/{RULES}").read_bytes()
    assert capsys.readouterr().out.split() == [str(tmp_path / RULES)] * 2
    assert [command[0] for command in commands_run] == ["udevadm"] * 4
    assert ["udevadm", "control", "--reload"] in commands_run


def test_without_root_the_command_to_type_is_printed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, commands_run
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(shutil, "copyfile", refuse)
    monkeypatch.setattr(sys, "argv", ["/opt/my apps/monitor-app", "sources"])
    with pytest.raises(SourceError, match="only be installed by root: run `sudo '/opt/my apps/monitor-app' sources"):
        install_udev(tmp_path)
    assert commands_run == []


def test_a_system_without_udev_needs_no_rules(tmp_path: Path, commands_run) -> None:
    with pytest.raises(SourceError, match="no udev"):
        install_udev(tmp_path / "nothing")
    assert commands_run == []


def test_if_udev_does_not_answer_there_is_a_way(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def absent(*_: object, **__: object) -> None:
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(subprocess, "run", absent)
    with pytest.raises(SourceError, match="unplug the instrument and plug it in again"):
        install_udev(tmp_path)
    assert (tmp_path / RULES).exists()


def test_the_rules_are_rules() -> None:
    text = resource_path(f"udev/{RULES}").read_text(encoding="ascii")
    term = r'(?:ACTION|SUBSYSTEM|DRIVER|ATTRS?\{\w+\}|ENV\{\w+\}|GROUP|MODE|TAG)(?:==|\+?=)"[^"]*"'
    rules = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert all(re.fullmatch(rf"{term}(, {term})*", rule) for rule in rules)
    # uaccess is given by a rule of number 73; what comes after it would be too late.
    assert int(RULES.split("-")[0]) < 73
    for vendor, product in {pair for kind in KINDS.values() for pair in kind.usb_ids}:
        (rule,) = [r for r in rules if f'{{idVendor}}=="{vendor:04x}"' in r and f'{{idProduct}}=="{product:04x}"' in r]
        assert 'GROUP="dialout"' in rule
        assert 'TAG+="uaccess"' in rule
        assert 'ENV{ID_MM_DEVICE_IGNORE}="1"' in rule


PROFILE = """
title = "two"
[[source]]
kind = "shunt"
emulate = "tx1"
[[source]]
kind = "ppk2"
port = "/dev/ttyACM0"
[[source]]
kind = "hwmon"
"""


def test_what_is_to_be_captured_is_named_by_the_profile_or_by_its_kind(tmp_path: Path) -> None:
    profile = tmp_path / "p.toml"
    profile.write_text(PROFILE)
    assert spec_to_capture(profile, "ppk2", None, None).port == "/dev/ttyACM0"
    with pytest.raises(ProfileError, match="shunt, ppk2"):
        spec_to_capture(profile, None, None, None)
    assert spec_to_capture(None, None, None, "/dev/x").model_dump()["kind"] == "shunt"
    with pytest.raises(ProfileError, match="no serial line"):
        spec_to_capture(None, None, "hwmon", None)


LINES = {
    "kind": "lines",
    "format": "csv",
    "baud": 9600,
    "separator": ";",
    "columns": [{"name": 'a "b"\\', "field": 1, "quantity": "A", "scale": 1e-3}],
    "time": {"field": "t_us", "scale_s": 1e-6},
    "roles": {"power": "total", "a b": "gpu"},
}


@pytest.mark.parametrize("table", [{"kind": "shunt"}, {"kind": "ppk2", "mode": "source", "supply_v": 4.2}, LINES])
def test_a_capture_becomes_the_profile_that_plays_it(tmp_path: Path, table: dict[str, object]) -> None:
    path = tmp_path / 'with "quotes".capture'
    Capture(path, {"spec": table}).close()
    (spec,) = parse_profile(replay_profile(path), "replay").source
    assert spec == parse_source({**table, "replay": str(path)})


def test_a_capture_of_nobody_cannot_be_played(tmp_path: Path) -> None:
    Capture(tmp_path / "x", {}).close()
    with pytest.raises(MonitorError, match="does not say which instrument"):
        replay_profile(tmp_path / "x")
