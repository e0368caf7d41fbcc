# SPDX-License-Identifier: Apache-2.0
"""How strongly consecutive batches are correlated, as far as other runs of the same session show it.

A run of three batches cannot show it. Runs of the same network on the same device can, if they have enough batches
together; so can several other networks on that device, since correlation comes from its clocks, its caches and its
other processes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.statistics.short_series import LEAST, PRIOR, log_likelihood, posterior
from monitor_app.core.runs import Phase, RunState

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from monitor_app.session.reader import SessionReader
    from monitor_app.session.rows import RunRow

    Floats = NDArray[np.float64]

ENOUGH = 100
"""Batches of one network, in runs of ten or more, that show its correlation."""
NETWORKS = 5
"""Other networks on the same device that must show theirs, where the network itself does not."""
SHORT = 50
"""Batches from which on a run needs no other runs."""
_S = 1e-9


@dataclass(frozen=True, slots=True)
class KnownCorrelation:
    """Of a short run, from other runs."""

    probabilities: Floats
    """Of each of ``short_series.CORRELATIONS``."""
    run_ids: tuple[int, ...]
    """The runs that it is known from."""


@dataclass(frozen=True, slots=True)
class _Series:
    """The timed batches of one completed run."""

    run: RunRow
    count: int
    likelihood: Floats


class Correlations:
    """What the completed runs of a session show of each other's correlation."""

    def __init__(self, reader: SessionReader) -> None:
        """Reads the times of all batches. Raises NotASessionError for a damaged session."""
        rows = reader.batches()
        rows = rows[rows["phase"] == Phase.TIMED.value]
        self._series: dict[tuple[str, str], list[_Series]] = {}
        for run in reader.runs():
            seconds = (rows["end_ns"] - rows["start_ns"])[rows["run"] == run.id] * _S
            if run.state == RunState.DONE.value and len(seconds) >= LEAST:
                found = _Series(run, len(seconds), log_likelihood(seconds))
                self._series.setdefault((run.device, run.network), []).append(found)

    def of(self, run: RunRow, batches: int) -> KnownCorrelation | None:
        """For a run of that many timed batches; None where its own batches have to do."""
        networks = self._chosen(run, batches)
        if not networks:
            return None
        found = [posterior(np.sum([each.likelihood for each in series], axis=0)) for series in networks]
        # The network is like one of the others, or like none of them.
        weights = found[0] if len(found) == 1 else np.mean([PRIOR, *found], axis=0)
        return KnownCorrelation(weights, _ids(networks))

    def runs_for(self, run: RunRow, batches: int) -> tuple[int, ...]:
        """The runs that ``of`` takes it from."""
        return _ids(self._chosen(run, batches))

    def _chosen(self, run: RunRow, batches: int) -> list[list[_Series]]:
        """By network. The first runs that suffice, so later ones of a session do not change what is known."""
        if batches >= SHORT:
            return []
        own = _enough(self._series.get((run.device, run.network), ()), but=run.id)
        if own:
            return [own]
        others = [
            found
            for (device, network), series in self._series.items()
            if device == run.device and network != run.network and (found := _enough(series))
        ][:NETWORKS]
        return others if len(others) == NETWORKS else []


def _enough(series: Iterable[_Series], but: int | None = None) -> list[_Series]:
    """The first runs with enough batches together, without the run ``but``; none where they do not suffice."""
    chosen: list[_Series] = []
    for each in series:
        if each.run.id != but:
            chosen.append(each)
            if sum(one.count for one in chosen) >= ENOUGH:
                return chosen
    return []


def _ids(networks: list[list[_Series]]) -> tuple[int, ...]:
    return tuple(each.run.id for series in networks for each in series)
