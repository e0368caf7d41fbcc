# SPDX-License-Identifier: Apache-2.0
"""How requests arrive while a network is timed, and the scenarios of MLPerf Inference as such loads."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum


class Arrivals(str, Enum):
    """When the next request arrives. Its value goes over the wire."""

    CLOSED = "closed"
    """When the one before has been answered."""
    PACED = "paced"
    """At equal intervals, as frames of a camera."""
    POISSON = "poisson"
    """At random, independently of each other, as from many users."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A kind of load by name."""

    title: str
    """As people write it."""
    arrivals: Arrivals
    samples: int | None = None
    """Of one query, where the scenario fixes it: the batch size."""
    percentile: int | None = None
    """Of the latency, which is its metric; None: throughput, or none."""
    least_s: float = 0.0
    """That MLPerf Inference asks for."""
    least_samples: int = 0
    """Likewise, of the whole phase."""


CLOSED = "closed"
SCENARIOS = {
    CLOSED: Scenario("closed loop", Arrivals.CLOSED),
    "paced": Scenario("paced", Arrivals.PACED),
    "poisson": Scenario("Poisson arrivals", Arrivals.POISSON),
    "single_stream": Scenario("single stream", Arrivals.CLOSED, 1, 90, 600.0),
    "multi_stream": Scenario("multi stream", Arrivals.CLOSED, 8, 99, 600.0),
    "server": Scenario("server", Arrivals.POISSON, 1, 99, 600.0),
    "offline": Scenario("offline", Arrivals.CLOSED, None, None, 600.0, 24_576),
}
"""By the name that a profile gives; the last four have the rules of MLPerf Inference (docs/load.md)."""

_TEXT = re.compile(
    r"(?P<scenario>[a-z_]+)(?: (?P<rate>[\d.e+-]+)/s| (?P<part>[\d.e+-]+) capacity)?"
    r"(?: (?P<streams>\d+) streams)?(?P<whole> end to end)?"
)


@dataclass(frozen=True, slots=True)
class OfferedLoad:
    """The load of the timed phase of a run."""

    scenario: str = CLOSED
    """A key of `SCENARIOS`."""
    rate_hz: float | None = None
    """Requests a second, of all streams together; None: as fast as they are answered, or a fraction of that."""
    of_capacity: float | None = None
    """The offered rate over the largest one that can be served, which the warm-up shows."""
    streams: int = 1
    """Independent clients. One request is served at a time, and the others wait."""
    end_to_end: bool = False
    """Each pass decodes its images and copies them in and out as well."""

    @property
    def kind(self) -> Scenario:
        """What its scenario stands for."""
        return SCENARIOS[self.scenario]

    @property
    def queues(self) -> bool:
        """Whether a request can arrive while another is served, so that it has an arrival of its own."""
        return self.kind.arrivals is not Arrivals.CLOSED or self.streams > 1

    @property
    def text(self) -> str:
        """What a session keeps: `poisson 0.8 capacity 2 streams end to end`. The inverse of `parsed_load`."""
        parts = [self.scenario]
        if self.rate_hz is not None:
            parts.append(f"{self.rate_hz!r}/s")
        elif self.of_capacity is not None:
            parts.append(f"{self.of_capacity!r} capacity")
        if self.streams > 1:
            parts.append(f"{self.streams} streams")
        if self.end_to_end:
            parts.append("end to end")
        return " ".join(parts)

    @property
    def title(self) -> str:
        """For people: `Poisson arrivals at 80 % of capacity, end to end`."""
        words = self.kind.title
        if self.rate_hz is not None:
            words += f" at {self.rate_hz:g}/s"
        elif self.of_capacity is not None:
            words += f" at {100 * self.of_capacity:g} % of capacity"
        if self.streams > 1:
            words += f", {self.streams} streams"
        return f"{words}, end to end" if self.end_to_end else words


CLOSED_LOOP = OfferedLoad()


def parsed_load(text: str) -> OfferedLoad:
    """The load that a session names. Raises ValueError where the text names none."""
    found = _TEXT.fullmatch(text)
    if found is None or found["scenario"] not in SCENARIOS:
        raise ValueError(f"{text!r:.60} is no load")
    rate, part = (None if found[each] is None else float(found[each]) for each in ("rate", "part"))
    return OfferedLoad(found["scenario"], rate, part, int(found["streams"] or 1), found["whole"] is not None)
