# SPDX-License-Identifier: Apache-2.0
"""Many sessions analysed side by side on processes of their own; what was analysed before is read again.

They are no workers of Dask: those talk over TCP, where any user of the computer could have them run code. A pool of
the standard library talks over pipes, and is there for everyone.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from typing import TYPE_CHECKING

from monitor_app.analysis.study import SessionAnalysis, Study, analyse_session, study_of
from monitor_app.core.errors import MonitorError, NotASessionError
from monitor_app.core.parent_death import end_with_parent
from monitor_app.fleet import kept

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence
    from pathlib import Path

WORTH_S = 4.0
"""Processes are started for what would take longer than this one after another: each takes a second to start."""
MOST_PROCESSES = 8


def study(files: Sequence[Path], progress: Callable[[float], None] = lambda fraction: None) -> Study:
    """As `analysis.study.study`, with results that are kept, and side by side where that is quicker.

    Raises NotASessionError, NewerSessionError.
    """
    identities = {file: kept.identity_of(file) for file in files}
    found = {file: analysis for file, identity in identities.items() if (analysis := kept.find(identity))}
    left = [file for file in identities if file not in found]
    for file, analysis in _analysed(left, progress):
        found[file] = analysis
        # A session that was resumed meanwhile is not kept as what it was before.
        if kept.identity_of(file) == identities[file]:
            kept.keep(identities[file], analysis)
    return study_of([found[file] for file in files])


def _analysed(files: Sequence[Path], progress: Callable[[float], None]) -> Iterator[tuple[Path, SessionAnalysis]]:
    """One after another, and the rest side by side as soon as the first have shown that it takes long."""
    sizes = {file: _size(file) for file in files}
    total, began_s = sum(sizes.values()), time.monotonic()
    left, alone = list(files), False
    while left:
        done = total - sum(sizes[file] for file in left)
        if not alone and _is_worth_it(len(left), done, total, time.monotonic() - began_s):
            alone = True  # after a process was killed, as when memory runs out
            with contextlib.suppress(BrokenProcessPool), contextlib.closing(_side_by_side(left)) as results:
                for file, analysis in results:
                    left.remove(file)
                    progress(1 - sum(sizes[each] for each in left) / total)
                    yield file, analysis
            continue
        file = left.pop(0)
        yield file, analyse_session(file, partial(_report, progress, done / total, sizes[file] / total))


def _report(progress: Callable[[float], None], before: float, part: float, fraction: float) -> None:
    progress(before + part * fraction)


def _size(file: Path) -> int:
    """At least 1; one that is not there is reported by whoever opens it."""
    with contextlib.suppress(OSError):
        return max(file.stat().st_size, 1)
    return 1


def _is_worth_it(files: int, done: int, total: int, elapsed_s: float) -> bool:
    """Whether the rest would take long, by how long these bytes have taken."""
    return files > 1 and _cores() > 1 and done > 0 and elapsed_s * (total - done) / done > WORTH_S


def _cores() -> int:
    return len(os.sched_getaffinity(0))


def _side_by_side(files: Sequence[Path]) -> Generator[tuple[Path, SessionAnalysis], None, None]:
    """As they are ready. Ended early, by Ctrl-C too, it ends the processes. Raises BrokenProcessPool."""
    before = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(
        min(_cores(), len(files), MOST_PROCESSES),
        multiprocessing.get_context("spawn"),
        _begin,
        (os.getpid(),),
    )
    try:
        # The largest first, so that none is left alone at the end
        futures = {pool.submit(_analyse, file): file for file in sorted(files, key=_size, reverse=True)}
        for future in as_completed(futures):
            analysis, problem = future.result()
            if analysis is None:
                raise NotASessionError(problem)
            yield futures[future], analysis
    except BaseException:
        for child in set(multiprocessing.active_children()) - before:
            child.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _begin(parent: int) -> None:
    """In each process: it ends with its parent, which alone is told of Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if not end_with_parent(parent, signal.SIGKILL):
        os._exit(1)


def _analyse(file: Path) -> tuple[SessionAnalysis | None, str]:
    """The analysis, or one sentence: not every error can be sent from process to process."""
    try:
        return analyse_session(file), ""
    except MonitorError as error:
        return None, str(error)
