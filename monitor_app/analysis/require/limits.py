# SPDX-License-Identifier: Apache-2.0
"""What a session requires, read without the reader of profiles: the window opens before that is loaded."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Mapping

MISS_RATIO = 0.01
"""Where only a deadline is given: MLPerf's server scenario asks for 99 % of the answers in time."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The keys of [require] as `core.profile.Require` checks and explains them; None: there is no such limit."""

    deadline_ms: float | None = None
    max_miss_ratio: float | None = None
    p99_ms: float | None = None
    max_energy_mj: float | None = None
    max_power_w: float | None = None
    min_top1: float | None = None

    @property
    def miss_ratio(self) -> float:
        """The largest fraction of missed deadlines that is allowed."""
        return MISS_RATIO if self.max_miss_ratio is None else self.max_miss_ratio

    def __bool__(self) -> bool:
        """Whether anything is required."""
        return any(getattr(self, each.name) is not None for each in fields(self))


def limits_in(profile: str) -> Limits:
    """What the text of a profile requires, which was checked when it was recorded; nothing where it cannot be read."""
    if "require" not in profile:
        return Limits()
    try:
        table = tomllib.loads(profile).get("require", {})
    except tomllib.TOMLDecodeError:
        return Limits()
    return _of_table(table if isinstance(table, dict) else {})


def _of_table(table: Mapping[str, Any]) -> Limits:
    names = [each.name for each in fields(Limits)]
    return Limits(**{name: float(table[name]) for name in names if _is_limit(table.get(name))})


def _is_limit(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value > 0
