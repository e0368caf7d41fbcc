# SPDX-License-Identifier: Apache-2.0
"""The addresses of this program and its page in a package index, made while the wheel is built.

A link of README.md leads to a file beside it, which an index does not have. Links and pictures are made to lead to the
repository that the wheel is built from; where that has no public address, only the words of a link are kept, and no
picture.
"""

from __future__ import annotations

import email
import os
import re
import subprocess
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

PAPER = {"Canziani et al. (2016)": "https://arxiv.org/abs/1605.07678"}
_LINK = re.compile(r"(?P<picture>!?)\[(?P<words>[^\]]*)\]\((?P<target>[^)\s]+)\)")
_REMOTE = re.compile(
    r"(?:https://(?:[^@/]+@)?|ssh://git@|git@)(?P<host>[\w.-]+\.\w+)[:/](?P<path>[\w./~-]+?)(?:\.git)?/?"
)


class CustomMetadataHook(MetadataHookInterface):
    """Gives hatchling the addresses and the readme."""

    def update(self, metadata: dict[str, Any]) -> None:
        root = Path(self.root)
        source = source_of(root)
        metadata["urls"] = PAPER if source is None else {**addresses(source), **PAPER}
        text = (root / "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {"content-type": "text/markdown", "text": index_page(text, source)}


def source_of(root: Path) -> str | None:
    """The public address of the repository in ``root``: as an sdist, a build on GitHub or git's ``origin`` names it."""
    packed = root / "PKG-INFO"
    if packed.is_file():
        named = email.message_from_string(packed.read_text(encoding="utf-8")).get_all("Project-URL", [])
        return next((each.partition(", ")[2] for each in named if each.startswith("Source, ")), None)
    if os.environ.get("GITHUB_ACTIONS") == "true":
        return f"{os.environ['GITHUB_SERVER_URL']}/{os.environ['GITHUB_REPOSITORY']}"
    if not (root / ".git").exists():  # else git would answer for a repository around this folder
        return None
    git = ["git", "-C", str(root), "config", "--get", "remote.origin.url"]
    try:
        remote = subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:  # there is no git
        return None
    found = _REMOTE.fullmatch(remote)
    return f"https://{found['host']}/{found['path']}" if found else None


def addresses(source: str) -> dict[str, str]:
    """What an index lists beside the page."""
    return {
        "Source": source,
        "Documentation": f"{source}/blob/HEAD/docs/README.md",
        "Changelog": f"{source}/blob/HEAD/CHANGELOG.md",
        "Issues": f"{source}/issues",
    }


def index_page(text: str, source: str | None) -> str:
    """`text`, with no link that leads to a file beside it.

    Args:
        text: Markdown.
        source: the address under which `blob/HEAD/FILE` shows a file and `raw/HEAD/FILE` is the file; None: there
            is none.
    """

    def absolute(link: re.Match[str]) -> str:
        picture, words, target = link["picture"], link["words"], link["target"]
        if target.startswith(("https://", "http://", "#")):
            return link[0]
        if source is None:
            return "" if picture else words
        return f"{picture}[{words}]({source.rstrip('/')}/{'raw' if picture else 'blob'}/HEAD/{target})"

    return re.sub(r"\n{3,}", "\n\n", _LINK.sub(absolute, text))
