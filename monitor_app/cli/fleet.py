# SPDX-License-Identifier: Apache-2.0
"""Many boards from one command: what is done on each, as a table on a terminal and as lines elsewhere."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from monitor_app.cli.consent import allowance
from monitor_app.cli.live_display import LiveDisplay
from monitor_app.cli.tables import SIMULATED
from monitor_app.cli.terminal import interrupted_by_signal, put, say
from monitor_app.core.errors import MonitorError, SessionError
from monitor_app.core.formatting import NOTHING, clock_bound, duration
from monitor_app.fleet.job import FINAL, Job, State
from monitor_app.fleet.lab import load_lab
from monitor_app.fleet.progress import progress_of
from monitor_app.fleet.readiness import readiness

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from monitor_app.fleet.engine import Fleet
    from monitor_app.fleet.lab import Board
    from monitor_app.fleet.progress import Progress
    from monitor_app.fleet.readiness import Readiness

LOOK_S = 1.0
"""Interval at which the session files are read."""
LINE_EVERY_S = 30.0
"""Interval of lines about a board of which nothing has changed but the time left."""
FAILED, INTERRUPTED = 1, 130


def check_lab(lab: Path, folder: Path, *, trusted: bool, as_json: bool) -> tuple[int, dict[str, Any] | None]:
    """Say what would be done and what is missing; exit code 1 where a board is not ready.

    Raises MonitorError, also where a board elsewhere would be looked at by code that the user has not allowed.
    """
    boards = load_lab(lab)
    for board in boards:
        if board.profile.board is not None:
            _allowance(board, lab, trusted=trusted)
    found = readiness(boards, folder)
    code = 0 if all(each.ready for each in found) else FAILED
    if as_json:
        return code, {"ready": not code, "boards": [_readiness_json(each) for each in found]}
    for each in found:
        name = _marked(each.board.name, simulated=each.board.simulated)
        put(f"{name}: {'ready' if each.ready else 'NOT READY'}, {_work(each.progress)}")
        put(*(f"  {sentence}" for sentence in (*each.found, *each.missing)))
    return code, None


def run_lab(
    lab: Path, folder: Path, *, scheduler: str | None, quiet: bool, trusted: bool, as_json: bool
) -> tuple[int, dict[str, Any] | None]:
    """Record all boards, and resume what was begun; the exit code, and the document where one was asked for.

    0: every run of every plan is done. 1: something is left. 130: interrupted. Raises MonitorError.
    """
    from monitor_app.fleet.engine import fleet_of

    boards = load_lab(lab)
    allowed = {board.name: bool(_allowance(board, lab, trusted=trusted)) for board in boards}
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SessionError(
            f"{folder} cannot be created ({error.strerror}): choose a folder you can write to."
        ) from error
    jobs = [Job(b.name, b.text, str(folder.absolute()), b.retry, allowed[b.name]) for b in boards]
    interrupted = interrupted_by_signal()
    with fleet_of(jobs, scheduler) as fleet, _Display(quiet=quiet) as display:
        while True:
            over = fleet.over  # before the files are read, so that the last look sees how it ended
            rows = [_row(board, folder, fleet) for board in boards]
            display.show(rows)
            if over or interrupted.wait(LOOK_S):
                break
    rows = [_row(board, folder, fleet) for board in boards]
    code = INTERRUPTED if interrupted.is_set() else 0 if all(_is_done(row) for row in rows) else FAILED
    if as_json:
        return code, {
            "done": not code,
            "boards": [_row_json(row, folder) for row in rows],
        }
    display.summarise(rows)
    return code, None


def _allowance(board: Board, lab: Path, *, trusted: bool) -> str:
    return allowance(board.profile, board.text, f"{lab}, board {board.name}", trusted=trusted)


class _Row:
    """What is shown of one board."""

    def __init__(self, board: Board, state: State, progress: Progress | None, sentence: str) -> None:
        self.board, self.state, self.progress, self.sentence = board, state, progress, sentence

    @property
    def name(self) -> str:
        """Of the board, marked where something of it is simulated."""
        return _marked(self.board.name, simulated=self.board.simulated)

    @property
    def runs(self) -> str:
        """The run of the plan that is next or current: 3 of 14."""
        if self.progress is None:
            return NOTHING
        current = min(self.progress.done + (self.state not in FINAL), self.progress.planned)
        return f"{current} of {self.progress.planned}"

    @property
    def left(self) -> str:
        """Time."""
        progress = self.progress
        return duration(progress.left_s) if progress and progress.left else "0:00" if progress else NOTHING

    @property
    def link(self) -> str:
        """Bound of the clock of the link; a dash where there is none."""
        return NOTHING if not self.progress or self.progress.link_ns is None else clock_bound(self.progress.link_ns)

    @property
    def meter(self) -> str:
        """Bound of the meter's clock; a dash before it is known."""
        return NOTHING if not self.progress or self.progress.meter_ns is None else clock_bound(self.progress.meter_ns)

    @property
    def doing(self) -> str:
        """The state, with the network that is running."""
        running = self.progress.running if self.progress and self.state is State.RECORDING else ""
        return running or self.state.value


