# SPDX-License-Identifier: Apache-2.0
"""The commands, each a few lines over the packages below."""

from __future__ import annotations

import importlib
import json
import logging
import signal
import sys
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from monitor_app import __version__
from monitor_app.cli import tables
from monitor_app.cli.files import find_profile
from monitor_app.core.errors import ExportError, MonitorError
from monitor_app.core.log import log_to_file

app = typer.Typer(
    help="Power, latency and accuracy of neural networks on a board, live. Without a command: the window.",
    no_args_is_help=False,
    rich_markup_mode=None,
    add_completion=False,
    pretty_exceptions_enable=False,
)

if TYPE_CHECKING:
    from types import FrameType

INTERRUPTED = 130

logger = logging.getLogger(__name__)

JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document on stdout and nothing else.")]
SessionsArgument = Annotated[list[Path], typer.Argument(help="Session files (*.plm).", show_default=False)]
SessionArgument = Annotated[Path, typer.Argument(help="A session file (*.plm).", show_default=False)]


class ExportFormat(str, Enum):
    """What a session can be exported to."""

    CSV = "csv"
    PNG = "png"


class FigureFormat(str, Enum):
    """What figures can be written as."""

    PNG = "png"
    SVG = "svg"
    PDF = "pdf"
    CSV = "csv"


class ExportTable(str, Enum):
    """Which table of a session goes into a CSV file."""

    SAMPLES = "samples"
    RUNS = "runs"
    BATCHES = "batches"


class Theme(str, Enum):
    """Light or dark ground."""

    LIGHT = "light"
    DARK = "dark"


class Emulated(str, Enum):
    """What can be emulated."""

    PS3 = "ps3"
    PPK2 = "ppk2"
    SHUNT = "shunt"
    LINES = "lines"
    SCPI = "scpi"


MODULES = {"ps3": "powersensor3"}
"""Where the emulator has another name than on the command line."""


class _Interrupted(BaseException):
    """Ctrl-C or SIGTERM, kept from the parser, which would make an ordinary failure of it."""


