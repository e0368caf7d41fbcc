# SPDX-License-Identifier: Apache-2.0
"""`monitor-app calibrate`, with emulated meters on a simulated board at rest."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from monitor_app.sources.profile_reader import parse_profile
from tests.cli.program import monitor_app

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.program import Done

PROFILE = """\
title = "Two meters on one board"

[[source]]
kind = "shunt"
name = "meter"
emulate = "tx1"
gain = 3.0

[[source]]
kind = "shunt"
name = "reference"
emulate = "tx1"
seed = 2
"""
IDLE_A = 1.3 / 19.0


def calibrate(tmp_path: Path, *words: str) -> Done:
    profile = tmp_path / "bench.toml"
    profile.write_text(PROFILE, encoding="utf-8")
    return monitor_app("calibrate", *words, "--profile", str(profile), "--seconds", "0.5", stdin="\n\n")


def test_a_known_load_gives_lines_that_a_profile_takes(tmp_path: Path) -> None:
    done = calibrate(tmp_path, "meter", "--amperes", str(1.1 * IDLE_A))
    assert done.returncode == 0, done.stderr
    text = PROFILE.replace("gain = 3.0\n", done.stdout)
    meter, _ = parse_profile(text, "bench.toml").source
    # Against the instrument as it is: the gain of 3 that the profile had does not enter.
    assert meter.gain == pytest.approx(1.1, rel=0.02)
    assert 0.01 <= meter.accuracy < 0.03
    assert "against 0.075" in meter.calibrated


def test_a_second_meter_gives_the_gain_and_its_own_accuracy(tmp_path: Path) -> None:
    done = calibrate(tmp_path, "meter", "--against", "reference", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["gain"] == pytest.approx(1.0, abs=0.02)
    assert found["zero_a"] is None
    assert "reference" in found["lines"][-1]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("other", "--amperes", "1"), "no source named other; there are: meter, reference"),
        (("meter", "--watts", "1", "--signal", "gpu"), "meter has no power gpu: name one of its signals"),
    ],
)
def test_what_cannot_be_done_is_said(tmp_path: Path, words: tuple[str, ...], sentence: str) -> None:
    done = calibrate(tmp_path, *words)
    assert done.returncode == 1
    assert sentence in done.stderr


def test_one_reference_is_needed(tmp_path: Path) -> None:
    assert calibrate(tmp_path, "meter").returncode == 2
    assert calibrate(tmp_path, "meter", "--amperes", "1", "--against", "reference").returncode == 2
