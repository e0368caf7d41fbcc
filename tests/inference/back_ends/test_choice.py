# SPDX-License-Identifier: Apache-2.0
"""A back end that is not installed: the line that installs it, and on a Jetson the warning before it."""

from __future__ import annotations

import importlib.util

import pytest

from monitor_app.core.back_ends import BACK_ENDS, TORCH, back_end_for, precision_refused
from monitor_app.core.errors import InferenceError, ProfileError
from monitor_app.inference.back_ends import choice
from monitor_app.sources.profile_reader import parse_profile

WITH_EXTRA = [name for name, row in BACK_ENDS.items() if row.extra is not None and name != TORCH]


@pytest.fixture
def nothing_installed(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)


def sentence(name):
    with pytest.raises(InferenceError) as caught:
        choice.require_back_end(name)
    text = str(caught.value)
    assert text.endswith(".")
    assert "\n" not in text
    return text


@pytest.mark.usefixtures("nothing_installed")
@pytest.mark.parametrize("name", WITH_EXTRA)
def test_what_is_not_installed_is_said_with_the_line(name, monkeypatch, tmp_path):
    line = f"`pip install 'inferwatt[{BACK_ENDS[name].extra}]'`"
    monkeypatch.setattr(choice, "JETSON", tmp_path / "none")
    assert sentence(name).startswith(f"{BACK_ENDS[name].title} is not installed: type {line}")
    monkeypatch.setattr(choice, "JETSON", tmp_path)
    assert "replaces NVIDIA's" in sentence(name)
    assert line in sentence(name)


@pytest.mark.usefixtures("nothing_installed")
def test_tensorrt_comes_with_the_board():
    assert "JetPack" in sentence("tensorrt")


def test_an_unknown_name_lists_all():
    assert "use one of torch, onnxruntime, " in sentence("caffe")


def test_the_file_chooses_where_nothing_else_is_asked_for():
    assert back_end_for("mine.onnx@299") == "onnxruntime"
    assert back_end_for("mine.onnx", "onnxruntime-tensorrt") == "onnxruntime-tensorrt"
    assert back_end_for("resnet18") == TORCH


def test_a_profile_with_a_precision_that_there_is_not_is_refused_at_once():
    text = (
        'title = "Bench"\n[inference]\nback_end = "onnxruntime"\nprecision = "bf16"\n[plan]\nnetworks = ["resnet18"]\n'
    )
    with pytest.raises(
        ProfileError, match=r"bench.toml: no network runs in bf16 with ONNX Runtime: use one of fp32, tf32"
    ):
        parse_profile(text, "bench.toml")
    assert parse_profile(text.replace("bf16", "int8"), "bench.toml").inference.precision == "int8"
    assert precision_refused(TORCH, "int8") is not None
