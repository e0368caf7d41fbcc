# SPDX-License-Identifier: Apache-2.0
"""When figures are worth computing anew. No Qt."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from monitor_app.gui.session.recording import FINAL

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from monitor_app.gui.session.recording import Recording

PAUSE_S = 20.0
"""Between two computations while a recording goes on."""


class State(NamedTuple):
    """What figures depend on."""

    sessions: tuple[Path, ...]
    over: tuple[int, ...]
    """Runs of the first that have ended."""


class Upkeep:
    """Remembers what was computed last, and when."""

    def __init__(self) -> None:
        self._begun: State | None = None
        self._shown: State | None = None
        self._ended_s = -PAUSE_S

    def due(self, recording: Recording, compared: Sequence[Path], *, running: bool) -> State | None:
        """What to compute now: at once for other sessions, for a run that has ended after a pause; else None."""
        over = tuple(run.id for run in recording.runs if run.state in FINAL)
        state = State((recording.reader.path, *compared), over)
        if state == self._begun:
            return None
        others = self._begun is None or state.sessions != self._begun.sessions
        rested = not running and time.monotonic() - self._ended_s >= PAUSE_S
        return state if others or rested else None

    def begin(self, state: State) -> None:
        """It is being computed."""
        self._begun = state

    def end(self, *, shown: bool) -> None:
        """It is computed, or could not be."""
        self._ended_s = time.monotonic()
        if shown:
            self._shown = self._begun

    def give_up(self) -> None:
        """What was begun will not be finished."""
        self._begun = self._shown
