# SPDX-License-Identifier: Apache-2.0
"""Who imports whom, imports for typing only included; what import-linter has no contract for."""

from __future__ import annotations

from pathlib import Path

import grimp

import monitor_app

PACKAGE = Path(monitor_app.__file__).parent
MOST_FILES_IN_A_FOLDER = 25


def test_a_chart_knows_nothing_of_where_it_is_shown_or_comes_from() -> None:
    graph = grimp.build_graph("monitor_app", exclude_type_checking_imports=False, cache_dir=None)
    found = [
        (module, imported)
        for module in graph.find_descendants("monitor_app.charts")
        for imported in graph.find_modules_directly_imported_by(module)
        if imported.split(".")[1] in {"gui", "session", "exports", "bench"}
    ]
    assert found == []


def test_no_folder_has_more_files_than_can_be_looked_over() -> None:
    folders = {path.parent for path in PACKAGE.rglob("*.py")}
    counts = {str(folder.relative_to(PACKAGE.parent)): len(list(folder.glob("*.py"))) for folder in folders}
    assert {name: count for name, count in counts.items() if count > MOST_FILES_IN_A_FOLDER} == {}
