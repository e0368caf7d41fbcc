# SPDX-License-Identifier: Apache-2.0
"""The verdicts on a session: what its profile requires, or what else is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.require.evidence import NO_RUN, evidence_of
from monitor_app.analysis.require.judgement import Judgement, Verdict, judge
from monitor_app.analysis.require.limits import limits_in
from monitor_app.analysis.require.requirements import requirements_of
from monitor_app.analysis.run.correlation import Correlations
from monitor_app.analysis.run.inputs import Effort, run_inputs
from monitor_app.analysis.run.results import run_result
from monitor_app.analysis.run.signals import is_simulated, total_power
from monitor_app.core.runs import Phase

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from monitor_app.analysis.require.evidence import Evidence
    from monitor_app.analysis.require.limits import Limits
    from monitor_app.analysis.require.requirements import Requirement
    from monitor_app.analysis.run.results import RunResult
    from monitor_app.session.reader import SessionReader

    Floats = NDArray[np.float64]

EFFORT = Effort(most_samples=1_000_000, resamples=50)
"""The intervals of latencies that are resampled are not used here."""
_S = 1e-9


@dataclass(frozen=True, slots=True)
class SessionVerdicts:
    """One session held against what is required."""

    path: str
    title: str
    simulated: bool
    judgements: tuple[Judgement, ...]
    """Networks in the order of their first run, of each the requirements in their order; empty: nothing is required."""


def required_by(reader: SessionReader) -> Limits:
    """What the profile in a session requires; nothing where it holds none that can be read."""
    return limits_in(reader.meta().get("profile", ""))


def verdicts_on(
    reader: SessionReader, require: Limits, known: Mapping[int, RunResult] | None = None
) -> SessionVerdicts:
    """Hold all completed runs of a session against ``require``. Raises NotASessionError for a damaged one.

    Args:
        reader: the session.
        require: what is required.
        known: results of runs, by their ids, that need not be computed again.
    """
    wanted = requirements_of(require)
    found: list[Judgement] = []
    if wanted:
        evidence = _evidence(reader, known or {})
        found = [judge(requirement, each) for each in evidence for requirement in wanted]
        if not evidence:
            found = [_of_nothing(each, simulated=is_simulated(reader)) for each in wanted]
    title = reader.meta().get("title", "")
    return SessionVerdicts(str(reader.path), title, is_simulated(reader), tuple(found))


def worst(judgements: Iterable[Judgement]) -> Verdict:
    """FAIL where anything fails, else INCONCLUSIVE where anything is, else PASS."""
    verdicts = {each.verdict for each in judgements}
    return next((each for each in (Verdict.FAIL, Verdict.INCONCLUSIVE) if each in verdicts), Verdict.PASS)


def power_is_simulated(reader: SessionReader) -> bool:
    """Whether the meter of the board is emulated."""
    power = total_power(reader)
    return power is not None and any(source.simulated for source in reader.sources() if source.id == power.source)


def latencies_of(reader: SessionReader, run_id: int) -> Floats:
    """Of the timed batches of a run in s, in their order, shape (n,): the one place where verdicts take them from."""
    rows = reader.batches(run_id=run_id)
    timed = rows[rows["phase"] == Phase.TIMED.value]
    return np.asarray((timed["end_ns"] - timed["start_ns"]) * _S, np.float64)


def _evidence(reader: SessionReader, known: Mapping[int, RunResult]) -> tuple[Evidence, ...]:
    correlations, runs = Correlations(reader), reader.runs()
    return evidence_of(
        [known.get(run.id) or run_result(run_inputs(reader, run, EFFORT, correlations)) for run in runs],
        {run.id: latencies_of(reader, run.id) for run in runs},
        power_simulated=power_is_simulated(reader),
    )


def _of_nothing(requirement: Requirement, *, simulated: bool) -> Judgement:
    return Judgement(requirement, "", "no run", 0, (), Verdict.INCONCLUSIVE, None, "Not measured.", NO_RUN, simulated)
