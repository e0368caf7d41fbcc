# SPDX-License-Identifier: Apache-2.0
"""Following, zooming and panning as plain values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor_app.gui.plot.time_window import MIN_WIDTH_S, TimeWindow, live_edge_ns

SECONDS = st.floats(0.01, 1e5)


@given(start=st.floats(-100, 1e4), width=SECONDS, share=st.floats(0, 1), factor=st.floats(0.5, 2))
def test_zoom_keeps_the_time_under_the_pointer(start: float, width: float, share: float, factor: float) -> None:
    view = TimeWindow(start, width)
    at = start + share * width
    zoomed = view.zoomed(factor, at, edge_s=1e6)
    assert (at - zoomed.start_s) / zoomed.width_s == pytest.approx(share, abs=1e-6)
    assert zoomed.width_s == pytest.approx(factor * width)


@given(edge=SECONDS, width=SECONDS, pixels=st.integers(1, 3000))
def test_a_followed_view_holds_the_newest_and_is_late_by_less_than_a_pixel(
    edge: float, width: float, pixels: int
) -> None:
    view = TimeWindow(0.0, width, following=True).followed(edge, pixels)
    tolerance = 1e-9 * edge
    assert view.start_s - tolerance <= edge <= view.end_s + tolerance
    if edge > width:
        assert view.end_s - edge <= width / pixels + tolerance


def test_a_fresh_page_is_filled_before_it_moves() -> None:
    view = TimeWindow(0.0, 30.0, following=True)
    assert view.followed(12.0, 1000) == view
    assert view.followed(31.0, 1000).end_s == pytest.approx(31.0, abs=0.03)


def test_panning_back_stops_following_and_reaching_the_newest_resumes() -> None:
    view = TimeWindow(70.0, 30.0, following=True)
    paused = view.panned(-5.0, 100.0, live=True)
    assert not paused.following
    assert paused.followed(200.0, 1000) == paused
    assert paused.panned(6.0, 100.0, live=True).following
    assert paused.at_edge(200.0, live=True) == TimeWindow(170.0, 30.0, following=True)


def test_an_old_session_is_never_followed() -> None:
    view = TimeWindow(0.0, 30.0)
    assert not view.panned(1000.0, 100.0, live=False).following
    assert not view.at_edge(100.0, live=False).following
    assert view.fitted(100.0, live=False) == TimeWindow(0.0, 100.0)


def test_zooming_out_of_a_followed_view_goes_on_following() -> None:
    wider = TimeWindow(70.0, 30.0, following=True).zoomed(2.0, 80.0, 100.0)
    assert wider.following
    assert wider.end_s == pytest.approx(100.0)


def test_zooming_into_the_past_of_a_followed_view_pauses() -> None:
    closer = TimeWindow(70.0, 30.0, following=True).zoomed(0.25, 80.0, 100.0)
    assert not closer.following
    assert closer.start_s <= 80.0 <= closer.end_s


def test_there_is_a_closest_zoom() -> None:
    assert TimeWindow(0.0, 2 * MIN_WIDTH_S).zoomed(1e-3, 0.0, 10.0).width_s == MIN_WIDTH_S


@pytest.mark.parametrize(
    ("newest_ms", "live", "expected_ms"),
    [(-30, True, -120), (-119, True, -120), (-2000, True, -2000), (-30, False, -30)],
    ids=["glides behind the clock", "as far as the newest", "nothing arrives", "an old session"],
)
def test_the_edge_glides_only_while_samples_arrive(newest_ms: int, live: bool, expected_ms: int) -> None:
    now_ns = 10**13
    edge_ns = live_edge_ns(now_ns + newest_ms * 10**6, now_ns, live=live)
    assert edge_ns == now_ns + expected_ms * 10**6
