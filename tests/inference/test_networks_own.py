# SPDX-License-Identifier: Apache-2.0
"""A user's own network: as a TorchScript file, an exported program, a function; and everything that is none."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import pytest
import torch
from torch import nn

from monitor_app.core.errors import InferenceError
from monitor_app.inference.back_ends.pytorch import PyTorch
from monitor_app.inference.listing import list_networks
from monitor_app.inference.messages import Load
from monitor_app.inference.networks.own import OwnNetworkError
from monitor_app.inference.networks.registry import find_network, network_title

PIXELS = 32
# 8 maps of 30 x 30 points by 27 products, and a linear layer of 8 by 10
MACS = 8 * 900 * 27 + 80


def small():
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10)).eval()


@pytest.fixture
def module():
    torch.manual_seed(3)
    return small()


@pytest.fixture(params=["script", "trace", "export"])
def file(request, module, tmp_path):
    example = torch.zeros(2, 3, PIXELS, PIXELS)
    path = tmp_path / "mine.pt2"
    if request.param == "script":
        torch.jit.save(torch.jit.script(module), path)
    elif request.param == "trace":
        torch.jit.save(torch.jit.trace(module, example), path)
    else:
        batch = torch.export.Dim("batch")
        torch.export.save(torch.export.export(module, (example,), dynamic_shapes=({0: batch},)), path)
    return path


def test_a_file_runs_with_its_weights_and_is_counted(file, module):
    running = PyTorch().load(Load(f"{file}@{PIXELS}"))
    images = torch.rand(3, 3, PIXELS, PIXELS)
    with torch.inference_mode():
        assert torch.allclose(running.module(images), module(images), atol=1e-6)
    loaded = running.loaded
    assert (loaded.title, loaded.input_pixels, loaded.macs) == ("mine", PIXELS, MACS)
    assert loaded.parameters == sum(each.numel() for each in module.parameters())
    assert loaded.operations == 7200 * (2 * 27 + 1) + 7200 + 170
    assert str(file) in loaded.weights
    assert loaded.weights_sha256 == hashlib.sha256(file.read_bytes()).hexdigest()


def test_other_precisions_and_no_weights(file):
    running = PyTorch().load(Load(f"{file}@{PIXELS}", precision="bf16", weights="none"))
    with torch.inference_mode():
        answer = running.module(torch.rand(1, 3, PIXELS, PIXELS).to(torch.bfloat16))
    assert answer.dtype is torch.bfloat16
    assert running.loaded.weights is None


def test_a_size_that_does_not_fit_is_refused_with_how_to_name_one(module, tmp_path):
    file = tmp_path / "fixed.pt2"
    torch.export.save(torch.export.export(module, (torch.zeros(1, 3, PIXELS, PIXELS),)), file)
    with pytest.raises(InferenceError, match=r"cannot take an image of 224 x 224 .*@299\.$"):
        PyTorch().load(Load(str(file)))


@pytest.fixture
def code(tmp_path, monkeypatch):
    """A function that writes a module of that text, importable from the folder that the user stands in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))

    def write(text):
        (tmp_path / "their_networks.py").write_text(text)
        monkeypatch.delitem(sys.modules, "their_networks", raising=False)
        return "their_networks"

    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield write
    sys.modules.pop("their_networks", None)


def test_a_function_is_called_and_its_network_runs(code):
    name = code("from torch import nn\ndef tiny():\n    return nn.Sequential(nn.Flatten(), nn.Linear(3 * 64, 5))\n")
    running = PyTorch().load(Load(f"{name}:tiny@8"))
    assert running.loaded.title == network_title(f"{name}:tiny@8") == "tiny"
    assert running.loaded.macs == 3 * 64 * 5
    assert not running.module.training
    assert running.loaded.weights == f"the function {name}:tiny"
    assert running.loaded.weights_sha256 is None
    (listed,) = list_networks([f"{name}:tiny@8"])
    assert listed.as_json()["macs"] == 3 * 64 * 5


