# SPDX-License-Identifier: Apache-2.0
"""An inference child without torch, whose networks are named for how they behave; it writes down what it is told.

    python scripted_child.py LOG

`ok` runs. `died@N`, `crashed@N` and `told@N` do so where batches of N images or more are timed: killed as by the
kernel, by a fault of their own, and by saying that memory ran out. `stubborn` does not listen while it runs.
`blind` can read no image.
It has no GPU.

It reads and writes the JSON of the messages as it is on the wire: what checks them takes most of what it costs to start
a child, and the side that is tested does check them.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
from pathlib import Path

from monitor_app.core.host_time import host_time_ns

BATCH_S = 0.01


def send(what, /, **content):
    os.write(1, json.dumps({"type": what, **content}).encode() + b"\n")


class Command:
    """What a line says, shown like the message that it is."""

    def __init__(self, line):
        content = json.loads(line)
        self.kind = "".join(map(str.capitalize, content.pop("type").split("_")))
        self.content = content

    def __getattr__(self, name):
        return self.content[name]

    def __repr__(self):
        return f"{self.kind}({', '.join(f'{name}={value!r}' for name, value in self.content.items())})"


def passes(phase, *row):
    send("batches", phase=phase, rows=[row], parts=[], arrivals_ns=[], stages_ns=[])


def done(phase, batches, images, **more):
    rest = {"stopped": False, "reason": None, "images_sha256": None, "top1": None, "scores": [], "unserved": 0}
    send("phase_done", phase=phase, batches=batches, images=images, **(rest | more))


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
            self.waiting += [Command(line) for line in lines]
        command = self.waiting.pop(0)
        self.note(repr(command))
        return command

    def serve(self):
        self.note("started")
        cpu = {"cpu": "A processor"}
        send("ready", pid=os.getpid(), versions={"python": "scripted"}, devices=cpu, cpu_count=1)
        while (command := self.command()).kind != "Quit":
            if command.kind in ("Load", "Pulses") and command.device.startswith("cuda:"):
                send("failed", kind="error", message=f"There is no {command.device} here: choose another device.")
            elif command.kind == "Load":
                self.network = command.network
                send(
                    "loaded", network=command.network, title=command.network, parameters=1, macs=2, operations=3,
                    input_pixels=224, weights="random", weights_sha256="ab" * 32, seconds=0.1, settings={},
                )  # fmt: skip
            elif command.kind == "MeasureMemory":
                send("memory_report", rows=[["pss", 3_000, 1_000]])
            elif command.kind == "Evaluate" and self.network == "blind":
                done("accuracy", 0, 0, reason="no image can be read")
            elif command.kind == "Evaluate":
                now_ns = host_time_ns()
                passes("accuracy", now_ns, now_ns + 1000, 10, 7, 9, None)
                done("accuracy", 1, 10, images_sha256="cd" * 32, top1="1111101010")
            elif command.kind in ("WarmUp", "Time"):
                self.phase(command)

    def phase(self, command):
        kind, _, size = self.network.partition("@")
        if command.kind == "Time" and command.batch_size >= int(size or 1) and self.misbehave(kind):
            return
        phase = "timed" if command.kind == "Time" else "warm_up"
        began, count, stops = time.monotonic(), 0, 0
        while count < command.min_batches or time.monotonic() - began < command.min_s:
            start_ns = host_time_ns()
            told = self.command(BATCH_S) if kind != "stubborn" else time.sleep(BATCH_S)
            count += 1
            passes(phase, start_ns, host_time_ns(), command.batch_size, None, None, None)
            if told and told.kind == "Quit":
                sys.exit(0)
            if told and told.kind == "Stop":
                stops += 1
                break
        done(phase, count, count * command.batch_size, stopped=bool(stops))

    def misbehave(self, kind):
        """True where that is the answer."""
        if kind == "died":
            os.kill(os.getpid(), signal.SIGKILL)
        if kind == "crashed":
            os.kill(os.getpid(), signal.SIGSEGV)
        if kind == "told":
            send("failed", kind="out_of_memory", message="It does not fit, says the network.")
        return kind == "told"


if __name__ == "__main__":
    Child(Path(sys.argv[1])).serve()
