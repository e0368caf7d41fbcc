# SPDX-License-Identifier: Apache-2.0
"""Our end of child.py: start it, take its messages, end it."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import select
import subprocess
from pathlib import Path
from time import monotonic
from typing import Any

from monitor_app.core.errors import PortError, SourceLostError

CHILD = Path(__file__).with_name("child.py")

logger = logging.getLogger(__name__)


class JtopProcess:
    """A running child. Messages are objects with one key that says what they are.

    Raises PortError when ``python`` cannot be run.
    """

    def __init__(self, python: str, socket: str, interval_s: float) -> None:
        try:
            self._process = subprocess.Popen(
                [python, str(CHILD), socket, str(interval_s)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C in the terminal is for us, who end it in good order
            )
        except OSError as error:
            raise PortError(
                f"{python} cannot be run ({error.strerror}): name a Python interpreter that has jetson-stats "
                "as python in the profile."
            ) from error
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._stdin, self._stdout, self._stderr = self._process.stdin, self._process.stdout, self._process.stderr
        self._poll = select.poll()
        for pipe in (self._stdout, self._stderr):
            self._poll.register(pipe, select.POLLIN | select.POLLHUP)
        self._rest = b""
        self._last_words = ""

    def receive(self, timeout_s: float) -> list[tuple[str, dict[str, Any]]]:
        """The messages that have come, waiting at most timeout_s for the first. Raises SourceLostError at the end."""
        deadline_s = monotonic() + timeout_s
        while True:
            ready = self._poll.poll(max(0.0, deadline_s - monotonic()) * 1000)
            if not ready:
                return []
            pipes = {descriptor for descriptor, _ in ready}
            if self._stderr.fileno() in pipes:
                self._log()
            if self._stdout.fileno() in pipes:
                block = os.read(self._stdout.fileno(), 1 << 16)
                if not block:
                    raise self._ended()
                *lines, self._rest = (self._rest + block).split(b"\n")
                if lines:
                    return [next(iter(json.loads(line).items())) for line in lines]

    def close(self) -> None:
        """End it: close its stdin, wait 2 s, terminate, wait 1 s, kill. Twice is fine."""
        with contextlib.suppress(BrokenPipeError):
            self._stdin.close()
        if not self._ended_within(2.0):
            self._process.terminate()
            if not self._ended_within(1.0):
                self._process.kill()
                self._process.wait()
        self._stdout.close()
        self._stderr.close()

    def _log(self) -> None:
        block = os.read(self._stderr.fileno(), 1 << 16)
        if not block:
            self._poll.unregister(self._stderr)
        for line in block.decode("utf-8", "replace").splitlines():
            self._last_words = line.strip() or self._last_words
            logger.info("jtop child: %s", line)

    def _ended(self) -> SourceLostError:
        self._ended_within(1.0)
        said = f" (it said: {self._last_words})" if self._last_words else ""
        return SourceLostError(f"The process that asks the jtop service ended by itself{said}: connect again.")

    def _ended_within(self, timeout_s: float) -> bool:
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        return True
