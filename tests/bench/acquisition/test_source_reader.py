# SPDX-License-Identifier: Apache-2.0
"""What becomes of losses, unplugging and failures, with a source whose every step the test decides."""

from __future__ import annotations

import queue
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from monitor_app.analysis.session_summary import summarise
from monitor_app.bench.acquisition.recorder import Recorder
from monitor_app.bench.acquisition.source_reader import Acquisition
from monitor_app.core.errors import HandshakeError, MonitorError, PortError, SourceLostError
from monitor_app.core.host_time import host_time_ns
from monitor_app.core.samples import Quantity, Reading, Role, SampleBlock, Signal, SourceInfo, TimeMark
from monitor_app.core.status import SourceState
from monitor_app.session.reader import SessionReader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

RATE_HZ = 1_000.0
INFO = SourceInfo(
    "meter", "test", "model", "serial", "1", RATE_HZ, (Signal("power", Quantity.POWER, Role.TOTAL, "<u2", 0.001),)
)


class Script:
    """A source that plays what the test puts into its queue: readings, or an error to raise."""

    def __init__(self, open_error: MonitorError | None = None, info: SourceInfo = INFO) -> None:
        self.open_error = open_error
        self._info = info
        self.steps: queue.SimpleQueue[Reading | MonitorError] = queue.SimpleQueue()
        self.closed = 0

    @property
    def info(self) -> SourceInfo:
        return self._info

    def open(self) -> None:
        if self.open_error is not None:
            raise self.open_error

    def read(self, timeout_s: float) -> list[Reading]:
        try:
            step = self.steps.get(timeout=timeout_s)
        except queue.Empty:
            return []
        if isinstance(step, MonitorError):
            raise step
        return [step]

    def close(self) -> None:
        self.closed += 1

    def play(self, first: int, n: int, value: int, lost: int = 0) -> None:
        """Samples, with a mark that makes the device's clock start at zero host time of this test."""
        end_ns = START_NS + round((first + n) * 1e9 / RATE_HZ)
        self.steps.put(TimeMark(first + n, end_ns - 1000, end_ns + 1000))
        self.steps.put(SampleBlock(first, (np.full(n, value, "<u2"),), end_ns, lost))


START_NS = host_time_ns()


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    recorder = Recorder(tmp_path / "s.plm")
    yield recorder
    recorder.close()


def test_a_loss_becomes_a_gap_and_is_counted(recorder: Recorder, wait_until: Callable[..., None]) -> None:
    script = Script()
    acquisition = Acquisition(1, "meter", "test", lambda _: script, recorder)
    script.play(5_000, 100, 1)
    script.play(5_130, 100, 2, lost=30)
    wait_until(lambda: acquisition.status.lost_samples == 30)
    acquisition.close()
    recorder.close()
    with SessionReader(recorder.path) as reader:
        (gap,) = reader.gaps()
        assert (gap.first, gap.n, gap.reason) == (100, 30, "lost on the way")
        assert gap.end_ns - gap.start_ns == pytest.approx(30e6, abs=1e5)
        extent = reader.extent()
        assert extent is not None
        stats = reader.statistics(1, extent.start_ns, extent.end_ns)
        assert (stats.count, stats.expected) == (200, 230)
        _, values = reader.samples(1, extent.start_ns, extent.end_ns)
        assert values.tolist() == [0.001] * 100 + [0.002] * 100


class HeldUp(Script):
    """A source whose second read comes back only when the test lets it, as on a computer without time for it."""

    def __init__(self) -> None:
        super().__init__()
        self.held, self.go = threading.Event(), threading.Event()

    def read(self, timeout_s: float) -> list[Reading]:
        readings = super().read(timeout_s)
        if any(isinstance(each, SampleBlock) and each.lost_before for each in readings):
            self.held.set()
            assert self.go.wait(60.0)
        return readings


