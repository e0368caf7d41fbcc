# SPDX-License-Identifier: Apache-2.0
"""Everything that the results of one run are computed from, read from its session once.

What is computed from these values needs no reader: it is a function of arrays and rows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.run.signals import frequencies, sibling, total_power
from monitor_app.analysis.statistics.bootstrap import RESAMPLES
from monitor_app.core.clock import ClockMethod
from monitor_app.core.runs import STAGES, Phase
from monitor_app.core.samples import BOARD_KINDS, LINK, Quantity
from monitor_app.session.rows import PART
from monitor_app.sources.accuracy import PPK2, ppk2_limit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from monitor_app.analysis.run.correlation import Correlations, KnownCorrelation
    from monitor_app.core.estimate import Metric
    from monitor_app.session.reader import SessionReader
    from monitor_app.session.rows import MemoryRow, RunRow, SignalRow, SpanRow
    from monitor_app.session.waveform import Envelope, Statistics

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

GUARD_S = 0.25
"""Left out at the start of the timed span, at most a tenth of it: several time constants of a board's supply."""
IDLE_PHASES = (Phase.IDLE_BEFORE.value, Phase.IDLE_AFTER.value)
MANY = 200
"""Values during a run from which on the values at its ends matter by less than 0.2 %."""
SETTLED_PERIODS = 3
"""Of the meter, in a baseline that can spare one of them."""
_S = 1e-9


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is spent on the results of a run."""

    most_samples: int = 4_000_000
    """Of power; where there are more, means of neighbours are used."""
    resamples: int = RESAMPLES
    """For the intervals of latencies."""


LIVE = Effort(most_samples=20_000, resamples=50)
"""Takes milliseconds, for a window that is redrawn meanwhile: the same results with less exact intervals."""


@dataclass(frozen=True, slots=True)
class Readings:
    """A quantity over time; both arrays of shape (n,), times rising."""

    times_ns: Integers
    values: Floats


@dataclass(frozen=True, slots=True)
class Batches:
    """Batches of a run in their order, arrays of shape (n,)."""

    start_ns: Integers
    end_ns: Integers
    images: Integers
    """Or other units of work: frames, tokens, requests."""
    arrival_ns: Integers | None = None
    """When the request of each arrived; None: as its pass began. See `latency.latencies_s`."""

    @property
    def seconds(self) -> Floats:
        """Service times: of the passes alone."""
        return (self.end_ns - self.start_ns).astype(np.float64) * _S

    def delayed(self, by_ns: int) -> Batches:
        """The same batches at the times at which an instrument with that delay shows them."""
        return Batches(self.start_ns + by_ns, self.end_ns + by_ns, self.images)


@dataclass(frozen=True, slots=True)
class Instrument:
    """The known errors of the meter; None: it does not state them."""

    resolution_w: float | None
    accuracy: float | None
    """Relative bound of the gain error."""
    clock_bound_ns: float | None
    zero_w: float | None = None
    """Bound of a constant error."""


@dataclass(frozen=True, slots=True)
class Answers:
    """The accuracy phase of a run."""

    images: int
    correct: int


@dataclass(frozen=True, slots=True)
class PowerInputs:
    """The power of the board during one run, with the times as its instrument shows them."""

    batches: Batches
    """The timed ones."""
    power: Readings
    """W, from before the first batch to after the last one."""
    full: Statistics
    """Of all samples of the timed span but for the guard."""
    idle: tuple[Statistics, ...]
    """Of each idle baseline that is complete."""
    idle_before: Readings | None
    """W; None: that baseline was not measured."""
    idle_after: Readings | None
    instrument: Instrument
    clocks_hz: Mapping[str, Readings] = field(default_factory=lambda: MappingProxyType({}))
    """Clock frequencies of the board during the timed span, by name."""


@dataclass(frozen=True, slots=True)
class RunInputs:
    """One run, as far as it has come."""

    run: RunRow
    timed: Batches
    """Times by the host's clock."""
    device_s: Floats
    """Latencies of timed batches by the device's own events, shape (m,); m is 0 where it has none."""
    memory: tuple[MemoryRow, ...]
    top1: Answers
    top5: Answers
    power: PowerInputs | None
    """None without a power of the board, or without timed batches."""
    effort: Effort
    parts: NDArray[np.void] = field(default_factory=lambda: np.zeros(0, PART))
    """Of the timed passes, rows of the session; none for most runs."""
    metrics: tuple[Metric, ...] = ()
    """Accuracy by a metric of the user's own."""
    correlation: KnownCorrelation | None = None
    """Of consecutive batches, where other runs show it and this one is short."""
    stages_ns: Integers = field(default_factory=lambda: np.empty((0, len(STAGES) + 1), np.int64))
    """Of timed batches that were run end to end: the start of each of core.runs.STAGES and the end of the last."""


