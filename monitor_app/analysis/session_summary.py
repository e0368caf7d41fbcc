# SPDX-License-Identifier: Apache-2.0
"""The results of a whole session: what `show` prints. The JSON keys are a contract, see docs/session-format.md."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from monitor_app.analysis.link import BoardLink, board_link
from monitor_app.analysis.run.batch_energy import BatchEnergy
from monitor_app.analysis.run.correlation import Correlations
from monitor_app.analysis.run.inputs import Effort, delay_of, idle_spans, mean_over, run_inputs
from monitor_app.analysis.run.results import RunResult, run_result
from monitor_app.analysis.run.signals import is_simulated, powers_of_sources, total_power
from monitor_app.core.models.units import worded
from monitor_app.core.runs import RunState
from monitor_app.core.samples import LINK
from monitor_app.session.schema import FORMAT_VERSION, NOTES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monitor_app.analysis.run.energy import Budget, EnergySummary, Figure
    from monitor_app.analysis.run.latency import LatencySummary
    from monitor_app.analysis.run.load.under_load import LoadResult
    from monitor_app.analysis.run.parts import PartResult
    from monitor_app.analysis.run.stages import StageResult
    from monitor_app.core.estimate import Estimate, Proportion
    from monitor_app.session.reader import Extent, SessionReader
    from monitor_app.session.rows import AlignmentRow, ClockRow, LogRow, SignalRow, SourceRow

MACHINE = ("machine", "processor", "cores")
"""Keys of a session's metadata that are of what the networks ran on."""
YEAR_9999_NS = 253_402_300_800 * 10**9
"""Later dates cannot be formatted; a damaged file may hold them."""


@dataclass(frozen=True, slots=True)
class SourceSummary:
    """One instrument over the session."""

    source: SourceRow
    rate_hz: float | None
    """Samples per second of host time, over the whole session."""
    clock: ClockRow | None
    """The last known relation of its clock to the host's, with its bound."""
    alignment: AlignmentRow | None
    """Its delay behind the board, where a load-step sequence was run."""
    mean_w: float | None
    """Mean of its total power, or of its only power."""
    lost_samples: int
    implausible_samples: int
    """Those that a bit flipped on the line explains best; they are among the others, as they came."""


@dataclass(frozen=True, slots=True)
class SessionSummary:
    """The results of a session; None where something was not measured."""

    title: str
    started_utc: datetime | None
    duration_s: float
    complete: bool
    """The recording was closed properly."""
    simulated: bool
    sources: tuple[SourceSummary, ...]
    lost_samples: int
    coverage: float | None
    energy_j: float | None
    mean_w: float | None
    idle_w: float | None
    full_w: float | None
    runs: tuple[RunResult, ...]
    notes: str = ""
    """What the user has written about it."""
    log: tuple[LogRow, ...] = ()
    link: BoardLink | None = None
    """To the board that the networks ran on, where that was not the computer that recorded."""
    machine: Mapping[str, str] = field(default_factory=dict)
    """What the networks ran on, as far as it is known: processor, cores, board, kernel, power mode, versions."""

    @property
    def swing_w(self) -> float | None:
        """Power at full load minus idle power."""
        return None if self.full_w is None or self.idle_w is None else self.full_w - self.idle_w


