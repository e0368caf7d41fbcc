# SPDX-License-Identifier: Apache-2.0
"""A clock that goes on only while somebody sleeps, and a tree of files as the kernel's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor_app.sources.polling import Clock

if TYPE_CHECKING:
    from pathlib import Path

START_NS = 7_000_000_000


class FakeTime:
    def __init__(self) -> None:
        self.now_ns = START_NS
        self.slept: list[float] = []
        self.clock = Clock(lambda: self.now_ns, self.sleep)

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.slept.append(seconds)
        self.now_ns += round(seconds * 1e9)

    def go(self, seconds: float) -> None:
        self.now_ns += round(seconds * 1e9)


def write_tree(root: Path, files: dict[str, object]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{content}\n", encoding="utf-8")
    return root


def values(block) -> list[float]:
    """Of the block's only sample."""
    assert {len(codes) for codes in block.codes} == {1}
    assert {codes.dtype.str for codes in block.codes} == {"<f4"}
    return [float(codes[0]) for codes in block.codes]
