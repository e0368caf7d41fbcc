# SPDX-License-Identifier: Apache-2.0
"""The example of a model that generates, recorded as it is typed: real processes, a serial stream, a session file."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor_app.analysis.session_summary import run_results
from monitor_app.core.runs import DECODE, PREFILL
from monitor_app.session.reader import SessionReader

EXAMPLES = Path(__file__).parents[3] / "examples"
SHORT = {
    "idle_s = 1.0": "idle_s = 0.3\nsettle_s = 0.2",
    "warm_up_s = 0.5": "warm_up_s = 0.1\nwarm_up_batches = 1",
    "timed_s = 2.0": "timed_s = 0.2\ntimed_batches = 3",
    "batch_sizes = [1, 4]": "batch_sizes = [1]",
}


def test_the_example_is_measured_end_to_end(tmp_path, typist):
    text = (EXAMPLES / "any-model.toml").read_text(encoding="utf-8")
    for old, new in SHORT.items():
        assert old in text
        text = text.replace(old, new)
    profile, session = tmp_path / "short.toml", tmp_path / "short.plm"
    profile.write_text(text, encoding="utf-8")
    command = ["record", str(profile), "-o", str(session)]

    refused = typist.run(command, folder=EXAMPLES)
    assert refused.returncode == 1
    assert "the function any_model:mean_iou" in refused.stderr  # a metric is code too
    done = typist.run([*command, "--trust"], folder=EXAMPLES)

    assert done.returncode == 0, done.stderr
    with SessionReader(session) as reader:
        segmenter, matcher, writer = run_results(reader)
    assert [each.run.state for each in (segmenter, matcher, writer)] == ["done"] * 3
    assert [each.unit for each in (segmenter, matcher, writer)] == ["frame", "request", "token"]
    assert [(each.name, each.items) for each in segmenter.metrics] == [("mIoU", 10)]
    assert matcher.run.accuracy_note == "no metric in the profile"
    assert writer.images == 16 * writer.energy.batches
    prefill, decode = writer.part(PREFILL), writer.part(DECODE)
    assert (prefill.units, decode.units) == (64 * writer.energy.batches, 15 * writer.energy.batches)
    of_phases = prefill.energy.gross.j_per_batch + decode.energy.gross.j_per_batch
    assert of_phases == pytest.approx(writer.energy.gross.j_per_batch, rel=0.05)
