# SPDX-License-Identifier: Apache-2.0
"""The spans of a program in the window: read as they come, told apart by depth, colour and name, and analysed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import Qt

from monitor_app.gui.inferences.job import NO_PROGRAM
from monitor_app.gui.plot.time_window import TimeWindow
from monitor_app.gui.plot.work.layer import colour_of
from monitor_app.gui.plot.work.strips import shown_work
from monitor_app.gui.session.work_log import DEEPEST, WorkLog
from monitor_app.session.reader import SessionReader
from monitor_app.session.rows import WORK_SPAN, WorkSpans
from tests.analysis.run.programs import Work, write_program
from tests.gui.conftest import frames

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from monitor_app.gui.main_window import MainWindow


class Marks:
    """Gives rows in parts, as a session that grows."""

    def __init__(self, spans: list[tuple[int, int]], parts: int) -> None:
        self._parts = np.array_split(np.arange(len(spans)), parts)
        self._spans = spans

    def work_spans(self, *, after_id: int) -> WorkSpans:
        chosen = self._parts.pop(0) if self._parts else []
        rows = [(int(k) + 1, 1, 0, self._spans[k][0] * 10**9, self._spans[k][1] * 10**9, 1) for k in chosen]
        return WorkSpans(("a",), np.array(rows, WORK_SPAN))


intervals = st.tuples(st.integers(0, 40), st.integers(1, 12)).map(lambda pair: (pair[0], pair[0] + pair[1]))


@given(spans=st.lists(intervals, min_size=1, max_size=40), parts=st.integers(1, 6))
def test_depth_is_the_number_of_spans_that_are_open(spans: list[tuple[int, int]], parts: int) -> None:
    """In whatever order and parts they come: a span comes when it has ended, those within it before."""
    log, marks = WorkLog(), Marks(spans, parts)
    for _ in range(parts):
        log.update(marks, 0)  # type: ignore[arg-type]
    ordered = sorted(spans, key=lambda span: (span[0], -span[1]))
    assert [(round(s), round(e)) for s, e in zip(log.rows["start_s"], log.rows["end_s"], strict=True)] == ordered
    for place, (start, _) in enumerate(ordered):
        around = sum(end > start for _, end in ordered[:place])
        assert log.rows["depth"][place] == min(around, DEEPEST)
    for start in range(0, 50, 7):
        found = {(round(r["start_s"]), round(r["end_s"])) for r in log.between(start, start + 5)}
        assert found == {span for span in spans if span[0] < start + 5 and span[1] >= start}


@given(spans=st.lists(intervals, min_size=1, max_size=30), view=st.floats(0, 30), width=st.floats(0.5, 60))
def test_a_pixel_is_coloured_where_a_span_lies_and_only_near_one(
    spans: list[tuple[int, int]], view: float, width: float
) -> None:
    log, marks, pixels = WorkLog(), Marks(spans, 1), 200
    log.update(marks, 0)  # type: ignore[arg-type]
    shown = shown_work(log, TimeWindow(view, width), pixels)
    painted = np.zeros(pixels + 1, np.bool_)
    for strip in shown.strips:
        assert 0 <= strip.left <= strip.right <= pixels + 1
        painted[strip.left : max(strip.right, strip.left + 1)] = True
    for pixel in range(pixels):
        middle = view + (pixel + 0.5) * width / pixels
        if any(start <= middle < end for start, end in spans):
            assert painted[max(pixel - 1, 0) : pixel + 2].any()
        near = 5 * width / pixels
        if not any(start - near <= middle <= end + near for start, end in spans):
            assert not painted[pixel]


@pytest.fixture
def session(tmp_path: Path) -> Path:
    work = [Work("load model", 0.2, 0.6, 8.0)]
    work += [Work("inference", 0.7 + 0.1 * k, 0.78 + 0.1 * k, 10.0, 4) for k in range(20)]
    write_program(tmp_path / "s.plm", work, 3.0, rate_hz=5000, moments=[("done", 2.9)])
    return tmp_path / "s.plm"


def test_spans_are_seen_in_their_colours_with_their_names(
    open_window: Callable[..., MainWindow], session: Path
) -> None:
    window = open_window(None, session)
    window.navigation.show_between(2.9, 5.0)
    frames(window)
    stack = window.parts.stack
    shown = stack.shown_work
    assert shown.lanes == 1
    assert {strip.name for strip in shown.strips} == {"load model", "inference"}
    assert [moment.name for moment in shown.moments] == []
    assert {caption.name for caption in shown.captions(lambda name, room: room > 6 * len(name))} == {
        "load model", "inference",
    }  # fmt: skip
    # The edge of each strip has the colour of its name.
    picture, ratio = stack.grab().toImage(), stack.devicePixelRatioF()
    rect = stack.trace.rect
    for strip in shown.strips:
        if strip.edges[0]:
            x = rect.left() + strip.left
            column = {
                picture.pixelColor(round(x * ratio), round(y * ratio)).name()
                for y in range(round(rect.top()), round(rect.center().y()))
            }
            assert colour_of(stack.theme, strip.colour) in column
    window.navigation.show_all()
    frames(window)
    assert [moment.name for moment in stack.shown_work.moments] == ["done"]


def test_spans_are_analysed_as_distributions(
    qtbot: QtBot, open_window: Callable[..., MainWindow], session: Path
) -> None:
    window = open_window(None, session)
    qtbot.keyClick(window, Qt.Key.Key_F5, Qt.KeyboardModifier.ShiftModifier)
    found = window.inferences.window
    assert found is not None
    qtbot.waitUntil(lambda: found.job is None and found.analysis is not None)
    assert found.analysis is not None
    charts = {chart.title: chart for chart in found.analysis.charts}
    assert "inference: net energy, histogram" in charts
    chart = charts["inference: net energy, distribution"]
    lines = {line.title: line for line in chart.lines}
    assert lines["p50"].x[0] == pytest.approx(8.0 * 80, rel=0.02)
    assert "mJ per image" in chart.caption
    assert "20 spans" in chart.caption


def test_a_session_without_a_program_says_so(open_window: Callable[..., MainWindow], written_once: Path) -> None:
    window = open_window(None, written_once)
    window.inferences.analyse_work()
    assert window.inferences.window is None
    assert NO_PROGRAM in window.message_bar.text() if hasattr(window, "message_bar") else True


def test_a_session_of_a_program_has_no_cells_of_networks(session: Path) -> None:
    from monitor_app.analysis.campaign.assembly import campaign_of

    with SessionReader(session) as reader:
        assert campaign_of(reader).cells == ()
