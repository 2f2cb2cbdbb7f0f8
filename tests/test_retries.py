"""What is repeated and what is not: deadlocks, lost connections, missing partitions; one round trip a call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import errors as pg
from psycopg import sql

import wfstore
from tests import facekit
from tests.documentkit import chain
from tests.facekit import Face, until
from tests.proxykit import Proxy
from wfstore import DEFAULT_TENANT, NewExecution, Role, Store, uuid7
from wfstore.errors import DatabaseUnavailable, NotFound, OutcomeUnknown, PartitionOutOfWindow
from wfstore.ids import FIRST_ID, LAST_ID
from wfstore.models import User

Admin = psycopg.Connection[Any]

face, app, hand = facekit.face, facekit.app, facekit.hand

ATTEMPTS = """
CREATE SEQUENCE attempts;
GRANT USAGE ON attempts TO wfstore_app;
CREATE FUNCTION attempted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM nextval('attempts'); -- is not undone by a rollback
    {}
    RETURN NEW;
END
$$;
CREATE TRIGGER attempted AFTER UPDATE ON users FOR EACH ROW EXECUTE FUNCTION attempted();
"""


def add_user(store: Any, email: str = "ada@example.org") -> User:
    user: User = store.users.create(id=uuid7(), email=email, name="", avatar_url=None, role="user")
    return user


def rename(store: Any, user: User, name: str) -> User | None:
    renamed: User | None = store.users.update(
        id=user.id, email=user.email, name=name, avatar_url=None, is_active=True, role="user"
    )
    return renamed


def counted(admin: Admin, body: str = "") -> None:
    """Count the attempts to update a user, and do something in each."""
    admin.execute(ATTEMPTS.format(body))


def attempts(admin: Admin) -> int:
    [last] = admin.execute("SELECT last_value FROM attempts").fetchone() or [-1]
    return int(last)


def rows(admin: Admin, table: str) -> int:
    [count] = admin.execute(f"SELECT count(*) FROM {table}").fetchone() or [-1]
    return int(count)


def configure(admin: Admin, setting: str) -> None:
    """Change a setting for later sessions of this database."""
    name = sql.Identifier(admin.info.dbname)
    admin.execute(sql.SQL("ALTER DATABASE {} SET " + setting).format(name))


def blocked(admin: Admin) -> int | None:
    """The process of a session of this database that waits for a lock, or None."""
    row = admin.execute(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    ).fetchone()
    return row[0] if row else None


@contextmanager
def gate(database: str, statement: str, *arguments: Any) -> Iterator[psycopg.Connection[Any]]:
    """A session that holds locks until it commits."""
    with psycopg.connect(database) as holder:
        holder.execute(statement, arguments)
        yield holder
        holder.rollback()


def cut_while_blocked(admin: Admin, database: str, table: str, call: Callable[[], Any]) -> Future[Any]:
    """Make a call that waits for a lock on the table, end its session, then let go of the lock."""
    with ThreadPoolExecutor() as pool:
        with gate(database, f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"):
            outcome = pool.submit(call)
            pid = until(lambda: blocked(admin), "the call waits for the table")
            assert admin.execute("SELECT pg_terminate_backend(%s, 5000)", [pid]).fetchone() == (True,)
        return outcome


# --- rolled back by the server: repeated --------------------------------------------------------------------


def test_a_deadlock_is_repeated(face: Face, database: str, admin: Admin) -> None:
    """The store has Ada and wants Bob; another session has Bob and wants Ada."""
    configure(admin, "deadlock_timeout = '300ms'")
    counted(admin, "PERFORM FROM users WHERE email = 'bob@example.org' FOR UPDATE;")
    with face.connect(database) as store, ThreadPoolExecutor() as pool:
        ada, bob = add_user(store), add_user(store, "bob@example.org")
        with gate(database, "SELECT FROM users WHERE id = %s FOR UPDATE", bob.id) as rival:
            rival.execute("SET LOCAL deadlock_timeout = '60s'")  # so that it is the store that is rolled back
            renamed = pool.submit(rename, store, ada, "Ada")
            until(lambda: blocked(admin), "the store waits for Bob")
            rival.execute("SELECT FROM users WHERE id = %s FOR UPDATE", [ada.id])
            until(lambda: blocked(admin), "the store waits for Ada")
        renamed.result()
        assert store.users.get(id=ada.id).name == "Ada"
    assert attempts(admin) == 2


def test_a_serialization_failure_is_repeated(face: Face, database: str, admin: Admin) -> None:
    configure(admin, "default_transaction_isolation = 'repeatable read'")
    with face.connect(database) as store, ThreadPoolExecutor() as pool:
        ada = add_user(store)
        with gate(database, "UPDATE users SET role = 'admin'") as rival:
            renamed = pool.submit(rename, store, ada, "Ada")
            until(lambda: blocked(admin), "the store waits for Ada")
            rival.commit()
        assert renamed.result() is not None
        assert store.users.get(id=ada.id).name == "Ada"


@pytest.mark.parametrize("limit", [1, 2, 5])
@pytest.mark.parametrize("error", [pg.SerializationFailure, pg.DeadlockDetected])
def test_attempts_run_out(face: Face, database: str, admin: Admin, error: type[psycopg.Error], limit: int) -> None:
    counted(admin, f"RAISE EXCEPTION USING ERRCODE = '{error.sqlstate}';")
    with face.connect(database, attempts=limit) as store:
        ada = add_user(store)
        with pytest.raises(error) as raised:
            rename(store, ada, "Ada")
    assert raised.value.__notes__ == [f"users.update: given up after {limit} attempts"]
    assert raised.value.__cause__ is not raised.value
    assert attempts(admin) == limit


def test_a_transaction_of_the_callers_is_not_repeated(app: Store, admin: Admin) -> None:
    counted(admin, "RAISE EXCEPTION USING ERRCODE = '40001';")
    ada = add_user(app)
    with pytest.raises(pg.SerializationFailure) as raised, app.transaction() as tx:
        rename(tx, ada, "Ada")
    assert raised.value.__cause__ is not raised.value
    assert attempts(admin) == 1


def test_what_the_database_refuses_is_not_repeated(app: Store, admin: Admin) -> None:
    counted(admin, "RAISE EXCEPTION USING ERRCODE = 'WF004', MESSAGE = 'gone';")
    ada = add_user(app)
    with pytest.raises(NotFound, match="gone"):
        rename(app, ada, "Ada")
    assert attempts(admin) == 1


# --- lost connections ---------------------------------------------------------------------------------------


def test_a_read_is_repeated_after_its_connection_was_lost(app: Store, admin: Admin, database: str) -> None:
    ada = add_user(app)
    assert cut_while_blocked(admin, database, "users", lambda: app.users.get(id=ada.id)).result() == ada


def test_a_repeatable_write_is_repeated_and_there_once(app: Store, admin: Admin, database: str) -> None:
    execution = NewExecution(workflow_id=app.workflows.add(chain(1)).id)
    outcome = cut_while_blocked(admin, database, "execution_queue", lambda: app.executions.enqueue(execution))
    assert [each.created for each in outcome.result()] == [True]
    assert (rows(admin, "execution_queue"), rows(admin, "workflow_executions")) == (1, 1)


def test_a_write_that_must_not_be_repeated_is_left_in_doubt(app: Store, admin: Admin, database: str) -> None:
    outcome = cut_while_blocked(admin, database, "users", lambda: add_user(app))
    with pytest.raises(OutcomeUnknown, match=r"^users\.create: the connection was lost: \S") as raised:
        outcome.result()
    assert raised.value.hint == "It may or may not have been committed; read before you repeat it."
    assert rows(admin, "users") == 0


def test_a_save_that_is_left_in_doubt_names_itself(app: Store, admin: Admin, database: str) -> None:
    saved = app.workflows.add(chain(2))
    outcome = cut_while_blocked(admin, database, "nodes", lambda: app.workflows.replace(saved.id, chain(3), revision=1))
    with pytest.raises(OutcomeUnknown, match=r"^workflows\.save \(one of 9 in a transaction\): "):
        outcome.result()
    assert app.workflows.revision(id=saved.id).revision == 1


def test_reads_that_lose_every_connection_say_so(face: Face, database: str, admin: Admin) -> None:
    with face.connect(database, attempts=1) as store:
        outcome = cut_while_blocked(admin, database, "users", lambda: store.users.get(id=uuid7()))
        with pytest.raises(DatabaseUnavailable, match=r"^users\.get: the connection was lost, 1 times? in a row"):
            outcome.result()


def test_a_claim_is_repeated_after_its_connection_was_lost(
    app: Store, hand: Store, admin: Admin, database: str
) -> None:
    app.executions.enqueue(NewExecution(workflow_id=app.workflows.add(chain(1)).id))
    due: dict[str, Any] = {"queue": "default", "worker_id": "w", "limit": 9, "lease": timedelta(minutes=1)}
    outcome = cut_while_blocked(admin, database, "workflow_executions", lambda: hand.executions.claim(**due))
    [lease] = outcome.result()
    assert lease.attempt == 1, "the claim that was cut was rolled back"


def test_a_repeatable_write_whose_reply_was_lost_is_there_once(face: Face, database: str, admin: Admin) -> None:
    """The server has committed, and the store cannot know."""
    with Proxy(database) as proxy, face.connect(proxy.url, min_size=2) as store:
        execution = NewExecution(workflow_id=store.workflows.add(chain(1)).id)
        proxy.lose_next_reply()
        [created] = store.executions.enqueue(execution)
    assert not created.created, "the first attempt was committed"
    assert rows(admin, "execution_queue") == 1


def test_a_write_whose_reply_was_lost_is_left_in_doubt(face: Face, database: str, admin: Admin) -> None:
    with Proxy(database) as proxy, face.connect(proxy.url, min_size=2) as store:
        proxy.lose_next_reply()
        with pytest.raises(OutcomeUnknown, match=r"^users\.create: the connection was lost"):
            add_user(store)
    assert rows(admin, "users") == 1, "it may have been committed, and was"


def test_a_lost_commit_of_a_transaction_is_left_in_doubt(face: Face, database: str, admin: Admin) -> None:
    with Proxy(database) as proxy, face.connect(proxy.url) as store:
        doubt = pytest.raises(OutcomeUnknown, match="while the transaction was being committed")
        with doubt, store.transaction() as tx:
            add_user(tx)
            proxy.lose_next_reply()
        assert rows(admin, "users") == 1


def test_a_write_in_doubt_stays_so_when_the_server_is_gone(face: Face, database: str) -> None:
    with Proxy(database) as proxy, face.connect(proxy.url, timeout=1, max_size=1) as store:
        execution = NewExecution(workflow_id=store.workflows.add(chain(1)).id)
        proxy.refuse()
        proxy.lose_next_reply()
        with pytest.raises(OutcomeUnknown, match=r"^executions\.enqueue_many") as raised:
            store.executions.enqueue(execution)
        assert raised.value.hint == "It may or may not have been committed; it may be repeated as it is."
        with pytest.raises(DatabaseUnavailable, match="no connection to the database within 1 s"):
            store.users.get(id=FIRST_ID)


def test_a_connection_lost_inside_a_transaction(app: Store, admin: Admin) -> None:
    lost = pytest.raises(DatabaseUnavailable, match="lost inside the transaction, which was rolled back")
    with lost as raised, app.transaction() as tx:
        add_user(tx)
        assert admin.execute("SELECT pg_terminate_backend(%s, 5000)", [tx.connection.info.backend_pid])
        add_user(tx, "bob@example.org")
    assert (raised.value.hint or "").startswith("Run the whole block again; ")
    assert app.users.page(after_id=FIRST_ID, limit=9) == []


def test_a_transaction_that_idles_is_ended_by_the_server(face: Face, app: Store, admin: Admin) -> None:
    with app.transaction() as tx:
        shown = face.run(face.run(tx.connection.execute("SHOW idle_in_transaction_session_timeout")).fetchone())
        assert shown == ("1min",)
    alive = "SELECT 1 FROM pg_stat_activity WHERE pid = %s"
    lost = pytest.raises(DatabaseUnavailable, match="lost inside the transaction, which was rolled back")
    with lost as raised, app.transaction() as tx:
        face.run(tx.connection.execute("SET idle_in_transaction_session_timeout = '20ms'"))
        pid = tx.connection.info.backend_pid
        until(lambda: admin.execute(alive, [pid]).fetchone() is None, "the server has ended the session")
        add_user(tx)
    assert "idle for a minute" in (raised.value.hint or "")


@pytest.mark.parametrize("max_size", [1, 4])
def test_no_call_fails_after_all_idle_connections_were_ended(
    face: Face, database: str, admin: Admin, max_size: int, caplog: pytest.LogCaptureFixture
) -> None:
    """As a restart of the server does: it is noticed before anything is sent, so writes do not fail either."""
    with face.connect(database, min_size=max_size, max_size=max_size) as store:
        for round_ in range(3):
            [ended] = admin.execute(
                "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity"
                " WHERE datname = current_database() AND usename IS NOT NULL AND pid <> pg_backend_pid()"
            ).fetchone() or [0]
            assert ended >= 1
            user = add_user(store, f"{round_}@example.org")
            assert store.users.get(id=user.id) == user
            with store.transaction() as tx:
                rename(tx, user, "in a transaction")
            with ThreadPoolExecutor(max_size) as pool:
                found = list(pool.map(lambda _, it=user: store.users.get(id=it.id), range(20)))
            assert {each.name for each in found} == {"in a transaction"}
    assert "Traceback" not in caplog.text


async def _cancelled(url: str, admin: Admin) -> list[Any]:
    """Give up a call that waits for a lock; the store goes on."""
    async with await wfstore.aio.connect(url, max_size=1) as store:
        waiting = asyncio.create_task(store.users.page(after_id=FIRST_ID, limit=9))
        while blocked(admin) is None:
            await asyncio.sleep(0.005)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        found: list[Any] = await store.tenants.page(after_id=FIRST_ID, limit=9)
        return found


def test_an_async_call_that_is_given_up_harms_no_other(database: str, admin: Admin) -> None:
    with gate(database, "LOCK TABLE users IN ACCESS EXCLUSIVE MODE"):
        [tenant] = Face.run(_cancelled(database, admin))
    assert tenant.id == DEFAULT_TENANT


# --- missing partitions -------------------------------------------------------------------------------------


def partitions(admin: Admin) -> int:
    return rows(admin, "pg_inherits WHERE inhparent = 'workflow_executions'::regclass")


def at(days: int) -> datetime:
    return datetime.now(UTC) + timedelta(days=days)


@pytest.mark.parametrize("limit", [1, 5], ids=["one attempt", "five attempts"])
def test_a_missing_partition_is_made_and_the_write_repeated(
    face: Face, database: str, admin: Admin, limit: int
) -> None:
    before = partitions(admin)
    with face.connect(database, attempts=limit) as store:
        workflow_id = store.workflows.add(chain(1)).id
        identifier = uuid7(at(-20))
        made = store.executions.enqueue(NewExecution(workflow_id=workflow_id, execution_id=identifier))
        assert [each.created for each in made] == [True]
        assert store.executions.get(execution_id=identifier).workflow_id == workflow_id
        assert (partitions(admin), rows(admin, "execution_queue")) == (before + 1, 1)
        spread = [NewExecution(workflow_id=workflow_id, execution_id=uuid7(at(days))) for days in (-34, -27, 0, 34)]
        assert all(each.created for each in store.executions.enqueue(*spread))


@pytest.mark.parametrize("days", [-36, 36, -4000])
def test_beyond_the_window_no_partition_is_made(app: Store, admin: Admin, days: int) -> None:
    before = partitions(admin)
    workflow_id = app.workflows.add(chain(1)).id
    there = NewExecution(workflow_id=workflow_id)
    with pytest.raises(PartitionOutOfWindow, match="lies more than 35 days from now") as refused:
        app.executions.enqueue(there, NewExecution(workflow_id=workflow_id, execution_id=uuid7(at(days))))
    assert "wfstore_create_partition" in (refused.value.hint or "")
    assert (partitions(admin), rows(admin, "workflow_executions")) == (before, 0)


def test_inside_a_transaction_the_error_says_what_to_do(app: Store) -> None:
    execution = NewExecution(workflow_id=app.workflows.add(chain(1)).id, execution_id=uuid7(at(-20)))
    day = at(-20).date()
    missing = pytest.raises(PartitionOutOfWindow, match=f"no partition for an id of {day}")
    with missing as refused, app.transaction() as tx:
        tx.executions.enqueue(execution)
    assert refused.value.hint == "Make it before the transaction begins: store.partitions.make(at=...)."
    app.partitions.make(at=at(-20))
    with app.transaction() as tx:
        assert tx.executions.enqueue(execution)[0].created


# --- one round trip -----------------------------------------------------------------------------------------

CALLS: dict[str, Callable[[Store, UUID], Any]] = {
    "a read": lambda store, _: store.users.get(id=FIRST_ID),
    "a page": lambda store, _: store.workflows.page(before_id=LAST_ID, limit=9),
    "a write": lambda store, _: add_user(store, f"{uuid7()}@example.org"),
    "an enqueuing": lambda store, it: store.executions.enqueue(NewExecution(workflow_id=it)),
    "a new workflow": lambda store, _: store.workflows.add(chain(40)),
    "a save": lambda store, it: store.workflows.replace(
        it, chain(40), revision=store.workflows.revision(id=it).revision
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_is_one_round_trip(face: Face, database: str, name: str) -> None:
    trips = {"a save": 2}.get(name, 1)  # it reads the revision first
    with Proxy(database) as proxy, face.connect(proxy.url, max_size=1) as store:
        workflow_id = store.workflows.add(chain(2)).id
        for _ in range(8):  # the first ones, those that prepare, and those that are prepared
            before = proxy.round_trips
            CALLS[name](store, workflow_id)
            assert proxy.round_trips == before + trips


def test_a_claim_is_two_round_trips(face: Face, database: str) -> None:
    """The queue, then the history by what came back and the commit; the transaction begins with the first."""
    with Proxy(database) as proxy, face.connect(database) as app, face.connect(proxy.url, role=Role.WORKER) as hand:
        workflow_id = app.workflows.add(chain(1)).id
        for count in (0, 3):
            app.executions.enqueue(*[NewExecution(workflow_id=workflow_id) for _ in range(count)])
            before = proxy.round_trips
            leases = hand.executions.claim(queue="default", worker_id="w", limit=9, lease=timedelta(minutes=1))
            assert len(leases) == count
            assert proxy.round_trips == before + 2
