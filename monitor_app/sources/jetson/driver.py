# SPDX-License-Identifier: Apache-2.0
"""The rails of one power monitor chip of a Jetson, read from the kernel's files without root and without a service.

The chip is on this machine, or on a board elsewhere whose agent makes the sweeps; only the sweeper differs.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from monitor_app.core.errors import BoardError, PortError, SourceLostError
from monitor_app.core.samples import Quantity, Role, SampleBlock
from monitor_app.core.source_specs import Name, SourceSpec
from monitor_app.core.status import FoundSource
from monitor_app.remote.board_files import board_files
from monitor_app.sources.base import Described
from monitor_app.sources.jetson.board_sweeps import SweepsThere
from monitor_app.sources.jetson.boards import BoardPart, load_board, recognise_board
from monitor_app.sources.jetson.chips import RAIL_PATTERNS, conversion_s, find_chips, no_permission, require_chips
from monitor_app.sources.jetson.signals import describe, model_of
from monitor_app.sources.jetson.sweeps import SweepsHere
from monitor_app.sources.jetson.sysfs import RailFile, liveliest, numbers_in, rail_files
from monitor_app.sources.jetson.update_rate import find_update_rate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from monitor_app.core.samples import Reading
    from monitor_app.remote.link import GetLink
    from monitor_app.sources.jetson.boards import Board
    from monitor_app.sources.jetson.chips import Chip, ChipRail
    from monitor_app.sources.jetson.sweeps import Sweep, Sweeper, UpdateRate

FAILING_S, FAILING_SWEEPS = 2.0, 3
"""After this long and this many periods without a whole sweep the chip counts as lost."""
MOST_SWEEPS = 1000
_FALLBACK_S = {"ina3221x": 0.4224, "ina3221": 0.0066, "ina238": 0.0505}
"""One conversion of all channels as the driver would set it up, for when neither the kernel nor the chip shows it."""
_GONE = {errno.EIO, errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.EBADF}
_FORBIDDEN = {errno.EACCES, errno.EPERM}
_LATE = (
    "The board answered only after this session had begun, and has {count} power monitors, of which this is the first: "
    "start a new session to read them all."
)

logger = logging.getLogger(__name__)


class JetsonRailsSpec(SourceSpec):
    """The power rails of a Jetson, from the kernel's files; each chip becomes a source of its own."""

    kind: Literal["jetson-rails"]
    name: Name = "rails"
    board: str | None = None
    """A board of profiles/boards, such as jetson-tx1; by default the one this program runs on."""
    root: str = "/"
    """Where /sys and /proc are found: another root is for tests and for a file system mounted on this machine."""
    roles: dict[str, Role] = Field(default_factory=dict)
    """What a rail feeds, where this differs from the board's own file."""


class _SweepFailedError(Exception):
    """A sweep without a whole set of values."""


