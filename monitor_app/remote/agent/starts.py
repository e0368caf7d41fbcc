# SPDX-License-Identifier: Apache-2.0
"""The command lines of the children that are known, and what may be set in their environment."""

import errno
import os
import re
import shutil
from typing import Dict, List, Optional

from .cache import Cache
from .refused import Question, RefusedError, text_of, texts_of

MODULES = {
    "inference": "monitor_app.inference.child",
    "replay": "monitor_app.inference.replay_child",
    "jtop": "monitor_app.sources.jtop.child",
    "program": "monitor_app.program.child",
}
"""What is run where there is no bundle: on a board where this program is installed."""
RUN_NETWORKS = ("inference", "replay", "program")
"""Of these there is at most one at a time: what is measured runs alone."""
GPIO = "gpio"
_PYTHON = re.compile(r"(?:pypy|python)[0-9.]*")
_VARIABLE = re.compile(r"(?:MALLOC_|CUDA_|OMP_|OPENBLAS_|PYTHON)[A-Z0-9_]*|LD_LIBRARY_PATH|PATH")


def command_of(question: Question, cache: Cache) -> List[str]:
    """The command line of a `start`. Raises RefusedError."""
    kind, arguments = text_of(question, "child"), texts_of(question, "arguments")
    bundle = question.get("bundle")
    if kind != GPIO and kind not in MODULES:
        raise RefusedError("The agent does not start {!r}.".format(kind[:40]), errno.EPERM)
    python = _python(text_of(question, "python"), environment_of(question))
    if kind == GPIO:
        return [python, "-c", _pin_source(), *arguments]
    if bundle is None:
        return [python, "-m", MODULES[kind], *arguments]
    return [python, cache.bundle(text_of(question, "bundle")), kind, *arguments]


def environment_of(question: Question) -> Dict[str, str]:
    """The environment of a `start`: the agent's with what the question sets. Raises RefusedError."""
    given = question.get("environment", {})
    if not isinstance(given, dict):
        raise RefusedError("The environment of a child is texts by name.", errno.EINVAL)
    for name, value in given.items():
        if not _VARIABLE.fullmatch(name) or not isinstance(value, str) or "\0" in value:
            raise RefusedError("The agent does not set {} for a child.".format(name[:40]), errno.EPERM)
    return dict(os.environ, **given)


def _python(name: str, environment: Dict[str, str]) -> str:
    """The path of an interpreter that is given by path or name."""
    path: Optional[str] = os.path.expanduser(name)
    if not _PYTHON.fullmatch(os.path.basename(name)):
        raise RefusedError("{} is not the name of a Python interpreter.".format(name[:200]), errno.EPERM)
    if "/" not in name:
        path = shutil.which(name, path=environment.get("PATH"))
    if path is None or not os.path.isabs(path):
        raise RefusedError("There is no {} on the board: give the path of a Python there.".format(name), errno.ENOENT)
    return path


def _pin_source() -> str:
    """The source of the module beside this one, wherever it was loaded from."""
    from . import pin

    source = pin.__spec__.loader.get_source(pin.__name__) if pin.__spec__ and pin.__spec__.loader else None  # type: ignore[attr-defined]
    assert isinstance(source, str)
    return source