def test_a_loss_while_nothing_was_read_has_another_reason(recorder: Recorder, wait_until: Callable[..., None]) -> None:
    script = HeldUp()
    acquisition = Acquisition(1, "meter", "test", lambda _: script, recorder)
    now_ns = host_time_ns()
    script.steps.put(TimeMark(5_000, now_ns - 1000, now_ns + 1000))
    script.steps.put(SampleBlock(4_900, (np.full(100, 1, "<u2"),), now_ns))
    script.steps.put(SampleBlock(5_030, (np.full(70, 2, "<u2"),), now_ns + 100_000_000, 30))
    assert script.held.wait(60.0)
    began_ns = host_time_ns()
    wait_until(lambda: host_time_ns() - began_ns > 300_000_000)
    script.go.set()
    wait_until(lambda: acquisition.status.lost_samples == 30)
    acquisition.close()
    recorder.close()
    with SessionReader(recorder.path) as reader:
        (gap,) = reader.gaps()
        assert (gap.n, gap.reason) == (30, "read too late")
        [said] = [each.text for each in reader.log() if "lost" in each.text]
    assert said.startswith("meter: 30 samples were lost because this computer read nothing for 0.")


def test_unplugged_and_put_back_goes_on_in_the_same_file(recorder: Recorder, wait_until: Callable[..., None]) -> None:
    scripts = [Script(), Script(PortError("not there yet")), Script()]
    made = iter(scripts)
    acquisition = Acquisition(1, "meter", "test", lambda _: next(made), recorder)
    scripts[0].play(0, 100, 1)
    scripts[0].steps.put(SourceLostError("The cable is out."))
    wait_until(lambda: acquisition.status.state is SourceState.LOST)
    # The device counts from zero after power-up, two seconds of its own time after the first sample.
    end_ns = START_NS + 2_100_000_000
    scripts[2].steps.put(TimeMark(100, end_ns - 1000, end_ns + 1000))
    scripts[2].steps.put(SampleBlock(0, (np.full(100, 2, "<u2"),), end_ns))
    wait_until(lambda: acquisition.status.lost_samples == pytest.approx(1900, abs=2))
    acquisition.close()
    recorder.close()
    assert [script.closed for script in scripts] == [1, 1, 1]
    with SessionReader(recorder.path) as reader:
        assert len(reader.sources()) == 1
        (gap,) = reader.gaps()
        assert gap.reason == "disconnected"
        assert gap.first == 100
        assert gap.n == pytest.approx(1900, abs=2)
        _, values = reader.samples(1, START_NS, end_ns + 10**9)
        assert values.tolist() == [0.001] * 100 + [0.002] * 100
        assert any("cable" in mark.text for mark in reader.marks())


def test_implausible_samples_are_counted_and_listed_and_stay_as_they_came(
    recorder: Recorder, wait_until: Callable[..., None]
) -> None:
    script = Script()
    acquisition = Acquisition(1, "meter", "test", lambda _: script, recorder)
    end_ns = START_NS + 200_000_000
    script.play(5_000, 100, 1)
    # The last sample of the block before can be found only now.
    marked = np.array([5_099, 5_150])
    script.steps.put(SampleBlock(5_100, (np.full(100, 2, "<u2"),), end_ns, implausible=marked))
    wait_until(lambda: acquisition.status.implausible_samples == 2)
    acquisition.close()
    recorder.close()
    with SessionReader(recorder.path) as reader:
        assert reader.implausible(1) == [99, 150]
        assert reader.implausible(2) == []
        (source,) = summarise(reader).sources
        assert (source.implausible_samples, source.lost_samples) == (2, 0)
        extent = reader.extent()
        assert extent is not None
        _, values = reader.samples(1, extent.start_ns, extent.end_ns)
        assert values.tolist() == [0.001] * 100 + [0.002] * 100


