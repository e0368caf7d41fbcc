# SPDX-License-Identifier: Apache-2.0
"""Progress of a plan and the time left, computed from the phases that have begun and ended."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from monitor_app.core.runs import Phase, RunState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor_app.core.profile import Protocol
    from monitor_app.core.status import RunStatus

START_S = 4.0
"""Starting an inference process: mostly the import of torch."""
LOAD_S = 0.5
"""Loading a network; a guess until the first has been loaded."""
ACCURACY_S = 1.0


@dataclass(slots=True)
class PlanProgress:
    """The runs of one cycle. Times are host nanoseconds; used from the thread that drives the runs."""

    expected_s: dict[Phase, float]
    runs: list[RunStatus] = field(default_factory=list)
    _current: int = -1
    _phase_began_ns: int = 0
    _spent_s: float = 0.0
    """Length of the phases of the current run that are over."""
    _ahead: tuple[Phase, ...] = ()
    """Phases of the current run that have not begun."""

    @classmethod
    def of(cls, protocol: Protocol, *, accuracy: bool) -> PlanProgress:
        """Before anything has been measured: each phase takes as long as the protocol asks for."""
        idle_s = protocol.settle_s + protocol.idle_s
        return cls(
            {
                Phase.COOL_DOWN: 0.0,
                Phase.LOAD: START_S,
                Phase.IDLE_BEFORE: idle_s,
                Phase.WARM_UP: protocol.warm_up_s,
                Phase.TIMED: protocol.timed_s,
                Phase.ACCURACY: ACCURACY_S if accuracy else 0.0,
                Phase.IDLE_AFTER: idle_s,
            }
        )

    def begin_cycle(self, runs: Sequence[RunStatus]) -> None:
        """All runs of a cycle, waiting."""
        self.runs = list(runs)
        self._current = -1

    def begin_run(self, index: int, run_id: int) -> None:
        """The next run starts."""
        self._current = index
        self._spent_s = 0.0
        self._ahead = tuple(self.expected_s)
        self._update(id=run_id, state=RunState.RUNNING.value, fraction=0.0)

    def begin_phase(self, phase: Phase, now_ns: int) -> None:
        """A phase of the current run starts; earlier ones that did not are left out."""
        self._phase_began_ns = now_ns
        self._ahead = self._ahead[self._ahead.index(phase) + 1 :]
        self._update(phase=phase.value)

    def end_phase(self, phase: Phase, now_ns: int) -> None:
        """It has ended; the next one of its kind is expected to take as long."""
        took_s = (now_ns - self._phase_began_ns) * 1e-9
        self._spent_s += took_s
        # The first load has the start of the inference process in it; later ones have not.
        self.expected_s[phase] = LOAD_S if phase is Phase.LOAD and took_s > START_S / 2 else took_s
        self._update(phase=None, fraction=self._spent_s / (self._spent_s + self._ahead_s()))

    def end_run(self, state: RunState, message: str = "") -> None:
        """The current run is over."""
        self._update(state=state.value, phase=None, fraction=1.0 if state is RunState.DONE else None, message=message)

    def cancel_waiting(self) -> None:
        """Runs that have not started are cancelled."""
        self.runs = [
            replace(run, state=RunState.CANCELLED.value) if run.state == RunState.WAITING.value else run
            for run in self.runs
        ]

    def snapshot(self, now_ns: int) -> tuple[tuple[RunStatus, ...], float | None]:
        """The runs with the fraction of the current one, and the seconds left of the cycle."""
        # A copy first: the driving thread may replace an entry meanwhile.
        runs = tuple(self.runs)
        waiting = sum(run.state == RunState.WAITING.value for run in runs)
        if not runs or (not waiting and all(run.state != RunState.RUNNING.value for run in runs)):
            return runs, None
        left_s = waiting * self.run_s
        shown = []
        for run in runs:
            if run.state == RunState.RUNNING.value:
                elapsed_s, phase_left_s = self._in_phase(run.phase, now_ns)
                run_left_s = phase_left_s + self._ahead_s()
                left_s += run_left_s
                so_far_s = self._spent_s + elapsed_s
                shown.append(replace(run, fraction=so_far_s / max(so_far_s + run_left_s, 1e-9)))
            else:
                shown.append(run)
        return tuple(shown), left_s

    def _in_phase(self, phase: str | None, now_ns: int) -> tuple[float, float]:
        """Seconds since the phase began, at most its expected length, and the rest of that length."""
        if phase is None:
            return 0.0, 0.0
        expected_s = self.expected_s[Phase(phase)]
        elapsed_s = min((now_ns - self._phase_began_ns) * 1e-9, expected_s)
        return elapsed_s, expected_s - elapsed_s

    def _ahead_s(self) -> float:
        return sum(self.expected_s[phase] for phase in self._ahead)

    @property
    def run_s(self) -> float:
        """Expected length of one run."""
        return sum(self.expected_s.values())

    def _update(self, **changes: object) -> None:
        run = self.runs[self._current]
        if changes.get("fraction", 0.0) is None:
            changes["fraction"] = run.fraction
        self.runs[self._current] = replace(run, **changes)  # type: ignore[arg-type]
