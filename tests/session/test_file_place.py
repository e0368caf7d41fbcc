# SPDX-License-Identifier: Apache-2.0
"""The file of a session that is moved or deleted while it is recorded."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from monitor_app.bench.acquisition.recorder import Recorder
from monitor_app.core.errors import SessionError, SessionMovedError
from monitor_app.core.log import state_folder
from monitor_app.session.reader import SessionReader
from monitor_app.session.schema import create

from .bench import PERIOD_NS, noise, shunt

if TYPE_CHECKING:
    from collections.abc import Callable

N = 20_000


def delete(path: Path) -> None:
    path.unlink()


def rename(path: Path) -> None:
    path.rename(path.with_name("renamed.plm"))


def replace(path: Path) -> None:
    path.with_name("other").write_text("another file")
    path.with_name("other").rename(path)


def delete_folder(path: Path) -> None:
    shutil.rmtree(path.parent)


def rename_folder(path: Path) -> None:
    path.parent.rename(path.parent.with_name("folder that was renamed"))


@pytest.mark.parametrize(
    ("happens", "there"),
    [
        (delete, "folder/s-saved-1.plm"),
        (replace, "folder/s-saved-1.plm"),
        (rename, "folder/renamed.plm"),
        (rename_folder, "folder that was renamed/s.plm"),
        (delete_folder, ""),
    ],
)
def test_it_is_told_and_every_sample_is_in_a_whole_file(
    tmp_path: Path, happens: Callable[[Path], None], there: str
) -> None:
    path = tmp_path / "folder" / "s.plm"
    path.parent.mkdir()
    recorder = Recorder(path)
    codes = noise(np.random.default_rng(1), 2 * N)
    first, second = ([each[part] for each in codes] for part in (slice(N), slice(N, None)))
    recorder.put(lambda writer: writer.add_source(1, shunt()))
    recorder.put(lambda writer: writer.write_block(1, 0, tuple(first), 0, (N - 1) * PERIOD_NS))
    recorder.put(lambda writer: happens(path))
    recorder.put(lambda writer: writer.write_block(1, N, tuple(second), N * PERIOD_NS, (2 * N - 1) * PERIOD_NS))
    recorder._thread.join(60)  # it ends by itself
    assert isinstance(recorder.failure, SessionMovedError)
    saved = tmp_path / there if there else state_folder() / "s-saved-1.plm"
    assert str(saved) in str(recorder.failure)
    recorder.close()
    with SessionReader(saved) as reader:
        extent = reader.extent()
        assert extent is not None
        assert reader.statistics(3, 0, extent.end_ns).count == 2 * N
        _, values = reader.samples(1, 0, extent.end_ns)
    assert np.array_equal(np.round((values - values[0]) / np.ptp(values), 9),
                          np.round((codes[0] - float(codes[0][0])) / float(np.ptp(codes[0])), 9))  # fmt: skip
    log = saved.with_name(saved.name + "-wal")
    assert not log.exists() or log.stat().st_size == 0


def test_where_nothing_can_be_saved_the_sentence_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("monitor_app.session.writer.saved_copy", full)
    path = tmp_path / "s.plm"
    recorder = Recorder(path)
    recorder.put(lambda writer: path.unlink())
    recorder._thread.join(60)
    assert "could not be saved elsewhere" in str(recorder.failure)


def test_a_folder_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SessionError, match="cannot be used"):
        Recorder(tmp_path / "nowhere" / "s.plm")


@pytest.mark.parametrize(
    "name", ["-o.plm", "two\nlines.plm", os.fsdecode(b"caf\xe9.plm"), "[red]x[red].plm", " ", "a" * 200 + ".plm"]
)
def test_odd_names_are_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    recorder = Recorder(Path(name))
    recorder.put(lambda writer: writer.add_source(1, shunt()))
    recorder.close()
    assert recorder.failure is None
    assert os.listdir(tmp_path) == [name]
    with SessionReader(Path(name)) as reader:
        assert len(reader.sources()) == 1


@pytest.mark.parametrize("name", ["", ".", "folder", "a" * 300, "a" * 253])
def test_what_can_be_no_file_is_a_sentence_and_leaves_nothing(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(SessionError, match=r"exists already|cannot be created"):
        Recorder(tmp_path / name)
    assert os.listdir(tmp_path) == ["folder"]


def test_a_file_that_is_there_is_not_removed_by_a_second_try(tmp_path: Path) -> None:
    create(tmp_path / "s.plm").close()
    with pytest.raises(SessionError, match="exists already"):
        Recorder(tmp_path / "s.plm")
    assert (tmp_path / "s.plm").exists()
