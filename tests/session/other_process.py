# SPDX-License-Identifier: Apache-2.0
"""A writer in a process of its own: writes blocks until told to stop or killed, and says what is committed.

python other_process.py FILE [BYTES]    with BYTES, no file may grow beyond this number
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from monitor_app.core.errors import SessionError
from monitor_app.core.runs import Batch, Phase, RunSpec, RunState
from monitor_app.session.writer import SessionWriter
from tests.session.bench import put, shunt

BLOCK = 2_500


def main(path: str, most_bytes: str = "") -> int:
    if most_bytes:
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(most_bytes), int(most_bytes)))
    writer = SessionWriter(Path(path))
    writer.add_source(1, shunt())
    writer.add_run(1, 1, RunSpec("resnet18"), "ResNet-18", RunState.RUNNING)
    number = 0
    try:
        while True:
            codes = np.full(BLOCK, 10_000 + number % 1000, "<u2"), np.full(BLOCK, 20_000, "<u2")
            put(writer, number * BLOCK, codes)
            writer.write_batches(1, [Batch(Phase.TIMED, number, number + 1, 1)])
            writer.commit(durable=number % 20 == 0)
            number += 1
            sys.stdout.write(f"{number}\n")
            sys.stdout.flush()
            if not most_bytes and sys.stdin.readline() == "":
                writer.close()
                return 0
    except SessionError as error:
        sys.stdout.write(f"{type(error).__name__}: {error}\n")
        writer.close()
        return 3


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
