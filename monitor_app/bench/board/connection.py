# SPDX-License-Identifier: Apache-2.0
"""The link to the board of a profile, made again whenever it is lost, with its clock in the session file.

A thread of its own connects, writes the bound of the link's clock into the file once a second, and tells when the board
is gone. Whoever needs the board asks for the link of this moment: inference, rails, power mode, sync line.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING, Any

from monitor_app.core.errors import BoardError, BoardLostError
from monitor_app.core.host_time import host_time_ns
from monitor_app.core.samples import LINK, SourceInfo
from monitor_app.core.status import SourceState, SourceStatus
from monitor_app.remote.link import Link

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor_app.bench.acquisition.recorder import Recorder
    from monitor_app.core.profile import Board
    from monitor_app.remote.board_facts import BoardFacts, Hello

TICKS_HZ = 1e6
"""The clock of a board counts as microseconds."""
CLOCK_EVERY_S = 1.0
AGAIN_S = 2.0
"""From the end of a link to the next try."""
LOOK_S = 0.1
HANDOVER_S = 2.0
"""How long, beyond a lease, it is waited for a board that our own bench of before may still have."""
SOURCE_ID = 1000
"""Of the link, in a session; those of instruments count from 1."""

logger = logging.getLogger(__name__)


class BoardConnection:
    """A board elsewhere. Its methods may be called from any thread; it tries to connect until `close`.

    Args:
        board: how it is reached.
        recorder: writes the session, in which the link is a source without signals.
        make_link: opens a link that may wait so many seconds for the board to be given up; for tests.
    """

    def __init__(
        self, board: Board, recorder: Recorder, make_link: Callable[[Board, float], Link] | None = None
    ) -> None:
        self.board = board
        self._recorder = recorder
        self._make_link = make_link or (lambda board, wait_s: Link(board, wait_s=wait_s))
        self._link: Link | None = None
        self._made: Link | None = None
        """The newest, connected or not."""
        self._facts: BoardFacts | None = None
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self._hurried = False
        self._try_now = threading.Event()
        self._trouble: BoardError | None = None
        """Why there is no link: what the newest try ended with, or how the link was lost."""
        self._failed = 0
        """How many tries and links have ended."""
        self._introduced = False
        self._boot = ""
        self._status = SourceStatus(link_name(board), LINK, SourceState.CONNECTING)
        self._thread = threading.Thread(target=self._run, name=self._status.name)
        self._thread.start()

    @property
    def status(self) -> SourceStatus:
        """As of an instrument; the bound of its clock is that of the link."""
        return self._status

    @property
    def facts(self) -> BoardFacts | None:
        """What the board said of itself when it was connected last; None before."""
        return self._facts

    def link(self) -> Link:
        """That of this moment. Raises BoardLostError where there is none, whatever the reason."""
        link = self._link
        if link is None or link.ended:
            said = self._trouble or (link.error if link is not None else None)
            raise BoardLostError(str(said or f"{self.board.host} is not connected yet: wait a moment."))
        return link

    def wait(self, cancelled: Callable[[], bool], timeout_s: float | None = None) -> Link:
        """The link, once there is one.

        Args:
            cancelled: asked several times a second; the wait ends with BoardLostError once it says so.
            timeout_s: how long to wait; None waits for as long as it takes. With one, the first try that fails from
                now on ends the wait.

        Raises:
            BoardError: there is none in that time.
        """
        began_s, failed = monotonic(), self._failed
        self._try_now.set()
        while True:
            with self._changed:
                if self._changed.wait_for(lambda: self._link is not None and not self._link.ended, LOOK_S):
                    return self.link()
                # What has failed before may have been mended since.
                trouble = self._trouble if self._failed > failed else None
            if cancelled() or self._hurried:
                raise BoardLostError(f"Waiting for {self.board.host} was stopped.")
            if timeout_s is None:
                continue
            if trouble is not None:
                raise trouble
            if monotonic() - began_s > timeout_s:
                raise BoardLostError(f"{self.board.host} did not answer within {timeout_s:.0f} s.")

    def hurry(self) -> None:
        """`close` follows soon: from now on a board that is silent is given up sooner, and none is connected again."""
        self._hurried = True
        link = self._made
        if link is not None:
            link.hurry()

    def close(self) -> None:
        """End everything on the board, and the link; calling it twice is fine."""
        self._hurried = True
        self._closing.set()
        self._try_now.set()
        link = self._made
        if link is not None:
            link.close()  # also where the thread waits for an answer of it
        self._thread.join()

    # -- the thread ------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._hurried:
            self._try_now.clear()
            try:
                # An agent of our own may hold the board until its lease ends: this link's, or a killed bench's.
                self._connected(self.board.lease_s + HANDOVER_S)
            except BoardError as error:
                if not self._hurried:
                    self._tell(error)
            except Exception as error:  # the top of a thread
                logger.exception("The link to %s has stopped", self.board.host)
                self._tell(
                    BoardLostError(f"The link stopped because of an error in this program ({error!r}); see the log.")
                )
            self._try_now.wait(AGAIN_S)
        self._status = replace(self._status, state=SourceState.DISCONNECTED)

    def _connected(self, wait_s: float) -> None:
        """From connecting until the link is lost or is to be closed."""
        self._made = link = self._make_link(self.board, wait_s)
        try:
            hello = link.connect(lambda: self._hurried)
            self._facts = link.facts()
            self._introduce(hello, self._facts.host)
            if self._hurried:
                link.hurry()
            with self._changed:
                self._link, self._trouble = link, None
                self._changed.notify_all()
            logger.info("Connected to %s: Python %s, boot %s", self.board.host, hello.python, hello.boot_id)
            while not link.ended:
                self._store_clock(link)
                if self._closing.wait(CLOCK_EVERY_S):
                    return
            raise link.error or BoardLostError(f"The link to {self.board.host} has ended.")
        finally:
            link.close()
            with self._changed:
                self._link = None

    def _introduce(self, hello: Hello, serial_number: str) -> None:
        boot, self._boot = self._boot, hello.boot_id
        if self._introduced:
            rebooted = ", after a reboot" if boot != hello.boot_id else ""
            now_ns, text = host_time_ns(), f"{self.board.host} is connected again{rebooted}."
            logger.info("%s", text)
            self._recorder.put(lambda writer: writer.write_log(now_ns, "info", text))
            return
        self._introduced = True
        python = hello.python
        info = SourceInfo(
            link_name(self.board), LINK, f"ssh {self.board.host}", serial_number, f"Python {python}", TICKS_HZ, ()
        )
        self._recorder.put(lambda writer: writer.add_source(SOURCE_ID, info))
        self._status = replace(self._status, model=info.model, serial_number=serial_number)

    def _store_clock(self, link: Link) -> None:
        now_ns, state = host_time_ns(), link.clock.state
        self._recorder.put(lambda writer: writer.write_clock(SOURCE_ID, now_ns, state))
        self._show(
            SourceState.STREAMING, now_ns, message="", rate_hz=state.rate_hz,
            clock_bound_ns=state.bound_ns, clock_method=state.method.value,
        )  # fmt: skip

    def _show(self, state: SourceState, now_ns: int, **changes: Any) -> None:
        since_ns = self._status.since_ns if self._status.state is state else now_ns
        self._status = replace(self._status, state=state, since_ns=since_ns, **changes)

    def _tell(self, error: BoardError) -> None:
        """The board is gone, or is not there yet: once in the log, and in the status for as long as it lasts."""
        before, text, now_ns = self._trouble, str(error), host_time_ns()
        was_there = self._introduced
        with self._changed:
            self._trouble = error
            self._failed += 1
            self._changed.notify_all()
        # Only what has never been there has failed: a recording of nothing else would end.
        state = SourceState.LOST if was_there else SourceState.FAILED
        self._show(state, now_ns, message=text)
        if before is None or str(before) != text:
            logger.warning("%s", text)
            self._recorder.put(lambda writer: writer.write_log(now_ns, "warning", text))
            if was_there and before is None:
                self._recorder.put(lambda writer: writer.write_mark(now_ns, "lost", text))


def link_name(board: Board) -> str:
    """As which it is shown among the sources."""
    return f"link to {board.host}"
