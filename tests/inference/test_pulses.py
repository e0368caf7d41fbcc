# SPDX-License-Identifier: Apache-2.0
"""The train of busy and idle, played by the real child."""

from __future__ import annotations

import random
import socket
import struct
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from monitor_app.core.host_time import host_time_ns
from monitor_app.inference.messages import Failed, Played, Pulses, Ready, Stop
from monitor_app.inference.process import InferenceChild

if TYPE_CHECKING:
    from collections.abc import Iterator

LONG_S = 60.0
SHORTEST_S, LONGEST_S = 0.02, 0.08


@pytest.fixture(scope="module")
def lamp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(tmp_path_factory.mktemp("pulses") / "lamp"))
        receiver.setblocking(False)
        yield receiver


@pytest.fixture(scope="module")
def child(lamp: socket.socket) -> Iterator[InferenceChild]:
    with InferenceChild([Path(lamp.getsockname())]) as running:
        assert isinstance(running.receive(LONG_S), Ready)
        yield running


def seen(lamp: socket.socket) -> list[tuple[int, int]]:
    """What a simulated board was told: (host_ns, busy)."""
    edges = []
    while True:
        try:
            edges.append(struct.unpack("<qB", lamp.recv(64)))
        except BlockingIOError:
            return edges


def lengths(seed: int, pulses: int) -> list[float]:
    """Busy, idle, busy, ..., as the seed says."""
    rng = random.Random(seed)
    return [rng.uniform(SHORTEST_S, LONGEST_S) for _ in range(2 * pulses)]


def test_three_pulses_are_as_long_as_they_were_asked_to_be(child: InferenceChild, lamp: socket.socket) -> None:
    asked_ns = host_time_ns()
    child.send(Pulses("cpu", 1, 3, SHORTEST_S, LONGEST_S, seed=11))
    played = child.receive(LONG_S)
    assert isinstance(played, Played)
    assert len(played.edges_ns) == 6
    assert asked_ns < played.edges_ns[0] < played.edges_ns[-1] < host_time_ns()
    wanted = lengths(11, 3)
    for (before_ns, after_ns), wanted_s in zip(pairwise(played.edges_ns), wanted, strict=False):
        assert after_ns - before_ns >= wanted_s * 1e9
    # The board was told of each edge at the time that is reported.
    assert seen(lamp) == [(at_ns, 1 - k % 2) for k, at_ns in enumerate(played.edges_ns)]


def test_the_same_seed_plays_the_same_train_and_another_another(child: InferenceChild, lamp: socket.socket) -> None:
    assert lengths(11, 3) != lengths(12, 3)
    for seed in (12, 13):
        child.send(Pulses("cpu", 1, 1, SHORTEST_S, LONGEST_S, seed=seed))
        played = child.receive(LONG_S)
        assert isinstance(played, Played)
        busy_ns, idle_ns = played.edges_ns
        assert idle_ns - busy_ns >= lengths(seed, 1)[0] * 1e9
    seen(lamp)


def test_a_train_that_is_stopped_ends_idle(child: InferenceChild, lamp: socket.socket) -> None:
    child.send(Pulses("cpu", 1, 10_000, SHORTEST_S, LONGEST_S))
    child.send(Stop())
    played = child.receive(LONG_S)
    assert isinstance(played, Played)
    assert len(played.edges_ns) % 2 == 0
    assert len(played.edges_ns) < 1_000
    told = seen(lamp)
    assert [at_ns for at_ns, _ in told] == list(played.edges_ns)
    assert not told or told[-1][1] == 0


def test_a_device_that_is_not_there_is_said_and_the_child_lives_on(child: InferenceChild, lamp: socket.socket) -> None:
    child.send(Pulses("cuda:9", 1, 1, SHORTEST_S, LONGEST_S))
    failed = child.receive(LONG_S)
    assert isinstance(failed, Failed)
    assert "Pulses failed" in failed.message
    child.send(Pulses("cpu", 1, 1, SHORTEST_S, LONGEST_S))
    assert isinstance(child.receive(LONG_S), Played)
    seen(lamp)
