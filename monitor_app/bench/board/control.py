# SPDX-License-Identifier: Apache-2.0
"""Power mode and clocks of a Jetson, this machine or a board elsewhere: set for a run, and set back to what was found.

Used from one thread. Nothing is changed before what was found has been written to a file, so that it can be set back
also by the next start, after the process was killed or the machine lost its power.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from monitor_app.bench.board.commands import CLOCKS_FILE, BoardControlError, find_tools
from monitor_app.bench.board.saved_state import Found, FoundFile

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from monitor_app.bench.board.commands import BoardTools
    from monitor_app.bench.board.saved_state import SavedState

__all__ = ["BoardControl", "BoardControlError", "pending_restore", "this_board"]

NO_JETSON = (
    "This machine has no nvpmodel, so its power modes and clocks cannot be set: leave power_modes and clocks out of "
    "[plan], or run on a Jetson."
)


def pending_restore(state_file: Path, clocks_file: Path = CLOCKS_FILE) -> BoardControl | None:
    """A control whose `restore` undoes what a killed session has changed; None where there is nothing to undo.

    There is nothing while a session that has changed the board is still running.
    """
    return None if FoundFile(state_file).pending() is None else this_board(state_file, clocks_file)


def this_board(state_file: Path, clocks_file: Path = CLOCKS_FILE) -> BoardControl:
    """The control of this machine.

    Args:
        state_file: keeps the saved state while the board is changed.
        clocks_file: where jetson_clocks saves the clocks; a sudo rule names it.
    """
    return BoardControl(find_tools(clocks_file), FoundFile(state_file))


class BoardControl:
    """The power mode and the clocks of this board. Leaving it as a context restores them.

    Args:
        tools: its commands; None where it is no Jetson.
        saved: keeps the saved state while the board is changed.
    """

    def __init__(self, tools: BoardTools | None, saved: SavedState) -> None:
        self._tools = tools
        self._file = saved
        self._found: Found | None = None
        """The state before the first change; None before it."""
        self._set_to: tuple[int, str | None] | None = None
        """Mode and clocks as last asked for; None where that is not known."""
        self._changed = False
        """The board may differ from its saved state."""
        self._holding = False
        """The clocks may be held by this control."""
        self._boot = ""
        """Of the board when it was last set."""

    def __enter__(self) -> BoardControl:
        return self

    def __exit__(self, *_: object) -> None:
        self.restore()

    def modes(self) -> tuple[str, ...]:
        """Names of the power modes, by number; none where this is no Jetson. Raises BoardControlError."""
        return tuple(self._tools.modes().values()) if self._tools else ()

    def mode(self) -> str | None:
        """The name of the power mode that is set; None where that is not known. Raises BoardControlError."""
        number = self._tools.mode() if self._tools else None
        return None if number is None else self._name(number)

    def ready(self, modes: Iterable[str] = ()) -> str | None:
        """Why these power modes and the clocks cannot be set; None where they can.

        Changes nothing and asks for no password. That a mode needs a reboot shows only when it is set.
        """
        try:
            self._there().check_rights()
            for mode in modes:
                self._numbered(mode)
        except BoardControlError as error:
            return str(error)
        return None

    def apply(self, power_mode: str | None, clocks: str | None) -> None:
        """Set what a run asks for, as in `RunSpec`: None as it was found, clocks 'max' or 'default'.

        Raises BoardControlError.
        """
        if self._found is None and power_mode is None and clocks is None:
            return
        number = None if power_mode is None else self._numbered(power_mode)
        found = self._begin()
        self._set(found.mode if number is None else number, clocks)

    def set_mode(self, mode: str | int) -> None:
        """Set a power mode by its name or its number, the clocks staying as asked for.

        Raises BoardControlError: there is no such mode, it needs a reboot (nothing is changed then), it was refused.
        """
        number = self._numbered(str(mode))
        self._begin()
        self._set(number, self._set_to[1] if self._set_to else None)

    def max_clocks(self) -> None:
        """Hold all clocks at the highest that the power mode allows. Raises BoardControlError."""
        self._set_clocks("max")

    def default_clocks(self) -> None:
        """Leave the clocks to the board. Raises BoardControlError."""
        self._set_clocks("default")

    def restore(self) -> None:
        """Set both as they were before the first change, also that of a session that was killed; twice is fine.

        Raises BoardControlError: it did not succeed, and can be tried again.
        """
        found = self._found or self._adopt()
        if found is None:
            return
        self._set(found.mode, None)
        self._file.remove()
        self._found = self._set_to = None

    # -- steps -----------------------------------------------------------------------------------

    def _begin(self) -> Found:
        """Save the state before the first change; that which a killed session has saved takes precedence."""
        if self._found is not None:
            return self._found
        tools = self._there()
        left = self._adopt()
        if left is not None and self._same_boot(left):
            return left
        self.restore()
        number = tools.mode()
        if number is None:
            raise BoardControlError(
                "nvpmodel does not know the power mode that is set, so it could not be restored: set one with "
                "`sudo nvpmodel -m`, then start again."
            )
        self._file.claim()
        try:
            found = Found(number, tools.clocks_held(), self._file.boot())
            tools.store_clocks()
            self._file.write(found)
        except BoardControlError:
            self._file.remove()
            raise
        self._found = found
        return found

    def _adopt(self) -> Found | None:
        """Take over the saved state of a session that was killed, where there is one."""
        if self._tools is None or self._file.pending() is None:
            return None
        self._found = found = self._file.claim()
        if found is None:
            self._file.remove()
            return None
        # After a reboot the clocks are no longer held, and the file in which they were saved is gone.
        self._changed, self._holding = True, self._same_boot(found)
        return found

    def _set_clocks(self, clocks: str) -> None:
        found = self._begin()
        number = self._there().mode()
        self._set(found.mode if number is None else number, clocks)

    def _set(self, number: int, clocks: str | None) -> None:
        tools, found = self._there(), self._found
        assert found is not None
        if clocks == "default" and found.held:
            raise BoardControlError(
                "The clocks were at their maximum when this session began, and their values before that are not "
                "known: reboot the board, then start again."
            )
        boot = self._file.boot()
        if boot != self._boot:
            rebooted, self._boot = bool(self._boot), boot
            if rebooted:
                found = self._saved_anew(tools, found, boot)
        current = tools.mode()
        if self._set_to == (number, clocks) and current == number:
            return
        if current != number:
            # First, since it may be refused.
            tools.set_mode(number, self._name(number))
            self._changed = True
        self._set_to = None
        if self._holding:
            tools.restore_clocks()
            self._holding = False
            if number != found.mode:
                # The saved clocks belong to the mode that was found, with its set of processors.
                tools.set_mode(number, self._name(number))
        self._hold_or_free(tools, found, number, clocks)
        self._set_to = number, clocks

    def _saved_anew(self, tools: BoardTools, found: Found, boot: str) -> Found:
        """A board elsewhere was rebooted: its clocks are no longer held, and what was kept of them is gone."""
        self._set_to, self._holding, self._changed = None, False, True
        if tools.mode() != found.mode:
            # What is kept belongs to the mode that was found.
            tools.set_mode(found.mode, self._name(found.mode))
        if found.held:
            tools.hold_clocks()
        tools.store_clocks()
        self._found = replace(found, boot=boot)
        self._file.write(self._found)
        return self._found

    def _hold_or_free(self, tools: BoardTools, found: Found, number: int, clocks: str | None) -> None:
        as_found = number == found.mode
        if clocks == "max" or (clocks is None and found.held and not as_found):
            self._changed = self._holding = True
            tools.hold_clocks()
        elif as_found and self._changed and self._same_boot(found):
            # A power mode sets clocks of its own, which need not be those that were found.
            tools.restore_clocks()
            self._changed = False

    def _same_boot(self, found: Found) -> bool:
        """The machine has not been rebooted since."""
        return found.boot == self._file.boot()

    def _there(self) -> BoardTools:
        if self._tools is None:
            raise BoardControlError(NO_JETSON)
        return self._tools

    def _name(self, number: int) -> str:
        return self._there().modes().get(number, str(number))

    def _numbered(self, mode: str) -> int:
        """The number of a mode that is named or numbered."""
        modes = self._there().modes()
        found = [number for number, name in modes.items() if mode.casefold() in {name.casefold(), str(number)}]
        if not found:
            known = ", ".join(f"{name} ({number})" for number, name in modes.items()) or "none"
            raise BoardControlError(f"This board has no power mode {mode}; there are: {known}.")
        return found[0]
