# SPDX-License-Identifier: Apache-2.0
"""The program as its parser knows it: the app that commands are added to, and the options that several share."""

from __future__ import annotations

import json
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from monitor_app import __version__
from monitor_app.cli.terminal import put
from monitor_app.core.log import log_to_file

FAILED, CANNOT, INTERRUPTED = 1, 2, 130
"""Exit codes. 1 of `analyze` says that a session is worse than its baseline, so what it cannot do is 2."""
HELP = {"help_option_names": ["-h", "--help"]}

app = typer.Typer(
    context_settings=HELP,
    help="Monitor power, latency and accuracy of neural networks on a board. Without a command, open the window.",
    no_args_is_help=False,
    rich_markup_mode=None,
    add_completion=False,
    pretty_exceptions_enable=False,
)

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout, and nothing else.")]
TrustOption = Annotated[
    bool,
    typer.Option("--trust", help="Allow the profile to run code, without a question."),
]
BoardOption = Annotated[
    str | None,
    typer.Option("--board", help="A board elsewhere, as one would type it after `ssh`.", show_default=False),
]
SessionsArgument = Annotated[
    list[Path], typer.Argument(help="Session files (*.plm), or a folder of them.", show_default=False)
]
SessionArgument = Annotated[Path, typer.Argument(help="A session file (*.plm).", show_default=False)]


class ExportFormat(str, Enum):
    """Formats that a session is exported to."""

    CSV = "csv"
    PNG = "png"


class FigureFormat(str, Enum):
    """File formats of figures."""

    PNG = "png"
    SVG = "svg"
    PDF = "pdf"
    CSV = "csv"


class ExportTable(str, Enum):
    """Tables of a session that are exported to CSV."""

    SAMPLES = "samples"
    RUNS = "runs"
    BATCHES = "batches"


class FigureStyle(str, Enum):
    """How figures are drawn."""

    LIGHT = "light"
    DARK = "dark"
    PRINT = "print"


class EnergyKind(str, Enum):
    """Which energy figures show."""

    NET = "net"
    GROSS = "gross"


class Theme(str, Enum):
    """Light or dark background."""

    LIGHT = "light"
    DARK = "dark"


class OnnxPrecision(str, Enum):
    """Precisions that a network is exported in."""

    FP32 = "fp32"
    FP16 = "fp16"
    INT8 = "int8"


@app.callback(invoke_without_command=True)
def root(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """Monitor power, latency and accuracy of neural networks on a board. Without a command, open the window."""
    log_to_file("monitor-app")
    if version:
        put(f"monitor-app {__version__}")
        raise typer.Exit


def print_json(document: object) -> None:
    """One JSON document on stdout."""
    put(*json.dumps(document, indent=1).split("\n"))
