# SPDX-License-Identifier: Apache-2.0
"""The child that replays figures: `python -m monitor_app.inference.replay_child --board tx1 [--lamp PATH]...`.

An emulated board as an inference device: it uses the messages of docs/inference-protocol.md and replays the
published times, memory and accuracy of the fourteen networks of Canziani et al. 2016. What it reports is
SIMULATED, as the name of its device states. It imports no torch.
"""

from __future__ import annotations

import argparse
import logging
import os
import platform
from dataclasses import dataclass
from functools import partial
from time import perf_counter, sleep
from typing import TYPE_CHECKING, NoReturn

from monitor_app.core.canziani2016 import BOARDS, FLOOR_BYTES, Published, published
from monitor_app.core.errors import InferenceError, NotEnoughMemoryError, first_line
from monitor_app.core.host_time import host_time_ns
from monitor_app.core.runs import EMULATED, MemoryKind, Phase
from monitor_app.inference.arrivals import requests_for
from monitor_app.inference.commands import add_load_signal_option, serve, too_many_images
from monitor_app.inference.messages import (
    Command,
    Evaluate,
    Event,
    Failed,
    FailureKind,
    Load,
    Loaded,
    MeasureMemory,
    MemoryReport,
    PhaseDone,
    Played,
    Pulses,
    Ready,
    Time,
    WarmUp,
)
from monitor_app.inference.networks.counts import known_costs
from monitor_app.inference.networks.registry import NETWORKS, USUAL_NAMES, UnknownNetworkError
from monitor_app.inference.networks.weights import WeightsError
from monitor_app.inference.pulses import play
from monitor_app.inference.replay import Replayer, image_answers, load_of, pass_factors

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from monitor_app.inference.commands import Inbox, Outbox
    from monitor_app.inference.passes import BusySignal

WEIGHTS = "published accuracy (SIMULATED)"
PULSE_WORK_S = 0.001