def run(arguments: list[str]) -> int:
    """Carry out one command line; the exit code."""
    before = {number: signal.signal(number, _interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        app(arguments, prog_name="monitor-app")
    except SystemExit as stop:
        return int(stop.code or 0)
    except MonitorError as error:
        logger.info("Failed", exc_info=True)
        sys.stderr.write(f"{error}\n")
        return 1
    except _Interrupted:
        return INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()  # whoever read us has gone, as `head` does
        return 0
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return 0


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise _Interrupted


@app.callback(invoke_without_command=True)
def root(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """Power, latency and accuracy of neural networks on a board, live. Without a command: the window."""
    log_to_file("monitor-app")
    if version:
        sys.stdout.write(f"monitor-app {__version__}\n")
        raise typer.Exit


@app.command()
def window(
    profile: Annotated[
        str | None, typer.Argument(help="A profile, or a session file to look at; the simulated board by default.")
    ] = None,
    theme: Annotated[Theme | None, typer.Option(help="By default as the desktop.")] = None,
) -> None:
    """The window (also without the word `window`)."""
    from monitor_app.cli.window import open_window

    raise typer.Exit(open_window(profile, theme.value if theme else None))


@app.command()
def record(
    profile: Annotated[
        str | None, typer.Argument(help="A profile: a TOML file, or the name of one that is shipped.")
    ] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="The session file to write.")] = None,
    duration: Annotated[
        float | None, typer.Option(help="Seconds to record; by default until the plan is done.", min=0.1)
    ] = None,
    export: Annotated[bool, typer.Option("--export", help="Write CSV and PNG beside the session.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
    replay: Annotated[
        Path | None,
        typer.Option(help="Play back a capture in place of a profile."),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on with the session of -o: run what of its plan, or the profile's, is left."),
    ] = False,
) -> None:
    """Record without a window; Ctrl-C ends it cleanly."""
    from monitor_app.cli.record import record_profile, record_session, resume_session
    from monitor_app.cli.sources import replay_profile

    if resume:
        if output is None or replay is not None:
            raise typer.BadParameter("--resume wants the session to go on with, as -o FILE.")
        path = None if profile is None else find_profile(profile)
        raise typer.Exit(resume_session(path, output, duration, export=export, quiet=quiet))
    if (profile is None) == (replay is None):
        raise typer.BadParameter("give a profile to record, or --replay and a capture.")
    if replay is not None:
        text = replay_profile(replay)
        raise typer.Exit(record_profile(text, str(replay), output, duration, export=export, quiet=quiet))
    raise typer.Exit(record_session(find_profile(str(profile)), output, duration, export=export, quiet=quiet))


@app.command()
def sources(
    as_json: JsonOption = False,
    capture: Annotated[
        Path | None, typer.Option(help="Record the raw bytes of a serial source into this file.", show_default=False)
    ] = None,
    kind: Annotated[str | None, typer.Option(help="With --capture: shunt, powersensor3, ppk2 or lines.")] = None,
    port: Annotated[str | None, typer.Option(help="With --capture: its port; by default it is looked for.")] = None,
    profile: Annotated[str | None, typer.Option(help="With --capture: take the source from this profile.")] = None,
    source: Annotated[str | None, typer.Option(help="With --profile: its name, where there are several.")] = None,
    duration: Annotated[float | None, typer.Option(help="With --capture: seconds, else until Ctrl-C.", min=0.1)] = None,
    install_udev: Annotated[
        bool, typer.Option("--install-udev", help="Install the rules that let you open instruments (as root).")
    ] = False,
) -> None:
    """Instruments found on this machine, what each needs, and what is missing."""
    from monitor_app.cli import sources as commands
    from monitor_app.sources.discovery import find_sources

    if install_udev:
        commands.install_udev()
    elif capture is not None:
        spec = commands.spec_to_capture(find_profile(profile) if profile else None, source, kind, port)
        raise typer.Exit(commands.capture(spec, capture, duration))
    else:
        found = find_sources()
        _print_json([each.as_json() for each in found]) if as_json else tables.print_sources(found)


@app.command()
def networks(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="Networks by name, file or module:function; by default the usual ones.", show_default=False
        ),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every classifier of torchvision as well.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Parameters, operations, input size and weights of the networks that can be run."""
    from monitor_app.inference.networks.listing import list_networks

    listed = list_networks(names or (), every=every)
    _print_json([each.as_json() for each in listed]) if as_json else tables.print_networks(listed)


@app.command()
def show(file: SessionArgument, as_json: JsonOption = False) -> None:
    """What is in a session."""
    from monitor_app.analysis.session_summary import as_json as summary_json
    from monitor_app.analysis.session_summary import summarise
    from monitor_app.session.reader import SessionReader

    with SessionReader(file) as reader:
        summary = summarise(reader)
    _print_json(summary_json(summary)) if as_json else tables.print_session(file, summary)


@app.command()
def export(
    file: SessionArgument,
    output: Annotated[Path, typer.Option("-o", "--output", help="The file to write.")],
    form: Annotated[ExportFormat, typer.Option("--format", help="Kind of file.")],
    signals: Annotated[
        str | None, typer.Option(help="Signals by name, separated by commas; by default all, in a picture the powers.")
    ] = None,
    start: Annotated[float | None, typer.Option("--from", help="Seconds from the session's start.", min=0)] = None,
    end: Annotated[float | None, typer.Option("--to", help="Seconds from the session's start.", min=0)] = None,
    table: Annotated[
        ExportTable, typer.Option(help="For csv: every sample, or a row a run or a batch.")
    ] = ExportTable.SAMPLES,
    theme: Annotated[Theme, typer.Option(help="For png.")] = Theme.LIGHT,
) -> None:
    """Write a session as a table or a picture."""
    from monitor_app.cli.export import export_csv, export_png

    if start is not None and end is not None and end <= start:
        raise ExportError("--to must be later than --from.")
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
        Path | None, typer.Option(help="Fail where the one FILE got worse than this session.", show_default=False)
    ] = None,
    max_energy: Annotated[str | None, typer.Option(help="Tolerated: +3% more energy an image.")] = None,
    max_latency: Annotated[str | None, typer.Option(help="Tolerated: +3% more time an image.")] = None,
    max_memory: Annotated[str | None, typer.Option(help="Tolerated: +3% more memory.")] = None,
    max_accuracy: Annotated[float | None, typer.Option(help="Tolerated: so many points less top-1.", min=0)] = None,
    junit: Annotated[Path | None, typer.Option(help="With --baseline: write the checks for a CI system.")] = None,
) -> None:
    """What sessions say of the paper's findings; with --baseline, whether one got worse."""
    from monitor_app.analysis.compare.regressions import Limits, parse_percent
    from monitor_app.cli import campaigns

    if baseline is None:
        if junit or max_energy or max_latency or max_memory or max_accuracy is not None:
            raise typer.BadParameter("limits and --junit want a --baseline to compare with.")
        document = campaigns.analyze(files, as_json=as_json)
        return None if document is None else _print_json(document)
    if len(files) != 1:
        raise typer.BadParameter("with --baseline give one FILE.")
    energy, latency, memory = (
        None if text is None else parse_percent(text) for text in (max_energy, max_latency, max_memory)
    )
    limits = Limits(energy, latency, memory, max_accuracy)
    good, document = campaigns.check(baseline, files[0], limits, junit, as_json=as_json)
    if document is not None:
        _print_json(document)
    raise typer.Exit(0 if good else 1)


@app.command()
def figures(
    files: SessionsArgument,
    output: Annotated[Path, typer.Option("-o", "--output", help="The folder to write to.")],
    form: Annotated[FigureFormat, typer.Option("--format", help="Kind of files.")] = FigureFormat.PNG,
    theme: Annotated[Theme, typer.Option(help="For pictures.")] = Theme.LIGHT,
) -> None:
    """The paper's figures of one session, or of several in comparison, as pictures or tables."""
    from monitor_app.cli.campaigns import write_figures

    written = write_figures(files, output, form.value, theme.value)
    sys.stdout.write("".join(f"{path}\n" for path in written))


@app.command()
def report(
    files: SessionsArgument,
    output: Annotated[Path, typer.Option("-o", "--output", help="The page to write: .html, or .pdf.")],
) -> None:
    """One page with method, uncertainty, figures, findings and table of one session or several."""
    from monitor_app.cli.campaigns import write_report

    write_report(files, output)
    sys.stdout.write(f"{output}\n")


@app.command(
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []},
    short_help="An instrument on a pseudo-terminal: ps3, ppk2, shunt, lines or scpi.",
)
def emulate(
    context: typer.Context,
    kind: Annotated[Emulated | None, typer.Argument(help="What to emulate.", show_default=False)] = None,
) -> None:
    """An instrument on a pseudo-terminal; `emulate KIND --help` tells its options."""
    if kind is None:
        raise MonitorError(f"Say what to emulate: {', '.join(each.value for each in Emulated)}.")
    module = importlib.import_module(f"monitor_app.emulators.{MODULES.get(kind.value, kind.value)}")
    raise typer.Exit(module.main(context.args))


def _print_json(document: object) -> None:
    sys.stdout.write(json.dumps(document, indent=1) + "\n")
