# SPDX-License-Identifier: Apache-2.0
"""Commands that read sessions: summaries, verdicts, files."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path  # noqa: TC003  # typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Any

import typer

from monitor_app.cli import tables
from monitor_app.cli.commands.parser import (
    FAILED,
    EnergyKind,
    ExportFormat,
    ExportTable,
    FigureFormat,
    FigureStyle,
    JsonOption,
    SessionArgument,
    SessionsArgument,
    Theme,
    app,
    print_json,
)
from monitor_app.cli.files import session_files
from monitor_app.cli.judged import Judged
from monitor_app.cli.terminal import put
from monitor_app.core.errors import ExportError

if TYPE_CHECKING:
    from monitor_app.analysis.program_summary import ProgramSummary
    from monitor_app.session.reader import SessionReader


@app.command()
def show(file: SessionArgument, as_json: JsonOption = False) -> None:
    """Print a summary of a session. It lists the sources, the power and the runs, and what a program has marked."""
    from monitor_app.analysis.session_summary import as_json as summary_json
    from monitor_app.analysis.session_summary import summarise
    from monitor_app.session.reader import SessionReader

    with SessionReader(file) as reader:
        summary = summarise(reader)
        program = _program_of(reader) if reader.programs() else None
    if as_json:
        print_json(summary_json(summary) | (_program_json(program) if program is not None else {}))
        return
    tables.print_session(file, summary)
    if program is not None:
        from monitor_app.cli.program_table import print_program

        print_program(tables.console(), program)


def _program_of(reader: SessionReader) -> ProgramSummary | None:
    from monitor_app.analysis.program_summary import program_summary

    return program_summary(reader)


def _program_json(program: ProgramSummary) -> dict[str, Any]:
    from monitor_app.analysis.program_summary import as_json

    return {"program": as_json(program)}


@app.command()
def export(
    file: SessionArgument,
    output: Annotated[Path, typer.Option("-o", "--output", help="The file to write.")],
    form: Annotated[ExportFormat, typer.Option("--format", help="File format.")],
    signals: Annotated[
        str | None,
        typer.Option(help="Names of signals, separated by commas. Default: all; for PNG the power of each source."),
    ] = None,
    start: Annotated[
        float | None, typer.Option("--from", help="Start, in seconds from the start of the session.", min=0)
    ] = None,
    end: Annotated[
        float | None, typer.Option("--to", help="End, in seconds from the start of the session.", min=0)
    ] = None,
    table: Annotated[
        ExportTable, typer.Option(help="For CSV: one row per sample, run or batch.")
    ] = ExportTable.SAMPLES,
    theme: Annotated[Theme, typer.Option(help="Colours of a PNG picture.")] = Theme.LIGHT,
) -> None:
    """Export a session as a CSV table or a PNG picture."""
    from monitor_app.cli.export import export_csv, export_png

    if start is not None and end is not None and end <= start:
        raise ExportError("--to must be later than --from: choose a later end.")
    names = signals.split(",") if signals else None
    if form is ExportFormat.PNG:
        export_png(file, output, names, start, end, theme.value)
    else:
        export_csv(file, output, table.value, names, start, end)


@app.command()
def analyze(
    files: SessionsArgument,
    as_json: JsonOption = False,
    baseline: Annotated[
        Path | None,
        typer.Option(help="Session to compare with. The command fails if the session is worse.", show_default=False),
    ] = None,
    max_energy: Annotated[str | None, typer.Option(help="Tolerated increase of energy per image, such as +3%.")] = None,
    max_latency: Annotated[str | None, typer.Option(help="Tolerated increase of time per image, such as +3%.")] = None,
    max_memory: Annotated[str | None, typer.Option(help="Tolerated increase of memory, such as +3%.")] = None,
    max_accuracy: Annotated[
        float | None, typer.Option(help="Tolerated decrease of top-1 accuracy, in percentage points.", min=0)
    ] = None,
    junit: Annotated[
        Path | None, typer.Option(help="With --baseline: write the checks as JUnit XML, for a CI system.")
    ] = None,
) -> None:
    """Test the claims of the paper on sessions.

    The paper is that of Canziani, Paszke and Culurciello (2016). With --baseline, check whether a session is worse
    than another. Exit code 1: worse than the baseline. 2: could not be compared, or wrong usage.
    """
    from monitor_app.analysis.compare.check import Limits, parse_percent
    from monitor_app.cli import campaigns

    if baseline is None:
        if junit or max_energy or max_latency or max_memory or max_accuracy is not None:
            raise typer.BadParameter("limits and --junit need a --baseline to compare with.")
        document = campaigns.analyze(session_files(files), as_json=as_json)
        return None if document is None else print_json(document)
    files = session_files(files)
    if len(files) != 1:
        raise typer.BadParameter("with --baseline, give exactly one session file.")
    energy, latency, memory = (
        None if text is None else parse_percent(text) for text in (max_energy, max_latency, max_memory)
    )
    limits = Limits(energy, latency, memory, max_accuracy)
    good, document = campaigns.check(baseline, files[0], limits, junit, as_json=as_json)
    if document is not None:
        print_json(document)
    raise typer.Exit(0 if good else FAILED)


@app.command()
def check(
    files: SessionsArgument,
    deadline_ms: Annotated[
        float | None, typer.Option(help="A batch that takes longer has missed its deadline.", show_default=False)
    ] = None,
    max_miss_ratio: Annotated[
        float | None,
        typer.Option(help="Largest fraction of batches that may miss the deadline. Default: 0.01.", show_default=False),
    ] = None,
    p99_ms: Annotated[
        float | None, typer.Option(help="Time within which 99 of 100 batches must end.", show_default=False)
    ] = None,
    max_energy_mj: Annotated[
        float | None, typer.Option(help="Largest energy of the whole board per image, in mJ.", show_default=False)
    ] = None,
    max_power_w: Annotated[
        float | None,
        typer.Option(help="Largest mean power of the whole board while batches are timed.", show_default=False),
    ] = None,
    min_top1: Annotated[
        float | None, typer.Option(help="Least top-1 accuracy, in percent.", show_default=False)
    ] = None,
    junit: Annotated[
        Path | None, typer.Option(help="Write the verdicts as JUnit XML, for a CI system.", show_default=False)
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check whether the networks of sessions meet requirements: PASS, FAIL or INCONCLUSIVE for each.

    Options are added to the [require] table of the profile in each session, or replace its limits. Exit code 0: all
    are met. 1: one is not. 2: none is known not to be met, but there is not enough evidence for one. 3: nothing could
    be checked, or wrong usage.
    """
    from monitor_app.cli import check as command

    files = session_files(files)
    limits = {
        "deadline_ms": deadline_ms, "max_miss_ratio": max_miss_ratio, "p99_ms": p99_ms,
        "max_energy_mj": max_energy_mj, "max_power_w": max_power_w, "min_top1": min_top1,
    }  # fmt: skip
    found = command.judge_files(files, limits)
    if junit is not None:
        from monitor_app.exports.junit import write_verdicts

        write_verdicts(found, junit)
    print_json(command.as_json(found)) if as_json else command.print_verdicts(found)
    raise Judged(command.exit_code(found))


