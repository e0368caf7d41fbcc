# SPDX-License-Identifier: Apache-2.0
"""A comparison as JUnit XML for CI systems: a test suite for each quantity, a test case for each check.

A check that failed or is missing is a failure. An unclear one is skipped, which CI systems show without failing.
There is no standard: the file keeps to the strictest of the schemas in use, that of Jenkins' xUnit plugin for
attributes, and that of Ant for the time stamp, which has no time zone there.
"""

from __future__ import annotations

import re
import socket
from datetime import datetime, timezone
from itertools import groupby
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from monitor_app.analysis.compare.check import Verdict
from monitor_app.core.atomic_file import completed
from monitor_app.core.plain_text import visible_lines

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from monitor_app.analysis.compare.check import Check

_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML cannot hold in any form; the names come from files, which may hold anything."""


def write_junit(
    checks: Sequence[Check], path: Path, *, flags: Sequence[str] = (), sessions: Sequence[Path] = ()
) -> None:
    """Write the checks; a file at ``path`` is replaced once the new one is complete.

    Args:
        checks: those of one quantity next to each other, as `regressions` gives them.
        path: of the file.
        flags: differences between the sessions, put at the end of each suite.
        sessions: the files that were compared, which must not be overwritten.

    Raises:
        ExportError: it cannot be written.
    """
    root = ET.Element("testsuites", {"name": "monitor-app"} | _counts(checks))
    made = {
        "timestamp": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S"),
        "hostname": _legal(socket.gethostname()) or "localhost",
    }
    for quantity, group in groupby(checks, key=lambda check: check.quantity.value):
        root.append(_suite(quantity, list(group), flags, made))
    ET.indent(root)
    text = ET.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"
    with completed(path, *sessions) as file:
        file.write(text)


def _suite(quantity: str, checks: Sequence[Check], flags: Sequence[str], made: dict[str, str]) -> ET.Element:
    # Jenkins refuses this count for all suites together
    skipped = {"skipped": str(sum(check.verdict is Verdict.UNCLEAR for check in checks))}
    suite = ET.Element("testsuite", {"name": f"monitor-app {quantity}"} | _counts(checks) | skipped | made)
    suite.extend(_case(check) for check in checks)
    if flags:
        ET.SubElement(suite, "system-out").text = _legal("\n".join(flags))
    return suite


def _case(check: Check) -> ET.Element:
    # A check takes no time, but some readers reject a test case without one.
    case = ET.Element("testcase", classname=f"monitor-app.{check.quantity.value}", name=_legal(check.label), time="0")
    sentence = _legal(check.sentence)
    if check.fails:
        ET.SubElement(case, "failure", message=sentence, type=check.verdict.value).text = sentence
    elif check.verdict is Verdict.UNCLEAR:
        ET.SubElement(case, "skipped", message=sentence)
    else:
        ET.SubElement(case, "system-out").text = sentence
    return case


def _counts(checks: Sequence[Check]) -> dict[str, str]:
    return {
        "tests": str(len(checks)),
        "failures": str(sum(check.fails for check in checks)),
        "errors": "0",
        "time": "0",
    }


def _legal(text: str) -> str:
    return visible_lines(_ILLEGAL.sub("\ufffd", text))
