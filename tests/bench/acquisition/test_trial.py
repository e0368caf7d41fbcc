# SPDX-License-Identifier: Apache-2.0
"""An instrument is tried before it is used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from monitor_app.bench.acquisition.trial import try_source
from monitor_app.core.errors import MonitorError
from monitor_app.sources.profile_reader import parse_source

if TYPE_CHECKING:
    from pathlib import Path


def test_it_says_rate_and_power_and_that_they_are_simulated() -> None:
    [trial] = try_source(parse_source({"kind": "shunt", "emulate": "tx1"}))
    assert trial.rate_hz == pytest.approx(50_000, rel=0.2)
    assert trial.watts == {"power": pytest.approx(1.3, rel=0.1)}
    assert "kSa/s" in trial.sentence
    assert trial.sentence.endswith("(SIMULATED).")


def test_one_that_is_not_there_is_refused_with_its_sentence(tmp_path: Path) -> None:
    port = tmp_path / "nothing"
    with pytest.raises(MonitorError, match=str(port)):
        try_source(parse_source({"kind": "shunt", "port": str(port)}))


def test_it_starts_no_program_of_somebody_else() -> None:
    with pytest.raises(MonitorError, match="starts a program"):
        try_source(parse_source({"kind": "jtop", "python": "/bin/true"}))
