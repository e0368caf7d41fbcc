# SPDX-License-Identifier: Apache-2.0
"""What a network must keep to on its board: the [require] table of a profile, in the units in which it is written."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from monitor_app.core.source_specs import Table

MISS_RATIO = 0.01
"""Where only a deadline is given: MLPerf's server scenario asks for 99 % of the answers in time."""
_Limit = Annotated[float, Field(gt=0)]


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

    @property
    def miss_ratio(self) -> float:
        """The largest fraction of missed deadlines that is allowed."""
        return MISS_RATIO if self.max_miss_ratio is None else self.max_miss_ratio

    def __bool__(self) -> bool:
        """Whether anything is required."""
        return any(value is not None for _, value in self)
