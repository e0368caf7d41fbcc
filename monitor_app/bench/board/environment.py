# SPDX-License-Identifier: Apache-2.0
"""The settings of the machine that the networks run on, by which two sessions can be compared."""

from __future__ import annotations

import platform
from pathlib import Path

ROOT = Path("/")
CPU = "sys/devices/system/cpu"


PATTERNS = (
    "/etc/nv_tegra_release",
    "/proc/device-tree/model",
    f"/{CPU}/cpu[0-9]*/cpufreq/scaling_governor",
    f"/{CPU}/cpu0/cpufreq/scaling_m*_freq",
)
"""The files that are looked at, for a board of which they have to be fetched."""


def machine_environment(root: Path = ROOT, kernel: str = "") -> dict[str, str]:
    """By name: board, kernel, governor and range of the processor's clock; what is not known is left out.

    Args:
        root: / or a folder with a copy of a board's files.
        kernel: of the board; by default of this machine.
    """
    found = {"kernel": kernel or platform.release()}
    board = _text(root / "proc/device-tree/model")
    if board:
        found["board"] = board
    release = _text(root / "etc/nv_tegra_release")
    if release:
        found["L4T"] = release.splitlines()[0]
    governors = sorted({_text(file) for file in (root / CPU).glob("cpu[0-9]*/cpufreq/scaling_governor")} - {""})
    if governors:
        found["cpu governor"] = ", ".join(governors)
    for name in ("scaling_min_freq", "scaling_max_freq"):
        text = _text(root / CPU / "cpu0/cpufreq" / name)
        if text.isdigit():
            found[f"cpu0 {name.removeprefix('scaling_').replace('_', ' ')}"] = f"{int(text) / 1000:.0f} MHz"
    return found


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace").strip("\0\n ")
    except OSError:
        return ""
