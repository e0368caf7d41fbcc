# SPDX-License-Identifier: Apache-2.0
"""Checks and verdicts as JUnit XML for CI systems: a test suite for each quantity or session, a test case for each.

A check that failed or is missing is a failure, and so is a requirement that is not met. What is unclear or inconclusive
is skipped, which CI systems show without failing: whether a job goes on with it is decided by the exit code.
There is no standard: the file keeps to the strictest of the schemas in use, that of Jenkins' xUnit plugin for
attributes, and that of Ant for the time stamp, which has no time zone there.
"""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import groupby
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from monitor_app.analysis.compare.check import Verdict
from monitor_app.analysis.require.judgement import Verdict as Required
from monitor_app.core.files.atomic_file import completed
from monitor_app.core.plain_text import visible_lines

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from monitor_app.analysis.compare.check import Check
    from monitor_app.analysis.require.judgement import Judgement
    from monitor_app.analysis.require.session import SessionVerdicts

_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML cannot hold in any form; the names come from files, which may hold anything."""


def write_junit(checks: Sequence[Check], path: Path, *, flags: Sequence[str] = ()) -> None:
    """Write the checks; a file at ``path`` is replaced once the new one is complete.

    Args:
        checks: those of one quantity next to each other, as `regressions` gives them.
        path: of the file.
        flags: differences between the sessions, put at the end of each suite.

    Raises:
        ExportError: it cannot be written.
    """
    groups = groupby(checks, key=lambda check: check.quantity.value)
    suites = {f"monitor-app {quantity}": [_of_check(check) for check in group] for quantity, group in groups}
    _write(suites, dict.fromkeys(suites, flags), path)


def write_verdicts(found: Sequence[SessionVerdicts], path: Path) -> None:
    """Write the verdicts on requirements, a suite for each session; otherwise as `write_junit`. Raises ExportError."""
    suites = {f"monitor-app {each.path}": [_of_judgement(judgement) for judgement in each.judgements] for each in found}
    simulated = {f"monitor-app {each.path}": ("SIMULATED",) if each.simulated else () for each in found}
    _write(suites, simulated, path)


@dataclass(frozen=True, slots=True)
class _Case:
    """A test case: it passes where neither failed nor skipped."""

    group: str
    name: str
    sentence: str
    failed: str = ""
    """The type of the failure; empty for none."""
    skipped: bool = False


def _of_check(check: Check) -> _Case:
    failed = check.verdict.value if check.fails else ""
    return _Case(check.quantity.value, check.label, check.sentence, failed, check.verdict is Verdict.UNCLEAR)


def _of_judgement(judgement: Judgement) -> _Case:
    requirement = judgement.requirement
    mark = "SIMULATED: " if judgement.simulated else ""
    return _Case(
        f"check.{requirement.kind.value}",
        f"{judgement.label}: {requirement.title}",
        mark + " ".join(filter(None, (judgement.sentence, judgement.more))),
        judgement.verdict.value if judgement.verdict is Required.FAIL else "",
        judgement.verdict is Required.INCONCLUSIVE,
    )


def _write(suites: Mapping[str, Sequence[_Case]], notes: Mapping[str, Sequence[str]], path: Path) -> None:
    root = ET.Element(
        "testsuites", {"name": "monitor-app"} | _counts([case for each in suites.values() for case in each])
    )
    made = {
        "timestamp": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S"),
        "hostname": _legal(socket.gethostname()) or "localhost",
    }
    root.extend(_suite(name, cases, notes[name], made) for name, cases in suites.items())
    ET.indent(root)
    text = ET.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"
    with completed(path) as file:
        file.write(text)


def _suite(name: str, cases: Sequence[_Case], notes: Sequence[str], made: dict[str, str]) -> ET.Element:
    # Jenkins refuses this count for all suites together
    skipped = {"skipped": str(sum(case.skipped for case in cases))}
    suite = ET.Element("testsuite", {"name": _legal(name)} | _counts(cases) | skipped | made)
    suite.extend(map(_element, cases))
    if notes:
        ET.SubElement(suite, "system-out").text = _legal("\n".join(notes))
    return suite


def _element(case: _Case) -> ET.Element:
    # A check takes no time, but some readers reject a test case without one.
    element = ET.Element("testcase", classname=f"monitor-app.{case.group}", name=_legal(case.name), time="0")
    sentence = _legal(case.sentence)
    if case.failed:
        ET.SubElement(element, "failure", message=sentence, type=case.failed).text = sentence
    elif case.skipped:
        ET.SubElement(element, "skipped", message=sentence)
    else:
        ET.SubElement(element, "system-out").text = sentence
    return element


def _counts(cases: Sequence[_Case]) -> dict[str, str]:
    return {
        "tests": str(len(cases)),
        "failures": str(sum(bool(case.failed) for case in cases)),
        "errors": "0",
        "time": "0",
    }


def _legal(text: str) -> str:
    return visible_lines(_ILLEGAL.sub("\ufffd", text))
