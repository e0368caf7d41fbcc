# SPDX-License-Identifier: Apache-2.0
"""What `show` says of loads and of stages: a table of each, where there are any."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

from monitor_app.analysis.run.batch_energy import BatchEnergy
from monitor_app.core.formatting import NOT_MEASURED, NOTHING, fixed, interval, number

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from monitor_app.analysis.run.results import RunResult


def load_tables(runs: Sequence[RunResult]) -> Iterator[Table]:
    """The loads, then the stages; none of either where no run has any."""
    loaded = [result for result in runs if result.load]
    if loaded:
        yield _loads(loaded)
    staged = [result for result in runs if result.stages]
    if staged:
        yield _stages(staged)


def print_loads(out: Console, runs: Sequence[RunResult]) -> None:
    """Below the table of the runs."""
    for table in load_tables(runs):
        out.print()
        out.print(table)


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("run", overflow="fold")
    for name in columns:
        table.add_column(name, justify="right")
    return table


def _loads(runs: Sequence[RunResult]) -> Table:
    table = _table(
        "load", "offered /s", "answered /s", "busy %", "waiting ms", "mJ/image busy", "mJ/image phase", "mean W"
    )
    for result in runs:
        load = result.load
        assert load is not None, "chosen by the caller"
        busy = result.energy.gross if result.energy else None
        phase = load.phase_energy if isinstance(load.phase_energy, BatchEnergy) else None
        table.add_row(
            f"{result.run.title} b{result.run.batch_size}",
            load.load.title,
            NOTHING if load.offered_hz is None else number(load.offered_hz),
            number(load.achieved_hz),
            fixed(100 * load.utilisation, 0),
            "not steady" if load.waiting is None else interval(load.waiting, scale=1e3),
            NOT_MEASURED if busy is None else number(busy.j_per_image * 1e3),
            NOT_MEASURED if load.phase_j_per_image is None else interval(load.phase_j_per_image, scale=1e3),
            NOT_MEASURED if phase is None else number(phase.mean_w),
        )
    return table


def _stages(runs: Sequence[RunResult]) -> Table:
    table = _table("stage", "ms", "part %", "gross mJ", "why no energy")
    for result in runs:
        for stage in result.stages:
            table.add_row(
                f"{result.run.title} b{result.run.batch_size}",
                stage.name,
                interval(stage.mean, scale=1e3),
                fixed(100 * stage.part, 1),
                NOTHING if stage.gross_j is None else interval(stage.gross_j, scale=1e3),
                stage.no_energy or "",
            )
    return table
