# SPDX-License-Identifier: Apache-2.0
"""Which names of the standard library the children may use on an old Python, and what stands in for the others."""

from __future__ import annotations

import ast
import importlib.resources
import sys
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

Version: TypeAlias = tuple[int, int]

REPLACED_MODULES: dict[str, tuple[Version, str]] = {
    "dataclasses": ((3, 7), "monitor_app.dataclasses_36"),
    "importlib.metadata": ((3, 8), "monitor_app.metadata_36"),
}
"""By name: the Python that brought the module, and what is imported on an older one."""

REPLACED_NAMES: dict[tuple[str, str], tuple[Version, str]] = {
    ("contextlib", "nullcontext"): ((3, 7), "nullcontext"),
    ("functools", "cache"): ((3, 9), "cache"),
    ("gc", "freeze"): ((3, 7), "freeze"),
    ("math", "dist"): ((3, 8), "dist"),
    ("queue", "SimpleQueue"): ((3, 7), "SimpleQueue"),
    ("time", "clock_gettime_ns"): ((3, 7), "clock_gettime_ns"),
    ("time", "monotonic_ns"): ((3, 7), "monotonic_ns"),
    ("time", "perf_counter_ns"): ((3, 7), "perf_counter_ns"),
    ("typing", "Protocol"): ((3, 8), "Protocol"),
}
"""By module and name: the Python that brought the name, and what on_board/lowered.py calls its stand-in."""

NEW_METHODS: dict[str, Version] = {
    **dict.fromkeys(("isascii", "fromisoformat", "reconfigure"), (3, 7)),
    **dict.fromkeys(("is_mount", "link_to", "native_id", "toreadonly", "fromisocalendar"), (3, 8)),
    **dict.fromkeys(("is_relative_to", "with_stem", "readlink", "randbytes", "removeprefix", "removesuffix"), (3, 9)),
    **dict.fromkeys(("bit_count", "hardlink_to"), (3, 10)),
    **dict.fromkeys(("add_note", "with_segments", "full_match", "is_junction", "walk"), (3, 11)),
}
"""Methods of built-in types, paths and the like, and the Python that brought them."""

NEW_ARGUMENTS: dict[str, Version] = {
    **dict.fromkeys(("capture_output", "run.text", "Popen.text", "ThreadPoolExecutor.initializer"), (3, 7)),
    **dict.fromkeys(("missing_ok", "dirs_exist_ok", "basicConfig.force", "stacklevel", "sum.start"), (3, 8)),
    **dict.fromkeys(("usedforsecurity", "cancel_futures"), (3, 9)),
    **dict.fromkeys(("zip.strict", "slots", "kw_only", "weakref_slot", "match_args", "root_dir"), (3, 10)),
}
"""Keyword arguments of the standard library, some with the function that they are new in, and the Python that brought
them."""


@cache
def known_names() -> Mapping[str, frozenset[str]]:
    """Names of the standard library that are in Python 3.6 and in every later one, by module."""
    text = importlib.resources.files("monitor_app.remote.bundle").joinpath("standard_library.txt").read_text("utf-8")
    rows = (line.partition(":") for line in text.splitlines() if line and not line.startswith("#"))
    return {module: frozenset(names.split()) for module, _, names in rows}


@dataclass(frozen=True, slots=True)
class Used:
    """A name of a module that some source uses."""

    module: str
    name: str
    """Empty: the module itself."""
    line: int


@dataclass(slots=True)
class Imports:
    """What the names of one source stand for, as far as they are imported."""

    modules: dict[str, str] = field(default_factory=dict)
    """Local name to module."""
    names: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Local name to module and name."""

    @classmethod
    def of(cls, tree: ast.AST) -> Imports:
        """Those of a source, in whichever function they stand."""
        return cls.among(ast.walk(tree))

    @classmethod
    def among(cls, nodes: Iterable[ast.AST]) -> Imports:
        """Those of all nodes of a source."""
        found = cls()
        for node in nodes:
            if isinstance(node, ast.Import):
                for each in node.names:
                    root = each.name.partition(".")[0]
                    found.modules[each.asname or root] = each.name if each.asname else root
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                for each in node.names:
                    found.names[each.asname or each.name] = (node.module, each.name)
        return found

    def resolve(self, node: ast.expr) -> tuple[str, str] | None:
        """Module and name that an expression such as `os.path.join` or `cache` stands for; None: it is no import."""
        if isinstance(node, ast.Name):
            return self.names.get(node.id)
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.insert(0, node.attr)
            node = node.value
        if not isinstance(node, ast.Name) or not parts or node.id not in self.modules:
            return None
        module = self.modules[node.id]
        while len(parts) > 1 and f"{module}.{parts[0]}" in known_names():
            module = f"{module}.{parts.pop(0)}"
        return module, parts[0]


def used_names(tree: ast.AST) -> Iterator[Used]:
    """Names of the standard library that a source imports or reads from a module."""
    nodes = list(ast.walk(tree))
    imports = Imports.among(nodes)
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (Used(each.name, "", node.lineno) for each in node.names if _is_standard(each.name))
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level and _is_standard(node.module):
            yield from (Used(node.module, each.name, node.lineno) for each in node.names)
        elif isinstance(node, ast.Attribute):
            found = imports.resolve(node)
            # Of a chain the outer links are attributes of what the inner one names
            if found is not None and _is_standard(found[0]) and found[1] == node.attr:
                yield Used(*found, node.lineno)


def _is_standard(module: str) -> bool:
    return module.partition(".")[0] in sys.stdlib_module_names
