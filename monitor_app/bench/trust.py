# SPDX-License-Identifier: Apache-2.0
"""Whether a profile that runs code may be used (docs/decisions/0020-a-profile-is-not-a-program.md).

Most profiles only name instruments and networks that the program knows. One that has a program started, a module
imported or a network file loaded that can hold code is a program itself, and is used only where the user has said so.
The bench refuses it otherwise (`check`); whoever starts a bench finds out before whether the user allows it
(`allowance`).
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import shlex
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from monitor_app.core.back_ends import BACK_ENDS, back_end_for
from monitor_app.core.errors import MonitorError, ProfileError
from monitor_app.core.files.own_profiles import own_profile_files
from monitor_app.core.files.package_data import profile_files
from monitor_app.core.files.private_files import open_private
from monitor_app.core.log import state_folder
from monitor_app.inference.networks.own import own_code
from monitor_app.sources.registry import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from monitor_app.core.profile import Board, Profile
    from monitor_app.core.source_specs import SourceSpec

REMEMBERED = "trusted-profiles"
"""File in the state folder: on each line the fingerprint of a profile that the user has allowed, when, and its name."""
CODE_FILES = frozenset({".py", ".so"})
PYTHON = re.compile(r"python3(\.\d+)?")
"""What the board itself calls Python; not a path, where a program of another's choice may lie."""
BLOCK_BYTES = 1 << 20

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Code:
    """Something that a profile has run."""

    what: str
    """As part of a sentence."""
    files: tuple[Path, ...]
    """What it is in, as far as the profile names it; whatever that needs in its turn is not known."""
    there: bool = False
    """It runs on a board elsewhere, and not on this computer."""


def allowance(
    profile: Profile, text: str, name: str, *, trusted: bool = False, ask: Callable[[str], bool] | None = None
) -> str:
    """What the bench is to be given so that it uses this profile: its fingerprint, or nothing where it runs no code.

    Args:
        profile: read from ``text``.
        text: as it stands in the file.
        name: of the profile, in sentences.
        trusted: the user has allowed it for this time.
        ask: puts a question to the user; None where there is nobody to answer. A yes is remembered.

    Raises:
        ProfileError: it runs code, and the user has not allowed it.
    """
    code = code_in(profile)
    if not code:
        return ""
    known_by = fingerprint(text, code)
    if trusted or known_by in _remembered() or _is_own(text):
        return known_by
    if ask is None or not ask(question(code)):
        raise ProfileError(
            f"{shown(name)} was not used, because it runs code: {_listed(code)}; if you trust whoever wrote it, answer "
            "yes when you are asked, or give --trust."
        )
    _remember(known_by, name)
    return known_by


def check(profile: Profile, text: str, allowed: str) -> None:
    """Raise ProfileError where the profile runs code, unless ``allowed`` is what `allowance` gave for it."""
    code = code_in(profile)
    if code and fingerprint(text, code) != allowed:
        raise ProfileError(
            f"The profile was not used, because it runs code that was not allowed: {_listed(code)}; start it again."
        )


def check_source(spec: SourceSpec) -> None:
    """Raise ProfileError where an instrument that is added to a running bench has a program started."""
    if code := _programs(spec):
        raise ProfileError(
            f"{shown(spec.name)} was not added, because it runs code: {_listed(code)}; name it in a profile, and start "
            "with that."
        )


def code_in(profile: Profile) -> tuple[Code, ...]:
    """All code that a profile chooses, each only once; none for most profiles."""
    models = {each.name: each.spec for each in profile.model}
    named = profile.plan.networks if profile.plan is not None else ()
    networks = [models[name].reference if name in models else name for name in named]
    networks += [models[name].metric for name in named if name in models and models[name].metric]
    programs = (each for spec in profile.source for each in _programs(spec))
    board = _of_board(profile.board) if profile.board is not None else []
    return tuple(dict.fromkeys([*programs, *board, *(each for name in networks for each in _of_network(name))]))


def question(code: Sequence[Code]) -> str:
    """What the user is asked."""
    places = {"the board": any(each.there for each in code), "this computer": not all(each.there for each in code)}
    where = " and on ".join(sorted((place for place, runs in places.items() if runs), reverse=True))
    return f"This profile runs code: {_listed(code)}. It can do on {where} whatever you can. Do you allow it?"


