# SPDX-License-Identifier: Apache-2.0
"""What must be true before the first run of a plan: the sources are there, and one of them measures the total power."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from monitor_app.analysis.run.signals import total_power
from monitor_app.core.errors import ProfileError, SessionError
from monitor_app.core.samples import Quantity
from monitor_app.core.status import SourceState
from monitor_app.session.reader import SessionReader

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from monitor_app.bench.acquisition.source_set import SourceSet
    from monitor_app.session.rows import SignalRow

CONNECT_S = 20.0
"""For so long at most sources are waited for that are still being connected."""
APPEAR_S = 2.0
"""And for so long the signals of those that are."""
LOOK_S = 0.1


def admit(
    session: Path, sources: SourceSet, wait: Callable[[float], None], *, without_power: bool, what: str = "plan"
) -> SignalRow | None:
    """The total power, once all sources are connected; None where the profile has no source or does without.

    Args:
        session: the file that is being recorded.
        sources: those of the bench.
        wait: waits for this number of seconds. Raises CancelledError.
        without_power: whether the plan may run where nothing measures the total power.
        what: is to be run, in sentences.

    Raises:
        ProfileError: a role names no signal, or nothing measures the total power.
        CancelledError: the plan was stopped meanwhile.
    """
    began = connected = time.monotonic()
    while True:
        if sources.refusals:
            raise ProfileError(sources.refusals[0])
        statuses, now = sources.statuses(), time.monotonic()
        streaming = {status.name for status in statuses if status.state is SourceState.STREAMING}
        in_file, total = _found(session)
        if not statuses:
            return None
        if any(status.state is SourceState.CONNECTING for status in statuses) and now - began < CONNECT_S:
            connected = now
        elif streaming - in_file and now - connected < APPEAR_S:
            pass  # of several powers the first in the file would be taken for the only one
        elif total is not None:
            return total
        elif without_power:
            return None
        elif now - connected > APPEAR_S:
            raise ProfileError(_no_total(session, [status.message for status in statuses if status.message], what))
        wait(LOOK_S)


def _found(session: Path) -> tuple[set[str], SignalRow | None]:
    """The names of the sources that the file has by now, and the total power among their signals."""
    try:
        with SessionReader(session) as reader:
            return {source.name for source in reader.sources()}, total_power(reader)
    except SessionError:  # it is being created
        return set(), None


def _no_total(session: Path, troubles: list[str], what: str) -> str:
    with SessionReader(session) as reader:
        names = {source.id: source.name for source in reader.sources()}
        powers = [f"{names[s.source]}/{s.name}" for s in reader.signals() if s.quantity is Quantity.POWER]
    way = (
        f'give one of {", ".join(sorted(powers))} the role "total" under [source.roles]'
        if powers
        else "connect an instrument that measures power"
    )
    reason = f" ({troubles[0].rstrip('.')})" if troubles else ""
    return (
        f"The {what} was not started, since no signal is the total power of the board{reason}: {way}, or set "
        "without_power = true under [plan]."
    )
