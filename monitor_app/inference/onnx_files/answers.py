# SPDX-License-Identifier: Apache-2.0
"""The process that makes or reads an ONNX file for another one: a request as its argument, an answer as a line."""

from __future__ import annotations

import json
import os
import sys
import traceback
from typing import TYPE_CHECKING, Any, NoReturn

from monitor_app.core.errors import MonitorError, first_line
from monitor_app.core.parent_death import end_with_parent

if TYPE_CHECKING:
    from collections.abc import Callable


def answer_with(work: Callable[..., dict[str, Any]], failed: str) -> NoReturn:
    """Do what the argument of this process asks for, print the answer, and end.

    Args:
        work: takes the request by its names and returns the answer. Raises MonitorError with a sentence.
        failed: a sentence for whatever else it raises, with {} for what that says.
    """
    request = json.loads(sys.argv[1])
    if not end_with_parent(request.pop("parent")):
        sys.exit(1)
    stdout = os.dup(1)
    # What the libraries print is no answer
    os.dup2(2, 1)
    try:
        answer = work(**request)
    except MonitorError as error:
        answer = {"error": str(error)}
    # The edge of the process: a converter raises what it likes
    except Exception as error:  # noqa: BLE001
        traceback.print_exc()
        answer = {"error": failed.format(first_line(error))}
    with open(stdout, "w", encoding="utf-8") as file:
        file.write(json.dumps(answer) + "\n")
    # The shutdown of torch takes long and may hang
    sys.stderr.flush()
    os._exit(1 if "error" in answer else 0)