class RailsSource(Described):
    """One chip. ``roles`` says what a signal feeds, by its name, where this differs from the board's own file.

    ``sweeper`` reads its files: by default this process.
    """

    def __init__(
        self,
        name: str,
        chip: Chip,
        board: Board | None,
        roles: Mapping[str, Role] | None = None,
        sweeper: Sweeper | None = None,
        notes: tuple[str, ...] = (),
    ) -> None:
        super().__init__(name)
        self._chip = chip
        self._board = board
        self._roles = dict(roles or {})
        self._sweeper = sweeper if sweeper is not None else SweepsHere()
        self._notes = notes
        self._files: tuple[RailFile, ...] = ()
        self._opened = False
        self._held: Sweep | None = None
        """One that begins the next block, since others are missing before it."""

    def open(self) -> None:
        """Open the files, see which rails answer and how fast the chip is. Raises PortError, SourceLostError."""
        try:
            rails, update_rate, volts = self._identify()
            self._open_files(rails)
            info = describe(self._name, self._chip, rails, self._board, self._roles, update_rate, volts)
            self._sweeper.start(update_rate)
        except BaseException:
            self.close()
            raise
        self._info = replace(info, notes=(*self._notes, *info.notes))
        self._update_rate = update_rate
        self._values = np.zeros(len(info.stored_signals), np.float32)
        self._middle_ns = 0
        self._count = self._lost = 0
        self._failing_since_ns: int | None = None
        self._error: SourceLostError | None = None
        self._held = None
        self._opened = True

    def read(self, timeout_s: float) -> list[Reading]:
        """The sweeps that end within this time, as one block; one conversion longer where a read has to wait for it.

        Raises:
            SourceLostError: The chip is gone, or has not given a whole sweep for two seconds.
        """
        if not self._opened:
            raise SourceLostError(f"{self._name} is not connected: connect it first.")
        if self._error is not None:
            raise self._error
        deadline_ns = self._sweeper.now_ns() + round(timeout_s * 1e9)
        lost_before, bound_ns = 0, 0
        times: list[int] = []
        values: list[NDArray[np.float32]] = []
        while not times or (len(times) < MOST_SWEEPS and self._sweeper.now_ns() < deadline_ns):
            try:
                sweep = self._next(deadline_ns, begun=bool(times))
                if sweep is None:
                    break
                self._take(sweep)
            except _SweepFailedError:
                if times or self._sweeper.now_ns() >= deadline_ns:
                    break
                continue
            except SourceLostError as error:
                self._error = error
                if not times:
                    raise
                break
            if not times:
                lost_before, self._lost = self._lost, 0
            times.append(self._middle_ns)
            values.append(self._values.copy())
            bound_ns = max(bound_ns, sweep.bound_ns)
        return [self._block(times, values, lost_before, bound_ns)] if times else []

    def close(self) -> None:
        """Close the files; calling it twice is fine."""
        self._opened = False
        self._sweeper.close()

    def _open_files(self, rails: Sequence[ChipRail]) -> None:
        self._files = tuple(rail_files(rails))
        try:
            self._sweeper.open(self._files)
        except PermissionError as error:
            raise no_permission(Path(error.filename)) from error
        except OSError as error:
            raise PortError(f"{self._model} is gone: look for the rails again, or restart the board.") from error

    def _identify(self) -> tuple[tuple[ChipRail, ...], UpdateRate, dict[str, float]]:
        """The rails that are switched on, how fast they come, and their voltages."""
        rails = self._chip.rails
        self._open_files(rails)
        off: set[str] = set()
        volts: dict[str, float] = {}

        def look(which: Sequence[int], sweeps: int, interval_s: float, limit_s: float) -> list[Sweep]:
            found = self._sweeper.look(which, sweeps, interval_s, limit_s)
            for sweep in found:
                for index, text in zip(which, sweep.texts, strict=True):
                    self._get_to_know(self._files[index], text, off, volts)
            return found

        files, driver = self._files, self._chip.driver
        update_rate = find_update_rate(
            look, len(files), conversion_s(self._chip), _FALLBACK_S[driver], liveliest(files)
        )
        on = tuple(rail for rail in rails if rail.name not in off)
        if not on:
            raise PortError(f"Every rail of {self._model} is switched off: write 1 to its in1_enable as root.")
        return on, update_rate, volts

    def _get_to_know(self, file: RailFile, text: bytes | int, off: set[str], volts: dict[str, float]) -> None:
        """Note the voltage of a rail, or that it is off. Raises PortError, SourceLostError."""
        if isinstance(text, int):
            if text in _FORBIDDEN:
                raise no_permission(file.path)
            if text in _GONE:
                raise self._gone(text)
            if text == errno.ENODATA:
                off.add(file.rail)
            return
        with contextlib.suppress(ValueError):
            for quantity, number in zip(file.quantities, numbers_in(text, file), strict=True):
                if quantity is Quantity.VOLTAGE:
                    volts[file.rail] = number * file.scale

    def _next(self, deadline_ns: int, begun: bool) -> Sweep | None:
        """The next sweep; None where none ends in time, or where it cannot be in the block that has begun."""
        sweep, self._held = self._held or self._sweeper.next(deadline_ns), None
        if sweep is not None and sweep.missed and begun:
            self._held = sweep
            return None
        return sweep

    def _take(self, sweep: Sweep) -> None:
        """The values and the time of a sweep. Raises _SweepFailedError, SourceLostError."""
        self._lost += sweep.missed
        try:
            for file, text in zip(self._files, sweep.texts, strict=False):
                self._take_file(file, text)
            if sweep.end_ns - sweep.start_ns > self._update_rate.longest_sweep_s * 1e9:
                raise _SweepFailedError("its reads take far longer than when it was connected")
        except _SweepFailedError as failure:
            self._count_failure(failure)
            raise
        self._middle_ns = max((sweep.start_ns + sweep.end_ns) // 2, self._middle_ns + 1)
        self._failing_since_ns = None

    def _take_file(self, file: RailFile, text: bytes | int) -> None:
        if isinstance(text, int):
            if text == errno.ENODATA:
                raise SourceLostError(
                    f"{file.rail} of {self._model} was switched off: switch it on, or connect again without it."
                )
            if text in _GONE:
                raise self._gone(text)
            raise _SweepFailedError(os.strerror(text))
        try:
            numbers = numbers_in(text, file)
        except ValueError as error:
            raise _SweepFailedError(str(error)) from error
        for column, number in zip(file.columns, numbers, strict=True):
            self._values[column] = number * file.scale

    def _count_failure(self, failure: _SweepFailedError) -> None:
        """Leave this sweep out, and give up on a chip that fails for long."""
        now_ns = self._sweeper.now_ns()
        self._lost += 1
        if self._failing_since_ns is None:
            self._failing_since_ns = now_ns
        elif now_ns - self._failing_since_ns >= max(FAILING_S, FAILING_SWEEPS / self._update_rate.rate_hz) * 1e9:
            seconds = (now_ns - self._failing_since_ns) * 1e-9
            raise SourceLostError(
                f"{self._model} has given no values for {seconds:.1f} s ({failure}): "
                "if it does not come back by itself, restart the board."
            ) from failure

    def _block(
        self, times: list[int], values: list[NDArray[np.float32]], lost_before: int, bound_ns: int
    ) -> SampleBlock:
        first = self._count + lost_before
        self._count = first + len(times)
        return SampleBlock(
            first_index=first,
            codes=tuple(np.ascontiguousarray(column) for column in np.asarray(values).T),
            arrival_ns=self._sweeper.now_ns(),
            lost_before=lost_before,
            times_ns=np.asarray(times, np.int64),
            times_bound_ns=bound_ns,
        )

    @property
    def _model(self) -> str:
        return model_of(self._chip, self._board)

    def _gone(self, number: int) -> SourceLostError:
        return SourceLostError(
            f"{self._model} does not answer any more ({os.strerror(number)}): restart the board if it does not come "
            "back."
        )


def rails_of_board(spec: JetsonRailsSpec, link: GetLink | None = None) -> list[BoardPart]:
    """One source a chip, since each chip has a conversion time of its own; none where no chip is found.

    ``link`` leads to the board whose rails are meant. Without it, or with a root, they are found on this machine.
    """
    if link is None or spec.root != "/":
        return _parts(spec, Path(spec.root), None)
    try:
        with board_files(link(), RAIL_PATTERNS) as root:
            return _parts(spec, root, link)
    except (BoardError, PortError) as error:  # it is not there yet, and `first_chip` says why
        logger.info("The rails of the board are not known yet: %s", error)
        return []


def first_chip(spec: JetsonRailsSpec, link: GetLink | None = None) -> RailsSource:
    """The first chip of the board. Raises PortError where there is none."""
    if link is not None and spec.root == "/":
        return _chip_there(spec, spec.name, None, link)
    board = _board(spec, Path(spec.root))
    return RailsSource(spec.name, require_chips(Path(spec.root), board)[0], board, spec.roles)


def find(root: Path) -> list[FoundSource]:
    """The rails of the Jetson whose files are under ``root``, or why none are seen; empty on another machine."""
    board = recognise_board(root)
    chips = find_chips(root, board)
    if chips:
        rails = ", ".join(rail.name for chip in chips for rail in chip.rails)
        title = board.title if board else "an unknown board: name one under `board` in the profile to get its roles"
        return [FoundSource("jetson-rails", "sysfs", f"{title}: {rails}", True, "ready", {"kind": "jetson-rails"})]
    if board is None:
        return []
    problem = (
        f"No power monitor of the {board.title} is visible under /sys: in a container, mount /sys of the host; "
        "a Jetson Nano 2GB has none."
    )
    return [FoundSource("jetson-rails", "sysfs", board.title, False, problem)]


def _parts(spec: JetsonRailsSpec, root: Path, link: GetLink | None) -> list[BoardPart]:
    board = _board(spec, root)
    chips = find_chips(root, board)
    names = [spec.name] if len(chips) == 1 else [f"{spec.name} {chip.where}" for chip in chips]
    return [
        BoardPart(name, _maker(spec, name, chip, board, link), board, tuple(rail.name for rail in chip.rails))
        for name, chip in zip(names, chips, strict=True)
    ]


def _maker(
    spec: JetsonRailsSpec, name: str, chip: Chip, board: Board | None, link: GetLink | None
) -> Callable[[], RailsSource]:
    if link is None:
        return partial(RailsSource, name, chip, board, spec.roles)
    return partial(_chip_there, spec, name, chip.where, link)


def _chip_there(spec: JetsonRailsSpec, name: str, where: str | None, link: GetLink) -> RailsSource:
    """A chip as the board has it now, since its files may have other names after a restart. Raises PortError.

    Where ``where`` is None it is the first chip.
    """
    with contextlib.ExitStack() as files:
        try:
            board_link = link()
            root = files.enter_context(board_files(board_link, RAIL_PATTERNS))
        except BoardError as error:
            raise PortError(str(error)) from error
        board = _board(spec, root)
        chips = require_chips(root, board)
        chip = next((each for each in chips if where in {None, each.where}), None)
        if chip is None:
            raise PortError(f"{board_link.board.host} has no power monitor at {where} any more: start a new session.")
        notes = () if where is not None or len(chips) == 1 else (_LATE.format(count=len(chips)),)
        return RailsSource(name, chip, board, spec.roles, SweepsThere(board_link, root, files.pop_all()), notes)


def _board(spec: JetsonRailsSpec, root: Path) -> Board | None:
    return load_board(spec.board) if spec.board else recognise_board(root)
