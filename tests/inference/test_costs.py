# SPDX-License-Identifier: Apache-2.0
"""Costs against the paper's figures, torchvision's own metadata, published figures, and sums done by hand."""

from __future__ import annotations

import csv
import importlib
from dataclasses import replace

import pytest
import torch
from torch import nn

from monitor_app.core.files.package_data import resource_path
from monitor_app.inference.networks import costs
from monitor_app.inference.networks.costs import count_costs, count_module_costs
from monitor_app.inference.networks.counting import costs_of
from monitor_app.inference.networks.counts import conventions, known_costs
from monitor_app.inference.networks.registry import NETWORKS, find_network
from monitor_app.inference.networks.torchvision_models import import_torchvision


def plotted():
    text = resource_path("reference/canziani2016_networks.csv").read_text(encoding="utf-8")
    return {row["network"]: row for row in csv.DictReader(text.splitlines())}


PAPER = {network.paper_name: network for network in NETWORKS.values() if network.paper_name}
# One that costs nothing to build, one with groups, one with attention, and one that reckons with tensors as it is built
RECOUNTED = ["squeezenet1_1", "resnext50_32x4d", "vit_b_32", "swin_v2_t", "regnet_x_400mf"]


def test_the_fourteen_are_those_of_the_paper():
    assert PAPER.keys() == plotted().keys()


@pytest.mark.parametrize("paper_name", plotted())
def test_the_fourteen_cost_what_the_paper_plots(paper_name):
    row, network = plotted()[paper_name], PAPER[paper_name]
    costs = count_costs(network)
    assert f"{costs.parameters / 1e6:.2f}" == row["parameters_millions"]
    # The plot says 11.45 of Inception-v3, and every rule of the paper's counter gives 11.444
    off_g = 0.006 if paper_name == "Inception-v3" else 0.005
    assert costs.operations / 1e9 == pytest.approx(float(row["operations_g"]), abs=off_g)
    assert costs.macs / 1e9 == pytest.approx(float(row["true_gmacs"]), rel=0.005)
    assert network.input_pixels == int(row["input_pixels"])
    assert costs == known_costs(network.name)


def test_the_table_has_every_network_that_has_a_name():
    assert [name for name in NETWORKS if known_costs(name) is None] == []


def test_the_table_agrees_with_what_torchvision_says_of_its_networks():
    import_torchvision()
    models = importlib.import_module("torchvision.models")
    compared = 0
    for name in models.list_models(module=models):
        network = NETWORKS[name]
        weights = models.get_model_weights(name)[network.published.tag]
        costs, meta, transforms = known_costs(name), weights.meta, weights.transforms()
        # Of this one it counts the classifier that serves training alone
        if name != "inception_v3":
            assert costs.parameters == meta["num_params"], name
        # Given in billions, to three decimals
        assert costs.macs / 1e9 == pytest.approx(meta["_ops"], abs=0.0006), name
        assert network.published.url == weights.url
        assert network.published.top1_percent == meta["_metrics"]["ImageNet-1K"]["acc@1"]
        assert (network.input_pixels, network.preprocessing.resize_pixels, network.preprocessing.interpolation) == (
            transforms.crop_size[0],
            transforms.resize_size[0],
            transforms.interpolation.value,
        )
        compared += 1
    assert compared >= 80


@pytest.mark.parametrize("name", RECOUNTED)
def test_the_table_is_what_is_counted(name):
    assert count_costs(find_network(name)) == known_costs(name)


def test_a_loaded_network_is_counted_where_it_is_not_that_of_the_table(monkeypatch):
    network = find_network("squeezenet1_1")
    module = network.build()
    with monkeypatch.context() as patch:
        patch.setattr(costs, "count_costs", None)
        assert costs_of(network, module) == known_costs(network.name)
    smaller = replace(network, build=lambda: nn.Sequential(nn.Flatten(), nn.Linear(3 * 224**2, 2)))
    assert costs_of(smaller, smaller.build()).macs == 3 * 224**2 * 2


@pytest.mark.parametrize(
    ("name", "parameters", "mega_macs"),
    [
        ("squeezenet1_1", 1_235_496, 349.2),
        ("efficientnet_lite0", 4_652_008, 385.2),
        ("inception_v4", 42_679_816, 12254.0),
        ("alexnet", 61_100_840, 714.2),
        ("googlenet", 6_624_904, 1498.4),
    ],
)
def test_costs_of_known_networks(name, parameters, mega_macs):
    costs = known_costs(name)
    assert costs.parameters == parameters
    assert round(costs.macs / 1e6, 1) == mega_macs


