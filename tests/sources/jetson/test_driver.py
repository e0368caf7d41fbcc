# SPDX-License-Identifier: Apache-2.0
"""The rails of every board in every form the kernel gives them, and chips that wait, stutter and go away."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor_app.core.errors import PortError, SourceLostError
from monitor_app.core.host_time import host_time_ns
from monitor_app.core.samples import Quantity, Role, SampleBlock
from monitor_app.sources.jetson.boards import board_names, load_board, recognise_board
from monitor_app.sources.jetson.chips import Chip, conversion_s, cycle_of, find_chips, require_chips
from monitor_app.sources.jetson.driver import RailsSource
from monitor_app.sources.jetson.sweeps import SweepsHere
from monitor_app.sources.jetson.sysfs import RailFile, numbers_in
from monitor_app.sources.jetson.update_rate import BUDGET_S, period_of_changes
from tests.sources.jetson.tree import Clock, FileSeam, FreeChip, JetsonTree, WaitingChip, always, at_reads, write

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor_app.sources.jetson.boards import Board

ORIN = {1: "VDD_IN", 2: "VDD_CPU_GPU_CV", 3: "VDD_SOC"}
CYCLE_NS = 6_600_000


@pytest.fixture
def tree(tmp_path: Path) -> JetsonTree:
    return JetsonTree(tmp_path)


@pytest.fixture(autouse=True)
def no_file_is_left_open() -> Iterator[None]:
    before = set(os.listdir("/proc/self/fd"))
    yield
    left = {fd: os.readlink(f"/proc/self/fd/{fd}") for fd in set(os.listdir("/proc/self/fd")) - before if _exists(fd)}
    assert not [path for path in left.values() if "i2c" in path or "ina" in path]


def _exists(fd: str) -> bool:
    return Path(f"/proc/self/fd/{fd}").is_symlink()


def only_chip(tree: JetsonTree, board: Board | None = None) -> Chip:
    (chip,) = find_chips(tree.root, board)
    return chip


def blocks(source: RailsSource, timeout_s: float) -> list[SampleBlock]:
    readings = source.read(timeout_s)
    assert all(isinstance(reading, SampleBlock) for reading in readings)
    return [reading for reading in readings if isinstance(reading, SampleBlock)]


def read_for(source: RailsSource, seconds: float, timeout_s: float = 0.05) -> list[SampleBlock]:
    """Reads of the bench's length, over and over."""
    return [block for _ in range(round(seconds / timeout_s)) for block in blocks(source, timeout_s)]


def on_seam(chip: Chip, seam: FileSeam, board: Board | None = None) -> RailsSource:
    return RailsSource("rails", chip, board, sweeper=SweepsHere(seam, seam.clock.now, seam.clock.sleep))


# Every board in the form its kernels give it: place, names of the three channels.
FORMS: dict[str, dict[str, list[str]]] = {
    "jetson-tx1": {
        "1-0040": ["VDD_IN", "VDD_GPU", "VDD_CPU"],
        "1-0042": ["VDD_MUX", "VDD_5V_IO_SYS", "VDD_3V3_SYS"],
        "1-0043": ["VDD_3V3_IO_SLP", "VDD_1V8_IO", "VDD_3V3_SYS_M2"],
    },
    "jetson-tx2": {
        "0-0040": ["VDD_SYS_GPU", "VDD_SYS_SOC", "VDD_4V0_WIFI"],
        "0-0041": ["VDD_IN", "VDD_SYS_CPU", "VDD_SYS_DDR"],
        "0-0042": ["VDD_MUX", "VDD_5V0_IO_SYS", "VDD_3V3_SYS"],
        "0-0043": ["VDD_3V3_IO_SLP", "VDD_1V8_IO", "VDD_M2_IN"],
    },
    "jetson-tx2-nx": {"7-0040": ["VDD_IN", "VDD_CPU_GPU", "VDD_SOC"]},
    "jetson-nano": {"6-0040": ["POM_5V_IN", "POM_5V_GPU", "POM_5V_CPU"]},
    "jetson-xavier-nx": {"7-0040": ["VDD_IN", "VDD_CPU_GPU_CV", "VDD_SOC"]},
    "jetson-agx-xavier": {"1-0040": ["GPU", "CPU", "SOC"], "1-0041": ["CV", "VDDRQ", "SYS5V"]},
    "jetson-orin-nano": {"1-0040": ["VDD_IN", "VDD_CPU_GPU_CV", "VDD_SOC"]},
    "jetson-orin-nx": {"1-0040": ["VDD_IN", "VDD_CPU_GPU_CV", "VDD_SOC"]},
    "jetson-agx-orin": {
        "1-0040": ["VDD_GPU_SOC", "VDD_CPU_CV", "VIN_SYS_5V0"],
        "1-0041": ["NC", "VDDQ_VDD2_1V8AO", "NC"],
    },
    "jetson-agx-thor": {"2-0040": ["VDD_GPU", "VDD_CPU_SOC_MSS", "VIN_SYS_5V0"]},
}


