# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from monitor_app.analysis.statistics.short_series import LEAST
from monitor_app.bench.estimate import CampaignEstimate, bytes_per_s, estimate, guessed_seconds_per_image
from monitor_app.core.files.package_data import profile_names, profile_path
from monitor_app.core.runs import RunSpec
from monitor_app.sources.profile_reader import load_profile, parse_profile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from monitor_app.core.profile import Profile

PROTOCOL = """
title = "It"

[protocol]
settle_s = 1.0
idle_s = 2.0
warm_up_s = 3.0
warm_up_batches = 10
timed_s = 5.0
timed_batches = 30
"""
PLAN = """
[plan]
networks = ["resnet18", "alexnet_2016"]
batch_sizes = [1, 4]
"""
EMULATED = """
[inference]
device = "emulated:tx1"
"""
START_S, LOAD_S, REPLAY_START_S = 4.0, 0.5, 0.5


def of(
    *texts: str, seconds: Callable[[RunSpec], float | None] | None = lambda _: 0.1, threads: int = 2
) -> CampaignEstimate:
    profile = parse_profile("".join((PROTOCOL, *texts)), "it")
    given = {} if seconds is None else {"seconds_per_image": seconds}
    return estimate(profile, profile.run_specs(threads), **given)


def changed(**values: object) -> str:
    """The protocol with other values, in place of `PROTOCOL`."""
    lines = [line for line in PROTOCOL.splitlines() if line.partition(" ")[0] not in values]
    return "\n".join([*lines, *(f"{key} = {str(value).lower()}" for key, value in values.items()), ""])


def of_text(text: str) -> CampaignEstimate:
    profile = parse_profile(text, "it")
    return estimate(profile, profile.run_specs(2), seconds_per_image=lambda _: 0.1)


# -- time ----------------------------------------------------------------------------------------


def test_a_run_takes_what_the_protocol_asks_for_or_its_batches_if_they_take_longer() -> None:
    """0.1 s an image: 30 batches of 1 take 3 s, less than 5 s; of 4 they take 12 s, and 10 of them 4 s."""
    idle_s = 2 * (1.0 + 2.0) + LOAD_S
    found = of(PLAN)
    assert found.seconds == pytest.approx(START_S + 2 * (idle_s + 3 + 5) + 2 * (idle_s + 4 + 12))
    assert found.most_seconds == found.seconds
    assert found.runs == 4


def test_a_fresh_process_starts_for_each_run() -> None:
    once, each = of_text(changed() + PLAN), of_text(changed(fresh_process=True) + PLAN)
    assert each.seconds - once.seconds == pytest.approx(3 * START_S)


def test_cycles_multiply_and_an_endless_plan_is_told_as_one() -> None:
    one, three, endless = of(PLAN), of(PLAN, "cycles = 3\n"), of(PLAN, "cycles = 0\n")
    assert three.seconds - START_S == pytest.approx(3 * (one.seconds - START_S))
    assert three.runs == 12
    assert endless.seconds == one.seconds
    assert "repeat until you stop" in endless.sentence
    assert "repeat until you stop" not in three.sentence


def test_waiting_for_steady_and_cool_is_told_as_the_most() -> None:
    """Each run warms up at 3 or 4 s at least, and for 30 s at most, after up to 60 s of cooling."""
    found = of_text(changed(warm_up_max_s=30.0, cool_down_c=45.0, cool_down_max_s=60.0) + PLAN)
    plain = of(PLAN)
    assert found.seconds == plain.seconds
    assert found.most_seconds - found.seconds == pytest.approx(2 * (27 + 60) + 2 * (26 + 60))
    assert "up to" in found.sentence
    assert "up to" not in plain.sentence


