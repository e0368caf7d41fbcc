# SPDX-License-Identifier: Apache-2.0
"""Cells of a campaign from sessions of which everything is known."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from monitor_app.analysis.campaign import assembly as campaign_module
from monitor_app.analysis.campaign.assembly import campaign_of, paper_name, pooled
from monitor_app.analysis.run.inputs import LIVE, Effort
from monitor_app.analysis.run.results import TOO_FEW
from monitor_app.analysis.session_summary import run_results
from monitor_app.core.estimate import Estimate
from monitor_app.core.runs import Batch, MemoryKind, MemoryUse, Phase, RunSpec, RunState
from monitor_app.core.samples import Quantity, Role, Signal, SourceInfo
from monitor_app.session.reader import SessionReader
from monitor_app.session.writer import SessionWriter
from monitor_app.sources.correction import corrected
from monitor_app.sources.profile_reader import parse_source
from tests.session import bench
from tests.session.bench import START_NS, UTC_OFFSET_NS, S, steady

IDLE_W, FULL_W = 2.0, 8.0
RATE_HZ = 5_000
"""A tenth of that of other sessions: enough for ten batches a second."""
SHA = "ab" * 32


def shunt(accuracy=0.001, *, simulated=True):
    return replace(bench.shunt(accuracy, simulated=simulated), rate_hz=RATE_HZ)


def put(writer, first, codes):
    times_ns = [START_NS + index * S // RATE_HZ for index in (first, first + len(codes[0]) - 1)]
    writer.write_block(1, first, codes, *times_ns)


class Session:
    """Runs of three seconds, one after the other: a second idle at 2 W, one of timed batches at 8 W, one idle."""

    def __init__(self, path, *, meter=True, simulated=False):
        self.path = path
        self.writer = SessionWriter(path)
        self.meter = meter
        self.runs = self.spans = 0
        self.open = True
        self.writer.set_meta({"title": "A campaign", "host": "bench", "processor": "A processor"})
        self.writer.write_utc(START_NS, UTC_OFFSET_NS)
        if meter:
            self.writer.add_source(1, shunt(0.001, simulated=simulated))

    def run(
        self, spec, state=RunState.DONE, *, seconds=(0.1,) * 10, images=None, top1=None, sha=SHA, loaded=True,
        cycle=1, error=None, memory=(), full_w=FULL_W, **columns,
    ):  # fmt: skip
        """Times of the batches fill their second only where they add up to it."""
        self.runs += 1
        begin_ns = START_NS + (self.runs - 1) * 3 * S
        self.writer.add_run(self.runs, cycle, spec, spec.network.title(), RunState.RUNNING)
        if loaded:
            self.writer.update_run(self.runs, parameters=7, macs=8, operations=9, weights="w", weights_sha256=sha)
        if self.meter:
            for place, watts in enumerate((IDLE_W, full_w, IDLE_W)):
                put(self.writer, ((self.runs - 1) * 3 + place) * RATE_HZ, steady(watts, RATE_HZ))
        if state is RunState.DONE:
            for place, phase in ((0, Phase.IDLE_BEFORE), (1, Phase.TIMED), (2, Phase.IDLE_AFTER)):
                self.spans += 1
                self.writer.open_span(self.spans, self.runs, phase, begin_ns + place * S)
                self.writer.close_span(self.spans, begin_ns + (place + 1) * S)
            ends_ns = begin_ns + S + np.round(np.cumsum(seconds) * S).astype(np.int64)
            starts_ns = [begin_ns + S, *ends_ns[:-1].tolist()]
            timed = zip(starts_ns, ends_ns.tolist(), strict=True)
            self.writer.write_batches(
                self.runs, [Batch(Phase.TIMED, start, end, images or spec.batch_size) for start, end in timed]
            )
            if top1 is not None:
                self.writer.write_batches(
                    self.runs, [Batch(Phase.ACCURACY, begin_ns + 2 * S, begin_ns + 2 * S + 1, top1[1], top1[0], None)]
                )
            self.writer.write_memory(self.runs, memory)
        if columns:
            self.writer.update_run(self.runs, **columns)
        self.writer.end_run(self.runs, state, error, begin_ns + 3 * S)
        return self.runs

    def close(self):
        if self.open:
            self.writer.close()
        self.open = False

    def campaign(self, **options):
        self.close()
        with SessionReader(self.path) as reader:
            return campaign_of(reader, **options)


@pytest.fixture
def session(tmp_path):
    made = Session(tmp_path / "s.plm")
    yield made
    made.close()


def cell_of(campaign, network="resnet18", batch_size=10):
    [found] = [cell for cell in campaign.cells if (cell.network, cell.batch_size) == (network, batch_size)]
    return found


def spec(network="resnet18", batch_size=10, **options):
    return RunSpec(network, batch_size, "fp32", "cuda:0", 2, **options)


# -- one cell ------------------------------------------------------------------------------------------


def test_a_cell_has_what_its_run_measured(session):
    number = session.run(spec(), seconds=(0.1,) * 10, top1=(70, 100))
    cell = cell_of(session.campaign())
    assert (cell.title, cell.paper_name, cell.run_ids, cell.fits) == ("Resnet18", "ResNet-18", (number,), True)
    assert (cell.parameters, cell.macs, cell.operations, cell.message) == (7, 8, 9, "")
    assert cell.weights_sha256 == SHA
    # Ten batches of ten images in a second at 8 W, above 2 W.
    for found, true in (
        (cell.seconds_per_image, 0.01), (cell.full_w, 8), (cell.idle_w, 2), (cell.net_w, 6),
        (cell.gross_j_per_image, 0.08), (cell.net_j_per_image, 0.06),
    ):  # fmt: skip
        assert found.value == pytest.approx(true, rel=2e-3)
        assert found.low <= true * 1.002
        assert found.high >= true * 0.998
    # Twice half of 0.2 % of a gain over the root of three; a last sample that is half idle adds to it.
    assert cell.gross_j_per_image.high - cell.gross_j_per_image.value == pytest.approx(
        2 * 0.08 * 0.002 / math.sqrt(3), rel=0.2
    )
    assert (cell.top1.correct, cell.top1.images, cell.top5) == (70, 100, None)
    assert (cell.memory_bytes, cell.memory_kind, cell.steady, cell.p99_s) == (None, None, None, None)


def test_without_a_meter_a_cell_has_its_times_alone(tmp_path):
    session = Session(tmp_path / "s.plm", meter=False)
    session.run(spec())
    cell = cell_of(session.campaign())
    assert cell.seconds_per_image.value == pytest.approx(0.01)
    assert (cell.full_w, cell.idle_w, cell.net_w, cell.gross_j_per_image, cell.net_j_per_image) == (None,) * 5


@pytest.mark.parametrize("seconds", [(0.5,), (0.2, 0.25, 0.15, 0.22)])
def test_few_batches_have_their_mean_without_an_interval_and_say_so(session, seconds):
    """Student's interval takes them for independent; neighbours correlated by 0.9 need one five times as wide."""
    session.run(spec(batch_size=5), seconds=seconds)
    cell = cell_of(session.campaign(), batch_size=5)
    assert cell.seconds_per_image.value == pytest.approx(np.mean(seconds) / 5)
    assert (cell.seconds_per_image.low, cell.seconds_per_image.high) == (0.0, math.inf)
    assert cell.net_j_per_image.high == math.inf
    assert math.isfinite(cell.net_w.high)
    assert TOO_FEW in cell.notes