def test_every_board_that_has_rails_is_among_the_forms() -> None:
    assert {name for name in board_names() if load_board(name).rails} == set(FORMS)


@pytest.mark.parametrize("name", sorted(FORMS))
@pytest.mark.parametrize("form", ["iio:device", "iio_device", "hwmon"])
def test_every_board_in_every_form(name: str, form: str, tree: JetsonTree) -> None:
    board = load_board(name)
    for number, (place, names) in enumerate(FORMS[name].items()):
        if form == "hwmon":
            tree.hwmon(place, {k + 1: label for k, label in enumerate(names)})
        else:
            tree.iio(place, names, folder=f"{form}{number}" if form == "iio:device" else form, config=0x7C07)
    if name == "jetson-agx-thor":
        tree.ina238("2-0044")
    chips = find_chips(tree.root, board)
    wanted = [label for names in FORMS[name].values() for label in names if label != "NC"]
    wanted += ["VIN"] if name == "jetson-agx-thor" else []
    found = {}
    for chip in chips:
        seam = FileSeam(Clock())
        source = on_seam(chip, seam, board)
        source.open()
        (block, *_) = read_for(source, 1.0)
        for signal in source.info.signals:
            if signal.quantity is Quantity.POWER:
                found[signal.name] = signal.role
        for rail in chip.rails:
            current = block.codes[[s.name for s in source.info.stored_signals].index(f"{rail.name} current")]
            ma = 2500 if rail.power else 1000 + rail.channel - 1
            np.testing.assert_array_equal(current, np.float32(ma * 1e-3), err_msg=rail.name)
        source.close()
    assert list(found) == wanted
    known = [board.rail(each) for each in found]
    assert [rail and rail.role for rail in known] == list(found.values())
    assert {rail.name for rail in known if rail} >= set(board.total)


def test_the_chips_are_described_as_they_are(tree: JetsonTree) -> None:
    values = tree.hwmon("1-0040", ORIN)
    chip = only_chip(tree)
    assert (chip.driver, chip.bus, chip.address, chip.where, chip.part) == ("ina3221", 1, 0x40, "1-0040", "INA3221")
    assert chip.folder.samefile(values)
    assert [(rail.name, rail.channel) for rail in chip.rails] == [
        ("VDD_IN", 1),
        ("VDD_CPU_GPU_CV", 2),
        ("VDD_SOC", 3),
    ]
    assert chip.rails[1].current.samefile(values / "curr2_input")
    assert chip.rails[1].voltage.samefile(values / "in2_input")


def test_a_channel_that_is_not_connected_or_off_is_no_rail(tree: JetsonTree) -> None:
    values = tree.hwmon("1-0040", {1: "NC", 2: "VDDQ_VDD2_1V8AO", 3: "OFF"})
    write(values / "in3_enable", 0)
    assert [rail.name for rail in only_chip(tree).rails] == ["VDDQ_VDD2_1V8AO"]


def test_a_chip_without_a_rail_is_no_chip(tree: JetsonTree) -> None:
    tree.hwmon("1-0041", {})
    tree.iio("1-0042", ["NC", "(null)", "NC"])
    assert find_chips(tree.root, None) == []


def test_two_channels_of_one_name_stay_apart(tree: JetsonTree) -> None:
    tree.iio("1-0040", ["VDD", "VDD", "SOC"])
    assert [rail.name for rail in only_chip(tree).rails] == ["VDD 1", "VDD 2", "SOC"]


