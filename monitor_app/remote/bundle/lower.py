# SPDX-License-Identifier: Apache-2.0
"""Sources for an older Python: what it has no syntax or no name for is replaced, or refused at build time.

There is no third way: a construct that is neither known to be understood by the older Python nor replaced here is an
error with file and line, so that nothing breaks on a board that would not break here.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from monitor_app.core.errors import MonitorError
from monitor_app.remote.bundle.assignments import AssignmentsWithin
from monitor_app.remote.bundle.names import (
    NEW_ARGUMENTS,
    NEW_METHODS,
    REPLACED_MODULES,
    REPLACED_NAMES,
    Imports,
    known_names,
    used_names,
)

if TYPE_CHECKING:
    from monitor_app.remote.bundle.names import Version

HELPERS_FILE = "monitor_app/lowered.py"
"""Where on_board/lowered.py is in a bundle."""

_HELPERS = "_lowered"
_GENERICS = frozenset({"tuple", "list", "dict", "set", "frozenset", "type"})
_REFUSED = {
    "Match": "match",
    "TryStar": "except*",
    "TypeAlias": "the statement `type`",
    "AsyncFunctionDef": "async",
    "Await": "await",
    "AsyncFor": "async",
    "AsyncWith": "async",
    "TemplateStr": "a template string",
}


class CannotLowerError(MonitorError):
    """A construct that the older Python does not have and that is not replaced."""


def lower(source: str, file: str, python: Version) -> str:
    """The source as that Python takes it.

    Args:
        source: for the Python of this program.
        file: its name, for errors.
        python: 3.6 or later, before 3.10.

    Raises:
        CannotLowerError: there is something in it that is not known to work there.
    """
    tree = ast.parse(source)
    lowering = _Lowering(file, python, Imports.of(tree))
    tree = lowering.visit(tree)
    if python < (3, 8):
        tree = AssignmentsWithin(lowering.helper, lowering.refuse).visit(tree)
    read = {each.id for each in ast.walk(tree) if isinstance(each, ast.Name)}
    _drop_unused_typing(tree, read)
    if lowering.helped or _HELPERS in read:
        at = 1 if ast.get_docstring(tree) is not None else 0
        tree.body.insert(at, ast.ImportFrom("monitor_app", [ast.alias("lowered", _HELPERS)], 0))
    tree = ast.fix_missing_locations(tree)
    _check_names(tree, lowering, python)
    text = ast.unparse(tree) + "\n"
    try:
        ast.parse(text, feature_version=python)
    except SyntaxError as error:
        line = (error.text or text.splitlines()[(error.lineno or 1) - 1]).strip()
        raise CannotLowerError(f"{file}: Python {_text(python)} has no such syntax ({error.msg}): {line}") from error
    return text


class _Lowering(ast.NodeTransformer):
    """Everything but assignments within expressions."""

    def __init__(self, file: str, python: Version, imports: Imports) -> None:
        self._file = file
        self._python = python
        self._imports = imports
        self.helped = False

    def helper(self, name: str) -> ast.expr:
        """The expression that names a function of on_board/lowered.py."""
        if self._file == HELPERS_FILE:
            raise self.refuse(ast.Pass(lineno=0), f"{name} would call itself")
        self.helped = True
        return ast.Attribute(ast.Name(_HELPERS, ast.Load()), name, ast.Load())

    def refuse(self, node: ast.AST, what: str) -> CannotLowerError:
        """The error for a construct at that node."""
        return CannotLowerError(
            f"{self._file}, line {getattr(node, 'lineno', 0)}: {what}, which is not lowered to Python "
            f"{_text(self._python)}: write it in another way, or teach it to monitor_app/remote/bundle/lower.py."
        )

    def visit(self, node: ast.AST) -> Any:
        refused = _REFUSED.get(type(node).__name__)
        if refused is not None or getattr(node, "type_params", None):
            raise self.refuse(node, f"{refused or 'a type parameter'} is used")
        return super().visit(node)

    # Statements

    def visit_If(self, node: ast.If) -> Any:
        if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            return [self.visit(each) for each in node.orelse]
        return self.generic_visit(node)

    def visit_Import(self, node: ast.Import) -> ast.AST:
        for each in node.names:
            if self._is_new_module(each.name):
                raise self.refuse(node, f"the module {each.name} is imported whole")
        return node

    def visit_ImportFrom(self, node: ast.ImportFrom) -> Any:
        if node.module == "__future__":
            return None
        module = node.module or ""
        if self._is_new_module(module):
            return ast.ImportFrom(REPLACED_MODULES[module][1], node.names, 0)
        new = [each for each in node.names if self._stand_in((module, each.name)) is not None]
        kept = [each for each in node.names if each not in new]
        made: list[ast.stmt] = [ast.ImportFrom(module, kept, node.level)] if kept else []
        for each in new:
            stand_in = ast.alias(self._stand_in((module, each.name)) or "", each.asname or each.name)
            made.append(ast.ImportFrom("monitor_app.lowered", [stand_in], 0))
        return [ast.copy_location(each, node) for each in made]

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        for each in ast.walk(node.args):
            if isinstance(each, ast.arg):
                each.annotation = None
        if self._python < (3, 8):
            node.args.args = [*node.args.posonlyargs, *node.args.args]
            node.args.posonlyargs = []
        self._check_decorators(node)
        return self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        for decorator in node.decorator_list:
            if isinstance(decorator, ast.Call) and self._imports.resolve(decorator.func) == (
                "dataclasses",
                "dataclass",
            ):
                # Without slots a value takes more room, and nothing else
                decorator.keywords = [each for each in decorator.keywords if each.arg != "slots"]
        self._check_decorators(node)
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        alias = _called(node.annotation) == "TypeAlias"
        node.annotation = ast.Constant(ast.unparse(node.annotation))
        if not alias or node.value is None:
            if node.value is not None:
                node.value = self.visit(node.value)
            return node
        # Only one of plain types is used at run time, by isinstance; the others stand in annotations, which are texts
        plain = all(isinstance(each, (ast.Name, ast.BinOp, ast.BitOr, ast.Load)) for each in ast.walk(node.value))
        value = self.visit(node.value) if plain else ast.Constant(ast.unparse(node.value))
        return ast.copy_location(ast.Assign([node.target], value), node)

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        self.generic_visit(node)
        if not isinstance(node.op, ast.BitOr):
            return node
        if not isinstance(node.target, ast.Name):
            raise self.refuse(node, "|= assigns to something else than a name")
        old = ast.Name(node.target.id, ast.Load())
        value = ast.Call(self.helper("either_in_place"), [old, node.value], [])
        return ast.copy_location(ast.Assign([node.target], value), node)

    def _check_decorators(self, node: ast.FunctionDef | ast.ClassDef) -> None:
        for decorator in node.decorator_list:
            if self._imports.resolve(decorator) == ("functools", "lru_cache"):
                raise self.refuse(decorator, "lru_cache is used without parentheses")
            plain = decorator.func if isinstance(decorator, ast.Call) else decorator
            if not all(isinstance(each, (ast.Name, ast.Attribute, ast.Load)) for each in ast.walk(plain)):
                raise self.refuse(decorator, "a decorator is more than a name or a call of one")

    # Expressions

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        if not isinstance(node.op, ast.BitOr):
            return node
        return ast.copy_location(ast.Call(self.helper("either"), [node.left, node.right], []), node)

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        name = node.value.id if isinstance(node.value, ast.Name) else ""
        module, _ = self._imports.resolve(node.value) or ("", "")
        if isinstance(node.ctx, ast.Load) and (name in _GENERICS or module == "collections.abc"):
            raise self.refuse(node, f"{ast.unparse(node)} is evaluated at run time")
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if node.id == "__builtins__" or node.id in {"aiter", "anext", "EncodingWarning", "ExceptionGroup"}:
            raise self.refuse(node, f"{node.id} is used")
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        found = self._imports.resolve(node)
        stand_in = self._stand_in(found) if found is not None else None
        if stand_in is not None:
            return ast.copy_location(self.helper(stand_in), node)
        since = NEW_METHODS.get(node.attr)
        if found is None and since is not None and self._python < since and not _is_own(node.value):
            raise self.refuse(node, f"the method {node.attr} of Python {_text(since)} is used")
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        lowered = self._lowered_call(node)
        if lowered is not None:
            return ast.copy_location(self.generic_visit(lowered), node)
        if isinstance(node.func, ast.Name) and node.func.id == "zip":
            # Without its check it is as it always was
            node.keywords = [each for each in node.keywords if each.arg != "strict" or not _is(each.value, False)]
        for each in node.keywords:
            since = NEW_ARGUMENTS.get(each.arg or "") or NEW_ARGUMENTS.get(f"{_called(node.func)}.{each.arg}")
            if since is not None and self._python < since:
                raise self.refuse(node, f"the argument {each.arg} of Python {_text(since)} is used")
        return self.generic_visit(node)

    def _lowered_call(self, node: ast.Call) -> ast.Call | None:
        function, keywords = node.func, {each.arg: each.value for each in node.keywords}
        if isinstance(function, ast.Name) and function.id == "zip" and _is(keywords.get("strict"), True):
            return ast.Call(self.helper("zip_strict"), node.args, [])
        if not isinstance(function, ast.Attribute):
            return None
        if function.attr in {"removeprefix", "removesuffix"}:
            name = "remove_prefix" if function.attr == "removeprefix" else "remove_suffix"
            return ast.Call(self.helper(name), [function.value, *node.args], [])
        if function.attr == "unlink" and _is(keywords.get("missing_ok"), True) and self._python < (3, 8):
            return ast.Call(self.helper("unlink_if_there"), [function.value], [])
        return None

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        # Before 3.12 an f-string may not hold its own quotes or a backslash, and ast.unparse writes what it likes
        values: list[ast.expr] = []
        template = self._template(node, values)
        visited = [self.visit(each) for each in values]
        return ast.copy_location(
            ast.Call(ast.Attribute(ast.Constant(template), "format", ast.Load()), visited, []), node
        )

    def _template(self, node: ast.JoinedStr, values: list[ast.expr]) -> str:
        text = ""
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                values.append(part.value)
                conversion = "" if part.conversion < 0 else "!" + chr(part.conversion)
                spec = self._template(part.format_spec, values) if isinstance(part.format_spec, ast.JoinedStr) else ""
                text += "{" + conversion + (":" + spec if spec else "") + "}"
            elif isinstance(part, ast.Constant):
                text += str(part.value).replace("{", "{{").replace("}", "}}")
        return text

    def _is_new_module(self, module: str) -> bool:
        return module in REPLACED_MODULES and self._python < REPLACED_MODULES[module][0]

    def _stand_in(self, name: tuple[str, str]) -> str | None:
        since, stand_in = REPLACED_NAMES.get(name, ((0, 0), ""))
        return stand_in if self._python < since else None


def _is_own(node: ast.expr) -> bool:
    """Whether it is `self`: a method of ours, whatever it is called."""
    return isinstance(node, ast.Name) and node.id in {"self", "cls"}


def _is(node: ast.expr | None, value: bool) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


def _called(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _drop_unused_typing(tree: ast.Module, read: set[str]) -> None:
    """Imports of typing that only annotations needed: an older one may not have the name."""
    # By which dataclasses know, also in a text, that something is no field
    read = read | {"ClassVar"}
    body: list[ast.stmt] = []
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module in {"typing", "collections.abc", "types"}:
            node.names = [each for each in node.names if (each.asname or each.name) in read]
            if not node.names:
                continue
        body.append(node)
    tree.body = body


def _check_names(tree: ast.AST, lowering: _Lowering, python: Version) -> None:
    for used in used_names(tree):
        if _is_there(used.module, used.name, python):
            continue
        name = f"{used.module}.{used.name}".rstrip(".")
        node = ast.Pass(lineno=used.line)
        raise lowering.refuse(node, f"{name} is used, which is not in remote/bundle/standard_library.txt")


def _is_there(module: str, name: str, python: Version) -> bool:
    if module in REPLACED_MODULES:
        return python >= REPLACED_MODULES[module][0]
    if (module, name) in REPLACED_NAMES:
        return python >= REPLACED_NAMES[module, name][0]
    return module in known_names() and (not name or name in known_names()[module])


def _text(python: Version) -> str:
    return ".".join(map(str, python))
