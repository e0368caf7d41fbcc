# SPDX-License-Identifier: Apache-2.0
"""Which modules and files of the program the children need, by following the imports in their sources.

Nothing is imported for it. An import counts wherever it stands, within functions too, but for those that only type
checkers see; so does a text that is the name of a module, by which some are imported.
"""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from monitor_app.core.errors import MonitorError
from monitor_app.core.files.package_data import resource_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

ENTRIES = (
    "monitor_app.inference.child",
    "monitor_app.inference.replay_child",
    "monitor_app.sources.jtop.child",
    "monitor_app.program.child",
)
REPLACED = (
    "monitor_app.core.messages",
    "monitor_app.core.files.package_data",
    "monitor_app.inference.torch_missing",
    "monitor_app.inference.onnx_files.workshop",
)
"""Modules in place of which on_board/ has one of the same name."""
RESOURCES = ("reference/canziani2016_*.csv", "marks/monitor_marks.*")
"""Files of resources/ that the children read."""
LIBRARIES = frozenset(
    {"numpy", "PIL", "torch", "torchvision", "onnxruntime", "openvino", "ai_edge_litert", "tflite_runtime", "tensorrt"}
)
"""What may be installed on a board; anything else is asked for in a `try` that a board without it survives."""


class MissingModuleError(MonitorError):
    """A child imports what the bundle will not have."""


@dataclass(frozen=True, slots=True)
class Source:
    """A module of the program."""

    name: str
    path: str
    """In the bundle, and below the folder that holds the program: monitor_app/core/runs.py."""
    text: str


def collect(package: Path, stand_ins: Mapping[str, str]) -> dict[str, Source]:
    """All modules that the children need, by name, sorted; those of `REPLACED` are left out.

    Args:
        package: the folder of monitor_app.
        stand_ins: the sources in place of those, by path, which need modules too.

    Raises:
        MissingModuleError: one of them needs a library that a board does not have.
    """
    found: dict[str, Source] = {}
    wanted = list(ENTRIES)
    for path, text in stand_ins.items():
        wanted += _checked(text, path).named
    while wanted:
        name = wanted.pop()
        if name in found or name in REPLACED:
            continue
        source = _read(package, name)
        if source is None:
            continue
        found[name] = source
        wanted += _checked(source.text, source.path).named
        wanted += ["monitor_app", *(name.rsplit(".", count)[0] for count in range(1, name.count(".")))]
    return dict(sorted(found.items()))


def _checked(text: str, path: str) -> _Facts:
    facts = _facts(text)
    if facts.problem:
        raise MissingModuleError(f"{path}, {facts.problem}")
    return facts


def data_files(package: Path, modules: Mapping[str, Source]) -> dict[str, bytes]:
    """The tables beside those modules, and those of resources/, by path in the bundle."""
    folders = {(package.parent / each.path).parent for each in modules.values()}
    tables = [file for folder in folders for file in folder.glob("*.csv")]
    found = {file.relative_to(package.parent).as_posix(): file.read_bytes() for file in tables}
    for pattern in RESOURCES:
        folder, _, files = pattern.rpartition("/")
        for file in resource_path(folder).glob(files):
            found[f"monitor_app/_share/resources/{folder}/{file.name}"] = file.read_bytes()
    return dict(sorted(found.items()))


def check_own_imports(sources: Mapping[str, str]) -> None:
    """Raise MissingModuleError where a source imports something of ours that another has not, such as a stand-in."""
    names = {_module(path): _facts(text).defined for path, text in sources.items()}
    for path, text in sources.items():
        for module, name, line in _facts(text).own:
            if name not in names.get(module, ()) and f"{module}.{name}" not in names:
                raise MissingModuleError(
                    f"{path}, line {line}: {module} has no {name} in the bundle: give its stand-in in "
                    "remote/bundle/on_board one."
                )


