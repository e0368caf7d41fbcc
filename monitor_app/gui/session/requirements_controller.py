# SPDX-License-Identifier: Apache-2.0
"""The verdicts on the session on screen, brought up to date beside the window as evidence comes in."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from PySide6.QtCore import QObject, Signal

from monitor_app.analysis.require.evidence import evidence_of
from monitor_app.analysis.require.judgement import Judgement, judge
from monitor_app.analysis.require.requirements import requirements_of
from monitor_app.core.runs import Phase
from monitor_app.gui.session.batch_log import PHASES

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    import numpy as np
    from numpy.typing import NDArray

    from monitor_app.analysis.require.requirements import Requirement
    from monitor_app.analysis.run.results import RunResult
    from monitor_app.gui.session.recording import Recording
    from monitor_app.gui.tasks import Task, Tasks

REST = 10.0
"""Times as long as it took to judge, until it is done again: the window may run on the board that it measures."""
Known: TypeAlias = "dict[Hashable, Judgement]"


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """What is judged; none of it changes while a thread reads it."""

    requirements: tuple[Requirement, ...]
    results: tuple[RunResult, ...]
    rows: NDArray[np.void]
    """Of the log of batches, which grows behind its end only."""
    power_simulated: bool
    live: bool

    @property
    def identity(self) -> Hashable:
        return self.requirements, tuple(map(id, self.results)), len(self.rows), self.live


class RequirementsController(QObject):
    """Judges in a thread, one snapshot after another; what has not changed since is not judged again."""

    changed = Signal()

    def __init__(self, parent: QObject, tasks: Tasks) -> None:
        super().__init__(parent)
        self._tasks = tasks
        self._task: Task | None = None
        self._began_s = self._rests_until_s = 0.0
        self._recording: Recording | None = None
        self._judged: Hashable = None
        self._known: Known = {}
        self.judgements: tuple[Judgement, ...] = ()
        """Networks in the order of their first run; empty where nothing is required."""

    def update(self, recording: Recording | None, deadline_ms: float | None, *, live: bool) -> None:
        """Judge what has come in since; ``deadline_ms``: the user's, where the profile has none."""
        if recording is not self._recording:
            self._forget()
            self._recording = recording
        if recording is None or self._task is not None or time.monotonic() < self._rests_until_s:
            return
        require = recording.require
        if require.deadline_ms is None and deadline_ms is not None:
            require = replace(require, deadline_ms=deadline_ms)
        power = recording.power
        snapshot = _Snapshot(
            requirements_of(require),
            tuple(recording.results[run.id] for run in recording.runs if run.id in recording.results),
            recording.batches.rows,
            any(each.simulated for each in recording.sources if each.id == power.source) if power else False,
            live,
        )
        if not snapshot.requirements:
            self._judged = None
            self._show(())
        elif snapshot.identity != self._judged:
            self._judged, known, self._began_s = snapshot.identity, self._known, time.monotonic()
            self._task = self._tasks.start(lambda stopped: _judge(snapshot, known, stopped), self._take)

    def _take(self, found: object) -> None:
        self._task, now_s = None, time.monotonic()
        self._rests_until_s = now_s + REST * (now_s - self._began_s)
        if isinstance(found, dict):
            self._known = found
            self._show(tuple(found.values()))

    def _show(self, judgements: tuple[Judgement, ...]) -> None:
        if judgements != self.judgements:
            self.judgements = judgements
            self.changed.emit()

    def _forget(self) -> None:
        if self._task is not None:
            self._task.stop()
        self._task, self._judged, self._known, self._rests_until_s = None, None, {}, 0.0
        self._show(())


def _judge(snapshot: _Snapshot, known: Known, stopped: Callable[[], bool]) -> Known:
    """The verdicts by what they follow from; those that are ``known`` are taken from there."""
    timed = snapshot.rows[snapshot.rows["phase"] == PHASES.index(Phase.TIMED)]
    latencies_s = {each.run.id: 1e-3 * timed["latency_ms"][timed["run"] == each.run.id] for each in snapshot.results}
    evidence = evidence_of(snapshot.results, latencies_s, power_simulated=snapshot.power_simulated, live=snapshot.live)
    found: Known = {}
    for each in evidence:
        basis = (
            each.label, each.run_ids, len(each.latencies_s), each.timed_s, each.power, each.energy, each.top1,
            each.not_timed, each.no_power, each.no_top1,
        )  # fmt: skip
        for requirement in snapshot.requirements:
            if stopped():
                return found
            key = (requirement, basis)
            found[key] = known.get(key) or judge(requirement, each)
    return found
