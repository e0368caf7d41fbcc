# SPDX-License-Identifier: Apache-2.0
"""Serving the bench: the common part of the child that runs networks and the one that replays figures.

Commands come on stdin and events go to stdout, one JSON object a line (docs/inference-protocol.md). No torch.
"""

from __future__ import annotations

import ctypes
import logging
import os
import queue
import signal
import sys
import threading
from typing import TYPE_CHECKING, NoReturn, Protocol

from monitor_app.core.errors import InferenceError, first_line
from monitor_app.core.load_signal import LoadSignal
from monitor_app.inference.messages import (
    Command,
    Event,
    Failed,
    FailureKind,
    LoadChange,
    Quit,
    Ready,
    Stop,
    decode,
    encode,
)
from monitor_app.inference.passes import NoLoadSignal

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

    from monitor_app.inference.passes import BusySignal

QUIT_GRACE_S = 1.0
AS_EVENTS = "-"
"""In place of a socket: the instruments are on another machine."""

logger = logging.getLogger(__name__)


class Worker(Protocol):
    """Carries out one command after the other."""

    def answer(self, command: Command) -> Event:
        """The last event of a command; raises only what ends the child."""
        ...


def serve(
    load_signals: Sequence[str],
    ready: Callable[[], Ready],
    worker: Callable[[Inbox, Outbox, BusySignal], Worker],
) -> NoReturn:
    """Make this process an inference child, until `quit` or the end of stdin. Does not return.

    Args:
        load_signals: sockets of the instruments on a simulated board, which show the load of the network; AS_EVENTS.
        ready: makes the first event; stdin is read meanwhile.
        worker: makes the object that carries out the commands, on this thread.
    """
    # Ctrl-C reaches the whole process group; the bench decides what it means
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _die_with_parent()
    outbox = Outbox(_claim_stdout())
    logging.basicConfig(format="%(levelname)s %(message)s")
    inbox = Inbox(outbox)
    threading.Thread(target=inbox.read_stdin, name="commands", daemon=True).start()
    load_signal = LoadSignal(*load_signals) if load_signals and AS_EVENTS not in load_signals else None
    shown = _LoadEvents(outbox) if AS_EVENTS in load_signals else load_signal or NoLoadSignal()
    try:
        outbox.send(ready())
        working = worker(inbox, outbox, shown)
        while not isinstance(command := inbox.next(), Quit):
            answer = working.answer(command)
            # The board idles from here on, also where passes were too short for its instruments to take each
            shown.flush()
            outbox.send(answer)
    except InferenceError as error:
        outbox.send(Failed(FailureKind.ERROR, str(error)))
        _leave(1)
    except Exception as error:
        logger.exception("The inference child cannot continue")
        outbox.send(Failed(FailureKind.ERROR, f"The inference process cannot run ({first_line(error)})."))
        _leave(1)
    finally:
        if load_signal is not None:
            load_signal.close()
    _leave(0)


def add_load_signal_option(parser: argparse.ArgumentParser) -> None:
    """The option of every child: --lamp PATH, any number of times."""
    parser.add_argument(
        "--lamp",
        metavar="PATH",
        action="append",
        default=[],
        help="socket of an instrument on a simulated board, which shows the load of the network; may be given again; "
        "- sends the load as events",
    )


def too_many_images(title: str, batch_size: int, items: str = "images") -> str:
    """The sentence for a batch that does not fit into memory."""
    return f"{title} with {batch_size} {items} at a time does not fit into memory: use a smaller batch size."


class Inbox:
    """The commands of stdin, read by a thread so that `stop`, `quit` and its end work during a phase."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._commands: queue.SimpleQueue[tuple[int, Command]] = queue.SimpleQueue()
        self._received = 0
        self._current = 0
        self._stopped_up_to = 0

    def next(self) -> Command:
        """The next command to carry out; waits for it."""
        self._current, command = self._commands.get()
        return command

    def stopped(self) -> bool:
        """Whether the command that is being carried out was asked to stop."""
        return self._current <= self._stopped_up_to

    def read_stdin(self) -> None:
        """Take commands until stdin ends, and with it the process."""
        rest = b""
        # Not sys.stdin: a thread that holds its lock aborts the interpreter at the end
        while block := os.read(0, 1 << 16):
            *lines, rest = (rest + block).split(b"\n")
            for line in lines:
                self._take(line)
        os._exit(0)

    def _take(self, line: bytes) -> None:
        try:
            command = decode(line)
        except InferenceError as error:
            self._outbox.send(Failed(FailureKind.ERROR, str(error)))
            return
        if not isinstance(command, Command):
            self._outbox.send(Failed(FailureKind.ERROR, f"{type(command).__name__} is not a command."))
            return
        if isinstance(command, (Stop, Quit)):
            self._stopped_up_to = self._received
        if not isinstance(command, Stop):
            self._received += 1
            self._commands.put((self._received, command))
        if isinstance(command, Quit):
            # A batch may take minutes
            timer = threading.Timer(QUIT_GRACE_S, os._exit, (0,))
            timer.daemon = True
            timer.start()


class Outbox:
    """Writes events, a whole line at a time, from any thread."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = threading.Lock()

    def send(self, event: Event) -> None:
        """Returns when it is written; ends the process when its reader has ended."""
        line = encode(event)
        try:
            with self._lock:
                while line:
                    line = line[os.write(self._descriptor, line) :]
        except BrokenPipeError:
            # The bench has ended
            os._exit(1)


class _LoadEvents:
    """The load signal for instruments that are not on this machine."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    def set(self, busy: bool, host_ns: int) -> None:
        self._outbox.send(LoadChange(host_ns, busy=busy))

    def set_load(self, load: float, host_ns: int) -> None:
        self._outbox.send(LoadChange(host_ns, load=load))

    def flush(self) -> None:
        """Nothing: events are written when they are sent."""


def _claim_stdout() -> int:
    """Keep stdout for events; whatever else is printed goes to stderr from now on."""
    descriptor = os.dup(1)
    os.dup2(2, 1)
    return descriptor


def _die_with_parent() -> None:
    """On Linux, have the kernel kill this process when the bench ends, however that ends."""
    if sys.platform == "linux":
        set_parent_death_signal = 1
        ctypes.CDLL(None, use_errno=True).prctl(set_parent_death_signal, int(signal.SIGKILL), 0, 0, 0)


def _leave(code: int) -> NoReturn:
    # Not sys.exit: the shutdown of torch takes long and may hang
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
