# SPDX-License-Identifier: Apache-2.0
"""The program where torch is not installed: everything but running and counting networks, and a sentence for those."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import monitor_app
from monitor_app.core.back_ends import BACK_ENDS
from monitor_app.inference.torch_missing import TorchMissingError, require_torch

ROOT = Path(monitor_app.__file__).parents[1]
INSTALL = "pip install 'inferwatt[torch]'"
# Run by every interpreter that starts with its folder on the path, and so in the children of the program too
BLOCK = 'import sys\nsys.modules["torch"] = sys.modules["torchvision"] = None\n'
# All in one process, since the imports and the recording are what takes time
COMMANDS = """
import contextlib, importlib, io, json, os, pkgutil, signal, sys
import monitor_app

def call(do):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = do()
    return code, out.getvalue(), err.getvalue()

def windows(words):
    from PySide6.QtCore import QTimer
    from monitor_app.cli.window import open_window
    for word in words:
        QTimer.singleShot(1500, lambda: os.kill(os.getpid(), signal.SIGTERM))
        yield word, call(lambda: open_window(word, None))

def imports():
    for module in pkgutil.walk_packages(monitor_app.__path__, "monitor_app."):
        if not module.name.endswith("__main__"):
            try:
                importlib.import_module(module.name)
            except ModuleNotFoundError as error:
                yield module.name, error.name

asked = json.load(sys.stdin)
from monitor_app.cli import main
from monitor_app.gui.theme import application
application()  # before the figures make one that can have no windows
answers = {"commands": [call(lambda: main(words)) for words in asked["commands"]]}
answers["windows"] = dict(windows(asked["windows"]))
answers["failed imports"] = dict(imports())
json.dump(answers, sys.stdout)
"""
NEEDS_TORCH = {
    "monitor_app.inference.torch_tensors",
    *(f"monitor_app.inference.back_ends.{name}" for name in ("pytorch", "torch_generators")),
    *(
        f"monitor_app.inference.networks.{name}"
        for name in (
            "alexnet",
            "bn_nin",
            "conv_biases",
            "costs",
            "counting",
            "enet",
            "googlenet",
            "inception_resnet",
            "old_torch",
        )
    ),
}
"""What only the child that runs networks imports, and what counts them."""


OF_THE_BOARD = {package for row in BACK_ENDS.values() for package in row.packages}


@dataclass(frozen=True)
class Done:
    """How a command has ended."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Blocked:
    """What a Python without torch has answered."""

    folder: Path
    commands: dict[str, Done]
    windows: dict[str, Done]
    failed_imports: dict[str, str]

    def lines(self, name: str) -> list[str]:
        done = self.commands[name]
        assert done.code == 0, done.err
        return done.out.splitlines()


@pytest.fixture(scope="module")
def blocked(tmp_path_factory: pytest.TempPathFactory) -> Blocked:
    """The campaign on the emulated board, with two of its networks at two batch sizes, and what can be done with it."""
    folder = tmp_path_factory.mktemp("blocked")
    (folder / "sitecustomize.py").write_text(BLOCK, encoding="utf-8")
    profile, session = folder / "short.toml", folder / "short.plm"
    profile.write_text(_short_campaign(), encoding="utf-8")
    commands = {
        "record": ["record", profile, "-o", session],
        "show": ["show", session],
        "show --json": ["show", session, "--json"],
        "analyze": ["analyze", session],
        "figures": ["figures", session, "-o", folder / "figures", "--only", "1,9", "--size", "80x60mm"],
        "report": ["report", session, "-o", folder / "report.html"],
        "export": ["export", session, "--format", "png", "-o", folder / "session.png"],
        "networks": ["networks", "--all", "--json"],
        "count": ["networks", "torchvision.models:resnet18"],
        "real networks": ["record", "simulated-tx1", "-o", folder / "cpu.plm"],
        "their check": ["record", "simulated-tx1", "--check"],
    }
    asked = {
        "commands": [[str(word) for word in words] for words in commands.values()],
        "windows": [str(profile), str(session)],
    }
    environment = {**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}", "COLUMNS": "200"}
    done = subprocess.run(
        [sys.executable, "-c", COMMANDS],
        env=environment, input=json.dumps(asked), capture_output=True, text=True, timeout=240, check=True,
    )  # fmt: skip
    answers = json.loads(done.stdout)
    return Blocked(
        folder,
        {name: Done(*answer) for name, answer in zip(commands, answers["commands"], strict=True)},
        {Path(word).suffix: Done(*answer) for word, answer in answers["windows"].items()},
        answers["failed imports"],
    )


