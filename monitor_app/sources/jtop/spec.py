# SPDX-License-Identifier: Apache-2.0
"""The [[source]] table of the jtop service."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from monitor_app.core.samples import Role
from monitor_app.core.source_specs import Name, SourceSpec


class JtopSpec(SourceSpec):
    """What the jtop service of jetson-stats reports: rails, load, frequencies, temperatures, fan, memory."""

    kind: Literal["jtop"]
    name: Name = "jtop"
    interval_s: float = Field(1.0, ge=0.05, le=60)
    python: str | None = None
    """The interpreter that has jetson-stats in the service's version; by default this one, then the system's."""
    roles: dict[str, Role] = Field(default_factory=dict)
