# SPDX-License-Identifier: Apache-2.0
"""Numbers of markers, what a drag shows before it is kept, and what a step of undo is called."""

from __future__ import annotations

from dataclasses import replace

from monitor_app.gui.session.markers import MarkerDraft, MarkerSet, step_of


def test_the_smallest_free_number_is_given_and_its_colour_with_it() -> None:
    markers = MarkerSet().laid(1, 2).laid(3, 4).laid(5, None)
    assert [(m.number, m.colour) for m in markers.markers] == [(1, 0), (2, 1), (3, 2)]
    assert markers.active == 3
    again = markers.without(2).laid(7, 8)
    assert [m.number for m in again.markers] == [1, 2, 3]
    assert again.active == 2


def test_one_that_is_there_already_becomes_active() -> None:
    markers = MarkerSet().laid(1, 2).laid(3, 4)
    assert markers.laid(1, 2) == markers.with_active(1)
    assert len(markers.laid(1, None).markers) == 3, "a single one is another"


def test_only_one_that_is_there_can_be_active() -> None:
    markers = MarkerSet().laid(1, 2)
    assert markers.with_active(9).active is None
    assert markers.without(1) == MarkerSet()


def test_a_drag_is_kept_once_and_another_active_one_is_no_step() -> None:
    draft, first = MarkerDraft(), MarkerSet().laid(1, 2)
    draft.show(first)
    assert draft.keep()
    for end_ns in (5, 6, 7):
        draft.show(first.with_marker(replace(first.markers[0], end_ns=end_ns)))
        assert draft.kept == first
    assert draft.keep()
    assert not draft.keep(), "nothing has changed since"
    draft.show(draft.shown.with_active(None))
    assert not draft.keep()


def test_what_a_step_has_changed_is_active_once_it_is_restored() -> None:
    draft, two = MarkerDraft(), MarkerSet().laid(1, 2).laid(3, 4)
    draft.begin(two.without(1))
    draft.restore(two.markers)
    assert draft.shown == two.with_active(1)
    draft.restore(two.without(1).markers)
    assert draft.shown.active is None


def test_a_step_is_named_after_what_it_does() -> None:
    one, two = MarkerSet().laid(1, 2).markers, MarkerSet().laid(1, 2).laid(3, 4).markers
    second = two[1]
    assert step_of(one, two) == "new marker 2"
    assert step_of(two, one) == "removal of marker 2"
    assert step_of(two, (two[0], replace(second, end_ns=9))) == "move of marker 2"
    assert step_of(two, (two[0], replace(second, name="load"))) == "name of marker 2"
    assert step_of(two, (two[0], replace(second, colour=4))) == "colour of marker 2"
    assert step_of(two, ()) == "removal of markers"
