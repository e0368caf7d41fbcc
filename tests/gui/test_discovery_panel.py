# SPDX-License-Identifier: Apache-2.0
"""Which of the instruments that were found the window offers to add."""

from __future__ import annotations

from dataclasses import replace

from monitor_app.core.status import FoundSource
from monitor_app.gui.panels.discovery_panel import found_lines
from tests.gui.several import FOUND, several_status


def test_what_is_in_use_is_not_offered_again() -> None:
    gpu = FoundSource("nvml", "GPU 0", "Card A", True, "ready", {"kind": "nvml", "index": 0}, identity="model")
    rails = FoundSource("jetson-rails", "sysfs", "Jetson TX1", True, "ready", {"kind": "jetson-rails"}, identity="kind")
    status = several_status(found=(gpu, rails, FOUND[3]))
    first = replace(status.sources[0], serial_number="")

    def offered(**source: str) -> list[str]:
        return [line.kind for line in found_lines(replace(status, sources=(replace(first, **source),)))]

    assert offered(kind="other", model="Card A") == ["nvml", "jetson-rails", "ppk2"]
    assert offered(kind="nvml", model="Card B") == ["nvml", "jetson-rails", "ppk2"]
    assert offered(kind="nvml", model="Card A") == ["jetson-rails", "ppk2"]
    assert offered(kind="jetson-rails", model="any") == ["nvml", "ppk2"]
    assert offered(kind="ppk2", model="any", serial_number="M-17") == ["nvml", "jetson-rails"]
