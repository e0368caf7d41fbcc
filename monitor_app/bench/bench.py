# SPDX-License-Identifier: Apache-2.0
"""The bench: instruments, inference and session file of one profile, put together and taken apart."""

from __future__ import annotations

import os
import platform
import sys
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

from monitor_app import __version__
from monitor_app.bench import trust
from monitor_app.bench.acquisition.discovery import Finder
from monitor_app.bench.acquisition.recorder import Recorder
from monitor_app.bench.acquisition.source_set import SourceSet
from monitor_app.bench.board.connection import BoardConnection
from monitor_app.bench.runs.completed_runs import CompletedRuns, threads_for
from monitor_app.bench.runs.driver import RunDriver
from monitor_app.bench.runs.program_driver import ProgramDriver
from monitor_app.core.status import BenchPhase, BenchStatus, CheckState, SourceState
from monitor_app.session.files import discard_empty_session
from monitor_app.session.schema import NOTES
from monitor_app.session.wal import Sizes

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from monitor_app.bench.runs.own_program import OwnProgram
    from monitor_app.core.errors import MonitorError
    from monitor_app.core.markers import Marker
    from monitor_app.core.profile import Profile
    from monitor_app.core.source_specs import SourceSpec

RATE_OVER_S = 2.0
"""Over how long the file's growth and the use of the processor are averaged."""


class Bench:
    """Records from the moment it is made until close.

    Raises SessionError when the file cannot be created, ProfileError when the profile runs code that is not allowed.
    """

    def __init__(
        self, profile: Profile, profile_text: str, session: Path, *, resume: bool = False, allowed: str = "",
        window: int | None = None, program: OwnProgram | None = None,
    ) -> None:  # fmt: skip
        """With ``resume`` the session is there already, and the runs of the plan that it does not hold yet are run.

        ``allowed`` is what `trust.allowance` has given for this profile; one that runs no code needs nothing.
        ``window``: number of the process that shows it, whose processor time counts as the monitor's.
        ``program``: a command of the user's, which is run instead of the plan.
        """
        trust.check(profile, profile_text, allowed)
        self._profile = profile
        self.resumed = resume
        """The file was there before this bench."""
        completed = CompletedRuns.of(session) if resume else None
        threads = threads_for(profile, completed)
        self._recorder = Recorder(session, resume=resume)
        self._recorder.put(lambda writer: writer.set_meta(_meta(profile, profile_text, threads)))
        # What has been started has threads, which would outlive a bench that cannot be made.
        with ExitStack() as made:
            if not resume:
                made.callback(discard_empty_session, session)
            made.callback(self._recorder.close)
            self._connection = None if profile.board is None else BoardConnection(profile.board, self._recorder)
            if self._connection is not None:
                made.callback(self._connection.close)
            self._sources = SourceSet(profile, self._recorder, self._connection)
            made.callback(self._sources.close)
            self._finder = Finder()
            made.callback(self._finder.close)
            self._runs: RunDriver | ProgramDriver
            self._program = None
            if program is not None:
                self._runs = self._program = ProgramDriver(
                    profile, program, self._recorder, self._sources, self._connection
                )
            else:
                self._runs = RunDriver(
                    profile, threads, self._recorder, self._sources, completed, window, self._connection
                )
            made.pop_all()
        self._phase = BenchPhase.MONITORING
        self.message = ""
        """Why the last command could not be carried out, one sentence; empty where it could."""
        self._meter = _Meter()
        if program is not None or (profile.plan is not None and profile.plan.autostart):
            self.start_runs()

    @property
    def session(self) -> Path:
        """The session file."""
        return self._recorder.path

    @property
    def failure(self) -> MonitorError | None:
        """Why the recording has ended by itself, once it has."""
        return self._recorder.failure

    @property
    def refusal(self) -> MonitorError | None:
        """Why the plan could not be run at all, once that is known; the recording continues."""
        return self._runs.refusal

    @property
    def failures(self) -> tuple[str, ...]:
        """Why runs failed, one sentence each; those that did not fit into memory are results, and none of them."""
        return self._runs.failures

    @property
    def program_codes(self) -> tuple[int, ...]:
        """Exit codes of the command of the user's, one a repetition that has ended; negative for a signal."""
        return () if self._program is None else self._program.codes

    def pass_signal(self, number: int) -> None:
        """Send the command of the user's a signal; nothing where none runs."""
        if self._program is not None:
            self._program.pass_signal(number)

    @property
    def unrestored(self) -> str:
        """Why the power mode and clocks of the board could not be set back after the plan; empty where they were."""
        return self._runs.unrestored

    @property
    def runs_active(self) -> bool:
        """The plan is being run."""
        return self._runs.active

    @property
    def cycle(self) -> int:
        """The current or the last cycle, counted from 1."""
        return self._runs.cycle

    @property
    def checked(self) -> str:
        """What the check of the power has found, one sentence; empty before it has passed."""
        check = self._runs.check
        return check.text if check.state is CheckState.PASSED else ""

    def check_power(self) -> None:
        """Do what comes before the first run of a plan, and no run."""
        self._runs.start(only_check=True)

    def start_runs(self) -> None:
        """Run the plan of the profile from its first run."""
        self._runs.start()

    def resume_runs(self) -> None:
        """Run what is left of a plan that was stopped."""
        self._runs.start(resume=True)

    def stop_runs(self) -> None:
        """Cancel the current run and those that wait; the recording continues."""
        self._runs.stop()

    def skip_run(self) -> None:
        """Cancel only the current run."""
        self._runs.skip()

    def connect(self, source: str) -> None:
        """Try a source again that has failed or was disconnected; unknown names are ignored."""
        self._sources.connect(source)

    def disconnect(self, source: str) -> None:
        """Close the connection to a source until connect."""
        self._sources.disconnect(source)

    def add_source(self, spec: SourceSpec) -> None:
        """Add an instrument to the session. Raises MonitorError where its name is taken, or it runs code."""
        trust.check_source(spec)
        self._sources.add(spec)

    def find_sources(self) -> None:
        """Search for instruments on all ports that are not in use; the status lists what was found."""
        self._finder.ask()

    @property
    def replays_over(self) -> bool:
        """Captures were played instead of instruments read, and have ended."""
        return self._sources.replays_over

    def add_mark(self, host_ns: int, text: str) -> None:
        """A note of the user's on the time axis."""
        self._recorder.put(lambda writer: writer.write_mark(host_ns, "note", text))

    def set_markers(self, markers: Iterable[Marker]) -> None:
        """These instead of all markers of the session; their times are those of the file."""
        self._recorder.put(lambda writer: writer.write_markers(markers))

    def set_notes(self, text: str) -> None:
        """What the user has written about the session."""
        self._recorder.put(lambda writer: writer.set_meta({NOTES: text}))

    def status(self) -> BenchStatus:
        """A snapshot."""
        runs, remaining_s = self._runs.snapshot()
        linked = () if self._connection is None else (self._connection.status,)
        sources = (*linked, *self._sources.statuses())
        self._meter.look(self._recorder.sizes)
        free_bytes = self._recorder.free_bytes
        troubles = [s.message for s in sources if s.state in {SourceState.FAILED, SourceState.LOST}]
        background = self.message or self._runs.message or self._sources.message
        said = filter(None, (next(iter(troubles), background), self._recorder.notice))
        message = str(self.failure) if self.failure else " ".join(said)
        phase = BenchPhase.RUNNING if self._phase is BenchPhase.MONITORING and self._runs.active else self._phase
        return BenchStatus(
            phase=phase,
            sources=sources,
            found=self._finder.found,
            searches=self._finder.searches,
            check=self._runs.check,
            runs=runs,
            cycle=self._runs.cycle,
            cycles=self._profile.plan.cycles if self._profile.plan else 0,
            remaining_s=remaining_s,
            file_bytes=self._meter.file_bytes,
            disk_free_bytes=free_bytes,
            disk_left_s=self._meter.disk_left_s(free_bytes),
            cpu_fraction=self._meter.cpu_fraction,
            message=message,
        )

    def close(self) -> None:
        """Stop the runs, close the instruments, complete the file. Calling it twice is fine."""
        self._phase = BenchPhase.STOPPING
        self._finder.stop()
        if self._connection is not None:
            self._connection.hurry()
        self._runs.close()
        self._finder.close()
        self._sources.close()
        if self._connection is not None:
            self._connection.close()
        self._recorder.put(lambda writer: writer.set_meta({"completed_utc_ns": str(time.time_ns())}))
        self._recorder.close()
        self._phase = BenchPhase.CLOSED


