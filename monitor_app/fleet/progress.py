# SPDX-License-Identifier: Apache-2.0
"""How far the recording of a board has come, read from its session file; nothing else keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

from monitor_app.bench.estimate import estimate
from monitor_app.bench.runs.completed_runs import CompletedRuns, threads_for
from monitor_app.core.errors import NotASessionError
from monitor_app.core.host_time import host_time_ns
from monitor_app.core.runs import RunState
from monitor_app.core.samples import LINK, Quantity, Role
from monitor_app.session.files import has_begun
from monitor_app.session.reader import SessionReader
from monitor_app.session.writer_lock import is_written

if TYPE_CHECKING:
    from pathlib import Path

    from monitor_app.core.profile import Profile
    from monitor_app.core.runs import RunSpec
    from monitor_app.session.rows import RunRow

MOST_FAILURES = 2
"""A run that has failed so often is not waited for any longer."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Of one board."""

    planned: int
    """Runs of the whole plan, all cycles."""
    done: int = 0
    """Those that are over for good, as too large for the memory too."""
    hopeless: int = 0
    """Those that have failed `MOST_FAILURES` times."""
    left_s: float | None = None
    """Estimate of the time that the rest takes."""
    running: str = ""
    """The current run, for people; empty where there is none."""
    written: bool = False
    """A process is recording it now."""
    meter_ns: int | None = None
    """Bound of the clock of what measures the board's total power; of several the largest."""
    link_ns: int | None = None
    """Bound of the clock of the link to a board elsewhere."""
    sentence: str = ""
    """The last that the session has to say."""

    @property
    def left(self) -> int:
        """Runs that are still to be done."""
        return self.planned - self.done


def progress_of(profile: Profile, session: Path) -> Progress:
    """Read it; a session that is not there yet has everything before it. Raises SessionError."""
    if not session.exists():
        return _nothing_yet(profile)
    try:
        return _in_session(profile, session)
    except NotASessionError:
        if has_begun(session):
            raise
        return _nothing_yet(profile)


def _nothing_yet(profile: Profile) -> Progress:
    planned = _planned(profile, CompletedRuns())
    return Progress(len(planned), left_s=_estimated_s(profile, planned))


def _in_session(profile: Profile, session: Path) -> Progress:
    completed, written = CompletedRuns.of(session), is_written(session)
    planned = _planned(profile, completed)
    with SessionReader(session, visible=True) as reader:
        runs, now_ns = reader.runs(), host_time_ns() + reader.shift_ns()
        running = runs[-1] if written and runs and runs[-1].state == RunState.RUNNING.value else None
        left = [key for key in planned if completed.state(*key) is None]
        return Progress(
            planned=len(planned),
            done=len(planned) - len(left),
            hopeless=sum(completed.failures(*key) >= MOST_FAILURES for key in left),
            left_s=_left_s(runs, len(left), running, now_ns) if _took_s(runs) else _estimated_s(profile, left),
            running=f"{running.title} b{running.batch_size}" if running else "",
            written=written,
            meter_ns=_meter_ns(reader),
            link_ns=_bound_ns(reader, {source.id for source in reader.sources() if source.kind == LINK}),
            sentence=_sentence(reader, runs),
        )


def _planned(profile: Profile, completed: CompletedRuns) -> list[tuple[int, RunSpec]]:
    plan = profile.plan
    assert plan is not None
    specs = profile.run_specs(threads_for(profile, completed))
    return [(cycle, spec) for cycle in range(1, plan.cycles + 1) for spec in specs]


def _estimated_s(profile: Profile, left: list[tuple[int, RunSpec]]) -> float:
    """Before a run is done: from the protocol and what is known of the networks."""
    specs = [spec for cycle, spec in left if cycle == left[0][0]]
    whole = estimate(profile, specs)
    return whole.seconds * len(left) / max(whole.runs, 1)


def _took_s(runs: list[RunRow]) -> list[float]:
    return [
        (run.ended_ns - run.started_ns) * 1e-9
        for run in runs
        if run.state == RunState.DONE.value and run.started_ns is not None and run.ended_ns is not None
    ]


def _left_s(runs: list[RunRow], left: int, running: RunRow | None, now_ns: int) -> float:
    """From the mean time of the runs that are done, less what has passed of the current one."""
    mean_s = fmean(_took_s(runs))
    passed_s = (now_ns - running.started_ns) * 1e-9 if running and running.started_ns is not None else 0.0
    return max(left * mean_s - min(max(passed_s, 0.0), mean_s), 0.0)


def _meter_ns(reader: SessionReader) -> int | None:
    totals = {
        signal.source
        for signal in reader.signals()
        if signal.role is Role.TOTAL and signal.quantity in {Quantity.POWER, Quantity.CURRENT}
    }
    return _bound_ns(reader, totals)


def _bound_ns(reader: SessionReader, sources: set[int]) -> int | None:
    bounds = [clock.bound_ns for source in sources if (clock := reader.clock(source)) is not None]
    return max(bounds, default=None)


def _sentence(reader: SessionReader, runs: list[RunRow]) -> str:
    """Why the newest run failed, or the newest warning."""
    if runs and runs[-1].error:
        return runs[-1].error
    return next((row.text for row in reversed(reader.log()) if row.level != "info"), "")
