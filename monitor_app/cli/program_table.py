# SPDX-License-Identifier: Apache-2.0
"""What a command cost, on the terminal: like `perf stat`, a figure a line, then its spans and its repetitions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from monitor_app.analysis.program_tables import figures_of, reasons_of, repetition_table, work_table
from monitor_app.cli.tables import SIMULATED, print_table

if TYPE_CHECKING:
    from rich.console import Console

    from monitor_app.analysis.program_summary import ProgramSummary
    from monitor_app.analysis.program_tables import TextTable

VALUE_WIDTH = 24
NAME_WIDTH = 12


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
    for value, what in figures_of(summary):
        out.print(f"{value:>{VALUE_WIDTH}}   {what}")
    if summary.work:
        out.print()
        table = Table(box=None, pad_edge=False, header_style="dim")
        table.add_column("span", overflow="fold", min_width=NAME_WIDTH)
        print_table(out, _filled(table, work_table(summary)))
        for reason in reasons_of(summary):
            out.print(Text(reason, style="dim", overflow="fold"))
    if count > 1:
        out.print()
        table = Table(box=None, pad_edge=False, header_style="dim")
        table.add_column("repetition", justify="right", no_wrap=True)
        print_table(out, _filled(table, repetition_table(summary)))
    for note in summary.notes:
        out.print(Text(note, style="dim", overflow="fold"))


def _filled(table: Table, found: TextTable) -> Table:
    """With the columns behind the first, and the rows."""
    for name in found.head[1:]:
        table.add_column(name, justify="right", no_wrap=True)
    for row in found.rows:
        table.add_row(*row)
    return table
