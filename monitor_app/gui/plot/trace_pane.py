# SPDX-License-Identifier: Apache-2.0
"""A pane with sampled signals of one quantity, one curve each, on one y axis."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

from monitor_app.core.formatting import QUANTITIES, scale_of, unit_of
from monitor_app.core.samples import Quantity
from monitor_app.gui.plot.legend import LEGEND_PX
from monitor_app.gui.plot.pane import MARGIN_PX, Pane
from monitor_app.gui.plot.plot_state import CurveState, PaneState
from monitor_app.gui.plot.scales.axes import KEPT_ROOM
from monitor_app.gui.plot.trace_curve import TraceCurve
from monitor_app.gui.session.curve_style import CurveStyle

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from monitor_app.gui.plot.columns import TraceLines
    from monitor_app.gui.plot.items import Columns, Curve, Dots
    from monitor_app.gui.plot.plot_state import LegendEntry
    from monitor_app.gui.plot.scales.value_scale import Scale
    from monitor_app.gui.session.shown_signals import ShownSignal
    from monitor_app.gui.theme import Theme

FREE_ABOVE = 0.2
"""Fraction of the span left free above the trace."""
MOST_NAMES = 0.4
"""Of the height, for the names of the runs, in a pane that is very low."""
REORDER = 1.3
"""Columns change places only when one is wider than the one behind it by this factor."""


class TracePane(Pane):
    """Holds the curves; the stack decides when each of them is drawn."""

    def __init__(self) -> None:
        super().__init__(room=FREE_ABOVE)
        self.curves: tuple[TraceCurve, ...] = ()
        self.has_legend = self.keeps_strip = False
        self.names_px = 0
        """What the names of the runs take at its top."""
        self._style = CurveStyle.ENVELOPE
        self._strip, self._strips = 0, 1
        self._theme: Theme | None = None
        self._order: tuple[TraceCurve, ...] = ()
        self._label = "", ""

    @property
    def lines(self) -> TraceLines | None:
        """Of the first signal."""
        return self.curves[0].lines if self.curves else None

    @property
    def quantity(self) -> Quantity:
        return self.curves[0].shown.signal.quantity if self.curves else Quantity.POWER

    @property
    def source_ids(self) -> set[int]:
        return {curve.shown.signal.source for curve in self.curves}

    def holds(self, signal_id: int) -> bool:
        return any(curve.shown.signal.id == signal_id for curve in self.curves)

    # -- what is in it ---------------------------------------------------------------------------

    @property
    def _room(self) -> float:
        """So much that the names of the runs stand above the trace, not on it."""
        names = min(self.names_px / max(self.rect.height(), 1.0), MOST_NAMES)
        return max(self._usual_room, names / (1 - names) / KEPT_ROOM)

    def show_signals(self, signals: tuple[ShownSignal, ...], *, legend: bool) -> None:
        """Curves for just these signals; those that stay keep what they have read."""
        if legend != self.has_legend:
            self.has_legend = legend
            self._leave_strip()
        if signals == tuple(curve.shown for curve in self.curves):
            return
        known = {curve.shown: curve for curve in self.curves}
        other = not any(each in known for each in signals)
        self.curves = tuple(known[each] if each in known else TraceCurve(each) for each in signals)
        self._order = self.curves
        self._set_looks()
        if other:
            self.forget_data()
        self._set_colours()

    def keep_strip(self) -> None:
        """Leave the room of a legend above the data, also without one."""
        self.keeps_strip = True
        self._leave_strip()

    def share(self, column: int, columns: int) -> None:
        """Lie in the same place as others, with an axis and a legend beside theirs; 0 of 1: alone."""
        self.set_column(column, columns)
        if (columns - 1 - column, columns) != (self._strip, self._strips):
            self._strip, self._strips = columns - 1 - column, columns
            self._leave_strip()
            self._set_colours()

    @property
    def shares(self) -> bool:
        return self._strips > 1

    @property
    def strip(self) -> int:
        """Legends between its own and the data."""
        return self._strip

    def _leave_strip(self) -> None:
        has_strip = self.has_legend or self.keeps_strip or self.shares
        self.leave_above(self._strips * LEGEND_PX if has_strip else MARGIN_PX)

    def clear(self) -> None:
        """Forget the session that was shown."""
        self.show_signals((), legend=False)
        self.forget_data()

    def set_style(self, style: CurveStyle) -> None:
        """What is drawn around the means."""
        self._style = style
        self._set_looks()

    def set_scale(self, scale: Scale) -> None:
        super().set_scale(scale)
        self._set_looks()

    def _set_looks(self) -> None:
        for curve in self.curves:
            curve.set_look(self._style, self.scale)

    def fit_y(self) -> None:
        super().fit_y()
        if self._theme is not None:
            self._name_axis(self._theme)

    def set_theme(self, theme: Theme) -> None:
        self._theme, self._label = theme, ("", "")
        self._set_colours()

    def _set_colours(self) -> None:
        if self._theme is not None:
            for curve in self.curves:
                curve.set_colours(self._theme, alone=len(self.curves) == 1 and not self.shares)
            self._name_axis(self._theme)

    def _name_axis(self, theme: Theme) -> None:
        low, high = self.y_range
        unit = unit_of(self.quantity)
        self.text_scale, shown = scale_of(max(abs(low), abs(high)), unit) if self.curves else (1.0, unit)
        only = self.curves[0].shown.signal.name if len(self.curves) == 1 and not self.has_legend else ""
        name = only or QUANTITIES[self.quantity]
        label = f"{name} ({shown})" if shown else name
        colour = self.curves[0].colour if self.shares and self.curves else theme.dim
        if (label, colour) != self._label:
            self._label = label, colour
            self.value_axis.label = label

    def state(self, legend: tuple[LegendEntry, ...] = ()) -> PaneState:
        """With these entries above it."""
        curves = tuple(CurveState(each.lines, each.colour, each.shown.slot) for each in self.curves)
        colour = self.curves[0].colour if self.shares and self.curves else ""
        return PaneState(
            self.rect, self.y_range, self.text_scale, curves, frozenset(self.source_ids), legend, self.scale,
            self._note, self._column, self._strip, colour, self.value_axis.label,
        )  # fmt: skip

    @property
    def items(self) -> Iterator[Curve | Columns | Dots]:
        """Columns behind all lines, and the line of the first signal in front of all others."""
        for curve in self._order:
            yield curve.ground
        for curve in reversed(self.curves):
            yield from curve.line

    # -- after drawing ---------------------------------------------------------------------------

    def finish_drawing(self) -> None:
        """After curves were drawn: fit the y axis; wide columns go behind narrow ones, the first line in front."""
        drawn = [extent for curve in self.curves if (extent := curve.extent) is not None]
        if drawn:
            self.include(
                _least(each.low for each in drawn),
                -_least(-each.high for each in drawn),
                min(each.positive for each in drawn),
            )
        self._stack_curves()
        if self._theme is not None:
            self._name_axis(self._theme)

    def _stack_curves(self) -> None:
        if len(self.curves) < 2:
            return
        spreads = {curve: curve.spread for curve in self.curves}
        shown = [spreads[curve] for curve in self._order]
        if any(behind * REORDER < before for behind, before in itertools.pairwise(shown)):
            self._order = tuple(sorted(self.curves, key=lambda each: -spreads[each]))


def _least(values: Iterable[float]) -> float:
    return min((value for value in values if math.isfinite(value)), default=math.nan)
