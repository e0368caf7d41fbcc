# SPDX-License-Identifier: Apache-2.0
"""What both children must do alike, whether a network runs or figures are played."""

from __future__ import annotations

import os
import queue
import socket
import struct
import threading
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

import pytest

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
    Played,
    Pulses,
    Ready,
    Stop,
    Time,
    WarmUp,
    encode,
)
from monitor_app.inference.networks.counts import known_costs
from monitor_app.inference.process import InferenceChild, child_kind

LONG_S = 60.0


class Kind(NamedTuple):
    device: str
    network: str
    too_big: tuple[str, str, int]
    """Network, its title, and a batch size that its memory does not take."""


KINDS = (
    Kind("cpu", "squeezenet1_1", ("squeezenet1_1", "SqueezeNet 1.1", 10**12)),
    Kind("emulated:tx1", "bn_nin", ("vgg16", "VGG-16", 32)),
)


@pytest.fixture(scope="module", params=KINDS, ids=[kind.device for kind in KINDS])
def kind(request):
    return request.param


class Board:
    """A simulated board that is told when it is busy, and takes it all at once."""

    def __init__(self, path):
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._edges = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._take)
        self._thread.start()

    def _take(self):
        while message := self._socket.recv(64):
            # A longer message says how much power the network draws.
            if len(message) == 9:
                self._edges.put(struct.unpack("<qB", message))

    def told(self, since_ns, until_ns):
        """(host_ns, busy) of the edges from one time to the edge at another."""
        edges = []
        while not edges or edges[-1][0] < until_ns:
            edge = self._edges.get(timeout=LONG_S)
            if edge[0] >= since_ns:
                edges.append(edge)
        return edges

    def close(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"", str(self.path))
        self._thread.join(LONG_S)
        self._socket.close()


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    board = Board(tmp_path_factory.mktemp("board") / "lamp")
    yield board
    board.close()


@pytest.fixture(scope="module")
def child(kind, board):
    with InferenceChild([board.path], child_kind(kind.device).command) as running:
        ready = running.receive(LONG_S)
        assert isinstance(ready, Ready)
        assert ready.pid == running.pid
        assert kind.device in ready.devices
        assert "python" in ready.versions
        assert ready.cpu_count == len(os.sched_getaffinity(0))
        for command in (Time(1, 0, 1), WarmUp(1, 0, 1), Evaluate(1)):
            _, failed = ask(running, command)
            assert isinstance(failed, Failed)
            assert "send `load`" in failed.message
        assert ask(running, MeasureMemory()) == ([], MemoryReport(()))
        yield running


@pytest.fixture
def loaded(child, kind):
    _, event = ask(child, Load(kind.network, device=kind.device))
    assert isinstance(event, Loaded), event
    return event


def answer(child):
    """The batches that come before the next other event, and that event."""
    batches = []
    while True:
        event = child.receive(LONG_S)
        assert event is not None, "the child is silent"
        if not isinstance(event, Batches):
            return batches, event
        batches += event.batches


def ask(child, command):
    child.send(command)
    return answer(child)


def test_what_is_loaded_has_the_costs_of_the_table(loaded, kind):
    costs = known_costs(kind.network)
    assert loaded.network == kind.network
    assert (loaded.parameters, loaded.macs, loaded.operations) == (costs.parameters, costs.macs, costs.operations)
    assert loaded.seconds >= 0


@pytest.mark.parametrize(("phase", "command"), [(Phase.WARM_UP, WarmUp), (Phase.TIMED, Time)])
def test_batches_follow_each_other_with_the_lamp_lit_during_each(child, loaded, board, phase, command):
    asked_ns = host_time_ns()
    batches, done = ask(child, command(2, 0.1, 4))
    edges = [edge for batch in batches for edge in (batch.start_ns, batch.end_ns)]
    assert all(before < after for before, after in pairwise([asked_ns, *edges, host_time_ns()]))
    assert done == PhaseDone(phase, len(batches), 2 * len(batches))
    assert len(batches) >= 4
    assert {(batch.phase, batch.images, batch.top1, batch.top5) for batch in batches} == {(phase, 2, None, None)}
    told = board.told(asked_ns, edges[-1])
    assert [busy for _, busy in told] == [1, 0] * len(batches)
    for batch, (lit_ns, _), (out_ns, _) in zip(batches, told[::2], told[1::2], strict=True):
        assert lit_ns <= batch.start_ns
        assert out_ns == batch.end_ns


