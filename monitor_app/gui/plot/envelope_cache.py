# SPDX-License-Identifier: Apache-2.0
"""The envelope of a view that follows the newest samples: only its newest part is read again. No Qt."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np

from monitor_app.gui.plot.columns import BASE, columns_for
from monitor_app.session.waveform import Envelope

if TYPE_CHECKING:
    from monitor_app.session.reader import SessionReader

AGAIN, AGAIN_OF_LARGE = 128, 32
"""Groups at the end that are read again: enough that the reader, asked for a whole number of columns, chooses the same
size. A level of the pyramid has sixteen sizes to distinguish, single samples have 64."""


class EnvelopeCache:
    """Groups lie on a fixed grid, so those that have been read stay valid while the view moves."""

    def __init__(self) -> None:
        self._key: tuple[int, float, int] | None = None
        self._envelope: Envelope | None = None

    def clear(self) -> None:
        self._key = self._envelope = None

    def read(
        self, reader: SessionReader, signal_id: int, start_ns: int, end_ns: int, *, rate_hz: float, pixel_ns: float
    ) -> Envelope:
        """As SessionReader.envelope with a column, or a little more, for each ``pixel_ns``."""
        rate = round(rate_hz)
        key = (signal_id, pixel_ns, rate)
        known = self._envelope if key == self._key else None
        envelope = _extended(reader, known, signal_id, start_ns, end_ns, rate, pixel_ns) if known else None
        if envelope is None:
            envelope = _read(reader, signal_id, start_ns, end_ns, rate, pixel_ns)
        self._key, self._envelope = key, envelope
        return envelope


def _read(
    reader: SessionReader, signal_id: int, start_ns: int, end_ns: int, rate_hz: float, pixel_ns: float
) -> Envelope:
    pixels = max(round((end_ns - start_ns) / pixel_ns), 1)
    return reader.envelope(signal_id, start_ns, end_ns, columns_for((end_ns - start_ns) * 1e-9, rate_hz, pixels))


def _extended(
    reader: SessionReader,
    known: Envelope,
    signal_id: int,
    start_ns: int,
    end_ns: int,
    rate_hz: float,
    pixel_ns: float,
) -> Envelope | None:
    """The known groups that are still in view, with the rest read; None where they cannot be reused."""
    if len(known) < 2 * AGAIN or known.samples_per_column == 1 or start_ns < int(known.start_ns[0]):
        return None
    again = AGAIN_OF_LARGE if known.samples_per_column >= BASE else AGAIN
    kept = slice(int(np.searchsorted(known.end_ns, start_ns, "right")), len(known) - again)
    seam_ns = int(known.start_ns[kept.stop])
    if kept.stop <= kept.start or end_ns <= seam_ns:
        return None
    # Half a sample early: the time of a sample is rounded to whole nanoseconds.
    tail = _read(reader, signal_id, seam_ns - round(0.5e9 / rate_hz), end_ns, rate_hz, pixel_ns)
    if tail.samples_per_column != known.samples_per_column:
        return None
    return joined(known, kept, tail)


def joined(known: Envelope, kept: slice, tail: Envelope) -> Envelope:
    """Some groups of one envelope, then all of another of the same size."""
    columns: dict[str, Any] = {
        f.name: np.concatenate((getattr(known, f.name)[kept], getattr(tail, f.name)))
        for f in fields(Envelope)
        if f.name != "samples_per_column"
    }
    return Envelope(**columns, samples_per_column=tail.samples_per_column)
