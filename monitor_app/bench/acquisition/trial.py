# SPDX-License-Identifier: Apache-2.0
"""An instrument tried before it is used: it is opened for a moment, and says what it sends."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.bench.acquisition.instruments import make_instruments
from monitor_app.bench.trust import check_source
from monitor_app.core.errors import ProfileError, SourceError
from monitor_app.core.formatting import engineering, listed, sample_rate
from monitor_app.core.samples import Quantity, Role, SampleBlock

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from monitor_app.bench.acquisition.instruments import Instrument
    from monitor_app.core.samples import Signal, SourceInfo
    from monitor_app.core.source_specs import SourceSpec

TRIAL_S = 1.5
"""For how long samples are counted."""
LONGEST_S = 6.0
"""How long the first samples may take to come; slow meters answer once in seconds."""
READ_S = 0.05
PROGRAM = "{name} cannot be tested, because it starts a program: Start asks whether it may."
SILENT = "{name} was opened, and sent nothing for {seconds:g} s: check that it is switched on and measures."


@dataclass(frozen=True, slots=True)
class Trial:
    """What one instrument has sent."""

    model: str
    simulated: bool
    rate_hz: float
    """Samples a second, as they came."""
    watts: dict[str, float] = field(default_factory=dict)
    """Mean of each power, by its name; those with the role of the total alone, where there are any."""

    @property
    def sentence(self) -> str:
        """What users are told."""
        powers = [f"{name} {engineering(watts, 'W')}" for name, watts in self.watts.items()]
        said = f"{self.model}: {sample_rate(self.rate_hz)}, {listed(powers) if powers else 'no power'}"
        return f"{said} (SIMULATED)." if self.simulated else f"{said}."


def try_source(spec: SourceSpec, *, stopped: Callable[[], bool] = lambda: False) -> list[Trial]:
    """Open the instruments of one [[source]] table one after another, and count what they send.

    Raises MonitorError where one cannot be used, with what to do, or where the table has a program started.
    """
    try:
        check_source(spec)
    except ProfileError as error:
        raise SourceError(PROGRAM.format(name=spec.name)) from error
    instruments = make_instruments(spec)
    try:
        return [_tried(instrument, stopped) for instrument in instruments if not stopped()]
    finally:
        for instrument in instruments:
            instrument.close()


def _tried(instrument: Instrument, stopped: Callable[[], bool]) -> Trial:
    source = instrument.make_source(None)
    try:
        source.open()
        info = source.info
        blocks: list[SampleBlock] = []
        began = time.monotonic()
        until = began + LONGEST_S
        while time.monotonic() < until and not stopped():
            came = [each for each in source.read(READ_S) if isinstance(each, SampleBlock) and len(each)]
            if came and not blocks:
                until = min(until, time.monotonic() + TRIAL_S)
            blocks += came
    finally:
        source.close()
    if not blocks:
        raise SourceError(SILENT.format(name=instrument.name, seconds=LONGEST_S))
    return Trial(info.model, info.simulated, _rate_hz(info, blocks), _watts(info, blocks))


def _rate_hz(info: SourceInfo, blocks: list[SampleBlock]) -> float:
    """From the first to the last block, without the samples of the first, which were taken before it arrived."""
    seconds = (blocks[-1].arrival_ns - blocks[0].arrival_ns) * 1e-9
    return sum(map(len, blocks[1:])) / seconds if seconds > 0 else info.rate_hz


def _watts(info: SourceInfo, blocks: list[SampleBlock]) -> dict[str, float]:
    stored = {
        signal.name: np.concatenate([block.codes[k] for block in blocks]).astype(np.float64) * signal.scale
        + signal.offset
        for k, signal in enumerate(info.stored_signals)
    }
    powers = [signal for signal in info.signals if signal.quantity is Quantity.POWER]
    wanted = [signal for signal in powers if signal.role is Role.TOTAL] or powers
    return {signal.name: float(np.nanmean(_values(signal, stored))) for signal in wanted}


def _values(signal: Signal, stored: dict[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    if signal.product_of is None:
        return stored[signal.name]
    a, b = signal.product_of
    return stored[a] * stored[b]
