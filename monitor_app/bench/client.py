# SPDX-License-Identifier: Apache-2.0
"""The bench as its own process, seen from the window: start it, command it, hear from it without waiting."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

from monitor_app.bench.messages import Closed, Event, Failed, Quit, decode_event, encode

if TYPE_CHECKING:
    from pathlib import Path

    from monitor_app.bench.messages import Command

ASK_S, TERMINATE_S = 5.0, 2.0
"""How long each rung of the stop ladder waits; asking includes closing the file on a slow disk."""


class BenchClient:
    """A bench process recording into ``session``. It outlives a window that dies, not one that closes it."""

    def __init__(self, profile: Path, session: Path) -> None:
        self.profile = profile
        self.session = session
        self._buffer = b""
        self._said_farewell = False
        self._process = subprocess.Popen(
            [sys.executable, "-m", "monitor_app.bench.process", str(profile), str(session)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # A session of its own: Ctrl-C in the terminal is for the window, which ends the bench in good order.
            start_new_session=True,
        )
        assert self._process.stdout is not None
        os.set_blocking(self._process.stdout.fileno(), False)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def send(self, command: Command) -> None:
        """Commands to a bench that is gone are dropped; ``poll`` tells of its end."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError, ValueError):
            self._process.stdin.write(encode(command))
            self._process.stdin.flush()

    def poll(self) -> list[Event]:
        """What the bench has said since the last call; never waits.

        When the process has ended without Closed or Failed, the last event is a Failed that says how.
        """
        alive = self.alive
        self._buffer += self._available()
        *lines, self._buffer = self._buffer.split(b"\n")
        events = [decode_event(line) for line in lines]
        if any(isinstance(event, (Closed, Failed)) for event in events):
            self._said_farewell = True
        if not alive and not self._said_farewell:
            self._said_farewell = True
            events.append(Failed(self._obituary()))
        return events

    def close(self) -> None:
        """Ask it to end, wait, terminate, wait, kill. Calling it twice is fine."""
        self.send(Quit())
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        for wait_s, harder in ((ASK_S, self._process.terminate), (TERMINATE_S, self._process.kill)):
            try:
                self._drain_until_exit(wait_s)
                break
            except subprocess.TimeoutExpired:
                harder()
        self._process.wait()
        self._process.stdout.close()

    def _drain_until_exit(self, wait_s: float) -> None:
        """Keep its stdout empty, so that a bench with much to say can end."""
        for _ in range(round(wait_s / 0.05)):
            self._available()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(0.05)
                return
        raise subprocess.TimeoutExpired(self._process.args, wait_s)

    def _available(self) -> bytes:
        stdout = self._process.stdout
        if stdout is None or stdout.closed:
            return b""
        chunks = []
        with contextlib.suppress(BlockingIOError):
            while chunk := os.read(stdout.fileno(), 65_536):
                chunks.append(chunk)
        return b"".join(chunks)

    def _obituary(self) -> str:
        code = self._process.returncode
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
        return (
            f"The bench {how}; what it had recorded is safe in {self.session}. "
            "Press Start to record into a new session."
        )
