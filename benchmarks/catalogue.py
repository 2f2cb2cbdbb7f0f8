"""All groups, in the order of the table."""

from __future__ import annotations

from fnmatch import fnmatchcase

from benchmarks.bench import Sizes
from benchmarks.model import Group, Row
from benchmarks.rows import (
    claims,
    drops,
    history,
    imports,
    node_results,
    pooler,
    reads,
    saving,
    small_writes,
    snapshots,
)
from wfstore.errors import InvalidInput


def groups(sizes: Sizes) -> tuple[Group, ...]:
    """All groups, for these sizes."""
    return (
        node_results.GROUP,
        pooler.GROUP,
        small_writes.GROUP,
        claims.GROUP,
        snapshots.GROUP,
        reads.GROUP,
        saving.GROUP,
        imports.GROUP,
        history.group_of(sizes),
        drops.GROUP,
    )


def chosen(sizes: Sizes, patterns: list[str]) -> list[tuple[Group, list[Row]]]:
    """The groups with those of their rows that a pattern names: a group, a row, or with `*`; none names all."""
    known = groups(sizes)
    for pattern in patterns:
        if not any(_is_named(row, group, pattern) for group in known for row in group.rows):
            raise InvalidInput(
                f"no row is called {pattern!r}", hint="`python -m benchmarks list` shows the rows and their groups."
            )
    picked = [
        (group, [row for row in group.rows if not patterns or any(_is_named(row, group, each) for each in patterns)])
        for group in known
    ]
    return [(group, rows) for group, rows in picked if rows]


def _is_named(row: Row, group: Group, pattern: str) -> bool:
    return pattern == group.name or fnmatchcase(row.name, pattern)
