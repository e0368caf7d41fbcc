# SPDX-License-Identifier: Apache-2.0
"""Sweeps: a list of files read again and again, each sweep between two stamps, by a thread of its own.

A rail's file waits until its chip has converted, so the main loop cannot read it.
"""

import errno
import os
import select
import threading
from typing import Any, Dict, List, Union

from . import places
from .clock import now_ns
from .files import open_readable, text
from .lines import Outbox
from .refused import Question, RefusedError, number_of, seconds_of, texts_of

MOST_PATHS, MOST_SWEEPS, MOST_BURST = 256, 32, 10_000
SHORTEST_S, LONGEST_S = 0.002, 3600.0
LONGEST_TEXT = 4096
"""Bytes: a page, as much as a file of sysfs has."""
TOGETHER_NS = 50_000_000
"""Rows that follow each other sooner than this are sent together."""


class Sweeps:
    """The sweeps that run, by number."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._running: Dict[int, Sweep] = {}

    def start(self, question: Question) -> "Dict[str, Any]":
        """Begin one. Raises RefusedError."""
        paths = texts_of(question, "paths")
        interval_s = seconds_of(question, "interval_s", SHORTEST_S, LONGEST_S)
        burst = number_of(question, "burst") if "burst" in question else 0
        if not 0 < len(paths) <= MOST_PATHS or not 0 <= burst <= MOST_BURST:
            raise RefusedError("A sweep has 1 to {} paths and at most {} rows at once.".format(MOST_PATHS, MOST_BURST))
        number = number_of(question, "id")
        if number in self._running or len(self._running) >= MOST_SWEEPS:
            raise RefusedError("There are {} sweeps already, or one with this number.".format(len(self._running)))
        files = _open_all(paths)
        self._running[number] = Sweep(number, files, interval_s, burst, self._outbox)
        return {"type": "sweeping"}

    def stop(self, question: Question) -> "Dict[str, Any]":
        """End one. Raises RefusedError."""
        sweep = self._running.pop(number_of(question, "sweep"), None)
        if sweep is None:
            raise RefusedError("There is no such sweep.", errno.ENOENT)
        sweep.stop()
        return {"type": "stopped"}


def _open_all(paths: List[str]) -> List[int]:
    """A descriptor each, or the negative number of the error in its place. Raises RefusedError, nothing left open."""
    files: List[int] = []
    try:
        for path in paths:
            try:
                files.append(open_readable(path))
            except OSError as error:
                files.append(-(error.errno or errno.EIO))
    except RefusedError:
        for each in files:
            if each >= 0:
                os.close(each)
        raise
    return files


class Sweep:
    """One that runs, until it is stopped."""

    def __init__(self, number: int, files: List[int], interval_s: float, burst: int, outbox: Outbox) -> None:
        self._number, self._files, self._outbox = number, files, outbox
        self._interval_ns, self._burst = int(interval_s * 1e9), burst
        self._rows: List[List[Any]] = []
        self._late = 0
        self._sent_ns = 0
        # Not an Event: under Python 3.6 its time-outs follow the date, which a Jetson sets after its start.
        self._woken, self._wake = os.pipe()
        threading.Thread(target=self._run, name="sweep", daemon=True).start()

    def stop(self) -> None:
        """Let it end, after the file that it reads."""
        os.close(self._wake)

    def _run(self) -> None:
        try:
            self._sweep()
        finally:
            self._send()
            for each in self._files:
                if each >= 0:
                    os.close(each)
            os.close(self._woken)

    def _sweep(self) -> None:
        due_ns = now_ns()
        for _ in range(self._burst):
            if self._stopped_within(0):
                return
            self._read_row()
            due_ns = now_ns() + self._interval_ns
        while not self._stopped_within(due_ns - now_ns()):
            self._read_row()
            passed = max(0, (now_ns() - due_ns) // self._interval_ns)
            self._late += passed
            due_ns += (passed + 1) * self._interval_ns

    def _stopped_within(self, wait_ns: int) -> bool:
        return bool(select.select([self._woken], [], [], max(0, wait_ns) * 1e-9)[0])

    def _read_row(self) -> None:
        if self._outbox.full:
            self._late += 1
            return
        before_ns = now_ns()
        texts = [_text(each) for each in self._files]
        after_ns = now_ns()
        self._rows.append([before_ns, after_ns, texts])
        if self._interval_ns >= TOGETHER_NS or after_ns - self._sent_ns >= TOGETHER_NS:
            self._send()

    def _send(self) -> None:
        if self._rows or self._late:
            rows, late, self._rows, self._late = self._rows, self._late, [], 0
            self._sent_ns = now_ns()
            self._outbox.send({"type": "swept", "sweep": self._number, "rows": rows, "late": late})


def _text(descriptor: int) -> "Union[str, int]":
    if descriptor < 0:
        return -descriptor
    try:
        return text(places.read(descriptor, LONGEST_TEXT))
    except OSError as error:
        return error.errno or errno.EIO
