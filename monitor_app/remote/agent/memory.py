# SPDX-License-Identifier: Apache-2.0
"""Whether the kernel killed a child because memory ran out.

Best said by the kernel's log, which names the process; else by its counters, which kernels before 4.13 (JetPack 4) do
not have.
"""

import os
import re
from typing import Iterator, List, Optional

GROUPS = "/sys/fs/cgroup"
_KILLED = re.compile(r"\bKill(?:ed)? process (\d+)\b")


class MemoryWatch:
    """From the start of a child to its end.

    Args:
        root: what /proc, /sys and /dev lie below.
    """

    def __init__(self, root: str = "/") -> None:
        self._root = root
        self._kills = _oom_kills(root)
        self._log = _open_log(root)

    def killed(self, pid: int) -> "Optional[bool]":
        """Whether it was; None where nothing on this machine tells. Asked once, about a child that SIGKILL ended."""
        told = None if self._log is None else _names(_rest_of(self._log), pid)
        self.close()
        if told:
            return True
        kills = _oom_kills(self._root)
        if kills is None or self._kills is None:
            return told
        return kills > self._kills

    def close(self) -> None:
        """Not needed any more."""
        if self._log is not None:
            os.close(self._log)
            self._log = None


def _names(text: str, pid: int) -> bool:
    return any(int(found) == pid for found in _KILLED.findall(text))


def _open_log(root: str) -> "Optional[int]":
    """The kernel's log from now on; None where it may not be read."""
    try:
        descriptor = os.open(os.path.join(root, "dev/kmsg"), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        os.lseek(descriptor, 0, os.SEEK_END)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _rest_of(descriptor: int) -> str:
    parts = []
    while True:
        try:
            record = os.read(descriptor, 8192)
        except BrokenPipeError:  # older records have been overwritten meanwhile
            continue
        except OSError:
            break
        if not record:
            break
        parts.append(record)
    return b"\n".join(parts).decode("utf-8", "replace")


def _oom_kills(root: str) -> "Optional[int]":
    for path in _counters(root):
        found = _counter(os.path.join(root, path.lstrip("/")))
        if found is not None:
            return found
    return None


def _counters(root: str) -> "Iterator[str]":
    """Of the process's own control group, version 2 and 1, which its children share, then of the machine."""
    for line in _lines(os.path.join(root, "proc/self/cgroup")):
        number, _, rest = line.partition(":")
        controllers, _, group = rest.partition(":")
        if number == "0":
            yield "{}/{}/memory.events".format(GROUPS, group.strip("/"))
        elif "memory" in controllers.split(","):
            yield "{}/memory/{}/memory.oom_control".format(GROUPS, group.strip("/"))
    yield "/proc/vmstat"


def _counter(path: str) -> "Optional[int]":
    for line in _lines(path):
        name, _, value = line.partition(" ")
        if name == "oom_kill" and value.strip().isdigit():
            return int(value)
    return None


def _lines(path: str) -> List[str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().splitlines()
    except OSError:
        return []
