# SPDX-License-Identifier: Apache-2.0
"""Writes samples as tables, in a process of its own beside the window: SESSION TARGET FROM_S TO_S SIGNAL_ID..."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from monitor_app.core.errors import MonitorError
from monitor_app.exports.csv import sample_files, write_samples
from monitor_app.session.reader import SessionReader

if TYPE_CHECKING:
    from types import FrameType


def main(arguments: list[str]) -> int:
    """The files written on stdout, a line each; or one sentence on stderr and exit code 1."""
    session, target, start_s, end_s, *ids = arguments
    signal.signal(signal.SIGTERM, _stop)
    wanted = {int(each) for each in ids}
    try:
        with SessionReader(Path(session)) as reader:
            signals = [each for each in reader.signals() if each.id in wanted]
            write_samples(reader, Path(target), signals, float(start_s), float(end_s))
            files = sample_files(reader, Path(target), signals)
    except MonitorError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write("".join(f"{file.path}\n" for file in files))
    return 0


def _stop(number: int, frame: FrameType | None) -> None:
    """Raise an exception, so that a file that is written in part is removed."""
    raise SystemExit(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