@pytest.mark.parametrize(("device", "network"), [("cuda:0", "resnet18"), ("cuda:0", "vgg16"), ("cpu", "resnet18")])
def test_few_batches_have_an_interval_where_other_runs_show_their_correlation(session, device, network):
    """The same network on the same device, at another batch size."""
    rng = np.random.default_rng(1)
    session.run(RunSpec(network, 1, "fp32", device, 2), seconds=rng.normal(0.008, 0.0004, 110))
    seconds = (0.2, 0.21, 0.19)
    short = session.run(spec(batch_size=5), seconds=seconds)
    cell = cell_of(session.campaign(), batch_size=5)
    known = (device, network) == ("cuda:0", "resnet18")
    assert math.isfinite(cell.seconds_per_image.high) is known
    assert math.isfinite(cell.net_j_per_image.high) is known
    assert (TOO_FEW in cell.notes) is not known
    if known:
        half = np.diff(stats.t.interval(0.95, 2, 0, stats.sem(seconds)))[0] / 2 / 5
        assert half < cell.seconds_per_image.high - cell.seconds_per_image.value < 2 * half
    with SessionReader(session.path) as reader:
        assert run_results(reader)[short - 1].correlation_runs == ((1,) if known else ())


@pytest.mark.parametrize("others", [4, 5])
def test_five_other_networks_show_the_correlation_on_a_device(session, others):
    rng = np.random.default_rng(2)
    for number in range(others):
        session.run(spec(f"net{number}", 1), seconds=rng.normal(0.008, 0.0004, 110))
    session.run(spec(batch_size=5), seconds=(0.2, 0.21, 0.19, 0.2))
    assert math.isfinite(cell_of(session.campaign(), batch_size=5).seconds_per_image.high) is (others == 5)


