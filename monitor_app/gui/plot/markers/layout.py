# SPDX-License-Identifier: Apache-2.0
"""Where markers, their banners and their boxes are, in pixels of the stack: for painting and for the mouse alike."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from enum import Enum, auto
from math import ceil
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF

from monitor_app.gui.plot.words import text_px
from monitor_app.gui.theme import with_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor_app.gui.plot.plot_state import PaneState, PlotState, ShownMarker, StatBox
    from monitor_app.gui.plot.time_window import TimeWindow

BANNER_PX, BANNER_ROW_PX, MOST_ROWS = 17, 19, 3
BANNERS_AT_PX = 4
"""From the upper edge of the stack."""
PAD_PX = 6
GRAB_PX = 5
"""An edge can be grabbed from this far."""
LINE_PX = 14
"""Of a box, beside text of the usual size."""
BOX_GAP_PX = 6
"""Between a box and its pair."""
NAMES_PX = 40
"""At the top of the first pane, for the names of runs and phases."""
MOST_WITH_BOXES = 8
"""With more markers in view there is no room, and looking for it would cost a part of each frame."""


class Part(Enum):
    """What the mouse is on."""

    START = auto()
    END = auto()
    WHOLE = auto()
    INTEGRAL = auto()


@dataclass(frozen=True, slots=True)
class PlacedBox:
    """A box, its rectangle and how its numbers are arranged."""

    box: StatBox
    rect: QRectF
    down: bool
    """Rows one below the other; else side by side, with a line for each signal."""

    @property
    def integral(self) -> QRectF | None:
        """Where a click changes the unit."""
        if not self.box.integral:
            return None
        if self.down:
            foot = self.rect.bottom() - (line_px() if self.box.warning else 0)
            return QRectF(self.rect.left(), foot - line_px() - 3, self.rect.width(), line_px() + 3)
        width = across_px(self.box)[-1]
        room = self.rect.width() - sum(across_px(self.box))
        return QRectF(self.rect.right() - width - max(room, 0) / 2, self.rect.top(), width, self.rect.height())


@dataclass(frozen=True, slots=True)
class PlacedMarker:
    """A marker in view. An edge that is not in view is None; a single marker has only the left one."""

    marker: ShownMarker
    left: float | None
    right: float | None
    banner: QRectF
    text: str
    boxes: tuple[PlacedBox, ...] = ()


def line_px() -> int:
    """Height of a line of a box."""
    return with_text(LINE_PX)


@dataclass(frozen=True, slots=True)
class _Ends:
    """A marker in view, and its edges, cut at those of the panes."""

    marker: ShownMarker
    left: float
    right: float


def placed(state: PlotState) -> tuple[PlacedMarker, ...]:
    """The markers in view, the active one last."""
    view, rect = state.view, state.first.rect
    left, right, pixels_a_s = rect.left(), rect.right(), rect.width() / view.width_s
    shown = [
        _Ends(
            marker,
            max(left + (marker.start_s - view.start_s) * pixels_a_s, left),
            min(left + (marker.last_s - view.start_s) * pixels_a_s, right),
        )
        for marker in state.markers
        if marker.start_s <= view.end_s and marker.last_s >= view.start_s
    ]
    if not shown:
        return ()
    boxes: dict[int, tuple[PlacedBox, ...]] = {}
    if len(shown) <= MOST_WITH_BOXES:
        boxes = _boxes(state, shown)
    elif shown[-1].marker.active:
        boxes = _boxes(state, shown[-1:])
    return _with_banners(state, shown, boxes)


def _with_banners(
    state: PlotState, shown: list[_Ends], boxes: dict[int, tuple[PlacedBox, ...]]
) -> tuple[PlacedMarker, ...]:
    """A banner may reach to the next one in its row; that of the active marker over it."""
    right_end = state.first.rect.right() + state.gutter_px - PAD_PX
    above = state.area.top() + BANNERS_AT_PX
    next_left = [right_end] * MOST_ROWS
    found: dict[int, PlacedMarker] = {}
    for each in sorted(shown, key=lambda each: -each.marker.start_s):
        marker = each.marker
        room_to = right_end if marker.active else next_left[marker.row]
        found[marker.number] = _placed(state.view, above, each, room_to, boxes.get(marker.number, ()))
        next_left[marker.row] = each.left - 2
    return tuple(found[each.marker.number] for each in shown)


def _placed(view: TimeWindow, above: float, each: _Ends, room_to: float, boxes: tuple[PlacedBox, ...]) -> PlacedMarker:
    marker, x0, x1 = each.marker, each.left, each.right
    room = max(room_to - x0, x1 - x0)
    text, text_wide = "", 0.0
    for label in marker.labels:
        label_wide = text_px(label) + 2 * PAD_PX
        if label_wide <= room:
            text, text_wide = label, label_wide
            break
    wide = max(text_wide, min(x1 - x0, room), 5.0)
    left = min(x0, room_to - wide) if marker.active else x0
    top = above + marker.row * BANNER_ROW_PX
    return PlacedMarker(
        marker,
        x0 if marker.start_s >= view.start_s else None,
        x1 if marker.end_s is not None and marker.end_s <= view.end_s else None,
        QRectF(left, top, wide, BANNER_PX),
        text,
        boxes,
    )


# -- boxes ---------------------------------------------------------------------------------------


def across_px(box: StatBox) -> list[float]:
    """Widths of the columns of a box with its rows side by side."""
    marks = [max(text_px(column.mark) for column in box.columns) + 6] if box.columns[0].mark else []
    return marks + [
        max(text_px(name), *(text_px(column.texts[k]) for column in box.columns)) + 12
        for k, name in enumerate(box.names)
    ]


def down_px(box: StatBox) -> list[float]:
    """Widths of the names and of the columns of a box with its rows one below the other."""
    return [
        max(text_px(name) for name in box.names) + 10,
        *(max(text_px(text) for text in column.texts) + 10 for column in box.columns),
    ]


def _size(box: StatBox, height: float) -> tuple[float, float, bool] | None:
    """Width, height and whether the rows are one below the other; None where the pane is too low."""
    heads = 1 if box.columns[0].mark else 0
    warning = line_px() if box.warning else 0
    tall = (len(box.names) + heads) * line_px() + warning + 6
    warned = text_px(box.warning) + 16
    if tall <= height:
        return float(ceil(max(sum(down_px(box)) + 10, warned))), tall, True
    flat = (1 + len(box.columns)) * line_px() + warning + 6
    return (float(ceil(max(sum(across_px(box)) + 10, warned))), flat, False) if flat <= height else None


def _boxes(state: PlotState, shown: list[_Ends]) -> dict[int, tuple[PlacedBox, ...]]:
    """Of the active marker where it can be, of the others as far as there is room."""
    edges = sorted(x for each in shown for x in (each.left, each.right))
    found: dict[int, list[PlacedBox]] = {}
    taken: list[QRectF] = []
    for k, pane in enumerate(state.panes):
        taken = taken if pane.over else []
        for each in reversed(shown):
            box = each.marker.boxes[k] if k < len(each.marker.boxes) else None
            # Below its box of the pane that this one lies over.
            before = found.get(each.marker.number) if pane.over else None
            top = before[-1].rect.bottom() + 3 if before else pane.rect.top() + 3
            at = _place(state, pane, each, box, taken, edges, top) if box is not None else None
            if at is not None:
                taken.append(at.rect)
                found.setdefault(each.marker.number, []).append(at)
    return {number: tuple(boxes) for number, boxes in found.items()}


def _place(
    state: PlotState, pane: PaneState, each: _Ends, box: StatBox, taken: list[QRectF], edges: list[float], top: float
) -> PlacedBox | None:
    rect = pane.rect
    wanted = rect.top() + NAMES_PX if pane is state.first else top
    size = _size(box, rect.bottom() - wanted - 3) or _size(box, rect.bottom() - top)
    if size is None or size[0] > rect.width():
        return None
    width, height, down = size
    top = min(wanted, rect.bottom() - height - 2)
    active = each.marker.active
    for left in _lefts(state, each, width):
        fits = rect.left() <= left and left + width <= rect.right()
        place = QRectF(round(left), round(top), width, height)
        if active and (fits or left == rect.left()):
            return PlacedBox(box, place, down)
        if fits and not _crossed(edges, left, left + width) and not any(place.intersects(other) for other in taken):
            return PlacedBox(box, place, down)
    return None


def _lefts(state: PlotState, each: _Ends, width: float) -> Iterator[float]:
    """Where a box may begin, the best first: beside the pair, so that it covers nothing of it; else within."""
    x0, x1, active = each.left, each.right, each.marker.active
    yield x1 + BOX_GAP_PX
    yield x0 - BOX_GAP_PX - width
    if x1 - x0 >= width + 2 * BOX_GAP_PX or active:
        yield x1 - BOX_GAP_PX - width
    if active:
        yield state.first.rect.left()


def _crossed(edges: list[float], left: float, right: float) -> bool:
    """Whether an edge of a marker lies between."""
    k = bisect_right(edges, left)
    return k < len(edges) and edges[k] < right


# -- the mouse -----------------------------------------------------------------------------------


def part_at(markers: tuple[PlacedMarker, ...], at: QPointF, top: float, bottom: float) -> tuple[int, Part] | None:
    """The number and the part of the marker under the mouse; panes reach from ``top`` to ``bottom``."""
    in_front = markers[::-1]
    for each in in_front:
        if any((spot := box.integral) is not None and spot.contains(at) for box in each.boxes):
            return each.marker.number, Part.INTEGRAL
    for each in in_front:
        if each.banner.contains(at) and _edge_at(each, at.x(), GRAB_PX / 2) is None:
            return each.marker.number, Part.WHOLE
    for each in in_front:
        part = _edge_at(each, at.x(), GRAB_PX)
        if part is not None and (top <= at.y() <= bottom or each.banner.contains(at)):
            return each.marker.number, part
    return None


def _edge_at(each: PlacedMarker, x: float, reach: float) -> Part | None:
    if each.marker.end_s is None:
        return Part.WHOLE if each.left is not None and abs(x - each.left) <= reach else None
    near = [
        (abs(x - edge), part)
        for edge, part in ((each.right, Part.END), (each.left, Part.START))
        if edge is not None and abs(x - edge) <= reach
    ]
    return min(near, key=lambda each: each[0])[1] if near else None
