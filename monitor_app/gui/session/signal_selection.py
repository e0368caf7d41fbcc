# SPDX-License-Identifier: Apache-2.0
"""Which signals the user wants to see: the usual ones until they choose."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor_app.core.samples import Quantity
from monitor_app.gui.session.shown_signals import Traces, traces_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor_app.gui.session.recording import Recording


class Choice:
    """``recording`` tells the session that is shown, ``tell`` the user what cannot be done."""

    def __init__(self, recording: Callable[[], Recording | None], tell: Callable[[str], None]) -> None:
        self._recording = recording
        self._tell = tell
        self.chosen: Traces | None = None
        self._usual = Traces()

    @property
    def traces(self) -> Traces:
        return self._usual if self.chosen is None else self.chosen

    def forget(self) -> None:
        """Another session: its usual signals."""
        self.chosen, self._usual = None, Traces()

    def update(self, recording: Recording) -> None:
        """Instruments come and go: the usual signals are those there are."""
        if recording.usual != list(self._usual.signals):
            self._usual = traces_of(recording.usual)

    def show(self, signal_id: int) -> None:
        """A signal alone."""
        recording = self._recording()
        signal = next((s for s in recording.signals if s.id == signal_id), None) if recording else None
        if signal is not None:
            self.chosen = traces_of([signal])

    def toggle(self, signal_id: int) -> None:
        """A signal with the others, or no more."""
        recording = self._recording()
        signal = next((s for s in recording.signals if s.id == signal_id), None) if recording else None
        if signal is None:
            return
        if self.traces.of(signal_id) is None and (problem := self.traces.problem_with(signal)):
            self._tell(problem)
        self.chosen = self.traces.toggled(signal)

    def show_quantity(self, unit: str) -> None:
        """All powers, or the current or voltage that belongs to that of the board."""
        if Quantity(unit) is Quantity.POWER:
            self.chosen = None
        elif (signal_id := self._of(unit)) is not None:
            self.show(signal_id)

    def toggle_quantity(self, unit: str) -> None:
        """The power of the board, or what belongs to it, with the others."""
        if (signal_id := self._of(unit)) is not None:
            self.toggle(signal_id)

    def _of(self, unit: str) -> int | None:
        recording = self._recording()
        if recording is None:
            return None
        quantity = Quantity(unit)
        signal = recording.read_out if quantity is Quantity.POWER else recording.beside(quantity)
        return signal.id if signal is not None else None