def test_a_result_from_before_is_computed_again_when_other_runs_show_more(session, tmp_path):
    earlier, known = Session(tmp_path / "earlier.plm"), {}
    for each in (earlier, session):
        each.run(spec(batch_size=5), seconds=(0.2, 0.21, 0.19))
    session.run(spec(batch_size=1), seconds=np.random.default_rng(3).normal(0.008, 0.0004, 110))
    first, again = earlier.campaign(known=known), session.campaign(known=known)
    assert math.isinf(cell_of(first, batch_size=5).seconds_per_image.high)
    assert math.isfinite(cell_of(again, batch_size=5).seconds_per_image.high)


def test_the_time_per_image_is_the_mean_however_many_batches_there_are(session):
    """Also where one is slow and the median is another: mean and median never stand for the same quantity."""
    session.run(spec(batch_size=1), seconds=(*(0.001,) * 500, 0.4))
    session.run(spec(batch_size=2), seconds=(*(0.05,) * 10, 0.2))
    campaign = session.campaign()
    for batch_size, total_s, batches in ((1, 0.9, 501), (2, 0.7, 11)):
        found = cell_of(campaign, batch_size=batch_size).seconds_per_image
        assert found.value == pytest.approx(total_s / batches / batch_size, rel=1e-6)
        assert found.low <= found.value <= found.high


def test_batches_that_drift_are_not_many_pieces_of_evidence(session):
    """From 5 to 15 ms: the interval of the mean is not that of a hundred independent ones."""
    seconds = np.linspace(0.005, 0.015, 100)
    session.run(spec(batch_size=1), seconds=seconds)
    found = cell_of(session.campaign(), batch_size=1).seconds_per_image
    low, high = stats.t.interval(0.95, 99, np.mean(seconds), stats.sem(seconds))
    assert found.value == pytest.approx(0.010, rel=1e-3)
    assert found.high - found.low > 3 * (high - low)


# -- repetitions -----------------------------------------------------------------------------------------


def test_repetitions_are_one_cell_and_their_scatter_counts(session):
    for cycle, watts in enumerate((8.0, 8.3, 7.9), start=1):
        session.run(spec(), cycle=cycle, full_w=watts)
    cell = cell_of(session.campaign())
    assert cell.run_ids == (1, 2, 3)
    assert cell.full_w.value == pytest.approx(np.mean([8.0, 8.3, 7.9]), rel=1e-3)
    low, high = stats.t.interval(0.95, 2, 8.0667, stats.sem([8.0, 8.3, 7.9]))
    assert cell.full_w.high - cell.full_w.value >= (high - low) / 2
    assert cell.full_w.high - cell.full_w.value == pytest.approx((high - low) / 2, rel=0.02)


def test_pooling_adds_scatter_to_what_each_says_of_itself_and_narrows_nothing():
    assert pooled([]) is None
    assert pooled([None, None]) is None
    one = Estimate(10.0, 9.0, 12.0)
    assert pooled([one]) == pooled([None, one]) == one
    alike = pooled([one] * 5)
    assert [alike.value, alike.low, alike.high] == pytest.approx([10.0, 9.0, 12.0])
    values = [9.0, 10.0, 12.5, 8.0]
    found = pooled([Estimate(value, value - 1, value + 2) for value in values])
    half = np.diff(stats.t.interval(0.95, 3, 0, stats.sem(values)))[0] / 2
    assert found.value == pytest.approx(9.875)
    assert found.value - found.low == pytest.approx(math.hypot(1, half))
    assert found.high - found.value == pytest.approx(math.hypot(2, half))


