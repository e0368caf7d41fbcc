# SPDX-License-Identifier: Apache-2.0
"""The real child, driven the way the bench drives it."""

from __future__ import annotations

import logging
import os
import socket
import struct
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from time import monotonic

import numpy as np
import psutil
import pytest
import torch
from PIL import Image

from monitor_app.core.errors import ChildDiedError
from monitor_app.core.host_time import host_time_ns
from monitor_app.core.runs import Phase
from monitor_app.inference.messages import (
    Batches,
    Evaluate,
    Failed,
    FailureKind,
    Load,
    Loaded,
    PhaseDone,
    Ready,
    Stop,
    Time,
    WarmUp,
)
from monitor_app.inference.process import InferenceChild

LONG_S = 60.0
LOUD = (sys.executable, str(Path(__file__).with_name("loud_child.py")))


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


@pytest.fixture(scope="module")
def child():
    with InferenceChild() as running:
        _, ready = answer(running)
        assert isinstance(ready, Ready)
        assert ready.pid == running.pid
        # Packages from the index do not name what the build itself adds, such as +cu130.
        assert ready.versions["torch"].partition("+")[0] == torch.__version__.partition("+")[0]
        assert ready.versions.keys() == {"python", "torch", "torchvision"}
        assert "cpu" in ready.devices
        assert ready.cpu_count == len(os.sched_getaffinity(0))
        yield running


