# SPDX-License-Identifier: Apache-2.0
"""Memory of a fresh process: of real children against the size of their weights, and from files as the kernel's."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from monitor_app.inference import memory
from monitor_app.inference.back_ends.pytorch import CudaMemory
from monitor_app.inference.memory import MemoryMeter, gpu_bytes_of, is_unified
from monitor_app.inference.messages import Batches, Load, Loaded, MeasureMemory, MemoryReport, Time, WarmUp
from monitor_app.inference.process import InferenceChild

LONG_S = 60.0
MB = 1e6
KIB = 1024


# -- real networks in real processes ------------------------------------------------------------------


def ask(child, command):
    """The answer to a command, its batches left out."""
    if command is not None:
        child.send(command)
    while isinstance(event := child.receive(LONG_S), Batches):
        pass
    assert event is not None, "the child is silent"
    return event


def load(child, network):
    loaded = ask(child, Load(network, weights="none"))
    assert isinstance(loaded, Loaded), loaded
    return loaded


def uses(child):
    report = ask(child, MeasureMemory())
    assert isinstance(report, MemoryReport)
    return {use.kind.value: use for use in report.uses}


def fresh(network, *batch_sizes):
    """Megabytes of its weights and what it needed up to each of these batch sizes, in a process of its own."""
    with InferenceChild() as child:
        ask(child, None)
        weights = load(child, network).parameters * 4
        needed = []
        for size in batch_sizes:
            ask(child, WarmUp(size, 0.0, 1))
            ask(child, Time(size, 0.0, 1))
            needed.append(uses(child)["pss"])
        return weights / MB, *needed


@pytest.fixture(scope="module")
def of_resnet18():
    return fresh("resnet18", 1, 8)


def test_a_network_needs_its_weights_and_what_it_computes_and_not_the_packages_that_build_it(of_resnet18):
    """About 7 MB of activations and as much again for the library's own buffers; packages would be 100 MB more."""
    weights_mb, pss, _ = of_resnet18
    assert weights_mb == pytest.approx(46.8, abs=0.1)
    assert 1.05 * weights_mb < pss.net_bytes / MB < weights_mb + 60
    assert pss.floor_bytes > 100 * MB


def test_a_large_network_needs_as_much_more_as_it_has_more_weights(of_resnet18):
    _, small, _ = of_resnet18
    weights_mb, large = fresh("resnet50", 1)
    assert weights_mb == pytest.approx(102.2, abs=0.1)
    assert weights_mb < large.net_bytes / MB < weights_mb + 80
    assert large.net_bytes - small.net_bytes > 45 * MB
    assert large.floor_bytes == pytest.approx(small.floor_bytes, rel=0.05)


def test_a_larger_batch_needs_more(of_resnet18):
    _, one, eight = of_resnet18
    # Eight images of the network's input and of its largest layer, 64 x 112 x 112, in and out.
    least = 7 * (3 * 224**2 + 2 * 64 * 112**2) * 4
    assert eight.net_bytes - one.net_bytes > least
    assert eight.floor_bytes == one.floor_bytes


def test_only_the_first_network_of_a_process_is_measured_and_a_small_one_needs_little():
    with InferenceChild() as child:
        ask(child, None)
        # The kernel ends it before it ends anything else.
        assert (Path("/proc") / str(child.pid) / "oom_score_adj").read_text().strip() == "1000"
        assert uses(child) == {}
        weights_mb = load(child, "squeezenet1_1").parameters * 4 / MB
        ask(child, Time(1, 0.0, 1))
        first = uses(child)["pss"]
        assert weights_mb < 5
        assert weights_mb < first.net_bytes / MB < 60
        load(child, "squeezenet1_1")
        ask(child, Time(1, 0.0, 1))
        assert uses(child) == {}


# -- arithmetic ---------------------------------------------------------------------------------------


