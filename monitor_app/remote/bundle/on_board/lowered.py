# SPDX-License-Identifier: Apache-2.0
"""What lowered sources call where Python 3.6 or 3.8 has no such construct or name (remote/bundle/lower.py)."""

from __future__ import annotations

import contextlib
import functools
import operator
import queue
import time
from typing import Any


class Bound:
    """The names that a function binds within an expression."""

    def let(self, name: str, value: Any) -> Any:
        """Bind and return the value, as `name := value` does."""
        setattr(self, name, value)
        return value


class Protocol:
    """A base that says nothing: what has the methods is checked at the PC."""


def either(left: Any, right: Any) -> Any:
    """`left | right`, also of dicts, and of types for isinstance, which takes tuples of them."""
    if isinstance(left, dict) and isinstance(right, dict):
        merged = left.copy()
        merged.update(right)
        return merged
    if isinstance(left, (type, tuple)) and isinstance(right, (type, tuple)):
        return _types(left) + _types(right)
    # Not by the operator, in place of which this stands
    return operator.or_(left, right)


def either_in_place(left: Any, right: Any) -> Any:
    """`left |= right`, also of dicts."""
    if isinstance(left, dict):
        left.update(right)
        return left
    changed: Any = operator.ior(left, right)  # type: ignore[no-untyped-call]
    return changed


def _types(kind: Any) -> Any:
    return kind if isinstance(kind, tuple) else (kind,)


def zip_strict(*iterables: Any) -> Any:
    """`zip(..., strict=True)`."""
    end = object()
    iterators = [iter(each) for each in iterables]
    while iterators:
        row = tuple(next(each, end) for each in iterators)
        ended = [value is end for value in row]
        if all(ended):
            return
        if any(ended):
            raise ValueError("zip() has arguments of different lengths")
        yield row


def remove_prefix(text: Any, prefix: Any) -> Any:
    """`text.removeprefix(prefix)`."""
    return text[len(prefix) :] if text.startswith(prefix) else text


def remove_suffix(text: Any, suffix: Any) -> Any:
    """`text.removesuffix(suffix)`."""
    return text[: -len(suffix)] if suffix and text.endswith(suffix) else text


def unlink_if_there(path: Any) -> None:
    """`path.unlink(missing_ok=True)`."""
    with contextlib.suppress(FileNotFoundError):
        path.unlink()


def cache(function: Any) -> Any:
    """As functools.cache."""
    return functools.lru_cache(maxsize=None)(function)


class nullcontext:  # noqa: N801 - it has the name of that of contextlib
    """As contextlib.nullcontext."""

    def __init__(self, enter_result: Any = None) -> None:
        self.enter_result = enter_result

    def __enter__(self) -> Any:
        return self.enter_result

    def __exit__(self, *_: object) -> None:
        pass


class SimpleQueue(queue.Queue):  # type: ignore[type-arg]
    """As queue.SimpleQueue, which a signal handler may use too; nobody here does."""


def freeze() -> None:
    """As gc.freeze, without which a collection takes longer and does the same."""


def clock_gettime_ns(clock: int) -> int:
    """As time.clock_gettime_ns. A float of seconds is exact to 4 ns in the first year after a boot."""
    return int(time.clock_gettime(clock) * 1e9)


def perf_counter_ns() -> int:
    """As time.perf_counter_ns."""
    return int(time.perf_counter() * 1e9)


def monotonic_ns() -> int:
    """As time.monotonic_ns."""
    return int(time.monotonic() * 1e9)


def dist(one: Any, other: Any) -> float:
    """As math.dist."""
    return float(sum((a - b) ** 2 for a, b in zip_strict(one, other)) ** 0.5)
