# SPDX-License-Identifier: Apache-2.0
"""A new instrument is its folder and one row of the registry: nothing else in the product has to know of it."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest

from monitor_app.bench.bench import Bench
from monitor_app.bench.estimate import POLLED_BYTES, bytes_per_s
from monitor_app.cli.commands.command_line import run
from monitor_app.core.errors import ProfileError
from monitor_app.session.reader import SessionReader
from monitor_app.sources.base import DataRate
from monitor_app.sources.profile_reader import parse_profile, parse_source
from monitor_app.sources.registry import KINDS, Kind
from tests.sources.made_up.driver import WindmillSource, WindmillSpec, find

if TYPE_CHECKING:
    from pathlib import Path

PROFILE = 'title = "Mill"\n[[source]]\nkind = "windmill"\npower_w = 1.25\nrate_hz = 200\n'

WINDMILL = Kind(
    spec=WindmillSpec,
    title="windmill",
    make=lambda spec, _: WindmillSource(spec),
    data_rate=lambda spec: DataRate(spec.rate_hz, signals=1),
    find=find,
    identity="kind",
    measures_supply=True,
)


@pytest.fixture(autouse=True)
def one_row_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KINDS, WINDMILL.name, WINDMILL)


def test_its_profile_is_read_and_refused_like_any_other() -> None:
    (spec,) = parse_profile(PROFILE, "mill.toml").source
    assert spec == WindmillSpec(kind="windmill", power_w=1.25, rate_hz=200)
    with pytest.raises(ProfileError, match=r"mill.toml, line 4: unknown key source.0.powr_w; did you mean power_w\?"):
        parse_profile(PROFILE.replace("power_w", "powr_w"), "mill.toml")
    with pytest.raises(ProfileError, match=r"the kinds are: shunt, .*, windmill"):
        parse_profile(PROFILE.replace("windmill", "sail"), "mill.toml")


def test_the_bench_records_from_it(tmp_path: Path) -> None:
    path = tmp_path / "mill.plm"
    bench = Bench(parse_profile(PROFILE, "mill.toml"), PROFILE, path)
    try:
        deadline = time.monotonic() + 30.0
        while stored_samples(path) < 100:
            assert time.monotonic() < deadline, bench.status().sources
            time.sleep(0.05)
    finally:
        bench.close()
    with SessionReader(path) as reader:
        (source,) = reader.sources()
        assert (source.kind, source.model, source.serial_number) == ("windmill", "Mill 1", "W-7")
        (signal,) = reader.signals()
        times_ns, power_w = reader.samples(signal.id, 0, 2**63 - 1)
        assert set(power_w) == {1.25}
        assert (np.diff(times_ns) > 0).all()


def stored_samples(path: Path) -> int:
    with SessionReader(path) as reader:
        return sum(len(reader.samples(signal.id, 0, 2**63 - 1)[1]) for signal in reader.signals())


def test_it_is_listed_with_what_a_profile_needs(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sources", "--json"]) == 0
    (found,) = [each for each in json.loads(capsys.readouterr().out) if each["kind"] == "windmill"]
    assert (found["where"], found["ready"]) == ("hill", True)
    assert parse_source(found["spec"]) == WindmillSpec(kind="windmill", power_w=2.5)


def test_the_disk_estimate_counts_it() -> None:
    assert bytes_per_s(parse_profile(PROFILE, "mill.toml")) == 200 * POLLED_BYTES
