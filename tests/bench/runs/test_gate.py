# SPDX-License-Identifier: Apache-2.0
"""Before the first run: roles that name signals, a total power, and power that follows the work."""

from __future__ import annotations

import itertools
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from monitor_app.bench.acquisition.source_set import SourceSet
from monitor_app.bench.bench import Bench
from monitor_app.bench.runs import gate
from monitor_app.bench.runs.power_check import PowerCheckError, check_power, check_pulses_of
from monitor_app.core.errors import ProfileError
from monitor_app.core.samples import Quantity, Role, Signal, SourceInfo
from monitor_app.core.status import CheckState, SourceState, SourceStatus
from monitor_app.inference.messages import Pulses
from monitor_app.session.reader import SessionReader
from monitor_app.session.writer import SessionWriter
from monitor_app.sources.profile_reader import parse_profile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

METER = '[[source]]\nkind = "shunt"\nname = "{name}"\nemulate = "tx1"\nroles = {{ {roles} }}\n'
PLAN = """
[inference]
device = "emulated:tx1"
[protocol]
settle_s = {settle_s}
idle_s = 0.2
warm_up_s = 0.1
warm_up_batches = 1
timed_s = 0.2
timed_batches = 1
[plan]
networks = ["bn_nin"]
"""


def text_of(*roles: str, settle_s: float = 0.5, plan: str = "") -> str:
    meters = "".join(METER.format(name=f"meter {k}", roles=each) for k, each in enumerate(roles))
    return 'title = "x"\n' + meters + PLAN.format(settle_s=settle_s) + plan


def carried_out(text: str, session: Path, wait_until: Callable[..., None]) -> Bench:
    """A bench whose plan has ended, closed."""
    bench = Bench(parse_profile(text, "test"), text, session)
    try:
        wait_until(lambda: not bench.runs_active, timeout_s=120)
    finally:
        bench.close()
    return bench


def runs_in(session: Path) -> list[str]:
    with SessionReader(session) as reader:
        return [run.state for run in reader.runs()]


def test_a_role_that_names_no_signal_is_refused_with_those_there_are(
    tmp_path: Path, wait_until: Callable[..., None]
) -> None:
    bench = carried_out(text_of('powr = "total"'), tmp_path / "s.plm", wait_until)
    assert str(bench.refusal) == (
        "meter 0 has no signal powr, to which the profile gives a role: use one of current, voltage, power under "
        "[source.roles]."
    )
    assert runs_in(tmp_path / "s.plm") == []


def test_a_plan_without_a_total_is_refused_unless_the_profile_says_so(
    tmp_path: Path, wait_until: Callable[..., None]
) -> None:
    roles = ('power = "other"', 'power = "other"')
    bench = carried_out(text_of(*roles), tmp_path / "s.plm", wait_until)
    assert "meter 0/power, meter 1/power" in str(bench.refusal)
    assert "without_power = true" in str(bench.refusal)
    assert runs_in(tmp_path / "s.plm") == []
    bench = carried_out(text_of(*roles, plan="without_power = true\n"), tmp_path / "t.plm", wait_until)
    assert bench.refusal is None
    assert runs_in(tmp_path / "t.plm") == ["done"]


def test_the_first_of_two_powers_to_reach_the_file_is_not_taken_for_the_only_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "APPEAR_S", 0.5)
    writer = SessionWriter(tmp_path / "s.plm")

    def add(source: int) -> None:
        signals = (Signal("power", Quantity.POWER, Role.OTHER, scale=1.0),)
        info = SourceInfo(f"meter {source}", "lines", "Meter", "1", str(source), 1000.0, signals, simulated=True)
        writer.add_source(source, info)
        writer.commit()

    class Two:
        """Both stream, and the recorder has not come to the second yet."""

        refusals = ()

        def statuses(self) -> tuple[SourceStatus, ...]:
            return tuple(SourceStatus(f"meter {k}", "lines", SourceState.STREAMING) for k in (0, 1))

    def wait(_seconds: float) -> None:
        if not added:
            added.append(add(1))

    added: list[None] = []
    add(0)
    with pytest.raises(ProfileError, match="no signal is the total power of the board: give one of meter 0/power, m"):
        gate.admit(tmp_path / "s.plm", Two(), wait, without_power=False)  # type: ignore[arg-type]
    writer.close()


