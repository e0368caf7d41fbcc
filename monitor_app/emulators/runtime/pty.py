# SPDX-License-Identifier: Apache-2.0
"""The line of an emulated device: a pseudo-terminal that behaves like a serial port."""

from __future__ import annotations

import os
import tty
from contextlib import suppress

from monitor_app.core.errors import PortError

_CHUNK = 4_096


class PtyLink:
    """A pseudo-terminal in raw mode; `path` is the port for a host to open.

    The device's own descriptor of the port stays open, so that a host may come, go, and come again.

    Args:
        link: where to put a symbolic link to the port, if anywhere. One that is there is replaced.

    Raises:
        PortError: no pseudo-terminal is available, or the link cannot be made.
    """

    def __init__(self, link: str | os.PathLike[str] | None = None) -> None:
        self._link: str | None = None
        try:
            self._master, self._slave = os.openpty()
        except OSError as error:
            raise PortError(
                f"The system provides no pseudo-terminal ({error.strerror}); close some terminals and try again."
            ) from error
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.path = os.ttyname(self._slave)
        if link is not None:
            self._make_link(os.fspath(link))

    def fileno(self) -> int:
        """Readable when the host has sent something."""
        return self._master

    def read(self) -> bytes:
        """What the host has sent, up to 4 KiB; empty if nothing."""
        try:
            return os.read(self._master, _CHUNK)
        except BlockingIOError:
            return b""

    def write(self, data: bytes) -> int:
        """Hand over as much of `data` as the line takes now, and say how much that is."""
        try:
            return os.write(self._master, data)
        except BlockingIOError:
            return 0

    def close(self) -> None:
        """Hang up and remove the link, if it still leads here; twice is fine."""
        if self._master < 0:
            return
        # First, so that a host that has seen the end does not find the old port again.
        if self._link is not None:
            with suppress(OSError):
                if os.readlink(self._link) == self.path:
                    os.unlink(self._link)
        os.close(self._master)
        os.close(self._slave)
        self._master = self._slave = -1

    def _make_link(self, link: str) -> None:
        try:
            if os.path.islink(link):
                os.unlink(link)
            os.symlink(self.path, link)
        except OSError as error:
            self.close()
            raise PortError(
                f"The link {link} cannot be made ({error.strerror}); choose another path with --link."
            ) from error
        self._link = link
