# SPDX-License-Identifier: Apache-2.0
"""What the agent says of its board."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class _Answer(BaseModel):
    """Checked, since it comes from another machine; what a newer agent may add is left out."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class Hello(_Answer):
    """The first message: the agent runs and has the board."""

    version: str
    """SHA-256 of its sources."""
    pid: int
    python: str
    boot_id: str
    """Another one after each start of the board."""
    host: str
    """The board's own name."""
    user: str
    now_ns: int
    """Board time."""


class BoardFacts(_Answer):
    """Of the machine. What the board does not tell is None."""

    machine: str
    """aarch64 or x86_64."""
    kernel: str
    processor: str | None
    cores: int
    """That a process may use."""
    host: str
    user: str
    root: bool
    home: str
    cache: str | None
    """The agent's folder for files."""
    tools: dict[str, str]
    """Paths by name."""
    pythons: dict[str, str]
    """Versions by path, and by the names that were asked about."""
    disk_free_bytes: int | None
    load_1min: float


class Snapshot(_Answer):
    """Files of the board, read once."""

    files: dict[str, str]
    """Texts by path."""
    errors: dict[str, int] = {}
    """Numbers of the errors of those that could not be read."""


class Called(_Answer):
    """How nvpmodel or jetson_clocks ended."""

    code: int
    text: str
    """What it wrote, on both of its outputs."""
