# SPDX-License-Identifier: Apache-2.0
"""Files of the figures: where to, and what of."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFileDialog

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from monitor_app.charts.model import Chart


def save_chart(parent: QWidget, chart: Chart, session: Path, suffix: str, theme: str) -> Path | None:
    """Ask where to, and write; None when the user thinks better of it. Raises ExportError.

    Args:
        parent: the window that asks.
        chart: what is written.
        session: names the file, with the chart.
        suffix: .png, .svg or .csv.
        theme: dark or light; of no meaning for a table.
    """
    wanted = f"{session.stem}-{chart.key}{suffix}"
    name, _ = QFileDialog.getSaveFileName(parent, f"Save figure as {suffix[1:].upper()}", wanted, f"*{suffix}")
    if not name:
        return None
    path = Path(name)
    if suffix == ".csv":
        from monitor_app.charts.csv import write_chart_csv

        write_chart_csv(chart, path)
    else:
        from monitor_app.charts.files import draw_chart

        draw_chart(chart, path, theme="dark" if theme == "dark" else "light")
    return path


def ask_session(parent: QWidget) -> Path | None:
    """Another session to compare with; None when the user thinks better of it."""
    name, _ = QFileDialog.getOpenFileName(parent, "Compare with", "", "Sessions (*.plm);;All files (*)")
    return Path(name) if name else None
