# SPDX-License-Identifier: Apache-2.0
"""Differences between compared sessions that may explain their results: conditions, weights, environment."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from monitor_app.analysis.campaign.cells import Conditions
from monitor_app.analysis.compare.pairs import condition_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from monitor_app.analysis.campaign.cells import Campaign

_TITLES = {
    "device": "The device",
    "precision": "The precision",
    "threads": "The number of threads",
    "channels_last": "The layout of tensors",
    "compiled": "Compiling",
    "power_mode": "The power mode",
    "clocks": "The setting of the clocks",
    "back_end": "The back end",
    "allocator": "The allocator of memory",
    "cudnn_benchmark": "Whether cuDNN timed its algorithms",
}
_MOST_NAMED = 5
_HASH_DIGITS = 8


def differences(campaigns: Sequence[Campaign]) -> tuple[str, ...]:
    """One sentence for each property that should be the same in all sessions and is not; none for a single session.

    Conditions of the runs, then whether they were simulated, then weights of the same network, then the environment:
    libraries, drivers, clocks and power mode.
    """
    if len(campaigns) < 2:
        return ()
    names = session_names(campaigns)
    return (
        *_conditions(names, campaigns),
        *_simulated(names, campaigns),
        *_weights(names, campaigns),
        *_environment(names, campaigns),
    )


def session_names(campaigns: Sequence[Campaign]) -> tuple[str, ...]:
    """By title, or by file where titles are the same, or by number where files are the same too."""
    for found in ([each.title for each in campaigns], [each.path for each in campaigns]):
        if len(set(found)) == len(found) and all(found):
            return tuple(found)
    return tuple(f"{each.path or each.title} ({number})" for number, each in enumerate(campaigns, 1))


def _conditions(names: Sequence[str], campaigns: Sequence[Campaign]) -> Iterator[str]:
    for name in (field.name for field in fields(Conditions)):
        texts = [
            ", ".join(dict.fromkeys(condition_text(name, getattr(cell.conditions, name)) for cell in each.cells))
            for each in campaigns
        ]
        sets = [{getattr(cell.conditions, name) for cell in each.cells} for each in campaigns]
        if _differ(sets):
            yield f"{_TITLES[name]} differs: {_listed(names, texts)}."


def _simulated(names: Sequence[str], campaigns: Sequence[Campaign]) -> Iterator[str]:
    kinds = [
        (
            "Times are simulated in some and measured in others",
            [{cell.times_simulated for cell in each.cells if cell.seconds_per_image} for each in campaigns],
        ),
        (
            "Power is simulated in some and measured in others",
            [{cell.power_simulated for cell in each.cells if cell.full_w} for each in campaigns],
        ),
    ]
    for sentence, sets in kinds:
        if _differ(sets):
            texts = [" and ".join("SIMULATED" if each else "measured" for each in sorted(values)) for values in sets]
            yield f"{sentence}: {_listed(names, texts)}."


def _weights(names: Sequence[str], campaigns: Sequence[Campaign]) -> Iterator[str]:
    """One sentence per network, and one for the number of networks beyond the first few."""
    titles = {cell.network: cell.title for each in campaigns for cell in each.cells}
    found: list[str] = []
    for network, title in titles.items():
        ran = [[cell for cell in each.cells if cell.network == network] for each in campaigns]
        hashes = [{cell.weights_sha256 for cell in cells if cell.run_ids} for cells in ran]
        if _differ(hashes):
            texts = [" and ".join(sorted(map(_short, values))) for values in hashes]
            found.append(f"The weights of {title} differ: {_listed(names, texts)}.")
    yield from found[:_MOST_NAMED]
    if len(found) > _MOST_NAMED:
        more = len(found) - _MOST_NAMED
        yield f"The weights of {more} more {'network differs' if more == 1 else 'networks differ'} as well."


def _environment(names: Sequence[str], campaigns: Sequence[Campaign]) -> Iterator[str]:
    environments: list[Mapping[str, str]] = [each.environment for each in campaigns]
    for key in sorted({key for each in environments for key in each}):
        values = [each.get(key) for each in environments]
        if len(set(values)) > 1:
            texts = ["not known" if value is None else value for value in values]
            yield f"{key[0].upper()}{key[1:]} differs: {_listed(names, texts)}."


def _differ(sets: Sequence[set[object]] | Sequence[set[bool]] | Sequence[set[str | None]]) -> bool:
    """Whether any two sessions differ; sessions without a value are ignored."""
    return len({frozenset(values) for values in sets if values}) > 1


def _short(digest: str | None) -> str:
    return "random" if digest is None else digest[:_HASH_DIGITS]


def _listed(names: Sequence[str], texts: Sequence[str]) -> str:
    return ", ".join(f"{text} in {name}" for name, text in zip(names, texts, strict=True) if text)
