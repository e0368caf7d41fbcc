# SPDX-License-Identifier: Apache-2.0
"""Both ends of the window's link understand each other, and nothing else."""

from __future__ import annotations

import pytest

from monitor_app.bench import messages
from monitor_app.core.errors import BenchError
from monitor_app.core.markers import Marker
from monitor_app.core.status import (
    BenchPhase,
    BenchStatus,
    CheckState,
    CheckStatus,
    RunStatus,
    SourceState,
    SourceStatus,
)

COMMANDS = [
    messages.StartRuns(),
    messages.ResumeRuns(),
    messages.StopRuns(),
    messages.SkipRun(),
    messages.Connect("shunt"),
    messages.Disconnect("shunt"),
    messages.AddMark(123, "a note, with \n and ü"),
    messages.SetMarkers((Marker(1, 5, 9, "one", 0), Marker(2, 7, None, "", 1))),
    messages.SetNotes("two\nlines"),
    messages.Quit(),
]
STATUS = BenchStatus(
    BenchPhase.RUNNING,
    (SourceStatus("shunt", "shunt", SourceState.LOST, "gone", 49_999.5, 3, 120_000, simulated=True),),
    (RunStatus(1, "ResNet-18", 4, "running", "timed", 0.5),),
    cycle=2,
    remaining_s=12.5,
    message="what to know",
    check=CheckStatus(CheckState.PLAYING, "Playing load steps.", 0.25),
)
EVENTS = [messages.Opened("a.plm"), messages.Status(STATUS), messages.Failed("why"), messages.Closed("a.plm")]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_survives_the_line(command: messages.Command) -> None:
    line = messages.encode(command)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert messages.decode_command(line) == command


@pytest.mark.parametrize("event", EVENTS)
def test_an_event_survives_the_line(event: messages.Event) -> None:
    assert messages.decode_event(messages.encode(event)) == event


@pytest.mark.parametrize("line", [b"", b"{}", b"[]", b"nonsense", b'{"type": "Opened"}', b'{"type": "Quit", "x": 1}'])
def test_anything_else_is_refused_in_one_sentence(line: bytes) -> None:
    for decode in (messages.decode_command, messages.decode_event):
        with pytest.raises(BenchError, match="one version"):
            decode(line)
