# SPDX-License-Identifier: Apache-2.0
"""Networks of PyTorch for LiteRT, and what is said where a converter is missing."""

from __future__ import annotations

import importlib.util
import sys

import numpy as np
import pytest
import torch

from monitor_app.core.errors import ExportError, InferenceError
from monitor_app.inference.back_ends.lite_rt import LiteRT
from monitor_app.inference.messages import Load
from monitor_app.inference.networks.registry import find_network
from monitor_app.inference.onnx_files import workshop
from monitor_app.inference.onnx_files.export_tflite import export_tflite
from monitor_app.inference.onnx_files.openvino_int8 import quantise
from monitor_app.inference.onnx_files.to_file import export_to_file

NETWORK = """
import torch
from torch import nn

def net():
    torch.manual_seed(3)
    return nn.Sequential(nn.Conv2d(3, 8, 3, 2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5))
"""


@pytest.fixture
def mine(tmp_path, monkeypatch):
    (tmp_path / "mine_for_litert.py").write_text(NETWORK)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    return "mine_for_litert:net@32"


def test_it_answers_as_pytorch_does(mine, tmp_path):
    if importlib.util.find_spec("litert_torch") is None:
        pytest.skip("litert-torch, which takes a gigabyte, is not installed")
    import mine_for_litert

    known = workshop.export_tflite(find_network(mine), "auto", 0, tmp_path / "mine.tflite")
    model = LiteRT().load(Load(str(tmp_path / "mine.tflite")))

    images = np.random.default_rng(0).standard_normal((3, 3, 32, 32), np.float32)
    with torch.inference_mode():
        expected = mine_for_litert.net().eval()(torch.from_numpy(images)).numpy()
    scores = model.arrays(model.run(model.prepare([images])))[0]
    np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=1e-5)
    assert model.inputs[0].shape == (None, 32, 32, 3)
    assert known["way"].startswith("litert-torch ")


def test_a_converter_that_is_missing_is_named(mine, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "litert_torch", None)
    monkeypatch.setitem(sys.modules, "nncf", None)

    with pytest.raises(InferenceError, match=r"needs the package litert-torch .*`pip install litert-torch`"):
        export_tflite(mine, "auto", 0, str(tmp_path / "mine.tflite"))
    with pytest.raises(InferenceError, match="type `pip install nncf`"):
        quantise("mine.onnx", mine, [], str(tmp_path / "mine.xml"))


def test_what_was_made_once_needs_no_converter(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    made = []

    def work(maker, **request):
        made.append((maker, request["network"]))
        with open(request["file"], "wb") as stream:
            stream.write(b"a file of LiteRT")
        return {"weights": None, "way": "a converter"}

    monkeypatch.setattr(workshop, "_work", work)
    for _ in range(2):
        lines = export_to_file("squeezenet1_1", tmp_path / "mine.tflite", "none", "fp32", None)
    assert made == [("export_tflite", "squeezenet1_1")]
    assert (tmp_path / "mine.tflite").read_bytes() == b"a file of LiteRT"
    assert lines[1:] == ["weights: random", "exported by: a converter"]
    with pytest.raises(ExportError, match=r"mine\.tflite can be written in fp32 only"):
        export_to_file("squeezenet1_1", tmp_path / "mine.tflite", "none", "int8", "demo")
