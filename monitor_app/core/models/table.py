# SPDX-License-Identifier: Apache-2.0
"""The table `[[model]]` of a profile: a model of the user's own, its inputs, and the unit of its work."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from monitor_app.core.models.spec import BATCH, ModelInput, ModelSpec
from monitor_app.core.models.units import IMAGE, TOKEN
from monitor_app.core.source_specs import Table

_FUNCTION = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
MOST = 1 << 24
"""Of any size; a slip of the keyboard would else take all memory."""


def _function(text: str) -> str:
    if not _FUNCTION.fullmatch(text):
        raise ValueError("give it as module:function")
    return text


def _size(size: int | str) -> int | str:
    if isinstance(size, str) and size != BATCH:
        raise ValueError(f'a size is a whole number, or "{BATCH}" where the size of the batch stands')
    return size


Function = Annotated[str, AfterValidator(_function)]
Size = Annotated[int, Field(ge=1, le=MOST)]
Dtype = Literal[
    "float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool"
]


class InputTable(Table):
    """One array that a pass takes."""

    shape: tuple[Annotated[Size | str, AfterValidator(_size)], ...]
    """"batch" where the size of the batch stands."""
    type: Dtype = "float32"
    below: int = Field(0, ge=0)
    """Whole numbers are drawn from 0 to this, which is left out; 0: below a hundred."""


class Generate(Table):
    """A model that reads a prompt and adds one token after the other."""

    prompt_tokens: Size = 128
    new_tokens: Annotated[int, Field(ge=2, le=MOST)] = 32
    vocabulary: Size = 1000
    """Tokens of prompts are drawn below it."""


class ModelTable(Table):
    """A model that a plan names."""

    name: str = Field(min_length=1)
    """As the plan names it, and as it is shown."""
    file: str | None = None
    function: Function | None = None
    """module:function that takes nothing and returns the model."""
    network: str | None = None
    """A network of the list, timm:NAME, or transformers:FOLDER."""
    unit: Literal["image", "frame", "token", "request"] | None = None
    """What energies and times are given for; by default an image, and of a generating model a token."""
    units: Size = 1
    """In one item of a batch."""
    metric: Function | None = None
    """module:function that evaluates it."""
    input: dict[str, InputTable] = Field(default_factory=dict)
    dim: dict[str, Size] = Field(default_factory=dict)
    """Sizes of dimensions that the file leaves open, by the names that they have there."""
    generate: Generate | None = None

    @model_validator(mode="after")
    def _is_one_thing(self) -> ModelTable:
        if sum(each is not None for each in (self.file, self.function, self.network)) != 1:
            raise ValueError(f"the model {self.name} needs one of file, function and network")
        if self.generate is not None and (self.input or "units" in self.model_fields_set):
            raise ValueError(f"the model {self.name} generates: its input is the prompt, and its units are counted")
        if self.input and not any(BATCH in each.shape for each in self.input.values()):
            raise ValueError(f'no input of the model {self.name} has "{BATCH}" in its shape')
        return self

    @property
    def spec(self) -> ModelSpec:
        """The same as a value that runs are planned with."""
        generate = self.generate
        unit = self.unit or (IMAGE if generate is None else TOKEN)
        units = self.units if generate is None else generate.new_tokens if unit == TOKEN else 1
        return ModelSpec(
            self.name, self.reference, unit, units, self.metric or "",
            tuple(ModelInput(name, each.shape, each.type, each.below) for name, each in self.input.items()),
            tuple(self.dim.items()),
            *(() if generate is None else (generate.prompt_tokens, generate.new_tokens, generate.vocabulary)),
        )  # fmt: skip

    @property
    def reference(self) -> str:
        """What is run: see ModelSpec."""
        file = self.file
        if file is not None and "/" not in file:
            file = f"./{file}"  # which no network of the list is called
        return file or self.function or self.network or ""
