# SPDX-License-Identifier: Apache-2.0
"""The whole monitor as a user runs it: a window with its bench, in processes of their own, on a given profile."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psutil

from monitor_app.session.reader import SessionReader

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EMULATORS = ("shunt", "powersensor3", "ppk2", "lines", "scpi")
NETWORK_PROFILE = """
title = "Benchmark"
[[source]]
kind = "shunt"
emulate = "tx1"
[inference]
threads = 1
[protocol]
settle_s = 0.5
idle_s = 0.5
warm_up_s = 2.0
timed_s = {timed_s}
[plan]
networks = ["{network}"]
cycles = 1
"""


class Monitor:
    """A running window; ``processes`` by what they do."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        self.process = process
        self._folder = folder

    @property
    def session(self) -> Path | None:
        return next(iter(sorted(self._folder.glob("monitor-app/sessions/*.plm"))), None)

    @property
    def processes(self) -> dict[str, psutil.Process]:
        found = {"window": psutil.Process(self.process.pid)}
        for child in found["window"].children(recursive=True):
            words = " ".join(child.cmdline())
            for name in ("bench.process", "inference.child", *(f"emulators.{kind}" for kind in EMULATORS)):
                if f"monitor_app.{name}" in words:
                    found[name] = child
        return found

    def wait_for_runs(self, done: int = 1, timeout_s: float = 120.0) -> None:
        """Until this number of runs have ended."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            time.sleep(0.5)
            session = self.session
            if session is None:
                continue
            with SessionReader(session) as reader:
                if sum(run.state in {"done", "failed"} for run in reader.runs()) >= done:
                    return
        raise SystemExit("the runs did not end")


@contextmanager
def monitor(profile: Path, folder: Path) -> Iterator[Monitor]:
    """The window on a profile, without a screen, closed at the end as by Ctrl-C."""
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "XDG_STATE_HOME": str(folder)}
    process = subprocess.Popen([sys.executable, "-m", "monitor_app", str(profile)], env=environment)
    try:
        yield Monitor(process, folder)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(20)
