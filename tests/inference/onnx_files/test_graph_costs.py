# SPDX-License-Identifier: Apache-2.0
"""Costs from a graph: by hand for small ones, and never a number where products may be hidden."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper

from monitor_app.inference.onnx_files.graph_costs import graph_costs
from tests.inference.onnx_files.graphs import classifier, graph_model


def zeros(*shape):
    return np.zeros(shape, np.float32)


def test_a_classifier_by_hand():
    costs, reason = graph_costs(classifier(np.random.default_rng(0)), 8)
    products = 4 * 36 * 27 + 4 * 5
    assert (costs.macs, reason) == (products, None)
    assert costs.parameters == 4 * 27 + 4 + 4 * 5 + 5
    # Canziani 2016: a bias for each output, and one operation for each ReLU
    assert costs.operations == 2 * products + 4 * 36 + 5 + 4 * 36


def test_groups_count_for_products_and_not_in_2016():
    node = helper.make_node("Conv", ["x", "k"], ["y"], group=8)
    costs, reason = graph_costs(graph_model([node], {"x": ("n", 8, 5, 5)}, {"k": zeros(8, 1, 3, 3)}), 5)
    assert (costs.macs, costs.operations, reason) == (8 * 9 * 9, None, None)


@pytest.mark.parametrize(
    ("node", "inputs", "weights", "macs"),
    [
        (helper.make_node("Conv", ["x", "k"], ["y"], strides=[2, 2]), (1, 3, 9, 9), zeros(4, 3, 3, 3), 4 * 16 * 27),
        # Each value of the input is multiplied by 5 maps of 2 x 2
        (helper.make_node("ConvTranspose", ["x", "k"], ["y"]), (1, 3, 4, 4), zeros(3, 5, 2, 2), 3 * 16 * 5 * 4),
        (helper.make_node("MatMul", ["x", "k"], ["y"]), (1, 7, 6), zeros(6, 4), 7 * 6 * 4),
        (helper.make_node("Gemm", ["x", "k"], ["y"], transA=1), (6, 1), zeros(6, 4), None),
    ],
)
def test_products(node, inputs, weights, macs):
    model = graph_model([node], {"x": inputs}, {"k": weights})
    costs, _ = graph_costs(model, 9)
    # One image is the first dimension, and this Gemm has it elsewhere
    assert costs.macs == (6 * 4 if macs is None else macs)


HIDDEN = [
    (helper.make_node("LSTM", ["x", "k", "k"], ["y"], hidden_size=4), "LSTM"),
    (helper.make_node("Einsum", ["x", "k"], ["y"], equation="ab,cd->ad"), "Einsum"),
    (helper.make_node("Secret", ["x", "k"], ["y"], domain="my.own"), "my.own.Secret"),
]


@pytest.mark.parametrize(("node", "name"), HIDDEN)
def test_what_may_hide_products_has_no_number(node, name):
    costs, reason = graph_costs(graph_model([node], {"x": (1, 4, 4)}, {"k": zeros(1, 16, 4)}), 4)
    assert (costs.parameters, costs.macs, costs.operations) == (64, None, None)
    assert reason == f"the products in the operator {name} are not counted"


def test_an_open_size_that_is_no_image_has_no_number():
    node = helper.make_node("MatMul", ["x", "k"], ["y"])
    costs, reason = graph_costs(graph_model([node], {"x": ("n", "words", 4)}, {"k": zeros(4, 4)}), 224)
    assert costs.macs is None
    assert reason == "the size of the input x is not fixed"


def test_images_of_an_open_size_take_that_of_the_name():
    node = helper.make_node("Conv", ["x", "k"], ["y"])
    model = graph_model([node], {"x": ("n", 3, "h", "w")}, {"k": zeros(2, 3, 1, 1)})
    assert graph_costs(model, 10)[0].macs == 2 * 100 * 3
    assert graph_costs(model, 20)[0].macs == 2 * 400 * 3


def test_weights_without_work_that_is_seen_are_not_zero():
    node = helper.make_node("Add", ["x", "k"], ["y"])
    costs, reason = graph_costs(graph_model([node], {"x": (1, 4)}, {"k": zeros(1, 4)}), 4)
    assert costs.macs is None
    assert reason == "no operator of the graph is one whose products are counted"
