# SPDX-License-Identifier: Apache-2.0
"""Looks for instruments while the bench runs: it watches the list of ports, and probes instruments on request."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from typing import TYPE_CHECKING

from monitor_app.core.errors import PortError
from monitor_app.sources.discovery import find_serial, find_sources
from monitor_app.sources.serial.transport import serial_ports

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from monitor_app.core.status import FoundSource
    from monitor_app.sources.serial.transport import SerialPort

LOOK_EVERY_S = 1.0
CLOSE_S = 3.0
"""Wait this long for an instrument that is being probed; its answer may take longer, and is no longer needed."""

logger = logging.getLogger(__name__)


class Finder:
    """A thread of its own, because an instrument may take seconds to answer.

    Nothing is opened unless ``ask`` was called: opening a port resets some boards.
    """

    def __init__(self, ports: Callable[[], Sequence[SerialPort]] = serial_ports) -> None:
        self.found: tuple[FoundSource, ...] = ()
        """As of the last search."""
        self.searches = 0
        """Number of complete searches requested by `ask`; increases when one has ended."""
        self._ports = ports
        self._asked = threading.Event()
        self._closing = threading.Event()
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name="finder")
        self._thread.start()

    def ask(self) -> None:
        """Search for everything, and probe the USB ports."""
        self._asked.set()
        self._wake.set()

    def stop(self) -> None:
        """Ask the thread to end as soon as it can, without waiting for it."""
        self._closing.set()
        self._wake.set()

    def close(self) -> None:
        """End the thread; calling it twice is fine."""
        self.stop()
        self._thread.join(CLOSE_S)

    def _run(self) -> None:
        seen: set[SerialPort] = set()
        try:
            while not self._closing.is_set():
                with contextlib.suppress(PortError):  # the list cannot be read now; the next try may succeed
                    seen = self._look(seen)
                self._wake.wait(LOOK_EVERY_S)
                self._wake.clear()
        except Exception:  # the top of a thread
            logger.exception("The search for instruments has stopped")

    def _look(self, seen: set[SerialPort]) -> set[SerialPort]:
        """Look at the ports once. Returns those that are there."""
        ports = self._ports()
        present = set(ports)
        if self._asked.is_set():
            self._asked.clear()
            self.found = tuple(find_sources(lambda: ports, in_use=open_files(), stopped=self._closing.is_set))
            self.searches += 1
        elif present != seen:
            self._plugged(present, seen)
        return present

    def _plugged(self, present: set[SerialPort], seen: set[SerialPort]) -> None:
        """Unplugged ports are removed from the list, new ones are added without being opened."""
        gone = {port.device for port in seen - present}
        kept = tuple(each for each in self.found if each.where not in gone)
        new = sorted(present - seen, key=lambda port: port.device)
        self.found = (*find_serial(new, ask=False), *kept)


def open_files(process: int | str = "self") -> frozenset[str]:
    """The files that a process has open, by default this one: an instrument that is being read must not be probed."""
    opened = set()
    with contextlib.suppress(OSError):  # the process has ended
        for name in os.listdir(f"/proc/{process}/fd"):
            with contextlib.suppress(OSError):  # that of the listing itself is closed by now
                opened.add(os.readlink(f"/proc/{process}/fd/{name}"))
    return frozenset(opened)