def _row(board: Board, folder: Path, fleet: Fleet) -> _Row:
    """From the session file; what no file holds, such as the pause before another try, from the engine."""
    state, sentence = fleet.told(board.name)
    try:
        progress = progress_of(board.profile, board.session(folder))
    except MonitorError as error:
        return _Row(board, state, None, sentence or str(error))
    return _Row(board, state, progress, sentence or progress.sentence)


def _is_done(row: _Row) -> bool:
    """By the file; by what the worker said where the file is on another computer."""
    return row.state is State.DONE or (row.progress is not None and not row.progress.left)


def _line(row: _Row) -> str:
    parts = [f"{row.name}: run {row.runs}", row.doing, f"{row.left} left", f"link {row.link}", f"meter {row.meter}"]
    return ", ".join(parts) + (f": {row.sentence}" if row.sentence else "")


def _table(rows: Sequence[_Row]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", expand=True)
    for name in ("board", "run", "time left", "link", "meter", "state"):
        table.add_column(name, no_wrap=True, justify="left" if name in {"board", "state"} else "right")
    table.add_column("last message", overflow="fold", ratio=1)
    for row in rows:
        style = {State.FAILED: "red", State.WAITING: "yellow", State.DONE: "green"}.get(row.state, "")
        table.add_row(
            row.name, row.runs, row.left, row.link, row.meter, Text(row.doing, style=style),
            Text(row.sentence, style="dim"),
        )  # fmt: skip
    return table


class _Display(LiveDisplay):
    """A table that is redrawn on a terminal; elsewhere a line whenever a board has a new run, state or message."""

    def __init__(self, *, quiet: bool) -> None:
        super().__init__(quiet=quiet)
        self._said: dict[str, tuple[object, float]] = {}

    def show(self, rows: Sequence[_Row]) -> None:
        """Show the boards; the recording goes on where nobody can see it any more."""
        try:
            if self._live:
                self._live.update(_table(rows))
            else:
                self._print(rows)
        except OSError:  # the terminal has been closed
            self._console.quiet = True

    def summarise(self, rows: Sequence[_Row]) -> None:
        """How it ended: on a terminal, since the table is gone; everywhere for a board with something left."""
        for row in rows:
            if self._live or (self._console.quiet and not _is_done(row)):
                say(_line(row))

    def _print(self, rows: Sequence[_Row]) -> None:
        now_s = time.monotonic()
        for row in rows:
            news = (row.runs, row.doing, row.sentence)
            before, said_s = self._said.get(row.name, (None, 0.0))
            if news != before or (row.state not in FINAL and now_s - said_s >= LINE_EVERY_S):
                self._said[row.name] = (news, now_s)
                self._console.print(_line(row), soft_wrap=True)


def _marked(name: str, *, simulated: bool) -> str:
    return f"{name} {SIMULATED}" if simulated else name


def _work(progress: Progress | None) -> str:
    if progress is None:
        return "its session cannot be read"
    runs = "1 run" if progress.planned == 1 else f"{progress.planned} runs"
    if not progress.left:
        return f"all done, {runs}"
    begun = f"{progress.done} of {runs} done" if progress.done else runs
    return f"{begun}, about {duration(progress.left_s)} left"


def _readiness_json(found: Readiness) -> dict[str, Any]:
    return {
        "board": found.board.name,
        "simulated": found.board.simulated,
        "ready": found.ready,
        **_progress_json(found.progress),
        "found": list(found.found),
        "missing": list(found.missing),
    }


def _row_json(row: _Row, folder: Path) -> dict[str, Any]:
    return {
        "board": row.board.name,
        "simulated": row.board.simulated,
        "session": str(row.board.session(folder)),
        "state": row.state.value,
        **_progress_json(row.progress),
        "message": row.sentence,
    }


def _progress_json(progress: Progress | None) -> dict[str, Any]:
    if progress is None:
        return {"runs": None, "done": None, "left_s": None, "meter_bound_us": None, "link_bound_us": None}
    return {
        "runs": progress.planned,
        "done": progress.done,
        "left_s": progress.left_s if progress.left else 0.0,
        "meter_bound_us": None if progress.meter_ns is None else progress.meter_ns / 1000,
        "link_bound_us": None if progress.link_ns is None else progress.link_ns / 1000,
    }
