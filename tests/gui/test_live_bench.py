# SPDX-License-Identifier: Apache-2.0
"""The window with a real bench behind it: it follows, survives the bench's death, says so, and begins again."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox

from monitor_app.bench.client import BenchClient
from monitor_app.gui.main_window import MainWindow
from monitor_app.gui.panels.discovery_panel import DiscoveryPanel
from monitor_app.gui.panels.source_panel import SourcePanel
from monitor_app.session.reader import SessionReader
from tests.bench.conftest import IDLE_PROFILE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytestqt.qtbot import QtBot

WAIT_MS = 60_000


@pytest.fixture
def window(tmp_path: Path, qtbot: QtBot) -> Iterator[MainWindow]:
    profile = tmp_path / "bench.toml"
    profile.write_text(IDLE_PROFILE)
    sessions = (tmp_path / f"s{k}.plm" for k in range(10))

    def start(_: Path | None = None) -> BenchClient:
        return BenchClient(profile, next(sessions))

    window = MainWindow(start(), start_bench=start, unsaved=True)
    qtbot.addWidget(window, before_close_func=lambda each: each.close_at_once())
    window.show()
    yield window
    window.close_at_once()


def shows_samples(window: MainWindow) -> bool:
    picture = window.parts.stack.trace.lines
    return picture is not None and len(picture.mean_x) > 0


def test_a_killed_bench_is_announced_and_start_records_anew(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    qtbot.waitUntil(lambda: shows_samples(window), timeout=WAIT_MS)
    client = window.bench.client
    assert isinstance(client, BenchClient)
    os.kill(client.pid, signal.SIGKILL)
    qtbot.waitUntil(lambda: "SIGKILL" in window.parts.message_bar.text, timeout=WAIT_MS)
    assert str(client.session) in window.parts.message_bar.text
    assert not window.bench.live
    assert shows_samples(window), "what was recorded stays on the screen"
    kept = tmp_path / "kept.plm"
    monkeypatch.setattr(window.document, "ask_what_to_keep", lambda: QMessageBox.StandardButton.Save)
    monkeypatch.setattr(window.document, "ask_target", lambda: kept)
    qtbot.keyClick(window, Qt.Key.Key_Space)
    qtbot.waitUntil(
        lambda: window.recording is not None and window.recording.reader.path not in {client.session, kept},
        timeout=WAIT_MS,
    )
    qtbot.waitUntil(lambda: shows_samples(window), timeout=WAIT_MS)
    assert window.bench.live
    with SessionReader(kept) as reader:
        assert reader.extent() is not None


def test_it_follows_a_bench_exports_what_is_in_view_and_takes_an_instrument_that_was_found(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    it_follows_and_says_simulated(window, qtbot)
    what_is_in_view_is_exported(window, qtbot, tmp_path, monkeypatch)
    an_instrument_that_was_found_joins_the_picture(window, qtbot)


def it_follows_and_says_simulated(window: MainWindow, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: shows_samples(window), timeout=WAIT_MS)
    assert window.view.following
    edge_s = window.edge_s
    qtbot.waitUntil(lambda: window.edge_s > edge_s + 0.2, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: window.recording is not None and window.recording.simulated, timeout=WAIT_MS)


def what_is_in_view_is_exported(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    qtbot.waitUntil(lambda: window.edge_s > 1.0 and window.recording is not None, timeout=WAIT_MS)
    targets = iter([tmp_path / "view.png", tmp_path / "view.csv", tmp_path / "no" / "folder.csv"])
    monkeypatch.setattr("monitor_app.gui.session.exporting.ask_target", lambda *_: next(targets))
    window.output.export_picture()
    qtbot.waitUntil(lambda: "view.png" in window.parts.message_bar.text, timeout=WAIT_MS)
    assert (tmp_path / "view.png").read_bytes().startswith(b"\x89PNG")
    window.output.export_samples()
    qtbot.waitUntil(lambda: "view.csv" in window.parts.message_bar.text, timeout=WAIT_MS)
    lines = (tmp_path / "view.csv").read_text().splitlines()
    assert "# SIMULATED" in lines
    assert len([line for line in lines if not line.startswith("#")]) > 40_000
    window.output.export_samples()
    qtbot.waitUntil(lambda: "folder" in window.parts.message_bar.text, timeout=WAIT_MS)
    assert not (tmp_path / "no").exists()


def an_instrument_that_was_found_joins_the_picture(window: MainWindow, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: shows_samples(window), timeout=WAIT_MS)
    qtbot.mouseClick(window.parts.panel(DiscoveryPanel).find_button, Qt.MouseButton.LeftButton)
    assert window.parts.panel(DiscoveryPanel).searching
    qtbot.waitUntil(lambda: bool(window.parts.panel(DiscoveryPanel).add_buttons), timeout=WAIT_MS)
    assert not window.parts.panel(DiscoveryPanel).searching
    lines = window.parts.panel(DiscoveryPanel).lines
    assert lines is not None
    wanted = next(k for k, line in enumerate(lines) if line.spec.get("kind") == "ppk2")
    ready = [k for k, line in enumerate(lines) if line.spec]
    qtbot.mouseClick(window.parts.panel(DiscoveryPanel).add_buttons[ready.index(wanted)], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(window.parts.stack.trace.curves) == 2, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: all(curve.lines is not None for curve in window.parts.stack.trace.curves), timeout=WAIT_MS)
    assert "ppk2" in window.parts.panel(SourcePanel).cards
    assert [entry.name for entry in window.parts.stack.legends[0]] == ["shunt power", "ppk2 power"]
