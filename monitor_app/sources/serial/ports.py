# SPDX-License-Identifier: Apache-2.0
"""Which serial port an instrument is on: by its USB id, by its serial number, or as the profile names it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor_app.core.errors import PortError
from monitor_app.sources.serial.transport import SerialPort, access_advice, serial_ports

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Ports = Callable[[], Sequence[SerialPort]]


@dataclass(frozen=True, slots=True)
class PortFilter:
    """Which ports may be an instrument."""

    title: str
    """The instrument in error sentences."""
    usb_ids: frozenset[tuple[int, int]]
    """Vendor and product, where it has some; else any USB port may be it."""
    foreign_ids: frozenset[tuple[int, int]] = frozenset()
    """Of other instruments; a port with one of these is not it."""

    def select(self, present: Sequence[SerialPort]) -> list[SerialPort]:
        """Those of the ports that may be it."""
        if not self.usb_ids:
            return [each for each in present if each.usb and (each.vid, each.pid) not in self.foreign_ids]
        return sorted(
            (each for each in present if (each.vid, each.pid) in self.usb_ids),
            key=lambda each: (each.serial_number or "", each.interface, each.device),
        )


def locate(
    wanted: PortFilter,
    port: str | None,
    serial_number: str | None,
    ports: Ports = serial_ports,
    *,
    known: str | None = None,
) -> SerialPort:
    """Where the instrument is now. Raises PortError.

    One that has a USB serial number is found by it on whatever port it came back on; else it is where the profile
    says; without either, the only port that may be of this kind. ``known`` is the number that the instrument itself
    has reported: USB may report the same, another, or none.
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
    missing = serial_number or (known if wanted.usb_ids else None)
    if missing:
        raise PortError(f"No {wanted.title} {missing} is plugged in: plug it in, or see `monitor-app sources`.")
    return _only_one(wanted.title, wanted.select(present))


def access_problem(device: str) -> str | None:
    """Why a port may not be opened, in a sentence with what to do, or None."""
    return None if os.access(device, os.R_OK | os.W_OK) else access_advice(device)


def _only_one(title: str, found: list[SerialPort]) -> SerialPort:
    devices = {each.serial_number or each.device: each for each in reversed(found)}
    if len(devices) == 1:
        return found[0]
    if devices:
        names = ", ".join(sorted(each.device for each in devices.values()))
        raise PortError(f"Several ports may be the {title}: {names}; give port or serial_number in the profile.")
    raise PortError(f"No {title} is plugged in: plug it in, or name its port; see `monitor-app sources`.")


def _as_named(port: str) -> SerialPort:
    return SerialPort(port, port, None, usb=False)