def run_inputs(
    reader: SessionReader, run: RunRow, effort: Effort = Effort(), correlations: Correlations | None = None
) -> RunInputs:
    """All that the results of one run need. Raises NotASessionError for a damaged session.

    Args:
        reader: the session.
        run: one of its runs.
        effort: how much is spent.
        correlations: what the runs of the session show of each other; None: short runs stand alone.
    """
    rows = reader.batches(run_id=run.id)
    timed = rows[rows["phase"] == Phase.TIMED.value]
    evaluated = rows[rows["phase"] == Phase.ACCURACY.value]
    # From here on an image stands for the unit of the run's work
    units = timed["images"] * run.units_of_item
    batches = Batches(timed["start_ns"], timed["end_ns"], units, timed["arrival_ns"])
    signal = total_power(reader)
    return RunInputs(
        run=run,
        timed=batches,
        device_s=timed["device_ns"][timed["device_ns"] >= 0] * _S,
        memory=tuple(reader.memory(run.id)),
        top1=_answers(evaluated, "top1"),
        top5=_answers(evaluated, "top5"),
        power=None if signal is None or not len(timed) else power_inputs(reader, signal, run, batches, effort),
        effort=effort,
        parts=reader.parts(run.id),
        metrics=tuple(reader.metrics(run.id)),
        correlation=None if correlations is None else correlations.of(run, len(timed)),
        stages_ns=_stages_ns(reader, run, timed),
    )


def _stages_ns(reader: SessionReader, run: RunRow, timed: NDArray[np.void]) -> Integers:
    stages = reader.stages(run.id)
    found: Integers = stages["stamps_ns"][np.isin(stages["batch"], timed["id"])]
    return found


def is_slow(period: float, span: float) -> bool:
    """Whether a meter with that period gives so few values in a span that those at its ends matter."""
    return period * MANY > span


def inner_span(start_ns: int, end_ns: int, period_ns: int, bound_ns: float = 0.0) -> tuple[int, int]:
    """The times of values of which the whole period lies inside a span, whatever point of it their time is."""
    margin_ns = period_ns + round(bound_ns)
    return start_ns + margin_ns, end_ns - margin_ns


def baseline_span(phase: str, start_ns: int, end_ns: int, period_ns: int) -> tuple[int, int]:
    """The times of a baseline's values, without those whose period may reach into the load before or after it."""
    if end_ns - start_ns < SETTLED_PERIODS * period_ns:
        return start_ns, end_ns
    after = phase == Phase.IDLE_AFTER.value
    return (start_ns + period_ns, end_ns) if after else (start_ns, end_ns - period_ns)


def delay_of(reader: SessionReader, source_id: int, until_ns: int) -> int:
    """The delay in ns with which a source shows the board; 0 where it is unknown or within its own bound."""
    found = reader.alignment(source_id, until_ns)
    return found.delay_ns if found is not None and abs(found.delay_ns) > found.bound_ns else 0