def test_the_whole_description_of_a_chip_of_a_known_board(tree: JetsonTree) -> None:
    tree.device_tree("NVIDIA Jetson Orin Nano Developer Kit", "nvidia,p3768-0000+p3767-0005", "nvidia,tegra234")
    tree.hwmon("1-0040", ORIN, mv=5000, samples=4)
    board = recognise_board(tree.root)
    source = on_seam(only_chip(tree, board), FileSeam(Clock()), board)
    source.open()
    info = source.info
    source.close()
    assert (info.name, info.kind, info.model) == ("rails", "jetson-rails", "INA3221 at 1-0040 (Jetson Orin Nano)")
    assert (info.serial_number, info.firmware, info.simulated) == ("1-0040", "ina3221", False)
    assert [s.name for s in info.signals] == [
        *(f"{rail} {quantity}" for rail in ORIN.values() for quantity in ("current", "voltage")),
        *ORIN.values(),
    ]
    power = info.signals[6]
    assert (power.role, power.product_of) == (Role.TOTAL, ("VDD_IN current", "VDD_IN voltage"))
    # 40 uV over 5 mOhm, and that times 5 V.
    assert info.signals[0].resolution == pytest.approx(8e-3)
    assert info.signals[1].resolution == pytest.approx(8e-3)
    assert power.resolution == pytest.approx(40e-3)
    assert all((s.dtype, s.scale, s.offset) == ("<f4", 1.0, 0.0) for s in info.signals)
    # The chip's gains of 0.25 % and the shunt's 1 %.
    assert [s.accuracy for s in info.signals[:2]] == pytest.approx([0.0125, 0.0025])
    assert power.accuracy == pytest.approx(0.015)
    notes = " ".join(info.notes)
    assert "carrier board" in notes
    assert "different conversions" in notes
    assert "mean of 4 conversions" in notes
    # 80 uV over 5 mOhm.
    assert "right within 1.5 %, and its zero of current within 16 mA (TI SBOS576" in notes


def test_one_step_of_an_agx_orin_is_a_third_of_a_watt(tree: JetsonTree) -> None:
    board = load_board("jetson-agx-orin")
    # This kernel does not tell the shunt, so that of the profile counts.
    tree.hwmon("1-0040", {1: "VDD_GPU_SOC", 2: "VDD_CPU_CV", 3: "VIN_SYS_5V0"}, shunt_uohm=None, mv=19_000)
    source = on_seam(only_chip(tree, board), FileSeam(Clock()), board)
    source.open()
    power = source.info.derived_signals[0]
    source.close()
    assert power.resolution == pytest.approx(0.38)
    assert power.role is Role.OTHER


def test_the_kernels_shunt_goes_before_the_profiles(tree: JetsonTree) -> None:
    board = load_board("jetson-xavier-nx")
    tree.iio("7-0040", list(ORIN.values()), shunt_mohm=10)
    assert {rail.shunt_ohm for rail in only_chip(tree, board).rails} == {0.010}


def test_without_a_shunt_there_is_no_resolution(tree: JetsonTree) -> None:
    board = load_board("jetson-nano")
    tree.iio("6-0040", ["POM_5V_IN", "POM_5V_GPU", "POM_5V_CPU"], config=0x7C07)
    source = on_seam(only_chip(tree, board), FileSeam(Clock()), board)
    source.open()
    steps = {s.name: s.resolution for s in source.info.signals}
    source.close()
    assert steps["POM_5V_IN current"] is None
    assert steps["POM_5V_IN"] is None
    assert steps["POM_5V_IN voltage"] == pytest.approx(8e-3)


def test_a_shunt_that_cannot_be_is_told(tree: JetsonTree) -> None:
    tree.hwmon("1-0040", ORIN, shunt_uohm=5)
    source = on_seam(only_chip(tree), FileSeam(Clock()))
    source.open()
    notes = " ".join(source.info.notes)
    source.close()
    assert "5 uOhm at VDD_IN" in notes
    assert "name the board in the profile" in notes


def test_voltage_and_current_of_one_conversion_come_from_one_file(tree: JetsonTree) -> None:
    tree.iio("6-0040", ["A", "B", "C"], config=0x7C07, mv=4980, ma=700)
    seam = FileSeam(Clock())
    source = on_seam(only_chip(tree), seam)
    source.open()
    (block, *_) = read_for(source, 1.0)
    notes = " ".join(source.info.notes)
    source.close()
    assert set(seam.calls) == {"ui_input_0", "ui_input_1", "ui_input_2"}
    assert "different conversions" not in notes
    np.testing.assert_array_equal(
        [codes[0] for codes in block.codes], np.array([0.7, 4.98, 0.701, 4.98, 0.702, 4.98], np.float32)
    )


