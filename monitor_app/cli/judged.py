# SPDX-License-Identifier: Apache-2.0
"""Exit codes that are verdicts, apart from those of a command line that is wrong."""

from __future__ import annotations

COULD_NOT = 3
"""Nothing was judged: a wrong command line, a file that is no session, no requirement."""


class Judged(BaseException):
    """The end of a command whose exit code is a verdict: 0 PASS, 1 FAIL, 2 INCONCLUSIVE.

    The parser of the command line ends with 2 as well, for wrong usage; so a verdict does not go through it.
    """

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def code_of(arguments: list[str], code: int) -> int:
    """The exit code of a command line that ended with ``code`` and without a verdict."""
    if arguments[:1] == ["check"]:
        return COULD_NOT if code in {1, 2} else code
    # A run that failed is 1 there, as it is without --require.
    return COULD_NOT if arguments[:1] == ["record"] and "--require" in arguments and code == 2 else code