def test_pooling_one_without_an_upper_end_has_none():
    found = pooled([Estimate(1.0, 0.0, math.inf), Estimate(2.0, 1.5, 2.5)])
    assert (found.value, found.high) == (1.5, math.inf)
    assert math.isfinite(found.low)


# -- what was not measured ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "error", "fits", "message"),
    [
        (RunState.DOES_NOT_FIT, "It is too big.", False, "It is too big."),
        (RunState.FAILED, "It broke.", None, "It broke."),
        (RunState.CANCELLED, None, None, "The run was cancelled."),
        (RunState.RUNNING, None, None, "The run was cut off."),
        (RunState.WAITING, None, None, "The run has not started."),
    ],
)
def test_a_cell_without_figures_says_why(session, state, error, fits, message):
    session.run(spec(), state, error=error, loaded=False)
    cell = cell_of(session.campaign())
    assert (cell.fits, cell.message) == (fits, message)
    assert (cell.seconds_per_image, cell.net_w, cell.memory_bytes, cell.top1, cell.steady) == (None,) * 5


def test_a_run_is_in_progress_while_the_session_is_recorded(session):
    session.run(spec(), RunState.RUNNING, loaded=False)
    session.writer.commit()
    with SessionReader(session.path) as reader:
        assert cell_of(campaign_of(reader)).message == "The run is in progress."


def test_a_run_that_was_cut_off_and_repeated_is_the_repeated_one(session):
    """The first was killed while it loaded, so that its row knows no weights; accuracy was measured in the second."""
    session.run(spec(), RunState.CANCELLED, loaded=False)
    session.run(spec(), top1=(30, 50), parameters=77)
    session.run(spec(), RunState.FAILED, error="It broke.", loaded=False)
    cell = cell_of(session.campaign())
    assert (cell.fits, cell.message, cell.run_ids, cell.parameters) == (True, "", (1, 2, 3), 77)
    assert cell.weights_sha256 == SHA
    assert (cell.top1.correct, cell.top1.images) == (30, 50)


def test_accuracy_is_that_of_the_network_and_precision_at_every_batch_size(session):
    session.run(spec(batch_size=1), top1=(30, 50))
    session.run(spec(batch_size=10), top1=(61, 100))
    session.run(spec(batch_size=100))
    session.run(RunSpec("resnet18", 1, "fp16", "cuda:0", 2))
    session.run(spec(network="vgg16"))
    session.run(spec(batch_size=1000), sha="cd" * 32)
    campaign = session.campaign()
    fp32 = [cell for cell in campaign.cells if cell.network == "resnet18" and cell.conditions.precision == "fp32"]
    # The one on the most images, and none of another file of weights.
    assert [(cell.batch_size, cell.top1 and cell.top1.correct) for cell in fp32] == [
        (1, 61), (10, 61), (100, 61), (1000, None),
    ]  # fmt: skip
    others = [cell for cell in campaign.cells if cell not in fp32]
    assert [cell.top1 for cell in others] == [None, None]


@pytest.mark.parametrize(
    ("kinds", "chosen"),
    [
        ((MemoryKind.PSS,), MemoryKind.PSS),
        ((MemoryKind.PSS, MemoryKind.NVML, MemoryKind.CUDA_ALLOCATED, MemoryKind.CUDA_RESERVED), "cuda_reserved"),
        ((MemoryKind.PSS, MemoryKind.CUDA_RESERVED, MemoryKind.SYSTEM), MemoryKind.SYSTEM),
        ((MemoryKind.NVML,), None),
    ],
)
def test_memory_is_by_the_account_that_suits_the_device(session, kinds, chosen):
    session.run(spec(), memory=[MemoryUse(kind, 1000 + place, 400) for place, kind in enumerate(kinds)])
    session.run(spec(), memory=[MemoryUse(kind, 1500 + place, 400) for place, kind in enumerate(kinds)])
    cell = cell_of(session.campaign())
    assert cell.memory_kind == chosen
    # Of the repetitions the largest, above the floor.
    assert cell.memory_bytes == (
        None if chosen is None else 1100 + [*map(str, map(_value, kinds))].index(_value(chosen))
    )


def _value(kind):
    return kind.value if isinstance(kind, MemoryKind) else kind


