# SPDX-License-Identifier: Apache-2.0
"""The inference child: `python -m monitor_app.inference.child [--lamp PATH]...`.

Takes commands on stdin and gives events on stdout, one JSON object a line (docs/inference-protocol.md).
A process of its own, so that a network can neither stall the acquisition nor take the recording down.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import logging
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from monitor_app.core.errors import InferenceError, NotEnoughMemoryError, first_line
from monitor_app.core.garbage import keep_what_is_there
from monitor_app.core.runs import Phase
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
from monitor_app.inference.torch_missing import PACKAGES, require_torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor_app.inference.commands import Inbox, Outbox
    from monitor_app.inference.loading import RunningNetwork
    from monitor_app.inference.memory import MemoryMeter
    from monitor_app.inference.messages import Loaded
    from monitor_app.inference.passes import BusySignal

logger = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Serve commands until `quit` or the end of stdin. Does not return."""
    parser = argparse.ArgumentParser(prog="monitor_app.inference.child", description="Run networks for the bench.")
    add_load_signal_option(parser)
    options = parser.parse_args(arguments)
    _prefer_as_oom_victim()
    serve(options.lamp, _ready, _Worker)


def _prefer_as_oom_victim() -> None:
    """Make this process the one that the kernel kills when memory runs out: by size it might choose the bench.

    Memory that a GPU uses of that which it shares with the processor is counted for no process.
    """
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def _ready() -> Ready:
    require_torch()
    # The first import of torch, which takes seconds; stdin is watched meanwhile
    from monitor_app.inference.loading import device_names

    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "not installed"
    keep_what_is_there()
    return Ready(os.getpid(), versions, device_names(), len(os.sched_getaffinity(0)))


class _Worker:
    """Carries out the commands on the main thread, one after another."""

    def __init__(self, inbox: Inbox, outbox: Outbox, load_signal: BusySignal) -> None:
        self._inbox = inbox
        self._outbox = outbox
        self._load_signal = load_signal
        self._running: RunningNetwork | None = None
        self._memory: MemoryMeter | None = None
        self._fresh = True

    def answer(self, command: Command) -> Event:
        """The last event of a command. Every failure becomes Failed, and the child continues."""
        try:
            return self._carry_out(command)
        except Exception as error:  # noqa: BLE001 - the edge of the process
            failed = self._failed(command, error)
        # Only here the frames that held the tensors are gone
        _free_memory()
        return failed

    def _carry_out(self, command: Command) -> Event:
        from monitor_app.inference.measure import Runner

        if isinstance(command, Load):
            return self._load(command)
        if isinstance(command, Pulses):
            return self._play(command)
        if isinstance(command, MeasureMemory):
            return MemoryReport(self._memory.rows() if self._memory else ())
        if self._running is None:
            raise InferenceError("No network is loaded: send `load` before the phases.")
        runner = Runner(self._running, self._load_signal, self._outbox.send, self._inbox.stopped)
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
        raise InferenceError(f"{type(command).__name__} is not a command of this process.")

    def _load(self, command: Load) -> Loaded:
        from monitor_app.inference.loading import find_device, load_network, prepare_for
        from monitor_app.inference.memory import MemoryMeter

        self._memory = None
        if self._fresh:
            # Memory that an earlier network has left allocated would be counted for this one.
            self._fresh = False
            prepare_for(command.network)
            keep_what_is_there()
            self._memory = MemoryMeter(find_device(command.device))
        self._running = None
        _free_memory()
        self._running = load_network(command)
        if self._memory is not None:
            _free_memory()
            self._memory.begin()
        return self._running.loaded

    def _play(self, command: Pulses) -> Played:
        from monitor_app.inference.pulses import multiplication, play

        return Played(tuple(play(command, self._load_signal, self._inbox.stopped, multiplication(command))))

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
        title = self._running.loaded.title if self._running else "The network"
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


def _free_memory() -> None:
    import torch

    gc.collect()
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.empty_cache()


if __name__ == "__main__":
    main()
