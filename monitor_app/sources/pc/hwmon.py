# SPDX-License-Identifier: Apache-2.0
"""The power sensors that a PC's kernel knows (hwmon): graphics cards, supplies, boards, shunt chips."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from monitor_app.core.errors import SourceError, SourceLostError
from monitor_app.core.samples import Quantity, Role, Signal, SourceInfo
from monitor_app.core.source_specs import Name, SourceSpec
from monitor_app.core.status import FoundSource
from monitor_app.sources.base import Described
from monitor_app.sources.polling import PASSING_ERRORS, Blocks, Clock, NumberFile, Schedule, read_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from monitor_app.core.samples import Reading

USUAL_INTERVAL_S = 0.1
"""Where a driver does not say how often its chip converts."""
SHORTEST_INTERVAL_S = 0.01
SILENCE_S = 3.0
_FOLDER = "sys/class/hwmon"
_POWER = re.compile(r"power(\d+)_(?:input|average)")
_CURRENT = re.compile(r"curr(\d+)_input")
# On a Jetson these chips are the board's rails, which have a source of their own (jetson-rails).
_JETSON_RAILS = frozenset({"ina3221", "ina238"})


class HwmonSpec(SourceSpec):
    """Power sensors that a PC's kernel knows (hwmon)."""

    kind: Literal["hwmon"]
    name: Name = "hwmon"
    root: str = "/"
    roles: dict[str, Role] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Sensor:
    """One file, and the signal that it fills."""

    path: Path
    name: str
    quantity: Quantity
    scale: float
    """SI units a count."""


@dataclass(frozen=True, slots=True)
class _Chip:
    sensors: tuple[_Sensor, ...]
    products: tuple[tuple[str, str, str], ...]
    """Names of a power and of the current and the voltage whose product it is."""
    interval_s: float | None


