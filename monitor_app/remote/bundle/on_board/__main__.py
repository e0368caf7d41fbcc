# SPDX-License-Identifier: Apache-2.0
"""Runs a child out of the bundle: `python BUNDLE.zip inference|replay|jtop|program ARGUMENTS...`."""

from __future__ import annotations

import json
import runpy
import sys

from monitor_app.remote.bundle.on_board.torch_missing import missing_sentence

LIBRARIES = ("numpy", "PIL", "torch", "torchvision")
CHILDREN = {
    "inference": "monitor_app.inference.child",
    "replay": "monitor_app.inference.replay_child",
    "jtop": "monitor_app.sources.jtop.child",
    "program": "monitor_app.program.child",
}


def main() -> None:
    """Become the child that the first argument names."""
    module = CHILDREN.get(sys.argv[1]) if len(sys.argv) > 1 else None
    if module is None:
        sys.exit("name the child to run: " + ", ".join(CHILDREN))
    child = sys.argv.pop(1)
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except ModuleNotFoundError as error:
        if child in {"jtop", "program"} or error.name is None or error.name.partition(".")[0] not in LIBRARIES:
            raise
        # As a child says it (docs/inference-protocol.md): without numpy it does not come so far
        print(json.dumps({"type": "failed", "kind": "error", "message": missing_sentence(error.name)}), flush=True)  # noqa: T201
        sys.exit(1)


if __name__ == "__main__":
    main()
