# SPDX-License-Identifier: Apache-2.0
"""How much of a disk a second of recording takes, from the kinds of sources and their rates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor_app.core.source_specs import (
    JtopSpec,
    LinesSpec,
    PowerSensor3Spec,
    Ppk2Spec,
    ScopeSpec,
    ScpiSpec,
    ShuntSpec,
)

if TYPE_CHECKING:
    from monitor_app.core.profile import Profile
    from monitor_app.core.source_specs import SourceSpec

BASE_BYTES = 400_000.0
"""Of a session in which nothing has happened: tables and their indices, a page at least each."""
BATCH_BYTES = 200.0
"""A batch, its entries in the indices, and what it leaves on a sync line."""
OVERHEAD = 1.17
"""Rows of 50 ms in pages of 16 KiB: 1.07 was measured at 100 kSa/s, 1.12 at 50 and 1.17 at 20 on eight signals."""
SUMMARY_BYTES = 32 / 64 * 16 / 15
"""A sample and signal: entries of 32 bytes for each 64, and for each 16 of those, and so on."""
POLLED_BYTES = 78.0
"""A sample and signal that is a row of its own, summaries included (docs/decisions/0007)."""

_LINES_HZ = 1000.0
_RAILS_HZ = 100.0
_COMBINED_HZ = 1000.0
_POLLED = {"jetson-rails": 6 * _RAILS_HZ, "nvml": 6 * 10.0, "rapl": 3 * 20.0, "hwmon": 6 * 10.0}
"""Signals times samples a second of sources that tell neither before they are asked."""
_JTOP_SIGNALS = 30


def bytes_per_s(profile: Profile) -> float:
    """Of all sources and combinations, each at its full rate."""
    combined = len(profile.combination) * _COMBINED_HZ * _streamed_bytes(4, 1)
    return combined + sum(_source_bytes_per_s(source) for source in profile.source)


def _source_bytes_per_s(source: SourceSpec) -> float:
    if isinstance(source, ShuntSpec):
        return source.rate_hz * _streamed_bytes(2 * 2, 3)
    if isinstance(source, PowerSensor3Spec):
        return 20_000 * _streamed_bytes(8 * 2, 12)
    if isinstance(source, Ppk2Spec):
        return 100_000 * _streamed_bytes(2 * 4, 2)
    if isinstance(source, ScopeSpec):
        return source.points / source.record_s * _streamed_bytes(2 * 4, 2)
    if isinstance(source, LinesSpec):
        return _LINES_HZ * POLLED_BYTES * (len(source.columns) or 2)
    if isinstance(source, ScpiSpec):
        return 2 * POLLED_BYTES / source.interval_s
    if isinstance(source, JtopSpec):
        return _JTOP_SIGNALS * POLLED_BYTES / source.interval_s
    return POLLED_BYTES * _POLLED[source.kind]


def _streamed_bytes(stored_bytes: int, signals: int) -> float:
    """A sample of all signals, of which those that are products are not stored."""
    return OVERHEAD * (stored_bytes + signals * SUMMARY_BYTES)
