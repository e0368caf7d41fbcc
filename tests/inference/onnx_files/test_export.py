# SPDX-License-Identifier: Apache-2.0
"""Networks of PyTorch as ONNX files: the same answers and the same costs, or a sentence."""

from __future__ import annotations

import onnx
import onnxruntime
import pytest
import torch

from monitor_app.core.errors import InferenceError
from monitor_app.inference.back_ends.pytorch import PyTorch
from monitor_app.inference.messages import Load
from monitor_app.inference.networks.counts import known_costs
from monitor_app.inference.onnx_files.export import export
from monitor_app.inference.onnx_files.graph_costs import graph_costs

NETWORK = "bn_nin"


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("export") / "network.onnx"
    known = export(NETWORK, "none", 7, str(path))
    assert (known["weights"], known["weights_sha256"], known["opset"]) == (None, None, 18)
    assert known["macs"] == known_costs(NETWORK).macs
    return path


def test_it_answers_as_pytorch_does_for_any_batch(file):
    ours = PyTorch().load(Load(NETWORK, weights="none", seed=7))
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    for batch in (1, 3):
        images = torch.randn(batch, 3, 224, 224)
        with torch.inference_mode():
            scores = ours.module(images).numpy()
        (answer,) = session.run(None, {"images": images.numpy()})
        assert answer.shape == (batch, 1000)
        assert abs(answer - scores).max() < 1e-5 * abs(scores).max()


def test_its_graph_costs_what_pytorch_counts(file):
    costs, reason = graph_costs(onnx.load(file), 224)
    known = known_costs(NETWORK)
    assert (costs.macs, costs.operations, reason) == (known.macs, known.operations, None)
    assert costs.parameters == pytest.approx(known.parameters, rel=0.01)


@pytest.fixture
def code(tmp_path, monkeypatch):
    def write(name, text):
        (tmp_path / f"{name}.py").write_text(text)
        monkeypatch.chdir(tmp_path)
        monkeypatch.syspath_prepend(tmp_path)
        return f"{name}:net@16"

    return write


def test_what_torch_export_refuses_is_traced(code, tmp_path):
    network = code(
        "forked",
        "import torch\n"
        "class Net(torch.nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.last = torch.nn.Linear(3, 4)\n"
        "    def forward(self, x):\n"
        "        if x.sum() > 1e9:\n"
        "            return x\n"
        "        return self.last(x.mean((2, 3)))\n"
        "net = Net\n",
    )
    known = export(network, "auto", 0, str(tmp_path / "forked.onnx"))
    assert known["way"].endswith("by TorchScript")
    session = onnxruntime.InferenceSession(tmp_path / "forked.onnx", providers=["CPUExecutionProvider"])
    assert session.run(None, {"images": torch.randn(5, 3, 16, 16).numpy()})[0].shape == (5, 4)


def test_what_neither_can_export_is_said(code, tmp_path):
    network = code(
        "foreign",
        "import torch\n"
        "@torch.library.custom_op('monitor_app_tests::halve', mutates_args=())\n"
        "def halve(x: torch.Tensor) -> torch.Tensor:\n"
        "    return x / 2\n"
        "@halve.register_fake\n"
        "def _(x):\n"
        "    return torch.empty_like(x)\n"
        "class Net(torch.nn.Module):\n"
        "    def forward(self, x):\n"
        "        return halve(x.mean((2, 3)))\n"
        "net = Net\n",
    )
    with pytest.raises(InferenceError, match=r"cannot export net to ONNX \(by torch.export: .*; by TorchScript: .*\.$"):
        export(network, "auto", 0, str(tmp_path / "foreign.onnx"))
    assert not (tmp_path / "foreign.onnx").exists()
