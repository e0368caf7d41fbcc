# SPDX-License-Identifier: Apache-2.0
"""Text and tables that the commands print on a terminal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rich.console import Group
from rich.measure import Measurement
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from monitor_app.analysis.compare.check import Verdict as CheckVerdict
from monitor_app.analysis.findings import Verdict
from monitor_app.analysis.link import link_words
from monitor_app.analysis.run.energy import COVERAGE_FACTOR
from monitor_app.analysis.run.labels import settings_of
from monitor_app.cli.load_table import print_loads
from monitor_app.cli.terminal import Terminal
from monitor_app.core.formatting import (
    DOES_NOT_FIT,
    NOT_MEASURED,
    NOTHING,
    clock_bound,
    duration,
    fixed,
    interval,
    metric_words,
    moment,
    number,
    percent,
    percent_range,
    plus_minus,
    sample_rate,
    size,
    without_interval,
)
from monitor_app.core.models.units import per_unit, shared_unit, worded
from monitor_app.core.runs import DECODE, PREFILL, RunState
from monitor_app.core.samples import LINK
from monitor_app.core.status import CHECKING, CheckState, SourceState

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console, RenderableType

    from monitor_app.analysis.campaign.cells import Campaign, Cell
    from monitor_app.analysis.compare.check import Check
    from monitor_app.analysis.findings import Finding
    from monitor_app.analysis.run.latency import LatencySummary
    from monitor_app.analysis.run.parts import PartResult
    from monitor_app.analysis.run.results import RunResult
    from monitor_app.analysis.session_summary import SessionSummary, SourceSummary
    from monitor_app.core.estimate import Estimate
    from monitor_app.core.status import BenchStatus, FoundSource, RunStatus, SourceStatus
    from monitor_app.inference.listing import Listed


SIMULATED = "SIMULATED"
PIPE_WIDTH = 120
NO_SOURCES = "It has no power monitor of its own that is known: use a meter on this computer (`monitor-app sources`)."
NAME_WIDTH = 16
"""Names are wrapped to this before figures would have to be cut."""
_UNBOUNDED = 10_000
NETWORKS_FOOTNOTE = (
    "A network without weights runs with random ones, and its accuracy is not measured. Operations are counted as by "
    f"Canziani et al. (2016); {NOTHING} where that count does not apply."
)


def console() -> Terminal:
    """stdout; in a file or a pipe it is wide enough for every table."""
    console = Terminal()
    return console if console.is_terminal else Terminal(width=PIPE_WIDTH)


def print_table(out: Console, table: Table) -> None:
    """Print a table with all that is in it: on a narrow terminal its lines wrap, and nothing is cut."""
    unbounded = out.options.update(max_width=_UNBOUNDED)
    for column in table.columns:
        if column.no_wrap:
            cells = (column.header, *column.cells)
            column.min_width = max(Measurement.get(out, unbounded, cell).maximum for cell in cells)
    least = Measurement.get(out, unbounded, table).minimum
    if least <= out.width:
        out.print(table)
    else:
        wide = Terminal(width=least)
        with wide.capture() as captured:
            wide.print(table)
        out.file.write(captured.get())


def print_session(file: Path, summary: SessionSummary) -> None:
    """Print a summary of a session and a table of its runs."""
    out = console()
    title = Text(f"{file}  {summary.title}", style="bold")
    if summary.simulated:
        title.append(f"  {SIMULATED}", style="bold red")
    out.print(title)
    started = f"{summary.started_utc:%Y-%m-%d %H:%M:%S} UTC" if summary.started_utc else "start time not known"
    ending = "" if summary.complete else ", incomplete: interrupted, or still being recorded"
    out.print(f"{started}, {summary.duration_s:.1f} s{ending}")
    if summary.link is not None:
        out.print(f"{summary.link.where} ({summary.link.name}), link bound {summary.link.bound}")
    for line in summary.notes.splitlines():
        out.print(Text(f"  {line}", style="dim"))
    for source in summary.sources:
        rate = "no samples" if source.rate_hz is None else sample_rate(source.rate_hz)
        out.print(
            f"{source.source.name}: {source.source.model} {source.source.serial_number}".rstrip()
            + f", {rate}, {_counts(source.lost_samples, source.implausible_samples)}, {_clock_words(source)}"
        )
        for note in source.source.notes:
            out.print(Text(f"  {note}", style="dim"))
    coverage = "" if summary.coverage is None else f" (coverage {summary.coverage:.2%})"
    out.print(
        f"idle {fixed(summary.idle_w, 2)} W, full {fixed(summary.full_w, 2)} W, "
        f"swing {fixed(summary.swing_w, 2)} W, energy {_joules(summary.energy_j)}{coverage}"
    )
    if summary.runs:
        print_table(out, _runs_table(summary.runs))
        if any(result.parts for result in summary.runs):
            print_table(out, _generating_table(summary.runs))
        print_loads(out, summary.runs)
        _print_notes(out, summary.runs)


def _clock_words(source: SourceSummary) -> str:
    """The bound of its timestamps and, where it was measured, its delay behind the board."""
    words = "clock bound not known"
    if source.clock is not None:
        words = f"clock {clock_bound(source.clock.bound_ns)} ({source.clock.method})"
    if source.alignment is not None:
        delay = plus_minus(source.alignment.delay_ns / 1e6, source.alignment.bound_ns / 1e6)
        words += f", {delay} ms behind the board"
    return words


def _joules(energy_j: float | None) -> str:
    return f"{NOTHING} J" if energy_j is None else number(energy_j, "J")


def _runs_table(runs: Sequence[RunResult]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("run", overflow="fold", min_width=NAME_WIDTH)
    unit = shared_unit(result.unit for result in runs)
    accuracy = "accuracy" if any(result.metrics for result in runs) else "top-1"
    for name in ("ms/image", "p50 ms", "p99 ms", "net W", "mJ/image", "memory MB", accuracy):
        table.add_column(worded(name, unit), justify="right", no_wrap=True)
    labels = _labels(runs)
    for result in runs:
        run, latency, power = result.run, result.latency, result.power
        energy = NOT_MEASURED
        if result.energy and result.energy.net:
            energy = plus_minus(result.energy.net.j_per_image * 1e3, result.energy.net.expanded_j * 1e3)
        state = "" if run.state == RunState.DONE.value else f" ({run.state.replace('_', ' ')})"
        table.add_row(
            f"{labels[run.id]}{per_unit(run.unit, unit)}{state}",
            without_interval(result.seconds_per_image, 1e3),
            _median_ms(latency),
            without_interval(latency.p99 if latency else None, 1e3),
            NOTHING if power is None else plus_minus(power.net_w, _expanded_w(result)),
            energy,
            fixed(result.memory[0].net_bytes / 1e6 if result.memory else None, 0),
            _accuracy(result),
        )
    return table


def _labels(runs: Sequence[RunResult]) -> dict[int, str]:
    """What each run is called, by its id."""
    rows = [result.run for result in runs]
    settings = settings_of(rows)
    return {row.id: row.label + settings[row.id] for row in rows}


def _generating_table(runs: Sequence[RunResult]) -> Table:
    """Prefill and decode of the models that generate, each with an energy of its own."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("run", overflow="fold", min_width=NAME_WIDTH)
    for name in ("first token ms", "tokens/s", "prefill mJ/token", "decode ms/token", "decode mJ/token"):
        table.add_column(name, justify="right", no_wrap=True)
    for result in runs:
        prefill, decode = result.part(PREFILL), result.part(DECODE)
        if prefill is None or decode is None:
            continue
        rate = decode.units_per_s
        table.add_row(
            f"{result.run.title} b{result.run.batch_size}",
            _estimate(prefill.latency.mean if prefill.latency else None, 1e3),
            _estimate(rate),
            _part_energy(prefill),
            _estimate(decode.seconds_per_unit, 1e3),
            _part_energy(decode),
        )
    return table


