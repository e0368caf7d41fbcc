# SPDX-License-Identifier: Apache-2.0
"""The [[source]] table of a made-up instrument."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from monitor_app.core.source_specs import Name, SourceSpec


class WindmillSpec(SourceSpec):
    """A windmill that feeds the board."""

    kind: Literal["windmill"]
    name: Name = "windmill"
    rate_hz: float = Field(50.0, gt=0)
    power_w: float
