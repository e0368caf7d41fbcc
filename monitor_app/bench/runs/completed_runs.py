# SPDX-License-Identifier: Apache-2.0
"""Which runs of a plan a session holds already, so that it can be resumed where it stopped."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from monitor_app.core.runs import ALLOCATOR, ALLOCATOR_KEEPS, CUDNN_BENCHMARK, RunSpec, RunState
from monitor_app.session.reader import SessionReader
from monitor_app.sources.profile_reader import parse_profile

if TYPE_CHECKING:
    from pathlib import Path

    from monitor_app.core.profile import Profile
    from monitor_app.session.rows import RunRow

_FINAL = {RunState.DONE.value, RunState.DOES_NOT_FIT.value}


@dataclass(slots=True)
class CompletedRuns:
    """Runs that are complete, by cycle, and the batch sizes at which memory ran out. Grows while the plan is run."""

    done: dict[tuple[int, RunSpec], RunState] = field(default_factory=dict)
    _too_big: dict[RunSpec, int] = field(default_factory=dict)
    _failed: Counter[tuple[int, RunSpec]] = field(default_factory=Counter)
    threads: int | None = None
    """Torch threads of the runs in the session; None where it has no run."""

    @classmethod
    def of(cls, session: Path) -> CompletedRuns:
        """Those of a session file, without failed and interrupted runs: they run again. Raises SessionError."""
        completed = cls()
        with SessionReader(session) as reader:
            for run in reader.runs():
                completed.threads = run.threads
                if run.state in _FINAL:
                    completed.note(run.cycle, _spec(run), RunState(run.state))
                elif run.state == RunState.FAILED.value:
                    completed._failed[run.cycle, _plain(_spec(run))] += 1
        return completed

    def note(self, cycle: int, spec: RunSpec, state: RunState) -> None:
        """A run has ended."""
        if state.value not in _FINAL:
            return
        self.done[cycle, _plain(spec)] = state
        if state is RunState.DOES_NOT_FIT:
            kind = _any_size(spec)
            self._too_big[kind] = min(spec.batch_size, self._too_big.get(kind, spec.batch_size))

    def state(self, cycle: int, spec: RunSpec) -> RunState | None:
        """How a run of the plan ended, or None where it is still to be run."""
        return self.done.get((cycle, _plain(spec)))

    def failures(self, cycle: int, spec: RunSpec) -> int:
        """How often a run of the plan had failed when the session was read."""
        return self._failed[cycle, _plain(spec)]

    def too_big(self, spec: RunSpec) -> int | None:
        """The smallest batch size known not to fit, where this run's is no smaller; else None."""
        size = self._too_big.get(_any_size(spec))
        return size if size is not None and size <= spec.batch_size else None


def threads_for(profile: Profile, completed: CompletedRuns | None = None, cores: int | None = None) -> int:
    """Torch threads: as the profile says, or one core less than there are, which is left to the monitor.

    A resumed session keeps its number: a kill may have left the board in a power mode with fewer cores.

    Args:
        profile: whose runs are planned.
        completed: of a session that is resumed.
        cores: that the networks may use; by default those of this machine.
    """
    earlier = completed.threads if completed is not None else None
    if cores is None:
        cores = len(os.sched_getaffinity(0))
    return profile.inference.threads or earlier or max(cores - 1, 1)


def next_run(session: Path) -> int | None:
    """At which run of its plan, counted from 1, a session can be resumed. Raises MonitorError.

    None where its plan has been run to its end, has none or has not begun; runs that failed are no reason to resume it.
    """
    with SessionReader(session) as reader:
        text, runs = reader.meta().get("profile", ""), reader.runs()
    profile = parse_profile(text, f"the profile in {session}")
    if profile.plan is None or not profile.plan.cycles or not runs:
        return None
    completed = CompletedRuns.of(session)
    planned = profile.run_specs(profile.inference.threads or runs[-1].threads)
    failed = {(run.cycle, _plain(_spec(run))) for run in runs if run.state == RunState.FAILED.value}
    plan = [(cycle, _plain(spec)) for cycle in range(1, profile.plan.cycles + 1) for spec in planned]
    if plan[-1] in completed.done or plan[-1] in failed:
        return None
    return next(number for number, key in enumerate(plan, start=1) if key not in completed.done)


def _spec(run: RunRow) -> RunSpec:
    return RunSpec(
        run.network, run.batch_size, run.precision, run.device, run.threads, bool(run.channels_last),
        bool(run.compiled), run.power_mode, run.clocks, True, run.back_end,
        run.facts.get(ALLOCATOR, ALLOCATOR_KEEPS), run.facts.get(CUDNN_BENCHMARK) == "1",
    )  # fmt: skip


def _plain(spec: RunSpec) -> RunSpec:
    """The same run, whether accuracy was due in it or not."""
    return replace(spec, accuracy=True)


def _any_size(spec: RunSpec) -> RunSpec:
    # Power mode and clocks change no sizes.
    return replace(spec, accuracy=True, batch_size=1, power_mode=None, clocks=None)
