"""Hold the indexes that a header declares against what PostgreSQL can do with them.

A scratch database is empty: which of two indexes the planner takes there says nothing. So an index that it does
not take at once is tried again with the table's other indexes out of sight; what it does not take even then
cannot serve the query.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import postgast
import psycopg
from psycopg import sql
from psycopg.pq import ExecStatus
from psycopg.rows import tuple_row

from wfstore.catalogue import CATALOGUE
from wfstore.check.checked import CheckedQuery
from wfstore.check.finding import Finding
from wfstore.check.static.tree import places
from wfstore.server import Role
from wfstore.sync.calling import call

_NAME = "wfstore_check"

# Not in a query file: among the methods that an application sees, nobody should find what takes indexes away.
_INDEXES = """
    SELECT
        index.relname, parent.relname, pg_get_indexdef(index.oid, 1, true), i.indpred IS NOT NULL,
        pg_get_indexdef(index.oid)
    FROM pg_catalog.pg_index AS i
    JOIN pg_catalog.pg_class AS index ON index.oid = i.indexrelid
    LEFT JOIN pg_catalog.pg_inherits AS inherits ON inherits.inhrelid = index.oid
    LEFT JOIN pg_catalog.pg_class AS parent ON parent.oid = inherits.inhparent
    WHERE index.relnamespace = current_schema()::regnamespace
"""
_HIDE_OTHERS = """
    UPDATE pg_catalog.pg_index AS other
    SET indisvalid = false
    FROM pg_catalog.pg_index AS it
    WHERE it.indexrelid = to_regclass(%s)
        AND other.indrelid IN (SELECT relid FROM pg_partition_tree(it.indrelid) UNION SELECT it.indrelid)
        AND other.indexrelid NOT IN (SELECT relid FROM pg_partition_tree(it.indexrelid) UNION SELECT it.indexrelid)
"""
_SETTINGS = ("enable_seqscan", "enable_partition_pruning")
"""Off: no table is small enough to be read from end to end, and NULLs leave no partition over."""


@dataclass(frozen=True, slots=True)
class _Index:
    """An index of the database."""

    name: str
    parent: str | None
    """That of the partitioned table, if it is a partition's."""
    first_column: str
    is_partial: bool
    definition: str


@dataclass(frozen=True, slots=True)
class _Use:
    """An index in a plan; those of partitions go by their parents' names."""

    name: str
    condition: str | None


def index_findings(connection: psycopg.Connection[Any], query: CheckedQuery) -> list[Finding]:
    """Return what is wrong with the indexes that a query's header declares.

    The database has the migrations applied; the connection is in autocommit and a superuser's, and everything is
    rolled back. A statement that the server refuses has nothing to be found here: its other faults come first.
    """
    declared = query.header.directives.get("index", "").replace(",", " ").split()
    return [finding for name in declared for finding in _findings(connection, query, name)]


def _findings(connection: psycopg.Connection[Any], query: CheckedQuery, name: str) -> Iterator[Finding]:
    known = _known(connection)
    index = next((each for each in known if each.name == name), None)
    if index is None:
        near = difflib.get_close_matches(name, [each.name for each in known], n=3)
        hint = f"did you mean {' or '.join(near)}?" if near else None
        yield _at(query, name, "unknown-index", f"there is no index {name}", hint)
        return
    first = _uses(connection, query, known)
    if first is None or _served(first, index):
        return
    alone = _uses(connection, query, known, only=index)
    if alone is not None and _served(alone, index):
        return
    yield _at(
        query, name, "unserving-index", f"{name} cannot serve {query.name}: {_instead(first, index)}", index.definition
    )


def _known(connection: psycopg.Connection[Any]) -> list[_Index]:
    with connection.cursor(row_factory=tuple_row) as cursor:
        return [_Index(*row) for row in cursor.execute(_INDEXES).fetchall()]


def _served(uses: Sequence[_Use], index: _Index) -> bool:
    """Whether the index narrows a scan down: by its first column, by its own condition, or by settling conflicts."""
    of_it = [use for use in uses if use.name == index.name]
    return any(
        use.condition is None or index.is_partial or index.first_column in _columns(use.condition) for use in of_it
    )


