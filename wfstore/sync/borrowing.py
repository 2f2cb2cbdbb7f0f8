# Derived from wfstore/aio by .ci/derive_sync.py: change it there.
"""Borrow a connection of the pool that the server has not hung up on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import Connection
from psycopg_pool import ConnectionPool, PoolClosed, PoolTimeout

from wfstore.errors import DatabaseUnavailable

Pool = ConnectionPool[Connection[Any]]


@contextmanager
def borrowed(pool: Pool) -> Iterator[Connection[Any]]:
    """Lend a connection for a block; at its end what is open is committed, or rolled back when it raises.

    A connection that the server has closed meanwhile is replaced, which costs no round trip to find out: so
    the first calls after a restart of the server do not fail, and no write is left in doubt by one.

    Raises:
        DatabaseUnavailable: there was none within the pool's timeout, or the store is closed.
    """
    connection = _take(pool)
    try:
        with connection:
            yield connection
    finally:
        pool.putconn(connection)


def _take(pool: Pool) -> Connection[Any]:
    try:
        connection = pool.getconn()
        while not _is_alive(connection):
            pool.putconn(connection)  # which replaces it
            connection = pool.getconn()
    except PoolTimeout as error:
        raise DatabaseUnavailable(
            f"no connection to the database within {pool.timeout:g} s",
            hint=f"Is the server up? If it is, all {pool.max_size} connections may be in use: raise max_size=.",
        ) from error
    except PoolClosed as error:
        raise DatabaseUnavailable("the store is closed", hint="Open another with connect().") from error
    return connection


def _is_alive(connection: Connection[Any]) -> bool:
    """Whether the socket is open as far as this side knows; what the server said last comes before its end."""
    try:
        connection.pgconn.consume_input()
        connection.pgconn.consume_input()
    except psycopg.OperationalError:
        return False
    return True