@pytest.mark.parametrize("name", ["mobilenet_v3_large", "efficientnet_lite0", "resnext50_32x4d", "convnext_tiny"])
def test_operations_of_2016_are_withheld_where_ignoring_groups_would_mislead(name):
    costs = known_costs(name)
    assert costs.operations is None
    assert costs.macs > 0
    assert conventions(NETWORKS[name], costs)["operations"].startswith("withheld")


def test_what_was_counted_is_said():
    said = conventions(NETWORKS["bn_alexnet"], known_costs("bn_alexnet"))
    assert said.keys() == {"parameters", "macs", "operations"}
    assert "2016" in said["operations"]
    assert "224 x 224" in said["macs"]


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
        # two groups: the 2016 count does not see them, and with one layer before them it misleads little enough
        (
            nn.Sequential(nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, 1, groups=2)),
            400 * 3 + 400 * 2,
            400 * (2 * 3 + 1) + 400 * (2 * 4 + 1),
        ),
        # depthwise: a third of the products
        (nn.Conv2d(3, 3, 3, padding=1, groups=3), 300 * 9, None),
        (nn.Sequential(nn.Flatten(), nn.Linear(300, 7)), 2100, 2 * 2100 + 7),
        (nn.Sequential(nn.Flatten(), nn.Linear(300, 7, bias=False)), 2100, 2 * 2100),
        (nn.Sequential(nn.BatchNorm2d(3), nn.ReLU(), nn.ReLU6(inplace=True)), 0, 2 * 300),
        (nn.PReLU(3), 0, 300),
        (nn.MaxPool2d(2), 0, 0),
        # convolution, sum of two tensors, ReLU; adding a number is nothing
        (Residual(), 300 * 27, 300 * 55 + 2 * 300 + 300),
    ],
)
def test_the_rules_layer_by_layer(module, macs, operations):
    costs = count_module_costs(module.eval().to("meta"), torch.empty(1, 3, 10, 10, device="meta"))
    assert (costs.macs, costs.operations) == (macs, operations)


def test_operators_in_no_count_are_listed_and_those_that_only_move_data_are_not():
    module = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.SiLU(), nn.Flatten(), nn.Linear(512, 2)).eval()
    costs = count_module_costs(module.to("meta"), torch.empty(1, 3, 10, 10, device="meta"))
    assert costs.uncounted == ("native_batch_norm", "silu")


class Attention(nn.Module):
    """Ten tokens of thirty values."""

    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(30, 5, batch_first=True)

    def forward(self, image):
        tokens = image.flatten(2).transpose(1, 2).reshape(1, 10, 30)
        return self.attention(tokens, tokens, tokens, need_weights=False)[0].flatten(1)


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_attention_is_counted_on_a_processor_as_well(device):
    costs = count_module_costs(Attention().eval().to(device), torch.zeros(1, 3, 10, 10, device=device))
    assert costs.macs == 4 * 10 * 30 * 30 + 2 * 10 * 10 * 30


def test_macs_are_withheld_where_an_operator_may_hide_products():
    library = torch.library.Library("monitor_app_test", "DEF")
    library.define("secret(Tensor image) -> Tensor")
    library.impl("secret", lambda image: image @ image, "CompositeExplicitAutograd")

    class Secretive(nn.Module):
        def forward(self, image):
            return torch.ops.monitor_app_test.secret(image)

    costs = count_module_costs(Secretive(), torch.zeros(1, 3, 10, 10))
    assert (costs.macs, costs.operations, costs.uncounted) == (None, None, ("monitor_app_test::secret",))


class Unseen(torch.nn.Module):
    """Works outside of torch."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(3, 10))

    def forward(self, image):
        return torch.from_numpy(image.mean((2, 3)).detach().numpy() @ self.weight.detach().numpy())


def test_work_that_torch_does_not_see_is_unknown_and_not_free():
    costs = count_module_costs(Unseen(), torch.zeros(1, 3, 8, 8))
    assert costs.parameters == 30
    assert costs.macs is None
    assert costs.operations is None