@pytest.mark.parametrize(("seen", "steady"), [((1, 1), True), ((1, 0), False), ((None, 1), True), ((None, None), None)])
def test_a_cell_is_steady_where_all_its_warm_ups_were_as_far_as_they_were_judged(session, seen, steady):
    for value in seen:
        session.run(spec(), steady=value, warm_up_note=f"Warm-up {value}.")
    cell = cell_of(session.campaign())
    assert cell.steady is steady
    assert ("Warm-up 0." in cell.notes) is (0 in seen)


# -- the campaign ------------------------------------------------------------------------------------------


def test_cells_are_in_the_order_of_the_plan_with_batch_sizes_rising(session):
    for network, size in (("vgg16", 4), ("alexnet_2016", 16), ("vgg16", 1), ("alexnet_2016", 2), ("vgg16", 2)):
        session.run(spec(network, size))
    campaign = session.campaign()
    assert [(cell.network, cell.batch_size) for cell in campaign.cells] == [
        ("vgg16", 1), ("vgg16", 2), ("vgg16", 4), ("alexnet_2016", 2), ("alexnet_2016", 16),
    ]  # fmt: skip
    assert campaign.batch_sizes == (1, 2, 4, 16)
    assert [cell.network for cell in campaign.at(2)] == ["vgg16", "alexnet_2016"]


def test_other_conditions_are_other_cells(session):
    for options in ({}, {"power_mode": "15W"}, {"power_mode": "15W", "clocks": "max"}, {"channels_last": True}):
        session.run(spec(**options))
        session.run(spec(**options))
    campaign = session.campaign()
    assert len(campaign.cells) == 4
    assert {len(cell.run_ids) for cell in campaign.cells} == {2}
    found = {(c.conditions.power_mode, c.conditions.clocks, c.conditions.channels_last) for c in campaign.cells}
    assert found == {(None, None, False), ("15W", None, False), ("15W", "max", False), (None, None, True)}


@pytest.mark.parametrize(
    ("meter", "device", "marks"),
    [
        (False, "cuda:0", (False, False, False)),
        (True, "cuda:0", (False, True, True)),
        (False, "emulated:tx1", (True, False, True)),
    ],
)
def test_what_was_played_is_marked(tmp_path, meter, device, marks):
    session = Session(tmp_path / "s.plm", simulated=meter)
    session.run(RunSpec("resnet18", 10, "fp32", device))
    campaign = session.campaign()
    [cell] = campaign.cells
    assert (cell.times_simulated, cell.power_simulated, cell.simulated) == marks
    assert campaign.simulated is marks[2]


def test_another_instrument_that_is_simulated_does_not_taint_the_power_that_counts(session):
    lamp = Signal("x", Quantity.POWER, Role.GPU)
    session.writer.add_source(2, SourceInfo("lamp", "test", "", "", "", 1.0, (lamp,), simulated=True))
    session.run(spec())
    assert not session.campaign().simulated


@pytest.mark.parametrize(
    ("environment", "board"),
    [
        ({"board": "NVIDIA Jetson TX1", "device cuda:0": "A GPU"}, "NVIDIA Jetson TX1"),
        ({"device cuda:0": "A GPU", "device cpu": "A CPU"}, "A GPU"),
        ({"device cpu": "A CPU"}, "A processor"),
    ],
)
def test_the_board_is_what_it_calls_itself(session, environment, board):
    session.writer.set_environment(environment)
    session.run(spec())
    campaign = session.campaign()
    assert campaign.board == board
    assert campaign.environment == environment
    assert (campaign.title, campaign.meta["host"]) == ("A campaign", "bench")
    assert campaign.started_utc == "2023-11-14T22:13:20+00:00"
    assert campaign.path == str(session.path)


def test_an_empty_session_is_an_empty_campaign(session):
    session.writer.write_mark(START_NS, "note", "nothing")
    campaign = session.campaign()
    assert (campaign.cells, campaign.batch_sizes, campaign.simulated) == ((), (), False)


def test_what_is_over_is_looked_at_once_and_how_far_it_is_is_told(session, monkeypatch):
    session.run(spec())
    session.run(spec(batch_size=20), RunState.RUNNING)
    looked, told, known = [], [], {}
    result_of = campaign_module.run_result
    monkeypatch.setattr(
        campaign_module,
        "run_result",
        lambda inputs: looked.append(inputs.run.id) or result_of(inputs),
    )
    first = session.campaign(known=known, progress=told.append)
    again = session.campaign(known=known)
    assert looked == [1, 2, 2]
    assert known.keys() == {1}
    assert told == [0.5, 1.0]
    assert again == first