def test_an_ina238_tells_its_own_power(tree: JetsonTree) -> None:
    board = load_board("jetson-agx-thor")
    tree.ina238("2-0044", mv=20_000, ma=-3, uw=50_100_000)
    source = on_seam(only_chip(tree, board), FileSeam(Clock()), board)
    source.open()
    (block, *_) = read_for(source, 1.0)
    info = source.info
    source.close()
    assert [(s.name, s.quantity.value, s.role.value) for s in info.signals] == [
        ("VIN current", "A", "other"),
        ("VIN voltage", "V", "other"),
        ("VIN", "W", "total"),
    ]
    assert info.derived_signals == ()
    np.testing.assert_array_equal([codes[0] for codes in block.codes], np.array([-0.003, 20.0, 50.1], np.float32))
    # 5 uV over the driver's 10 mOhm is less than the whole mA it writes.
    steps = np.array([s.resolution for s in info.signals], np.float64)
    np.testing.assert_allclose(steps, [1e-3, 3.125e-3, 0.2e-3])
    assert info.model == "INA238 at 2-0044 (Jetson AGX Thor)"


def test_a_role_given_for_a_signal_goes_before_the_boards(tree: JetsonTree) -> None:
    board = load_board("jetson-orin-nx")
    tree.hwmon("1-0040", ORIN)
    seam = FileSeam(Clock())
    source = RailsSource(
        "rails",
        only_chip(tree, board),
        board,
        {"VDD_SOC": Role.CPU, "VDD_IN": Role.OTHER},
        SweepsHere(seam, seam.clock.now, seam.clock.sleep),
    )
    source.open()
    roles = {s.name: s.role for s in source.info.derived_signals}
    source.close()
    assert roles == {"VDD_IN": Role.OTHER, "VDD_CPU_GPU_CV": Role.OTHER, "VDD_SOC": Role.CPU}


@pytest.mark.parametrize(
    ("word", "cycle_s"),
    [(0x7127, 6.6e-3), (0x7727, 0.4224), (0x7C07, 0.43008), (0x4127, 2.2e-3), (0x7003, 0.84e-3), (0, 0.0)],
)
def test_the_cycle_of_a_configuration(word: int, cycle_s: float) -> None:
    assert cycle_of(word) == pytest.approx(cycle_s)


def test_the_time_of_a_conversion_is_what_the_kernel_says(tree: JetsonTree) -> None:
    tree.iio("6-0040", ["A"], config=0x7C07)
    tree.iio("6-0041", ["B"])
    tree.hwmon("7-0040", {1: "C"}, interval_ms=7)
    tree.hwmon("7-0041", {1: "D"}, interval_ms=None)
    assert [conversion_s(chip) for chip in find_chips(tree.root, None)] == [pytest.approx(0.43008), None, 0.007, None]


# A chip that lets every read wait.


def test_six_waiting_reads_make_a_sweep_and_the_rate_says_so(tree: JetsonTree) -> None:
    tree.hwmon("1-0040", ORIN, interval_ms=7)
    seam = WaitingChip(Clock(), CYCLE_NS)
    source = on_seam(only_chip(tree), seam)
    start_ns = seam.clock.ns
    source.open()
    assert (seam.clock.ns - start_ns) * 1e-9 < 0.5
    assert source.info.rate_hz == pytest.approx(1 / (6 * CYCLE_NS * 1e-9), rel=0.03)
    start_ns, calls = seam.clock.ns, seam.calls.total()
    samples = sum(len(block) for block in read_for(source, 4.0))
    source.close()
    elapsed_s = (seam.clock.ns - start_ns) * 1e-9
    assert samples / elapsed_s == pytest.approx(source.info.rate_hz, rel=0.03)
    assert (seam.calls.total() - calls) / elapsed_s == pytest.approx(1e9 / CYCLE_NS, rel=0.03)


@pytest.mark.parametrize("phase_ns", range(0, CYCLE_NS, 700_000))
def test_every_value_of_a_waiting_chip_held_within_the_bound(phase_ns: int, tree: JetsonTree) -> None:
    tree.hwmon("1-0040", ORIN, interval_ms=7)
    seam = WaitingChip(Clock(), CYCLE_NS)
    seam.clock.ns += phase_ns
    source = on_seam(only_chip(tree), seam)
    source.open()
    assert source.info.transport_bound_ns < 7 * CYCLE_NS
    assert_values_held(read_for(source, 2.0), source.info.transport_bound_ns, CYCLE_NS)
    source.close()


