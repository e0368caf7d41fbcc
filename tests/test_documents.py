# SPDX-License-Identifier: Apache-2.0
"""README and docs say what is: profiles can be used, links lead somewhere, commands and their options exist."""

from __future__ import annotations

import importlib
import re
import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.main import get_command

from monitor_app.bench.acquisition.instruments import make_instruments
from monitor_app.cli import COMMANDS
from monitor_app.cli.commands.command_line import split_command
from monitor_app.cli.commands.parser import app
from monitor_app.cli.files import find_profile
from monitor_app.core.samples import Quantity, SampleBlock
from monitor_app.core.source_specs import SerialSpec, SourceSpec
from monitor_app.emulators.runtime.main import parse
from monitor_app.sources.jetson.boards import board_names, load_board
from monitor_app.sources.lines.described_meter import Column, TimeColumn
from monitor_app.sources.profile_reader import load_profile, parse_profile, parse_source
from monitor_app.sources.registry import KINDS, emulated_kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).parents[1]
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
TEXTS = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in DOCUMENTS}
INSTRUMENTS = TEXTS["docs/instruments.md"]
SPECS: dict[str, Any] = {kind.name: kind.spec for kind in KINDS.values()}
_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_INLINE = re.compile(r"`([^`]+)`")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_ENDS = {"|", ">", ";", "&&", "&", "||"}


def blocks(text: str, *languages: str) -> list[str]:
    return [body for language, body in _FENCED.findall(text) if language in languages]


def prose(text: str) -> str:
    return _FENCED.sub("", text)


def as_profile(block: str) -> str:
    return block if re.search(r"^title\s*=", block, re.MULTILINE) else f'title = "It"\n{block}'


def calls_in(lines: Sequence[str]) -> Iterator[list[str]]:
    """The words after each `monitor-app` that is called."""
    for line in lines:
        words = shlex.split(line, comments=True) if "monitor-app" in line else []
        for k in (k for k, word in enumerate(words) if Path(word).name == "monitor-app"):
            end = next((n for n in range(k, len(words)) if words[n] in _ENDS), len(words))
            yield words[k + 1 : end]


def calls_shown(text: str) -> Iterator[list[str]]:
    """Whole command lines, to be typed as they stand."""
    return calls_in([line for block in blocks(text, "sh", "console") for line in block.splitlines()])


def calls_named(text: str) -> Iterator[list[str]]:
    """Commands that a sentence names; their options may want a value."""
    return calls_in(_INLINE.findall(prose(text)))


TOML = [(name, number, block) for name, text in TEXTS.items() for number, block in enumerate(blocks(text, "toml"))]
SHOWN = sorted({(name, tuple(words)) for name, text in TEXTS.items() for words in calls_shown(text)})
NAMED = sorted({(name, tuple(words)) for name, text in TEXTS.items() for words in calls_named(text) if words})


def check_call(words: Sequence[str]) -> None:
    """Parse a command line without carrying it out."""
    if not words:
        return
    first, *rest = words
    if first == "emulate" and rest:
        check_emulator(rest[0], rest[1:])
    elif first in COMMANDS:
        rest = split_command(list(words))[0][1:]
        given = commands()[first].make_context(first, rest).params
        profile = given.get("profile")
        assert profile is None or profile.endswith(".toml") or load_profile(find_profile(profile)).source
    else:
        assert not rest, f"{first} is no command"
        assert first.endswith(".plm") or load_profile(find_profile(first)).source


def commands() -> dict[str, Any]:
    group: Any = get_command(app)
    return dict(group.commands)


def check_emulator(name: str, words: Sequence[str]) -> None:
    kind = emulated_kind(name)
    assert kind is not None
    module = importlib.import_module(f"monitor_app.emulators.{kind.name}.__main__")
    parse(module.EMULATOR, words).check()


@pytest.mark.parametrize(("name", "number", "block"), TOML, ids=[f"{name}-{number}" for name, number, _ in TOML])
def test_every_profile_shown_can_be_used(name: str, number: int, block: str) -> None:
    profile = parse_profile(as_profile(block), f"{name}, block {number + 1}")
    sources = {source.name for source in profile.source}
    for combination in profile.combination:
        assert {term.partition("/")[0] for term in (*combination.plus, *combination.minus)} <= sources


