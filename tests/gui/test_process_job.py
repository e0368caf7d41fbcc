# SPDX-License-Identifier: Apache-2.0
"""Work of a process beside the window ends in one of three ways, each with what it has said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtWidgets import QProgressDialog, QPushButton, QWidget

from monitor_app.gui.process_job import ProcessJob

if TYPE_CHECKING:
    from pathlib import Path

    from pytestqt.qtbot import QtBot


@pytest.fixture
def parent(qtbot: QtBot) -> QWidget:
    made = QWidget()
    qtbot.addWidget(made)
    made.show()
    return made


def test_it_is_done_or_fails_with_what_it_has_said(qtbot: QtBot, parent: QWidget, tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    file.write_text("[1]")
    with qtbot.waitSignal(ProcessJob(parent, "reading", "json.tool", "--compact", str(file)).done) as done:
        pass
    assert done.args == [["[1]"]]
    with qtbot.waitSignal(ProcessJob(parent, "reading", "json.tool", str(tmp_path / "none.json")).failed) as failed:
        pass
    assert "none.json" in failed.args[0][-1]  # type: ignore[index]


def test_it_can_be_cancelled(qtbot: QtBot, parent: QWidget) -> None:
    job = ProcessJob(parent, "reading", "json.tool")  # what it reads never ends
    [dialog] = parent.findChildren(QProgressDialog)
    [cancel] = dialog.findChildren(QPushButton)
    with qtbot.waitSignal(job.cancelled):
        cancel.click()
    assert not dialog.isVisible()
