# SPDX-License-Identifier: Apache-2.0
"""The link to a board elsewhere in the window: its bound and what it does, and no signals, rates or buttons of it."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from monitor_app.bench.messages import Opened, Status
from monitor_app.core.clock import ClockMethod, ClockState
from monitor_app.core.host_time import host_time_ns
from monitor_app.core.samples import SourceInfo
from monitor_app.core.status import BenchPhase, BenchStatus, SourceState, SourceStatus
from monitor_app.gui.panels.run_panel import NO_POWER, RunPanel
from monitor_app.gui.panels.source_panel import SourcePanel
from monitor_app.gui.panels.status_bar import StatusBar
from monitor_app.gui.session import recording
from monitor_app.gui.session.caption import caption_of
from tests.gui.conftest import LENGTH_S, StandIn, Tape, at, frames, status

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from monitor_app.gui.main_window import MainWindow

NAME = "link to tx1"
LINK = SourceStatus(
    NAME, "link", SourceState.STREAMING, "", 1e6, 0, 314_000, "two-way", model="ssh tx1", serial_number="bench-tx1"
)


class Linked(Tape):
    """A session whose networks ran on a board elsewhere."""

    def _plan(self) -> None:
        super()._plan()
        self._writer.add_source(1000, SourceInfo(NAME, "link", "ssh tx1", "bench-tx1", "Python 3.6.9", 1e6, ()))

    def write_until(self, until_s: float) -> None:
        for seconds, bound_ns in ((0.1, 900_000), (until_s / 2, 300_000), (until_s, 320_000)):
            self._writer.write_clock(1000, at(seconds), ClockState(1e6, bound_ns, ClockMethod.TWO_WAY))
        super().write_until(until_s)


def with_link(**changes: object) -> BenchStatus:
    known = status()
    return replace(known, sources=(replace(LINK, **changes), *known.sources))  # type: ignore[arg-type]


@pytest.fixture
def linked(
    tmp_path: Path, open_window: Callable[..., MainWindow], monkeypatch: pytest.MonkeyPatch
) -> tuple[MainWindow, StandIn]:
    monkeypatch.setattr(recording, "SILENT_S", 1e6)
    tape = Linked(tmp_path / "live.plm")
    tape.write_until(15.0)
    bench = StandIn(tape.path)
    bench.say(Opened(str(tape.path)), Status(with_link()))
    return open_window(bench), bench


def look(window: MainWindow, name: str) -> None:
    """Keep a picture where somebody wants to see it."""
    if folder := os.environ.get("LOOK"):
        window.grab().save(f"{folder}/{name}.png")


def test_the_bound_of_the_link_stands_beside_that_of_the_clock(linked: tuple[MainWindow, StandIn]) -> None:
    window, _ = linked
    bar, card = window.parts.panel(StatusBar), window.parts.panel(SourcePanel).cards[NAME]
    look(window, "connected")
    assert bar.text.startswith("10.000 kSa/s"), "the link is no instrument with a rate"
    assert "clock ± 0.21 ms   ·   link ± 0.31 ms" in bar.text
    assert card.clock.whole == "link bound ± 0.31 ms, two-way"
    assert card.detail.text() == ""
    assert "bench-tx1" in card.about.whole
    assert not card.signals.isVisible()
    assert not card.action.isVisible(), "it connects by itself"


def test_a_link_that_is_made_again_says_for_how_long(qtbot: QtBot, linked: tuple[MainWindow, StandIn]) -> None:
    window, bench = linked
    lost = "The connection to tx1 was lost: check its power, its cable or Wi-Fi."
    since_ns = host_time_ns() - 12_300_000_000
    bench.say(Status(with_link(state=SourceState.LOST, message=lost, since_ns=since_ns)))
    frames(window)
    bar, card = window.parts.panel(StatusBar), window.parts.panel(SourcePanel).cards[NAME]
    assert card.detail.text().startswith("reconnecting for 1")
    assert card.message.text() == lost
    assert f"{NAME} reconnecting for 1" in bar.text
    qtbot.waitUntil(lambda: bar.lost.text() == bar.lost.whole)  # it has the room
    assert "no samples" not in bar.text
    look(window, "lost")


def test_a_link_alone_measures_nothing(linked: tuple[MainWindow, StandIn]) -> None:
    window, bench = linked
    known = with_link()
    meter = replace(known.sources[1], state=SourceState.LOST)
    bench.say(Status(replace(known, phase=BenchPhase.RUNNING, sources=(known.sources[0], meter))))
    frames(window)
    assert window.parts.panel(RunPanel).warning.text() == NO_POWER


def test_a_recorded_session_has_the_bound_and_says_where_its_networks_ran(
    tmp_path: Path, open_window: Callable[..., MainWindow]
) -> None:
    tape = Linked(tmp_path / "old.plm")
    tape.write_until(LENGTH_S)
    tape.close()
    window = open_window(None, tape.path)
    assert "link ± 0.32 ms" in window.parts.panel(StatusBar).text
    assert window.parts.panel(SourcePanel).cards[NAME].clock.whole == "link bound ± 0.32 ms, two-way"
    assert window.document.recording is not None
    caption = caption_of(window.document.recording, None, (0.0, LENGTH_S), None)
    assert "networks on tx1 over ssh" in caption.subtitle
    assert any(note.text == "clock ± 0.21 ms" for note in caption.notes)
    assert any(note.text.startswith("link ± 0.3") for note in caption.notes)
