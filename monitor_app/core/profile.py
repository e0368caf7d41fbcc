# SPDX-License-Identifier: Apache-2.0
"""A bench as a value: which instruments, what to run on what, by which protocol."""

from __future__ import annotations

import re
from dataclasses import replace
from random import Random
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from monitor_app.core.back_ends import back_end_for
from monitor_app.core.runs import RunSpec
from monitor_app.core.samples import Role
from monitor_app.core.source_specs import SourceSpec, Table

Precision = Literal["fp32", "tf32", "fp16", "bf16", "int8"]
BackEndName = Literal["auto", "torch", "onnxruntime", "openvino", "litert", "tensorrt"]
_Limit = Annotated[float, Field(gt=0)]
_HOST = re.compile(r"(?:[\w.+-]+@)?[\w\[][\w.:%\]-]*", re.ASCII)
_VARIABLE = re.compile(r"LD_LIBRARY_PATH|PATH|(?:CUDA_|MALLOC_|OMP_|OPENBLAS_|PYTHON)[A-Z0-9_]*")


def _host(text: str) -> str:
    if not _HOST.fullmatch(text) or text.startswith("-"):
        raise ValueError("give a name, an address or an alias of your ssh configuration, with USER@ where needed")
    return text


def _printable(text: str) -> str:
    if not text or not text.isprintable():
        raise ValueError("it is empty or has characters that cannot be printed")
    return text


def _variable(text: str) -> str:
    if not _VARIABLE.fullmatch(text):
        raise ValueError(
            "only PATH, LD_LIBRARY_PATH and names that begin with CUDA_, MALLOC_, OMP_, OPENBLAS_ or PYTHON can be set "
            "on the board"
        )
    return text


Word = Annotated[str, AfterValidator(_printable)]
"""A word of a command line."""


class Inference(Table):
    """Where and how the networks run."""

    device: str = "cpu"
    """cpu, cuda, cuda:N, or emulated:tx1, which plays published figures."""
    back_end: BackEndName = "auto"
    """What runs the networks; auto: PyTorch, and for a file of another back end that one."""
    precision: Precision = "fp32"
    threads: int = Field(0, ge=0)
    """Threads of the back end; 0 takes one core less than there are, which is left to the monitor."""
    channels_last: bool = False
    """The layout of tensors in memory."""
    compiled: bool = False
    """By torch.compile."""
    allocator: Literal["keep", "system"] = "keep"
    """keep: memory that is freed stays with the process for the next pass; system: as glibc does it by itself."""
    cudnn_benchmark: bool = False
    """Let cuDNN time its algorithms in the first passes, and take the fastest."""
    seed: int = 0


class Protocol(Table):
    """How a run is measured (chapter 2 of the user guide)."""

    settle_s: float = Field(0.5, ge=0)
    """Left out after a load ends, before idle counts as idle."""
    idle_s: float = Field(1.5, gt=0)
    """Idle baseline before and after each run."""
    warm_up_s: float = Field(2.0, ge=0)
    warm_up_batches: int = Field(10, ge=1)
    warm_up_max_s: float = Field(0.0, ge=0)
    """Warm up until latency and power have been shown to be steady, for so long at most; 0 does not test."""
    timed_s: float = Field(5.0, gt=0)
    """Least time over which batches are timed."""
    timed_batches: int = Field(30, ge=1)
    """Least number of batches timed, however long they take."""
    power_check: bool = True
    """Before the first run, see that the power follows the work and is back at idle within settle_s."""
    fresh_process: bool = False
    """Run each in a process of its own, whose memory is measured."""
    cool_down_c: float | None = None
    """Wait before a run until no temperature that is measured is above this, degrees Celsius."""
    cool_down_max_s: float = Field(300.0, gt=0)
    """For so long at most."""


class Plan(Table):
    """What to run: each network at each batch size, by each precision, back end, power mode and setting of clocks."""

    networks: tuple[str, ...] = Field(min_length=1)
    batch_sizes: tuple[Annotated[int, Field(ge=1, le=65_536)], ...] = Field((1,), min_length=1)
    cycles: int = Field(1, ge=0)
    """How often the whole plan is run; 0 means until stopped."""
    images: str | None = None
    """Labelled images for accuracy: 'demo' or a folder; with none accuracy is not measured."""
    accuracy: Literal["every", "once"] = "every"
    """In every run, or once for a network and precision, in the first of its runs."""
    weights: str = "auto"
    """'auto': what is on this machine; 'hub': and downloaded where it is not; 'none'; a file or a directory."""
    order: Literal["listed", "random"] = "listed"
    seed: int = Field(0, ge=0)
    """Of the random order."""
    precisions: tuple[Precision, ...] = ()
    """None: that of [inference]."""
    back_ends: tuple[BackEndName, ...] = ()
    """None: that of [inference]."""
    power_modes: tuple[str, ...] = ()
    """As nvpmodel names or numbers them; none: as it is found. What was found is restored at the end."""
    clocks: tuple[Literal["default", "max"], ...] = ()
    """'max': as jetson_clocks holds them; none: as they are found."""
    without_power: bool = False
    """Run although nothing measures the total power of the board; otherwise such a plan is refused."""
    autostart: bool = True
    """Start with the bench, or wait for the user."""

    @model_validator(mode="after")
    def _nothing_is_there_twice(self) -> Plan:
        for key in ("networks", "batch_sizes", "precisions", "back_ends", "power_modes", "clocks"):
            values: tuple[object, ...] = getattr(self, key)
            twice = next((value for place, value in enumerate(values) if value in values[:place]), None)
            if twice is not None:
                raise ValueError(f"{key} has {twice} twice; set cycles to run everything more than once")
        return self


