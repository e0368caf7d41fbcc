# SPDX-License-Identifier: Apache-2.0
"""A session whose every text is written by somebody else: nothing of it is interpreted, wherever it is shown."""

from __future__ import annotations

import csv
import json
import re
import sqlite3
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QWidget

from monitor_app.bench.messages import Status
from monitor_app.cli import main, tables
from monitor_app.cli.tables import status_line
from monitor_app.cli.terminal import Terminal, put, say
from monitor_app.core.plain_text import cell, comment, visible, visible_lines
from monitor_app.core.status import BenchStatus, FoundSource, SourceState, SourceStatus
from monitor_app.session.schema import TABLES
from tests.gui.conftest import StandIn, Tape, frames, open_window, status  # noqa: F401 (a fixture)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from monitor_app.gui.main_window import MainWindow

pytestmark = pytest.mark.usefixtures("qapp")  # one application that also has widgets
WORDS = (
    "\x1b[31m\x1b]0;owned\x07\x9b2J", "=cmd|' /C calc'!A0", "+1+cmd", "-2+3+cmd|' /C calc'!A0", "@SUM(1,1)", "\t=1+1",
    "\r=1+1", "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<b>bold</b><br>&lt;",
    "[bold red]red[/bold red] [link=http://x]here[/link] :smile:", "nul\0nul", "\u202eright to left\u202c\u2066\u2069",
    "two\nlines", 'a", =1+1, "b', "{{ 7 * 7 }}{% raw %}", "%s %(x)s {0}", "</svg><script>alert(1)</script>",
    "\ufeff\u200b",
)  # fmt: skip
"""What a terminal, a spreadsheet, a browser, Qt, rich, jinja and C take for theirs."""
TEXTS = ("=1+1" + "".join(WORDS), "<script>alert(1)</script>" + "".join(reversed(WORDS)))
"""All of them, behind what makes a formula of a cell and what makes a page of a text."""
MEANT = {
    ("signal", "quantity"), ("signal", "role"), ("signal", "encoding"), ("run", "state"), ("span", "phase"),
    ("batch", "phase"), ("meta", "key"), ("source", "lines"), ("source", "notes"), ("answers", "top1"),
    ("environment", "key"), ("run", "device"), ("run_fact", "key"),
}  # fmt: skip
"""Columns that the program reads: what they may hold is checked."""
_COMMAND = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200b\ufeff]")


def texts() -> list[tuple[str, str]]:
    """Every column of text, from the tables as they are defined."""
    found = []
    for table, columns in re.findall(r"CREATE TABLE (\w+) \((.*?)\)(?: WITHOUT ROWID)?;", TABLES, re.DOTALL):
        found += [(table, name) for name in re.findall(r"(\w+) TEXT", columns)]
    return [each for each in found if each not in MEANT]


@pytest.fixture(scope="module")
def plain_session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tape = Tape(tmp_path_factory.mktemp("words") / "s.plm")
    tape.write_until(20.0)
    tape.mark(3.0, "a mark")
    tape.close()
    return tape.path


