# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from monitor_app.remote.agent.memory import MemoryWatch

if TYPE_CHECKING:
    from pathlib import Path

# As kernels 4.9 and 5.10 write it
OLD = "3,1103,5,-;Out of memory: Kill process 4711 (python3) score 900\n"
NEW = "3,1104,5,-;Out of memory: Killed process 4711 (python3) total-vm:1kB\n"


def write(root: Path, path: str, text: str) -> None:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


@pytest.mark.parametrize(
    ("group", "file"),
    [
        ("0::/user.slice\n", "sys/fs/cgroup/user.slice/memory.events"),
        ("4:memory:/user.slice\n", "sys/fs/cgroup/memory/user.slice/memory.oom_control"),
        ("", "proc/vmstat"),
    ],
)
def test_a_counter_that_grew(tmp_path: Path, group: str, file: str) -> None:
    write(tmp_path, "proc/self/cgroup", group)
    write(tmp_path, "proc/vmstat", "nr_free 1\noom_kill 7\n")
    write(tmp_path, file, "oom 1\noom_kill 3\n")
    assert MemoryWatch(str(tmp_path)).killed(4711) is False
    watch = MemoryWatch(str(tmp_path))
    write(tmp_path, file, "oom 2\noom_kill 4\n")
    assert watch.killed(4711) is True


@pytest.mark.parametrize("record", [OLD, NEW])
def test_the_log_names_the_process_where_there_is_no_counter(tmp_path: Path, record: str) -> None:
    write(tmp_path, "dev/kmsg", OLD.replace("4711", "12") + "older: Kill process 4712\n")
    watch, other = MemoryWatch(str(tmp_path)), MemoryWatch(str(tmp_path))
    with (tmp_path / "dev/kmsg").open("a") as log:
        log.write(record)
    assert watch.killed(4711) is True
    assert other.killed(4712) is False


def test_nothing_is_said_where_nothing_tells(tmp_path: Path) -> None:
    assert MemoryWatch(str(tmp_path)).killed(4711) is None
