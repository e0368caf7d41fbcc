# SPDX-License-Identifier: Apache-2.0
"""What all sources have in common: they describe themselves once open, and release what they hold when closed."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from monitor_app.core.errors import MonitorError, PortError, SourceLostError
from monitor_app.core.status import FoundSource

if TYPE_CHECKING:
    from monitor_app.core.samples import PowerSource, SourceInfo


class Closable(Protocol):
    """A transport, a VISA resource."""

    def close(self) -> None:
        """Calling it twice is fine."""


Link = TypeVar("Link", bound=Closable)


class Described:
    """A source that knows what it is only once it has been open; ``open`` sets ``_info``."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._info: SourceInfo | None = None

    @property
    def info(self) -> SourceInfo:
        """Complete after open. Raises PortError before."""
        if self._info is None:
            raise PortError(f"{self._name} has not been opened.")
        return self._info


class Connected(Described, Generic[Link]):
    """A source that talks to its instrument over a link; ``open`` sets ``_link``."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._link: Link | None = None

    def close(self) -> None:
        """Restore the instrument's state and release its link; calling it twice is fine."""
        link, self._link = self._link, None
        if link is None:
            return
        try:
            with contextlib.suppress(SourceLostError):  # the instrument is gone already
                self._leave(link)
        finally:
            link.close()

    def _leave(self, link: Link) -> None:
        """Stop what was started; by default nothing was."""

    def _require(self) -> Link:
        if self._link is None:
            raise SourceLostError(f"{self._name} is not connected: connect it first.")
        return self._link


@dataclass(frozen=True, slots=True)
class DataRate:
    """How much a source produces at its nominal rate."""

    rate_hz: float
    """Samples a second."""
    signals: int
    stored_bytes: int = 0
    """Of one sample of a stream, without signals that are products; 0 where every sample becomes a row of its own."""


def says_simulated(text: str) -> bool:
    """Whether an instrument describes itself as emulated or simulated."""
    return any(word in text.lower() for word in ("emulated", "simulated"))


def try_source(kind: str, where: str, source: PowerSource, spec: dict[str, object]) -> FoundSource:
    """Open a source and close it again: it is ready, or its error says what it needs."""
    try:
        source.open()
        return FoundSource(kind, where, source.info.model, True, "ready", spec)
    except MonitorError as error:
        return FoundSource(kind, where, kind, False, str(error), spec)
    finally:
        source.close()