class Combination(Table):
    """A power computed from those of several sources: a sum, or the difference of two meters."""

    name: str = Field(min_length=1)
    plus: tuple[str, ...] = Field(min_length=1)
    """Sources, each meaning its total power, or source/signal."""
    minus: tuple[str, ...] = ()
    role: Role = Role.OTHER


class Sync(Table):
    """A wire from a GPIO of this board to the digital input of a meter, by which their clocks are tied."""

    gpio: int | None = Field(None, ge=1, le=40)
    """Pin of the 40-pin header, by its number on the board. Simulated boards have a wire of their own."""
    interval_s: float = Field(0.5, ge=0.05, le=10)
    """Mean time between two edges."""
    pulses: bool = False
    """Before the first run, play a train of busy and idle and find it in every source's power."""


class Board(Table):
    """A board that is reached over ssh, and on which the networks run. Without this table they run on this machine."""

    host: Annotated[str, AfterValidator(_host)]
    """As one would type it after `ssh`: a name, an address or an alias of ~/.ssh/config, with USER@ where needed."""
    ssh: tuple[Word, ...] = Field(("ssh",), min_length=1)
    """The command, with options where the user's configuration does not do."""
    python: Word = "python3"
    """What runs the agent there, Python 3.6 or later."""
    inference_python: Word | None = None
    """What runs the networks there, such as that of a virtual environment with torch; by default ``python``."""
    env: dict[Annotated[str, AfterValidator(_variable)], Word] = Field(default_factory=dict)
    """Environment variables of the processes on the board."""
    lease_s: float = Field(4.0, ge=2, le=60)
    """How long the processes on the board live on when nothing is heard from this computer."""


class Require(Table):
    """Limits that every network of a session must keep; None: there is no such limit."""

    deadline_ms: _Limit | None = None
    """A batch that takes longer has missed it."""
    max_miss_ratio: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Largest fraction of batches that may miss the deadline, above 0: no number of batches shows that none ever
    will."""
    p99_ms: _Limit | None = None
    """The time within which 99 of 100 batches must end."""
    max_energy_mj: _Limit | None = None
    """Of the whole board for one image, in millijoules."""
    max_power_w: _Limit | None = None
    """Mean power of the whole board while batches are timed."""
    min_top1: Annotated[float, Field(gt=0, lt=100)] | None = None
    """In percent."""

    @model_validator(mode="after")
    def _a_ratio_is_of_a_deadline(self) -> Require:
        if self.max_miss_ratio is not None and self.deadline_ms is None:
            raise ValueError("max_miss_ratio needs deadline_ms, which is missed or met")
        return self

    def __bool__(self) -> bool:
        """Whether anything is required."""
        return any(value is not None for _, value in self)


class Profile(Table):
    """A whole bench. ``monitor_app.sources.profile_reader`` reads one from a TOML file."""

    title: str
    description: str = ""
    source: tuple[SourceSpec, ...] = ()
    combination: tuple[Combination, ...] = ()
    board: Board | None = None
    sync: Sync = Sync()
    inference: Inference = Inference()
    protocol: Protocol = Protocol()
    plan: Plan | None = None
    require: Require = Require()

    @model_validator(mode="after")
    def _names_are_unique(self) -> Profile:
        names = [each.name for each in self.source] + [each.name for each in self.combination]
        if len(set(names)) < len(names):
            raise ValueError("two sources have the same name; give each its own")
        return self

    def run_specs(self, threads: int) -> list[RunSpec]:
        """The runs of one cycle, in the order of the plan."""
        if self.plan is None:
            return []
        return planned_runs(self.plan, self.inference, threads)


def planned_runs(plan: Plan, inference: Inference, threads: int) -> list[RunSpec]:
    """The runs of one cycle. Settings that take a while to change are in the outer loops, also of a random order."""
    specs: list[RunSpec] = []
    random = Random(plan.seed)
    seen: set[tuple[str, str, str]] = set()
    for power_mode in plan.power_modes or (None,):
        for clocks in plan.clocks or (None,):
            group = [
                RunSpec(
                    network, batch_size, precision, inference.device, threads, inference.channels_last,
                    inference.compiled, power_mode, clocks, True, back_end_for(network, back_end),
                    inference.allocator, inference.cudnn_benchmark,
                )
                for back_end in plan.back_ends or (inference.back_end,)
                for precision in plan.precisions or (inference.precision,)
                for network in plan.networks
                for batch_size in plan.batch_sizes
            ]  # fmt: skip
            if plan.order == "random":
                random.shuffle(group)
            specs += group
    if plan.accuracy == "every":
        return specs
    smallest = min(plan.batch_sizes)
    # At the smallest batch size, which fits if any does.
    for index, spec in enumerate(specs):
        key = (spec.network, spec.precision, spec.back_end)
        first = spec.batch_size == smallest and key not in seen
        if first:
            seen.add(key)
        specs[index] = replace(spec, accuracy=first)
    return specs
