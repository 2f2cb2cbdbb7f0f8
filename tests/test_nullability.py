"""What queries declare about NULL, tried on sparse rows: every query that returns rows, every column.

A NULL in a column that never is one fails; so does a query that returned no row, for then nothing was tried; so
does a column that may be NULL and was never seen so, unless the header says why (`-- unseen`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import ClientCursor, Cursor, sql

from tests.databasekit import cloned
from wfstore import DEFAULT_TENANT, models, uuid7
from wfstore.catalogue import CATALOGUE
from wfstore.check.checked import CheckedQuery
from wfstore.check.examined import Examined, examine
from wfstore.check.types import ServerType, ServerTypes
from wfstore.ids import FIRST_ID, LAST_ID
from wfstore.queryfiles.catalogue import Catalogue
from wfstore.queryfiles.query import Query
from wfstore.queryfiles.scan import scan
from wfstore.resources import QUERIES

SEED = (Path(__file__).parent / "sparse.sql").read_text(encoding="utf-8")
RETURNING = [
    query
    for path in sorted(QUERIES.glob("*.sql"))
    for statement in scan(path)
    if (query := CheckedQuery.of(statement)).header.shape != "count"
]
NOW = datetime.now(UTC)
USERS = [UUID(int=0x01890000_0000_7000_8000_0000000000A0 + number) for number in (0, 1)]
WORKFLOWS = [UUID(int=0x01890000_0000_7000_8000_0000000000B0 + number) for number in (0, 1)]
NEW_ID, RUNNING = uuid7(), uuid7()
LOWEST = {"uuid": FIRST_ID, "text": "", "integer": -1, "bigint": -1}
HIGHEST = {"uuid": LAST_ID, "text": "~", "integer": 2**31 - 1, "bigint": 2**40}
OF_TYPE: dict[str, Any] = {
    "boolean": True,
    "bytea": bytes(32),
    "bigint": 1,
    "integer": 1,
    "smallint": 1,
    "interval": timedelta(days=7),
    "jsonb": {},
    "numeric": Decimal(1),
    "oid": 25,
    "text": "x",
    "name": "x",
    "timestamptz": NOW,
    "uuid": NEW_ID,
    "double precision": 1.0,
}

# By name of the parameter: what the seed holds, each tried in turn.
BY_NAME: dict[str, list[Any]] = {
    "concurrency_key": ["k1"],
    "email": ["sparse@example.org", "full@example.org"],
    "execution_ids": [],  # filled in from the database
    "key": [4711],
    "keep": [None, timedelta(days=1)],
    "kinds": [["TAG"]],
    "limit": [1_000],
    "migration_ids": [["0004.users"]],
    "content_hashes": [["0" * 64]],
    "modes": [["MANUAL"]],
    "names": [["workflow_terms_workflow_idx", "workflows"]],
    "node_id": ["n0"],
    "node_ids": [["n0"]],
    "node_types": [["ACTION"]],
    "ordinal": [0],
    "queue": ["default"],
    "run_index": [0, 1],
    "since_id": [FIRST_ID, LAST_ID],
    "statuses": [["SUCCESS"]],
    "table_name": ["workflow_executions", "nothing"],
    "tenant_id": [DEFAULT_TENANT],
    "terms": [["x"]],
    "tenant_ids": [[DEFAULT_TENANT]],
    "timeout": ["1s"],
    "idle_in_transaction_timeout": ["1s"],
    "user_id": USERS,
    "workflow_id": WORKFLOWS,
    "workflow_ids": [[WORKFLOWS[0]]],
}

# By query, where its parameters mean something else than those of the same name elsewhere.
OVERRIDES: dict[str, dict[str, list[Any]]] = {
    "checks.check_constraints": {"table_oid": ["execution_queue"], "column_number": [6]},
    "checks.columns": {"table_name": ["workflows"]},
    "checks.function": {"name": ["lower"], "schema_name": [None, "pg_catalog"]},
    "checks.operator": {"name": ["="]},
    "checks.type": {"oid": [25, 1009, "domain"]},
    "execution_signals.take": {"execution_id": [RUNNING], "name": ["x", "nothing"]},
    "executions.enqueue_many": {"execution_ids": [[NEW_ID]]},
    "executions.fail_many": {"execution_ids": [[RUNNING]], "retries": [[True], [False]]},
    "executions.page_active": {"status": ["NEW", "RUNNING", "WAITING"]},
    "executions.page_children": {"parent_execution_id": [RUNNING]},
    "executions.suspend": {"execution_id": [RUNNING], "signal": ["nothing"], "children": [True]},
    "migrations.lock_holder": {"key": [4711, 1]},
    "partitions.drop": {"suffix": ["p20301230"]},
    "partitions.missing": {"ats": [[NOW, NOW - timedelta(days=3653)]]},
    "partitions.starts": {"since": [NOW], "until": [NOW + timedelta(days=30)]},
    "tenants.create": {"id": [NEW_ID]},
    "tenants.get": {"id": [DEFAULT_TENANT]},
    "tenants.resolve": {"slug": ["default", "nobody"]},
    "tenants.update": {"id": [DEFAULT_TENANT]},
    "users.create": {"email": ["new@example.org"], "id": [NEW_ID], "avatar_url": [None, "x"]},
    "users.get": {"id": USERS},
    "users.update": {"email": ["new@example.org"], "id": [USERS[0], USERS[1]], "avatar_url": [None, "x"]},
    "workflows.names": {"ids": [WORKFLOWS]},
    "workflows.create": {"id": [NEW_ID], "user_id": [None]},
}

STAGING = "".join(CATALOGUE[f"history.{name}"].text for name in ("stage_executions", "stage_node_runs")) + (
    "GRANT ALL ON pg_temp.wfstore_staged_executions, pg_temp.wfstore_staged_node_executions TO wfstore_app"
)
# What a superuser does before, one time each.
BEFORE: dict[str, list[str]] = {
    "migrations.lock_holder": ["SELECT pg_advisory_xact_lock(4711)"],
    "migrations.yoyo_lock_holder": ["SELECT 1", "DELETE FROM yoyo_lock"],
    "migrations.unlock": ["SELECT pg_advisory_lock(4711)"],
    "partitions.drop": ["SELECT wfstore_create_partition('2031-01-01 00:00:00+00')"],
    "history.take_in": [STAGING],
    "session.woken": ["SELECT set_config('wfstore.woken', '{\"default\": true}', true)"],
}


@pytest.fixture(scope="module")
def connection(server_url: str) -> Iterator[psycopg.Connection[Any]]:
    """A superuser's, on a database with the sparse rows in it."""
    with cloned(server_url) as url, closing(psycopg.connect(url, autocommit=True)) as opened:
        seed = SEED.replace(":tenant", f"'{DEFAULT_TENANT}'::uuid").replace(":running", f"'{RUNNING}'::uuid")
        opened.execute(seed.encode())
        opened.execute("CREATE DOMAIN small AS integer CHECK (VALUE < 10)")
        yield opened