def emulated_examples() -> dict[str, dict[str, Any]]:
    """Every different [[source]] table of the documents whose instrument can be emulated, without its port."""
    found = {}
    for name, number, block in TOML:
        for spec in parse_profile(as_profile(block), name).source:
            if KINDS[spec.kind].emulates:
                ports = {"port", "resource", "replay", "account", "faults", "serial_number"}
                table = spec.model_dump(mode="json", exclude_defaults=True, exclude=ports) | {"emulate": "tx1"}
                found.setdefault(repr(sorted(table.items(), key=str)), (f"{name}-{number}-{spec.name}", table))
    return dict(found.values())


EMULATED = emulated_examples()


@pytest.mark.parametrize("name", EMULATED)
def test_every_source_shown_works_on_an_emulated_instrument(name: str) -> None:
    """It opens as it stands, gives samples, and its roles are those of signals that are there."""
    spec = parse_source(EMULATED[name])
    [instrument] = make_instruments(spec)
    source = instrument.make_source(None)
    try:
        source.open()
        signals = {signal.name: signal for signal in source.info.signals}
        deadline = time.monotonic() + 20
        while not any(isinstance(each, SampleBlock) for each in source.read(0.2)):
            assert time.monotonic() < deadline
    finally:
        source.close()
        instrument.close()
    assert {name: signals[name].role for name in EMULATED[name].get("roles", {})} == EMULATED[name].get("roles", {})
    assert any(signal.quantity is Quantity.POWER for signal in signals.values())


