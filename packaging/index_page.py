# SPDX-License-Identifier: Apache-2.0
"""README.md as the page of this program in a package index, made while the wheel is built.

A link of README.md leads to a file beside it, which an index does not have. Where pyproject.toml names a `Source`
in [project.urls], links and pictures lead there; otherwise only the words of a link are kept, and no picture.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_LINK = re.compile(r"(?P<picture>!?)\[(?P<words>[^\]]*)\]\((?P<target>[^)\s]+)\)")


class CustomMetadataHook(MetadataHookInterface):
    """Gives hatchling the readme."""

    def update(self, metadata: dict[str, Any]) -> None:
        text = Path(self.root, "README.md").read_text(encoding="utf-8")
        source = metadata.get("urls", {}).get("Source")
        metadata["readme"] = {"content-type": "text/markdown", "text": index_page(text, source)}


def index_page(text: str, source: str | None) -> str:
    """`text`, with no link that leads to a file beside it.

    Args:
        text: Markdown.
        source: the address under which `blob/main/FILE` shows a file and `raw/main/FILE` is the file; None: there
            is none.
    """

    def absolute(link: re.Match[str]) -> str:
        picture, words, target = link["picture"], link["words"], link["target"]
        if target.startswith(("https://", "http://", "#")):
            return link[0]
        if source is None:
            return "" if picture else words
        return f"{picture}[{words}]({source.rstrip('/')}/{'raw' if picture else 'blob'}/main/{target})"

    return re.sub(r"\n{3,}", "\n\n", _LINK.sub(absolute, text))
