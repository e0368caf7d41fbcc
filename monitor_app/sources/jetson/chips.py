# SPDX-License-Identifier: Apache-2.0
"""The power monitor chips of a Jetson as the kernel's files show them.

Three drivers: ina3221x (iio, JetPack 4 and before), ina3221 (hwmon, JetPack 5 to 7) and ina238 (hwmon, the carrier
board of a Thor). Bus numbers, hwmon numbers and iio numbers differ from board to board and from boot to boot.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from monitor_app.core.errors import PortError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from monitor_app.sources.jetson.boards import Board

_HWMON_FILES = (("in", "input"), ("in", "label"), ("in", "enable"), ("curr", "input"), ("shunt", "resistor"))
DRIVERS = ("ina3221x", "ina3221", "ina238")
_DEVICE = "/sys/bus/i2c/drivers/ina*/*-*"
_VALUES = (
    *(f"{kind}{channel}_{what}" for channel in (1, 2, 3) for kind, what in _HWMON_FILES),
    "power1_input", "samples", "update_interval", "rail_name_*", "ui_input_*", "in_current*_input", "in_voltage*_input",
)  # fmt: skip
RAIL_PATTERNS = (
    "/proc/device-tree/compatible",
    "/proc/device-tree/model",
    "/sys/firmware/devicetree/base/compatible",
    "/sys/firmware/devicetree/base/model",
    *(f"{_DEVICE}/{folder}/{name}" for folder in ("hwmon/hwmon*", "iio:device*", "iio_device") for name in _VALUES),
    f"{_DEVICE}/of_node/*",
    f"{_DEVICE}/of_node/channel@*/*",
)
"""The files by which boards and chips are recognised, for a board of which they have to be fetched. Not all that a chip
has: reading a value may take a conversion."""
_WHERE = re.compile(r"(\d+)-([0-9a-f]{4})")
_UNUSED_NAMES = {"", "NC", "(null)"}
"""NC is NVIDIA's name of an input that is not connected; (null) is how the iio driver prints one without a name."""
_CONVERSION_US = (140, 204, 332, 588, 1100, 2116, 4156, 8244)
_AVERAGED = (1, 4, 16, 64, 128, 256, 512, 1024)
_DEFAULT_INA238_SHUNT_UOHM = 10_000
"""What its driver assumes where the device tree gives none."""


@dataclass(frozen=True, slots=True)
class ChipRail:
    """One channel of a chip and the files that hold its values."""

    name: str
    """As the kernel names it; VIN for an INA238, which has no name."""
    channel: int
    """Counted from 1."""
    current: Path
    """mA"""
    voltage: Path
    """mV"""
    both: Path | None = None
    """mV and mA of one and the same conversion."""
    power: Path | None = None
    """uW, where the chip multiplies itself."""
    shunt_ohm: float | None = None
    current_lsb_a: float | None = None
    voltage_lsb_v: float | None = None


@dataclass(frozen=True, slots=True)
class Chip:
    """A power monitor on an I2C bus, with the rails that are connected and switched on."""

    driver: str
    bus: int
    address: int
    folder: Path
    """Where its values are."""
    device: Path
    """Where its place in the device tree is linked from."""
    rails: tuple[ChipRail, ...] = ()

    @property
    def where(self) -> str:
        """As the kernel writes it: 1-0040."""
        return f"{self.bus}-{self.address:04x}"

    @property
    def part(self) -> str:
        """The part's name: INA3221 or INA238."""
        return self.driver.upper().removesuffix("X")


def find_chips(root: Path, board: Board | None) -> list[Chip]:
    """All chips under ``root``/sys that have a rail in use, by bus and address.

    ``board`` names what the kernel does not name and gives the shunts that it does not report.

    Raises:
        PortError: They are there but may not be read.
    """
    chips = []
    for driver in DRIVERS:
        folder = root / "sys/bus/i2c/drivers" / driver
        for device in _listed(folder):
            match = _WHERE.fullmatch(device.name)
            values = _values_folder(device)
            if match is None or values is None:
                continue
            chip = Chip(driver, int(match[1]), int(match[2], 16), values, device)
            rails = tuple(_with_own_names(list(_rails(chip, board))))
            if rails:
                chips.append(replace(chip, rails=rails))
    return sorted(chips, key=lambda chip: (chip.bus, chip.address))


def require_chips(root: Path, board: Board | None) -> list[Chip]:
    """The same, at least one. Raises PortError that says why there is none."""
    chips = find_chips(root, board)
    if chips:
        return chips
    if board is None:
        raise PortError(
            "No power monitor of a Jetson was found, and this is not a Jetson that is known: use an external meter; "
            "or in a container on a Jetson, start it with -v /sys:/sys:ro and name the board in the profile."
        )
    if not board.rails:
        raise PortError(f"The {board.title} has no power monitor of its own: connect an external meter.")
    raise PortError(
        f"The {board.title} has power monitors, but the kernel shows none under /sys/bus/i2c/drivers: "
        "run NVIDIA's JetPack kernel, or in a container give it the board's files with -v /sys:/sys:ro."
    )


def conversion_s(chip: Chip) -> float | None:
    """How long the chip takes to convert all its channels once, as far as the kernel reports it.

    Under the iio driver the device tree holds the chip's configuration; of the two ways to run it names, the
    continuous one counts, because the driver changes to it under load.
    """
    interval_ms = _number(_text(chip.folder / "update_interval"))
    if interval_ms is not None and interval_ms >= 0:
        return max(interval_ms, 0.5) * 1e-3
    for name in ("ti,continuous-config", "ti,trigger-config"):
        word = _cell(chip.device / "of_node" / name)
        if word is not None and (cycle_s := cycle_of(word)) > 0:
            return cycle_s
    return None


