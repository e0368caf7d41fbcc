# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import QBuffer, QSizeF
from PySide6.QtGui import QPdfWriter, QTextTable

from monitor_app.analysis.campaign.cells import Campaign
from monitor_app.analysis.findings.finding import Finding, Statistic, Verdict
from monitor_app.analysis.require.judgement import judge
from monitor_app.analysis.require.requirements import Kind, Requirement
from monitor_app.analysis.require.session import SessionVerdicts
from monitor_app.analysis.run.stages import StageResult
from monitor_app.charts.model import Axis, Chart, Origin, Point, Series
from monitor_app.core.errors import ExportError
from monitor_app.core.estimate import Estimate
from monitor_app.exports.report import pdf, pdf_chart, write_report
from monitor_app.exports.report.headline import fastest, headline, least_energy, measured, most_accurate
from monitor_app.exports.report.html import html_of
from monitor_app.exports.report.method import UNKNOWN, method_of
from monitor_app.exports.report.sections import ReportContent, document_of
from monitor_app.exports.report.table import notes_on_cells, reciprocal, table_of
from tests.analysis.campaigns import campaign, published_campaign
from tests.analysis.require.boards import timed

if TYPE_CHECKING:
    from pathlib import Path

# A QGuiApplication made by the drawing itself would be in the way of every later test with widgets.
pytestmark = pytest.mark.usefixtures("qapp")

NASTY = (
    "</style></title><script>alert('x')</script><img src=x onerror=y> & \"q\" ]]> {{ 6 * 7 }} {% include 'x' %} "
    "=SUM(A1) \x00\x1b \ud800 \u202e"
)
VOID = {"meta", "br", "img", "link", "input", "hr"}
PROFILE = """
title = "Bench"
[[source]]
kind = "shunt"
name = "meter"
emulate = "tx1"
[protocol]
timed_s = 7.5
cool_down_c = 45.0
fresh_process = true
[plan]
networks = ["resnet18", "alexnet_2016"]
batch_sizes = [1, 16]
order = "random"
seed = 99
images = "demo"
accuracy = "once"
"""


def chart(
    key: str = "power-batch",
    number: int = 4,
    *,
    simulated: bool = False,
    title: str = "Power against batch size",
) -> Chart:
    origin = Origin.SIMULATED if simulated else Origin.MEASURED
    sure = Estimate(1.0, 0.9, 1.1)
    line = Series("Net", "#08519c", (Point(sure, sure, label="Net"),), origin)
    missing = ("VGG-16 is missing.",)
    return Chart(
        key,
        number,
        title,
        Axis("batch", ""),
        Axis("net power", "W"),
        (line,),
        caption="How to read it.",
        missing=missing,
    )


