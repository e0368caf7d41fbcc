# SPDX-License-Identifier: Apache-2.0
"""How long a plan will take, how large its file will be, and how much energy goes into it, before it starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor_app.bench.runs.power_check import check_pulses_of
from monitor_app.bench.runs.progress import LOAD_S, START_S
from monitor_app.bench.runs.pulse_delay import SETTLE_S
from monitor_app.core.canziani2016 import Published, published
from monitor_app.core.errors import InferenceError
from monitor_app.core.runs import is_emulated
from monitor_app.core.source_specs import EmulatedSpec
from monitor_app.emulators.board.boards import BOARDS
from monitor_app.inference.datasets import find_dataset
from monitor_app.inference.messages import Pulses
from monitor_app.inference.networks.counts import known_costs
from monitor_app.inference.networks.registry import NETWORKS
from monitor_app.inference.pulses import expected_s
from monitor_app.inference.replay import IMAGES, IMAGES_A_ROW, ROW_NS
from monitor_app.sources.base import DataRate
from monitor_app.sources.registry import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from monitor_app.core.profile import Plan, Profile, Protocol
    from monitor_app.core.runs import RunSpec


REPLAY_START_S = 0.5
"""Starting a process that plays published figures: no torch is imported."""
IMAGE_S = 0.01
"""Reading and resizing one photograph."""
_CPU_OPERATIONS = 20e9
"""Multiplications and additions a second and thread, in fp32: 25 to 90 e9 on the cores of a PC, 5 to 10 e9 on those of
a small board."""
_GPU_OPERATIONS = 500e9
"""Likewise: some 230 e9 on a Jetson TX1, many times as much on a large one."""
_GUESSED = (
    "the time of an image is a rough estimate from its operations, at "
    f"{_CPU_OPERATIONS / 1e9:g} G-op/s per thread or {_GPU_OPERATIONS / 1e9:g} G-op/s on a GPU"
)
_PUBLISHED = "the time of an image is the published one"


@dataclass(frozen=True, slots=True)
class CampaignEstimate:
    """Of one cycle of an endless plan, else of all of them."""

    seconds: float
    """Where every board is steady and cool as soon as it may be."""
    most_seconds: float
    """Where none is before the protocol stops waiting for it."""
    bytes: float
    """Of the session file, after `seconds`."""
    joules: float | None
    """Of the emulated board, SIMULATED; None where there is none."""
    runs: int
    sentence: str
    remarks: tuple[str, ...] = ()
    """How it was made, and what it leaves out."""


@dataclass(frozen=True, slots=True)
class _Cost:
    """Of one run, seconds."""

    idle: float
    busy: float
    """While passes run."""
    waiting: float
    """May be added."""
    batches: float


def guessed_seconds_per_image(spec: RunSpec) -> float | None:
    """As published for an emulated device, else from operations; None where neither is known."""
    if is_emulated(spec.device):
        figures = _figures(spec)
        batch_s = figures.batch_s(spec.batch_size) if figures else None
        return None if batch_s is None else batch_s / spec.batch_size
    costs = known_costs(spec.network)
    if costs is None or costs.macs is None:
        return None
    rate = _GPU_OPERATIONS if spec.device.startswith("cuda") else _CPU_OPERATIONS * spec.threads
    return 2 * costs.macs / rate


def estimate(
    profile: Profile,
    specs: Sequence[RunSpec],
    *,
    seconds_per_image: Callable[[RunSpec], float | None] = guessed_seconds_per_image,
) -> CampaignEstimate:
    """Time, disk and energy of these runs.

    Args:
        profile: gives the protocol, the sources, and how many cycles there are.
        specs: the runs of one cycle that are still to be done.
        seconds_per_image: for a run; None where it is not known, then only the least times of the protocol are counted.
    """
    plan = profile.plan
    if plan is None or not specs:
        return CampaignEstimate(0.0, 0.0, BASE_BYTES, None, 0, "The plan has no runs.")
    cycles = plan.cycles or 1
    images = _accuracy_images(profile)
    fitting = [spec for spec in specs if _fits(spec)]
    times = [seconds_per_image(spec) for spec in fitting]
    costs = [_cost(profile.protocol, spec, time, images) for spec, time in zip(fitting, times, strict=True)]
    once_s = _once_s(profile, specs)
    busy_s = cycles * sum(cost.busy for cost in costs)
    seconds = once_s + cycles * (sum(cost.idle for cost in costs) + _missed_s(profile.protocol, specs)) + busy_s
    most_s = seconds + cycles * sum(cost.waiting for cost in costs)
    batches = cycles * sum(cost.batches for cost in costs)
    size = BASE_BYTES + seconds * bytes_per_s(profile) + batches * BATCH_BYTES
    joules = _joules(profile, seconds, busy_s)
    runs = cycles * len(specs)
    remarks = _remarks(plan, fitting, times, runs - cycles * len(fitting), default=_is_default(seconds_per_image))
    remarks += _unseen(profile, fitting)
    return CampaignEstimate(
        seconds, most_s, size, joules, runs, _sentence(runs, seconds, most_s, size, joules, remarks), tuple(remarks)
    )


def _cost(protocol: Protocol, spec: RunSpec, image_s: float | None, images: int) -> _Cost:
    batch_s = (image_s or 0.0) * spec.batch_size
    warm_up_s, timed_s = (
        max(least_s, least * batch_s)
        for least_s, least in (
            (protocol.warm_up_s, protocol.warm_up_batches),
            (protocol.timed_s, protocol.timed_batches),
        )
    )
    idle_s = 2 * (protocol.settle_s + protocol.idle_s) + LOAD_S * (not is_emulated(spec.device))
    if protocol.fresh_process:
        idle_s += _start_s(spec)
    waiting_s = max(protocol.warm_up_max_s - warm_up_s, 0.0)
    if protocol.cool_down_c is not None:
        waiting_s += protocol.cool_down_max_s
    accuracy_s = _accuracy_s(spec, image_s, images)
    batches = (warm_up_s + timed_s) / batch_s if batch_s else 0.0
    return _Cost(idle_s, warm_up_s + timed_s + accuracy_s, waiting_s, batches)


def _accuracy_s(spec: RunSpec, image_s: float | None, images: int) -> float:
    if not spec.accuracy or not images:
        return 0.0
    if is_emulated(spec.device):
        return IMAGES / IMAGES_A_ROW * ROW_NS * 1e-9
    return images * ((image_s or 0.0) + IMAGE_S)


def _accuracy_images(profile: Profile) -> int:
    """Number of images on which accuracy is measured; 0 where the folder cannot be used, which the run reports."""
    plan = profile.plan
    if plan is None or plan.images is None or plan.weights == "none" or profile.board is not None:
        return 0
    try:
        return len(find_dataset(plan.images).images)
    except InferenceError:
        return 0


def _once_s(profile: Profile, specs: Sequence[RunSpec]) -> float:
    """Before the first run."""
    start_s = 0.0 if profile.protocol.fresh_process else _start_s(specs[0])
    checked = profile.protocol.power_check and profile.source
    if not profile.sync.pulses and not checked:
        return start_s
    steps = Pulses() if profile.sync.pulses else check_pulses_of(Pulses())
    return start_s + SETTLE_S + expected_s(steps)


def _missed_s(protocol: Protocol, specs: Sequence[RunSpec]) -> float:
    """Runs that do not fit fail once for each network, at the smallest of their batch sizes that does not fit."""
    tried = {(spec.network, spec.precision): spec for spec in specs if not _fits(spec)}
    per_run_s = protocol.settle_s + protocol.idle_s
    return sum(per_run_s + (_start_s(spec) if protocol.fresh_process else 0.0) for spec in tried.values())


def _start_s(spec: RunSpec) -> float:
    return REPLAY_START_S if is_emulated(spec.device) else START_S


def _fits(spec: RunSpec) -> bool:
    figures = _figures(spec) if is_emulated(spec.device) else None
    return figures is None or figures.fits(spec.batch_size)


def _figures(spec: RunSpec) -> Published | None:
    network = NETWORKS.get(spec.network)
    return published().get(network.paper_name or "") if network else None


def _joules(profile: Profile, seconds: float, busy_s: float) -> float | None:
    emulated = next((s.emulate for s in profile.source if isinstance(s, EmulatedSpec) and s.emulate), None)
    if emulated is None:
        return None
    board = BOARDS[emulated]
    return board.idle_w * seconds + board.load_w * busy_s


# -- in words ------------------------------------------------------------------------------------


def _is_default(guess: Callable[[RunSpec], float | None]) -> bool:
    return guess is guessed_seconds_per_image


def _remarks(
    plan: Plan, specs: Sequence[RunSpec], times: Sequence[float | None], too_big: int, *, default: bool
) -> list[str]:
    """How the estimate was made, and what it leaves out."""
    remarks = []
    if default:
        kinds = {is_emulated(spec.device) for spec, time in zip(specs, times, strict=True) if time is not None}
        remarks += [_PUBLISHED if emulated else _GUESSED for emulated in sorted(kinds, reverse=True)]
    if unknown := times.count(None):
        remarks.append(f"for {_counted(unknown, 'run')} per cycle only the minimum of the protocol is counted")
    if too_big:
        remarks.append(f"{_counted(too_big, 'run')} will not fit into memory")
    if not plan.cycles:
        remarks.append("this is one cycle, and cycles repeat until you stop them")
    return remarks


def _unseen(profile: Profile, specs: Sequence[RunSpec]) -> list[str]:
    """What a board elsewhere has not been asked."""
    if profile.board is None or all(is_emulated(spec.device) for spec in specs):
        return []
    remarks = []
    if not profile.inference.threads and not all(spec.device.startswith("cuda") for spec in specs):
        remarks.append(f"{profile.board.host} is taken to have as many cores as this computer")
    if profile.plan is not None and profile.plan.images is not None and profile.plan.weights != "none":
        remarks.append(f"the time for the images on {profile.board.host} is left out")
    return remarks


def _sentence(
    runs: int, seconds: float, most_s: float, size: float, joules: float | None, remarks: Sequence[str]
) -> str:
    most = (
        f" (up to {rough_duration(most_s)} while the board warms up or cools down slowly)" if most_s > seconds else ""
    )
    energy = "" if joules is None else f" and about {rough_amount(joules, 'J')} (SIMULATED)"
    time = f"{_counted(runs, 'run')} will take about {rough_duration(seconds)}{most}"
    said = f"{time}, {rough_amount(size, 'B')} of disk space{energy}"
    return "; ".join([said, *remarks]) + "."


def rough_duration(seconds: float) -> str:
    """As long as an estimate can tell: 48 s, 12 min, 3.4 h, 2.1 days."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    hours = round(seconds / 3600, 1)
    return f"{hours:g} h" if hours < 48 else f"{hours / 24:.1f} days"


