# SPDX-License-Identifier: Apache-2.0
"""A recording of a board behind ssh: the same energies as a local one, and what goes wrong is told and survived."""

from __future__ import annotations

import os
import pwd
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from monitor_app.analysis.session_summary import as_json, summarise
from monitor_app.bench.board import machine
from monitor_app.core.runs import Phase
from monitor_app.remote import bootstrap
from monitor_app.session.reader import SessionReader
from tests.bench.board_elsewhere import Recording, There, alive, profile_text, record, wait_for
from tests.bench.jetson_commands import make_jetson
from tests.conftest import Tries
from tests.remote.bundle.old_pythons import old_python
from tests.remote.conftest import _sshd, cable, run_sshd, ssh_board  # noqa: F401

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.remote.conftest import Cable, SshBoard

TOLD_S, CLOSED_S = 10.0, 5.0
"""What is promised of a pulled cable, and of the end of a recording."""
LINK_BOUND_NS = 2_000_000
PYTHON_2 = Path(pwd.getpwuid(os.getuid()).pw_dir) / ".pyenv/versions/2.7.18/bin/python2.7"


@pytest.fixture
def there(ssh_board: SshBoard) -> There:  # noqa: F811
    return There(ssh_board)


@pytest.fixture
def recording(
    ssh_board: SshBoard,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., Recording]:
    """Begins to record, with the agent of this board."""

    def begin(port: int | None = None, payload: bytes | None = None, lease_s: float = 4.0, **plan: object) -> Recording:
        config = ssh_board.config() if port is None else ssh_board.config(port=port)
        monkeypatch.setattr(bootstrap, "payload", lambda: payload or ssh_board.payload)
        text = profile_text(ssh_board.board(config, lease_s=lease_s), **plan)  # type: ignore[arg-type]
        return Recording(text, tmp_path / "s.plm")

    return begin


def runs_of(session: Path) -> list[dict[str, Any]]:
    """As `show --json` has them."""
    with SessionReader(session) as reader:
        runs: list[dict[str, Any]] = as_json(summarise(reader))["runs"]
    return runs


# -- the same as a local one -------------------------------------------------------------------------

COMPARED = {"batch_sizes": (1, 4), "timed_s": 1.0, "power_check": True}


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Tries[Path]:
    def measure(_: int) -> Path:
        session = tmp_path_factory.mktemp("local") / "s.plm"
        with Recording(profile_text(None, **COMPARED), session) as made:  # type: ignore[arg-type]
            made.wait_for_end()
        return session

    return Tries(measure)


@pytest.fixture(scope="module", params=["this one", (3, 8), (3, 6)], ids=str)
def remote(
    request: pytest.FixtureRequest,
    _sshd: SshBoard,  # noqa: F811
    tmp_path_factory: pytest.TempPathFactory,
) -> Tries[Path]:
    python = sys.executable if isinstance(request.param, str) else old_python(request.param, "numpy")

    def measure(_: int) -> Path:
        folder = tmp_path_factory.mktemp("remote")
        text = profile_text(_sshd.board(python=python), **COMPARED)  # type: ignore[arg-type]
        code, said = record(folder, text, _sshd.payload)
        assert code == 0, said
        return folder / "s.plm"

    return Tries(measure)


@pytest.mark.realtime
def test_energies_are_those_of_a_local_recording(local: Path, remote: Path) -> None:
    there, here = runs_of(remote), runs_of(local)
    assert {run["state"] for run in there} == {"done"}
    for run, other in zip(there, here, strict=True):
        assert (run["network"], run["batch_size"]) == (other["network"], other["batch_size"])
        found, known = run["energy_j_per_image"], other["energy_j_per_image"]
        own = found["gross_uncertainty"] + known["gross_uncertainty"]
        assert found["gross"] == pytest.approx(known["gross"], abs=own)


@pytest.mark.realtime
def test_batches_are_inside_their_spans_and_the_bound_is_known(local: Path, remote: Path) -> None:
    with SessionReader(remote) as reader:
        for run in reader.runs():
            batches = reader.batches(run_id=run.id)
            spans = {span.phase: span for span in reader.spans(run.id)}
            for phase in (Phase.WARM_UP, Phase.TIMED):
                these, span = batches[batches["phase"] == phase.value], spans[phase.value]
                assert len(these)
                assert span.end_ns is not None
                assert span.start_ns <= these["start_ns"].min() <= these["end_ns"].max() <= span.end_ns
        link = next(source for source in reader.sources() if source.kind == "link")
        clock = reader.clock(link.id)
    assert clock is not None
    assert 0 < clock.bound_ns < LINK_BOUND_NS
    # A smaller batch shows it more: its share of the time between two batches is larger.
    for far, near in zip(runs_of(remote), runs_of(local), strict=True):
        budgets = [each["energy_j_per_image"]["gross_budget"]["clock"] for each in (far, near)]
        assert budgets[0] > budgets[1]


