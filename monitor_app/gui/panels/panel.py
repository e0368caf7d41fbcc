# SPDX-License-Identifier: Apache-2.0
"""What a panel is: it shows its part of the state of the window, and announces by signals what the user asks for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, ClassVar

from PySide6.QtWidgets import QWidget

from monitor_app.core.status import BenchPhase
from monitor_app.gui.session.curve_style import CurveStyle
from monitor_app.gui.session.subject import NO_SUBJECT, Subject

if TYPE_CHECKING:
    from monitor_app.analysis.require.judgement import Judgement
    from monitor_app.core.status import BenchStatus
    from monitor_app.gui.session.recording import Recording
    from monitor_app.gui.session.shown_signals import ShownSignals
    from monitor_app.gui.theme import Theme


class Place(Enum):
    """Where a panel stands in the window."""

    TOP = auto()
    """Across the window, under the menus."""
    SIDE = auto()
    """In the column left of the panes."""
    ABOVE_PANES = auto()
    BELOW_PANES = auto()
    BOTTOM = auto()
    """Across the window, at its lower edge."""


@dataclass(frozen=True, slots=True)
class WindowState:
    """What the window shows at one moment; the recording and the status are read, never changed."""

    recording: Recording | None
    status: BenchStatus | None
    """What the bench last reported; None without a bench."""
    shown: ShownSignals
    theme: Theme
    selection: tuple[float, float] | None = None
    """Start and end, in s since the start of the session."""
    live: bool = False
    """Whether a bench of this window is recording."""
    can_start: bool = False
    unsaved: bool = False
    """Whether the user has yet to decide where the session is to be saved."""
    samples_per_column: int | None = None
    """Of the first trace; None where nothing is drawn."""
    resume_at: int | None = None
    """The run, counted from 1, at which a plan that was stopped can be resumed."""
    subject: Subject = NO_SUBJECT
    """What the numbers belong to."""
    growing: bool = False
    """Whether the session grows, by the bench of this window or by another process."""
    style: CurveStyle = CurveStyle.ENVELOPE
    """What is drawn around the means."""
    judgements: tuple[Judgement, ...] = ()
    """On what is required, as far as the evidence goes; empty where nothing is."""

    @property
    def running(self) -> bool:
        return self.status is not None and self.status.phase is BenchPhase.RUNNING

    @property
    def simulated(self) -> bool:
        """Whether any source of the session is simulated."""
        return (self.recording is not None and self.recording.simulated) or (
            self.status is not None and any(source.simulated for source in self.status.sources)
        )

    @property
    def silent_s(self) -> float:
        """For how long a bench that records has had no sample; 0 while they come."""
        return self.recording.silent_s if self.live and self.recording is not None else 0.0

    @property
    def length_s(self) -> float:
        """Seconds recorded so far."""
        return self.recording.edge_s if self.recording is not None else 0.0


class Panel(QWidget):
    """A part of the window around the panes.

    A new panel is a file with such a class and a line in ``layout.PANELS``.
    """

    place: ClassVar[Place] = Place.SIDE
    period_s: ClassVar[float] = 0.2
    """``show_state`` is called about as often, or more often where another panel of the place needs it."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.theme = theme

    def show_state(self, state: WindowState) -> None:
        """Bring the panel up to date; cheap where nothing has changed."""
        raise NotImplementedError

    def set_theme(self, theme: Theme) -> None:
        """Use these colours from now on."""
        self.theme = theme
        self.update()
