# SPDX-License-Identifier: Apache-2.0
"""Which torch the set-up installs; no package is installed here."""

from __future__ import annotations

import shlex
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
OWN_INDEX = "https://example.org/whl"
REACHED, NOT_REACHED = "answers_in_3_s() { :; }", "answers_in_3_s() { false; }"
GPU, NO_GPU = "has_nvidia_gpu() { :; }", "has_nvidia_gpu() { false; }"


def bash(script: str, tmp_path: Path, **environment: str) -> str:
    """What a script prints that has read the functions of the set-up; its .venv is a link to this interpreter's."""
    copy = tmp_path / "packaging" / "bootstrap.sh"
    copy.parent.mkdir()
    copy.write_text((ROOT / "packaging" / "bootstrap.sh").read_text(encoding="utf-8"), encoding="utf-8")
    if not (tmp_path / ".venv").exists():
        (tmp_path / ".venv").symlink_to(sys.prefix)
    done = subprocess.run(
        ["bash", "-c", f"source {shlex.quote(str(copy))} run\n{script}"],
        env={"PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout


@pytest.mark.parametrize(
    ("named", "gpu", "reached", "chosen"),
    [
        ("", NO_GPU, REACHED, "https://download.pytorch.org/whl/cpu"),
        ("", NO_GPU, NOT_REACHED, ""),
        ("", GPU, REACHED, ""),
        (OWN_INDEX, NO_GPU, REACHED, OWN_INDEX),
        (OWN_INDEX, GPU, NOT_REACHED, OWN_INDEX),
    ],
)
def test_only_a_machine_without_a_gpu_takes_the_torch_without_cuda(
    named: str, gpu: str, reached: str, chosen: str, tmp_path: Path
) -> None:
    printed = bash(f'{gpu}\n{reached}\nchoose_torch_index\necho "index=$torch_index"', tmp_path, TORCH_INDEX=named)
    assert printed.splitlines()[-1] == f"index={chosen}"
    assert ("without CUDA" in printed) == (chosen not in {"", OWN_INDEX})


@pytest.mark.parametrize(("reached", "handed"), [(REACHED, True), (NOT_REACHED, False)])
def test_pip_is_given_the_index_that_was_chosen(reached: str, handed: bool, tmp_path: Path) -> None:
    pip = tmp_path / ".venv" / "bin" / "python"
    pip.parent.mkdir(parents=True)
    pip.write_text('#!/bin/sh\necho "$@"\n', encoding="utf-8")
    pip.chmod(0o755)
    bash(f"{NO_GPU}\n{reached}\nchoose_torch_index\npip_install '.[torch]'", tmp_path)
    words = (tmp_path / ".venv" / "setup.log").read_text(encoding="utf-8").split()
    assert words[-2:] == ["-e", ".[torch]"]
    assert ("https://download.pytorch.org/whl/cpu" in words) == handed


@pytest.mark.parametrize(
    ("stub", "found"),
    [
        ("nvidia-smi() { echo 'GPU 0: NVIDIA H200'; }", "yes"),
        ("nvidia-smi() { echo 'No devices were found'; return 6; }; has_nvidia_display() { false; }", "no"),
        ("nvidia-smi() { return 127; }; has_nvidia_display() { :; }", "yes"),
        ("is_jetson() { :; }; has_nvidia_display() { false; }", "yes"),
    ],
)
def test_a_gpu_is_found_by_its_driver_or_on_the_bus(stub: str, found: str, tmp_path: Path) -> None:
    if found == "no" and Path("/proc/driver/nvidia/version").exists():
        found = "yes"
    assert bash(f"{stub}\nif has_nvidia_gpu; then echo yes; else echo no; fi", tmp_path).split() == [found]


class Index(BaseHTTPRequestHandler):
    """Answers as a package index does."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/torch/" else 404)
        self.end_headers()
        self.wfile.write(b"<a href='torch-2.13.0.whl'>torch</a>")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving(server: HTTPServer) -> Iterator[str]:
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


ASK = 'if answers_in_3_s "$INDEX/torch/"; then echo yes; else echo no; fi'


def test_an_index_that_answers_is_taken(tmp_path: Path) -> None:
    with serving(HTTPServer(("127.0.0.1", 0), Index)) as address:
        assert bash(ASK, tmp_path, INDEX=address).split() == ["yes"]


@pytest.mark.parametrize("what", ["silent", "absent", "without torch"])
def test_an_index_that_does_not_is_given_up_after_three_seconds(what: str, tmp_path: Path) -> None:
    started = monotonic()
    if what == "without torch":
        with serving(HTTPServer(("127.0.0.1", 0), Index)) as address:
            answer = bash(ASK, tmp_path, INDEX=f"{address}/other")
    else:
        with socket.create_server(("127.0.0.1", 0)) as server:
            address = f"http://127.0.0.1:{server.getsockname()[1]}"
            if what == "absent":
                server.close()
            answer = bash(ASK, tmp_path, INDEX=address)
    assert answer.split() == ["no"]
    if what == "silent":
        assert monotonic() - started > 2.9
