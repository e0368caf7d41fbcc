# SPDX-License-Identifier: Apache-2.0
"""An emulated instrument in a process of its own, and the port at which it is reached."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from monitor_app.core.child_process import ChildProcess
from monitor_app.core.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Sequence

START_S = 10.0


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
        self._child: ChildProcess | None = None
        self._port = ""

    @property
    def load_signal(self) -> Path:
        """The socket at which the simulated board receives the load of the network."""
        return Path(self._folder.name) / "lamp"

    def port(self) -> str:
        """Where the running emulator is reached; it is started where it is not running. Raises SourceError.

        A link, not the pseudo-terminal itself: one that was unplugged and put back is found there again.
        """
        if self._child is None or self._child.exit_code is not None:
            self._stop()
            self._port = self._start()
        return self._port

    def close(self) -> None:
        """End the process and remove its files; calling it twice is fine."""
        self._stop()
        self._folder.cleanup()

    def _start(self) -> str:
        link = Path(self._folder.name) / "port"
        command = [
            sys.executable, "-m", f"monitor_app.emulators.{self._module}", *self._options,
            "--lamp", str(self.load_signal), "--link", str(link), "--until-stdin-closes",
        ]  # fmt: skip
        self._child = ChildProcess(command, f"{self._module} emulator")
        try:
            lines = self._child.lines(START_S)
        except EOFError:
            lines = []
        port = lines[0].decode().strip() if lines else ""
        if not port:
            self._stop()
            raise SourceError("The emulated instrument did not start; its own message is in the log.")
        # A device on the network has an address instead of a port that could be linked to.
        return str(link) if port.startswith("/") else port

    def _stop(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.close()
