# SPDX-License-Identifier: Apache-2.0
"""The link to a board, made again whenever it is lost, with links that do what a test wants."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from monitor_app.bench.acquisition.recorder import Recorder
from monitor_app.bench.board.connection import BoardConnection
from monitor_app.core.errors import BoardError, BoardLostError, BoardUnreachableError
from monitor_app.core.profile import Board
from monitor_app.core.status import SourceState
from monitor_app.remote.board_facts import BoardFacts, Hello
from monitor_app.remote.clock import LinkClock
from monitor_app.session.reader import SessionReader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    WaitUntil = Callable[[Callable[[], bool]], None]

LONG_S = 60.0
FACTS = BoardFacts(
    machine="aarch64", kernel="4.9", processor=None, cores=4, host="nano", user="me", root=False, home="/home/me",
    cache=None, tools={}, pythons={}, disk_free_bytes=None, load_1min=0.0,
)  # fmt: skip


class FakeLink:
    """Connects, or fails; is lost when it is told so."""

    def __init__(self, failure: BoardError | None = None, boot_id: str = "first", *, silent: bool = False) -> None:
        self._failure, self._silent = failure, silent
        self.hello = Hello(version="", pid=1, python="3.6.9", boot_id=boot_id, host="nano", user="me", now_ns=0)
        self.clock = LinkClock()
        self.error: BoardError | None = None
        self._ended = threading.Event()
        self.hurried = False

    @property
    def ended(self) -> bool:
        return self._ended.is_set()

    def connect(self, cancelled: Callable[[], bool]) -> Hello:
        if self._failure is not None:
            raise self._failure
        return self.hello

    def facts(self) -> BoardFacts:
        if self._silent and self._ended.wait(LONG_S):
            raise BoardLostError("There is no link.")
        return FACTS

    def lose(self, error: BoardError) -> None:
        self.error = error
        self._ended.set()

    def hurry(self) -> None:
        self.hurried = True

    def close(self) -> None:
        self._ended.set()


class Lab:
    """A connection whose links are those of a list; after them none can be made."""

    def __init__(self, recorder: Recorder, links: list[FakeLink]) -> None:
        self.links = links
        self.made: list[FakeLink] = []
        self.waits: list[float] = []
        self.connection = BoardConnection(Board(host="nano"), recorder, self._make)  # type: ignore[arg-type]

    def _make(self, board: Board, wait_s: float) -> FakeLink:
        self.waits.append(wait_s)
        self.made.append(self.links.pop(0) if self.links else FakeLink(BoardUnreachableError("It is off.")))
        return self.made[-1]


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    made = Recorder(tmp_path / "s.plm")
    yield made
    made.close()


@pytest.fixture
def lab(recorder: Recorder) -> Iterator[Callable[..., Lab]]:
    made: list[Lab] = []

    def make(*links: FakeLink) -> Lab:
        made.append(Lab(recorder, list(links)))
        return made[-1]

    yield make
    for each in made:
        each.connection.close()


def wait_until(happened: Callable[[], bool]) -> None:
    until_s = time.monotonic() + LONG_S
    while not happened():
        assert time.monotonic() < until_s
        threading.Event().wait(0.01)


def never() -> bool:
    return False


def test_a_board_that_cannot_be_used_is_not_waited_for(lab: Callable[..., Lab]) -> None:
    connection = lab().connection
    with pytest.raises(BoardUnreachableError, match=r"It is off\."):
        connection.wait(never, LONG_S)
    assert connection.status.state is SourceState.FAILED


def test_what_has_failed_before_is_tried_again_first(lab: Callable[..., Lab]) -> None:
    made = lab(FakeLink(BoardUnreachableError("It is off.")), FakeLink())
    wait_until(lambda: made.connection.status.state is SourceState.FAILED)
    # Meanwhile the user has turned it on, and starts the plan.
    assert made.connection.wait(never, LONG_S).hello.boot_id == "first"


def test_whoever_needs_a_board_that_is_gone_is_told_that_it_is_lost(lab: Callable[..., Lab]) -> None:
    made = lab(FakeLink())
    made.connection.wait(never)
    made.made[0].lose(BoardLostError("It is gone."))
    with pytest.raises(BoardLostError, match=r"It is gone\."):
        made.connection.link()
    # The next try fails in another way, which is none of the run's.
    wait_until(lambda: made.connection.status.message == "It is off.")
    with pytest.raises(BoardLostError, match=r"It is off\."):
        made.connection.link()
    assert made.connection.status.state is SourceState.LOST


def test_an_agent_of_our_own_is_waited_for_at_each_try(lab: Callable[..., Lab]) -> None:
    made = lab(FakeLink(BoardUnreachableError("It is off.")), FakeLink())
    made.connection.wait(never)
    assert all(wait_s > made.connection.board.lease_s for wait_s in made.waits)


def test_that_it_is_back_after_a_reboot_is_in_the_session(lab: Callable[..., Lab], recorder: Recorder) -> None:
    made = lab(FakeLink(), FakeLink(boot_id="second"))
    made.connection.wait(never)
    made.made[0].lose(BoardLostError("It is gone."))
    wait_until(lambda: len(made.made) > 1)
    made.connection.wait(never)
    made.connection.close()
    recorder.close()
    with SessionReader(recorder.path) as reader:
        assert [row.text for row in reader.log()] == ["It is gone.", "nano is connected again, after a reboot."]
        assert [(mark.kind, mark.text) for mark in reader.marks()] == [("lost", "It is gone.")]


def test_a_wait_without_end_ends_with_the_connection(lab: Callable[..., Lab]) -> None:
    made = lab()
    threading.Timer(0.1, made.connection.hurry).start()
    with pytest.raises(BoardLostError, match="was stopped"):
        made.connection.wait(never)


def test_closing_does_not_wait_for_an_answer(lab: Callable[..., Lab]) -> None:
    made = lab(FakeLink(silent=True))
    wait_until(lambda: bool(made.made))
    made.connection.close()
    assert made.made[0].ended


def test_hurry_reaches_the_link_and_makes_no_other(lab: Callable[..., Lab]) -> None:
    made = lab(FakeLink(), FakeLink())
    made.connection.wait(never)
    made.connection.hurry()
    assert made.made[0].hurried
    made.made[0].lose(BoardLostError("It is gone."))
    made.connection.close()
    assert len(made.made) == 1