@pytest.mark.parametrize("phase_ns", range(0, 50_500_000, 7_000_000))
def test_every_value_of_a_chip_that_does_not_wait_held_within_the_bound(phase_ns: int, tree: JetsonTree) -> None:
    tree.ina238("2-0044")
    seam = FreeChip(Clock(), 50_500_000)
    seam.clock.ns += phase_ns
    source = on_seam(only_chip(tree), seam)
    source.open()
    assert source.info.transport_bound_ns < 120_000_000
    found = read_for(source, 5.0)
    source.close()
    # The current is in mA; the power, in uW, is another scale of the same number.
    currents = [replace(block, codes=block.codes[:1]) for block in found]
    assert_values_held(currents, source.info.transport_bound_ns, 50_500_000)


def assert_values_held(found: list[SampleBlock], bound_ns: int, cycle_ns: int) -> None:
    """The value in mA is the number of its conversion, which tells when that was."""
    assert found
    for block in found:
        assert block.times_ns is not None
        for codes in block.codes:
            conversion = np.rint(codes.astype(np.float64) * 1e3).astype(np.int64)
            assert np.all(conversion * cycle_ns >= block.times_ns - bound_ns)
            assert np.all((conversion + 1) * cycle_ns <= block.times_ns + bound_ns)
    times = np.concatenate([block.times_ns for block in found if block.times_ns is not None])
    assert np.all(np.diff(times) > 0)


def test_a_sweep_goes_on_in_the_next_read(tree: JetsonTree) -> None:
    tree.hwmon("1-0040", ORIN, interval_ms=422, samples=64)
    seam = WaitingChip(Clock(), 422_400_000)
    source = on_seam(only_chip(tree), seam)
    start_ns = seam.clock.ns
    source.open()
    # One read may wait for a conversion that has just begun.
    assert (seam.clock.ns - start_ns) * 1e-9 < BUDGET_S + 2 * 0.4224
    assert source.info.rate_hz == pytest.approx(1 / (6 * 0.4224), rel=0.01)
    found = []
    for _ in range(60):
        before_ns = seam.clock.ns
        found += blocks(source, 0.05)
        assert (seam.clock.ns - before_ns) * 1e-9 < 0.05 + 0.4224
    assert sum(len(block) for block in found) == 10
    assert all(block.lost_before == 0 for block in found)
    assert_values_held(found, source.info.transport_bound_ns, 422_400_000)
    source.close()


def test_a_sweep_that_the_caller_left_half_done_for_long_is_not_a_sample(tree: JetsonTree) -> None:
    tree.hwmon("1-0040", ORIN, interval_ms=7)
    seam = WaitingChip(Clock(), CYCLE_NS)
    source = on_seam(only_chip(tree), seam)
    source.open()
    assert blocks(source, 0.02) == []
    seam.clock.sleep(1.0)
    found = read_for(source, 0.5)
    assert found[0].lost_before == 1
    assert_values_held(found, source.info.transport_bound_ns, CYCLE_NS)
    source.close()


# Chips that answer at once.


def test_a_chip_that_answers_at_once_is_asked_no_faster_than_it_converts(tree: JetsonTree) -> None:
    tree.iio("6-0040", ["A", "B", "C"], config=0x7C07)
    seam = FreeChip(Clock(), 430_080_000, "{0} {0}")
    source = on_seam(only_chip(tree), seam)
    source.open()
    assert source.info.rate_hz == pytest.approx(1 / 0.43008)
    seam.calls.clear()
    found = read_for(source, 43.008)
    assert seam.calls["ui_input_0"] in {100, 101}
    assert_values_held(found, source.info.transport_bound_ns, 430_080_000)
    conversions = np.concatenate([block.codes[0] for block in found])
    assert len(np.unique(conversions)) == len(conversions)
    source.close()


