# SPDX-License-Identifier: Apache-2.0
"""Models that classify no images: several inputs, outputs of any form, metrics of one's own, models that generate."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from monitor_app.core.errors import InferenceError
from monitor_app.core.models.spec import ModelInput, ModelSpec
from monitor_app.core.runs import DECODE, PREFILL, Phase
from monitor_app.inference.arrivals import ClosedLoop
from monitor_app.inference.back_ends.pytorch import PyTorch
from monitor_app.inference.inputs import inputs_of_file, random_arrays
from monitor_app.inference.measure import Runner
from monitor_app.inference.messages import Load
from monitor_app.inference.metrics import MetricError, scores_of
from monitor_app.inference.networks.torchvision_models import import_torchvision
from monitor_app.inference.passes import NoLoadSignal
from tests.inference.any_model import models

HERE = "tests.inference.any_model.models"
IMAGES = ModelInput("images", ("batch", 3, 6, 6))
SEGMENTER = ModelSpec("s", f"{HERE}:segmenter", inputs=(IMAGES,), metric=f"{HERE}:pixel_accuracy")
MATCHER = ModelSpec(
    "m", f"{HERE}:matcher", unit="token", units=5, metric=f"{HERE}:by_name",
    inputs=(ModelInput("input_ids", ("batch", 5), "int64", models.VOCABULARY), ModelInput("features", ("batch", 8))),
)  # fmt: skip
COUNTER = ModelSpec("c", f"{HERE}:counter", prompt_tokens=7, new_tokens=4, vocabulary=9, unit="token", units=4)


def package(name: str):
    """One that need not be installed; each of the two needs a torchvision that fits torch, or is made to."""
    import_torchvision()
    return pytest.importorskip(name)


def loaded(spec: ModelSpec, **options):
    return PyTorch().load(Load(spec.name, model=spec.as_text(), **options))


def runner(model, sent=None):
    return Runner(model, NoLoadSignal(), (lambda _: None) if sent is None else sent.append, lambda: False)


def test_inputs_reach_forward_by_their_names_with_their_types():
    model = loaded(MATCHER)
    ids, features = random_arrays(model.inputs, 3, seed=0)
    assert (ids.dtype, ids.shape, ids.max() < models.VOCABULARY) == (np.int64, (3, 5), True)
    with model.phase():
        by_layer, summed = model.arrays(model.run(model.prepare((ids, features))))
    weight, bias = model.module.layer.weight.numpy(), model.module.layer.bias.numpy()
    assert by_layer == pytest.approx(features @ weight.T + bias, abs=1e-5)
    assert float(summed) == pytest.approx(float(model.module.words.weight.numpy()[ids].sum()), abs=1e-3)


def test_costs_of_described_inputs_are_those_of_the_formula():
    described = loaded(MATCHER).loaded
    # A linear layer of 8 x 4 weights; looking words up costs no product
    assert described.macs == 8 * 4
    assert described.parameters == models.VOCABULARY * models.WIDTH + 8 * 4 + 4
    assert described.operations is None
    segmented = loaded(SEGMENTER).loaded
    assert segmented.macs == 6 * 6 * 3 * models.CLASSES
    assert segmented.input_pixels is None


def test_outputs_of_every_form_come_out_as_arrays():
    with_images = random_arrays(loaded(SEGMENTER).inputs, 2, 0)
    for function, shapes in (("segmenter", [(2, 3, 6, 6), (2, 3)]), ("boxed", [(2,), (2, 6, 6)])):
        model = loaded(replace(SEGMENTER, reference=f"{HERE}:{function}"))
        with model.phase():
            found = model.arrays(model.run(model.prepare(with_images)))
        assert [each.shape for each in found] == shapes


def test_a_table_whose_shape_does_not_fit_is_refused_in_one_sentence():
    wrong = replace(MATCHER, inputs=(MATCHER.inputs[0], ModelInput("features", ("batch", 9))))
    with pytest.raises(InferenceError, match=r"cannot take the inputs .*\[model.input\]\.$"):
        loaded(wrong)


def test_a_metric_runs_the_model_itself_and_each_pass_is_a_batch():
    model, sent = loaded(SEGMENTER), []
    done = runner(model, sent).evaluate_by_metric(2, "")
    accuracy, seen = done.own_scores
    answer = int(model.module.layer.bias.argmax())  # of an empty picture it is the same at every pixel
    assert accuracy.mean == pytest.approx(((answer == 0) + (answer == 1)) / 2)
    assert (accuracy.items, accuracy.counted) == (2, True)
    assert (seen.name, seen.mean, seen.deviation, seen.items) == ("seen", 2.0, None, 0)
    assert [batch.images for message in sent for batch in message.batches] == [2]


def test_a_metric_may_give_inputs_by_name():
    assert runner(loaded(MATCHER)).evaluate_by_metric(1, "").own_scores[0].mean == 2


@pytest.mark.parametrize("answer", [0.5, {}, {"a": []}, {"a": "x"}, {"a": [float("nan")]}, {"a": [[1, 2]]}])
def test_what_is_no_score_is_refused_in_one_sentence(answer):
    with pytest.raises(MetricError, match=r"^m:f .*dict.*\.$"):
        scores_of(answer, "m:f")


def test_a_metric_that_fails_is_named():
    with pytest.raises(InferenceError, match=r"models:nonsense returned float"):
        runner(loaded(replace(SEGMENTER, metric=f"{HERE}:nonsense"))).evaluate_by_metric(1, "")


# -- generating ------------------------------------------------------------------------------------


def test_a_request_is_one_prefill_and_a_step_for_each_further_token():
    model, sent = loaded(COUNTER), []
    done = runner(model, sent).run_for(Phase.TIMED, 2, ClosedLoop(0.0, 3))
    assert (done.batches, done.images) == (3, 6)
    parts = [part for message in sent for part in message.parts_of_passes]
    batches = [batch for message in sent for batch in message.batches]
    assert [part.kind for part in parts] == [PREFILL, DECODE, DECODE, DECODE] * 3
    assert [part.units for part in parts[:4]] == [2 * 7, 2, 2, 2]
    for place, batch in enumerate(batches):
        own = parts[4 * place : 4 * place + 4]
        assert all(a.end_ns == b.start_ns for a, b in pairwise(own))  # no pause within a request
        assert batch.start_ns <= own[0].start_ns
        assert own[-1].end_ns <= batch.end_ns


def test_only_timed_requests_have_parts_in_the_file():
    sent = []
    runner(loaded(COUNTER), sent).run_for(Phase.WARM_UP, 1, ClosedLoop(0.0, 2))
    assert sum(len(message.parts) for message in sent) == 0


def test_each_token_follows_from_the_one_before():
    model = loaded(COUNTER)
    prompts = np.array([[5, 6, 7], [1, 2, 3]])
    assert [token.tolist() for token in model.run(prompts)] == [[9, 5], [10, 6], [11, 7]]


def test_what_does_not_generate_is_refused_in_one_sentence():
    for spec, said in (
        (replace(COUNTER, reference=f"{HERE}:no_generator"), "returned int: it must"),
        (replace(COUNTER, reference="resnet18"), "cannot generate"),
    ):
        with pytest.raises(InferenceError, match=said):
            loaded(spec)
    with pytest.raises(InferenceError, match="itself chooses its device and precision"):
        loaded(COUNTER, precision="bf16")


def test_a_model_of_transformers_gives_the_tokens_of_its_own_loop(tmp_path):
    transformers = package("transformers")
    transformers.utils.logging.disable_progress_bar()  # it leaves a thread behind
    torch.manual_seed(0)
    config = transformers.GPT2Config(vocab_size=40, n_positions=64, n_embd=16, n_layer=2, n_head=2)
    made = transformers.GPT2LMHeadModel(config).eval()
    made.save_pretrained(tmp_path / "tiny")
    spec = replace(COUNTER, reference=f"transformers:{tmp_path / 'tiny'}", vocabulary=40)
    model = loaded(spec)
    (prompts,) = random_arrays(model.inputs, 2, seed=1)
    with model.phase():
        tokens = np.concatenate(model.run(prompts), axis=1)
    expected = made.generate(
        torch.from_numpy(prompts), attention_mask=torch.ones(prompts.shape), do_sample=False,
        min_new_tokens=4, max_new_tokens=4, pad_token_id=0, eos_token_id=None,
    )  # fmt: skip
    assert tokens.tolist() == expected[:, prompts.shape[1] + 1 :].tolist()
    assert model.loaded.parameters == sum(each.numel() for each in made.parameters())
    assert model.loaded.weights is not None
    assert loaded(spec, weights="none").loaded.weights is None


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(InferenceError, match="save_pretrained"):
        loaded(replace(COUNTER, reference=f"transformers:{tmp_path}"))


def test_a_network_of_timm_takes_the_images_that_its_weights_were_made_with():
    timm = package("timm")
    model = PyTorch().load(Load("timm:mobilenetv3_small_050"))
    taken = timm.data.resolve_data_config({}, model=model.module)
    assert model.network.input_pixels == taken["input_size"][-1]
    assert model.network.preprocessing.mean == taken["mean"]
    assert model.loaded.weights is None
    assert model.loaded.macs is not None
    with pytest.raises(InferenceError, match="timm has no network 'nonsense'"):
        PyTorch().load(Load("timm:nonsense"))


# -- files that tell what they take ------------------------------------------------------------------


FOUND = (("ids", ("N", "sequence"), "int64"), ("mask", (None, "sequence"), "int64"), ("scale", (1,), "float32"))


def test_open_dimensions_are_the_batch_or_come_from_the_profile():
    model = ModelSpec("b", "b.onnx", dims=(("sequence", 128),), inputs=(ModelInput("mask", ("batch", 64), "int32", 2),))
    ids, mask, scale = inputs_of_file(FOUND, model, "BERT")
    assert (ids.shape, mask.shape, scale.shape) == ((None, 128), (None, 64), (1,))
    assert (mask.dtype, mask.below) == ("int64", 2)  # the file knows the type, the profile the values


def test_a_dimension_that_stays_open_is_named_with_what_to_write():
    with pytest.raises(InferenceError, match=r"ids of BERT .*'sequence' open: .*\[model.dim\] sequence = \.\.\.\.$"):
        inputs_of_file(FOUND, None, "BERT")
    with pytest.raises(InferenceError, match=r"\[model.input.x\] with its shape"):
        inputs_of_file([("x", (None, None), "float32")], None, "BERT")
    with pytest.raises(InferenceError, match="has no input y: describe one of x"):
        inputs_of_file([("x", (None,), "float32")], ModelSpec("b", "b", inputs=(ModelInput("y", ("batch",)),)), "BERT")
