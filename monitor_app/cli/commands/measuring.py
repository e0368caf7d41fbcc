# SPDX-License-Identifier: Apache-2.0
"""Commands that measure, and what they need: instruments, boards, networks."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer

from monitor_app.cli import tables
from monitor_app.cli.commands.parser import BoardOption, JsonOption, OnnxPrecision, Theme, TrustOption, app, print_json
from monitor_app.cli.files import find_profile
from monitor_app.cli.terminal import put, say
from monitor_app.core.errors import MonitorError

logger = logging.getLogger(__name__)


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
    network: Annotated[
        list[str] | None,
        typer.Option(
            "--network", help="Run this network, file or module:function once; may be given again.", show_default=False
        ),
    ] = None,
    batch: Annotated[
        list[int] | None, typer.Option("--batch", help="At this batch size; may be given again.", show_default=False)
    ] = None,
    back_end: Annotated[
        list[str] | None,
        typer.Option(
            "--back-end", help="By this back end, such as onnxruntime; may be given again.", show_default=False
        ),
    ] = None,
    trust: TrustOption = False,
) -> None:
    """Record a session without a window. Ctrl-C ends the recording and completes the file.

    --network, --batch and --back-end take the place of what the plan of the profile has.

    Exit code 1: a run of the plan failed, or nothing could be recorded. With --require also: a requirement is not met;
    2: one is inconclusive; 3: wrong usage.
    """
    from monitor_app.cli.plan_options import with_plan
    from monitor_app.cli.record import check_profile, record_profile, resume_session
    from monitor_app.cli.sources import replay_profile
    from monitor_app.sources.profile_reader import read_profile_text

    planned = bool(network or batch or back_end)
    if planned and (check or resume or replay is not None):
        raise typer.BadParameter("--network, --batch and --back-end are for a new recording of a profile.")
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
    text = with_plan(read_profile_text(path), str(path), network or (), batch or (), back_end or ())
    code = record_profile(text, str(path), output, duration, export=export, quiet=quiet, trusted=trust, require=require)
    raise typer.Exit(code)


@app.command(
    "run",
    options_metavar="[OPTIONS]",
    epilog="Example: monitor-app run -n 5 simulated-tx1 -- python examples/own_loop.py",
)
def run_command(
    context: typer.Context,
    profile: Annotated[
        str | None,
        typer.Argument(
            help="A profile: a TOML file, or the name of one that is installed. Default: an instrument of this "
            "machine. After it `--`, and the command.",
            show_default=False,
        ),
    ] = None,
    repetitions: Annotated[int, typer.Option("-n", "--repetitions", help="How often the command is run.", min=1)] = 1,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="The session file to write.")] = None,
    ignore_failure: Annotated[
        bool, typer.Option("-i", "--ignore-failure", help="Repeat the command also where it has failed.")
    ] = False,
    summary: Annotated[
        Path | None, typer.Option("--summary", help="Write the results here instead of to stderr.", show_default=False)
    ] = None,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print nothing but what the command prints.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The results as one JSON document.")] = False,
    trust: TrustOption = False,
) -> None:
    """Record while a command runs, and print what it cost: monitor-app run [PROFILE] -- COMMAND ...

    Its input and output are its own; the results go to stderr. The exit code is that of the command: 128 and the
    number where a signal ended it, 127 where there is no such program, 125 where it could not be measured.
    """
    from monitor_app.bench.runs.own_program import OwnProgram
    from monitor_app.cli.own_program import NOT_MEASURED, measure_command
    from monitor_app.program.command import NotStartedError

    if not context.obj:
        raise typer.BadParameter("give the command after `--`: monitor-app run [PROFILE] -- COMMAND ...")
    program = OwnProgram(context.obj, repetitions, ignore_failure)
    try:
        code = measure_command(
            profile, program, output, trusted=trust, quiet=quiet, as_json=as_json, summary_file=summary
        )
    except MonitorError as error:
        logger.info("Failed", exc_info=True)
        say(str(error))
        code = error.code if isinstance(error, NotStartedError) else NOT_MEASURED
    raise typer.Exit(code)


@app.command(
    "mark",
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []},
    short_help="Mark a moment in the session of a `monitor-app run`.",
)
def mark_command() -> None:
    """Mark a moment from a shell that `monitor-app run` has started: monitor-app mark NAME."""


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
        print_json(document)
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
        print_json([each.as_json() for each in there]) if as_json else tables.print_sources(there)
    elif capture is not None:
        spec = commands.spec_to_capture(find_profile(profile) if profile else None, source, kind, port)
        raise typer.Exit(commands.capture(spec, capture, duration))
    else:
        found = find_sources()
        print_json([each.as_json() for each in found]) if as_json else tables.print_sources(found)


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
        print_json(commands.as_json(checks, elsewhere))
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
        print_json({"gain": found.gain, "zero_a": found.zero, "accuracy": found.accuracy, "lines": lines})
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
    export: Annotated[
        str | None,
        typer.Option("--export", metavar="NAME", help="Write this network to the ONNX file of -o.", show_default=False),
    ] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="The ONNX file to write.")] = None,
    precision: Annotated[
        OnnxPrecision, typer.Option(help="Of the file; int8 needs --calibration.")
    ] = OnnxPrecision.FP32,
    calibration: Annotated[
        str | None, typer.Option(help="Images by which the ranges of int8 are found: demo, or a folder.")
    ] = None,
    weights: Annotated[str, typer.Option(help="Weights of the file: auto, hub, none, a file or a folder.")] = "auto",
) -> None:
    """List the networks that can be run, or export one of them.

    The table has their parameters, operations, input size and weights.
    """
    if export is not None:
        from monitor_app.inference.onnx_files.to_file import export_to_file

        if output is None:
            raise typer.BadParameter("--export needs -o FILE.onnx.")
        put(*export_to_file(export, output, weights, precision.value, calibration))
        return
    from monitor_app.inference.listing import list_networks

    listed = list_networks(names or (), every=every)
    print_json([each.as_json() for each in listed]) if as_json else tables.print_networks(listed)


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
