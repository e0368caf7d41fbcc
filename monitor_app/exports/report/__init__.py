# SPDX-License-Identifier: Apache-2.0
"""The report of one or more campaigns, as an HTML page or as PDF with the same content."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor_app.charts.canvas import need_application
from monitor_app.core.errors import ExportError
from monitor_app.core.files.atomic_file import completed
from monitor_app.exports.report.html import html_of
from monitor_app.exports.report.pdf import pdf_of
from monitor_app.exports.report.sections import ReportContent, document_of

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["ReportContent", "write_report"]

_HTML, _PDF = frozenset({".html", ".htm"}), ".pdf"


def write_report(content: ReportContent, path: Path) -> None:
    """Write the report as one HTML page or as PDF; the suffix of the path selects which.

    Needs no display. Raises ExportError.
    """
    suffix = path.suffix.lower()
    if suffix not in _HTML and suffix != _PDF:
        raise ExportError(f"A report is written as .html or .pdf, not as {path.name}: choose one of these endings.")
    need_application()
    document = document_of(content)
    made = html_of(document).encode() if suffix in _HTML else pdf_of(document)
    with completed(path) as file:
        file.write(made)
