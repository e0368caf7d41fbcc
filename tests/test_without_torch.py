# SPDX-License-Identifier: Apache-2.0
"""The program where torch is not installed: everything but running and counting networks, and a sentence for those."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import monitor_app
from monitor_app.inference.torch_missing import TorchMissingError, require_torch
from monitor_app.session.reader import SessionReader

ROOT = Path(monitor_app.__file__).parents[1]
INSTALL = "pip install 'inferwatt[torch]'"
# Run by every interpreter that starts with its folder on the path, and so in the children of the program too
BLOCK = 'import sys\nsys.modules["torch"] = sys.modules["torchvision"] = None\n'

IMPORT_ALL = """
import importlib, pkgutil, monitor_app
for module in pkgutil.walk_packages(monitor_app.__path__, "monitor_app."):
    if not module.name.endswith("__main__"):
        try:
            importlib.import_module(module.name)
        except ModuleNotFoundError as error:
            print(module.name, error.name)
"""
NEEDS_TORCH = {
    *(f"monitor_app.inference.{name}" for name in ("loading", "measure", "memory")),
    *(
        f"monitor_app.inference.networks.{name}"
        for name in ("alexnet", "bn_nin", "conv_biases", "costs", "enet", "googlenet", "inception_resnet")
    ),
}
"""What only the child that runs networks imports, and what counts them."""

WINDOW = """
import os, signal, sys
from PySide6.QtCore import QTimer
from monitor_app.cli.window import open_window
from monitor_app.gui.theme import application
application()
QTimer.singleShot(3000, lambda: os.kill(os.getpid(), signal.SIGTERM))
sys.exit(open_window(sys.argv[1], None))
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("block")
    (folder / "sitecustomize.py").write_text(BLOCK, encoding="utf-8")
    return {**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}", "COLUMNS": "200"}


class Blocked:
    """Python and the program in it, without torch."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment

    def python(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *words], env=self._environment, capture_output=True, text=True, timeout=240, check=False
        )

    def program(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.python("-m", "monitor_app", *words)

    def lines(self, *words: str) -> list[str]:
        done = self.program(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()


@pytest.fixture(scope="module")
def blocked(environment: dict[str, str]) -> Blocked:
    return Blocked(environment)


@pytest.fixture(scope="module")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The campaign on the emulated board, with two of its networks at two batch sizes."""
    text = (ROOT / "profiles" / "simulated-tx1-canziani2016.toml").read_text(encoding="utf-8")
    text = re.sub(r"networks = \[.*?\]", 'networks = ["alexnet_2016", "resnet18"]', text, flags=re.DOTALL)
    text = re.sub(r"batch_sizes = .*", "batch_sizes = [1, 4]", text)
    text = re.sub(r"timed_s = [\d.]+", "timed_s = 1.0", text)
    path = tmp_path_factory.mktemp("profile") / "short.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def session(profile: Path, blocked: Blocked) -> Path:
    """That campaign, recorded without torch."""
    path = profile.with_suffix(".plm")
    blocked.lines("record", str(profile), "-o", str(path))
    return path


def test_only_what_runs_or_counts_networks_imports_torch(blocked: Blocked) -> None:
    done = blocked.python("-c", IMPORT_ALL)
    assert done.returncode == 0, done.stderr
    failed = dict(line.split() for line in done.stdout.splitlines())
    assert set(failed) == NEEDS_TORCH
    assert set(failed.values()) <= {"torch", "torchvision"}


def test_the_emulated_campaign_is_recorded_and_shown(blocked: Blocked, session: Path) -> None:
    shown = json.loads("\n".join(blocked.lines("show", str(session), "--json")))
    assert [run["state"] for run in shown["runs"]] == ["done"] * 4
    assert "AlexNet b4" in "\n".join(blocked.lines("show", str(session)))
    assert blocked.program("analyze", str(session)).stdout


def test_figures_and_reports_are_written(blocked: Blocked, session: Path, tmp_path: Path) -> None:
    figures = blocked.lines("figures", str(session), "-o", str(tmp_path / "figures"))
    assert figures
    assert all(Path(line).stat().st_size for line in figures)
    blocked.lines("report", str(session), "-o", str(tmp_path / "report.html"))
    blocked.lines("export", str(session), "--format", "png", "-o", str(tmp_path / "session.png"))
    assert {path.name for path in tmp_path.iterdir()} == {"figures", "report.html", "session.png"}


def test_networks_are_listed_with_their_costs(blocked: Blocked) -> None:
    listed = {each["name"]: each for each in json.loads("\n".join(blocked.lines("networks", "--all", "--json")))}
    assert listed["vgg16"]["parameters"] == 138_357_544
    assert len(listed) > 80


@pytest.mark.parametrize("what", ["profile", "session"])
def test_the_window_opens(blocked: Blocked, what: str, request: pytest.FixtureRequest) -> None:
    done = blocked.python("-c", WINDOW, str(request.getfixturevalue(what)))
    said = [line for line in done.stderr.splitlines() if not line.startswith("This plugin does not support")]
    assert (done.returncode, said) == (0, [])


def test_a_network_that_must_be_counted_names_the_command(blocked: Blocked) -> None:
    done = blocked.program("networks", "torchvision.models:resnet18")
    assert done.returncode == 1
    [sentence] = done.stderr.splitlines()
    assert INSTALL in sentence


def test_a_run_that_needs_torch_names_the_command(blocked: Blocked, tmp_path: Path) -> None:
    path = tmp_path / "cpu.plm"
    blocked.program("record", "simulated-tx1", "-o", str(path), "--duration", "6")
    with SessionReader(path) as reader:
        # The recording may have ended in the middle of the last
        errors = [run.error for run in reader.runs() if run.state == "failed"]
    assert errors
    assert all(INSTALL in str(error) for error in errors)


@pytest.mark.parametrize("missing", [{"torch"}, {"torchvision"}, {"torch", "torchvision"}])
def test_the_sentence_names_what_is_missing(missing: set[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in missing:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(TorchMissingError, match=f"machine, {' and '.join(sorted(missing))} must be installed"):
        require_torch()