def _instead(uses: Sequence[_Use], index: _Index) -> str:
    if any(use.name == index.name for use in uses):
        return f"its first column, {index.first_column}, is not compared"
    others = sorted({use.name for use in uses})
    return f"the plan uses {', '.join(others)}" if others else "the plan uses no index"


def _columns(condition: str) -> set[str]:
    """Return the names of the columns in a condition as EXPLAIN prints it."""
    references = (place.node for place in places(postgast.parse(f"SELECT {condition}")) if place.kind == "ColumnRef")
    return {reference.fields[-1].string.sval for reference in references}


def _uses(
    connection: psycopg.Connection[Any],
    query: CheckedQuery,
    known: Sequence[_Index],
    only: _Index | None = None,
) -> list[_Use] | None:
    """Return the indexes of a generic plan without sequential scans; None if there is no plan to be had."""
    declared = query.header.directives.get("role")
    roles = [Role.APP, Role.WORKER] if declared is None else [Role(each) for each in Role if each == declared]
    for role in roles:
        with suppress(psycopg.Error):
            return _planned(connection, query, role, {each.name: each.parent or each.name for each in known}, only)
    return None


def _planned(
    connection: psycopg.Connection[Any],
    query: CheckedQuery,
    role: Role,
    parents: Mapping[str, str],
    only: _Index | None,
) -> list[_Use]:
    try:
        with connection.transaction(force_rollback=True):
            if only is not None:
                connection.execute(_HIDE_OTHERS, [only.name])
            if role.database_role is not None:
                call(CATALOGUE["checks.work_as"], connection, {"role": role.database_role})
            call(CATALOGUE["checks.use_generic_plans"], connection, {})
            for setting in _SETTINGS:
                connection.execute(sql.SQL("SET LOCAL {} = off").format(sql.Identifier(setting)))
            explained = _explain(connection, query)
    finally:
        # It outlives the rollback, unless psycopg has taken that for a reason to forget all that is prepared.
        with suppress(psycopg.errors.InvalidSqlStatementName), connection.transaction():
            call(CATALOGUE["checks.end_statement"], connection, {})
    return [
        _Use(parents.get(name, name), node.get("Index Cond"))
        for node in _nodes(explained)
        for name in [node.get("Index Name"), *node.get("Conflict Arbiter Indexes", [])]
        if name is not None
    ]


def _explain(connection: psycopg.Connection[Any], query: CheckedQuery) -> Mapping[str, Any]:
    """Prepare and plan; with NULLs, which a generic plan does not look at."""
    text = query.sql.text.rstrip().removesuffix(";").encode()
    prepared = connection.pgconn.prepare(_NAME.encode(), text)
    if prepared.status != ExecStatus.COMMAND_OK:
        raise psycopg.ProgrammingError(prepared.get_error_message())
    arguments = sql.SQL(", ").join([sql.NULL] * len(query.sql.parameters))
    execute = sql.SQL("EXPLAIN (FORMAT JSON) EXECUTE {}").format(sql.Identifier(_NAME))
    if query.sql.parameters:
        execute += sql.SQL(" ({})").format(arguments)
    with connection.cursor(row_factory=tuple_row) as cursor:
        [[explained]] = cursor.execute(execute).fetchall()
    plan: Mapping[str, Any] = explained[0]["Plan"]
    return plan


def _nodes(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield node
    for child in node.get("Plans", []):
        yield from _nodes(child)


def _at(query: CheckedQuery, name: str, category: str, message: str, hint: str | None) -> Finding:
    """Make a finding where the header names the index."""
    lines = query.path.read_text(encoding="utf-8").split("\n")
    for number in range(query.header.line + 1, query.sql.line):
        line = lines[number - 1]
        if "index:" in line and name in line:
            column = line.index(name, line.index("index:")) + 1
            return Finding(category, query.path, number, column, message, hint, query.name)
    return query.header_finding(category, message, hint)
