# SPDX-License-Identifier: Apache-2.0
"""The bench as a process of its own: commands on stdin, events on stdout, one JSON object a line.

    python -m monitor_app.bench.process PROFILE SESSION [--trust] [--stored] [--resume]

A profile that runs code is asked about before anything else, unless the user has allowed it.
It ends on Quit, and on SIGTERM, SIGINT or SIGHUP. When its window dies (stdin ends without Quit) the recording
continues: a plan is run to its end, an endless one to the end of its cycle, and then the file is completed.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from monitor_app.bench import messages
from monitor_app.bench.bench import Bench
from monitor_app.bench.client import RESUME, STORED, TRUST
from monitor_app.bench.trust import allowance
from monitor_app.core.errors import BenchError, MonitorError, ProfileError
from monitor_app.core.garbage import keep_what_is_there
from monitor_app.core.log import log_to_file
from monitor_app.session.reader import SessionReader
from monitor_app.sources.profile_reader import parse_profile, parse_source, read_profile_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from monitor_app.core.status import BenchStatus

STATUS_EVERY_S = 0.2

logger = logging.getLogger(__name__)


def main(arguments: list[str]) -> int:
    """Exit code 0 when the file is complete, 1 when the profile or the session file could not be used, or failed."""
    profile_path, session_path = map(Path, arguments[:2])
    link = _Link()
    try:
        log_to_file("bench")
        text, name = _profile_in(profile_path, stored=STORED in arguments[2:])
        profile = parse_profile(text, name)
        allowed = allowance(profile, text, name, trusted=TRUST in arguments[2:], ask=link.ask_trust)
        bench = Bench(profile, text, session_path, resume=RESUME in arguments[2:], allowed=allowed, window=os.getppid())
    except MonitorError as error:
        link.send(messages.Failed(str(error)))
        return 1
    keep_what_is_there()
    link.send(messages.Opened(str(session_path)))
    try:
        _serve(bench, link)
    finally:
        bench.close()
    if bench.failure is not None:
        link.send(messages.Failed(str(bench.failure)))
        return 1
    link.send(messages.Closed(str(session_path)))
    return 0


def _profile_in(path: Path, *, stored: bool) -> tuple[str, str]:
    """The text of a profile and its name, from its file or from the session that holds it. Raises MonitorError."""
    if not stored:
        return read_profile_text(path), str(path)
    with SessionReader(path) as reader:
        text = reader.meta().get("profile")
    if not text:
        raise ProfileError(
            f"{path} does not hold the profile that it was recorded with: start monitor-app with a profile."
        )
    return text, f"the profile in {path}"


def _serve(bench: Bench, link: _Link) -> None:
    """Carry out commands and send the status until there is a reason to end."""
    last: BenchStatus | None = None
    cycle_when_orphaned: int | None = None
    while bench.failure is None and not link.quit_wanted:
        for command in link.commands(STATUS_EVERY_S):
            bench.message = ""
            try:
                _carry_out(command, bench, link)
            except MonitorError as error:
                bench.message = str(error)
        status = bench.status()
        if status != last:
            link.send(messages.Status(status))
            last = status
        if link.orphaned:
            if cycle_when_orphaned is None:
                logger.warning("The window has ended; the recording continues to the end of the plan")
                cycle_when_orphaned = bench.cycle
            if not bench.runs_active or (_endless(status) and bench.cycle > cycle_when_orphaned):
                return


def _endless(status: BenchStatus) -> bool:
    return status.cycles == 0


_OF_RUNS: dict[type[messages.Command], Callable[[Bench], None]] = {
    messages.StartRuns: Bench.start_runs,
    messages.ResumeRuns: Bench.resume_runs,
    messages.StopRuns: Bench.stop_runs,
    messages.SkipRun: Bench.skip_run,
}


def _carry_out(command: messages.Command, bench: Bench, link: _Link) -> None:
    if type(command) in _OF_RUNS:
        _OF_RUNS[type(command)](bench)
    elif isinstance(command, messages.Connect):
        bench.connect(command.source)
    elif isinstance(command, messages.Disconnect):
        bench.disconnect(command.source)
    elif isinstance(command, messages.FindSources):
        bench.find_sources()
    elif isinstance(command, messages.AddSource):
        bench.add_source(parse_source(command.spec))
    elif isinstance(command, (messages.AddMark, messages.SetMarkers, messages.SetNotes)):
        _annotate(command, bench)
    elif isinstance(command, messages.Quit):
        link.quit_wanted = True


def _annotate(command: messages.AddMark | messages.SetMarkers | messages.SetNotes, bench: Bench) -> None:
    if isinstance(command, messages.AddMark):
        bench.add_mark(command.host_ns, command.text)
    elif isinstance(command, messages.SetNotes):
        bench.set_notes(command.text)
    else:
        bench.set_markers(command.markers)


class _Link:
    """stdin and stdout as lines of messages. Neither a slow window nor one that has ended can block the bench."""

    def __init__(self) -> None:
        self.quit_wanted = False
        self.orphaned = False
        self._buffer = b""
        self._unsent = b""
        """Bytes that the window's pipe had no room for yet."""
        self._stdout = os.dup(sys.stdout.fileno())
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # printed text is no message
        os.set_blocking(self._stdout, False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._on_signal)

    def send(self, event: messages.Event) -> None:
        """Never waits. A window that does not read misses a status, which the next one replaces."""
        if not (self._unsent and isinstance(event, messages.Status)):
            self._unsent += messages.encode(event)
        with contextlib.suppress(BlockingIOError):
            try:
                while self._unsent:
                    self._unsent = self._unsent[os.write(self._stdout, self._unsent) :]
            except BrokenPipeError:
                self._unsent = b""

    def commands(self, timeout_s: float) -> list[messages.Command]:
        """The commands that arrived within the timeout."""
        if self.orphaned:
            time.sleep(timeout_s)
            return []
        ready, _, _ = select.select([sys.stdin], [], [], timeout_s)
        if not ready:
            return []
        chunk = os.read(sys.stdin.fileno(), 65_536)
        if not chunk:
            self.orphaned = True
            return []
        *lines, self._buffer = (self._buffer + chunk).split(b"\n")
        commands = []
        for line in lines:
            try:
                commands.append(messages.decode_command(line))
            except BenchError as error:
                logger.warning("%s", error)
        return commands

    def ask_trust(self, question: str) -> bool:
        """Put a question to the user of the window, and wait for the answer."""
        self.send(messages.AskTrust(question))
        while not (self.quit_wanted or self.orphaned):
            for command in self.commands(STATUS_EVERY_S):
                if isinstance(command, (messages.Trust, messages.Quit)):
                    return isinstance(command, messages.Trust)
        return False

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.quit_wanted = True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