@pytest.mark.realtime
def test_a_plan_runs_where_the_power_follows_the_work(tmp_path: Path, wait_until: Callable[..., None]) -> None:
    text, seen = text_of('power = "total"'), []
    bench = Bench(parse_profile(text, "test"), text, tmp_path / "s.plm")

    def over() -> bool:
        seen.append(bench.status().check)
        return not bench.runs_active

    try:
        wait_until(over, timeout_s=120)
    finally:
        bench.close()
    assert bench.refusal is None
    assert [state for state, _ in itertools.groupby(check.state for check in seen if check.text)] == [
        CheckState.WAITING,
        CheckState.PLAYING,
        CheckState.PASSED,
    ]
    playing = [check for check in seen if check.state is CheckState.PLAYING]
    assert "meter 0/power follows the work" in playing[0].text
    assert playing[0].fraction < 0.5 < playing[-1].fraction <= 1
    assert seen[-1].text == bench.checked
    assert "follows the work" in bench.checked
    assert runs_in(tmp_path / "s.plm") == ["done"]


def test_a_meter_on_another_board_is_refused(
    tmp_path: Path, wait_until: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SourceSet, "load_signals", ())  # the board's load is not that of the networks
    bench = carried_out(text_of('power = "total"'), tmp_path / "s.plm", wait_until)
    assert "does not follow the work" in str(bench.refusal)
    check = bench.status().check
    assert (check.state, check.text) == (CheckState.REFUSED, str(bench.refusal))
    assert runs_in(tmp_path / "s.plm") == []


def test_networks_without_torch_are_refused_before_the_first_run(
    tmp_path: Path, wait_until: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    bench = carried_out(text_of('power = "total"').replace("emulated:tx1", "cpu"), tmp_path / "s.plm", wait_until)
    assert "pip install 'inferwatt[torch]'" in str(bench.refusal)
    assert (bench.status().check.state, bench.status().message) == (CheckState.REFUSED, str(bench.refusal))
    assert runs_in(tmp_path / "s.plm") == []


# -- the check itself ----------------------------------------------------------------------------


def checked(
    path: Path, settle_s: float, *, tau_s: float = 0.05, late_s: float = 0.0, rate_hz: float = 1000.0,
    full_w: float = 13.0, delay_is_known: bool = False,
) -> str:  # fmt: skip
    """The check of a meter that shows the power of a board late; edges as the bench would play them."""
    steps = check_pulses_of(Pulses(), rate_hz)
    rng = np.random.default_rng(1)
    edges_s = 3.0 + np.cumsum(rng.uniform(steps.shortest_s, steps.longest_s, 2 * steps.pulses))
    times_s = np.arange(0.0, edges_s[-1] + 3.0, 1 / rate_hz)
    level, powers = 0.0, []
    for time_s in times_s - late_s:
        busy = np.searchsorted(edges_s, time_s, "right") % 2 == 1
        level += (float(busy) - level) * (1 - np.exp(-1 / rate_hz / tau_s))
        powers.append(1.3 + (full_w - 1.3) * level)
    power_w = (np.array(powers) + rng.normal(0, 0.05, len(powers))).astype("<f4")
    writer = SessionWriter(path)
    signals = (Signal("power", Quantity.POWER, Role.TOTAL, scale=1.0),)
    writer.add_source(1, SourceInfo("meter", "lines", "Meter", "1", "1", rate_hz, signals, simulated=True))
    t0_ns = 5_000_000_000_000
    times_ns = t0_ns + np.round(times_s * 1e9).astype(np.int64)
    writer.write_block(1, 0, (power_w,), int(times_ns[0]), int(times_ns[-1]))
    writer.commit()
    writer.close()
    edges_ns = [t0_ns + round(edge_s * 1e9) for edge_s in edges_s]
    with SessionReader(path) as reader:
        return check_power(reader, reader.signals()[0], edges_ns, settle_s, delay_is_known=delay_is_known)


def test_a_supply_that_is_slow_needs_a_longer_settle_time(tmp_path: Path) -> None:
    with pytest.raises(PowerCheckError, match=r"settle_s = 0\.4 is shorter: set settle_s = 1\.[01]"):
        checked(tmp_path / "a.plm", 0.4, tau_s=0.3)
    assert "rises by 11.7 W" in checked(tmp_path / "b.plm", 1.1, tau_s=0.3)


def test_a_meter_that_is_late_needs_a_longer_settle_time_or_a_correction(tmp_path: Path) -> None:
    with pytest.raises(PowerCheckError, match="pulses = true"):
        checked(tmp_path / "a.plm", 0.4, late_s=1.0)
    assert "1000 ms late" in checked(tmp_path / "b.plm", 0.4, late_s=1.0, delay_is_known=True).replace("999", "1000")


def test_power_that_does_not_rise_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PowerCheckError, match="does not follow the work"):
        checked(tmp_path / "a.plm", 0.4, full_w=1.3)


def test_a_slow_meter_is_seen_to_follow(tmp_path: Path) -> None:
    steps = check_pulses_of(Pulses(), 2.0)
    assert 2 * steps.pulses * steps.longest_s < 40
    assert "follows the work" in checked(tmp_path / "a.plm", 1.5, rate_hz=2.0)
