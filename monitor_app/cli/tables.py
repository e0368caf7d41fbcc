# SPDX-License-Identifier: Apache-2.0
"""What the commands print for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from monitor_app.core.runs import RunState
from monitor_app.core.status import SourceState

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import RenderableType

    from monitor_app.analysis.run.results import RunResult
    from monitor_app.analysis.session_summary import SessionSummary, SourceSummary
    from monitor_app.core.estimate import Proportion
    from monitor_app.core.status import BenchStatus, FoundSource, SourceStatus
    from monitor_app.inference.networks.listing import Listed

NOT_MEASURED = "not measured"
SIMULATED = "SIMULATED"
PIPE_WIDTH = 120
NETWORKS_FOOTNOTE = (
    "Without weights they are random and accuracy is not measured. Operations as Canziani et al. counted them in 2016; "
    "- where that would mislead."
)


def console() -> Console:
    """stdout; wide enough for every table where it goes into a file or a pipe."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=PIPE_WIDTH)


def print_session(file: Path, summary: SessionSummary) -> None:
    """The session as a few lines and a table of its runs."""
    out = console()
    title = Text(f"{file}  {summary.title}", style="bold")
    if summary.simulated:
        title.append(f"  {SIMULATED}", style="bold red")
    out.print(title)
    started = f"{summary.started_utc:%Y-%m-%d %H:%M:%S} UTC" if summary.started_utc else "time unknown"
    ending = "" if summary.complete else ", cut off or still going on"
    out.print(f"{started}, {summary.duration_s:.1f} s{ending}")
    for source in summary.sources:
        rate = "no samples" if source.rate_hz is None else f"{source.rate_hz:,.2f} Sa/s"
        out.print(
            f"{source.source.name}: {source.source.model} {source.source.serial_number}".rstrip()
            + f", {rate}, {source.lost_samples} lost, {_clock_words(source)}"
        )
        for note in source.source.notes:
            out.print(Text(f"  {note}", style="dim"))
    coverage = "" if summary.coverage is None else f" ({summary.coverage:.2%} of the samples)"
    out.print(
        f"idle {_number(summary.idle_w, '.2f')} W, full {_number(summary.full_w, '.2f')} W, "
        f"swing {_number(summary.swing_w, '.2f')} W, energy {_number(summary.energy_j, '.1f')} J{coverage}"
    )
    if summary.runs:
        out.print(_runs_table(summary.runs))
        _print_remarks(out, summary.runs)


def _clock_words(source: SourceSummary) -> str:
    """How sure its times are and, where it is known, how late it shows what the board does."""
    words = "clock unknown"
    if source.clock is not None:
        words = f"clock ± {source.clock.bound_ns / 1e6:.3f} ms ({source.clock.method})"
    if source.alignment is not None:
        late, bound = source.alignment.delay_ns / 1e6, source.alignment.bound_ns / 1e6
        words += f", {late:.1f} ± {bound:.1f} ms behind the board"
    return words


