# SPDX-License-Identifier: Apache-2.0
"""Which combinations a bench computes: those of the profile, a board's total, and what a meter sees beyond it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor_app.bench.acquisition.combination import Combination, Term
from monitor_app.core.errors import ProfileError
from monitor_app.core.samples import Role
from monitor_app.sources.registry import KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor_app.bench.acquisition.instruments import Instrument
    from monitor_app.core import profile

CARRIER = "module and carrier"
"""Where the carrier board has a monitored supply beside that of the module."""
BEYOND = "carrier and regulators"
"""What the module's own rails do not see and a meter in the supply does."""


def combinations(instruments: Sequence[Instrument], wanted: Sequence[profile.Combination]) -> list[Combination]:
    """Combinations; their ids follow those of the instruments, which count from 1. Raises ProfileError."""
    rails = _total_of_rails(instruments)
    made: list[tuple[str, list[Term], Role]] = []
    if len(rails) > 1:
        name = next(i.board.title for i in instruments if i.board is not None)
        made.append((f"total of {name}", rails, Role.TOTAL))
    if rails and (carrier := _parallel_rails(instruments)):
        made.append((CARRIER, [*rails, *carrier], Role.OTHER))
    meters = [number for number, i in enumerate(instruments, start=1) if KINDS[i.kind].measures_supply]
    if rails and len(meters) == 1 and not wanted:
        less = [Term(term.source_id, term.signal, -term.weight) for term in rails]
        made.append((BEYOND, [Term(meters[0], None, 1.0), *less], Role.OTHER))
    made += [(each.name, _terms(instruments, each), each.role) for each in wanted]
    first = len(instruments) + 1
    return [Combination(first + k, name, terms, role) for k, (name, terms, role) in enumerate(made)]


def _total_of_rails(instruments: Sequence[Instrument]) -> list[Term]:
    """The rails whose sum is the power of the board, or none where one of them is not there."""
    board = next((i.board for i in instruments if i.board is not None), None)
    if board is None:
        return []
    where = {rail: number for number, i in enumerate(instruments, start=1) for rail in i.rails}
    return [Term(where[rail], rail, 1.0) for rail in board.total] if all(rail in where for rail in board.total) else []


def _parallel_rails(instruments: Sequence[Instrument]) -> list[Term]:
    """The rails that are fed beside the module, those of them that are there."""
    board = next((i.board for i in instruments if i.board is not None), None)
    where = {rail: number for number, i in enumerate(instruments, start=1) for rail in i.rails}
    return [Term(where[rail], rail, 1.0) for rail in board.parallel if rail in where] if board else []


def _terms(instruments: Sequence[Instrument], combination: profile.Combination) -> list[Term]:
    numbers = {instrument.name: number for number, instrument in enumerate(instruments, start=1)}
    terms = []
    for weight, names in ((1.0, combination.plus), (-1.0, combination.minus)):
        for name in names:
            source, _, signal = name.partition("/")
            if source not in numbers:
                raise ProfileError(
                    f"The combination {combination.name} names a source {source} that the profile does not have; "
                    f"there are: {', '.join(numbers)}."
                )
            terms.append(Term(numbers[source], signal or None, weight))
    return terms
