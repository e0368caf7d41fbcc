# SPDX-License-Identifier: Apache-2.0
"""Files are made once, in a process of their own, and where they cannot be made a sentence says what to do."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from monitor_app.core.errors import InferenceError
from monitor_app.inference.networks.registry import find_network
from monitor_app.inference.onnx_files import workshop
from monitor_app.inference.torch_missing import TorchMissingError
from tests.inference.onnx_files.graphs import classifier, saved

NETWORK = replace(find_network("squeezenet1_1"), weights=None)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "monitor-app" / "models"


@pytest.fixture
def made(monkeypatch):
    """What was asked of the processes, none of which is started."""
    asked = []

    def work(maker, **request):
        asked.append((maker, request))
        Path(request["file"]).write_bytes(b"made")
        return {"weights": None, "way": "by hand"}

    monkeypatch.setattr(workshop, "_work", work)
    return asked


def test_a_file_is_made_once(made, cache):
    first, known = workshop.kept_export(NETWORK, "auto", 3)
    assert workshop.kept_export(NETWORK, "auto", 3) == (first, known)
    assert len(made) == 1
    assert first.parent == cache
    assert cache.stat().st_mode & 0o077 == 0
    assert first.name.startswith("SqueezeNet-1.1-")


def test_whatever_changes_the_file_makes_another(made, monkeypatch, tmp_path):
    weights = tmp_path / "w.pth"
    weights.write_bytes(b"one")
    names = {workshop.kept_export(NETWORK, request, seed)[0] for request in ("auto", str(weights)) for seed in (0, 1)}
    # The seed is of random weights only
    assert len(names) == 3
    weights.write_bytes(b"other")
    names.add(workshop.kept_export(NETWORK, str(weights), 0)[0])
    monkeypatch.setattr(workshop, "installed_versions", lambda *packages: dict.fromkeys(packages, "99"))
    names.add(workshop.kept_export(NETWORK, str(weights), 0)[0])
    assert len(names) == 5


def test_a_file_that_was_not_finished_is_made_again(made):
    file, _ = workshop.kept_export(NETWORK, "auto", 0)
    file.with_name(f"{file.name}.json").write_text("{")
    workshop.kept_export(NETWORK, "auto", 0)
    assert len(made) == 2
    assert json.loads(file.with_name(f"{file.name}.json").read_text())["way"] == "by hand"


def test_the_same_network_is_kept_in_both_forms(made, monkeypatch):
    """They have the same digest: what is known of one is not taken for what is known of the other."""
    onnx, _ = workshop.kept_export(NETWORK, "auto", 0)
    monkeypatch.setattr(workshop, "export_tflite", lambda *_: (_[3].write_bytes(b"t"), {"way": "the other"})[1])
    tflite, known = workshop.kept_tflite(NETWORK, "auto", 0)
    assert (onnx.stem, known["way"]) == (tflite.stem, "the other")
    assert workshop.kept_export(NETWORK, "auto", 0)[1]["way"] == "by hand"
    assert workshop.kept_tflite(NETWORK, "auto", 0)[1]["way"] == "the other"


def test_a_function_of_the_users_is_made_each_time(made):
    network = replace(NETWORK, own=True)
    workshop.kept_export(network, "auto", 0)
    workshop.kept_export(network, "auto", 0)
    assert len(made) == 2


def test_without_torch_a_sentence_names_the_line(monkeypatch):
    def missing():
        raise TorchMissingError("no torch")

    monkeypatch.setattr(workshop, "require_torch", missing)
    with pytest.raises(InferenceError, match=r"`monitor-app networks --export squeezenet1_1 -o squeezenet1_1.onnx`"):
        workshop.kept_export(NETWORK, "auto", 0)


def test_a_cache_that_cannot_be_written_is_said(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(InferenceError, match=r"set XDG_CACHE_HOME to a folder of your own\.$"):
        workshop.kept_export(NETWORK, "auto", 0)


def test_a_real_process_describes_a_file(tmp_path):
    file = saved(classifier(np.random.default_rng(0)), tmp_path / "small.onnx")
    found = workshop.description(file, 8)
    assert (found["costs"]["macs"], found["reason"], found["precision"]) == (4 * 36 * 27 + 20, None, "fp32")
    (tmp_path / "bad.onnx").write_bytes(b"\xff" * 100)
    found = workshop.description(tmp_path / "bad.onnx", 8)
    assert found["costs"] is None
    assert found["reason"].startswith("the graph cannot be read (")


def test_a_process_that_dies_is_said(tmp_path):
    with pytest.raises(InferenceError, match=r"^The process that makes ONNX files ended with exit code 1"):
        workshop._work("there_is_none")
