# SPDX-License-Identifier: Apache-2.0
"""What a command shows while it runs. Apart from the terminal, since a window starts without it."""

from __future__ import annotations

from contextlib import suppress
from typing import TypeVar

from rich.live import Live
from rich.text import Text

from monitor_app.cli.terminal import Terminal

Display = TypeVar("Display", bound="LiveDisplay")


class LiveDisplay:
    """On stderr: redrawn on a terminal, which ends with the block that it stands for; elsewhere lines."""

    def __init__(self, *, quiet: bool) -> None:
        self._console = Terminal(stderr=True, quiet=quiet)
        self._live = Live(Text(""), console=self._console, transient=True) if self._console.is_terminal else None

    def __enter__(self: Display) -> Display:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            with suppress(OSError):
                self._live.stop()
