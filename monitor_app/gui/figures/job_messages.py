# SPDX-License-Identifier: Apache-2.0
"""Figures and findings as JSON, from the process that computes them to the window. No Qt."""

from dataclasses import dataclass

from monitor_app.charts.model import Chart
from monitor_app.core.messages import Codec


@dataclass(frozen=True, slots=True)
class FindingText:
    """A finding as the window shows it: one of the paper's claims, tested on a session."""

    key: str
    claim: str
    verdict: str
    """holds, does not hold, inconclusive, not enough data."""
    sentence: str
    """What the numbers say, for people."""
    figures: tuple[tuple[str, str], ...]
    """Statistics: (what, value with its interval)."""
    figure: str
    """Key of the chart behind it, or empty."""
    margin: str
    """What the verdict was decided against."""
    caution: str
    simulated: bool
    headline: int | None
    """Which of the paper's four main findings it belongs to; None for its smaller claims."""


@dataclass(frozen=True, slots=True)
class Figures:
    """All that was made of one or more sessions."""

    titles: tuple[str, ...]
    """Of the sessions, in the order of `Point.campaign`."""
    views: dict[str, tuple[Chart, ...]]
    """All charts, by the name of each view (`view_name`)."""
    findings: tuple[FindingText, ...]
    """Of the first session."""
    flags: tuple[str, ...] = ()
    """What sets compared sessions apart that should not, each in one sentence."""

    @property
    def charts(self) -> tuple[Chart, ...]:
        """Those that are shown first."""
        return self.views[view_name()]


def view_name(*, gross: bool = False, macs: bool = False) -> str:
    """Of the charts with energies of the whole board, and with multiply-accumulates in place of operations."""
    return " ".join(name for name, on in (("net", not gross), ("gross", gross), ("macs", macs)) if on)


VIEWS = tuple({"gross": gross, "macs": macs} for gross in (False, True) for macs in (False, True))
"""The choices of which each view is one."""

PROGRESS = b"done "
"""Begins a line with the fraction that is done, 0 to 1."""
_CODEC = Codec({"figures": Figures})


def encode(figures: Figures) -> str:
    """One line of JSON, without its newline."""
    return _CODEC.encode(figures).decode().rstrip("\n")


def decode(text: str) -> Figures:
    """The inverse. Raises ValueError for anything else."""
    return _CODEC.decode(text.encode())
