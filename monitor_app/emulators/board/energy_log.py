# SPDX-License-Identifier: Apache-2.0
"""The energy log of a simulated board: the energy that it really drew, as ground truth for a recording."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.core.errors import SourceError

if TYPE_CHECKING:
    from typing import TextIO

    from monitor_app.emulators.board.sampler import Taken


class EnergyLog:
    """Sums over the samples since START, those the device had to drop included, written as JSON lines.

    `{"sample": after the last, "first_sample": the first, "energy_j": ..., "seconds": ..., "busy_s": ...}`

    Args:
        path: a file to append to, or None to write nothing.
        rate_hz: true sample rate in host time.

    Raises:
        SourceError: the file cannot be written.
    """

    def __init__(self, path: str | os.PathLike[str] | None, rate_hz: float) -> None:
        self._rate_hz = rate_hz
        self._path = path
        try:
            self._file = None if path is None else _appended(path)
        except OSError as error:
            raise self._cannot(error) from error
        self.restart(0)

    def restart(self, sample: int) -> None:
        """Count from `sample` on."""
        self._first = self._sample = self._written = sample
        self._energy_j = 0.0
        self._busy = 0

    def add(self, taken: Taken) -> None:
        """Count what was taken, and write a line if the last one is a second old."""
        self._sample = taken.first + len(taken)
        self._energy_j += taken.energy_j
        self._busy += int(np.count_nonzero(taken.busy))
        if self._sample - self._written >= self._rate_hz:
            self.write()

    def write(self) -> None:
        """Write a line now."""
        self._written = self._sample
        if self._file is None:
            return
        line = {
            "sample": self._sample,
            "first_sample": self._first,
            "energy_j": self._energy_j,
            "seconds": (self._sample - self._first) / self._rate_hz,
            "busy_s": self._busy / self._rate_hz,
        }
        try:
            self._file.write(json.dumps(line) + "\n")
        except OSError as error:
            with suppress(OSError):
                self._file.close()
            self._file = None
            raise self._cannot(error) from error

    def close(self) -> None:
        """Write the last line; twice is fine."""
        self.write()
        if self._file is not None:
            self._file.close()
            self._file = None

    def _cannot(self, error: OSError) -> SourceError:
        return SourceError(
            f"The energy log {self._path} cannot be written ({error.strerror}); choose another path with --energy-log."
        )


def _appended(path: str | os.PathLike[str]) -> TextIO:
    """Never through a link: a profile may have named it."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    return open(descriptor, "a", encoding="utf-8", buffering=1)
