# SPDX-License-Identifier: Apache-2.0
"""What the runs of a session show of each network at each batch size, as requirements are held against it.

Repetitions are taken together: their batches as one series, their powers and energies pooled as in a campaign. The
same runs give the same evidence in the window, on the command line and in the report.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.campaign.cells import Conditions, accuracy_key, conditions_of
from monitor_app.analysis.compare.pairs import condition_text
from monitor_app.analysis.run.energy import COVERAGE_FACTOR
from monitor_app.analysis.run.warnings import MOST_MISSING
from monitor_app.analysis.statistics.short_series import student_quantile
from monitor_app.core.estimate import Estimate
from monitor_app.core.runs import RunState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from monitor_app.analysis.run.energy import Budget
    from monitor_app.analysis.run.results import RunResult
    from monitor_app.core.estimate import Proportion
    from monitor_app.session.rows import RunRow

    Floats = NDArray[np.float64]

NO_POWER = "No power of the board was measured: add its meter to the profile, with the role total."
NO_RUN = "The session has no run: record one with a plan."
_CAUSES = ("resolution", "idle_noise", "drift", "clock", "gain", "zero", "pauses")
"""What more batches do not make smaller, as a budget names it."""
_ENDED = {RunState.FAILED.value: "failed", RunState.CANCELLED.value: "was cancelled"}


@dataclass(frozen=True, slots=True)
class Measured:
    """A power in W or an energy per image in J, with the halves of its 95 % interval."""

    value: float
    lasting: float
    """From what stays the same however long is measured."""
    passing: float
    """From noise and the spread of batches and repetitions; infinite where there are too few batches to know."""
    cause: str
    """The largest of what stays, as a `Budget` names it; empty where nothing does."""

    @property
    def estimate(self) -> Estimate:
        """With both halves together."""
        half = math.hypot(self.lasting, self.passing)
        return Estimate(self.value, self.value - half, self.value + half)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Of one network at one batch size under the same conditions; None where something was not measured."""

    network: str
    label: str
    """For people, unique in the session: ResNet-18 b1, fp16."""
    batch_size: int
    run_ids: tuple[int, ...]
    latencies_s: Floats
    """Of all timed batches in their order, shape (n,)."""
    timed_s: float
    """How long it took to time them."""
    power: Measured | None
    energy: Measured | None
    """Per image, of the whole board."""
    top1: Proportion | None
    not_timed: str
    """Why there is no batch, one sentence; empty where there are some."""
    no_power: str
    """Why power and energy are not known, or cannot be those of the runs, one sentence; else empty."""
    no_top1: str
    times_simulated: bool
    power_simulated: bool


def evidence_of(
    results: Sequence[RunResult],
    latencies_s: Mapping[int, Floats],
    *,
    power_simulated: bool,
    live: bool = False,
) -> tuple[Evidence, ...]:
    """What results show, networks in the order of their first run.

    Args:
        results: of all runs of a session.
        latencies_s: of the timed batches of each run, by its id.
        power_simulated: whether the meter of the board is emulated.
        live: runs in progress count as well, as far as they have come.
    """
    groups: dict[tuple[str, int, Conditions], list[RunResult]] = {}
    for result in results:
        run = result.run
        groups.setdefault((run.network, run.batch_size, conditions_of(run)), []).append(result)
    accuracies = _accuracies(results)
    swept = [each.name for each in fields(Conditions) if len({getattr(key[2], each.name) for key in groups}) > 1]
    states = {RunState.DONE.value, RunState.RUNNING.value} if live else {RunState.DONE.value}
    return tuple(
        _of_group(
            [each for each in group if each.run.state in states],
            group[-1].run,
            _label(group[-1].run, swept),
            latencies_s,
            accuracies.get(accuracy_key(group[-1].run)),
            power_simulated=power_simulated,
        )
        for group in groups.values()
    )


def _label(run: RunRow, swept: Sequence[str]) -> str:
    conditions = conditions_of(run)
    texts = (condition_text(name, getattr(conditions, name)) for name in swept)
    return ", ".join([f"{run.title} b{run.batch_size}", *texts])