def _meta(profile: Profile, profile_text: str, threads: int) -> dict[str, str]:
    return {
        "program": f"monitor-app {__version__}",
        "title": profile.title,
        "profile": profile_text,
        "host": platform.node(),
        "system": platform.platform(),
        "machine": platform.machine(),
        "processor": _processor(),
        "python": sys.version.split()[0],
        "cores": str(os.cpu_count()),
        "threads": str(threads),
    }


def _processor() -> str:
    """The processor's name as the kernel gives it; platform.processor() is empty on Linux."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


class _Meter:
    """How fast the file grows, and the fraction of a core that this process uses, over the last seconds."""

    def __init__(self) -> None:
        self._before = (time.monotonic(), Sizes(), time.process_time())
        self._now = Sizes()
        self._bytes_per_s = 0.0
        self.cpu_fraction = 0.0

    @property
    def file_bytes(self) -> int:
        """With its -wal."""
        return self._now.file + self._now.wal

    def look(self, sizes: Sizes) -> None:
        """At the size of the file now."""
        self._now = sizes
        then, before, cpu_then = self._before
        now, cpu = time.monotonic(), time.process_time()
        if now - then >= RATE_OVER_S:
            # What makes the -wal grow is needed once more by the file before the -wal can shrink.
            grown = sizes.recorded - before.recorded + max(sizes.wal - before.wal, 0)
            self._bytes_per_s = max(grown, 0) / (now - then)
            self.cpu_fraction = (cpu - cpu_then) / (now - then)
            self._before = (now, sizes, cpu)

    def disk_left_s(self, free_bytes: int) -> float | None:
        """How long the disk lasts at this rate; None while nothing grows."""
        return max(free_bytes - self._now.uncopied, 0) / self._bytes_per_s if self._bytes_per_s > 0 else None
