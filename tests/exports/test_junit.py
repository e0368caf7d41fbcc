# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import re
import socket
import sqlite3
from dataclasses import replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from junitparser import Failure, JUnitXml, Skipped, TestCase, TestSuite

from monitor_app.analysis.compare.check import Check, Limits, Verdict
from monitor_app.analysis.compare.regressions import regressions
from monitor_app.core.errors import ExportError
from monitor_app.exports.junit import write_junit
from monitor_app.session import schema
from tests.analysis.campaigns import campaign

if TYPE_CHECKING:
    from pathlib import Path

TIMES = {"AlexNet": {1: 0.0185, 16: 0.0075}, "VGG-16": {1: 0.161}, "ENet": {1: 0.02}}


def checks() -> tuple[Check, ...]:
    """Passed, failed, missing and unclear latencies; energies that follow them."""
    old = campaign({**TIMES, "VGG-19": {1: None}}, width=0.001)
    new = campaign({"AlexNet": {1: 0.0185, 16: 0.015}, "ENet": {1: 0.02}, "VGG-19": {1: 0.19}}, width=0.001)
    return regressions(old, new, Limits(energy=0.03, latency=0.03))


def suites(path: Path) -> dict[str, dict[str, TestCase]]:
    """By name, as another program reads them."""
    return {
        suite.name: {case.name: case for case in suite if isinstance(case, TestCase)}
        for suite in JUnitXml.fromfile(str(path))
        if isinstance(suite, TestSuite)
    }


def test_another_program_reads_every_verdict(tmp_path: Path) -> None:
    path = tmp_path / "out.xml"
    made = checks()
    write_junit(made, path)
    found = suites(path)
    assert list(found) == ["monitor-app energy", "monitor-app latency"]
    assert sum(map(len, found.values())) == len(made) == 10
    latency = found["monitor-app latency"]
    kinds = {name: [type(result) for result in case.result] for name, case in latency.items()}
    assert kinds == {
        "AlexNet b1": [],
        "AlexNet b16": [Failure],
        "VGG-16 b1": [Failure],
        "ENet b1": [],
        "VGG-19 b1": [Skipped],
    }
    sentences = {check.label: check.sentence for check in made if check.quantity.value == "latency"}
    [failed], [missing] = latency["AlexNet b16"].result, latency["VGG-16 b1"].result
    assert (failed.type, failed.message) == ("failed", sentences["AlexNet b16"])
    assert failed.text == sentences["AlexNet b16"]
    assert (missing.type, missing.message) == ("missing", sentences["VGG-16 b1"])
    assert latency["AlexNet b1"].system_out == sentences["AlexNet b1"]
    assert latency["AlexNet b1"].classname == "monitor-app.latency"


def test_counts_agree_with_the_cases_in_each_suite_and_in_all(tmp_path: Path) -> None:
    path = tmp_path / "out.xml"
    write_junit(checks(), path)
    written = JUnitXml.fromfile(str(path))
    said = [(each.tests, each.failures, each.errors, each.skipped) for each in (written, *written)]
    assert said == [(10, 4, 0, 2), (5, 2, 0, 1), (5, 2, 0, 1)]
    for each in (*written, written):
        each.update_statistics()
    assert [(each.tests, each.failures, each.errors, each.skipped) for each in (written, *written)] == said


# What the schema of Jenkins' xUnit plugin (junit-10) accepts: of each element the attributes that it must have, those
# that it may have, and its children.
JENKINS: dict[str, tuple[set[str], set[str], set[str]]] = {
    "testsuites": (set(), {"name", "time", "tests", "failures", "errors"}, {"testsuite"}),
    "testsuite": (
        {"name", "tests"},
        {
            *("failures", "errors", "skipped", "time", "timestamp", "hostname", "id", "package"),
            *("group", "file", "log", "url", "version"),
        },
        {"testsuite", "properties", "testcase", "system-out", "system-err"},
    ),
    "testcase": (
        {"name"},
        {"classname", "time", "group"},
        {"skipped", "error", "failure", "system-out", "system-err"},
    ),
    "skipped": (set(), {"message", "type"}, set()),
    "failure": (set(), {"message", "type"}, set()),
    "system-out": (set(), set(), set()),
}