@pytest.mark.parametrize("cycle_ms", [20.0, 50.5, 80.0])
def test_the_rate_is_found_from_how_often_values_change(cycle_ms: float, tree: JetsonTree) -> None:
    tree.ina238("2-0044")
    seam = FreeChip(Clock(), round(cycle_ms * 1e6))
    source = on_seam(only_chip(tree), seam)
    start_ns = seam.clock.ns
    source.open()
    assert (seam.clock.ns - start_ns) * 1e-9 < 0.5
    assert source.info.rate_hz == pytest.approx(1e3 / cycle_ms, rel=0.03)
    source.close()


def test_values_that_stand_still_leave_the_drivers_own_rate(tree: JetsonTree) -> None:
    tree.ina238("2-0044")
    tree.iio("6-0040", ["A", "B", "C"])
    rates = []
    for chip in find_chips(tree.root, None):
        source = on_seam(chip, FileSeam(Clock()))
        source.open()
        rates.append(source.info.rate_hz)
        source.close()
    np.testing.assert_allclose(rates, [1 / 0.0505, 1 / 0.4224])


def test_a_block_holds_the_sweeps_of_a_read(tree: JetsonTree) -> None:
    tree.hwmon("1-0040", ORIN, interval_ms=7)
    source = on_seam(only_chip(tree), FreeChip(Clock(), 7_000_000))
    source.open()
    found = read_for(source, 7.0, timeout_s=0.7)
    assert len(found) == 10
    assert 98 <= len(found[3]) <= 101
    firsts = [block.first_index for block in found]
    assert firsts == [0, *np.cumsum([len(block) for block in found])[:-1]]
    assert all(len(codes) == len(block) and codes.dtype == np.float32 for block in found for codes in block.codes)
    assert_values_held(found, source.info.transport_bound_ns, 7_000_000)
    source.close()


@given(
    period=st.floats(5e6, 1e8),
    missed=st.lists(st.integers(1, 3), min_size=9, max_size=40),
    jitter=st.floats(0, 0.1),
    seed=st.integers(0, 100),
)
def test_the_period_of_changes_is_found_although_some_are_missed(
    period: float, missed: list[int], jitter: float, seed: int
) -> None:
    # Half of the gaps are single, as they are where values rarely repeat.
    steps = np.array([1, *(each for step in missed for each in (1, step))])
    times = np.cumsum(steps) * period + np.random.default_rng(seed).uniform(0, jitter, len(steps)) * period
    found = period_of_changes([round(t) for t in times])
    assert found == pytest.approx(period * 1e-9, rel=0.15)


# Errors.


@pytest.mark.parametrize("code", [errno.EAGAIN, errno.ETIMEDOUT, errno.EREMOTEIO])
def test_a_passing_error_leaves_one_sweep_out_and_counts_it(code: int, tree: JetsonTree) -> None:
    tree.hwmon("1-0040", ORIN)
    seam = WaitingChip(Clock(), CYCLE_NS)
    source = on_seam(only_chip(tree), seam)
    source.open()
    seam.fail = at_reads("curr2_input", {3, 5, 6}, code)
    found = read_for(source, 2.0)
    source.close()
    assert sum(block.lost_before for block in found) == 3
    assert [block.lost_before for block in found if block.lost_before] == [1, 2]
    assert sum(len(block) for block in found) > 40
    assert_values_held(found, source.info.transport_bound_ns, CYCLE_NS)


def test_what_was_read_before_an_error_is_kept_and_the_loss_comes_after_it(tree: JetsonTree) -> None:
    tree.hwmon("1-0040", ORIN)
    seam = FreeChip(Clock(), 7_000_000)
    source = on_seam(only_chip(tree), seam)
    source.open()
    seam.fail = at_reads("in1_input", {5})
    first, second = blocks(source, 1.0), blocks(source, 1.0)
    source.close()
    assert [(block.first_index, len(block), block.lost_before) for block in first] == [(0, 5, 0)]
    # The index goes on over what was lost.
    assert [(block.first_index, block.lost_before) for block in second] == [(6, 1)]


@pytest.mark.parametrize("text", [b"", b"\n", b"nan\n", b"12 13\n", b"0x10\n", b"\xff\xff", b"9" * 64, b"1e3\n"])
def test_an_absurd_text_is_a_failed_sweep(text: bytes, tree: JetsonTree) -> None:
    values = tree.hwmon("1-0040", ORIN)
    seam = FileSeam(Clock())
    source = on_seam(only_chip(tree), seam)
    source.open()
    good = (values / "curr1_input").read_bytes()
    (values / "curr1_input").write_bytes(text)
    assert read_for(source, 0.5) == []
    (values / "curr1_input").write_bytes(good)
    (block, *_) = read_for(source, 0.5)
    source.close()
    assert block.lost_before > 0
    assert block.codes[0][0] == np.float32(1.0)


