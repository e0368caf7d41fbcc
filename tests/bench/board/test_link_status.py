# SPDX-License-Identifier: Apache-2.0
"""What the connection to a board says of itself: its state, and since when it is in it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, cast

from monitor_app.bench.board import connection
from monitor_app.bench.board.connection import BoardConnection
from monitor_app.core.errors import BoardUnreachableError
from monitor_app.core.profile import Board
from monitor_app.core.status import SourceState

if TYPE_CHECKING:
    import pytest

    from monitor_app.bench.acquisition.recorder import Recorder
    from monitor_app.remote.link import Link

LIMIT_S = 60.0


class Nowhere:
    """Takes what would be written, and counts the tries to connect."""

    def __init__(self) -> None:
        self.tries = 0

    def put(self, write: Any) -> None:
        """It is not written."""

    def link(self, board: Board, wait_s: float) -> Link:
        self.tries += 1
        raise BoardUnreachableError("There is no host named tx1: check it.")


def test_a_board_that_is_out_of_reach_is_so_since_the_first_try(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "AGAIN_S", 0.01)
    nowhere = Nowhere()
    tried = BoardConnection(Board(host="tx1"), cast("Recorder", nowhere), nowhere.link)
    try:
        end_s = time.monotonic() + LIMIT_S
        while nowhere.tries < 2 and time.monotonic() < end_s:
            tried._closing.wait(0.01)
        first = tried.status
        tries = nowhere.tries
        while nowhere.tries < tries + 3 and time.monotonic() < end_s:
            tried._closing.wait(0.01)
        last = tried.status
    finally:
        tried.close()
    assert nowhere.tries >= tries + 3
    assert (first.state, first.message) == (SourceState.FAILED, "There is no host named tx1: check it.")
    assert first.since_ns is not None
    assert last.since_ns == first.since_ns
    assert tried.status.state is SourceState.DISCONNECTED