@pytest.mark.parametrize(("accuracy", "times"), [("every", 4), ("once", 2)])
def test_accuracy_takes_its_images(tmp_path: Path, accuracy: str, times: int) -> None:
    """Three images of 0.1 s, each read in 0.01 s."""
    for k in range(3):
        (tmp_path / f"photo_{k}_7.jpg").write_bytes(b"")
    with_images = of(PLAN, f'images = "{tmp_path}"\naccuracy = "{accuracy}"\n')
    assert with_images.seconds - of(PLAN).seconds == pytest.approx(times * 3 * 0.11)
    without = of(PLAN, f'images = "{tmp_path}"\nweights = "none"\n')
    assert without.seconds == of(PLAN).seconds


def test_images_that_are_not_there_do_not_hinder_an_estimate() -> None:
    assert of(PLAN, 'images = "/nowhere"\n').seconds == of(PLAN).seconds


def test_a_train_of_pulses_is_played_once() -> None:
    """Twelve pulses and pauses of 0.375 s on average, after 0.6 s, and what comes late is waited for."""
    more_s = of(PLAN, "[sync]\npulses = true\n").seconds - of(PLAN).seconds
    assert more_s == pytest.approx(0.6 + 12 * 0.75, abs=5.0)
    assert more_s > 9.6


def test_only_the_runs_that_are_still_to_be_done_count() -> None:
    profile = parse_profile(PROTOCOL + PLAN, "it")
    specs = profile.run_specs(1)
    assert estimate(profile, specs[2:], seconds_per_image=lambda _: 0.1).runs == 2
    nothing = estimate(profile, [])
    assert (nothing.seconds, nothing.runs, nothing.sentence) == (0.0, 0, "The plan has no runs.")
    assert of("").runs == 0


# -- the time of an image ------------------------------------------------------------------------


@pytest.mark.parametrize(("network", "batch", "ms"), [("alexnet_2016", 1, 18.5), ("resnet50", 16, 51.1)])
def test_an_emulated_board_takes_what_was_published(network: str, batch: int, ms: float) -> None:
    spec = RunSpec(network, batch, device="emulated:tx1")
    assert guessed_seconds_per_image(spec) == pytest.approx(ms / 1e3)


def test_what_did_not_fit_takes_no_time_and_is_told() -> None:
    """ResNet-50 does not fit from 32 on: the first that is tried loads and idles, the next is not tried."""
    text = PROTOCOL + EMULATED + '[plan]\nnetworks = ["resnet50"]\nbatch_sizes = [1, 32, 64]\n'
    profile = parse_profile(text, "it")
    found = estimate(profile, profile.run_specs(1))
    assert found.seconds == pytest.approx(REPLAY_START_S + (6 + 3 + 5) + 3)
    assert "2 runs will not fit" in found.sentence
    assert found.runs == 3


def test_other_devices_are_guessed_from_operations_and_threads() -> None:
    """ResNet-18: 1.814 G multiply-accumulates, two operations each."""
    one = guessed_seconds_per_image(RunSpec("resnet18", 8, threads=1))
    four = guessed_seconds_per_image(RunSpec("resnet18", 1, threads=4))
    gpu = guessed_seconds_per_image(RunSpec("resnet18", 1, device="cuda:0"))
    assert one == pytest.approx(2 * 1.814e9 / 20e9, rel=1e-3)
    assert four == pytest.approx(one / 4)
    assert gpu == pytest.approx(2 * 1.814e9 / 500e9, rel=1e-3)
    assert guessed_seconds_per_image(RunSpec("mine.pt2", 1)) is None


def test_the_guess_is_stated() -> None:
    assert "rough estimate from its operations, at 20 G-op/s per thread" in of(PLAN, seconds=None).sentence
    assert "published" in of(EMULATED, PLAN, seconds=None).sentence
    assert "guess" not in of(PLAN).sentence, "the caller knows"


def test_what_nobody_knows_counts_with_the_least() -> None:
    found = of(PLAN, seconds=lambda spec: 0.1 if spec.network == "resnet18" else None)
    known = of(PLAN)
    assert found.seconds == pytest.approx(known.seconds - 1 - 7)
    assert "for 2 runs per cycle only the minimum" in found.sentence


