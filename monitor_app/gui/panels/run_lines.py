# SPDX-License-Identifier: Apache-2.0
"""The runs of a session as rows of a table, and how many came to which end. No Qt."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from monitor_app.analysis.run.labels import settings_of
from monitor_app.core.back_ends import back_end_title
from monitor_app.core.formatting import (
    NOTHING,
    duration,
    fixed,
    interval,
    metric_words,
    percent_range,
    plus_minus,
    three_digits,
    without_interval,
)
from monitor_app.core.models.units import IMAGE, per_unit, shared_unit, worded
from monitor_app.core.runs import RunState
from monitor_app.core.status import BenchPhase
from monitor_app.gui.session.recording import CUT_OFF

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor_app.analysis.run.energy import EnergySummary
    from monitor_app.analysis.run.load.under_load import LoadResult
    from monitor_app.analysis.run.parts import PartResult
    from monitor_app.analysis.run.results import RunResult
    from monitor_app.core.estimate import Estimate
    from monitor_app.core.status import BenchStatus
    from monitor_app.gui.session.recording import Recording
    from monitor_app.session.rows import RunRow

COLUMNS = (
    "#", "run", "cycle", "batch", "precision", "start", "state", "images/s", "ms/image", "p50 ms", "p99 ms", "idle W",
    "full W", "net W", "mJ/image", "top-1",
)  # fmt: skip
LEFT = frozenset({"run", "precision", "state"})
"""Columns set to the left; numbers are set to the right."""
WHERE_THEY_DIFFER = frozenset({"cycle", "precision"})
"""Columns shown only where the runs differ in them, until the user shows or hides them."""
DONE, NO_FIT, LOST, UNSTEADY, CANCELLED = "done", "did not fit", "lost", "not steady", "cancelled"
Key = float | str | None


@dataclass(frozen=True, slots=True)
class RunLine:
    """A row of the table as text."""

    run_id: int
    texts: tuple[str, ...]
    """For each of COLUMNS."""
    keys: tuple[Key, ...]
    """What each column is sorted by; None, for what was not measured, comes last."""
    tip: str
    ends: frozenset[str]
    """Which counts of the summary the run is part of."""
    unit: str = IMAGE
    """What its times and energies are per."""
    repeated: bool = False
    """It was stopped or cut off, and run once more when the plan was resumed: it is shown and not counted."""

    @property
    def running(self) -> bool:
        return self.texts[COLUMNS.index("state")] == RunState.RUNNING.value

    @property
    def failed(self) -> bool:
        return LOST in self.ends

    def contains(self, words: str) -> bool:
        """Whether each of these words is somewhere in the row."""
        text = " ".join(self.texts).lower()
        return all(word in text for word in words.lower().split())


@dataclass(frozen=True, slots=True)
class Count:
    """A part of the summary: how many runs came to this end."""

    end: str
    text: str
    tip: str
    wrong: bool = False
    """Whether the user should look into it."""


def run_lines(recording: Recording) -> list[RunLine]:
    """All runs of a session."""
    lines = [
        run_line(
            run, recording.results.get(run.id), recording.state_of(run),
            None if run.started_ns is None else recording.seconds(run.started_ns),
        )
        for run in recording.runs
    ]  # fmt: skip
    unit, settings = shared_unit(line.unit for line in lines), settings_of(recording.runs)
    lines = [_named(line, settings[line.run_id] + per_unit(line.unit, unit)) for line in lines]
    last = {_planned(run): run.id for run in recording.runs}
    return [
        replace(line, repeated=last[_planned(run)] != run.id and not line.ends.isdisjoint({LOST, CANCELLED}))
        for run, line in zip(recording.runs, lines, strict=True)
    ]


def _named(line: RunLine, further: str) -> RunLine:
    """With its settings where they set it apart, and its unit where the heads cannot name one that all have."""
    name = COLUMNS.index("run")
    text = line.texts[name] + further
    return replace(
        line,
        texts=(*line.texts[:name], text, *line.texts[name + 1 :]),
        keys=(*line.keys[:name], text, *line.keys[name + 1 :]),
    )


def heads_of(lines: Sequence[RunLine]) -> tuple[str, ...]:
    """What stands above COLUMNS: the same in the words of the unit that the runs have."""
    unit = shared_unit(line.unit for line in lines)
    place = COLUMNS.index("top-1")
    own = any(letter.isdigit() for line in lines for letter in line.texts[place] if "/" not in line.texts[place])
    return tuple("accuracy" if own and name == "top-1" else worded(name, unit) for name in COLUMNS)


def _planned(run: RunRow) -> tuple[object, ...]:
    """The same for two runs of one place in the plan."""
    return run.cycle, run.network, run.batch_size, run.precision, run.device, run.power_mode, run.clocks, run.back_end


def run_line(run: RunRow, result: RunResult | None, state: str = "", start_s: float | None = None) -> RunLine:
    """The row of a run, with dashes for what was not measured; it began at ``start_s`` of the session."""
    state = state or run.state.replace("_", " ")
    rate, latency, power = (result.images_per_s, result.latency, result.power) if result else (None, None, None)
    p99 = latency.p99 if latency else None
    delays = tuple(
        None if s is None else 1e3 * s for s in (latency.median_s if latency else None, p99.value if p99 else None)
    )
    watts = (power.idle_w, power.full_w, power.net_w) if power else (None, None, None)
    per_image, energy = result.seconds_per_image if result else None, result.energy if result else None
    top1 = result.top1 if result else None
    size = NOTHING if run.own_program else f"{run.batch_size}"
    texts = (
        f"{run.id}", run.title, f"{run.cycle}", size, run.precision or NOTHING, duration(start_s), state,
        three_digits(rate), without_interval(per_image, 1e3), *(fixed(ms, 1) for ms in delays),
        *(fixed(w, 2) for w in watts), energy_words(energy), _top1(run, result),
    )  # fmt: skip
    keys = (
        run.id, run.title.lower(), run.cycle, run.batch_size, run.precision, start_s, state, rate, _value(per_image),
        *delays, *watts, energy.net.j_per_image if energy and energy.net else None, top1.value if top1 else None,
    )  # fmt: skip
    return RunLine(run.id, texts, keys, _tip(run, result), _ends(run, state), run.unit)


def _value(estimate: Estimate | None) -> float | None:
    return None if estimate is None else estimate.value


def energy_words(energy: EnergySummary | None) -> str:
    """Net millijoules per image with one standard deviation."""
    if energy is None or energy.net is None:
        return NOTHING
    return plus_minus(1e3 * energy.net.j_per_image, 1e3 * energy.net.expanded_j)


def _top1(run: RunRow, result: RunResult | None) -> str:
    p = result.top1 if result else None
    if p is not None:
        return f"{p.correct}/{p.images}   {percent_range(p)}"
    return (metric_words(result.metrics) if result else "") or run.accuracy_note or NOTHING


def _tip(run: RunRow, result: RunResult | None) -> str:
    if run.error:
        return run.error
    parts = [run.network, back_end_title(run.back_end), run.precision, f"on {run.device}", f"{run.threads} threads"]
    if run.own_program:
        parts = [run.network, run.device]
    if result is not None and result.power is not None:
        parts.append(f"{100 * result.power.coverage:.2f} % of the samples arrived")
    parts += [_part_words(part) for part in (result.parts if result is not None else ())]
    was = "Accuracy was not measured" if result is None or result.top1 is None else "Accuracy"
    accuracy = (f"{was}: {run.accuracy_note}.",) if run.accuracy_note else ()
    load = (load_words(result.load),) if result is not None and result.load else ()
    return "\n".join(("  ·  ".join(parts), *load, *(result.notes if result is not None else ()), *accuracy))


def load_words(found: LoadResult) -> str:
    """What was offered and what became of it, in one line."""
    parts = [found.load.title]
    if found.offered_hz is not None:
        parts.append(f"{three_digits(found.offered_hz)}/s offered")
    parts.append(f"{three_digits(found.achieved_hz)}/s answered")
    parts.append("not steady" if found.waiting is None else f"waiting {interval(found.waiting, scale=1e3)} ms")
    if found.phase_j_per_image is not None:
        parts.append(f"{interval(found.phase_j_per_image, scale=1e3)} mJ/image with the gaps")
    return "  ·  ".join(parts)


def _part_words(part: PartResult) -> str:
    """Prefill or decode, for a tip: prefill 12.1 ms, 5,300 tokens/s, 0.42 ± 0.03 mJ/token."""
    mean = part.latency.mean if part.latency is not None else None
    energy = energy_words(part.energy)
    of_energy = f"{energy} mJ/token" if energy != NOTHING else part.lacking or "energy not measured"
    return f"{part.kind} {without_interval(mean, 1e3)} ms, {without_interval(part.units_per_s)} tokens/s, {of_energy}"


_ENDS = {
    RunState.DONE.value: DONE, RunState.DOES_NOT_FIT.value.replace("_", " "): NO_FIT, RunState.FAILED.value: LOST,
    CUT_OFF: LOST, RunState.CANCELLED.value: CANCELLED,
}  # fmt: skip


def _ends(run: RunRow, state: str) -> frozenset[str]:
    end = _ENDS.get(state, "")
    return frozenset(each for each in (end, UNSTEADY if run.steady == 0 else "") if each)


def counts(lines: Sequence[RunLine], planned: int) -> tuple[Count, ...]:
    """The summary of a campaign; those that are cancelled are counted where there are any."""
    counted = [line for line in lines if not line.repeated]
    numbers = {end: sum(end in line.ends for line in counted) for end in (DONE, NO_FIT, LOST, UNSTEADY, CANCELLED)}
    parts = [
        Count(DONE, f"{numbers[DONE]} of {planned} done", "Show only the runs that were measured to their end"),
        Count(NO_FIT, f"{numbers[NO_FIT]} did not fit", "Show only the runs for which the memory was too small"),
        Count(LOST, f"{numbers[LOST]} lost", "Show only the runs that failed or were cut off", numbers[LOST] > 0),
        Count(UNSTEADY, f"{numbers[UNSTEADY]} not steady", "Show only the runs without a steady warm-up"),
    ]
    if numbers[CANCELLED]:
        parts.append(Count(CANCELLED, f"{numbers[CANCELLED]} cancelled", "Show only the runs that were cancelled"))
    return tuple(parts)


def ended_plan(lines: Sequence[RunLine], parts: Sequence[Count]) -> str:
    """What is said of a plan of several runs that has come to its end; empty of one that the user has stopped."""
    if len(lines) < 2 or CANCELLED in lines[-1].ends:
        return ""
    return f"The plan has ended: {', '.join(part.text for part in parts)}."


def planned_runs(lines: Sequence[RunLine], status: BenchStatus | None) -> int:
    """Runs of the session with those of the plan that are still to come, as far as their number is known."""
    begun = sum(not line.repeated for line in lines)
    if status is None:
        return begun
    waiting = sum(run.state == RunState.WAITING.value and run.id is None for run in status.runs)
    cycles = status.cycles - status.cycle if status.phase is BenchPhase.RUNNING else 0
    return begun + waiting + max(cycles, 0) * len(status.runs)


def differing(lines: Sequence[RunLine]) -> set[str]:
    """The columns of WHERE_THEY_DIFFER in which these runs differ."""
    return {name for name in WHERE_THEY_DIFFER if len({line.texts[COLUMNS.index(name)] for line in lines}) > 1}
