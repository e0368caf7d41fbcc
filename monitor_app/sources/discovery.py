# SPDX-License-Identifier: Apache-2.0
"""Instruments on this machine: what is there, and what each needs before it can be used."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from monitor_app.core.errors import SourceError
from monitor_app.sources.shunt import ShuntSource
from monitor_app.sources.transport import serial_ports

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from monitor_app.sources.transport import SerialPort


@dataclass(frozen=True, slots=True)
class FoundSource:
    """An instrument, or a port where one may be."""

    kind: str
    where: str
    description: str
    ready: bool
    state: str
    """'ready', or one sentence with what to do."""

    def as_json(self) -> dict[str, object]:
        """One object of `sources --json`."""
        return asdict(self)


def find_sources(ports: Callable[[], Sequence[SerialPort]] = serial_ports) -> list[FoundSource]:
    """Every serial port, those on USB asked whether a shunt meter is there, and what can be simulated.

    Others are not asked: on a UART there may be a machine that takes any byte for a command.
    """
    return [
        *(_serial(port) for port in ports()),
        FoundSource("shunt", "simulated-tx1", "SIMULATED Jetson TX1 with a 50 kSa/s shunt", True, "ready"),
    ]


def _serial(port: SerialPort) -> FoundSource:
    if not os.access(port.device, os.R_OK | os.W_OK):
        advice = "run `sudo usermod -aG dialout $USER`, then log out and in again"
        return FoundSource("serial", port.device, port.description, False, f"You may not open it: {advice}.")
    if not port.usb:
        return FoundSource("serial", port.device, port.description, True, "Not asked: name it in a profile to use it.")
    source = ShuntSource("probe", port.device, {})
    try:
        source.open()
        info = source.info
    except SourceError as error:
        return FoundSource("serial", port.device, port.description, False, str(error))
    finally:
        source.close()
    return FoundSource("shunt", port.device, f"{info.model} {info.serial_number}", True, "ready")