class HwmonSource(Described):
    """All power sensors of the machine, polled together as often as the slowest chip converts.

    A signal has the name of its device and the driver's label, or the channel where there is none: ``amdgpu PPT``,
    ``corsairpsu power2``. Where a chip measures current and voltage of a channel but no power, the power is their
    product. ``roles`` says what each feeds, by its name.
    """

    def __init__(
        self, name: str, root: str = "/", roles: Mapping[str, Role] | None = None, clock: Clock | None = None
    ) -> None:
        super().__init__(name)
        self._root = Path(root)
        self._roles = dict(roles or {})
        self._clock = clock or Clock()
        self._sensors: list[tuple[_Sensor, NumberFile]] = []

    def open(self) -> None:
        """Find the sensors and read them once. Raises SourceError where there is none that can be read."""
        self.close()
        chips = _chips(self._root)
        refused = []
        start_ns = self._clock.now_ns()
        for sensor in (sensor for chip in chips for sensor in chip.sensors):
            reason = self._try(sensor)
            if reason is not None:
                refused.append(f"{sensor.path} ({sensor.name}) cannot be read ({reason})")
        took_ns = self._clock.now_ns() - start_ns
        if not self._sensors:
            raise SourceError(_none_found(self._root, refused))
        known = [chip.interval_s for chip in chips if chip.interval_s is not None]
        interval_s = max([*known, SHORTEST_INTERVAL_S]) if len(known) == len(chips) else max([*known, USUAL_INTERVAL_S])
        self._info = self._describe(chips, interval_s, took_ns, refused)
        self._blocks = Blocks()
        self._schedule = Schedule(interval_s, self._clock)
        self._heard_ns = self._clock.now_ns()

    def read(self, timeout_s: float) -> list[Reading]:
        """One sample of every sensor when a poll is due. Raises SourceLostError when one is gone."""
        if not self._sensors:
            raise SourceLostError(f"{self._name} is not connected: connect it first.")
        slots = self._schedule.wait(timeout_s)
        if slots == 0:
            return []
        self._blocks.leave_out(slots - 1)
        start_ns = self._clock.now_ns()
        values = []
        for sensor, file in self._sensors:
            try:
                values.append(sensor.scale * file.read())
            except OSError as error:
                silent_s = (self._clock.now_ns() - self._heard_ns) * 1e-9
                if error.errno not in PASSING_ERRORS or silent_s > max(SILENCE_S, 3 / self.info.rate_hz):
                    raise SourceLostError(f"{sensor.name} can no longer be read ({_reason(error)}).") from error
                self._blocks.leave_out()
                return []
        arrival_ns = self._heard_ns = self._clock.now_ns()
        return [self._blocks.make(values, (start_ns + arrival_ns) // 2, arrival_ns)]

    def close(self) -> None:
        """Close the files; calling it twice is fine."""
        sensors, self._sensors = self._sensors, []
        for _, file in sensors:
            file.close()

    def _try(self, sensor: _Sensor) -> str | None:
        """Open and read it once; the reason when that fails."""
        try:
            file = NumberFile(sensor.path)
        except OSError as error:
            return _reason(error)
        try:
            file.read()
        except OSError as error:
            file.close()
            return _reason(error)
        self._sensors.append((sensor, file))
        return None

    def _describe(self, chips: list[_Chip], interval_s: float, took_ns: int, refused: list[str]) -> SourceInfo:
        signals = [self._signal(sensor.name, sensor.quantity) for sensor, _ in self._sensors]
        names = {signal.name for signal in signals}
        for power, *factors in (product for chip in chips for product in chip.products):
            if names.issuperset(factors):
                signals.append(self._signal(power, Quantity.POWER, (factors[0], factors[1])))
        notes = [f"{text} and is left out." for text in refused]
        if any(chip.interval_s is None for chip in chips):
            notes.append("A driver does not say how often its chip converts: a value may stand for several samples.")
        if any(sensor.path.name.endswith("_average") for sensor, _ in self._sensors):
            notes.append("A driver reports a mean power that it computes itself, which lags behind the power.")
        return SourceInfo(
            name=self._name,
            kind="hwmon",
            model=", ".join(dict.fromkeys(name.split(" ")[0] for name in (s.name for s in signals))),
            serial_number="",
            firmware="",
            rate_hz=1 / interval_s,
            signals=tuple(signals),
            transport_bound_ns=round(0.5e9 * interval_s) + took_ns // 2,
            notes=tuple(notes),
        )

    def _signal(self, name: str, quantity: Quantity, product_of: tuple[str, str] | None = None) -> Signal:
        return Signal(name, quantity, self._roles.get(name, Role.OTHER), product_of=product_of)


def find(root: Path) -> list[FoundSource]:
    """The power sensors of a machine that has any."""
    source = HwmonSource("probe", str(root))
    try:
        source.open()
    except SourceError:
        return []
    finally:
        source.close()
    sensors = ", ".join(signal.name for signal in source.info.signals)
    return [FoundSource("hwmon", "sysfs", sensors, True, "ready", {"kind": "hwmon"})]


def _chips(root: Path) -> list[_Chip]:
    """The chips that measure a power, or a current and a voltage, in the kernel's order; no device name twice."""
    tegra = "nvidia,tegra" in (read_text(root / "proc/device-tree/compatible") or "")
    folders = sorted((root / _FOLDER).glob("hwmon*"), key=lambda path: (len(path.name), path.name))
    named = [(folder, name) for folder in folders if (name := read_text(folder / "name"))]
    chips = []
    for (folder, name), device in zip(named, _device_names(named), strict=True):
        if tegra and name in _JETSON_RAILS:
            continue
        powers = tuple(_powers(folder, device))
        pairs = () if powers else tuple(_pairs(folder, device))
        sensors = powers + tuple(sensor for pair in pairs for sensor in pair)
        products = tuple((_product_name(current), current.name, voltage.name) for current, voltage in pairs)
        if sensors:
            chips.append(_Chip(sensors, products, _interval_s(folder)))
    return chips


def _device_names(named: list[tuple[Path, str]]) -> list[str]:
    """The drivers' names, of several alike with where they sit, and of several there with the kernel's number."""
    plain = [name for _, name in named]
    placed = [name if plain.count(name) == 1 else f"{name} {_where(folder)}" for folder, name in named]
    return [
        device if placed.count(device) == 1 else f"{name} {folder.name}"
        for (folder, name), device in zip(named, placed, strict=True)
    ]


def _powers(folder: Path, device: str) -> Iterator[_Sensor]:
    """Every powerN, its momentary value where the driver gives that and a mean."""
    for channel in _channels(folder, _POWER):
        momentary = folder / f"power{channel}_input"
        path = momentary if momentary.exists() else folder / f"power{channel}_average"
        label = _label(folder, "power", channel) or f"power{channel}"
        yield _Sensor(path, f"{device} {label}", Quantity.POWER, 1e-6)


def _pairs(folder: Path, device: str) -> Iterator[tuple[_Sensor, _Sensor]]:
    """Current and voltage of every channel that has both, unless their labels say that they are different things."""
    for channel in _channels(folder, _CURRENT):
        voltage = folder / f"in{channel}_input"
        labels = {label for kind in ("curr", "in") if (label := _label(folder, kind, channel)) is not None}
        if voltage.exists() and len(labels) < 2:
            rail = f"{device} {labels.pop() if labels else f'channel {channel}'}"
            yield (
                _Sensor(folder / f"curr{channel}_input", f"{rail} current", Quantity.CURRENT, 1e-3),
                _Sensor(voltage, f"{rail} voltage", Quantity.VOLTAGE, 1e-3),
            )


def _channels(folder: Path, pattern: re.Pattern[str]) -> list[int]:
    return sorted({int(match[1]) for path in folder.iterdir() if (match := pattern.fullmatch(path.name))})


def _label(folder: Path, kind: str, channel: int) -> str | None:
    """The driver's label, with the channel where another has the same; None where it gives none."""
    label = read_text(folder / f"{kind}{channel}_label")
    if not label:
        return None
    same = [path for path in folder.glob(f"{kind}*_label") if read_text(path) == label]
    return label if len(same) == 1 else f"{label} ({kind}{channel})"


def _product_name(current: _Sensor) -> str:
    return current.name.removesuffix("current") + "power"


def _where(folder: Path) -> str:
    """Where a device sits, which stays the same from start to start as its number here does not."""
    device = folder / "device"
    return os.path.basename(os.path.realpath(device)) if device.exists() else folder.name


def _interval_s(folder: Path) -> float | None:
    """How often the chip converts, as the driver says it (ms)."""
    text = read_text(folder / "update_interval")
    return int(text) * 1e-3 if text and text.isascii() and text.isdigit() else None


def _none_found(root: Path, refused: list[str]) -> str:
    if refused:
        return f"None of the power sensors can be read: {refused[0]}; look at its permissions, or try again as root."
    return (
        f"The kernel knows no power sensor in {root / _FOLDER}: load the driver of the chip that measures, "
        "such as with `sudo modprobe ina2xx`."
    )


def _reason(error: OSError) -> str:
    return error.strerror or str(error)
