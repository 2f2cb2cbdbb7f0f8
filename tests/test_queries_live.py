"""Every query on the migrated schema: it parses, its role may run it, it returns what its model has."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest
from psycopg import ClientCursor
from psycopg.pq import ExecStatus
from pydantic import BaseModel

from tests.databasekit import cloned, rows, session
from wfstore import errors, models
from wfstore.catalogue import CATALOGUE
from wfstore.queryfiles.query import Query

ROLES = {"app": "wfstore_app", "worker": "wfstore_worker", "readonly": "wfstore_readonly", "owner": "wfstore_owner"}
WORKERS = {
    *("executions.claim", "executions.wake_due", "executions.start_many", "executions.heartbeat_many"),
    "executions.lock_many",
    *("executions.finish_many", "executions.fail_many", "executions.suspend", "execution_signals.take"),
    *("node_executions.record_many", "node_executions.get_many"),
}
UTILITY = ("COMMIT", "COPY", "CREATE TEMPORARY", "RESET", "SET")  # anybody may, or a test says who
QUERIES = list(CATALOGUE)
each_query = pytest.mark.parametrize("query", QUERIES, ids=str)


@pytest.fixture(scope="module")
def sessions(server_url: str) -> Iterator[dict[str, psycopg.Connection[Any]]]:
    """A connection as each role, and as the superuser who migrates."""
    with cloned(server_url) as url, ExitStack() as stack:
        opened = {role: stack.enter_context(session(url, name)) for role, name in ROLES.items()}
        yield opened | {"admin": stack.enter_context(session(url, "postgres"))}


def role_of(query: Query) -> str:
    """Who runs it: as its header says, or else the app; workers their own; whoever migrates, migrations."""
    if query.namespace == "migrations":
        return "admin"
    return query.directives.get("role", "worker" if str(query) in WORKERS else "app")


def numbered(query: Query, connection: psycopg.Connection[Any]) -> tuple[bytes, int]:
    """The statement as psycopg sends it, and how many parameters it has."""
    if query.binds_on_client:
        return ClientCursor(connection).mogrify(query.text.encode(), dict.fromkeys(query.parameters, "")).encode(), 0
    names = list(dict.fromkeys(re.findall(r"%\((\w+)\)s", query.text)))
    return re.sub(r"%\((\w+)\)s", lambda match: f"${names.index(match[1]) + 1}", query.text).encode(), len(names)


def prepare(connection: psycopg.Connection[Any], name: bytes, text: bytes) -> None:
    result = connection.pgconn.prepare(name, text)
    assert result.status == ExecStatus.COMMAND_OK, result.error_message.decode()


@each_query
def test_it_returns_what_its_model_has(sessions: dict[str, psycopg.Connection[Any]], query: Query) -> None:
    connection = sessions[role_of(query)]
    text, count = numbered(query, connection)
    prepare(connection, b"", text)
    described = connection.pgconn.describe_prepared(b"")
    assert described.nparams == count
    columns = [(described.fname(place) or b"").decode() for place in range(described.nfields)]
    if query.model is not None:
        assert sorted(columns) == sorted(query.model.model_fields)
    else:
        assert len(columns) == (0 if query.shape == "count" else 1)


@pytest.mark.parametrize("query", [query for query in QUERIES if not query.text.startswith(UTILITY)], ids=str)
def test_its_role_may_run_it(sessions: dict[str, psycopg.Connection[Any]], query: Query) -> None:
    """EXPLAIN checks rights as the statement itself does, and runs nothing."""
    connection = sessions[role_of(query)]
    text, count = numbered(query, connection)
    name = str(query).replace(".", "_")
    prepare(connection, name.encode(), text)
    arguments = f"({', '.join(['NULL'] * count)})" if count else ""
    explain = f"EXPLAIN EXECUTE {name} {arguments}"
    assert connection.execute(explain.encode()).fetchall()
    # To analyze a table that is not one's own is a warning.
    if (
        role_of(query) == "owner" and not query.reads_only and not query.text.startswith("ANALYZE")
    ):  # then nobody else may, or the header need not say so
        prepare(sessions["app"], name.encode(), text)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            sessions["app"].execute(explain.encode())


@each_query
def test_its_header_holds(sessions: dict[str, psycopg.Connection[Any]], query: Query) -> None:
    """What no machine reads at run time is right all the same: indexes, roles, errors, results."""
    told = query.directives
    indexes = rows(sessions["admin"], "SELECT relname::text AS name FROM pg_class WHERE relkind IN ('i', 'I')")
    wanted = {name.strip() for name in told.get("index", "").split(",") if name.strip()}
    assert wanted <= {index["name"] for index in indexes}
    assert told.get("role", "app") in ROLES
    assert told.get("repeat", "safe") == "safe"
    for name in filter(None, re.split(r",\s*", told.get("raises", ""))):
        assert issubclass(getattr(errors, name), errors.WfstoreError)
    match query.shape:
        case "count":
            assert query.result is int
        case "value":
            assert query.model is None
        case "one":
            assert query.model is not None
        case _:
            assert query.result is not None
    if re.search(r"LIMIT %\(limit\)s", query.text) and query.shape == "list":
        assert told.get("rows") == "0..limit"


def test_a_model_is_exactly_what_some_query_returns() -> None:
    """No model lies about unused, nor takes what it does not know."""
    used = {query.model for query in QUERIES if query.model is not None}
    rows_of_ours = {m for _, m in inspect.getmembers(models, inspect.isclass) if issubclass(m, BaseModel)}
    assert rows_of_ours - used == {models.Row}
    for model in used:
        assert model.model_config == {"frozen": True, "extra": "forbid", "strict": True}, model


def test_no_statement_is_long() -> None:
    """But for three, each of which is one round trip through five tables."""
    longer = {"executions.enqueue_many": 105, "executions.fail_many": 145, "executions.wake_due": 90}
    assert [str(query) for query in QUERIES if query.text.count("\n") > longer.get(str(query), 80)] == []
