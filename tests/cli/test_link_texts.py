# SPDX-License-Identifier: Apache-2.0
"""What commands print of the link to a board elsewhere."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from monitor_app.analysis.session_summary import as_json, summarise
from monitor_app.cli import tables
from monitor_app.core.clock import ClockMethod, ClockState
from monitor_app.core.samples import SourceInfo
from monitor_app.core.status import SourceState, SourceStatus
from monitor_app.exports.report.method import method_of
from monitor_app.session.reader import SessionReader
from monitor_app.session.writer import SessionWriter
from tests.analysis.campaigns import campaign
from tests.cli.program import monitor_app

if TYPE_CHECKING:
    from pathlib import Path


def test_the_line_of_the_status_has_the_bound_and_no_rate() -> None:
    link = SourceStatus("link to tx1", "link", SourceState.STREAMING, "", 1e6, 0, 314_000, "two-way")
    assert tables._source_text(link) == "link to tx1 ± 0.31 ms"
    assert tables._source_text(replace(link, state=SourceState.CONNECTING)) == "link to tx1 connecting"


def test_show_and_report_say_where_the_networks_ran(tmp_path: Path) -> None:
    path = tmp_path / "s.plm"
    writer = SessionWriter(path)
    writer.add_source(1000, SourceInfo("link to tx1", "link", "ssh tx1", "bench-tx1", "Python 3.6.9", 1e6, ()))
    for second, bound_ns in enumerate((900_000, 300_000, 310_000, 290_000, 300_000)):
        writer.write_clock(1000, second * 10**9, ClockState(1e6, bound_ns, ClockMethod.TWO_WAY))
    writer.set_meta({"processor": "ARMv8", "cores": "4", "host": "lab-pc"})
    writer.set_environment({"L4T": "R32 (release), REVISION: 7.1", "torch": "1.10.0"})
    writer.close()
    done = monitor_app("show", str(path))
    assert "networks on tx1 over ssh (bench-tx1), link bound ± 0.3 ms (± 0.9 ms at most)" in done.stdout
    assert "MSa/s" not in done.stdout
    with SessionReader(path) as reader:
        summary = summarise(reader)
    document = as_json(summary)
    assert document["sources"] == []
    assert document["board"] == {
        "host": "tx1", "name": "bench-tx1", "link_bound_us": 300.0, "link_bound_max_us": 900.0,
    }  # fmt: skip
    assert document["machine"] == {
        "processor": "ARMv8", "cores": "4", "L4T": "R32 (release), REVISION: 7.1", "torch": "1.10.0",
    }  # fmt: skip
    told = replace(
        campaign(),
        link=summary.link,
        board="Jetson TX1",
        meta={"profile": 'title = "t"', "cores": "4", "python": "3.6.9"},
    )
    [text] = [each for each in method_of(told) if "elsewhere" in each]
    assert "bench-tx1, reached over ssh as tx1 (Jetson TX1, 4 cores, Python 3.6.9)" in text
    assert "± 0.3 ms (± 0.9 ms at most)" in text
