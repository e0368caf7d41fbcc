# SPDX-License-Identifier: Apache-2.0
"""What the numbers beside the traces belong to: the present, the run in view, or the interval in view. No Qt."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor_app.core.runs import Phase
from monitor_app.gui.session.recording import Levels

if TYPE_CHECKING:
    from monitor_app.analysis.run.results import RunResult
    from monitor_app.gui.session.recording import Recording
    from monitor_app.session.rows import RunRow

APART = "  ·  "
NO_LEVELS = Levels()
Interval = tuple[float, float]
"""Start and end, in s since the start of the session."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One thing whose numbers are shown, so that none of another run stands beside it."""

    caption: str = ""
    """Names it."""
    run: RunRow | None = None
    result: RunResult | None = None
    levels: Levels = NO_LEVELS
    span_s: Interval | None = None
    """Interval of the mean values; None takes the newest samples."""

    @property
    def live(self) -> bool:
        """Whether the numbers are of the present."""
        return self.span_s is None


NO_SUBJECT = Subject()
"""Where no session is open."""


def subject_of(recording: Recording | None, view_s: Interval, chosen: int | None, *, follows: bool) -> Subject:
    """The ``chosen`` run where it is in view; else the present while the view ``follows`` it, or what is in view."""
    if recording is None:
        return NO_SUBJECT
    if follows and not is_in_view(recording, view_s, chosen):
        return present(recording)
    return in_view(recording, view_s, chosen)


def present(recording: Recording) -> Subject:
    """The newest samples, and the run in progress or the one before it while that has no results yet."""
    result = recording.latest_result
    named = "" if result is None else APART + run_name(result.run)
    return Subject(f"live{named}", recording.current_run, result, recording.levels)


def in_view(recording: Recording, view_s: Interval, chosen: int | None = None) -> Subject:
    """The ``chosen`` run where it is in view, else the run at the centre of the view, else the interval in view."""
    run = run_within(recording, view_s, chosen)
    if run is None:
        return Subject("mean of the interval in view", span_s=view_s)
    return Subject(
        run_name(run), run, recording.results.get(run.id), levels_of(recording, run), _measured_s(recording, run)
    )


def is_in_view(recording: Recording, view_s: Interval, run: int | None) -> bool:
    """Whether any of this run is in view."""
    start_s, end_s = _bounds(recording).get(run, (math.inf, -math.inf)) if run is not None else (math.inf, -math.inf)
    return start_s < view_s[1] and end_s > view_s[0]


def run_name(run: RunRow) -> str:
    """A run as captions name it."""
    return f"run {run.id}: {run.title}" + ("" if run.own_program else f"{APART}batch {run.batch_size}")


def run_within(recording: Recording, view_s: Interval, chosen: int | None = None) -> RunRow | None:
    """The ``chosen`` run, or that nearest to the centre of the interval; None where no run overlaps it."""
    start_s, end_s = view_s
    centre_s = (start_s + end_s) / 2
    bounds = _bounds(recording)
    overlapping = {run: (a, b) for run, (a, b) in bounds.items() if a < end_s and b > start_s}
    if chosen not in overlapping:
        away_s = {run: max(a - centre_s, centre_s - b, 0.0) for run, (a, b) in overlapping.items()}
        chosen = min(away_s, key=lambda run: away_s[run], default=None)
    return next((run for run in recording.runs if run.id == chosen), None)


def levels_of(recording: Recording, run: RunRow) -> Levels:
    """Idle and full power of a run; None where it has not measured them."""
    result = recording.results.get(run.id)
    power = result.power if result is not None else None
    return Levels(power.idle_w, power.full_w) if power is not None else NO_LEVELS


def _bounds(recording: Recording) -> dict[int, Interval]:
    """Of each run that has begun, from its first span to its last."""
    bounds: dict[int, Interval] = {}
    for span in recording.spans:
        start_s, end_s = _ends_s(recording, span.start_ns, span.end_ns)
        first_s, last_s = bounds.get(span.run, (start_s, end_s))
        bounds[span.run] = (min(first_s, start_s), max(last_s, end_s))
    return bounds


def _measured_s(recording: Recording, run: RunRow) -> Interval:
    """The timed span of a run, or all of it while it has none."""
    timed = [s for s in recording.spans if s.run == run.id and s.phase == Phase.TIMED.value]
    return _ends_s(recording, timed[-1].start_ns, timed[-1].end_ns) if timed else _bounds(recording)[run.id]


def _ends_s(recording: Recording, start_ns: int, end_ns: int | None) -> Interval:
    return recording.seconds(start_ns), recording.seconds(end_ns if end_ns is not None else recording.newest_ns)