def refused_by_jenkins(element: ET.Element) -> list[str]:
    """Everything in this element, and in those inside it, that the schema does not accept."""
    required, optional, children = JENKINS[element.tag]
    given = set(element.attrib)
    wrong = [f"{element.tag} has {name}" for name in sorted(given - required - optional)]
    wrong += [f"{element.tag} lacks {name}" for name in sorted(required - given)]
    wrong += [f"{element.tag} holds {child.tag}" for child in element if child.tag not in children]
    if not re.fullmatch(r"\d+(\.\d+)?", element.get("time", "0")):
        wrong.append(f"{element.tag} takes {element.get('time')}")
    return wrong + [each for child in element if child.tag in children for each in refused_by_jenkins(child)]


@pytest.mark.parametrize("flags", [(), ("The device differs.",)])
def test_jenkins_accepts_every_element_and_attribute(tmp_path: Path, flags: tuple[str, ...]) -> None:
    path = tmp_path / "out.xml"
    write_junit(checks(), path, flags=flags)
    root = ET.parse(path).getroot()
    assert {each.tag for each in root.iter()} == set(JENKINS)
    assert not refused_by_jenkins(root)


def test_what_jenkins_refuses_would_be_noticed(tmp_path: Path) -> None:
    path = tmp_path / "out.xml"
    write_junit(checks(), path)
    root = ET.parse(path).getroot()
    root.set("skipped", "2")
    del root[0].attrib["tests"]
    root[1].set("time", "soon")
    assert refused_by_jenkins(root) == ["testsuites has skipped", "testsuite lacks tests", "testsuite takes soon"]


def test_each_suite_has_the_time_and_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "out.xml"
    before = datetime.now(timezone.utc).replace(microsecond=0)
    write_junit(checks(), path)
    after = datetime.now(timezone.utc)
    for suite in ET.parse(path).getroot():
        stamp = suite.attrib["timestamp"]
        # Without a time zone, as the schema of Ant asks
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", stamp)
        assert before <= datetime.fromisoformat(stamp).replace(tzinfo=timezone.utc) <= after
        assert suite.attrib["hostname"] == socket.gethostname()
    monkeypatch.setattr(socket, "gethostname", lambda: "")
    write_junit(checks(), path)
    assert {suite.attrib["hostname"] for suite in ET.parse(path).getroot()} == {"localhost"}


def test_red_flags_are_in_every_suite(tmp_path: Path) -> None:
    path = tmp_path / "out.xml"
    write_junit(checks(), path, flags=["Torch differs: 2 in a, 3 in b.", "The device differs."])
    texts = [suite.findtext("system-out") for suite in ET.parse(path).getroot()]
    assert texts == ["Torch differs: 2 in a, 3 in b.\nThe device differs."] * 2


@pytest.mark.parametrize("name", ['<&">', "a\x00b\x1b[31m", "\ud800", "Ünïcode ☃", "a\nb"])
def test_any_name_can_be_written(tmp_path: Path, name: str) -> None:
    path = tmp_path / "out.xml"
    strange = [replace(check, label=f"{name}{k}", sentence=name) for k, check in enumerate(checks())]
    write_junit(strange, path, flags=[name])
    assert [len(suite) for suite in suites(path).values()] == [5, 5]


def test_nothing_compared_is_a_file_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "out.xml"
    write_junit((), path)
    assert JUnitXml.fromfile(str(path)).tests == 0


def test_only_failed_and_missing_fail_a_job() -> None:
    assert {check.verdict for check in checks() if check.fails} == {Verdict.FAILED, Verdict.MISSING}
    assert {check.verdict for check in checks()} == set(Verdict)


def test_a_session_is_not_overwritten_and_no_part_is_left(tmp_path: Path) -> None:
    """Not only those that are compared: whatever somebody types as the file to write."""
    session = tmp_path / "a.plm"
    schema.create(session).close()
    link, before = tmp_path / "verdicts.xml", session.read_bytes()
    link.symlink_to(session)
    for path in (session, link):
        with pytest.raises(ExportError, match="is a session, which nothing else"):
            write_junit(checks(), path)
    with pytest.raises(ExportError, match="no folder"):
        write_junit(checks(), tmp_path / "no" / "out.xml")
    assert session.read_bytes() == before
    other = tmp_path / "other.db"
    sqlite3.connect(other).executescript("CREATE TABLE t (a); PRAGMA application_id = 7")
    for path in (tmp_path / "out.xml", other):
        write_junit(checks(), path)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.plm", "other.db", "out.xml", "verdicts.xml"]
