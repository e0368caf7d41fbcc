# SPDX-License-Identifier: Apache-2.0
"""Each way in which ssh does not come to an agent has its sentence, and says what to do."""

from __future__ import annotations

import getpass
import os
import pwd
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from monitor_app.core.errors import BoardUnreachableError
from monitor_app.core.profile import Board
from monitor_app.remote.link import Link
from monitor_app.remote.ssh import OPTIONS, holder, remote_line, ssh_command
from monitor_app.remote.ssh_failures import failure_of
from tests.remote.conftest import _key

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.remote.conftest import SshBoard

PYTHON_2 = Path(pwd.getpwuid(os.getuid()).pw_dir) / ".pyenv/versions/2.7.18/bin/python2.7"


def refusal(link: Link) -> str:
    with pytest.raises(BoardUnreachableError) as caught:
        link.connect()
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert sentence.endswith(".")
    return sentence


def test_an_unknown_host_key(link_to: Callable[..., Link], ssh_board: SshBoard) -> None:
    (ssh_board.folder / "known_hosts").write_text("")
    board = ssh_board.board()
    assert refusal(link_to(board)) == (
        f"The host key of board is not known to this computer: run `ssh -F {board.ssh[2]} board` once, compare the "
        "fingerprint that it shows with the board's and accept it."
    )


def test_a_changed_host_key(link_to: Callable[..., Link], ssh_board: SshBoard, tmp_path: Path) -> None:
    (ssh_board.folder / "known_hosts").write_text("board " + _key(tmp_path / "other"))
    said = refusal(link_to())
    assert said.startswith("The host key of board has changed: if the board was set up anew, run `ssh-keygen -R board`")
    assert said.endswith("otherwise another machine answers in its place, and nothing was sent to it.")


def test_a_name_that_nobody_knows(link_to: Callable[..., Link], ssh_board: SshBoard) -> None:
    board = ssh_board.board(ssh_board.config("HostName no-such-board.invalid\n"), host="nano")
    assert refusal(link_to(board)) == (
        "There is no host named nano: check `host` in the profile and ~/.ssh/config, or use the board's address."
    )


def test_no_key_is_accepted(link_to: Callable[..., Link], ssh_board: SshBoard, tmp_path: Path) -> None:
    _key(tmp_path / "other")
    board = ssh_board.board(ssh_board.config(f"IdentityFile {tmp_path}/other\n"))
    (ssh_board.folder / "authorized_keys").write_text("")
    assert refusal(link_to(board)) == (
        "board accepts no key of this computer: run `ssh-copy-id board` once; if the key has a passphrase, `ssh-add` "
        "first."
    )


def test_nobody_listens(link_to: Callable[..., Link], ssh_board: SshBoard) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    said = refusal(link_to(ssh_board.board(ssh_board.config(port=port))))
    assert said.startswith("Nothing answers to ssh on board: check that it is the right address and port")


def test_no_python(link_to: Callable[..., Link], ssh_board: SshBoard) -> None:
    said = refusal(link_to(ssh_board.board(python="python3.99")))
    assert said == "There is no python3.99 on board: install Python 3.6 or later there, or set `python` in [board]."


@pytest.mark.skipif(not PYTHON_2.exists(), reason="there is no Python 2.7 to try")
def test_python_2(link_to: Callable[..., Link], ssh_board: SshBoard) -> None:
    said = refusal(link_to(ssh_board.board(python=str(PYTHON_2))))
    assert said == (
        f"{PYTHON_2} on board cannot run the agent: Python 2.7 is too old, 3.6 or later is needed; set `python` in "
        "[board] to another one."
    )


def test_a_python_that_is_something_else(link_to: Callable[..., Link], ssh_board: SshBoard) -> None:
    said = refusal(link_to(ssh_board.board(python="true")))
    assert said.startswith("board let us in but ran something else than the agent: look for a forced command")


def test_no_ssh(tmp_path: Path) -> None:
    with pytest.raises(BoardUnreachableError, match=r"^/none/ssh cannot be run \(No such file or directory\): install"):
        Link(Board(host="nano", ssh=("/none/ssh",)))


@pytest.mark.parametrize(
    ("stderr", "said"),
    [
        ("ssh: connect to host x port 22: Connection timed out\r\n", "cannot be reached: check that the board is on"),
        ("ssh: connect to host x port 22: No route to host\r\n", "cannot be reached: check that the board is on"),
        ("kex_exchange_identification: Connection closed by remote host\n", "ended the connection before the login"),
        ("/home/me/.ssh/config: line 3: Bad configuration option: foo\n", "does not understand its options"),
        ("Received disconnect from x port 22:2: Too many authentication failures\n", "after too many keys"),
        ("Unable to negotiate with x port 22: no matching host key type found.\n", "do not agree"),
        ("channel 0: open failed: connect failed: Connection refused\nstdio forwarding failed\n", "Nothing answers"),
        ("strange {braces} and \x1b[2J bytes\n", "could not connect to u@nano (strange {braces} and [2J bytes): run"),
        ("", "could not connect to u@nano: run `ssh u@nano` and follow what it says."),
    ],
)
def test_what_ssh_may_say(stderr: str, said: str) -> None:
    sentence = failure_of(Board(host="u@nano"), 255, stderr)
    assert said in sentence
    assert sentence.endswith(".")
    assert sentence.isprintable()


@pytest.mark.parametrize(
    ("code", "stderr", "said"),
    [
        (126, "bash: python3: Permission denied\n", "python3 on nano cannot be executed"),
        (1, "This account is currently not available.\n", "may not log in there"),
        (1, "bash: fork: Cannot allocate memory\n", "could not start the agent"),
        (0, "", "let us in but ran something else"),
        (-15, "", "was killed by signal 15 (SIGTERM) on this computer"),
        (3, "oops\n", "ended at once with exit code 3 (oops)"),
    ],
)
def test_what_the_board_may_do(code: int, stderr: str, said: str) -> None:
    assert said in failure_of(Board(host="nano"), code, stderr)


# -- the command line --------------------------------------------------------------------------------


def test_the_command_leaves_what_is_the_users_to_the_user() -> None:
    command = ssh_command(Board(host="me@nano", ssh=("ssh", "-F", "x")), ["python3", "-c", "a 'b'"])
    assert command[:3] == ["ssh", "-F", "x"]
    assert command[-3:-1] == ["--", "me@nano"]
    assert "StrictHostKeyChecking" not in " ".join(command)
    assert "known" not in " ".join(OPTIONS).lower()


@pytest.mark.parametrize("shell", ["sh", "bash", "dash", "zsh", "fish", "csh", "tcsh"])
def test_no_shell_takes_a_word_apart(shell: str) -> None:
    import shutil
    import subprocess

    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell}")
    words = ["a b", "$HOME", '{"x": 1}', "`id`", "it's", "*", "", "-n", ";"]
    line = remote_line(["printf", "%s\\n", *words])
    out = subprocess.run([shell, "-c", line], capture_output=True, text=True, check=True, timeout=60).stdout
    assert out == "".join(f"{word}\n" for word in words)


def test_the_holder_is_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(getpass, "getuser", lambda: "jürgen o'x\\y!")
    assert holder().startswith("j_rgen_o_x_y_@")
