# SPDX-License-Identifier: Apache-2.0
"""`monitor-app run`: record while a command of the user's runs, say what it cost, and end as it ended."""

from __future__ import annotations

import json
import os
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from monitor_app.bench.bench import Bench
from monitor_app.cli.consent import allowance
from monitor_app.cli.files import find_profile, new_session_name
from monitor_app.cli.terminal import Terminal, say, signals_to_end
from monitor_app.core.errors import SessionError, SourceError
from monitor_app.core.files.atomic_file import completed
from monitor_app.core.garbage import keep_what_is_there
from monitor_app.program.command import NotStartedError, require_program, shell_code
from monitor_app.session.files import discard_session
from monitor_app.session.reader import SessionReader
from monitor_app.sources.discovery import find_sources
from monitor_app.sources.profile_reader import parse_profile, profile_of, read_profile_text
from monitor_app.sources.profile_writer import profile_text
from monitor_app.sources.registry import KINDS

if TYPE_CHECKING:
    from types import FrameType

    from monitor_app.bench.runs.own_program import OwnProgram
    from monitor_app.core.profile import Profile

NOT_MEASURED = 125
"""Exit code where it is not the command's: it was not measured. 126 and 127 are those of a shell."""
INTERRUPTED = 130
POLL_S = 0.1
SHIPPED = {"jetson-rails": "jetson", "rapl": "pc"}
"""Profiles that come with the program for instruments of this machine itself."""


def measure_command(
    profile_word: str | None,
    program: OwnProgram,
    output: Path | None,
    *,
    trusted: bool,
    quiet: bool,
    as_json: bool,
    summary_file: Path | None,
) -> int:
    """Run the command and print what it cost; its exit code, or one of ours. Raises MonitorError.

    Args:
        profile_word: a profile by its path or name; None: whatever measures power on this machine.
        program: the command.
        output: the session to write; None: a new one in the current folder.
        trusted: the profile may run code.
        quiet: print nothing but what the command prints, and errors.
        as_json: the summary as JSON.
        summary_file: where it is written instead of to stderr.
    """
    profile, text, name = _profile(profile_word)
    allowed = allowance(profile, text, name, trusted=trusted)
    if profile.board is None:
        require_program(program.words[0])
    session = output or Path(new_session_name())
    try:
        session.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SessionError(f"{session} cannot be created ({error.strerror}): choose another folder.") from error
    if not quiet:
        say(f"monitor-app: measuring with {name}; the session is {session}")
    signals = _Signals(elsewhere=profile.board is not None)
    bench = Bench(profile, text, session, allowed=allowed, program=program)
    keep_what_is_there()
    try:
        while bench.runs_active:
            signals.pass_on(bench)
    finally:
        bench.close()
    return _ending(bench, session, signals, quiet=quiet, as_json=as_json, summary_file=summary_file)


def _ending(
    bench: Bench, session: Path, signals: _Signals, *, quiet: bool, as_json: bool, summary_file: Path | None
) -> int:
    problem, codes = bench.failure or bench.refusal, bench.program_codes
    if problem is not None and (not codes or isinstance(problem, NotStartedError)):
        discard_session(session)  # it holds nothing but what the board did meanwhile
        raise problem
    if not codes:
        discard_session(session)
        return INTERRUPTED
    if problem is not None:
        say(str(problem))
    if not quiet or as_json or summary_file is not None:
        _print_summary(session, as_json=as_json, summary_file=summary_file)
    if not quiet:
        say("", f"session  {session}")
    code = next((code for code in codes if code), 0)
    if not code and problem is not None:
        return NOT_MEASURED
    return shell_code(code)


def _print_summary(session: Path, *, as_json: bool, summary_file: Path | None) -> None:
    from monitor_app.analysis import program_summary
    from monitor_app.cli.program_table import print_program

    with SessionReader(session) as reader:
        summary = program_summary.program_summary(reader)
    if summary is None:
        return
    out = Terminal(stderr=True, soft_wrap=False)
    document = {**program_summary.as_json(summary), "session": str(session)}
    if summary_file is None:
        if as_json:
            say(*json.dumps(document, indent=1).split("\n"))
        else:
            print_program(out, summary)
        return
    if as_json:
        text = json.dumps(document, indent=1) + "\n"
    else:
        wide = Terminal(width=120, color_system=None)
        with wide.capture() as captured:
            print_program(wide, summary)
        text = captured.get()
    with completed(summary_file) as file:
        file.write(text.encode())


class _Signals:
    """Those that are to end a command, from now on; the command ends as it likes, and the recording after it.

    Args:
        elsewhere: the command runs on a board, where the terminal cannot reach it.
    """

    def __init__(self, *, elsewhere: bool) -> None:
        self._elsewhere = elsewhere
        self._came = threading.Event()
        self._numbers: list[int] = []
        for number in signals_to_end():
            signal.signal(number, self._note)

    def pass_on(self, bench: Bench) -> None:
        """Wait a moment, and give the command what has come: then there is no further repetition."""
        if not self._came.wait(POLL_S):
            return
        self._came.clear()
        numbers, self._numbers = self._numbers, []
        bench.stop_runs()
        for number in numbers:
            if number != signal.SIGINT or self._elsewhere or not _at_a_terminal():
                bench.pass_signal(number)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._numbers.append(number)
        self._came.set()


def _at_a_terminal() -> bool:
    """Whether a Ctrl-C of the terminal has reached the command too, which is in our process group."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)


def _profile(word: str | None) -> tuple[Profile, str, str]:
    """A profile without its plan, which is not run, with its text and its name. Raises MonitorError."""
    if word is not None:
        path = find_profile(word)
        text = read_profile_text(path)
        profile, name = parse_profile(text, str(path)), f"the profile {word}"
    else:
        profile, text, name = _found()
    plan = profile.plan
    if plan is not None:
        # Only whether power is needed counts; networks that are code are not asked about, since they are not run.
        plan = plan.model_copy(update={"networks": ("none",), "autostart": False})
    return profile.model_copy(update={"plan": plan}), text, name


def _found() -> tuple[Profile, str, str]:
    """Of the first instrument that is ready on this machine, in the order of the registry. Raises SourceError."""
    order = list(KINDS)
    ready = [each for each in find_sources() if each.ready and each.state == "ready" and "emulate" not in each.spec]
    known = sorted((each for each in ready if each.kind in order), key=lambda each: order.index(each.kind))
    if not known:
        raise SourceError(
            "Nothing that measures power was found on this machine: connect a meter (`monitor-app sources` lists what "
            "each needs), or name a profile before `--`; simulated-tx1 is a simulated board."
        )
    first = known[0]
    if first.kind in SHIPPED:
        path = find_profile(SHIPPED[first.kind])
        text = read_profile_text(path)
        return parse_profile(text, str(path)), text, f"{first.description or first.kind} (the profile {path.stem})"
    profile = profile_of({"title": "Own program", "source": [first.spec]}, first.where)
    return profile, profile_text(profile), f"{first.description or first.kind} at {first.where}"
