# SPDX-License-Identifier: Apache-2.0
"""The process that listens to marks: `python -m monitor_app.program.child [--load]`.

On the machine of the bench it only listens, and the command is started by the process that the user started. On a
board elsewhere it starts the command as well, and passes on what that writes. It is apart from the bench, whose many
threads could keep it from the socket for longer than a program's marks find room there.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import json
import os
import select
import signal
import struct
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from monitor_app.core.files.package_data import resource_text
from monitor_app.core.host_time import host_time_ns
from monitor_app.program.command import NotStartedError, RunningCommand, command_environment
from monitor_app.program.listener import Folder, Listener
from monitor_app.program.marks import Tally
from monitor_app.program.messages import (
    COMMANDS,
    EVENTS,
    Counts,
    Ended,
    Finish,
    Listening,
    LoadChange,
    Marks,
    NotStarted,
    Output,
    Pass,
    Quit,
    Run,
    Started,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor_app.program.marks import Row
    from monitor_app.program.messages import Event

REST_S = 0.002
"""How long the socket is left alone after it was emptied: waking a process costs the program more than the mark."""
SEND_EVERY_NS = 50_000_000
MOST_ROWS = 500
"""Of one message."""
MOST_READS = 10
"""Of the socket at the end: it holds fewer datagrams than one of them takes."""
BLOCK = 1 << 16
END_S = 1.0
"""How long the command may take to end when it is terminated."""
LOAD_MESSAGE = struct.Struct("<qB")
FILES = ("monitor_marks.py", "monitor_marks.h")


class Child:
    """One run of a command: from when the socket is there to the end."""

    def __init__(self, out: int, wants_load: bool) -> None:
        self._out = out
        self._folder = Folder()
        self._listener = Listener(self._folder.file("marks"))
        self._load = Listener(self._folder.file("load")) if wants_load else None
        self._tally = Tally(host_time_ns())
        self._rows: list[Row] = []
        self._sent_ns = host_time_ns()
        self._command: RunningCommand | None = None
        self._told = False
        """That the command has ended."""
        self._pipes: dict[int, int] = {}
        """By descriptor: 1 for the command's stdout, 2 for its stderr."""
        self._woken, self._wake = os.pipe()
        self._stdin = b""
        self._poll = select.poll()
        for each in (0, self._woken, self._listener.fileno()):
            self._poll.register(each, select.POLLIN)
        if self._load is not None:
            self._poll.register(self._load.fileno(), select.POLLIN)

    def run(self) -> None:
        """Until it is asked to quit, or the bench has ended."""
        try:
            self._say(Listening(self._listener.path, "" if self._load is None else self._load.path))
            while self._turn():
                pass
        finally:
            self._end_command()
            self._listener.close()
            self._folder.close()

    def _turn(self) -> bool:
        # A timeout only where something waits to be sent
        ready = {number for number, _ in self._poll.poll(SEND_EVERY_NS // 1_000_000 if self._rows else None)}
        if self._load is not None and self._load.fileno() in ready:
            self._load.read(self._take_load)
        if self._listener.fileno() in ready:
            self._listener.read(self._take)
            if self._load is None:
                time.sleep(REST_S)
        for number in ready & set(self._pipes):
            self._pass_on(number)
        if self._woken in ready:
            os.read(self._woken, 1)
        self._tell_end()
        if self._rows and host_time_ns() - self._sent_ns >= SEND_EVERY_NS:
            self._send_rows()
        return self._read_commands() if 0 in ready else True

    # -- marks -----------------------------------------------------------------------------------

    def _take(self, datagram: bytes) -> None:
        self._rows += self._tally.take(datagram, host_time_ns())
        if len(self._rows) >= MOST_ROWS:
            self._send_rows()

    def _send_rows(self) -> None:
        rows, self._rows = self._rows, []
        self._sent_ns = host_time_ns()
        if rows:
            self._say(Marks(tuple(rows)))

    def _take_load(self, datagram: bytes) -> None:
        if len(datagram) == LOAD_MESSAGE.size:
            host_ns, busy = LOAD_MESSAGE.unpack(datagram)
            if busy in (0, 1):
                self._say(LoadChange(host_ns, bool(busy)))

    def _finish(self) -> None:
        """Whatever was sent before the command ended lies in the socket by now."""
        for _ in range(MOST_READS):  # somebody may go on sending
            if not self._listener.read(self._take):
                break
        self._send_rows()
        tally = self._tally
        self._say(Counts(tally.marks, tally.lost, tally.malformed, tally.left_out))

    # -- the command -----------------------------------------------------------------------------

    def _start(self, command: Run) -> None:
        words = json.loads(command.command)
        folder = self._folder.file("files")
        os.mkdir(folder)
        for name in FILES:
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(resource_text("marks/" + name))
        loads = [] if self._load is None else [self._load.path]
        environment = command_environment(os.environ, folder, self._listener.path, loads)
        self._tally = Tally(host_time_ns())
        try:
            running = RunningCommand(
                words,
                environment,
                self._ended,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
            )
        except NotStartedError as error:
            self._say(NotStarted(error.code, str(error)))
            return
        self._command = running
        for stream, pipe in ((1, running.process.stdout), (2, running.process.stderr)):
            assert pipe is not None
            self._pipes[pipe.fileno()] = stream
            self._poll.register(pipe.fileno(), select.POLLIN)
        self._say(Started(running.process.pid, running.start_ns))

    def _ended(self) -> None:
        """On another thread."""
        os.write(self._wake, b".")

    def _pass_on(self, number: int) -> bool:
        """What it wrote; whether there may be more."""
        block = os.read(number, BLOCK)
        if block:
            self._say(Output(self._pipes[number], base64.b64encode(block).decode("ascii")))
            return True
        self._poll.unregister(number)
        del self._pipes[number]
        return False

    def _tell_end(self) -> None:
        command = self._command
        if command is None or command.code is None or self._told:
            return
        self._told = True
        # All that it wrote is there; what its own children write later is not waited for.
        for number in list(self._pipes):
            os.set_blocking(number, False)
            with contextlib.suppress(BlockingIOError):
                while self._pass_on(number):
                    pass
        self._say(Ended(command.code, command.end_ns))

    def _end_command(self) -> None:
        command = self._command
        if command is None or command.code is not None:
            return
        command.send_signal(signal.SIGTERM)
        until = time.monotonic() + END_S
        while command.code is None and time.monotonic() < until:
            time.sleep(0.01)
        command.send_signal(signal.SIGKILL)

    # -- the bench -------------------------------------------------------------------------------

    def _read_commands(self) -> bool:
        """Whether to go on."""
        block = os.read(0, BLOCK)
        *lines, self._stdin = (self._stdin + block).split(b"\n")
        for line in lines:
            command = COMMANDS.decode(line)
            if isinstance(command, Quit):
                return False
            if isinstance(command, Run):
                self._start(command)
            elif isinstance(command, Finish):
                self._finish()
            elif isinstance(command, Pass) and self._command is not None:
                self._command.send_signal(command.number)
        return bool(block)

    def _say(self, event: Event) -> None:
        line = EVENTS.encode(event)
        while line:
            line = line[os.write(self._out, line) :]


def main(arguments: Sequence[str] | None = None) -> None:
    """Listen until stdin ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--load", action="store_true", help="take the load signal of simulated boards as well")
    options = parser.parse_args(arguments)
    # What is printed must not get between the messages
    out = os.dup(1)
    os.dup2(2, 1)
    with contextlib.suppress(BrokenPipeError):
        Child(out, options.load).run()
    sys.stdout.flush()


if __name__ == "__main__":
    main()
