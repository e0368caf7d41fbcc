# SPDX-License-Identifier: Apache-2.0
"""The cells of a campaign from a session: one for each network and batch size, with its repetitions pooled."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from monitor_app.analysis.campaign.cells import Campaign, Cell, Conditions, accuracy_key, conditions_of
from monitor_app.analysis.link import board_link
from monitor_app.analysis.run.correlation import Correlations
from monitor_app.analysis.run.energy import COVERAGE_FACTOR
from monitor_app.analysis.run.inputs import Effort, run_inputs
from monitor_app.analysis.run.results import RunResult, run_result
from monitor_app.analysis.run.signals import total_power
from monitor_app.analysis.session_summary import started_utc
from monitor_app.analysis.statistics.intervals import t_quantile
from monitor_app.core.errors import InferenceError
from monitor_app.core.estimate import Estimate
from monitor_app.core.runs import MemoryKind, RunState
from monitor_app.core.samples import CALIBRATED
from monitor_app.inference.networks.registry import find_network
from monitor_app.session.writer_lock import is_written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from monitor_app.analysis.run.energy import EnergySummary
    from monitor_app.core.estimate import Proportion
    from monitor_app.core.runs import ImageAnswers
    from monitor_app.session.reader import SessionReader
    from monitor_app.session.rows import MemoryRow, RunRow

MEMORY_KINDS = (MemoryKind.SYSTEM, MemoryKind.CUDA_RESERVED, MemoryKind.PSS)
"""Kinds of memory use in order of preference: of a shared memory the system's, of a GPU torch's, of a process."""
EFFORT = Effort(most_samples=1_000_000, resamples=400)
_IMPOSSIBLE = 1e100
"""Of any quantity in SI units; a damaged file may hold it, or no number at all."""
_DONE = RunState.DONE.value
_STATES = {
    RunState.FAILED.value: "failed",
    RunState.CANCELLED.value: "was cancelled",
    RunState.RUNNING.value: "is in progress",
    RunState.WAITING.value: "has not started",
}


def campaign_of(
    reader: SessionReader,
    *,
    known: dict[int, RunResult] | None = None,
    progress: Callable[[float], None] | None = None,
) -> Campaign:
    """All cells of a session, as far as it has come. Raises NotASessionError for a damaged one.

    Args:
        reader: the session.
        known: results of completed runs, kept between calls; those that are not in it are added.
        progress: called with the fraction of the runs that have been analysed, 0 to 1.
    """
    known = {} if known is None else known
    runs = reader.runs()
    groups: dict[tuple[str, int, Conditions], list[RunResult]] = {}
    correlations = Correlations(reader)
    for count, run in enumerate(runs, start=1):
        result = known.get(run.id)
        if result is None or not result.up_to_date(correlations):
            result = run_result(run_inputs(reader, run, EFFORT, correlations))
        if run.state in {_DONE, RunState.DOES_NOT_FIT.value, RunState.FAILED.value, RunState.CANCELLED.value}:
            known[run.id] = result
        groups.setdefault((run.network, run.batch_size, conditions_of(run)), []).append(result)
        if progress:
            progress(count / len(runs))
    power_simulated = _power_simulated(reader)
    accuracy = _accuracy_by_network(known.values(), reader)
    order = {name: place for place, name in enumerate(dict.fromkeys(run.network for run in runs))}
    keys = sorted(groups, key=lambda key: (order[key[0]], str(key[2]), key[1]))
    words = _STATES if is_written(reader.path) else {**_STATES, RunState.RUNNING.value: "was cut off"}
    cells = tuple(
        _cell(key[1], key[2], groups[key], accuracy, power_simulated, _why_not(groups[key], words)) for key in keys
    )
    meta, environment = reader.meta(), reader.environment()
    began = started_utc(reader)
    return Campaign(
        path=str(reader.path),
        title=meta.get("title", ""),
        board=_board(runs, meta, environment),
        started_utc=began.isoformat(timespec="seconds") if began else "",
        simulated=power_simulated or any(cell.times_simulated for cell in cells),
        cells=cells,
        environment=environment,
        meta=meta,
        meter=_meter(reader),
        link=board_link(reader),
    )


@dataclass(frozen=True, slots=True)
class _Accuracy:
    top1: Proportion | None
    top5: Proportion | None
    run_id: int
    answers: ImageAnswers | None = None


_Accuracies: TypeAlias = "dict[tuple[str, ...], _Accuracy]"


def _accuracy_by_network(results: Iterable[RunResult], reader: SessionReader) -> _Accuracies:
    """The one on the most images of each network; the same images again would add no information."""
    best: _Accuracies = {}
    for result in results:
        key, found = accuracy_key(result.run), _Accuracy(result.top1, result.top5, result.run.id)
        images = result.top1.images if result.top1 else 0
        held = best.get(key)
        if images and (held is None or held.top1 is None or images > held.top1.images):
            best[key] = found
    return {key: replace(found, answers=reader.answers(found.run_id)) for key, found in best.items()}


def _cell(
    batch_size: int,
    conditions: Conditions,
    results: Sequence[RunResult],
    accuracies: _Accuracies,
    power_simulated: bool,
    why_not: str,
) -> Cell:
    """``why_not``: what is said where no run of it was completed."""
    done = [result for result in results if result.run.state == _DONE]
    run = (done or results)[-1].run
    # The weights of a run that was interrupted while it loaded are unknown.
    accuracy = accuracies.get(accuracy_key(run))
    fits = True if done else False if any(_does_not_fit(r) for r in results) else None
    memory = _memory(done)
    steady = [bool(result.run.steady) for result in done if result.run.steady is not None]
    return Cell(
        network=run.network,
        title=run.title,
        paper_name=paper_name(run.network),
        batch_size=batch_size,
        conditions=conditions,
        run_ids=tuple(result.run.id for result in results),
        fits=fits,
        message="" if done else why_not,
        parameters=run.parameters,
        macs=run.macs,
        operations=run.operations,
        seconds_per_image=pooled([r.seconds_per_image for r in done]),
        p99_s=pooled([r.latency.p99 if r.latency else None for r in done]),
        full_w=pooled([_full_w(r) for r in done]),
        idle_w=pooled([_idle_w(r) for r in done]),
        net_w=pooled([_net_w(r) for r in done]),
        gross_j_per_image=pooled([_joules(r.energy, net=False) for r in done]),
        net_j_per_image=pooled([_joules(r.energy, net=True) for r in done]),
        memory_bytes=memory.net_bytes if memory else None,
        memory_kind=memory.kind if memory else None,
        top1=accuracy.top1 if accuracy else None,
        top5=accuracy.top5 if accuracy else None,
        weights_sha256=run.weights_sha256,
        steady=all(steady) if steady else None,
        times_simulated=run.simulated,
        power_simulated=power_simulated,
        notes=tuple(dict.fromkeys(note for result in done for note in result.notes)),
        doubts=tuple(dict.fromkeys(doubt for result in done if result.energy for doubt in result.energy.doubts)),
        answers=accuracy.answers if accuracy else None,
        gain=max((_gain(result.energy) for result in done), default=0.0),
    )


def pooled(repetitions: Sequence[Estimate | None]) -> Estimate | None:
    """One estimate of repetitions of a measurement; None where there is none.

    Their mean half-width and their scatter are combined in quadrature. Repetitions share the errors of their
    instrument, so the mean half-width is not reduced by their number.
    """
    found = [each for each in repetitions if each is not None and abs(each.value) < _IMPOSSIBLE]
    if not found:
        return None
    value = float(np.mean([each.value for each in found]))
    below = float(np.mean([each.value - each.low for each in found]))
    above = float(np.mean([each.high - each.value for each in found]))
    scatter = 0.0
    if len(found) > 1:
        deviation = float(np.std([each.value for each in found], ddof=1))
        scatter = t_quantile(0.975, len(found) - 1) * deviation / math.sqrt(len(found))
    return Estimate(value, value - math.hypot(below, scatter), value + math.hypot(above, scatter))


def paper_name(network: str) -> str | None:
    """Its name in the paper; None for a network that is not in it."""
    try:
        return find_network(network).paper_name
    except InferenceError:
        return None


def _full_w(result: RunResult) -> Estimate | None:
    return _watts(result.power.full_w if result.power else None, result.full_uncertainty_w)


def _idle_w(result: RunResult) -> Estimate | None:
    return _watts(result.power.idle_w if result.power else None, result.idle_uncertainty_w)


def _net_w(result: RunResult) -> Estimate | None:
    return _watts(result.power.net_w if result.power else None, result.net_uncertainty_w)


def _watts(value: float | None, standard: float | None) -> Estimate | None:
    return None if value is None or standard is None else _expanded(value, standard)


def _joules(energy: EnergySummary | None, *, net: bool) -> Estimate | None:
    figure = None if energy is None else energy.net if net else energy.gross
    return None if figure is None else _expanded(figure.j_per_image, figure.uncertainty_j)


def _gain(energy: EnergySummary | None) -> float:
    """Relative standard uncertainty of the energies of a run from the gain of its meter."""
    if energy is None or not energy.gross.j_per_image:
        return 0.0
    return energy.gross.budget.gain / abs(energy.gross.j_per_image)


def _meter(reader: SessionReader) -> str:
    """The meter of the total power; empty without a serial number, as two devices of one kind may then be two.

    A meter that was calibrated in between is another one: its gain error is not the same in both sessions.
    """
    signal = total_power(reader)
    source = next((each for each in reader.sources() if signal is not None and each.id == signal.source), None)
    if signal is None or source is None or not source.serial_number:
        return ""
    # A rail of a Jetson has the address of its chip for a serial number, which is the same on every board.
    meta = reader.meta()
    host = f" of {meta.get('board_host') or meta.get('host', '')}" if source.kind == "jetson-rails" else ""
    # A power that is computed has its gain and zero in its factors.
    used = [each for each in reader.signals() if each.id in {signal.id, signal.factor_a, signal.factor_b}]
    values = [f"{each.name}: {each.scale:g}, {each.zero_offset:g}, {each.accuracy}" for each in used]
    dates = [note for note in source.notes if note.startswith(CALIBRATED)]
    return f"{source.kind} {source.model} {source.serial_number}{host}, {signal.name}; {'; '.join([*values, *dates])}"


def _expanded(value: float, standard: float) -> Estimate:
    half = COVERAGE_FACTOR * standard
    return Estimate(value, value - half, value + half)


def _memory(done: Sequence[RunResult]) -> MemoryRow | None:
    """The largest of the repetitions, of the kind that suits the device."""
    uses = [use for result in done for use in result.memory]
    for kind in MEMORY_KINDS:
        of_kind = [use for use in uses if use.kind == kind.value]
        if of_kind:
            return max(of_kind, key=lambda use: use.net_bytes)
    return None


def _does_not_fit(result: RunResult) -> bool:
    return result.run.state == RunState.DOES_NOT_FIT.value


def _why_not(results: Sequence[RunResult], words: dict[str, str]) -> str:
    run = results[-1].run
    return run.error or f"The run {words.get(run.state, run.state)}."


def _power_simulated(reader: SessionReader) -> bool:
    power = total_power(reader)
    return power is not None and any(source.simulated for source in reader.sources() if source.id == power.source)


def _board(runs: Sequence[RunRow], meta: dict[str, str], environment: dict[str, str]) -> str:
    """What the networks ran on, by its own name."""
    device = next((run.device for run in runs), "")
    named = environment.get(f"device {device}", "")
    return environment.get("board", "") or named or meta.get("processor", "") or meta.get("host", "")
