# SPDX-License-Identifier: Apache-2.0
"""analyze, figures and report as a user types them, on a small campaign of the emulated board."""

from __future__ import annotations

import functools
import json
import math
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from PIL import Image

from monitor_app.analysis.findings import Verdict
from monitor_app.analysis.study import study
from monitor_app.cli import campaigns
from monitor_app.inference.replay import load_of
from tests.analysis.run.programs import Work, write_program
from tests.cli.program import monitor_app
from tests.conftest import Tries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from monitor_app.analysis.study import Study

PROFILE = """
title = "A small campaign"
[[source]]
kind = "shunt"
emulate = "tx1"
rate_hz = 10_000
[source.roles]
power = "total"
[inference]
device = "emulated:tx1"
[protocol]
settle_s = 0.3
power_check = false
idle_s = 0.3
warm_up_s = 0.2
warm_up_batches = 1
timed_s = 0.6
timed_batches = 3
[plan]
networks = {networks}
batch_sizes = [1, 4]
accuracy = "once"
images = "published"
"""


def record(folder: Path, name: str, networks: list[str]) -> Path:
    profile, session = folder / f"{name}.toml", folder / f"{name}.plm"
    profile.write_text(PROFILE.format(networks=json.dumps(networks)))
    done = monitor_app("record", str(profile), "-o", str(session))
    assert done.returncode == 0, done.stderr
    assert "SIMULATED" in done.stderr
    return session


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Tries[Path]:
    networks = ["alexnet_2016", "bn_nin", "enet", "resnet18"]
    return Tries(lambda _: record(tmp_path_factory.mktemp("whole"), "whole", networks))


@pytest.fixture(scope="module")
def part(tmp_path_factory: pytest.TempPathFactory) -> Tries[Path]:
    return Tries(lambda _: record(tmp_path_factory.mktemp("part"), "part", ["alexnet_2016"]))


@pytest.fixture(scope="module", autouse=True)
def analysed_once() -> Iterator[None]:
    """The same sessions are analysed by the first command that asks for them."""
    studies: dict[tuple[Path, ...], Study] = {}

    def remembered(files: Sequence[Path], progress: Callable[[float], None]) -> Study:
        if tuple(files) not in studies:
            studies[tuple(files)] = study(files, progress)
        return studies[tuple(files)]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(campaigns, "study", remembered)
        patch.setattr(campaigns, "_campaign", functools.cache(campaigns._campaign))
        yield


def strict(text: str) -> dict:
    def refuse(constant: str) -> float:
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(text, parse_constant=refuse)


@pytest.mark.realtime
def test_analyze_prints_one_document_with_cells_and_findings(whole: Path) -> None:
    done = monitor_app("analyze", str(whole), "--json")
    assert done.returncode == 0, done.stderr
    [session] = strict(done.stdout)["sessions"]
    assert session["simulated"] is True
    assert [(cell["network"], cell["batch_size"]) for cell in session["cells"]] == [
        (network, size) for network in ("alexnet_2016", "bn_nin", "enet", "resnet18") for size in (1, 4)
    ]
    cell = session["cells"][0]
    assert cell["net_w"]["low"] <= cell["net_w"]["value"] <= cell["net_w"]["high"]
    assert math.isclose(cell["net_w"]["value"], 11.8 * load_of("AlexNet", 1, seed=0), rel_tol=0.05)
    assert "answers" not in cell
    assert {finding["verdict"] for finding in session["findings"]} <= {each.value for each in Verdict}
    assert [finding["headline"] for finding in session["findings"]][:7] == [1, 1, 2, 3, 3, 4, None]
    assert {"power-batch", "bandwidth", "slow-meters"} <= {finding["key"] for finding in session["findings"]}


def test_analyze_tells_people_the_verdicts(whole: Path) -> None:
    done = monitor_app("analyze", str(whole))
    assert done.returncode == 0, done.stderr
    assert "SIMULATED" in done.stdout
    assert "Main finding 1: Net power does not depend on the batch size." in done.stdout


