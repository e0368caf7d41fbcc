# SPDX-License-Identifier: Apache-2.0
"""A Jetson's /proc and /sys in a folder, and chips that answer as the kernel's drivers let them."""

from __future__ import annotations

import errno
import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class JetsonTree:
    """Files as the drivers name them; numbers in their units: mV, mA, uW, ms, uOhm."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._numbers = iter(range(3, 100))

    def device_tree(self, model: str, *compatible: str, folder: str = "proc/device-tree") -> None:
        place = self.root / folder
        place.mkdir(parents=True)
        (place / "model").write_bytes(model.encode() + b"\0")
        (place / "compatible").write_bytes(b"".join(each.encode() + b"\0" for each in compatible))

    def iio(
        self,
        place: str,
        names: list[str],
        *,
        folder: str = "iio:device0",
        both: bool = True,
        config: int | None = None,
        shunt_mohm: int | None = None,
        mv: int = 5000,
        ma: int = 1000,
    ) -> Path:
        """JetPack 4 and before; channel k has k more milliamperes, so that they can be told apart."""
        device = self._device("ina3221x", place)
        values = device / folder
        values.mkdir()
        for k, name in enumerate(names):
            write(values / f"rail_name_{k}", name)
            write(values / f"in_voltage{k}_input", mv)
            write(values / f"in_current{k}_input", ma + k)
            write(values / f"in_power{k}_input", mv * (ma + k) // 1000)
            write(values / f"crit_current_limit_{k}", "32760 ma")
            if both:
                write(values / f"ui_input_{k}", f"{mv} {ma + k}")
            if shunt_mohm is not None:
                node = device / f"of_node/channel@{k}"
                node.mkdir(parents=True)
                (node / "ti,shunt-resistor-mohm").write_bytes(shunt_mohm.to_bytes(4, "big"))
        write(values / "running_mode", 1)
        if config is not None:
            (device / "of_node").mkdir(exist_ok=True)
            (device / "of_node/ti,trigger-config").write_bytes((0x7003).to_bytes(4, "big"))
            (device / "of_node/ti,continuous-config").write_bytes(config.to_bytes(4, "big"))
        return values

    def hwmon(
        self,
        place: str,
        labels: dict[int, str],
        *,
        interval_ms: int | None = 7,
        samples: int = 1,
        shunt_uohm: int | None = 5000,
        mv: int = 5000,
        ma: int = 1000,
    ) -> Path:
        """JetPack 5 to 7; a channel without a label is off."""
        values = self._device("ina3221", place) / f"hwmon/hwmon{next(self._numbers)}"
        values.mkdir(parents=True)
        write(values / "name", "ina3221")
        write(values / "in7_label", "sum of shunt voltages")
        write(values / "in7_input", 99)
        write(values / "curr4_input", 99)
        write(values / "samples", samples)
        if interval_ms is not None:
            write(values / "update_interval", interval_ms)
        for k in (1, 2, 3):
            write(values / f"in{k}_input", mv)
            write(values / f"curr{k}_input", ma + k - 1)
            write(values / f"in{k + 3}_input", 200)
            write(values / f"in{k}_enable", int(k in labels))
            if k in labels:
                write(values / f"in{k}_label", labels[k])
            if shunt_uohm is not None:
                write(values / f"shunt{k}_resistor", shunt_uohm)
        return values

    def ina238(self, place: str, *, mv: int = 20_000, ma: int = 2500, uw: int = 50_100_000) -> Path:
        device = self._device("ina238", place)
        values = device / f"hwmon/hwmon{next(self._numbers)}"
        values.mkdir(parents=True)
        (device / "of_node").mkdir()
        for name, value in {"in0": 5, "in1": mv, "curr1": ma, "power1": uw, "temp1": 40_000}.items():
            write(values / f"{name}_input", value)
        write(values / "name", "ina238")
        return values

    def _device(self, driver: str, place: str) -> Path:
        """Under /sys/devices, and linked from the driver's folder as the kernel does."""
        device = self.root / "sys/devices" / f"{driver}-{place}"
        device.mkdir(parents=True)
        folder = self.root / "sys/bus/i2c/drivers" / driver
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("bind", "unbind", "uevent"):
            (folder / name).touch()
        (folder / place).symlink_to(Path("../../../../devices") / device.name)
        return device


def write(path: Path, value: object) -> None:
    """As sysfs shows it, with a line end."""
    path.write_text(f"{value}\n", encoding="ascii")


class Clock:
    """Time that goes on only when somebody waits."""

    def __init__(self) -> None:
        self.ns = 1_000_000_000

    def now(self) -> int:
        return self.ns

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.ns += max(round(seconds * 1e9), 1)


class FileSeam:
    """Stands in for os.pread: counts the reads of each file, may make them fail, and lets time pass."""

    def __init__(self, clock: Clock, read_ns: int = 150_000) -> None:
        self.clock = clock
        self.read_ns = read_ns
        self.calls: Counter[str] = Counter()
        self.fail: Callable[[str], int | None] = lambda _name: None
        self.texts: Callable[[str], bytes | None] = lambda _name: None

    def __call__(self, fd: int, length: int, offset: int) -> bytes:
        assert offset == 0
        name = Path(os.readlink(f"/proc/self/fd/{fd}")).name
        self.calls[name] += 1
        self.clock.ns += self.read_ns
        code = self.fail(name)
        if code is not None:
            raise OSError(code, os.strerror(code))
        self.wait(name)
        text = self.texts(name)
        return os.pread(fd, length, offset) if text is None else text[:length]

    def wait(self, name: str) -> None:
        """Nothing: these drivers answer at once."""


class WaitingChip(FileSeam):
    """The hwmon driver: a read waits for the flag that a conversion sets and a read clears."""

    def __init__(self, clock: Clock, cycle_ns: int) -> None:
        super().__init__(clock)
        self.cycle_ns = cycle_ns
        self._taken = -1
        """The conversion that was last read."""
        self.texts = lambda _name: str(self.conversion).encode() + b"\n"

    @property
    def conversion(self) -> int:
        """The last whole one; number k lasts from k to k + 1 cycles."""
        return self.clock.ns // self.cycle_ns - 1

    def wait(self, name: str) -> None:
        if self.conversion == self._taken:
            self.clock.ns = (self._taken + 2) * self.cycle_ns + 10_000
        self._taken = self.conversion


class FreeChip(FileSeam):
    """The other drivers: a read gives the last whole conversion at once."""

    def __init__(self, clock: Clock, cycle_ns: int, text: str = "{0}") -> None:
        super().__init__(clock)
        self.cycle_ns = cycle_ns
        self.texts = lambda _name: f"{text.format(self.conversion)}\n".encode()

    @property
    def conversion(self) -> int:
        return self.clock.ns // self.cycle_ns - 1


def always(code: int) -> Callable[[str], int | None]:
    """Every read fails."""
    return lambda _name: code


def at_reads(of: str, which: set[int], code: int = errno.EAGAIN) -> Callable[[str], int | None]:
    """Reads of one file fail, by their count from now."""
    count = iter(range(1_000_000))
    return lambda name: code if name == of and next(count) in which else None