@pytest.mark.parametrize(
    ("kind", "rate_hz"), [("shunt", 50_000.0), ("powersensor3", 20_000.0), ("ppk2", 100_000.0), ("polled", 20.0)]
)
def test_unplugged_for_good_owes_every_sample_until_the_end(
    recorder: Recorder, wait_until: Callable[..., None], kind: str, rate_hz: float
) -> None:
    """What is missing is in the file while it is, so that also a bench that is killed meanwhile has told it."""
    info = replace(INFO, kind=kind, rate_hz=rate_hz)
    first = Script(info=info)

    def make(known: SourceInfo | None) -> Script:
        return first if known is None else Script(PortError("not there any more"))

    acquisition = Acquisition(1, "meter", kind, make, recorder)
    end_ns = START_NS + round(100e9 / rate_hz)
    times_ns = START_NS + np.arange(100) * round(1e9 / rate_hz) if kind == "polled" else None
    first.steps.put(TimeMark(100, end_ns - 1000, end_ns + 1000))
    first.steps.put(SampleBlock(0, (np.full(100, 1, "<u2"),), end_ns, times_ns=times_ns))
    first.steps.put(SourceLostError("The cable is out."))
    with SessionReader(recorder.path) as reader:
        wait_until(lambda: bool(reader.gaps()))
        before = reader.gaps()[0].n
        wait_until(lambda: reader.gaps()[0].n > before)
    acquisition.close()
    acquisition.close()
    recorder.close()
    ended_ns = host_time_ns()
    with SessionReader(recorder.path) as reader:
        (gap,) = reader.gaps()
        assert (gap.first, gap.reason) == (100, "disconnected")
        assert gap.n == pytest.approx((gap.end_ns - gap.start_ns) * 1e-9 * rate_hz, rel=1e-3, abs=2)
        assert gap.start_ns == pytest.approx(end_ns, abs=2_000_000)
        assert START_NS < gap.end_ns <= ended_ns
        extent = reader.extent()
        assert extent is not None
        assert (extent.end_ns, extent.newest_ns) == (gap.end_ns, pytest.approx(gap.start_ns, abs=2))
        stats = reader.statistics(1, extent.start_ns, extent.end_ns)
        assert (stats.count, stats.expected) == (100, pytest.approx(100 + gap.n, rel=1e-3, abs=2))
        assert acquisition.status.lost_samples == gap.n == reader.lost_samples()


def test_a_source_that_cannot_be_used_waits_for_the_user(recorder: Recorder, wait_until: Callable[..., None]) -> None:
    scripts = [Script(HandshakeError("Something else answers on X.")), Script()]
    made = iter(scripts)
    acquisition = Acquisition(1, "meter", "test", lambda _: next(made), recorder)
    wait_until(lambda: acquisition.status.state is SourceState.FAILED)
    assert acquisition.status.message == "Something else answers on X."
    acquisition.connect()
    wait_until(lambda: acquisition.status.state is SourceState.STREAMING)
    assert acquisition.status.message == ""
    acquisition.disconnect()
    wait_until(lambda: acquisition.status.state is SourceState.DISCONNECTED)
    assert scripts[1].closed == 1
    acquisition.close()
    acquisition.close()


