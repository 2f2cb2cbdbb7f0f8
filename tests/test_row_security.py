"""The second wall: what each role sees and changes in every tenant table, whatever the setting is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql

from tests.databasekit import cloned, rows, session
from wfstore import SYSTEM_TENANT, uuid7

OWNER, APP, WORKER, READONLY = "wfstore_owner", "wfstore_app", "wfstore_worker", "wfstore_readonly"
ROLES = (OWNER, APP, WORKER, READONLY)
NOBODY = "nobody"  # stands for a role of the test's own that was granted nothing
DEFINITIONS = {"workflows", "workflow_versions", "workflow_terms", "nodes", "node_connections", "node_templates"}
SETTINGS = {
    "unset": None,
    "empty": "",
    "own": "{own}",
    "other": "{other}",
    "both": "{own},{other}",
    "system": str(SYSTEM_TENANT),
    "a stranger's": str(uuid7()),
    "garbage": "garbage",
    "half garbage": "{own},garbage",
    "a comma too many": "{own},",
    "a space": "{own}, {other}",
    "an injection": "{own}') OR true --",
}
BROKEN = {"garbage", "half garbage", "a comma too many", "a space", "an injection"}
# One row of each tenant in every tenant table (two nodes, for the edge). A new table needs a line here.
SEEDS = {
    "users": "(tenant_id, id, email) VALUES (%(tenant)s, %(user)s, 'someone@example.org')",
    "workflows": """(tenant_id, id, user_id, name, workflow_data, content_hash)
        VALUES (%(tenant)s, %(workflow)s, %(user)s, 'a workflow', '{}', sha256('{}'))""",
    "workflow_versions": """(tenant_id, workflow_id, revision, workflow_data, content_hash)
        VALUES (%(tenant)s, %(workflow)s, 1, '{}', sha256('{}'))""",
    "workflow_terms": "(tenant_id, kind, term, workflow_id) VALUES (%(tenant)s, 'TAG', 'a tag', %(workflow)s)",
    "nodes": """(tenant_id, workflow_id, node_id, node_type, name, ordinal)
        VALUES (%(tenant)s, %(workflow)s, 'a', 'TRIGGER', 'a', 0), (%(tenant)s, %(workflow)s, 'b', 'TOOL', 'b', 1)""",
    "node_connections": """(tenant_id, workflow_id, ordinal, source_node_id, target_node_id)
        VALUES (%(tenant)s, %(workflow)s, 0, 'a', 'b')""",
    "workflow_executions": """(tenant_id, execution_id, workflow_id, workflow_revision)
        VALUES (%(tenant)s, %(execution)s, %(workflow)s, 1)""",
    "node_executions": """(tenant_id, execution_id, node_id, node_type, status)
        VALUES (%(tenant)s, %(execution)s, 'a', 'TRIGGER', 'RUNNING')""",
    "execution_queue": """(tenant_id, execution_id, workflow_id) VALUES (%(tenant)s, %(execution)s, %(workflow)s)""",
    "execution_stats": """(tenant_id, workflow_id, hour, status, slot, executions, duration_ms, durations)
        VALUES (%(tenant)s, %(workflow)s, '2026-01-01', 'SUCCESS', 0, 1, 5, wfstore_histogram('{5}'))""",
    "concurrency_limits": "(tenant_id, concurrency_key) VALUES (%(tenant)s, 'a key')",
    "execution_pauses": "(tenant_id, kind, name) VALUES (%(tenant)s, 'QUEUE', 'a queue')",
    "execution_signals": """(tenant_id, execution_id, id, name)
        VALUES (%(tenant)s, %(execution)s, %(user)s, 'a signal')""",
    "execution_keys": """(tenant_id, idempotency_key, execution_id, expires_at)
        VALUES (%(tenant)s, 'a key', %(execution)s, now())""",
    "dead_letters": """(tenant_id, execution_id, workflow_id, queue, failures, reason, died_at)
        VALUES (%(tenant)s, %(execution)s, %(workflow)s, 'default', 1, 'a reason', now())""",
}
KEYS = dict.fromkeys(SEEDS, "tenant_id") | {"tenants": "id"}

Seen = dict[UUID, int] | str


@dataclass(frozen=True)
class World:
    """A database with two tenants beside those that are always there, and the system tenant's rows."""

    url: str
    admin: psycopg.Connection[Any]
    nobody: str
    own: UUID
    other: UUID
    ids: dict[UUID, dict[str, UUID]]

    def session(self, role: str, setting: str | None) -> Any:
        tenants = None if setting is None else setting.format(own=self.own, other=self.other)
        return session(self.url, self.nobody if role == NOBODY else role, tenants)

    def may(self, role: str, privilege: str, table: str) -> bool:
        name = self.nobody if role == NOBODY else role
        [row] = rows(self.admin, "SELECT has_table_privilege(%s, %s, %s) AS may", name, table, privilege)
        return bool(row["may"])

    def seen(self, connection: psycopg.Connection[Any], table: str) -> Seen:
        """How many rows of each tenant there are to see; or that it is refused."""
        query = sql.SQL("SELECT {0} AS tenant, count(*) AS rows FROM {1} GROUP BY {0}")
        try:
            found = connection.execute(query.format(sql.Identifier(KEYS[table]), sql.Identifier(table))).fetchall()
        except (psycopg.errors.InsufficientPrivilege, psycopg.errors.InvalidTextRepresentation):
            return "refused"
        return dict(found)

    def contents(self) -> dict[str, str]:
        """A hash of every table, as the superuser sees it."""
        query = sql.SQL("SELECT md5(string_agg(t::text, chr(10) ORDER BY t::text)) AS hash FROM {} AS t")
        with closing(self.admin.cursor()) as cursor:
            return {table: str(cursor.execute(query.format(sql.Identifier(table))).fetchone()) for table in KEYS}


