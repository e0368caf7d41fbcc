# SPDX-License-Identifier: Apache-2.0
"""Boards elsewhere as commands name them: by --board HOST, or by the [board] of a profile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer
from pydantic import ValidationError

from monitor_app.bench.examination import examination
from monitor_app.cli.consent import allowance
from monitor_app.cli.terminal import say
from monitor_app.core.profile import Board
from monitor_app.sources.profile_reader import parse_profile, read_profile_text

if TYPE_CHECKING:
    from pathlib import Path

    from monitor_app.core.profile import Profile
    from monitor_app.core.status import FoundSource


def profile_to_look_at(path: Path, *, trusted: bool) -> Profile:
    """A profile whose board may be looked at. Raises ProfileError where the user does not allow the code it names."""
    text = read_profile_text(path)
    profile = parse_profile(text, str(path))
    if profile.board is not None:
        allowance(profile, text, str(path), trusted=trusted)
    return profile


def board_of(profile: Profile | None, host: str | None) -> Board | None:
    """The board that is meant: the host given on the command line, reached as the profile has it, or the profile's."""
    known = profile.board if profile is not None else None
    return known if host is None else named_board(host, known)


def named_board(host: str, known: Board | None = None) -> Board:
    """The board that is reached under this name, otherwise as a known one."""
    given = known.model_dump(exclude_unset=True) if known is not None else {}
    try:
        return Board(**{**given, "host": host})
    except ValidationError as error:
        raise typer.BadParameter(f"--board {host!r} is not the name of a host.") from error


def instruments_of(board: Board) -> list[FoundSource]:
    """What a board measures of itself. Raises BoardError where it cannot be reached or used."""
    with examination(board, say, lambda: False) as examined:
        return examined.instruments()
