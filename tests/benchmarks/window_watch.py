# SPDX-License-Identifier: Apache-2.0
"""What random_actions.py looks at: exceptions, errors of the log, the life of the bench, and lost samples."""

from __future__ import annotations

import collections
import logging
import traceback
from pathlib import Path
from typing import Any

from monitor_app.bench.client import BenchClient
from monitor_app.bench.messages import AddSource, Connect, Disconnect, Failed, Quit, Status

TRAIL = 40
TOLD = ("monitor_app.gui.session.exporting", "monitor_app.gui.figures.job")
"""What they log as an error without a traceback is a sentence that the user was told."""


class Findings:
    """What went wrong, each kind once, with the actions before it."""

    def __init__(self) -> None:
        self.trail: collections.deque[str] = collections.deque(maxlen=TRAIL)
        self.counts: collections.Counter[str] = collections.Counter()

    def add(self, kind: str, text: str = "") -> None:
        self.counts[kind] += 1
        if self.counts[kind] == 1:
            print(f"\n*** {kind}\n{text}\nlast actions:\n  " + "\n  ".join(self.trail), flush=True)

    def excepthook(self, kind: type[BaseException], error: BaseException, trace: Any) -> None:
        text = "".join(traceback.format_exception(kind, error, trace))
        where = traceback.extract_tb(trace)[-1]
        self.add(f"exception {kind.__name__} at {Path(where.filename).name}:{where.lineno}", text)


class ErrorLog(logging.Handler):
    """Errors are findings; warnings are counted."""

    def __init__(self, findings: Findings) -> None:
        super().__init__(logging.WARNING)
        self._findings = findings
        self.warnings: collections.Counter[str] = collections.Counter()

    def emit(self, record: logging.LogRecord) -> None:
        told = record.name in TOLD and "Traceback" not in record.getMessage()
        if record.levelno >= logging.ERROR and not told:
            self._findings.add(f"error in the log of {record.name}", record.getMessage())
        else:
            self.warnings[record.getMessage()[:150]] += 1


class WatchedBench(BenchClient):
    """A bench whose end and losses are findings, unless a command has asked for them."""

    findings: Findings
    may_end = may_lose = False
    lost = 0

    def send(self, command: Any) -> None:
        self.may_end |= isinstance(command, Quit)
        self.may_lose |= isinstance(command, (Disconnect, Connect, AddSource))
        super().send(command)

    def close(self) -> None:
        self.may_end = True
        super().close()

    def poll(self) -> list[Any]:
        events = super().poll()
        for event in events:
            if isinstance(event, Failed) and not self.may_end:
                self.findings.add("the bench has ended", event.message)
            if isinstance(event, Status):
                lost = sum(source.lost_samples for source in event.status.sources)
                if lost > self.lost and not self.may_lose:
                    self.findings.add("samples lost", f"{lost:,}, before {self.lost:,}")
                self.lost = lost
        return events