def summarise(reader: SessionReader) -> SessionSummary:
    """All results of a session. Raises NotASessionError for a damaged one."""
    extent, power, meta = reader.extent(), total_power(reader), reader.meta()
    whole = reader.statistics(power.id, extent.start_ns, extent.end_ns) if power and extent else None
    idle = tuple(reader.statistics(power.id, *span) for span in _idle_windows(reader, power)) if power else ()
    runs = tuple(run_results(reader))
    powers = powers_of_sources(reader)
    instruments = [source for source in reader.sources() if source.kind != LINK]
    sources = tuple(_source(reader, source, powers.get(source.id), extent) for source in instruments)
    return SessionSummary(
        title=meta.get("title", ""),
        started_utc=started_utc(reader),
        duration_s=extent.duration_s if extent else 0.0,
        complete="completed_utc_ns" in meta,
        simulated=is_simulated(reader),
        sources=sources,
        lost_samples=reader.lost_samples(),
        coverage=whole.coverage if whole else None,
        energy_j=whole.mean * whole.duration_s * whole.coverage if whole and whole.count else None,
        mean_w=whole.mean if whole and whole.count else None,
        idle_w=mean_over(idle),
        full_w=_full_w(runs),
        runs=runs,
        notes=meta.get(NOTES, "").strip(),
        log=tuple(reader.log()),
        link=board_link(reader),
        machine={**{key: meta[key] for key in MACHINE if key in meta}, **reader.environment()},
    )


def run_results(reader: SessionReader, effort: Effort = Effort()) -> list[RunResult]:  # noqa: B008, it is frozen
    """All runs of a session, in order."""
    correlations = Correlations(reader)
    return [run_result(run_inputs(reader, run, effort, correlations)) for run in reader.runs()]


def as_json(summary: SessionSummary) -> dict[str, Any]:
    """The summary as the JSON document of `show --json`."""
    main = next(iter(summary.sources), None)
    return {
        "format_version": FORMAT_VERSION,
        "title": summary.title,
        "notes": summary.notes,
        "started_utc": summary.started_utc.isoformat() if summary.started_utc else None,
        "duration_s": summary.duration_s,
        "complete": summary.complete,
        "simulated": summary.simulated,
        "sample_rate_hz": main.rate_hz if main else None,
        "lost_samples": summary.lost_samples,
        "coverage": summary.coverage,
        "energy_j": summary.energy_j,
        "mean_w": summary.mean_w,
        "idle_w": summary.idle_w,
        "full_w": summary.full_w,
        "swing_w": summary.swing_w,
        "board": summary.link and _link_json(summary.link),
        "machine": dict(summary.machine),
        "sources": [_source_json(source) for source in summary.sources],
        "runs": [_run_json(result, simulated=summary.simulated) for result in summary.runs],
        "log": [{"level": row.level, "text": row.text} for row in summary.log],
    }


def _full_w(runs: tuple[RunResult, ...]) -> float | None:
    """Mean power over the timed spans of all completed runs."""
    done = [(r.timed_s, r.power.full_w) for r in runs if r.power and r.run.state == RunState.DONE.value]
    total_s = sum(timed_s for timed_s, _ in done)
    return sum(timed_s * full_w for timed_s, full_w in done) / total_s if total_s else None


def _idle_windows(reader: SessionReader, power: SignalRow) -> list[tuple[int, int]]:
    """The idle baselines at the times at which the source of the power shows them."""
    return [
        (start_ns + delay_ns, end_ns + delay_ns)
        for start_ns, end_ns in idle_spans(reader.spans())
        for delay_ns in [delay_of(reader, power.source, end_ns)]
    ]


def _source(reader: SessionReader, source: SourceRow, power: SignalRow | None, extent: Extent | None) -> SourceSummary:
    stored = [s for s in reader.signals() if s.source == source.id and not s.is_product]
    whole = reader.statistics(power.id, extent.start_ns, extent.end_ns) if power and extent else None
    return SourceSummary(
        source,
        reader.sample_rate_hz(stored[0].id) if stored else None,
        reader.clock(source.id),
        reader.alignment(source.id),
        whole.mean if whole and whole.count else None,
        sum(gap.n for gap in reader.gaps() if gap.source == source.id),
        len(reader.implausible(source.id)),
    )


def started_utc(reader: SessionReader) -> datetime | None:
    """When the first sample was taken, or None where it is not known."""
    pairs, extent = reader.utc_pairs(), reader.extent()
    if not pairs or extent is None:
        return None
    host_ns, utc_ns = pairs[0]
    started_ns = utc_ns + extent.start_ns - host_ns
    return datetime.fromtimestamp(started_ns * 1e-9, timezone.utc) if 0 <= started_ns < YEAR_9999_NS else None