@pytest.fixture(scope="module")
def lamp(tmp_path_factory):
    """Where the child of networks that misbehave says that it is busy."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(tmp_path_factory.mktemp("lamp") / "lamp"))
        receiver.settimeout(LONG_S)
        yield receiver


@pytest.fixture(scope="module")
def loud(lamp):
    with InferenceChild([Path(lamp.getsockname())], LOUD) as running:
        answer(running)
        yield running


def load(child, network, **options):
    _, loaded = ask(child, Load(network, **options))
    assert isinstance(loaded, Loaded), loaded
    return loaded


def test_before_a_network_is_loaded_the_child_says_so(loud):
    _, event = ask(loud, Time(1, 0, 1))
    assert isinstance(event, Failed)
    assert "load" in event.message


@pytest.mark.parametrize(
    ("network", "top1", "top5", "parameters"),
    [("efficientnet_lite0", 18, 19, 4_652_008), ("squeezenet1_1", 14, 17, 1_235_496)],
)
def test_accuracy_on_the_demo_photographs(child, network, top1, top5, parameters):
    loaded = load(child, network)
    assert loaded.parameters == parameters
    assert loaded.weights is not None
    batches, done = ask(child, Evaluate(8))
    assert [batch.images for batch in batches] == [8, 8, 4]
    assert sum(batch.top1 for batch in batches) == top1
    assert sum(batch.top5 for batch in batches) == top5
    assert replace(done, images_sha256=None, top1=None) == PhaseDone(Phase.ACCURACY, 3, 20)
    assert (done.answers.correct, done.answers.images) == (top1, 20)
    starts = np.cumsum([0, *(batch.images for batch in batches)])
    for start, batch in zip(starts.tolist(), batches, strict=False):
        assert done.top1[start : start + batch.images].count("1") == batch.top1


def test_without_weights_accuracy_is_not_measured(child):
    for options in ({"network": "resnet18"}, {"network": "squeezenet1_1", "weights": "none"}):
        loaded = load(child, **options)
        assert loaded.weights is None
        assert ask(child, Evaluate(8)) == ([], PhaseDone(Phase.ACCURACY, 0, 0, reason="no weights"))


def test_weights_from_a_file(child, tmp_path):
    file = tmp_path / "wrong.pth"
    torch.save({"a": torch.zeros(1)}, file)
    _, event = ask(child, Load("squeezenet1_1", weights=str(file)))
    assert isinstance(event, Failed)
    assert event.kind is FailureKind.WEIGHTS
    assert "do not fit SqueezeNet 1.1" in event.message


def test_timed_batches_lie_in_the_time_of_the_bench_and_follow_each_other(child):
    load(child, "squeezenet1_1")
    asked_ns = host_time_ns()
    batches, done = ask(child, WarmUp(2, 0, 3))
    assert done == PhaseDone(Phase.WARM_UP, 3, 6)
    assert [batch.phase for batch in batches] == [Phase.WARM_UP] * 3
    batches, done = ask(child, Time(1, 0.2, 4))
    ended_ns = host_time_ns()
    assert done.phase is Phase.TIMED
    assert done.batches == len(batches) >= 4
    assert done.images == len(batches)
    edges = [edge for batch in batches for edge in (batch.start_ns, batch.end_ns)]
    assert all(before < after for before, after in pairwise([asked_ns, *edges, ended_ns]))
    assert edges[-1] - edges[0] > 0.15e9
    assert {(batch.images, batch.top1, batch.top5) for batch in batches} == {(1, None, None)}


def test_a_network_that_prints_disturbs_no_message_and_the_lamp_is_lit_exactly_during_its_passes(loud, lamp, caplog):
    caplog.set_level(logging.INFO, "monitor_app.core.child_process")
    load(loud, "talk")
    batches, done = ask(loud, Time(1, 0, 4))
    assert len(batches) == 4
    assert done == PhaseDone(Phase.TIMED, 4, 4)
    edges = [struct.unpack("<qB", lamp.recv(64)) for _ in range(8)]
    lamp.setblocking(False)
    with pytest.raises(BlockingIOError):
        lamp.recv(64)
    # What it prints comes by another way than its answers.
    deadline = monotonic() + LONG_S
    while caplog.text.count("written to the descriptor") < 4 or caplog.text.count("printed by a network") < 4:
        assert monotonic() < deadline
        assert loud.receive(0.01) is None
    assert caplog.text.count("printed by a network") == 4
    assert [busy for _, busy in edges] == [1, 0] * 4
    for batch, (lit_ns, _), (out_ns, _) in zip(batches, edges[::2], edges[1::2], strict=True):
        assert lit_ns <= batch.start_ns
        assert out_ns == batch.end_ns
    times = [at_ns for at_ns, _ in edges]
    assert times == sorted(times)


def test_stop_ends_a_phase_after_its_batch_and_not_the_next_one(child):
    load(child, "squeezenet1_1")
    child.send(Time(1, LONG_S, 1))
    first = child.receive(LONG_S)
    assert isinstance(first, Batches)
    batches, done = ask(child, Stop())
    assert done.stopped
    assert done.batches == len(first.rows) + len(batches)
    # A stop that comes too late stops nothing
    child.send(Stop())
    _, done = ask(child, Time(1, 0, 2))
    assert done == PhaseDone(Phase.TIMED, 2, 2)
    # One that comes early stops what was asked before it
    child.send(Time(1, LONG_S, 1))
    _, done = ask(child, Stop())
    assert done.stopped


def test_an_unknown_network_is_answered_with_the_nearest(child):
    _, event = ask(child, Load("restnet-18"))
    assert isinstance(event, Failed)
    assert event.kind is FailureKind.UNKNOWN_NETWORK
    assert "resnet18" in event.message


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (Load("resnet18", device="cuda:99"), "cuda:99"),
        (Load("resnet18", device="toaster"), "toaster"),
        (Load("resnet18", precision="int3"), "fp32, tf32, fp16, bf16"),
    ],
)
def test_what_is_not_there_is_refused_by_name(child, command, said):
    _, event = ask(child, command)
    assert isinstance(event, Failed)
    assert said in event.message


def test_a_batch_that_does_not_fit_fails_and_the_child_lives_on(child):
    load(child, "squeezenet1_1")
    _, event = ask(child, Time(10**12, 0, 1))
    assert isinstance(event, Failed)
    assert event.kind is FailureKind.OUT_OF_MEMORY
    assert "smaller batch" in event.message
    _, done = ask(child, Time(1, 0, 1))
    assert done == PhaseDone(Phase.TIMED, 1, 1)


def test_bad_images_are_counted_and_named_and_the_rest_is_evaluated(child, tmp_path):
    # A name may be any bytes.
    (tmp_path / os.fsdecode(b"br\xf6ken_3.png")).write_bytes(b"not an image either")
    for index in range(3):
        Image.new("RGB", (30, 30), (90 * index, 0, 0)).save(tmp_path / f"good{index}_1.png")
    (tmp_path / "broken_2.png").write_bytes(b"not an image")
    Image.new("RGB", (30, 30)).save(tmp_path / "nolabel.png")
    load(child, "squeezenet1_1")
    batches, done = ask(child, Evaluate(2, str(tmp_path)))
    assert [batch.images for batch in batches] == [2, 1]
    assert done.images == 3
    assert done.top1.count("-") == 2
    assert done.answers.images == 3
    assert done.reason.startswith("3 images")
    assert "br\\xf6ken_3.png" in done.reason
    assert "broken_2.png" in done.reason
    assert "nolabel.png" in done.reason
    _, event = ask(child, Evaluate(2, str(tmp_path / "missing")))
    assert isinstance(event, Failed)
    assert event.kind is FailureKind.DATASET


def test_other_precisions_run(child, tmp_path):
    for index in range(3):
        Image.new("RGB", (30, 30), (90 * index, 0, 0)).save(tmp_path / f"good{index}_1.png")
    load(child, "squeezenet1_1", precision="bf16")
    _, done = ask(child, Evaluate(20, str(tmp_path)))
    assert replace(done, images_sha256=None, top1=None) == PhaseDone(Phase.ACCURACY, 1, 3)


def test_a_network_that_breaks_fails_in_one_sentence(loud):
    load(loud, "break_down")
    _, event = ask(loud, Time(1, 0, 3))
    assert isinstance(event, Failed)
    assert event.kind is FailureKind.ERROR
    assert "the layer" in event.message
    assert "\n" not in event.message


@pytest.mark.parametrize("network", ["run_out", "run_out_elsewhere"])
def test_running_out_of_memory_is_told_from_other_failures(loud, network):
    load(loud, network)
    _, event = ask(loud, Time(1, 0, 3))
    assert isinstance(event, Failed)
    assert event.kind is FailureKind.OUT_OF_MEMORY


def test_a_line_that_is_no_command_is_refused_and_the_child_lives_on(loud):
    os.write(loud._child._stdin.fileno(), b"hello\n")
    _, event = answer(loud)
    assert isinstance(event, Failed)
    assert "not a message" in event.message
    assert isinstance(ask(loud, Load("talk"))[1], Loaded)


def test_a_child_that_vanishes_is_reported_with_its_last_words():
    with InferenceChild(command=LOUD) as child:
        answer(child)
        load(child, "vanish")
        child.send(Time(1, 0, 1))
        with pytest.raises(ChildDiedError, match=r"exit code 7.*about to vanish"):
            answer(child)


def test_the_end_of_stdin_ends_the_child_in_the_middle_of_a_pass(loud):
    """The last test of that child."""
    load(loud, "hang")
    loud.send(Time(1, 0, 1))
    process = psutil.Process(loud.pid)
    loud._child._stdin.close()
    with pytest.raises(ChildDiedError, match="exit code 0"):
        answer(loud)
    loud.close()
    assert not process.is_running()


def test_a_pass_end_to_end_has_a_stamp_between_its_stages(child):
    ask(child, Load("squeezenet1_1", weights="none"))
    batches, done = ask(child, Time(2, 0.0, 3, images="demo"))
    assert isinstance(done, PhaseDone), done
    assert (done.batches, done.images) == (3, 6)
    for batch in batches:
        assert len(batch.stages_ns) == 6
        assert list(batch.stages_ns) == sorted(batch.stages_ns)
        assert (batch.stages_ns[0], batch.stages_ns[-1]) == (batch.start_ns, batch.end_ns)
        decode_ns, prepare_ns, _, compute_ns, _ = np.diff(batch.stages_ns)
        assert min(decode_ns, prepare_ns, compute_ns) > 0
        assert batch.arrival_ns is None, "a closed loop has no arrivals of its own"


def test_a_folder_without_images_cannot_be_run_end_to_end(child, tmp_path):
    ask(child, Load("squeezenet1_1", weights="none"))
    (tmp_path / "0").mkdir()
    (tmp_path / "0" / "broken.jpg").write_bytes(b"no image")
    _, failed = ask(child, Time(1, 0.0, 1, images=str(tmp_path)))
    assert isinstance(failed, Failed)
    assert failed.kind is FailureKind.DATASET


def test_requests_that_arrive_by_themselves_are_answered_in_their_order(child):
    ask(child, Load("squeezenet1_1", weights="none"))
    batches, done = ask(child, Time(1, 0.2, 4, arrivals="poisson", rate_hz=50.0, seed=4))
    assert isinstance(done, PhaseDone), done
    arrived = [batch.arrival_ns for batch in batches]
    assert arrived == sorted(arrived)
    assert all(batch.arrival_ns <= batch.start_ns for batch in batches)
