# SPDX-License-Identifier: Apache-2.0
"""Net power while nothing runs is noise, and is not read as a number with a sign."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from monitor_app.bench.messages import Opened, Status
from monitor_app.core.clock import ClockState
from monitor_app.gui.panels.readouts import Number, Readouts, unit_px
from monitor_app.gui.session import recording
from monitor_app.gui.theme import SMALL_PX, set_text_size
from tests.gui.conftest import BUSY, IDLE_A, RATE_HZ, VOLTS, StandIn, Tape, at, frames, status

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from monitor_app.gui.main_window import MainWindow

NOISE_A = 0.02


class NoisyTape(Tape):
    """With noise: at idle after 20 s, with a little more current, or a run of its own."""

    def write_idle(self, start_s: float, end_s: float, more_a: float) -> None:
        k = np.arange(round(start_s * RATE_HZ), round(end_s * RATE_HZ))
        noise = np.random.default_rng(round(10 * start_s)).normal(0, NOISE_A, len(k))
        amps = (IDLE_A + more_a + noise).astype("<f4")
        volts = np.full(len(k), VOLTS, "<f4")
        self._writer.write_block(1, int(k[0]), (amps, volts), at(k[0] / RATE_HZ), at(k[-1] / RATE_HZ))
        self._writer.commit()

    def write_run(self, more_a: float) -> None:
        """The first run alone, during which so much more flows."""
        for start_s in np.arange(0.0, 9.0, 0.5).tolist():
            busy = BUSY[0][0] <= start_s < BUSY[0][1]
            self.write_idle(start_s, start_s + 0.5, more_a if busy else 0.0)
            self._events(start_s, start_s + 0.5)
        self._writer.write_clock(1, at(9.0), ClockState(float(RATE_HZ), 210_000))
        self._writer.commit()


@pytest.mark.parametrize(("more_a", "shown"), [(0.0, "0"), (0.02, "0.20")])
def test_within_its_noise_net_power_is_zero_with_a_bound(
    open_window: Callable[..., MainWindow], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more_a: float, shown: str
) -> None:
    monkeypatch.setattr(recording, "SILENT_S", 1e6)
    tape = NoisyTape(tmp_path / "noisy.plm")
    tape.write_until(20.0)
    tape.write_idle(20.0, 21.0, more_a)
    bench = StandIn(tape.path)
    bench.say(Opened(str(tape.path)), Status(status()))
    window = open_window(bench)
    frames(window)
    net = window.parts.panel(Readouts).numbers[1].reading
    assert net.text == shown
    if shown == "0":
        assert net.unit.startswith("± ")
        assert net.unit.endswith(" mW")
        # Twice the standard error of 5000 independent samples, whose scatter is known here.
        assert float(net.unit.split()[1]) == pytest.approx(2e3 * NOISE_A * VOLTS / 5000**0.5, rel=0.6)
    tape.close()


@pytest.mark.parametrize(("more_a", "shown"), [(0.0, "0"), (0.05, "0.50")])
def test_so_it_is_of_a_run_that_was_recorded(
    open_window: Callable[..., MainWindow], tmp_path: Path, more_a: float, shown: str
) -> None:
    """A network that draws no more than the idle board does."""
    tape = NoisyTape(tmp_path / "light.plm")
    tape.write_run(more_a)
    tape.close()
    window = open_window(None, tape.path)
    window.show_run(1)
    frames(window, 3)
    net = window.parts.panel(Readouts).numbers[1].reading
    assert net.text == shown
    if shown == "0":
        sign, bound, unit = net.unit.split()
        assert (sign, unit) == ("±", "mW")
        # Twice the standard error of the difference of two means of independent samples; the drift of idle adds to it.
        timed, idle = 0.9 * 3.0 * RATE_HZ, 2.0 * RATE_HZ
        least_mw = 2e3 * NOISE_A * VOLTS * (1 / timed + 1 / idle) ** 0.5
        assert 0.8 * least_mw <= float(bound) <= 20 * least_mw


@pytest.mark.parametrize("percent", [100, 130])
def test_the_bound_is_written_also_in_large_text(
    open_window: Callable[..., MainWindow], tmp_path: Path, percent: int
) -> None:
    tape = NoisyTape(tmp_path / "light.plm")
    tape.write_run(0.0)
    tape.close()
    window = open_window(None, tape.path)
    window.show_run(1)
    frames(window, 3)
    try:
        window.appearance.set_text_percent(percent)
        net: Number = window.parts.panel(Readouts).numbers[1]
        assert net.width() >= 90, "at 1280 pixels"
        assert unit_px("± 18.3 mW", net.width() - 30) is not None
        assert unit_px("W", net.width() - 30) == SMALL_PX, "no smaller than it has to be"
        assert unit_px("± 18.3 mW", 10) is None
    finally:
        set_text_size(100)


def test_larger_text_makes_no_number_smaller(open_window: Callable[..., MainWindow], tmp_path: Path) -> None:
    tape = NoisyTape(tmp_path / "light.plm")
    tape.write_run(0.2)
    tape.close()
    window = open_window(None, tape.path)
    window.show_run(1)
    drawn_px = {}
    try:
        for percent in (100, 130):
            window.appearance.set_text_percent(percent)
            frames(window, 3)
            numbers = window.parts.panel(Readouts).numbers
            drawn_px[percent] = min(number.largest_px() for number in numbers) * percent / 100
    finally:
        set_text_size(100)
    assert drawn_px[130] > drawn_px[100] - 2, "but for what is rounded"
