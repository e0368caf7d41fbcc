# SPDX-License-Identifier: Apache-2.0
"""The results of a command of the user's over its repetitions: what `monitor-app run` prints.

The JSON keys are a contract, see docs/own-program.md.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from monitor_app.analysis.campaign.assembly import pooled
from monitor_app.analysis.run.command_energy import command_inputs, peak_power
from monitor_app.analysis.run.correlation import Correlations
from monitor_app.analysis.run.energy import COVERAGE_FACTOR
from monitor_app.analysis.run.inputs import Effort, run_inputs
from monitor_app.analysis.run.results import run_result
from monitor_app.analysis.run.signals import is_simulated
from monitor_app.analysis.run.work import work_of_run
from monitor_app.core.estimate import Estimate, exact

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from monitor_app.analysis.run.command_energy import Peak
    from monitor_app.analysis.run.energy import Figure
    from monitor_app.analysis.run.results import RunResult
    from monitor_app.analysis.run.work import WorkResult
    from monitor_app.session.reader import SessionReader
    from monitor_app.session.rows import ProgramRow

    Floats = NDArray[np.float64]

PERCENTS = (5, 25, 50, 75, 95)


@dataclass(frozen=True, slots=True)
class Repetition:
    """The command once."""

    result: RunResult
    program: ProgramRow
    peak: Peak | None
    work: tuple[WorkResult, ...]

    @property
    def seconds(self) -> float | None:
        """From its start to its end; None where it has not ended."""
        return self.result.timed_s or None

    def energy(self, *, net: bool) -> Estimate | None:
        """In J, of this very repetition."""
        energy = self.result.energy
        figure = None if energy is None else energy.net if net else energy.gross
        return None if figure is None else _of_figure(figure)

    @property
    def mean_w(self) -> Estimate | None:
        """Gross power, averaged over the command."""
        energy = self.energy(net=False)
        return None if energy is None or not self.seconds else energy.scaled(1 / self.seconds)

    @property
    def peak_w(self) -> Estimate | None:
        """The highest value of the meter."""
        if self.peak is None:
            return None
        half = COVERAGE_FACTOR * self.peak.uncertainty_w
        return Estimate(self.peak.power_w, self.peak.power_w - half, self.peak.power_w + half)


@dataclass(frozen=True, slots=True)
class NamedWork:
    """The spans of one name over all repetitions."""

    name: str
    spans: int
    measured: int
    """Spans that the energies rest on."""
    images: int
    seconds: Floats
    """Of each span, shape (spans,)."""
    net_j: Estimate | None
    """Of a span, the mean; its interval holds the scatter between repetitions, and the errors of the instrument."""
    gross_j: Estimate | None
    each_j: Floats
    """Of each span, net where idle power was measured; empty where only the mean is known."""
    reason: str
    """Why there is no energy, one sentence."""
    at_most_j: float | None
    """Then a span took no more than this on average, gross."""

    @property
    def percentiles_j(self) -> tuple[float, ...] | None:
        """`PERCENTS` of the energy of a span; None where single spans were not resolved, or there is only one."""
        return tuple(np.percentile(self.each_j, PERCENTS).tolist()) if len(self.each_j) > 1 else None

    @property
    def percentiles_s(self) -> tuple[float, ...]:
        """`PERCENTS` of the time of a span."""
        return tuple(np.percentile(self.seconds, PERCENTS).tolist())

    @property
    def j_per_image(self) -> Estimate | None:
        """The mean energy, net where idle power was measured, over the images of a span."""
        energy = self.net_j or self.gross_j
        return None if energy is None or not self.images else energy.scaled(self.spans / self.images)


@dataclass(frozen=True, slots=True)
class ProgramSummary:
    """All repetitions of a command that one session holds."""

    words: tuple[str, ...]
    title: str
    simulated: bool
    repetitions: tuple[Repetition, ...]
    work: tuple[NamedWork, ...]

    def over(self, value: Callable[[Repetition], Estimate | None]) -> Estimate | None:
        """The mean over the repetitions: their own intervals, and their scatter."""
        return pooled([value(each) for each in self.repetitions])

    @property
    def seconds(self) -> Estimate | None:
        """Time of the command."""
        return self.over(lambda each: None if each.seconds is None else exact(each.seconds))

    @property
    def lost(self) -> int:
        """Marks that were made and did not come."""
        return sum(each.program.lost for each in self.repetitions)

    @property
    def notes(self) -> tuple[str, ...]:
        """Warnings about the results, each one sentence."""
        told = [note for each in self.repetitions for note in each.result.notes]
        refused = sum(each.program.malformed for each in self.repetitions)
        left_out = sum(each.program.left_out for each in self.repetitions)
        if self.lost:
            told.append(f"{self.lost:,} marks were lost: the program made more than could be taken from it.")
        if refused:
            told.append(f"{refused:,} messages were no marks and were left out.")
        if left_out:
            told.append(f"{left_out:,} marks were left out: a run has room for 2,000,000 of them with 500 names.")
        return tuple(dict.fromkeys(told))


def program_summary(reader: SessionReader, run_ids: Sequence[int] | None = None) -> ProgramSummary | None:
    """The command of a session, or of some of its runs; None where it holds none. Raises NotASessionError.

    Where a session holds several commands, that of the last run is taken.
    """
    programs = reader.programs()
    runs = [run for run in reader.runs() if run.id in programs and (run_ids is None or run.id in run_ids)]
    if not runs:
        return None
    command, correlations, effort = programs[runs[-1].id].command, Correlations(reader), Effort()
    repetitions = []
    for run in runs:
        if programs[run.id].command != command:
            continue
        inputs = command_inputs(reader, run, effort)
        result = run_result(run_inputs(reader, run, effort, correlations))
        peak = None if inputs is None else peak_power(inputs)
        repetitions.append(Repetition(result, programs[run.id], peak, work_of_run(reader, run, inputs, effort)))
    names = dict.fromkeys(work.name for each in repetitions for work in each.work)
    return ProgramSummary(
        words=tuple(map(str, json.loads(command))),
        title=runs[-1].title,
        simulated=is_simulated(reader),
        repetitions=tuple(repetitions),
        work=tuple(_named(name, [w for each in repetitions for w in each.work if w.name == name]) for name in names),
    )


def _named(name: str, parts: Sequence[WorkResult]) -> NamedWork:
    energies = [part.energy for part in parts if part.energy is not None]
    each_j = [e.gross_j if e.net_j is None else e.net_j for e in energies]
    # A bound holds for all only where it holds for each.
    bounds = [part.at_most_j for part in parts if part.energy is None]
    known = [bound for bound in bounds if bound is not None]
    return NamedWork(
        name=name,
        spans=sum(len(part.seconds) for part in parts),
        measured=sum(e.measured for e in energies),
        images=sum(part.images for part in parts),
        seconds=np.concatenate([part.seconds for part in parts]),
        net_j=pooled([e.estimate(net=True) for e in energies]),
        gross_j=pooled([e.estimate(net=False) for e in energies]),
        each_j=np.concatenate(each_j) if each_j else np.empty(0),
        reason=next((part.reason for part in parts if part.reason), ""),
        at_most_j=max(known) if known and len(known) == len(bounds) and not energies else None,
    )


def _of_figure(figure: Figure) -> Estimate:
    half = COVERAGE_FACTOR * figure.budget.measured
    return Estimate(figure.j_per_batch, figure.j_per_batch - half, figure.j_per_batch + half)


def as_json(summary: ProgramSummary) -> dict[str, Any]:
    """The document of `monitor-app run --json`. SI units; null where something was not measured."""
    return {
        "command": list(summary.words),
        "simulated": summary.simulated,
        "seconds": _estimate_json(summary.seconds),
        "net_j": _estimate_json(summary.over(lambda each: each.energy(net=True))),
        "gross_j": _estimate_json(summary.over(lambda each: each.energy(net=False))),
        "mean_w": _estimate_json(summary.over(lambda each: each.mean_w)),
        "peak_w": _estimate_json(summary.over(lambda each: each.peak_w)),
        "peak_period_s": max((each.peak.period_s for each in summary.repetitions if each.peak), default=None),
        "repetitions": [_repetition_json(each) for each in summary.repetitions],
        "spans": [_work_json(work) for work in summary.work],
        "lost_marks": summary.lost,
        "notes": list(summary.notes),
    }


def _repetition_json(each: Repetition) -> dict[str, Any]:
    run, power = each.result.run, each.result.power
    return {
        "run": run.id,
        "state": run.state,
        "error": run.error,
        "exit_code": each.program.exit_code,
        "seconds": each.seconds,
        "net_j": _estimate_json(each.energy(net=True)),
        "gross_j": _estimate_json(each.energy(net=False)),
        "mean_w": _estimate_json(each.mean_w),
        "peak_w": _estimate_json(each.peak_w),
        "idle_w": power and power.idle_w,
        "coverage": power and power.coverage,
        "marks": each.program.marks,
        "lost_marks": each.program.lost,
        "malformed": each.program.malformed,
        "left_out": each.program.left_out,
    }


def _work_json(work: NamedWork) -> dict[str, Any]:
    joules, seconds = work.percentiles_j, work.percentiles_s
    names = [f"p{percent}" for percent in PERCENTS]
    return {
        "name": work.name,
        "spans": work.spans,
        "measured": work.measured,
        "images": work.images or None,
        "seconds": {"mean": float(work.seconds.mean()), **dict(zip(names, seconds, strict=True))},
        "net_j": _estimate_json(work.net_j),
        "gross_j": _estimate_json(work.gross_j),
        "percentiles_j": None if joules is None else dict(zip(names, joules, strict=True)),
        "j_per_image": _estimate_json(work.j_per_image),
        "reason": work.reason or None,
        "at_most_j": work.at_most_j,
    }


def _estimate_json(estimate: Estimate | None) -> dict[str, Any] | None:
    if estimate is None:
        return None
    known = math.isfinite(estimate.high)
    return {"value": estimate.value, "interval": [estimate.low, estimate.high] if known else None}
