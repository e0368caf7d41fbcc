# SPDX-License-Identifier: Apache-2.0
"""The child `gpio`: switches a pin of a Jetson on lines from stdin, and says when it did.

    pin.py PIN

It first says `{"ready": true}` or `{"error": "..."}`. On a line `1` or `0` it switches and answers with `level` and the
board's times just before and after, `before_ns` and `after_ns`. When its stdin ends it sets the pin low, releases it.
It is run alone, so it has a clock of its own.
"""

import json
import os
import sys
import time
from typing import Any, Dict


def main() -> int:
    """Run until stdin ends; the exit code."""
    # What the library prints must not get between the lines.
    out = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)

    def say(content: "Dict[str, Any]") -> None:
        out.write(json.dumps(content).encode("ascii") + b"\n")

    try:
        pin = int(sys.argv[1])
        gpio = _library()
        gpio.setmode(gpio.BOARD)
        gpio.setup(pin, gpio.OUT, initial=gpio.LOW)
    except Exception as error:  # noqa: BLE001 - off a Jetson the library raises bare exceptions
        say({"error": str(error) or type(error).__name__})
        return 1
    say({"ready": True})
    try:
        for line in sys.stdin:
            level = line.strip() == "1"
            before_ns = _now_ns()
            gpio.output(pin, gpio.HIGH if level else gpio.LOW)
            say({"level": level, "before_ns": before_ns, "after_ns": _now_ns()})
    finally:
        gpio.output(pin, gpio.LOW)
        gpio.cleanup(pin)
    return 0


def _library() -> Any:
    import Jetson.GPIO

    return Jetson.GPIO


def _now_ns() -> int:
    exact = getattr(time, "clock_gettime_ns", None)
    return int(exact(time.CLOCK_MONOTONIC_RAW) if exact else time.clock_gettime(time.CLOCK_MONOTONIC_RAW) * 1e9)


if __name__ == "__main__":
    sys.exit(main())
