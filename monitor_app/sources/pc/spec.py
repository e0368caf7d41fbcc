# SPDX-License-Identifier: Apache-2.0
"""The [[source]] tables of what a PC measures of itself."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from monitor_app.core.samples import Role
from monitor_app.core.source_specs import Name, SourceSpec


class NvmlSpec(SourceSpec):
    """An NVIDIA GPU of a PC, through its driver's management library (the extra `nvml`)."""

    kind: Literal["nvml"]
    name: Name = "gpu"
    index: int = Field(0, ge=0)
    role: Role = Role.GPU


class RaplSpec(SourceSpec):
    """The energy counters of a PC's processor (RAPL), through the kernel's powercap files."""

    kind: Literal["rapl"]
    name: Name = "cpu"
    root: str = "/"
    roles: dict[str, Role] = Field(default_factory=dict)


class HwmonSpec(SourceSpec):
    """Power sensors that a PC's kernel knows (hwmon)."""

    kind: Literal["hwmon"]
    name: Name = "hwmon"
    root: str = "/"
    roles: dict[str, Role] = Field(default_factory=dict)
