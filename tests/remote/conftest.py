# SPDX-License-Identifier: Apache-2.0
"""A board on this machine: an sshd of its own on loopback, whose processes have a clock 12345 s ahead of ours."""

from __future__ import annotations

import getpass
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from monitor_app.core.profile import Board
from monitor_app.remote import bootstrap
from monitor_app.remote.link import Link

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

AHEAD_S = 12_345
PIPES = str(Path(__file__).parent / "pipes.py")
SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
UNSHARE = ["unshare", "--time", "--monotonic", str(AHEAD_S), "--boottime", str(AHEAD_S), "--fork", "--kill-child"]
CONFIG = """\
Host *
  HostName 127.0.0.1
  Port {port}
  User {user}
  IdentityFile {folder}/key
  IdentitiesOnly yes
  HostKeyAlias board
  UserKnownHostsFile {folder}/known_hosts
  GlobalKnownHostsFile /dev/null
"""
SERVER = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/authorized_keys
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
SetEnv {environment}
"""


@dataclass(frozen=True)
class SshBoard:
    """Where it is, and what a client needs."""

    folder: Path
    port: int
    _running: list[subprocess.Popen[bytes]]

    @property
    def pid(self) -> int:
        """Of sshd."""
        return self._running[-1].pid

    def turn_off(self) -> None:
        """As a board that loses its power, but that its connections are reset at once."""
        process = self._running.pop()
        for each in psutil.Process(process.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                each.kill()
        # unshare waits for sshd and does not pass on that it is to end.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(60)

    def turn_on(self) -> None:
        """Start its sshd, and wait until it answers."""
        command = [*UNSHARE, require_sshd(), "-D", "-e", "-f", str(self.folder / "sshd_config")]
        with (self.folder / "sshd.log").open("w") as log:
            process = subprocess.Popen(command, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
        self._running.append(process)
        deadline_s = time.monotonic() + 60
        while not _answers(self.port):
            if process.poll() is not None or time.monotonic() > deadline_s:
                pytest.skip(f"sshd does not run here: {(self.folder / 'sshd.log').read_text().strip()}")
            time.sleep(0.05)

    @property
    def home(self) -> Path:
        """Of the user there."""
        return self.folder / "home"

    @property
    def payload(self) -> bytes:
        """The agent, with a lock and a saved state of this board's own."""
        return self.payload_with()

    def payload_with(self, sources: Mapping[str, str] | None = None, **more: str) -> bytes:
        """The same with other sources, and other values in `places.py`."""
        places = Path(bootstrap.__file__).parent / "agent" / "places.py"
        values = {"LOCK_FILE": str(self.folder / "lock"), "STATE_FILE": str(self.folder / "state"), **more}
        text = places.read_text(encoding="utf-8")
        for name, value in values.items():
            text, found = re.subn(rf"^{name} = .*$", f"{name} = {value!r}", text, flags=re.MULTILINE)
            assert found == 1, name
        return bootstrap.make_payload({"places.py": text, **(sources or {})})

    def config(self, more: str = "", **changed: object) -> str:
        """A file for `ssh -F`, with lines before the others."""
        words = {"port": self.port, "user": getpass.getuser(), "folder": self.folder, **changed}
        number = len(list(self.folder.glob("config*")))
        path = self.folder / f"config{number}"
        path.write_text(more + CONFIG.format(**words))
        return str(path)

    def board(self, config: str | None = None, host: str = "board", **options: object) -> Board:
        """As a profile has it."""
        ssh = ("ssh", "-F", config or self.config())
        return Board(host=host, ssh=ssh, **{"python": sys.executable, **options})  # type: ignore[arg-type]


def _key(path: Path) -> str:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True, timeout=60)
    return path.with_suffix(".pub").read_text()


def require_sshd() -> str:
    """Its path; the test is skipped with the reason where there can be no such board."""
    if SSHD is None or shutil.which("ssh") is None or shutil.which("unshare") is None:
        pytest.skip("a board over ssh needs ssh, unshare and sshd (apt install openssh-server)")
    if os.geteuid() == 0:
        # As its service does, which need not have been started.
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    trial = subprocess.run([*UNSHARE, "true"], capture_output=True, text=True, timeout=60, check=False)
    if trial.returncode:
        pytest.skip(f"this kernel, or the rights of this user, refuse a time namespace: {trial.stderr.strip()}")
    return SSHD


@pytest.fixture(scope="session")
def _sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshBoard]:
    with run_sshd(tmp_path_factory.mktemp("board")) as board:
        yield board


@contextmanager
def run_sshd(folder: Path, **environment: str) -> Iterator[SshBoard]:
    """A board whose files are in this folder; skips the test where there can be none.

    Args:
        folder: empty.
        environment: of those who log in, besides a home of their own.
    """
    require_sshd()
    (folder / "home").mkdir()
    (folder / "known_hosts").write_text("board " + _key(folder / "host_key"))
    (folder / "authorized_keys").write_text(_key(folder / "key"))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    homes = {"HOME": f"{folder}/home", "XDG_CACHE_HOME": f"{folder}/home/cache"}
    words = " ".join(f"{name}={value}" for name, value in {**homes, **environment}.items())
    (folder / "sshd_config").write_text(SERVER.format(port=port, folder=folder, environment=words))
    board = SshBoard(folder, port, [])
    try:
        board.turn_on()
        yield board
    finally:
        if board._running:
            board.turn_off()


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


@pytest.fixture
def ssh_board(_sshd: SshBoard) -> Iterator[SshBoard]:
    """With the keys and the home that it had at first."""
    kept = {name: (_sshd.folder / name).read_bytes() for name in ("known_hosts", "authorized_keys")}
    yield _sshd
    for name, content in kept.items():
        (_sshd.folder / name).write_bytes(content)
    shutil.rmtree(_sshd.home)
    _sshd.home.mkdir()


@pytest.fixture
def link_to(ssh_board: SshBoard) -> Iterator[Callable[..., Link]]:
    """Makes links, which are closed after the test."""
    links: list[Link] = []

    def make(board: Board | None = None, **options: float) -> Link:
        links.append(Link(board or ssh_board.board(), payload=ssh_board.payload, **options))  # type: ignore[arg-type]
        return links[-1]

    yield make
    for each in links:
        each.close()


@dataclass
class Cable:
    """A relay between ssh and sshd that can be stopped."""

    port: int
    process: subprocess.Popen[str]

    def pull(self) -> None:
        self._signal(signal.SIGSTOP)

    def put_back(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        os.killpg(self.process.pid, number)


@pytest.fixture
def cable(ssh_board: SshBoard) -> Iterator[Cable]:
    """It is no child of ssh: a ProxyCommand that is stopped is another fault."""
    command = [sys.executable, PIPES, "relay", str(ssh_board.port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout is not None
    yield Cable(int(process.stdout.readline()), process)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(60)
    process.stdout.close()
