"""Borrow a connection of the pool that the server has not hung up on."""

from __future__ import annotations

from types import TracebackType
from typing import Any

import psycopg
from psycopg import AsyncConnection
from psycopg.pq import TransactionStatus
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout

from wfstore.errors import DatabaseUnavailable

Pool = AsyncConnectionPool[AsyncConnection[Any]]


class borrowed:  # noqa: N801 - read as a function's name: async with borrowed(pool) as connection
    """Lend a connection for a block; at its end what is open is committed, or rolled back when it raises.

    A connection that the server has closed meanwhile is replaced, which costs no round trip to find out: so
    the first calls after a restart of the server do not fail, and no write is left in doubt by one.

    Raises:
        DatabaseUnavailable: there was none within the pool's timeout, or the store is closed.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def __aenter__(self) -> AsyncConnection[Any]:
        self._connection = await _take(self._pool)
        return self._connection

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            # mostly the calls have brought their own COMMIT along
            if self._connection.pgconn.transaction_status != TransactionStatus.IDLE:
                await self._connection.__aexit__(kind, error, trace)
        finally:
            await self._pool.putconn(self._connection)


async def _take(pool: Pool) -> AsyncConnection[Any]:
    try:
        connection = await pool.getconn()
        while not _is_alive(connection):
            await pool.putconn(connection)  # which replaces it
            connection = await pool.getconn()
    except PoolTimeout as error:
        raise DatabaseUnavailable(
            f"no connection to the database within {pool.timeout:g} s",
            hint=f"Is the server up? If it is, all {pool.max_size} connections may be in use: raise max_size=.",
        ) from error
    except PoolClosed as error:
        raise DatabaseUnavailable("the store is closed", hint="Open another with connect().") from error
    return connection


def _is_alive(connection: AsyncConnection[Any]) -> bool:
    """Whether the socket is open as far as this side knows; what the server said last comes before its end."""
    try:
        connection.pgconn.consume_input()
        connection.pgconn.consume_input()
    except psycopg.OperationalError:
        return False
    return True
