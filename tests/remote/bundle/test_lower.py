# SPDX-License-Identifier: Apache-2.0
import os
import subprocess
import sys
from pathlib import Path

import pytest

from monitor_app.remote.bundle.build import bundle
from monitor_app.remote.bundle.lower import CannotLowerError, lower
from tests.remote.bundle.old_pythons import OLD, old_python

# Every construct that is lowered; what it prints under this Python is what it has to print under the old one.
PROGRAM = '''
"""A program in the language of this project."""

from __future__ import annotations

import math
import os.path
import queue
import time
from contextlib import nullcontext
from dataclasses import dataclass, field, fields, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

    import a_module_that_is_nowhere

Pair: TypeAlias = tuple[int, str | None]
Number: TypeAlias = int | float
Anything: TypeAlias = Number | str


class Shape(Protocol):
    def area(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Square:
    """A value."""

    side: float
    name: str = "square"
    parts: tuple[Pair, ...] = field(default=(), repr=False)
    made: ClassVar[int] = 4
    kind: Literal["a", "b"] = "a"

    def area(self) -> float:
        return self.side**2


@dataclass(frozen=True)
class Holder(Square):
    held: list[int] = field(default_factory=list)
    extra: int | None = None


@cache
def doubled(value: int) -> int:
    print("doubling", value)
    return value * 2


def positional(first, /, second=2, *, third: dict[str, int] | None = None) -> Iterator[int]:
    yield from (first, second, len(third or {}))


def walrus(lines: list[str]) -> list[str]:
    """Assignments in a condition, in a comprehension, in a nested function and behind `and`."""
    rest = list(lines)
    found = []
    while line := rest.pop(0) if rest else "":
        found.append(line)
    lengths = [size for each in found if (size := len(each)) > 1]
    if found and (first := found[0]) and not (second := found[-1]).isdigit():
        found.append(first + second)

    def within() -> int:
        return size + len(line)

    if (match := next((each for each in found if (last := each[-1:]) == "c"), None)) is not None:
        found.append(match + last)
    line = "set"
    return found + [str(each) for each in lengths] + [str(within()), line]


def unpacked(*values):
    rest = values[1:]
    return values[0], *rest, "end"


squares = Square(2.0), Square(3.0, parts=((1, None),)), Holder(1.0, held=[1])
print(squares, squares[0] == Square(2.0), hash(squares[0]) == hash(Square(2.0)), replace(squares[1], side=4.0).area())
print([each.name for each in fields(Holder)], Holder(2.0).held, squares[0] == 5, Square.made)
print([isinstance(each, Anything) for each in (1, 1.5, "a", b"a")], isinstance(1, int | str), isinstance(None, Number))
merged = {"a": 1} | {"b": 2}
other = merged
merged |= {"c": 3}
print(merged, other is merged, {1} | {2}, 4 | 3)
flags = 1
flags |= 6
print(flags, "prefix.txt".removeprefix("pre").removesuffix(".txt"), "same".removesuffix(""), "x".removeprefix("y"))
print(list(zip([1, 2], "ab", strict=True)), list(zip([1, 2], "a", strict=False)))
try:
    list(zip([1, 2], "a", strict=True))
except ValueError:
    print("of different lengths")
print(doubled(2), doubled(2), list(positional(1, third={"a": 1})), walrus(["ab", "c", "dec"]), unpacked(1, 2))
width, value = 7, 3.14159
print(f"{value:{width}.2f}|{value!r:>10}|{{braces}}|{value=}|{'quoted'}|{merged['a']}|{chr(10)!r}" f"{value:.1f}")
with (nullcontext("in") as within, nullcontext()):
    print(within)
box = queue.SimpleQueue()
box.put(1)
print(box.get(), math.dist((0, 0), (3, 4)), os.path.join("a", "b"))
print(abs(time.perf_counter_ns() / 1e9 - time.perf_counter()) < 100)
Path("not-there").unlink(missing_ok=True)
'''

REFUSED = {
    "match 1:\n    case _:\n        pass\n": "match is used",
    "async def f():\n    pass\n": "async is used",
    "import os\nos.get_blocking_new(1)\n": "os.get_blocking_new is used",
    "from statistics import fmean\n": "statistics.fmean is used",
    "import tomllib\n": "tomllib is used",
    "x = list[int]\n": "list[int] is evaluated at run time",
    "from collections.abc import Mapping\nclass X(Mapping[str, int]):\n    pass\n": "is evaluated at run time",
    "from dataclasses import dataclass\n@dataclass(kw_only=True)\nclass X:\n    a: int\n": "the argument kw_only",
    "zip([], [], strict=bool(1))\n": "the argument strict",
    "def f(path):\n    path.is_relative_to('/')\n": "the method is_relative_to",
    "class X:\n    pass\nx = X()\nx.a |= 1\n": "|= assigns to something else than a name",
    "import dataclasses\n": "the module dataclasses is imported whole",
    "from functools import lru_cache\n@lru_cache\ndef f():\n    pass\n": "lru_cache is used without parentheses",
    "def f(a):\n    return (a := 1)\n": "'a' is bound by := and in another way",
    "(x := 1)\n": "has no such syntax",
    "import multiprocessing\n": "multiprocessing is used",
    "try:\n    pass\nexcept* ValueError:\n    pass\n": "except* is used",
}


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> str:
    return _run([sys.executable, "-c", PROGRAM], tmp_path_factory.mktemp("here"))


@pytest.mark.parametrize("version", OLD)
def test_a_lowered_program_prints_what_it_prints_here(version: tuple[int, int], tmp_path: Path, expected: str) -> None:
    python = old_python(version)
    (tmp_path / "bundle.zip").write_bytes(bundle(version).data)
    lowered = lower(PROGRAM, "program.py", version)

    assert _run([python, "-c", lowered], tmp_path) == expected


def _run(argv: list[str], folder: Path) -> str:
    paths = {"PYTHONPATH": str(folder / "bundle.zip"), "PYTHONHASHSEED": "0"}
    done = subprocess.run(argv, capture_output=True, check=False, text=True, cwd=folder, env=os.environ | paths)
    assert done.returncode == 0, done.stderr
    # How a float is shown has not changed; how an enum and a module are has, and none is printed
    return done.stdout


@pytest.mark.parametrize("source", REFUSED)
def test_what_is_not_known_is_refused_with_file_and_line(source: str) -> None:
    try:
        compile(source, "here", "exec")
    except SyntaxError:
        pytest.skip("this Python has no such syntax either")

    with pytest.raises(CannotLowerError) as refused:
        lower("# first line\n" + source, "monitor_app/inference/new.py", (3, 6))

    assert REFUSED[source] in str(refused.value)
    assert "monitor_app/inference/new.py" in str(refused.value)
    assert ", line " in str(refused.value) or "no such syntax" in str(refused.value)


def test_the_line_is_that_of_the_source() -> None:
    with pytest.raises(CannotLowerError, match=r"new\.py, line 3: match is used"):
        lower("a = 1\n\nmatch a:\n    case 1:\n        pass\n", "new.py", (3, 8))
