# SPDX-License-Identifier: Apache-2.0
"""fp16 and int8 files: near the answers of fp32, and calibrated with some of the images, which are named."""

from __future__ import annotations

import hashlib

import numpy as np
import onnx
import onnxruntime
import pytest
from PIL import Image

from monitor_app.core.errors import InferenceError
from monitor_app.inference.images import read_image
from monitor_app.inference.networks.registry import find_network
from monitor_app.inference.onnx_files.calibration import AT_MOST, calibration_images
from monitor_app.inference.onnx_files.convert import convert
from monitor_app.inference.onnx_files.describe import describe
from tests.inference.onnx_files.graphs import classifier, classify, graph_model, saved

PIXELS = 32


@pytest.fixture
def model():
    return classifier(np.random.default_rng(1), PIXELS)


@pytest.fixture
def file(model, tmp_path):
    return saved(model, tmp_path / "small.onnx")


@pytest.fixture
def folder(tmp_path):
    """Seven photographs of two classes."""
    rng = np.random.default_rng(2)
    for k in range(7):
        place = tmp_path / "images" / f"class{k % 2}"
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (40, 40, 3), np.uint8)).save(place / f"photo{k}.png")
    return tmp_path / "images"


def run(file, images):
    return onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"]).run(None, {"x": images})[0]


@pytest.mark.parametrize("symmetric", [False, True])
def test_int8_is_near_the_answers(model, file, folder, tmp_path, symmetric):
    sample = calibration_images(str(folder), find_network(f"{file}@{PIXELS}"))
    target = tmp_path / "int8.onnx"
    known = convert(str(file), f"{file}@{PIXELS}", "int8", [str(each) for each in sample.files], symmetric, str(target))
    assert known["images"] == len(sample.files) == 3
    others = set(folder.glob("*/*.png")) - set(sample.files)
    images = np.stack([read_image(each, find_network(f"{file}@{PIXELS}").preprocessing, PIXELS) for each in others])
    truth = classify(model, images)
    assert abs(run(target, images) - truth).max() < 0.05 * abs(truth).max()
    found = describe(str(target), PIXELS)
    assert (found["precision"], found["costs"]["macs"]) == ("int8", describe(str(file), PIXELS)["costs"]["macs"])
    kinds = {node.op_type for node in onnx.load(target).graph.node}
    assert {"QuantizeLinear", "DequantizeLinear"} <= kinds


def test_fp16_takes_and_gives_half_precision(model, file, tmp_path):
    target = tmp_path / "half.onnx"
    convert(str(file), f"{file}@{PIXELS}", "fp16", [], False, str(target))
    images = np.random.default_rng(3).uniform(-1, 1, (2, 3, PIXELS, PIXELS)).astype(np.float16)
    answer = run(target, images)
    assert answer.dtype == np.float16
    truth = classify(model, images.astype(np.float32))
    assert abs(answer - truth).max() < 0.01 * abs(truth).max()
    assert describe(str(target), PIXELS)["precision"] == "fp16"


def test_at_most_half_of_the_images_and_always_the_same(folder):
    network = find_network("resnet18")
    sample = calibration_images(str(folder), network)
    assert sample == calibration_images(str(folder), network)
    assert (len(sample.files), sample.of) == (3, 7)
    lines = "".join(f"{each.name} {hashlib.sha256(each.read_bytes()).hexdigest()}\n" for each in sample.files)
    assert sample.sha256 == hashlib.sha256(lines.encode()).hexdigest()
    assert sample.facts["calibration"] == f"3 of the 7 images of {folder}"
    assert AT_MOST >= 3


def test_without_images_a_sentence_names_the_key():
    with pytest.raises(InferenceError, match=r"set calibration in \[inference\] to demo"):
        calibration_images(None, find_network("resnet18"))


def test_what_takes_no_images_is_not_calibrated(tmp_path, folder):
    nodes = [onnx.helper.make_node("MatMul", ["x", "w"], ["y"])]
    file = saved(graph_model(nodes, {"x": ("n", 4)}, {"w": np.zeros((4, 4), np.float32)}), tmp_path / "words.onnx")
    images = [str(each) for each in folder.glob("*/*.png")]
    with pytest.raises(InferenceError, match=r"takes something else than images"):
        convert(str(file), str(file), "int8", images, False, str(tmp_path / "out.onnx"))
    assert not (tmp_path / "out.onnx").exists()