IN_A_FRESH_PROCESS = """
import sys
from monitor_app.inference.networks import torchvision_models
from monitor_app.inference.networks.registry import find_network
print(type(find_network("theirs:make").build()).__name__)
with torchvision_models._compiler_left_out():
    from torch._dynamo.utils import is_compile_supported as later
print("torch._dynamo" in sys.modules, "torch._dynamo.utils" in sys.modules)
supported = later("cpu")
from torch._dynamo.utils import counters, is_compile_supported
print(supported == is_compile_supported("cpu"), torchvision_models._Later("any").counters is counters)
"""


def test_a_function_may_use_torchvision_where_it_does_not_fit_torch_and_imports_no_compiler(tmp_path):
    (tmp_path / "theirs.py").write_text("import torchvision\n\ndef make():\n    return torchvision.ops.MLP(3, [5])\n")
    command = [sys.executable, "-B", "-c", IN_A_FRESH_PROCESS]
    out = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True, cwd=tmp_path)
    network, imported, used = out.stdout.splitlines()
    assert network == "MLP"
    assert imported == "False False"
    assert used == "True True", "it comes when it is asked, and is the real one"


@pytest.mark.parametrize(
    ("text", "reference", "said"),
    [
        ("", "their_networks:absent", "no function absent"),
        ("", "no_such_module_at_all:make", "no module no_such_module_at_all"),
        ("import no_such_dependency", "their_networks:make", "needs no_such_dependency"),
        ("1 / 0", "their_networks:make", "ZeroDivisionError"),
        ("def make():\n    raise OSError('disk\\nis full')", "their_networks:make", "OSError: disk"),
        ("def make():\n    return 3", "their_networks:make", "returned int"),
        ("def make(size):\n    return 3", "their_networks:make", "takes nothing|take nothing"),
        (
            "from torch import nn\ndef make():\n    return nn.Linear(7, 5)",
            "their_networks:make",
            r"their_networks:make@299|cannot take an image of 224 x 224",
        ),
        (
            "from torch import nn\ndef make():\n    return nn.Identity()",
            "their_networks:make",
            r"shape \(1, 3, 224, 224\)",
        ),
        (
            "from torch import nn\nclass Pair(nn.Module):\n    def forward(self, images):\n"
            "        return images, images\ndef make():\n    return Pair()",
            "their_networks:make",
            "a tuple and not",
        ),
    ],
)
def test_wrong_functions_are_refused_in_one_sentence(code, text, reference, said):
    code(text)
    with pytest.raises(InferenceError, match=said) as caught:
        PyTorch().load(Load(reference))
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")


def test_wrong_files_are_refused_in_one_sentence(module, tmp_path):
    torch.save(module.state_dict(), tmp_path / "weights.pth")
    torch.save(module, tmp_path / "pickled.pt")
    (tmp_path / "text.pt").write_text("not a network")
    (tmp_path / "folder.pt").mkdir()
    torch.jit.save(torch.jit.script(module), tmp_path / "whole.pt")
    (tmp_path / "cut.pt").write_bytes((tmp_path / "whole.pt").read_bytes()[:-400])
    said = {
        "weights.pth": "holds weights",
        "pickled.pt": "holds weights or a pickled model",
        "text.pt": "is not a network",
        "cut.pt": "is not a network",
        "folder.pt": "no file",
        "absent.pt": "no file",
    }
    for name, words in said.items():
        with pytest.raises(OwnNetworkError, match=words) as caught:
            PyTorch().load(Load(str(tmp_path / name)))
        assert "\n" not in str(caught.value)


def test_a_pickle_in_a_file_is_never_run(tmp_path):
    class Trap:
        def __reduce__(self):
            return (sys.exit, ("the pickle ran",))

    torch.save({"state": Trap()}, tmp_path / "trap.pt")
    with pytest.raises(OwnNetworkError, match="holds weights or a pickled model"):
        find_network(str(tmp_path / "trap.pt")).build()
