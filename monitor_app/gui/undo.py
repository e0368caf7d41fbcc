# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: N802 (Qt names these methods)
"""Undo and redo of all that the user can set, on one stack: settings are looked at, so nobody reports a change."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from PySide6.QtCore import QObject
from PySide6.QtGui import QUndoCommand, QUndoStack

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtGui import QAction

T = TypeVar("T")
MOST_UNDONE = 200
MERGE_S = 1.0
"""The turns of a wheel, or the letters of a word, that follow each other within this time are one step."""


@dataclass(frozen=True, slots=True)
class Setting(Generic[T]):
    """Something that can be set to a value, which is compared and never changed in place."""

    read: Callable[[], T]
    write: Callable[[T], object]
    describe: Callable[[T, T], str]
    """Of the values before and after: what the Edit menu says is undone, such as "move of marker 2"."""
    merges: bool = False
    """Whether steps that follow each other closely are one."""
    drifts: Callable[[T, T], bool] = lambda _before, _after: False
    """Whether this change can come about by itself, so that it is a step only where a command has just made it."""


class Undo(QObject):
    """The steps of one window. ``notice`` is called after each command, and now and then for what needs none."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.stack = QUndoStack(self)
        self.stack.setUndoLimit(MOST_UNDONE)
        self.settings: list[Setting[Any]] = []
        self._known: list[Any] = []
        self._goes = False
        """Whether a step is being taken back or repeated, which announces itself as every change does."""

    def track(self, *settings: Setting[Any]) -> None:
        """Undo what changes these from now on."""
        self.settings += settings
        self._known += [setting.read() for setting in settings]

    def attach(self, undo: QAction, redo: QAction) -> None:
        """Let two actions say what they would undo and redo, and be there only where there is something."""
        for action, verb, text, able in (
            (undo, "Undo", self.stack.undoTextChanged, self.stack.canUndoChanged),
            (redo, "Redo", self.stack.redoTextChanged, self.stack.canRedoChanged),
        ):
            text.connect(lambda what, action=action, verb=verb: action.setText(f"{verb} {what}".strip()))
            able.connect(action.setEnabled)
            action.setEnabled(False)

    def forget(self) -> None:
        """Another session is shown: what was set before is not undone."""
        self.stack.clear()
        self._known = [setting.read() for setting in self.settings]

    def notice(self) -> None:
        """What a command has changed is a step."""
        self._notice(by_command=True)

    def look(self) -> None:
        """What has changed without a command is a step as well, unless it can have come about by itself."""
        self._notice(by_command=False)

    def undo(self) -> None:
        """Take back the last step."""
        self._go(self.stack.undo)

    def redo(self) -> None:
        self._go(self.stack.redo)

    def _go(self, step: Callable[[], None]) -> None:
        if self._goes:
            return
        self.notice()
        self._goes = True
        try:
            step()
        finally:
            self._goes = False
        self._known = [setting.read() for setting in self.settings]

    def _notice(self, *, by_command: bool) -> None:
        if self._goes:
            return
        changes = []
        for k, setting in enumerate(self.settings):
            before, after = self._known[k], setting.read()
            if before == after:
                continue
            self._known[k] = after
            if by_command or not setting.drifts(before, after):
                changes.append((k, before, after))
        if changes:
            self.stack.push(_Step(self, changes))

    def restore(self, k: int, value: object) -> None:
        """Set one of the settings without making it a step."""
        self.settings[k].write(value)


class _Step(QUndoCommand):
    """One or more settings that have changed at once."""

    def __init__(self, undo: Undo, changes: list[tuple[int, Any, Any]]) -> None:
        first, before, after = changes[0]
        super().__init__(undo.settings[first].describe(before, after))
        self._undo, self.changes = undo, changes
        self.made_s = time.monotonic()
        self._is_done = True

    def undo(self) -> None:
        for k, before, _ in self.changes:
            self._undo.restore(k, before)

    def redo(self) -> None:
        """Qt calls this when the step is pushed, too, which is after it was done."""
        if not self._is_done:
            for k, _, after in self.changes:
                self._undo.restore(k, after)
        self._is_done = False

    def id(self) -> int:
        """Steps of one setting that may become one have the same."""
        k = self.changes[0][0]
        return k if len(self.changes) == 1 and self._undo.settings[k].merges else -1

    def mergeWith(self, other: QUndoCommand) -> bool:
        assert isinstance(other, _Step)
        if other.text() != self.text() or other.made_s - self.made_s > MERGE_S:
            return False
        k, before, _ = self.changes[0]
        after = other.changes[0][2]
        self.changes, self.made_s = [(k, before, after)], other.made_s
        self.setObsolete(before == after)
        return True