logger = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Serve commands until `quit` or the end of stdin. Does not return."""
    parser = argparse.ArgumentParser(
        prog="monitor_app.inference.replay_child",
        description="Replay published figures for the bench.",
    )
    parser.add_argument("--board", choices=BOARDS, required=True)
    add_load_signal_option(parser)
    options = parser.parse_args(arguments)
    serve(options.lamp, partial(_ready, options.board), partial(_Worker, options.board))


def _ready(board: str) -> Ready:
    devices = {EMULATED + board: f"{BOARDS[board]} (SIMULATED)"}
    return Ready(os.getpid(), {"python": platform.python_version()}, devices, len(os.sched_getaffinity(0)))


@dataclass(slots=True)
class _ReplayedNetwork:
    """A loaded network, and how far it has been replayed."""

    loaded: Loaded
    figures: Published
    factors: Iterator[float]
    seed: int
    largest_batch: int = 0


class _Worker:
    """Carries out the commands on the main thread, one after another."""

    def __init__(self, board: str, inbox: Inbox, outbox: Outbox, load_signal: BusySignal) -> None:
        self._board = board
        self._inbox = inbox
        self._load_signal = load_signal
        self._replayer = Replayer(load_signal, outbox.send, inbox.stopped)
        self._network: _ReplayedNetwork | None = None

    def answer(self, command: Command) -> Event:
        """The last event of a command. Every failure becomes Failed, and the child continues."""
        try:
            return self._carry_out(command)
        except InferenceError as error:
            return Failed(_kind(error), str(error))
        except Exception as error:
            logger.exception("%s failed", command)
            what = type(command).__name__
            return Failed(FailureKind.ERROR, f"{what} failed ({first_line(error)}): see the log for details.")

    def _carry_out(self, command: Command) -> Event:
        if isinstance(command, Load):
            self._network = None
            self._network = _load(command, self._board)
            return self._network.loaded
        if isinstance(command, Pulses):
            _check_device(command.device, self._board)
            edges_ns = play(command, self._load_signal, self._inbox.stopped, partial(sleep, PULSE_WORK_S))
            return Played(tuple(edges_ns))
        if isinstance(command, MeasureMemory):
            return _memory(self._network)
        if self._network is None:
            raise InferenceError("No network is loaded: send `load` before the phases.")
        if isinstance(command, WarmUp):
            return self._run_for(self._network, Phase.WARM_UP, command)
        if isinstance(command, Time):
            return self._run_for(self._network, Phase.TIMED, command)
        if isinstance(command, Evaluate):
            return self._evaluate(self._network)
        raise InferenceError(f"{type(command).__name__} is not a command of this process.")

    def _run_for(self, network: _ReplayedNetwork, phase: Phase, command: WarmUp | Time) -> PhaseDone:
        if command.images:
            raise InferenceError(
                "The times of decoding and copying were not published, so an emulated board cannot replay them: leave "
                "end_to_end out."
            )
        batch_s = _batch_s(network, command.batch_size)
        load = load_of(network.figures.name, command.batch_size, network.seed)
        self._load_signal.set_load(load, host_time_ns())
        network.largest_batch = max(network.largest_batch, command.batch_size)
        lengths_s = (batch_s * factor for factor in network.factors)
        return self._replayer.run_for(phase, command.batch_size, lengths_s, requests_for(command))

    def _evaluate(self, network: _ReplayedNetwork) -> PhaseDone:
        if network.loaded.weights is None or network.figures.top1_percent is None:
            return PhaseDone(Phase.ACCURACY, 0, 0, reason="no weights")
        return self._replayer.evaluate(image_answers(network.figures.top1_percent, network.seed))


def _load(command: Load, board: str) -> _ReplayedNetwork:
    """The figures of that network.

    Raises:
        InferenceError: there are none for it, or not for what the command asks for.
    """
    started = perf_counter()
    _check_device(command.device, board)
    network = NETWORKS.get(command.network)
    costs = known_costs(command.network)
    if network is None or network.paper_name is None or costs is None:
        raise UnknownNetworkError(
            f"There are no published figures of {command.network!r} to replay: choose one of {', '.join(_names())}."
        )
    _check_published(command)
    figures = published()[network.paper_name]
    loaded = Loaded(
        network=network.name,
        title=network.title,
        parameters=costs.parameters,
        macs=costs.macs,
        operations=costs.operations,
        input_pixels=network.input_pixels,
        weights=None if command.weights == "none" or figures.top1_percent is None else WEIGHTS,
        weights_sha256=None,
        seconds=perf_counter() - started,
    )
    return _ReplayedNetwork(loaded, figures, pass_factors(command.seed), command.seed)


def _names() -> list[str]:
    return [name for name in USUAL_NAMES if NETWORKS[name].paper_name is not None]


def _check_device(device: str, board: str) -> None:
    if device != EMULATED + board:
        raise InferenceError(f"An emulated board has no device {device!r}: use {EMULATED + board}.")


def _check_published(command: Load) -> None:
    """Threads and the seed change nothing that was published; all else would."""
    if command.precision != "fp32":
        raise InferenceError(f"An emulated board replays fp32 only, not {command.precision!r}: use fp32.")
    if command.channels_last or command.compiled:
        raise InferenceError("An emulated board supports neither channels_last nor compiled: leave them out.")
    if command.weights not in ("auto", "hub", "none"):
        raise WeightsError(f"An emulated board has no use for the weights in {command.weights}: use auto or none.")


def _batch_s(network: _ReplayedNetwork, batch_size: int) -> float:
    title, figures = network.loaded.title, network.figures
    if not figures.fits(batch_size):
        raise NotEnoughMemoryError(too_many_images(title, batch_size))
    batch_s = figures.batch_s(batch_size)
    if batch_s is None:
        raise InferenceError(
            f"It is not published how long {title} takes with {batch_size} images at a time: "
            f"choose a batch size from {min(figures.time_ms)} to {max(figures.time_ms)}."
        )
    return batch_s


def _memory(network: _ReplayedNetwork | None) -> MemoryReport:
    net_bytes = network.figures.net_memory_bytes(network.largest_batch) if network else None
    if net_bytes is None:
        return MemoryReport(())
    return MemoryReport(((MemoryKind.SYSTEM, FLOOR_BYTES + net_bytes, FLOOR_BYTES),))


def _kind(error: InferenceError) -> FailureKind:
    kinds = {
        UnknownNetworkError: FailureKind.UNKNOWN_NETWORK,
        NotEnoughMemoryError: FailureKind.OUT_OF_MEMORY,
        WeightsError: FailureKind.WEIGHTS,
    }
    return kinds.get(type(error), FailureKind.ERROR)


if __name__ == "__main__":
    main()
