# SPDX-License-Identifier: Apache-2.0
"""Which cells belong together: those of one session under one set of conditions, and those of the paper."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import PurePath
from typing import TYPE_CHECKING

from monitor_app.analysis.campaign.cells import Conditions
from monitor_app.analysis.campaign.published import published
from monitor_app.core.back_ends import BACK_ENDS
from monitor_app.core.formatting import listed
from monitor_app.core.runs import ALLOCATOR_KEEPS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from monitor_app.analysis.campaign.cells import Campaign, Cell
    from monitor_app.analysis.figures.options import Options
    from monitor_app.analysis.figures.quantities import Quantity

ALL = tuple(each.name for each in fields(Conditions))
PAPER = "paper"
"""The group of the published values."""
ANSWERS = ("precision",)
"""The conditions that the answers of a network depend on; the others change only their cost."""


@dataclass(frozen=True, slots=True)
class Group:
    """Cells that differ in network and batch size only."""

    name: str
    """Distinguishes it from the other groups; empty where it is the only one."""
    cells: tuple[Cell, ...]
    campaign: int = 0
    """Which of the compared sessions."""
    tone: int = 0
    """Which of the groups, 0 for the first."""
    paper: bool = False
    absent: tuple[str, ...] = ()
    """The networks that were left out, in sentences."""

    @property
    def suffix(self) -> str:
        """For names of series and points."""
        return f" ({self.name})" if self.name else ""

    def labelled(self, sentence: str) -> str:
        """A sentence after the name of the group."""
        return f"{self.name}: {sentence}" if self.name else sentence


def groups_of(campaigns: Sequence[Campaign], options: Options, kept: tuple[str, ...] = ALL) -> tuple[Group, ...]:
    """In the order of the campaigns, the paper last; conditions in ``kept`` divide cells into groups."""
    names, titles = session_names(campaigns), _titles(campaigns)
    varying = [key for key in kept if any(len({getattr(c.conditions, key) for c in x.cells}) > 1 for x in campaigns)]
    groups: list[Group] = []
    for k, campaign in enumerate(campaigns):
        parts: dict[tuple[object, ...], list[Cell]] = {}
        for cell in campaign.cells:
            parts.setdefault(tuple(getattr(cell.conditions, key) for key in kept), []).append(cell)
        for cells in parts.values():
            words = [word_of(key, getattr(cells[0].conditions, key)) for key in varying]
            name = ", ".join(filter(None, [names[k], *words]))
            groups.append(Group(name, _titled(cells, titles), k, len(groups)))
    if options.paper:
        groups.append(Group(PAPER, _titled(published().cells, titles), len(campaigns), paper=True))
    return tuple(groups)


def at_batch(groups: Sequence[Group], batch_size: int) -> tuple[Group, ...]:
    """Their cells of one batch size; networks without one are named in ``absent``."""
    return tuple(_at_batch(group, batch_size) for group in groups)


def once(groups: Sequence[Group], quantity: Quantity) -> tuple[Group, ...]:
    """One cell per network: the first that has the quantity, else the first that ran, else the first."""
    return tuple(replace(group, cells=_once(group.cells, quantity)) for group in groups)


def identity(cell: Cell) -> str:
    """The same for a network of the paper and for the measured one that it corresponds to."""
    return cell.paper_name or cell.network


def session_names(campaigns: Sequence[Campaign]) -> tuple[str, ...]:
    """Unique names of compared sessions for people: title, board or file; empty where there is only one."""
    if len(campaigns) < 2:
        return ("",) * len(campaigns)
    titles = [campaign.title for campaign in campaigns]
    boards = [campaign.board for campaign in campaigns]
    both = [", ".join(filter(None, pair)) for pair in zip(titles, boards, strict=True)]
    files = [PurePath(campaign.path).stem for campaign in campaigns]
    for names in (titles, boards, both, files):
        if len(set(names)) == len(names) and all(names):
            return tuple(names)
    return tuple(f"{name or 'session'} {k}" for k, name in enumerate(titles, 1))


def _titles(campaigns: Sequence[Campaign]) -> dict[str, str]:
    """The name of each measured network of the paper: the paper's, unless another measured network has that name."""
    cells = [cell for campaign in campaigns for cell in campaign.cells]
    others = {cell.title for cell in cells if cell.paper_name is None}
    return {
        cell.paper_name: cell.title if cell.paper_name in others else cell.paper_name
        for cell in cells
        if cell.paper_name is not None
    }


def _titled(cells: Sequence[Cell], titles: Mapping[str, str]) -> tuple[Cell, ...]:
    return tuple(replace(cell, title=titles.get(cell.paper_name or "", cell.title)) for cell in cells)


def _at_batch(group: Group, batch_size: int) -> Group:
    cells = tuple(cell for cell in group.cells if cell.batch_size == batch_size)
    titles = {cell.network: cell.title for cell in group.cells}
    lacking = [title for network, title in titles.items() if network not in {cell.network for cell in cells}]
    if group.paper or not lacking:
        absent: tuple[str, ...] = ()
    elif len(lacking) == len(titles):
        absent = (group.labelled(f"nothing was run at batch {batch_size}."),)
    else:
        absent = (group.labelled(f"{listed(lacking)}: not run at batch {batch_size}."),)
    return replace(group, cells=cells, absent=group.absent + absent)


def _once(cells: Sequence[Cell], quantity: Quantity) -> tuple[Cell, ...]:
    by_network: dict[str, list[Cell]] = {}
    for cell in cells:
        by_network.setdefault(cell.network, []).append(cell)
    return tuple(
        min(same, key=lambda cell: (quantity.of(cell) is None, cell.fits is not True)) for same in by_network.values()
    )


def word_of(key: str, value: object) -> str:
    """A condition for people, by the name of its field."""
    if key == "threads":
        return f"{value} threads"
    if key == "channels_last":
        return "channels last" if value else "channels first"
    if key == "compiled":
        return "compiled" if value else "not compiled"
    if key == "back_end":
        return BACK_ENDS[str(value)].title if value in BACK_ENDS else str(value)
    if key == "allocator":
        return "memory kept" if value == ALLOCATOR_KEEPS else "memory by the system"
    if key == "cudnn_benchmark":
        return "cuDNN timed" if value else "cuDNN not timed"
    if value is None:
        return f"{key.replace('_', ' ')} as found"
    return f"{key} {value}" if key == "clocks" else str(value)
