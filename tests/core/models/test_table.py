# SPDX-License-Identifier: Apache-2.0
"""The table [[model]] of a profile, and the words for the unit of work."""

from __future__ import annotations

import pytest

from monitor_app.bench.trust import code_in
from monitor_app.core.errors import ProfileError
from monitor_app.core.models.spec import ModelInput, model_of_text
from monitor_app.core.models.units import MIXED, known_unit, shared_unit, worded
from monitor_app.core.runs import UNIT, UNITS_OF_ITEM
from monitor_app.sources.profile_reader import parse_profile
from monitor_app.sources.profile_writer import profile_text

BERT = """
title = "t"
[plan]
networks = ["bert", "resnet18"]
[[model]]
name = "bert"
file = "bert.onnx"
unit = "token"
units = 128
[model.dim]
sequence = 128
[model.input.input_ids]
shape = ["batch", 128]
type = "int64"
below = 30000
"""
WRITER = """
title = "t"
[plan]
networks = ["writer"]
[[model]]
name = "writer"
function = "my_models:writer"
metric = "my_metrics:perplexity"
[model.generate]
prompt_tokens = 64
new_tokens = 16
vocabulary = 200
"""


def test_runs_of_a_described_model_carry_what_the_profile_says_and_others_nothing():
    bert, resnet = parse_profile(BERT, "t").run_specs(2)
    assert bert.back_end == "onnxruntime"  # by its file, which the plan does not name
    assert bert.model.inputs == (ModelInput("input_ids", ("batch", 128), "int64", 30_000),)
    assert bert.facts[UNIT] == "token"
    assert bert.facts[UNITS_OF_ITEM] == "128"
    assert resnet.model is None
    assert UNIT not in resnet.facts


def test_it_travels_as_one_line_and_is_written_back_as_it_was():
    for text in (BERT, WRITER):
        profile = parse_profile(text, "t")
        spec = profile.run_specs(1)[0].model
        assert "\n" not in spec.as_text()
        assert model_of_text(spec.as_text()) == spec
        assert parse_profile(profile_text(profile), "t") == profile


def test_a_generating_model_counts_the_tokens_that_it_adds():
    assert parse_profile(WRITER, "t").model[0].spec.units == 16
    per_request = parse_profile(WRITER.replace("metric =", 'unit = "request"\nmetric ='), "t").model[0].spec
    assert (per_request.unit, per_request.units) == ("request", 1)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('file = "bert.onnx"', "", "one of file, function and network"),
        ('file = "bert.onnx"', 'file = "a.onnx"\nfunction = "a:b"', "one of file, function and network"),
        ('["batch", 128]', '["bach", 128]', "bach"),
        ('["batch", 128]', "[1, 128]", 'has "batch" in its shape'),
        ('"int64"', '"int65"', "int65"),
        ("units = 128", "units = 0", "units"),
        ('unit = "token"', 'unit = "word"', "word"),
    ],
)
def test_a_slip_is_refused_in_one_sentence(old, new, said):
    with pytest.raises(ProfileError, match=r".+\.$") as caught:
        parse_profile(BERT.replace(old, new), "t")
    assert said in str(caught.value)


def test_two_models_of_one_name_are_refused():
    again = '\n[[model]]\nname = "bert"\nnetwork = "timm:resnet18"\n'
    with pytest.raises(ProfileError, match="two models have the same name"):
        parse_profile(BERT + again, "t")


def test_functions_of_a_profile_are_code_and_a_name_of_timm_is_none(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_metrics.py").write_text("def perplexity(run): ...\n")
    found = code_in(parse_profile(WRITER, "t"))
    assert [each.what.split(" in ")[0] for each in found] == [
        "the function my_models:writer",
        "the function my_metrics:perplexity",
    ]
    assert found[1].files == (tmp_path / "my_metrics.py",)
    plain = 'title = "t"\n[plan]\nnetworks = ["timm:resnet18", "transformers:llama"]\n'
    assert code_in(parse_profile(plain, "t")) == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Time per image", "Time per token"),
        ("Images per second", "Tokens per second"),
        ("energy_net_j_per_image", "energy_net_j_per_token"),
        ("images_per_s", "tokens_per_s"),
        ("mJ/image", "mJ/token"),
        ("the imagery of ImageNet", "the imagery of ImageNet"),
    ],
)
def test_words_of_images_say_the_same_of_another_unit(text, said):
    assert worded(text, "token") == said
    assert worded(text, "image") == text


def test_runs_of_several_units_share_the_word_unit():
    assert shared_unit(["token", "token"]) == "token"
    assert shared_unit(["token", "image"]) == MIXED
    assert shared_unit([]) == "image"
    assert known_unit("furlong") == MIXED
