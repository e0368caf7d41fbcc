# SPDX-License-Identifier: Apache-2.0
"""The inference child: `python -m monitor_app.inference.child [--back-end NAME] [--lamp PATH]...`.

Takes commands on stdin and gives events on stdout, one JSON object a line (docs/inference-protocol.md).
A process of its own, so that a network can neither stall the acquisition nor take the recording down.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from monitor_app.core.back_ends import BACK_ENDS, TORCH
from monitor_app.core.errors import InferenceError, NotEnoughMemoryError, first_line
from monitor_app.core.garbage import keep_what_is_there
from monitor_app.core.runs import Phase
from monitor_app.inference.back_ends.choice import open_back_end
from monitor_app.inference.commands import add_load_signal_option, serve, too_many_images
from monitor_app.inference.datasets import DatasetError, find_dataset
from monitor_app.inference.messages import (
    Command,
    Evaluate,
    Event,
    Failed,
    FailureKind,
    Load,
    MeasureMemory,
    MemoryReport,
    PhaseDone,
    Played,
    Pulses,
    Ready,
    Time,
    WarmUp,
)
from monitor_app.inference.networks.registry import UnknownNetworkError
from monitor_app.inference.networks.weights import WeightsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor_app.inference.back_ends.back_end import BackEnd, Model
    from monitor_app.inference.commands import Inbox, Outbox
    from monitor_app.inference.memory import MemoryMeter
    from monitor_app.inference.messages import Loaded
    from monitor_app.inference.passes import BusySignal

logger = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Serve commands until `quit` or the end of stdin. Does not return."""
    parser = argparse.ArgumentParser(prog="monitor_app.inference.child", description="Run networks for the bench.")
    parser.add_argument("--back-end", choices=BACK_ENDS, default=TORCH, help="what runs the networks")
    add_load_signal_option(parser)
    options = parser.parse_args(arguments)
    _prefer_as_oom_victim()
    opened: list[BackEnd] = []

    def ready() -> Ready:
        # The first import of the back end, which takes seconds; stdin is watched meanwhile
        opened.append(open_back_end(options.back_end))
        return _ready(opened[0])

    serve(options.lamp, ready, lambda *parts: _Worker(opened[0], *parts))


def _prefer_as_oom_victim() -> None:
    """Make this process the one that the kernel kills when memory runs out: by size it might choose the bench.

    Memory that a GPU uses of that which it shares with the processor is counted for no process.
    """
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def _ready(back_end: BackEnd) -> Ready:
    versions = {"python": platform.python_version(), **back_end.versions()}
    devices = back_end.devices()
    keep_what_is_there()
    return Ready(os.getpid(), versions, devices, len(os.sched_getaffinity(0)))


class _Worker:
    """Carries out the commands on the main thread, one after another."""

    def __init__(self, back_end: BackEnd, inbox: Inbox, outbox: Outbox, load_signal: BusySignal) -> None:
        self._back_end = back_end
        self._inbox = inbox
        self._outbox = outbox
        self._load_signal = load_signal
        self._model: Model | None = None
        self._memory: MemoryMeter | None = None
        self._fresh = True

    def answer(self, command: Command) -> Event:
        """The last event of a command. Every failure becomes Failed, and the child continues."""
        try:
            return self._carry_out(command)
        except Exception as error:  # noqa: BLE001 - the edge of the process
            failed = self._failed(command, error)
        # Only here the frames that held the tensors are gone
        self._back_end.free()
        return failed

    def _carry_out(self, command: Command) -> Event:
        from monitor_app.inference.measure import Runner

        if isinstance(command, Load):
            return self._load(command)
        if isinstance(command, Pulses):
            return self._play(command)
        if isinstance(command, MeasureMemory):
            return MemoryReport(self._memory.rows() if self._memory else ())
        if self._model is None:
            raise InferenceError("No network is loaded: send `load` before the phases.")
        runner = Runner(self._model, self._load_signal, self._outbox.send, self._inbox.stopped)
        if isinstance(command, WarmUp):
            return runner.run_for(Phase.WARM_UP, command.batch_size, command.min_s, command.min_batches)
        if isinstance(command, Time):
            return runner.run_for(Phase.TIMED, command.batch_size, command.min_s, command.min_batches)
        if isinstance(command, Evaluate):
            if self._model.loaded.weights is None:
                return PhaseDone(Phase.ACCURACY, 0, 0, reason="no weights")
            dataset = find_dataset(command.images)
            if not dataset.images:
                return PhaseDone(Phase.ACCURACY, 0, 0, reason=dataset.reason or "no images")
            return runner.evaluate(command.batch_size, dataset)
        raise InferenceError(f"{type(command).__name__} is not a command of this process.")

    def _load(self, command: Load) -> Loaded:
        from monitor_app.inference.memory import MemoryMeter

        self._memory = None
        if self._fresh:
            # Memory that an earlier network has left allocated would be counted for this one.
            self._fresh = False
            self._back_end.warm_imports(command)
            keep_what_is_there()
            self._memory = MemoryMeter(self._back_end.device_memory(command.device))
        self._model = None
        self._back_end.free()
        self._model = self._back_end.load(command)
        if self._memory is not None:
            self._back_end.free()
            self._memory.begin()
        return self._model.loaded

    def _play(self, command: Pulses) -> Played:
        from monitor_app.inference.pulses import play

        return Played(tuple(play(command, self._load_signal, self._inbox.stopped, self._back_end.work(command))))

    def _failed(self, command: Command, error: Exception) -> Failed:
        if _is_out_of_memory(error):
            logger.warning("Out of memory: %s", first_line(error))
            return Failed(FailureKind.OUT_OF_MEMORY, self._too_big(command))
        if isinstance(error, InferenceError):
            return Failed(_kind(error), str(error))
        logger.error("%s failed", command, exc_info=error)
        what = type(command).__name__
        return Failed(FailureKind.ERROR, f"{what} failed ({first_line(error)}): see the log for details.")

    def _too_big(self, command: Command) -> str:
        if isinstance(command, Load):
            return f"{command.network} does not fit into the memory of {command.device}: use a smaller network."
        title = self._model.loaded.title if self._model else "The network"
        size = getattr(command, "batch_size", 1)
        return too_many_images(title, size)


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


if __name__ == "__main__":
    main()