@pytest.fixture(scope="module", params=TEXTS, ids=["formula", "page"])
def hostile(request: pytest.FixtureRequest, plain_session: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The session with these words in every text."""
    word = request.param
    path = tmp_path_factory.mktemp("hostile") / "hostile.plm"
    path.write_bytes(plain_session.read_bytes())
    db = sqlite3.connect(path)
    for table, column in texts():
        # Names are unique, and the word comes first as it has to for a spreadsheet.
        unique = " || CAST(id AS TEXT)" if (table, column) in {("source", "name"), ("signal", "name")} else ""
        db.execute(f"UPDATE {table} SET {column} = CAST(? AS TEXT){unique}", (word,))
    db.execute("UPDATE source SET notes = ?", (json.dumps([word, word]),))
    db.execute("UPDATE run SET error = ?, state = 'failed' WHERE id = 2", (word,))
    db.execute("INSERT OR REPLACE INTO meta VALUES ('title', ?)", (word,))
    db.commit()
    db.close()
    return path


def is_inert(text: str) -> bool:
    return _COMMAND.search(text) is None


def formulae(text: str) -> list[str]:
    """Cells that a spreadsheet would take for a formula, by each of the separators that it may split at."""
    found = []
    for separator in ",;\t":
        for row in csv.reader(text.splitlines(), delimiter=separator):
            found += [each for each in row if each.lstrip()[:1] in {"=", "+", "-", "@"} and not is_number(each)]
    return found


def is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_every_text_of_the_format_is_tried() -> None:
    assert {table for table, _ in texts()} >= {"meta", "source", "signal", "run", "mark", "log", "gap"}


def test_the_terminal_shows_and_does_not_obey(hostile: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (("show", str(hostile)), ("analyze", str(hostile)), ("show", str(hostile), "--json")):
        assert main(list(words)) == 0
        shown = capsys.readouterr()
        assert is_inert(shown.out), words
        assert is_inert(shown.err), words


def test_tables_and_pictures_of_text_hold_no_code(hostile: Path, tmp_path: Path) -> None:
    for table in ("samples", "runs", "batches"):
        out = tmp_path / f"{table}.csv"
        assert main(["export", str(hostile), "--format", "csv", "--table", table, "-o", str(out), "--to", "0.01"]) == 0
        text = out.read_text()
        assert is_inert(text)
        assert formulae(text) == []
    assert main(["figures", str(hostile), "-o", str(tmp_path / "figures"), "--format", "csv"]) == 0
    assert main(["figures", str(hostile), "-o", str(tmp_path / "figures"), "--format", "svg", "--size", "640x400"]) == 0
    for path in (tmp_path / "figures").iterdir():
        text = path.read_text()
        assert is_inert(text)
        if path.suffix == ".csv":
            assert formulae(text) == []
        else:
            names = {each.tag.rpartition("}")[2] for each in ET.fromstring(text).iter()}
            assert not names & {"script", "img", "foreignObject", "a"}


def test_reports_and_checks_hold_no_code(hostile: Path, tmp_path: Path) -> None:
    assert main(["report", str(hostile), "-o", str(tmp_path / "r.html")]) == 0
    page = (tmp_path / "r.html").read_text()
    assert is_inert(page)
    tags = Tags()
    tags.feed(page)
    assert "alert(1)" not in "".join(re.findall(r"<script.*?</script>", page, re.DOTALL))
    assert not any(name.startswith("on") for _, attributes in tags.found for name in attributes)
    assert not any(tag == "img" and attributes.get("src") == "x" for tag, attributes in tags.found)
    assert "49" not in page.partition("<title>")[2].partition("</title>")[0]
    assert main(["report", str(hostile), "-o", str(tmp_path / "r.pdf")]) == 0
    actions = rb"/(JS|JavaScript|URI|Launch|OpenAction|AA|EmbeddedFile)\b"
    assert not re.search(actions, (tmp_path / "r.pdf").read_bytes())
    junit = tmp_path / "j.xml"
    assert main(
        ["analyze", str(hostile), "--baseline", str(hostile), "--junit", str(junit), "--max-latency", "+3%"]
    ) in {0, 1}
    assert is_inert(junit.read_text())
    assert not {each.tag for each in ET.parse(junit).iter()} & {"script", "img", "b"}


def test_the_window_shows_and_does_not_render(
    hostile: Path,
    open_window: Callable[..., MainWindow],  # noqa: F811
) -> None:
    window = open_window(None, hostile)
    frames(window)
    recording = window.recording
    assert recording is not None
    for row in (*recording.sources, *recording.signals, *recording.runs, *recording.marks):
        assert is_inert(repr(row).replace("\\x", ""))
    check_widgets(window)


def test_what_the_bench_says_is_text(
    plain_session: Path,
    open_window: Callable[..., MainWindow],  # noqa: F811
) -> None:
    bench = StandIn(plain_session)
    window = open_window(bench)
    for word in TEXTS:
        source = SourceStatus(word, "shunt", SourceState.LOST, word, model=word, serial_number=word, notes=(word,))
        found = FoundSource(word, word, word, True, word)
        bench.say(Status(BenchStatus(sources=(source,), found=(found,), message=word)))
        frames(window)
        check_widgets(window)
        window.parts.message_bar.alarm(word)
        check_widgets(window)


def check_widgets(window: QWidget) -> None:
    """No label takes words of the session for HTML, none holds a character that is not seen."""
    for widget in window.findChildren(QWidget):
        tip = widget.toolTip()
        assert is_inert(tip)
        assert not re.search(r"<(script|img|b)\b", tip)
        if isinstance(widget, QLabel):
            text = widget.text()
            assert is_inert(text), text
            rich = widget.textFormat() is not Qt.TextFormat.PlainText
            assert not (rich and re.search(r"<(script|img|b>bold)", text)), text


# -- the functions ------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", WORDS)
def test_what_is_printed_is_one_line_that_does_nothing(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    put(word)
    say(word)
    source = SourceStatus(word, "shunt", SourceState.FAILED, word, model=word, notes=(word,))
    Terminal(stderr=True).print(status_line(BenchStatus(sources=(source,), message=word), 1.0, 2.0), soft_wrap=True)
    tables.print_sources([FoundSource("shunt", word, word, False, word)])
    tables.print_flags([word])
    shown = capsys.readouterr()
    assert is_inert(shown.out + shown.err)
    assert shown.out.split("\n")[0] == shown.err.split("\n")[0]
    assert visible(visible(word)) == visible(word)


def test_the_command_of_a_live_terminal_is_not_that_of_the_text() -> None:
    """On a terminal rich writes commands of its own; those in the text are shown all the same."""
    out = Terminal(force_terminal=True, color_system="standard", width=80)
    with out.capture() as captured:
        out.print("[red]\x1b[2J[/red]", style="bold")
    assert captured.get() == "\x1b[1m[red]\\x1b[2J[/red]\x1b[0m\n"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, 漢 é", "plain, 漢 é"),
        ("a\x1b[0m", "a\\x1b[0m"),
        ("caf\udce9.jpg", "caf\\xe9.jpg"),
        ("\ud800", "\\ud800"),
        ("\u202e\u2066", "\\u202e\\u2066"),
        ("a\tb\nc\0", "a\\tb\\nc\\x00"),
    ],
)
def test_what_is_not_seen_is_escaped(text: str, shown: str) -> None:
    assert visible(text) == shown
    visible(text).encode()
    assert visible_lines(f"x\n{text}").split("\n")[0] == "x"


@pytest.mark.parametrize(
    ("text", "shown"),
    [("=1", "'=1"), ("@a", "'@a"), ("-1.5", "-1.5"), ("+2e3", "+2e3"), ("-x", "'-x"), ("a=1", "a=1"), ("", ""),
     ("-inf", "-inf"), ("\t=1", "'\\t=1"), ("-1\n", "'-1\\n"), ("\uff1d1", "'\uff1d1")],
)  # fmt: skip
def test_numbers_stay_numbers_and_formulae_become_text(text: str, shown: str) -> None:
    assert cell(text) == shown


def test_a_comment_is_split_into_cells_that_are_no_formulae() -> None:
    assert comment('title: a, =1; @b "=c"') == "title: a, '=1; '@b \"'=c\""
    assert comment("rate: 50000 samples/s, -3") == "rate: 50000 samples/s, '-3"
