# SPDX-License-Identifier: Apache-2.0
"""Sessions held against requirements: those of their profiles, and those of the command line."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from rich.padding import Padding
from rich.text import Text

from monitor_app.analysis.require.judgement import Judgement, Verdict
from monitor_app.analysis.require.limits import Limits
from monitor_app.analysis.require.session import SessionVerdicts, verdicts_on, worst
from monitor_app.cli.tables import SIMULATED, console
from monitor_app.core.errors import MonitorError, ProfileError
from monitor_app.core.profile import Require
from monitor_app.session.reader import SessionReader
from monitor_app.sources.profile_reader import read_toml

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from rich.console import Console

    from monitor_app.core.estimate import Estimate

EXIT_CODES = {Verdict.PASS: 0, Verdict.FAIL: 1, Verdict.INCONCLUSIVE: 2}
_STYLES = {Verdict.PASS: "green", Verdict.FAIL: "red", Verdict.INCONCLUSIVE: "yellow"}
_WIDTH = len(Verdict.INCONCLUSIVE.value) + 2
_UNDER = (0, 0, 0, _WIDTH)


def judge_files(files: Sequence[Path], limits: Mapping[str, float | None]) -> list[SessionVerdicts]:
    """The verdicts on sessions. ``limits`` are added to those of each profile, or replace them; None leaves them.

    Raises MonitorError, also where nothing is required of any session.
    """
    found = []
    for file in files:
        with SessionReader(file) as reader:
            found.append(verdicts_on(reader, limits_of(with_limits(required_in(reader), limits))))
    if not any(each.judgements for each in found):
        raise MonitorError(
            "Nothing is required: give a limit, such as --deadline-ms 33, or write [require] into the profile."
        )
    return found


def required_in(reader: SessionReader) -> Require:
    """What the profile in a session requires. Raises ProfileError for a table that this version does not understand.

    Other tables of the profile may be of another version of the program.
    """
    name = f"The profile in {reader.path}"
    table = read_toml(reader.meta().get("profile", ""), name).get("require", {})
    try:
        return Require.model_validate(table)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(map(str, ("require", *first["loc"])))
        raise ProfileError(f"{name}: {key}: {first['msg'][0].lower()}{first['msg'][1:]}.") from error


def limits_of(require: Require) -> Limits:
    """The same, as the analysis takes it."""
    return Limits(**require.model_dump())


def with_limits(require: Require, limits: Mapping[str, float | None]) -> Require:
    """What a profile requires with the limits of a command line. Raises MonitorError for what cannot be a limit."""
    given = {name: value for name, value in limits.items() if value is not None}
    try:
        return Require.model_validate({**require.model_dump(exclude_none=True), **given})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        option = f"--{str(first['loc'][0]).replace('_', '-')}: " if first["loc"] else ""
        said = first["msg"].removeprefix("Value error, ").replace("max_miss_ratio", "--max-miss-ratio")
        raise MonitorError(f"{option}{said.replace('deadline_ms', '--deadline-ms')}.") from error


def exit_code(found: Sequence[SessionVerdicts]) -> int:
    """0: every requirement is met. 1: one is not. 2: none is known not to be, and one is inconclusive."""
    return EXIT_CODES[worst(_all(found))]


def print_verdicts(found: Sequence[SessionVerdicts]) -> None:
    """Each requirement of each network, those that are not met first, with what was found."""
    out = console()
    for each in found:
        _print_session(out, each)
    judgements = _all(found)
    counted = ((verdict, sum(each.verdict is verdict for each in judgements)) for verdict in Verdict)
    words = ", ".join(f"{count} {verdict.value}" for verdict, count in counted if count)
    plural = "s" if len(judgements) != 1 else ""
    style = f"bold {_STYLES[worst(judgements)]}"
    out.print(Text(f"{len(judgements)} requirement{plural} checked: {words}.", style=style))


def as_json(found: Sequence[SessionVerdicts]) -> dict[str, Any]:
    """As docs/requirements.md describes it."""
    return {
        "verdict": worst(_all(found)).value,
        "sessions": [
            {
                "path": each.path,
                "title": each.title,
                "simulated": each.simulated,
                "requirements": [_json(judgement) for judgement in each.judgements],
            }
            for each in found
        ],
    }


def _print_session(out: Console, found: SessionVerdicts) -> None:
    title = Text(f"{found.path}  {found.title}", style="bold")
    if found.simulated:
        title.append(f"  {SIMULATED}", style="bold red")
    out.print(title)
    if not found.judgements:
        out.print(Text("  nothing is required of this session", style="dim"))
    order = (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS)
    for judgement in sorted(found.judgements, key=lambda each: order.index(each.verdict)):
        verdict = Text(f"{judgement.verdict.value:{_WIDTH}}", style=_STYLES[judgement.verdict])
        mark = Text(f"  {SIMULATED}" if judgement.simulated else "", style="red")
        out.print(verdict + Text(f"{judgement.label}: {judgement.requirement.title}", style="bold") + mark)
        for text in filter(None, (judgement.sentence, judgement.more)):
            out.print(Padding(Text(text, style="dim", overflow="fold"), _UNDER))


def _json(judgement: Judgement) -> dict[str, Any]:
    requirement = judgement.requirement
    return {
        "requirement": requirement.kind.value,
        "title": requirement.title,
        "limit": requirement.limit,
        "deadline_s": requirement.deadline_s,
        "network": judgement.network,
        "label": judgement.label,
        "batch_size": judgement.batch_size,
        "runs": list(judgement.run_ids),
        "verdict": judgement.verdict.value,
        "value": _estimate(judgement.value),
        "sentence": judgement.sentence,
        "more": judgement.more,
        "simulated": judgement.simulated,
    }


def _estimate(value: Estimate | None) -> dict[str, float | None] | None:
    """JSON has no infinity: an end that is not known becomes null."""
    if value is None:
        return None
    ends = {"value": value.value, "low": value.low, "high": value.high}
    return {name: each if math.isfinite(each) else None for name, each in ends.items()}


def _all(found: Sequence[SessionVerdicts]) -> list[Judgement]:
    return [judgement for each in found for judgement in each.judgements]