# -- disk and energy -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "extra", "measured"),
    [
        # 15 s of each, recorded from the emulated instrument: size of the file less 0.4 MB, over its seconds
        ("shunt", "", 306_000),
        ("powersensor3", "", 498_000),
        ("ppk2", "", 947_000),
        ("lines", 'format = "edgepowermeter"\n', 138_000),
    ],
)
def test_disk_is_what_recordings_took(kind: str, extra: str, measured: float) -> None:
    profile = parse_profile(f'title = "It"\n[[source]]\nkind = "{kind}"\nemulate = "tx1"\n{extra}', "it")
    assert bytes_per_s(profile) == pytest.approx(measured, rel=0.15)


def test_disk_grows_with_sources_rates_time_and_batches() -> None:
    shunt = '[[source]]\nkind = "shunt"\nport = "/dev/ttyX"\n'
    plain = of(shunt, PLAN)
    profile = parse_profile(PROTOCOL + shunt + PLAN, "it")
    batches = (3 + 5) / 0.1 * 2 + (10 + 30) * 2
    assert plain.bytes == pytest.approx(400e3 + plain.seconds * bytes_per_s(profile) + 200 * batches, rel=1e-6)
    fast = parse_profile(PROTOCOL + shunt + "rate_hz = 250000\n" + PLAN, "it")
    assert bytes_per_s(fast) == pytest.approx(5 * bytes_per_s(profile))
    both = parse_profile(PROTOCOL + shunt + '[[source]]\nkind = "rapl"\n', "it")
    assert bytes_per_s(both) > bytes_per_s(profile)


def test_energy_is_that_of_an_emulated_board_only() -> None:
    """1.3 W all the time and 11.8 W more while batches run."""
    emulated = of('[[source]]\nkind = "shunt"\nemulate = "tx1"\n', PLAN)
    busy_s = 2 * (3 + 5) + 2 * (4 + 12)
    assert emulated.joules == pytest.approx(1.3 * emulated.seconds + 11.8 * busy_s)
    assert "(SIMULATED)" in emulated.sentence
    real = of('[[source]]\nkind = "shunt"\n', PLAN)
    assert real.joules is None
    assert "SIMULATED" not in real.sentence


@pytest.mark.parametrize("name", [*profile_names(), *profile_names("campaigns")])
def test_every_profile_that_is_shipped_has_one(name: str) -> None:
    profile: Profile = load_profile(profile_path(name))
    found = estimate(profile, profile.run_specs(1))
    assert 0 < found.seconds <= found.most_seconds
    assert found.bytes > 0
    assert found.sentence.endswith(".")
    assert found.sentence.count(". ") == 0, "one sentence"


@pytest.mark.parametrize(
    ("image_s", "said"),
    [(0.01, "2 runs will take about 33 s,"), (1.0, "about 2 min,"), (100.0, "about 2.2 h,"), (5000.0, "4.6 days,")],
)
def test_durations_are_in_words(image_s: float, said: str) -> None:
    """17 s of start and idle, and 16 s or 80 images."""
    found = of('[plan]\nnetworks = ["resnet18", "vgg16"]\n', seconds=lambda _: image_s)
    assert said in found.sentence


@pytest.mark.parametrize(("threads", "minutes"), [(3, (7, 12)), (1, (15, 22))])
def test_the_quick_campaign_has_intervals_and_takes_what_the_documents_say(
    threads: int, minutes: tuple[int, int]
) -> None:
    """Ten minutes with four cores, of which one is left to the monitor, and twenty with two."""
    quick = load_profile(profile_path("campaigns/quick"))
    assert quick.protocol.timed_batches >= LEAST
    least, most = minutes
    assert least * 60 < estimate(quick, quick.run_specs(threads)).seconds < most * 60
