# SPDX-License-Identifier: Apache-2.0
"""Nobody else reads our files, and no link that somebody has laid is followed."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from monitor_app.core import log
from monitor_app.core.errors import ExportError, MonitorError
from monitor_app.core.files import private_files
from monitor_app.core.files.atomic_file import completed
from monitor_app.core.files.private_files import create_beside, open_private, private_folder
from tests.core.test_log import logging_to_file

if TYPE_CHECKING:
    from pathlib import Path

VICTIM = "somebody's letter"
APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    path = tmp_path / "victim"
    path.write_text(VICTIM)
    return path


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_an_export_is_written_through_none_of_the_links_laid_for_it(tmp_path: Path, victim: Path) -> None:
    """As tried on it: links for the next 400 numbers of processes, and for the name itself."""
    shared = tmp_path / "shared"
    shared.mkdir()
    for number in range(os.getpid(), os.getpid() + 400):
        (shared / f".o.csv.{number}.part").symlink_to(victim)
    (shared / "o.csv.part").symlink_to(victim)
    (shared / "o.csv").symlink_to(victim)
    with completed(shared / "o.csv") as file:
        file.write(b"the export")
        [part] = [path for path in shared.iterdir() if path.name.startswith(".monitor-app-")]
        assert not part.is_symlink()
    assert victim.read_text() == VICTIM
    assert not (shared / "o.csv").is_symlink()
    assert (shared / "o.csv").read_bytes() == b"the export"
    assert not part.exists()


def test_a_name_that_cannot_be_guessed_is_never_the_same_and_taken_by_force(tmp_path: Path, victim: Path) -> None:
    names = set()
    for _ in range(100):
        descriptor, path = create_beside(tmp_path / "o")
        os.close(descriptor)
        names.add(path.name)
        assert mode(path) == 0o600
    assert len(names) == 100


def test_a_name_that_was_guessed_is_refused(tmp_path: Path, victim: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(private_files.secrets, "token_hex", lambda _: "guessed")
    (tmp_path / ".monitor-app-guessed.part").symlink_to(victim)
    with pytest.raises(ExportError, match="cannot be written"), completed(tmp_path / "o"):
        pass
    assert victim.read_text() == VICTIM
    (tmp_path / ".monitor-app-guessed.part").unlink()
    (tmp_path / ".monitor-app-guessed.part").symlink_to(tmp_path / "new")
    with pytest.raises(FileExistsError):
        create_beside(tmp_path / "o")
    assert not (tmp_path / "new").exists()


def test_a_private_file_is_only_ours_and_follows_no_link(tmp_path: Path, victim: Path) -> None:
    for laid in ("link", "hardlink", "pipe"):
        path = tmp_path / laid
        {"link": path.symlink_to, "hardlink": path.hardlink_to, "pipe": lambda _, at=path: os.mkfifo(at)}[laid](victim)
        with pytest.raises(OSError, match=r"symbolic links|not an ordinary file|No such device"):
            open_private(path, APPEND)
    assert victim.read_text() == VICTIM
    old = tmp_path / "old"
    old.touch(0o666)
    for path in (old, tmp_path / "new"):
        os.close(open_private(path, APPEND))
        assert mode(path) == 0o600
    old.chmod(0o666)
    os.close(open_private(old, APPEND, 0o644))
    assert mode(old) == 0o644


def test_a_private_folder_is_only_ours(tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.mkdir()
    old.chmod(0o777)
    for folder in (old, tmp_path / "new"):
        assert mode(private_folder(folder)) == 0o700


def others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever there is belongs to another user than the one who asks."""
    monkeypatch.setattr(private_files, "geteuid", lambda: os.geteuid() + 1)


def test_what_belongs_to_another_user_is_not_used(
    tmp_path: Path, victim: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    others(monkeypatch)
    with pytest.raises(PermissionError, match="another user"):
        open_private(victim, os.O_RDONLY)
    with pytest.raises(PermissionError, match="another user"):
        private_folder(tmp_path)
    with pytest.raises(MonitorError, match=r"it belongs to another user\): set XDG_STATE_HOME to a folder of your own"):
        log.state_folder()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a link away")
def test_a_link_of_another_user_in_the_place_of_the_state_folder_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    ours = tmp_path / "ours"
    ours.mkdir()
    (tmp_path / "monitor-app").symlink_to(ours)
    assert log.state_folder().samefile(ours)  # the user has laid it
    os.lchown(tmp_path / "monitor-app", 12345, 12345)
    with pytest.raises(MonitorError, match="belongs to another user"):
        log.state_folder()
    os.lchown(tmp_path / "monitor-app", 0, 0)
    os.chown(ours, 12345, 12345)
    with pytest.raises(MonitorError, match="belongs to another user"):
        log.state_folder()


def test_the_log_and_its_folder_are_only_ours_and_a_link_in_its_place_is_not_followed(
    tmp_path: Path, victim: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    with logging_to_file("bench") as path:
        assert (mode(path), mode(path.parent)) == (0o600, 0o700)
    path.unlink()
    path.symlink_to(victim)
    with pytest.raises(MonitorError, match=r"The log .*bench.log cannot be written"), logging_to_file("bench"):
        pass
    assert victim.read_text() == VICTIM
