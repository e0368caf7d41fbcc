# SPDX-License-Identifier: Apache-2.0
"""An inference child without torch, whose networks are named for how they behave; it writes down what it is told.

    python scripted_child.py LOG

`ok` runs. `died@N`, `crashed@N` and `told@N` do so where batches of N images or more are timed: killed as by the
kernel, by a fault of their own, and by saying that memory ran out. `stubborn` does not listen while it runs.
`blind` can read no image.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from pathlib import Path

from monitor_app.core.host_time import host_time_ns
from monitor_app.core.runs import Phase
from monitor_app.inference.messages import (
    Batches,
    Evaluate,
    Failed,
    FailureKind,
    Load,
    Loaded,
    MeasureMemory,
    MemoryReport,
    PhaseDone,
    Quit,
    Ready,
    Stop,
    Time,
    WarmUp,
    decode,
    encode,
)

BATCH_S = 0.01


def send(event):
    os.write(1, encode(event))


class Child:
    def __init__(self, log):
        self.log = log
        self.unread = b""
        self.waiting = []
        self.network = ""

    def note(self, text):
        with self.log.open("a") as file:
            file.write(f"{os.getpid()} {text}\n")

    def command(self, timeout_s=None):
        """The next one; None where there is none within the time."""
        while not self.waiting:
            ready, _, _ = select.select([0], [], [], timeout_s)
            if not ready:
                return None
            chunk = os.read(0, 65_536)
            if not chunk:
                sys.exit(0)
            *lines, self.unread = (self.unread + chunk).split(b"\n")
            self.waiting += [decode(line) for line in lines]
        command = self.waiting.pop(0)
        self.note(repr(command))
        return command

    def serve(self):
        self.note("started")
        send(Ready(os.getpid(), {"python": "scripted"}, {"cpu": "A processor"}, 1))
        while not isinstance(command := self.command(), Quit):
            if isinstance(command, Load):
                self.network = command.network
                send(Loaded(command.network, command.network, 1, 2, 3, 224, "random", "ab" * 32, 0.1))
            elif isinstance(command, MeasureMemory):
                send(MemoryReport((("pss", 3_000, 1_000),)))
            elif isinstance(command, Evaluate) and self.network == "blind":
                send(PhaseDone(Phase.ACCURACY, 0, 0, reason="no image can be read"))
            elif isinstance(command, Evaluate):
                now_ns = host_time_ns()
                send(Batches(Phase.ACCURACY, ((now_ns, now_ns + 1000, 10, 7, 9, None),)))
                send(PhaseDone(Phase.ACCURACY, 1, 10, images_sha256="cd" * 32, top1="1111101010"))
            elif isinstance(command, (WarmUp, Time)):
                self.phase(command)

    def phase(self, command):
        kind, _, size = self.network.partition("@")
        if isinstance(command, Time) and command.batch_size >= int(size or 1) and self.misbehave(kind):
            return
        phase = Phase.TIMED if isinstance(command, Time) else Phase.WARM_UP
        began, count, stops = time.monotonic(), 0, 0
        while count < command.min_batches or time.monotonic() - began < command.min_s:
            start_ns = host_time_ns()
            told = self.command(BATCH_S) if kind != "stubborn" else time.sleep(BATCH_S)
            count += 1
            send(Batches(phase, ((start_ns, host_time_ns(), command.batch_size, None, None, None),)))
            if isinstance(told, Quit):
                sys.exit(0)
            if isinstance(told, Stop):
                stops += 1
                break
        send(PhaseDone(phase, count, count * command.batch_size, bool(stops)))

    def misbehave(self, kind):
        """True where that is the answer."""
        if kind == "died":
            os.kill(os.getpid(), signal.SIGKILL)
        if kind == "crashed":
            os.kill(os.getpid(), signal.SIGSEGV)
        if kind == "told":
            send(Failed(FailureKind.OUT_OF_MEMORY, "It does not fit, says the network."))
        return kind == "told"


if __name__ == "__main__":
    Child(Path(sys.argv[1])).serve()
