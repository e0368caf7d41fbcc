# SPDX-License-Identifier: Apache-2.0
"""What all instruments have in common: they describe themselves once open, and let go of what they hold."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from monitor_app.core.errors import PortError, SourceLostError

if TYPE_CHECKING:
    from monitor_app.core.samples import SourceInfo


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
        """Leave the instrument as it should be left and let go of it; calling it twice is fine."""
        link, self._link = self._link, None
        if link is None:
            return
        try:
            with contextlib.suppress(SourceLostError):  # gone already: there is nobody to say it to
                self._leave(link)
        finally:
            link.close()

    def _leave(self, link: Link) -> None:
        """Stop what was started; by default nothing was."""

    def _require(self) -> Link:
        if self._link is None:
            raise SourceLostError(f"{self._name} is not connected: connect it first.")
        return self._link
