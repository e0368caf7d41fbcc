# SPDX-License-Identifier: Apache-2.0
"""In place of dataclasses on Python 3.6: as much of it as the children use.

Nothing is frozen: what assigns to a frozen value fails on the PC, where all tests run.
"""

from __future__ import annotations

from typing import Any

_NONE = object()


class Field:
    """A field; named after that of dataclasses."""

    def __init__(self, default: Any, default_factory: Any, repr_: bool, compare: bool) -> None:
        self.name = ""
        self.type: Any = None
        self.default = default
        self.default_factory = default_factory
        self.repr = repr_
        self.compare = compare

    def initial(self, kind: type) -> Any:
        """What it is where no value is given. Raises TypeError where one has to be."""
        if self.default_factory is not _NONE:
            return self.default_factory()
        if self.default is _NONE:
            raise TypeError(kind.__name__ + "() needs the argument " + self.name)
        return self.default


def field(*, default: Any = _NONE, default_factory: Any = _NONE, repr: bool = True, compare: bool = True) -> Any:
    """As dataclasses.field."""
    return Field(default, default_factory, repr, compare)


def dataclass(kind: Any = None, *, frozen: bool = False, repr: bool = True, eq: bool = True) -> Any:
    """As dataclasses.dataclass, with and without arguments."""
    if kind is None:
        return lambda each: _made(each, frozen, repr, eq)
    return _made(kind, frozen, repr, eq)


def fields(value: Any) -> tuple[Any, ...]:
    """As dataclasses.fields."""
    return tuple(value.__dataclass_fields__.values())


def replace(value: Any, **changes: Any) -> Any:
    """As dataclasses.replace."""
    for each in fields(value):
        changes.setdefault(each.name, getattr(value, each.name))
    return type(value)(**changes)


def _made(kind: Any, frozen: bool, with_repr: bool, eq: bool) -> Any:
    found: dict[str, Any] = {}
    for base in reversed(kind.__mro__[1:]):
        found.update(getattr(base, "__dataclass_fields__", {}))
    for name, annotation in kind.__dict__.get("__annotations__", {}).items():  # noqa: RUF063 - as 3.6 has them
        if not str(annotation).startswith(("ClassVar", "typing.ClassVar")):
            found[name] = _field(kind, name, annotation)
    kind.__dataclass_fields__ = found
    methods: dict[str, Any] = {"__init__": _init}
    if with_repr:
        methods["__repr__"] = _repr
    if eq:
        methods["__eq__"] = _eq
    for name, method in methods.items():
        if name not in kind.__dict__:
            setattr(kind, name, method)
    if eq and kind.__dict__.get("__hash__") is None:
        kind.__hash__ = _hash if frozen else None
    return kind


def _field(kind: Any, name: str, annotation: Any) -> Field:
    default = kind.__dict__.get(name, _NONE)
    made = default if isinstance(default, Field) else Field(default, _NONE, True, True)
    made.name, made.type = name, annotation
    if isinstance(default, Field):
        # A default is an attribute of the class, as in dataclasses
        if made.default is _NONE:
            delattr(kind, name)
        else:
            setattr(kind, name, made.default)
    return made


def _init(self: Any, *values: Any, **named: Any) -> None:
    kind = type(self)
    expected = kind.__dataclass_fields__
    if len(values) > len(expected):
        raise TypeError(kind.__name__ + "() got too many arguments")
    given = dict(zip(expected, values))  # noqa: B905 - the rest is named
    for name, value in named.items():
        if name not in expected or name in given:
            raise TypeError(kind.__name__ + "() got an unexpected argument " + name)
        given[name] = value
    for name, each in expected.items():
        setattr(self, name, given[name] if name in given else each.initial(kind))
    if hasattr(self, "__post_init__"):
        self.__post_init__()


def _repr(self: Any) -> str:
    shown = [each.name + "=" + repr(getattr(self, each.name)) for each in fields(self) if each.repr]
    return type(self).__qualname__ + "(" + ", ".join(shown) + ")"


def _compared(value: Any) -> tuple[Any, ...]:
    return tuple(getattr(value, each.name) for each in fields(value) if each.compare)


def _eq(self: Any, other: object) -> Any:
    return _compared(self) == _compared(other) if type(other) is type(self) else NotImplemented


def _hash(self: Any) -> int:
    return hash(_compared(self))
