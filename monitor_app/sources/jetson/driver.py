# SPDX-License-Identifier: Apache-2.0
"""The rails of one power monitor chip of a Jetson, read from the kernel's files without root and without a service.

The files stay open. A sweep reads them all once; it may take several calls of ``read`` where the driver lets every
file wait for the chip's next conversion.
"""

from __future__ import annotations

import errno
import os
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from monitor_app.core.errors import PortError, SourceLostError
from monitor_app.core.host_time import host_time_ns
from monitor_app.core.samples import Quantity, Role, SampleBlock
from monitor_app.core.source_specs import Name, SourceSpec
from monitor_app.core.status import FoundSource
from monitor_app.sources.base import Described
from monitor_app.sources.jetson.boards import BoardPart, load_board, recognise_board
from monitor_app.sources.jetson.chips import conversion_s, find_chips, no_permission, require_chips
from monitor_app.sources.jetson.signals import describe, model_of
from monitor_app.sources.jetson.sysfs import RailFile, liveliest, numbers_in, rail_files
from monitor_app.sources.jetson.update_rate import find_update_rate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from monitor_app.core.samples import Reading
    from monitor_app.sources.jetson.boards import Board
    from monitor_app.sources.jetson.chips import Chip, ChipRail
    from monitor_app.sources.jetson.update_rate import UpdateRate

FAILING_S, FAILING_SWEEPS = 2.0, 3
"""After this long and this many periods without a whole sweep the chip counts as lost."""
MOST_SWEEPS = 1000
_READ_BYTES = 64
_FALLBACK_S = {"ina3221x": 0.4224, "ina3221": 0.0066, "ina238": 0.0505}
"""One conversion of all channels as the driver would set it up, for when neither the kernel nor the chip shows it."""
_GONE = {errno.EIO, errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.EBADF}


class JetsonRailsSpec(SourceSpec):
    """The power rails of a Jetson, from the kernel's files; each chip becomes a source of its own."""

    kind: Literal["jetson-rails"]
    name: Name = "rails"
    board: str | None = None
    """A board of profiles/boards, such as jetson-tx1; by default the one this program runs on."""
    root: str = "/"
    """Where /sys and /proc are found: another root is for tests and for a mounted file system."""
    roles: dict[str, Role] = Field(default_factory=dict)
    """What a rail feeds, where this differs from the board's own file."""


class _SweepFailedError(Exception):
    """A sweep without a whole set of values."""


