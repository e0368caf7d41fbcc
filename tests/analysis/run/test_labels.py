# SPDX-License-Identifier: Apache-2.0
"""The settings that set runs apart, in tables of the terminal and of the window."""

from __future__ import annotations

from dataclasses import fields

from monitor_app.analysis.run.labels import settings_of
from monitor_app.core.runs import BACK_END
from monitor_app.session.rows import RunRow


def run(number: int, precision: str = "fp32", back_end: str | None = None) -> RunRow:
    values = {field.name: None for field in fields(RunRow) if field.name != "facts"}
    facts = {} if back_end is None else {BACK_END: back_end}
    return RunRow(**values | {"id": number, "precision": precision}, facts=facts)  # type: ignore[arg-type]


def test_runs_that_differ_in_nothing_have_names_alone():
    assert settings_of([run(1), run(2)]) == {1: "", 2: ""}
    assert settings_of([]) == {}


def test_only_what_differs_is_said():
    assert settings_of([run(1), run(2, "int8")]) == {1: " fp32", 2: " int8"}
    # Sessions of earlier programs do not say it, and ran PyTorch
    assert settings_of([run(1), run(2, back_end="openvino")]) == {1: " PyTorch", 2: " OpenVINO"}
    both = settings_of([run(1), run(2, "int8", "onnxruntime")])
    assert both == {1: " fp32 PyTorch", 2: " int8 ONNX Runtime"}
