# SPDX-License-Identifier: Apache-2.0
"""Starting, ending and outliving a child, with children that are a few lines of Python."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys

import psutil
import pytest

from monitor_app.core.errors import ChildDiedError, InferenceError
from monitor_app.inference.messages import Quit, Ready, Stop, Time
from monitor_app.inference.process import KEEPING, InferenceChild

READY = '{"type":"ready","pid":1,"versions":{},"devices":{},"cpu_count":1}'


def script(text):
    return (sys.executable, "-c", f"import os, signal, sys, time\nready = {READY!r}\n{text}")


def test_events_come_whole_however_they_are_cut():
    text = "for part in (ready[:9], ready[9:] + '\\n' + ready + '\\n' + ready[:5], ready[5:] + '\\n'):\n"
    text += " os.write(1, part.encode()); sys.stdin.readline()"
    with InferenceChild(command=script(text)) as child:
        assert child.receive(0.2) is None
        child.send(Stop())
        assert isinstance(child.receive(10), Ready)
        assert isinstance(child.receive(0), Ready)
        assert child.receive(0) is None
        child.send(Stop())
        assert isinstance(child.receive(10), Ready)


def test_what_was_said_before_the_end_is_received_first():
    with InferenceChild(command=script("print(ready); sys.exit('no more, thanks')")) as child:
        assert isinstance(child.receive(10), Ready)
        with pytest.raises(ChildDiedError, match=r"exit code 1.*no more, thanks"):
            child.receive(10)


def test_a_killed_child_is_reported_with_the_reason():
    with InferenceChild(command=script("print(ready, flush=True); time.sleep(100)")) as child:
        assert isinstance(child.receive(10), Ready)
        os.kill(child.pid, signal.SIGKILL)
        with pytest.raises(ChildDiedError, match=r"was killed by signal 9 \(SIGKILL\): start the run again") as caught:
            child.receive(10)
        assert "memory" not in str(caught.value)  # whoever killed it: that it was the kernel is not known here
        with pytest.raises(ChildDiedError, match="SIGKILL"):
            child.send(Stop())


def test_a_crash_is_reported_by_the_name_of_its_signal():
    with (
        InferenceChild(command=script("os.kill(os.getpid(), signal.SIGSEGV)")) as child,
        pytest.raises(ChildDiedError, match="SIGSEGV"),
    ):
        child.receive(10)


def test_what_is_no_event_is_refused():
    with InferenceChild(command=script("print('hello'); print('{\"type\":\"stop\"}')")) as child:
        with pytest.raises(InferenceError, match="not a message"):
            child.receive(10)
        with pytest.raises(InferenceError, match="a command"):
            child.receive(10)


def test_stderr_goes_to_the_log(caplog):
    caplog.set_level(logging.INFO, "monitor_app.core.child_process")
    with (
        InferenceChild(command=script("os.write(2, b'some news\\n\\xff\\n')")) as child,
        pytest.raises(ChildDiedError),
    ):
        child.receive(10)
    assert "some news" in caplog.text


def test_a_child_that_is_asked_ends_and_leaves_nothing():
    child = InferenceChild(command=script("sys.exit('quit' not in sys.stdin.readline())"))
    process = psutil.Process(child.pid)
    child.close()
    child.close()
    assert not process.is_running()
    assert child.exit_code == 0
    with pytest.raises(InferenceError):
        child.send(Quit())
    with pytest.raises(ChildDiedError):
        child.receive(0)


@pytest.mark.parametrize(
    ("stubborn", "code"),
    [("", -signal.SIGTERM), ("signal.signal(signal.SIGTERM, signal.SIG_IGN)", -signal.SIGKILL)],
)
def test_a_child_that_does_not_listen_is_ended_by_force(stubborn, code):
    child = InferenceChild(command=script(f"{stubborn}\nprint(ready, flush=True)\nwhile True: time.sleep(100)"))
    assert isinstance(child.receive(10), Ready)
    child.close()
    assert child.exit_code == code


def test_a_child_that_takes_no_commands_does_not_hold_up_the_bench():
    with InferenceChild(command=script("print(ready, flush=True)\nsignal.pause()")) as child:
        assert isinstance(child.receive(10), Ready)
        with pytest.raises(InferenceError, match="no more commands"):
            send_many(child)


def send_many(child):
    for _ in range(10_000):
        child.send(Time(1, 1, 1))


def test_the_allocator_is_told_to_keep_memory_and_the_threads_are_left_alone(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    names = [*KEEPING, "OMP_NUM_THREADS"]
    with (
        InferenceChild(command=script(f"sys.exit(' '.join(os.environ[name] for name in {names}))")) as child,
        pytest.raises(ChildDiedError, match=" ".join([*KEEPING.values(), "3"])),
    ):
        child.receive(10)


def test_the_child_does_not_outlive_its_parent():
    """The parent is killed while another process holds the child's stdin open, so only the kernel can tell it."""
    parent = (
        "import os, sys, time\n"
        "from monitor_app.inference.process import InferenceChild\n"
        "child = InferenceChild()\n"
        "child.receive(60)\n"
        "os.set_inheritable(child._child._stdin.fileno(), True)\n"
        "import subprocess\n"
        "holder = subprocess.Popen(['sleep', '60'], close_fds=False)\n"
        "print(child.pid, holder.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True) as process:
        child, holder = (psutil.Process(int(pid)) for pid in process.stdout.readline().split())
        process.kill()
        process.wait()
        try:
            gone, _ = psutil.wait_procs([child], timeout=30)
            assert gone == [child]
        finally:
            holder.kill()
