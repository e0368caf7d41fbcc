# SPDX-License-Identifier: Apache-2.0
"""Opening the window. The bench starts first, so that both load at the same time."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from monitor_app.bench.client import BenchClient, ProfileFile, Resumed
from monitor_app.cli.files import DEFAULT_PROFILE, find_profile, new_unsaved_session
from monitor_app.cli.terminal import say, signals_to_end
from monitor_app.core.errors import MonitorError
from monitor_app.core.files.session_mark import SQLITE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def quick_start(arguments: list[str]) -> int | None:
    """Open the window for at most one argument that is not an option; None if a parser is needed."""
    if len(arguments) > 1 or any(word.startswith("-") for word in arguments):
        return None
    try:
        return open_window(arguments[0] if arguments else None, None)
    except MonitorError as error:
        say(str(error))
        return 1


def open_window(
    word: str | None, theme: str | None, *, trusted: bool = False, reset: bool = False, start_page: bool = False
) -> int:
    """Open the window on a profile, on a session file or on its start page. Raises MonitorError.

    ``reset``: forget what the window has remembered.
    """
    if not _has_display():
        raise MonitorError(
            "There is no display to open a window on: run "
            f"`monitor-app record {word or DEFAULT_PROFILE} -o session.plm` to record without a window."
        )
    with _asked_to_end() as asked:
        if start_page or (word is not None and _is_session(word)):
            from monitor_app.gui.app import run_window

            session = None if word is None else Path(word)
            return run_window(None, session, start_bench=_starter(None), theme=theme, reset=reset, asked_to_end=asked)
        client = _start_bench(word, trusted=trusted)
        from monitor_app.gui.app import run_window  # Qt loads while the bench starts

        starter = _starter(word, trusted=trusted)
        return run_window(client, start_bench=starter, unsaved=True, theme=theme, reset=reset, asked_to_end=asked)


@contextmanager
def _asked_to_end() -> Iterator[list[int]]:
    """Signals that come while the window is still being made, which is not interrupted: it ends once it is there."""
    asked: list[int] = []
    before = {each: signal.signal(each, lambda number, _: asked.append(number)) for each in signals_to_end()}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _is_session(word: str) -> bool:
    """By its ending, or where it has another one by its first bytes; a profile is text."""
    if word.endswith(".plm"):
        return True
    try:
        with Path(word).open("rb") as file:
            return file.read(len(SQLITE)) == SQLITE
    except OSError:
        return False


def _start_bench(word: str | None, *, trusted: bool = False) -> BenchClient:
    return BenchClient(find_profile(word or DEFAULT_PROFILE), new_unsaved_session(), trusted=trusted)


def _starter(
    word: str | None, *, trusted: bool = False
) -> Callable[[Path | ProfileFile | Resumed | None], BenchClient]:
    """Starts further benches: with the profile that a session holds, with another one, or with that of this window."""

    def start(wanted: Path | ProfileFile | Resumed | None) -> BenchClient:
        if wanted is None:
            return _start_bench(word, trusted=trusted)
        if isinstance(wanted, ProfileFile):
            return BenchClient(wanted.path, new_unsaved_session(), trusted=wanted.trusted)
        if isinstance(wanted, Resumed):
            return BenchClient(wanted.session, wanted.session, stored=True, resume=True)
        return BenchClient(wanted, new_unsaved_session(), stored=True)  # somebody else's, whatever `trusted` says

    return start


def _has_display() -> bool:
    if sys.platform != "linux":
        return True
    named = os.environ.get("QT_QPA_PLATFORM", "")
    return bool(named or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
