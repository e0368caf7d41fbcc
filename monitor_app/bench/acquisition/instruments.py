# SPDX-License-Identifier: Apache-2.0
"""From the instruments that a profile names to sources that can be opened, again and again."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from monitor_app.bench.acquisition.emulated_device import EmulatedDevice
from monitor_app.core import source_specs as specs
from monitor_app.core.errors import PortError
from monitor_app.sources.jetson.boards import load_board, recognise_board
from monitor_app.sources.jetson.rails import RailsSource, find_chips, require_chips
from monitor_app.sources.jtop.driver import JtopSource
from monitor_app.sources.lines.driver import LinesSource
from monitor_app.sources.pc.hwmon import HwmonSource
from monitor_app.sources.pc.nvml import NvmlSource
from monitor_app.sources.pc.rapl import RaplSource
from monitor_app.sources.powersensor3.driver import PowerSensor3Source
from monitor_app.sources.ppk2.driver import Ppk2Source
from monitor_app.sources.scpi.driver import ScpiSource
from monitor_app.sources.scpi.oscilloscope import ScopeSource
from monitor_app.sources.serial.capture import CapturingTransport, ReplayTransport
from monitor_app.sources.serial.ports import locate
from monitor_app.sources.serial.transport import SerialTransport
from monitor_app.sources.shunt.driver import ShuntSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from monitor_app.core.samples import PowerSource, SourceInfo
    from monitor_app.sources.jetson.boards import Board
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
        """Play it. Raises PortError where it has been played."""
        if self._transport is not None:
            # Played again from its beginning it would be recorded a second time.
            raise PortError(f"{path} has been played.")
        self._transport = ReplayTransport(path)
        return self._transport


METERS = frozenset({"shunt", "powersensor3", "ppk2", "lines", "scpi"})
"""Kinds that measure what goes into a board from outside of it."""
MakeSource: TypeAlias = "Callable[[SourceInfo | None], PowerSource]"
"""A source, given the instrument as it was known before."""


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
    """Of a rail: the board it is on."""
    rails: tuple[str, ...] = ()

    @property
    def load_signal(self) -> Path | None:
        """The socket at which a simulated board receives the load of the network."""
        return self.emulated.load_signal if self.emulated else None

    def close(self) -> None:
        """End what was started for it; calling it twice is fine."""
        if self.emulated is not None:
            self.emulated.close()


def make_instruments(spec: specs.SourceSpec) -> list[Instrument]:
    """The instruments of one [[source]] table: one, or one for each chip of a board. Raises ProfileError."""
    if isinstance(spec, specs.SerialSpec):
        return [_serial(spec)]
    if isinstance(spec, specs.JetsonRailsSpec):
        return _rails(spec)
    if isinstance(spec, specs.ScpiSpec):
        return [_scpi(spec)]
    return [Instrument(spec.name, spec.kind, _polled(spec))]


def _serial(spec: specs.SerialSpec) -> Instrument:
    emulated = EmulatedDevice(_kind(spec), _emulator_options(spec)) if spec.emulate is not None else None
    replay = Replay() if spec.replay is not None else None
    return Instrument(
        spec.name, _kind(spec), partial(_make_serial, spec, emulated, replay, None),
        emulated=emulated, replay=replay, sync_line=spec.sync_line,
    )  # fmt: skip


def _kind(spec: specs.SerialSpec) -> str:
    return str(getattr(spec, "kind"))  # noqa: B009  every kind of serial instrument has its own literal


def _make_serial(
    spec: specs.SerialSpec,
    emulated: EmulatedDevice | None,
    replay: Replay | None,
    around: Callable[[Transport], Transport] | None,
    known: SourceInfo | None,
) -> PowerSource:
    serial_number = ""
    transport: Callable[[str], Transport] = SerialTransport
    if isinstance(spec, specs.LinesSpec):
        transport = partial(SerialTransport, baud=spec.baud)
    if emulated is not None:
        port = emulated.port()
    elif replay is not None and spec.replay is not None:
        port, transport = spec.replay, replay.open
    else:
        found = locate(_kind(spec), spec.port, spec.serial_number, known=known.serial_number if known else None)
        port, serial_number = found.device, found.serial_number or ""
    return _driver(spec, port, serial_number, _wrapped(transport, around))


def _wrapped(
    transport: Callable[[str], Transport], around: Callable[[Transport], Transport] | None
) -> Callable[[str], Transport]:
    return transport if around is None else lambda port: around(transport(port))


def _driver(
    spec: specs.SerialSpec, port: str, serial_number: str, transport: Callable[[str], Transport]
) -> PowerSource:
    if isinstance(spec, specs.PowerSensor3Spec):
        return PowerSensor3Source(spec.name, port, spec.roles, serial_number=serial_number, open_transport=transport)
    if isinstance(spec, specs.Ppk2Spec):
        return Ppk2Source(
            spec.name, port, spec.mode, spec.supply_v, spec.roles,
            serial_number=serial_number, open_transport=transport,
        )  # fmt: skip
    if isinstance(spec, specs.LinesSpec):
        return LinesSource(spec.name, port, spec, open_transport=transport)
    return ShuntSource(spec.name, port, spec.roles, open_transport=transport)


def _emulator_options(spec: specs.SerialSpec) -> list[str]:
    options = ["--board", spec.emulate or "tx1", "--seed", str(spec.seed), "--clock-ppm", str(spec.clock_ppm)]
    if spec.account is not None:
        options += ["--account", spec.account]
    for fault in spec.faults:
        options += ["--fault", fault]
    if isinstance(spec, specs.ShuntSpec):
        options += ["--rate-hz", str(spec.rate_hz)]
    if isinstance(spec, specs.LinesSpec):
        options += ["--format", spec.format]
    if isinstance(spec, specs.Ppk2Spec):
        options += ["--supply-v", str(spec.supply_v)]
    return options


def _scpi(spec: specs.ScpiSpec) -> Instrument:
    if spec.emulate is None:
        return Instrument(spec.name, spec.kind, lambda _: ScpiSource(spec.name, spec))
    options = ["--board", spec.emulate, "--seed", str(spec.seed), "--model", spec.model]
    if spec.account is not None:
        options += ["--account", spec.account]
    for fault in spec.faults:
        options += ["--fault", fault]
    emulated = EmulatedDevice("scpi", options)
    return Instrument(
        spec.name, spec.kind,
        lambda _: ScpiSource(spec.name, spec, resource=f"ASRL{emulated.port()}::INSTR"), emulated=emulated,
    )  # fmt: skip


def _rails(spec: specs.JetsonRailsSpec) -> list[Instrument]:
    """One instrument a chip, for each has a conversion time of its own to wait for; with none, one that says so."""
    root = Path(spec.root)
    board = load_board(spec.board) if spec.board else recognise_board(root)
    chips = find_chips(root, board)
    if not chips:
        return [Instrument(spec.name, spec.kind, partial(_first_chip, spec, root, board))]  # looked for again each time
    names = [spec.name] if len(chips) == 1 else [f"{spec.name} {chip.where}" for chip in chips]
    return [
        Instrument(
            name, spec.kind, lambda _, name=name, chip=chip: RailsSource(name, chip, board, spec.roles),  # type: ignore[misc]
            board=board, rails=tuple(rail.name for rail in chip.rails),
        )
        for name, chip in zip(names, chips, strict=True)
    ]  # fmt: skip


def _first_chip(spec: specs.JetsonRailsSpec, root: Path, board: Board | None, known: SourceInfo | None) -> PowerSource:
    """Raises PortError while there is still none."""
    return RailsSource(spec.name, require_chips(root, board)[0], board, spec.roles)


def _polled(spec: specs.SourceSpec) -> MakeSource:
    if isinstance(spec, specs.JtopSpec):
        return lambda _: JtopSource(spec.name, spec.interval_s, spec.roles, python=spec.python)
    if isinstance(spec, specs.NvmlSpec):
        return lambda _: NvmlSource(spec.name, spec.index, spec.role)
    if isinstance(spec, specs.RaplSpec):
        return lambda _: RaplSource(spec.name, spec.root, spec.roles)
    if isinstance(spec, specs.HwmonSpec):
        return lambda _: HwmonSource(spec.name, spec.root, spec.roles)
    assert isinstance(spec, specs.ScopeSpec), "one of the kinds of source_specs"
    return lambda _: ScopeSource(spec.name, spec)


@contextmanager
def capturing_source(spec: specs.SerialSpec, capture: Capture) -> Iterator[PowerSource]:
    """The instrument of a spec, not yet open, whose bytes all go into a capture too."""
    emulated = EmulatedDevice(_kind(spec), _emulator_options(spec)) if spec.emulate is not None else None
    source = None
    try:
        source = _make_serial(spec, emulated, None, lambda inner: CapturingTransport(inner, capture), None)
        yield source
    finally:
        if source is not None:
            source.close()
        if emulated is not None:
            emulated.close()
