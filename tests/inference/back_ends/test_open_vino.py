# SPDX-License-Identifier: Apache-2.0
"""OpenVINO, against torch and ONNX Runtime, which share nothing with it but the file."""

from __future__ import annotations

import subprocess
import sys
import warnings

import numpy as np
import onnx
import openvino
import pytest
import torch
from onnx import TensorProto, helper
from torch import nn

from monitor_app.core.errors import InferenceError
from monitor_app.inference.back_ends.open_vino import OpenVino
from monitor_app.inference.built_modules import build_with_weights
from monitor_app.inference.datasets import find_dataset
from monitor_app.inference.images import read_images
from monitor_app.inference.measure import Runner
from monitor_app.inference.messages import Load
from monitor_app.inference.networks.counts import known_costs
from monitor_app.inference.networks.registry import find_network
from monitor_app.inference.onnx_files import workshop
from monitor_app.inference.passes import NoLoadSignal


@pytest.fixture(scope="module")
def back_end():
    return OpenVino()


def answered(model, *arrays):
    return model.arrays(model.run(model.prepare(arrays)))


def normal(*shape):
    return np.random.default_rng(3).standard_normal(shape, np.float32)


def of_file(path, nodes, inputs, outputs, constants=(), domain=()):
    """Write an ONNX file; inputs and outputs are names with shapes."""
    kinds = {"f": TensorProto.FLOAT, "u": TensorProto.UINT8}
    described = [
        [
            helper.make_tensor_value_info(name.lstrip("!"), kinds["u" if name[0] == "!" else "f"], shape)
            for name, shape in each
        ]
        for each in (inputs, outputs)
    ]
    graph = helper.make_graph(nodes, "graph", *described, list(constants))
    opsets = [helper.make_opsetid("", 17), *(helper.make_opsetid(each, 1) for each in domain)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
    return path


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """A small network of torch, and its ONNX file with an open batch."""
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(3, 16, 3, 2, 1), nn.ReLU(), nn.Conv2d(16, 16, 3, 1, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(16, 10),
    ).eval()  # fmt: skip
    at = {key: value.numpy() for key, value in module.state_dict().items()}
    constants = [helper.make_tensor(key, TensorProto.FLOAT, value.shape, value.ravel()) for key, value in at.items()]
    nodes = [
        helper.make_node("Conv", ["x", "0.weight", "0.bias"], ["a"], strides=[2, 2], pads=[1] * 4),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("Conv", ["b", "2.weight", "2.bias"], ["c"], pads=[1] * 4),
        helper.make_node("GlobalAveragePool", ["c"], ["d"]),
        helper.make_node("Flatten", ["d"], ["e"]),
        helper.make_node("Gemm", ["e", "5.weight", "5.bias"], ["y"], transB=1),
    ]
    file = tmp_path_factory.mktemp("onnx") / "small.onnx"
    of_file(file, nodes, [("x", ["n", 3, 32, 32])], [("y", ["n", 10])], constants)
    return module, file


@pytest.mark.parametrize("batch_size", [1, 3])
@pytest.mark.parametrize("suffix", [".onnx", ".xml"])
def test_its_answers_are_those_of_torch(back_end, network, batch_size, suffix, tmp_path):
    module, file = network
    if suffix == ".xml":
        openvino.save_model(openvino.Core().read_model(str(file)), str(tmp_path / "small.xml"), compress_to_fp16=False)
        file = tmp_path / "small.xml"
    model = back_end.load(Load(str(file)))
    images = normal(batch_size, 3, 32, 32)

    with torch.inference_mode():
        expected = module(torch.from_numpy(images)).numpy()

    np.testing.assert_allclose(answered(model, images)[0], expected, rtol=1e-4, atol=1e-5)
    assert model.loaded.input_pixels == 32


def test_fp32_is_fp32_where_the_processor_has_bf16(back_end, network):
    """Left to itself OpenVINO computes in bf16 there, with errors a thousand times as large."""
    module, file = network
    images = normal(4, 3, 32, 32)
    model = back_end.load(Load(str(file)))
    with torch.inference_mode():
        expected = module(torch.from_numpy(images)).numpy()

    assert model.loaded.settings["inference precision"] == "f32"
    assert np.abs(answered(model, images)[0] - expected).max() < 1e-5


def test_a_precision_that_the_device_lacks_is_refused(back_end, network):
    """It is a hint to OpenVINO, which takes another one without a word."""
    offered = openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    for precision, name in (("bf16", "BF16"), ("fp16", "FP16")):
        if name in offered:
            assert back_end.load(Load(str(network[1]), precision=precision)).loaded.settings["inference precision"]
        else:
            with pytest.raises(
                InferenceError, match=rf"OpenVINO has no {precision} on this cpu and would run \S+ in its place"
            ):
                back_end.load(Load(str(network[1]), precision=precision))


def test_what_changes_a_time_is_recorded(back_end, network):
    settings = back_end.load(Load(str(network[1]), threads=2)).loaded.settings

    expected = {"threads": "2", "streams": "1", "performance hint": "LATENCY", "execution devices": "CPU"}
    assert {key: settings[key] for key in expected} == expected
    assert settings["batch"] == "fixed"


def test_batches_may_change_and_inputs_are_not_mixed_up(back_end, network):
    module, file = network
    model = back_end.load(Load(str(file)))
    for size in (2, 1, 4):
        images = normal(size, 3, 32, 32) * size
        with torch.inference_mode():
            expected = module(torch.from_numpy(images)).numpy()
        np.testing.assert_allclose(answered(model, images)[0], expected, rtol=1e-4, atol=1e-4)
    one, other = model.prepare([normal(1, 3, 32, 32)]), model.prepare([normal(1, 3, 32, 32) * 2])
    first, second = (model.arrays(model.run(each))[0].copy() for each in (one, other))
    assert np.abs(first - second).max() > 1e-3
    np.testing.assert_array_equal(model.arrays(model.run(one))[0], first)


def test_several_inputs_of_any_type_and_several_outputs(back_end, tmp_path):
    nodes = [
        helper.make_node("Cast", ["z"], ["w"], to=TensorProto.FLOAT),
        helper.make_node("Add", ["x", "w"], ["sum"]),
        helper.make_node("Mul", ["x", "w"], ["product"]),
    ]
    file = of_file(
        tmp_path / "two.onnx", nodes, [("x", ["n", 4]), ("!z", ["n", 4])], [("sum", ["n", 4]), ("product", ["n", 4])]
    )
    # The name of an input is what the file calls it
    text = onnx.load(file)
    text.graph.input[1].name = "z"
    onnx.save(text, file)
    model = back_end.load(Load(str(file)))
    x, z = normal(3, 4), np.arange(12, dtype=np.uint8).reshape(3, 4)

    assert [(each.name, each.shape, each.dtype) for each in model.inputs] == [
        ("x", (None, 4), "float32"), ("z", (None, 4), "uint8"),
    ]  # fmt: skip
    total, product = answered(model, x, z)
    np.testing.assert_allclose(total, x + z, rtol=1e-6)
    np.testing.assert_allclose(product, x * z, rtol=1e-6)
    assert model.loaded.input_pixels is None


def test_photographs_for_bytes_with_channels_last_are_pixels(back_end, tmp_path):
    file = of_file(
        tmp_path / "pixels.onnx",
        [helper.make_node("Cast", ["p"], ["y"], to=TensorProto.FLOAT)],
        [("!p", ["n", 8, 8, 3])],
        [("y", ["n", 8, 8, 3])],
    )
    model = back_end.load(Load(str(file)))
    pixels = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3), np.uint8)
    preprocessing = model.network.preprocessing
    images = ((pixels / 255 - preprocessing.mean) / preprocessing.std).transpose(0, 3, 1, 2).astype(np.float32)

    np.testing.assert_array_equal(answered(model, images)[0], pixels)