def rough_amount(value: float, unit: str) -> str:
    """As large as an estimate can tell: 3.4 kJ, 120 MB."""
    for prefix, factor in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= factor:
            return (
                f"{value / factor:.2g} {prefix}{unit}"
                if value < 100 * factor
                else f"{value / factor:.0f} {prefix}{unit}"
            )
    return f"{value:.0f} {unit}"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


BASE_BYTES = 400_000.0
"""Of a session in which nothing has happened: tables and their indices, a page at least each."""
BATCH_BYTES = 200.0
"""A batch, its entries in the indices, and what it leaves on a sync line."""
OVERHEAD = 1.17
"""Rows of 50 ms in pages of 16 KiB: 1.07 was measured at 100 kSa/s, 1.12 at 50 and 1.17 at 20 on eight signals."""
SUMMARY_BYTES = 32 / 64 * 16 / 15
"""A sample and signal: entries of 32 bytes for each 64, and for each 16 of those, and so on."""
POLLED_BYTES = 78.0
"""A sample and signal that is a row of its own, summaries included (docs/decisions/0007)."""

_COMBINED = DataRate(1000.0, signals=1, stored_bytes=4)
"""Of a power that the bench computes."""


def bytes_per_s(profile: Profile) -> float:
    """Of all sources and combinations, each at its full rate."""
    combined = len(profile.combination) * _stored_bytes_per_s(_COMBINED)
    return combined + sum(_stored_bytes_per_s(KINDS[spec.kind].data_rate(spec)) for spec in profile.source)


def _stored_bytes_per_s(data: DataRate) -> float:
    if not data.stored_bytes:
        return data.rate_hz * data.signals * POLLED_BYTES
    return data.rate_hz * (OVERHEAD * (data.stored_bytes + data.signals * SUMMARY_BYTES))
