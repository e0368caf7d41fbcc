# SPDX-License-Identifier: Apache-2.0
"""The command of `monitor-app run` as a process, and when it ended."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import signal
import subprocess
import threading
from typing import TYPE_CHECKING

from monitor_app.core.errors import ProgramError
from monitor_app.core.host_time import host_time_ns

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

SOCKET, LOAD = "MONITOR_APP_MARKS", "MONITOR_APP_LOAD"
"""Names in the environment of the command, as the files of resources/marks read them."""
NOT_FOUND, NOT_A_PROGRAM = 127, 126
"""Exit codes of a shell for a command that it cannot start."""


class NotStartedError(ProgramError):
    """The command could not be started."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class RunningCommand:
    """A process that has been started. Its pipes, where it has any, are those of `process`.

    Args:
        words: of its command line.
        environment: all of it.
        ended: is called on another thread when it has ended.
        options: for subprocess.Popen; without any it has our terminal, and our stdin, stdout and stderr.

    Raises:
        NotStartedError: there is no such program, or it cannot be run.
    """

    def __init__(
        self, words: Sequence[str], environment: Mapping[str, str], ended: Callable[[], None], **options: Any
    ) -> None:
        self._ended = ended
        self.code: int | None = None
        """How it ended, negative for a signal; None while it lives."""
        self.end_ns = 0
        self.start_ns = host_time_ns()
        try:
            self.process = subprocess.Popen(list(words), env=dict(environment), **options)
        except (OSError, ValueError) as error:
            raise _not_started(words[0], error) from error
        self._waiter = threading.Thread(target=self._wait, name="command", daemon=True)
        self._waiter.start()

    def send_signal(self, number: int) -> None:
        """Pass a signal on; nothing where it has ended."""
        if self.code is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.process.pid, number)

    def _wait(self) -> None:
        code = self.process.wait()
        # As soon as the kernel says so: a poll would add its interval to the energy.
        self.end_ns = host_time_ns()
        self.code = code
        self._ended()


def require_program(name: str) -> None:
    """Raise NotStartedError where there is no such program on this machine, before anything is recorded."""
    if shutil.which(name) is None:
        there = os.path.exists(name) and "/" in name
        raise _not_started(name, OSError(errno.EACCES if there else errno.ENOENT, "Permission denied"))


def shell_code(code: int) -> int:
    """The exit code that a shell gives for one of a process: 128 and the number of the signal that ended it."""
    return 128 - code if code < 0 else code


def command_environment(
    base: Mapping[str, str], marks_folder: str, socket_path: str, loads: Sequence[str]
) -> dict[str, str]:
    """The environment of the command: where marks go, and where the files are by which it makes them.

    Args:
        base: the environment otherwise.
        marks_folder: holds monitor_marks.py and monitor_marks.h.
        socket_path: where marks go.
        loads: sockets of simulated boards.
    """
    found = {name: text for name, text in base.items() if name not in (SOCKET, LOAD)}
    for name in ("PYTHONPATH", "C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH"):
        before = found.get(name, "")
        found[name] = marks_folder + os.pathsep + before if before else marks_folder
    found[SOCKET] = socket_path
    if loads:
        found[LOAD] = ":".join(loads)
    return found


def _not_started(program: str, error: OSError | ValueError) -> NotStartedError:
    number = error.errno if isinstance(error, OSError) else None
    if number in (errno.ENOENT, errno.ENOTDIR):
        return NotStartedError(f"There is no program {program}: check its name, or give its path.", NOT_FOUND)
    if number == errno.ENOEXEC:
        return NotStartedError(
            f"{program} is no program: name what runs it before it, such as `sh {program}`.", NOT_A_PROGRAM
        )
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return NotStartedError(f"{program} cannot be started ({reason}): check its permissions.", NOT_A_PROGRAM)


def exit_sentence(code: int) -> str:
    """How a command ended that did not end well."""
    if code < 0:
        try:
            return f"The command was ended by signal {-code} ({signal.Signals(-code).name})."
        except ValueError:
            return f"The command was ended by signal {-code}."
    return f"The command ended with exit code {code}."
