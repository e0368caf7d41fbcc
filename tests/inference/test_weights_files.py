# SPDX-License-Identifier: Apache-2.0
"""Which file of weights a network gets: from torch's cache, a path, or a directory; and which files are refused."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from monitor_app.inference.back_ends.pytorch import PyTorch
from monitor_app.inference.messages import Load
from monitor_app.inference.networks import weights_files
from monitor_app.inference.networks.hub import hub_folder, published_name
from monitor_app.inference.networks.listing import list_networks
from monitor_app.inference.networks.network import Network, PublishedWeights
from monitor_app.inference.networks.registry import NETWORKS
from monitor_app.inference.networks.torchvision_models import build_torchvision
from monitor_app.inference.networks.weights import WeightsError
from monitor_app.inference.networks.weights_files import find_weights


def save(file, value=0.0):
    """A state dict of one number; returns its SHA-256."""
    file.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"a": torch.tensor([value])}, file)
    return hashlib.sha256(file.read_bytes()).hexdigest()


def hashed(folder, stem, value=0.0):
    """The same under a name that ends in the first digits."""
    digits = save(folder / "unnamed", value)[:8]
    return (folder / "unnamed").rename(folder / f"{stem}-{digits}.pth")


def published(file):
    return PublishedWeights("IMAGENET1K_V1", f"https://example.org/models/{file.name}", 10, 0, 0)


def value(weights):
    return float(weights.state["a"])


@pytest.fixture
def tiny():
    return Network("tiny", "Tiny", torch.nn.Identity)


def test_auto_takes_what_is_in_torchs_cache_and_nothing_else(tiny, tmp_path):
    file = hashed(tmp_path, "tiny", 3.0)
    network = replace(tiny, published=published(file))
    assert find_weights(network, "auto") is None
    hub_folder().mkdir(parents=True)
    file = file.rename(hub_folder() / file.name)
    weights = find_weights(network, "auto")
    assert value(weights) == 3.0
    assert weights.title == f"torchvision IMAGENET1K_V1, {file.name} in torch's cache"
    assert weights.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert find_weights(network, "none") is None
    # Nobody is asked for it, and there is nobody to ask for the other
    assert value(find_weights(network, "hub")) == 3.0
    assert find_weights(tiny, "hub") is None
    save(file, 4.0)
    with pytest.raises(WeightsError, match="is damaged, or another file than its name says"):
        find_weights(network, "auto")


def test_hub_downloads_what_is_missing_and_auto_does_not(tiny, tmp_path, monkeypatch):
    file = hashed(tmp_path, "tiny", 5.0)
    network = replace(tiny, published=published(file))
    asked = []
    monkeypatch.setattr(weights_files, "fetch", lambda wanted: asked.append(wanted) or file)
    assert find_weights(network, "auto") is None
    assert asked == []
    assert value(find_weights(network, "hub")) == 5.0
    assert asked == [network.published]


def test_what_comes_in_a_package_goes_before_what_is_published(monkeypatch):
    asked = []
    monkeypatch.setattr(weights_files, "fetch", asked.append)
    assert "ndf" in find_weights(NETWORKS["squeezenet1_1"], "hub").title
    assert asked == []


@pytest.mark.parametrize("suffix", [".pth", ".pt", ".bin"])
def test_a_directory_has_a_file_for_each_network_that_it_has_one_for(tiny, tmp_path, suffix):
    save(tmp_path / f"tiny{suffix}", 2.0)
    save(tmp_path / "tiny_other.pth", 9.0)
    weights = find_weights(tiny, str(tmp_path))
    assert (value(weights), weights.title) == (2.0, str(tmp_path / f"tiny{suffix}"))
    assert find_weights(replace(tiny, name="tin"), str(tmp_path)) is None


def test_the_published_name_and_a_name_with_its_checksum_will_do(tiny, tmp_path):
    ours = hashed(tmp_path / "ours", "tiny", 1.0)
    assert value(find_weights(tiny, str(ours.parent))) == 1.0
    theirs = hashed(tmp_path / "theirs", "another_name", 2.0)
    network = replace(tiny, published=published(theirs))
    weights = find_weights(network, str(theirs.parent))
    assert (value(weights), weights.title) == (2.0, f"torchvision IMAGENET1K_V1, {theirs}")


def test_which_of_several_is_not_guessed(tiny, tmp_path):
    one, other = hashed(tmp_path, "tiny", 1.0), hashed(tmp_path, "tiny", 2.0)
    with pytest.raises(WeightsError, match=r"several files of weights for Tiny \(.*, .*\).*call it tiny\.pth"):
        find_weights(tiny, str(tmp_path))
    assert value(find_weights(replace(tiny, published=published(other)), str(tmp_path))) == 2.0
    one.rename(tmp_path / "tiny.pth")
    assert value(find_weights(tiny, str(tmp_path))) == 1.0


def test_a_network_of_the_paper_takes_its_namesakes_file_only_if_they_are_the_same(tmp_path):
    for name in ("resnet101", "alexnet", "googlenet", "inception_v4"):
        save(tmp_path / f"{name}.pth")
    assert find_weights(NETWORKS["resnet101_2016"], str(tmp_path)).title == str(tmp_path / "resnet101.pth")
    for name in ("alexnet_2016", "googlenet_2016", "inception_v4_2016"):
        assert find_weights(NETWORKS[name], str(tmp_path)) is None


def test_a_namesakes_file_is_adapted_and_its_answers_are_the_namesakes(tmp_path):
    torch.manual_seed(1)
    theirs = build_torchvision("inception_v3").eval()
    # torchvision's own file has the classifier that serves training
    state = {**theirs.state_dict(), "AuxLogits.fc.bias": torch.zeros(1000)}
    file = tmp_path / "inception_v3.pth"
    torch.save(state, file)
    running = PyTorch().load(Load("inception_v3_2016", weights=str(tmp_path)))
    assert running.loaded.weights == str(file)
    assert running.loaded.weights_sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    images = torch.randn(1, 3, 299, 299)
    with torch.inference_mode():
        torch.testing.assert_close(running.module(images), theirs(images), rtol=1e-4, atol=1e-4)


def test_a_program_file_brings_its_own_weights_also_in_a_directory_of_weights(tmp_path):
    module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 8 * 8, 4))
    torch.jit.save(torch.jit.script(module), tmp_path / "mine.pt")
    loaded = PyTorch().load(Load(f"{tmp_path / 'mine.pt'}@8", weights=str(tmp_path))).loaded
    assert loaded.weights == f"the file {tmp_path / 'mine.pt'}"


def test_a_list_of_checksums_is_honoured(tiny, tmp_path):
    sums = tmp_path / "SHA256SUMS"
    digest = save(tmp_path / "tiny.pth", 1.0)
    for line in (f"{digest}  tiny.pth", f"{digest.upper()} *./tiny.pth", f"# one\n\n{'0' * 64}  other.pth"):
        sums.write_text(line + "\n")
        assert value(find_weights(tiny, str(tmp_path))) == 1.0
    sums.write_text(f"{'0' * 64}  tiny.pth\n")
    for request in (tmp_path, tmp_path / "tiny.pth"):
        with pytest.raises(WeightsError, match="is not the file that SHA256SUMS beside it lists"):
            find_weights(tiny, str(request))


def test_digits_in_a_name_that_are_no_checksum_are_told_how_to_get_by(tiny, tmp_path):
    save(tmp_path / "tiny-20240131.pth")
    with pytest.raises(WeightsError, match="rename it if 20240131 is no checksum"):
        find_weights(tiny, str(tmp_path / "tiny-20240131.pth"))
    save(tmp_path / "tiny-epoch31.pth", 6.0)
    assert value(find_weights(tiny, str(tmp_path / "tiny-epoch31.pth"))) == 6.0


def test_the_list_tells_what_auto_would_use_without_torch(tmp_path):
    def listed():
        return {each.network.name: each.weights for each in list_networks(("resnet18", "alexnet_2016"))}

    assert listed() == {"resnet18": None, "alexnet_2016": None}
    file = hub_folder() / published_name(NETWORKS["resnet18"].published)
    file.parent.mkdir(parents=True)
    file.touch()
    assert listed()["resnet18"] == "torchvision IMAGENET1K_V1, resnet18-f37072fd.pth in torch's cache"
    script = (
        "import sys; from monitor_app.inference.networks.listing import list_networks;"
        "print(list_networks(['resnet18'])[0].weights, 'torch' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert out.stdout.strip() == f"{listed()['resnet18']} False"
