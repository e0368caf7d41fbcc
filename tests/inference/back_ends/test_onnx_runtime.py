# SPDX-License-Identifier: Apache-2.0
"""ONNX Runtime on files made by hand: answers by definition, settings as they are, and a sentence for what fails."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper

from monitor_app.core.back_ends import BACK_ENDS
from monitor_app.core.errors import InferenceError
from monitor_app.core.runs import Phase
from monitor_app.inference.back_ends import onnx_providers
from monitor_app.inference.back_ends.onnx_gpu import MULTIPLICATION, visible_uuid
from monitor_app.inference.back_ends.onnx_providers import CPU, CUDA, TENSORRT, Provider, provider_of
from monitor_app.inference.back_ends.onnx_runtime import OnnxRuntime
from monitor_app.inference.datasets import Dataset, LabelledImage
from monitor_app.inference.inputs import random_arrays
from monitor_app.inference.measure import Runner
from monitor_app.inference.messages import Load
from monitor_app.inference.passes import NoLoadSignal
from tests.inference.onnx_files.graphs import classifier, classify, graph_model, saved

PIXELS = 8


@pytest.fixture
def model():
    return classifier(np.random.default_rng(4))


@pytest.fixture
def file(model, tmp_path):
    return saved(model, tmp_path / "small.onnx")


def load(file, **options):
    return OnnxRuntime().load(Load(f"{file}@{PIXELS}", **options))


def test_it_answers_by_definition_for_any_batch(model, file):
    running = load(file)
    for batch in (1, 3):
        images = random_arrays(running.inputs, batch, 5)
        outputs = running.run(running.prepare(images))
        running.synchronize()
        (scores,) = running.arrays(outputs)
        assert np.allclose(scores, classify(model, images[0]), atol=1e-5)


def test_what_is_known_of_it(file):
    loaded = load(file, threads=2).loaded
    assert (loaded.title, loaded.input_pixels, loaded.macs) == ("small", PIXELS, 4 * 36 * 27 + 20)
    assert loaded.weights == f"the file {file}"
    settings = loaded.settings
    assert (settings["threads"], settings["spinning"], settings["graph optimisation"]) == ("2", "on", "all")
    assert settings["providers"] == CPU
    # 1.23, the last for Python 3.10, cannot tell
    assert settings.get("operators by provider", CPU).startswith(CPU)
    assert "costs" not in settings
    assert load(file, weights="none").loaded.weights is None


def test_a_batch_that_the_file_does_not_take_is_refused(tmp_path):
    node = helper.make_node("Relu", ["x"], ["y"])
    running = load(saved(graph_model([node], {"x": (1, 3, 8, 8)}), tmp_path / "one.onnx"))
    assert random_arrays(running.inputs, 1, 0)[0].shape == (1, 3, 8, 8)
    with pytest.raises(InferenceError, match=r"^The network takes batches of 1 only: set the batch size to that"):
        random_arrays(running.inputs, 4, 0)


def test_images_of_any_size_have_that_of_the_name(tmp_path):
    node = helper.make_node("Relu", ["x"], ["y"])
    running = load(saved(graph_model([node], {"x": ("n", 3, "h", "w")}), tmp_path / "any.onnx"))
    assert running.inputs[0].shape == (None, 3, PIXELS, PIXELS)
    assert running.loaded.input_pixels == PIXELS


def test_several_inputs_of_several_types(tmp_path):
    nodes = [helper.make_node("Gather", ["table", "i"], ["g"]), helper.make_node("Add", ["g", "x"], ["y"])]
    model = graph_model(nodes, {"x": ("batch", 4)}, {"table": np.arange(40, dtype=np.float32).reshape(10, 4)})
    model.graph.input.append(helper.make_tensor_value_info("i", onnx.TensorProto.INT64, ["batch"]))
    running = load(saved(model, tmp_path / "two.onnx"))
    assert [(each.name, each.dtype) for each in running.inputs] == [("x", "float32"), ("i", "int64")]
    x, i = np.ones((2, 4), np.float32), np.array([3, 7])
    assert np.array_equal(running.arrays(running.run(running.prepare([x, i])))[0], np.arange(40).reshape(10, 4)[i] + 1)
    assert running.loaded.input_pixels is None


def test_costs_that_are_not_known_have_a_reason(tmp_path):
    node = helper.make_node("Einsum", ["x", "k"], ["y"], equation="nc,cd->nd")
    weights = {"k": np.zeros((4, 4), np.float32)}
    loaded = load(saved(graph_model([node], {"x": ("n", 4)}, weights), tmp_path / "e.onnx")).loaded
    assert (loaded.parameters, loaded.macs) == (16, None)
    assert loaded.settings["costs"] == "the products in the operator Einsum are not counted"


def test_its_own_format_runs_and_is_not_counted(file, model, tmp_path):
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "small.ort")
    options.add_session_config_entry("session.save_model_format", "ORT")
    onnxruntime.InferenceSession(file, options, providers=[CPU])
    running = load(tmp_path / "small.ort")
    images = random_arrays(running.inputs, 2, 5)
    assert np.allclose(running.arrays(running.run(running.prepare(images)))[0], classify(model, images[0]), atol=1e-5)
    assert (running.loaded.macs, running.loaded.settings["costs"]) == (None, "a file .ort is not counted")


def unknown_operator(_):
    return graph_model([helper.make_node("Frobnicate", ["x"], ["y"])], {"x": (1, 3)}).SerializeToString()


def newer_opset(_):
    return graph_model([helper.make_node("Relu", ["x"], ["y"])], {"x": (1, 3)}, opset=99).SerializeToString()


FAILURES = [
    (lambda data: b"\xff" * 50, r"is not an ONNX file, or is damaged: export it again\.$"),
    (lambda data: data[: len(data) // 2], r"is not an ONNX file, or is damaged: export it again\.$"),
    (
        unknown_operator,
        r"has an operator that ONNX Runtime [\d.]+ does not know \(.*Frobnicate.*: export it without it\.$",
    ),
    (
        newer_opset,
        r"needs a newer ONNX Runtime than [\d.]+ \(.*: export it with a lower opset, or install a newer one\.$",
    ),
]


@pytest.mark.parametrize(("spoil", "sentence"), FAILURES)
def test_what_cannot_be_opened_is_said_in_one_sentence(spoil, sentence, file):
    file.write_bytes(spoil(file.read_bytes()))
    with pytest.raises(InferenceError, match=sentence) as caught:
        load(file)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"precision": "fp16"}, r"^ONNX Runtime computes fp16 on a GPU only.*: use fp32 or int8\.$"),
        ({"precision": "tf32"}, r"^ONNX Runtime computes tf32 on a GPU only"),
        ({"precision": "bf16"}, r"^No network runs in bf16 with ONNX Runtime: use one of fp32, tf32, fp16, int8\.$"),
        ({"precision": "int8"}, r"set calibration in \[inference\] to demo"),
        ({"device": "cuda:0"}, r"^This build of ONNX Runtime has no CUDAExecutionProvider for cuda:0, only"),
        ({"device": "npu"}, r"^ONNX Runtime runs no network on 'npu' here"),
    ],
)
def test_settings_that_it_does_not_have(file, options, sentence):
    with pytest.raises(InferenceError, match=sentence):
        load(file, **options)


def test_tensorrt_is_on_a_gpu_alone(file):
    with pytest.raises(InferenceError, match=r"for TensorRT cuda:0\.$"):
        OnnxRuntime("onnxruntime-tensorrt").load(Load(str(file)))
    with pytest.raises(InferenceError, match=f"has no {TENSORRT} for cuda:0"):
        OnnxRuntime("onnxruntime-tensorrt").load(Load(str(file), device="cuda:0"))


def test_on_a_gpu_tf32_and_the_search_of_cudnn_are_set(monkeypatch):
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [TENSORRT, CUDA, CPU])
    plain = provider_of("onnxruntime", Load("x", device="cuda:1"))
    # The library would take TF32 for fp32, and search exhaustively
    assert (plain.name, plain.memory, plain.index) == (CUDA, "cuda", 1)
    assert plain.options == {"device_id": "1", "use_tf32": "0", "cudnn_conv_algo_search": "HEURISTIC"}
    assert (plain.settings["TF32"], plain.settings["cuDNN search"]) == ("off", "heuristic")
    other = provider_of("onnxruntime", Load("x", device="cuda", precision="tf32", cudnn_benchmark=True))
    assert other.options == {"device_id": "0", "use_tf32": "1", "cudnn_conv_algo_search": "EXHAUSTIVE"}
    assert provider_of("onnxruntime-tensorrt", Load("x", device="cuda")).name == TENSORRT


class Session:
    """A session that has taken other providers than were asked for, as the library does without an error."""

    def __init__(self, providers, nodes=None):
        self._providers, self._nodes = providers, nodes
        if nodes is not None:
            self.get_provider_graph_assignment_info = lambda: [
                SimpleNamespace(ep_name=name, get_nodes=lambda count=count: [None] * count)
                for name, count in nodes.items()
            ]

    def get_providers(self):
        return self._providers


@pytest.mark.parametrize("session", [Session([CPU]), Session([CUDA, CPU], {CPU: 12})])
def test_a_silent_fall_back_to_the_processor_is_an_error(session):
    with pytest.raises(InferenceError, match=rf"would run the network by {CPU} and not by {CUDA}"):
        onnx_providers.running_providers(session, Provider(CUDA))


def test_the_providers_that_run_are_recorded():
    found = onnx_providers.running_providers(Session([CUDA, CPU], {CUDA: 50, CPU: 2}), Provider(CUDA))
    assert found == {
        "providers": f"{CUDA}, {CPU}",
        "operators by provider": f"{CPU} 2, {CUDA} 50",
    }
    assert onnx_providers.running_providers(Session([CUDA, CPU]), Provider(CUDA)) == {"providers": f"{CUDA}, {CPU}"}
    assert onnx_providers.running_providers(Session([CUDA, CPU], {CUDA: 50}), Provider(CUDA))["providers"] == CUDA


def test_a_file_in_int8_is_not_run_as_fp32(tmp_path):
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["y"]),
    ]
    model = graph_model(nodes, {"x": ("n", 3)}, {"s": np.array(0.1, np.float32)})
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.array(0, np.uint8), "z"))
    file = saved(model, tmp_path / "q.onnx")
    with pytest.raises(InferenceError, match=r"holds a network in int8: set precision to int8"):
        load(file)
    assert load(file, precision="int8").loaded.settings["providers"] == CPU


def test_too_large_a_batch_is_out_of_memory(file):
    code = (
        "import resource, numpy as np; from monitor_app.inference.back_ends.onnx_runtime import OnnxRuntime;"
        "from monitor_app.inference.messages import Load; from monitor_app.inference.child import _is_out_of_memory;"
        f"m = OnnxRuntime().load(Load({str(file)!r} + '@8')); x = m.prepare([np.zeros((300_000, 3, 8, 8), 'f')]);"
        "used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize();"
        "resource.setrlimit(resource.RLIMIT_AS, (used + (64 << 20),) * 2)\n"
        "try: m.run(x)\n"
        "except Exception as error: print(_is_out_of_memory(error))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "True\n", done.stderr


def test_accuracy_leaves_out_the_images_of_the_calibration(file, tmp_path):
    from PIL import Image

    images = []
    for k in range(5):
        path = tmp_path / f"photo_{k}.png"
        Image.new("RGB", (12, 12), (50 * k, 0, 0)).save(path)
        images.append(LabelledImage(path, k))
    running = load(file)
    for seen, answered, note in [
        ((), 5, None),
        ((1, 3), 3, "2 images are left out, because it was calibrated with them"),
        (range(5), 5, "these are the images that it was calibrated with, on which its accuracy may be too good"),
    ]:
        running.calibrated_with = frozenset(images[k].file for k in seen)
        done = Runner(running, NoLoadSignal(), lambda _: None, lambda: False).evaluate(2, Dataset(tuple(images)))
        assert (done.phase, done.images, done.reason) == (Phase.ACCURACY, answered, note)
        assert done.answers.images == answered
        assert [done.top1[k] for k in seen] == ["-"] * len(seen) or answered == 5


def test_the_load_steps_of_a_gpu_are_a_file_that_runs():
    onnx.checker.check_model(onnx.load_from_string(MULTIPLICATION))
    session = onnxruntime.InferenceSession(MULTIPLICATION, providers=[CPU])
    factor = np.random.default_rng(0).standard_normal((5, 5), np.float32)
    assert np.allclose(session.run(None, {"a": factor, "b": factor})[0], factor @ factor, atol=1e-5)


def test_a_gpu_is_known_by_what_this_process_sees(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-aa,GPU-bb")
    assert (visible_uuid(0), visible_uuid(1), visible_uuid(2)) == ("aa", "bb", None)


def test_every_precision_that_is_listed_is_known():
    from typing import get_args

    from monitor_app.core.profile import BackEndName, Precision

    assert {each for row in BACK_ENDS.values() for each in row.precisions} <= set(get_args(Precision))
    assert set(BACK_ENDS) == set(get_args(BackEndName)) - {"auto"}
