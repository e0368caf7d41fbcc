# SPDX-License-Identifier: Apache-2.0
"""The emulated board as an inference device, driven the way the bench drives it, in real time."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from statistics import fmean

import psutil
import pytest

from monitor_app.core.errors import ChildDiedError, InferenceError
from monitor_app.core.runs import MemoryKind, Phase, RunSpec
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
    Quit,
    Ready,
    Stop,
    Time,
    WarmUp,
)
from monitor_app.inference.networks.registry import NETWORKS
from monitor_app.inference.process import COMMAND, InferenceChild, child_kind

LONG_S = 60.0
DEVICE = "emulated:tx1"
# As they are plotted, read here apart from the table.
DOES_NOT_FIT_32 = ["enet", "resnet50", "inception_v3_2016", "resnet101_2016", "inception_v4_2016", "resnet152_2016",
                   "vgg16", "vgg19"]  # fmt: skip


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


def load(child, network, **options):
    _, loaded = ask(child, Load(network, device=DEVICE, **options))
    assert isinstance(loaded, Loaded), loaded
    return loaded


@pytest.fixture(scope="module")
def child():
    with InferenceChild(command=child_kind(DEVICE).command) as running:
        _, ready = answer(running)
        assert isinstance(ready, Ready)
        assert ready.pid == running.pid
        assert ready.devices == {DEVICE: "Jetson TX1 (SIMULATED)"}
        assert ready.versions.keys() == {"python"}
        yield running


def test_the_device_says_which_child_it_needs():
    assert child_kind("cpu") == child_kind("cuda:0")
    assert child_kind("cpu").command[: len(COMMAND)] == COMMAND
    assert child_kind(DEVICE).program == "replay"
    assert RunSpec("vgg16", device=DEVICE).simulated


@pytest.mark.parametrize("board", ["tx2", "", "TX1"])
def test_a_board_without_figures_is_refused_by_name(board):
    with pytest.raises(InferenceError, match=rf"'{board}'.*emulated:tx1"):
        child_kind(f"emulated:{board}")


def test_it_does_without_torch():
    script = "import sys\nsys.modules['torch'] = sys.modules['torchvision'] = None\n"
    script += "from monitor_app.inference.replay_child import main\nmain(['--board', 'tx1'])"
    with InferenceChild(command=(sys.executable, "-c", script)) as bare:
        assert isinstance(answer(bare)[1], Ready)
        load(bare, "alexnet_2016")
        assert isinstance(ask(bare, Time(1, 0, 1))[1], PhaseDone)
        assert isinstance(ask(bare, Evaluate(1))[1], PhaseDone)
        assert isinstance(ask(bare, Pulses(DEVICE, 1, 1, 0.01, 0.02))[1], Played)
        assert isinstance(ask(bare, MeasureMemory())[1], MemoryReport)


def test_what_is_loaded_is_the_network_of_the_paper(child):
    loaded = load(child, "vgg16")
    assert (loaded.title, loaded.parameters, loaded.input_pixels) == ("VGG-16", 138_357_544, 224)
    assert loaded.operations == pytest.approx(30.97e9, abs=5e6)
    assert loaded.macs == pytest.approx(15.470e9, rel=1e-4)
    assert loaded.weights == "published accuracy (SIMULATED)"
    assert loaded.weights_sha256 is None


def test_each_of_the_fourteen_is_loaded_and_no_other(child):
    paper = [name for name, network in NETWORKS.items() if network.paper_name]
    assert len(paper) == 14
    for name in paper:
        assert load(child, name).network == name
    # The paper's alexnet and resnet101 have names of their own.
    for name in ("alexnet", "resnet101", "efficientnet_lite0", "nonsense", "some.module:function"):
        _, failed = ask(child, Load(name, device=DEVICE))
        assert isinstance(failed, Failed)
        assert failed.kind is FailureKind.UNKNOWN_NETWORK
        assert repr(name) in failed.message
        assert all(each in failed.message for each in paper)


@pytest.mark.parametrize(
    ("options", "kind", "said"),
    [
        ({"device": "cpu"}, FailureKind.ERROR, "use emulated:tx1"),
        ({"precision": "fp16"}, FailureKind.ERROR, "use fp32"),
        ({"channels_last": True}, FailureKind.ERROR, "channels_last"),
        ({"compiled": True}, FailureKind.ERROR, "compiled"),
        ({"weights": "/tmp/my.pth"}, FailureKind.WEIGHTS, "/tmp/my.pth"),
    ],
)
def test_what_was_never_published_is_refused(child, options, kind, said):
    load(child, "bn_nin")
    _, failed = ask(child, Load("vgg16", **{"device": DEVICE, **options}))
    assert isinstance(failed, Failed)
    assert failed.kind is kind
    assert said in failed.message
    # The network before has gone
    assert isinstance(ask(child, Time(1, 0, 1))[1], Failed)


@pytest.mark.parametrize(
    ("network", "size", "batches", "image_ms"),
    [("bn_nin", 1, 40, 13.7), ("alexnet_2016", 16, 8, 7.5), ("vgg16", 1, 6, 161.0), ("alexnet_2016", 64, 3, 5.8)],
)
def test_batches_last_as_long_as_was_published(child, network, size, batches, image_ms):
    load(child, network)
    (cold,), _ = ask(child, WarmUp(size, 0, 1))
    rows, done = ask(child, Time(size, 0, batches))
    assert done == PhaseDone(Phase.TIMED, batches, batches * size)
    # A machine that is busy makes passes longer, and others after them at most as much shorter. How long they last
    # where nothing stalls is held exactly in test_replay.py, by a clock of its own.
    images_ns = [(row.end_ns - row.start_ns) / size for row in rows]
    assert fmean(images_ns) > 0.99 * image_ms * 1e6
    assert min(images_ns) < 1.01 * image_ms * 1e6
    assert cold.end_ns - cold.start_ns > 1.4 * size * image_ms * 1e6
    assert {(row.images, row.top1, row.top5, row.device_ns) for row in rows} == {(size, None, None, None)}


@pytest.mark.parametrize("network", DOES_NOT_FIT_32)
@pytest.mark.parametrize("size", [32, 48, 64])
def test_what_did_not_fit_does_not_fit_here(child, network, size):
    title = load(child, network).title
    for command in (WarmUp(size, 0, 1), Time(size, 0, 1)):
        said = f"{title} with {size} images at a time does not fit into memory: use a smaller batch size."
        assert ask(child, command) == ([], Failed(FailureKind.OUT_OF_MEMORY, said))


@pytest.mark.parametrize(("network", "size", "range_"), [("bn_nin", 65, "1 to 64"), ("vgg16", 17, "1 to 16")])
def test_beyond_what_was_tried_nothing_is_made_up(child, network, size, range_):
    load(child, network)
    _, failed = ask(child, Time(size, 0, 1))
    assert isinstance(failed, Failed)
    assert failed.kind is FailureKind.ERROR
    assert range_ in failed.message


def test_accuracy_is_exactly_what_was_published(child):
    load(child, "inception_v4_2016", seed=3)
    batches, done = ask(child, Evaluate(8, "/no/such/folder"))
    assert replace(done, images_sha256=None, top1=None) == PhaseDone(Phase.ACCURACY, 100, 50_000)
    assert (done.answers.correct, done.answers.images) == (40_050, 50_000)
    assert sum(batch.top1 for batch in batches) == 40_050
    assert {(batch.images, batch.top5) for batch in batches} == {(500, None)}
    assert all(0 <= batch.top1 <= 500 for batch in batches)


def test_without_weights_accuracy_is_not_played(child):
    assert load(child, "vgg16", weights="none").weights is None
    assert ask(child, Evaluate(8)) == ([], PhaseDone(Phase.ACCURACY, 0, 0, reason="no weights"))


def test_an_accuracy_pass_can_be_stopped(child):
    load(child, "vgg16")
    child.send(Evaluate(8))
    child.send(Stop())
    _, done = answer(child)
    assert done.stopped
    assert done.images < 50_000
    assert done.answers.images == done.images
    assert len(done.top1) == 50_000


def test_memory_is_that_of_the_largest_batch_since_loading(child):
    load(child, "bn_nin")
    assert ask(child, MeasureMemory()) == ([], MemoryReport(()))
    for size, megabytes in ((1, 203), (32, 218), (2, 218)):
        ask(child, Time(size, 0, 1))
        _, report = ask(child, MeasureMemory())
        (use,) = report.uses
        assert use.kind is MemoryKind.SYSTEM
        assert use.net_bytes == megabytes * 1_000_000
        assert 0 < use.floor_bytes < use.peak_bytes < 4e9
    load(child, "bn_nin")
    assert ask(child, MeasureMemory()) == ([], MemoryReport(()))


def test_memory_that_was_not_published_is_not_measured(child):
    load(child, "enet")
    ask(child, Time(1, 0, 1))
    assert ask(child, MeasureMemory()) == ([], MemoryReport(()))


def test_pulses_for_another_device_are_refused(child):
    _, failed = ask(child, Pulses("cpu", 1, 1, 0.01, 0.02))
    assert isinstance(failed, Failed)
    assert "'cpu'" in failed.message


def test_quit_ends_it_in_the_middle_of_a_phase():
    with InferenceChild(command=child_kind(DEVICE).command) as child:
        answer(child)
        load(child, "vgg16")
        child.send(Time(1, LONG_S, 1))
        assert isinstance(child.receive(LONG_S), Batches)
        child.send(Quit())
        _, done = answer(child)
        assert done.stopped
        with pytest.raises(ChildDiedError, match="exit code 0"):
            answer(child)


def test_the_end_of_stdin_ends_it_in_the_middle_of_a_pass():
    with InferenceChild(command=child_kind(DEVICE).command) as child:
        answer(child)
        load(child, "vgg19")
        child.send(Time(16, LONG_S, 1))
        process = psutil.Process(child.pid)
        child._child._stdin.close()
        with pytest.raises(ChildDiedError, match="exit code 0"):
            answer(child)
    assert not process.is_running()


def test_it_does_not_outlive_its_parent():
    """The parent is killed while another process holds the child's stdin open, so only the kernel can tell it."""
    parent = (
        "import os, subprocess, time\n"
        "from monitor_app.inference.process import InferenceChild, child_kind\n"
        "child = InferenceChild(command=child_kind('emulated:tx1').command)\n"
        "child.receive(60)\n"
        "os.set_inheritable(child._child._stdin.fileno(), True)\n"
        "holder = subprocess.Popen(['sleep', '60'], close_fds=False)\n"
        "print(child.pid, holder.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True) as process:
        child, holder = (psutil.Process(int(pid)) for pid in process.stdout.readline().split())
        process.kill()
        process.wait()
        try:
            gone, _ = psutil.wait_procs([child], timeout=30)
            assert gone == [child]
        finally:
            holder.kill()
