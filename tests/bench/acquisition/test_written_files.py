# SPDX-License-Identifier: Apache-2.0
"""What a profile has written lies in the session's folder, and takes nothing's place."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from monitor_app.bench.acquisition.instruments import make_instruments
from monitor_app.bench.acquisition.written_files import energy_log
from monitor_app.bench.bench import Bench
from monitor_app.core.errors import ProfileError, SourceError
from monitor_app.emulators.board.energy_log import EnergyLog
from monitor_app.sources.profile_reader import parse_profile, parse_source

if TYPE_CHECKING:
    from pathlib import Path

LETTER = "somebody's letter\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "session"
    (made / "below").mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "letter").write_text(LETTER)
    (made / "letter").write_text(LETTER)
    (made / "link").symlink_to(tmp_path / "outside" / "letter")
    (made / "dangling").symlink_to(tmp_path / "outside" / "new")
    (made / "out").symlink_to(tmp_path / "outside")
    (made / "second").hardlink_to(tmp_path / "outside" / "letter")
    (made / "log.jsonl").write_text('{"sample": 1}\n')
    return made


@pytest.mark.parametrize("name", ["energy.jsonl", "below/energy.jsonl", "log.jsonl", "below/../energy.jsonl"])
def test_a_new_file_or_an_energy_log_in_the_folder_may_be_written(folder: Path, name: str) -> None:
    assert energy_log(name, folder) == (folder / name).parent.resolve() / name.rpartition("/")[2]
    assert energy_log(str(folder / name), folder) == energy_log(name, folder)


@pytest.mark.parametrize(
    "name", ["/etc/cron.d/x", "../outside/new", "out/new", "no/such/folder", "below/../../x", "\0"]
)
def test_elsewhere_nothing_is_written(folder: Path, name: str) -> None:
    with pytest.raises(ProfileError, match=r"is not in the folder of the session, .*: give a name without a folder\.$"):
        energy_log(name, folder)


@pytest.mark.parametrize(
    "name", ["letter", "link", "dangling", "second", "below", "s.plm", "s.plm-wal", "S.PLM-journal", ".."]
)
def test_nothing_else_is_written_to(folder: Path, name: str) -> None:
    with pytest.raises(ProfileError):
        energy_log(name, folder)


@pytest.mark.parametrize("account", ["../outside/letter", "link", "letter"])
def test_a_profile_that_names_another_file_leaves_it_as_it_is(folder: Path, account: str) -> None:
    text = f'title = "sent to you"\n[[source]]\nkind = "shunt"\nemulate = "tx1"\naccount = "{account}"\n'
    before = sorted(folder.parent.rglob("*"))
    with pytest.raises(ProfileError, match="account ="):
        Bench(parse_profile(text, "sent.toml"), text, folder / "s.plm")
    assert sorted(folder.parent.rglob("*")) == before
    assert (folder.parent / "outside" / "letter").read_text() == LETTER
    assert (folder / "letter").read_text() == LETTER


def test_the_emulator_is_told_the_whole_path_and_without_a_session_none(folder: Path) -> None:
    spec = parse_source({"kind": "shunt", "emulate": "tx1", "account": "energy.jsonl"})
    for where, expected in ((folder, str(folder / "energy.jsonl")), (None, None)):
        [instrument] = make_instruments(spec, where)
        assert instrument.emulated is not None
        options = instrument.emulated._options
        assert (options[options.index("--energy-log") + 1] if "--energy-log" in options else None) == expected
        instrument.close()


def test_the_socket_and_the_link_of_an_emulator_are_in_a_folder_of_the_users_alone(folder: Path) -> None:
    [instrument] = make_instruments(parse_source({"kind": "shunt", "emulate": "tx1"}))
    assert instrument.load_signal is not None
    found = instrument.load_signal.parent.stat()
    instrument.close()
    assert (found.st_mode & 0o777, found.st_uid) == (0o700, os.geteuid())


def test_an_energy_log_follows_no_link_that_is_laid_later(folder: Path) -> None:
    with pytest.raises(SourceError, match="cannot be written"):
        EnergyLog(folder / "link", 1000.0)
    assert (folder / "link").read_text() == LETTER
