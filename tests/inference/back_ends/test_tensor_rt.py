# SPDX-License-Identifier: Apache-2.0
"""TensorRT against a module that has its calls and computes with numpy, in both generations of them."""

from __future__ import annotations

import importlib
import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from monitor_app.core.errors import InferenceError, NotEnoughMemoryError
from monitor_app.core.runs import Phase
from monitor_app.inference.arrivals import ClosedLoop
from monitor_app.inference.measure import Runner
from monitor_app.inference.messages import Load
from monitor_app.inference.passes import NoLoadSignal
from tests.inference.back_ends.fake_cudart import FakeCudart
from tests.inference.back_ends.fake_tensorrt import LATENCY_MS, fake_tensorrt

OURS = "monitor_app.inference.back_ends.tensor_rt"
OLD, NEW = "8.2.1.8", "10.3.0"
WEIGHT = np.random.default_rng(1).standard_normal((12, 4)).astype(np.float32)


@pytest.fixture(params=[OLD, NEW])
def version(request):
    return request.param


@pytest.fixture
def cudart():
    return FakeCudart()


@pytest.fixture
def board(monkeypatch, tmp_path, cudart):
    """Makes the back end of a board with that version."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    names = (OURS, f"{OURS}_build", f"{OURS}_engine")

    def made(version):
        module = fake_tensorrt(version, cudart)
        monkeypatch.setitem(sys.modules, "tensorrt", module)
        for name in names:
            monkeypatch.delitem(sys.modules, name, raising=False)
        return importlib.import_module(OURS).TensorRT(cudart), module

    yield made
    for name in names:
        sys.modules.pop(name, None)


@pytest.fixture
def file(tmp_path):
    """Scores of images of 3 x 2 x 2, and their largest."""
    return write(
        tmp_path / "small.onnx",
        [
            helper.make_node("Flatten", ["x"], ["flat"]),
            helper.make_node("MatMul", ["flat", "w"], ["y"]),
            helper.make_node("ReduceMax", ["y"], ["top"], axes=[1]),
        ],
        ["n", 3, 2, 2],
    )


def write(path, nodes, shape, outputs=("y", "top")):
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", None]) for name in outputs],
        [helper.make_tensor("w", TensorProto.FLOAT, WEIGHT.shape, WEIGHT.ravel())],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("mine", 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
    return path


def load(back_end, file, **options):
    return back_end.load(Load(str(file), device="cuda", **options))


def normal(*shape):
    return np.random.default_rng(3).standard_normal(shape, np.float32)


def answered(model, *arrays):
    outputs = model.run(model.prepare(arrays))
    model.synchronize()
    return model.arrays(outputs)


def test_answers_of_any_batch(board, version, file):
    model = load(board(version)[0], file)

    assert [(each.name, each.shape) for each in model.inputs] == [("x", (None, 3, 2, 2))]
    for size in (2, 1, 5):
        images = normal(size, 3, 2, 2)
        scores, top = answered(model, images)
        np.testing.assert_allclose(scores, images.reshape(size, 12) @ WEIGHT, rtol=1e-5)
        np.testing.assert_allclose(top, scores.max(1, keepdims=True))


def test_one_engine_serves_smaller_batches_and_is_kept(board, version, file):
    back_end, module = board(version)
    for size in (4, 2, 4):
        answered(load(back_end, file), normal(size, 3, 2, 2))
    model = load(back_end, file)
    for size in (4, 3, 1):
        answered(model, normal(size, 3, 2, 2))

    # For four and for two, each once
    assert len(module.built) == 2


def test_another_version_builds_anew(board, file):
    for version in (OLD, NEW, "10.4.0"):
        back_end, module = board(version)
        answered(load(back_end, file), normal(1, 3, 2, 2))
        assert len(module.built) == 1


@pytest.mark.parametrize(("precision", "flags"), [("fp32", set()), ("tf32", {"TF32"}), ("fp16", {"FP16"})])
def test_a_precision_allows_what_it_says(board, version, file, precision, flags):
    """TF32 is allowed by TensorRT where nobody forbids it."""
    back_end, module = board(version)
    model = load(back_end, file, precision=precision)
    answered(model, normal(1, 3, 2, 2))

    assert module.built == [flags]
    assert model.loaded.settings["TF32"] == ("on" if "TF32" in flags else "off")


def test_the_time_of_the_device_is_that_between_its_events(board, version, file, cudart):
    rows = []
    model = load(board(version)[0], file)
    runner = Runner(model, NoLoadSignal(), lambda batches: rows.extend(batches.rows), lambda: False)

    runner.run_for(Phase.TIMED, 2, ClosedLoop(0, 3))

    assert [row[5] for row in rows] == [round(LATENCY_MS * 1e6)] * 3


def test_memory_is_given_back(board, version, file, cudart):
    back_end, _ = board(version)
    model = load(back_end, file)
    answered(model, normal(8, 3, 2, 2))
    assert cudart.held
    del model
    back_end.free()
    assert not cudart.held


def test_an_engine_is_run_as_it_was_built(board, version, file, tmp_path):
    back_end, _ = board(version)
    answered(load(back_end, file), normal(4, 3, 2, 2))
    built = next((tmp_path / "cache").rglob("*.engine"))
    engine = tmp_path / "mine.plan"
    engine.write_bytes(built.read_bytes())

    model = load(back_end, engine)

    np.testing.assert_allclose(
        answered(model, normal(3, 3, 2, 2))[0], normal(3, 3, 2, 2).reshape(3, 12) @ WEIGHT, rtol=1e-5
    )
    assert model.loaded.settings["engine"] == "as the engine was built, which it does not say"
    assert "not counted" in model.loaded.settings["costs"]
    with pytest.raises(InferenceError, match=r"mine cannot take a batch of 9 .* its engine was built for others"):
        model.prepare([normal(9, 3, 2, 2)])
    with pytest.raises(
        InferenceError,
        match=rf"mine\.plan cannot be opened by TensorRT 10\.9\.9 \(.*expecting library version 10\.9\.9 got {version}",
    ):
        load(board("10.9.9")[0], engine)


def test_what_cannot_be_done_is_a_sentence(board, version, file, tmp_path):
    back_end, _ = board(version)
    (tmp_path / "bad.engine").write_bytes(b"nonsense")
    (tmp_path / "bad.onnx").write_bytes(b"nonsense")
    odd = write(tmp_path / "odd.onnx", [helper.make_node("Sin", ["x"], ["y"])], ["n", 3, 2, 2], ["y"])
    own = write(tmp_path / "own.onnx", [helper.make_node("Foo", ["x"], ["y"], domain="mine")], ["n", 3, 2, 2], ["y"])

    for given, sentence in (
        (tmp_path / "bad.engine", r"bad\.engine cannot be opened by TensorRT .*name the \.onnx file, from which"),
        (tmp_path / "bad.onnx", r"bad\.onnx cannot be read by TensorRT .*export it with other operators"),
        (own, r"own\.onnx cannot be read by TensorRT .*Plugin not found.*Foo"),
    ):
        with pytest.raises(InferenceError, match=sentence) as error:
            load(back_end, given)
        assert "\n" not in str(error.value)
    with pytest.raises(InferenceError, match=r"cannot build odd for a batch of 2 in fp32 \(Error Code 10: No kernel\)"):
        answered(load(back_end, odd), normal(2, 3, 2, 2))
    with pytest.raises(InferenceError, match="TensorRT runs networks on a GPU and not on cpu: set device to cuda"):
        back_end.load(Load(str(file)))
    with pytest.raises(InferenceError, match="CUDA sees no device cuda:3: it has 1"):
        back_end.load(Load(str(file), device="cuda:3"))


def test_a_batch_that_does_not_fit_is_no_other_failure(board, version, file, cudart):
    cudart.memory_bytes = 1000
    model = load(board(version)[0], file)
    answered(model, normal(4, 3, 2, 2))
    with pytest.raises(NotEnoughMemoryError):
        answered(model, normal(400, 3, 2, 2))


def test_the_device_describes_itself(board, version):
    back_end, _ = board(version)

    assert back_end.devices()["cuda:0"] == "Orin (fake)"
    assert back_end.versions() == {"tensorrt": version}
    assert back_end.device_memory("cuda").integrated
    back_end.warm_imports(Load("x", device="cuda"))
