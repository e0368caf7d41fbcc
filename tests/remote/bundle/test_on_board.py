# SPDX-License-Identifier: Apache-2.0
"""The stand-ins of a board beside what they stand for."""

import dataclasses
import json
import sys
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import pytest

from monitor_app.core import messages as checked
from monitor_app.inference import messages
from monitor_app.remote.bundle.on_board import dataclasses_36, lowered, metadata_36
from monitor_app.remote.bundle.on_board import messages as plain

# Annotations by name, as both codecs read them
Count, NonNegative, Seconds = checked.Count, checked.NonNegative, checked.Seconds
KINDS: dict[str, Any] = messages._CODEC._kinds

EVENTS = [
    messages.Ready(7, {"python": "3.6.9"}, {"cpu": "Cortex-A57"}, 4),
    messages.Loaded("enet", "ENet", 1, None, 3, 224, None, None, 1.5),
    messages.Batches(messages.Phase.TIMED, ((1, 2, 3, None, None, 4), (5, 6, 7, 8, 9, None))),
    messages.MemoryReport(((messages.MemoryKind.PSS, 2, 1),)),
    messages.Played((1, 2)),
    messages.PhaseDone(messages.Phase.ACCURACY, 1, 2, False, 'a "b" \n caf\udce9.jpg ü', "ab", "01-"),
    messages.Failed(messages.FailureKind.WEIGHTS, "a sentence"),
]
COMMANDS = [
    messages.Load("enet", threads=2),
    messages.WarmUp(1, 0.5, 0),
    messages.Time(2, 0.0, 3),
    messages.Evaluate(4, "/a/b ü"),
    messages.MeasureMemory(),
    messages.Pulses(shortest_s=1.0),
    messages.Stop(),
    messages.Quit(),
]


@dataclass
class _Command:
    count: "Count"
    not_negative: "NonNegative"
    seconds: "Seconds"
    text: "str"
    flag: "bool"


GOOD = {"type": "command", "count": 1, "not_negative": 0, "seconds": 0.5, "text": "a", "flag": True}
BAD = [
    {"count": 0},
    {"count": 1.0},
    {"count": True},
    {"count": "1"},
    {"count": None},
    {"not_negative": -1},
    {"seconds": -0.1},
    {"seconds": float("nan")},
    {"seconds": float("inf")},
    {"seconds": "1"},
    {"seconds": True},
    {"text": 1},
    {"text": None},
    {"text": ["a"]},
    {"flag": 1},
    {"flag": "true"},
    {"type": "other"},
    {"type": None},
    {"more": 1},
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda each: type(each).__name__)
def test_what_a_board_says_is_read_by_the_program(event: Any) -> None:
    line = plain.Codec(KINDS).encode(event)

    assert line.count(b"\n") == 1
    assert messages.decode(line) == messages.decode(messages.encode(event))


@pytest.mark.parametrize("command", COMMANDS, ids=lambda each: type(each).__name__)
def test_what_the_program_asks_is_read_on_a_board(command: Any) -> None:
    kinds = {name: _with_names(kind) for name, kind in KINDS.items()}

    found = plain.Codec(kinds).decode(messages.encode(command))

    assert dataclasses.asdict(found) == dataclasses.asdict(command)


def _with_names(kind: Any) -> Any:
    """The dataclass with the annotations as its source has them, which is what a board sees."""
    names = {"Annotated[int, Ge(1)]": "Count"}
    made = dataclasses.make_dataclass(
        kind.__name__, [(each.name, names.get(str(each.type), _name(each.type))) for each in dataclasses.fields(kind)]
    )
    assert [each.name for each in dataclasses.fields(made)] == [each.name for each in dataclasses.fields(kind)]
    return made


def _name(kind: Any) -> str:
    for name, alias in (("Count", Count), ("NonNegative", NonNegative), ("Seconds", Seconds)):
        if kind == alias:
            return name
    return getattr(kind, "__name__", str(kind))