def test_a_batch_that_the_file_does_not_take_is_a_sentence(back_end, tmp_path):
    shape = helper.make_tensor("s", TensorProto.INT64, [2], [3, 4])
    file = of_file(
        tmp_path / "fixed.onnx",
        [helper.make_node("Reshape", ["x", "s"], ["y"])],
        [("x", [2, 6])],
        [("y", [3, 4])],
        [shape],
    )
    with pytest.raises(InferenceError, match=r"fixed cannot take a batch of 1 \(.*incompatible.*\): export it with"):
        back_end.load(Load(f"{file}"))


@pytest.mark.parametrize(("name", "content"), [("a.onnx", b""), ("a.onnx", b"nonsense"), ("a.xml", b"<net>")])
def test_a_damaged_file_is_a_sentence(back_end, tmp_path, name, content):
    (tmp_path / name).write_bytes(content)

    with pytest.raises(InferenceError, match=r"cannot be opened by OpenVINO \(.+\): export it again\.$") as error:
        back_end.load(Load(str(tmp_path / name)))
    assert "\n" not in str(error.value)
    assert "src/" not in str(error.value)


def test_an_operator_that_it_lacks_is_named(back_end, tmp_path):
    node = helper.make_node("Sparkle", ["x"], ["y"], domain="mine")
    file = of_file(tmp_path / "own.onnx", [node], [("x", ["n", 3])], [("y", ["n", 3])], domain=["mine"])

    with pytest.raises(InferenceError, match=r"mine\.Sparkle\): export it again\.$"):
        back_end.load(Load(str(file)))