# -- a board that cannot be used ---------------------------------------------------------------------

REFUSED = {
    "unknown host": r"There is no host named nowhere\.invalid: check `host` in the profile",
    "changed key": r"The host key of board has changed: .* nothing was sent to it\.",
    "no key": r"board accepts no key of this computer: run `ssh-copy-id board` once",
    "no python": r"There is no python3\.99 on board: install Python 3\.6 or later there",
    "python 2": r"python2\S* on board cannot run the agent: Python 2\.7 is too old, 3\.6 or later is needed",
}


def unusable(board: SshBoard, fault: str, folder: Path) -> str:
    """The profile of a board with this fault."""
    if fault == "unknown host":
        return profile_text(board.board(board.config("HostName nowhere.invalid\n"), host="nowhere.invalid"))
    if fault == "changed key":
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / "other"], check=True, timeout=60)
        (board.folder / "known_hosts").write_text("board " + (folder / "other.pub").read_text())
    if fault == "no key":
        (board.folder / "authorized_keys").write_text("")
    if fault == "no python":
        return profile_text(board.board(python="python3.99"))
    if fault == "python 2":
        if not PYTHON_2.exists():
            pytest.skip("there is no Python 2.7 to try")
        return profile_text(board.board(python=str(PYTHON_2)))
    return profile_text(board.board())


@pytest.mark.parametrize("fault", REFUSED)
def test_a_plan_for_a_board_that_cannot_be_used_is_refused_with_the_reason(
    ssh_board: SshBoard,  # noqa: F811
    tmp_path: Path,
    fault: str,
) -> None:
    code, said = record(tmp_path / "recorded", unusable(ssh_board, fault, tmp_path), ssh_board.payload)
    assert code == 1
    assert re.search(REFUSED[fault], said.splitlines()[-1]), said
    with SessionReader(tmp_path / "recorded" / "s.plm") as reader:
        assert reader.runs() == []


def test_a_python_without_torch_fails_the_run_with_what_to_install(
    ssh_board: SshBoard,  # noqa: F811
    tmp_path: Path,
) -> None:
    (tmp_path / "bin").mkdir()
    python = tmp_path / "bin" / "python3"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} -S "$@"\n')
    python.chmod(0o755)
    text = profile_text(ssh_board.board(inference_python=str(python)), device="cpu", networks=("resnet18",))
    code, said = record(tmp_path / "recorded", text, ssh_board.payload)
    assert code == 1
    assert "as `inference_python` in [board]" in said.splitlines()[-1]
    assert re.search(r"The board's \S*python\S* has no (numpy|torch)", said)
    with SessionReader(tmp_path / "recorded" / "s.plm") as reader:
        assert [run.state for run in reader.runs()] == ["failed"]


def test_a_bashrc_that_prints_and_a_home_that_cannot_be_written_are_no_trouble(
    tmp_path: Path, recording: Callable[..., Recording], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "board").mkdir()
    # Nothing can be made in it, by root neither.
    with run_sshd(tmp_path / "board", XDG_CACHE_HOME="/proc/none", XDG_RUNTIME_DIR=str(tmp_path)) as board:
        (board.home / ".bashrc").write_text("echo hello\nprintf 'no end of line'\n")
        monkeypatch.setattr(bootstrap, "payload", lambda: board.payload)
        with Recording(profile_text(board.board()), tmp_path / "s.plm") as made:
            made.wait_for_end()
        assert [run.state for run in made.rows()] == ["done"]
        assert list((tmp_path / "monitor-app").glob("bundle-*"))


# -- what happens meanwhile --------------------------------------------------------------------------


