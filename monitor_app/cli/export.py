# SPDX-License-Identifier: Apache-2.0
"""The exports, with their progress on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from monitor_app.cli.terminal import Terminal
from monitor_app.core.errors import ExportError
from monitor_app.exports.csv import write_batches, write_runs, write_samples
from monitor_app.session.reader import SessionReader

if TYPE_CHECKING:
    from pathlib import Path

    from monitor_app.session.rows import SignalRow


def export_csv(
    file: Path, output: Path, table: str, names: list[str] | None, start_s: float | None, end_s: float | None
) -> None:
    """One table of the session as CSV. Raises ExportError, SessionError."""
    with SessionReader(file) as reader:
        if table == "runs":
            write_runs(reader, output)
        elif table == "batches":
            write_batches(reader, output)
        else:
            signals = None if names is None else [_signal(reader, name) for name in names]
            with Progress(
                TextColumn(f"writing {output}", markup=False), BarColumn(), TimeRemainingColumn(),
                console=Terminal(stderr=True),
                transient=True,
            ) as progress:  # fmt: skip
                task = progress.add_task("", total=1.0)
                write_samples(
                    reader, output, signals, start_s, end_s, lambda done: progress.update(task, completed=done)
                )


def export_png(
    file: Path, output: Path, names: list[str] | None, start_s: float | None, end_s: float | None, theme: str
) -> None:
    """The session as a picture, as the window shows it. Raises ExportError, SessionError."""
    try:
        from monitor_app.gui.plot.picture import session_picture
        from monitor_app.gui.session.exporting import write_png
    except ImportError as error:
        raise ExportError(
            f"Pictures need libraries of Qt that are missing here ({error}): "
            "run `sudo apt-get install libegl1 libgl1 libxkbcommon0 libfontconfig1 libdbus-1-3`."
        ) from error

    with SessionReader(file) as reader:
        signals = None if names is None else [_signal(reader, name) for name in names]
        picture = session_picture(reader, start_s=start_s, end_s=end_s, signals=signals, theme=theme)
        write_png(picture, output, file)


def _signal(reader: SessionReader, name: str) -> SignalRow:
    for signal in reader.signals():
        if signal.name == name:
            return signal
    there = ", ".join(signal.name for signal in reader.signals())
    raise ExportError(f"The session has no signal {name}; it has {there}.")