def test_a_device_that_is_not_there_is_a_sentence(back_end, network):
    with pytest.raises(InferenceError, match=r"OpenVINO sees no device 'cuda:0': use one of cpu"):
        back_end.load(Load(str(network[1]), device="cuda:0"))


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """EfficientNet-Lite0 with its weights: as a module of torch, and as an ONNX file that torch traced."""
    built = build_with_weights(find_network("efficientnet_lite0"), "auto", 0)
    file = tmp_path_factory.mktemp("lite0") / "lite0.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            built.module, (torch.zeros(1, 3, 224, 224),), file, dynamo=False, input_names=["images"],
            dynamic_axes={"images": {0: "batch"}},
        )  # fmt: skip
    known = {"weights": built.weights, "weights_sha256": built.weights_sha256, "parameters": 1, "macs": 1,
             "operations": 1, "way": "tracing", "opset": 17}  # fmt: skip
    return built.module, file, known


def test_a_network_of_the_list_is_right_on_the_photographs(back_end, exported, monkeypatch):
    module, file, known = exported
    monkeypatch.setattr(workshop, "kept_export", lambda network, weights, seed: (file, known))
    model = back_end.load(Load("efficientnet_lite0"))
    dataset = find_dataset("demo")
    images = np.stack([read for _, read in read_images(dataset.images, model.network.preprocessing, 224)])
    rows = []
    runner = Runner(model, NoLoadSignal(), lambda batches: rows.extend(batches.rows), lambda: False)

    runner.evaluate(20, dataset)

    with torch.inference_mode():
        scores = module(torch.from_numpy(images)).numpy()
    np.testing.assert_allclose(answered(model, images)[0], scores, rtol=1e-4, atol=1e-4)
    right = scores.argmax(1) == [image.label for image in dataset.images]
    assert [row[2:4] for row in rows] == [(20, right.sum())]
    assert model.loaded.weights == known["weights"]
    assert (model.loaded.macs, model.loaded.operations) == (
        known_costs("efficientnet_lite0").macs, known_costs("efficientnet_lite0").operations,
    )  # fmt: skip


def test_int8_by_its_own_quantiser_is_made_once_with_images_that_are_named(exported, tmp_path, monkeypatch, back_end):
    pytest.importorskip("nncf")
    module, file, known = exported
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(workshop, "kept_export", lambda network, weights, seed: (file, known))

    model = back_end.load(Load("efficientnet_lite0", precision="int8", calibration="demo"))

    dataset = find_dataset("demo")
    fresh = [image for image in dataset.images if image.file not in model.calibrated_with]
    assert len(fresh) == 10
    images = np.stack([read for _, read in read_images(fresh, model.network.preprocessing, 224)])
    with torch.inference_mode():
        scores = module(torch.from_numpy(images)).numpy()
    answers = answered(model, images)[0]
    assert (answers.argmax(1) == scores.argmax(1)).sum() >= 8
    assert np.abs(answers - scores).max() > 1e-3, "it would else be fp32"
    assert "nncf" in model.loaded.settings["conversion"]
    assert "10 of the 20 images of demo" in model.loaded.settings["calibration"]
    monkeypatch.setattr(workshop, "_work", None)
    back_end.load(Load("efficientnet_lite0", precision="int8", calibration="demo"))
    made = next(tmp_path.rglob("*.xml"))
    with pytest.raises(InferenceError, match=r"\.xml holds a network in int8: set precision to int8, or name"):
        back_end.load(Load(str(made)))


OUT_OF_MEMORY = """
import resource, sys
import numpy as np
from monitor_app.core.errors import NotEnoughMemoryError
from monitor_app.inference.back_ends.open_vino import OpenVino
from monitor_app.inference.messages import Load
model = OpenVino().load(Load(sys.argv[1]))
images = np.zeros((2048, 3, 32, 32), np.float32)
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (16 << 20),) * 2)
try:
    model.run(model.prepare([images]))
except (MemoryError, NotEnoughMemoryError) as error:
    print(type(error).__name__, error)
"""


def test_a_batch_that_does_not_fit_is_no_other_failure(network):
    """A real shortage, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", OUT_OF_MEMORY, str(network[1])], capture_output=True, text=True, check=False, timeout=120
    )
    assert "MemoryError" in done.stdout, done.stderr
