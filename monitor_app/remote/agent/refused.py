# SPDX-License-Identifier: Apache-2.0
"""A question that is not carried out, and the checks of what a question contains."""

from typing import Any, Dict, List, Optional

Question = Dict[str, Any]


class RefusedError(Exception):
    """Answered by `failed`.

    Args:
        message: one sentence for the user.
        number: of the error of the system, where there is one.
    """

    def __init__(self, message: str, number: "Optional[int]" = None) -> None:
        super().__init__(message)
        self.message = message
        self.number = number


def text_of(question: Question, name: str) -> str:
    """A field that has to be a text."""
    value = question.get(name)
    if not isinstance(value, str) or "\0" in value:
        raise _wrong(question, name, "a text")
    return value


def texts_of(question: Question, name: str) -> List[str]:
    """A field that has to be a list of texts."""
    value = question.get(name)
    if not isinstance(value, list) or not all(isinstance(each, str) and "\0" not in each for each in value):
        raise _wrong(question, name, "a list of texts")
    return value


def number_of(question: Question, name: str) -> int:
    """A field that has to be a whole number."""
    value = question.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise _wrong(question, name, "a whole number")
    return value


def seconds_of(question: Question, name: str, least: float, most: float) -> float:
    """A field that has to be a time in seconds within limits."""
    value = question.get(name)
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not least <= value <= most:
        raise _wrong(question, name, "a number from {:g} to {:g}".format(least, most))
    return float(value)


def _wrong(question: Question, name: str, wanted: str) -> RefusedError:
    return RefusedError(
        "The board was sent the question {!r} without {} as {}: use one version of the program.".format(
            str(question.get("type"))[:40], wanted, name
        )
    )
