# SPDX-License-Identifier: Apache-2.0
"""A campaign as figures, findings and comparisons see it: one cell for each network and batch size.

`analysis.campaign.assembly` makes the cells from a session. Nothing here reads a file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from monitor_app.core.back_ends import TORCH
from monitor_app.core.runs import ALLOCATOR, ALLOCATOR_KEEPS, CUDNN_BENCHMARK

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monitor_app.analysis.link import BoardLink
    from monitor_app.core.estimate import Estimate, Proportion
    from monitor_app.core.runs import ImageAnswers
    from monitor_app.session.rows import RunRow


@dataclass(frozen=True, slots=True)
class Conditions:
    """The settings that two cells must have in common to be comparable."""

    device: str
    """As a profile names it: cpu, cuda:0, emulated:tx1."""
    precision: str
    threads: int
    channels_last: bool
    compiled: bool
    power_mode: str | None
    """None: it was not set."""
    clocks: str | None
    back_end: str = TORCH
    """A key of core.back_ends."""
    allocator: str = ALLOCATOR_KEEPS
    cudnn_benchmark: bool = False


def conditions_of(run: RunRow) -> Conditions:
    """Those of one run."""
    return Conditions(
        run.device, run.precision, run.threads, bool(run.channels_last), bool(run.compiled), run.power_mode, run.clocks,
        run.back_end, run.facts.get(ALLOCATOR, ALLOCATOR_KEEPS), run.facts.get(CUDNN_BENCHMARK) == "1",
    )  # fmt: skip


def accuracy_key(run: RunRow) -> tuple[str, ...]:
    """Runs that have this in common have the same accuracy, which is measured once."""
    return run.network, run.precision, run.weights_sha256 or "", run.back_end


@dataclass(frozen=True, slots=True)
class Cell:
    """One network at one batch size, with everything that was measured of it; None where it was not.

    Estimates have a level of 95 %. Times, powers and energies are over the timed batches of all its runs.
    """

    network: str
    """As the registry names it."""
    title: str
    """Its name for people."""
    paper_name: str | None
    """Its name in the paper; None for a network that is not in it."""
    batch_size: int
    conditions: Conditions
    run_ids: tuple[int, ...]
    """Rows of the session that it was measured in."""
    fits: bool | None
    """False: memory ran out. None: it was not run, or failed for another reason."""
    message: str
    """Why it was not measured, where it was not."""
    parameters: int | None
    macs: int | None
    operations: int | None
    """In the convention of Canziani et al. 2016."""
    seconds_per_image: Estimate | None
    """Mean time of a timed batch over the batch size; ends are infinite where there are too few batches to know."""
    p99_s: Estimate | None
    """Of a batch; None also where there are too few."""
    full_w: Estimate | None
    """Mean power of the board while batches ran."""
    idle_w: Estimate | None
    net_w: Estimate | None
    gross_j_per_image: Estimate | None
    net_j_per_image: Estimate | None
    memory_bytes: int | None
    """Peak memory minus the baseline of a process without a network."""
    memory_kind: str | None
    """A core.runs.MemoryKind."""
    top1: Proportion | None
    """Measured once per network and precision, so it is the same at every batch size."""
    top5: Proportion | None
    weights_sha256: str | None
    steady: bool | None
    times_simulated: bool
    """Times, memory and accuracy are those of an emulated device."""
    power_simulated: bool
    notes: tuple[str, ...] = ()
    """The warnings of its runs, each one sentence."""
    doubts: tuple[str, ...] = ()
    """Those because of which its net power and energy are left out of findings."""
    answers: ImageAnswers | None = None
    """Those behind ``top1``; None where they were not stored."""
    gain: float = 0.0
    """Relative standard uncertainty that the gain of the meter gives to its energies; it is part of their intervals."""

    @property
    def simulated(self) -> bool:
        """Some of its data is simulated."""
        return self.times_simulated or self.power_simulated

    @property
    def label(self) -> str:
        """Its name for people: ResNet-50 b16."""
        return f"{self.title} b{self.batch_size}"


@dataclass(frozen=True, slots=True)
class Campaign:
    """The cells of one session."""

    path: str
    """The session file."""
    title: str
    board: str
    """The name of the hardware it ran on."""
    started_utc: str
    """ISO 8601, or empty where it is not known."""
    simulated: bool
    cells: tuple[Cell, ...]
    """Networks in the order of their first run, batch sizes rising."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Versions of libraries, names of devices, power mode and clocks, as in the session file."""
    meta: Mapping[str, str] = field(default_factory=dict)
    """Program, host, processor, profile, as in the session file."""
    meter: str = ""
    """The device that measured the power, with its serial number and calibration; the same text is the same gain error.
    Empty where it is not certain which one it was."""
    link: BoardLink | None = None
    """To the board that the networks ran on, where that was not the computer that recorded."""

    @property
    def batch_sizes(self) -> tuple[int, ...]:
        """Rising."""
        return tuple(sorted({cell.batch_size for cell in self.cells}))

    def at(self, batch_size: int) -> tuple[Cell, ...]:
        """The cells of one batch size."""
        return tuple(cell for cell in self.cells if cell.batch_size == batch_size)
