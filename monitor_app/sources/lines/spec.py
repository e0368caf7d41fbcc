# SPDX-License-Identifier: Apache-2.0
"""The [[source]] table of an instrument that sends lines of text."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from monitor_app.core.samples import Quantity
from monitor_app.core.source_specs import Name, SerialSpec, Table


class Column(Table):
    """One quantity of a line of text."""

    name: Name
    """Of the signal."""
    field: str | Annotated[int, Field(ge=0)] | None = None
    """Key of a JSON object, label, heading of a CSV column, or its number from 0; by default the name."""
    quantity: Quantity
    scale: float = 1.0
    """SI units per unit of the text: 0.001 for mA."""
    offset: float = 0.0


class TimeColumn(Table):
    """The instrument's own time stamp on a line; without one, lines have the time of their arrival."""

    field: str | Annotated[int, Field(ge=0)]
    scale_s: float = Field(gt=0)
    """Seconds per unit of the text: 1e-6 for microseconds."""


class LinesSpec(SerialSpec):
    """Lines of text: those of an EdgePowerMeter, or CSV, JSON or labelled lines that the profile describes."""

    kind: Literal["lines"]
    name: Name = "lines"
    format: Literal["edgepowermeter", "csv", "json", "labelled"]
    baud: int = Field(115_200, ge=300, le=12_000_000)
    separator: str = Field(",", min_length=1, max_length=1)
    columns: tuple[Column, ...] = ()
    time: TimeColumn | None = None
    start: str | None = None
    """Sent once after opening, to make the instrument send; a line end is added."""
    stop: str | None = None
    """Sent before closing."""

    @property
    def port_baud(self) -> int:
        return self.baud

    @model_validator(mode="after")
    def _columns_are_named(self) -> LinesSpec:
        if self.format != "edgepowermeter" and not self.columns:
            raise ValueError("name the columns of the lines under [[source.columns]]")
        fields = [*(column.field for column in self.columns), *([] if self.time is None else [self.time.field])]
        if self.format == "labelled" and any(isinstance(field, int) for field in fields):
            raise ValueError("labelled lines have no numbered columns: give the label under field")
        return self

    def emulator_options(self) -> list[str]:
        return [*super().emulator_options(), "--format", self.format]
