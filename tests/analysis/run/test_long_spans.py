# SPDX-License-Identifier: Apache-2.0
"""A long span takes little more memory than the samples that are kept of it."""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING

import numpy as np
import pytest

from monitor_app.analysis.run.largest_window import largest_window
from monitor_app.analysis.run.pair import pair_inputs
from monitor_app.session.reader import SessionReader
from monitor_app.session.writer import SessionWriter
from tests.session.bench import PERIOD_NS, RATE_HZ, START_NS, noise, put, shunt

if TYPE_CHECKING:
    from pathlib import Path

COUNT = 24 * RATE_HZ
KEPT = 16
"""Bytes of a sample: its time and its value."""


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of 24 s at 50 kSa/s, in blocks of half a second."""
    path = tmp_path_factory.mktemp("long") / "s.plm"
    rng = np.random.default_rng(1)
    writer = SessionWriter(path)
    writer.add_source(1, shunt())
    for first in range(0, COUNT, RATE_HZ // 2):
        put(writer, first, noise(rng, RATE_HZ // 2))
    writer.close()
    return path


def test_a_long_pair_takes_a_few_times_the_memory_of_its_samples(session: Path) -> None:
    with SessionReader(session) as reader:
        pair_inputs(reader, START_NS, START_NS + 1000 * PERIOD_NS)  # whatever is made once
        tracemalloc.start()
        try:
            inputs = pair_inputs(reader, START_NS, START_NS + COUNT * PERIOD_NS)
            kept, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert len(inputs.power.values) == COUNT, "every sample"
    assert inputs.detail is inputs.power
    assert kept < 1.2 * KEPT * COUNT, "no array keeps a table of which it is a column"
    assert peak < 5 * KEPT * COUNT, "18 times as much, before it was read in pieces"


def test_the_largest_window_keeps_none_of_the_others(session: Path) -> None:
    with SessionReader(session) as reader:
        power = pair_inputs(reader, START_NS, START_NS + COUNT * PERIOD_NS).power
    found = largest_window(power, 10**9)
    assert found is not None
    assert len(found.means_w) > 1e6
    alone = found.alone
    assert (alone.start_ns, alone.mean_w, len(alone.means_w)) == (found.start_ns, found.mean_w, 0)
    assert alone.means_w.base is None
    assert alone.starts_ns.base is None
