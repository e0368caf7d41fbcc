# SPDX-License-Identifier: Apache-2.0
"""The energy of the spans that a program has marked, by their names, with the uncertainty of their mean.

The energy of a span is what the board drew from its start to its end. It is computed where the meter resolves the
span (`batch_energy.LEAST_SAMPLES` of its values), or where spans of one name follow each other so closely that their
mean is that of the whole: then as that of batches (``energy.py``). Else there is a reason in its place: beside a span
that is shorter than the meter's period lies other work, and a value that holds both cannot be divided
(docs/decisions/0036-marks-from-inside.md).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.run.batch_energy import LEAST_COVERAGE, LEAST_SAMPLES, NO_IDLE, Idle, noise_j
from monitor_app.analysis.run.energy import COVERAGE_FACTOR, SHIFTS, Baseline, Budget, energy_of_run
from monitor_app.analysis.run.inputs import Batches, Effort, power_around
from monitor_app.analysis.run.integration import Integral, Mean, mean_power
from monitor_app.analysis.run.signals import total_power
from monitor_app.analysis.statistics.short_series import half_width
from monitor_app.core.estimate import Estimate
from monitor_app.core.runs import Phase

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from monitor_app.analysis.run.inputs import Instrument, PowerInputs, Readings
    from monitor_app.session.reader import SessionReader
    from monitor_app.session.rows import RunRow, SignalRow

    Floats = NDArray[np.float64]

LEAST_FILLED = 0.95
"""Of the time from the first to the last span of a name: with more beside them, they are not the whole."""
_FILLED = 0.98
"""Of the samples that may be read at once."""
_SQRT3 = math.sqrt(3)
_S = 1e-9


@dataclass(frozen=True, slots=True)
class WorkEnergy:
    """Energy of the spans of one name in one run."""

    gross_j: Floats
    """Of each span that was measured, shape (n,); empty where only the mean is known."""
    net_j: Floats | None
    """The same above idle; None where idle power was not measured."""
    mean_gross_j: float
    """Of a span."""
    mean_net_j: float | None
    budget: Budget
    """Of the mean, in J: of the net energy, or of the gross one where that is all there is."""
    gross_budget: Budget
    measured: int
    """Spans that it rests on: all but those in which samples are missing."""

    def estimate(self, *, net: bool) -> Estimate | None:
        """The mean of these spans with its 95 % interval; without the scatter of spans, which is no error."""
        value, budget = (self.mean_net_j, self.budget) if net else (self.mean_gross_j, self.gross_budget)
        if value is None:
            return None
        half = COVERAGE_FACTOR * budget.measured
        return Estimate(value, value - half, value + half)


@dataclass(frozen=True, slots=True)
class WorkResult:
    """The spans of one name in one run."""

    name: str
    run_id: int
    start_ns: NDArray[np.int64]
    seconds: Floats
    """Of each span, shape (n,)."""
    images: int
    """Of all spans together; 0 where they were given none."""
    energy: WorkEnergy | None
    reason: str = ""
    """Why there is no energy, one sentence."""
    at_most_j: float | None = None
    """Then a span took no more than this on average, gross: what the board drew from the first to the last of them."""


def work_of_run(
    reader: SessionReader,
    run: RunRow,
    inputs: PowerInputs | None,
    effort: Effort = Effort(),  # noqa: B008, frozen
) -> tuple[WorkResult, ...]:
    """What a program did in one run, by name, in the order in which the names first came.

    Args:
        reader: the session.
        run: one whose work was a command.
        inputs: of `command_inputs`; None: power was not measured.
        effort: how much is read at once.

    Raises:
        NotASessionError: the session is damaged.
    """
    spans, signal = reader.work_spans(run_id=run.id), total_power(reader)
    found = []
    for name in spans.names:
        rows = spans.of(name)
        if not len(rows):
            continue  # moments only
        batches = Batches(rows["start_ns"], rows["end_ns"], rows["images"])
        result = WorkResult(name, run.id, rows["start_ns"], batches.seconds, int(rows["images"].sum()), None)
        if inputs is None or signal is None:
            found.append(replace(result, reason="Power was not measured."))
            continue
        delay_ns = int(inputs.batches.start_ns[0] - _first_batch_ns(reader, run))
        energy = _energy(_Around(reader, signal, inputs, effort), batches.delayed(delay_ns))
        if isinstance(energy, WorkEnergy):
            found.append(replace(result, energy=energy))
        else:
            found.append(replace(result, reason=energy, at_most_j=_at_most_j(inputs, batches.delayed(delay_ns))))
    return tuple(found)


def _first_batch_ns(reader: SessionReader, run: RunRow) -> int:
    rows = reader.batches(run_id=run.id)
    return int(rows[rows["phase"] == Phase.TIMED.value]["start_ns"][0])


def _mean(readings: Readings | None) -> Mean | None:
    return None if readings is None else mean_power(readings)


@dataclass(frozen=True, slots=True)
class _Around:
    """Power around spans, read in pieces, so that a long recording is not read as means of neighbours."""

    reader: SessionReader
    signal: SignalRow
    inputs: PowerInputs
    effort: Effort

    @property
    def instrument(self) -> Instrument:
        return self.inputs.instrument

    @property
    def period_s(self) -> float:
        signal = self.signal
        rate_hz = self.reader.sample_rate_hz((signal.factor_a or signal.id) if signal.is_product else signal.id)
        return 1 / rate_hz if rate_hz else math.inf

    @property
    def idle(self) -> Idle:
        inputs = self.inputs
        if inputs.idle_before is None and inputs.idle_after is None:
            return NO_IDLE
        return Idle(_mean(inputs.idle_before), _mean(inputs.idle_after))

    def pieces(self, spans: Batches) -> Iterator[tuple[Readings, Batches]]:
        """Spans in their order, a piece of them at a time, with the power around them."""
        most_ns = round(_FILLED * self.effort.most_samples * self.period_s * 1e9)
        ends_ns = np.maximum.accumulate(spans.end_ns)
        first = 0
        while first < len(spans.start_ns):
            last = max(int(np.searchsorted(ends_ns, spans.start_ns[first] + most_ns, "right")), first + 1)
            piece = Batches(spans.start_ns[first:last], spans.end_ns[first:last], spans.images[first:last])
            whole = Batches(piece.start_ns[:1], piece.end_ns.max(keepdims=True), np.ones(1, np.int64))
            yield power_around(self.reader, self.signal, whole, self.instrument.clock_bound_ns, self.effort), piece
            first = last


def _energy(around: _Around, spans: Batches) -> WorkEnergy | str:
    """A sentence that says why where there is none."""
    period_s, median_s = around.period_s, float(np.median(spans.seconds))
    if not math.isfinite(period_s):
        return "No power was recorded."
    if period_s * LEAST_SAMPLES <= median_s:
        return _resolved(around, spans)
    whole = _as_batches(around, spans)
    if whole is not None:
        return whole
    return (
        f"The meter gives a value every {1e3 * period_s:.3g} ms and a span takes {1e3 * median_s:.3g} ms, with other "
        f"work beside it: use a meter with a value every {1e3 * median_s / LEAST_SAMPLES:.2g} ms."
    )


def _resolved(around: _Around, spans: Batches) -> WorkEnergy | str:
    """From the samples within each span."""
    sums = _Sums()
    for power, piece in around.pieces(spans):
        sums.add(power, piece, around.instrument)
    gross_j, kept = np.concatenate(sums.gross_j), np.concatenate(sums.kept)
    if not kept.any():
        return "Samples of the power are missing."
    used = Batches(spans.start_ns[kept], spans.end_ns[kept], spans.images[kept])
    gross_j, seconds, count = gross_j[kept], used.seconds, int(kept.sum())
    idle, instrument = around.idle, around.instrument
    baseline = Baseline.of(used, idle.before, idle.after)
    net_j = None if baseline is None else gross_j - baseline.power_w * seconds
    total_s = float(seconds.sum())
    samples = round(total_s / around.period_s)
    clock_j = math.hypot(sums.clock_j, sums.edges_j) / count

    def budget(values: Floats, above: Baseline | None) -> Budget:
        # The noise is that of the meter while the board was idle, also of gross energy.
        noise = noise_j(around.inputs.power, baseline, instrument, total_s, samples)
        if above is None:
            noise = {**noise, "idle_noise": 0.0, "drift": 0.0}
        return Budget(
            **{cause: value / count for cause, value in noise.items()},
            spread=half_width(values) / COVERAGE_FACTOR if count > 1 else 0.0,
            clock=clock_j,
            gain=(instrument.accuracy or 0.0) * abs(float(values.mean())) / _SQRT3,
            zero=0.0 if above else (instrument.zero_w or 0.0) / _SQRT3 * total_s / count,
        )

    gross_budget = budget(gross_j, None)
    return WorkEnergy(
        gross_j=gross_j,
        net_j=net_j,
        mean_gross_j=float(gross_j.mean()),
        mean_net_j=None if net_j is None else float(net_j.mean()),
        budget=gross_budget if net_j is None else budget(net_j, baseline),
        gross_budget=gross_budget,
        measured=count,
    )


class _Sums:
    """What is added up over the pieces of a recording."""

    def __init__(self) -> None:
        self.gross_j: list[Floats] = []
        self.kept: list[NDArray[np.bool_]] = []
        self._moved_j = np.zeros(SHIFTS)
        self._edges_j = 0.0

    def add(self, power: Readings, piece: Batches, instrument: Instrument) -> None:
        """The spans of a piece."""
        if len(power.values) < 2:
            self.gross_j.append(np.zeros(len(piece.images)))
            self.kept.append(np.zeros(len(piece.images), np.bool_))
            return
        integral = Integral(power)
        start_ns, end_ns, seconds = piece.start_ns, piece.end_ns, piece.seconds
        kept = (integral.covered_s(start_ns, end_ns) >= LEAST_COVERAGE * seconds) & (seconds > 0)
        gross_j = integral.between(start_ns, end_ns)
        self.gross_j.append(gross_j)
        self.kept.append(kept)
        start_ns, end_ns, gross_j, seconds = start_ns[kept], end_ns[kept], gross_j[kept], seconds[kept]
        # Nobody knows whether the time of a value is the start, the middle or the end of its period.
        bound_ns = (instrument.clock_bound_ns or 0.0) + integral.period_s * 1e9
        for place, by in enumerate(np.linspace(-bound_ns, bound_ns, SHIFTS).astype(np.int64)):
            self._moved_j[place] += float(integral.between(start_ns + by, end_ns + by).sum())
        # A value may be the mean over its period, which rounds off the steps at the ends of a span: a quarter of a
        # period of the step at most, at each end.
        half_ns = round(integral.period_s * 1e9 / 2)
        outside_j = integral.between(start_ns - half_ns, start_ns) + integral.between(end_ns, end_ns + half_ns)
        inside_j = gross_j / seconds * (2 * half_ns * _S)
        self._edges_j += float((inside_j - outside_j).sum()) / 4

    @property
    def clock_j(self) -> float:
        """Standard uncertainty of all spans together where all are moved by the same unknown time."""
        return float(np.abs(self._moved_j - self._moved_j[SHIFTS // 2]).max()) / _SQRT3

    @property
    def edges_j(self) -> float:
        """The same from the steps of the power at the ends of the spans."""
        return abs(self._edges_j) / _SQRT3


def _as_batches(around: _Around, spans: Batches) -> WorkEnergy | None:
    """As the batches of a run, where hardly anything lies between them; None where they are not so, or too short."""
    filled_s, length_s = float(spans.seconds.sum()), float(spans.end_ns.max() - spans.start_ns[0]) * _S
    apart = bool((spans.start_ns[1:] >= spans.end_ns[:-1]).all())
    if not apart or length_s <= 0 or filled_s < LEAST_FILLED * length_s:
        return None
    idle = around.idle
    one_each = Batches(spans.start_ns, spans.end_ns, np.ones(len(spans.images), np.int64))
    found = energy_of_run(around.inputs.power, one_each, around.instrument, idle.before, idle.after)
    if found is None or not math.isfinite(found.gross.budget.measured):
        return None
    nothing = np.empty(0)
    return WorkEnergy(
        gross_j=nothing,
        net_j=None if found.net is None else nothing,
        mean_gross_j=found.gross.j_per_batch,
        mean_net_j=None if found.net is None else found.net.j_per_batch,
        budget=(found.net or found.gross).budget,
        gross_budget=found.gross.budget,
        measured=found.batches,
    )


def _at_most_j(inputs: PowerInputs, spans: Batches) -> float | None:
    """What a span can have taken on average, where they do not overlap: together no more than the board drew."""
    if (spans.start_ns[1:] < spans.end_ns[:-1]).any() or len(inputs.power.values) < 2:
        return None
    integral = Integral(inputs.power)
    period_ns = round(integral.period_s * 1e9)
    first_ns, last_ns = spans.start_ns[:1] - period_ns, spans.end_ns[-1:] + period_ns
    if float(integral.covered_s(first_ns, last_ns)[0]) < LEAST_COVERAGE * float(last_ns[0] - first_ns[0]) * _S:
        return None
    return float(integral.between(first_ns, last_ns)[0]) / len(spans.images)
