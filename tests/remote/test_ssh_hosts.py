# SPDX-License-Identifier: Apache-2.0
"""The hosts that are suggested are those that `ssh` itself knows by name."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from monitor_app.remote.ssh_hosts import ssh_hosts

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = """\
# boards of the lab
Host tx1 tx2-bench *.lab !gateway
  HostName 10.0.0.7
host=nano
  User lab
Host "orin nx"
Include {folder}/more/*.conf
Match host tx1
Host *
  ServerAliveInterval 3
Host tx1
"""


def test_names_without_wildcards_in_their_order_also_of_included_files(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "a.conf").write_text(f"Host xavier\nInclude {tmp_path}/config\n")
    config = tmp_path / "config"
    config.write_text(CONFIG.format(folder=tmp_path))
    assert ssh_hosts(config) == ["tx1", "tx2-bench", "nano", "orin nx", "xavier"]


def test_what_cannot_be_read_suggests_nothing(tmp_path: Path) -> None:
    assert ssh_hosts(tmp_path / "none") == []
    (tmp_path / "config").write_bytes(b"\xff\xfe\0 Host \0\nHost 'open\nInclude /proc/self/mem ../../x\nHost\n")
    assert ssh_hosts(tmp_path / "config") == []


@pytest.mark.skipif(shutil.which("ssh") is None, reason="there is no ssh here")
def test_ssh_reaches_what_is_suggested(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("Host first\n  HostName 192.0.2.1\nHost=second\n  HostName=192.0.2.2\n")
    for host, address in zip(ssh_hosts(config), ("192.0.2.1", "192.0.2.2"), strict=True):
        told = subprocess.run(["ssh", "-G", "-F", str(config), host], capture_output=True, text=True, check=True)
        assert f"hostname {address}" in told.stdout.splitlines()
