# SPDX-License-Identifier: Apache-2.0
"""Instruments on this machine: what is there, and what each needs before it can be used."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from monitor_app.core.errors import MonitorError, SourceError
from monitor_app.core.source_specs import LinesSpec
from monitor_app.core.status import FoundSource
from monitor_app.sources.jetson.boards import recognise_board
from monitor_app.sources.jetson.rails import find_chips
from monitor_app.sources.jtop.driver import JtopSource
from monitor_app.sources.lines.driver import LinesSource
from monitor_app.sources.pc.hwmon import HwmonSource
from monitor_app.sources.pc.nvml import NvmlSource
from monitor_app.sources.pc.rapl import RaplSource
from monitor_app.sources.powersensor3.driver import PowerSensor3Source
from monitor_app.sources.ppk2.driver import Ppk2Source
from monitor_app.sources.serial.ports import TITLES, USB_IDS, access_problem, candidates
from monitor_app.sources.serial.transport import serial_ports
from monitor_app.sources.shunt.driver import ShuntSource

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from monitor_app.core.samples import PowerSource
    from monitor_app.sources.serial.transport import SerialPort

JTOP_SOCKET = "run/jtop.sock"
SIMULATED = {
    "shunt": "a 50 kSa/s shunt",
    "powersensor3": "a PowerSensor3, 20 kSa/s on four pairs",
    "ppk2": "a Power Profiler Kit II, 100 kSa/s",
    "lines": "an EdgePowerMeter, lines of text",
    "scpi": "a bench supply, SCPI",
}
MAX_GPUS = 16
_NEEDED: dict[str, dict[str, object]] = {"lines": {"format": "edgepowermeter"}}
"""What a profile must say of a kind."""


def find_sources(
    ports: Callable[[], Sequence[SerialPort]] = serial_ports,
    *,
    root: Path = Path("/"),
    ask: bool = True,
    in_use: Collection[str] = (),
    stopped: Callable[[], bool] = lambda: False,
) -> list[FoundSource]:
    """All there is: serial instruments, the rails of a Jetson, what a PC measures of itself, and what can be simulated.

    Args:
        ports: the serial ports of this machine.
        root: where /sys, /proc and /run are.
        ask: open USB ports whose id is nobody's own, and ask who is there. A UART is never asked: on it there may
            be a machine that takes any byte for a command.
        in_use: devices not to be touched.
        stopped: looked at before each question; once true nobody else is asked.
    """
    serial = find_serial(ports(), ask=ask, in_use=in_use, stopped=stopped)
    if stopped():
        return serial
    return [
        *serial,
        *_jetson(root),
        *_own_sensors(root),
        *(
            FoundSource(kind, f"simulated-tx1 {kind}", f"SIMULATED Jetson TX1 with {what}", True, "ready",
                        {"kind": kind, "emulate": "tx1", **_NEEDED.get(kind, {})})
            for kind, what in SIMULATED.items()
        ),
    ]  # fmt: skip


def find_serial(
    present: Sequence[SerialPort],
    *,
    ask: bool,
    in_use: Collection[str] = (),
    stopped: Callable[[], bool] = lambda: False,
) -> list[FoundSource]:
    """What is on the serial ports."""
    found = []
    ppk2 = {each.device: each for each in candidates("ppk2", present)}
    first_of = {each.serial_number: each.device for each in reversed(list(ppk2.values()))}
    for port in present:
        if port.device in ppk2 and first_of[port.serial_number] != port.device:
            continue  # the second port of the same instrument carries no data
        if port.device in in_use:
            found.append(FoundSource("serial", port.device, port.description, False, "in use by this session"))
        else:
            found.append(_serial(port, ask=ask, stopped=stopped))
    return found


def _serial(port: SerialPort, *, ask: bool, stopped: Callable[[], bool]) -> FoundSource:
    kinds = [kind for kind, ids in USB_IDS.items() if (port.vid, port.pid) in ids]
    problem = access_problem(port.device)
    if problem:
        return FoundSource(kinds[0] if kinds else "serial", port.device, port.description, False, problem)
    if not port.usb:
        return FoundSource("serial", port.device, port.description, True, "Not asked: name it in a profile to use it.")
    if not ask:
        kind = kinds[0] if kinds else "serial"
        return FoundSource(
            kind, port.device, port.description, bool(kinds), "Not asked yet who it is.", _spec(kind, port)
        )
    return _asked(port, kinds, stopped)


def _asked(port: SerialPort, kinds: list[str], stopped: Callable[[], bool]) -> FoundSource:
    """Ask in the languages it may speak; those of its USB id first, and no others where the id is its maker's own."""
    problem = ""
    for kind in kinds if "ppk2" in kinds else [*kinds, "shunt", "lines"]:
        if stopped():
            break
        source = _probe(kind, port)
        try:
            source.open()
            info = source.info
        except SourceError as error:
            problem = problem or str(error)
            continue
        finally:
            source.close()
        who = f"{info.model} {info.serial_number}".strip()
        return FoundSource(kind, port.device, who, True, "ready", _spec(kind, port))
    if not kinds:
        problem = (
            f"{port.device} answers neither as a shunt meter nor as an EdgePowerMeter: "
            'if it sends lines of text, describe them in a profile (kind = "lines").'
        )
    return FoundSource(kinds[0] if kinds else "serial", port.device, port.description, False, problem)


