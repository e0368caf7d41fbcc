# SPDX-License-Identifier: Apache-2.0
"""An instrument that obeys SCPI commands one after another and takes its time for each.

Nothing here reads a clock or touches a line: `receive` takes bytes in, the send queue holds what goes out.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor_app.emulators.scpi.language import ScpiError, compile_header, parse

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterator

    from monitor_app.emulators.runtime.send_queue import SendQueue
    from monitor_app.emulators.scpi.language import Unit

    Answer = str | bytes | None

MS = 1_000_000
QUICK_NS = 10 * MS
MAX_ERRORS = 20
_MAX_INPUT = 4_096
_DEVICE_CLEAR = b"\x03"


@dataclass(frozen=True, slots=True)
class Call:
    """A command being obeyed."""

    arguments: tuple[str, ...]
    suffix: int
    """The number in the header, 1 where there is none."""
    begun_ns: int
    now_ns: int
    """When what it takes was over."""


@dataclass(frozen=True, slots=True)
class _Command:
    header: re.Pattern[str]
    arguments: range
    act: Callable[[Call], Answer]
    takes_ns: Callable[[], int]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A command that can be obeyed."""

    takes_ns: int
    arguments: tuple[str, ...]
    suffix: int
    act: Callable[[Call], Answer]

    def obey(self, begun_ns: int, now_ns: int) -> Answer:
        """The answer of a query, None of others. Raises ScpiError."""
        return self.act(Call(self.arguments, self.suffix, begun_ns, now_ns))


class Instrument:
    """What it can do: commands are added by those who know an instrument; the common ones are here.

    Args:
        identity: the answer to `*IDN?`.
    """

    def __init__(self, identity: str) -> None:
        self._commands: list[_Command] = []
        self._errors: deque[tuple[int, str]] = deque()
        self._remembered: dict[tuple[str, int], str] = {}
        self.add("*IDN?", lambda _: identity)
        self.add("*RST", lambda _: self._reset())
        self.add("*CLS", lambda _: self._errors.clear())
        self.add("*OPC", lambda _: None)
        self.add("*OPC?", lambda _: "1")
        self.add("*WAI", lambda _: None)
        self.add("*TST?", lambda _: "+0")
        self.add("*ESR?", lambda _: "+0")
        self.add("*STB?", lambda _: "+0")
        self.add("SYSTem:ERRor[:NEXT]?", lambda _: self._next_error())

    def add(
        self,
        form: str,
        act: Callable[[Call], Answer],
        arguments: range | int = 0,
        takes_ns: Callable[[], int] | int = QUICK_NS,
    ) -> None:
        """A command as the manual writes its header, and how many arguments it has."""
        counts = range(arguments, arguments + 1) if isinstance(arguments, int) else arguments
        takes = (lambda: takes_ns) if isinstance(takes_ns, int) else takes_ns
        self._commands.append(_Command(compile_header(form), counts, act, takes))

    def remember(self, form: str, usual: str) -> None:
        """A setting that changes nothing that can be seen here: a query answers what was set last."""

        def write(call: Call) -> None:
            self._remembered[form, call.suffix] = ",".join(call.arguments).upper()

        self.add(form, write, range(1, 3))
        self.add(f"{form}?", lambda call: self._remembered.get((form, call.suffix), usual))

    def power_up(self, host_ns: int) -> None:
        """Begin as after power-up."""
        self._errors.clear()
        self._reset()

    def _reset(self) -> None:
        self._remembered.clear()
        self.preset()

    def preset(self) -> None:
        """`*RST`."""
        raise NotImplementedError

    def allows(self, unit: Unit) -> None:
        """Raise ScpiError where a command may not be given now."""

    def look(self, host_ns: int) -> None:
        """Follow the board."""

    def due_ns(self) -> int | None:
        """When to call `look` next."""
        return None

    def fail(self, error: ScpiError) -> None:
        """Put an error into the queue."""
        if len(self._errors) == MAX_ERRORS:
            self._errors[-1] = (-350, "Too many errors")
        else:
            self._errors.append((error.number, error.text))

    def prepare(self, unit: Unit) -> Prepared:
        """How to obey a command. Raises ScpiError where it cannot be obeyed."""
        for command in self._commands:
            match = command.header.fullmatch(unit.header)
            if match is None:
                continue
            if len(unit.arguments) not in command.arguments:
                missing = len(unit.arguments) < command.arguments.start
                raise ScpiError(*((-109, "Missing parameter") if missing else (-108, "Parameter not allowed")))
            self.allows(unit)
            suffix = int(next((group for group in match.groups() if group), "1"))
            return Prepared(command.takes_ns(), unit.arguments, suffix, command.act)
        raise ScpiError(-113, "Undefined header")

    def _next_error(self) -> str:
        number, text = self._errors.popleft() if self._errors else (0, "No error")
        return f'{number:+d},"{text}"'


class ScpiDevice:
    """Reads messages, lets the instrument obey them in order, and sends the answers of each in one line.

    Args:
        instrument: what obeys.
        queue: takes what the device sends.
        ending: of answers.
    """

    def __init__(self, instrument: Instrument, queue: SendQueue, ending: bytes) -> None:
        self._instrument = instrument
        self._queue = queue
        self._ending = ending
        self._input = b""
        self._messages: deque[str] = deque()
        self._task: Iterator[int] | None = None
        self._wake_ns = 0
        self._now_ns = 0

    def receive(self, chunk: bytes, host_ns: int) -> None:
        """Take the messages that end in `chunk`, whose last byte was read at `host_ns`."""
        if _DEVICE_CLEAR in chunk:
            self.forget()
            chunk = chunk[chunk.rfind(_DEVICE_CLEAR) + 1 :]
        *messages, rest = (self._input + chunk).split(b"\n")
        self._input = rest[:_MAX_INPUT]
        self._messages += [message.decode("ascii", errors="replace").strip() for message in messages]
        self._run(host_ns)

    def tick(self, host_ns: int) -> None:
        """Continue the commands that take time."""
        self._instrument.look(host_ns)
        self._run(host_ns)

    def due_ns(self) -> int | None:
        """When something is finished."""
        dues = [self._instrument.due_ns(), self._wake_ns if self._task is not None else None]
        return min((due for due in dues if due is not None), default=None)

    def reset(self, host_ns: int) -> None:
        """Begin again as after power-up."""
        self.forget()
        self._instrument.power_up(host_ns)

    def forget(self) -> None:
        """Give up what is being done and what is still to be done."""
        self._input = b""
        self._messages.clear()
        self._task = None

    def _run(self, host_ns: int) -> None:
        while self._task is not None or self._messages:
            if self._task is None:
                self._now_ns = host_ns
                self._task = self._message(self._messages.popleft())
            elif self._wake_ns > host_ns:
                return
            else:
                self._now_ns = self._wake_ns
            wake_ns = next(self._task, None)
            if wake_ns is None:
                self._task = None
            else:
                self._wake_ns = wake_ns

    def _message(self, message: str) -> Iterator[int]:
        """The times it waits for."""
        answers: list[bytes] = []
        try:
            for unit in parse(message):
                prepared = self._instrument.prepare(unit)
                begun_ns = self._now_ns
                yield begun_ns + prepared.takes_ns
                answer = prepared.obey(begun_ns, self._now_ns)
                if answer is not None:
                    answers.append(answer.encode() if isinstance(answer, str) else answer)
        except ScpiError as error:
            self._instrument.fail(error)
        if answers:
            self._queue.put(b";".join(answers) + self._ending)