def test_a_session_is_no_worse_than_itself(whole: Path, tmp_path: Path) -> None:
    junit = tmp_path / "out.xml"
    limits = ("--max-energy", "+3%", "--max-latency", "+3%")
    done = monitor_app("analyze", "--baseline", str(whole), str(whole), *limits, "--junit", str(junit))
    assert done.returncode == 0, done.stdout + done.stderr
    suites = ET.parse(junit).getroot()
    assert int(suites.get("failures", "-1")) == 0
    assert int(suites.get("tests", "0")) == 16


def test_what_is_no_longer_measured_fails_the_job(whole: Path, part: Path, tmp_path: Path) -> None:
    junit = tmp_path / "out.xml"
    done = monitor_app(
        "analyze", "--baseline", str(whole), str(part), "--max-energy", "+3%", "--junit", str(junit), "--json"
    )
    assert done.returncode == 1
    document = strict(done.stdout)
    assert document["passed"] is False
    assert sum(check["fails"] for check in document["checks"]) == 6
    assert int(ET.parse(junit).getroot().get("failures", "0")) == 6


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--max-energy", "+3%"), "--baseline"),
        (("--baseline", "b.plm", "a.plm"), "one session file"),
    ],
)
def test_wrong_use_is_reported(words: tuple[str, ...], message: str, whole: Path) -> None:
    done = monitor_app("analyze", str(whole), *words)
    assert done.returncode == 2
    assert message in done.stderr


def test_a_limit_that_is_not_a_number_is_rejected(whole: Path) -> None:
    done = monitor_app("analyze", "--baseline", str(whole), str(whole), "--max-energy", "some")
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("form", "begins", "chosen"),
    [
        ("png", b"\x89PNG", ()),
        *(
            (form, begins, ("--only", "1,3,energy-batch,meter-rate"))
            for form, begins in (("svg", b"<?xml"), ("pdf", b"%PDF"), ("csv", b"kind,"))
        ),
    ],
)
def test_every_figure_becomes_a_file(
    form: str, begins: bytes, chosen: tuple[str, ...], whole: Path, tmp_path: Path
) -> None:
    done = monitor_app("figures", str(whole), "-o", str(tmp_path / "out"), "--format", form, *chosen)
    assert done.returncode == 0, done.stderr
    files = sorted((tmp_path / "out").iterdir())
    assert [str(file) for file in files] == sorted(done.stdout.split())
    names = {file.name for file in files}
    assert {
        f"fig01-top1.{form}",
        f"fig03-time-batch.{form}",
        f"fig11-energy-batch.{form}",
        f"fig15-meter-rate.{form}",
    } <= names
    assert all(file.read_bytes().startswith(begins) for file in files)


def test_the_command_writes_the_figures_that_are_named(whole: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    chosen = ("--only", "fig04,8,energy-batch", "--size", "85x60mm", "--style", "print", "--energy", "gross")
    done = monitor_app("figures", str(whole), "-o", str(out), *chosen)
    assert done.returncode == 0, done.stderr
    pictures = sorted(file.name for file in out.glob("*.png"))
    assert [name.partition("-")[0] for name in pictures] == ["fig04", "fig08a", "fig08b", "fig11"]
    with Image.open(out / "fig04-power-batch.png") as image:
        assert [round(side / dpi * 25.4) for side, dpi in zip(image.size, image.info["dpi"], strict=True)] == [85, 60]
        assert image.getpixel((0, 0)) == (255, 255, 255)
    captions = (out / "captions.txt").read_text(encoding="utf-8")
    assert "Figure 11. Energy per image against batch size. SIMULATED. Energy per image of the whole board" in captions


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--only", "fig99"), "there is no figure fig99"),
        (("--only", ","), "there is no figure"),
        (("--size", "large"), "is not a size"),
        ((), "with -o"),
    ],
)
def test_figures_that_cannot_be_are_refused(options: tuple[str, ...], words: str, whole: Path, tmp_path: Path) -> None:
    target = ("-o", str(tmp_path / "out")) if options else ()
    done = monitor_app("figures", str(whole), *target, *options)
    assert done.returncode == 2
    assert words in " ".join(done.stderr.split())
    assert not (tmp_path / "out").exists()


