# SPDX-License-Identifier: Apache-2.0
"""What would be done on each board of a lab, and what is missing; nothing is changed by looking."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor_app.bench.acquisition.trial import try_source
from monitor_app.bench.board.doctor import Verdict
from monitor_app.bench.examination import examination
from monitor_app.core.errors import MonitorError
from monitor_app.core.samples import BOARD_KINDS
from monitor_app.fleet.progress import progress_of
from monitor_app.inference.process import require_device
from monitor_app.session.writer_lock import is_written

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from monitor_app.core.profile import Board as BoardOverSsh
    from monitor_app.core.source_specs import SourceSpec
    from monitor_app.fleet.lab import Board
    from monitor_app.fleet.progress import Progress


@dataclass(frozen=True, slots=True)
class Readiness:
    """Of one board."""

    board: Board
    progress: Progress | None
    """None where its session cannot be read."""
    found: tuple[str, ...]
    """What its instruments sent, one sentence each."""
    missing: tuple[str, ...]
    """What keeps it from being recorded, one sentence each."""

    @property
    def ready(self) -> bool:
        """Nothing is missing, or nothing is left to be done."""
        return not self.missing


def readiness(boards: Sequence[Board], folder: Path) -> list[Readiness]:
    """Of each board; real instruments are opened for a moment, one after another."""
    shared = _shared(boards)
    return [_of_board(board, folder, shared.get(board.name, ())) for board in boards]


def _of_board(board: Board, folder: Path, shared: Sequence[str]) -> Readiness:
    session = board.session(folder)
    try:
        progress = progress_of(board.profile, session)
    except MonitorError as error:
        return Readiness(board, None, (), (str(error),))
    if not progress.left:
        return Readiness(board, progress, (), ())
    if is_written(session):
        return Readiness(board, progress, (), (f"{session} is being recorded by another process.",))
    found, missing = [], list(shared)
    try:
        if board.profile.board is None:
            require_device(board.profile.inference.device)
        else:
            missing += _what_a_board_lacks(board.profile.board, board.profile.inference.device)
    except MonitorError as error:
        missing.append(str(error))
    for spec in board.profile.source:
        if _is_there_anyway(spec) or (board.host and spec.kind in BOARD_KINDS):
            continue
        try:
            found += [f"{spec.name}: {trial.sentence}" for trial in try_source(spec)]
        except MonitorError as error:
            missing.append(str(error))
    return Readiness(board, progress, tuple(found), tuple(missing))


def _what_a_board_lacks(board: BoardOverSsh, device: str) -> list[str]:
    """Why a board elsewhere cannot be measured now, one sentence each. Raises BoardError where it is out of reach."""
    with examination(board, lambda _: None, lambda: False) as examined:
        return [each.text for each in examined.examine(device) if each.verdict is Verdict.NOT_READY]


def _is_there_anyway(spec: SourceSpec) -> bool:
    """Emulated, or played from a file."""
    return any(getattr(spec, key, None) is not None for key in ("emulate", "replay"))


def _shared(boards: Sequence[Board]) -> dict[str, list[str]]:
    """Boards that would take each other's meter: each opens its port for itself alone."""
    meters = [
        (board.name, spec.name, (spec.kind, spec.port, getattr(spec, "serial_number", None)))
        for board in boards
        for spec in board.profile.source
        if hasattr(spec, "port") and not _is_there_anyway(spec)
    ]
    count = Counter(key for *_, key in meters)
    problems: dict[str, list[str]] = {}
    for board, source, key in meters:
        others = sorted({other for other, _, same in meters if same == key and other != board})
        if count[key] > 1 and others:
            problems.setdefault(board, []).append(
                f"{source} may be the same meter as that of {', '.join(others)}: give each board the serial_number or "
                f"the port of its own, in [board.source.{source}]."
            )
    return problems
