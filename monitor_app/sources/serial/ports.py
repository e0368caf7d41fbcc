# SPDX-License-Identifier: Apache-2.0
"""Which serial port an instrument is on: by what USB says of it, by its serial number, or as the profile names it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from monitor_app.core.errors import PortError
from monitor_app.sources.serial.transport import SerialPort, access_advice, serial_ports

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Ports = Callable[[], Sequence[SerialPort]]

USB_IDS: dict[str, frozenset[tuple[int, int]]] = {
    "ppk2": frozenset({(0x1915, 0xC00A)}),
    "powersensor3": frozenset({(0x0483, 0x5740)}),
}
"""Vendor and product of instruments that have one. The PowerSensor3's is its chip maker's, which others have too."""
TITLES = {
    "shunt": "shunt meter", "powersensor3": "PowerSensor3", "ppk2": "Power Profiler Kit II", "lines": "line meter",
}  # fmt: skip


def locate(
    kind: str, port: str | None, serial_number: str | None, ports: Ports = serial_ports, *, known: str | None = None
) -> SerialPort:
    """Where the instrument is now. Raises PortError.

    One that has a USB serial number is found by it on whatever port it came back on; else it is where the profile
    says; without either, the only port that may be of this kind. ``known`` is the number that the instrument itself
    has told: USB may know it, or another, or none.
    """
    try:
        present = list(ports())
    except PortError:
        if port is None:
            raise
        return _as_named(port)  # the instrument itself will say whether it is the one
    for number in filter(None, (serial_number, known)):
        numbered = [each for each in present if each.serial_number == number]
        if numbered:
            # The data port of an instrument with several is its first.
            return min(numbered, key=lambda each: (each.interface, each.device))
    if port is not None:
        return next((each for each in present if each.device == os.path.realpath(port)), _as_named(port))
    missing = serial_number or (known if kind in USB_IDS else None)
    if missing:
        raise PortError(f"No {TITLES[kind]} {missing} is plugged in: plug it in, or see `monitor-app sources`.")
    return _only_one(kind, candidates(kind, present))


def candidates(kind: str, present: Sequence[SerialPort]) -> list[SerialPort]:
    """Ports that may be of a kind: those with its USB id, or for one that has none, those with nobody else's."""
    if kind in USB_IDS:
        return sorted(
            (each for each in present if (each.vid, each.pid) in USB_IDS[kind]),
            key=lambda each: (each.serial_number or "", each.interface, each.device),
        )
    others = USB_IDS["ppk2"]
    return [each for each in present if each.usb and (each.vid, each.pid) not in others]


def access_problem(device: str) -> str | None:
    """Why a port may not be opened, in a sentence with what to do, or None."""
    return None if os.access(device, os.R_OK | os.W_OK) else access_advice(device)


def _only_one(kind: str, found: list[SerialPort]) -> SerialPort:
    devices = {each.serial_number or each.device: each for each in reversed(found)}
    if len(devices) == 1:
        return found[0]
    if devices:
        names = ", ".join(sorted(each.device for each in devices.values()))
        raise PortError(f"Several ports may be the {TITLES[kind]}: {names}; give port or serial_number in the profile.")
    raise PortError(f"No {TITLES[kind]} is plugged in: plug it in, or name its port; see `monitor-app sources`.")


def _as_named(port: str) -> SerialPort:
    return SerialPort(port, port, None, usb=False)