def clock_bound_ns(reader: SessionReader, source_id: int, until_ns: int) -> int | None:
    """How far the times of a source may be off those of the batches; None where the source does not say.

    Batches that ran on a board behind a link are off by its bound too. Not where the board's clock is on both sides:
    with a sync line, which the board switches, and for what is read from the board itself, which has it already.
    """
    clock = reader.clock(source_id, until_ns=until_ns)
    if clock is None:
        return None
    sources = {source.id: source for source in reader.sources()}
    link = next((source for source in sources.values() if source.kind == LINK), None)
    source = sources.get(source_id)
    if link is None or source is None or source.kind in BOARD_KINDS:
        return clock.bound_ns
    if clock.method == ClockMethod.LINE.value and not source.simulated:  # a simulated line is switched by this computer
        return clock.bound_ns
    of_link = reader.clock(link.id, until_ns=until_ns)
    return clock.bound_ns + (of_link.bound_ns if of_link is not None else 0)


def idle_spans(spans: list[SpanRow]) -> list[tuple[int, int]]:
    """Start and end of the idle baselines that are complete."""
    return [(s.start_ns, s.end_ns) for s in spans if s.phase in IDLE_PHASES and s.end_ns is not None]


def mean_over(statistics: tuple[Statistics, ...]) -> float | None:
    """Mean of all samples of several windows together, or None where there are none."""
    count = sum(each.count for each in statistics)
    return sum(each.count * each.mean for each in statistics if each.count) / count if count else None


def _answers(evaluated: NDArray[np.void], answer: str) -> Answers:
    judged = evaluated[evaluated[answer] >= 0]
    return Answers(int(judged["images"].sum()), int(judged[answer].sum()))


def power_inputs(reader: SessionReader, signal: SignalRow, run: RunRow, timed: Batches, effort: Effort) -> PowerInputs:
    """The power during batches of a run, at least one of them, with the idle baselines of the run."""
    last_ns = int(timed.end_ns.max())
    delay_ns = delay_of(reader, signal.source, last_ns)
    bound_ns = clock_bound_ns(reader, signal.source, last_ns)
    batches = timed.delayed(delay_ns)
    span = int(batches.start_ns[0]), int(batches.end_ns[-1])
    period_ns = _period_ns(reader, signal)
    idle = [
        (phase, *baseline_span(phase, start_ns + delay_ns, end_ns + delay_ns, period_ns))
        for phase, start_ns, end_ns in _baselines(reader, run)
    ]
    by_phase = {phase: _readings(reader, signal, start_ns, end_ns, effort) for phase, start_ns, end_ns in idle}
    return PowerInputs(
        batches=batches,
        power=power_around(reader, signal, batches, bound_ns, effort),
        full=_full(reader, signal, batches, period_ns),
        idle=tuple(reader.statistics(signal.id, start_ns, end_ns) for _, start_ns, end_ns in idle),
        idle_before=by_phase.get(Phase.IDLE_BEFORE.value),
        idle_after=by_phase.get(Phase.IDLE_AFTER.value),
        instrument=Instrument(
            _resolution_w(reader, signal, *span),
            _accuracy(reader, signal, *span),
            bound_ns,
            _zero_w(reader, signal, *span),
        ),
        clocks_hz={each.name: _readings(reader, each, *span, effort) for each in frequencies(reader)},
    )


def power_around(
    reader: SessionReader, signal: SignalRow, batches: Batches, bound_ns: float | None, effort: Effort
) -> Readings:
    """Power from before the first batch to after the last one, at the times at which the instrument shows them."""
    around_ns = round(bound_ns or 0.0) + 2 * _period_ns(reader, signal)
    return _readings(reader, signal, int(batches.start_ns[0]) - around_ns, int(batches.end_ns[-1]) + around_ns, effort)


def _baselines(reader: SessionReader, run: RunRow) -> list[tuple[str, int, int]]:
    """Phase, start and end."""
    return [
        (each.phase, each.start_ns, each.end_ns)
        for each in reader.spans(run.id)
        if each.phase in IDLE_PHASES and each.end_ns is not None
    ]


