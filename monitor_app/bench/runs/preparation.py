# SPDX-License-Identifier: Apache-2.0
"""What is done before the first run of a plan, and how far it is: instruments connected, power checked."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from monitor_app.bench.runs.gate import admit
from monitor_app.bench.runs.power_check import PowerCheckError, check_power, check_pulses, name_of
from monitor_app.bench.runs.progress import START_S
from monitor_app.bench.runs.pulse_delay import SETTLE_S, find_delays
from monitor_app.bench.runs.run import start_inference
from monitor_app.core.back_ends import back_end_for
from monitor_app.core.errors import BoardLostError, MonitorError
from monitor_app.core.runs import is_emulated
from monitor_app.core.status import CheckState, CheckStatus
from monitor_app.inference import messages
from monitor_app.inference.process import child_kind
from monitor_app.inference.pulses import expected_s
from monitor_app.session.reader import SessionReader

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from monitor_app.bench.acquisition.recorder import Recorder
    from monitor_app.bench.acquisition.source_set import SourceSet
    from monitor_app.bench.runs.inference_link import InferenceLink
    from monitor_app.core.profile import Profile
    from monitor_app.inference.process import ChildKind
    from monitor_app.session.rows import SignalRow

MOST_FRACTION = 0.99
"""Of a sequence that takes longer than expected, as the start of its process may."""
PULSES_S = 60.0
"""The longest that a load-step sequence may take."""

logger = logging.getLogger(__name__)


class Preparation:
    """Used from the thread that drives the runs; its status from any.

    Args:
        profile: whose plan is run.
        threads: torch threads of the work that is played.
        recorder: writes the session.
        sources: those of the bench; None looks at none.
        inference: plays the load-step sequence.
        wait: waits for this number of seconds. Raises CancelledError.
    """

    def __init__(
        self,
        profile: Profile,
        threads: int,
        recorder: Recorder,
        sources: SourceSet | None,
        inference: InferenceLink,
        wait: Callable[[float], None],
    ) -> None:
        self._profile = profile
        self._threads = threads
        self._recorder = recorder
        self._sources = sources
        self._inference = inference
        self._wait = wait
        self._status = CheckStatus()
        self._began_s, self._takes_s = 0.0, 1.0

    @property
    def status(self) -> CheckStatus:
        """A snapshot."""
        status = self._status
        if status.state is not CheckState.PLAYING:
            return status
        return replace(status, fraction=min((time.monotonic() - self._began_s) / self._takes_s, MOST_FRACTION))

    def use_threads(self, threads: int) -> None:
        """So many of torch, now that the board is known."""
        self._threads = threads

    def forget(self) -> None:
        """The plan was stopped."""
        self._status = CheckStatus()

    def refuse(self, sentence: str) -> None:
        """The plan was refused."""
        self._status = CheckStatus(CheckState.REFUSED, sentence)

    def admit(self) -> SignalRow | None:
        """The total power of the board. Raises ProfileError, InferenceError if the plan may not run, CancelledError."""
        for kind in child_kinds(self._profile):
            self._inference.require(kind)
        if self._sources is None:
            return None
        self._status = CheckStatus(CheckState.WAITING, "Waiting for the instruments of the profile.")
        plan = self._profile.plan
        without = plan is not None and plan.without_power
        return admit(self._recorder.path, self._sources, self._wait, without_power=without)

    def play_steps(self, total: SignalRow | None, *, only_check: bool) -> str:
        """Play a load-step sequence: store how late each source showed it, and check that the power follows it.

        Why that could not be done, one sentence, or nothing. Where no sequence can be played the runs will say why.

        Raises:
            PowerCheckError: the power does not follow.
            BoardLostError: the board was lost meanwhile.
            MonitorError: no sequence could be played, and only_check is set.
            CancelledError: the plan was stopped meanwhile.
        """
        aligns, checks = self._profile.sync.pulses, total is not None and self._profile.protocol.power_check
        if not aligns and not checks and not only_check:
            self._status = CheckStatus()
            return ""
        try:
            edges_ns = self._edges(total, aligns=aligns)
            if edges_ns:
                self._wait(SETTLE_S)
                if aligns:
                    self._align(edges_ns)
            found = self._check(total, edges_ns, delay_is_known=aligns) if total and checks and edges_ns else ""
        except (PowerCheckError, BoardLostError):
            raise
        except MonitorError as error:
            if only_check:
                raise
            self._inference.end()
            what = "The delays of the instruments were not found" if aligns else "The power could not be checked"
            sentence = f"{what}: {error}"
            logger.warning("%s", sentence)
            self._status = CheckStatus(CheckState.SKIPPED, sentence)
            return sentence
        self._status = CheckStatus(CheckState.PASSED, found) if found else CheckStatus()
        return ""

    def _edges(self, total: SignalRow | None, *, aligns: bool) -> list[int]:
        """Times in the file at which the load of a sequence went on and off, in turn."""
        inference = self._profile.inference
        pulses = messages.Pulses(inference.device, self._threads, seed=inference.seed)
        if total is not None and not aligns:
            pulses = check_pulses(pulses, self._recorder.path, total)
        # The time of the replay's start is too short to be seen.
        start_s = 0.0 if is_emulated(inference.device) else START_S
        self._began_s, self._takes_s = time.monotonic(), start_s + expected_s(pulses) + SETTLE_S
        self._status = CheckStatus(CheckState.PLAYING, self._intention(total))
        start_inference(self._inference, child_kinds(self._profile)[0], self._recorder)
        played = self._inference.ask(pulses, messages.Played, PULSES_S)
        return [self._recorder.file_time(edge_ns) for edge_ns in played.edges_ns]

    def _intention(self, total: SignalRow | None) -> str:
        if total is None or not self._profile.protocol.power_check:
            return "Playing load steps to find how late each instrument is."
        with SessionReader(self._recorder.path) as reader:
            name = name_of(reader, total)
        return (
            f"Playing load steps to see that {name} follows the work and is back at idle within "
            f"settle_s = {self._profile.protocol.settle_s:g}."
        )

    def _align(self, edges_ns: Sequence[int]) -> None:
        for source_id, delay in find_delays(self._recorder.path, edges_ns).items():
            self._recorder.put(
                lambda writer, source_id=source_id, delay=delay: writer.write_alignment(  # type: ignore[misc]
                    source_id, edges_ns[0], delay
                )
            )

    def _check(self, total: SignalRow, edges_ns: Sequence[int], *, delay_is_known: bool) -> str:
        settle_s = self._profile.protocol.settle_s
        with SessionReader(self._recorder.path) as reader:
            return check_power(reader, total, edges_ns, settle_s, delay_is_known=delay_is_known)


def child_kinds(profile: Profile) -> list[ChildKind]:
    """The children that a plan needs, that of its first run first; of a profile without a plan that of [inference]."""
    inference = profile.inference
    names = [spec.back_end for spec in profile.run_specs(1)] or [back_end_for("", inference.back_end)]
    return [child_kind(inference.device, name, inference.allocator) for name in dict.fromkeys(names)]