@pytest.mark.parametrize(
    ("network", "name"), [("resnet18", "ResNet-18"), ("squeezenet1_1", None), ("/home/u/net.pt", None)]
)
def test_only_a_network_of_the_paper_has_a_name_there(network, name):
    assert paper_name(network) == name


# -- effort ------------------------------------------------------------------------------------------------


def test_a_live_result_has_the_same_figures_with_rougher_intervals(session):
    rng = np.random.default_rng(1)
    seconds = np.abs(rng.normal(0.002, 0.0001, 480))
    session.run(spec(batch_size=1), seconds=seconds)
    session.close()
    with SessionReader(session.path) as reader:
        [full], [live] = run_results(reader), run_results(reader, LIVE)
        [coarse] = run_results(reader, Effort(most_samples=200, resamples=50))
    assert live.power == full.power
    assert live.latency.p50.value == full.latency.p50.value
    assert live.latency.p50.low == pytest.approx(full.latency.p50.low, rel=0.01)
    true_j = FULL_W * seconds.mean()
    # Of 200 means over a second each lasts 5 ms, and those at the ends are half of the idle power before and after.
    for figure, off in ((full, 1e-4), (live, 1e-4), (coarse, 5e-3)):
        assert figure.energy.gross.j_per_image == pytest.approx(true_j, rel=off)
        assert figure.energy.net.j_per_image == pytest.approx(true_j * (FULL_W - IDLE_W) / FULL_W, rel=2 * off)
    assert live.net_uncertainty_w == pytest.approx(full.net_uncertainty_w, rel=0.5)


# -- the meter ------------------------------------------------------------------------------------------


def test_a_meter_that_was_calibrated_in_between_is_another_one(tmp_path):
    """Gain, zero, accuracy and date each tell two sessions by the same device apart; the same values do not."""
    tables = ({}, {"gain": 1.02}, {"zero_a": 0.01}, {"accuracy": 0.01}, {"calibrated": "2026-11-29"})
    found = [meter_of(tmp_path / f"{place}.plm", **table) for place, table in enumerate(tables)]
    assert len(set(found)) == len(tables)
    assert found[0].startswith("shunt TX1 shunt SIM-1, power; ")
    assert meter_of(tmp_path / "again.plm", calibrated="2026-11-29") == found[4]


def test_the_rails_of_two_boards_are_two_meters(tmp_path):
    """Their serial number is the address of a chip, which is the same on every board."""
    rails = replace(shunt(), kind="jetson-rails", serial_number="1-0040")
    assert meter_of(tmp_path / "a.plm", rails, host="a") != meter_of(tmp_path / "b.plm", rails, host="b")


def meter_of(path, info=None, host="bench", **table):
    session = Session(path, meter=False)
    session.writer.set_meta({"host": host})
    session.writer.add_source(1, corrected(info or shunt(), parse_source({"kind": "shunt", "port": "/dev/x", **table})))
    return session.campaign().meter


def test_a_zero_of_a_current_is_in_the_interval_of_gross_values_times_the_voltage(tmp_path):
    """20 mA at 10 V: 200 mW of the board and of it idle; nothing of what is above idle."""
    found = []
    for place, zero_a in enumerate((None, 0.02)):
        session = Session(tmp_path / f"{place}.plm", meter=False)
        session.meter = True
        current, *others = shunt(0.0).signals
        session.writer.add_source(1, replace(shunt(), signals=(replace(current, zero=zero_a), *others)))
        session.run(spec())
        found.append(cell_of(session.campaign()))
    without, zero = found
    half_w = 2 * 0.02 * 10 / math.sqrt(3)
    for name, expected in (("full_w", half_w), ("idle_w", half_w), ("gross_j_per_image", half_w * 0.01)):
        halves = [getattr(cell, name).high - getattr(cell, name).value for cell in (without, zero)]
        assert math.sqrt(halves[1] ** 2 - halves[0] ** 2) == pytest.approx(expected, rel=0.01)
    assert (zero.net_w, zero.net_j_per_image) == (without.net_w, without.net_j_per_image)
