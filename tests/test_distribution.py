# SPDX-License-Identifier: Apache-2.0
"""What is handed to the package index: its name, what it needs, and the page that it shows."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from email import message_from_string
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import readme_renderer.markdown
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from twine.commands.check import check

import monitor_app
from monitor_app.core.back_ends import BACK_ENDS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from email.message import Message

ROOT = Path(__file__).parents[1]
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "monitor_app").rglob("*.py")]
SOURCE = "https://github.com/somebody/it"
ON_GITHUB = {
    "GITHUB_ACTIONS": "true", "GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "somebody/it",
}  # fmt: skip
_IMPORT = re.compile(r"^\s*(?:import|from)\s+(\w+)", re.MULTILINE)
_LINK = re.compile(r"\]\(([^)\s]+)\)")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a wheel and a source distribution, as a release on GitHub builds them."""
    folder = tmp_path_factory.mktemp("built")
    command = [sys.executable, "-m", "hatchling", "build", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, env={**os.environ, **ON_GITHUB})
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> zipfile.ZipFile:
    return zipfile.ZipFile(next(built.glob("*.whl")))


@pytest.fixture(scope="module")
def metadata(wheel: zipfile.ZipFile) -> Message:
    name = next(name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    return message_from_string(wheel.read(name).decode())


def requirements(metadata: Message, extra: str = "") -> set[str]:
    """Names of what is installed with the program, or with one of its extras in addition."""
    every = [Requirement(text) for text in metadata.get_all("Requires-Dist", [])]
    if not extra:
        return {canonicalize_name(each.name) for each in every if "extra" not in str(each.marker)}
    return {canonicalize_name(each.name) for each in every if f'extra == "{extra}"' in str(each.marker)}


def test_the_index_would_take_both(built: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = sorted(map(str, built.iterdir()))
    assert len(files) == 2
    failed = check(files, strict=True)
    said = capsys.readouterr().out
    assert not failed, said
    assert said.count("PASSED") == 2


def test_it_has_a_name_of_its_own_and_the_version_of_the_program(metadata: Message) -> None:
    assert (metadata["Name"], metadata["Version"]) == ("inferwatt", monitor_app.__version__)
    assert f"\nversion: {monitor_app.__version__}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")


def test_it_can_be_called_by_both_names(wheel: zipfile.ZipFile) -> None:
    name = next(name for name in wheel.namelist() if name.endswith("entry_points.txt"))
    lines = wheel.read(name).decode().split("\n")
    assert {"monitor-app = monitor_app.cli:main", "inferwatt = monitor_app.cli:main"} <= set(lines)


def test_type_checkers_are_told_that_it_is_typed(wheel: zipfile.ZipFile, metadata: Message) -> None:
    assert "monitor_app/py.typed" in wheel.namelist()
    assert "Typing :: Typed" in metadata.get_all("Classifier", [])


def test_torch_comes_only_with_its_extra(metadata: Message) -> None:
    assert requirements(metadata, "torch") == {"torch", "torchvision"}
    assert not requirements(metadata) & {"torch", "torchvision"}


def test_every_package_that_is_imported_is_asked_for(metadata: Message) -> None:
    """And does not come only by way of another, as jinja2 once did by way of torch."""
    optional = {extra: requirements(metadata, extra) for extra in metadata.get_all("Provides-Extra", [])}
    asked = requirements(metadata).union(*(optional[extra] for extra in optional if extra != "dev"))
    # pydantic asks for one version of its core
    own = {"monitor_app", "pydantic_core", "tomllib", *sys.stdlib_module_names}
    # Those of which a board brings its own, or that the sentence about them says how to install
    own |= {package for row in BACK_ENDS.values() if row.extra is None for package in row.packages}
    own |= {"tflite_runtime", "nncf", "litert_torch"}
    distributions = packages_distributions()
    named = {"Jetson": "jetson-gpio", "tomli": "tomli", "timm": "timm"}
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "monitor_app").rglob("*.py")]
    candidates = {name for text in texts for name in _IMPORT.findall(text)}
    assert candidates > {"numpy", "pydantic", "torch"}
    for name in candidates - own:
        found = {canonicalize_name(each) for each in distributions.get(name, [named.get(name, name)])}
        # A line of a sentence may begin like an import
        assert found & asked or name not in imported(text for text in texts if name in _IMPORT.findall(text)), name


