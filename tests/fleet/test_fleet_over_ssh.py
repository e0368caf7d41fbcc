# SPDX-License-Identifier: Apache-2.0
"""A lab with a board that is reached over ssh beside one that is here."""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING

from monitor_app.core.samples import LINK
from monitor_app.session.reader import SessionReader
from tests.cli.program import monitor_app
from tests.fleet.labs import QUICK, done, ended, fleet, whole, write_lab
from tests.remote.conftest import _sshd, ssh_board  # noqa: F401

if TYPE_CHECKING:
    from pathlib import Path

    from tests.remote.conftest import SshBoard
    from tests.typed import Typist


def test_a_board_over_ssh_is_recorded_beside_one_that_is_here(
    tmp_path: Path,
    ssh_board: SshBoard,  # noqa: F811
    typist: Typist,
) -> None:
    lab = write_lab(tmp_path, "here", "away", networks=QUICK)
    ssh = json.dumps(["ssh", "-F", ssh_board.config()])
    # The table of the lab names only what differs from board to board; how it is reached is in the profile.
    with (tmp_path / "away-profile.toml").open("a") as profile:
        profile.write(f'[board]\nhost = "elsewhere.invalid"\nssh = {ssh}\npython = {json.dumps(sys.executable)}\n')
    lab.write_text(lab.read_text() + 'host = "board"\n')
    checked = monitor_app("fleet", str(lab), "-o", str(tmp_path / "runs"), "--check", "--trust")
    assert checked.returncode == 0, checked
    with fleet(lab, "--trust", typist=typist) as process:
        code, said = ended(process, lab)
    assert code == 0, said
    assert done(lab, "here") == done(lab, "away") == whole(QUICK)
    assert re.search(r"^away SIMULATED: .*link ± \d", said, re.MULTILINE), said
    with SessionReader(tmp_path / "runs" / "away.plm") as reader:
        [link] = [source for source in reader.sources() if source.kind == LINK]
        assert reader.clock(link.id).bound_ns < 20_000_000
        assert reader.meta()["board_boot_id"]
