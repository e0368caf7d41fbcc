# SPDX-License-Identifier: Apache-2.0
"""A writer in a process of its own that begins a session or resumes it, until it is killed or its input ends.

python resuming.py FILE PART    the current of its k-th sample has the code k, its voltage the code PART
"""

from __future__ import annotations

import os
import select
import sys
from pathlib import Path

import numpy as np

from monitor_app.core.host_time import host_time_ns

sys.path.insert(0, str(Path(__file__).parents[2]))

from monitor_app.core.runs import Batch, Phase, RunSpec, RunState
from monitor_app.session.writer import SessionWriter
from tests.session.bench import shunt


def main(path: str, part: str) -> int:
    writer = SessionWriter.resume(Path(path)) if os.path.exists(path) else SessionWriter(Path(path))
    rng = np.random.default_rng(int(part))
    run, span = writer.next_run_id, writer.next_span_id
    writer.add_source(1, shunt())
    writer.add_run(run, 1, RunSpec("resnet18"), "ResNet-18", RunState.RUNNING)
    writer.open_span(span, run, Phase.TIMED, host_time_ns())
    count, taken_ns = 0, host_time_ns()
    while True:
        n, now_ns = int(rng.choice([1, 300, 2500, 20_000])), host_time_ns()
        codes = ((count + np.arange(n)) % 65_536).astype("<u2"), np.full(n, int(part), "<u2")
        writer.write_block(1, count, codes, taken_ns + (now_ns - taken_ns) // n, now_ns)
        writer.write_batches(run, [Batch(Phase.TIMED, taken_ns, now_ns, n)])
        count, taken_ns = count + n, now_ns
        writer.commit(durable=bool(rng.integers(0, 10) == 0))
        sys.stdout.write(f"{count}\n")
        sys.stdout.flush()
        if select.select([sys.stdin], [], [], 0)[0]:
            writer.close()
            return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