def _link_json(link: BoardLink) -> dict[str, Any]:
    return {
        "host": link.host,
        "name": link.name,
        "link_bound_us": link.bound_ns and link.bound_ns / 1000,
        "link_bound_max_us": link.worst_ns and link.worst_ns / 1000,
    }


def _source_json(summary: SourceSummary) -> dict[str, Any]:
    source, clock, delay = summary.source, summary.clock, summary.alignment
    return {
        "name": source.name,
        "kind": source.kind,
        "model": source.model,
        "serial_number": source.serial_number,
        "firmware": source.firmware,
        "nominal_rate_hz": source.rate_hz,
        "sample_rate_hz": summary.rate_hz,
        "clock_bound_us": clock and clock.bound_ns / 1000,
        "clock_method": clock and clock.method,
        "delay_us": delay
        and {"value": delay.delay_ns / 1000, "bound": delay.bound_ns / 1000, "correlation": delay.correlation},
        "mean_w": summary.mean_w,
        "lost_samples": summary.lost_samples,
        "implausible_samples": summary.implausible_samples,
        "simulated": source.simulated,
        "notes": list(source.notes),
    }


def _run_json(result: RunResult, *, simulated: bool) -> dict[str, Any]:
    run, latency, power = result.run, result.latency, result.power
    return {
        "id": run.id,
        "cycle": run.cycle,
        "network": run.network,
        "title": run.title,
        "batch_size": run.batch_size,
        "precision": run.precision,
        "device": run.device,
        "threads": run.threads,
        "channels_last": bool(run.channels_last),
        "compiled": bool(run.compiled),
        "power_mode": run.power_mode,
        "clocks": run.clocks,
        "back_end": run.back_end,
        "facts": dict(run.facts),
        "load": run.load.title,
        "state": run.state,
        "error": run.error,
        "parameters": run.parameters,
        "macs": run.macs,
        "operations": run.operations,
        "weights": run.weights,
        "weights_sha256": run.weights_sha256,
        "dataset": run.dataset,
        "unit": result.unit,
        worded("images", result.unit): result.images,
        worded("images_per_s", result.unit): result.images_per_s,
        "steady": None if run.steady is None else bool(run.steady),
        "warm_up_note": run.warm_up_note,
        worded("ms_per_image", result.unit): _interval_json(result.seconds_per_image, 1e3),
        "latency_ms": latency and _latency_json(latency),
        "service_ms": result.passes and _latency_json(result.passes),
        "under_load": result.load and _load_json(result.load),
        "stages": [_stage_json(stage) for stage in result.stages],
        "device_latency_ms": result.device_latency and _latency_json(result.device_latency),
        "idle_w": power and power.idle_w,
        "full_w": power and power.full_w,
        "net_w": power and power.net_w,
        "idle_uncertainty_w": _finite(result.idle_uncertainty_w),
        "full_uncertainty_w": _finite(result.full_uncertainty_w),
        "net_uncertainty_w": _finite(result.net_uncertainty_w),
        "net_power_budget": result.energy and result.energy.net_w and _budget_json(result.energy.net_w),
        worded("energy_j_per_image", result.unit): result.energy and _energy_json(result.energy),
        "memory": [
            {"kind": use.kind, "net_bytes": use.net_bytes, "peak_bytes": use.peak_bytes, "floor_bytes": use.floor_bytes}
            for use in result.memory
        ],
        "coverage": power and power.coverage,
        "top1": _proportion_json(result.top1),
        "top5": _proportion_json(result.top5),
        "metrics": [asdict(metric) for metric in result.metrics],
        "parts": [_part_json(part) for part in result.parts],
        "accuracy_note": run.accuracy_note,
        "notes": list(result.notes),
        "simulated": simulated,
    }


