# SPDX-License-Identifier: Apache-2.0
"""One command line from its words to its exit code."""

from __future__ import annotations

import functools
import logging
import signal
from typing import TYPE_CHECKING, Any

import typer

from monitor_app.cli.commands import measuring, results
from monitor_app.cli.commands.parser import CANNOT, FAILED, INTERRUPTED, app
from monitor_app.cli.judged import Judged, code_of
from monitor_app.cli.terminal import say, signals_to_end
from monitor_app.core.errors import MonitorError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

COMMANDS = (measuring, results)
"""Importing them adds their commands, in the order of the help."""

logger = logging.getLogger(__name__)


class _Interrupted(BaseException):
    """Ctrl-C or SIGTERM. Not a KeyboardInterrupt, which the parser would turn into an ordinary failure."""


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit code."""
    try:
        return code_of(arguments, _run(arguments))
    except Judged as judged:
        return judged.code


def _run(arguments: list[str]) -> int:
    before = {number: signal.signal(number, _interrupt) for number in signals_to_end()}
    try:
        words, own = split_command(arguments)
        _command()(words, prog_name="monitor-app", obj=own)
    except SystemExit as stop:
        return int(stop.code or 0)
    except MonitorError as error:
        logger.info("Failed", exc_info=True)
        say(str(error))
        return CANNOT if arguments[:1] == ["analyze"] else FAILED
    except _Interrupted:
        return INTERRUPTED
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return 0


def split_command(arguments: list[str]) -> tuple[list[str], tuple[str, ...] | None]:
    """The arguments of `run`, and the command after them, of which nothing is looked at."""
    if arguments[:1] != ["run"] or "--" not in arguments:
        return arguments, None
    place = arguments.index("--")
    return arguments[:place], tuple(arguments[place + 1 :])


@functools.cache
def _command() -> Callable[..., Any]:
    """Made once, since typer reads the annotations of every command for it."""
    return typer.main.get_command(app)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise _Interrupted
