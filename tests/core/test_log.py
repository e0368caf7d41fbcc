# SPDX-License-Identifier: Apache-2.0
"""The log goes to a file of bounded size in the user's state folder."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

from monitor_app.core import log

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def logging_to_file(process: str) -> Iterator[Path]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    # basicConfig closes what it takes the place of, and pytest's own handlers are still needed.
    root.handlers = []
    try:
        yield log.log_to_file(process)
    finally:
        for handler in root.handlers:
            handler.close()
        root.handlers, root.level = handlers, level


def test_the_state_folder_is_made_where_the_desktop_says(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "not" / "yet"))
    assert log.state_folder() == tmp_path / "not" / "yet" / "monitor-app"
    assert log.state_folder().is_dir()


def test_the_state_folder_has_the_usual_place_where_the_desktop_says_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    for value in (None, ""):
        if value is None:
            monkeypatch.delenv("XDG_STATE_HOME")
        else:
            monkeypatch.setenv("XDG_STATE_HOME", value)
        assert log.state_folder() == tmp_path / ".local" / "state" / "monitor-app"


def test_a_traceback_is_kept_with_its_process_and_module():
    with logging_to_file("bench") as path:
        try:
            raise ZeroDivisionError("on purpose")
        except ZeroDivisionError:
            logging.getLogger("monitor_app.bench").exception("A run failed")
        text = path.read_text(encoding="utf-8")
    assert path.name == "bench.log"
    assert "ERROR monitor_app.bench: A run failed" in text
    assert "ZeroDivisionError: on purpose" in text


def test_what_only_a_developer_wants_is_left_out():
    with logging_to_file("bench") as path:
        logging.getLogger("monitor_app").debug("noise")
        logging.getLogger("monitor_app").info("Grüße")
        text = path.read_text(encoding="utf-8")
    assert "noise" not in text
    assert "Grüße" in text


def test_the_log_is_bounded():
    line = "x" * 1000
    with logging_to_file("bench") as path:
        for _ in range(3500):
            logging.getLogger("monitor_app").info(line)
        files = sorted(path.parent.iterdir())
        assert [file.name for file in files] == ["bench.log", "bench.log.1"]
        assert sum(file.stat().st_size for file in files) <= 2 * log.MAX_BYTES