def test_an_instrument_that_is_not_plugged_in_yet_is_found_when_it_is(
    recorder: Recorder,
    wait_until: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    monkeypatch.setattr("monitor_app.bench.acquisition.source_reader.LOOK_EVERY_S", 0.01)
    made, plugged, tried = threading.Event(), threading.Event(), []

    def make(known: SourceInfo | None) -> Script:
        assert made.wait(60)
        tried.append(acquisition.status.state)
        if not plugged.is_set():
            raise PortError("There is no port X.")
        return Script()

    acquisition = Acquisition(1, "meter", "test", make, recorder)
    made.set()
    wait_until(lambda: len(tried) > 5)
    assert acquisition.status.message == "There is no port X."
    # It stays failed while it is looked for, so that a recording of nothing can be refused.
    assert set(tried[1:]) == {SourceState.FAILED}
    acquisition.disconnect()
    wait_until(lambda: acquisition.status.state is SourceState.DISCONNECTED)
    acquisition.connect()
    plugged.set()
    wait_until(lambda: acquisition.status.state is SourceState.STREAMING)
    assert acquisition.status.message == ""
    acquisition.close()
    recorder.close()
    with SessionReader(recorder.path) as reader:
        # One row of the log for all tries, as in the file of the log.
        assert [row.text for row in reader.log()] == ["There is no port X."]
    assert caplog.messages.count("Source meter: There is no port X.") == 1


@pytest.mark.parametrize("error", [PortError("no port"), HandshakeError("no answer"), None])
def test_closing_while_it_fails_never_hangs(recorder: Recorder, error: MonitorError | None) -> None:
    """At whatever moment: the thread may be about to wait for the user."""
    for _ in range(50):
        acquisition = Acquisition(1, "meter", "test", lambda _: Script(error), recorder)
        while error is not None and acquisition.status.state is not SourceState.FAILED:
            time.sleep(0)
        acquisition.close()
        assert not acquisition._thread.is_alive()


def test_closing_does_not_wait_for_ever_for_an_instrument_that_is_asked(recorder: Recorder) -> None:
    asked, answer = threading.Event(), threading.Event()

    class Slow(Script):
        def open(self) -> None:
            asked.set()
            answer.wait()

    slow = Slow()
    acquisition = Acquisition(1, "meter", "test", lambda _: slow, recorder)
    asked.wait()
    acquisition.close(0.0)
    assert slow.closed == 0
    answer.set()
    acquisition.close()
    assert slow.closed == 1


def test_what_comes_back_otherwise_is_refused_in_a_sentence(
    recorder: Recorder, wait_until: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor_app.bench.acquisition.source_reader.RECONNECT_EVERY_S", 0.01)
    power = INFO.signals[0]
    infos = [
        INFO,
        replace(INFO, serial_number="another"),
        replace(INFO, signals=(replace(power, scale=0.002),)),
        replace(INFO, signals=(power, replace(power, name="more"))),
        # What is known of its errors may depend on what it measures just now.
        replace(INFO, signals=(replace(power, resolution=0.1),)),
    ]
    scripts = [Script(info=info) for info in infos]
    made = iter(scripts)
    heard: list[str] = []
    begun = threading.Event()

    def make(known: SourceInfo | None) -> Script:
        begun.wait()
        heard.append(acquisition.status.message if heard else "")
        return next(made)

    acquisition = Acquisition(1, "meter", "test", make, recorder)
    begun.set()
    scripts[0].play(0, 10, 1)
    scripts[0].steps.put(SourceLostError("The cable is out."))
    wait_until(lambda: len(heard) == 5 and acquisition.status.state is SourceState.STREAMING)
    assert heard[1] == "The cable is out."
    assert "is now model another, which is not the serial of this session" in heard[2]
    assert "other signals or another calibration" in heard[3]
    assert "other signals or another calibration" in heard[4]
    acquisition.close()
    assert [script.closed for script in scripts] == [1] * 5


def test_an_instrument_that_opens_and_gives_nothing_does_not_fill_the_log(
    recorder: Recorder, wait_until: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor_app.bench.acquisition.source_reader.RECONNECT_EVERY_S", 0.001)
    made: list[Script] = []

    def make(known: SourceInfo | None) -> Script:
        made.append(Script())
        if len(made) == 1:
            made[0].play(0, 10, 1)
        # Two things to complain of by turns.
        made[-1].steps.put(SourceLostError(f"Complaint {len(made) % 2}."))
        return made[-1]

    acquisition = Acquisition(1, "meter", "test", make, recorder)
    wait_until(lambda: len(made) > 20)
    acquisition.close()
    recorder.close()
    with SessionReader(recorder.path) as reader:
        assert [row.text for row in reader.log()] == ["Complaint 1.", "Complaint 0."]
        assert [mark.kind for mark in reader.marks()] == ["lost"]


def test_a_device_that_starts_to_count_anew_costs_a_gap_and_not_the_recording(
    recorder: Recorder, wait_until: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor_app.bench.acquisition.source_reader.RECONNECT_EVERY_S", 0.001)
    scripts = [Script(), Script()]
    made = iter(scripts)
    scripts[0].play(0, 100, 1)
    scripts[0].play(50, 100, 2)
    scripts[1].play(0, 100, 3)
    acquisition = Acquisition(1, "meter", "test", lambda _: next(made), recorder)
    wait_until(lambda: scripts[1].steps.empty())
    acquisition.close()
    recorder.close()
    assert recorder.failure is None
    with SessionReader(recorder.path) as reader:
        _, values = reader.samples(1, 0, 2**60)
        assert values.tolist() == [0.001] * 100 + [0.003] * 100


def test_two_signals_of_one_name_are_refused_before_they_reach_the_file(
    recorder: Recorder, wait_until: Callable[..., None]
) -> None:
    acquisition = Acquisition(
        1, "meter", "test", lambda _: Script(info=replace(INFO, signals=INFO.signals * 2)), recorder
    )  # fmt: skip
    wait_until(lambda: acquisition.status.state is SourceState.FAILED)
    assert acquisition.status.message == "meter has two signals named power: give each a name of its own."
    acquisition.close()
    recorder.close()
    assert recorder.failure is None


def test_an_instrument_that_will_not_be_closed_is_reconnected_all_the_same(
    recorder: Recorder, wait_until: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor_app.bench.acquisition.source_reader.RECONNECT_EVERY_S", 0.001)

    class Stuck(Script):
        def close(self) -> None:
            super().close()
            raise SourceLostError("It does not listen any more.")

    scripts = [Stuck(), Script()]
    made = iter(scripts)
    acquisition = Acquisition(1, "meter", "test", lambda _: next(made), recorder)
    scripts[0].play(0, 100, 1)
    scripts[0].steps.put(SourceLostError("The cable is out."))
    scripts[1].play(0, 100, 1)
    wait_until(lambda: scripts[1].steps.empty() and acquisition.status.state is SourceState.STREAMING)
    acquisition.close()
    assert scripts[0].closed == 1


def test_what_nobody_foresaw_costs_neither_the_source_nor_the_recording(
    recorder: Recorder, wait_until: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the list of ports raises TypeError because a USB device goes away in the middle of it."""
    monkeypatch.setattr("monitor_app.bench.acquisition.source_reader.RECONNECT_EVERY_S", 0.001)
    scripts = [Script(), Script()]
    made: list[Script | None] = []

    def make(known: SourceInfo | None) -> Script:
        made.append(None)
        if len(made) in {2, 3}:
            raise TypeError("int() argument must be a string, not 'NoneType'")
        return scripts[len(made) > 1]

    acquisition = Acquisition(1, "meter", "test", make, recorder)
    scripts[0].play(0, 100, 1)
    scripts[0].steps.put(SourceLostError("The cable is out."))
    scripts[1].play(0, 100, 2)
    wait_until(lambda: scripts[1].steps.empty() and acquisition.status.state is SourceState.STREAMING)
    acquisition.close()
    recorder.close()
    assert recorder.failure is None
    assert len(made) == 4
    with SessionReader(recorder.path) as reader:
        _, values = reader.samples(1, 0, 2**60)
        assert values.tolist() == [0.001] * 100 + [0.002] * 100
        assert [row.text for row in reader.log() if "an error in this program (TypeError" in row.text] != []


def test_samples_that_cannot_be_written_cost_their_own_source_alone(
    recorder: Recorder, wait_until: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor_app.bench.acquisition.source_reader.RECONNECT_EVERY_S", 0.001)
    scripts, other = [Script(), Script()], Script(info=replace(INFO, name="other", serial_number="2"))
    made = iter(scripts)

    class Clumsy:
        """Computes something of a block, and stumbles over one."""

        def begin(self, *_: object) -> None: ...

        def add(self, source_id: int, placed: object, writer: object) -> None:
            if scripts[0].closed == 0:
                raise ZeroDivisionError("stumbled")

        def clock(self, *_: object) -> None: ...

    acquisitions = [
        Acquisition(1, "meter", "test", lambda _: next(made), recorder, taps=[Clumsy()]),
        Acquisition(2, "other", "test", lambda _: other, recorder),
    ]
    scripts[0].play(0, 100, 1)
    wait_until(lambda: scripts[0].closed == 1 and acquisitions[0].status.state is SourceState.STREAMING)
    other.play(0, 100, 3)
    wait_until(other.steps.empty)
    for acquisition in acquisitions:
        acquisition.close()
    recorder.close()
    assert recorder.failure is None
    with SessionReader(recorder.path) as reader:
        assert reader.samples(2, 0, 2**60)[1].tolist() == [0.003] * 100
        assert any("ZeroDivisionError" in row.text for row in reader.log())
