# SPDX-License-Identifier: Apache-2.0
"""The registry: every network of the paper runs, names are found, published weights are taken in."""

from __future__ import annotations

import gc
import json
import subprocess
import sys

import pytest
import torch
from torch import nn

from monitor_app.core.errors import InferenceError
from monitor_app.inference.back_ends.pytorch import PyTorch
from monitor_app.inference.messages import Load
from monitor_app.inference.networks.conv_biases import build_with_conv_biases
from monitor_app.inference.networks.costs import build_without_weights
from monitor_app.inference.networks.listing import list_networks
from monitor_app.inference.networks.registry import (
    NETWORKS,
    USUAL_NAMES,
    UnknownNetworkError,
    find_network,
    network_title,
)
from monitor_app.inference.networks.torchvision_models import build_torchvision
from monitor_app.inference.networks.weights import Weights, apply_weights

PAPER_NAMES = [name for name, network in NETWORKS.items() if network.paper_name]


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    # Two threads that wait for each other on a busy machine take many times as long as one
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def quickly_filled(module):
    """`module`, built without weights, with random ones; the initialisation of the large ones takes many seconds."""
    torch.manual_seed(0)
    fresh = {each: nn.BatchNorm2d(1).state_dict()[each] for each in ("running_mean", "running_var", "weight", "bias")}
    module.to_empty(device="cpu")
    for name, values in module.state_dict().items():
        last = name.rpartition(".")[2]
        if values.ndim > 1:
            # Rank one: a hundred million random numbers take seconds
            rows, columns = torch.randn(len(values)), torch.randn(values[0].numel()) / values[0].numel() ** 0.5
            torch.outer(rows, columns, out=values.view(len(values), -1))
        elif last in fresh:
            values.fill_(fresh[last].item())
        else:
            values.zero_()
    return module


@pytest.mark.parametrize("name", PAPER_NAMES)
def test_each_of_the_fourteen_answers_an_image_with_a_thousand_scores(name):
    network = NETWORKS[name]
    module = quickly_filled(build_without_weights(network))
    with torch.no_grad():
        scores = module(torch.rand(1, 3, network.input_pixels, network.input_pixels))
    assert scores.shape == (1, 1000)
    assert scores.isfinite().all()
    assert scores.std() > 0
    del module
    gc.collect()


@pytest.mark.parametrize("name", ["alexnet_2016", "bn_alexnet"])
def test_the_alexnets_also_take_the_224_pixels_that_they_are_counted_at(name):
    module = build_without_weights(NETWORKS[name])
    assert module(torch.empty(2, 3, 224, 224, device="meta")).shape == (2, 1000)


def test_networks_are_built_without_weights_and_regnets_too():
    for name in ("vgg19", "regnet_y_128gf", "inception_v4_2016"):
        module = build_without_weights(NETWORKS[name])
        assert {each.device.type for each in [*module.parameters(), *module.buffers()]} == {"meta"}
        assert not module.training


def test_groups_of_bvlc_alexnet_are_where_caffe_has_them():
    groups = [
        layer.groups
        for layer in build_without_weights(NETWORKS["alexnet_2016"]).modules()
        if isinstance(layer, nn.Conv2d)
    ]
    assert groups == [1, 2, 1, 2, 2]


def test_useless_biases_change_no_answer_and_torchvisions_weights_fit():
    torch.manual_seed(0)
    source = build_torchvision("resnet18").eval()
    module = build_with_conv_biases("resnet18").eval()
    state = NETWORKS["resnet101_2016"].adapt(source.state_dict(), module)
    apply_weights(module, Weights("those of torchvision", "", state), "ResNet-18")
    assert sum(each.numel() for each in module.parameters()) > sum(each.numel() for each in source.parameters())
    image = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        assert torch.allclose(module(image), source(image), atol=1e-5)


