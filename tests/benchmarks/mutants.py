# SPDX-License-Identifier: Apache-2.0
"""Mutation testing: changes one operator or number of a module at a time, and counts how many changes its tests notice.

Call it with `make mutants`, for one module with `make mutants MODULE=integration`, for a third of its mutations with
`make mutants MODULE=clock EVERY=3`. The mutations are cosmic-ray's, of which `make mutants` keeps a copy of its own. A
mutated module never lies on the disk: each is imported in a fork of this process, which runs the tests of the module.
"""

from __future__ import annotations

import difflib
import gc
import importlib.abc
import importlib.util
import os
import re
import signal
import site
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

site.addsitedir(".venv/mutations")

import hypothesis
import numpy  # noqa: F401  # imported once, and not in each fork
import parso
import pytest
import scipy.stats  # noqa: F401
from cosmic_ray.ast import ast_nodes
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

MODULES = {
    "integration": ("analysis.run.integration", ["analysis/run/test_energy.py"]),
    "energy": ("analysis.run.energy", ["analysis/run/test_energy.py"]),
    "clock": ("core.clock", ["core/test_clock_by_hand.py", "core/test_clock.py"]),
    "shunt": ("sources.shunt.decoder", ["sources/shunt/test_decoder.py"]),
    "powersensor3": ("sources.powersensor3.decoder", ["sources/powersensor3/test_decoder.py"]),
    "ppk2": ("sources.ppk2.decoder", ["sources/ppk2/test_decoder.py"]),
    "ppk2-calibration": ("sources.ppk2.calibration", ["sources/ppk2/test_decoder.py"]),
    "lines": ("sources.lines.decoder", ["sources/lines/test_decoder.py"]),
    "edgepowermeter": ("sources.lines.edgepowermeter_decoder", ["sources/lines/test_edgepowermeter_decoder.py"]),
    "pyramid": ("session.pyramid", ["session/test_pyramid.py"]),
    "waveform": ("session.waveform", ["session/test_waveform.py", "session/test_timed.py", "session/test_session.py"]),
    "time-map": ("session.time_map", ["session/test_time_map.py", "session/test_timed.py"]),
    "writer": (
        "session.writer",
        ["session/test_writer.py", "session/test_session.py", "session/test_safety.py", "session/test_resume.py"],
    ),
}
"""The module under `monitor_app`, and its own tests, the quickest first."""
SLOW = "test_of_measured_runs_at_least_95_in_100_are_right_within_what_they_state"
"""Takes longer than all other tests of its module together."""
OPTIONS = [
    "-x", "-q", "-c", os.devnull, "--rootdir=.", "--noconftest", "--assert=plain", "--tb=no", "-pno:cacheprovider",
    "-k", f"not {SLOW}",
]  # fmt: skip
"""Without the fixtures and the plugins of the whole suite."""
PHASES = (hypothesis.Phase.explicit, hypothesis.Phase.generate)
"""That a test fails is all that counts: no example is made smaller."""
POINTLESS, HUNG = 99, 98
POINTLESS_LINES = ("@dataclass", "if TYPE_CHECKING")
"""That a value is frozen, and what is imported for types, is the type checker's affair."""
LEAST_LIMIT_S, LIMIT_FACTOR, HOUR_S = 30, 5, 3600.0
"""Tests that take this many times as long as without a mutation never end."""
_SKIPPED = re.compile(
    # An operator is replaced by its opposite or its neighbour, and not by every other one there is.
    r"core/ReplaceBinaryOperator_(?!(Add_Sub|Sub_Add|Mul_Div|Div_Mul|FloorDiv_Mul|Mod_Add|Pow_Mul|LShift_RShift"
    r"|RShift_LShift|BitAnd_BitXor)$)"
    r"|core/ReplaceComparisonOperator_(?!(Lt_LtE|LtE_Lt|Gt_GtE|GtE_Gt|Lt_Gt|Gt_Lt|LtE_GtE|GtE_LtE|Eq_NotEq|NotEq_Eq"
    r"|Is_IsNot|IsNot_Is)$)"
    r"|core/(RemoveDecorator|ExceptionReplacer|Variable)"
)


class _Loader(importlib.abc.MetaPathFinder, importlib.abc.SourceLoader):
    """Imports one module from a text, and all others as always."""

    def __init__(self, name: str, path: Path, text: str) -> None:
        self._name, self._path, self._text = name, path, text

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        return importlib.util.spec_from_loader(name, self) if name == self._name else None

    def get_filename(self, fullname: str) -> str:
        return str(self._path)

    def get_data(self, path: str) -> bytes:
        return self._text.encode()

    def path_stats(self, path: str) -> dict[str, float]:
        raise OSError


