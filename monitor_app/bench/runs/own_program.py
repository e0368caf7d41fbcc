# SPDX-License-Identifier: Apache-2.0
"""A command of the user's that is to be measured, as a value."""

from __future__ import annotations

import json
import os
import re
import shlex
from dataclasses import dataclass

from monitor_app.core.runs import OWN_PROGRAM, RunSpec

INTERPRETER = re.compile(r"(python|bash|dash|sh|zsh|perl|ruby|node|lua)[\d.]*")
LONGEST_TITLE = 200


@dataclass(frozen=True, slots=True)
class OwnProgram:
    """What is run, and how often."""

    words: tuple[str, ...]
    """Of the command line; at least one."""
    repetitions: int = 1
    ignore_failure: bool = False
    """Repeat it also where it has ended with another exit code than 0."""

    @property
    def name(self) -> str:
        """Of the program: that of a script rather than of its interpreter."""
        words = [word for word in self.words if word not in ("-u", "-B", "-m")]
        first = os.path.basename(words[0])
        if INTERPRETER.fullmatch(first) and len(words) > 1 and not words[1].startswith("-"):
            return os.path.basename(words[1]) or first
        return first or self.words[0]

    @property
    def title(self) -> str:
        """The command line, with the program by its name alone."""
        text = shlex.join([os.path.basename(self.words[0]) or self.words[0], *self.words[1:]])
        return text if len(text) <= LONGEST_TITLE else f"{text[: LONGEST_TITLE - 1]}…"

    @property
    def command(self) -> str:
        """The words as JSON, as a session keeps them."""
        return json.dumps(self.words)

    @property
    def spec(self) -> RunSpec:
        """A run of it: what it does with cores, precision and batches is its own affair."""
        return RunSpec(self.name, precision="", device=OWN_PROGRAM, threads=0, accuracy=False)
