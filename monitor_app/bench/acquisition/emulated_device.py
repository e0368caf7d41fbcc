# SPDX-License-Identifier: Apache-2.0
"""Runs an emulated instrument as the process of its own that it is, and knows its port."""

from __future__ import annotations

import contextlib
import select
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from monitor_app.core.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Sequence

START_S = 10.0
STOP_S = 2.0


class EmulatedDevice:
    """The emulated instrument of a profile. Start it on a thread that outlives its use: Linux ends it with that thread.

    Args:
        module: of monitor_app.emulators: shunt, ppk2, ...
        options: as its command line takes them, such as --seed 3.
    """

    def __init__(self, module: str, options: Sequence[str]) -> None:
        self._module = module
        self._options = tuple(options)
        self._folder = tempfile.TemporaryDirectory(prefix="monitor-app-")
        self._process: subprocess.Popen[bytes] | None = None
        self._port = ""

    @property
    def lamp(self) -> Path:
        """Where the simulated board looks whether a network is running."""
        return Path(self._folder.name) / "lamp"

    def port(self) -> str:
        """Where the running emulator is reached, started anew where it is not running. Raises SourceError.

        A link, not the pseudo-terminal itself: one that was unplugged and put back is found there again.
        """
        if self._process is None or self._process.poll() is not None:
            self._stop()
            self._start()
        return self._port

    def close(self) -> None:
        """End the process and remove what it left; calling it twice is fine."""
        self._stop()
        self._folder.cleanup()

    def _start(self) -> None:
        link = Path(self._folder.name) / "port"
        command = [
            sys.executable, "-m", f"monitor_app.emulators.{self._module}", *self._options,
            "--lamp", str(self.lamp), "--link", str(link), "--until-stdin-closes",
        ]  # fmt: skip
        self._process = subprocess.Popen(
            # A session of its own: Ctrl-C in the terminal is for us, who end it in good order.
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], START_S)
        line = self._process.stdout.readline() if ready else b""
        port = line.decode().strip()
        if not port:
            self._stop()
            raise SourceError("The emulated instrument did not start; its own message is in the log.")
        # A device on the network has an address instead of a port that could be linked to.
        self._port = str(link) if port.startswith("/") else port

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        assert process.stdout is not None
        with contextlib.suppress(OSError):
            process.stdin.close()
        for harder in (process.terminate, process.kill):
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(STOP_S)
                break
            harder()
        process.wait()
        process.stdout.close()
