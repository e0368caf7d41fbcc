# SPDX-License-Identifier: Apache-2.0
"""From the instruments that a profile names to sources, which can be opened repeatedly."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from monitor_app.bench.acquisition.written_files import energy_log
from monitor_app.core.child_process import ChildProcess, python_module
from monitor_app.core.errors import PortError, ProfileError, SourceError
from monitor_app.core.samples import Role
from monitor_app.core.source_specs import EmulatedSpec, SerialSpec
from monitor_app.sources.correction import corrected_source
from monitor_app.sources.jtop.driver import JtopSpec
from monitor_app.sources.jtop.readings import MODULE_TOTAL
from monitor_app.sources.registry import KINDS, Connection
from monitor_app.sources.serial.capture import CapturingTransport, ReplayTransport
from monitor_app.sources.serial.ports import locate
from monitor_app.sources.serial.transport import SerialTransport

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from monitor_app.core.samples import PowerSource, SourceInfo
    from monitor_app.core.source_specs import SourceSpec
    from monitor_app.remote.link import GetLink
    from monitor_app.sources.jetson.boards import Board, BoardPart
    from monitor_app.sources.serial.capture import Capture
    from monitor_app.sources.serial.transport import Transport


class Replay:
    """A capture that is played to its end once."""

    def __init__(self) -> None:
        self._transport: ReplayTransport | None = None

    @property
    def over(self) -> bool:
        return self._transport is not None and self._transport.over

    def open(self, path: str) -> ReplayTransport:
        """Play it. Raises PortError where it has been played to its end."""
        if self._transport is not None:
            # A second replay would be recorded a second time.
            raise PortError(f"{path} has been played to its end.")
        self._transport = ReplayTransport(path)
        return self._transport


MakeSource: TypeAlias = "Callable[[SourceInfo | None], PowerSource]"
"""Makes a source, given the instrument as it described itself before, if it has."""


@dataclass(frozen=True, slots=True)
class Instrument:
    """How to reach an instrument."""

    name: str
    kind: str
    make_source: MakeSource
    emulated: EmulatedDevice | None = None
    sync_line: str | None = None
    replay: Replay | None = None
    board: Board | None = None
    """The board whose rails it measures."""
    rails: tuple[str, ...] = ()
    roles: frozenset[str] = frozenset()
    """Signals that the profile gives roles to."""

    @property
    def load_signal(self) -> Path | None:
        """The socket at which a simulated board receives the load of the network."""
        return self.emulated.load_signal if self.emulated else None

    def is_over(self) -> bool:
        """It was a capture and has been played to its end."""
        return self.replay is not None and self.replay.over

    def close(self) -> None:
        """End the emulator that was started for it; calling it twice is fine."""
        if self.emulated is not None:
            self.emulated.close()


def make_instruments(spec: SourceSpec, folder: Path | None = None, link: GetLink | None = None) -> list[Instrument]:
    """The instruments of one [[source]] table: one, or one for each chip of a board. Raises ProfileError.

    ``folder`` is where it may write files, that of the session; without a session it writes none. ``link`` leads to the
    board that is measured, where that is not this machine.
    """
    kind = KINDS[spec.kind]
    if link is not None and kind.of_this_machine:
        raise ProfileError(
            f"{spec.name} ({spec.kind}) would measure this computer, not the board of [board]: take it out of the "
            "profile, or record it in a session of its own."
        )
    parts = kind.parts(spec, link)
    rails = [rail for part in parts for rail in part.rails]
    if parts and (refusal := unknown_roles(spec.name, [s for part in parts for s in part.signals], _roles(spec))):
        raise ProfileError(refusal)
    return [_part(spec, part, rails) for part in parts] or [_one(spec, folder, link)]


def unknown_roles(name: str, signals: Sequence[str], roles: Collection[str]) -> str:
    """What is wrong with the roles that a profile gives the signals of a source, one sentence; empty if nothing is."""
    unknown = sorted(set(roles) - set(signals))
    if not unknown:
        return ""
    return (
        f"{name} has no signal {unknown[0]}, to which the profile gives a role: use one of {', '.join(signals)} "
        "under [source.roles]."
    )


def _roles(spec: SourceSpec) -> frozenset[str]:
    """Signals that the profile gives roles to. Those of a default name signals that some instruments have."""
    return frozenset(getattr(spec, "roles", ())) if "roles" in spec.model_fields_set else frozenset()


def beside_rails(specs: Sequence[SourceSpec]) -> list[SourceSpec]:
    """The specs of a profile: beside the rails of the board themselves, the total that jtop adds up is another power.

    Only where the profile gives that total no role.
    """
    if not any(spec.kind == "jetson-rails" for spec in specs):
        return list(specs)
    return [
        spec.model_copy(update={"roles": {MODULE_TOTAL: Role.OTHER, **spec.roles}})
        if isinstance(spec, JtopSpec)
        else spec
        for spec in specs
    ]


def _part(spec: SourceSpec, part: BoardPart, rails: list[str]) -> Instrument:
    return Instrument(
        part.name,
        spec.kind,
        lambda _: corrected_source(part.make(), spec, rails),
        board=part.board,
        rails=part.rails,
    )


def _one(spec: SourceSpec, folder: Path | None, link: GetLink | None) -> Instrument:
    emulated = _emulated(spec, folder)
    replay = Replay() if isinstance(spec, SerialSpec) and spec.replay is not None else None
    return Instrument(
        spec.name,
        spec.kind,
        lambda known: corrected_source(
            KINDS[spec.kind].make(spec, _connection(spec, emulated, replay, known, link)), spec
        ),
        emulated=emulated,
        replay=replay,
        sync_line=spec.sync_line if isinstance(spec, SerialSpec) else None,
        roles=_roles(spec),
    )


def _emulated(spec: SourceSpec, folder: Path | None) -> EmulatedDevice | None:
    if not isinstance(spec, EmulatedSpec) or spec.emulate is None:
        return None
    account = None if spec.account is None or folder is None else str(energy_log(spec.account, folder))
    return EmulatedDevice(spec.kind, spec.model_copy(update={"account": account}).emulator_options())


def _connection(
    spec: SourceSpec,
    emulated: EmulatedDevice | None,
    replay: Replay | None,
    known: SourceInfo | None,
    link: GetLink | None = None,
) -> Connection:
    """Where the instrument is now. Raises PortError, SourceError."""
    if not isinstance(spec, SerialSpec):
        return Connection(emulated.port() if emulated is not None else "", link=link)
    if replay is not None and spec.replay is not None:
        return Connection(spec.replay, open_transport=replay.open)
    open_transport = partial(SerialTransport, baud=spec.port_baud)
    if emulated is not None:
        return Connection(emulated.port(), open_transport=open_transport)
    known_number = known.serial_number if known else None
    found = locate(KINDS[spec.kind].port_filter, spec.port, spec.serial_number, known=known_number)
    return Connection(found.device, found.serial_number or "", open_transport)


@contextmanager
def capturing_source(spec: SerialSpec, capture: Capture) -> Iterator[PowerSource]:
    """The instrument of a spec, not yet open, whose bytes all go into a capture too."""
    emulated = _emulated(spec, None)
    source = None
    try:
        at = _connection(spec, emulated, None, None)

        def open_transport(port: str) -> Transport:
            return CapturingTransport(at.open_transport(port), capture)

        source = KINDS[spec.kind].make(spec, Connection(at.port, at.serial_number, open_transport))
        yield source
    finally:
        if source is not None:
            source.close()
        if emulated is not None:
            emulated.close()


START_S = 10.0


class EmulatedDevice:
    """The emulated instrument of a profile. Start it on a thread that outlives its use: Linux ends it with that thread.

    Args:
        module: of monitor_app.emulators: shunt, ppk2, ...
        options: as its command line takes them, such as --seed 3.
    """

    def __init__(self, module: str, options: Sequence[str]) -> None:
        self._module = module
        self._options = tuple(options)
        self._folder = tempfile.TemporaryDirectory(prefix="monitor-app-")
        self._child: ChildProcess | None = None
        self._port = ""

    @property
    def load_signal(self) -> Path:
        """The socket at which the simulated board receives the load of the network."""
        return Path(self._folder.name) / "lamp"

    def port(self) -> str:
        """Where the running emulator is reached; it is started where it is not running. Raises SourceError.

        A link, not the pseudo-terminal itself: one that was unplugged and put back is found there again.
        """
        if self._child is None or self._child.exit_code is not None:
            self._stop()
            self._port = self._start()
        return self._port

    def close(self) -> None:
        """End the process and remove its files; calling it twice is fine."""
        self._stop()
        self._folder.cleanup()

    def _start(self) -> str:
        link = Path(self._folder.name) / "port"
        command = [
            *python_module(f"monitor_app.emulators.{self._module}"), *self._options,
            "--lamp", str(self.load_signal), "--link", str(link), "--until-stdin-closes",
        ]  # fmt: skip
        self._child = ChildProcess(command, f"{self._module} emulator")
        try:
            lines = self._child.lines(START_S)
        except EOFError:
            lines = []
        port = lines[0].decode().strip() if lines else ""
        if not port:
            self._stop()
            raise SourceError("The emulated instrument did not start; its own message is in the log.")
        # A device on the network has an address instead of a port that could be linked to.
        return str(link) if port.startswith("/") else port

    def _stop(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.close()