class RailsSource(Described):
    """One chip. ``roles`` says what a signal feeds, by its name, where this differs from the board's own file.

    ``pread``, ``clock_ns`` and ``sleep`` are the system's; a test may stand in for the chip through them.
    """

    def __init__(
        self,
        name: str,
        chip: Chip,
        board: Board | None,
        roles: Mapping[str, Role] | None = None,
        *,
        pread: Callable[[int, int, int], bytes] = os.pread,
        clock_ns: Callable[[], int] = host_time_ns,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(name)
        self._chip = chip
        self._board = board
        self._roles = dict(roles or {})
        self._pread = pread
        self._clock_ns = clock_ns
        self._sleep = sleep
        self._files: tuple[RailFile, ...] = ()
        self._descriptors: list[int] = []

    def open(self) -> None:
        """Open the files, see which rails answer and how fast the chip is. Raises PortError, SourceLostError."""
        try:
            rails, update_rate, volts = self._identify()
            self._open_files(rails)
        except BaseException:
            self.close()
            raise
        self._info = describe(self._name, self._chip, rails, self._board, self._roles, update_rate, volts)
        self._update_rate = update_rate
        self._values = np.zeros(len(self._info.stored_signals), np.float32)
        self._position = 0
        """The file that a sweep is at."""
        self._due_ns = self._clock_ns()
        self._start_ns = self._middle_ns = 0
        self._count = self._lost = 0
        self._failing_since_ns: int | None = None
        self._error: SourceLostError | None = None

    def read(self, timeout_s: float) -> list[Reading]:
        """The sweeps that end within this time, as one block; one conversion longer where a read has to wait for it.

        Raises:
            SourceLostError: The chip is gone, or has not given a whole sweep for two seconds.
        """
        if not self._descriptors:
            raise SourceLostError(f"{self._name} is not connected: connect it first.")
        if self._error is not None:
            raise self._error
        deadline_ns = self._clock_ns() + round(timeout_s * 1e9)
        lost_before = 0
        times: list[int] = []
        sweeps: list[NDArray[np.float32]] = []
        while not times or (len(times) < MOST_SWEEPS and self._clock_ns() < deadline_ns):
            try:
                if not self._sweep(deadline_ns):
                    break
            except _SweepFailedError:
                if times or self._clock_ns() >= deadline_ns:
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
            sweeps.append(self._values.copy())
        return [self._block(times, sweeps, lost_before)] if times else []

    def close(self) -> None:
        """Close the files; calling it twice is fine."""
        descriptors, self._descriptors = self._descriptors, []
        for descriptor in descriptors:
            os.close(descriptor)

    def _open_files(self, rails: Sequence[ChipRail]) -> None:
        self.close()
        self._files = tuple(rail_files(rails))
        for file in self._files:
            try:
                self._descriptors.append(os.open(file.path, os.O_RDONLY))
            except PermissionError as error:
                raise no_permission(file.path) from error
            except OSError as error:
                raise PortError(f"{self._model} is gone: look for the rails again, or restart the board.") from error

    def _identify(self) -> tuple[tuple[ChipRail, ...], UpdateRate, dict[str, float]]:
        """The rails that are switched on, how fast they come, and their voltages."""
        rails = self._chip.rails
        self._open_files(rails)
        off: set[str] = set()
        volts: dict[str, float] = {}

        def read(index: int) -> bytes | None:
            file = self._files[index]
            try:
                text = self._pread(self._descriptors[index], _READ_BYTES, 0)
                numbers = numbers_in(text, file)
            except ValueError:
                return None
            except PermissionError as error:
                raise no_permission(file.path) from error
            except OSError as error:
                if error.errno in _GONE:
                    raise self._gone(error) from error
                if error.errno == errno.ENODATA:
                    off.add(file.rail)
                return None
            for quantity, number in zip(file.quantities, numbers, strict=True):
                if quantity is Quantity.VOLTAGE:
                    volts[file.rail] = number * file.scale
            return text

        update_rate = find_update_rate(
            read,
            len(self._files),
            conversion_s(self._chip),
            _FALLBACK_S[self._chip.driver],
            liveliest(self._files),
            self._clock_ns,
            self._sleep,
        )
        on = tuple(rail for rail in rails if rail.name not in off)
        if not on:
            raise PortError(f"Every rail of {self._model} is switched off: write 1 to its in1_enable as root.")
        return on, update_rate, volts

    def _sweep(self, deadline_ns: int) -> bool:
        """Continue a sweep; true at its end, false when time is up. Raises _SweepFailedError, SourceLostError."""
        if self._position == 0:
            if not self._wait_until_due(deadline_ns):
                return False
            self._start_ns = self._clock_ns()
        try:
            self._read_file(self._position)
            while self._position < len(self._files):
                if self._clock_ns() >= deadline_ns:
                    return False
                self._read_file(self._position)
            self._end_sweep()
        except _SweepFailedError as failure:
            self._count_failure(failure)
            raise
        return True

    def _wait_until_due(self, deadline_ns: int) -> bool:
        now_ns = self._clock_ns()
        if self._due_ns <= now_ns:
            return True
        self._sleep(max(min(self._due_ns, deadline_ns) - now_ns, 0) * 1e-9)
        return self._due_ns <= deadline_ns

    def _read_file(self, index: int) -> None:
        file = self._files[index]
        try:
            numbers = numbers_in(self._pread(self._descriptors[index], _READ_BYTES, 0), file)
        except OSError as error:
            if error.errno == errno.ENODATA:
                raise SourceLostError(
                    f"{file.rail} of {self._model} was switched off: switch it on, or connect again without it."
                ) from error
            if error.errno in _GONE:
                raise self._gone(error) from error
            raise _SweepFailedError(error.strerror) from error
        except ValueError as error:
            raise _SweepFailedError(str(error)) from error
        for column, number in zip(file.columns, numbers, strict=True):
            self._values[column] = number * file.scale
        self._position += 1

    def _end_sweep(self) -> None:
        end_ns = self._clock_ns()
        if end_ns - self._start_ns > self._update_rate.longest_sweep_s * 1e9:
            raise _SweepFailedError("its reads take far longer than when it was connected")
        self._position = 0
        self._due_ns = max(self._due_ns + round(self._update_rate.interval_s * 1e9), end_ns)
        self._middle_ns = max((self._start_ns + end_ns) // 2, self._middle_ns + 1)
        self._failing_since_ns = None

    def _count_failure(self, failure: _SweepFailedError) -> None:
        """Leave this sweep out, and give up on a chip that fails for long."""
        now_ns = self._clock_ns()
        self._position = 0
        self._lost += 1
        self._due_ns = max(self._due_ns + round(1e9 / self._update_rate.rate_hz), now_ns)
        if self._failing_since_ns is None:
            self._failing_since_ns = now_ns
        elif now_ns - self._failing_since_ns >= max(FAILING_S, FAILING_SWEEPS / self._update_rate.rate_hz) * 1e9:
            seconds = (now_ns - self._failing_since_ns) * 1e-9
            raise SourceLostError(
                f"{self._model} has given no values for {seconds:.1f} s ({failure}): "
                "if it does not come back by itself, restart the board."
            ) from failure

    def _block(self, times: list[int], sweeps: list[NDArray[np.float32]], lost_before: int) -> SampleBlock:
        first = self._count + lost_before
        self._count = first + len(times)
        return SampleBlock(
            first_index=first,
            codes=tuple(np.ascontiguousarray(column) for column in np.asarray(sweeps).T),
            arrival_ns=self._clock_ns(),
            lost_before=lost_before,
            times_ns=np.asarray(times, np.int64),
        )

    @property
    def _model(self) -> str:
        return model_of(self._chip, self._board)

    def _gone(self, error: OSError) -> SourceLostError:
        return SourceLostError(
            f"{self._model} does not answer any more ({error.strerror}): restart the board if it does not come back."
        )


def rails_of_board(spec: JetsonRailsSpec) -> list[BoardPart]:
    """One source a chip, since each chip has a conversion time of its own; none where no chip is found."""
    root = Path(spec.root)
    board = _board(spec)
    chips = find_chips(root, board)
    names = [spec.name] if len(chips) == 1 else [f"{spec.name} {chip.where}" for chip in chips]
    return [
        BoardPart(
            name, partial(RailsSource, name, chip, board, spec.roles), board, tuple(rail.name for rail in chip.rails)
        )
        for name, chip in zip(names, chips, strict=True)
    ]


def first_chip(spec: JetsonRailsSpec) -> RailsSource:
    """The first chip of the board. Raises PortError where there is none."""
    board = _board(spec)
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


def _board(spec: JetsonRailsSpec) -> Board | None:
    return load_board(spec.board) if spec.board else recognise_board(Path(spec.root))