def positions(text: str) -> list[tuple[str, int]]:
    """Each operator of cosmic-ray with the number of the place where it is applied."""
    nodes = list(ast_nodes(parso.parse(text)))
    found = []
    for name in sorted(operator_names()):
        if not _SKIPPED.match(name):
            operator = get_operator(name)()
            count = sum(1 for node in nodes for _ in operator.mutation_positions(node))
            found += [(name, k) for k in range(count)]
    return found


def change(text: str, name: str, occurrence: int) -> tuple[str | None, str]:
    """The mutated text, and the lines that differ; None where that says nothing about the tests."""
    mutated = mutate_code(text, get_operator(name)(), occurrence) or text
    lines = [*difflib.unified_diff(text.splitlines(), mutated.splitlines(), n=0)][3:]
    pointless = not lines or lines[0][1:].lstrip().startswith(POINTLESS_LINES)
    return None if pointless else mutated, " -> ".join(line[1:].strip() for line in lines)


def outcomes(name: str, text: str, mutations: Sequence[tuple[str, int] | None], limit_s: float) -> list[int]:
    """0 where the tests pass, `POINTLESS` where there is nothing to test, `HUNG`, or another number where they fail."""
    codes, waiting = [HUNG] * len(mutations), list(enumerate(mutations))[::-1]
    running: dict[int, tuple[int, float]] = {}
    while waiting or running:
        if waiting and len(running) < (os.cpu_count() or 1):
            index, mutation = waiting.pop()
            if (pid := os.fork()) == 0:
                _test(name, text, mutation)
            running[pid] = index, time.monotonic() + limit_s
            continue
        time.sleep(0.01)
        for pid, (index, deadline) in list(running.items()):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                codes[index] = os.waitstatus_to_exitcode(status)
                del running[pid]
            elif time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                del running[pid]
    return codes


def _test(name: str, text: str, mutation: tuple[str, int] | None) -> None:
    """Run the tests with the mutated text in place of the module; does not return."""
    code = 1
    try:
        quiet = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(quiet, stream)
        mutated = text if mutation is None else change(text, *mutation)[0]
        if mutated is None:
            os._exit(POINTLESS)
        module, tests = MODULES[name]
        sys.meta_path.insert(0, _Loader(f"monitor_app.{module}", _path(name), mutated))
        code = int(pytest.main([*OPTIONS, *(f"tests/{test}" for test in tests)]))
    finally:
        os._exit(code)


def _path(name: str) -> Path:
    return Path("monitor_app", *MODULES[name][0].split(".")).with_suffix(".py")


def measure(name: str, every: int) -> None:
    """Print the score of one module, from every n-th mutation, after the mutations that survived."""
    text, began = _path(name).read_text(), time.monotonic()
    if outcomes(name, text, [None], HOUR_S) != [0]:
        sys.exit(f"{name}: its tests fail without any mutation")
    limit_s = LEAST_LIMIT_S + LIMIT_FACTOR * (time.monotonic() - began)
    mutations = positions(text)[::every]
    gc.freeze()  # so that no fork copies what it only looks through
    codes = outcomes(name, text, mutations, limit_s)
    for mutation, code in zip(mutations, codes, strict=True):
        if code == 0:
            print(f"    {change(text, *mutation)[1]}")
    survived, hung = codes.count(0), codes.count(HUNG)
    killed = len(codes) - survived - codes.count(POINTLESS)
    score = killed / max(killed + survived, 1)
    sample = "" if every == 1 else f", of 1 mutation in {every}"
    print(f"{name}: {killed} killed ({hung} by never ending), {survived} survived, {score:.1%}{sample}", flush=True)


if __name__ == "__main__":
    sys.path.insert(0, os.getcwd())
    hypothesis.settings.register_profile(
        "untimed", deadline=None, derandomize=True, database=None, max_examples=10, phases=PHASES
    )
    hypothesis.settings.load_profile("untimed")
    os.environ.update(PYTEST_DISABLE_PLUGIN_AUTOLOAD="1", QT_QPA_PLATFORM="offscreen")
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    for each in sys.argv[1:] or MODULES:
        measure(each, int(os.environ.get("EVERY") or 1))
