# SPDX-License-Identifier: Apache-2.0
"""The networks of the paper in the bundle of a board, under any Python that has torch (docs/networks.md).

    python -m tests.benchmarks.old_torch PYTHON [NETWORK...]

PYTHON is an interpreter with torch and torchvision, such as that of an environment of Python 3.6 with torch 1.10.2.
Each network is loaded without weights, warmed up, timed and evaluated over the child's own lines; a row says what came
back. Ends with 1 where a network failed that this torchvision has.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, Any

from monitor_app.remote.bundle.build import bundle

NETWORKS = (
    "alexnet_2016",
    "bn_alexnet",
    "bn_nin",
    "enet",
    "googlenet_2016",
    "vgg16",
    "resnet50",
    "resnet101_2016",
    "inception_v3_2016",
    "inception_v4_2016",
    "squeezenet1_1",
    "mobilenet_v3_large",
    "convnext_tiny",
    "vit_b_16",
)


def main() -> int:
    parser = argparse.ArgumentParser(description="Run the paper's networks in a board's bundle under another Python.")
    parser.add_argument("python", help="an interpreter with torch and torchvision")
    parser.add_argument("networks", nargs="*", default=NETWORKS, help="their names; the paper's if none are named")
    options = parser.parse_args()
    version = _version(options.python)
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder, "bundle.zip")
        archive.write_bytes(bundle(version).data)
        child = Child(options.python, archive)
        ready = child.read()
        print(json.dumps(ready))
        failed = [name for name in options.networks if not _run(child, name)] if ready["type"] == "ready" else ["all"]
        child.quit()
    print(f"failed: {', '.join(failed) or 'none'}")
    return 1 if failed else 0


class Child:
    """The inference child of a bundle."""

    def __init__(self, python: str, archive: Path) -> None:
        command = [python, str(archive), "inference"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def read(self) -> dict[str, Any]:
        """The next event."""
        return dict(json.loads(_pipe(self._process.stdout).readline()))

    def ask(self, **command: Any) -> dict[str, Any]:
        """The last event of a command; batches in between are passed over."""
        _pipe(self._process.stdin).write(json.dumps(command).encode() + b"\n")
        _pipe(self._process.stdin).flush()
        while (event := self.read())["type"] == "batches":
            pass
        return event

    def quit(self) -> None:
        """End it."""
        _pipe(self._process.stdin).close()
        self._process.wait(timeout=30)


def _run(child: Child, name: str) -> bool:
    event = child.ask(**LOAD, network=name)
    if event["type"] != "loaded":
        print(f"{name:20} {event['message']}")
        return " needs torchvision " in event["message"]
    shown = (
        f"{event['title']:26} {event['parameters']} parameters, {event['macs']} MACs, {event['operations']} operations"
    )
    ran = [child.ask(type=phase, batch_size=1, min_s=0.0, min_batches=2) for phase in ("warm_up", "time")]
    ran.append(child.ask(type="evaluate", batch_size=1, images="demo"))
    good = [each["type"] == "phase_done" for each in ran]
    memory = child.ask(type="measure_memory")
    print(
        f"{name:20} {shown}; {[each.get('batches', each) for each in ran]} batches, {ran[-1].get('reason')}, {memory}"
    )
    return all(good)


LOAD = {
    "type": "load",
    "precision": "fp32",
    "device": "cpu",
    "threads": 2,
    "weights": "none",
    "seed": 0,
    "channels_last": False,
    "compiled": False,
}


def _version(python: str) -> tuple[int, int]:
    program = "import sys; print(*sys.version_info[:2])"
    said = subprocess.run([python, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    return int(said[0]), int(said[1])


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None
    return pipe


if __name__ == "__main__":
    sys.exit(main())
