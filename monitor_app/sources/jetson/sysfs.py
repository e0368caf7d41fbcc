# SPDX-License-Identifier: Apache-2.0
"""The files of a power monitor chip in the order in which they are read, and the numbers in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor_app.core.samples import Quantity

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from monitor_app.sources.jetson.chips import ChipRail

_NUMBERS = re.compile(rb"\s*-?[0-9]{1,12}(?:\s+-?[0-9]{1,12})*\s*")


@dataclass(frozen=True, slots=True)
class RailFile:
    """One file, and where its numbers go."""

    path: Path
    rail: str
    quantities: tuple[Quantity, ...]
    """Of each number in it."""
    columns: tuple[int, ...]
    """For each number, its place among the stored signals."""
    scale: float
    """SI units per unit of the text."""


def rail_files(rails: Sequence[ChipRail]) -> Iterator[RailFile]:
    """Those of a rail together. The stored signals of a rail are current, voltage and, from some chips, power."""
    column = 0
    for rail in rails:
        if rail.both is not None:
            quantities = (Quantity.VOLTAGE, Quantity.CURRENT)
            yield RailFile(rail.both, rail.name, quantities, (column + 1, column), 1e-3)
        else:
            yield RailFile(rail.voltage, rail.name, (Quantity.VOLTAGE,), (column + 1,), 1e-3)
            yield RailFile(rail.current, rail.name, (Quantity.CURRENT,), (column,), 1e-3)
        column += 2
        if rail.power is not None:
            yield RailFile(rail.power, rail.name, (Quantity.POWER,), (column,), 1e-6)
            column += 1


def liveliest(files: Sequence[RailFile]) -> int:
    """The file whose value has the finest steps, and so shows every new conversion: power, or else current."""
    order = (Quantity.POWER, Quantity.CURRENT)
    return next((i for quantity in order for i, file in enumerate(files) if quantity in file.quantities), 0)


def numbers_in(text: bytes, file: RailFile) -> list[int]:
    """The numbers of the file, as many as it has quantities. Raises ValueError for any other text."""
    numbers = [int(word) for word in text.split()] if _NUMBERS.fullmatch(text) else []
    if len(numbers) != len(file.quantities):
        raise ValueError(f"{file.path.name} says {text[:20]!r}")
    return numbers
