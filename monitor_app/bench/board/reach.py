# SPDX-License-Identifier: Apache-2.0
"""What is needed of a board elsewhere to ask it something: a link, and what the board has said of itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor_app.core.profile import Board
    from monitor_app.remote.board_facts import BoardFacts
    from monitor_app.remote.link import Link


class Reach(Protocol):
    """A link that is made again whenever it is lost (`connection.BoardConnection`), or a single one."""

    @property
    def board(self) -> Board:
        """How it is reached."""

    @property
    def facts(self) -> BoardFacts | None:
        """What the board said of itself; None where it has not been asked yet."""

    def link(self) -> Link:
        """That of this moment. Raises BoardError where there is none."""

    def wait(self, cancelled: Callable[[], bool], timeout_s: float | None = None) -> Link:
        """The link, once there is one. Raises BoardError where there will be none, or the wait is cancelled."""


@dataclass(frozen=True, slots=True)
class OneLink:
    """A link that is connected, and not made again: enough to look at a board once."""

    only: Link
    facts: BoardFacts | None

    @property
    def board(self) -> Board:
        return self.only.board

    def link(self) -> Link:
        return self.only

    def wait(self, cancelled: Callable[[], bool], timeout_s: float | None = None) -> Link:
        """It is there, or is lost, which whatever is asked of it says."""
        return self.only
