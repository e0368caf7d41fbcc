# SPDX-License-Identifier: Apache-2.0
"""The parent's end of child.py: start it, receive its messages, end it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from monitor_app.core.child_process import ChildProcess
from monitor_app.core.errors import PortError, SourceLostError

CHILD = Path(__file__).with_name("child.py")


class JtopProcess:
    """A running child. Messages are objects with one key that says what they are.

    Raises PortError when ``python`` cannot be run.
    """

    def __init__(self, python: str, socket: str, interval_s: float) -> None:
        try:
            self._child = ChildProcess([python, str(CHILD), socket, str(interval_s)], "jtop child", log_stderr=True)
        except OSError as error:
            raise PortError(
                f"{python} cannot be run ({error.strerror}): name a Python interpreter that has jetson-stats "
                "as python in the profile."
            ) from error

    def receive(self, timeout_s: float) -> list[tuple[str, dict[str, Any]]]:
        """The messages that have come, waiting at most timeout_s for the first. Raises SourceLostError at the end."""
        try:
            lines = self._child.lines(timeout_s)
        except EOFError as error:
            reason, tail = self._child.exit_reason(), self._child.stderr_tail
            said = f" (its last message: {tail})" if tail else ""
            raise SourceLostError(f"The process that asks the jtop service {reason}{said}: connect again.") from error
        return [next(iter(json.loads(line).items())) for line in lines]

    def close(self) -> None:
        """End it by closing its stdin, or by force. Calling it twice is fine."""
        self._child.close()
