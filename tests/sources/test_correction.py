# SPDX-License-Identifier: Apache-2.0
"""What a profile says of a meter's calibration reaches the signals, and a stated accuracy covers the truth."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from monitor_app.analysis.session_summary import run_results
from monitor_app.bench.acquisition.instruments import make_instruments
from monitor_app.core.errors import ProfileError, SourceError
from monitor_app.core.runs import Batch, Phase, RunSpec, RunState
from monitor_app.core.samples import Quantity, Role, SampleBlock, Signal, SourceInfo
from monitor_app.session.reader import SessionReader
from monitor_app.session.writer import SessionWriter
from monitor_app.sources.calibration import Level, calibrate, profile_lines
from monitor_app.sources.correction import corrected, corrected_source
from monitor_app.sources.profile_reader import parse_profile, parse_source
from tests.session.bench import RATE_HZ, START_NS, S, put, shunt, steady

if TYPE_CHECKING:
    from monitor_app.core.source_specs import SourceSpec

METER = SourceInfo(
    name="meter", kind="shunt", model="", serial_number="", firmware="", rate_hz=1000.0,
    signals=(
        Signal("board current", Quantity.CURRENT, scale=0.01, offset=-1.0, resolution=0.01, accuracy=0.03),
        Signal("board voltage", Quantity.VOLTAGE, scale=0.02, accuracy=0.01),
        Signal("gpu current", Quantity.CURRENT, scale=0.01, accuracy=0.03),
        Signal("gpu voltage", Quantity.VOLTAGE, scale=0.02, accuracy=0.01),
        Signal("board", Quantity.POWER, Role.TOTAL, resolution=0.1, accuracy=0.04,
               product_of=("board current", "board voltage")),
        Signal("gpu", Quantity.POWER, accuracy=0.04, product_of=("gpu current", "gpu voltage")),
    ),
)  # fmt: skip


def spec(**keys: object) -> SourceSpec:
    return parse_source({"kind": "shunt", "port": "/dev/x", **keys})


def by_name(info: SourceInfo) -> dict[str, Signal]:
    return {signal.name: signal for signal in info.signals}


def test_a_current_is_freed_of_its_zero_and_multiplied():
    fixed = by_name(corrected(METER, spec(gain=1.05, zero_a=0.2)))
    current = fixed["board current"]
    code = 350
    shown = 0.01 * code - 1.0
    assert current.scale * code + current.offset == pytest.approx(1.05 * (shown - 0.2))
    assert current.resolution == pytest.approx(0.0105)
    assert fixed["board voltage"] == METER.signals[1]
    assert fixed["board"].resolution == pytest.approx(0.105)
    assert fixed["board"].accuracy == pytest.approx(0.04)


def test_one_pair_of_several_is_named_by_its_power_or_its_current():
    for name in ("gpu", "gpu current"):
        fixed = by_name(corrected(METER, spec(gain={name: 0.9}, accuracy={name: 0.002})))
        assert fixed["gpu current"].scale == pytest.approx(0.009)
        assert fixed["gpu"].accuracy == pytest.approx(0.002)
        assert fixed["board current"] == METER.signals[0]
        assert fixed["board"].accuracy == pytest.approx(0.04)


def test_a_power_made_with_the_voltage_of_the_profile_follows():
    info = replace(METER, signals=(Signal("current", Quantity.CURRENT), Signal("power", Quantity.POWER)))
    ppk2 = parse_source({"kind": "ppk2", "supply_v": 5.0, "gain": 1.1, "zero_a": 0.01})
    power = by_name(corrected(info, ppk2))["power"]
    assert power.scale * 2.0 + power.offset == pytest.approx(1.1 * (2.0 - 0.01 * 5.0))


def test_a_zero_without_a_current_and_a_name_that_is_not_there_are_refused():
    powers = replace(METER, signals=(Signal("package-0", Quantity.POWER),))
    with pytest.raises(ProfileError, match="measures the power package-0 itself"):
        corrected(powers, spec(zero_a=0.1))
    with pytest.raises(ProfileError, match="gain of meter names bord, which it does not measure; there are: board cur"):
        corrected(METER, spec(gain={"bord": 1.1}))


def test_what_the_profile_gives_is_noted_and_the_samples_stay():
    class Source:
        info = METER

        def open(self): ...
        def close(self): ...
        def read(self, timeout_s):
            return [block]

    block = SampleBlock(0, (np.arange(3, dtype="<u2"),) * 4, 1)
    source = corrected_source(Source(), spec(gain=1.02, zero_a=0.003, accuracy=0.01, calibrated="2026-11-29 by me"))
    source.open()
    assert source.read(0.0) == [block]
    assert source.info.notes == (
        "The profile corrects its currents: gain = 1.02 and zero_a = 0.003.",
        "The profile gives its accuracy: 0.01 of the value, as a limit.",
        "Calibrated 2026-11-29 by me.",
    )
    plain = Source()
    assert corrected_source(plain, spec()) is plain


def test_the_bench_corrects_an_emulated_meter():
    table = {"kind": "shunt", "emulate": "tx1", "gain": 2.0, "accuracy": 0.05}
    [instrument] = make_instruments(parse_source(table))
    [usual] = make_instruments(parse_source({"kind": "shunt", "emulate": "tx1"}))
    try:
        infos = []
        for each in (instrument, usual):
            source = each.make_source(None)
            source.open()
            infos.append(by_name(source.info))
            source.close()
    finally:
        instrument.close()
        usual.close()
    doubled, plain = infos
    assert doubled["current"].scale == pytest.approx(2 * plain["current"].scale)
    assert doubled["power"].accuracy == pytest.approx(0.05)
    assert plain["power"].accuracy not in {None, 0.05}


@pytest.mark.parametrize("keys", [{"gain": 0}, {"gain": -1.0}, {"accuracy": 1.0}, {"accuracy": -0.1}])
def test_impossible_numbers_are_refused(keys):
    with pytest.raises(ProfileError):
        spec(**keys)


# -- a stated accuracy covers the truth ------------------------------------------------------------


def session(path, error: float, seed: int) -> SessionReader:
    """A run of known power on a meter that shows a fraction too much, and says that it may."""
    rng = np.random.default_rng(seed)
    writer = SessionWriter(path)
    writer.add_source(1, corrected(shunt(accuracy=None), spec(accuracy=0.05)))
    for start_s, watts, seconds in ((0, 2.0, 1), (1, 8.0, 4), (5, 2.0, 1)):
        current, voltage = steady(watts * (1 + error), seconds * RATE_HZ)
        put(writer, start_s * RATE_HZ, (current + rng.integers(-40, 41, len(current)).astype("<u2"), voltage))
    writer.add_run(1, 1, RunSpec("net", 5), "Net", RunState.RUNNING)
    for span, (phase, start_s) in enumerate(((Phase.IDLE_BEFORE, 0), (Phase.IDLE_AFTER, 5)), start=1):
        writer.open_span(span, 1, phase, START_NS + start_s * S)
        writer.close_span(span, START_NS + (start_s + 1) * S)
    step_ns = 4 * S // 20
    writer.write_batches(
        1, [Batch(Phase.TIMED, START_NS + S + k * step_ns, START_NS + S + (k + 1) * step_ns, 5) for k in range(20)]
    )
    writer.close()
    return SessionReader(path)


def test_the_interval_of_a_meter_that_is_off_by_what_it_states_covers_the_truth(tmp_path):
    runs, covered_gross, covered_net = 20, 0, 0
    true_gross, true_net = 8.0 * 4 / 100, 6.0 * 4 / 100
    for seed in range(runs):
        with session(tmp_path / f"{seed}.plm", 0.05 if seed % 2 else -0.05, seed) as reader:
            [result] = run_results(reader)
        gross, net = result.energy.gross, result.energy.net
        covered_gross += abs(gross.j_per_image - true_gross) <= gross.expanded_j
        covered_net += abs(net.j_per_image - true_net) <= net.expanded_j
        assert abs(gross.j_per_image - true_gross) > 0.04 * true_gross
    assert covered_gross >= 0.95 * runs
    assert covered_net >= 0.95 * runs


# -- calibration -----------------------------------------------------------------------------------


def test_gain_and_zero_are_found_from_loads_and_correct_the_meter():
    def shows(ampere):
        return ampere / 1.06 + 0.04

    found = calibrate([Level(a, shows(a), 1e-4) for a in (0.0, 1.0, 2.5)], 0.001)
    assert found.gain == pytest.approx(1.06)
    assert found.zero == pytest.approx(0.04)
    assert 0.001 < found.accuracy < 0.002
    assert found.gain * (shows(1.7) - found.zero) == pytest.approx(1.7)


def test_one_load_gives_the_gain_no_load_the_zero():
    assert calibrate([Level(2.0, 1.9, 0.0)], 0.01).gain == pytest.approx(2 / 1.9)
    assert calibrate([Level(2.0, 1.9, 0.0)], 0.01).zero is None
    alone = calibrate([Level(0.0, 0.03, 0.0)], 0.01)
    assert (alone.gain, alone.zero, alone.accuracy) == (None, pytest.approx(0.03), None)


def test_a_meter_that_is_not_a_straight_line_gets_a_wider_limit():
    bent = calibrate([Level(0, 0, 0), Level(1, 1.1, 0), Level(2, 2, 0)], 0.001)
    assert bent.accuracy > 0.02


def test_loads_that_show_nothing_are_refused():
    with pytest.raises(SourceError, match="same at all loads"):
        calibrate([Level(0.0, 1.0, 0.01), Level(2.0, 1.001, 0.01)], 0.01)
    with pytest.raises(SourceError, match="shows nothing of the load"):
        calibrate([Level(2.0, -1.0, 0.01)], 0.01)


@pytest.mark.parametrize("signal", [None, "board"])
def test_the_lines_can_be_pasted(signal):
    found = calibrate([Level(0.0, 0.04, 0.0), Level(2.0, 1.96, 0.0)], 0.001)
    lines = "\n".join(profile_lines(found, "2026-11-29", "2 A, by a shunt", signal))
    text = f'title = "it"\n[[source]]\nkind = "powersensor3"\nport = "/dev/x"\n{lines}\n'
    [table] = parse_profile(text, "bench.toml").source
    gain = table.gain if signal is None else table.gain["board"]
    assert gain == pytest.approx(2 / 1.92, rel=1e-5)
    assert table.calibrated == "2026-11-29 against 2 A, by a shunt"
