# SPDX-License-Identifier: Apache-2.0
"""One board recorded to the end of its plan, however often that takes: what a worker of the engine does.

All that is known of it between two attempts is in the session file. So nothing is lost with the worker, and whoever
comes next, in a minute or tomorrow, resumes where the file ends.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from monitor_app.core.errors import MonitorError
from monitor_app.core.files.atomic_file import completed
from monitor_app.core.formatting import duration
from monitor_app.fleet.progress import Progress, progress_of
from monitor_app.fleet.recorder import recorder_command, recorder_environment
from monitor_app.session.files import discard_unbegun_session
from monitor_app.session.writer_lock import is_written
from monitor_app.sources.profile_reader import parse_profile

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor_app.core.profile import Profile
    from monitor_app.fleet.lab import Retry

POLL_S = 0.2
COMPLETE_S = 60.0
"""How long a recorder that was told to end may take to complete its file."""
TAIL_BYTES = 4096


class State(str, Enum):
    """Of a board."""

    QUEUED = "queued"
    RECORDING = "recording"
    OTHER = "held by another"
    """Another process is recording its session; this one waits for it."""
    WAITING = "waiting"
    """It could not be recorded, and is tried again."""
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"


FINAL = frozenset({State.DONE, State.FAILED, State.STOPPED})


@dataclass(frozen=True, slots=True)
class Job:
    """What a worker needs to know; files are as seen from where it runs."""

    name: str
    text: str
    """The profile."""
    folder: str
    """Of the session, of the profile as it was used, and of what the recorder said."""
    retry: Retry
    trusted: bool = False
    nanny: bool = False
    """The worker was started by a nanny."""

    @property
    def session(self) -> Path:
        """The session file."""
        return Path(self.folder) / f"{self.name}.plm"

    @property
    def profile(self) -> Path:
        """The profile, for the recorder and for people. Not NAME.toml, which may be the user's own in this folder."""
        return Path(self.folder) / f"{self.name}.recorded.toml"

    @property
    def log(self) -> Path:
        """What the recorder said."""
        return Path(self.folder) / f"{self.name}.log"


class _Stopped(Exception):  # noqa: N818, nothing failed
    pass


def record_board(job: Job, *, stopped: Callable[[], bool], tell: Callable[[State, str], None]) -> State:
    """Record until the plan is complete, or cannot be; the final state, which has been told.

    Args:
        job: the board.
        stopped: polled; True ends the recording, and the file is completed.
        tell: called with each state, and one sentence where there is something to say.
    """
    try:
        state, sentence = _recorded(job, stopped, tell)
    except _Stopped:
        state, sentence = State.STOPPED, ""
    except (MonitorError, OSError) as error:
        state, sentence = State.FAILED, str(error)
    tell(state, sentence)
    return state


def _recorded(job: Job, stopped: Callable[[], bool], tell: Callable[[State, str], None]) -> tuple[State, str]:
    profile = parse_profile(job.text, str(job.profile))
    job.session.parent.mkdir(parents=True, exist_ok=True)
    with completed(job.profile) as file:
        file.write(job.text.encode())
    pause_s, waited_s, said = job.retry.first_s, 0.0, ""
    before = _progress(profile, job)
    while True:
        if not before.left:
            return State.DONE, ""
        if before.hopeless == before.left:
            return State.FAILED, before.sentence or said
        if waited_s >= job.retry.give_up_s:
            return State.FAILED, f"Given up after {duration(waited_s)} of waiting. {said}".rstrip()
        if is_written(job.session):
            tell(State.OTHER, f"{job.session} is being recorded by another process.")
            _wait(lambda: not is_written(job.session), None, stopped)
            before = _progress(profile, job)
            continue
        tell(State.RECORDING, "")
        said = _attempt(job, stopped)
        after = _progress(profile, job)
        if after.done > before.done:
            pause_s, waited_s = job.retry.first_s, 0.0
        before = after
        if after.left and after.hopeless < after.left:
            tell(State.WAITING, f"{said} {_next_try(pause_s)}".lstrip())
            _wait(lambda: False, pause_s, stopped)
            waited_s += pause_s
            pause_s = min(2 * pause_s, job.retry.longest_s)


def _next_try(pause_s: float) -> str:
    return f"The next try is at {datetime.now().astimezone() + timedelta(seconds=pause_s):%H:%M:%S}."


def _progress(profile: Profile, job: Job) -> Progress:
    discard_unbegun_session(job.session)
    return progress_of(profile, job.session)


def _attempt(job: Job, stopped: Callable[[], bool]) -> str:
    """Run the recorder to its end; the last sentence that it said."""
    with job.log.open("ab") as log:
        began = log.tell()
        process = subprocess.Popen(
            recorder_command(job.profile, job.session, resume=job.session.exists(), trusted=job.trusted),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
            env=recorder_environment(os.environ, nanny=job.nanny),
            start_new_session=True,  # Ctrl-C reaches the fleet alone, which then ends its recorders
        )
    try:
        _wait(lambda: process.poll() is not None, None, stopped)
    finally:
        _end(process)
    if process.returncode < 0:
        return f"The recorder was ended by signal {-process.returncode}."
    return _last_line(job.log, began)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(COMPLETE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _last_line(log: Path, began: int) -> str:
    with contextlib.suppress(OSError), log.open("rb") as file:
        file.seek(max(began, log.stat().st_size - TAIL_BYTES))
        lines = file.read().decode("utf-8", "replace").strip().splitlines()
        return lines[-1].strip() if lines else ""
    return ""


def _wait(over: Callable[[], bool], longest_s: float | None, stopped: Callable[[], bool]) -> None:
    """Raises _Stopped."""
    until = None if longest_s is None else time.monotonic() + longest_s
    while not over():
        if stopped():
            raise _Stopped
        left_s = POLL_S if until is None else until - time.monotonic()
        if left_s <= 0:
            return
        time.sleep(min(POLL_S, left_s))
