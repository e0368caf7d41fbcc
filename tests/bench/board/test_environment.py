# SPDX-License-Identifier: Apache-2.0
"""What is told of a machine, from a tree of files as a Jetson has them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from monitor_app.bench.board.environment import machine_environment

if TYPE_CHECKING:
    from pathlib import Path

CPU = "sys/devices/system/cpu"
TX1 = {
    "proc/device-tree/model": "NVIDIA Jetson TX1 Developer Kit\0",
    "etc/nv_tegra_release": "# R32 (release), REVISION: 7.4, GCID: 33514132, BOARD: t210ref\nmore of it\n",
    f"{CPU}/cpu0/cpufreq/scaling_governor": "schedutil\n",
    f"{CPU}/cpu1/cpufreq/scaling_governor": "schedutil\n",
    f"{CPU}/cpu0/cpufreq/scaling_min_freq": "102000\n",
    f"{CPU}/cpu0/cpufreq/scaling_max_freq": "1734000\n",
    f"{CPU}/cpufreq/scaling_governor": "not a processor\n",
}


def tree(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


def test_a_jetson_tells_its_board_release_and_clocks(tmp_path: Path) -> None:
    assert machine_environment(tree(tmp_path, TX1)) == {
        "kernel": os.uname().release,
        "board": "NVIDIA Jetson TX1 Developer Kit",
        "L4T": "# R32 (release), REVISION: 7.4, GCID: 33514132, BOARD: t210ref",
        "cpu governor": "schedutil",
        "cpu0 min freq": "102 MHz",
        "cpu0 max freq": "1734 MHz",
    }


def test_processors_that_are_governed_differently_are_all_told(tmp_path: Path) -> None:
    files = {**TX1, f"{CPU}/cpu1/cpufreq/scaling_governor": "performance\n"}
    assert machine_environment(tree(tmp_path, files))["cpu governor"] == "performance, schedutil"


def test_what_is_not_known_is_left_out(tmp_path: Path) -> None:
    assert machine_environment(tmp_path / "nowhere") == {"kernel": os.uname().release}
    odd = {f"{CPU}/cpu0/cpufreq/scaling_max_freq": "<unknown>\n", f"{CPU}/cpu0/cpufreq/scaling_governor": "\n"}
    assert machine_environment(tree(tmp_path, odd)).keys() == {"kernel"}


def test_bytes_that_are_no_text_do_no_harm(tmp_path: Path) -> None:
    tree(tmp_path, TX1)
    (tmp_path / "proc/device-tree/model").write_bytes(b"Board \xff\0")
    assert machine_environment(tmp_path)["board"] == "Board \N{REPLACEMENT CHARACTER}"


def test_this_very_machine_tells_something() -> None:
    found = machine_environment()
    assert found["kernel"] == os.uname().release
    assert all(isinstance(value, str) and value for value in found.values())
