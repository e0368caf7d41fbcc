# SPDX-License-Identifier: Apache-2.0
"""A report on a program of the user's own: what it cost, its spans, and nothing on networks that never ran."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from monitor_app.analysis.campaign.assembly import campaign_of
from monitor_app.analysis.program_summary import program_summary
from monitor_app.exports.report.html import html_of
from monitor_app.exports.report.programs import MOST_NAMES
from monitor_app.exports.report.sections import ReportContent, document_of
from monitor_app.session.reader import SessionReader
from tests.analysis.campaigns import campaign
from tests.analysis.run.programs import Work, write_program

if TYPE_CHECKING:
    from pathlib import Path

SPANS = [Work("detect", 0.1 + 0.05 * k, 0.14 + 0.05 * k, 10.0, 4) for k in range(20)]


@pytest.fixture
def content(tmp_path: Path) -> ReportContent:
    write_program(tmp_path / "s.plm", SPANS, 1.2, rate_hz=10_000, noise_w=0.05)
    with SessionReader(tmp_path / "s.plm") as reader:
        return ReportContent((campaign_of(reader),), programs=(program_summary(reader),))


def test_it_says_what_the_command_and_its_spans_cost(content: ReportContent) -> None:
    found = html_of(document_of(content))
    program = content.programs[0]
    assert program is not None
    assert program.title in found
    assert "energy net, above idle" in found
    assert "<td>detect</td><td>20</td>" in found
    assert "mJ/image" in found
    assert "detect: net energy, histogram" in found
    assert "detect: time, histogram" in found
    assert "repetition" not in found
    assert "monitor-app run -n 1 PROFILE.toml" in found


def test_several_repetitions_have_a_table(content: ReportContent) -> None:
    program = content.programs[0]
    assert program is not None
    twice = replace(program, repetitions=program.repetitions * 2)
    found = html_of(document_of(replace(content, programs=(twice,))))
    assert f"{program.title}, 2 repetitions" in found
    assert "<th>exit code</th>" in found


def test_nothing_is_said_of_networks_where_none_ran(content: ReportContent) -> None:
    about_networks = ("Figures</h2>", "Findings</h2>", "All cells</h2>")
    found = html_of(document_of(content))
    for words in (*about_networks, "0 networks", "Claims of the paper", "The plan runs"):
        assert words not in found
    both = replace(content, campaigns=(campaign({"AlexNet": {1: 0.0185}}),))
    found = html_of(document_of(both))
    for words in (*about_networks, "1 network", "Own program</h2>"):
        assert words in found


def test_distributions_of_many_names_are_cut_and_it_is_said(content: ReportContent) -> None:
    program = content.programs[0]
    assert program is not None
    many = tuple(replace(program.work[0], name=f"kind {k}") for k in range(MOST_NAMES + 3))
    found = html_of(document_of(replace(content, programs=(replace(program, work=many),))))
    assert f"kind {MOST_NAMES - 1}: time, histogram" in found
    assert f"kind {MOST_NAMES}: time, histogram" not in found
    assert f"the first {MOST_NAMES} of {MOST_NAMES + 3} names" in found


def test_simulated_joules_are_marked(content: ReportContent) -> None:
    program = content.programs[0]
    assert program is not None
    assert "SIMULATED" not in html_of(document_of(content))
    simulated = replace(content, programs=(replace(program, simulated=True),))
    assert simulated.simulated
    found = html_of(document_of(simulated))
    assert "contains simulated data" in found
    assert "<td>power SIMULATED</td></tr>" in found
    assert "<td>measured</td></tr>" not in found
