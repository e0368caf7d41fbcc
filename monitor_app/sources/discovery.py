# SPDX-License-Identifier: Apache-2.0
"""Instruments on this machine: what is there, and what each needs before it can be used."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from monitor_app.core.errors import SourceError
from monitor_app.core.status import IN_USE, FoundSource
from monitor_app.sources.registry import KINDS
from monitor_app.sources.serial.ports import access_problem
from monitor_app.sources.serial.transport import serial_ports

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from monitor_app.sources.registry import AnyKind
    from monitor_app.sources.serial.transport import SerialPort

UNKNOWN = "serial"
"""Stands for the kind of a port where it is not known what is behind it."""


def find_sources(
    ports: Callable[[], Sequence[SerialPort]] = serial_ports,
    *,
    root: Path = Path("/"),
    ask: bool = True,
    in_use: Collection[str] = (),
    stopped: Callable[[], bool] = lambda: False,
) -> list[FoundSource]:
    """All instruments: those on serial ports, those that this machine itself has, and those that can be simulated.

    Args:
        ports: the serial ports of this machine.
        root: where /sys, /proc and /run are.
        ask: open USB ports and ask what is there. A UART is never asked: the machine behind it may take any byte
            for a command.
        in_use: devices that must not be opened.
        stopped: checked before each question; once it returns true, no further port is asked.
    """
    serial = find_serial(ports(), ask=ask, in_use=in_use, stopped=stopped)
    if stopped():
        return serial
    own = [replace(found, identity=kind.identity) for kind in KINDS.values() for found in kind.find(root)]
    return [*serial, *own, *_simulated()]


def find_serial(
    present: Sequence[SerialPort],
    *,
    ask: bool,
    in_use: Collection[str] = (),
    stopped: Callable[[], bool] = lambda: False,
) -> list[FoundSource]:
    """What is on the serial ports; the arguments are those of `find_sources`."""
    found = []
    dataless = _ports_without_data(present)
    for port in present:
        if port.device in dataless:
            continue
        if port.device in in_use:
            found.append(FoundSource(UNKNOWN, port.device, port.description, False, IN_USE))
        else:
            found.append(_on_port(port, ask=ask, stopped=stopped))
    return found


def _simulated() -> Iterator[FoundSource]:
    for kind in KINDS.values():
        if kind.emulates:
            spec: dict[str, object] = {"kind": kind.name, "emulate": "tx1", **kind.required}
            title = f"SIMULATED Jetson TX1 with {kind.emulates}"
            where = f"simulated-tx1 {kind.name}"
            yield FoundSource(kind.name, where, title, True, "ready", spec, kind.no_checksum)


def _ports_without_data(present: Sequence[SerialPort]) -> set[str]:
    """Of an instrument with several ports, those after its first."""
    dataless = set()
    for kind in KINDS.values():
        ports = kind.port_filter.select(present) if kind.own_usb_id else []
        first = {each.serial_number: each.device for each in reversed(ports)}
        dataless |= {each.device for each in ports if first[each.serial_number] != each.device}
    return dataless


def _on_port(port: SerialPort, *, ask: bool, stopped: Callable[[], bool]) -> FoundSource:
    by_id = [kind for kind in KINDS.values() if (port.vid, port.pid) in kind.usb_ids]
    problem = access_problem(port.device)
    if problem:
        return _unanswered(port, by_id, problem)
    if not port.usb:
        state = "This port has not been probed: name it in a profile to use it."
        return FoundSource(UNKNOWN, port.device, port.description, True, state)
    if not ask:
        found = _unanswered(port, by_id, "Not probed yet: search for instruments to see what it is.")
        return replace(found, ready=True, spec=_spec(by_id[0], port)) if by_id else found
    return _asked(port, by_id, stopped)


def _asked(port: SerialPort, by_id: list[AnyKind], stopped: Callable[[], bool]) -> FoundSource:
    """Ask in the protocols it may speak: those of its USB id first, and no others where the id is its own."""
    asked = list(by_id)
    if not any(kind.own_usb_id for kind in by_id):
        asked += [kind for kind in KINDS.values() if kind.probe is not None and not kind.usb_ids]
    problem = ""
    for kind in asked:
        if stopped():
            break
        if kind.probe is None:
            continue
        source = kind.probe(port.device)
        try:
            source.open()
            info = source.info
        except SourceError as error:
            problem = problem or str(error)
            continue
        finally:
            source.close()
        who = f"{info.model} {info.serial_number}".strip()
        return FoundSource(kind.name, port.device, who, True, "ready", _spec(kind, port), kind.no_checksum)
    if not by_id:
        titles = " or ".join(kind.title for kind in asked)
        problem = (
            f"{port.device} does not answer as {titles}: "
            'if it sends lines of text, describe them in a profile (kind = "lines").'
        )
    return _unanswered(port, by_id, problem)


def _unanswered(port: SerialPort, by_id: list[AnyKind], state: str) -> FoundSource:
    note = by_id[0].no_checksum if by_id else ""
    return FoundSource(by_id[0].name if by_id else UNKNOWN, port.device, port.description, False, state, note=note)


def _spec(kind: AnyKind, port: SerialPort) -> dict[str, object]:
    where = {"serial_number": port.serial_number} if port.serial_number else {"port": port.device}
    return {"kind": kind.name, **where, **kind.required}
