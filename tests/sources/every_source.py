# SPDX-License-Identifier: Apache-2.0
"""Every kind of source with something behind it: an emulator on a pty, a service, a tree of files; and its life story.

The serial ones talk to the product's own emulators, which were written from the same facts by other hands.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from monitor_app.core.samples import Quantity, Role
from monitor_app.sources.jetson.boards import load_board
from monitor_app.sources.jetson.chips import find_chips
from monitor_app.sources.jetson.driver import RailsSource
from monitor_app.sources.jtop.driver import JtopSource
from monitor_app.sources.lines.described_meter import Column, LinesSpec, TimeColumn
from monitor_app.sources.lines.driver import LinesSource
from monitor_app.sources.pc.hwmon import HwmonSource
from monitor_app.sources.pc.nvml import NvmlSource
from monitor_app.sources.pc.rapl import RaplSource
from monitor_app.sources.powersensor3.driver import PowerSensor3Source
from monitor_app.sources.ppk2.driver import Ppk2Source
from monitor_app.sources.scpi.driver import ScpiSource, ScpiSpec
from monitor_app.sources.scpi.oscilloscope import ScopeSource, ScopeSpec
from monitor_app.sources.shunt.driver import ShuntSource
from tests.sources.jetson.tree import JetsonTree, write
from tests.sources.jtop.service import stand_in
from tests.sources.pc.nvml_stub import UNKNOWN, Nvml
from tests.sources.polled import write_tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from monitor_app.core.samples import PowerSource

START_S = 60.0
TX1_IDLE_W = 1.30
OUTAGE_S = 0.3


class Port(str):
    """Where an emulator is found, and the process that it is."""

    __slots__ = ("pid",)

    def __new__(cls, path: str, pid: int) -> Port:
        port = super().__new__(cls, path)
        port.pid = pid
        return port


@contextlib.contextmanager
def emulator(module: str, *options: str) -> Iterator[Port]:
    """One of monitor_app.emulators as a process of its own; what it printed: its port."""
    command = [sys.executable, "-m", f"monitor_app.emulators.{module}", "--until-stdin-closes", *options]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        ready, _, _ = select.select([process.stdout], [], [], START_S)
        assert ready, f"{command} printed no port"
        port = process.stdout.readline().decode().strip()
        assert port, f"{command} did not start"
        yield Port(port, process.pid)
    finally:
        process.send_signal(signal.SIGCONT)
        process.stdin.close()
        process.wait(START_S)
        process.stdout.close()
    assert process.returncode == 0


@dataclass
class Subject:
    """A source that is not open yet, and what is known of what it is connected to."""

    source: PowerSource
    kind: str
    signals: dict[str, tuple[Quantity, Role]]
    watts: tuple[str, float, float]
    """A power, what it is, and how far it may be off."""
    simulated: bool = False
    polled: bool = False
    """It gives its samples their times itself."""
    turn: Callable[[], None] = lambda: None
    """What the world does between two reads."""
    answer_s: float = 0.0
    """What it has asked it waits for, for so long."""
    lose: Callable[[], None] = lambda: None
    """Make it lose samples from now on; a fault of an emulator comes by itself."""


class Outage:
    """Something that fails for a while."""

    def __init__(self, begin: Callable[[], None], end: Callable[[], None], duration_s: float = OUTAGE_S) -> None:
        self._begin, self._end, self._duration_s = begin, end, duration_s
        self._until: float | None = None

    def start(self) -> None:
        self._begin()
        self._until = time.monotonic() + self._duration_s

    def turn(self) -> None:
        if self._until is not None and time.monotonic() > self._until:
            self._end()
            self._until = None


AMPERE, VOLT, WATT = Quantity.CURRENT, Quantity.VOLTAGE, Quantity.POWER
ONE_METER = {"current": (AMPERE, Role.OTHER), "voltage": (VOLT, Role.OTHER), "power": (WATT, Role.TOTAL)}
ONE_CURRENT = {"current": (AMPERE, Role.OTHER), "power": (WATT, Role.TOTAL)}
TOTAL = {"power": Role.TOTAL}


@contextlib.contextmanager
def shunt() -> Iterator[Subject]:
    with emulator("shunt", "--fault", "drop@1.5:2000/5") as port:
        yield Subject(ShuntSource("it", port, TOTAL), "shunt", ONE_METER, ("power", TX1_IDLE_W, 0.02), simulated=True)


@contextlib.contextmanager
def powersensor3() -> Iterator[Subject]:
    with emulator("powersensor3", "--pairs", "2", "--fault", "drop@2:1900/5") as port:
        signals = of_rails(["tx1", "GPU"], {"tx1": Role.TOTAL})
        source = PowerSensor3Source("it", port, {"tx1": Role.TOTAL})
        # Its step is half a watt; the mean is finer, as its noise is wider than its step.
        yield Subject(source, "powersensor3", signals, ("tx1", TX1_IDLE_W, 0.1), simulated=True)


@contextlib.contextmanager
def ppk2(mode: str) -> Iterator[Subject]:
    with emulator("ppk2", "--supply-v", "4.5", "--fault", "drop@2:1600/5") as port:
        source = Ppk2Source("it", port, mode, 4.5, TOTAL)
        yield Subject(source, "ppk2", ONE_CURRENT, ("power", TX1_IDLE_W / 8, 0.005), simulated=True)


@contextlib.contextmanager
def lines(spec: LinesSpec) -> Iterator[Subject]:
    with emulator("lines", "--format", spec.format, "--fault", "garbage@4:64/5") as port:
        source = LinesSource("it", port, spec)
        # The INA226 rounds its bus to 1.25 mV of 19 V and its shunt to 0.125 mA.
        yield Subject(source, "lines", ONE_METER, ("power", TX1_IDLE_W, 0.02), simulated=True, polled=True)


EDGE = LinesSpec(kind="lines", format="edgepowermeter")
CSV = LinesSpec(
    kind="lines",
    format="csv",
    columns=(
        Column(name="current", field=1, quantity=AMPERE, scale=1e-3),
        Column(name="voltage", field=2, quantity=VOLT),
    ),
    time=TimeColumn(field=0, scale_s=1e-6),
)
BARE_CSV = CSV.model_copy(update={"time": None})
JSON = LinesSpec(
    kind="lines",
    format="json",
    columns=(Column(name="current", quantity=AMPERE), Column(name="voltage", quantity=VOLT)),
    time=TimeColumn(field="t_us", scale_s=1e-6),
    start="START",
    stop="STOP",
)
LABELLED = LinesSpec(
    kind="lines",
    format="labelled",
    columns=(
        Column(name="current", field="Current(mA)", quantity=AMPERE, scale=1e-3),
        Column(name="voltage", field="Voltage(V)", quantity=VOLT),
    ),
)


@contextlib.contextmanager
def scpi(model: str) -> Iterator[Subject]:
    # A question that goes unanswered for longer than the driver waits is a poll that is left out.
    with emulator("scpi", "--model", model) as port:
        asleep = Outage(partial(os.kill, port.pid, signal.SIGSTOP), partial(os.kill, port.pid, signal.SIGCONT), 1.8)
        spec = ScpiSpec(
            kind="scpi", model=model, interval_s=0.1, supply_v=19.0 if model == "dmm" else None,
            resource=f"ASRL{port}::INSTR",
        )  # fmt: skip
        signals = ONE_METER if model == "e364x" else ONE_CURRENT
        yield Subject(
            ScpiSource("it", spec), "scpi", signals, ("power", TX1_IDLE_W, 0.03), simulated=True, polled=True,
            turn=asleep.turn, lose=asleep.start, answer_s=1.0,
        )  # fmt: skip


@contextlib.contextmanager
def scope() -> Iterator[Subject]:
    """Between two records it is blind, so it loses samples of itself."""
    with emulator("scpi", "--model", "scope") as resource:
        spec = ScopeSpec(kind="scope", resource=resource, a_per_v=10.0, supply_v=19.0, record_s=0.2, points=10_000)
        source = ScopeSource("it", spec)
        yield Subject(source, "scope", ONE_CURRENT, ("power", TX1_IDLE_W, 0.3), simulated=True, polled=True)


@contextlib.contextmanager
def jetson_rails(form: str, seconds: float) -> Iterator[Subject]:
    with tempfile.TemporaryDirectory() as folder:
        tree = JetsonTree(Path(folder))
        tree.device_tree("NVIDIA Jetson Xavier NX", "nvidia,p3509-0000+p3668-0001", "nvidia,tegra194")
        names = ["VDD_IN", "VDD_CPU_GPU_CV", "VDD_SOC"]
        if form == "hwmon":
            file = tree.hwmon("7-0040", {k + 1: name for k, name in enumerate(names)}, mv=5000, ma=1000) / "curr1_input"
        else:
            file = tree.iio("7-0040", names, mv=5000, ma=1000) / "ui_input_0"
        outage = Outage(partial(os.truncate, file, 0), partial(write, file, file.read_text().strip()), seconds)
        board = load_board("jetson-xavier-nx")
        (chip,) = find_chips(tree.root, board)
        roles = {"VDD_IN": Role.TOTAL}
        yield Subject(
            RailsSource("it", chip, board), "jetson-rails", of_rails(names, roles), ("VDD_IN", 5.0, 1e-6), polled=True,
            turn=outage.turn, lose=outage.start,
        )  # fmt: skip


def of_rails(names: list[str], roles: dict[str, Role]) -> dict[str, tuple[Quantity, Role]]:
    return {
        f"{name}{what}": (quantity, roles.get(name + what, Role.OTHER))
        for name in names
        for what, quantity in ((" current", AMPERE), (" voltage", VOLT), ("", WATT))
    }


JTOP_UPDATE = {
    "power": {
        "rail": {"VDD_GPU": {"volt": 5000, "curr": 300, "power": 1500, "avg": 1500, "online": True}},
        "tot": {"volt": 5000, "curr": 1000, "power": 5000, "avg": 5000, "online": True, "name": "VDD_IN"},
    },
    "temperature": {"tj": {"temp": 41.5, "online": True}},
    "gpu": {"gpu": {"type": "integrated", "status": {"load": 25.0}, "freq": {"cur": 306_000}}},
    "mem": {"RAM": {"tot": 4_000_000, "used": 1_000_000}},
    "fan": {},
    "cpu": {"total": {}, "cpu": []},
}  # fmt: skip


@contextlib.contextmanager
def jtop() -> Iterator[Subject]:
    """A service that speaks when it is told; while it keeps quiet, updates are missing."""
    with stand_in(first=JTOP_UPDATE) as service:
        quiet = Outage(lambda: words.clear(), lambda: words.append(JTOP_UPDATE))
        words = [JTOP_UPDATE]

        def turn() -> None:
            quiet.turn()
            for word in words:
                service.tell(publish=word)

        signals = of_rails(["VDD_GPU", "VDD_IN"], {"VDD_IN": Role.TOTAL}) | {
            "tj temperature": (Quantity.TEMPERATURE, Role.OTHER),
            "RAM used": (Quantity.LEVEL, Role.OTHER),
            "gpu load": (Quantity.LEVEL, Role.OTHER),
            "gpu frequency": (Quantity.FREQUENCY, Role.OTHER),
        }

        yield Subject(
            JtopSource("it", 0.1, python=sys.executable, socket=service.socket),
            "jtop", signals, ("VDD_IN", 5.0, 1e-6), polled=True, turn=turn, lose=quiet.start,
        )  # fmt: skip


@contextlib.contextmanager
def nvml() -> Iterator[Subject]:
    gpu = Nvml()
    outage = Outage(lambda: gpu.refuses.update(all=UNKNOWN), gpu.refuses.clear)
    began, at_first_mj = time.perf_counter(), gpu.energy_mj

    def turn() -> None:
        gpu.energy_mj = at_first_mj + round((time.perf_counter() - began) * 150_000)
        outage.turn()

    signals = {
        "power": (WATT, Role.GPU),
        "power by energy counter": (WATT, Role.OTHER),
        "gpu load": (Quantity.LEVEL, Role.OTHER),
        "sm clock": (Quantity.FREQUENCY, Role.OTHER),
        "memory clock": (Quantity.FREQUENCY, Role.OTHER),
        "temperature": (Quantity.TEMPERATURE, Role.OTHER),
        "memory used": (Quantity.LEVEL, Role.OTHER),
    }
    source = NvmlSource("it", load_library=lambda: gpu)
    yield Subject(source, "nvml", signals, ("power", 150.0, 1e-3), polled=True, turn=turn, lose=outage.start)
    assert gpu.users == 0


@contextlib.contextmanager
def rapl() -> Iterator[Subject]:
    """A counter that goes on by 20 W; set back, as by a sleep of the machine, it tells nothing of an interval."""
    with tempfile.TemporaryDirectory() as folder:
        zone = "sys/class/powercap/intel-rapl:0"
        files = {"name": "package-0", "energy_uj": 50_000_000, "max_energy_range_uj": 262_143_328_850}
        root = write_tree(Path(folder), {f"{zone}/{name}": content for name, content in files.items()})
        began = [time.perf_counter()]

        def turn() -> None:
            write(root / zone / "energy_uj", 50_000_000 + round((time.perf_counter() - began[0]) * 20e6))

        def set_back() -> None:
            began[0] = time.perf_counter()

        source = RaplSource("it", str(root), {"package-0": Role.CPU})
        # The file is written before it is read, and so late as the machine is busy.
        yield Subject(
            source, "rapl", {"package-0": (WATT, Role.CPU)}, ("package-0", 20.0, 4.0), polled=True,
            turn=turn, lose=set_back,
        )  # fmt: skip


@contextlib.contextmanager
def hwmon() -> Iterator[Subject]:
    with tempfile.TemporaryDirectory() as folder:
        chip = "sys/class/hwmon/hwmon0"
        files = {"name": "ina226", "power1_input": 12_350_000, "update_interval": 100}
        root = write_tree(Path(folder), {f"{chip}/{name}": content for name, content in files.items()})
        power = root / chip / "power1_input"
        outage = Outage(partial(os.truncate, power, 0), partial(write, power, 12_350_000))
        source = HwmonSource("it", str(root), {"ina226 power1": Role.TOTAL})
        yield Subject(
            source, "hwmon", {"ina226 power1": (WATT, Role.TOTAL)}, ("ina226 power1", 12.35, 1e-6), polled=True,
            turn=outage.turn, lose=outage.start,
        )  # fmt: skip


CASES: dict[str, Callable[[], AbstractContextManager[Subject]]] = {
    "shunt": shunt,
    "powersensor3": powersensor3,
    "ppk2 as ammeter": partial(ppk2, "ampere"),
    "ppk2 as supply": partial(ppk2, "source"),
    "edgepowermeter": partial(lines, EDGE),
    "csv with a time": partial(lines, CSV),
    "csv without a time": partial(lines, BARE_CSV),
    "json": partial(lines, JSON),
    "labelled": partial(lines, LABELLED),
    "scpi supply": partial(scpi, "e364x"),
    "scpi multimeter": partial(scpi, "dmm"),
    "scope": scope,
    "jetson rails by hwmon": partial(jetson_rails, "hwmon", 0.3),
    "jetson rails by iio": partial(jetson_rails, "iio", 1.0),
    "jtop": jtop,
    "nvml": nvml,
    "rapl": rapl,
    "hwmon": hwmon,
}