def _part_json(part: PartResult) -> dict[str, Any]:
    """Prefill or decode: per token that is read, or that is added."""
    return {
        "kind": part.kind,
        "tokens": part.units,
        "tokens_per_s": _interval_json(part.units_per_s, 1.0),
        "latency_ms": part.latency and _latency_json(part.latency),
        "energy_j_per_token": part.energy and _energy_json(part.energy),
        "energy_note": part.lacking,
    }


def _load_json(found: LoadResult) -> dict[str, Any]:
    """Rates a second, times in milliseconds, energies of the whole phase in joules; null: not known."""
    energy = found.phase_energy if isinstance(found.phase_energy, BatchEnergy) else None
    return {
        "offered_hz": found.offered_hz,
        "achieved_hz": found.achieved_hz,
        "capacity_hz": found.capacity_hz,
        "utilisation": found.utilisation,
        "waiting_ms": _interval_json(found.waiting, 1e3),
        "unserved": found.unserved,
        "steady": found.overload is None,
        "phase_j_per_image": _interval_json(found.phase_j_per_image, 1.0),
        "phase_mean_w": energy and energy.mean_w,
        "no_phase_energy": found.phase_energy if isinstance(found.phase_energy, str) else None,
    }


def _stage_json(stage: StageResult) -> dict[str, Any]:
    return {
        "stage": stage.name,
        "ms": _interval_json(stage.mean, 1e3),
        "part": stage.part,
        "gross_j": _interval_json(stage.gross_j, 1.0),
        "no_energy": stage.no_energy,
    }


def _latency_json(latency: LatencySummary) -> dict[str, Any]:
    """Milliseconds; null for percentiles with too few batches beyond, and for intervals of too few batches.

    The mean and the median are always those of these batches.
    """
    found = {name: getattr(latency, name) for name in ("mean", "p50", "p90", "p95", "p99")}
    return {
        "batches": latency.count,
        **{name: estimate and estimate.value * 1e3 for name, estimate in found.items()},
        "p50": latency.median_s * 1e3,
        "intervals": {name: _ends_json(estimate, 1e3) for name, estimate in found.items()},
    }


def _energy_json(energy: EnergySummary) -> dict[str, Any]:
    """Joules; uncertainties are standard uncertainties, each with its budget. Null: too few batches to know them."""
    return {
        "gross": energy.gross.j_per_image,
        "gross_uncertainty": _finite(energy.gross.uncertainty_j),
        "gross_budget": _budget_json(energy.gross.budget),
        "net": energy.net and energy.net.j_per_image,
        "net_uncertainty": energy.net and _finite(energy.net.uncertainty_j),
        "net_budget": energy.net and _budget_json(energy.net.budget),
        "net_percentiles": energy.net and _percentiles_json(energy.net),
    }


def _budget_json(budget: Budget) -> dict[str, float | None]:
    return {name: _finite(value) for name, value in asdict(budget).items()}


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _ends_json(estimate: Estimate | None, scale: float) -> list[float] | None:
    if estimate is None or not math.isfinite(estimate.high):
        return None
    return [estimate.low * scale, estimate.high * scale]


def _interval_json(estimate: Estimate | None, scale: float) -> dict[str, Any] | None:
    return None if estimate is None else {"value": estimate.value * scale, "interval": _ends_json(estimate, scale)}


def _percentiles_json(figure: Figure) -> dict[str, float] | None:
    if figure.percentiles_j is None:
        return None
    return dict(zip(("p5", "p25", "p50", "p75", "p95"), figure.percentiles_j, strict=True))


def _proportion_json(proportion: Proportion | None) -> dict[str, Any] | None:
    if proportion is None:
        return None
    return {
        "correct": proportion.correct,
        "images": proportion.images,
        "value": proportion.value,
        "low": proportion.low,
        "high": proportion.high,
    }
