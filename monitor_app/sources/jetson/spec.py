# SPDX-License-Identifier: Apache-2.0
"""The [[source]] table of the power rails of a Jetson."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from monitor_app.core.samples import Role
from monitor_app.core.source_specs import Name, SourceSpec


class JetsonRailsSpec(SourceSpec):
    """The power rails of a Jetson, from the kernel's files; each chip becomes a source of its own."""

    kind: Literal["jetson-rails"]
    name: Name = "rails"
    board: str | None = None
    """A board of profiles/boards, such as jetson-tx1; by default the one this program runs on."""
    root: str = "/"
    """Where /sys and /proc are found: another root is for tests and for a mounted file system."""
    roles: dict[str, Role] = Field(default_factory=dict)
    """What a rail feeds, where this differs from the board's own file."""