@given(st.binary(max_size=64))
def test_any_text_is_its_numbers_or_refused(text: bytes) -> None:
    file = RailFile(Path("curr1_input"), "A", (Quantity.CURRENT,), (0,), 1e-3)
    try:
        (number,) = numbers_in(text, file)
    except ValueError:
        return
    assert str(number).encode().lstrip(b"-") in text


@given(st.integers(-(10**11), 10**11), st.integers(-(10**11), 10**11))
def test_the_drivers_own_text_is_read_back(mv: int, ma: int) -> None:
    file = RailFile(Path("ui_input_0"), "A", (Quantity.VOLTAGE, Quantity.CURRENT), (1, 0), 1e-3)
    assert numbers_in(f"{mv} {ma}\n".encode(), file) == [mv, ma]


@pytest.mark.parametrize("code", [errno.EAGAIN, errno.ETIMEDOUT])
def test_a_chip_that_fails_for_two_seconds_is_lost(code: int, tree: JetsonTree) -> None:
    tree.hwmon("1-0040", ORIN)
    seam = WaitingChip(Clock(), CYCLE_NS)
    source = on_seam(only_chip(tree), seam)
    source.open()
    assert read_for(source, 0.5)
    seam.fail = always(code)
    start_ns = seam.clock.ns
    with pytest.raises(SourceLostError, match="INA3221 at 1-0040 has given no values for 2"):
        read_for(source, 10.0)
    assert 2.0 <= (seam.clock.ns - start_ns) * 1e-9 < 2.2
    with pytest.raises(SourceLostError):
        source.read(0.05)
    source.close()
    seam.fail = lambda _name: None
    source.open()
    (block, *_) = read_for(source, 0.5)
    assert (block.first_index, block.lost_before) == (0, 0)
    source.close()


def test_reads_that_fail_slowly_do_not_hold_the_caller_up(tree: JetsonTree) -> None:
    tree.hwmon("1-0040", ORIN)
    seam = WaitingChip(Clock(), CYCLE_NS)
    source = on_seam(only_chip(tree), seam)
    source.open()
    seam.fail, seam.read_ns = always(errno.ETIMEDOUT), 100_000_000
    for _ in range(5):
        before_ns = seam.clock.ns
        assert blocks(source, 0.05) == []
        assert seam.clock.ns - before_ns <= 150_000_000
    source.close()


def test_a_slow_chip_gets_three_tries(tree: JetsonTree) -> None:
    tree.hwmon("1-0040", ORIN, interval_ms=422)
    seam = WaitingChip(Clock(), 422_400_000)
    source = on_seam(only_chip(tree), seam)
    source.open()
    seam.fail = at_reads("in1_input", {0, 1})
    (block, *_) = read_for(source, 20.0)
    source.close()
    assert block.lost_before == 2


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOENT, errno.ENODEV])
def test_a_chip_that_is_gone_is_lost_at_once(code: int, tree: JetsonTree) -> None:
    tree.hwmon("1-0040", ORIN)
    seam = FileSeam(Clock())
    source = on_seam(only_chip(tree), seam)
    source.open()
    seam.fail = at_reads("in2_input", {2}, code)
    assert len(blocks(source, 1.0)[0]) == 2
    with pytest.raises(SourceLostError, match="does not answer any more"):
        source.read(1.0)
    source.close()
    seam.fail = always(code)
    with pytest.raises(SourceLostError, match="does not answer any more"):
        source.open()


def test_a_channel_without_data_is_left_out_and_named(tree: JetsonTree) -> None:
    board = load_board("jetson-orin-nx")
    tree.hwmon("1-0040", ORIN)
    seam = WaitingChip(Clock(), CYCLE_NS)
    seam.fail = lambda name: errno.ENODATA if name in {"in2_input", "curr2_input"} else None
    source = on_seam(only_chip(tree, board), seam, board)
    source.open()
    assert [s.name for s in source.info.derived_signals] == ["VDD_IN", "VDD_SOC"]
    assert any("VDD_CPU_GPU_CV" in note and "left out" in note for note in source.info.notes)
    assert all(len(block.codes) == 4 for block in read_for(source, 0.5))
    source.close()


