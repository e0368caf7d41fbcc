# SPDX-License-Identifier: Apache-2.0
"""Sessions with sensors whose every value is known, written without a bench."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from monitor_app.core.samples import Quantity, Role, Signal, SourceInfo

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor_app.session.writer import SessionWriter

    Shape = Callable[[np.ndarray], np.ndarray | float]

S = 1_000_000_000
START_NS = 7_000 * S
"""Time of the file at which every sensor begins."""
POWER = ("power", Quantity.POWER, Role.TOTAL)
TEMPERATURE = ("temperature", Quantity.TEMPERATURE, Role.OTHER)


def add_sensor(
    writer: SessionWriter,
    number: int,
    shape: Shape,
    *,
    what: tuple[str, Quantity, Role] = POWER,
    rate_hz: float = 100.0,
    seconds: float = 60.0,
    start_ns: int = START_NS,
) -> None:
    """A polled source of one signal: at the seconds after the start it shows ``shape`` of them."""
    name, quantity, role = what
    signal = Signal(name, quantity, role, "<f4", 1.0, 0.0)
    writer.add_source(number, SourceInfo(f"source {number}", "test", "", str(number), "", rate_hz, (signal,)))
    times_s = np.arange(0, seconds, 1 / rate_hz)
    if len(times_s):
        values = np.broadcast_to(np.asarray(shape(times_s), np.float32), times_s.shape)
        writer.write_timed_block(number, 0, (values,), start_ns + np.round(times_s * S).astype(np.int64))
    writer.commit()
