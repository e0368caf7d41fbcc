# SPDX-License-Identifier: Apache-2.0
"""A network of the registry under ONNX Runtime, through the real child: the answers of PyTorch, without PyTorch."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor_app.inference.back_ends.pytorch import PyTorch
from monitor_app.inference.datasets import find_dataset
from monitor_app.inference.measure import Runner
from monitor_app.inference.messages import Evaluate, Load, Loaded, PhaseDone, Ready, Time
from monitor_app.inference.passes import NoLoadSignal
from monitor_app.inference.process import InferenceChild, child_kind
from tests.inference.test_child import answer, ask

NETWORK = "squeezenet1_1"


@pytest.fixture(scope="module")
def child(tmp_path_factory):
    kind = child_kind("cpu", "onnxruntime")
    cache = {"XDG_CACHE_HOME": str(tmp_path_factory.mktemp("cache"))}
    with InferenceChild(command=kind.command, environment={**kind.environment, **cache}) as running:
        ready = answer(running)[1]
        assert isinstance(ready, Ready), ready
        assert set(ready.versions) >= {"onnxruntime", "onnx"}
        yield running


@pytest.fixture(scope="module")
def by_torch():
    model = PyTorch().load(Load(NETWORK))
    done = Runner(model, NoLoadSignal(), lambda _: None, lambda: False).evaluate(4, find_dataset("demo"))
    return model.loaded, done


def test_it_gives_the_answers_of_pytorch(child, by_torch):
    known, truth = by_torch
    _, loaded = ask(child, Load(NETWORK))
    assert isinstance(loaded, Loaded), loaded
    assert loaded.facts == known.facts
    assert loaded.settings["exported by"].startswith("torch ")
    _, done = ask(child, Evaluate(4, "demo"))
    assert (done.top1, done.images_sha256, done.reason) == (truth.top1, truth.images_sha256, None)
    batches, done = ask(child, Time(2, 0.0, 3))
    assert isinstance(done, PhaseDone)
    assert [each.images for each in batches] == [2, 2, 2]
    assert "libtorch" not in Path(f"/proc/{child.pid}/maps").read_text()


def test_in_int8_half_of_the_images_are_for_the_calibration(child, by_torch):
    _, truth = by_torch
    _, loaded = ask(child, Load(NETWORK, precision="int8", calibration="demo"))
    assert isinstance(loaded, Loaded), loaded
    assert loaded.settings["calibration"] == "10 of the 20 images of demo"
    _, done = ask(child, Evaluate(4, "demo"))
    assert done.reason == "10 images are left out, because it was calibrated with them"
    assert done.images_sha256 == truth.images_sha256
    assert done.answers.images == 10
    agree = sum(mine == its for mine, its in zip(done.top1, truth.top1, strict=True) if mine != "-")
    assert agree >= 8