@pytest.mark.parametrize("change", BAD, ids=str)
def test_both_refuse_the_same_lines(change: dict[str, Any]) -> None:
    line = json.dumps(GOOD | change).encode()
    for codec in _codecs():
        assert codec.decode(json.dumps(GOOD).encode()) == _Command(1, 0, 0.5, "a", True)
        with pytest.raises(ValueError, match=r"."):
            codec.decode(line)


@pytest.mark.parametrize("name", [name for name in GOOD if name != "type"])
def test_both_refuse_a_line_without_a_field(name: str) -> None:
    line = json.dumps({key: value for key, value in GOOD.items() if key != name}).encode()
    for codec in _codecs():
        with pytest.raises(ValueError, match=name):
            codec.decode(line)


@pytest.mark.parametrize("line", [b"", b"{", b"[]", b"1", b"null", b"\xff\n", b"[" * 100_000])
def test_both_refuse_what_is_no_object(line: bytes) -> None:
    for codec in _codecs():
        with pytest.raises(ValueError, match=r"."):
            codec.decode(line)


def test_both_take_a_whole_number_for_seconds() -> None:
    line = json.dumps(GOOD | {"seconds": 2}).encode()
    assert [type(codec.decode(line).seconds) for codec in _codecs()] == [float, float]


def _codecs() -> list[Any]:
    return [checked.Codec({"command": _Command}), plain.Codec({"command": _Command})]


@pytest.mark.parametrize("module", [dataclasses, dataclasses_36], ids=["dataclasses", "ours"])
def test_dataclasses_of_3_6(module: Any) -> None:
    class Point:
        x: int
        y: int = 2
        hidden: int = module.field(default=3, repr=False, compare=False)
        parts: list[int] = module.field(default_factory=list)
        shared: "ClassVar[int]" = 5

        def __post_init__(self) -> None:
            self.parts.append(self.x)

    Point.__qualname__ = "Point"
    frozen: Any = partial(module.dataclass, frozen=True)(type("Frozen", (), {"__annotations__": {"x": "int"}}))
    point: Any = module.dataclass(Point)

    assert repr(point(1)) == "Point(x=1, y=2, parts=[1])"
    assert point(1) == point(1, hidden=9)
    assert point(1) != point(2)
    assert point(1) != frozen(1)
    assert [each.name for each in module.fields(point)] == ["x", "y", "hidden", "parts"]
    assert module.replace(point(1), y=5, parts=[]).y == 5
    assert point(1).parts is not point(1).parts
    assert (point.y, point.shared) == (2, 5)
    assert hash(frozen(1)) == hash(frozen(1))
    with pytest.raises(TypeError):
        hash(point(1))
    for wrong in ((), (1, 2, 3, [], 5)):
        with pytest.raises(TypeError):
            point(*wrong)
    with pytest.raises(TypeError):
        point(1, nothing=2)
    with pytest.raises(TypeError):
        point(1, x=2)


def test_versions_without_importlib_metadata(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "torch-1.10.0.dist-info").mkdir()
    (tmp_path / "torch-1.10.0.dist-info" / "METADATA").write_text("Name: torch\nVersion: 1.10.0\n")
    egg = tmp_path / "torchvision-0.11.0a0-py3.6-linux-aarch64.egg"
    (egg / "EGG-INFO").mkdir(parents=True)
    (egg / "EGG-INFO" / "PKG-INFO").write_text("Metadata-Version: 2.1\nVersion: 0.11.0a0+fa347eb\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "nothing"), str(tmp_path), str(egg)])

    assert metadata_36.version("torch") == "1.10.0"
    assert metadata_36.version("torchvision") == "0.11.0a0+fa347eb"
    with pytest.raises(metadata_36.PackageNotFoundError):
        metadata_36.version("timm")


def test_clocks_of_3_6_are_those_of_today() -> None:
    import time

    for ours, theirs in (
        (partial(lowered.clock_gettime_ns, time.CLOCK_MONOTONIC_RAW), partial(time.clock_gettime_ns, 4)),
        (lowered.perf_counter_ns, time.perf_counter_ns),
        (lowered.monotonic_ns, time.monotonic_ns),
    ):
        before_ns, read_ns, after_ns = theirs(), ours(), theirs()
        assert before_ns - 1000 <= read_ns <= after_ns + 1000
