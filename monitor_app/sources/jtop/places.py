# SPDX-License-Identifier: Apache-2.0
"""Where the jtop service and the child that asks it are: this machine, or a board elsewhere."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from monitor_app.core.child_process import ChildProcess
from monitor_app.core.errors import BoardError, PortError
from monitor_app.remote.bundle.build import bundle

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor_app.remote.link import GetLink

CHILD = Path(__file__).with_name("child.py")
SYSTEM_PYTHON = "/usr/bin/python3"
SERVICE_COMMAND = Path("/usr/local/bin/jtop")
"""What the service runs; its first line names the interpreter that has the service's own jetson-stats."""
OLDEST = (3, 6)
"""The child is written for this Python, so one bundle does for all."""


class Child(Protocol):
    """A running process, as `core.child_process.ChildProcess` and `remote.child.RemoteChild` are."""

    def lines(self, timeout_s: float) -> list[bytes]:
        """The whole lines that have come. Raises EOFError."""

    def exit_reason(self) -> str:
        """How it ended, to follow a subject."""

    @property
    def stderr_tail(self) -> str:
        """The last line that it wrote there."""

    def close(self) -> None:
        """End it; calling it twice is fine."""


class Place(Protocol):
    """A machine with the service."""

    def interpreters(self) -> list[str]:
        """Those that may have jetson-stats, the likeliest first."""

    def start(self, python: str, arguments: Sequence[str]) -> Child:
        """The child. Raises PortError."""

    def host_ns(self, raw_ns: int) -> tuple[int, int]:
        """The host time of a time of the machine's CLOCK_MONOTONIC_RAW, and its bound."""


class Here:
    """This machine."""

    def interpreters(self) -> list[str]:
        """Ours, the service's, the system's."""
        found = [sys.executable]
        try:
            with SERVICE_COMMAND.open("rb") as file:
                first_line = file.readline(256)
        except OSError:
            first_line = b""
        if first_line.startswith(b"#!/") and len(words := first_line[2:].split()) == 1:
            found.append(words[0].decode(errors="replace"))
        found.append(SYSTEM_PYTHON)
        return [python for python in dict.fromkeys(found) if python == sys.executable or Path(python).exists()]

    def start(self, python: str, arguments: Sequence[str]) -> Child:
        try:
            return ChildProcess([python, str(CHILD), *arguments], "jtop child", log_stderr=True)
        except OSError as error:
            raise PortError(
                f"{python} cannot be run ({error.strerror}): name a Python interpreter that has jetson-stats "
                "as python in the profile."
            ) from error

    def host_ns(self, raw_ns: int) -> tuple[int, int]:
        return raw_ns, 0


class There:
    """A board elsewhere, whose agent starts the child. Raises PortError where it is not there."""

    def __init__(self, link: GetLink) -> None:
        try:
            self._link = link()
        except BoardError as error:
            raise PortError(str(error)) from error

    def interpreters(self) -> list[str]:
        """The profile's, the system's."""
        return list(dict.fromkeys([self._link.board.python, SYSTEM_PYTHON]))

    def start(self, python: str, arguments: Sequence[str]) -> Child:
        try:
            stored = self._link.bundle(bundle(OLDEST).data)
            return self._link.start_child("jtop", arguments, python=python, bundle=stored)
        except BoardError as error:
            raise PortError(str(error)) from error

    def host_ns(self, raw_ns: int) -> tuple[int, int]:
        board_ns = np.array([raw_ns], np.int64)
        return int(self._link.clock.host_ns(board_ns)[0]), self._link.clock.bound_ns(board_ns)