@pytest.fixture(scope="module")
def world(server_url: str) -> Iterator[World]:
    nobody = f"wfstore_test_{uuid4().hex}"
    with cloned(server_url) as url, closing(psycopg.connect(url, autocommit=True)) as admin:
        admin.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(nobody)))
        own, other = uuid7(), uuid7()
        for tenant, slug in ((own, "own"), (other, "other")):
            admin.execute("INSERT INTO tenants (id, slug, name) VALUES (%s, %s, %s)", [tenant, slug, slug])
        ids = {
            tenant: {what: uuid7() for what in ("user", "workflow", "execution")}
            for tenant in (own, other, SYSTEM_TENANT)
        }
        for tenant, names in ids.items():
            for table, values in SEEDS.items():
                insert = sql.SQL("INSERT INTO {} {}").format(sql.Identifier(table), sql.SQL(values))
                admin.execute(insert, {"tenant": tenant, **names})
        try:
            yield World(url, admin, nobody, own, other, ids)
        finally:
            admin.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(nobody)))


def writable(world: World, table: str) -> sql.Composed:
    """The columns of a table that an INSERT may name: not those that are generated."""
    names = rows(
        world.admin,
        "SELECT attname::text AS name FROM pg_attribute"
        " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''",
        table,
    )
    return sql.SQL(", ").join(sql.Identifier(row["name"]) for row in names)


def test_every_tenant_table_has_seeds(world: World) -> None:
    tenant_tables = rows(
        world.admin,
        """
        SELECT t.relname::text AS name FROM pg_class AS t JOIN pg_attribute AS a ON a.attrelid = t.oid
        WHERE t.relkind IN ('r', 'p') AND NOT t.relispartition AND t.relnamespace = 'public'::regnamespace
            AND a.attname = 'tenant_id'
        """,
    )
    assert {row["name"] for row in tenant_tables} == set(SEEDS)
    for table in SEEDS:
        everybody = world.seen(world.admin, table)
        assert everybody == dict.fromkeys(world.ids, 2 if table == "nodes" else 1)


# --- reading ------------------------------------------------------------------------------------------------


def expected(world: World, role: str, setting: str, table: str) -> Seen:
    everything = world.seen(world.admin, table)
    assert isinstance(everything, dict)
    if not world.may(role, "SELECT", table):
        return "refused"
    if (role, table) == (OWNER, "tenants"):
        return everything  # wfstore_tenant_id() finds a tenant before anybody is one
    if setting in BROKEN:
        return "refused"
    named = {
        "own": {world.own},
        "other": {world.other},
        "both": {world.own, world.other},
        "system": {SYSTEM_TENANT},
    }.get(setting, set())
    if table in DEFINITIONS and setting not in ("unset", "empty"):
        named |= {SYSTEM_TENANT}
    return {tenant: count for tenant, count in everything.items() if tenant in named}


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("role", [*ROLES, NOBODY])
def test_what_a_role_sees(world: World, role: str, setting: str) -> None:
    """Exactly the rows of the tenants of the setting, and the system's definitions beside them; unset: nothing."""
    with world.session(role, SETTINGS[setting]) as connection:
        seen = {table: world.seen(connection, table) for table in KEYS}
    assert seen == {table: expected(world, role, setting, table) for table in KEYS}