class Proc:
    """The files of the kernel that are read; numbers in kB, as they stand there."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "self").mkdir()
        (root / "self" / "clear_refs").touch()

    def set(self, *, pss: int, now: int, peak: int, total: int = 4_000_000, left: int = 3_000_000) -> None:
        (self.root / "self" / "smaps_rollup").write_text(
            f"55a2-7ffc ---p 00000000 00:00 0    [rollup]\nRss:  {now} kB\nPss:      {pss} kB\nPss_Dirty:   7 kB\n"
        )
        (self.root / "self" / "status").write_text(
            f"Name:\tpython\nVmPeak:\t 99999999 kB\nVmHWM:\t  {peak} kB\nVmRSS:\t  {now} kB\nThreads:\t3\n"
        )
        (self.root / "meminfo").write_text(
            f"MemTotal:       {total} kB\nMemFree:   1 kB\nMemAvailable:   {left} kB\nSwapTotal:  0 kB\n"
        )

    def told(self) -> str:
        return (self.root / "self" / "clear_refs").read_text()


@pytest.fixture
def proc(tmp_path):
    return Proc(tmp_path)


def meter(proc, *, unified=False):
    return MemoryMeter(proc=proc.root, unified=unified)


def test_the_peak_is_what_is_held_now_and_what_was_held_beyond_it(proc):
    proc.set(pss=200_000, now=220_000, peak=220_000)
    made = meter(proc)
    proc.set(pss=260_000, now=290_000, peak=350_000)
    assert made.rows() == (("pss", (260_000 + 60_000) * KIB, 200_000 * KIB),)


def test_the_whole_system_counts_where_processor_and_gpu_share_one_memory(proc):
    proc.set(pss=200_000, now=220_000, peak=220_000, left=3_000_000)
    made = meter(proc, unified=True)
    # What a GPU took of it shows nowhere in the process.
    proc.set(pss=210_000, now=230_000, peak=240_000, left=2_400_000)
    assert made.rows() == (
        ("pss", 220_000 * KIB, 200_000 * KIB),
        ("system", (4_000_000 - 2_400_000 + 10_000) * KIB, 1_000_000 * KIB),
    )


def test_a_peak_is_no_less_than_the_floor(proc):
    """Others gave memory back meanwhile."""
    proc.set(pss=200_000, now=220_000, peak=220_000, left=3_000_000)
    made = meter(proc, unified=True)
    proc.set(pss=190_000, now=220_000, peak=220_000, left=3_500_000)
    assert [(peak - floor) for _, peak, floor in made.rows()] == [0, 0]


def test_peaks_are_forgotten_before_the_floor_and_when_the_network_is_loaded(proc):
    proc.set(pss=1, now=1, peak=1)
    made = meter(proc)
    assert proc.told() == "5"
    (proc.root / "self" / "clear_refs").write_text("")
    made.begin()
    assert proc.told() == "5"


def test_a_kernel_that_forgets_no_peak_is_no_hindrance(proc):
    (proc.root / "self" / "clear_refs").unlink()
    (proc.root / "self" / "clear_refs").mkdir()
    proc.set(pss=1, now=1, peak=1)
    assert meter(proc).rows() == (("pss", KIB, KIB),)


@pytest.mark.parametrize(
    ("file", "text", "left"),
    [
        ("self/smaps_rollup", None, {"system"}),
        ("self/smaps_rollup", "Rss: 3 kB\n", {"system"}),
        ("self/smaps_rollup", "Pss: many kB\nPss:\n", {"system"}),
        ("meminfo", None, {"pss"}),
        ("meminfo", "MemTotal: 5 kB\n", {"pss"}),
        ("self/status", None, {"pss", "system"}),
    ],
)
def test_an_account_that_the_kernel_does_not_give_is_left_out(proc, file, text, left):
    proc.set(pss=1, now=1, peak=1)
    (proc.root / file).unlink()
    if text is not None:
        (proc.root / file).write_text(text)
    assert {kind for kind, *_ in meter(proc, unified=True).rows()} == left


def test_an_account_without_a_floor_is_left_out(proc):
    proc.set(pss=1, now=1, peak=1)
    hidden = proc.root / "self" / "smaps_rollup"
    text = hidden.read_text()
    hidden.unlink()
    made = meter(proc)
    hidden.write_text(text)
    assert made.rows() == ()


# -- which machine -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tree", "unified"),
    [
        (b"nvidia,p3768-0000+p3767-0005\0nvidia,p3767-0005\0nvidia,tegra234\0", True),
        (b"raspberrypi,5-model-b\0brcm,bcm2712\0", False),
        (None, False),
    ],
)
def test_a_tegra_tells_itself_by_its_device_tree(tmp_path, monkeypatch, tree, unified):
    file = tmp_path / "compatible"
    if tree is not None:
        file.write_bytes(tree)
    monkeypatch.setattr(memory, "Path", lambda _: file)
    assert is_unified(None) is unified


@pytest.mark.parametrize(("properties", "unified"), [({"is_integrated": 1}, True), ({"is_integrated": 0}, False)])
def test_a_container_hides_the_device_tree_and_not_what_the_gpu_is(tmp_path, monkeypatch, properties, unified):
    monkeypatch.setattr(memory, "Path", lambda _: tmp_path / "hidden")
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: SimpleNamespace(**properties))
    assert is_unified(cuda_memory(monkeypatch)) is unified


def cuda_memory(monkeypatch):
    """Of a GPU that this machine does not have."""
    monkeypatch.setattr(torch, "zeros", lambda *_, **__: None)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda _: None)
    for name in ("max_memory_allocated", "max_memory_reserved"):
        monkeypatch.setattr(torch.cuda, name, lambda _: 3)
    return CudaMemory(torch.device("cuda:0"))


class Driver(SimpleNamespace):
    """pynvml of a machine with one GPU, on which processes 7 and 8 run."""

    class NVMLError(Exception):
        pass

    @staticmethod
    def nvmlInit():  # noqa: N802
        pass

    @staticmethod
    def nvmlDeviceGetHandleByUUID(uuid):  # noqa: N802
        if uuid != "GPU-one":
            raise Driver.NVMLError
        return uuid

    @staticmethod
    def nvmlDeviceGetComputeRunningProcesses(handle):  # noqa: N802
        assert handle == "GPU-one"
        return [SimpleNamespace(pid=7, usedGpuMemory=500), SimpleNamespace(pid=8, usedGpuMemory=None)]


@pytest.mark.parametrize(
    ("pid", "uuid", "bytes_"), [(7, "one", 500), (8, "one", None), (9, "one", None), (7, "two", None)]
)
def test_the_driver_knows_a_process_by_its_number_and_a_gpu_by_its_uuid(monkeypatch, pid, uuid, bytes_):
    monkeypatch.setitem(sys.modules, "pynvml", Driver)
    assert gpu_bytes_of(pid, uuid) == bytes_


def test_without_a_driver_to_ask_or_with_an_old_torch_the_driver_says_nothing(monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: SimpleNamespace())
    monkeypatch.setitem(sys.modules, "pynvml", Driver)
    assert cuda_memory(monkeypatch).read().keys() == {"cuda_allocated", "cuda_reserved"}
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert gpu_bytes_of(7, "one") is None
