# Derived from wfstore/aio by .ci/derive_sync.py: change it there.
"""`connect`: a store whose schema, role and tenant were checked."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

import orjson
import psycopg
from psycopg import Connection
from psycopg.conninfo import conninfo_to_dict
from psycopg.types.json import set_json_loads
from psycopg_pool import ConnectionPool

from wfstore.catalogue import CATALOGUE
from wfstore.compatibility import check_compatible, check_role, no_connection, no_schema, unavailable, unknown_tenant
from wfstore.errors import InvalidInput
from wfstore.ids import DEFAULT_TENANT
from wfstore.models import SessionFacts
from wfstore.server import Role, resolve
from wfstore.sync.calling import call
from wfstore.sync.running import PoolRunner
from wfstore.sync.store import Store
from wfstore.sync.waiting import in_thread
from wfstore.translate import connection_lost
from wfstore.wire.session import begin

IDLE_IN_TRANSACTION_TIMEOUT = "60s"
"""A transaction that does nothing for so long is ended by the server: it would hold its locks."""


def connect(
    database_url: str | None = None,
    *,
    role: Role = Role.APP,
    tenant: UUID | str = DEFAULT_TENANT,
    min_size: int = 1,
    max_size: int = 4,
    timeout: float = 30.0,
    attempts: int = 5,
    prepare_threshold: int | None = 5,
    connection_class: type[Connection[Any]] = Connection,
) -> Store:
    """Connect to a database whose schema suits this release.

    Args:
        database_url: a libpq URL; None takes DATABASE_URL, and without that the embedded PostgreSQL.
        role: APP for definitions and enqueuing, WORKER for claims and node results, READONLY for looking.
        tenant: id or slug of the tenant that the calls are for.
        min_size: connections that the pool keeps.
        max_size: connections that the pool may open.
        timeout: seconds to wait for a connection.
        attempts: how often a call is tried when it meets a deadlock or, where that is safe, a lost connection.
        prepare_threshold: executions after which a statement is prepared on the server; None never, as
            PgBouncer before 1.21 needs it in transaction mode.
        connection_class: what the pool is made of.

    Raises:
        DatabaseUnavailable: no server answered in time.
        SchemaMissing, SchemaOlder, SchemaNewer: with the command to run.
        NotFound: there is no active tenant of this slug.
        InvalidInput: the role is not bound by row-level security, or an argument makes no sense.
    """
    if not 1 <= max(1, min_size) <= max_size or attempts < 1:
        raise InvalidInput(
            f"there must be at least one attempt and one connection, and no fewer than min_size:"
            f" attempts={attempts}, min_size={min_size}, max_size={max_size}"
        )
    url = in_thread(partial(resolve, database_url, role))
    pool = ConnectionPool(
        url,
        min_size=min_size,
        max_size=max_size,
        timeout=timeout,
        open=False,
        connection_class=connection_class,
        configure=partial(_configure, prepare_threshold=prepare_threshold),
        # BEGIN and COMMIT travel with the statements between them: psycopg's own cost a round trip each
        kwargs={"autocommit": True, "client_encoding": "utf8"},
    )
    try:
        default_tenant = _check(url, timeout, connection_class)
        pool.open(wait=True, timeout=timeout)
        tenant_id = tenant if isinstance(tenant, UUID) else _tenant(pool, tenant)
    except psycopg.OperationalError as error:
        pool.close()
        if not connection_lost(error):
            raise
        # no connection in time, or one that was lost while it was asked
        raise unavailable(error) from error
    except BaseException:
        pool.close()
        raise
    return Store(PoolRunner(pool, CATALOGUE, tenant_id, attempts, default_tenant=default_tenant))


def _configure(connection: Connection[Any], prepare_threshold: int | None) -> None:
    set_json_loads(_read_json, connection)
    begin(connection, prepare_threshold)
    settings = {"idle_in_transaction_timeout": IDLE_IN_TRANSACTION_TIMEOUT}
    call(CATALOGUE["session.set_up"], connection, settings)


def _check(url: str, timeout: float, connection_class: type[Connection[Any]]) -> UUID | None:
    """Look at schema and role once, on a connection of its own: its errors are the clearest.

    Returns the tenant that sessions of the role work for unless they are told otherwise, if the database says so.
    """
    waits: dict[str, Any] = (
        {} if "connect_timeout" in conninfo_to_dict(url) else {"connect_timeout": max(2, int(timeout))}
    )
    try:
        connection = connection_class.connect(url, **waits)
    except psycopg.OperationalError as error:
        raise no_connection(error) from error
    with connection:
        if not call(CATALOGUE["schema.exists"], connection, {}):
            raise no_schema()
        applied = call(CATALOGUE["schema.applied"], connection, {})
        breaking = call(CATALOGUE["schema.breaking"], connection, {})
        check_compatible(applied, breaking)
        facts: SessionFacts = call(CATALOGUE["session.facts"], connection, {})
        check_role(facts)
    return facts.default_tenant


def _tenant(pool: ConnectionPool[Connection[Any]], slug: str) -> UUID:
    with pool.connection() as connection:
        found: UUID | None = call(CATALOGUE["tenants.resolve"], connection, {"slug": slug})
    if found is None:
        raise unknown_tenant(slug)
    return found


def _read_json(text: str | bytes) -> Any:
    """Read JSON; psycopg wants a function of Python's, whose code it can look at."""
    return orjson.loads(text)
