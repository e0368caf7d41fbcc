# SPDX-License-Identifier: Apache-2.0
"""The commands and their options; what they do is in the packages below."""

from __future__ import annotations

import functools
import json
import logging
import signal
from dataclasses import asdict
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from monitor_app import __version__
from monitor_app.cli import tables
from monitor_app.cli.files import find_profile, session_files
from monitor_app.cli.judged import Judged, code_of
from monitor_app.cli.terminal import put, say, signals_to_end
from monitor_app.core.errors import ExportError, MonitorError
from monitor_app.core.log import log_to_file

HELP = {"help_option_names": ["-h", "--help"]}

app = typer.Typer(
    context_settings=HELP,
    help="Monitor power, latency and accuracy of neural networks on a board. Without a command, open the window.",
    no_args_is_help=False,
    rich_markup_mode=None,
    add_completion=False,
    pretty_exceptions_enable=False,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

FAILED, CANNOT, INTERRUPTED = 1, 2, 130
"""Exit codes. 1 of `analyze` says that a session is worse than its baseline, so what it cannot do is 2."""

logger = logging.getLogger(__name__)

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout, and nothing else.")]
TrustOption = Annotated[
    bool,
    typer.Option("--trust", help="Allow the profile to run code, without a question."),
]
BoardOption = Annotated[
    str | None,
    typer.Option("--board", help="A board elsewhere, as one would type it after `ssh`.", show_default=False),
]
SessionsArgument = Annotated[
    list[Path], typer.Argument(help="Session files (*.plm), or a folder of them.", show_default=False)
]
SessionArgument = Annotated[Path, typer.Argument(help="A session file (*.plm).", show_default=False)]


class ExportFormat(str, Enum):
    """Formats that a session is exported to."""

    CSV = "csv"
    PNG = "png"


class FigureFormat(str, Enum):
    """File formats of figures."""

    PNG = "png"
    SVG = "svg"
    PDF = "pdf"
    CSV = "csv"


class ExportTable(str, Enum):
    """Tables of a session that are exported to CSV."""

    SAMPLES = "samples"
    RUNS = "runs"
    BATCHES = "batches"


class FigureStyle(str, Enum):
    """How figures are drawn."""

    LIGHT = "light"
    DARK = "dark"
    PRINT = "print"


class EnergyKind(str, Enum):
    """Which energy figures show."""

    NET = "net"
    GROSS = "gross"


class Theme(str, Enum):
    """Light or dark background."""

    LIGHT = "light"
    DARK = "dark"


class _Interrupted(BaseException):
    """Ctrl-C or SIGTERM. Not a KeyboardInterrupt, which the parser would turn into an ordinary failure."""


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit code."""
    try:
        return code_of(arguments, _run(arguments))
    except Judged as judged:
        return judged.code


def _run(arguments: list[str]) -> int:
    before = {number: signal.signal(number, _interrupt) for number in signals_to_end()}
    try:
        _command()(arguments, prog_name="monitor-app")
    except SystemExit as stop:
        return int(stop.code or 0)
    except MonitorError as error:
        logger.info("Failed", exc_info=True)
        say(str(error))
        return CANNOT if arguments[:1] == ["analyze"] else FAILED
    except _Interrupted:
        return INTERRUPTED
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return 0


@functools.cache
def _command() -> Callable[..., Any]:
    """Made once, since typer reads the annotations of every command for it."""
    return typer.main.get_command(app)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise _Interrupted


@app.callback(invoke_without_command=True)
def root(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """Monitor power, latency and accuracy of neural networks on a board. Without a command, open the window."""
    log_to_file("monitor-app")
    if version:
        put(f"monitor-app {__version__}")
        raise typer.Exit


@app.command()
def window(
    profile: Annotated[
        str | None,
        typer.Argument(help="A profile, or a session file to open. Default: the profile of the simulated board."),
    ] = None,
    theme: Annotated[Theme | None, typer.Option(help="Colours of the window. Default: as on the desktop.")] = None,
    trust: TrustOption = False,
    reset_settings: Annotated[
        bool, typer.Option("--reset-settings", help="Forget size, theme, layout and recent files of the window.")
    ] = False,
    start_page: Annotated[
        bool, typer.Option("--start-page", help="Record nothing yet: show recent and unsaved sessions.")
    ] = False,
) -> None:
    """Open the window. The word `window` may be left out."""
    from monitor_app.cli.window import open_window

    if start_page and profile is not None:
        raise typer.BadParameter("--start-page needs no profile and no session.")
    shown = theme.value if theme else None
    raise typer.Exit(open_window(profile, shown, trusted=trust, reset=reset_settings, start_page=start_page))


@app.command()
def record(
    profile: Annotated[
        str | None,
        typer.Argument(help="A profile: a TOML file, or the name of a profile that is installed with the program."),
    ] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="The session file to write.")] = None,
    duration: Annotated[
        float | None, typer.Option(help="Seconds to record. Default: until the plan is complete.", min=0.1)
    ] = None,
    export: Annotated[
        bool, typer.Option("--export", help="Also write a CSV and a PNG file next to the session.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Do not show progress.")] = False,
    replay: Annotated[
        Path | None,
        typer.Option(help="Replay a capture instead of recording a profile."),
    ] = None,
    check: Annotated[
        bool,
        typer.Option("--check", help="Only check sources, roles, power and settle time, and record nothing."),
    ] = False,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Resume the session given by -o: run what is left of its plan."),
    ] = False,
    require: Annotated[
        bool,
        typer.Option("--require", help="End with the verdict on the profile's [require] as exit code, like `check`."),
    ] = False,
    trust: TrustOption = False,
) -> None:
    """Record a session without a window. Ctrl-C ends the recording and completes the file.

    Exit code 1: a run of the plan failed, or nothing could be recorded. With --require also: a requirement is not met;
    2: one is inconclusive; 3: wrong usage.
    """
    from monitor_app.cli.record import check_profile, record_profile, record_session, resume_session
    from monitor_app.cli.sources import replay_profile

    if check:
        if profile is None or output is not None or replay is not None or resume or require:
            raise typer.BadParameter("--check needs a profile and nothing else.")
        raise typer.Exit(check_profile(find_profile(profile), trusted=trust))
    if resume:
        if output is None or replay is not None:
            raise typer.BadParameter("--resume needs the session to resume: give it as -o FILE.")
        path = None if profile is None else find_profile(profile)
        code = resume_session(path, output, duration, export=export, quiet=quiet, trusted=trust, require=require)
        raise typer.Exit(code)
    if (profile is None) == (replay is None):
        raise typer.BadParameter("give either a profile to record, or --replay with a capture.")
    if replay is not None:
        if require:
            raise typer.BadParameter("--require needs a profile.")
        text = replay_profile(replay)
        raise typer.Exit(record_profile(text, str(replay), output, duration, export=export, quiet=quiet, trusted=trust))
    path = find_profile(str(profile))
    code = record_session(path, output, duration, export=export, quiet=quiet, trusted=trust, require=require)
    raise typer.Exit(code)


@app.command()
def fleet(
    lab: Annotated[Path, typer.Argument(help="A lab: a TOML file that lists boards.", show_default=False)],
    output: Annotated[Path, typer.Option("-o", "--output", help="The folder of the sessions.")] = Path("runs"),
    check: Annotated[
        bool, typer.Option("--check", help="Only say what would be done on each board and what is missing.")
    ] = False,
    scheduler: Annotated[
        str | None,
        typer.Option(help="Address of a Dask scheduler of the lab. Default: everything in this process."),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Do not show progress.")] = False,
    trust: TrustOption = False,
    as_json: JsonOption = False,
) -> None:
    """Record the boards of a lab side by side. The same command resumes what was interrupted.

    Exit code 1: something is left undone, or a board is not ready. 130: interrupted; the files are complete.
    """
    from monitor_app.cli.fleet import check_lab, run_lab

    if check:
        code, document = check_lab(lab, output, trusted=trust, as_json=as_json)
    else:
        quiet = quiet or as_json
        code, document = run_lab(lab, output, scheduler=scheduler, quiet=quiet, trusted=trust, as_json=as_json)
    if document is not None:
        _print_json(document)
    raise typer.Exit(code)


@app.command()
def sources(
    as_json: JsonOption = False,
    capture: Annotated[
        Path | None,
        typer.Option(help="Record the raw bytes of a serial instrument into this file.", show_default=False),
    ] = None,
    kind: Annotated[
        str | None, typer.Option(help="With --capture: kind of the instrument (shunt, powersensor3, ppk2 or lines).")
    ] = None,
    port: Annotated[
        str | None, typer.Option(help="With --capture: port of the instrument. Default: found automatically.")
    ] = None,
    profile: Annotated[str | None, typer.Option(help="With --capture: profile that describes the instrument.")] = None,
    source: Annotated[
        str | None, typer.Option(help="With --profile: name of the source in the profile, if it has several.")
    ] = None,
    duration: Annotated[
        float | None, typer.Option(help="With --capture: seconds to record. Default: until Ctrl-C.", min=0.1)
    ] = None,
    install_udev: Annotated[
        bool,
        typer.Option(
            "--install-udev", help="Install the udev rules that allow users to open instruments (needs root)."
        ),
    ] = False,
    board: BoardOption = None,
) -> None:
    """List the instruments found on this machine. Their state says what each needs before it can be used."""
    from monitor_app.cli import sources as commands
    from monitor_app.sources.discovery import find_sources

    if board is not None and (install_udev or capture is not None):
        raise typer.BadParameter("--board lists what a board has of itself, and goes with --json only.")
    if install_udev:
        commands.install_udev()
    elif board is not None:
        from monitor_app.cli.boards import instruments_of, named_board

        there = instruments_of(named_board(board))
        _print_json([each.as_json() for each in there]) if as_json else tables.print_sources(there)
    elif capture is not None:
        spec = commands.spec_to_capture(find_profile(profile) if profile else None, source, kind, port)
        raise typer.Exit(commands.capture(spec, capture, duration))
    else:
        found = find_sources()
        _print_json([each.as_json() for each in found]) if as_json else tables.print_sources(found)


@app.command()
def doctor(
    profile: Annotated[
        str | None, typer.Argument(help="Profile that is to be measured. Default: any.", show_default=False)
    ] = None,
    board: BoardOption = None,
    folder: Annotated[Path, typer.Option("--folder", help="Where the session is to be recorded.")] = Path(),
    as_json: JsonOption = False,
    trust: TrustOption = False,
) -> None:
    """Check whether a board is ready to be measured. Each line that is not says the command that mends it.

    Clocks, power mode, throttling, temperature, other load, memory, disk, torch and the meter; nothing is changed.
    It is this machine, or the board of --board or of the profile's [board]. Exit code 0: it can be measured. 1: it
    cannot.
    """
    from monitor_app.cli import doctor as commands
    from monitor_app.cli.boards import board_of, profile_to_look_at

    wanted = None if profile is None else profile_to_look_at(find_profile(profile), trusted=trust)
    elsewhere = board_of(wanted, board)
    checks = commands.examine(wanted, folder, elsewhere)
    if as_json:
        _print_json(commands.as_json(checks, elsewhere))
        raise typer.Exit(commands.exit_code(checks))
    raise typer.Exit(commands.print_checks(checks))


@app.command()
def calibrate(
    source: Annotated[str, typer.Argument(help="Name of the meter in the profile.", show_default=False)],
    profile: Annotated[str, typer.Option(help="Profile that describes the meter.")],
    amperes: Annotated[
        list[float] | None, typer.Option(help="A known current. Repeat it for several loads; 0 gives the zero.")
    ] = None,
    watts: Annotated[list[float] | None, typer.Option(help="A known power, for a meter of power alone.")] = None,
    against: Annotated[
        str | None, typer.Option(help="Name of a second meter in the profile that measures the same load.")
    ] = None,
    levels: Annotated[int, typer.Option(help="With --against: number of loads.", min=1)] = 1,
    reference_accuracy: Annotated[
        float | None,
        typer.Option(
            help="Relative limit of the error of the load or of the second meter. Default: 0.01 for a load, "
            "for a meter what it states.",
            min=0,
            max=1,
        ),
    ] = None,
    of_signal: Annotated[
        str | None, typer.Option("--signal", help="Signal to calibrate, for a meter of several currents or powers.")
    ] = None,
    seconds: Annotated[float, typer.Option(help="How long to measure each load.", min=0.1)] = 5.0,
    trust: TrustOption = False,
    as_json: JsonOption = False,
) -> None:
    """Calibrate a meter against known loads or a second meter. It prints the lines to add to the profile."""
    from monitor_app.cli import calibrate as command
    from monitor_app.core.samples import Quantity

    if sum(map(bool, (amperes, watts, against))) != 1:
        raise typer.BadParameter("give one of --amperes, --watts and --against.")
    if reference_accuracy is None and against is None:
        reference_accuracy = 0.01
    reference = command.Reference(
        loads=tuple(amperes or watts or ()),
        quantity=Quantity.POWER if watts else Quantity.CURRENT,
        meter=against,
        levels=levels,
        accuracy=reference_accuracy,
    )
    found, lines = command.run(
        find_profile(profile), source, of_signal, reference, seconds, _wait_for_enter, trusted=trust
    )
    if as_json:
        _print_json({"gain": found.gain, "zero_a": found.zero, "accuracy": found.accuracy, "lines": lines})
    else:
        put(*lines)


@app.command()
def networks(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="Networks by name, file or module:function. Default: the built-in networks.", show_default=False
        ),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Also list every classifier of torchvision.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List the networks that can be run. The table has their parameters, operations, input size and weights."""
    from monitor_app.inference.networks.listing import list_networks

    listed = list_networks(names or (), every=every)
    _print_json([each.as_json() for each in listed]) if as_json else tables.print_networks(listed)


@app.command()
def show(file: SessionArgument, as_json: JsonOption = False) -> None:
    """Print a summary of a session. It lists the sources, the power and the runs."""
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
        return None if document is None else _print_json(document)
    files = session_files(files)
    if len(files) != 1:
        raise typer.BadParameter("with --baseline, give exactly one session file.")
    energy, latency, memory = (
        None if text is None else parse_percent(text) for text in (max_energy, max_latency, max_memory)
    )
    limits = Limits(energy, latency, memory, max_accuracy)
    good, document = campaigns.check(baseline, files[0], limits, junit, as_json=as_json)
    if document is not None:
        _print_json(document)
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

        write_verdicts(found, junit, sessions=files)
    _print_json(command.as_json(found)) if as_json else command.print_verdicts(found)
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
        _print_json({**asdict(found), "whole": found.whole})
    else:
        put(*found.sentences, str(copy))


@app.command(
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []},
    short_help="Emulate an instrument on a pseudo-terminal. `emulate` alone lists them.",
)
def emulate(
    context: typer.Context,
    kind: Annotated[str | None, typer.Argument(help="Kind of instrument.", show_default=False)] = None,
) -> None:
    """Emulate an instrument on a pseudo-terminal. `emulate KIND --help` lists its options."""
    from monitor_app.cli.emulate import emulate_kind

    raise typer.Exit(emulate_kind(kind, context.args))


def _wait_for_enter(prompt: str) -> None:
    typer.prompt(prompt, default="", show_default=False, err=True)


def _print_json(document: object) -> None:
    put(*json.dumps(document, indent=1).split("\n"))
