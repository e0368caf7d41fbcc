# SPDX-License-Identifier: Apache-2.0
"""Asks for the files that figures are written to and compared with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFileDialog

from monitor_app.charts.csv import write_chart_csv
from monitor_app.charts.files import draw_layout

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from monitor_app.charts.layout import Layout


LEAST_PX = 1600
"""Width of a PNG file: smaller windows are enlarged."""


def save_chart(parent: QWidget, layout: Layout, session: Path, suffix: str) -> Path | None:
    """Ask where to, and write what is seen; None when the user cancels. Raises ExportError.

    Args:
        parent: the window that asks.
        layout: the picture as it is seen; of a table, the values of its chart.
        session: names the file, with the chart.
        suffix: .png, .svg or .csv.
    """
    wanted = f"{session.stem}-{layout.chart.key}{suffix}"
    name, _ = QFileDialog.getSaveFileName(parent, f"Save figure as {suffix[1:].upper()}", wanted, f"*{suffix}")
    if not name:
        return None
    path = Path(name)
    if suffix == ".csv":
        write_chart_csv(layout.chart, path)
    else:
        draw_layout(layout, path, enlarged=max(LEAST_PX / layout.style.width, 1.0))
    return path


def ask_session(parent: QWidget) -> Path | None:
    """Another session to compare with; None when the user cancels."""
    name, _ = QFileDialog.getOpenFileName(parent, "Compare with", "", "Sessions (*.plm);;All files (*)")
    return Path(name) if name else None