def test_a_pulled_cable_is_told_and_the_run_is_repeated(
    recording: Callable[..., Recording],
    cable: Cable,  # noqa: F811
    there: There,
) -> None:
    with recording(cable.port, timed_s=2.0) as made:
        first = made.wait_for_phase("timed")
        [old] = there.children()
        cable.pull()
        pulled_s = time.monotonic()
        assert wait_for(lambda: made.link == "lost") < TOLD_S
        assert "board has not answered for 5 s: check its power, its cable or Wi-Fi." in made.status.message
        # By its lease, since nobody tells it.
        wait_for(lambda: not alive(old))
        print(f"gone {time.monotonic() - pulled_s:.1f} s after the cable")  # noqa: T201
        wait_for(lambda: there.children() == [] and there.agents() == [])
        cable.put_back()
        wait_for(lambda: there.children() and made.run() is not None and made.run().id != first)  # type: ignore[union-attr]
        there.watch(made)
        assert made.bench.failures == ()
        assert made.bench.refusal is None
    assert there.most == 1
    assert len(there.seen) == 2
    rows = made.rows()
    assert [run.state for run in rows] == ["cancelled", "done"]
    assert rows[0].error == "board has not answered for 5 s: check its power, its cable or Wi-Fi."


def test_a_recording_ends_in_time_while_the_cable_is_out(
    recording: Callable[..., Recording],
    cable: Cable,  # noqa: F811
) -> None:
    made = recording(cable.port, timed_s=30.0)
    try:
        made.wait_for_phase("timed")
        cable.pull()
    finally:
        start_s = time.monotonic()
        made.bench.close()
        took_s = time.monotonic() - start_s
    assert took_s < CLOSED_S
    cable.put_back()
    assert [run.state for run in made.rows()] == ["cancelled"]


def test_ctrl_c_while_the_cable_is_out(
    ssh_board: SshBoard,  # noqa: F811
    cable: Cable,  # noqa: F811
    there: There,
    tmp_path: Path,
) -> None:
    def interrupt(process: subprocess.Popen[str]) -> None:
        wait_for(there.children)
        cable.pull()
        wait_for(lambda: not there.children())
        process.send_signal(signal.SIGINT)

    board = ssh_board.board(ssh_board.config(port=cable.port))
    code, said = record(tmp_path / "recorded", profile_text(board, timed_s=30.0), ssh_board.payload, during=interrupt)
    cable.put_back()
    assert code == 130, said
    with SessionReader(tmp_path / "recorded" / "s.plm") as reader:
        assert {run.state for run in reader.runs()} <= {"cancelled"}


def test_a_run_is_repeated_after_ssh_or_the_agent_was_killed(recording: Callable[..., Recording], there: There) -> None:
    with recording(timed_s=2.0) as made:
        first = made.wait_for_phase("timed")
        link = made.bench._connection.link()  # type: ignore[union-attr]
        os.kill(link._ssh.pid, signal.SIGKILL)
        second = made.wait_for_phase("timed", first)
        [agent] = there.agents()
        os.kill(agent, signal.SIGKILL)
        made.wait_for_phase("timed", second)
        there.watch(made)
        assert made.bench.failures == ()
    rows = made.rows()
    assert [run.state for run in rows] == ["cancelled", "cancelled", "done"]
    assert rows[0].error == "ssh to board was killed on this computer by signal 9 (SIGKILL): connect again."
    assert rows[1].error is not None
    assert rows[1].error.startswith("The agent on board was killed, or the connection ended without a word: see there")
    assert there.most == 1


def test_a_run_in_which_the_board_is_lost_three_times_has_failed(
    recording: Callable[..., Recording], there: There
) -> None:
    with recording(timed_s=30.0) as made:
        run = None
        for _ in range(3):
            run = made.wait_for_phase("timed", run)
            [agent] = there.agents()
            os.kill(agent, signal.SIGKILL)
        made.wait_for_end()
        assert len(made.bench.failures) == 1
    rows = made.rows()
    assert [run.state for run in rows] == ["cancelled", "cancelled", "failed"]
    assert rows[2].error is not None
    assert rows[2].error.startswith("The board was lost in this run three times in a row")