def test_a_channel_that_is_switched_off_ends_the_reading(tree: JetsonTree) -> None:
    tree.hwmon("1-0040", ORIN)
    seam = FileSeam(Clock())
    source = on_seam(only_chip(tree), seam)
    source.open()
    seam.fail = lambda name: errno.ENODATA if name == "in3_input" else None
    with pytest.raises(SourceLostError, match="VDD_SOC of INA3221 at 1-0040 was switched off"):
        source.read(0.1)
    source.close()


def test_a_chip_with_every_channel_off_is_refused(tree: JetsonTree) -> None:
    tree.hwmon("1-0040", ORIN)
    seam = FileSeam(Clock())
    seam.fail = always(errno.ENODATA)
    with pytest.raises(PortError, match="switched off: write 1"):
        on_seam(only_chip(tree), seam).open()


def test_files_that_are_gone_since_they_were_found(tree: JetsonTree) -> None:
    values = tree.hwmon("1-0040", ORIN)
    chip = only_chip(tree)
    (values / "in1_input").unlink()
    with pytest.raises(PortError, match="is gone: look for the rails again"):
        RailsSource("rails", chip, None).open()


def test_files_that_may_not_be_read(tree: JetsonTree, monkeypatch: pytest.MonkeyPatch) -> None:
    tree.hwmon("1-0040", ORIN)
    chip = only_chip(tree)

    def refuse(path: object, *_rest: object, **_more: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        with pytest.raises(PortError, match="let the container or sandbox read /sys"):
            RailsSource("rails", chip, None).open()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", refuse)
        with pytest.raises(PortError, match="let the container or sandbox read /sys"):
            find_chips(tree.root, None)


# No chip at all.


def test_no_chip_on_no_jetson(tmp_path: Path) -> None:
    assert find_chips(tmp_path, None) == []
    with pytest.raises(PortError, match=r"not a Jetson.*external meter"):
        require_chips(tmp_path, None)


def test_no_chip_on_a_jetson_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(PortError, match=r"Jetson Nano 2GB has no power monitor of its own: connect"):
        require_chips(tmp_path, load_board("jetson-nano-2gb"))
    with pytest.raises(PortError, match=r"Jetson TX1 has power monitors.*JetPack.*-v /sys:/sys:ro"):
        require_chips(tmp_path, load_board("jetson-tx1"))


def test_chips_that_are_there_are_returned(tree: JetsonTree) -> None:
    tree.hwmon("1-0041", {2: "VDDQ_VDD2_1V8AO"})
    tree.hwmon("1-0040", ORIN)
    assert [chip.where for chip in require_chips(tree.root, None)] == ["1-0040", "1-0041"]


# The source as the bench uses it.


def test_real_files_that_change_are_read_as_they_are(tree: JetsonTree) -> None:
    board = load_board("jetson-orin-nx")
    values = tree.hwmon("1-0040", ORIN, interval_ms=2)
    source = RailsSource("rails", only_chip(tree, board), board)
    source.close()
    with pytest.raises(PortError):
        _ = source.info
    with pytest.raises(SourceLostError, match="connect it first"):
        source.read(0.0)
    source.open()
    start_ns = host_time_ns()
    before = blocks(source, 0.02)
    # In place, as the kernel changes what an open file shows.
    with open(values / "curr1_input", "r+b") as file:
        file.write(b"2500\n")
    after = blocks(source, 0.02)
    end_ns = host_time_ns()
    source.close()
    source.close()
    assert before[-1].codes[0][-1] == np.float32(1.0)
    assert after[-1].codes[0][-1] == np.float32(2.5)
    times = np.concatenate([block.times_ns for block in (*before, *after) if block.times_ns is not None])
    assert start_ns - 1_000_000 <= times[0]
    assert times[-1] <= end_ns
    assert np.all(np.diff(times) > 0)
    with pytest.raises(SourceLostError):
        source.read(0.0)


def test_opening_again_starts_anew(tree: JetsonTree) -> None:
    tree.hwmon("1-0040", ORIN)
    seam = FileSeam(Clock())
    source = on_seam(only_chip(tree), seam)
    source.open()
    assert read_for(source, 0.5)
    source.open()
    assert read_for(source, 0.5)[0].first_index == 0
    source.close()
