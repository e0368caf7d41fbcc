# SPDX-License-Identifier: Apache-2.0
"""What a board elsewhere measures of itself, its rails and jetson-stats, by a copy of its files."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from monitor_app.core.status import FoundSource
from monitor_app.sources.jetson.boards import recognise_board
from monitor_app.sources.registry import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SERVICES = tuple(
    f"/sys/fs/cgroup/{folder}system.slice/{service}.service/cgroup.procs"
    for folder in ("", "systemd/")
    for service in ("jtop", "jetson_stats")
)
"""Files that are there while jetson-stats runs: by either version of control groups and either name of the service."""
INSTRUMENT_PATTERNS = (
    "/proc/device-tree/compatible",
    "/sys/bus/i2c/drivers/ina*/*-*/hwmon/hwmon*/*",
    "/sys/bus/i2c/drivers/ina*/*-*/iio:device*/*",
    "/sys/bus/i2c/drivers/ina*/*-*/iio_device/*",
    "/sys/bus/i2c/drivers/ina*/*-*/of_node/*",
    "/sys/bus/i2c/drivers/ina*/*-*/of_node/channel@*/*",
    *SERVICES,
)
"""The files that are looked at."""


def instruments_in(root: Path) -> list[FoundSource]:
    """The instruments of a board whose files lie below a folder; none where it has none that are known."""
    return [*(replace(each, where="on the board") for each in KINDS["jetson-rails"].find(root)), *_jtop(root)]


def _jtop(root: Path) -> Iterator[FoundSource]:
    if any((root / path.lstrip("/")).exists() for path in SERVICES):
        yield FoundSource("jtop", "on the board", "jetson-stats", True, "ready", {"kind": "jtop"})
    elif recognise_board(root) is not None:
        state = "The jtop service does not run: type `sudo jtop --install-service` there; the rails work without it."
        yield FoundSource("jtop", "on the board", "jetson-stats", False, state)