def _estimate(estimate: Estimate | None, scale: float = 1.0) -> str:
    return NOT_MEASURED if estimate is None else interval(estimate, scale=scale)


def _part_energy(part: PartResult) -> str:
    if part.energy is None or part.energy.net is None:
        return NOT_MEASURED
    return plus_minus(part.energy.net.j_per_image * 1e3, part.energy.net.expanded_j * 1e3)


def _expanded_w(result: RunResult) -> float:
    """Of net power, as `analyze` and the figures have it."""
    return COVERAGE_FACTOR * (math.inf if result.net_uncertainty_w is None else result.net_uncertainty_w)


def _median_ms(latency: LatencySummary | None) -> str:
    """With its interval's digits; too few batches give a median without an interval."""
    if latency is None:
        return NOTHING
    return without_interval(latency.p50, 1e3) if latency.p50 else number(latency.median_s * 1e3)


def _print_notes(out: Console, runs: Sequence[RunResult]) -> None:
    """Errors of runs, and notes on their results; a sentence that concerns several runs is printed once."""
    said: dict[tuple[str, str], list[str]] = {}
    names = _labels(runs)
    for result in runs:
        label = names[result.run.id]
        remarks = [(result.run.error, "red")] if result.run.error else []
        for text, style in (*remarks, *((note, "dim") for note in result.notes)):
            said.setdefault((text, style), []).append(label)
    for (text, style), labels in said.items():
        out.print(Text(f"{', '.join(labels)}: {text}", style=style, overflow="fold"))


