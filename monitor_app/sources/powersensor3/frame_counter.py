# SPDX-License-Identifier: Apache-2.0
"""Which frame of a PowerSensor3 is which: frames that carry no number are counted, lost ones too.

A frame that follows the one before at a distance of one period, without a byte between, is the next one. Anything
else is a doubt: the stamps count modulo 1024 us only, and a gap of 41 frames looks like none to within 2 us. So
from a doubt on, frames are held until the device has been asked for its count of conversions. That settles it
exactly: the stamps give the length of the gap up to multiples of 1024 us, and the count says how many of these.
A device that gives no count is judged by the host's clock: how much later than before do its frames arrive?

The last frame is held until the next has arrived: where that one shows a gap and no byte between, bytes may have
been lost so that the beginning of one frame was joined to the end of another, and the joint is discarded.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.sources.powersensor3.decoder import SENSORS, STAMP_US, Frames

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

TOLERANCE_US = 12.0
"""Half of the least difference of two gaps that the stamps can resolve; the stamps jitter by a few us."""
KNOWN_PERIODS_US = (50.0, 1200 / 21)
"""1200 cycles of the converter a frame, at the 24 MHz of an STM32F411 and the 21 MHz of an STM32F401."""
SNAP = 2e-3
COUNT_MODULUS = 2**32 // SENSORS
"""The device counts every conversion of a sensor in 32 bits."""
HOLD_NS = 300_000_000
"""A doubt that the device has not settled by then is settled by the host's clock."""
MOST_DOUBTS = 1000
"""As many at once are settled whenever they came up."""
SLACK_US = 500_000
"""An answer that makes frames arrive earlier than this before their time is none."""
STRIKES = 2
GUESSED_TURNS = 200
"""The host's clock may be wrong by this many turns of the stamps, 0.2 s."""
LATENESS_READS = 64


@dataclass(frozen=True, slots=True)
class FramePosition:
    """Of one frame."""

    index: int
    elapsed_us: int
    """Device time since the first frame; a multiple of 1024 us may be missing at every doubt."""
    seen_ns: int


@dataclass(slots=True)
class Batch:
    """Frames as they came, and what is known of each."""

    frames: Frames
    seen_ns: NDArray[np.int64]
    answers: dict[int, int]
    """The device's count as reported just before frame k."""

    def __add__(self, other: Batch) -> Batch:
        a, b = self.frames, other.frames
        frames = Frames(
            np.concatenate((a.levels, b.levels)),
            np.concatenate((a.stamps, b.stamps)),
            np.concatenate((a.marked, b.marked)),
            np.concatenate((a.skipped, b.skipped)),
        )
        answers = self.answers | {k + len(a): answer for k, answer in other.answers.items()}
        return Batch(frames, np.concatenate((self.seen_ns, other.seen_ns)), answers)

    def part(self, start: int, stop: int) -> Batch:
        f, cut = self.frames, slice(start, stop)
        frames = Frames(f.levels[cut], f.stamps[cut], f.marked[cut], f.skipped[cut])
        answers = {k - start: answer for k, answer in self.answers.items() if start <= k < stop}
        return Batch(frames, self.seen_ns[cut], answers)


@dataclass(frozen=True, slots=True)
class Piece:
    """Frames in a row, held or about to be released."""

    first: FramePosition
    last: FramePosition
    levels: NDArray[np.uint16]
    marks: tuple[tuple[int, int], ...]
    """(offset, seen_ns)"""
    doubtful: bool


@dataclass(frozen=True, slots=True)
class FrameIndex:
    """Of the frames of a batch."""

    index: NDArray[np.int64]
    elapsed_us: NDArray[np.int64]
    doubtful: NDArray[np.bool_]
    """More may be missing before it than the stamps say."""
    after_joint: NDArray[np.bool_]
    """The frame before it may be made of two."""

    def of(self, k: int, batch: Batch) -> FramePosition:
        return FramePosition(int(self.index[k]), int(self.elapsed_us[k]), int(batch.seen_ns[k]))

    def pieces(self, n: int, answers: Mapping[int, int]) -> list[tuple[int, int]]:
        """[start, stop) of frames in a row among the first n, cut where an answer came too."""
        cuts = sorted({0, n, *np.flatnonzero(self.doubtful[:n]).tolist(), *(k for k in answers if k < n)})
        return list(pairwise(cuts))


def frame_period_us(stamps: NDArray[np.uint16]) -> float | None:
    """Device time from frame to frame, from stamps of frames most of which follow each other; None if there is none."""
    wide = stamps.astype(np.int64)
    steps = (wide[1:] - wide[:-1]) % STAMP_US
    if not len(steps) or (middle := float(np.median(steps))) <= 2 * TOLERANCE_US:
        return None
    period_us = float(steps[np.abs(steps - middle) <= TOLERANCE_US].mean())
    return next((known for known in KNOWN_PERIODS_US if abs(period_us / known - 1) < SNAP), period_us)


