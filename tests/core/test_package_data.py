# SPDX-License-Identifier: Apache-2.0
"""The program's own files are found in a checkout and in an installed wheel."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import monitor_app
from monitor_app.core.errors import MonitorError, ProfileError
from monitor_app.core.files.package_data import profile_names, profile_path, resource_path
from monitor_app.remote import bootstrap
from monitor_app.remote.bundle.build import bundle

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


def test_every_bench_profile_of_the_checkout_has_a_name_and_a_path() -> None:
    benches = sorted((CHECKOUT / "profiles").glob("*.toml"), key=lambda path: path.stem)
    assert benches
    assert [profile_path(name) for name in profile_names()] == benches


def test_every_board_of_the_checkout_has_a_name_and_a_path() -> None:
    boards = sorted((CHECKOUT / "profiles" / "boards").glob("*.toml"))
    assert boards
    assert sorted(profile_path(name) for name in profile_names("boards")) == boards


def test_the_suffix_may_be_written_or_left_out() -> None:
    name = profile_names()[0]
    assert profile_path(f"{name}.toml") == profile_path(name)


def test_an_unknown_profile_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ProfileError, match=rf"No profile named toaster .*{profile_names()[0]}"):
        profile_path("toaster")


@pytest.mark.parametrize("name", ["../pyproject", "/etc/passwd", "boards/../../pyproject"])
def test_nothing_outside_the_programs_folders_is_reached(name: str) -> None:
    with pytest.raises(MonitorError):
        resource_path(f"{name}.toml")
    with pytest.raises(ProfileError):
        profile_path(name)


def test_a_missing_resource_is_named() -> None:
    with pytest.raises(MonitorError, match=r"resources/nothing\.svg is missing"):
        resource_path("nothing.svg")


def test_the_wheel_carries_every_profile_and_resource(wheel: Path) -> None:
    packed = set(zipfile.ZipFile(wheel).namelist())
    expected = {
        f"monitor_app/_share/{path.relative_to(CHECKOUT).as_posix()}"
        for folder in ("profiles", "resources")
        for path in (CHECKOUT / folder).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert expected
    for pattern in ("*.j2", "*.txt"):
        expected |= {path.relative_to(CHECKOUT).as_posix() for path in (CHECKOUT / "monitor_app").rglob(pattern)}
    assert expected <= packed


def test_an_installed_program_finds_its_own_copies(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    script = (
        "from monitor_app.core.files import package_data; "
        "print(package_data.profile_path(package_data.profile_names()[0]), package_data.resource_path('.'), sep='\\n')"
    )
    answer = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        check=True,
        capture_output=True,
        text=True,
    )
    profile, resources = (Path(line) for line in answer.stdout.splitlines())
    share = tmp_path / "monitor_app" / "_share"
    assert profile == share / "profiles" / f"{profile_names()[0]}.toml"
    assert resources == share / "resources"
    assert profile.read_text(encoding="utf-8") == profile_path(profile_names()[0]).read_text(encoding="utf-8")


def test_an_installed_program_sends_boards_what_a_checkout_sends(wheel: Path, tmp_path: Path) -> None:
    """The agent and the bundles of the inference child are made of the sources as they are installed."""
    zipfile.ZipFile(wheel).extractall(tmp_path)
    script = (
        "import hashlib; from monitor_app.remote import bootstrap; from monitor_app.remote.bundle.build import bundle; "
        "print(hashlib.sha256(bootstrap.payload()).hexdigest(), *(bundle((3, n)).sha256 for n in (6, 8, 10)))"
    )
    installed = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(tmp_path)}, check=True, capture_output=True, text=True,
    ).stdout.split()  # fmt: skip
    assert Path(monitor_app.__file__).is_relative_to(CHECKOUT)
    ours = [hashlib.sha256(bootstrap.payload()).hexdigest(), *(bundle((3, n)).sha256 for n in (6, 8, 10))]
    assert len(set(ours)) == 4
    assert installed == ours
