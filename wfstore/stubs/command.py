"""Write stubs, or look whether they are stale."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

from wfstore.stubs.describing import describe_folder, migrated
from wfstore.stubs.own import own_stubs
from wfstore.stubs.rendering import Face, Style, queries_module


def make_own(database_url: str | None) -> dict[Path, str]:
    """Return what wfstore's own stubs should be, by path."""
    from wfstore import models
    from wfstore.resources import QUERIES

    with migrated(database_url) as connection:
        return own_stubs(describe_folder(connection, QUERIES, models))


def make_for(
    queries: Path, models: ModuleType, output: Path, *, face: Face, migrations: Path | None, database_url: str | None
) -> dict[Path, str]:
    """Return what the stub of an application's queries should be, by path."""
    with migrated(database_url, migrations) as connection:
        namespaces = describe_folder(connection, queries, models)
    return {output: queries_module(namespaces, Style(face), models.__name__)}


def stale(stubs: Mapping[Path, str]) -> dict[Path, list[str]]:
    """Return the stubs that are not as they should be, with the difference."""
    found = {}
    for path, wanted in stubs.items():
        present = path.read_text(encoding="utf-8") if path.exists() else ""
        if present != wanted:
            lines = difflib.unified_diff(
                present.splitlines(), wanted.splitlines(), str(path), "as it should be", n=1, lineterm=""
            )
            found[path] = list(lines)
    return found
