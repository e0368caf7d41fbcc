# SPDX-License-Identifier: Apache-2.0
"""The machine that the networks run on, as the plan needs it: this one, or a board elsewhere."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from monitor_app.bench.board.commands import (
    CLOCKS_FILE,
    BoardControlError,
    BoardTools,
    Outcome,
    refuse_without_rule,
    sudo_rule,
)
from monitor_app.bench.board.control import BoardControl, this_board
from monitor_app.bench.board.environment import PATTERNS, machine_environment
from monitor_app.bench.board.saved_state import FoundFile, as_text, from_text
from monitor_app.core.errors import BoardError, BoardLostError
from monitor_app.remote.board_files import board_files

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from monitor_app.bench.board.reach import Reach
    from monitor_app.bench.board.saved_state import Found

CONNECT_S = 60.0
"""How long, beyond a lease, a plan waits for a board that does not answer at all before it is refused."""


class Machine(Protocol):
    """Its methods raise BoardError and BoardControlError."""

    def meet(self, cancelled: Callable[[], bool]) -> None:
        """Wait until it can be used. Raises BoardError where it cannot."""

    def meet_again(self, cancelled: Callable[[], bool]) -> None:
        """Wait for as long as it takes. Raises BoardError where the wait is cancelled."""

    def cores(self) -> int:
        """That networks may use."""

    def meta(self) -> Mapping[str, str]:
        """What the session says of it instead of this computer; nothing where it is this computer."""

    def environment(self) -> Mapping[str, str]:
        """Its settings, by which two sessions can be compared."""

    def pending(self) -> BoardControl | None:
        """As `control.pending_restore`."""

    def control(self) -> BoardControl:
        """Of its power mode and clocks."""


class ThisMachine:
    """The bench and the networks are on one machine.

    Args:
        state_file: keeps what was found on the board while it is changed.
        clocks_file: where jetson_clocks saves the clocks.
    """

    def __init__(self, state_file: Path, clocks_file: Path = CLOCKS_FILE) -> None:
        self._state_file, self._clocks_file = state_file, clocks_file

    def meet(self, cancelled: Callable[[], bool]) -> None:
        """It is there."""

    def meet_again(self, cancelled: Callable[[], bool]) -> None:
        """It was there all the time."""

    def cores(self) -> int:
        return len(os.sched_getaffinity(0))

    def meta(self) -> Mapping[str, str]:
        return {}

    def environment(self) -> Mapping[str, str]:
        return _with_mode(machine_environment(), self.control())

    def pending(self) -> BoardControl | None:
        return None if FoundFile(self._state_file).pending() is None else self.control()

    def control(self) -> BoardControl:
        return this_board(self._state_file, self._clocks_file)


class BoardElsewhere:
    """Everything that is a fact of the board comes from the board."""

    def __init__(self, connection: Reach) -> None:
        self._connection = connection

    def meet(self, cancelled: Callable[[], bool]) -> None:
        self._connection.wait(cancelled, CONNECT_S + self._connection.board.lease_s)

    def meet_again(self, cancelled: Callable[[], bool]) -> None:
        self._connection.wait(cancelled)

    def cores(self) -> int:
        facts = self._connection.facts
        return 1 if facts is None else facts.cores

    def meta(self) -> Mapping[str, str]:
        facts, link = self._connection.facts, self._connection.link()
        if facts is None:
            return {}
        return {
            "board_host": facts.host,
            "board_boot_id": link.hello.boot_id,
            "machine": facts.machine,
            "processor": facts.processor or facts.machine,
            "cores": str(facts.cores),
            "python": link.hello.python,
        }

    def environment(self) -> Mapping[str, str]:
        facts, link = self._connection.facts, self._connection.link()
        with board_files(link, PATTERNS) as root:
            found = machine_environment(root, kernel="" if facts is None else facts.kernel)
        return _with_mode(found, self.control())

    def pending(self) -> BoardControl | None:
        return self.control() if SavedOnBoard(self._connection).pending() is not None else None

    def control(self) -> BoardControl:
        facts = self._connection.facts
        paths = facts.tools if facts is not None else {}
        there = {"nvpmodel", "jetson_clocks"} <= paths.keys()
        user = facts.user if facts is not None else ""
        tools = BoardTools(CallOnBoard(self._connection, paths, user), CLOCKS_FILE) if there else None
        return BoardControl(tools, SavedOnBoard(self._connection))


@dataclass(frozen=True, slots=True)
class CallOnBoard:
    """Calls the commands of a Jetson elsewhere, through its agent."""

    connection: Reach
    paths: Mapping[str, str]
    user: str

    def call(self, tool: str, *words: str, answer: str = "", root: bool = True) -> Outcome:
        try:
            called = self.connection.link().call(tool, words, answer=answer, root=root)
        except BoardLostError:
            raise
        except BoardError as error:
            raise BoardControlError(str(error)) from error
        outcome = Outcome(called.code, called.text)
        if root:
            refuse_without_rule(outcome, [tool, *words], sudo_rule(self.user, self.paths, CLOCKS_FILE))
        return outcome


class SavedOnBoard:
    """The saved state of a board, kept there, since another computer may have to set it back.

    Who has the link has the board, so it needs no lock of its own.
    """

    def __init__(self, connection: Reach) -> None:
        self._connection = connection

    def boot(self) -> str:
        return self._connection.link().hello.boot_id

    def pending(self) -> Found | None:
        text = self._ask("read")
        return None if text is None else from_text(text)

    def claim(self) -> Found | None:
        return self.pending()

    def write(self, found: Found) -> None:
        self._ask("write", as_text(found))

    def remove(self) -> None:
        self._ask("remove")

    def _ask(self, action: str, text: str | None = None) -> str | None:
        try:
            return self._connection.link().state(action, text)
        except BoardLostError:
            raise
        except BoardError as error:
            raise BoardControlError(str(error)) from error


def _with_mode(found: dict[str, str], control: BoardControl) -> Mapping[str, str]:
    with contextlib.suppress(BoardControlError):
        mode = control.mode()
        if mode is not None:
            found["power mode"] = mode
    return found