def imported(texts: Iterable[str]) -> set[str]:
    """Top-level names that sources import anywhere."""
    names: set[str] = set()
    for text in texts:
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.partition(".")[0])
    return names


def test_the_page_of_the_index_has_the_pictures_and_no_link_to_a_file_beside_it(metadata: Message) -> None:
    page = str(metadata.get_payload())
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert "# monitor-app\n" in page
    assert [link for link in _LINK.findall(page) if not link.startswith(("https://", "#"))] == []
    shown = readme_renderer.markdown.render(page)
    assert shown is not None
    pictures = re.findall(r'<img [^>]*src="([^"]+)"', shown)
    assert f"{SOURCE}/raw/HEAD/docs/images/live.png" in pictures
    for address in pictures:
        assert (ROOT / address.removeprefix(f"{SOURCE}/raw/HEAD/")).is_file()


def test_the_index_lists_where_it_comes_from(metadata: Message) -> None:
    listed = dict(each.split(", ") for each in metadata.get_all("Project-URL", []))
    assert listed["Source"] == SOURCE
    assert listed["Issues"] == f"{SOURCE}/issues"
    for name in ("Documentation", "Changelog"):
        assert (ROOT / listed[name].removeprefix(f"{SOURCE}/blob/HEAD/")).is_file()


def hook() -> Any:
    """packaging/index_page.py"""
    spec = importlib.util.spec_from_file_location("index_page", ROOT / "packaging" / "index_page.py")
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_links_lead_to_the_source_where_it_is_published() -> None:
    rest = "and [it](https://example.org), [above](#top).\n"
    text = f"![A picture](docs/a.png)\n\nSee [the guide](docs/guide.md#one) {rest}"
    assert hook().index_page(text, None) == f"\n\nSee the guide {rest}"
    assert hook().index_page(text, "https://example.org/us/it") == (
        "![A picture](https://example.org/us/it/raw/HEAD/docs/a.png)\n\n"
        f"See [the guide](https://example.org/us/it/blob/HEAD/docs/guide.md#one) {rest}"
    )


@pytest.mark.parametrize(
    ("remote", "source"),
    [
        ("https://github.com/us/it.git", "https://github.com/us/it"),
        ("https://token@github.com/us/it", "https://github.com/us/it"),
        ("git@codeberg.org:us/it.git", "https://codeberg.org/us/it"),
        ("ssh://git@gitlab.com/a/b/it/", "https://gitlab.com/a/b/it"),
        ("/home/me/it", None),
        ("me@nas:it.git", None),
        (None, None),
    ],
)
def test_the_source_is_where_the_repository_was_cloned_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, remote: str | None, source: str | None
) -> None:
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    assert hook().source_of(tmp_path) is None
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    if remote is not None:
        subprocess.run(["git", "-C", str(tmp_path), "remote", "add", "origin", remote], check=True)
    assert hook().source_of(tmp_path) == source


def test_a_wheel_from_the_source_distribution_has_the_same_page(built: Path, tmp_path: Path, metadata: Message) -> None:
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        archive.extractall(tmp_path, filter="data")
    root = next(tmp_path.iterdir())
    assert hook().source_of(root) == SOURCE
    text = (root / "README.md").read_text(encoding="utf-8")
    assert hook().index_page(text, SOURCE).strip() == str(metadata.get_payload()).strip()


def test_every_extra_that_is_named_exists(metadata: Message) -> None:
    extras = set(metadata.get_all("Provides-Extra", []))
    for path in DOCUMENTS:
        text = path.read_text(encoding="utf-8")
        # Under the name of the program the package index has another one
        assert not re.search(r"(?:pip|pipx) install [^\n`]*monitor-app", text), path
        for named in re.findall(r"inferwatt\[([\w,]+)\]", text):
            assert set(named.split(",")) <= extras, path
