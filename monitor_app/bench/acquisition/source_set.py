# SPDX-License-Identifier: Apache-2.0
"""The instruments of a bench: those of its profile, what is computed from them, and those added later."""

from __future__ import annotations

import contextlib
import itertools
import time
from collections import Counter
from typing import TYPE_CHECKING, Protocol

from monitor_app.bench.acquisition.board_totals import combinations
from monitor_app.bench.acquisition.instruments import beside_rails, make_instruments
from monitor_app.bench.acquisition.source_reader import CLOSE_S, Acquisition, Sync
from monitor_app.bench.acquisition.sync_line import BoardWire, EdgeLog, GpioWire, SimulatedWire, SyncDriver
from monitor_app.core.errors import BoardError, MonitorError, ProfileError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from monitor_app.bench.acquisition.combination import Combination
    from monitor_app.bench.acquisition.instruments import Instrument
    from monitor_app.bench.acquisition.recorder import Recorder
    from monitor_app.core.profile import Profile
    from monitor_app.core.source_specs import SourceSpec
    from monitor_app.core.status import SourceStatus
    from monitor_app.remote.link import GetLink, Link

BOARD_S = 15.0
"""How long a bench waits at its start for the board whose rails it is to read."""


class ToBoard(Protocol):
    """The connection to a board elsewhere."""

    def link(self) -> Link:
        """That of this moment. Raises BoardError where there is none."""

    def wait(self, cancelled: Callable[[], bool], timeout_s: float | None = None) -> Link:
        """The same, once there is one. Raises BoardError where there is none in that time."""


class SourceSet:
    """Reads all instruments of a profile from the moment it is made until close. Raises ProfileError.

    ``connection`` is that to the board of the profile; None where the networks run on this machine.
    """

    def __init__(self, profile: Profile, recorder: Recorder, connection: ToBoard | None = None) -> None:
        self._recorder = recorder
        self._connection = connection
        self._link = None if connection is None else connection.link
        self._edges = EdgeLog()
        self.instruments: list[Instrument] = []
        try:
            self._taps = self._put_together(profile)
        except BaseException:
            _close(self.instruments)
            raise
        self._acquisitions: dict[str, Acquisition] = {}
        self._ids = itertools.count(1)
        for instrument in self.instruments:
            self._acquire(instrument)
        for _ in self._taps:
            next(self._ids)
        self._wire = _wire(profile, self.load_signals, self._edges, self._link)

    @property
    def load_signals(self) -> list[Path]:
        """Sockets at which simulated boards receive the load of the network."""
        return [each.load_signal for each in self.instruments if each.load_signal is not None]

    @property
    def replays_over(self) -> bool:
        """Every instrument was a capture that has been played to its end; False where none was."""
        replays = [each.replay for each in self.instruments if each.replay is not None]
        return bool(replays) and len(replays) == len(self.instruments) and all(each.over for each in replays)

    @property
    def message(self) -> str:
        """What is wrong with the sync line, one sentence, or nothing."""
        return self._wire.message if self._wire else ""

    def statuses(self) -> tuple[SourceStatus, ...]:
        """A snapshot, from any thread."""
        return tuple(acquisition.status for acquisition in tuple(self._acquisitions.values()))

    @property
    def refusals(self) -> tuple[str, ...]:
        """Why instruments do not suit the profile, one sentence each."""
        return tuple(each.refusal for each in tuple(self._acquisitions.values()) if each.refusal)

    def add(self, spec: SourceSpec) -> None:
        """Add an instrument to the session. Raises MonitorError where its name is taken."""
        new = make_instruments(spec, self._recorder.path.parent, self._link)
        taken = {*self._acquisitions, *(each.name for each in self._taps)}
        for instrument in new:
            if instrument.name in taken:
                _close(new)
                raise MonitorError(f"There is a source {instrument.name} already: give the new one another name.")
        for instrument in new:
            self.instruments.append(instrument)
            self._acquire(instrument)

    def connect(self, name: str) -> None:
        """Try a source again that has failed or was disconnected; unknown names are ignored."""
        if name in self._acquisitions:
            self._acquisitions[name].connect()

    def disconnect(self, name: str) -> None:
        """Close the connection to a source until connect; unknown names are ignored."""
        if name in self._acquisitions:
            self._acquisitions[name].disconnect()

    def close(self) -> None:
        """Close all instruments; calling it twice is fine."""
        acquisitions = tuple(self._acquisitions.values())
        for acquisition in acquisitions:
            acquisition.stop()
        if self._wire is not None:
            self._wire.close()
        deadline = time.monotonic() + CLOSE_S
        for acquisition in acquisitions:
            acquisition.close(max(deadline - time.monotonic(), 0.0))
        _close(self.instruments)

    def _put_together(self, profile: Profile) -> list[Combination]:
        """The instruments, and what is computed from them. Raises ProfileError."""
        if self._connection is not None and any(spec.kind == "jetson-rails" for spec in profile.source):
            # How many chips it has decides how many sources there are.
            with contextlib.suppress(BoardError):  # each source says so itself, until the board is there
                self._connection.wait(lambda: False, BOARD_S)
        for spec in beside_rails(profile.source):
            self.instruments += make_instruments(spec, self._recorder.path.parent, self._link)
        taps = combinations(self.instruments, profile.combination)
        names = Counter([*(each.name for each in self.instruments), *(each.name for each in taps)])
        twice = [name for name, count in names.items() if count > 1]
        if twice:
            raise ProfileError(f"Two sources would be named {twice[0]}: give each its own name in the profile.")
        return taps

    def _acquire(self, instrument: Instrument) -> None:
        self._acquisitions[instrument.name] = Acquisition(
            next(self._ids), instrument.name, instrument.kind, instrument.make_source, self._recorder,
            sync=Sync(instrument.sync_line, self._edges) if instrument.sync_line else None, taps=self._taps,
            roles=instrument.roles, is_over=instrument.is_over,
        )  # fmt: skip


def _close(instruments: Iterable[Instrument]) -> None:
    for instrument in instruments:
        instrument.close()


def _wire(profile: Profile, load_signals: Sequence[Path], edges: EdgeLog, link: GetLink | None) -> SyncDriver | None:
    """The wire from the board to the meters' digital inputs, where there is one."""
    pin = profile.sync.gpio
    if pin is not None:
        return SyncDriver(
            lambda: GpioWire(pin) if link is None else BoardWire(pin, link), edges, profile.sync.interval_s
        )
    return SyncDriver(lambda: SimulatedWire(load_signals), edges, profile.sync.interval_s) if load_signals else None
