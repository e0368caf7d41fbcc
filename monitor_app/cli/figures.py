# SPDX-License-Identifier: Apache-2.0
"""The figures of campaigns as files: which, how large, and in what style."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from monitor_app.analysis.figures import charts_of
from monitor_app.analysis.findings.meter import meter_chart
from monitor_app.charts.csv import write_chart_csv
from monitor_app.charts.legend import line_words
from monitor_app.cli.campaigns import progress_bar, read_study
from monitor_app.core.errors import ExportError
from monitor_app.core.files.atomic_file import completed
from monitor_app.core.plain_text import visible

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from monitor_app.charts.model import Chart

CAPTIONS = "captions.txt"
_SIZE = re.compile(r"(\d+(?:\.\d+)?)x(\d+(?:\.\d+)?)(mm|px)?")
_PIXELS_PER_MM = 10.0
_BATCH = re.compile(r"-b\d+$")


@dataclass(frozen=True, slots=True)
class Look:
    """What all files of figures have in common."""

    form: str
    """png, svg, pdf or csv."""
    style: str
    """light, dark or print."""
    size_px: tuple[int, int]


def parse_size(text: str) -> tuple[int, int]:
    """Width and height in pixels, from 85x60mm, 1600x1000px or 1600x1000. Raises typer.BadParameter."""
    found = _SIZE.fullmatch(text.strip().lower())
    if found is None:
        raise typer.BadParameter(f"--size {text} is not a size: write 85x60mm, or 1600x1000 for pixels.")
    factor = _PIXELS_PER_MM if found[3] == "mm" else 1.0
    return round(float(found[1]) * factor), round(float(found[2]) * factor)


def figure_names(files: Sequence[Path], *, gross: bool, macs: bool) -> list[str]:
    """A line for each figure: its name, its key and its title. Without files, of the paper's batch sizes."""
    charts = read_study(files).charts(gross=gross, macs=macs) if files else (*charts_of([]), meter_chart([]))
    missing = [" (no values)" if files and not chart.series else "" for chart in charts]
    wide = max(len(chart.key) for chart in charts)
    return [
        f"{_name(chart):<6}  {chart.key:<{wide}}  {chart.title}{note}"
        for chart, note in zip(charts, missing, strict=True)
    ]


def write_figures(
    files: Sequence[Path], folder: Path, look: Look, *, only: str | None, gross: bool, macs: bool
) -> list[Path]:
    """Write figures that have values into a folder, as pictures or tables; return the files.

    Pictures for print leave title, caption and equations to a file of captions.

    Args:
        files: sessions; several are compared.
        folder: made where it does not exist.
        look: of all files.
        only: names of figures, separated by commas; None for all that have values.
        gross: energies of the whole board in place of those above idle.
        macs: multiply-accumulates in place of the paper's operations.

    Raises:
        ExportError: a file cannot be written, or a figure in ``only`` has no values.
        typer.BadParameter: ``only`` names a figure that does not exist.
    """
    charts = _chosen(read_study(files).charts(gross=gross, macs=macs), only)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ExportError(f"The folder {folder} cannot be created ({error.strerror}): choose another one.") from error
    written = []
    with progress_bar(f"writing {folder}") as progress:
        task = progress.add_task("", total=len(charts))
        for chart in charts:
            written.append(_write(chart, folder / f"{chart.stem}.{look.form}", look))
            progress.advance(task)
    if look.style == "print" and look.form != "csv":
        written.append(folder / CAPTIONS)
        with completed(written[-1]) as file:
            file.write(("\n\n".join(visible(_caption(chart)) for chart in charts) + "\n").encode())
    return written


def _chosen(charts: Sequence[Chart], only: str | None) -> list[Chart]:
    if only is None:
        return [chart for chart in charts if chart.series]
    wanted = list(dict.fromkeys(name.strip().lower() for name in only.split(",") if name.strip()))
    unknown = [name for name in wanted if not any(name in _names(chart) for chart in charts)]
    if unknown or not wanted:
        names = ", ".join(_name(chart) for chart in charts)
        raise typer.BadParameter(f"there is no figure {', '.join(unknown) or repr(only)}: choose from {names}.")
    found = [chart for chart in charts if _names(chart) & set(wanted)]
    for name in wanted:
        of_name = [chart for chart in found if name in _names(chart)]
        if not any(chart.series for chart in of_name):
            raise ExportError(f"{of_name[0].numbered} has no values to draw: {' '.join(of_name[0].missing)}")
    # Of several panels those that have values
    return [chart for chart in found if chart.series]


def _name(chart: Chart) -> str:
    return chart.stem.partition("-")[0]


def _names(chart: Chart) -> set[str]:
    """By which it can be chosen: fig08b, fig08, 8b, 8, its key, and its key without the batch size."""
    numbers = {f"fig{chart.number:02d}", f"fig{chart.number}", str(chart.number)} if chart.number is not None else set()
    panels = {f"{number}{chart.panel}" for number in numbers}
    return {chart.key, _BATCH.sub("", chart.key), chart.stem} | numbers | panels


def _write(chart: Chart, path: Path, look: Look) -> Path:
    if look.form == "csv":
        write_chart_csv(chart, path)
        return path
    from monitor_app.charts.files import draw_chart, draw_print

    width, height = look.size_px
    if look.style == "print":
        draw_print(chart, path, width=width, height=height)
    else:
        draw_chart(chart, path, theme="dark" if look.style == "dark" else "light", width=width, height=height)
    return path


def _caption(chart: Chart) -> str:
    """Title, caption, equations and what is missing, for the text around the figure."""
    stamp = " SIMULATED." if chart.simulated else ""
    lines = [line_words(line) for line in chart.lines if line.x]
    equations = f" Lines: {'; '.join(lines)}." if lines else ""
    missing = f" Not shown: {' '.join(chart.missing)}" if chart.missing else ""
    return f"{chart.numbered}. {chart.title}.{stamp} {chart.caption}{equations}{missing}"
