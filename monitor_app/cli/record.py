# SPDX-License-Identifier: Apache-2.0
"""Recording in the foreground: the same bench as the window uses, with progress on the terminal."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from monitor_app.analysis.require.session import verdicts_on
from monitor_app.bench.bench import Bench
from monitor_app.bench.estimate import estimate
from monitor_app.bench.runs.completed_runs import CompletedRuns, threads_for
from monitor_app.cli import tables
from monitor_app.cli.check import exit_code, limits_of, print_verdicts
from monitor_app.cli.consent import allowance
from monitor_app.cli.files import new_session_name
from monitor_app.cli.judged import COULD_NOT, Judged
from monitor_app.cli.live_display import LiveDisplay
from monitor_app.cli.terminal import interrupted_by_signal, put, say
from monitor_app.core.errors import SessionError, SourceError
from monitor_app.core.garbage import keep_what_is_there
from monitor_app.core.samples import LINK
from monitor_app.core.status import SourceState
from monitor_app.inference.process import require_device
from monitor_app.session.files import discard_empty_session
from monitor_app.session.reader import SessionReader
from monitor_app.sources.profile_reader import parse_profile, read_profile_text

if TYPE_CHECKING:
    import threading
    from collections.abc import Sequence

    from monitor_app.core.profile import Profile, Require
    from monitor_app.core.status import BenchStatus

POLL_S = 0.2
LINE_EVERY_S = 5.0
"""Interval of status lines where stderr is not a terminal."""


def resume_session(
    profile_path: Path | None,
    session: Path,
    duration_s: float | None,
    *,
    export: bool,
    quiet: bool,
    trusted: bool,
    require: bool = False,
) -> int:
    """Run the part of a plan that a session does not hold yet. Without a profile, take the one in the session."""
    if profile_path is not None:
        text, name = read_profile_text(profile_path), str(profile_path)
    else:
        text, name = _profile_of(session), f"the profile in {session}"
    return record_profile(
        text, name, session, duration_s, export=export, quiet=quiet, trusted=trusted, resume=True, require=require
    )


def check_profile(profile_path: Path, *, trusted: bool) -> int:
    """Do what comes before the first run of a plan, and record nothing; the exit code. Raises MonitorError."""
    text = read_profile_text(profile_path)
    profile = parse_profile(text, str(profile_path))
    allowed = allowance(profile, text, str(profile_path), trusted=trusted)
    waiting = profile.plan and profile.plan.model_copy(update={"autostart": False, "without_power": False})
    checked = profile.protocol.model_copy(update={"power_check": True})
    interrupted = interrupted_by_signal()
    with tempfile.TemporaryDirectory(prefix="monitor-app-") as folder:
        checking = profile.model_copy(update={"plan": waiting, "protocol": checked})
        bench = Bench(checking, text, Path(folder) / "s.plm", allowed=allowed)
        try:
            bench.check_power()
            while bench.runs_active and bench.failure is None and not interrupted.wait(POLL_S):
                pass
        finally:
            bench.close()
    if interrupted.is_set():
        return 130
    problem = bench.failure or bench.refusal
    if problem is not None:
        raise problem
    if not bench.checked:
        raise SourceError("Nothing measures power in this profile, so there is nothing to check.")
    put(bench.checked)
    return 0


def record_profile(
    text: str,
    name: str,
    output: Path | None,
    duration_s: float | None,
    *,
    export: bool,
    quiet: bool,
    trusted: bool = False,
    resume: bool = False,
    require: bool = False,
) -> int:
    """As `record_session`, from the text of a profile; also ends when all replays end. Raises MonitorError.

    The verdicts on what the profile requires are printed at the end; with ``require``, `Judged` is raised where nothing
    else has gone wrong.
    """
    profile = parse_profile(text, name)
    if require and not profile.require:
        say(f"{name} requires nothing: write [require] into it, or leave --require out.")
        raise Judged(COULD_NOT)
    allowed = allowance(profile, text, name, trusted=trusted)
    if profile.plan is not None and profile.plan.autostart and profile.board is None:
        require_device(profile.inference.device)
    session = output or Path(new_session_name())
    try:
        session.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SessionError(
            f"{session} cannot be created ({error.strerror}): choose a folder you can write to."
        ) from error
    if not quiet and duration_s is None:
        _print_estimate(profile, session, resume=resume)
    interrupted = interrupted_by_signal()
    bench = Bench(profile, text, session, resume=resume, allowed=allowed)
    keep_what_is_there()
    try:
        with _Display(duration_s, quiet=quiet) as display:
            _wait(bench, duration_s, interrupted, display)
    finally:
        bench.close()
    problem = bench.failure or bench.refusal
    if problem is not None:
        raise problem
    _print_files(session, export=export)
    _print_losses(session)
    verdict = _print_verdicts(session, profile.require)
    if bench.unrestored:
        say(bench.unrestored)
    if interrupted.is_set():
        return 130
    if bench.failures:
        say(_failure_sentence(session, bench.failures))
    code = 1 if bench.failures or bench.unrestored else 0
    if require and not code:
        raise Judged(verdict)
    return code


def _print_verdicts(session: Path, require: Require) -> int:
    """The verdicts on what is required, where anything is, as `check` prints them; its exit code."""
    if not require:
        return 0
    with SessionReader(session) as reader:
        found = [verdicts_on(reader, limits_of(require))]
    print_verdicts(found)
    return exit_code(found)


def _failure_sentence(session: Path, failures: Sequence[str]) -> str:
    several = f"{len(failures)} runs" if len(failures) > 1 else "1 run"
    return f"{several} failed: {failures[0]} `monitor-app show {session}` lists all runs."


def _profile_of(session: Path) -> str:
    with SessionReader(session) as reader:
        text = reader.meta().get("profile")
    if not text:
        raise SessionError(f"{session} does not hold the profile that it was recorded with: give the profile as well.")
    return text


def _print_estimate(profile: Profile, session: Path, *, resume: bool) -> None:
    """Print the time, disk space and energy that the plan needs, before it begins."""
    completed = CompletedRuns.of(session) if resume else CompletedRuns()
    specs = [s for s in profile.run_specs(threads_for(profile, completed)) if completed.state(1, s) is None]
    if profile.plan is None:
        return
    say(estimate(profile, specs).sentence)


def _wait(bench: Bench, duration_s: float | None, interrupted: threading.Event, display: _Display) -> None:
    began = time.monotonic()
    while bench.failure is None and not interrupted.wait(POLL_S):
        status, elapsed_s = bench.status(), time.monotonic() - began
        display.show(status, elapsed_s)
        _refuse_to_record_nothing(bench, status)
        if bench.replays_over:
            return
        if duration_s is not None:
            if elapsed_s >= duration_s:
                return
        elif status.runs and not bench.runs_active:
            return


def _refuse_to_record_nothing(bench: Bench, status: BenchStatus) -> None:
    """If no instrument can be used there is nothing to record: raise the reason, and leave no file."""
    # A link alone records nothing.
    needed = [source for source in status.sources if source.kind != LINK] or status.sources
    if needed and all(source.state is SourceState.FAILED for source in needed):
        bench.close()
        if not bench.resumed:
            discard_empty_session(bench.session)
        # A board that cannot be reached is the reason for each of its own sources.
        raise SourceError(" ".join(dict.fromkeys(source.message for source in status.sources)))


def _print_files(session: Path, *, export: bool) -> None:
    lines = [f"session  {session}"]
    if export:
        from monitor_app.cli.export import export_csv, export_png  # Qt and a font take a moment to load

        csv, png = session.with_suffix(".csv"), session.with_suffix(".png")
        export_csv(session, csv, "samples", None, None, None)
        export_png(session, png, None, None, None, "light")
        lines += [f"table    {csv}", f"picture  {png}"]
    put(*lines)


def _print_losses(session: Path) -> None:
    """How many samples each instrument owes, with its coverage; nothing where it is none."""
    with SessionReader(session) as reader:
        extent, gaps = reader.extent(), reader.gaps()
        for source in reader.sources():
            lost = sum(gap.n for gap in gaps if gap.source == source.id)
            signal = next((each for each in reader.signals() if each.source == source.id), None)
            if lost and extent and signal:
                coverage = reader.statistics(signal.id, extent.start_ns, extent.end_ns).coverage
                put(f"lost     {lost:,} samples of {source.name} (coverage {coverage:.2%})")


class _Display(LiveDisplay):
    """The status on stderr: redrawn on a terminal, a line every few seconds elsewhere."""

    def __init__(self, duration_s: float | None, *, quiet: bool) -> None:
        super().__init__(quiet=quiet)
        self._duration_s = duration_s
        self._next_line_s = 0.0

    def show(self, status: BenchStatus, elapsed_s: float) -> None:
        """Show the status at this time since the recording began, which goes on where nobody can see it any more."""
        try:
            self._show(status, elapsed_s)
        except OSError:  # the terminal has been closed
            self._console.quiet = True

    def _show(self, status: BenchStatus, elapsed_s: float) -> None:
        if self._live:
            self._live.update(tables.status_block(status, elapsed_s, self._duration_s))
        elif elapsed_s >= self._next_line_s:
            self._next_line_s = elapsed_s + LINE_EVERY_S
            self._console.print(tables.status_line(status, elapsed_s, self._duration_s), soft_wrap=True)