def _probe(kind: str, port: SerialPort) -> PowerSource:
    if kind == "ppk2":
        # As ammeter it switches nothing on: asking must not power what is connected.
        return Ppk2Source("probe", port.device, "ampere", 3.3, {})
    if kind == "powersensor3":
        return PowerSensor3Source("probe", port.device, {})
    if kind == "lines":
        return LinesSource("probe", port.device, LinesSpec(kind="lines", format="edgepowermeter", port=port.device))
    return ShuntSource("probe", port.device, {})


def _spec(kind: str, port: SerialPort) -> dict[str, object]:
    if kind not in TITLES:
        return {}
    where = {"serial_number": port.serial_number} if port.serial_number else {"port": port.device}
    return {"kind": kind, **where, **_NEEDED.get(kind, {})}


def _jetson(root: Path) -> list[FoundSource]:
    """Rails and the jtop service; nothing on what is no Jetson."""
    found = []
    board = recognise_board(root)
    chips = find_chips(root, board)
    if chips:
        rails = ", ".join(rail.name for chip in chips for rail in chip.rails)
        title = board.title if board else "an unknown board: name one under `board` in the profile to get its roles"
        found.append(FoundSource("jetson-rails", "sysfs", f"{title}: {rails}", True, "ready", {"kind": "jetson-rails"}))
    elif board is not None:
        found.append(FoundSource("jetson-rails", "sysfs", board.title, False, _problem_of_rails(board.title)))
    if (root / JTOP_SOCKET).exists():
        found.append(_tried("jtop", "/run/jtop.sock", JtopSource("probe", 1.0, {}), {"kind": "jtop"}))
    elif board is not None:
        state = "The jtop service is not running: run `sudo jtop --install-service`; the rails work without it."
        found.append(FoundSource("jtop", "/run/jtop.sock", "jetson-stats", False, state))
    return found


def _problem_of_rails(title: str) -> str:
    return (
        f"No power monitor of the {title} is to be seen under /sys: in a container, mount /sys of the host; "
        "a Jetson Nano 2GB has none."
    )


def _own_sensors(root: Path) -> list[FoundSource]:
    """What a PC measures of itself; silent about what it does not have."""
    found = []
    if (root / "proc/driver/nvidia").exists() or (root / "dev/nvidiactl").exists():
        found += _gpus()
    if any((root / "sys/class/powercap").glob("intel-rapl:*")):
        found.append(_tried("rapl", "powercap", RaplSource("probe", str(root), {}), {"kind": "rapl"}))
    hwmon = HwmonSource("probe", str(root), {})
    with contextlib.suppress(SourceError):
        hwmon.open()
        sensors = ", ".join(signal.name for signal in hwmon.info.signals)
        found.append(FoundSource("hwmon", "sysfs", sensors, True, "ready", {"kind": "hwmon"}))
    hwmon.close()
    return found


def _gpus() -> list[FoundSource]:
    found = []
    for index in range(MAX_GPUS):
        gpu = _tried("nvml", f"GPU {index}", NvmlSource("probe", index), {"kind": "nvml", "index": index})
        if not gpu.ready and index > 0:
            break
        found.append(gpu)
    return found


def _tried(kind: str, where: str, source: PowerSource, spec: dict[str, object]) -> FoundSource:
    try:
        source.open()
        return FoundSource(kind, where, source.info.model, True, "ready", spec)
    except MonitorError as error:
        return FoundSource(kind, where, kind, False, str(error), spec)
    finally:
        source.close()
