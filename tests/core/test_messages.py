# SPDX-License-Identifier: Apache-2.0
"""The codec of messages: what comes in is what its dataclass says, or it is refused."""

import json
import math
from dataclasses import dataclass, field
from enum import Enum

import pytest

from monitor_app.core.messages import Codec


class Colour(str, Enum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, slots=True)
class Inner:
    value: float
    colour: Colour = Colour.RED


@dataclass(frozen=True, slots=True)
class Outer:
    count: int
    inner: tuple[Inner, ...] = ()
    extra: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Empty:
    """Nothing but its name."""


CODEC = Codec[Outer | Empty]({"outer": Outer, "empty": Empty})


@pytest.mark.parametrize(
    "message",
    [Empty(), Outer(1), Outer(-(2**70), (Inner(0.1), Inner(5.0, Colour.BLUE)), {"a\n\u2028ü": 1e300})],
)
def test_a_message_comes_back_as_it_was(message: Outer | Empty) -> None:
    line = CODEC.encode(message)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert CODEC.decode(line) == message


def test_a_line_has_the_fields_and_the_type() -> None:
    assert json.loads(CODEC.encode(Outer(1, (Inner(2.5),)))) == {
        "type": "outer",
        "count": 1,
        "inner": [{"value": 2.5, "colour": "red"}],
        "extra": {},
    }
    assert CODEC.encode(Empty()) == b'{"type":"empty"}\n'


def test_a_codec_of_one_message_says_its_type_as_well() -> None:
    codec = Codec({"inner": Inner})
    assert codec.decode(codec.encode(Inner(1.0))) == Inner(1.0)
    with pytest.raises(ValueError, match="type"):
        codec.decode(b'{"type":"outer","value":1.0,"colour":"red"}')


def test_numbers_that_are_none_pass() -> None:
    assert CODEC.decode(CODEC.encode(Outer(1, (Inner(math.inf),)))) == Outer(1, (Inner(math.inf),))


def test_a_text_that_is_not_unicode_costs_no_message() -> None:
    """A file may have any name; Python reads its odd bytes as lone surrogates."""
    assert CODEC.decode(CODEC.encode(Outer(1, (Inner(1.0),), {"caf\udce9": 1.0}))) == Outer(
        1, (Inner(1.0),), {"caf\\xe9": 1.0}
    )


@pytest.mark.parametrize(("line", "why"), [
    (b'{"type":"outer","count":"1","inner":[],"extra":{}}', "outer.count"),
    (b'{"type":"outer","count":1.0,"inner":[],"extra":{}}', "outer.count"),
    (b'{"type":"outer","count":true,"inner":[],"extra":{}}', "outer.count"),
    (b'{"type":"outer","count":1,"inner":[],"extra":{},"more":1}', "outer.more"),
    (b'{"type":"outer","count":1,"inner":[]}', "outer.extra"),
    (b'{"type":"outer","count":1,"inner":[{"value":null}],"extra":{}}', "outer.inner.0.value"),
    (b'{"type":"outer","count":1,"inner":[{"value":1,"colour":"RED"}],"extra":{}}', "outer.inner.0.colour"),
    (b'{"type":"outer","count":1,"inner":[{"value":1,"more":1}],"extra":{}}', "outer.inner.0.more"),
    (b'{"type":"outer","count":1,"inner":[],"extra":{"a":"1"}}', "outer.extra.a"),
    (b'{"type":"Outer","count":1,"inner":[],"extra":{}}', "Outer"),
    (b'{"count":1,"inner":[],"extra":{}}', "type"),
    (b"[]", "object"),
    (b'{"type":"empty"} {"type":"empty"}', "JSON"),
    (b"\xff", "JSON"),
    (b"", "JSON"),
    (b"[" * 100_000, "recursion"),
])  # fmt: skip
def test_anything_else_is_refused_and_what_is_wrong_is_said(line: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why) as caught:
        CODEC.decode(line)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300