def _guard_ns(timed: Batches) -> int:
    return min(round(GUARD_S * 1e9), int(timed.end_ns.max() - timed.start_ns.min()) // 10)


def _resolution_w(reader: SessionReader, power: SignalRow, start_ns: int, end_ns: int) -> float | None:
    """One step of a power. Of a product: a step of each factor, at the mean of the other (JCGM 100:2008, 5.1.2)."""
    if power.resolution is not None or not power.is_product:
        return power.resolution
    factors = [signal for signal in reader.signals() if signal.id in {power.factor_a, power.factor_b}]
    means = [reader.statistics(signal.id, start_ns, end_ns).mean for signal in factors]
    steps = [signal.resolution for signal in factors]
    if len(factors) != 2 or None in steps:
        return None
    a_step, b_step = (float(step or 0.0) for step in steps)
    return math.hypot(a_step * means[1], b_step * means[0])


def _accuracy(reader: SessionReader, power: SignalRow, start_ns: int, end_ns: int) -> float | None:
    """Limit of the error of the gain: as the source states it, of a PPK2 that of the ranges that it used.

    The file does not hold the range of a sample; the kit chooses it by the current.
    """
    kind = next((source.kind for source in reader.sources() if source.id == power.source), "")
    current = sibling(reader, power, Quantity.CURRENT)
    if kind != "ppk2" or power.accuracy != PPK2.power or current is None:
        return power.accuracy
    return ppk2_limit(reader.statistics(current.id, start_ns, end_ns).maximum)


def _zero_w(reader: SessionReader, power: SignalRow, start_ns: int, end_ns: int) -> float | None:
    """The bound of a constant error of a power; of a product, both factors' zeros at the mean of the other."""
    limits = reader.zero_limits()
    if power.id in limits or not power.is_product:
        return limits.get(power.id)
    factors = power.factor_a, power.factor_b
    if not any(factor in limits for factor in factors):
        return None
    a_mean, b_mean = (reader.statistics(factor or 0, start_ns, end_ns).mean for factor in factors)
    a_limit, b_limit = (limits.get(factor or 0, 0.0) for factor in factors)
    return a_limit * abs(b_mean) + b_limit * abs(a_mean)


def _full(reader: SessionReader, signal: SignalRow, batches: Batches, period_ns: int) -> Statistics:
    """Of all samples of the timed span but for the guard; of a slow meter, of those that lie wholly inside."""
    start_ns, end_ns = int(batches.start_ns.min()), int(batches.end_ns.max())
    if is_slow(period_ns, end_ns - start_ns):
        inner = reader.statistics(signal.id, *inner_span(start_ns, end_ns, period_ns))
        if inner.count:
            return inner
    return reader.statistics(signal.id, start_ns + _guard_ns(batches), end_ns)


def _period_ns(reader: SessionReader, signal: SignalRow) -> int:
    rate_hz = reader.sample_rate_hz((signal.factor_a or signal.id) if signal.is_product else signal.id)
    return round(1e9 / rate_hz) if rate_hz else 0


def _readings(reader: SessionReader, signal: SignalRow, start_ns: int, end_ns: int, effort: Effort) -> Readings:
    """Samples of a span, or means of neighbours where there are too many, each at the middle of its samples."""
    pieces = [_middles(each) for each in reader.envelopes(signal.id, start_ns, end_ns, effort.most_samples)]
    times_ns, values = (np.concatenate(column) for column in zip(*pieces, strict=True))
    return Readings(times_ns, values)


def _middles(groups: Envelope) -> tuple[Integers, Floats]:
    """Times and means of groups."""
    middle = (groups.samples_per_column - 1) / (2 * groups.samples_per_column)
    times_ns = groups.start_ns + np.round((groups.end_ns - groups.start_ns) * middle).astype(np.int64)
    return times_ns, groups.mean