def finding(verdict: Verdict = Verdict.HOLDS, **changes: object) -> Finding:
    made = Finding(
        "power-batch",
        "Power does not depend on the batch size.",
        verdict,
        "It changes by 0.1 W.",
        (Statistic("slope", Estimate(0.1, 0.0, 0.2), "W"), Statistic("knee", None, "")),
        "power-batch",
        "A difference of 1 W",
        "One board only.",
        simulated=False,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def content(*campaigns: Campaign, **changes: object) -> ReportContent:
    made = ReportContent(
        campaigns or (published_campaign(),),
        (chart("top1", 1, title="Top-1"), chart()),
        ((finding(), finding(Verdict.DOES_NOT_HOLD, key="other", figure="nowhere")),),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


class Page(HTMLParser):
    """A page as its tags; what is not closed in order is an error."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data + " "

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def page(made: ReportContent) -> Page:
    return Page(html_of(document_of(made)))


def test_the_page_has_every_part_and_stands_alone() -> None:
    found = page(content())
    for heading in (
        "Summary", "Environment", "Method", "Uncertainty", "Figures", "Findings", "All cells", "How to reproduce",
    ):  # fmt: skip
        assert heading in found.text
    tags = {tag for tag, _ in found.tags}
    assert not tags & {"script", "link", "img", "iframe", "object", "embed", "image"}
    for _, attributes in found.tags:
        assert not [name for name in attributes if name.startswith("on") or name in {"src", "data"}]
        for name in ("href", "xlink:href"):
            assert (attributes.get(name) or "#").startswith("#")
    html = html_of(document_of(content()))
    assert "url(" not in html
    assert "@import" not in html
    assert len(found.named("svg")) == 2


def test_every_link_has_a_place_and_every_place_one_name() -> None:
    found = page(content(charts=(chart(), chart(number=5), chart("top1"))))
    ids = [attributes["id"] for _, attributes in found.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = {(attributes["href"] or "")[1:] for attributes in found.named("a")}
    assert targets <= set(ids)
    assert any((target or "").startswith("figure-") for target in targets), "a finding leads to its picture"


def test_a_chart_is_found_by_the_finding_it_stands_behind() -> None:
    found = page(content())
    assert "See Figure 4 ." in re.sub(r"\s+", " ", found.text)
    assert found.text.count("See ") == 1, "one of the two has no picture"
    assert "knee not known" in re.sub(r"\s+", " ", found.text)
    assert "0.10 ± 0.10 W" in found.text


def test_a_board_elsewhere_is_told_from_the_computer_that_recorded() -> None:
    here = replace(campaign(), meta={"profile": 'title = "t"', "host": "lab-pc", "system": "Linux-7", "cores": "4"})
    there = replace(here, meta={**here.meta, "board_host": "bench-tx1", "board_boot_id": "1-2-3"})
    assert "recording computer" not in page(content(here)).text
    shown = re.sub(r"\s+", " ", page(content(there)).text)
    assert "recording computer lab-pc system of that computer Linux-7 cores 4 name of the board bench-tx1" in shown
    assert "1-2-3" not in shown


def test_text_of_strangers_is_text() -> None:
    strange = replace(
        published_campaign(),
        title=NASTY,
        board=NASTY,
        path=NASTY,
        environment={NASTY: NASTY},
        meta={"profile": NASTY, "host": NASTY},
    )
    strange = replace(
        strange, cells=tuple(replace(c, title=NASTY, message=NASTY, notes=(NASTY,)) for c in strange.cells[:3])
    )
    made = content(
        strange,
        charts=(replace(chart(title=NASTY), caption=NASTY, missing=(NASTY,), extra={NASTY: 1.0}),),
        findings=((finding(claim=NASTY, sentence=NASTY, margin=NASTY, caution=NASTY, key=NASTY),),),
        warnings=(NASTY,),
        commands=(NASTY,),
        made_utc=NASTY,
    )
    found = page(made)
    assert not found.named("script")
    assert not found.named("img")
    assert found.text.count("<script>alert('x')</script>") > 15
    assert found.text.count("{{ 6 * 7 }} {% include 'x' %} =SUM(A1)") > 15
    html_of(document_of(made)).encode("utf-8")
    assert pdf.pdf_of(document_of(made)).startswith(b"%PDF-")


def test_a_measured_report_says_nowhere_that_it_is_simulated() -> None:
    assert "SIMULATED" not in html_of(document_of(content()))


def test_simulated_stands_in_the_head_and_at_every_number_it_concerns() -> None:
    played = published_campaign(times_simulated=True, power_simulated=True)
    made = content(played, charts=(chart(simulated=True),), findings=((finding(simulated=True),),))
    html = html_of(document_of(made))
    found = Page(html)
    assert html.index("SIMULATED") < html.index("</title>")
    assert '<div class="band">' in html
    rows = [attributes for attributes in found.named("tr") if attributes.get("class") == "sim"]
    assert len(rows) == len(played.cells)
    numbers = html[html.index('<div class="numbers">') : html.index("</section>")]
    assert numbers.count("SIMULATED") == 5
    article = html[html.index("<article") : html.index("</article>")]
    assert "SIMULATED" in article
    figure = html[html.index("<figure") : html.index("</figure>")]
    assert "SIMULATED" in figure[figure.index("<svg") : figure.index("</svg>")]
    assert "SIMULATED" in figure[figure.index("<figcaption") :]


def test_a_row_that_only_has_accuracy_of_an_emulated_device_is_marked() -> None:
    played = published_campaign(times_simulated=True)
    table = table_of(played)
    for row, cell in zip(table.rows, played.cells, strict=True):
        if cell.fits is False and cell.top1:
            assert row[-1] == "times SIMULATED"


def test_the_notes_stand_in_the_summary_line_by_line() -> None:
    noted = replace(campaign(), meta={"notes": "new fan <b>\n\n35 °C"})
    html = html_of(document_of(content(noted)))
    assert html.index("new fan &lt;b&gt;</p>") < html.index("35 °C</p>") < html.index('id="environment"')


def test_red_flags_stand_in_the_summary() -> None:
    html = html_of(document_of(content(warnings=("The power mode differs: 10W in A, 15W in B.",))))
    summary = html[html.index('id="summary"') : html.index('id="environment"')]
    assert '<div class="flags"><p>The power mode differs: 10W in A, 15W in B.</p></div>' in summary


def test_compared_campaigns_are_kept_apart() -> None:
    one, two = published_campaign(), campaign(power=5.0, title="Second", board="Orin")
    found = page(content(one, two, findings=((finding(),), (finding(Verdict.DOES_NOT_HOLD),))))
    assert found.text.count("Published") > 4
    assert found.text.count("Second") > 4
    assert "Claims of the paper that were tested: 2. Verdicts: holds: 1, does not hold: 1." in found.text


def test_the_table_has_a_row_a_cell_and_words_where_there_is_no_number() -> None:
    made = published_campaign()
    table = table_of(made)
    assert len(table.rows) == len(made.cells)
    by_cell = {(row[0], row[1]): row for row in table.rows}
    assert by_cell["VGG-16", "32"][2:6] == ("does not fit",) * 4
    assert by_cell["ENet", "1"][6] == "not measured", "the paper has no memory of ENet"
    assert by_cell["ResNet-50", "16"][2] == "51.1 ± 1.0"
    assert by_cell["ResNet-50", "16"][4] == "11.80 ± 0.24"
    assert by_cell["AlexNet", "1"][8] == "measured"
    assert len(notes_on_cells(made)) == 16, "what did not fit, each with its sentence"


def test_conditions_that_differ_have_columns() -> None:
    one, two = campaign(), campaign(precision="fp16")
    table = table_of(replace(one, cells=(*one.cells, *two.cells)))
    assert table.head[1] == "precision"
    assert {row[1] for row in table.rows} == {"fp32", "fp16"}


def test_the_headline_is_what_the_paper_measured() -> None:
    idle, net, quick, frugal, accurate = headline(published_campaign())
    assert (idle.value, idle.unit) == ("1.300 ± 0.000", "W")
    assert (net.value, net.unit) == ("11.80 ± 0.00", "W")
    assert net.note.startswith("mean and standard deviation of 82 cells")
    assert quick.value.startswith("5.80 ±")
    assert "AlexNet b64" in quick.note
    assert "indistinguishable from BN-AlexNet b64" in quick.note
    assert frugal.value.startswith("68.4 ±"), "11.8 W for 5.8 ms"
    assert accurate.value.startswith("80.10 ±")
    assert accurate.note == "Inception-v4; 50,000 images"
    assert measured(published_campaign()) == (
        "14 networks at 7 batch sizes: 82 of 98 cells measured, 16 do not fit in memory."
    )


def test_the_standard_deviation_of_power_is_that_of_its_cells() -> None:
    watts = {"A": 10.0, "B": 12.0, "C": 14.0}
    made = campaign({name: {1: 0.01} for name in watts}, lambda name, _: watts[name])
    net = headline(made)[1]
    assert net.value == "12.0 ± 2.0"


def test_a_headline_of_nothing_is_words() -> None:
    nothing = campaign({"Net": {1: None}})
    for each in headline(nothing):
        assert (each.value, each.unit) == ("not measured", "")
    assert measured(nothing) == "1 network at 1 batch size: 0 of 1 cell measured, 1 does not fit in memory."
    assert not fastest(()).simulated
    assert least_energy(()).value == most_accurate(()).value == "not measured"


def test_images_a_second_are_the_reciprocal_of_the_time_of_an_image() -> None:
    assert reciprocal(Estimate(0.02, 0.01, 0.04)) == Estimate(50.0, 25.0, 100.0)
    assert reciprocal(Estimate(0.02, 0.0, 0.04)).high == math.inf


def test_the_method_is_the_protocol_of_the_profile() -> None:
    words = " ".join(method_of(replace(campaign(), meta={"profile": PROFILE})))
    for part in (
        "2 networks at batch size 1 and 16", "seed 99", "once per network and precision", "7.5 s", "45 °C",
        "its own process", "meter (shunt)", "demo",
    ):  # fmt: skip
        assert part in words
    assert method_of(campaign()) == (UNKNOWN,)
    assert method_of(replace(campaign(), meta={"profile": "title = 3"})) == (UNKNOWN,)


def test_the_profile_is_folded_away_whole() -> None:
    html = html_of(document_of(content(replace(published_campaign(), meta={"profile": PROFILE}))))
    details = html[html.index('id="reproduce"') :]
    assert "<details><summary>Profile of Published</summary>" in details
    assert "timed_s = 7.5" in details


class Pages:
    """The PDF of a report before it is painted: every paragraph with the page on which it begins and ends, from 1."""

    def __init__(self, made: ReportContent) -> None:
        self.writer = QPdfWriter(QBuffer())
        self.writer.setResolution(1200)
        self.size = QSizeF(8000, 12000)
        self.laid_out = pdf.paginate(document_of(made), self.writer, self.size)
        self.document = self.laid_out.text
        self.blocks = [self.document.findBlockByNumber(k) for k in range(self.document.blockCount())]
        self.texts = [block.text() for block in self.blocks]
        self.text = re.sub(r"\s+", " ", " ".join(self.texts))

    def pages_of(self, k: int) -> tuple[int, int]:
        return pdf._page(self.blocks[k], at_end=False) + 1, pdf._page(self.blocks[k], at_end=True) + 1

    def page_of(self, text: str) -> int:
        [k] = [k for k, each in enumerate(self.texts) if text in each]
        return self.pages_of(k)[0]


@pytest.fixture(scope="module")
def pages() -> Pages:
    charts = tuple(chart(f"c{k}", k, title=f"Chart {k}") for k in range(5, 10))
    return Pages(content(charts=(*charts, chart())))


def test_every_page_has_its_number_and_the_title(monkeypatch: pytest.MonkeyPatch) -> None:
    painted: list[str] = []
    monkeypatch.setattr(pdf, "_paint_running_lines", lambda *arguments: painted.append(arguments[-1]))
    file = pdf.pdf_of(document_of(content()))
    count = len(re.findall(rb"/Type\s*/Page\b", file))
    assert count > 3
    assert painted == [f"{page} of {count}" for page in range(1, count + 1)]


def test_every_chart_is_painted_into_the_pdf(monkeypatch: pytest.MonkeyPatch) -> None:
    painted: list[Chart] = []
    monkeypatch.setattr(pdf_chart, "_paint_chart", lambda painter, chart: painted.append(chart))
    made = content()
    pdf.pdf_of(document_of(made))
    assert painted == list(made.charts)


def test_a_figure_and_its_caption_are_on_one_page(pages: Pages) -> None:
    assert len(pages.laid_out.figures) == 6
    for name, k in pages.laid_out.figures.items():
        assert re.fullmatch(r"Figure \d+", name)
        assert pages.texts[k + 1].startswith(f"{name}.")
        found = [page for each in range(k, k + 4) for page in pages.pages_of(each)]
        assert len(set(found)) == 1


def test_a_heading_is_on_the_page_of_what_follows_it(pages: Pages) -> None:
    for title in ("Environment", "Method", "Uncertainty", "Figures", "Findings", "All cells", "How to reproduce"):
        k = pages.texts.index(title)
        assert pages.pages_of(k)[0] == pages.pages_of(k + 1)[1]


def test_a_finding_names_the_page_of_its_figure(pages: Pages) -> None:
    page_number = pages.page_of("Figure 4. Power against batch size")
    assert page_number > 2
    assert f"See Figure 4 on page {page_number}." in pages.text


def test_the_table_repeats_its_head_and_fits_the_page(pages: Pages) -> None:
    tables = [each for each in pages.document.rootFrame().childFrames() if isinstance(each, QTextTable)]
    [cells] = [table for table in tables if table.format().headerRowCount() == 1]
    assert cells.rows() == len(published_campaign().cells) + 1
    assert pages.document.size().width() <= pages.size.width() + 1


def test_pdf_and_html_say_the_same() -> None:
    played = replace(published_campaign(times_simulated=True), meta={"profile": PROFILE})
    made = content(played, warnings=("The clocks differ.",))
    found = Pages(made)
    for each in document_of(made).sections:
        assert each.title in found.text
    for part in ("The clocks differ.", "Power does not depend on the batch size.", "slope: 0.10 ± 0.10 W", "seed = 99"):
        assert part in found.text
    assert found.text.count("SIMULATED") > len(played.cells)


def test_text_from_a_session_file_is_text_in_the_pdf() -> None:
    found = Pages(content(replace(published_campaign(), title=NASTY, board=NASTY)))
    assert "<script>alert('x')</script>" in found.text


def test_nothing_is_too_long_for_the_pdf() -> None:
    endless = "x" * 3000
    long = replace(published_campaign(), board=endless, environment={endless: endless}, meta={"profile": endless})
    found = Pages(content(long, warnings=(endless,)))
    assert found.document.pageCount() < 40
    assert found.document.size().width() <= found.size.width() + 1


def test_files_are_what_their_names_say(tmp_path: Path) -> None:
    for name in ("a.html", "a.PDF"):
        write_report(content(), tmp_path / name)
    assert (tmp_path / "a.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert (tmp_path / "a.PDF").read_bytes().startswith(b"%PDF-")
    assert len(list(tmp_path.iterdir())) == 2
    with pytest.raises(ExportError, match="choose one of these endings"):
        write_report(content(), tmp_path / "a.docx")
    with pytest.raises(ExportError, match="no folder"):
        write_report(content(), tmp_path / "nowhere" / "a.html")


def test_a_report_of_nothing_is_a_report(tmp_path: Path) -> None:
    nothing = Campaign("empty.plm", "", "", "", False, ())
    write_report(ReportContent((nothing,)), tmp_path / "a.pdf")
    found = page(ReportContent((nothing,)))
    assert "No figures were made." in found.text
    assert "No claims were tested." in found.text


def test_verdicts_have_a_section_of_their_own() -> None:
    one = campaign({"AlexNet": {1: 0.0185}})
    evidence = timed(np.full(40, 0.02))
    judgements = tuple(judge(each, evidence) for each in (Requirement(Kind.P99, 0.01), Requirement(Kind.P99, 0.5)))
    verdicts = (SessionVerdicts(one.path, "It", False, judgements),)
    found = html_of(document_of(ReportContent((one,), verdicts=verdicts)))
    assert "Requirements of the profile: 1 FAIL, 1 INCONCLUSIVE." in found
    assert "<td>ResNet-18 b1: p99 at most 10 ms</td><td>FAIL</td><td>at least 20 ms</td><td>measured</td>" in found
    assert "more batches" in found
    assert 'id="requirements"' not in html_of(document_of(ReportContent((one,))))


def test_stages_have_a_chart_of_their_times_and_one_of_the_energies_that_are_known() -> None:
    one = campaign({"AlexNet": {1: 0.0185}})
    took = StageResult("decode", Estimate(0.004, 0.003, 0.005), 0.2, None, "The meter is slow.")
    computed = StageResult("compute", Estimate(0.016, 0.015, 0.017), 0.8, Estimate(0.16, 0.15, 0.17), None)

    def page_of(*stages: StageResult) -> str:
        staged = replace(one, cells=tuple(replace(cell, stages=stages) for cell in one.cells))
        return html_of(document_of(ReportContent((staged,))))

    found = page_of(took, computed)
    assert "Time of each stage of a pass from end to end" in found
    assert "Gross energy of each stage" in found
    assert (
        "<td>decode</td><td>4.0 ± 1.0</td><td>20.0</td><td>not known</td><td>The meter is slow.</td><td>measured</td>"
        in found
    )
    assert "Gross energy of each stage" not in page_of(took)
    assert "of each stage" not in page_of()
