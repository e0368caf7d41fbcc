# SPDX-License-Identifier: Apache-2.0
"""What `monitor-app sources` does besides listing: capture an instrument's bytes, install the udev rules."""

from __future__ import annotations

import json
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from monitor_app.bench.acquisition.instruments import capturing_source
from monitor_app.cli.terminal import put, say
from monitor_app.core.errors import MonitorError, ProfileError, SourceError, SourceLostError
from monitor_app.core.files.package_data import resource_path
from monitor_app.core.samples import SampleBlock
from monitor_app.core.source_specs import SerialSpec
from monitor_app.sources.profile_reader import load_profile, parse_source
from monitor_app.sources.registry import KINDS
from monitor_app.sources.serial.capture import Capture, header_of

RULES = "70-monitor-app.rules"
RULES_FOLDER = Path("/etc/udev/rules.d")
READ_S = 0.2
SHOW_EVERY_S = 1.0


def spec_to_capture(profile: Path | None, name: str | None, kind: str | None, port: str | None) -> SerialSpec:
    """The instrument that the options name. Raises MonitorError."""
    if profile is None:
        return _spec_of_kind(kind or "shunt", port)
    serial = [spec for spec in load_profile(profile).source if isinstance(spec, SerialSpec)]
    chosen = [spec for spec in serial if name in {None, spec.name}]
    if len(chosen) != 1:
        names = ", ".join(spec.name for spec in serial) or "none"
        raise ProfileError(f"Name one serial source of {profile} with --source; there are: {names}.")
    return chosen[0]


def _spec_of_kind(name: str, port: str | None) -> SerialSpec:
    kind = KINDS.get(name)
    if kind is None or not kind.serial:
        serial = ", ".join(each.name for each in KINDS.values() if each.serial)
        raise ProfileError(f"A {name} has no serial line to capture: choose one of: {serial}.")
    if kind.required:
        raise ProfileError(f"A {kind.title} is read as a profile describes it: name the profile with --profile.")
    spec = parse_source({"kind": name, **({"port": port} if port else {})})
    assert isinstance(spec, SerialSpec), "as the registry says of this kind"
    return spec


def capture(spec: SerialSpec, path: Path, duration_s: float | None) -> int:
    """Read the instrument as a session would and write every byte to the file, until Ctrl-C or for ``duration_s``."""
    stopped: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda n, _frame: stopped.append(n))
    table = spec.model_dump(
        mode="json", exclude_defaults=True, exclude={"port", "emulate", "replay", "faults", "account"}
    )
    file = Capture(path, {"spec": {"kind": spec.kind, **table}, "port": spec.port, "utc_ns": time.time_ns()})
    samples = lost = 0
    try:
        with capturing_source(spec, file) as source:
            source.open()
            began = shown = time.monotonic()
            while not stopped and (duration_s is None or time.monotonic() - began < duration_s):
                for reading in source.read(READ_S):
                    if isinstance(reading, SampleBlock):
                        samples, lost = samples + len(reading), lost + reading.lost_before
                if time.monotonic() - shown >= SHOW_EVERY_S:
                    shown = time.monotonic()
                    _say(f"{shown - began:6.0f} s  {file.received_bytes / 1e6:.1f} MB  {samples} samples  {lost} lost")
    except SourceLostError as error:
        _say(str(error))  # what came before is captured, and may show why
    finally:
        file.close()
        if not file.received_bytes:
            path.unlink(missing_ok=True)  # an empty capture is of no use
    if not (file.received_bytes or stopped):
        raise SourceError(f"Nothing came from {spec.name}, so there is no capture: check that it is connected.")
    if file.received_bytes:
        put(f"capture  {path}")
    return 130 if stopped else 0


def install_udev(folder: Path = RULES_FOLDER) -> None:
    """Copy the rules to where udev looks and have it look again. Raises SourceError with the command to type."""
    try:
        shutil.copyfile(resource_path(f"udev/{RULES}"), folder / RULES)
    except FileNotFoundError as error:
        raise SourceError(f"There is no folder {folder}: this system has no udev, and needs no rules.") from error
    except PermissionError as error:
        program = shlex.join([sys.argv[0], "sources", "--install-udev"])
        raise SourceError(f"The rules can only be installed by root: run `sudo {program}`.") from error
    put(str(folder / RULES))
    for command in (["udevadm", "control", "--reload"], ["udevadm", "trigger", "--subsystem-match=tty"]):
        try:
            subprocess.run(command, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise SourceError(
                "The rules are installed, but udev did not reload them: unplug the instrument and plug it in again."
            ) from error


def _say(text: str) -> None:
    say(text)


def replay_profile(path: Path) -> str:
    """A profile, as TOML, that plays a capture in place of its instrument. Raises MonitorError."""
    table = header_of(path).get("spec")
    if not isinstance(table, dict):
        raise MonitorError(f"{path} does not say which instrument it was captured from: capture it again.")
    parse_source({**table, "replay": str(path)})  # refuse now what the bench would refuse
    lines = [f"title = {_toml(f'Replay of {path.name}')}", "", "[[source]]", f"replay = {_toml(str(path.absolute()))}"]
    return "\n".join(lines + [f"{key} = {_toml(value)}" for key, value in table.items() if value is not None]) + "\n"


def _toml(value: object) -> str:
    """A value as TOML writes it: JSON's spelling but for tables."""
    if isinstance(value, dict):
        inside = ", ".join(f"{json.dumps(key)} = {_toml(each)}" for key, each in value.items() if each is not None)
        return f"{{ {inside} }}"
    if isinstance(value, list):
        return f"[{', '.join(_toml(each) for each in value)}]"
    return json.dumps(value, ensure_ascii=False)
