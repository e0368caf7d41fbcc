# SPDX-License-Identifier: Apache-2.0
"""A marker: a moment or an interval on the time axis that the user measures, names and moves."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Marker:
    """A pair of edges, or a single one where ``end_ns`` is None; the times are those of the session file."""

    number: int
    """From 1, unique within the session."""
    start_ns: int
    end_ns: int | None
    name: str
    colour: int
    """Index into the colours of markers; they repeat after the last one."""

    def __post_init__(self) -> None:
        """Raises ValueError where no marker can be so."""
        if self.number < 1 or self.colour < 0 or (self.end_ns is not None and self.end_ns < self.start_ns):
            raise ValueError("an impossible marker")