def _accuracies(results: Iterable[RunResult]) -> dict[tuple[str, ...], Proportion]:
    """The one on the most images of each network: the same images again would add nothing."""
    best: dict[tuple[str, ...], Proportion] = {}
    for result in results:
        key, found = accuracy_key(result.run), result.top1
        if found is not None and (key not in best or found.images > best[key].images):
            best[key] = found
    return best


def _of_group(
    used: Sequence[RunResult],
    last: RunRow,
    label: str,
    latencies_s: Mapping[int, Floats],
    top1: Proportion | None,
    *,
    power_simulated: bool,
) -> Evidence:
    series = [latencies_s[each.run.id] for each in used if each.run.id in latencies_s]
    values = np.concatenate(series) if series else np.empty(0)
    not_timed = "" if len(values) else _why_not(last)
    measured = [each for each in used if each.images]
    return Evidence(
        network=last.network,
        label=label,
        batch_size=last.batch_size,
        run_ids=tuple(each.run.id for each in used),
        latencies_s=values,
        timed_s=sum(each.timed_s for each in measured),
        power=_pooled([_power(each) for each in measured]),
        energy=_pooled([_energy(each) for each in measured]),
        top1=top1,
        not_timed=not_timed,
        no_power=not_timed or _no_power(measured),
        no_top1="" if top1 is not None else _no_top1(last),
        times_simulated=last.simulated,
        power_simulated=power_simulated,
    )


def _why_not(run: RunRow) -> str:
    if run.state == RunState.DOES_NOT_FIT.value:
        return run.error or f"The network does not fit in memory at batch size {run.batch_size}."
    if run.state in _ENDED:
        return run.error or f"The run {_ENDED[run.state]}."
    return "No batch has been timed yet."


def _no_power(results: Sequence[RunResult]) -> str:
    if any(each.power is None for each in results):
        return NO_POWER
    energies = [each.energy for each in results if each.energy is not None]
    if len(energies) < len(results):
        return "The meter gave too few values during the run: time it for longer, or use a faster meter."
    doubt = next((doubt for each in energies for doubt in each.doubts), "")
    covered = min((each.coverage for each in energies), default=1.0)
    if not doubt and covered < 1 - MOST_MISSING:
        return f"Power was recorded for only {covered:.0%} of the time of the batches, and the rest could be anything."
    return doubt


def _no_top1(run: RunRow) -> str:
    note = (run.accuracy_note or "").strip()
    said = f" ({note.rstrip('.')})" if note else ""
    return f"Accuracy was not measured{said}: it needs trained weights and labelled images in the profile."


def _power(result: RunResult) -> Measured | None:
    if result.power is None or result.energy is None:
        return None
    found, half_w = _of_budget(result.power.full_w, result.energy.full_w), result.energy.power_half_w
    # Where too few batches show a correlation, the noise of many samples has to do
    return replace(found, passing=max(found.passing, half_w)) if math.isfinite(half_w) else found


def _energy(result: RunResult) -> Measured | None:
    gross = result.energy.gross if result.energy is not None else None
    return None if gross is None else _of_budget(gross.j_per_image, gross.budget)


def _of_budget(value: float, budget: Budget) -> Measured:
    cause = max(_CAUSES, key=lambda name: float(getattr(budget, name)))
    passing = COVERAGE_FACTOR * max(budget.noise, budget.spread)
    lasting = COVERAGE_FACTOR * budget.lasting
    return Measured(value, lasting, passing, cause if lasting > 0 else "")


def _pooled(repetitions: Sequence[Measured | None]) -> Measured | None:
    """As `campaign.assembly.pooled`: the mean half-width, which does not fall with repetitions, and their scatter."""
    found = [each for each in repetitions if each is not None and math.isfinite(each.value)]
    if not found:
        return None
    values = np.array([each.value for each in found])
    lasting = float(np.mean([each.lasting for each in found]))
    halves = float(np.mean([math.hypot(each.lasting, each.passing) for each in found]))
    scatter = 0.0
    if len(found) > 1:
        scatter = student_quantile(0.975, len(found) - 1) * float(values.std(ddof=1)) / math.sqrt(len(found))
    passing = math.hypot(math.sqrt(max(halves**2 - lasting**2, 0.0)), scatter)
    return Measured(float(values.mean()), lasting, passing, max(found, key=lambda each: each.lasting).cause)
