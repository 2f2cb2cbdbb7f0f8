"""Declared indexes: those that are not there, those that cannot serve their query, and all of ours that can."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.databasekit import cloned
from wfstore.check.checked import CheckedQuery
from wfstore.check.finding import Finding
from wfstore.check.index import index_findings
from wfstore.queryfiles.scan import scan
from wfstore.resources import QUERIES

OURS = [CheckedQuery.of(statement) for path in sorted(QUERIES.glob("*.sql")) for statement in scan(path)]
DECLARING = [query for query in OURS if "index" in query.header.directives]


@pytest.fixture(scope="module")
def connection(server_url: str) -> Iterator[psycopg.Connection[Any]]:
    with cloned(server_url) as url, closing(psycopg.connect(url, autocommit=True)) as opened:
        yield opened


def checked(folder: Path, text: str) -> CheckedQuery:
    path = folder / "mine.sql"
    path.write_text(text)
    [statement] = scan(path)
    return CheckedQuery.of(statement)


def found(connection: psycopg.Connection[Any], query: CheckedQuery) -> list[tuple[str, int, int]]:
    return [(each.category, each.line, each.column) for each in index_findings(connection, query)]


def query_with(index: str, where: str, parameters: str, rest: str = "", *, table: str = "workflow_executions") -> str:
    return (
        f"-- name: some({parameters})\n-- Some rows.\n-- returns: UUID            rows: 0..n\n-- index: {index}\n"
        f"SELECT tenant_id\nFROM {table}\nWHERE {where}{rest};\n"
    )


@pytest.mark.parametrize("query", DECLARING, ids=lambda query: query.name)
def test_every_index_that_we_declare_serves(connection: psycopg.Connection[Any], query: CheckedQuery) -> None:
    assert index_findings(connection, query) == []


def test_there_are_indexes_to_be_looked_at() -> None:
    assert len(DECLARING) > 10


TENANT = "tenant_id = :tenant_id"


@pytest.mark.parametrize(
    ("index", "where", "parameters"),
    [
        # the first column is not compared
        ("workflow_executions_workflow_idx", f"{TENANT} AND execution_id < :before_id", "before_id, tenant_id"),
        # a partial index whose condition the query does not repeat
        ("workflow_executions_rare_idx", f"{TENANT} AND execution_id < :before_id", "before_id, tenant_id"),
        ("workflow_executions_rare_idx", f"{TENANT} AND status = :status", "status, tenant_id"),
        ("execution_queue_due_idx", f"{TENANT} AND queue = :queue AND attempt < max_attempts", "queue, tenant_id"),
        # an expression instead of the column
        ("workflows_user_idx", f"{TENANT} AND user_id::text = :user", "tenant_id, user"),
        # an index of another table
        ("nodes_pkey", f"{TENANT} AND execution_id = :id", "id, tenant_id"),
    ],
)
def test_an_index_that_cannot_serve(
    connection: psycopg.Connection[Any], tmp_path: Path, index: str, where: str, parameters: str
) -> None:
    tables = {"workflows_user_idx": "workflows", "execution_queue_due_idx": "execution_queue"}
    query = checked(tmp_path, query_with(index, where, parameters, table=tables.get(index, "workflow_executions")))
    assert found(connection, query) == [("unserving-index", 4, 11)]


def test_the_message_says_what_the_plan_uses_instead(connection: psycopg.Connection[Any], tmp_path: Path) -> None:
    where = f"{TENANT} AND execution_id = :id"
    query = checked(tmp_path, query_with("workflow_executions_rare_idx", where, "id, tenant_id"))
    [finding] = index_findings(connection, query)
    assert isinstance(finding, Finding)
    assert finding.message == (
        "workflow_executions_rare_idx cannot serve mine.some: the plan uses workflow_executions_pkey"
    )
    assert finding.hint is not None
    assert "WHERE (rare_status IS NOT NULL)" in finding.hint
    assert finding.query == "mine.some"


def test_an_index_that_is_not_there(connection: psycopg.Connection[Any], tmp_path: Path) -> None:
    query = checked(
        tmp_path, query_with("workflow_execution_pkey", f"{TENANT} AND execution_id = :id", "id, tenant_id")
    )
    [finding] = index_findings(connection, query)
    assert (finding.category, finding.line, finding.column) == ("unknown-index", 4, 11)
    assert finding.message == "there is no index workflow_execution_pkey"
    assert finding.hint is not None
    assert "workflow_executions_pkey" in finding.hint


def test_several_indexes_behind_each_other(connection: psycopg.Connection[Any], tmp_path: Path) -> None:
    where = f"{TENANT} AND execution_id = :id"
    query = checked(tmp_path, query_with("workflow_executions_pkey, no_such_idx", where, "id, tenant_id"))
    assert found(connection, query) == [("unknown-index", 4, 37)]


def test_the_indexes_of_partitions_are_their_parents(connection: psycopg.Connection[Any], tmp_path: Path) -> None:
    where = f"{TENANT} AND workflow_id = :workflow_id"
    query = checked(tmp_path, query_with("workflow_executions_workflow_idx", where, "tenant_id, workflow_id"))
    assert found(connection, query) == []


def test_an_index_that_settles_conflicts_serves(connection: psycopg.Connection[Any], tmp_path: Path) -> None:
    text = (
        "-- name: add(kind, tenant_id, term, workflow_id)!\n-- Add a term.\n-- returns: int\n"
        "-- index: workflow_terms_pkey\n"
        "INSERT INTO workflow_terms (tenant_id, kind, term, workflow_id)\n"
        "VALUES (:tenant_id, :kind, :term, :workflow_id)\n"
        "ON CONFLICT (tenant_id, kind, term, workflow_id) DO NOTHING;\n"
    )
    assert found(connection, checked(tmp_path, text)) == []


def test_a_workers_query_is_planned_as_the_worker(connection: psycopg.Connection[Any], tmp_path: Path) -> None:
    text = (
        "-- name: touch(execution_id, tenant_id)!\n-- Touch.\n-- returns: int\n-- index: node_executions_pkey\n"
        "UPDATE node_executions\nSET retry_count = 0\n"
        "WHERE tenant_id = :tenant_id AND execution_id = :execution_id;\n"
    )
    assert found(connection, checked(tmp_path, text)) == []
    assert found(connection, checked(tmp_path, text.replace("node_executions_pkey", "nodes_pkey"))) == [
        ("unserving-index", 4, 11)
    ]


def test_a_statement_that_the_server_refuses_is_left_to_the_other_checks(
    connection: psycopg.Connection[Any], tmp_path: Path
) -> None:
    query = checked(tmp_path, query_with("workflows_pkey", "no_such_column = :id", "id", table="workflows"))
    assert found(connection, query) == []


def test_nothing_is_left_behind(connection: psycopg.Connection[Any], tmp_path: Path) -> None:
    where = f"{TENANT} AND execution_id = :id"
    index_findings(connection, checked(tmp_path, query_with("workflow_executions_rare_idx", where, "id, tenant_id")))
    [invalid] = connection.execute("SELECT count(*) FROM pg_index WHERE NOT indisvalid").fetchone() or [None]
    [role] = connection.execute("SELECT current_user = session_user").fetchone() or [None]
    [prepared] = connection.execute("SELECT count(*) FROM pg_prepared_statements").fetchone() or [None]
    assert (invalid, role, prepared) == (0, True, 0)
