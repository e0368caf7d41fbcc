# SPDX-License-Identifier: Apache-2.0
"""What a profile says of a model of the user's own beyond its name: a value, and a line of text that holds it."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields

from monitor_app.core.models.units import IMAGE

BATCH = "batch"
"""In the shape of an input: the dimension along which the items of a batch lie."""


@dataclass(frozen=True, slots=True)
class ModelInput:
    """One array that a pass takes."""

    name: str
    shape: tuple[int | str, ...]
    """`BATCH` where the size of the batch stands."""
    dtype: str = "float32"
    """As numpy calls it."""
    below: int = 0
    """Whole numbers run from 0 to this, which is left out; 0: not known."""


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A table `[[model]]` of a profile."""

    name: str
    """As the plan names it."""
    reference: str
    """What it is: a file, `module:function`, `timm:NAME`, `transformers:FOLDER` or the name of a network."""
    unit: str = IMAGE
    """One of core.models.units.UNITS."""
    units: int = 1
    """In one item of a batch; of a generating model the tokens that it adds to a prompt, where the unit is a token."""
    metric: str = ""
    """`module:function` that evaluates it; empty: as a classifier is."""
    inputs: tuple[ModelInput, ...] = ()
    """Empty: the file tells, or it takes images."""
    dims: tuple[tuple[str, int], ...] = ()
    """Sizes of dimensions that a file leaves open, by their names."""
    prompt_tokens: int = 0
    """Of a generating model; 0: it does not generate."""
    new_tokens: int = 0
    vocabulary: int = 0
    """Tokens of prompts are drawn below it."""

    @property
    def generates(self) -> bool:
        """It reads a prompt and adds one token after the other."""
        return self.prompt_tokens > 0

    @property
    def items(self) -> str:
        """What the batch size counts, in the plural."""
        return f"{self.unit}s" if self.units == 1 and not self.generates else "requests" if self.generates else "items"

    def as_text(self) -> str:
        """One line, for a message."""
        content = {each.name: getattr(self, each.name) for each in fields(self)}
        content["inputs"] = [[each.name, each.shape, each.dtype, each.below] for each in self.inputs]
        return json.dumps(content, separators=(",", ":"))


def model_of_text(text: str) -> ModelSpec:
    """What `as_text` wrote. Raises ValueError, TypeError, LookupError where it did not."""
    content = json.loads(text)
    content["inputs"] = tuple(
        ModelInput(name, tuple(shape), dtype, below) for name, shape, dtype, below in content["inputs"]
    )
    content["dims"] = tuple((str(name), int(size)) for name, size in content["dims"])
    return ModelSpec(**content)
