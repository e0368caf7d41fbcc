# SPDX-License-Identifier: Apache-2.0
"""The inference child: `python -m monitor_app.inference.child [--lamp PATH]...`.

Takes commands on stdin and gives events on stdout, one JSON object a line (docs/inference-protocol.md).
A process of its own, so that a network can neither stall the acquisition nor take the recording down.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import logging
import os
import platform
import queue
import signal
import sys
import threading
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, NoReturn

from monitor_app.core.errors import InferenceError, NotEnoughMemoryError
from monitor_app.core.lamp import Lamp
from monitor_app.core.runs import Phase
from monitor_app.inference.datasets import DatasetError, find_dataset
from monitor_app.inference.messages import (
    Command,
    Evaluate,
    Event,
    Failed,
    FailureKind,
    Load,
    PhaseDone,
    Played,
    Pulses,
    Quit,
    Ready,
    Stop,
    Time,
    WarmUp,
    decode,
    encode,
)
from monitor_app.inference.networks.registry import UnknownNetworkError
from monitor_app.inference.networks.weights import WeightsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor_app.inference.loading import RunningNetwork
    from monitor_app.inference.measure import BusyLamp

QUIT_GRACE_S = 1.0

logger = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Serve commands until `quit` or the end of stdin. Does not return."""
    parser = argparse.ArgumentParser(prog="monitor_app.inference.child", description="Run networks for the bench.")
    parser.add_argument(
        "--lamp",
        metavar="PATH",
        action="append",
        default=[],
        help="socket at which an instrument on a simulated board is told when the board is busy; any number",
    )
    options = parser.parse_args(arguments)
    # Ctrl-C reaches the whole process group; the bench decides what it means
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _die_with_parent()
    outbox = _Outbox(_claim_stdout())
    logging.basicConfig(format="%(levelname)s %(message)s")
    inbox = _Inbox(outbox)
    threading.Thread(target=inbox.read_stdin, name="commands", daemon=True).start()
    try:
        outbox.send(_ready())
        _serve(inbox, outbox, options.lamp)
    except Exception as error:
        logger.exception("The inference child cannot go on")
        outbox.send(Failed(FailureKind.ERROR, f"The inference process cannot run ({_first_line(error)})."))
        _leave(1)
    _leave(0)


def _ready() -> Ready:
    # The first import of torch, which takes seconds; stdin is watched meanwhile
    from monitor_app.inference.loading import device_names

    versions = {"python": platform.python_version()}
    for package in ("torch", "torchvision"):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "not installed"
    return Ready(os.getpid(), versions, device_names(), len(os.sched_getaffinity(0)))


def _serve(inbox: _Inbox, outbox: _Outbox, lamp_paths: list[str]) -> None:
    from monitor_app.inference.measure import NoLamp

    lamp = Lamp(*lamp_paths) if lamp_paths else None
    worker = _Worker(inbox, outbox, lamp or NoLamp())
    try:
        while not isinstance(command := inbox.next(), Quit):
            outbox.send(worker.answer(command))
    finally:
        if lamp is not None:
            lamp.close()


class _Worker:
    """Carries out one command after the other on the main thread."""

    def __init__(self, inbox: _Inbox, outbox: _Outbox, lamp: BusyLamp) -> None:
        self._inbox = inbox
        self._outbox = outbox
        self._lamp = lamp
        self._running: RunningNetwork | None = None

    def answer(self, command: Command) -> Event:
        """The last event of a command. Whatever goes wrong becomes Failed, and the child lives on."""
        try:
            return self._carry_out(command)
        except Exception as error:  # noqa: BLE001 - the edge of the process
            failed = self._failed(command, error)
        # Only here have the frames that held the tensors gone
        _free_memory()
        return failed

    def _carry_out(self, command: Command) -> Event:
        from monitor_app.inference.loading import load_network
        from monitor_app.inference.measure import Runner

        if isinstance(command, Load):
            self._running = None
            _free_memory()
            self._running = load_network(command)
            return self._running.loaded
        if isinstance(command, Pulses):
            return self._play(command)
        if self._running is None:
            raise InferenceError("No network is loaded: send `load` before the phases.")
        runner = Runner(self._running, self._lamp, self._outbox.send, self._inbox.stopped)
        if isinstance(command, WarmUp):
            return runner.run_for(Phase.WARM_UP, command.batch_size, command.min_s, command.min_batches)
        if isinstance(command, Time):
            return runner.run_for(Phase.TIMED, command.batch_size, command.min_s, command.min_batches)
        if isinstance(command, Evaluate):
            if self._running.loaded.weights is None:
                return PhaseDone(Phase.ACCURACY, 0, 0, reason="no weights")
            dataset = find_dataset(command.images)
            if not dataset.images:
                return PhaseDone(Phase.ACCURACY, 0, 0, reason=dataset.reason or "no images")
            return runner.evaluate(command.batch_size, dataset)
        raise InferenceError(f"{type(command).__name__} is not carried out here.")

    def _play(self, command: Pulses) -> Played:
        from monitor_app.inference.pulses import play

        return Played(tuple(play(command, self._lamp, self._inbox.stopped)))

    def _failed(self, command: Command, error: Exception) -> Failed:
        if _is_out_of_memory(error):
            logger.warning("Out of memory: %s", _first_line(error))
            return Failed(FailureKind.OUT_OF_MEMORY, self._too_big(command))
        if isinstance(error, InferenceError):
            return Failed(_kind(error), str(error))
        logger.error("%s failed", command, exc_info=error)
        what = type(command).__name__
        return Failed(FailureKind.ERROR, f"{what} failed ({_first_line(error)}): the log has the whole story.")

    def _too_big(self, command: Command) -> str:
        if isinstance(command, Load):
            return f"{command.network} does not fit into the memory of {command.device}: use a smaller network."
        title = self._running.loaded.title if self._running else "The network"
        size = getattr(command, "batch_size", 1)
        return f"{title} with {size} images at a time does not fit into memory: use a smaller batch size."


def _kind(error: InferenceError) -> FailureKind:
    if isinstance(error, UnknownNetworkError):
        return FailureKind.UNKNOWN_NETWORK
    if isinstance(error, WeightsError):
        return FailureKind.WEIGHTS
    if isinstance(error, DatasetError):
        return FailureKind.DATASET
    return FailureKind.ERROR


def _is_out_of_memory(error: Exception) -> bool:
    if isinstance(error, (MemoryError, NotEnoughMemoryError)):
        return True
    # torch's own class for it is a RuntimeError as well, and so are the CPU allocator's, which has none
    text = str(error).lower()
    return isinstance(error, RuntimeError) and ("out of memory" in text or "can't allocate memory" in text)


def _free_memory() -> None:
    import torch

    gc.collect()
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.empty_cache()


def _first_line(error: Exception) -> str:
    text = str(error).strip().partition("\n")[0].rstrip(".")[:300]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


class _Inbox:
    """The commands of stdin, read by a thread so that `stop`, `quit` and its end work during a phase."""

    def __init__(self, outbox: _Outbox) -> None:
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
            # Asked to go, and a batch may take minutes
            timer = threading.Timer(QUIT_GRACE_S, os._exit, (0,))
            timer.daemon = True
            timer.start()


class _Outbox:
    """Writes events, a whole line at a time, from any thread."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = threading.Lock()

    def send(self, event: Event) -> None:
        line = encode(event)
        try:
            with self._lock:
                while line:
                    line = line[os.write(self._descriptor, line) :]
        except BrokenPipeError:
            # Nobody is left to measure for
            os._exit(1)


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
    # Not sys.exit: taking torch down in order takes long and may hang
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