def test_which_tables_a_role_may_read_at_all(world: World) -> None:
    """The walk above takes the grants as they are; this says what they are."""
    refused = {(role, table) for role in (*ROLES, NOBODY) for table in KEYS if not world.may(role, "SELECT", table)}
    assert refused == {(NOBODY, table) for table in KEYS} | {(WORKER, "users")}


@pytest.mark.parametrize("role", ROLES)
def test_nobody_gets_round_it(world: World, role: str) -> None:
    """Turned off it fails instead of filtering; the owner, too, is bound."""
    with world.session(role, "{own}") as connection:
        connection.execute("SET row_security = off")
        for table in KEYS:
            assert world.seen(connection, table) == "refused"


def test_roles_are_ordinary(world: World) -> None:
    attributes = rows(
        world.admin,
        """
        SELECT rolname::text AS role, rolcanlogin AS can_login FROM pg_roles WHERE rolname = ANY (%s)
            AND NOT (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication)
        """,
        [*ROLES],
    )
    assert {row["role"]: row["can_login"] for row in attributes} == {role: role != OWNER for role in ROLES}
    for role in (APP, WORKER, READONLY):
        memberships = rows(
            world.admin,
            """
            SELECT r.rolname FROM pg_roles AS r WHERE r.rolname <> %s AND pg_has_role(%s, r.oid, 'MEMBER')
            UNION ALL
            SELECT classid::regclass::text FROM pg_shdepend WHERE refobjid = %s::text::regrole AND deptype = 'o'
            """,
            *(role, role, role),
        )
        assert memberships == [], f"{role} is a member of another role, or owns something"


# --- writing ------------------------------------------------------------------------------------------------


def attempt(connection: psycopg.Connection[Any], query: sql.Composed, *arguments: Any) -> int | str:
    """How many rows a write touches, or how it is refused; it is rolled back in any case."""
    try:
        with connection.transaction(force_rollback=True):
            return connection.execute(query, arguments).rowcount
    except psycopg.errors.InsufficientPrivilege as error:
        return "row-level security" if "row-level security" in str(error) else "permission denied"
    except psycopg.DatabaseError as error:
        if error.sqlstate != "WF007":  # a trigger, before the policy is asked
            raise
        return "row-level security"


@pytest.mark.parametrize("table", KEYS)
@pytest.mark.parametrize("role", [*ROLES, NOBODY])
def test_rows_of_others_cannot_be_changed(world: World, role: str, table: str) -> None:
    """Nor removed, nor written in their name, nor given to them; the system's neither, though they can be read."""
    before = world.contents()
    name, key = sql.Identifier(table), sql.Identifier(KEYS[table])
    may = {what: world.may(role, what, table) for what in ("SELECT", "INSERT", "UPDATE", "DELETE")}
    update = sql.SQL("UPDATE {0} SET {1} = {1} WHERE {1} = %s").format(name, key)
    give = sql.SQL("UPDATE {0} SET {1} = %s WHERE {1} = %s").format(name, key)
    delete = sql.SQL("DELETE FROM {0} WHERE {1} = %s").format(name, key)
    forge = sql.SQL(
        "INSERT INTO {0} ({3}) SELECT {3}"
        " FROM (SELECT (jsonb_populate_record(mine, jsonb_build_object({2}, %s))).*"
        " FROM {0} AS mine WHERE {1} = %s) AS forged"
    ).format(name, key, sql.Literal(KEYS[table]), writable(world, table))
    nothing: dict[str, int | str] = {
        what: 0 if may["SELECT"] and allowed else "permission denied" for what, allowed in may.items()
    }
    refused = {
        what: "row-level security" if may["SELECT"] and allowed else "permission denied"
        for what, allowed in may.items()
    }
    with world.session(role, "{own}") as connection:
        for tenant in (world.other, SYSTEM_TENANT, uuid7()):
            assert attempt(connection, update, tenant) == nothing["UPDATE"]
            assert attempt(connection, delete, tenant) == nothing["DELETE"]
            assert attempt(connection, give, tenant, world.own) == refused["UPDATE"]
            assert attempt(connection, forge, tenant, world.own) == refused["INSERT"]
    for setting in (None, ""):
        with world.session(role, setting) as connection:
            for tenant in (world.own, SYSTEM_TENANT):
                assert attempt(connection, update, tenant) == nothing["UPDATE"]
                assert attempt(connection, delete, tenant) == nothing["DELETE"]
    assert world.contents() == before


