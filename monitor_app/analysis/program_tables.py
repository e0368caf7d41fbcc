# SPDX-License-Identifier: Apache-2.0
"""The results of a command as texts in rows: a figure a line, then its spans and its repetitions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor_app.core.formatting import NOTHING, engineering, interval, number, scale_of, without_interval
from monitor_app.core.runs import RunState

if TYPE_CHECKING:
    from monitor_app.analysis.program_summary import NamedWork, ProgramSummary, Repetition
    from monitor_app.core.estimate import Estimate


@dataclass(frozen=True, slots=True)
class TextTable:
    """Rows as long as the head; the first column is a name."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def figures_of(summary: ProgramSummary) -> tuple[tuple[str, str], ...]:
    """Of the command as a whole: the value with its interval and unit, and what it is."""
    peak = next((each.peak for each in summary.repetitions if each.peak is not None), None)
    every = f": the highest value, one every {engineering(peak.period_s, 's')}" if peak is not None else ""
    found = (
        (summary.over(lambda each: each.energy(net=True)), "J", "energy net, above idle"),
        (summary.over(lambda each: each.energy(net=False)), "J", "energy gross, of the whole board"),
        (summary.over(lambda each: each.mean_w), "W", "mean power"),
        (summary.over(lambda each: each.peak_w), "W", f"peak power{every}"),
        (summary.seconds, "s", "time"),
    )
    return tuple((_with_unit(estimate, unit), what) for estimate, unit, what in found)


def work_table(summary: ProgramSummary) -> TextTable:
    """A row for each name of a span."""
    kinds = {"net" if work.net_j else "gross" for work in summary.work if work.net_j or work.gross_j}
    kind = kinds.pop() if len(kinds) == 1 else "net"
    images = any(work.images for work in summary.work)
    energies = (f"mJ {kind}", "p5 mJ", "p50 mJ", "p95 mJ")
    return TextTable(
        ("span", "count", "ms", "p95 ms", *energies, *(("mJ/image",) if images else ())),
        tuple((w.name, *_work_cells(w), *((_per_image(w),) if images else ())) for w in summary.work),
    )


def reasons_of(summary: ProgramSummary) -> tuple[str, ...]:
    """Why spans have no energy, a sentence a name."""
    return tuple(f"{work.name}: {work.reason}" for work in summary.work if work.reason)


def repetition_table(summary: ProgramSummary) -> TextTable:
    """A row for each repetition."""
    return TextTable(
        ("repetition", "net J", "gross J", "mean W", "peak W", "s", "exit code"),
        tuple((f"{index}", *_repetition_cells(each)) for index, each in enumerate(summary.repetitions, 1)),
    )


def _with_unit(estimate: Estimate | None, unit: str) -> str:
    if estimate is None:
        return interval(None)
    factor, prefixed = scale_of(abs(estimate.value), unit)
    return interval(estimate, prefixed, factor)


def _work_cells(work: NamedWork) -> tuple[str, ...]:
    low, _, middle, _, high = work.percentiles_j or (None,) * 5
    energy = work.net_j or work.gross_j
    cell = NOTHING if energy is None else interval(energy, scale=1e3)
    if energy is None and work.at_most_j is not None:
        cell = f"< {number(1e3 * work.at_most_j)}"
    return (
        f"{work.spans:,}",
        number(1e3 * float(work.seconds.mean())),
        number(1e3 * work.percentiles_s[-1]) if work.spans > 1 else NOTHING,
        cell,
        *(NOTHING if value is None else number(1e3 * value) for value in (low, middle, high)),
    )


def _per_image(work: NamedWork) -> str:
    return NOTHING if work.j_per_image is None else interval(work.j_per_image, scale=1e3)


def _repetition_cells(each: Repetition) -> tuple[str, ...]:
    return (
        _cell(each.energy(net=True)),
        _cell(each.energy(net=False)),
        _cell(each.mean_w),
        without_interval(each.peak_w),
        number(each.seconds) if each.seconds else NOTHING,
        _ending(each),
    )


def _cell(estimate: Estimate | None) -> str:
    return NOTHING if estimate is None else interval(estimate)


def _ending(each: Repetition) -> str:
    code, state = each.program.exit_code, each.result.run.state
    if code is None:
        return state.replace("_", " ")
    text = f"{code}" if code >= 0 else f"signal {-code}"
    return f"{text}, interrupted" if state == RunState.CANCELLED.value else text