def test_the_names_of_figures_are_listed_without_a_session() -> None:
    done = monitor_app("figures", "--list")
    assert done.returncode == 0, done.stderr
    lines = [line.split(maxsplit=2) for line in done.stdout.splitlines()]
    assert lines[0] == ["fig01", "top1", "Top-1 accuracy by network"]
    assert ["fig08b", "operations-power-b16", "Operations against net power at batch 16"] in lines
    assert lines[-1][:2] == ["fig15", "meter-rate"]


class Links(HTMLParser):
    """What a page would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in {"src", "href", "xlink:href", "data"} and value and not value.startswith(("#", "data:")):
                self.fetched.append(value)


def test_the_report_is_one_page_that_fetches_nothing(whole: Path, part: Path, tmp_path: Path) -> None:
    page = tmp_path / "out.html"
    done = monitor_app("report", str(whole), str(part), "-o", str(page))
    assert done.returncode == 0, done.stderr
    text = page.read_text("utf-8")
    links = Links()
    links.feed(text)
    assert links.fetched == []
    assert "<script" not in text
    assert text.count("<svg") >= 10
    assert "SIMULATED" in text


def test_a_report_tells_of_a_program_of_ones_own(tmp_path: Path) -> None:
    write_program(tmp_path / "own.plm", [Work("detect", 0.1, 0.3, 10.0)], 0.5, rate_hz=1_000, noise_w=0.05)
    campaigns.write_report([tmp_path / "own.plm"], tmp_path / "own.html")
    text = (tmp_path / "own.html").read_text(encoding="utf-8")
    assert "Own program</h2>" in text
    assert "<td>detect</td><td>1</td>" in text


def test_a_report_named_pdf_is_a_pdf(whole: Path, tmp_path: Path) -> None:
    page = tmp_path / "out.pdf"
    done = monitor_app("report", str(whole), "-o", str(page))
    assert done.returncode == 0, done.stderr
    assert page.read_bytes().startswith(b"%PDF")


def test_a_file_that_is_no_session_is_reported_in_one_sentence(tmp_path: Path) -> None:
    for command in (("analyze",), ("report", "-o", "x.html"), ("figures", "-o", "x")):
        done = monitor_app(command[0], str(tmp_path / "none.plm"), *command[1:])
        # 1 of analyze is a regression, and nothing was compared here.
        assert done.returncode == (2 if command[0] == "analyze" else 1)
        assert len(done.stderr.strip().splitlines()) == 1


def test_a_run_that_fails_fails_the_campaign(tmp_path: Path) -> None:
    profile, session = tmp_path / "broken.toml", tmp_path / "s.plm"
    profile.write_text(PROFILE.format(networks='["bn_nin", "mobilenet_v2"]'))  # the second has no published figures
    done = monitor_app("record", str(profile), "-q", "-o", str(session))
    assert done.returncode == 1
    assert "2 runs failed: " in done.stderr
    assert f"`monitor-app show {session}`" in done.stderr
    assert done.stdout == f"session  {session}\n"
    table = monitor_app("analyze", str(session)).stdout
    assert max(map(len, table.splitlines())) <= 120
    assert "There are no published figures" in table


@pytest.mark.parametrize("columns", ["60", "80", "120", None])
def test_analyze_shows_every_figure_whatever_the_width(columns: str | None, whole: Path) -> None:
    environment = {} if columns is None else {"COLUMNS": columns, "TTY_COMPATIBLE": "1", "FORCE_COLOR": "1"}
    done = monitor_app("analyze", str(whole), **environment)
    assert done.returncode == 0, done.stderr
    table = done.stdout[: done.stdout.index("holds")] if "holds" in done.stdout else done.stdout
    assert "…" not in table


def test_a_plan_that_this_board_cannot_run_ends_with_a_sentence(tmp_path: Path) -> None:
    profile = tmp_path / "modes.toml"
    text = PROFILE.format(networks='["bn_nin"]').replace("[plan]", '[plan]\npower_modes = ["MAXN"]')
    profile.write_text(text)
    done = monitor_app("record", str(profile), "-o", str(tmp_path / "s.plm"), PATH="/nonexistent")
    assert done.returncode == 1
    assert "nvpmodel" in done.stderr.strip().splitlines()[-1]
    assert "[plan]" in done.stderr
