# SPDX-License-Identifier: Apache-2.0
"""The edge to the terminal: what is printed is never interpreted, and a reader that goes away ends nothing."""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TextIO

from rich.console import Console
from rich.segment import Segment

from monitor_app.core.plain_text import visible, visible_lines

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import FrameType

    from rich.console import ConsoleOptions, RenderableType


class Terminal(Console):
    """A console without markup, that shows control characters in text as escapes."""

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, highlight=False, **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """The pieces of text of something, all of which are made fit to be shown."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(visible_lines(segment.text), segment.style)

    def on_broken_pipe(self) -> None:
        """The command goes on; nobody reads any more."""
        self.quiet = True
        _discard(sys.stderr if self.stderr else sys.stdout)


def signals_to_end() -> list[signal.Signals]:
    """Those that end a command in good order: Ctrl-C, SIGTERM, and SIGHUP, which the end of the terminal sends.

    Under `nohup` SIGHUP is ignored, and stays so.
    """
    ending = [signal.SIGINT, signal.SIGTERM]
    return ending if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else [*ending, signal.SIGHUP]


def interrupted_by_signal() -> threading.Event:
    """Set on one of `signals_to_end` from now on; a second one changes nothing, since files are being completed."""
    interrupted = threading.Event()

    def interrupt(number: int, frame: FrameType | None) -> None:
        interrupted.set()

    for number in signals_to_end():
        signal.signal(number, interrupt)
    return interrupted


def put(*lines: str) -> None:
    """Print lines on stdout."""
    _write(sys.stdout, lines)


def say(*lines: str) -> None:
    """Print lines on stderr."""
    _write(sys.stderr, lines)


def _write(stream: TextIO, lines: Iterable[str]) -> None:
    try:
        stream.write("".join(f"{visible(line)}\n" for line in lines))
        stream.flush()
    except UnicodeEncodeError:
        stream.write("".join(f"{visible(line)}\n" for line in lines).encode("ascii", "backslashreplace").decode())
    except OSError:  # the reader has ended, as `head` does, or the terminal has been closed
        _discard(stream)


def _discard(stream: TextIO) -> None:
    """Let what is still written to a stream go nowhere, so that nothing fails when Python flushes it at the end."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