def test_accuracy_comes_in_batches_of_answers(child, loaded):
    batches, done = ask(child, Evaluate(8))
    images = sum(batch.images for batch in batches)
    assert replace(done, images_sha256=None, top1=None) == PhaseDone(Phase.ACCURACY, len(batches), images)
    assert done.answers.images == len(done.top1) == images
    assert done.answers.correct == sum(batch.top1 for batch in batches)
    assert all(0 <= batch.top1 <= batch.images for batch in batches)
    assert all(before.end_ns <= after.start_ns for before, after in pairwise(batches))


def test_without_weights_accuracy_is_not_measured(child, kind):
    _, event = ask(child, Load(kind.network, device=kind.device, weights="none"))
    assert event.weights is None
    assert ask(child, Evaluate(8)) == ([], PhaseDone(Phase.ACCURACY, 0, 0, reason="no weights"))


def test_stop_ends_what_was_asked_before_it_and_nothing_else(child, loaded):
    child.send(Time(1, LONG_S, 1))
    assert isinstance(child.receive(LONG_S), Batches)
    _, done = ask(child, Stop())
    assert done.stopped
    child.send(Stop())
    assert ask(child, Time(1, 0, 2))[1] == PhaseDone(Phase.TIMED, 2, 2)
    child.send(Time(1, LONG_S, 1))
    assert ask(child, Stop())[1].stopped


def test_too_large_a_batch_is_said_in_the_same_words(child, kind):
    network, title, size = kind.too_big
    ask(child, Load(network, device=kind.device))
    said = f"{title} with {size} images at a time does not fit into memory: use a smaller batch size."
    assert ask(child, Time(size, 0, 1)) == ([], Failed(FailureKind.OUT_OF_MEMORY, said))
    assert isinstance(ask(child, Time(1, 0, 1))[1], PhaseDone)


@pytest.mark.parametrize("command", [Load("nonsense"), Load("bn_nin", device="toaster"), Load("bn_nin", "int3")])
def test_what_cannot_be_loaded_fails_in_one_sentence_and_the_child_lives_on(child, kind, command):
    device = command.device if command.device == "toaster" else kind.device
    _, failed = ask(child, Load(command.network, command.precision, device))
    assert isinstance(failed, Failed)
    assert (failed.kind is FailureKind.UNKNOWN_NETWORK) is (command.network == "nonsense")
    assert failed.message.endswith(".")
    assert "\n" not in failed.message
    assert isinstance(ask(child, Load(kind.network, device=kind.device))[1], Loaded)


@pytest.mark.parametrize("line", [b"hello\n", b'{"type":"time"}\n', encode(PhaseDone(Phase.TIMED, 1, 1))])
def test_what_is_no_command_is_refused_and_the_child_lives_on(child, loaded, line):
    os.write(child._child._stdin.fileno(), line)
    _, failed = answer(child)
    assert isinstance(failed, Failed)
    assert failed.kind is FailureKind.ERROR
    assert isinstance(ask(child, Time(1, 0, 1))[1], PhaseDone)


def test_pulses_are_told_to_the_board_as_they_are_reported(child, kind, board):
    asked_ns = host_time_ns()
    _, played = ask(child, Pulses(kind.device, 1, 3, 0.02, 0.05, seed=4))
    assert isinstance(played, Played)
    assert len(played.edges_ns) == 6
    told = board.told(asked_ns, played.edges_ns[-1])
    assert told == [(at_ns, 1 - k % 2) for k, at_ns in enumerate(played.edges_ns)]
    assert all(after - before >= 0.02e9 for before, after in pairwise(played.edges_ns))


def test_memory_is_told_by_whose_account_it_is(child, kind, loaded):
    ask(child, Time(1, 0, 1))
    _, report = ask(child, MeasureMemory())
    assert isinstance(report, MemoryReport)
    assert all(use.peak_bytes >= use.floor_bytes > 0 for use in report.uses)
