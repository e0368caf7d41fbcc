# SPDX-License-Identifier: Apache-2.0
"""The energy of a command and of the spans in it, held against integrals that are known exactly."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from monitor_app.analysis.program_summary import as_json, program_summary
from monitor_app.session.reader import SessionReader
from tests.analysis.run.programs import IDLE_W, Work, write_program

if TYPE_CHECKING:
    from pathlib import Path

    from monitor_app.analysis.program_summary import NamedWork, ProgramSummary


def two_kinds(spans: int = 40, each_s: float = 0.02, pause_s: float = 0.005) -> tuple[list[Work], float]:
    """a at 10 W and b at 5 W in turn, with pauses."""
    work, now = [], 0.1
    for k in range(spans):
        name, power = (("a", 10.0), ("b", 5.0))[k % 2]
        work.append(Work(name, now, now + each_s, power, 4 if name == "a" else 0))
        now += each_s + pause_s
    return work, now + 0.1


def summary_of(path: Path) -> ProgramSummary:
    with SessionReader(path) as reader:
        found = program_summary(reader)
    assert found is not None
    return found


def named(summary: ProgramSummary, name: str) -> NamedWork:
    return next(each for each in summary.work if each.name == name)


def test_spans_have_their_own_energy_and_the_command_its(tmp_path: Path) -> None:
    work, command_s = two_kinds()
    write_program(tmp_path / "s.plm", work, command_s, rate_hz=10_000, noise_w=0.05, moments=[("done", command_s)])
    summary = summary_of(tmp_path / "s.plm")
    assert [each.name for each in summary.work] == ["a", "b"]
    for name, power_w in (("a", 10.0), ("b", 5.0)):
        found = named(summary, name)
        assert found.net_j is not None
        assert found.gross_j is not None
        assert found.spans == found.measured == 20
        assert found.gross_j.low < power_w * 0.02 < found.gross_j.high
        assert found.net_j.low < (power_w - IDLE_W) * 0.02 < found.net_j.high
        assert found.gross_j.high - found.gross_j.low < 0.02 * found.gross_j.value
        assert found.percentiles_j is not None
        assert found.percentiles_j[0] < found.percentiles_j[2] < found.percentiles_j[4]
        assert found.percentiles_j[2] == pytest.approx((power_w - IDLE_W) * 0.02, rel=0.02)
    per_image = named(summary, "a").j_per_image
    assert per_image is not None
    assert per_image.value == pytest.approx(0.04, rel=0.01)
    assert named(summary, "b").j_per_image is None

    gross = summary.over(lambda each: each.energy(net=False))
    net = summary.over(lambda each: each.energy(net=True))
    true_j = sum(each.power_w * (each.end_s - each.start_s) for each in work)
    true_j += IDLE_W * (command_s - sum(each.end_s - each.start_s for each in work))
    assert gross is not None
    assert net is not None
    assert gross.low < true_j < gross.high
    assert net.low < true_j - IDLE_W * command_s < net.high
    assert gross.high - gross.low < 0.01 * gross.value
    peak = summary.over(lambda each: each.peak_w)
    assert peak is not None
    # The highest of so many noisy values is above the power: by no more than its interval and some of the noise.
    assert peak.low - 4 * 0.05 < 10.0 < peak.high
    document = as_json(summary)
    assert document["spans"][1]["images"] is None
    assert document["repetitions"][0]["exit_code"] == 0


@pytest.mark.parametrize("means", [False, True])
def test_a_meter_that_cannot_tell_spans_apart_gives_a_reason_and_a_bound(tmp_path: Path, means: bool) -> None:
    work, command_s = two_kinds(200)
    write_program(tmp_path / "s.plm", work, command_s, rate_hz=20, means=means)
    summary = summary_of(tmp_path / "s.plm")
    for name, power_w in (("a", 10.0), ("b", 5.0)):
        found = named(summary, name)
        assert found.net_j is None
        assert found.gross_j is None
        assert found.percentiles_j is None
        assert found.reason.startswith("The meter gives a value every 50 ms and a span takes 20 ms")
        assert found.at_most_j is not None
        if means:
            assert found.at_most_j > power_w * 0.02
    assert as_json(summary)["spans"][0]["net_j"] is None
    gross = summary.over(lambda each: each.energy(net=False))
    assert gross is not None
    assert math.isfinite(gross.high)


def test_spans_that_are_nearly_all_of_the_time_have_a_mean_by_a_slow_meter_and_no_distribution(tmp_path: Path) -> None:
    work = [Work("a", 0.02 * k, 0.02 * k + 0.0195, 10.0, 1) for k in range(500)]
    write_program(tmp_path / "s.plm", work, 10.0, rate_hz=20, means=True)
    found = named(summary_of(tmp_path / "s.plm"), "a")
    assert found.net_j is not None
    assert found.net_j.low < 8 * 0.0195 < found.net_j.high
    assert found.net_j.high - found.net_j.low < 0.1 * found.net_j.value
    assert found.percentiles_j is None


def test_a_command_of_fewer_values_than_ten_has_no_interval_and_says_so(tmp_path: Path) -> None:
    write_program(tmp_path / "s.plm", [], 2.0, rate_hz=2, base_w=10.0)
    summary = summary_of(tmp_path / "s.plm")
    net = summary.over(lambda each: each.energy(net=True))
    assert net is None or math.isinf(net.high)
    assert any("too few for a command of 2 s: let it run for 5 s at least" in note for note in summary.notes)
    assert as_json(summary)["net_j"] is None or as_json(summary)["net_j"]["interval"] is None


def test_spans_in_a_gap_of_the_samples_are_left_out(tmp_path: Path) -> None:
    work, command_s = two_kinds()
    write_program(tmp_path / "s.plm", work, command_s, rate_hz=10_000, gap_s=(0.3, 0.5))
    found = named(summary_of(tmp_path / "s.plm"), "a")
    assert found.spans == 20
    assert 10 <= found.measured <= 16
    assert found.gross_j is not None
    assert found.gross_j.value == pytest.approx(0.2, rel=0.01)


def test_a_long_recording_is_read_in_pieces_and_spans_stay_resolved(tmp_path: Path) -> None:
    """As one piece it would be means of neighbours, in which such spans would be lost."""
    from monitor_app.analysis.run.command_energy import command_inputs
    from monitor_app.analysis.run.inputs import Effort
    from monitor_app.analysis.run.work import work_of_run

    work, command_s = two_kinds(400, each_s=0.004, pause_s=0.004)
    write_program(tmp_path / "s.plm", work, command_s, rate_hz=10_000)
    with SessionReader(tmp_path / "s.plm") as reader:
        (run,) = reader.runs()
        effort = Effort(most_samples=2_000)
        inputs = command_inputs(reader, run, effort)
        a, b = work_of_run(reader, run, inputs, effort)
    for found, power_w in ((a, 10.0), (b, 5.0)):
        assert found.energy is not None
        assert found.energy.measured == 200
        assert found.energy.mean_gross_j == pytest.approx(power_w * 0.004, rel=0.01)


def test_nineteen_of_twenty_intervals_hold(tmp_path: Path) -> None:
    """Of a meter with eleven values a span, at a random phase, that gives means or values at once."""
    rng = np.random.default_rng(5)
    held = total = 0
    for trial in range(30):
        work, command_s = two_kinds(24, each_s=0.0225 + 0.005 * rng.random())
        path = tmp_path / f"{trial}.plm"
        write_program(
            path, work, command_s, rate_hz=500, noise_w=0.1, means=bool(trial % 2), phase=rng.random(), seed=trial
        )
        summary = summary_of(path)
        for name, power_w in (("a", 10.0), ("b", 5.0)):
            found, each_s = named(summary, name), work[0].end_s - work[0].start_s
            assert found.net_j is not None
            held += found.net_j.low <= (power_w - IDLE_W) * each_s <= found.net_j.high
            total += 1
    assert held >= 0.9 * total
