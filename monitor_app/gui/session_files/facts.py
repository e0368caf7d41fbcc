# SPDX-License-Identifier: Apache-2.0
"""What a list of sessions says about each of them. No Qt."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.run.signals import is_simulated, total_power
from monitor_app.analysis.session_summary import started_utc
from monitor_app.core.errors import MonitorError
from monitor_app.core.formatting import duration, size
from monitor_app.gui.session.shown_signals import usual_signals
from monitor_app.session.reader import SessionReader
from monitor_app.session.schema import NOTES

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

COLUMNS = 150
"""Of the small picture of the power."""


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """A session in a list."""

    path: Path
    title: str
    begun: datetime
    """In local time; where the session does not say, when its file was last written."""
    length_s: float
    size_bytes: int
    """With what SQLite has yet to move into the file."""
    problem: str = ""
    """Why it cannot be read, one sentence."""
    simulated: bool = False
    """Whether a source or a device of it is."""
    note: str = ""
    """First line of the notes."""
    trace: tuple[tuple[float, float], ...] = ()
    """Smallest and largest power of each part of the session, in W; not a number where nothing was recorded."""

    @property
    def summary(self) -> str:
        """Time, length and size, and what the user has noted first."""
        length = "nothing was recorded" if self.length_s <= 0 else duration(self.length_s)
        parts = (f"{self.begun:%Y-%m-%d %H:%M}", "cannot be read" if self.problem else length, size(self.size_bytes))
        return "   ·   ".join(filter(None, (*parts, self.note)))


def facts_of(path: Path, *, with_trace: bool = False) -> SessionFacts:
    """Of a session that may be damaged. Raises OSError where there is none."""
    wal = path.with_name(f"{path.name}-wal")
    size_bytes = path.stat().st_size + (wal.stat().st_size if wal.exists() else 0)
    written = datetime.fromtimestamp(path.stat().st_mtime).astimezone()
    try:
        with SessionReader(path, visible=True) as reader:
            extent, started = reader.extent(), started_utc(reader)
            meta = reader.meta()
            return SessionFacts(
                path,
                meta.get("title") or path.stem,
                started.astimezone() if started is not None else written,
                extent.duration_s if extent is not None else 0.0,
                size_bytes,
                simulated=is_simulated(reader),
                note=next(iter(meta.get(NOTES, "").split("\n")), "").strip(),
                trace=_trace(reader) if with_trace else (),
            )
    except MonitorError as error:
        return SessionFacts(path, path.stem, written, 0.0, size_bytes, problem=str(error))


def _trace(reader: SessionReader) -> tuple[tuple[float, float], ...]:
    extent = reader.extent()
    signal = total_power(reader) or next(iter(usual_signals(reader)), None)
    if extent is None or signal is None:
        return ()
    envelope = reader.envelope(signal.id, extent.start_ns, extent.end_ns, 4 * COLUMNS)
    middle_ns = (envelope.start_ns + envelope.end_ns) // 2 - extent.start_ns
    columns = np.minimum(middle_ns * COLUMNS // max(extent.end_ns - extent.start_ns, 1), COLUMNS - 1)
    low: NDArray[np.float64] = np.full(COLUMNS, np.inf)
    high: NDArray[np.float64] = np.full(COLUMNS, -np.inf)
    np.minimum.at(low, columns, envelope.minimum)
    np.maximum.at(high, columns, envelope.maximum)
    empty = ~np.isfinite(low)
    low[empty] = high[empty] = np.nan
    return tuple(zip(low.tolist(), high.tolist(), strict=True))
