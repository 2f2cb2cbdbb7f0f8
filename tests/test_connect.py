"""Connecting: what is refused and with which advice, as whom the store works, transactions, plain queries."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

import wfstore
from tests import facekit
from tests.conftest import as_role, in_database
from tests.documentkit import chain
from tests.facekit import Face, until
from wfstore import DEFAULT_TENANT, Role, Store, queries, uuid7
from wfstore.compatibility import check_role, no_connection, unavailable
from wfstore.errors import (
    AlreadyExists,
    DatabaseUnavailable,
    InvalidInput,
    NotFound,
    SchemaMissing,
    SchemaNewer,
    SchemaOlder,
    WfstoreError,
)
from wfstore.ids import FIRST_ID
from wfstore.migrate import known, rollback
from wfstore.models import SessionFacts

Admin = psycopg.Connection[Any]

face, app = facekit.face, facekit.app


def add_user(store: Any, email: str) -> UUID:
    identifier = uuid7()
    store.users.create(id=identifier, email=email, name="", avatar_url=None, role="user")
    return identifier


def sessions(admin: Admin) -> int:
    """How many sessions but this one are on its database."""
    row = admin.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        " AND backend_type = 'client backend'"
    ).fetchone()
    assert row is not None
    return int(row[0])


# --- the schema ---------------------------------------------------------------------------------------------


def unmark_the_last(database: str) -> None:
    with psycopg.connect(database) as connection:
        connection.execute("DELETE FROM _yoyo_migration WHERE migration_id = %s", [known()[-1].id])


def roll_back_the_last(database: str) -> None:
    rollback(database)


def newer(database: str, *, breaking: bool) -> None:
    """Mark a migration that this release does not know."""
    with psycopg.connect(database) as connection:
        connection.execute(
            "INSERT INTO _yoyo_migration (migration_hash, migration_id, applied_at_utc)"
            " VALUES ('x', '9999.of_tomorrow', now())"
        )
        connection.execute(
            "INSERT INTO wfstore_migrations (migration_id, breaking) VALUES ('9999.of_tomorrow', %s)", [breaking]
        )


def test_a_database_without_the_schema_is_refused(face: Face, empty_database: str) -> None:
    with pytest.raises(SchemaMissing, match="the database has no wfstore schema") as refused:
        face.connect(empty_database)
    assert refused.value.hint == "Run: wfstore migrate"


@pytest.mark.parametrize("make_older", [roll_back_the_last, unmark_the_last])
def test_an_older_schema_is_refused(face: Face, database: str, make_older: Callable[[str], None]) -> None:
    make_older(database)
    with pytest.raises(SchemaOlder, match=f"lacks 1 migration.* the first is {known()[-1].id}") as refused:
        face.connect(database)
    assert refused.value.hint == "Run: wfstore migrate"


def test_a_newer_schema_that_breaks_this_release_is_refused(face: Face, database: str) -> None:
    newer(database, breaking=True)
    with pytest.raises(SchemaNewer, match=r"newer than this release .* 9999\.of_tomorrow") as refused:
        face.connect(database)
    assert "pip install -U wfstore" in (refused.value.hint or "")


def test_a_newer_schema_that_breaks_nothing_is_accepted(face: Face, database: str) -> None:
    newer(database, breaking=False)
    with face.connect(database) as store:
        assert store.tenants.get(id=DEFAULT_TENANT).slug == "default"


def test_who_is_refused_leaves_no_session_behind(face: Face, database: str, admin: Admin) -> None:
    newer(database, breaking=True)
    with pytest.raises(SchemaNewer):
        face.connect(database)
    until(lambda: sessions(admin) == 0, "no session is left")


# --- the server ---------------------------------------------------------------------------------------------


def test_a_server_that_is_not_there(face: Face) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(
        DatabaseUnavailable, match=rf'"127\.0\.0\.1", port {port} failed: Connection refused$'
    ) as refused:
        face.connect(f"postgresql://somebody@127.0.0.1:{port}/nothing", timeout=5)
    assert "Check DATABASE_URL and whether the server is up" in (refused.value.hint or "")


def test_a_database_that_is_not_there_whatever_its_name(face: Face, server_url: str) -> None:
    with pytest.raises(DatabaseUnavailable, match='database "wfstore_nowhere" does not exist'):
        face.connect(in_database(server_url, "wfstore_nowhere"))


def test_every_address_that_failed_is_named() -> None:
    error = psycopg.OperationalError(
        "connection failed: B\n\tIs it running?\nMultiple connection attempts failed. All failures were:\n"
        "- host: 'a': connection failed: A\n\tIs it running?\n- host: 'b': connection failed: B\n\tIs it running?"
    )
    assert str(unavailable(error)) == (
        "cannot connect to the database: host: 'a': connection failed: A; host: 'b': connection failed: B"
    )


def test_a_login_that_may_not_work_as_the_role(face: Face, database: str, admin: Admin) -> None:
    login = f"wfstore_test_{uuid4().hex[:8]}"
    admin.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(login)))
    try:
        with pytest.raises(InvalidInput, match="may not work as wfstore_app") as refused:
            face.connect(with_user(database, login))
        assert "GRANT wfstore_app TO" in (refused.value.hint or "")
    finally:
        admin.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(login)))


def with_user(url: str, user: str) -> str:
    """The URL for another login."""
    name = str(conninfo_to_dict(url)["dbname"])
    kept = [pair for pair in in_database(url, name).split("?")[1].split("&") if not pair.startswith("user=")]
    return "postgresql://?" + "&".join([*kept, f"user={user}"])


def test_a_server_without_the_roles_has_no_schema() -> None:
    error = psycopg.OperationalError('connection failed: ... FATAL:  role "wfstore_worker" does not exist')
    meaning = no_connection(error)
    assert isinstance(meaning, SchemaMissing)
    assert "wfstore_worker" in str(meaning)
    assert meaning.hint == "Run: wfstore migrate"
    stranger = psycopg.OperationalError('connection failed: ... FATAL:  role "wfstore" does not exist')
    assert isinstance(no_connection(stranger), DatabaseUnavailable)


@pytest.mark.parametrize("arguments", [{"attempts": 0}, {"min_size": 3, "max_size": 2}, {"max_size": 0}], ids=str)
def test_arguments_that_make_no_sense(face: Face, database: str, arguments: dict[str, int]) -> None:
    with pytest.raises(InvalidInput, match=", ".join(f"{key}={value}" for key, value in arguments.items())):
        face.connect(database, **arguments)


def test_the_database_of_the_environment(face: Face, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", database)
    with face.connect() as store:
        add_user(store, "ada@example.org")
    with face.connect(database) as store:
        assert store.users.get_by_email(email="ada@example.org") is not None


# --- who works here, for whom -------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [Role.APP, Role.WORKER, Role.READONLY])
def test_a_superusers_url_works_as_the_role(face: Face, database: str, role: Role) -> None:
    with face.connect(database, role=role) as store, store.transaction() as tx:
        facts = face.queries.session.facts(tx.connection)
    assert facts.role == role.database_role
    assert facts.is_bound


@pytest.mark.parametrize("role", [Role.OWNER, Role.ADMIN])
def test_a_role_that_is_not_bound_is_refused(face: Face, database: str, role: Role) -> None:
    with pytest.raises(InvalidInput, match="is not bound by row-level security") as refused:
        face.connect(database, role=role)
    assert "role=Role.APP" in (refused.value.hint or "")


def test_the_apps_own_role_is_refused_when_it_is_not_bound() -> None:
    facts = SessionFacts(role="wfstore_app", is_bound=False, tenant_setting="", server_version=180000)
    with pytest.raises(InvalidInput, match="role wfstore_app is not bound") as refused:
        check_role(facts)
    assert "ALTER ROLE wfstore_app NOSUPERUSER NOBYPASSRLS" in (refused.value.hint or "")


def test_a_tenant_by_slug_and_by_id(face: Face, database: str, other_tenant: UUID) -> None:
    for tenant in ("other", other_tenant):
        with face.connect(database, tenant=tenant) as store:
            assert store.tenant_id == other_tenant
            assert [each.slug for each in store.tenants.page(after_id=FIRST_ID, limit=9)] == ["other"]


@pytest.mark.parametrize(
    ("slug", "hint"),
    [("nobody", "by its slug"), ("Default", "in lower case"), (str(DEFAULT_TENANT), f"UUID('{DEFAULT_TENANT}')")],
)
def test_a_slug_that_nobody_has(face: Face, database: str, slug: str, hint: str) -> None:
    with pytest.raises(NotFound, match=f"there is no active tenant '{slug}'") as refused:
        face.connect(database, tenant=slug)
    assert hint in (refused.value.hint or "")


def test_a_tenant_that_is_not_served(face: Face, database: str, other_tenant: UUID, admin: Admin) -> None:
    admin.execute("UPDATE tenants SET is_active = false WHERE id = %s", [other_tenant])
    with pytest.raises(NotFound, match="there is no active tenant 'other'"):
        face.connect(database, tenant="other")


def test_a_roles_default_tenant_does_not_confuse(face: Face, database: str, admin: Admin, other_tenant: UUID) -> None:
    name = sql.Identifier(str(conninfo_to_dict(database)["dbname"]))
    default = sql.SQL("ALTER ROLE wfstore_app IN DATABASE {} SET wfstore.tenant_id = {}")
    admin.execute(default.format(name, sql.Literal(str(other_tenant))))
    with face.connect(with_user(database, "wfstore_app")) as store:
        assert store.tenant_id == DEFAULT_TENANT
        with store.transaction() as tx:
            assert face.queries.session.facts(tx.connection).tenant_setting == str(DEFAULT_TENANT)
        user = add_user(store, "ada@example.org")
        assert [each.slug for each in store.tenants.page(after_id=FIRST_ID, limit=9)] == ["default"]
        assert store.for_tenant(other_tenant).users.get(id=user) is None
    assert admin.execute("SELECT DISTINCT tenant_id FROM users").fetchall() == [(DEFAULT_TENANT,)]


# --- the pool -----------------------------------------------------------------------------------------------


def test_an_exhausted_pool(face: Face, database: str) -> None:
    with face.connect(database, max_size=1, timeout=0.3) as store:
        with store.transaction() as tx:
            tx.tenants.get(id=DEFAULT_TENANT)
            with pytest.raises(DatabaseUnavailable, match=r"no connection to the database within 0\.3 s") as refused:
                store.tenants.get(id=DEFAULT_TENANT)
            assert "all 1 connections may be in use: raise max_size=" in (refused.value.hint or "")
            with pytest.raises(DatabaseUnavailable, match=r"within 0\.3 s"), store.transaction():
                pass
        assert store.tenants.get(id=DEFAULT_TENANT).slug == "default"


def test_a_store_closes_at_the_end_of_its_block(face: Face, database: str, admin: Admin) -> None:
    with face.connect(database, min_size=3) as store:
        store.tenants.get(id=DEFAULT_TENANT)
        assert sessions(admin) >= 1
    until(lambda: sessions(admin) == 0, "no session is left")
    with pytest.raises(DatabaseUnavailable, match="the store is closed") as refused:
        store.tenants.get(id=DEFAULT_TENANT)
    assert "connect()" in (refused.value.hint or "")
    with pytest.raises(DatabaseUnavailable, match="the store is closed"), store.transaction():
        pass
    store.close()


# --- transactions of the caller's ---------------------------------------------------------------------------


def test_a_transaction_commits_at_its_end(face: Face, app: Store, admin: Admin) -> None:
    with app.transaction() as tx:
        assert tx.tenant_id == app.tenant_id
        user = add_user(tx, "ada@example.org")
        workflow = tx.workflows.add(chain(2), user_id=user).id
        face.run(tx.connection.execute("UPDATE users SET name = 'Ada'"))
        assert face.queries.users.get(tx.connection, tenant_id=tx.tenant_id, id=user).name == "Ada"
        assert admin.execute("SELECT count(*) FROM users").fetchone() == (0,)
    assert app.users.get(id=user).name == "Ada"
    assert app.workflows.get(id=workflow).user_id == user


def test_a_transaction_rolls_back_when_its_block_raises(app: Store, admin: Admin) -> None:
    with pytest.raises(ZeroDivisionError), app.transaction() as tx:
        add_user(tx, "ada@example.org")
        raise ZeroDivisionError
    assert admin.execute("SELECT count(*) FROM users").fetchone() == (0,)


def test_a_refusal_inside_a_transaction_rolls_it_back(app: Store, admin: Admin) -> None:
    with pytest.raises(AlreadyExists), app.transaction() as tx:
        add_user(tx, "ada@example.org")
        add_user(tx, "Ada@example.org")
    assert admin.execute("SELECT count(*) FROM users").fetchone() == (0,)


def test_a_refusal_that_was_swallowed_does_not_pass_for_a_commit(app: Store, admin: Admin) -> None:
    with pytest.raises(WfstoreError, match="all of it was rolled back") as refused, app.transaction() as tx:
        add_user(tx, "ada@example.org")
        with pytest.raises(AlreadyExists):
            add_user(tx, "ada@example.org")
    assert "tx.connection.transaction()" in (refused.value.hint or "")
    assert admin.execute("SELECT count(*) FROM users").fetchone() == (0,)


def test_a_part_of_a_transaction_may_fail_in_a_savepoint(store: Store) -> None:
    with store.transaction() as tx:
        add_user(tx, "ada@example.org")
        with pytest.raises(AlreadyExists), tx.connection.transaction():
            add_user(tx, "ada@example.org")
        add_user(tx, "bob@example.org")
    assert len(store.users.page(after_id=FIRST_ID, limit=9)) == 2


async def _savepoint(url: str) -> int:
    async with await wfstore.aio.connect(url) as store:
        async with store.transaction() as tx:
            await tx.users.create(id=uuid7(), email="a@b.c", name="", avatar_url=None, role="user")
            with pytest.raises(AlreadyExists):
                async with tx.connection.transaction():
                    await tx.users.create(id=uuid7(), email="a@b.c", name="", avatar_url=None, role="user")
            await tx.users.create(id=uuid7(), email="d@e.f", name="", avatar_url=None, role="user")
        return len(await store.users.page(after_id=FIRST_ID, limit=9))


def test_a_part_of_an_async_transaction_may_fail_in_a_savepoint(database: str) -> None:
    assert Face.run(_savepoint(database)) == 2


# --- plain queries ------------------------------------------------------------------------------------------


def test_queries_on_a_connection_of_ones_own(store: Store, database: str, other_tenant: UUID) -> None:
    mine = add_user(store, "ada@example.org")
    theirs = add_user(store.for_tenant(other_tenant), "bob@example.org")

    def seen(connection: psycopg.Connection[Any]) -> list[UUID]:
        found = [
            queries.users.get(connection, tenant_id=tenant, id=user)
            for tenant, user in ((DEFAULT_TENANT, mine), (other_tenant, theirs))
        ]
        return [user.id for user in found if user is not None]

    with psycopg.connect(as_role(database, Role.APP)) as connection:
        assert seen(connection) == [], "nothing without a tenant"
        queries.session.set_tenants(connection, tenant_ids=str(DEFAULT_TENANT))
        assert seen(connection) == [mine]
        connection.commit()
        assert seen(connection) == [], "the setting ends with the transaction"
        queries.session.set_tenants(connection, tenant_ids=f"{DEFAULT_TENANT},{other_tenant}")
        assert seen(connection) == [mine, theirs]


async def _seen(url: str, user: UUID) -> list[bool]:
    found = []
    async with await psycopg.AsyncConnection.connect(url) as connection:
        for tenants in ("", str(DEFAULT_TENANT)):
            await wfstore.aio.queries.session.set_tenants(connection, tenant_ids=tenants)
            row = await wfstore.aio.queries.users.get(connection, tenant_id=DEFAULT_TENANT, id=user)
            found.append(row is not None)
    return found


def test_async_queries_on_a_connection_of_ones_own(store: Store, database: str) -> None:
    user = add_user(store, "ada@example.org")
    assert Face.run(_seen(as_role(database, Role.APP), user)) == [False, True]
