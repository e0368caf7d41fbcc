# SPDX-License-Identifier: Apache-2.0
"""What a command cost, as text: like `perf stat`, a figure a line, then its spans and its repetitions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from monitor_app.cli.tables import SIMULATED, print_table
from monitor_app.core.formatting import NOTHING, engineering, interval, number, scale_of, without_interval
from monitor_app.core.runs import RunState

if TYPE_CHECKING:
    from rich.console import Console

    from monitor_app.analysis.program_summary import NamedWork, ProgramSummary, Repetition
    from monitor_app.core.estimate import Estimate

VALUE_WIDTH = 24


def print_program(out: Console, summary: ProgramSummary) -> None:
    """Print the results of a command over its repetitions."""
    count = len(summary.repetitions)
    title = Text(f"\n{summary.title}", style="bold")
    if count > 1:
        title.append(f"  ({count} repetitions)")
    if summary.simulated:
        title.append(f"  {SIMULATED}", style="bold red")
    out.print(title)
    out.print()
    for estimate, unit, what in _figures(summary):
        out.print(f"{_with_unit(estimate, unit):>{VALUE_WIDTH}}   {what}")
    if summary.work:
        out.print()
        print_table(out, _work_table(summary))
        _print_reasons(out, summary)
    if count > 1:
        out.print()
        print_table(out, _repetitions_table(summary))
    for note in summary.notes:
        out.print(Text(note, style="dim", overflow="fold"))


def _figures(summary: ProgramSummary) -> list[tuple[Estimate | None, str, str]]:
    peak = next((each.peak for each in summary.repetitions if each.peak is not None), None)
    every = f": the highest value, one every {engineering(peak.period_s, 's')}" if peak is not None else ""
    return [
        (summary.over(lambda each: each.energy(net=True)), "J", "energy net, above idle"),
        (summary.over(lambda each: each.energy(net=False)), "J", "energy gross, of the whole board"),
        (summary.over(lambda each: each.mean_w), "W", "mean power"),
        (summary.over(lambda each: each.peak_w), "W", f"peak power{every}"),
        (summary.seconds, "s", "time"),
    ]


def _with_unit(estimate: Estimate | None, unit: str) -> str:
    if estimate is None:
        return interval(None)
    factor, prefixed = scale_of(abs(estimate.value), unit)
    return interval(estimate, prefixed, factor)


def _work_table(summary: ProgramSummary) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("span", overflow="fold", min_width=12)
    kinds = {"net" if work.net_j else "gross" for work in summary.work if work.net_j or work.gross_j}
    kind = kinds.pop() if len(kinds) == 1 else "net"
    images = any(work.images for work in summary.work)
    heads = ["count", "ms", "p95 ms", f"mJ {kind}", "p5 mJ", "p50 mJ", "p95 mJ", *(["mJ/image"] if images else [])]
    for name in heads:
        table.add_column(name, justify="right", no_wrap=True)
    for work in summary.work:
        table.add_row(work.name, *_work_cells(work), *([_per_image(work)] if images else []))
    return table


def _work_cells(work: NamedWork) -> list[str]:
    low, _, middle, _, high = work.percentiles_j or (None,) * 5
    energy = work.net_j or work.gross_j
    cell = NOTHING if energy is None else interval(energy, scale=1e3)
    if energy is None and work.at_most_j is not None:
        cell = f"< {number(1e3 * work.at_most_j)}"
    return [
        f"{work.spans:,}",
        number(1e3 * float(work.seconds.mean())),
        number(1e3 * work.percentiles_s[-1]) if work.spans > 1 else NOTHING,
        cell,
        *(NOTHING if value is None else number(1e3 * value) for value in (low, middle, high)),
    ]


def _per_image(work: NamedWork) -> str:
    return NOTHING if work.j_per_image is None else interval(work.j_per_image, scale=1e3)


def _print_reasons(out: Console, summary: ProgramSummary) -> None:
    for work in summary.work:
        if work.reason:
            out.print(Text(f"{work.name}: {work.reason}", style="dim", overflow="fold"))


def _repetitions_table(summary: ProgramSummary) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("repetition", "net J", "gross J", "mean W", "peak W", "s", "exit code"):
        table.add_column(name, justify="right", no_wrap=True)
    for index, each in enumerate(summary.repetitions, 1):
        table.add_row(
            f"{index}", _cell(each.energy(net=True)), _cell(each.energy(net=False)), _cell(each.mean_w),
            without_interval(each.peak_w), number(each.seconds) if each.seconds else NOTHING, _ending(each),
        )  # fmt: skip
    return table


def _cell(estimate: Estimate | None) -> str:
    return NOTHING if estimate is None else interval(estimate)


def _ending(each: Repetition) -> str:
    code, state = each.program.exit_code, each.result.run.state
    if code is None:
        return state.replace("_", " ")
    text = f"{code}" if code >= 0 else f"signal {-code}"
    return f"{text}, interrupted" if state == RunState.CANCELLED.value else text
