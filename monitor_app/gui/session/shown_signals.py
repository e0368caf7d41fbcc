# SPDX-License-Identifier: Apache-2.0
"""Which signals are shown, in which pane, and under what name. No Qt."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from monitor_app.analysis.run.signals import powers_of_sources, total_power
from monitor_app.core.samples import COMPUTED, Quantity, Role

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from monitor_app.session.reader import SessionReader
    from monitor_app.session.rows import SignalRow, SourceRow

MOST_PANES = 4
MOST_IN_PANE = 6
"""The number of colours and marks that distinguish them."""
RAILS = "jetson-rails"


@dataclass(frozen=True, slots=True)
class ShownSignal:
    """A signal in the plot; while it is shown it keeps its ``slot``, which is its colour and its mark."""

    signal: SignalRow
    slot: int = 0


@dataclass(frozen=True, slots=True)
class ShownSignals:
    """Panes from top to bottom, each with signals of one quantity; a frozen value."""

    panes: tuple[tuple[ShownSignal, ...], ...] = ()

    @property
    def all(self) -> tuple[ShownSignal, ...]:
        return tuple(trace for pane in self.panes for trace in pane)

    @property
    def signals(self) -> tuple[SignalRow, ...]:
        return tuple(trace.signal for trace in self.all)

    @property
    def first(self) -> SignalRow | None:
        """The signal that represents the session where there is room for one."""
        return self.panes[0][0].signal if self.panes else None

    @property
    def distinct(self) -> ShownSignals:
        """The same with a slot of its own for each, so that all of them can share a place; no more than there are."""
        slots = iter(range(len(self.all)))
        return ShownSignals(
            tuple(tuple(replace(each, slot=next(slots) % MOST_IN_PANE) for each in pane) for pane in self.panes)
        )

    def of(self, signal_id: int) -> ShownSignal | None:
        """How a signal is shown, or None where it is not."""
        return next((trace for trace in self.all if trace.signal.id == signal_id), None)

    def problem_with(self, signal: SignalRow) -> str:
        """Why a signal cannot be shown with the others, one sentence; empty where it can."""
        pane = self._pane_of(signal.quantity)
        if pane is None and len(self.panes) == MOST_PANES:
            return f"{MOST_PANES} quantities are shown: hide one of them first."
        if pane is not None and len(self.panes[pane]) == MOST_IN_PANE:
            return f"{MOST_IN_PANE} signals are shown in one pane: hide one of them first."
        return ""

    def toggled(self, signal: SignalRow) -> ShownSignals:
        """With the signal, or without it if it was shown; unchanged where it is the last one or the pane is full."""
        if self.of(signal.id) is not None:
            left = (tuple(t for t in pane if t.signal.id != signal.id) for pane in self.panes)
            panes = tuple(pane for pane in left if pane)
            return ShownSignals(panes) if panes else self
        if self.problem_with(signal):
            return self
        k = self._pane_of(signal.quantity)
        if k is None:
            return ShownSignals((*self.panes, (ShownSignal(signal),)))
        taken = {trace.slot for trace in self.panes[k]}
        slot = next(free for free in range(MOST_IN_PANE) if free not in taken)
        return ShownSignals((*self.panes[:k], (*self.panes[k], ShownSignal(signal, slot)), *self.panes[k + 1 :]))

    def _pane_of(self, quantity: Quantity) -> int | None:
        return next((k for k, pane in enumerate(self.panes) if pane[0].signal.quantity is quantity), None)


def shown_signals_of(signals: Iterable[SignalRow]) -> ShownSignals:
    """These signals, the first of each quantity in the colour of the quantity; those without room are left out."""
    traces = ShownSignals()
    for signal in signals:
        if traces.of(signal.id) is None:
            traces = traces.toggled(signal)
    return traces


def usual_signals(reader: SessionReader) -> list[SignalRow]:
    """What is shown until the user selects signals: the total power, then the power of each other instrument."""
    total = total_power(reader)
    kinds = {source.id: source.kind for source in reader.sources()}
    by_source = powers_of_sources(reader)
    if any(kind in COMPUTED and by_source[k].role is Role.TOTAL for k, kind in kinds.items() if k in by_source):
        # The total includes the rails; a single one of a chip adds nothing.
        by_source = {k: each for k, each in by_source.items() if kinds[k] != RAILS or each.role is Role.TOTAL}
    powers = sorted(by_source.values(), key=lambda each: (each != total, each.source))
    if powers:
        return powers[:MOST_IN_PANE]
    return reader.signals()[:1]


def labels_of(sources: Sequence[SourceRow], signals: Sequence[SignalRow]) -> dict[int, str]:
    """By id of the signal: its name, after that of its source where several sources have a signal of that name."""
    by_id = {source.id: source for source in sources}
    common = Counter(name for name, _ in {(signal.name, signal.source) for signal in signals})
    labels = {}
    for signal in signals:
        source = by_id.get(signal.source)
        if source is None or (common[signal.name] == 1 and source.kind not in COMPUTED):
            labels[signal.id] = signal.name
        else:
            labels[signal.id] = source.name if source.kind in COMPUTED else f"{source.name} {signal.name}"
    return labels


def in_order(signals: Sequence[SignalRow]) -> list[SignalRow]:
    """Powers first, the total before them; the others as their source names them."""
    return [*_where(signals, total=True), *_where(signals, total=False), *_others(signals)]


def _where(signals: Sequence[SignalRow], *, total: bool) -> Iterator[SignalRow]:
    return (s for s in signals if s.quantity is Quantity.POWER and (s.role is Role.TOTAL) == total)


def _others(signals: Sequence[SignalRow]) -> Iterator[SignalRow]:
    return (s for s in signals if s.quantity is not Quantity.POWER)