def cycle_of(word: int) -> float:
    """Seconds of one cycle of an INA3221 with this configuration register."""
    channels = (word >> 12 & 7).bit_count()
    bus_us = _CONVERSION_US[word >> 6 & 7] if word & 2 else 0
    shunt_us = _CONVERSION_US[word >> 3 & 7] if word & 1 else 0
    return channels * _AVERAGED[word >> 9 & 7] * (bus_us + shunt_us) * 1e-6


def averaged_samples(chip: Chip) -> int | None:
    """How many conversions the chip averages into one value, where the kernel reports it."""
    return _number(_text(chip.folder / "samples"))


def no_permission(path: Path) -> PortError:
    """The error of a file that may not be read."""
    return PortError(
        f"{path} may not be read, although a Jetson lets every user read it: let the container or sandbox read /sys."
    )


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except PermissionError as error:
        raise no_permission(folder) from error
    except OSError:
        return []


def _values_folder(device: Path) -> Path | None:
    """The folder with a chip's values, in any of the forms that drivers gave it."""
    found = [*device.glob("hwmon/hwmon*"), *device.glob("iio:device*"), *device.glob("iio_device")]
    return min(found, default=None)


def _rails(chip: Chip, board: Board | None) -> Iterator[ChipRail]:
    if chip.driver == "ina238":
        yield from _ina238_rail(chip, board)
    elif (chip.folder / "rail_name_0").exists():
        yield from _iio_rails(chip, board)
    else:
        yield from _hwmon_rails(chip, board)


def _iio_rails(chip: Chip, board: Board | None) -> Iterator[ChipRail]:
    for number in range(3):
        name = _text(chip.folder / f"rail_name_{number}")
        if name is None or name in _UNUSED_NAMES:
            continue
        both = chip.folder / f"ui_input_{number}"
        shunt_mohm = _cell(chip.device / f"of_node/channel@{number}/ti,shunt-resistor-mohm")
        rail = ChipRail(
            name,
            number + 1,
            chip.folder / f"in_current{number}_input",
            chip.folder / f"in_voltage{number}_input",
            both=both if both.exists() else None,
        )
        yield from _with_ina3221_steps(rail, shunt_mohm * 1e-3 if shunt_mohm else None, board)


def _hwmon_rails(chip: Chip, board: Board | None) -> Iterator[ChipRail]:
    # 4 to 6 are shunt voltages and 7 is their sum.
    for number in range(1, 4):
        name = _text(chip.folder / f"in{number}_label")
        if name is None or name in _UNUSED_NAMES or _text(chip.folder / f"in{number}_enable") == "0":
            continue
        shunt_uohm = _number(_text(chip.folder / f"shunt{number}_resistor"))
        rail = ChipRail(name, number, chip.folder / f"curr{number}_input", chip.folder / f"in{number}_input")
        yield from _with_ina3221_steps(rail, shunt_uohm * 1e-6 if shunt_uohm else None, board)


def _with_ina3221_steps(rail: ChipRail, shunt_ohm: float | None, board: Board | None) -> Iterator[ChipRail]:
    """The rail with the steps of its converter: 40 uV over the shunt and 8 mV; none where its files are missing."""
    if not (rail.both or (rail.current.exists() and rail.voltage.exists())):
        return
    known = board.rail(rail.name) if board else None
    shunt_ohm = shunt_ohm or (known.shunt_ohm if known else None)
    yield replace(rail, shunt_ohm=shunt_ohm, current_lsb_a=40e-6 / shunt_ohm if shunt_ohm else None, voltage_lsb_v=8e-3)


def _ina238_rail(chip: Chip, board: Board | None) -> Iterator[ChipRail]:
    names = [rail.name for rail in board.rails if rail.chip == "ina238"] if board else []
    rail = ChipRail(
        names[0] if names else "VIN",
        1,
        chip.folder / "curr1_input",
        chip.folder / "in1_input",
        power=chip.folder / "power1_input",
        voltage_lsb_v=3.125e-3,
    )
    if not all(path is not None and path.exists() for path in (rail.current, rail.voltage, rail.power)):
        return
    node = chip.device / "of_node"
    if node.is_dir():
        shunt_uohm = _cell(node / "shunt-resistor") or _DEFAULT_INA238_SHUNT_UOHM
        # 5 uV a step over the full range, a quarter of that with a gain of one; its driver writes whole mA.
        step_v = 5e-6 * (_cell(node / "ti,shunt-gain") or 4) / 4
        rail = replace(rail, shunt_ohm=shunt_uohm * 1e-6, current_lsb_a=max(step_v / (shunt_uohm * 1e-6), 1e-3))
    yield rail


def _with_own_names(rails: list[ChipRail]) -> Iterator[ChipRail]:
    names = [rail.name for rail in rails]
    for rail in rails:
        yield replace(rail, name=f"{rail.name} {rail.channel}") if names.count(rail.name) > 1 else rail


def _text(path: Path) -> str | None:
    """What a file says, without white space around it; None where there is no such file or it is empty."""
    try:
        return path.read_bytes().decode("ascii", "replace").strip()
    except PermissionError as error:
        raise no_permission(path) from error
    except OSError:
        return None


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and re.fullmatch(r"-?\d{1,12}", text) else None


def _cell(path: Path) -> int | None:
    """A number of the device tree: four bytes, the highest first."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    return int.from_bytes(data, "big") if len(data) == 4 else None
