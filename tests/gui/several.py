# SPDX-License-Identifier: Apache-2.0
"""A session of a meter, of rails that are polled, and of the difference of the two that the bench computes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from monitor_app.bench.messages import Opened, Status
from monitor_app.core.clock import ClockMethod, ClockState
from monitor_app.core.samples import Quantity, Role, Signal, SourceInfo
from monitor_app.core.status import BenchPhase, BenchStatus, FoundSource, SourceState, SourceStatus
from monitor_app.session.writer import SessionWriter
from tests.gui.conftest import T0_NS, StandIn

if TYPE_CHECKING:
    from pathlib import Path

METER_HZ, RAILS_HZ = 10_000, 25
LENGTH_S = 12.0
METER_W, RAILS_W, STEP_W = 6.0, 4.0, 2.0
GAP_S = (8.0, 9.0)
"""Of the rails alone."""
NOTE = "The module total excludes the carrier board."


def meter() -> SourceInfo:
    signals = (
        Signal("current", Quantity.CURRENT, resolution=1e-4),
        Signal("voltage", Quantity.VOLTAGE),
        Signal("power", Quantity.POWER, Role.TOTAL, product_of=("current", "voltage")),
    )
    return SourceInfo("meter", "ppk2", "Power meter", "M-17", "1", METER_HZ, signals)


def rails() -> SourceInfo:
    """Forty signals as jtop has them, the powers not first."""
    temperatures = tuple(Signal(f"zone{k}", Quantity.TEMPERATURE, resolution=0.5) for k in range(37))
    powers = (
        Signal("VDD_GPU", Quantity.POWER, Role.GPU, resolution=0.01),
        Signal("power", Quantity.POWER, Role.TOTAL, resolution=0.38),
        Signal("GPU clock", Quantity.FREQUENCY),
    )
    notes = (NOTE, "Each value is a mean over 40 ms.")
    return SourceInfo("rails", "jetson-rails", "Jetson TX1", "", "", RAILS_HZ, (*temperatures, *powers), notes=notes)


def beyond() -> SourceInfo:
    signals = (Signal("power", Quantity.POWER, Role.OTHER),)
    return SourceInfo("carrier and regulators", "difference", "", "", "", RAILS_HZ, signals)


def write_several(path: Path) -> None:
    """12 s: the power of both doubles, in effect, after 6 s by STEP_W; the rails miss a second."""
    writer = SessionWriter(path)
    for number, info in enumerate((meter(), rails(), beyond()), start=1):
        writer.add_source(number, info)
    k = np.arange(round(LENGTH_S * METER_HZ))
    watts = METER_W + STEP_W * (k >= len(k) // 2)
    amps, volts = (watts / 10).astype("<f4"), np.full(len(k), 10, "<f4")
    for start in range(0, len(k), METER_HZ):
        piece = slice(start, start + METER_HZ)
        first_ns, last_ns = (T0_NS + round(j * 1e9 / METER_HZ) for j in (start, start + METER_HZ - 1))
        writer.write_block(1, start, (amps[piece], volts[piece]), first_ns, last_ns)
    n = round(LENGTH_S * RAILS_HZ)
    lost = [round(each * RAILS_HZ) for each in GAP_S]
    for first, end in ((0, lost[0]), (lost[1], n)):
        j = np.arange(first, end)
        times_ns = T0_NS + (j * (10**9 // RAILS_HZ)).astype(np.int64)
        busy = j >= n // 2
        columns = [np.full(len(j), 40 + zone, "<f4") for zone in range(37)]
        columns += [np.where(busy, 2.0, 1.0), RAILS_W + STEP_W * busy, np.full(len(j), 998.4e6)]
        writer.write_timed_block(2, first, tuple(c.astype("<f4") for c in columns), times_ns)
        writer.write_timed_block(3, first, (np.full(len(j), METER_W - RAILS_W, "<f4"),), times_ns)
    writer.write_gap(2, lost[0], lost[1] - lost[0], *(T0_NS + round(each * 1e9) for each in GAP_S), "test")
    writer.write_clock(1, T0_NS, ClockState(float(METER_HZ), 20_000, ClockMethod.LINE))
    writer.write_clock(2, T0_NS, ClockState(float(RAILS_HZ), 21_000_000, ClockMethod.POLLED))
    writer.close()


FOUND = (
    FoundSource("lines", "/dev/ttyACM3", "EdgePowerMeter", True, "ready",
                {"kind": "lines", "format": "edgepowermeter", "port": "/dev/ttyACM3"}),
    FoundSource("shunt", "simulated-tx1 shunt", "SIMULATED Jetson TX1 with a 50 kSa/s shunt", True, "ready",
                {"kind": "shunt", "emulate": "tx1"}),
    FoundSource("serial", "/dev/ttyUSB0", "FT232R", False, "You may not open /dev/ttyUSB0: join the group dialout."),
    FoundSource("ppk2", "/dev/ttyACM1", "PPK2 M-17", True, "ready", {"kind": "ppk2", "serial_number": "M-17"}),
    FoundSource("serial", "/dev/ttyACM0", "in use", False, "in use by this session"),
)  # fmt: skip


def several_status(
    *, rails: SourceState = SourceState.STREAMING, message: str = "", found: tuple[FoundSource, ...] = ()
) -> BenchStatus:
    sources = (
        SourceStatus("meter", "ppk2", SourceState.STREAMING, "", 10_000.0, 0, 20_000, "line", False, "Power meter",
                     "M-17"),
        SourceStatus("rails", "jetson-rails", rails, message, 25.0, 25, 21_000_000, "polled", False, "Jetson TX1", "",
                     (NOTE, "Each value is a mean over 40 ms.")),
    )  # fmt: skip
    return BenchStatus(phase=BenchPhase.MONITORING, sources=sources, found=found, message=message)


class SeveralBench(StandIn):
    """A bench that has recorded such a session and says so."""

    def __init__(self, session: Path) -> None:
        super().__init__(session)
        self.say(Opened(str(session)), Status(several_status()))
