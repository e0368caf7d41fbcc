# SPDX-License-Identifier: Apache-2.0
"""When requests arrive: the schedule, and the loop that never runs ahead of it, on a made-up clock."""

from __future__ import annotations

import numpy as np
import pytest

from monitor_app.core.errors import InferenceError
from monitor_app.core.runs import Phase
from monitor_app.inference import arrivals, passes
from monitor_app.inference import replay as playing
from monitor_app.inference.arrivals import ClosedLoop, Scheduled, requests_for, schedule
from monitor_app.inference.messages import Batches, Time, WarmUp
from monitor_app.inference.passes import NoLoadSignal
from monitor_app.inference.replay import Replayer

S = 1_000_000_000


class Clock:
    """Time passes only while something sleeps or looks."""

    def __init__(self):
        self.now_ns = 5 * S

    def look(self):
        self.now_ns += 10_000
        return self.now_ns

    def sleep(self, seconds):
        self.now_ns += round(seconds * 1e9)


@pytest.fixture
def clock(monkeypatch):
    made_up = Clock()
    for module in (playing, arrivals):
        monkeypatch.setattr(module, "host_time_ns", made_up.look)
        monkeypatch.setattr(module, "sleep", made_up.sleep)
    monkeypatch.setattr(passes, "host_time_ns", made_up.look)
    return made_up


def played(requests, length_s):
    """Arrivals, starts and ends of the passes, and the last event."""
    groups: list[Batches] = []
    replayer = Replayer(NoLoadSignal(), groups.append, lambda: False)
    done = replayer.run_for(Phase.TIMED, 1, iter(lambda: length_s, None), requests)
    rows = np.array([row[:2] for group in groups for row in group.rows], np.int64)
    arrived = np.array([at for group in groups for at in group.arrivals_ns], np.int64)
    return arrived, rows[:, 0], rows[:, 1], done


def test_poisson_arrivals_are_exponential_and_follow_from_the_seed():
    command = Time(1, 100.0, 1, arrivals="poisson", rate_hz=200.0, seed=3)
    offsets_s = np.array(schedule(command)) * 1e-9
    gaps_s = np.diff(offsets_s)
    assert schedule(command) == schedule(command) != schedule(Time(1, 100.0, 1, "", "poisson", 200.0, 1, 4))
    assert len(offsets_s) == pytest.approx(20_000, abs=5 * 20_000**0.5)
    assert offsets_s[-1] < 100.0
    # The distribution of an exponential: at these places 1 - 1/e and 1 - 1/e^3 lie below
    for places in (1, 3):
        assert np.mean(gaps_s < places / 200) == pytest.approx(1 - np.exp(-places), abs=0.02)
    assert abs(np.corrcoef(gaps_s[1:], gaps_s[:-1])[0, 1]) < 0.03


def test_paced_arrivals_are_equally_spaced_and_streams_have_places_of_their_own():
    one = np.array(schedule(Time(1, 2.0, 1, arrivals="paced", rate_hz=25.0)))
    assert one[0] == 0
    assert len(one) == 50
    assert np.diff(one) == pytest.approx(40_000_000)
    four = np.array(schedule(Time(1, 2.0, 1, arrivals="paced", rate_hz=100.0, streams=4, seed=2)))
    assert len(four) == pytest.approx(200, abs=4)
    assert four[4:] - four[:-4] == pytest.approx(40_000_000), "each stream has a period of its own"
    assert len(set(np.diff(four[:5]).tolist())) > 2


def test_a_schedule_has_the_least_number_of_requests_however_long_that_takes():
    assert len(schedule(Time(1, 0.1, 40, arrivals="paced", rate_hz=10.0))) == 40
    assert len(schedule(Time(1, 0.0, 7, arrivals="poisson", rate_hz=10.0))) == 7


@pytest.mark.parametrize("command", [
    Time(1, 1.0, 1, arrivals="poisson"), Time(1, 1.0, 1, arrivals="sometimes", rate_hz=5.0),
    Time(1, 1e6, 1, arrivals="paced", rate_hz=1e6),
])  # fmt: skip
def test_what_is_no_load_is_refused(command):
    with pytest.raises(InferenceError):
        requests_for(command)


def test_a_warm_up_is_a_closed_loop():
    assert isinstance(requests_for(WarmUp(1, 0.0, 1)), ClosedLoop)


def test_the_loop_never_runs_ahead_and_late_requests_queue(clock):
    offsets_ns = [0, S, S + 1000, S + 2000, 4 * S]
    arrived, start_ns, end_ns, done = played(Scheduled(offsets_ns, 1), 0.5)
    assert arrived - arrived[0] == pytest.approx(offsets_ns)
    assert (start_ns >= arrived).all()
    waited_s = (start_ns - arrived) * 1e-9
    assert waited_s == pytest.approx([0, 0, 0.5, 1.0, 0], abs=1e-3)
    assert (end_ns - start_ns) * 1e-9 == pytest.approx([0.5] * 5, abs=1e-3)
    assert (done.batches, done.unserved) == (5, 0)


def test_a_queue_that_grows_is_cut_off_and_what_is_left_is_counted(clock):
    """Ten a second of half a second each: after twice the ten seconds forty of a hundred have been answered."""
    requests = Scheduled(schedule(Time(1, 10.0, 5, arrivals="paced", rate_hz=10.0)), 5)
    *_, done = played(requests, 0.5)
    assert done.batches == pytest.approx(40, abs=2)
    assert done.batches + done.unserved == 100


def test_the_least_number_of_passes_is_done_in_any_case(clock):
    requests = Scheduled(schedule(Time(1, 0.1, 12, arrivals="paced", rate_hz=1000.0)), 12)
    *_, done = played(requests, 0.5)
    assert done.batches == 12


def test_clients_in_a_closed_loop_each_wait_for_the_others(clock):
    arrived, _, end_ns, _ = played(ClosedLoop(10.0, 1, streams=4), 0.5)
    latencies_s = (end_ns - arrived) * 1e-9
    assert latencies_s[:4] == pytest.approx([0.5, 1.0, 1.5, 2.0], abs=1e-3)
    assert latencies_s[4:] == pytest.approx(2.0, abs=1e-3)
    assert (arrived[4:] == end_ns[:-4]).all()


def test_one_client_in_a_closed_loop_has_no_arrivals_of_its_own(clock):
    arrived, start_ns, _, done = played(ClosedLoop(1.0, 5), 0.5)
    assert len(arrived) == 0
    assert len(start_ns) == done.batches == 5


def test_a_stop_ends_the_wait_for_a_request_that_is_far_away(clock):
    requests = Scheduled([3600 * S], 1)
    requests.begin()
    looks = iter([False] * 5 + [True])
    assert requests.wait(lambda: next(looks)) is None


def test_an_m_d_1_queue_waits_as_long_as_it_should(clock):
    """At 80 % of capacity, with requests and passes as the emulated board plays them."""
    command = Time(1, 3000.0, 1, arrivals="poisson", rate_hz=8.0, seed=11)
    arrived, start_ns, *_ = played(requests_for(command), 0.1)
    assert np.mean(start_ns - arrived) * 1e-9 == pytest.approx(0.8 * 0.1 / 0.4, rel=0.1)
