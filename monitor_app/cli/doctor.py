# SPDX-License-Identifier: Apache-2.0
"""What `monitor-app doctor` does: look at a board before it is measured, and say what to mend."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

from monitor_app.bench.board.control import BoardControlError, this_board
from monitor_app.bench.board.doctor import (
    Check,
    Verdict,
    busy_cores_between,
    disk_check,
    inference_check,
    is_ready,
    machine_checks,
)
from monitor_app.bench.runs.inference_link import InferenceLink
from monitor_app.bench.runs.inference_place import Here
from monitor_app.cli.terminal import put, say
from monitor_app.core.errors import MonitorError
from monitor_app.core.log import state_folder
from monitor_app.sources.discovery import find_sources
from monitor_app.sources.registry import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from monitor_app.core.profile import Profile
    from monitor_app.core.status import FoundSource

ROOT = Path("/")
LOOK_S = 1.0
"""Over how long other load is measured."""


def examine(
    profile: Profile | None, folder: Path, found: Callable[[], list[FoundSource]] = find_sources
) -> list[Check]:
    """All checks of this machine, for a session in a folder. Raises ProfileError where the device is not known."""
    return list(_checks(profile, folder, found))


def _checks(profile: Profile | None, folder: Path, found: Callable[[], list[FoundSource]]) -> Iterator[Check]:
    say("Looking at this machine, about 10 s.")
    before = _stat()
    time.sleep(LOOK_S)
    yield from machine_checks(ROOT, busy_cores_between(before, _stat(), LOOK_S))
    yield from _power_mode()
    yield disk_check(shutil.disk_usage(folder).free, str(folder.absolute()))
    yield _inference(profile)
    yield _meter(profile, found())


def print_checks(checks: list[Check]) -> int:
    """One line a check, with what mends it below; the exit code."""
    width = max(len(each.name) for each in checks)
    for each in checks:
        put(f"{each.verdict.value:<9}  {each.name:<{width}}  {each.text}")
        if each.mend:
            put(f"{'':<9}  {'':<{width}}    mend it: {each.mend}")
    put("", "Ready to be measured." if is_ready(checks) else "Not ready to be measured: see the lines that say so.")
    return exit_code(checks)


def exit_code(checks: list[Check]) -> int:
    """Of the command."""
    return 0 if is_ready(checks) else 1


def as_json(checks: list[Check]) -> dict[str, object]:
    """The document of `doctor --json`."""
    lines = [{"name": c.name, "verdict": c.verdict.value, "text": c.text, "mend": c.mend or None} for c in checks]
    return {"ready": is_ready(checks), "checks": lines}


def _stat() -> str:
    try:
        return (ROOT / "proc/stat").read_text(encoding="ascii")
    except OSError:
        return ""


def _power_mode() -> Iterator[Check]:
    control = this_board(state_folder() / "board.json")
    try:
        mode = control.mode()
    except BoardControlError as error:
        yield Check("power mode", Verdict.UNKNOWN, str(error))
        return
    if mode is None:
        return
    yield Check("power mode", Verdict.READY, f"{mode}; there are: {', '.join(control.modes())}.")
    missing = control.ready()
    if missing is not None:
        yield Check("sudo rule", Verdict.CAUTION, f"power_modes and clocks of a plan cannot be set. {missing}")


def _inference(profile: Profile | None) -> Check:
    device = profile.inference.device if profile is not None else "cpu"
    link = InferenceLink(Here(), lambda: False)
    try:
        ready = link.start(device)
    except MonitorError as error:
        return Check("inference", Verdict.NOT_READY, str(error))
    finally:
        link.end()
    assert ready is not None, "a link that has just been made has no child yet"
    gpu = bool(shutil.which("nvidia-smi")) or Path("/etc/nv_tegra_release").exists()
    return inference_check(ready.versions, ready.devices, gpu_expected=gpu)


def _meter(profile: Profile | None, found: list[FoundSource]) -> Check:
    if profile is not None:
        return _meters_of(profile, found)
    real = [each for each in _real(found) if each.spec]
    if real:
        return Check("meter", Verdict.READY, ", ".join(f"{each.kind} at {each.where}" for each in real) + ".")
    waiting = next((each.state for each in found if not each.ready and each.kind in KINDS), "")
    text = f"Nothing that measures power was found. {waiting}".strip()
    return Check("meter", Verdict.NOT_READY, text, "monitor-app sources")


def _meters_of(profile: Profile, found: list[FoundSource]) -> Check:
    kinds = {each.kind for each in _real(found)}
    wanted = [spec for spec in profile.source if getattr(spec, "emulate", None) is None]
    missing = [spec.name for spec in wanted if spec.kind not in kinds]
    if missing:
        text = f"The profile has {', '.join(missing)}, of which this machine shows nothing."
        return Check("meter", Verdict.NOT_READY, text, "monitor-app sources")
    return Check("meter", Verdict.READY, ", ".join(spec.name for spec in profile.source) + ".")


def _real(found: list[FoundSource]) -> list[FoundSource]:
    """Those that can be used, without what can only be simulated."""
    return [each for each in found if each.ready and "emulate" not in each.spec]
