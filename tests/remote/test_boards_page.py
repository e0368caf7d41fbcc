# SPDX-License-Identifier: Apache-2.0
"""docs/boards.md has the sentences that the program says about a board, word for word."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from monitor_app.bench.runs.run import KEEPS_LOSING
from monitor_app.core.profile import Board
from monitor_app.remote import bootstrap, ssh_failures
from monitor_app.remote.link import SILENCE_S, Link, _busy
from monitor_app.remote.ssh_failures import SSH_FAILED, failure_of

PAGE = (Path(__file__).parents[2] / "docs/boards.md").read_text(encoding="utf-8")
BOARD = Board(host="nano")
COMPLAINT = bootstrap.COMPLAINT
AT_THE_START = {
    "a host that nobody knows": (SSH_FAILED, "ssh: Could not resolve hostname nano: Name or service not known"),
    "a board that is off": (SSH_FAILED, "ssh: connect to host nano port 22: No route to host"),
    "no sshd on the board": (SSH_FAILED, "ssh: connect to host nano port 22: Connection refused"),
    "a host key that is not known": (SSH_FAILED, "Host key verification failed."),
    "a changed host key": (SSH_FAILED, "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @"),
    "no key": (SSH_FAILED, "me@nano: Permission denied (publickey,password)."),
    "an account that may not log in": (1, "This account is currently not available."),
    "no Python": (127, "bash: python3: command not found"),
    "Python 2, or before 3.6": (97, f"{COMPLAINT}Python 2.7 is too old, 3.6 or later is needed"),
    "a forced command or .bashrc that runs something else": (0, ""),
    "the agent did not come whole": (98, f"{COMPLAINT}the connection ended before the agent had arrived"),
}


def loss(farewell: str, code: int | None, tail: str) -> str:
    link = Link.__new__(Link)
    link.board, link._farewell = BOARD, farewell
    return link._loss(code, "", tail)


LOST = {
    "the agent is killed": loss("", SSH_FAILED, ""),
    "the agent is terminated": loss("terminated", 5, ""),
    "this computer was asleep": loss("lease", 4, ""),
    "ssh is killed": loss("", -signal.SIGKILL, ""),
    "the connection is reset": loss("", SSH_FAILED, "client_loop: send disconnect: Broken pipe"),
    "three times in one run": KEEPS_LOSING.format("..."),
}


def test_sentences_about_a_connection_that_is_not_made() -> None:
    missing = [said for said in (failure_of(BOARD, *each) for each in AT_THE_START.values()) if said not in PAGE]
    assert missing == []


def test_each_fault_of_the_table_is_another() -> None:
    assert len({failure_of(BOARD, *each) for each in AT_THE_START.values()}) == len(AT_THE_START)
    assert {each.said for each in ssh_failures._FAILURES}


@pytest.mark.parametrize("fault", LOST)
def test_sentences_about_a_link_that_ends(fault: str) -> None:
    assert LOST[fault] in PAGE


def test_a_pulled_cable_and_a_board_that_is_in_use() -> None:
    assert f"nano has not answered for {SILENCE_S:.0f} s: check its power, its cable or Wi-Fi." in PAGE
    said = _busy("nano", {"holder": "ada@lab", "since_utc_s": 1.8e9})
    assert said in PAGE
