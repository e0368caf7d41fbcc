# SPDX-License-Identifier: Apache-2.0
"""What is done where torch or torchvision is older than the program's own (tests/benchmarks/old_torch.py runs them)."""

import importlib
import pickle
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from monitor_app.core.errors import InferenceError  # noqa: E402
from monitor_app.inference.back_ends import pytorch  # noqa: E402
from monitor_app.inference.messages import Load  # noqa: E402
from monitor_app.inference.networks import counting, old_torch  # noqa: E402
from monitor_app.inference.networks.counts import known_costs  # noqa: E402
from monitor_app.inference.networks.registry import NETWORKS, Network, find_network  # noqa: E402
from monitor_app.inference.networks.torchvision_models import import_torchvision  # noqa: E402


@pytest.fixture
def jetpack4(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "__version__", "1.10.0")


@pytest.mark.parametrize(
    ("version", "expected"),
    [("1.10.2+cu102", (1, 10)), ("2.1.0a0+41361538.nv23.06", (2, 1)), ("2.13.0", (2, 13)), ("unknown", (0, 0))],
)
def test_versions(version: str, expected: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "__version__", version)

    assert old_torch.torch_version() == expected


@pytest.mark.usefixtures("jetpack4")
def test_costs_are_those_of_the_table_without_counting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor_app.inference.networks.costs.count_costs", None)
    network = find_network("squeezenet1_1")

    assert counting.costs_of(network, network.build()) == known_costs("squeezenet1_1")


@pytest.mark.usefixtures("jetpack4")
def test_a_users_own_network_is_not_counted_and_has_its_parameters() -> None:
    module = torch.nn.Linear(3, 4)
    costs = counting.costs_of(Network("mine.pt", "mine", lambda: module, own=True), module)

    assert (costs.parameters, costs.macs, costs.operations) == (16, None, None)


@pytest.mark.usefixtures("jetpack4")
def test_the_packages_are_loaded_by_a_small_network(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[str] = []
    small, large = (Network(name, name, lambda name=name: built.append(name)) for name in ("small", "large"))  # type: ignore[misc]

    counting.load_packages(large, small)

    assert built == ["small"]


@pytest.mark.parametrize(("version", "expected"), [("1.10.0", []), ("2.13.0", ["torch._dynamo"])])
def test_the_compiler_is_no_memory_of_the_network_that_it_compiles(
    version: str, expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    imported: list[str] = []
    monkeypatch.setattr(torch, "__version__", version)
    monkeypatch.setattr(pytorch, "load_packages", lambda *_: None)
    monkeypatch.setattr(importlib, "import_module", imported.append)

    pytorch.PyTorch().warm_imports(Load("squeezenet1_1", compiled=True))

    assert imported == expected


@pytest.mark.usefixtures("jetpack4")
def test_torch_compile_is_refused_in_a_sentence() -> None:
    with pytest.raises(InferenceError, match=r"torch\.compile needs torch 2\.0 or newer, and this is 1\.10\.0: leave"):
        old_torch.compiled(torch.nn.Identity())


def test_a_network_that_torchvision_lacks_is_named_with_the_one_that_has_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    models = import_torchvision().models
    monkeypatch.delattr(models, "convnext_tiny")
    monkeypatch.setattr(import_torchvision(), "__version__", "0.11.1")

    with pytest.raises(InferenceError, match=r"ConvNeXt-Tiny needs torchvision 0\.12 or newer, and this is 0\.11\.1: "):
        NETWORKS["convnext_tiny"].build()


# As found in the wheels of torchvision 0.11.2, 0.12.0, 0.13.1 and 0.14.0
@pytest.mark.parametrize(
    ("name", "since"),
    [
        ("resnet50", "0.11"),
        ("regnet_y_32gf", "0.11"),
        ("efficientnet_b7", "0.11"),
        ("convnext_base", "0.12"),
        ("vit_l_32", "0.12"),
        ("regnet_y_128gf", "0.12"),
        ("vit_h_14", "0.13"),
        ("swin_b", "0.13"),
        ("efficientnet_v2_s", "0.13"),
        ("resnext101_64x4d", "0.13"),
        ("swin_v2_b", "0.14"),
        ("maxvit_t", "0.14"),
    ],
)
def test_the_torchvision_that_brought_a_network(name: str, since: str) -> None:
    assert old_torch.torchvision_since(name) == since


@pytest.mark.parametrize("zipped", [True, False])
def test_weights_are_read_by_an_old_torch(zipped: bool, tmp_path: Path) -> None:
    state = {"weight": torch.randn(2, 3), "bias": torch.nn.Parameter(torch.zeros(2)), "half": torch.ones(2).half()}
    file = tmp_path / "weights.pth"
    torch.save(state, file, _use_new_zipfile_serialization=zipped)

    read = torch.load(file, map_location="cpu", pickle_module=old_torch.TensorPickle, weights_only=False)

    assert read.keys() == state.keys()
    assert all(torch.equal(read[name], state[name]) for name in state)


class _Program:
    def __reduce__(self) -> Any:
        return (Path.touch, (Path("touched"),))


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize(
    "content", [_Program(), SimpleNamespace(), torch.nn.Linear(1, 1)], ids=["program", "object", "module"]
)
def test_a_program_in_a_file_of_weights_is_not_run(
    content: Any, zipped: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "weights.pth"
    torch.save({"weight": torch.zeros(1), "more": content}, file, _use_new_zipfile_serialization=zipped)

    with pytest.raises(pickle.UnpicklingError, match="is not allowed"):
        torch.load(file, map_location="cpu", pickle_module=old_torch.TensorPickle, weights_only=False)
    assert not (tmp_path / "touched").exists()
