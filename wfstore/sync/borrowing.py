# Derived from wfstore/aio by .ci/derive_sync.py: change it there.
"""Borrow a connection of the pool that the server has not hung up on."""

from __future__ import annotations

from types import TracebackType
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.pq import TransactionStatus
from psycopg_pool import ConnectionPool, PoolClosed, PoolTimeout

from wfstore.errors import DatabaseUnavailable

Pool = ConnectionPool[Connection[Any]]


class borrowed:  # noqa: N801 - read as a function's name: with borrowed(pool) as connection
    """Lend a connection for a block; at its end what is open is committed, or rolled back when it raises.

    A connection that the server has closed meanwhile is replaced, which costs no round trip to find out: so
    the first calls after a restart of the server do not fail, and no write is left in doubt by one.

    Raises:
        DatabaseUnavailable: there was none within the pool's timeout, or the store is closed.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def __enter__(self) -> Connection[Any]:
        self._connection = _take(self._pool)
        return self._connection

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            # mostly the calls have brought their own COMMIT along
            if self._connection.pgconn.transaction_status != TransactionStatus.IDLE:
                self._connection.__exit__(kind, error, trace)
        finally:
            self._pool.putconn(self._connection)


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