def _runs_table(runs: Sequence[RunResult]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("run", no_wrap=True)
    for name in ("p50 ms", "p99 ms", "net W", "mJ/image", "memory MB", "top-1"):
        table.add_column(name, justify="right", no_wrap=True)
    for result in runs:
        run, latency, power = result.run, result.latency, result.power
        energy = NOT_MEASURED
        if result.energy and result.energy.net:
            energy = f"{result.energy.net.j_per_image * 1e3:.1f} ± {result.energy.net.uncertainty_j * 1e3:.1f}"
        p99 = latency.p99 if latency else None
        percentiles = (latency.median_s if latency else None, p99.value if p99 else None)
        state = "" if run.state == RunState.DONE.value else f" ({run.state})"
        table.add_row(
            f"{run.title} b{run.batch_size}{state}",
            *(_number(None if each is None else each * 1e3, ".2f") for each in percentiles),
            _number(power.net_w if power else None, ".2f"),
            energy,
            f"{result.memory[0].net_bytes / 1e6:.0f}" if result.memory else "-",
            _accuracy(result.top1, run.accuracy_note),
        )
    return table


def _print_remarks(out: Console, runs: Sequence[RunResult]) -> None:
    """What went wrong, and what a user of the figures must know; the same of several runs once."""
    said: dict[tuple[str, str], list[str]] = {}
    for result in runs:
        label = f"{result.run.title} b{result.run.batch_size}"
        remarks = [(result.run.error, "red")] if result.run.error else []
        for text, style in (*remarks, *((note, "dim") for note in result.notes)):
            said.setdefault((text, style), []).append(label)
    for (text, style), labels in said.items():
        out.print(Text(f"{', '.join(labels)}: {text}", style=style, overflow="fold"))


def _accuracy(share: Proportion | None, note: str | None) -> str:
    if share is None:
        return note or NOT_MEASURED
    return f"{share.correct}/{share.images} ({share.low * 100:.0f}-{share.high * 100:.0f} %)"


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def print_networks(listed: Sequence[Listed]) -> None:
    """The networks that can be run, and what each costs."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("name", no_wrap=True)
    table.add_column("network", no_wrap=True)
    for name in ("params M", "MACs G", "ops G (2016)", "input"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("weights", no_wrap=True)
    for each in listed:
        network, costs = each.network, each.costs
        table.add_row(
            network.name,
            network.title,
            f"{costs.parameters / 1e6:.2f}",
            _number(None if costs.macs is None else costs.macs / 1e9, ".3f"),
            _number(None if costs.operations is None else costs.operations / 1e9, ".2f"),
            f"{network.input_pixels}",
            each.weights or "none",
        )
    console().print(table)
    console().print(Text(NETWORKS_FOOTNOTE, style="dim"))


def print_sources(found: Sequence[FoundSource]) -> None:
    """The instruments of this machine, and what each needs."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("kind", "where", "what", "state"):
        table.add_column(name)
    for each in found:
        table.add_row(each.kind, each.where, each.description, each.state)
    console().print(table)


def status_line(status: BenchStatus, elapsed_s: float, duration_s: float | None) -> str:
    """The status in one line."""
    total = f" of {duration_s:.0f}" if duration_s else ""
    parts = [f"{elapsed_s:5.1f}{total} s", *map(_source_text, status.sources)]
    running = [run for run in status.runs if run.state == RunState.RUNNING.value]
    parts += [f"{run.title} b{run.batch_size} {run.phase or ''} {run.fraction:.0%}" for run in running]
    if duration_s is None and status.remaining_s is not None:
        parts.append(f"{_clock(status.remaining_s)} left of cycle {status.cycle}")
    parts.append(f"{status.file_bytes / 1e6:.1f} MB")
    if status.message:
        parts.append(status.message)
    return "  ".join(parts)


def status_block(status: BenchStatus, elapsed_s: float, duration_s: float | None) -> RenderableType:
    """The status as a few lines, to be redrawn."""
    lines: list[RenderableType] = [Text(status_line(status, elapsed_s, duration_s))]
    for run in status.runs:
        row = Table.grid(padding=(0, 2))
        row.add_column(width=24)
        row.add_column(width=12)
        row.add_column(width=30)
        row.add_row(f"{run.title} b{run.batch_size}", run.phase or run.state, ProgressBar(1.0, run.fraction, width=30))
        lines.append(row)
    if duration_s:
        left_s = max(duration_s - elapsed_s, 0.0)
        lines.append(Text(f"{_clock(left_s)} left; Ctrl-C ends the recording with the file complete", style="dim"))
    else:
        lines.append(Text("Ctrl-C ends the recording with the file complete", style="dim"))
    return Group(*lines)


def _source_text(source: SourceStatus) -> str:
    mark = f" {SIMULATED}" if source.simulated else ""
    if source.state is not SourceState.STREAMING:
        return f"{source.name}{mark} {source.state.value}"
    rate = "" if source.rate_hz is None else f" {source.rate_hz / 1e3:.3f} kSa/s"
    return f"{source.name}{mark}{rate} {source.lost_samples} lost"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
