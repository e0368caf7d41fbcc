# SPDX-License-Identifier: Apache-2.0
"""Numbers of markers, and what undo and redo go back and forth between."""

from __future__ import annotations

from dataclasses import replace

from monitor_app.gui.session.markers import MarkerHistory, MarkerSet


def do(history: MarkerHistory, markers: MarkerSet) -> bool:
    history.show(markers)
    return history.keep()


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


def test_undo_and_redo_go_over_steps_and_not_over_what_a_drag_has_shown() -> None:
    history = MarkerHistory()
    first = MarkerSet().laid(1, 2)
    assert do(history, first)
    for end_ns in (5, 6, 7):
        history.show(first.with_marker(replace(first.markers[0], end_ns=end_ns)))
    assert history.keep()
    assert not history.keep(), "nothing has changed since"
    moved = history.shown
    assert history.undo()
    assert history.shown == first
    assert history.redo()
    assert history.shown == moved
    assert not history.redo()


def test_a_new_step_ends_what_could_be_redone_and_another_active_one_does_not() -> None:
    history = MarkerHistory()
    one, two = MarkerSet().laid(1, 2), MarkerSet().laid(1, 2).laid(3, 4)
    do(history, one)
    do(history, two)
    history.undo()
    history.show(one.with_active(None))
    assert not history.keep()
    assert history.redo()
    history.undo()
    do(history, MarkerSet())
    assert not history.redo()


def test_another_session_has_nothing_to_undo() -> None:
    history = MarkerHistory()
    do(history, MarkerSet().laid(1, 2))
    history.begin(MarkerSet().laid(3, 4))
    assert not history.undo()
    assert len(history.shown.markers) == 1
