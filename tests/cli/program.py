# SPDX-License-Identifier: Apache-2.0
"""The program as a user types it, in this process: a process of its own takes a second of a processor to start."""

from __future__ import annotations

import io
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass

import pytest

from monitor_app.cli import main
from monitor_app.cli.commands import parser


@dataclass(frozen=True)
class Done:
    """How a command has ended."""

    returncode: int
    stdout: str
    stderr: str


def monitor_app(*words: str, stdin: str = "", **environment: str) -> Done:
    """Run one command line with these changes of the environment."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        # It would take the place of what the tests listen with.
        patch.setattr(parser, "log_to_file", lambda name: None)
        patch.setattr("sys.stdin", io.StringIO(stdin))
        for name, value in environment.items():
            patch.setenv(name, value)
        code = main(list(words))
    return Done(code, *(stream.buffer.getvalue().decode() for stream in (out, err)))  # type: ignore[attr-defined]
