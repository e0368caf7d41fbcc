# SPDX-License-Identifier: Apache-2.0
"""The [[source]] table of a PowerSensor3."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from monitor_app.core.samples import Role
from monitor_app.core.source_specs import Name, SerialSpec


class PowerSensor3Spec(SerialSpec):
    """A PowerSensor3 with up to four pairs of current and voltage sensors."""

    kind: Literal["powersensor3"]
    name: Name = "powersensor3"
    roles: dict[str, Role] = Field(default_factory=dict)