@pytest.mark.parametrize("role", [OWNER, APP, WORKER])
def test_own_rows_can_be_changed(world: World, role: str) -> None:
    """The walk above would pass if nothing could be written at all."""
    for table in KEYS:
        update = sql.SQL("UPDATE {0} SET {1} = {1}").format(sql.Identifier(table), sql.Identifier(KEYS[table]))
        with world.session(role, "{own}") as connection:
            may = world.may(role, "UPDATE", table)
            assert attempt(connection, update) == ((2 if table == "nodes" else 1) if may else "permission denied")


@pytest.mark.parametrize("role", [APP, WORKER, READONLY])
@pytest.mark.parametrize("table", KEYS)
def test_truncate_is_refused(world: World, role: str, table: str) -> None:
    with world.session(role, "{own}") as connection:
        assert attempt(connection, sql.SQL("TRUNCATE {} CASCADE").format(sql.Identifier(table))) == "permission denied"


def test_a_foreign_key_does_not_reach_into_another_tenant(world: World) -> None:
    with world.session(APP, "{own}") as connection:
        for tenant in (world.other, SYSTEM_TENANT):
            with pytest.raises(psycopg.errors.ForeignKeyViolation):
                connection.execute(
                    "INSERT INTO workflow_terms (tenant_id, kind, term, workflow_id) VALUES (%s, 'TAG', 'b', %s)",
                    [world.own, world.ids[tenant]["workflow"]],
                )


def test_system_rows_cannot_be_locked(world: World) -> None:
    """Who may read a template may not hold up those who change it."""
    template = world.ids[SYSTEM_TENANT]["workflow"]
    with world.session(APP, "{own}") as connection:
        assert connection.execute("SELECT name FROM workflows WHERE id = %s", [template]).fetchall() == [
            ("a workflow",)
        ]
        assert connection.execute("SELECT FROM workflows WHERE id = %s FOR UPDATE", [template]).fetchall() == []
        with pytest.raises(psycopg.Error) as caught:
            connection.execute("SELECT wfstore_lock_workflow(%s, %s, 1)", [SYSTEM_TENANT, template])
        assert caught.value.sqlstate == "WF004"


# --- partitions and functions -------------------------------------------------------------------------------


@pytest.mark.parametrize("parent", ["workflow_executions", "node_executions"])
@pytest.mark.parametrize("role", [*ROLES, NOBODY])
def test_partitions_are_closed(world: World, role: str, parent: str) -> None:
    """Rows are reached through the parent, whose policies apply: directly even the owner sees and writes nothing."""
    [row] = rows(world.admin, "SELECT tableoid::regclass::text AS name FROM workflow_executions LIMIT 1")
    name = sql.Identifier(row["name"].replace("workflow_executions", parent))
    columns = writable(world, parent)
    copy = sql.SQL("INSERT INTO {0} ({2}) SELECT {2} FROM {1}").format(name, sql.Identifier(parent), columns)
    with world.session(role, "{own},{other}") as connection:
        is_owner = role == OWNER
        assert attempt(connection, sql.SQL("SELECT * FROM {}").format(name)) == (0 if is_owner else "permission denied")
        assert attempt(connection, sql.SQL("DELETE FROM {}").format(name)) == (0 if is_owner else "permission denied")
        assert attempt(connection, copy) == ("row-level security" if is_owner else "permission denied")


@pytest.mark.parametrize("role", [*ROLES, NOBODY])
def test_a_tenant_is_found_by_its_slug_alone(world: World, role: str) -> None:
    """Before anybody is a tenant; as the owner's function, it tells nothing but that id."""
    query = "SELECT wfstore_tenant_id('own'), wfstore_tenant_id('nobody-s'), wfstore_tenant_id(NULL)"
    with world.session(role, None) as connection:
        if role == NOBODY:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(query)
        else:
            assert connection.execute(query).fetchone() == (world.own, None, None)


def test_a_tenant_that_is_not_served_is_not_found(world: World) -> None:
    with world.admin.transaction(force_rollback=True):
        world.admin.execute("UPDATE tenants SET is_active = false WHERE id = %s", [world.own])
        world.admin.execute("SET LOCAL ROLE wfstore_app")
        assert world.admin.execute("SELECT wfstore_tenant_id('own')").fetchone() == (None,)
