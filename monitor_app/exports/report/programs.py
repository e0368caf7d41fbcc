# SPDX-License-Identifier: Apache-2.0
"""Programs of the user's own in a report: what each cost, its spans and their distributions, its repetitions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor_app.analysis.figures.work import work_histograms
from monitor_app.analysis.program_tables import figures_of, reasons_of, repetition_table, work_table
from monitor_app.charts.contents import is_simulated, notes_of
from monitor_app.exports.report.blocks import BulletList, CellTable, FactTable, Figure, Paragraph, Subtitle

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor_app.analysis.program_summary import ProgramSummary
    from monitor_app.analysis.program_tables import TextTable
    from monitor_app.exports.report.blocks import Block

MOST_NAMES = 6
"""A page for each of 500 names would bury the rest; these are the first ones that were marked."""


def program_of(summary: ProgramSummary) -> Iterator[Block]:
    """Blocks on one command over its repetitions."""
    count = len(summary.repetitions)
    yield Subtitle(f"{summary.title}{f', {count} repetitions' if count > 1 else ''}", summary.simulated)
    yield FactTable(tuple((what, value) for value, what in figures_of(summary)))
    if summary.work:
        yield _table(work_table(summary), simulated=summary.simulated)
        if reasons_of(summary):
            yield BulletList(reasons_of(summary))
    if count > 1:
        yield _table(repetition_table(summary), simulated=summary.simulated)
    if summary.notes:
        yield BulletList(summary.notes)
    if summary.work:
        yield from _distributions(summary)


def _table(table: TextTable, *, simulated: bool) -> CellTable:
    origin = "power SIMULATED" if simulated else "measured"  # the program itself ran, and took its time
    rows = tuple((*row, origin) for row in table.rows)
    return CellTable((*table.head, "origin"), rows, (simulated,) * len(rows))


def _distributions(summary: ProgramSummary) -> Iterator[Block]:
    for chart in work_histograms(summary, MOST_NAMES):
        yield Figure(chart, f"{chart.title}.", tuple(notes_of(chart)), is_simulated(chart))
    if len(summary.work) > MOST_NAMES:
        yield Paragraph(
            f"Distributions of the first {MOST_NAMES} of {len(summary.work)} names; the window shows all of them.",
            dim=True,
        )
