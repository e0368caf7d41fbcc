# SPDX-License-Identifier: Apache-2.0
"""A profile that is written is read back as the same profile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor_app.core.files.package_data import profile_files
from monitor_app.core.profile import Require
from monitor_app.core.samples import Role
from monitor_app.sources.profile_reader import load_profile, parse_profile
from monitor_app.sources.profile_writer import profile_text

if TYPE_CHECKING:
    from pathlib import Path

BENCHES = [path for path in profile_files() if path.parent.name != "boards"]


@pytest.mark.parametrize("path", BENCHES, ids=lambda path: path.stem)
def test_every_profile_of_the_program_survives(path: Path) -> None:
    profile = load_profile(path)
    text = profile_text(profile)
    again = parse_profile(text, "again")
    assert again == profile
    assert [each.model_fields_set for each in again.source] == [each.model_fields_set for each in profile.source]
    assert profile_text(again) == text
    assert max(map(len, text.splitlines())) <= 120


@settings(max_examples=50, deadline=None)
@given(
    title=st.text(st.characters(exclude_categories=("Cs",))),
    role=st.text(st.characters(exclude_categories=("Cs",))),
    seconds=st.floats(1e-9, 1e9),
)
def test_whatever_is_typed_survives(title: str, role: str, seconds: float) -> None:
    start = parse_profile('title = "t"\n[[source]]\nkind = "shunt"\n[plan]\nnetworks = ["resnet18"]\n', "start")
    source = start.source[0].model_copy(update={"roles": {role: Role.TOTAL}})
    protocol = start.protocol.model_copy(update={"timed_s": seconds})
    profile = start.model_copy(update={"title": title, "source": (source,), "protocol": protocol})
    again = parse_profile(profile_text(profile), "again")
    assert (again.title, again.protocol.timed_s) == (title, seconds)
    assert again.source[0].roles == {role: Role.TOTAL}  # type: ignore[attr-defined]


LIMIT = st.none() | st.floats(1e-9, 1e9)


@settings(max_examples=50, deadline=None)
@given(
    deadline_ms=st.floats(1e-9, 1e9),
    ratio=st.none() | st.floats(1e-12, 1, exclude_max=True),
    top1=st.none() | st.floats(1e-9, 100, exclude_max=True),
    others=st.tuples(LIMIT, LIMIT, LIMIT),
)
def test_what_is_required_survives(
    deadline_ms: float, ratio: float | None, top1: float | None, others: tuple[float | None, ...]
) -> None:
    values = (deadline_ms, ratio, *others, top1)
    given_values = {name: value for name, value in zip(Require.model_fields, values, strict=True) if value is not None}
    start = parse_profile('title = "t"\n', "start")
    profile = start.model_copy(update={"require": Require(**given_values)})
    assert parse_profile(profile_text(profile), "again").require == profile.require
