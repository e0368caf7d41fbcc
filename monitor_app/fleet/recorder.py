# SPDX-License-Identifier: Apache-2.0
"""The command `record` as a process that ends when the fleet ends, and completes its file then: PARENT WORD...

Started by a thread that waits for it. It is the same command as a user types, in a process of its own, so that nothing
of the engine is in the process that measures.
"""

from __future__ import annotations

import os
import runpy
import sys
from typing import TYPE_CHECKING

from monitor_app.core.child_process import python_module
from monitor_app.core.parent_death import end_with_parent

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NANNY = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MALLOC_TRIM_THRESHOLD_")
"""What a nanny of Dask sets for its worker and all that the worker starts; it would change what is measured."""


def recorder_command(profile: Path, session: Path, *, resume: bool, trusted: bool) -> list[str]:
    """The command line that records a board into its session."""
    words = ["record", str(profile), "-o", str(session), "--quiet"]
    words += ["--resume"] * resume + ["--trust"] * trusted
    return python_module("monitor_app.fleet.recorder", str(os.getpid()), *words)


def recorder_environment(environment: Mapping[str, str], *, nanny: bool) -> dict[str, str]:
    """That of the user, without what a nanny has added."""
    return {name: value for name, value in environment.items() if not (nanny and name in NANNY)}


def main(arguments: list[str]) -> None:
    """Become the command. Where the fleet has ended meanwhile, do nothing."""
    parent, *words = arguments
    if not end_with_parent(int(parent)):
        return
    sys.argv = ["monitor-app", *words]
    runpy.run_module("monitor_app", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1:])
