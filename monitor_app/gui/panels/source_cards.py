# SPDX-License-Identifier: Apache-2.0
"""What the source panel shows of each instrument, from the bench and from the file. No Qt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor_app.analysis.link import link_words
from monitor_app.core.formatting import clock_bound, engineering, sample_rate, unit_of
from monitor_app.core.samples import COMPUTED, LINK
from monitor_app.core.status import TROUBLE, SourceState
from monitor_app.gui.session.shown_signals import in_order

if TYPE_CHECKING:
    from monitor_app.core.status import BenchStatus, SourceStatus
    from monitor_app.gui.session.recording import Recording
    from monitor_app.gui.session.shown_signals import ShownSignals
    from monitor_app.gui.theme import Theme
    from monitor_app.session.rows import SignalRow, SourceRow

STATE_TEXTS = {
    SourceState.CONNECTING: "connecting", SourceState.STREAMING: "", SourceState.LOST: "lost, trying again",
    SourceState.FAILED: "failed", SourceState.DISCONNECTED: "disconnected",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class SignalLine:
    """A signal of an instrument; ``slot`` is its mark in the plot, or None where it is not shown."""

    id: int
    name: str
    detail: str
    colour: str
    slot: int | None
    is_power: bool


@dataclass(frozen=True, slots=True)
class SourceCard:
    """An instrument as the panel shows it."""

    name: str
    detail: str
    """Rate, or state where it does not stream."""
    colour: str
    trouble: bool
    about: str
    """Model and serial number."""
    clock: str
    message: str
    notes: tuple[str, ...]
    simulated: bool
    action: str
    """connect, disconnect, or nothing for a recorded session."""
    signals: tuple[SignalLine, ...]
    """Powers first."""


def source_cards(
    recording: Recording | None, status: BenchStatus | None, shown: ShownSignals, theme: Theme
) -> tuple[SourceCard, ...]:
    """From what the bench reports and what the file contains; either may be missing."""
    rows = {row.name: row for row in recording.sources} if recording else {}
    states = {s.name: s for s in status.sources} if status else {}
    return tuple(
        _card(name, rows.get(name), states.get(name), recording, shown, theme)
        for name in (*states, *(n for n in rows if n not in states))
    )


def _card(
    name: str,
    row: SourceRow | None,
    state: SourceStatus | None,
    recording: Recording | None,
    shown: ShownSignals,
    theme: Theme,
) -> SourceCard:
    signals = [s for s in recording.signals if row and s.source == row.id] if recording else []
    rate_hz = (state.rate_hz if state else None) or (recording.rate_hz(row.id) if recording and row else None)
    is_link = (state.kind if state else row.kind if row else "") == LINK
    return SourceCard(
        name=name,
        detail=_link_detail(state) if is_link else _detail(state, rate_hz),
        colour=_colour(state, theme),
        trouble=state is not None and state.state in TROUBLE,
        about=_about(row, state),
        clock="link bound " * is_link + _clock(recording, row, state),
        message=(state.message if state else "") or _implausible(recording, row, state),
        notes=(state.notes if state else ()) or (row.notes if row else ()),
        simulated=bool((state and state.simulated) or (row and row.simulated)),
        action="" if is_link else _action(state),
        signals=tuple(_signal_line(s, shown, theme) for s in in_order(signals)),
    )


def _detail(state: SourceStatus | None, rate_hz: float | None) -> str:
    if state is not None and STATE_TEXTS[state.state]:
        return STATE_TEXTS[state.state]
    return sample_rate(rate_hz) if rate_hz else ""


def _link_detail(state: SourceStatus | None) -> str:
    """What the link does where there is none now, and for how long."""
    return "" if state is None or state.state is SourceState.STREAMING else link_words(state)


def _colour(state: SourceStatus | None, theme: Theme) -> str:
    if state is None or state.state in {SourceState.DISCONNECTED, SourceState.CONNECTING}:
        return theme.dim
    return theme.accuracy if state.state is SourceState.STREAMING else theme.alarm


def _about(row: SourceRow | None, state: SourceStatus | None) -> str:
    kind = state.kind if state else row.kind if row else ""
    if kind in COMPUTED:
        return f"computed {kind}"
    model = (state.model if state else "") or (row.model if row else "") or kind
    serial_number = (state.serial_number if state else "") or (row.serial_number if row else "")
    return "  ·  ".join(part for part in (model, serial_number) if part)


def _clock(recording: Recording | None, row: SourceRow | None, state: SourceStatus | None) -> str:
    """The bound of its clock against that of the host, and the method of the bound."""
    bound_ns, method = (state.clock_bound_ns, state.clock_method) if state else (None, "")
    if bound_ns is None and recording is not None and row is not None and row.id in recording.clocks:
        bound_ns, method = recording.clocks[row.id].bound_ns, recording.clocks[row.id].method
    if bound_ns is None:
        return ""
    return f"{clock_bound(bound_ns)}, {method}".rstrip(", ")


def _implausible(recording: Recording | None, row: SourceRow | None, state: SourceStatus | None) -> str:
    """How many of its samples a flipped bit explains best; empty where none."""
    count = recording.implausible.get(row.id, 0) if recording and row else 0
    count = max(count, state.implausible_samples if state else 0)
    return f"{count:,} implausible samples: check its cable" if count else ""


def _action(state: SourceStatus | None) -> str:
    if state is None:
        return ""
    return "connect" if state.state in {SourceState.DISCONNECTED, SourceState.FAILED} else "disconnect"


def _signal_line(signal: SignalRow, shown: ShownSignals, theme: Theme) -> SignalLine:
    unit = unit_of(signal.quantity)
    shown_as = shown.of(signal.id)
    return SignalLine(
        id=signal.id,
        name=signal.name,
        detail=f"{engineering(signal.resolution, unit)} / step" if signal.resolution else unit,
        colour=theme.of_trace(signal.quantity, shown_as.slot if shown_as else 0),
        slot=shown_as.slot if shown_as else None,
        is_power=signal.quantity.value == "W",
    )
