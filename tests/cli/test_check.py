# SPDX-License-Identifier: Apache-2.0
"""`check` as a user types it: verdicts, exit codes, JSON and JUnit."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from junitparser import Failure, JUnitXml, Skipped, TestCase, TestSuite

from monitor_app.cli.check import with_limits
from monitor_app.core.errors import MonitorError
from monitor_app.core.profile import Require
from tests.cli.program import monitor_app
from tests.exports.conftest import Recipe, write

if TYPE_CHECKING:
    from pathlib import Path

REQUIRE = "[require]\nmax_power_w = 20\nmin_top1 = 20\n"
"""Of a board that takes 12 W and has nine of twelve images right."""


@pytest.fixture
def session(tmp_path: Path) -> Path:
    return make(tmp_path / "board.plm")


def make(path: Path, require: str = REQUIRE, *, simulated: bool = False) -> Path:
    write(path, Recipe(simulated=simulated))
    with sqlite3.connect(path) as file:
        file.execute("INSERT INTO meta VALUES ('profile', ?)", (f'title = "It"\nof_a_later_version = 1\n{require}',))
    return path


@pytest.mark.parametrize(
    ("options", "code", "last"),
    [
        ((), 0, "2 requirements checked: 2 PASS."),
        (("--max-power-w", "5"), 1, "2 requirements checked: 1 PASS, 1 FAIL."),
        (("--min-top1", "70"), 2, "2 requirements checked: 1 PASS, 1 INCONCLUSIVE."),
        (("--min-top1", "70", "--max-power-w", "5"), 1, "2 requirements checked: 1 FAIL, 1 INCONCLUSIVE."),
        (("--deadline-ms", "33"), 2, "3 requirements checked: 2 PASS, 1 INCONCLUSIVE."),
    ],
)
def test_the_exit_code_is_the_verdict(session: Path, options: tuple[str, ...], code: int, last: str) -> None:
    done = monitor_app("check", str(session), *options)
    assert (done.returncode, done.stdout.splitlines()[-1].strip()) == (code, last)
    assert "SIMULATED" not in done.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--no-such-option",), "No such option"),
        (("--p99-ms", "soon"), "Invalid value for '--p99-ms'"),
        (("--p99-ms", "-1"), "--p99-ms: Input should be greater than 0."),
        (("--max-miss-ratio", "0.1"), "--max-miss-ratio needs --deadline-ms"),
        (("--deadline-ms", "30", "--max-miss-ratio", "0"), "--max-miss-ratio: Input should be greater than 0."),
        (("--junit", "{session}"), "is a session, which nothing else"),
    ],
)
def test_wrong_usage_is_no_verdict(session: Path, words: tuple[str, ...], said: str) -> None:
    done = monitor_app("check", str(session), *(word.format(session=session) for word in words))
    assert done.returncode == 3
    assert said in done.stderr
    assert not done.stdout


def test_what_cannot_be_checked_is_no_verdict(tmp_path: Path) -> None:
    assert monitor_app("check").returncode == 3
    assert monitor_app("chek").returncode == 3
    assert monitor_app("check", str(tmp_path / "none.plm")).returncode == 3
    done = monitor_app("check", str(make(tmp_path / "board.plm", "")))
    assert (done.returncode, done.stderr.count("\n")) == (3, 1)
    assert "Nothing is required: give a limit" in done.stderr


def test_another_table_of_a_later_version_does_no_harm(tmp_path: Path) -> None:
    done = monitor_app("check", str(make(tmp_path / "board.plm", "[require]\nmax_power_w = 20\n")))
    assert done.returncode == 0
    assert "The mean power of the whole board is 12.0 ± 2.8 W; it may be at most 20 W." in done.stdout


def test_a_requirement_of_a_later_version_is_not_passed_over(tmp_path: Path) -> None:
    path = make(tmp_path / "board.plm", "[require]\nmax_power_w = 20\nmax_noise_db = 30\n")
    done = monitor_app("check", str(path), "--min-top1", "20")
    assert done.returncode == 3
    assert done.stderr == f"The profile in {path}: require.max_noise_db: extra inputs are not permitted.\n"


def test_the_json_document_has_every_verdict(tmp_path: Path) -> None:
    first, second = make(tmp_path / "a.plm"), make(tmp_path / "b.plm", simulated=True)
    done = monitor_app("check", str(tmp_path), "--p99-ms", "50", "--json")
    document = json.loads(done.stdout)
    assert done.returncode == 2
    assert (document["verdict"], [each["path"] for each in document["sessions"]]) == (
        "INCONCLUSIVE",
        [str(first), str(second)],
    )
    p99, power, top1 = document["sessions"][0]["requirements"]
    assert (p99["verdict"], p99["value"]["high"], p99["limit"]) == ("INCONCLUSIVE", None, 0.05)
    assert "more batches" in p99["more"]
    assert (power["verdict"], power["runs"], power["simulated"]) == ("PASS", [1], False)
    assert power["value"]["value"] == pytest.approx(12, rel=0.01)
    assert (top1["value"]["value"], top1["label"]) == (0.75, "Network-1 b1")
    assert document["sessions"][1]["requirements"][1]["simulated"]


def test_another_program_reads_the_junit_file(session: Path, tmp_path: Path) -> None:
    path = tmp_path / "out.xml"
    monitor_app("check", str(session), "--deadline-ms", "33", "--min-top1", "99", "--junit", str(path))
    [suite] = [each for each in JUnitXml.fromfile(str(path)) if isinstance(each, TestSuite)]
    cases = {case.name: case for case in suite if isinstance(case, TestCase)}
    kinds = {name: [type(result) for result in case.result] for name, case in cases.items()}
    assert kinds == {
        "Network-1 b1: deadline 33 ms missed by at most 1 %": [Skipped],
        "Network-1 b1: power at most 20 W": [],
        "Network-1 b1: top-1 at least 99 %": [Failure],
    }
    assert (suite.tests, suite.failures, suite.skipped, suite.errors) == (3, 1, 1, 0)
    [failed] = cases["Network-1 b1: top-1 at least 99 %"].result
    assert "9 of 12 images were answered right" in failed.message
    assert cases["Network-1 b1: power at most 20 W"].classname == "monitor-app.check.power"


def test_simulated_is_said_everywhere(tmp_path: Path) -> None:
    path = make(tmp_path / "board.plm", "[require]\nmax_power_w = 20\n", simulated=True)
    done = monitor_app("check", str(path), "--junit", str(tmp_path / "out.xml"))
    assert done.stdout.count("SIMULATED") == 2
    assert (tmp_path / "out.xml").read_text().count("SIMULATED") == 2


PROFILE = """
title = "Required"
[[source]]
kind = "shunt"
emulate = "tx1"
rate_hz = 10_000
[inference]
device = "emulated:tx1"
[protocol]
settle_s = 0.2
power_check = false
idle_s = 0.2
warm_up_s = 0.1
warm_up_batches = 1
timed_s = 0.4
timed_batches = 3
[plan]
networks = ["alexnet_2016"]
"""


def test_a_recording_ends_with_its_verdicts(tmp_path: Path) -> None:
    profile, session = tmp_path / "it.toml", tmp_path / "it.plm"
    profile.write_text(f"{PROFILE}[require]\nmax_power_w = 100\np99_ms = 500\n")
    done = monitor_app("record", str(profile), "-o", str(session), "--require", "-q")
    assert done.returncode == 2, done.stderr
    assert "PASS          AlexNet b1: power at most 100 W  SIMULATED" in done.stdout
    assert done.stdout.rstrip().endswith("2 requirements checked: 1 PASS, 1 INCONCLUSIVE.")
    assert monitor_app("check", str(session)).stdout in done.stdout
    assert monitor_app("check", str(session), "--max-power-w", "1").returncode == 1


def test_record_with_verdicts_as_exit_code_needs_something_required(tmp_path: Path) -> None:
    profile = tmp_path / "it.toml"
    profile.write_text(PROFILE)
    done = monitor_app("record", str(profile), "-o", str(tmp_path / "it.plm"), "--require")
    assert (done.returncode, "requires nothing" in done.stderr) == (3, True)
    assert not (tmp_path / "it.plm").exists()
    assert monitor_app("record", str(profile), "--require", "--no-such-option").returncode == 3
    assert monitor_app("record", str(profile), "--no-such-option").returncode == 2


VALUES = st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True), st.floats(1e-6, 1e6))
NAMES = tuple(Require.model_fields)


@given(limits=st.fixed_dictionaries(dict.fromkeys(NAMES, VALUES)), of_profile=st.sampled_from([None, 0.02, 20.0]))
def test_limits_are_taken_or_refused_in_one_sentence(limits: dict[str, float | None], of_profile: float | None) -> None:
    require = Require(deadline_ms=of_profile, p99_ms=of_profile)
    expected = {**require.model_dump(), **{name: value for name, value in limits.items() if value is not None}}
    ratio, top1 = expected["max_miss_ratio"], expected["min_top1"]
    good = (
        all(value is None or 0 < value < float("inf") for value in expected.values())
        and (ratio is None or (ratio < 1 and expected["deadline_ms"] is not None))
        and (top1 is None or top1 < 100)
    )
    if good:
        assert with_limits(require, limits).model_dump() == expected
    else:
        with pytest.raises(MonitorError, match=r"^[^\n]+\.$"):
            with_limits(require, limits)
