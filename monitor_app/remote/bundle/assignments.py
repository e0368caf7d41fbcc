# SPDX-License-Identifier: Apache-2.0
"""Assignments within expressions (`name := value`), which Python has from 3.8 on.

A name that a function binds so becomes an attribute of an object of that function, which a call can set. That holds
wherever such an assignment may stand: in the condition of a loop, behind `and`, in a comprehension.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_Function: TypeAlias = "ast.FunctionDef | ast.Lambda"
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)


class AssignmentsWithin(ast.NodeTransformer):
    """Replaces them in a module.

    Args:
        helper: the expression that names one of on_board/lowered.py.
        refuse: raises the error for a construct at a node.
    """

    def __init__(self, helper: Callable[[str], ast.expr], refuse: Callable[[ast.AST, str], Exception]) -> None:
        self._helper = helper
        self._refuse = refuse

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        self.generic_visit(node)
        own = list(_own_nodes(node))
        names = {each.target.id for each in own if isinstance(each, ast.NamedExpr)}
        if not names:
            return node
        self._check(node, own, names)
        bound = f"_bound_{node.lineno}"
        renamer = _Renamer(names, bound)
        node.body = [renamer.visit(statement) for statement in node.body]
        made = ast.Assign([ast.Name(bound, ast.Store())], ast.Call(self._helper("Bound"), [], []))
        node.body.insert(1 if ast.get_docstring(node) is not None else 0, made)
        return node

    def visit_NamedExpr(self, node: ast.NamedExpr) -> ast.NamedExpr:
        self.generic_visit(node)
        return node

    def _check(self, node: ast.FunctionDef, own: list[ast.AST], names: set[str]) -> None:
        taken = _parameters(node)
        for each in own:
            if isinstance(each, (ast.Global, ast.Nonlocal)):
                taken |= set(each.names)
            elif isinstance(each, ast.ExceptHandler) and each.name:
                taken.add(each.name)
            elif isinstance(each, (ast.Import, ast.ImportFrom)):
                taken |= {(one.asname or one.name).partition(".")[0] for one in each.names}
            elif isinstance(each, (ast.FunctionDef, ast.ClassDef)):
                taken.add(each.name)
        if names & taken:
            which = min(names & taken)
            raise self._refuse(node, f"{which!r} is bound by := and in another way than by an assignment")


class _Renamer(ast.NodeTransformer):
    """Turns names into attributes within one function, and where functions within it read them."""

    def __init__(self, names: set[str], bound: str) -> None:
        self._names = names
        self._bound = bound

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id not in self._names:
            return node
        return ast.Attribute(ast.Name(self._bound, ast.Load()), node.id, node.ctx)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> ast.expr:
        name = node.target.id
        if name not in self._names:
            return self.generic_visit(node)  # type: ignore[return-value]
        let = ast.Attribute(ast.Name(self._bound, ast.Load()), "let", ast.Load())
        return ast.Call(let, [ast.Constant(name), self.visit(node.value)], [])

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._within(node, _parameters(node) | _stored(_own_nodes(node)))

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        return self._within(node, _parameters(node))

    def visit_ListComp(self, node: ast.AST) -> ast.AST:
        generators: list[ast.comprehension] = getattr(node, "generators", [])
        targets = _stored(each for generator in generators for each in ast.walk(generator.target))
        return self._within(node, targets)

    visit_SetComp = visit_DictComp = visit_GeneratorExp = visit_ListComp  # noqa: N815

    def _within(self, node: ast.AST, shadowed: set[str]) -> ast.AST:
        names = self._names - shadowed
        return _Renamer(names, self._bound).generic_visit(node) if names else node


def _own_nodes(function: ast.FunctionDef) -> Iterator[ast.AST]:
    """All nodes of its body, without those of functions and classes within it."""
    left: list[ast.AST] = list(function.body)
    while left:
        node = left.pop()
        yield node
        if not isinstance(node, _SCOPES):
            left.extend(ast.iter_child_nodes(node))


def _parameters(function: ast.FunctionDef | ast.Lambda) -> set[str]:
    return {each.arg for each in ast.walk(function.args) if isinstance(each, ast.arg)}


def _stored(nodes: Iterator[ast.AST]) -> set[str]:
    return {each.id for each in nodes if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)}