def _module(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


@dataclass(frozen=True, slots=True)
class _Facts:
    """What matters here of a source."""

    named: tuple[str, ...]
    """Every name that may be that of a module of ours."""
    own: tuple[tuple[str, str, int], ...]
    """What it imports from modules of ours: module, name and line."""
    defined: frozenset[str]
    """The names that importing it binds at its top level."""
    problem: str
    """The line at which it imports what a board does not have, without an answer to that; empty where nowhere."""


@cache
def _facts(text: str) -> _Facts:
    """Kept, since one bundle asks twice, and that for another Python has nearly the same sources."""
    tree = ast.parse(text)
    named: list[str] = []
    own: list[tuple[str, str, int]] = []
    imports: list[ast.Import | ast.ImportFrom] = []
    for node in _run_time_nodes(tree):
        if isinstance(node, ast.Constant):
            named += [node.value] if isinstance(node.value, str) else []
        elif isinstance(node, ast.Import):
            imports.append(node)
            named += [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom):
            imports.append(node)
            module = node.module or ""
            own += [(module, each.name, node.lineno) for each in node.names if module.startswith("monitor_app")]
            named += [module, *(f"{module}.{each.name}" for each in node.names)]
    ours = dict.fromkeys(each for each in named if each.startswith("monitor_app"))
    return _Facts(tuple(ours), tuple(own), frozenset(_defined(tree)), _problem(tree, imports))


def _defined(tree: ast.Module) -> set[str]:
    found: set[str] = set()
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            found |= {each.asname or each.name for each in node.names}
        else:
            stored = (each for each in ast.walk(node) if isinstance(each, ast.Name))
            found |= {each.id for each in stored if isinstance(each.ctx, ast.Store)}
    return found


def _run_time_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those below `if TYPE_CHECKING`, in any order."""
    # A generator within each generator would hand each node up through all that are above it
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            waiting += node.orelse
            continue
        yield node
        for value in [getattr(node, name) for name in node._fields]:
            if isinstance(value, list):
                waiting += [each for each in value if isinstance(each, ast.AST)]
            elif isinstance(value, ast.AST):
                waiting.append(value)


def _problem(tree: ast.AST, imports: Sequence[ast.Import | ast.ImportFrom]) -> str:
    suspects = sorted((node for node in imports if _needs(node)), key=lambda node: node.lineno)
    if not suspects:
        return ""
    excused = {id(each) for attempt in ast.walk(tree) if _survives(attempt) for each in ast.walk(attempt)}
    for node in suspects:
        if isinstance(node, ast.ImportFrom) and node.level:
            return f"line {node.lineno}: an import is relative: name the module in full."
        if id(node) not in excused:
            return (
                f"line {node.lineno}: {_needs(node)} is imported, which a board does not have: do without it, or catch "
                "the ImportError."
            )
    return ""


def _needs(node: ast.Import | ast.ImportFrom) -> str:
    """The library that a board does not have, or the text of dots of a relative import; empty where it has all."""
    if isinstance(node, ast.ImportFrom) and node.level:
        return "." * node.level
    names = [each.name for each in node.names] if isinstance(node, ast.Import) else [node.module or ""]
    roots = (name.partition(".")[0] for name in names)
    known = {*LIBRARIES, "monitor_app"}
    return next((root for root in roots if root not in known and root not in sys.stdlib_module_names), "")


def _survives(node: ast.AST) -> bool:
    if not isinstance(node, ast.Try):
        return False
    kinds = [handler.type for handler in node.handlers if handler.type is not None]
    caught = {each.id for kind in kinds for each in ast.walk(kind) if isinstance(each, ast.Name)}
    return bool(caught & {"ImportError", "ModuleNotFoundError"})


def _read(package: Path, name: str) -> Source | None:
    """The module of that name; None: it is the name of something within a module."""
    parts = name.split(".")
    if parts[0] != "monitor_app" or not all(part.isidentifier() for part in parts):
        return None
    path = package.joinpath(*parts[1:])
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    if not file.is_file():
        return None
    return Source(name, file.relative_to(package.parent).as_posix(), file.read_text(encoding="utf-8"))