@app.command()
def figures(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Session files (*.plm), or a folder of them. --list needs none.", show_default=False),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The folder to write into.", show_default=False)
    ] = None,
    form: Annotated[FigureFormat, typer.Option("--format", help="File format.")] = FigureFormat.PNG,
    only: Annotated[
        str | None,
        typer.Option(help="Figures to write, such as fig04,fig08b or power-batch. Default: all.", show_default=False),
    ] = None,
    size: Annotated[
        str, typer.Option(help="Width and height: 85x60mm, or in pixels 1600x1000. A millimetre has 10 pixels.")
    ] = "160x100mm",
    style: Annotated[
        FigureStyle,
        typer.Option(
            "--style",
            "--theme",
            help="light or dark, with title and caption; print: black on white, letters of 7 points, captions in a "
            "file of their own.",
        ),
    ] = FigureStyle.LIGHT,
    energy: Annotated[
        EnergyKind, typer.Option(help="net: energy above idle. gross: energy of the whole board.")
    ] = EnergyKind.NET,
    macs: Annotated[
        bool,
        typer.Option(
            "--macs",
            help="Multiply-accumulates on the axes in place of the paper's operations, which networks with grouped or "
            "depthwise convolutions do not have.",
        ),
    ] = False,
    names: Annotated[bool, typer.Option("--list", help="Print the names of the figures, and write nothing.")] = False,
) -> None:
    """Write the figures of the paper, and further ones, as files.

    The paper is that of Canziani, Paszke and Culurciello (2016). Several sessions are compared in the same figures.
    """
    from monitor_app.cli import figures as command

    gross = energy is EnergyKind.GROSS
    files = session_files(files or ())
    if names:
        put(*command.figure_names(files, gross=gross, macs=macs))
        return
    if not files:
        raise typer.BadParameter("give at least one session file (*.plm), or --list.")
    if output is None:
        raise typer.BadParameter("give the folder to write into with -o.")
    look = command.Look(form.value, style.value, command.parse_size(size))
    written = command.write_figures(files, output, look, only=only, gross=gross, macs=macs)
    put(*map(str, written))


@app.command()
def report(
    files: SessionsArgument,
    output: Annotated[Path, typer.Option("-o", "--output", help="The report to write: .html or .pdf.")],
) -> None:
    """Write a report of one or more sessions. It contains method, uncertainty, figures, findings and all cells."""
    from monitor_app.cli.campaigns import write_report

    write_report(session_files(files), output)
    put(str(output))


@app.command()
def repair(
    file: SessionArgument,
    copy: Annotated[Path, typer.Option("-o", "--output", help="The new session to write. It must not exist.")],
    as_json: JsonOption = False,
) -> None:
    """Save what can be read of a damaged session into a new one, and print what was lost.

    The damaged file is not changed. Exit code 0: the copy was written, also where something was lost. 1: it was not.
    """
    from monitor_app.session.repair import repair as save

    found = save(file, copy)
    if as_json:
        print_json({**asdict(found), "whole": found.whole})
    else:
        put(*found.sentences, str(copy))