@pytest.mark.parametrize("ran_out", [False, True], ids=["killed", "memory"])
def test_a_killed_child_fails_the_run_and_memory_that_ran_out_is_a_result(
    recording: Callable[..., Recording],
    ssh_board: SshBoard,  # noqa: F811
    there: There,
    tmp_path: Path,
    ran_out: bool,
) -> None:
    counters = tmp_path / "kernel/sys/fs/cgroup/memory.events"
    counters.parent.mkdir(parents=True)
    counters.write_text("oom_kill 3\n")
    (tmp_path / "kernel/proc/self").mkdir(parents=True)
    (tmp_path / "kernel/proc/self/cgroup").write_text("0::/\n")
    watched = bootstrap_source("memory.py").replace('root: str = "/"', f"root: str = {str(tmp_path / 'kernel')!r}")
    payload = ssh_board.payload_with({"memory.py": watched})
    with recording(payload=payload, timed_s=30.0) as made:
        made.wait_for_phase("timed")
        [child] = there.children()
        if ran_out:
            counters.write_text("oom_kill 4\n")
        os.kill(child, signal.SIGKILL)
        made.wait_for_end()
        assert len(made.bench.failures) == (0 if ran_out else 1)
    [row] = made.rows()
    assert row.error is not None
    if ran_out:
        assert row.state == "does_not_fit"
        assert row.error.startswith("AlexNet")
        assert "does not fit into memory" in row.error
    else:
        assert row.state == "failed"
        assert row.error == ("The inference process was killed by signal 9 (SIGKILL): start the run again.")


def bootstrap_source(name: str) -> str:
    return (Path(bootstrap.__file__).parent / "agent" / name).read_text(encoding="utf-8")


def test_a_board_that_reboots_is_waited_for_and_set_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jetson = make_jetson(tmp_path / "jetson")
    before = jetson.settings()
    boot = tmp_path / "boot_id"
    boot.write_text("first\n")
    (tmp_path / "board").mkdir()
    monkeypatch.setattr(machine, "CLOCKS_FILE", jetson.clocks_file)
    environment = {"BOARD_ROOT": "1", "PATH": f"{jetson.commands}:/usr/bin:/bin"}
    with run_sshd(tmp_path / "board", **environment) as board:
        payload = board.payload_with(BOOT_ID=str(boot), CLOCKS_FILE=str(jetson.clocks_file))
        monkeypatch.setattr(bootstrap, "payload", lambda: payload)
        text = profile_text(board.board(), timed_s=3.0, plan='power_modes = ["MODE_15W"]\nclocks = ["max"]')
        with Recording(text, tmp_path / "s.plm") as made:
            made.wait_for_phase("timed")
            assert (jetson.settings()["pmode"], jetson.settings()["emc_override"]) == ("1", "1")
            board.turn_off()
            wait_for(lambda: made.link == "lost")
            # Clocks are lost with the power, and what was kept of them; the mode is not.
            jetson.clocks_file.unlink()
            jetson.set(cpu0_min="115200", cpu1_min="115200", gpu_min="114750000", gpu_railgate="1", idle_disable="0")
            jetson.set(emc_override="0")
            boot.write_text("second\n")
            board.turn_on()
            made.wait_for_phase("timed", 1)
            assert (jetson.settings()["pmode"], jetson.settings()["emc_override"]) == ("1", "1")
            made.wait_for_end()
            assert made.bench.failures == ()
            assert made.status.message == ""
        assert [run.state for run in made.rows()] == ["cancelled", "done"]
    after = jetson.settings()
    assert after["pmode"] == before["pmode"]
    assert after["emc_override"] == "0"
    assert not (board.folder / "state").exists()


# -- no port of ours ---------------------------------------------------------------------------------


def listeners(pids: set[int]) -> list[str]:
    """Lines of `ss` about sockets that these processes listen on."""
    listed = subprocess.run(["ss", "-Hltnp"], capture_output=True, text=True, check=True, timeout=60).stdout
    return [line for line in listed.splitlines() if any(f"pid={pid}," in line for pid in pids)]


def test_nothing_of_ours_listens(
    ssh_board: SshBoard,  # noqa: F811
    there: There,
    tmp_path: Path,
) -> None:
    ours: set[int] = set()
    found: list[str] = []

    def look(process: subprocess.Popen[str]) -> None:
        looked_at_a_child = 0
        while process.poll() is None and looked_at_a_child < 5:
            tree = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
            children = there.children()
            looked_at_a_child += bool(children)
            threading.Event().wait(0.3)  # else the looking itself keeps a processor busy
            now = {each.pid for each in tree} | set(children) | set(there.agents())
            ours.update(now)
            found.extend(listeners(now))

    code, said = record(
        tmp_path / "recorded", profile_text(ssh_board.board(), timed_s=1.5), ssh_board.payload, during=look
    )
    assert code == 0, said
    # The program, the emulated meter, ssh, the agent and its child
    assert len(ours) >= 5
    assert found == []
    assert listeners({pid for pid in ours if alive(pid)}) == []
