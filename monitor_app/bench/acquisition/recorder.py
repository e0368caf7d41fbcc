# SPDX-License-Identifier: Apache-2.0
"""The one thread that writes the session file: it takes work from other threads and commits every 50 ms."""

from __future__ import annotations

import contextlib
import logging
import math
import queue
import shutil
import threading
import time
from typing import TYPE_CHECKING

from monitor_app.core.errors import DiskFullError, MonitorError, SessionError, SessionMovedError
from monitor_app.core.formatting import size
from monitor_app.core.host_time import host_time_ns
from monitor_app.session.wal import BACKLOG_BYTES, HELD_BYTES, Sizes
from monitor_app.session.writer import SessionWriter

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

COMMIT_EVERY_S = 0.05
DURABLE_EVERY_S = 1.0
UTC_EVERY_S = 60.0
LEAST_FREE_BYTES = 200_000_000
"""Stop while the file, the log and the system can still be written."""

LATE_S = 2.0
"""A commit that takes longer is told."""

logger = logging.getLogger(__name__)


class Recorder:
    """A session file and its writer thread. ``put`` may be called from any thread."""

    def __init__(self, path: Path, *, resume: bool = False) -> None:
        """Creates the file, or resumes one that is there. Raises SessionError."""
        self.path = path
        self.failure: MonitorError | None = None
        """Why the recording has stopped by itself, once it has."""
        self.free_bytes = 0
        self.sizes = Sizes()
        """At the last durable commit."""
        self._held = ""
        self._committed_s = time.monotonic()
        self._check_disk()
        self._writer = SessionWriter.resume(path) if resume else SessionWriter(path)
        self.shift_ns = self._writer.shift_ns
        """Added to a host time in the file."""
        self.next_run_id, self.next_span_id = self._writer.next_run_id, self._writer.next_span_id
        self._work: queue.SimpleQueue[Callable[[SessionWriter], None]] = queue.SimpleQueue()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="session writer")
        self._thread.start()

    def put(self, work: Callable[[SessionWriter], None]) -> None:
        """Run this on the writer's thread, in order, before its next commit."""
        self._work.put(work)

    def file_time(self, host_ns: int) -> int:
        """A host time as a time in the file."""
        return host_ns + self.shift_ns

    @property
    def notice(self) -> str:
        """What another program does to the file, and what to do about it, one sentence; empty where nothing."""
        late_s = time.monotonic() - self._committed_s
        if late_s > LATE_S and self._thread.is_alive():
            return (
                f"Nothing could be written to {self.path.name} for {late_s:.0f} s: end the program that has locked it, "
                "or check its disk. What is measured meanwhile is kept in memory."
            )
        return self._held

    def close(self) -> None:
        """Write everything that was put, and complete the file; calling it twice is fine."""
        self._closing.set()
        self._thread.join()

    def _run(self) -> None:
        next_durable = next_utc = 0.0
        try:
            while not self._closing.is_set():
                due = time.monotonic() + COMMIT_EVERY_S
                if due > next_utc:
                    self._writer.write_utc(host_time_ns(), time.time_ns())
                    next_utc = due + UTC_EVERY_S
                self._do_all()
                durable = due > next_durable
                self._writer.commit(durable=durable)
                self._committed_s = time.monotonic()
                if durable:
                    next_durable = due + DURABLE_EVERY_S
                    self._check_wal()
                    self._writer.check_place()
                    self._check_disk()
                self._closing.wait(due - time.monotonic())
            self._do_all()
        except MonitorError as error:
            self.failure = error
            logger.exception("The recording has stopped")
            with contextlib.suppress(MonitorError):
                self._do_all()  # the last megabytes hold what was measured before
        except Exception as error:  # the top of a thread
            self.failure = SessionError(
                f"The recording stopped because of an error in this program ({error!r}); see the log."
            )
            logger.exception("The recording has stopped")
        finally:
            self._close_writer()

    def _close_writer(self) -> None:
        try:
            self._writer.close()
        except SessionMovedError as error:
            self.failure = error  # it says where the samples are
        except MonitorError as error:
            self.failure = self.failure or error

    def _do_all(self) -> None:
        for _ in range(self._work.qsize()):
            self._work.get()(self._writer)

    def _check_wal(self) -> None:
        """Tell of a reader that makes the -wal grow, and again when it has ended."""
        self.sizes = self._writer.sizes_after(self.sizes)
        wal_bytes = self.sizes.wal
        if wal_bytes >= HELD_BYTES:
            text = (
                f"{self._writer.wal_held_by} has kept a transaction on {self.path.name} open, so its -wal file grows "
                "with all that is recorded: end that transaction or program."
            )
            if not self._held:
                self._log(text)
            # At each doubling, so that a message that was dismissed does not come back every second.
            steps = HELD_BYTES * 2 ** int(math.log2(wal_bytes / HELD_BYTES))
            self._held = f"{text} It takes over {size(steps)} of disk; nothing is lost."
        elif self._held and wal_bytes <= BACKLOG_BYTES:
            self._held = ""
            self._log(f"The -wal file of {self.path.name} is small again.")

    def _log(self, text: str) -> None:
        logger.warning("%s", text)
        self._writer.write_log(host_time_ns(), "warning", text)

    def _check_disk(self) -> None:
        try:
            self.free_bytes = shutil.disk_usage(self.path.parent).free
        except OSError as error:
            raise SessionError(
                f"The folder {self.path.parent} cannot be used ({error.strerror}): choose a folder you can write to."
            ) from error
        if self.free_bytes - self.sizes.uncopied < LEAST_FREE_BYTES:
            needed = f", and its -wal file needs {size(self.sizes.uncopied)} of them" if self._held else ""
            raise DiskFullError(
                f"Only {self.free_bytes / 1e6:.0f} MB are left on the disk of {self.path}{needed}: "
                "the recording stopped with the file complete; make room and start a new session."
            )