@pytest.mark.parametrize(
    ("name", "auxiliary"), [("inception_v3", "AuxLogits.fc.weight"), ("googlenet", "aux1.fc1.bias")]
)
def test_weights_of_classifiers_that_serve_training_alone_are_left_out(name, auxiliary):
    network = NETWORKS[name]
    module = network.build()
    state = module.state_dict() | {auxiliary: torch.zeros(1)}
    apply_weights(module, Weights("those of torchvision", "", network.adapt(state, module)), network.title)


def test_torchvisions_inception_takes_images_as_its_preprocessing_makes_them():
    # Where it is asked to, torchvision's module turns ImageNet's normalisation into that of the Inceptions
    network = NETWORKS["inception_v3"]
    value = 0.7
    for channel, (mean, std) in enumerate(zip((0.485, 0.456, 0.406), (0.229, 0.224, 0.225), strict=True)):
        theirs = (value - mean) / std * (std / 0.5) + (mean - 0.5) / 0.5
        ours = (value - network.preprocessing.mean[channel]) / network.preprocessing.std[channel]
        assert ours == pytest.approx(theirs)


@pytest.mark.parametrize(
    ("wrong", "near"),
    [
        ("restnet-18", "resnet18"),
        ("AlexNet", "alexnet_2016"),
        ("VGG_16", "vgg16"),
        ("Inception-v4", "inception_v4"),
        ("mobilenetv3", "mobilenet_v3"),
        ("BN-NIN", "bn_nin"),
    ],
)
def test_an_unknown_name_is_answered_with_near_ones(wrong, near):
    with pytest.raises(UnknownNetworkError, match=near):
        find_network(wrong)


def test_a_name_like_no_other_is_answered_with_where_the_names_are():
    with pytest.raises(UnknownNetworkError, match="networks --all"):
        find_network("zzzz")
    assert network_title("zzzz") == "zzzz"
    assert network_title("vgg16") == "VGG-16"


def test_a_network_of_a_package_that_is_not_there_says_what_to_install(monkeypatch):
    for package, name in (("timm", "inception_v4"), ("efficientnet_lite_pytorch", "efficientnet_lite0")):
        monkeypatch.setitem(sys.modules, package, None)
        with pytest.raises(InferenceError, match="pip install"):
            find_network(name).build()


def test_titles_tell_the_listed_networks_apart():
    titles = [network.title for network in NETWORKS.values()]
    assert len(set(titles)) == len(titles)
    assert set(USUAL_NAMES) <= NETWORKS.keys()
    assert set(PAPER_NAMES) <= set(USUAL_NAMES)


def test_the_list_says_what_each_network_is():
    listed = {each.network.name: each.as_json() for each in list_networks()}
    assert list(listed) == list(USUAL_NAMES)
    assert listed["resnet18"]["weights"] is None
    assert "IMAGENET1K_V1" in listed["resnet18"]["weights_published"]
    assert "ndf" in listed["squeezenet1_1"]["weights"]
    assert listed["alexnet_2016"]["input_pixels"] == 227
    assert listed["alexnet_2016"]["counted_pixels"] == 224
    assert listed["inception_v4_2016"]["paper_name"] == "Inception-v4"
    assert json.loads(json.dumps(listed)) == listed
    assert all(each["source"] and each["conventions"]["macs"] for each in listed.values())
    assert len(list_networks(every=True)) == len(NETWORKS)
    assert [each.network.name for each in list_networks(["vgg16"])] == ["vgg16"]


def test_listing_needs_no_torch():
    script = (
        "import sys; from monitor_app.inference.networks.listing import list_networks;"
        "print(len(list_networks(every=True)), 'torch' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert out.stdout.split() == [str(len(NETWORKS)), "False"]


def test_a_depthwise_network_loads_without_operations():
    running = PyTorch().load(Load("mobilenet_v3_large"))
    assert running.loaded.operations is None
    assert running.loaded.macs == 216_589_760
    assert running.loaded.facts.operations is None
