# SPDX-License-Identifier: Apache-2.0
"""What `monitor-app doctor` does: look at a board before it is measured, and say what to mend."""

from __future__ import annotations

import shlex
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

from monitor_app.bench.board.control import this_board
from monitor_app.bench.board.doctor import Check, Verdict, busy_cores_between, disk_check, is_ready, machine_checks
from monitor_app.bench.examination import LOOK_S, child_check, examination, power_mode_checks
from monitor_app.bench.runs.inference_place import Here
from monitor_app.cli.terminal import put, say
from monitor_app.core.errors import BoardError
from monitor_app.core.log import state_folder
from monitor_app.core.samples import BOARD_KINDS
from monitor_app.sources.discovery import find_sources
from monitor_app.sources.registry import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from monitor_app.core.profile import Board, Profile
    from monitor_app.core.status import FoundSource

    Find = Callable[[], list[FoundSource]]

ROOT = Path("/")


def examine(
    profile: Profile | None, folder: Path, board: Board | None = None, found: Find = find_sources
) -> list[Check]:
    """All checks of this machine, or of a board elsewhere, for a session in a folder of this computer.

    Raises ProfileError where the device is not known.
    """
    return list(_checks_here(profile, folder, found) if board is None else _checks_there(profile, folder, board, found))


def _checks_here(profile: Profile | None, folder: Path, found: Find) -> Iterator[Check]:
    say("Looking at this machine, about 10 s.")
    before = _stat()
    time.sleep(LOOK_S)
    yield from machine_checks(ROOT, busy_cores_between(before, _stat()))
    yield from power_mode_checks(this_board(state_folder() / "board.json"))
    yield _disk(folder)
    gpu = bool(shutil.which("nvidia-smi")) or Path("/etc/nv_tegra_release").exists()
    yield child_check(Here(), _device(profile), _never, gpu_expected=gpu)
    yield _meter(profile, found(), "this machine", "monitor-app sources")


def _checks_there(profile: Profile | None, folder: Path, board: Board, found: Find) -> Iterator[Check]:
    """What has been seen until a board is lost is said all the same."""
    there: list[FoundSource] = []
    try:
        with examination(board, say, _never) as examined:
            there = examined.instruments()
            yield from examined.examine(_device(profile))
    except BoardError as error:
        yield Check("link", Verdict.NOT_READY, str(error))
    yield _disk(folder)
    # What this computer has of its own is not the board's.
    here = [each for each in found() if each.kind not in BOARD_KINDS]
    mend = f"monitor-app sources; monitor-app sources --board {shlex.quote(board.host)}"
    yield _meter(profile, [*here, *there], f"{board.host} and this computer", mend)


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


def as_json(checks: list[Check], board: Board | None = None) -> dict[str, object]:
    """The document of `doctor --json`."""
    lines = [{"name": c.name, "verdict": c.verdict.value, "text": c.text, "mend": c.mend or None} for c in checks]
    return {"board": board and board.host, "ready": is_ready(checks), "checks": lines}


def _never() -> bool:
    return False


def _device(profile: Profile | None) -> str:
    return profile.inference.device if profile is not None else "cpu"


def _stat() -> str:
    try:
        return (ROOT / "proc/stat").read_text(encoding="ascii")
    except OSError:
        return ""


def _disk(folder: Path) -> Check:
    return disk_check(shutil.disk_usage(folder).free, str(folder.absolute()))


def _meter(profile: Profile | None, found: list[FoundSource], where: str, mend: str) -> Check:
    if profile is not None:
        return _meters_of(profile, found, where, mend)
    real = [each for each in _real(found) if each.spec]
    if real:
        return Check("meter", Verdict.READY, ", ".join(f"{each.kind} at {each.where}" for each in real) + ".")
    waiting = next((each.state for each in found if not each.ready and each.kind in KINDS), "")
    text = f"Nothing that measures power was found. {waiting}".strip()
    return Check("meter", Verdict.NOT_READY, text, mend)


def _meters_of(profile: Profile, found: list[FoundSource], where: str, mend: str) -> Check:
    kinds = {each.kind for each in _real(found)}
    wanted = [spec for spec in profile.source if getattr(spec, "emulate", None) is None]
    missing = [spec.name for spec in wanted if spec.kind not in kinds]
    if missing:
        text = f"The profile has {', '.join(missing)}, of which nothing is seen on {where}."
        return Check("meter", Verdict.NOT_READY, text, mend)
    return Check("meter", Verdict.READY, ", ".join(spec.name for spec in profile.source) + ".")


def _real(found: list[FoundSource]) -> list[FoundSource]:
    """Those that can be used, without what can only be simulated."""
    return [each for each in found if each.ready and "emulate" not in each.spec]
