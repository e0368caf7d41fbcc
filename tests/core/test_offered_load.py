# SPDX-License-Identifier: Apache-2.0
"""Loads as a profile gives them, as a session keeps them and as people read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from monitor_app.core.offered_load import SCENARIOS, Arrivals, OfferedLoad, parsed_load
from monitor_app.core.profile import Profile
from monitor_app.core.runs import LOAD, RunSpec

rates = st.floats(1e-6, 1e6)
loads = st.builds(
    OfferedLoad, st.sampled_from(sorted(SCENARIOS)), st.none() | rates, st.none(), st.integers(1, 1000), st.booleans()
) | st.builds(OfferedLoad, st.just("poisson"), st.none(), rates, st.just(1), st.booleans())


@given(loads)
def test_what_a_session_keeps_is_read_as_the_same_load(load):
    assert parsed_load(load.text) == load


@pytest.mark.parametrize("text", ["", "lunch", "poisson 5", "closed 0.8 capacity end", "paced 1..2/s"])
def test_a_text_that_names_no_load_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        parsed_load(text)


def test_a_load_has_a_name_for_people():
    assert OfferedLoad().title == "closed loop"
    assert OfferedLoad("server", of_capacity=0.8).title == "server at 80 % of capacity"
    assert OfferedLoad("paced", 60.0, None, 2, end_to_end=True).title == "paced at 60/s, 2 streams, end to end"


def profile(load, **plan):
    return Profile.model_validate({"title": "x", "load": load, "plan": {"networks": ("ok",), **plan}})


def test_the_load_of_a_profile_is_that_of_its_runs():
    [spec] = profile({"scenario": "poisson", "of_capacity": 0.8}).run_specs(2)
    assert spec.load == OfferedLoad("poisson", None, 0.8)
    assert spec.load.queues
    assert spec.facts[LOAD] == "poisson 0.8 capacity"
    assert LOAD not in RunSpec("ok").facts, "a closed loop needs no word"


@pytest.mark.parametrize(("load", "plan", "word"), [
    ({"scenario": "poisson"}, {}, "rate"),
    ({"scenario": "server", "rate_hz": 1.0, "of_capacity": 0.5}, {}, "rate"),
    ({"scenario": "single_stream", "rate_hz": 1.0}, {}, "no rate"),
    ({"scenario": "poisson", "rate_hz": 1.0, "streams": 2}, {}, "streams"),
    ({"scenario": "multi_stream"}, {"batch_sizes": (1,)}, "batch_sizes"),
    ({"scenario": "single_stream"}, {"batch_sizes": (1, 8)}, "batch_sizes"),
    ({"end_to_end": True}, {}, "images"),
    ({"scenario": "paced", "rate_hz": 0.0}, {}, "greater than 0"),
])  # fmt: skip
def test_a_load_that_cannot_be_is_refused(load, plan, word):
    with pytest.raises(ValidationError, match=word):
        profile(load, **plan)


def test_the_scenarios_of_mlperf_have_its_rules():
    rules = {name: (each.arrivals, each.samples, each.percentile) for name, each in SCENARIOS.items() if each.least_s}
    assert rules == {
        "single_stream": (Arrivals.CLOSED, 1, 90),
        "multi_stream": (Arrivals.CLOSED, 8, 99),
        "server": (Arrivals.POISSON, 1, 99),
        "offline": (Arrivals.CLOSED, None, None),
    }