def fingerprint(text: str, code: Sequence[Code]) -> str:
    """SHA-256 of the profile, of where the code lies and of what the files hold: if one changes, users are asked again.

    A profile names files as seen from the current folder, so that it is another one in another folder.
    """
    content = [text, [[each.what, [[str(file), _sha256(file)] for file in each.files]] for each in code]]
    return hashlib.sha256(json.dumps(content).encode("utf-8", "surrogatepass")).hexdigest()


def shown(text: str) -> str:
    """A text of unknown origin, without the characters by which it could pretend to be another one."""
    return "".join(letter if letter.isprintable() else f"\\x{ord(letter):02x}" for letter in text)


def _programs(spec: SourceSpec) -> list[Code]:
    return [
        Code(f"the program {shown(program)} for the source {shown(spec.name)}", _of_program(program))
        for program in KINDS[spec.kind].programs(spec)
    ]


def _of_board(board: Board) -> list[Code]:
    """What differs from `ssh HOST python3`: options of ssh may name programs of this computer."""
    host = shown(board.host)
    code = []
    if board.ssh != ("ssh",):
        code.append(
            Code(f"the command `{shown(shlex.join(board.ssh))}` for the board {host}", _of_program(board.ssh[0]))
        )
    for python in dict.fromkeys((board.python, board.inference_python)):
        if python is not None and not PYTHON.fullmatch(python):
            code.append(Code(f"the program {shown(python)} on the board {host}", (), there=True))
    if board.env:
        given = " ".join(f"{name}={value}" for name, value in board.env.items())
        code.append(Code(f"processes with {shown(given)} on the board {host}", (), there=True))
    return code


def _of_program(program: str) -> tuple[Path, ...]:
    found = shutil.which(program)
    return (Path(found or program).absolute(),)


def _of_network(name: str) -> list[Code]:
    code = own_code(name)
    if code is None:
        return []
    if code.file is not None:
        if not BACK_ENDS[back_end_for(name)].runs_code:
            return []
        return [Code(f"the network in the file {shown(str(code.file))}", (code.file.absolute(),))]
    files = _of_module(code.module)
    where = f" in {shown(str(Path.cwd()))}" if files else ""
    return [Code(f"the function {code.module}:{code.function}{where}", files)]


def _of_module(module: str) -> tuple[Path, ...]:
    """Its files in the current folder; those of an installed package are the user's own."""
    top = Path.cwd() / module.partition(".")[0]
    files = (path for path in (top.with_name(f"{top.name}.py"), *top.rglob("*")) if path.suffix in CODE_FILES)
    return tuple(sorted(path for path in files if path.is_file()))


def _sha256(file: Path) -> str:
    digest = hashlib.sha256()
    if not file.is_file():  # a pipe or a device need not end
        return "no file"
    try:
        with file.open("rb") as stream:
            while block := stream.read(BLOCK_BYTES):
                digest.update(block)
    except OSError as error:
        return f"cannot be read: {error.errno}"
    return digest.hexdigest()


def _listed(code: Sequence[Code]) -> str:
    return ", ".join(each.what for each in code)


def _is_own(text: str) -> bool:
    """Whether it is, letter for letter, one of the user's own profiles or of the program's."""
    return any(_text_of(path) == text for path in (*own_profile_files(), *profile_files()))


def _text_of(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def _remembered() -> set[str]:
    try:
        with open(open_private(state_folder() / REMEMBERED, os.O_RDONLY), encoding="utf-8", errors="replace") as file:
            return {line.partition(" ")[0].strip() for line in file}
    except (OSError, MonitorError):
        return set()


def _remember(known_by: str, name: str) -> None:
    try:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        with open(open_private(state_folder() / REMEMBERED, flags), "a", encoding="utf-8", errors="replace") as file:
            file.write(f"{known_by} {time.strftime('%Y-%m-%d')} {shown(name)}\n")
    except (OSError, MonitorError) as error:
        logger.warning("It could not be remembered that the profile is allowed: %s", error)