@pytest.mark.parametrize("query", RETURNING, ids=lambda query: query.name)
def test_no_null_but_where_it_is_declared(connection: psycopg.Connection[Any], query: CheckedQuery) -> None:
    examined = examine(connection, query, models, ServerTypes(connection))
    assert lies(examined, list(run(connection, examined, CATALOGUE[query.name]))) == []


# A name, what the header says, a statement; and how the attack finds out.
LYING = [
    ("never", "-- not-null: avatar_url (a lie)", "SELECT avatar_url FROM users", "was NULL"),
    ("nothing", "", "SELECT name FROM users WHERE name = 'nobody'", "returned no row"),
    ("always", "-- nullable: name (a lie)", "SELECT name FROM users", "never was"),
    ("unseen", "-- unseen: avatar_url (a lie)", "SELECT avatar_url FROM users", "why it cannot"),
]


@pytest.mark.parametrize("case", LYING, ids=lambda case: case[0])
def test_a_lie_is_found(connection: psycopg.Connection[Any], tmp_path: Path, case: tuple[str, str, str, str]) -> None:
    name, header, statement, said = case
    path = tmp_path / "lies.sql"
    path.write_text(f"-- name: {name}()\n-- Say so.\n-- returns: str\n{header}\n{statement};\n".replace("\n\n", "\n"))
    examined = examine(connection, CheckedQuery.of(scan(path)[0]), models, ServerTypes(connection))
    [lie] = lies(examined, list(run(connection, examined, Catalogue(tmp_path, models)[f"lies.{name}"])))
    assert said in lie