@dataclass(frozen=True, slots=True)
class Run:
    """Frames in a row, their indices known."""

    first_index: int
    lost_before: int
    levels: NDArray[np.uint16]
    """Shape (n, 8)."""
    arrival_ns: int
    """When the last of them had been read."""
    marks: tuple[tuple[int, int], ...]
    """(index, arrival_ns) of those that carry a marker."""


class FrameCounter:
    """Counts the frames of one connection from 0, the first that came. It looks at no clock itself."""

    def __init__(self, period_us: float) -> None:
        self.was_reset = False
        """The device restarted its count."""
        self._period_us = period_us
        self._waiting: Batch | None = None
        """The last frame that came."""
        self._newest = FramePosition(-1, 0, 0)
        """The last frame placed: as few lost as the stamps allow; see _settled."""
        self._stamp: int | None = None
        """Of the newest."""
        self._settled = 0
        """Frames lost beyond those: to be added to every index."""
        self._sure: FramePosition | None = None
        """The last frame released, settled."""
        self._held: list[Piece] = []
        self._doubts = 0
        """Among those held. A stamp that was changed on the line can make frames seem a turn too far apart."""
        self._doubt_ns = 0
        """When the last of them came up."""
        self._base: int | None = None
        """The device's count of frames when our first was about to come."""
        self._strikes = 0
        self._guessed = False
        """The host's clock has settled a doubt since the device's last answer."""
        self._lateness_us: deque[float] = deque(maxlen=LATENESS_READS)
        """Of the ends of the reads before any doubt."""
        self._held_lateness_us: list[float] = []
        """Of those since the last."""

    @property
    def wants_count(self) -> bool:
        """Ask the device: frames are held, or it was never asked, or its last answer made no sense."""
        return self._doubts > 0 or self._base is None or self._strikes > 0

    def add(self, frames: Frames, answers: Mapping[int, int], arrival_ns: int) -> list[Run]:
        """Frames that were read, and the device's counts by the frame before which they came; the runs now sure."""
        runs: list[Run] = []
        if len(frames):
            batch = Batch(frames, np.full(len(frames), arrival_ns, np.int64), dict(answers))
            if self._waiting is None:
                self._lateness_us.append(arrival_ns * 1e-3)
            else:
                batch = self._waiting + batch
            n = len(batch.frames) - 1
            frame_index = self._placed(batch)
            for start, stop in frame_index.pieces(n, batch.answers):
                if start in batch.answers:
                    runs += self._settle(batch.answers[start], arrival_ns)
                if frame_index.doubtful[start]:
                    self._doubts += 1
                    self._doubt_ns = arrival_ns
                    self._held_lateness_us.clear()
                self._hold(batch, frame_index, start, stop)
                if not self._doubts:
                    runs += self._release()
            self._waiting = batch.part(n, n + 1)
            self._note_lateness()
        if self._doubts and (arrival_ns - self._doubt_ns > HOLD_NS or self._doubts > MOST_DOUBTS):
            runs += self._settle_by_host()
        return runs

    def check(self, answer: int) -> None:
        """An answer while no frames come: a count below our own is that of a device that was reset."""
        if self._base is not None and self._ahead(answer) * self._period_us < -STAMP_US:
            self.was_reset = True

    # -- placing -----------------------------------------------------------------------------------

    def _placed(self, batch: Batch) -> FrameIndex:
        stamps = batch.frames.stamps.astype(np.int64)
        first_ever = self._stamp is None
        steps_us = np.diff(stamps, prepend=stamps[0] if self._stamp is None else self._stamp) % STAMP_US
        # Two frames less than half a period apart are one turn of the stamps further apart than they look.
        steps_us[np.rint(steps_us / self._period_us) < 1] += STAMP_US
        periods = np.rint(steps_us / self._period_us).astype(np.int64)
        if first_ever:
            steps_us[0], periods[0] = 0, 1
        uneven = (periods != 1) | (np.abs(steps_us - periods * self._period_us) > TOLERANCE_US)
        broken = batch.frames.skipped > 0
        broken[list(batch.answers)] = False
        if first_ever:
            uneven[0] = broken[0] = False
        return FrameIndex(
            self._newest.index + np.cumsum(periods),
            self._newest.elapsed_us + np.cumsum(steps_us),
            doubtful=uneven | broken,
            after_joint=uneven & ~broken,
        )

    def _hold(self, batch: Batch, frame_index: FrameIndex, start: int, stop: int) -> None:
        """Frames [start, stop), without the last of them if it may be a joint or no neighbour confirms its stamp."""
        doubtful = bool(frame_index.doubtful[start])
        self._newest = frame_index.of(stop - 1, batch)
        self._stamp = int(batch.frames.stamps[stop - 1])
        alone = doubtful and stop == start + 1 and frame_index.doubtful[stop]
        if frame_index.after_joint[stop] or alone:
            stop -= 1
        if stop > start:
            marked = np.flatnonzero(batch.frames.marked[start:stop])
            marks = tuple((int(k), int(batch.seen_ns[start + k])) for k in marked)
            first, last = frame_index.of(start, batch), frame_index.of(stop - 1, batch)
            self._held.append(Piece(first, last, batch.frames.levels[start:stop], marks, doubtful))

    def _release(self) -> list[Run]:
        """All that is held, with what is settled."""
        self._doubts = 0
        runs: list[Run] = []
        for piece in self._held:
            expected = 0 if self._sure is None else self._sure.index + 1
            # Rounded one by one and together, lengths of gaps may differ by one.
            self._settled = max(self._settled, expected - piece.first.index)
            first = piece.first.index + self._settled
            marks = tuple((first + offset, seen_ns) for offset, seen_ns in piece.marks)
            runs.append(Run(first, first - expected, piece.levels, piece.last.seen_ns, marks))
            self._sure = replace(piece.last, index=piece.last.index + self._settled)
        self._held = []
        return runs

    # -- settling ----------------------------------------------------------------------------------

    def _settle(self, answer: int, arrival_ns: int) -> list[Run]:
        """The device's count, reported just after the newest frame."""
        if self._base is None and not self._doubts:
            self._base = answer // SENSORS - (self._newest.index + self._settled + 1)
        if self._stamp is None:
            return []
        ahead = self._ahead(answer)
        earliest_us = min(self._lateness_us) - SLACK_US
        if self._lateness(arrival_ns) - ahead * self._period_us < earliest_us:
            return []  # four bytes of something else
        turns = self._turns(ahead)
        if self._guessed and -GUESSED_TURNS < turns < -self._doubts:
            # The guess was too long; indices that were given stay.
            self._base = (self._base or 0) + ahead
            turns = 0
        if turns < -self._doubts:
            # Of a device whose count at the start is not known, it says nothing.
            self._strikes += self._base is not None
            self.was_reset = self._strikes >= STRIKES
            return []
        self._strikes, self._guessed = 0, False
        # The device counts from 0 on the start command.
        self._base = self._base or 0
        self._lengthen(turns)
        return self._release()

    def _ahead(self, answer: int) -> int:
        """By how many frames the device's count is ahead of ours."""
        ours = self._newest.index + self._settled + 1
        difference = (answer // SENSORS - (self._base or 0) - ours) % COUNT_MODULUS
        return difference - COUNT_MODULUS if difference >= COUNT_MODULUS // 2 else difference

    def _turns(self, ahead: float) -> int:
        """Turns of the stamps that are missing between the last sure frame and the newest."""
        sure = self._sure or FramePosition(0, 0, 0)
        frames = self._newest.index + self._settled + ahead - sure.index
        return round((frames * self._period_us - (self._newest.elapsed_us - sure.elapsed_us)) / STAMP_US)

    def _lengthen(self, turns: int) -> None:
        """Add this many turns of the stamps.

        It is unknown which of several gaps they are in, and whether a wrong stamp made one too many; frames
        between such gaps cannot be numbered and are discarded.
        """
        gaps = [k for k, piece in enumerate(self._held) if piece.doubtful]
        if len(gaps) > 1 and (turns or self._longest_gap_us() > STAMP_US // 2):
            del self._held[: gaps[-1]]
        sure = self._sure or FramePosition(0, 0, 0)
        elapsed_us = self._newest.elapsed_us - sure.elapsed_us + turns * STAMP_US
        self._settled = sure.index + round(elapsed_us / self._period_us) - self._newest.index

    def _longest_gap_us(self) -> int:
        ends = [self._sure or self._held[0].first, *(piece.last for piece in self._held)]
        return max(piece.first.elapsed_us - end.elapsed_us for piece, end in zip(self._held, ends, strict=False))

    def _settle_by_host(self) -> list[Run]:
        """By how much later the least late of the reads since is than that of the reads before."""
        before, since = min(self._lateness_us), min(self._held_lateness_us)
        self._lengthen(max(self._turns((since - before) / self._period_us), 0))
        self._guessed = True
        return self._release()

    def _note_lateness(self) -> None:
        late_us = self._lateness(self._newest.seen_ns)
        (self._held_lateness_us if self._doubts else self._lateness_us).append(late_us)

    def _lateness(self, seen_ns: int) -> float:
        """Of the newest frame, about a moment that stays the same."""
        return seen_ns * 1e-3 - (self._newest.index + self._settled) * self._period_us
