# SPDX-License-Identifier: Apache-2.0
"""A loop of one's own, measured: `monitor-app run -n 5 simulated-tx1 -- python examples/own_loop.py`.

The two `with` lines are all that a program needs; without `monitor-app run` they do nothing. The work is a wait here,
since a simulated board draws power while a span is open, whatever the computer beside it does.
"""

import time

from monitor_marks import mark, span

IMAGES = 8
LATENCY_S = 0.05
BATCHES = 20


def main():
    """Load, then infer batch after batch."""
    with span("load model"):
        time.sleep(0.3)
    for _ in range(BATCHES):
        with span("inference", images=IMAGES):
            time.sleep(LATENCY_S)
        time.sleep(0.01)  # what a program does between two batches
    mark("done")


if __name__ == "__main__":
    main()