@pytest.mark.parametrize(
    "query", [query for query in RETURNING if query.header.shape != "list"], ids=lambda query: query.name
)
def test_one_row_where_one_is_certain(connection: psycopg.Connection[Any], query: CheckedQuery) -> None:
    """What the stubs take for certain: `create` returns a User, not `User | None`."""
    examined = examine(connection, query, models, ServerTypes(connection))
    for rows in run(connection, examined, CATALOGUE[query.name]):
        assert len(rows) == 1 or not examined.derived.one_row


def lies(examined: Examined, results: list[list[list[bytes | None]]]) -> list[str]:
    """What the results of a query's samples prove wrong of what is declared, or leave without a proof."""
    rows = [row for result in results for row in result]
    if not rows:
        return [f"{examined.query.name} was not attacked: it returned no row"]
    found = []
    unseen = examined.excepted("unseen")
    one_value = examined.returns.model is None and examined.query.header.shape != "list"
    for index, column in enumerate(examined.description.columns):
        nulls = any(row[index] is None for row in rows)
        none = nulls or (one_value and not all(results))
        optional = examined.returns.optional if one_value else examined.nullable(index)
        if column.name in unseen and none:
            found.append(f"{column.name} was NULL, and the header says why it cannot be")
        elif nulls and not examined.nullable(index):
            found.append(f"{column.name} was NULL, and is declared never to be")
        elif optional and not none and column.name not in unseen:
            found.append(f"{column.name} is declared to be NULL sometimes, and never was")
    return found


def run(connection: psycopg.Connection[Any], examined: Examined, query: Query) -> Iterator[list[list[bytes | None]]]:
    """Run a query with all its samples, as the role that runs it; give the rows of each, as sent by the server."""
    samples = [
        candidates(connection, examined, name, type)
        for name, type in zip(examined.query.sql.parameters, examined.description.parameters, strict=True)
    ]
    before = BEFORE.get(str(query), [])
    for number in range(max([1, len(before), *map(len, samples)])):
        values = {
            name: several[number % len(several)]
            for name, several in zip(examined.query.sql.parameters, samples, strict=True)
        }
        with connection.transaction(force_rollback=True):
            if before:
                connection.execute(before[number % len(before)].encode())
            connection.execute("SELECT set_config('wfstore.tenant_id', %s, true)", [f"{DEFAULT_TENANT},{NEW_ID}"])
            if examined.description.role is not None:
                connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(examined.description.role)))
            cursor: Cursor[Any] = ClientCursor(connection) if query.binds_on_client else connection.cursor()
            cursor.execute(query.text.encode(), query.bind(values))
            result = cursor.pgresult
            assert result is not None
            # As bytes: the null of JSON is a value, and only NULL is none.
            yield [[result.get_value(row, column) for column in range(result.nfields)] for row in range(result.ntuples)]
        if "pg_advisory_lock" in str(before):
            connection.execute("SELECT pg_advisory_unlock_all()")


def candidates(connection: psycopg.Connection[Any], examined: Examined, name: str, type: ServerType) -> list[Any]:
    """Values for a parameter: from the tables above, or else by its type."""
    override = OVERRIDES.get(examined.query.name, {})
    if name in override:
        return [_looked_up(connection, value, type) for value in override[name]]
    if name in ("execution_id", "execution_ids"):
        # ending with those that may be claimed, prolonged, ended
        found = connection.execute("SELECT execution_id FROM workflow_executions ORDER BY execution_id").fetchall()
        return [[identifier] if type.is_array else identifier for (identifier,) in found]
    if name == "id":
        return list(WORKFLOWS)
    if name in BY_NAME:
        return BY_NAME[name]
    if name.startswith("after_"):
        return [LOWEST[type.name]]
    if name.startswith("before_"):
        return [HIGHEST[type.name]]
    if type.is_array:
        return [[OF_TYPE[type.name.removesuffix("[]")]]]
    return [OF_TYPE[type.name]]


def _looked_up(connection: psycopg.Connection[Any], value: Any, type: ServerType) -> Any:
    if type.name != "oid" or not isinstance(value, str):
        return value
    catalog = "small" if value == "domain" else value
    row = connection.execute(
        "SELECT coalesce(to_regclass(%s)::oid, to_regtype(%s)::oid)", [catalog, catalog]
    ).fetchone()
    return row[0] if row else None
