# SPDX-License-Identifier: Apache-2.0
"""How much of a disk a second of recording takes, from the kinds of sources and their rates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor_app.sources.base import DataRate
from monitor_app.sources.registry import KINDS

if TYPE_CHECKING:
    from monitor_app.core.profile import Profile

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

_COMBINED = DataRate(1000.0, signals=1, stored_bytes=4)
"""Of a power that the bench computes."""


def bytes_per_s(profile: Profile) -> float:
    """Of all sources and combinations, each at its full rate."""
    combined = len(profile.combination) * _stored_bytes_per_s(_COMBINED)
    return combined + sum(_stored_bytes_per_s(KINDS[spec.kind].data_rate(spec)) for spec in profile.source)


def _stored_bytes_per_s(data: DataRate) -> float:
    if not data.stored_bytes:
        return data.rate_hz * data.signals * POLLED_BYTES
    return data.rate_hz * (OVERHEAD * (data.stored_bytes + data.signals * SUMMARY_BYTES))
