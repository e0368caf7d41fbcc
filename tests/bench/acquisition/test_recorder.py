# SPDX-License-Identifier: Apache-2.0
"""The writer thread: order, completeness, and what happens when the disk runs out."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from monitor_app.bench.acquisition import recorder as recorder_module
from monitor_app.bench.acquisition.recorder import Recorder
from monitor_app.core.errors import DiskFullError, SessionError
from monitor_app.session.reader import SessionReader

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_everything_put_is_written_in_order_before_close_returns(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "s.plm")
    for k in range(1000):
        recorder.put(lambda writer, k=k: writer.write_mark(k, "note", str(k)))  # type: ignore[misc]
    recorder.close()
    recorder.close()
    assert recorder.failure is None
    with SessionReader(recorder.path) as reader:
        assert [mark.text for mark in reader.marks()] == [str(k) for k in range(1000)]
        assert reader.utc_pairs()
    assert [path.name for path in tmp_path.iterdir()] == ["s.plm"]


def test_an_existing_file_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "s.plm"
    path.write_bytes(b"somebody's work")
    with pytest.raises(SessionError, match="exists already"):
        Recorder(path)
    assert path.read_bytes() == b"somebody's work"


def test_a_full_disk_ends_the_recording_with_the_file_complete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wait_until: Callable[..., None]
) -> None:
    recorder = Recorder(tmp_path / "s.plm")
    recorder.put(lambda writer: writer.write_mark(1, "note", "before"))
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(recorder_module.shutil, "disk_usage", lambda _: usage._replace(free=1_000_000))
    wait_until(lambda: recorder.failure is not None)
    assert isinstance(recorder.failure, DiskFullError)
    assert "1 MB" in str(recorder.failure)
    recorder.close()
    with SessionReader(recorder.path) as reader:
        assert [mark.text for mark in reader.marks()] == ["before"]


def test_a_disk_that_is_full_from_the_start_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(recorder_module.shutil, "disk_usage", lambda _: usage._replace(free=1_000_000))
    with pytest.raises(DiskFullError):
        Recorder(tmp_path / "s.plm")
    assert not (tmp_path / "s.plm").exists()