def test_profiles_are_shown_as_toml() -> None:
    """So that the test above sees them."""
    for name, text in TEXTS.items():
        assert "[[source]]\n" not in re.sub(r"^```toml\n.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE), name


@pytest.mark.parametrize(("name", "words"), SHOWN, ids=[f"{name}: {' '.join(words)}" for name, words in SHOWN])
def test_every_command_line_shown_can_be_typed(name: str, words: tuple[str, ...]) -> None:
    check_call(words)


@pytest.mark.parametrize(("name", "words"), NAMED, ids=[f"{name}: {' '.join(words)}" for name, words in NAMED])
def test_every_command_named_exists_with_its_options(name: str, words: tuple[str, ...]) -> None:
    first, *rest = words
    if first == "mark":  # which is no command of the parser's, so that it is quick
        assert {word for word in rest if word.startswith("-")} <= {"--where", "--"}
    elif first in COMMANDS:
        rest = split_command(list(words))[0][1:]
        options = {option for parameter in commands()[first].params for option in parameter.opts}
        assert {word for word in rest if word.startswith("-")} <= options
        assert first != "emulate" or not rest or emulated_kind(rest[0])
    else:
        assert not rest
        assert load_profile(find_profile(first)).source


@pytest.mark.parametrize(
    "line",
    [
        "monitor-app recrod x.toml",
        "monitor-app sources --jason",
        "monitor-app record no-such-profile",
        "monitor-app no-such-profile",
        "monitor-app --verson",
        "monitor-app sources --capture",
        "monitor-app emulate ps4",
        "monitor-app emulate ps3 --format csv",
        "monitor-app emulate shunt --fault melt@5",
    ],
)
def test_what_does_not_exist_would_be_noticed(line: str) -> None:
    [words] = calls_shown(f"```sh\nsudo .venv/bin/{line} | less    # a remark\n```\n")
    with pytest.raises((Exception, SystemExit)):
        check_call(words)


def test_every_command_and_every_emulator_is_shown() -> None:
    assert set(COMMANDS) - {"window"} <= {words[0] for _, words in SHOWN if words}
    emulated = {kind.name for kind in KINDS.values() if kind.emulates}
    shown = [emulated_kind(words[1]) for _, words in SHOWN if words[:1] == ("emulate",)]
    assert {kind.name for kind in shown if kind is not None} == emulated


@pytest.mark.parametrize("name", TEXTS)
def test_every_link_leads_to_a_file(name: str) -> None:
    folder = (ROOT / name).parent
    for target in _LINK.findall(prose(TEXTS[name])):
        if not target.startswith(("http://", "https://", "#")):
            assert (folder / target.partition("#")[0]).resolve().exists(), target


def test_every_decision_is_in_the_list() -> None:
    listed = set(_LINK.findall(TEXTS["docs/decisions/README.md"]))
    assert listed == {path.name for path in (ROOT / "docs" / "decisions").glob("0*.md")}
    for name in listed:
        title = TEXTS[f"docs/decisions/{name}"].splitlines()[0]
        assert title.startswith(f"# {name[:4]} ")


def test_every_document_is_in_the_index() -> None:
    listed = set(_LINK.findall(TEXTS["docs/README.md"]))
    assert {path.name for path in (ROOT / "docs").glob("*.md")} - {"README.md"} <= listed


@pytest.mark.parametrize("name", ["docs/instruments.md", "docs/campaign.md", "docs/user-guide.md"])
def test_every_message_that_a_table_explains_is_in_the_code(name: str) -> None:
    """Between the dots that stand for what differs."""
    files = [*(ROOT / "monitor_app").rglob("*.py"), *(ROOT / "profiles").rglob("*.toml")]
    code = "".join(path.read_text(encoding="utf-8") for path in files)
    code = re.sub(r'["\']\s*f?["\']', "", code)  # strings over several lines
    for cell in re.findall(r"^\| ([^|]+)", TEXTS[name], re.MULTILINE):
        for message in re.findall(r'"([^"]+)"', cell):
            assert all(part.strip() in code for part in re.split(r"\.\.\.", message)), message


@pytest.mark.parametrize("name", [name for name in TEXTS if name != "CHANGELOG.md"])
def test_every_file_named_exists(name: str) -> None:
    """By its path from the root, or from monitor_app: `tests/test_documents.py`, `core/clock.py`."""
    for path in re.findall(r"`([\w./-]+/[\w.-]+\.(?:py|toml|csv))`", TEXTS[name]):
        assert (ROOT / path).exists() or (ROOT / "monitor_app" / path).exists(), path


@pytest.mark.parametrize("path", sorted((ROOT / "profiles").glob("*.toml")), ids=lambda path: path.name)
def test_every_profile_that_is_shipped_can_be_used(path: Path) -> None:
    profile = load_profile(path)
    assert profile.source
    # No board of anybody's is reached before its name has been written.
    assert profile.board is None or profile.board.host.endswith(".invalid")


def test_every_board_that_is_shipped_can_be_read_and_is_named() -> None:
    for board in map(load_board, board_names()):
        title = board.title.removeprefix("Jetson ")
        assert title in re.sub(r"\s+", " ", INSTRUMENTS), title


def section_of(kind: str) -> str:
    """The section of docs/instruments.md that shows how this kind is written."""
    sections = re.split(r"^## ", INSTRUMENTS, flags=re.MULTILINE)
    return next(s for s in sections if any(f'\nkind = "{kind}"\n' in block for block in blocks(s, "toml")))


def is_named(key: str, text: str) -> bool:
    """In code in the prose or a table, or given a value in a profile."""
    given = "\n".join(blocks(text, "toml"))
    return f"`{key}`" in prose(text) or bool(re.search(rf"(^|# |\{{ |, |\.){key}( =|\])", given, re.MULTILINE))


@pytest.mark.parametrize("kind", SPECS)
def test_every_kind_is_in_the_table_and_every_key_of_it_in_its_section(kind: str) -> None:
    spec = SPECS[kind]
    assert re.search(rf"^\|.*\| `{kind}` \|", INSTRUMENTS, re.MULTILINE)
    assert re.search(rf"^\|.*`{kind}`.*\|", TEXTS["README.md"], re.MULTILINE)
    common = INSTRUMENTS[INSTRUMENTS.index("\n## 1. ") : INSTRUMENTS.index("\n## 2. ")]
    inherited = {*SourceSpec.model_fields, "roles", *(SerialSpec.model_fields if issubclass(spec, SerialSpec) else ())}
    for key in spec.model_fields:
        assert is_named(key, common if key in inherited else section_of(kind)), key


@pytest.mark.parametrize("table", [Column, TimeColumn])
def test_every_key_of_a_column_is_explained(table: Any) -> None:
    for key in table.model_fields:
        assert is_named(key, section_of("lines")), key


def test_the_defaults_of_serial_instruments_are_as_documented() -> None:
    for spec in (spec for spec in SPECS.values() if issubclass(spec, SerialSpec)):
        line = spec.model_fields["sync_line"].default
        assert f"`{line}`" in INSTRUMENTS
    for kind, spec in SPECS.items():
        assert f"`{spec.model_fields['name'].default}`" in INSTRUMENTS, kind
