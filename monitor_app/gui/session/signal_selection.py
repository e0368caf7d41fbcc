# SPDX-License-Identifier: Apache-2.0
"""Which signals the user wants to see: the usual ones until the user selects others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from monitor_app.core.samples import Quantity
from monitor_app.gui.session.shown_signals import ShownSignals, shown_signals_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor_app.gui.session.recording import Recording


class SignalSelection(QObject):
    """``recording`` returns the session that is shown, if any."""

    changed = Signal()
    refused = Signal(str)
    """(why a signal cannot be shown, one sentence)"""

    def __init__(self, parent: QObject, recording: Callable[[], Recording | None]) -> None:
        super().__init__(parent)
        self._recording = recording
        self.chosen: ShownSignals | None = None
        self._usual = ShownSignals()
        self.overlaid = False
        """Whether signals of different quantities share a place, where no two may look alike."""

    @property
    def shown(self) -> ShownSignals:
        return self._shown.distinct if self.overlaid else self._shown

    @property
    def _shown(self) -> ShownSignals:
        return self._usual if self.chosen is None else self.chosen

    def forget(self) -> None:
        """Show the usual signals again; another session is shown."""
        self.chosen, self._usual = None, ShownSignals()

    def update(self, recording: Recording) -> None:
        """Bring the usual signals up to date, since instruments come and go."""
        if recording.usual != list(self._usual.signals):
            self._usual = shown_signals_of(recording.usual)

    def show(self, signal_id: int) -> None:
        """Show only this signal."""
        recording = self._recording()
        signal = next((s for s in recording.signals if s.id == signal_id), None) if recording else None
        if signal is not None:
            self._choose(shown_signals_of([signal]))

    def toggle(self, signal_id: int) -> None:
        """Show this signal with the others, or hide it."""
        recording = self._recording()
        signal = next((s for s in recording.signals if s.id == signal_id), None) if recording else None
        if signal is None:
            return
        if self._shown.of(signal_id) is None and (problem := self._shown.problem_with(signal)):
            self.refused.emit(problem)
        self._choose(self._shown.toggled(signal))

    def show_quantity(self, unit: str) -> None:
        """Show all powers, or only the current or voltage that belongs to the power of the board."""
        if Quantity(unit) is Quantity.POWER:
            self._choose(None)
        elif (signal_id := self._of(unit)) is not None:
            self.show(signal_id)

    def toggle_quantity(self, unit: str) -> None:
        """Show the power of the board, or its current or voltage, with the others, or hide it."""
        if (signal_id := self._of(unit)) is not None:
            self.toggle(signal_id)

    def restore(self, chosen: ShownSignals | None) -> None:
        """As they were chosen before; None for the usual ones."""
        self._choose(chosen)

    def _choose(self, chosen: ShownSignals | None) -> None:
        self.chosen = chosen
        self.changed.emit()

    def _of(self, unit: str) -> int | None:
        recording = self._recording()
        if recording is None:
            return None
        quantity = Quantity(unit)
        signal = recording.read_out if quantity is Quantity.POWER else recording.beside(quantity)
        return signal.id if signal is not None else None
