# SPDX-License-Identifier: Apache-2.0
import ast
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from monitor_app.core.back_ends import BACK_ENDS
from monitor_app.core.canziani2016 import published
from monitor_app.core.host_time import host_time_ns
from monitor_app.inference.messages import Batches, Loaded, PhaseDone, Ready, decode, encode
from monitor_app.inference.messages import Load as LoadCommand
from monitor_app.inference.messages import Time as TimeCommand
from monitor_app.inference.networks.counts import known_costs
from monitor_app.remote.bundle.build import TIERS, OldPythonError, bundle, bundled_files
from monitor_app.remote.bundle.collect import MissingModuleError
from monitor_app.remote.bundle.lower import CannotLowerError
from monitor_app.remote.bundle.names import used_names
from tests.remote.bundle.old_pythons import OLD, old_python

LIMIT_S = 120
PACKAGE = Path(str(files("monitor_app")))


@cache
def held_by(tier: tuple[int, int]) -> dict[str, bytes]:
    """What the bundle for that Python holds."""
    with zipfile.ZipFile(io.BytesIO(bundle(tier).data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def made_again() -> dict[tuple[int, int], str]:
    """The hash of each bundle, made in a process of its own that goes through sets in another order."""
    program = f"from monitor_app.remote.bundle.build import bundle; print(*(bundle(each).sha256 for each in {TIERS}))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        check=True,
        text=True,
        timeout=LIMIT_S,
        env={**os.environ, "PYTHONHASHSEED": "7"},
    )
    return dict(zip(TIERS, done.stdout.split(), strict=True))


@pytest.mark.parametrize("tier", TIERS)
def test_the_same_sources_are_the_same_bytes(tier: tuple[int, int], made_again: dict[tuple[int, int], str]) -> None:
    made = bundle(tier)

    assert made.sha256 == hashlib.sha256(made.data).hexdigest() == made_again[tier]
    assert len(made.data) < 200_000


def test_one_bundle_serves_all_pythons_up_to_the_next() -> None:
    assert bundle((3, 7)) is bundle((3, 6))
    assert bundle((3, 9)) is bundle((3, 8))
    assert bundle((3, 14)) is bundle((3, 10))
    with pytest.raises(OldPythonError, match=r"Python 2\.7 is too old: name one of 3\.6 or later"):
        bundle((2, 7))


def test_from_3_10_on_sources_are_as_they_are() -> None:
    held = held_by((3, 10))

    assert held["monitor_app/inference/child.py"] == (PACKAGE / "inference" / "child.py").read_bytes()
    assert (
        held["monitor_app/inference/networks/counts.csv"]
        == (PACKAGE / "inference" / "networks" / "counts.csv").read_bytes()
    )


@pytest.mark.parametrize("tier", TIERS)
def test_nothing_needs_what_a_board_has_not(tier: tuple[int, int]) -> None:
    optional = {"efficientnet_lite_pytorch", "timm", "transformers", "pynvml", "jtop", "pydantic"}
    optional |= {package for row in BACK_ENDS.values() for package in row.packages}
    installed = {"numpy", "PIL", "torch", "torchvision", "monitor_app", "__future__"}
    for path, data in held_by(tier).items():
        if not path.endswith(".py"):
            continue
        imports = [each for each in ast.walk(ast.parse(data)) if isinstance(each, ast.Import | ast.ImportFrom)]
        names = {name for each in imports for name in _roots(each)}
        assert names <= sys.stdlib_module_names | installed | optional, path
        assert "pydantic" not in names, path


def _roots(node: ast.Import | ast.ImportFrom) -> list[str]:
    modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else [each.name for each in node.names]
    return [each.partition(".")[0] for each in modules]


@pytest.mark.parametrize("version", OLD)
def test_the_real_interpreter_compiles_every_module(version: tuple[int, int], tmp_path: Path) -> None:
    python = old_python(version)
    with zipfile.ZipFile(io.BytesIO(bundle(version).data)) as archive:
        archive.extractall(tmp_path)

    done = _run([python, "-m", "compileall", "-q", str(tmp_path)])

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("version", OLD)
def test_the_real_interpreter_has_every_name_of_its_library(version: tuple[int, int]) -> None:
    python = old_python(version)
    # What programs of the user's import looks itself for what is there, and is tested with these interpreters.
    sources = [data for path, data in held_by(version).items() if path.endswith(".py") and "/marks/" not in path]
    used = sorted({(each.module, each.name) for data in sources for each in used_names(ast.parse(data))})
    program = """if True:
        import importlib, json, sys
        def there(module, name):
            try:
                found = importlib.import_module(module)
                return not name or hasattr(found, name) or bool(importlib.import_module(module + "." + name))
            except ImportError:
                return False
        print(json.dumps([each for each in json.load(sys.stdin) if not there(*each)]))
    """

    done = _run([python, "-c", program], json.dumps(used).encode())

    assert done.stdout.strip() == b"[]", done.stderr
    assert len(used) > 100


@pytest.mark.parametrize("version", OLD)
def test_its_clock_is_that_of_the_program(version: tuple[int, int], archive: Path) -> None:
    python = old_python(version)
    program = "from monitor_app.core.host_time import host_time_ns; print(host_time_ns())"

    before_ns = host_time_ns()
    done = _run([python, "-c", program], environment={"PYTHONPATH": str(archive)})
    after_ns = host_time_ns()

    # Python 3.6 reads the clock as a float of seconds
    assert before_ns - 1000 <= int(done.stdout) <= after_ns + 1000


@pytest.mark.parametrize("version", OLD)
def test_the_child_without_numpy_says_what_to_do(version: tuple[int, int], archive: Path) -> None:
    python = old_python(version)
    if _run([python, "-c", "import numpy"]).returncode == 0:
        pytest.skip("this interpreter has numpy")

    done = _run([python, str(archive), "inference"])

    (line,) = done.stdout.splitlines()
    assert done.returncode == 1
    assert "has no numpy: install it there" in decode(line).message  # type: ignore[union-attr]


@pytest.mark.parametrize("version", OLD)
def test_the_child_of_jetson_stats_starts(version: tuple[int, int], archive: Path) -> None:
    python = old_python(version)

    argv = [python, str(archive), "jtop", "/nowhere", "1"]
    done = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    said, _ = done.communicate(timeout=LIMIT_S)

    # It may have met the end of its stdin before it knew
    assert done.returncode == 0
    assert not said or json.loads(said)["error"]["code"] == "not-installed"


def test_without_a_child_it_names_those_there_are(archive: Path) -> None:
    done = _run([sys.executable, str(archive), "something"])

    assert done.returncode == 1
    assert done.stderr.strip() == b"name the child to run: inference, replay, jtop, program"


@pytest.mark.parametrize("version", [*OLD, None])
def test_published_figures_are_replayed_on_a_board(version: tuple[int, int] | None, tmp_path: Path) -> None:
    python = old_python(version, "numpy") if version else sys.executable
    tier = version or (sys.version_info.major, sys.version_info.minor)
    archive = tmp_path / "bundle.zip"
    archive.write_bytes(bundle(tier).data)
    commands = [LoadCommand("resnet50", device="emulated:tx1"), TimeCommand(4, 0.0, 3)]

    before_ns = host_time_ns()
    ready, loaded, *batches, done = _answers(python, archive, [encode(each) for each in commands])
    after_ns = host_time_ns()

    assert isinstance(ready, Ready)
    assert ready.versions["python"].startswith(".".join(map(str, tier)))
    costs = known_costs("resnet50")
    assert isinstance(loaded, Loaded)
    assert costs is not None
    assert (loaded.parameters, loaded.macs, loaded.operations) == (costs.parameters, costs.macs, costs.operations)
    assert isinstance(done, PhaseDone)
    assert done.batches == 3
    rows = [row for each in batches if isinstance(each, Batches) for row in each.rows]
    assert [row[2] for row in rows] == [4, 4, 4]
    nominal_s = published()["ResNet-50"].batch_s(4)
    assert nominal_s is not None
    assert all((row[1] - row[0]) / 1e9 > nominal_s * 0.45 for row in rows)
    assert before_ns < rows[0][0] < rows[-1][1] < after_ns


def _answers(python: str, archive: Path, lines: list[bytes]) -> list[Any]:
    """What the replay child says to commands, each of which ends in another message than batches."""
    child = subprocess.Popen(
        [python, str(archive), "replay", "--board", "tx1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdin is not None
    assert child.stdout is not None
    said: list[Any] = [decode(child.stdout.readline())]
    for line in lines:
        child.stdin.write(line)
        child.stdin.flush()
        said.append(decode(child.stdout.readline()))
        while isinstance(said[-1], Batches):
            said.append(decode(child.stdout.readline()))
    child.stdin.close()
    child.stdout.close()
    assert child.wait(timeout=LIMIT_S) == 0
    return said


def test_a_new_construct_in_a_child_is_refused_by_name_and_line(copy: Path) -> None:
    changed = copy / "inference" / "passes.py"
    lines = len(changed.read_text().splitlines())
    changed.write_text(changed.read_text() + "\n\nmatch REPORT_EVERY_NS:\n    case 1:\n        pass\n")

    with pytest.raises(CannotLowerError, match=rf"monitor_app/inference/passes\.py, line {lines + 3}: match is used"):
        bundled_files((3, 6), copy)


def test_a_new_library_in_a_child_is_refused_by_name_and_line(copy: Path) -> None:
    changed = copy / "inference" / "passes.py"
    changed.write_text(changed.read_text() + "\n\ndef new():\n    import pydantic\n")

    with pytest.raises(MissingModuleError, match=r"inference/passes\.py, line \d+: pydantic is imported"):
        bundled_files((3, 10), copy)


def test_what_a_stand_in_lacks_is_refused(copy: Path) -> None:
    changed = copy / "inference" / "passes.py"
    changed.write_text(changed.read_text() + "\n\nfrom monitor_app.core.messages import STRICT\n")

    with pytest.raises(MissingModuleError, match=r"monitor_app\.core\.messages has no STRICT in the bundle"):
        bundled_files((3, 10), copy)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The sources that a bundle is made of, to be changed."""
    copied = tmp_path / "monitor_app"
    for folder in ("core", "inference", "program", "remote", "sources/jtop"):
        shutil.copytree(PACKAGE / folder, copied / folder)
    for file in ("__init__.py", "sources/__init__.py"):
        shutil.copy(PACKAGE / file, copied / file)
    return copied


@pytest.fixture
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The bundle for the version that a test is about, else for this Python."""
    version = request.node.callspec.params["version"] if hasattr(request.node, "callspec") else sys.version_info[:2]
    file = tmp_path / "bundle.zip"
    file.write_bytes(bundle(version).data)
    return file


def _run(
    argv: list[str], stdin: bytes = b"", environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    env = os.environ | (environment or {})
    # Not where the sources of the program lie, which a Python would prefer to those of the bundle
    return subprocess.run(argv, input=stdin, capture_output=True, check=False, timeout=LIMIT_S, env=env, cwd="/")
