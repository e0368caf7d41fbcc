# SPDX-License-Identifier: Apache-2.0
"""Networks, batch sizes and back ends from the command line, in place of those of a profile's plan."""

from __future__ import annotations

import pytest

from monitor_app.cli.plan_options import with_plan
from monitor_app.core.errors import ProfileError
from monitor_app.core.files.package_data import profile_path
from monitor_app.sources.profile_reader import parse_profile

TEXT = profile_path("simulated-tx1").read_text(encoding="utf-8")
WITHOUT_PLAN = TEXT.partition("[plan]")[0]


def planned(text: str = TEXT, networks: tuple[str, ...] = (), sizes: tuple[int, ...] = (), ends: tuple[str, ...] = ()):
    return parse_profile(with_plan(text, "it", networks, sizes, ends), "changed")


def test_what_is_not_asked_for_stays_to_the_letter():
    assert with_plan(TEXT, "it", (), (), ()) == TEXT


def test_a_network_of_ones_own_is_run_once_with_all_else_as_the_profile_has_it():
    before, after = parse_profile(TEXT, "it"), planned(networks=("models/mine.onnx",), sizes=(1, 4), ends=("openvino",))
    assert after.plan is not None
    assert before.plan is not None
    assert before.plan.cycles == 0, "until it is stopped"
    assert after.plan.cycles == 1
    assert [(each.network, each.batch_size, each.back_end) for each in after.run_specs(1)] == [
        ("models/mine.onnx", 1, "openvino"), ("models/mine.onnx", 4, "openvino"),
    ]  # fmt: skip
    assert after.plan.images == before.plan.images
    assert (after.source, after.protocol) == (before.source, before.protocol)


def test_a_profile_without_a_plan_gets_one():
    plan = planned(WITHOUT_PLAN, ("resnet18",)).plan
    assert plan is not None
    assert (plan.networks, plan.batch_sizes, plan.cycles) == (("resnet18",), (1,), 1)


@pytest.mark.parametrize(
    ("text", "networks", "sizes", "ends", "said"),
    [
        (WITHOUT_PLAN, (), (4,), (), "it has no plan: name the networks with --network"),
        (TEXT, ("a", "a"), (), (), "networks has a twice"),
        (TEXT, (), (0,), (), "batch_sizes"),
        (TEXT, (), (), ("toaster",), "back_ends"),
        ("title = 3", ("a",), (), (), "title"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_recorded(text, networks, sizes, ends, said):
    with pytest.raises(ProfileError) as caught:
        planned(text, networks, sizes, ends)
    assert said in str(caught.value)
