# SPDX-License-Identifier: Apache-2.0
"""The load of a profile, chosen in the sheet New and typed in its text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from monitor_app.core.offered_load import SCENARIOS, OfferedLoad
from monitor_app.core.profile import Profile
from monitor_app.gui.new.load_part import OF_CAPACITY, LoadPart, in_words
from monitor_app.gui.tasks import Tasks
from tests.gui.conftest import application

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot


def profile(**load: object) -> Profile:
    tables = {"title": "x", "load": load, "plan": {"networks": ("a",), "batch_sizes": (1,), "images": "demo"}}
    return Profile.model_validate(tables)


@pytest.fixture
def part(qtbot: QtBot) -> LoadPart:
    application()
    parent = QWidget()
    qtbot.addWidget(parent)
    made = LoadPart(Tasks(parent))
    qtbot.addWidget(made)
    made.show_profile(profile())
    return made


def choose(part: LoadPart, name: str) -> None:
    part.scenario.setCurrentIndex(list(SCENARIOS).index(name))
    part.scenario.activated.emit(part.scenario.currentIndex())


def test_what_is_shown_is_what_is_written(part: LoadPart) -> None:
    for load in (
        {}, {"scenario": "poisson", "of_capacity": 0.8}, {"scenario": "paced", "rate_hz": 30.0, "streams": 4},
        {"end_to_end": True},
    ):  # fmt: skip
        shown = profile(**load)
        part.show_profile(shown)
        assert part.apply(profile()).load == shown.load


def test_a_scenario_brings_its_rate_and_its_batch_size(qtbot: QtBot, part: LoadPart) -> None:
    with qtbot.waitSignal(part.edited):
        choose(part, "server")
    assert (part.rate.text(), part.unit.currentText()) == ("80", OF_CAPACITY)
    made = part.apply(profile())
    assert made.load.offered == OfferedLoad("server", None, 0.8)
    choose(part, "multi_stream")
    assert not part.rate.isEnabled()
    made = part.apply(profile())
    assert made.plan is not None
    assert made.plan.batch_sizes == (8,)
    assert Profile.model_validate(made.model_dump()).load.scenario == "multi_stream"


def test_a_rate_that_is_typed_is_not_overwritten_while_it_is(qtbot: QtBot, part: LoadPart) -> None:
    choose(part, "poisson")
    part.rate.clear()
    qtbot.keyClicks(part.rate, "12.")
    qtbot.keyClick(part.rate, Qt.Key.Key_0)
    part.show_profile(part.apply(profile()))
    assert part.rate.text() == "12.0"


def test_every_scenario_is_explained() -> None:
    assert "p90" in in_words("single_stream")
    assert "images per second" in in_words("offline")
    assert all(in_words(name) for name in SCENARIOS)