def _short_campaign() -> str:
    text = (ROOT / "profiles" / "simulated-tx1-canziani2016.toml").read_text(encoding="utf-8")
    text = re.sub(r"networks = \[.*?\]", 'networks = ["alexnet_2016", "resnet18"]', text, flags=re.DOTALL)
    text = re.sub(r"batch_sizes = .*", "batch_sizes = [1, 4]", text)
    for name, value in {"timed_s": "0.5", "idle_s": "0.3", "warm_up_s": "0.2", "settle_s": "0.2"}.items():
        text = re.sub(rf"^{name} = .*", f"{name} = {value}", text, flags=re.MULTILINE)
    return text.replace("[protocol]\n", "[protocol]\npower_check = false\n")


def test_only_what_runs_or_counts_networks_imports_torch(blocked: Blocked) -> None:
    lacking = {module for module, package in blocked.failed_imports.items() if package in {"torch", "torchvision"}}
    assert lacking == NEEDS_TORCH
    others = set(blocked.failed_imports.values()) - {"torch", "torchvision"}
    assert others <= OF_THE_BOARD, "no more than what comes with a board"


def test_the_emulated_campaign_is_recorded_and_shown(blocked: Blocked) -> None:
    blocked.lines("record")
    shown = json.loads(blocked.commands["show --json"].out)
    assert [run["state"] for run in shown["runs"]] == ["done"] * 4
    assert "AlexNet b4" in "\n".join(blocked.lines("show"))
    assert blocked.lines("analyze")


def test_figures_and_reports_are_written(blocked: Blocked) -> None:
    figures = blocked.lines("figures")
    assert figures
    assert all(Path(line).stat().st_size for line in figures)
    blocked.lines("report")
    blocked.lines("export")
    assert (blocked.folder / "report.html").stat().st_size
    assert (blocked.folder / "session.png").stat().st_size


def test_networks_are_listed_with_their_costs(blocked: Blocked) -> None:
    listed = {each["name"]: each for each in json.loads("\n".join(blocked.lines("networks")))}
    assert listed["vgg16"]["parameters"] == 138_357_544
    assert len(listed) > 80


@pytest.mark.parametrize("of", [".toml", ".plm"])
def test_the_window_opens(blocked: Blocked, of: str) -> None:
    assert (blocked.windows[of].code, blocked.windows[of].err) == (0, "")


@pytest.mark.parametrize("what", ["count", "real networks", "their check"])
def test_what_needs_torch_is_refused_with_the_command_that_installs_it(blocked: Blocked, what: str) -> None:
    done = blocked.commands[what]
    assert (done.code, done.out) == (1, "")
    [sentence] = done.err.splitlines()
    assert INSTALL in sentence


def test_nothing_is_recorded_of_what_is_refused(blocked: Blocked) -> None:
    assert not (blocked.folder / "cpu.plm").exists()


@pytest.mark.parametrize("missing", [{"torch"}, {"torchvision"}, {"torch", "torchvision"}])
def test_the_sentence_names_what_is_missing(missing: set[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in missing:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(TorchMissingError, match=f"machine, {' and '.join(sorted(missing))} must be installed"):
        require_torch()
