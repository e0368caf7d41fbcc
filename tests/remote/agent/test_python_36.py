# SPDX-License-Identifier: Apache-2.0
"""What the agent is written in, where no Python 3.6 is installed to run it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from monitor_app.remote import agent

FILES = sorted(Path(agent.__file__).parent.glob("*.py"))
NOT_IN_36 = (
    "annotations", "dataclasses", "capture_output", "time_ns", "perf_counter_ns", "monotonic_ns", "SimpleQueue",
    "resources", "removeprefix", "removesuffix", "cached_property", "isascii", "contextvars", "get_running_loop",
    "TypedDict", "Protocol", "Final", "Literal", "pidfd_open",
)  # fmt: skip


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_it_is_python_3_6(file: Path) -> None:
    source = file.read_text(encoding="utf-8")
    tree = ast.parse(source, feature_version=(3, 6))
    names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    names |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    imported = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom | ast.Import)]
    names |= {alias.name for node in imported for alias in node.names}
    names |= {node.arg or "" for node in ast.walk(tree) if isinstance(node, ast.keyword)}
    assert not names & set(NOT_IN_36)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_it_imports_nothing_but_itself_and_the_standard_library(file: Path) -> None:
    source = file.read_text(encoding="utf-8")
    assert not re.search(r"monitor_app\.|import monitor_app", re.sub(r'"[^"]*"', "", source))
