# SPDX-License-Identifier: Apache-2.0
"""The processor as a device: its name, and work for it that needs no back end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from monitor_app.inference.pulses import SIZE

if TYPE_CHECKING:
    from collections.abc import Callable


def cpu_name() -> str:
    """As the processor calls itself; `CPU` where it does not."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as lines:
            named = (line.partition(":")[2].strip() for line in lines if line.lower().startswith("model name"))
            return next(named, "CPU") or "CPU"
    except OSError:
        return "CPU"


def multiplication() -> Callable[[], object]:
    """Work of some milliseconds, for a load-step sequence."""
    factor = np.random.default_rng(0).standard_normal((SIZE, SIZE), np.float32)

    def multiply() -> None:
        np.matmul(factor, factor)

    return multiply
