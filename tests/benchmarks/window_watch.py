# SPDX-License-Identifier: Apache-2.0
"""What random_actions.py looks at: exceptions, errors of the log, the life of the bench, and lost samples."""

from __future__ import annotations

import collections
import gc
import logging
import subprocess
import time
import traceback
from pathlib import Path
from typing import Any

import psutil
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication, QWidget

from monitor_app.bench.client import BenchClient
from monitor_app.bench.messages import AddSource, Connect, Disconnect, Failed, Quit, Status
from monitor_app.core.child_process import python_module
from monitor_app.session.reader import SessionReader

TRAIL = 40
WINDOW_S, WINDOW_END_S = 15.0, 20.0
"""How long a further window is left alone, and how long it may take to close."""
COMMITTED_S = 2.0
"""After which a gap is in the session, with its reason."""
LATE, OTHERS = "because this computer read nothing", "end other programs"
TOLD = ("monitor_app.gui.session.exporting", "monitor_app.gui.figures.job", "monitor_app.gui.process_job")
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

    def tell(self, kind: str, text: str) -> None:
        """Of something that is no defect."""
        print(f"--- {kind}: {text}", flush=True)

    def excepthook(self, kind: type[BaseException], error: BaseException, trace: Any) -> None:
        text = "".join(traceback.format_exception(kind, error, trace))
        where = traceback.extract_tb(trace)[-1]
        self.add(f"exception {kind.__name__} at {Path(where.filename).name}:{where.lineno}", text)


def memory_mb() -> float:
    return float(psutil.Process().memory_info().rss) / 1e6


def size_of(window: QWidget) -> str:
    """What should not grow for ever."""
    gc.collect()
    process = psutil.Process()
    return ", ".join((
        f"{memory_mb():.0f} MB", f"{len(QApplication.allWidgets())} widgets",
        f"{len(window.findChildren(QObject))} objects of the window", f"{process.num_threads()} threads",
        f"{process.num_fds()} files",
    ))  # fmt: skip


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
    _lost_s: float | None = None
    """When samples were lost, until the reason has been looked up."""

    def send(self, command: Any) -> None:
        self.findings.trail.append(f"           to the bench: {type(command).__name__}")
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
                    self._lost_s = self._lost_s or time.monotonic()
                self.lost = lost
        if self._lost_s is not None and time.monotonic() - self._lost_s > COMMITTED_S:
            self._lost_s = None
            self._explain_loss()
        return events

    def _explain_loss(self) -> None:
        """A defect, unless the session says that other programs held up the reading."""
        with SessionReader(self.session) as reader:
            gaps, logs = reader.gaps(), reader.log()
        text = "; ".join(f"{gap.n:,} {gap.reason} at {gap.start_ns * 1e-9:.1f} s of the host" for gap in gaps)
        said = [each.text for each in logs if LATE in each.text]
        if len(said) == len(gaps) and all(OTHERS in each for each in said):
            self.findings.tell("samples lost while other programs held up the machine", " ".join(said))
        else:
            self.findings.add("samples lost", "\n".join([text, *said]))


class FurtherWindows:
    """Windows in processes of their own, one at a time, closed after a while; how they end is looked at."""

    def __init__(self, findings: Findings, folder: Path) -> None:
        self._findings = findings
        self._said = folder / "further.txt"
        self._process: subprocess.Popen[bytes] | None = None
        self._opened_s = 0.0

    def open(self, session: Path | None) -> bool:
        """As ``new_window`` does, which would leave them behind."""
        if self._process is not None and time.monotonic() - self._opened_s < WINDOW_S:
            return True
        self.close()
        what = "--start-page" if session is None else str(session.absolute())
        command = python_module("monitor_app", "window", what)
        with self._said.open("wb") as said:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        self._opened_s = time.monotonic()
        return True

    def close(self) -> None:
        """End the one there is, as a signal does."""
        process, self._process = self._process, None
        if process is None:
            return
        ended = process.poll()
        process.terminate()
        try:
            process.wait(WINDOW_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            self._findings.add("a further window did not close")
        text = self._said.read_text(errors="replace")
        if ended or "Traceback" in text or "Fatal" in text:
            self._findings.add("a further window has failed", f"code {ended}\n{text}")
