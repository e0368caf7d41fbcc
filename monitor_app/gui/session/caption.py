# SPDX-License-Identifier: Apache-2.0

"""What is written around an exported picture of a session: what it is, and whether it can be trusted. No Qt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor_app import __version__
from monitor_app.analysis.link import board_link
from monitor_app.analysis.session_summary import started_utc
from monitor_app.core.formatting import clock_bound, sample_rate
from monitor_app.core.samples import NO_INSTRUMENTS
from monitor_app.gui.session.curve_style import CurveStyle

if TYPE_CHECKING:
    from monitor_app.gui.session.recording import Recording
    from monitor_app.session.rows import SignalRow, SourceRow


@dataclass(frozen=True, slots=True)
class Note:
    """A statement of the footer; one in alarm stands out."""

    text: str
    alarm: bool = False


@dataclass(frozen=True, slots=True)
class Caption:
    """Header and footer of a picture."""

    title: str
    subtitle: str
    simulated: bool
    notes: tuple[Note, ...]


def caption_of(
    recording: Recording,
    signal: SignalRow | None,
    span_s: tuple[float, float],
    samples_per_column: int | None,
    style: CurveStyle = CurveStyle.ENVELOPE,
) -> Caption:
    """Of the interval ``span_s``, start and end in s; coverage is that of ``signal``."""
    meta = recording.reader.meta()
    name = recording.reader.path.name
    title = meta.get("title", "")
    measured = [source for source in recording.sources if source.kind not in NO_INSTRUMENTS]
    parts = [name] if title else []
    parts += [_introduced(source) for source in measured]
    link = board_link(recording.reader)
    parts += [link.where] if link is not None else []
    started = started_utc(recording.reader)
    if started is not None:
        parts.append(f"started {started:%Y-%m-%d %H:%M:%S} UTC")
    notes = [
        *([Note(text)] if (text := style.resolution(samples_per_column)) else []),
        *(Note(sample_rate(recording.rate_hz(s.id))) for s in measured if signal is None or s.id == signal.source),
        Note(f"{recording.lost_samples:,} samples lost", alarm=recording.lost_samples > 0),
        _clock(recording),
        *([Note(f"link {link.bound}")] if link is not None else []),
        *_coverage(recording, signal, span_s),
        *([] if "completed_utc_ns" in meta else [Note("session not closed")]),
        Note(meta.get("program", f"monitor-app {__version__}")),
    ]
    return Caption(title or recording.reader.path.stem, "  ·  ".join(parts), recording.simulated, tuple(notes))


def _introduced(source: SourceRow) -> str:
    what, which = source.model or source.name, source.serial_number or source.name
    return f"{what} ({which})" if which != what else what


def _clock(recording: Recording) -> Note:
    bound_ns = recording.clock_bound_ns
    return Note("clock not known" if bound_ns is None else f"clock {clock_bound(bound_ns)}")


def _coverage(recording: Recording, signal: SignalRow | None, span_s: tuple[float, float]) -> list[Note]:
    if signal is None:
        return []
    start_ns, end_ns = (recording.host_ns(seconds) for seconds in span_s)
    coverage = recording.reader.statistics(signal.id, start_ns, end_ns).coverage
    # Never 100 % where a sample is missing.
    return [Note("coverage 100 %" if coverage >= 1 else f"coverage {min(100 * coverage, 99.99):.2f} %")]
