# SPDX-License-Identifier: Apache-2.0
"""A lab file: what each board is recorded with, and what is refused, by file and key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from monitor_app.cli.fleet import check_lab
from monitor_app.core.errors import ProfileError
from monitor_app.fleet.lab import load_lab
from monitor_app.sources.profile_reader import parse_profile

if TYPE_CHECKING:
    from pathlib import Path

PROFILE = """
title = "Base"
description = "A meter."
[[source]]
kind = "shunt"
name = "meter"
port = "/dev/one"
[protocol]
idle_s = 3.0
timed_s = 4.0
[plan]
networks = ["resnet18"]
batch_sizes = [1, 2]
autostart = false
"""


def lab(folder: Path, text: str) -> Path:
    (folder / "base.toml").write_text(PROFILE)
    (folder / "bare.toml").write_text(PROFILE.partition("[plan]")[0])
    path = folder / "lab.toml"
    path.write_text(text)
    return path


def test_tables_of_the_lab_lie_over_those_of_the_profile_and_the_board_s_over_both(tmp_path: Path) -> None:
    path = lab(
        tmp_path,
        "[protocol]\nidle_s = 1.0\n[plan]\ncycles = 3\n"
        '[[board]]\nname = "a"\nprofile = "base.toml"\n'
        '[[board]]\nname = "b"\nprofile = "base.toml"\n'
        '[board.protocol]\nidle_s = 2.0\n[board.plan]\nnetworks = ["vgg16"]\n'
        '[board.source.meter]\nport = "/dev/two"\n',
    )
    a, b = load_lab(path)
    assert [a.name, b.name] == ["a", "b"]
    assert (a.profile.protocol.idle_s, a.profile.protocol.timed_s) == (1.0, 4.0)
    assert (b.profile.protocol.idle_s, b.profile.protocol.timed_s) == (2.0, 4.0)
    assert a.profile.plan is not None
    assert b.profile.plan is not None
    assert (a.profile.plan.networks, b.profile.plan.networks) == (("resnet18",), ("vgg16",))
    assert a.profile.plan.batch_sizes == b.profile.plan.batch_sizes == (1, 2)
    assert a.profile.plan.cycles == b.profile.plan.cycles == 3
    assert a.profile.plan.autostart  # nobody is there to press Start
    assert [getattr(each.profile.source[0], "port", None) for each in (a, b)] == ["/dev/one", "/dev/two"]
    assert a.profile.title == "a"
    assert a.profile.description == "Base. A meter."
    for board in (a, b):
        assert parse_profile(board.text, "it") == board.profile
        assert board.session(tmp_path / "runs") == tmp_path / "runs" / f"{board.name}.plm"


def test_a_profile_may_be_one_of_the_program_s_by_its_name(tmp_path: Path) -> None:
    [board] = load_lab(lab(tmp_path, '[[board]]\nname = "it"\nprofile = "campaigns/quick"\n'))
    assert board.profile.plan is not None
    assert board.profile.plan.batch_sizes == (1, 4, 16)


BOARD = '[[board]]\nname = "a"\nprofile = "base.toml"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ("lab.toml", "board: field required")),
        ('[[board]]\nprofile = "base.toml"\n', ("lab.toml", "board.0.name: field required")),
        (f"{BOARD}port = 3\n", ("lab.toml, line 4", "unknown key board.0.port", "Allowed here: name, profile, host")),
        (f"[retry]\nfirst = 3\n{BOARD}", ("lab.toml, line 2", "unknown key retry.first; did you mean first_s?")),
        (BOARD + BOARD, ("lab.toml", "two boards are named a")),
        (BOARD.replace('"a"', '"../a"'), ("lab.toml, line 2", "board.0.name")),
        (f"{BOARD}[board.plan]\nnetwork = 1\n", ("lab.toml, board a", "unknown key plan.network; did you mean")),
        (f"{BOARD}[board.protocol]\nidle_s = -1\n", ("lab.toml, board a", "protocol.idle_s", "given: -1")),
        (f"{BOARD}[board.plan]\ncycles = 0\n", ("lab.toml, board a", "plan.cycles: 0 never ends")),
        (f"{BOARD}[board.source.other]\nport = '1'\n", ("lab.toml, board a", "source.other", "it has: meter")),
        (BOARD.replace("base.toml", "none.toml"), ("none.toml", "There is no profile")),
        (BOARD.replace("base.toml", "bare.toml"), ("lab.toml, board a: plan: nothing is to be run",)),
        ("[[board]\n", ("lab.toml is not valid TOML",)),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_by_file_and_key(tmp_path: Path, text: str, said: tuple[str, ...]) -> None:
    path = lab(tmp_path, text)
    with pytest.raises(ProfileError) as refused:
        load_lab(path)
    for words in said:
        assert words in str(refused.value)


def test_a_profile_that_is_wrong_by_itself_is_named_itself(tmp_path: Path) -> None:
    path = lab(tmp_path, BOARD)
    (tmp_path / "base.toml").write_text(PROFILE.replace("idle_s", "idle"))
    with pytest.raises(ProfileError, match=r"base\.toml, line 9: unknown key protocol\.idle; did you mean idle_s"):
        load_lab(path)


def test_a_check_runs_no_program_of_a_profile_without_leave(tmp_path: Path) -> None:
    """A board elsewhere is looked at by the ssh that its profile names."""
    witness = tmp_path / "was run"
    program = tmp_path / "ssh"
    program.write_text(f"#!/bin/sh\ntouch '{witness}'\nexit 255\n")
    program.chmod(0o755)
    (tmp_path / "nano.toml").write_text(f'{PROFILE}[board]\nhost = "nano"\nssh = ["{program}"]\n')
    path = lab(tmp_path, '[[board]]\nname = "a"\nprofile = "nano.toml"\n')
    with pytest.raises(ProfileError, match=r"board a was not used, because it runs code: .*--trust"):
        check_lab(path, tmp_path / "runs", trusted=False, as_json=True)
    assert not witness.exists()
    code, _ = check_lab(path, tmp_path / "runs", trusted=True, as_json=True)
    assert code == 1
    assert witness.exists()
