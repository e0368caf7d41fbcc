# SPDX-License-Identifier: Apache-2.0
"""A thread that answers, one after the other, questions that may take long."""

import queue
import threading
from typing import Any, Callable, Dict

from .lines import Outbox
from .refused import Question, RefusedError

Answer = Dict[str, Any]


class Worker:
    """Questions in their order; the main loop goes on meanwhile."""

    def __init__(self, outbox: Outbox, name: str) -> None:
        self._outbox = outbox
        self._tasks: "queue.Queue[Any]" = queue.Queue()
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def answer(self, question: Question, how: "Callable[[Question], Answer]") -> None:
        """Have it answered."""
        self._tasks.put((question, how))

    def _run(self) -> None:
        while True:
            answer(self._outbox, *self._tasks.get())


def answer(outbox: Outbox, question: Question, how: "Callable[[Question], Answer]") -> None:
    """Answer a question by what `how` returns, or by `failed`."""
    number = question.get("id")
    try:
        outbox.send(dict(how(question), id=number))
    except RefusedError as error:
        outbox.send({"type": "failed", "id": number, "message": error.message, "errno": error.number})
    except OSError as error:
        message = "The board answered: {}.".format(error.strerror or error)
        outbox.send({"type": "failed", "id": number, "message": message, "errno": error.errno})
    except Exception as error:  # noqa: BLE001 - one question must not end the agent, which has children to look after
        message = "The agent met an error in this program ({}: {}).".format(type(error).__name__, error)
        outbox.send({"type": "failed", "id": number, "message": message, "errno": None})
