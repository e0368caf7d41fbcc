# SPDX-License-Identifier: Apache-2.0
"""Asking on the terminal whether a profile may run code."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from monitor_app.bench import trust

if TYPE_CHECKING:
    from monitor_app.core.profile import Profile


def allowance(profile: Profile, text: str, name: str, *, trusted: bool) -> str:
    """As `trust.allowance`; where somebody sits at the terminal, they are asked. Raises ProfileError."""
    return trust.allowance(profile, text, name, trusted=trusted, ask=_ask if _somebody() else None)


def _somebody() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _ask(question: str) -> bool:
    return typer.confirm(question, err=True)
