# SPDX-License-Identifier: Apache-2.0
"""What a board elsewhere is, and whether it is ready to be measured: asked over one link, which ends with it."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from monitor_app.bench.board.commands import BoardControlError
from monitor_app.bench.board.doctor import (
    LEAST_BOARD_DISK_BYTES,
    PATTERNS,
    Check,
    Verdict,
    board_check,
    busy_cores_between,
    inference_check,
    link_check,
    machine_checks,
    rails_check,
)
from monitor_app.bench.board.instruments import INSTRUMENT_PATTERNS, instruments_in
from monitor_app.bench.board.machine import BoardElsewhere
from monitor_app.bench.board.reach import OneLink
from monitor_app.bench.runs.inference_link import CancelledError, InferenceLink
from monitor_app.bench.runs.inference_on_board import OnTheBoard
from monitor_app.core.errors import BoardError, BoardLostError, InferenceError
from monitor_app.core.formatting import size
from monitor_app.core.runs import is_emulated
from monitor_app.inference.process import child_kind
from monitor_app.remote.board_files import board_files
from monitor_app.remote.link import Link
from monitor_app.sources.jetson.boards import recognise_board

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from monitor_app.bench.board.control import BoardControl
    from monitor_app.bench.runs.inference_place import Place
    from monitor_app.core.profile import Board
    from monitor_app.core.status import FoundSource

    Tell = Callable[[str], None]
    Cancelled = Callable[[], bool]

LOOK_S = 1.0
"""Over how long other load is measured."""
CLOCK_S = 2.0
"""How long the clock of the link is watched before its bound is stated."""
HANDOVER_S = 2.0
"""How long, beyond a lease, a board is waited for that somebody has."""
POLL_S = 0.05
_STAT = "/proc/stat"


def open_link(board: Board) -> Link:
    """It waits for a board that our own link of before has not given up yet, such as that of a test just stopped."""
    return Link(board, wait_s=board.lease_s + HANDOVER_S)


@contextmanager
def examination(
    board: Board, tell: Tell, cancelled: Cancelled, make_link: Callable[[Board], Link] = open_link
) -> Iterator[Examination]:
    """Connect to a board, and disconnect at the end. Whatever is asked meanwhile raises BoardError where it is lost.

    Args:
        board: how it is reached.
        tell: is told what is being done now.
        cancelled: asked several times a second; once it says so, BoardLostError is raised.
        make_link: for tests.

    Raises:
        BoardError: it cannot be reached or used.
    """
    tell(f"Connecting to {board.host} …")
    with make_link(board) as link:
        link.connect(cancelled)
        yield Examination(link, tell, cancelled)


class Examination:
    """Of a board that is connected."""

    def __init__(self, link: Link, tell: Tell, cancelled: Cancelled) -> None:
        self._link, self._tell, self._cancelled = link, tell, cancelled
        self._began_s = time.monotonic()
        tell("Asking the board what it is …")
        self._facts = link.facts()
        self._reach = OneLink(link, self._facts)

    def describe(self, device: str) -> Iterator[Check]:
        """What it is and has, one line after the other; takes a few seconds. ``device``: for the networks."""
        yield from self._machine()
        with board_files(self._link, PATTERNS) as root:
            yield board_check(root)
            yield rails_check(root)
            gpu_expected = _is_jetson(root)
        yield from self._power_mode()
        yield self._torch(device, gpu_expected=gpu_expected)
        yield self._clock()

    def examine(self, device: str) -> Iterator[Check]:
        """Whether it is ready to be measured: as `describe`, with all that would disturb a measurement."""
        yield from self._machine()
        self._tell("Looking at its load for a second …")
        before = self._link.snapshot((_STAT,)).files.get(_STAT, "")
        self._wait_until(time.monotonic() + LOOK_S)
        with board_files(self._link, PATTERNS) as root:
            after = _read(root / _STAT.lstrip("/"))
            yield from machine_checks(root, busy_cores_between(before, after))
            gpu_expected = _is_jetson(root)
        yield from self._power_mode()
        yield self._disk()
        yield self._inference(device, gpu_expected=gpu_expected)
        yield self._clock()

    def instruments(self) -> list[FoundSource]:
        """What it measures of itself."""
        with board_files(self._link, INSTRUMENT_PATTERNS) as root:
            return instruments_in(root)

    def _machine(self) -> Iterator[Check]:
        hello, facts = self._link.hello, self._facts
        yield Check("login", Verdict.READY, f"{hello.user} on {hello.host}; Python {hello.python} runs the agent.")
        cores = "1 core" if facts.cores == 1 else f"{facts.cores} cores"
        yield Check("machine", Verdict.READY, f"{facts.processor or facts.machine}, {cores}; kernel {facts.kernel}.")

    def _power_mode(self) -> Iterator[Check]:
        yield from power_mode_checks(BoardElsewhere(self._reach).control())

    def _disk(self) -> Check:
        free, folder = self._facts.disk_free_bytes, self._facts.cache
        if folder is None or free is None:
            text = "The agent can write nothing there, so what runs the networks is sent again each time."
            return Check("disk there", Verdict.CAUTION, text, "make the home folder of this user writable")
        text = f"{size(free)} are free in {folder} on the board."
        if free < LEAST_BOARD_DISK_BYTES:
            return Check("disk there", Verdict.CAUTION, text, "df -h ~")
        return Check("disk there", Verdict.READY, text)

    def _torch(self, device: str, *, gpu_expected: bool) -> Check:
        """What torch says, also where published figures are played for now, which need none."""
        if not is_emulated(device):
            return self._inference(device, gpu_expected=gpu_expected)
        found = self._inference("cpu", gpu_expected=gpu_expected)
        if found.verdict is not Verdict.NOT_READY:
            return found
        text = f"{found.text} The published figures of this profile can be played without."
        return replace(found, verdict=Verdict.CAUTION, text=text)

    def _inference(self, device: str, *, gpu_expected: bool) -> Check:
        self._tell("Starting what runs the networks there …")
        place = OnTheBoard(self._reach, (), self._cancelled)
        try:
            return child_check(place, device, self._cancelled, gpu_expected=gpu_expected)
        except CancelledError:
            raise _stopped() from None

    def _clock(self) -> Check:
        self._tell("Watching its clock …")
        self._wait_until(self._began_s + CLOCK_S)
        if self._link.ended:
            raise self._link.error or BoardLostError(f"The link to {self._link.board.host} has ended.")
        return link_check(self._link.clock.state.bound_ns)

    def _wait_until(self, monotonic_s: float) -> None:
        while time.monotonic() < monotonic_s:
            if self._cancelled():
                raise _stopped()
            time.sleep(POLL_S)


def power_mode_checks(control: BoardControl) -> Iterator[Check]:
    """The power mode that is set, and whether this program may set another; nothing where there are none."""
    try:
        mode = control.mode()
    except BoardControlError as error:
        yield Check("power mode", Verdict.UNKNOWN, str(error))
        return
    if mode is None:
        return
    yield Check("power mode", Verdict.READY, f"{mode}; there are: {', '.join(control.modes())}.")
    missing = control.ready()
    if missing is None:
        yield Check("sudo rule", Verdict.READY, "The power mode and the clocks can be set.")
    else:
        yield Check("sudo rule", Verdict.CAUTION, f"power_modes and clocks of a plan cannot be set. {missing}")


def child_check(place: Place, device: str, cancelled: Cancelled, *, gpu_expected: bool) -> Check:
    """What the inference child says of itself. Raises CancelledError, BoardLostError."""
    link = InferenceLink(place, cancelled)
    try:
        kind = child_kind(device)
        link.require(kind)
        ready = link.start(kind)
    except BoardLostError:
        raise
    except (InferenceError, BoardError) as error:
        return Check("inference", Verdict.NOT_READY, str(error))
    finally:
        link.end()
    assert ready is not None, "a link that has just been made has no child yet"
    found = inference_check(ready.versions, ready.devices, gpu_expected=gpu_expected and not is_emulated(device))
    if not any(device in {name, name.partition(":")[0]} for name in ready.devices):
        return replace(found, verdict=Verdict.NOT_READY, text=f"There is no device {device}. {found.text}")
    return found


def _stopped() -> BoardLostError:
    return BoardLostError("Looking at the board was stopped.")


def _is_jetson(root: Path) -> bool:
    return (root / "etc/nv_tegra_release").exists() or recognise_board(root) is not None


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
