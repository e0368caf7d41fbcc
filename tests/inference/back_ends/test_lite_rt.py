# SPDX-License-Identifier: Apache-2.0
"""LiteRT on small files, against the same weights multiplied by torch. data/make_tflite.py made the files."""

from __future__ import annotations

from pathlib import Path

import flatbuffers
import numpy as np
import pytest
import torch
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from torch.nn import functional

from monitor_app.core.errors import InferenceError
from monitor_app.core.runs import Phase
from monitor_app.inference.arrivals import ClosedLoop
from monitor_app.inference.back_ends.lite_rt import LiteRT
from monitor_app.inference.inputs import random_arrays
from monitor_app.inference.measure import Runner
from monitor_app.inference.messages import Load
from monitor_app.inference.passes import NoLoadSignal

DATA = Path(__file__).with_name("data")
WEIGHTS = {key: torch.from_numpy(value) for key, value in np.load(DATA / "weights.npz").items()}


def load(name, **options):
    return LiteRT().load(Load(str(DATA / name), **options))


def answered(model, *arrays):
    return model.arrays(model.run(model.prepare(arrays)))


def tiny(images):
    """By torch, from images with their channels first."""
    at = {key.removeprefix("tiny."): value for key, value in WEIGHTS.items()}
    hidden = functional.relu6(functional.conv2d(torch.from_numpy(images), at["0.weight"], at["0.bias"], 2, 1))
    hidden = functional.conv2d(hidden, at["2.weight"], at["2.bias"], 1, 1, groups=8).mean((2, 3))
    return (hidden @ at["5.weight"].T + at["5.bias"]).numpy()


def normal(*shape):
    return np.random.default_rng(3).standard_normal(shape, np.float32)


@pytest.mark.parametrize("batch_size", [1, 3])
def test_images_are_laid_out_as_the_file_has_them(batch_size):
    model = load("tiny.tflite")
    images = normal(batch_size, 3, 16, 16)

    assert model.inputs[0].shape == (None, 16, 16, 3)
    assert model.loaded.input_pixels == model.network.input_pixels == 16
    for given in (images, np.ascontiguousarray(images.transpose(0, 2, 3, 1))):
        np.testing.assert_allclose(answered(model, given)[0], tiny(images), rtol=1e-4, atol=1e-5)


def test_batches_may_change_and_inputs_are_not_mixed_up():
    model = load("tiny.tflite", threads=2)
    several = [normal(size, 3, 16, 16) + size for size in (2, 1, 4)]
    for images in several:
        np.testing.assert_allclose(answered(model, images)[0], tiny(images), rtol=1e-4, atol=1e-5)
    one, other = model.prepare([normal(1, 3, 16, 16)]), model.prepare([normal(1, 3, 16, 16) * 2])
    for prepared, factor in ((one, 1), (other, 2), (one, 1), (one, 1)):
        scores = model.arrays(model.run(prepared))[0]
        np.testing.assert_allclose(scores, tiny(normal(1, 3, 16, 16) * factor), rtol=1e-4, atol=1e-5)


def test_several_inputs_and_outputs():
    model = load("two.tflite")
    x, y = normal(5, 4), normal(5, 3)
    at = {key.removeprefix("two."): value.numpy() for key, value in WEIGHTS.items()}
    hidden = np.maximum(x @ at["a.weight"].T + at["a.bias"] + y @ at["b.weight"].T + at["b.bias"], 0)

    first, second = answered(model, x, y)

    np.testing.assert_allclose(first, hidden, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(second, hidden.sum(1, keepdims=True), rtol=1e-4, atol=1e-5)
    assert model.loaded.input_pixels is None
    with pytest.raises(InferenceError, match=r"two takes batch x 4 as its input \S+ and no 1 x 3 x 16 x 16: give"):
        model.prepare([normal(1, 3, 16, 16), y])


def test_quantised_tensors_stand_for_real_ones():
    model = load("tiny_int8.tflite", precision="int8")
    images = normal(1, 3, 16, 16)
    assert model.inputs[0].dtype == "float32"

    scores = answered(model, images)[0]

    # As the specification has it, with nothing of ours
    plain = Interpreter(str(DATA / "tiny_int8.tflite"))
    plain.allocate_tensors()
    into, out = plain.get_input_details()[0], plain.get_output_details()[0]
    scale, zero = into["quantization"]
    whole = np.clip(np.round(images.transpose(0, 2, 3, 1).astype(float) / scale + zero), -128, 127)
    plain.set_tensor(into["index"], whole.astype(np.int8))
    plain.invoke()
    scale, zero = out["quantization"]
    np.testing.assert_allclose(scores, scale * (plain.get_tensor(out["index"]).astype(float) - zero), atol=1e-6)
    np.testing.assert_allclose(scores, tiny(images), atol=8 * scale)


def test_what_changes_a_time_and_what_is_not_known_is_recorded():
    loaded = load("tiny.tflite", threads=2).loaded

    assert loaded.settings["threads"] == "2"
    assert loaded.settings["XNNPACK"] == "on"
    assert (loaded.parameters, loaded.macs, loaded.operations) == (None, None, None)
    assert "not counted" in loaded.settings["costs"]
    assert loaded.weights == f"the file {DATA / 'tiny.tflite'}"


def test_it_runs_in_the_loops_of_the_child():
    rows = []
    model = load("tiny.tflite")
    runner = Runner(model, NoLoadSignal(), lambda batches: rows.extend(batches.rows), lambda: False)

    done = runner.run_for(Phase.TIMED, 2, ClosedLoop(0, 5))

    assert (done.batches, done.images) == (5, 10)
    assert all(end > start and device is None for start, end, *_, device in rows)
    assert random_arrays(model.inputs, 2, 0)[0].shape == (2, 16, 16, 3)


@pytest.mark.parametrize(
    ("file", "options", "sentence"),
    [
        ("tiny.tflite", {"precision": "int8"}, "was converted for fp32, and LiteRT runs a file in no other precision"),
        ("tiny_int8.tflite", {}, 'was converted for int8, .* set precision = "int8"'),
        ("tiny.tflite", {"channels_last": True}, "LiteRT does not have channels_last, which PyTorch alone has"),
        ("tiny.tflite", {"device": "cuda"}, "LiteRT runs networks on the processor here and not on cuda: use cpu"),
    ],
)
def test_what_it_cannot_do_is_said(file, options, sentence):
    with pytest.raises(InferenceError, match=sentence):
        load(file, **options)


@pytest.mark.parametrize("content", [b"", b"nonsense" * 10, (DATA / "tiny.tflite").read_bytes()[:2000]])
def test_a_damaged_file_is_a_sentence(content, tmp_path):
    file = tmp_path / "mine.tflite"
    file.write_bytes(content)

    with pytest.raises(
        InferenceError, match=r"mine\.tflite cannot be opened by LiteRT \(.*\): convert it again\."
    ) as error:
        LiteRT().load(Load(str(file)))
    assert "\n" not in str(error.value)


def test_an_operator_that_it_lacks_is_named(tmp_path):
    model = schema.ModelT.InitFromPackedBuf((DATA / "tiny.tflite").read_bytes())
    model.operatorCodes[0].builtinCode, model.operatorCodes[0].deprecatedBuiltinCode = 32, 32
    model.operatorCodes[0].customCode = "Sparkle"
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    file = tmp_path / "mine.tflite"
    file.write_bytes(bytes(builder.Output()))

    with pytest.raises(InferenceError, match=r"Sparkle.*\.$") as error:
        LiteRT().load(Load(str(file)))
    assert "\n" not in str(error.value)
