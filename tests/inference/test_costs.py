# SPDX-License-Identifier: Apache-2.0
"""Costs against torchvision's own metadata, published figures, and sums done by hand."""

from __future__ import annotations

import importlib

import pytest
import torch
from torch import nn

from monitor_app.inference.costs import count_module_costs, network_costs
from monitor_app.inference.networks.registry import NETWORKS, UnknownNetworkError
from monitor_app.inference.networks.torchvision_shim import import_torchvision


@pytest.mark.parametrize("name", ["squeezenet1_1", "resnet18", "mobilenet_v3_large"])
def test_costs_are_those_that_torchvision_ships_with_its_weights(name):
    import_torchvision()
    meta = importlib.import_module("torchvision.models").get_model_weights(name).DEFAULT.meta
    facts = network_costs(name)
    assert facts.parameters == meta["num_params"]
    # given in billions, to three decimals
    assert facts.macs / 1e9 == pytest.approx(meta["_ops"], abs=0.0006)


@pytest.mark.parametrize(
    ("name", "parameters", "mega_macs"),
    [("resnet18", 11_689_512, 1814.1), ("squeezenet1_1", 1_235_496, 349.2), ("efficientnet_lite0", 4_652_008, 385.2)],
)
def test_costs_of_known_networks(name, parameters, mega_macs):
    facts = network_costs(name)
    assert facts.parameters == parameters
    assert round(facts.macs / 1e6, 1) == mega_macs


def test_resnet18_has_the_operations_that_the_2016_paper_plots():
    assert network_costs("resnet18").operations / 1e9 == pytest.approx(3.63, abs=0.006)


def test_weights_of_a_network_that_has_none_are_none():
    assert network_costs("resnet18").weights is None
    assert "ndf" in network_costs("squeezenet1_1").weights
    assert network_costs("squeezenet1_1").weights_sha256 == NETWORKS["squeezenet1_1"].weights.sha256


def test_an_unknown_network_is_refused_with_the_nearest():
    with pytest.raises(UnknownNetworkError, match="resnet18"):
        network_costs("resnet")


class Residual(nn.Module):
    """A sum that no hook on a layer would see."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Conv2d(3, 3, 3, padding=1, bias=False)

    def forward(self, image):
        return torch.relu(self.inner(image) + image) + 1.0


@pytest.mark.parametrize(
    ("module", "macs", "operations"),
    [
        # 8 * 10 * 10 outputs of 3 * 3 * 3 products each; the bias counts whether it is there or not
        (nn.Conv2d(3, 8, 3, padding=1), 800 * 27, 800 * (2 * 27 + 1)),
        (nn.Conv2d(3, 8, 3, padding=1, bias=False), 800 * 27, 800 * (2 * 27 + 1)),
        # depthwise: a third of the products, and the 2016 count does not see it
        (nn.Conv2d(3, 3, 3, padding=1, groups=3), 300 * 9, 300 * (2 * 27 + 1)),
        (nn.Sequential(nn.Flatten(), nn.Linear(300, 7)), 2100, 2 * 2100 + 7),
        (nn.Sequential(nn.Flatten(), nn.Linear(300, 7, bias=False)), 2100, 2 * 2100),
        (nn.Sequential(nn.BatchNorm2d(3), nn.ReLU(), nn.ReLU6(inplace=True)), 0, 2 * 300),
        (nn.MaxPool2d(2), 0, 0),
        # convolution, sum of two tensors, ReLU; adding a number is nothing
        (Residual(), 300 * 27, 300 * 55 + 2 * 300 + 300),
    ],
)
def test_the_rules_layer_by_layer(module, macs, operations):
    costs = count_module_costs(module.eval().to("meta"), torch.empty(1, 3, 10, 10, device="meta"))
    assert (costs.macs, costs.operations) == (macs, operations)
