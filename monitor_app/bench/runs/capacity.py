# SPDX-License-Identifier: Apache-2.0
"""The largest rate that a network can serve, from the closed loop of its warm-up, and the timed phase that follows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor_app.core.errors import InferenceError
from monitor_app.core.offered_load import Arrivals
from monitor_app.core.runs import CAPACITY_HZ, OFFERED_HZ
from monitor_app.inference import messages

if TYPE_CHECKING:
    from collections.abc import Iterable

    from monitor_app.core.profile import Protocol
    from monitor_app.core.runs import Batch, RunSpec

NO_CAPACITY = (
    "The warm-up had no batch, so it does not show the capacity: set warm_up_batches of [protocol] to 10, or give "
    "rate_hz."
)


class Capacity:
    """Of the passes so far."""

    def __init__(self) -> None:
        self._spans_ns: list[tuple[int, int]] = []

    def add(self, batches: Iterable[Batch]) -> None:
        """Passes that have ended, in their order."""
        self._spans_ns += [(batch.start_ns, batch.end_ns) for batch in batches]

    @property
    def rate_hz(self) -> float | None:
        """Passes a second over the later half, with what lies between them; None without a pass.

        The first ones load and compile.
        """
        late = self._spans_ns[len(self._spans_ns) // 2 :]
        if not late or late[-1][1] <= late[0][0]:
            return None
        return len(late) * 1e9 / (late[-1][1] - late[0][0])


def time_command(
    spec: RunSpec, protocol: Protocol, images: str, seed: int, capacity: Capacity
) -> tuple[messages.Time, dict[str, str]]:
    """The timed phase with the load of a run, and what is offered as facts of the run.

    Raises InferenceError where a fraction of the capacity is asked for that the warm-up did not show.
    """
    load, rate_hz, facts = spec.load, 0.0, {}
    if load.kind.arrivals is not Arrivals.CLOSED:
        most_hz = capacity.rate_hz
        if load.rate_hz is None and most_hz is None:
            raise InferenceError(NO_CAPACITY)
        rate_hz = load.rate_hz or (load.of_capacity or 0.0) * (most_hz or 0.0)
        facts = {OFFERED_HZ: repr(rate_hz), **({CAPACITY_HZ: repr(most_hz)} if most_hz else {})}
    command = messages.Time(
        spec.batch_size, protocol.timed_s, protocol.timed_batches, images, load.kind.arrivals.value, rate_hz,
        load.streams, seed,
    )  # fmt: skip
    return command, facts
