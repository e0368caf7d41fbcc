# SPDX-License-Identifier: Apache-2.0
"""Messages between processes: each a frozen dataclass, on the wire one JSON object a line.

The object has the fields of the message and `type`, which says which message it is:

    {"type":"time","batch_size":1,"min_s":1.5,"min_batches":10}

Pydantic checks what comes in, strictly: a line with a missing field, an unknown one, or a value of another type than
the dataclass is annotated with, is no message. A module that defines messages must therefore be able to evaluate its
annotations: it imports what they name outside TYPE_CHECKING.
"""

from __future__ import annotations

import json
import re
from dataclasses import fields
from functools import cached_property, reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, TypeAlias, TypeVar, get_type_hints

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, create_model
from pydantic_core import PydanticSerializationError, to_json

from monitor_app.core.plain_text import visible

if TYPE_CHECKING:
    from collections.abc import Mapping

T = TypeVar("T")
_SURROGATE = re.compile("[\ud800-\udfff]")
STRICT = ConfigDict(strict=True, extra="forbid")

Count: TypeAlias = Annotated[int, Field(ge=1)]
NonNegative: TypeAlias = Annotated[int, Field(ge=0)]
Seconds: TypeAlias = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Codec(Generic[T]):
    """Lines to messages and back.

    Args:
        kinds: by the name that `type` has on the wire, the dataclass.
    """

    def __init__(self, kinds: Mapping[str, type[T]]) -> None:
        self._kinds = dict(kinds)
        self._names = {kind: name for name, kind in kinds.items()}

    def encode(self, message: T) -> bytes:
        """The message as one line, with its newline."""
        content = {"type": self._names[type(message)], **_fields(message)}
        try:
            return to_json(content) + b"\n"
        except PydanticSerializationError:  # a text that is not Unicode: the name of a file may be any bytes
            text = json.dumps(content, default=_fields, ensure_ascii=False)
            return _SURROGATE.sub(lambda each: json.dumps(visible(each[0]))[1:-1], text).encode() + b"\n"

    def decode(self, line: bytes) -> T:
        """The message in a line.

        Raises:
            ValueError: the line is not exactly one of these messages; the text says what is wrong with it.
        """
        try:
            content = dict(self._adapter.validate_json(line))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise ValueError(" ".join(f"{where}: {first['msg']}".split())) from error
        return self._kinds[content.pop("type")](**content)

    @cached_property
    def _adapter(self) -> TypeAdapter[Any]:
        """Built when the first line comes: not every process that knows the messages receives any."""
        kinds = reduce(or_, (_model(name, kind) for name, kind in self._kinds.items()))
        one_of: Any = Annotated[kinds, Field(discriminator="type")] if len(self._kinds) > 1 else kinds
        return TypeAdapter(one_of)


def _fields(message: Any) -> dict[str, Any]:
    return {field.name: getattr(message, field.name) for field in fields(message)}


def _model(name: str, kind: type) -> Any:
    """What a line with that message must be like; every field is there, also those with a default."""
    hints = get_type_hints(kind, include_extras=True)
    definitions: Any = {"type": (Literal[name], ...), **{each.name: (hints[each.name], ...) for each in fields(kind)}}
    return create_model(kind.__name__, __config__=STRICT, **definitions)