def _accuracy(result: RunResult) -> str:
    fraction = result.top1
    if fraction is None:
        return metric_words(result.metrics) or result.run.accuracy_note or NOT_MEASURED
    return f"{fraction.correct}/{fraction.images} ({percent_range(fraction)})"


def print_networks(listed: Sequence[Listed]) -> None:
    """Print networks with their parameters, operations and weights."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("name", no_wrap=True)
    table.add_column("network", no_wrap=True)
    for name in ("params M", "MACs G", "ops G (2016)", "input"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("weights")
    for each in listed:
        network, costs = each.network, each.costs
        table.add_row(
            network.name,
            network.title,
            fixed(None if costs.parameters is None else costs.parameters / 1e6, 2),
            fixed(None if costs.macs is None else costs.macs / 1e9, 3),
            fixed(None if costs.operations is None else costs.operations / 1e9, 2),
            f"{network.input_pixels}",
            each.weights or "none",
        )
    print_table(console(), table)
    console().print(Text(NETWORKS_FOOTNOTE, style="dim"))


def print_sources(found: Sequence[FoundSource]) -> None:
    """Print the instruments found on this machine or on a board, which need not have any, and the state of each."""
    if not found:
        console().print(NO_SOURCES)
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("kind", "where", "what", "state"):
        table.add_column(name)
    for each in found:
        table.add_row(each.kind, each.where, each.description, each.state)
    console().print(table)
    for note in dict.fromkeys(f"{each.kind}: {each.note}" for each in found if each.note):
        console().print(Text(note, style="dim"))


def status_line(status: BenchStatus, elapsed_s: float, duration_s: float | None) -> str:
    """The status in one line."""
    total = f" of {duration_s:.0f}" if duration_s else ""
    parts = [f"{elapsed_s:5.1f}{total} s", *map(_source_text, status.sources)]
    if status.check.state in CHECKING:
        fraction = f" ({status.check.fraction:.0%})" if status.check.state is CheckState.PLAYING else ""
        parts.append(f"power check: {status.check.text.rstrip('.')}{fraction}")
    running = [run for run in status.runs if run.state == RunState.RUNNING.value]
    parts += [f"{run.title} b{run.batch_size} {_phase(run)} {run.fraction:.0%}" for run in running]
    # Before the first run the estimate of the start is better than this one.
    if duration_s is None and status.cycle and status.remaining_s is not None:
        parts.append(f"{duration(status.remaining_s)} left of cycle {status.cycle}")
    parts.append(size(status.file_bytes))
    if status.message:
        parts.append(status.message)
    return "  ".join(parts)


def status_block(status: BenchStatus, elapsed_s: float, duration_s: float | None) -> RenderableType:
    """The status in a few lines, for a terminal that is redrawn."""
    lines: list[RenderableType] = [Text(status_line(status, elapsed_s, duration_s))]
    for run in status.runs:
        row = Table.grid(padding=(0, 2))
        row.add_column(width=24)
        row.add_column(width=12)
        row.add_column(width=30)
        row.add_row(
            f"{run.title} b{run.batch_size}", _phase(run) or run.state, ProgressBar(1.0, run.fraction, width=30)
        )
        lines.append(row)
    if duration_s:
        left_s = max(duration_s - elapsed_s, 0.0)
        lines.append(Text(f"{duration(left_s)} left; Ctrl-C ends the recording and completes the file", style="dim"))
    else:
        lines.append(Text("Ctrl-C ends the recording and completes the file", style="dim"))
    return Group(*lines)


def _source_text(source: SourceStatus) -> str:
    mark = f" {SIMULATED}" if source.simulated else ""
    if source.kind == LINK:
        return f"{source.name} {link_words(source)}"
    if source.state is not SourceState.STREAMING:
        return f"{source.name}{mark} {source.state.value}"
    rate = "" if source.rate_hz is None else f" {sample_rate(source.rate_hz)}"
    return f"{source.name}{mark}{rate} {_counts(source.lost_samples, source.implausible_samples)}"


def _counts(lost: int, implausible: int) -> str:
    """Samples that never came, and those that cannot be right where there are any."""
    return f"{lost} lost" + (f", {implausible} implausible" if implausible else "")


def _phase(run: RunStatus) -> str:
    return (run.phase or "").replace("_", " ")


_STYLES = {
    Verdict.HOLDS.value: "green",
    Verdict.DOES_NOT_HOLD.value: "red",
    Verdict.INCONCLUSIVE.value: "yellow",
    Verdict.NOT_ENOUGH_DATA.value: "dim",
    CheckVerdict.PASSED.value: "green",
    CheckVerdict.FAILED.value: "red",
    CheckVerdict.MISSING.value: "red",
    CheckVerdict.UNCLEAR.value: "yellow",
}

_VERDICT_WIDTH = 16
_UNDER_CLAIM = (0, 0, 0, _VERDICT_WIDTH)


def print_campaign(campaign: Campaign, findings: Sequence[Finding]) -> None:
    """The cells of a session, and the verdict on each claim of the paper."""
    out = console()
    title = Text(f"{campaign.path}  {campaign.title}", style="bold")
    if campaign.simulated:
        title.append(f"  {SIMULATED}", style="bold red")
    out.print(title)
    out.print(" on ".join(part for part in (moment(campaign.started_utc), campaign.board) if part))
    if campaign.cells:
        print_table(out, _cells_table(campaign.cells))
        for cell in campaign.cells:
            if cell.fits is None and cell.message:
                out.print(Text(f"{cell.label}: {cell.message}", style="dim", overflow="fold"))
    for finding in findings:
        out.print()
        verdict = Text(f"{finding.verdict.value:{_VERDICT_WIDTH}}", style=_STYLES[finding.verdict.value])
        out.print(verdict + Text(finding.title, style="bold"))
        out.print(Padding(Text(finding.sentence, overflow="fold"), _UNDER_CLAIM))
        if finding.caution:
            out.print(Padding(Text(finding.caution, style="dim", overflow="fold"), _UNDER_CLAIM))


def print_checks(checks: Sequence[Check]) -> None:
    """The verdict on each check, failed ones first."""
    out = console()
    for check in sorted(checks, key=lambda each: not each.fails):
        out.print(Text(f"{check.verdict.value:8}", style=_STYLES[check.verdict.value]) + Text(f"  {check.sentence}"))
    failed = sum(check.fails for check in checks)
    out.print(Text(f"{failed} of {len(checks)} checks failed.", style="bold red" if failed else "bold"))


def print_flags(flags: Sequence[str]) -> None:
    """Differences between the compared sessions that should not be there."""
    for flag in flags:
        console().print(Text(f"! {flag}", style="red"))


def _cells_table(cells: Sequence[Cell]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("network", overflow="fold", min_width=NAME_WIDTH)
    unit = shared_unit(cell.unit for cell in cells)
    accuracy = "accuracy" if any(cell.metrics for cell in cells) else "top-1 %"
    for name in ("ms/image", "net W", "mJ/image", "memory MB", accuracy):
        table.add_column(worded(name, unit), justify="right", no_wrap=True)
    for cell in cells:
        if not cell.fits:
            table.add_row(cell.label, Text(DOES_NOT_FIT if cell.fits is False else NOT_MEASURED, style="dim"))
            continue
        table.add_row(
            cell.label + per_unit(cell.unit, unit),
            *(
                interval(estimate, scale=scale) if estimate else NOTHING
                for estimate, scale in ((cell.seconds_per_image, 1e3), (cell.net_w, 1.0), (cell.net_j_per_image, 1e3))
            ),
            fixed(None if cell.memory_bytes is None else cell.memory_bytes / 1e6, 0),
            percent(cell.top1) if cell.top1 else metric_words(cell.metrics) or NOT_MEASURED,
        )
    return table
