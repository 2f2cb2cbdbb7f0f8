"""Run one query on one connection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from psycopg import AsyncClientCursor, AsyncConnection, AsyncCursor

from wfstore.queryfiles.query import Query


async def send(query: Query, connection: AsyncConnection[Any], arguments: Mapping[str, Any]) -> AsyncCursor[Any]:
    """Execute a query and leave its rows on the cursor: in a pipeline they are not here yet."""
    if query.binds_on_client:
        cursor: AsyncCursor[Any] = AsyncClientCursor(connection, row_factory=query.row_factory)
    else:
        cursor = AsyncCursor(connection, row_factory=query.row_factory)
    # psycopg's None: prepared once it has been executed a few times
    prepare = False if query.is_planned_anew else None
    await cursor.execute(query.text.encode(), query.bind(arguments), prepare=prepare)
    return cursor


async def receive(query: Query, cursor: AsyncCursor[Any]) -> Any:
    """Return what the query promises: a list of rows, one row or None, one value or None, a row count."""
    match query.shape:
        case "list":
            return await cursor.fetchall()
        case "count":
            return cursor.rowcount
        case _:
            return await cursor.fetchone()


async def call(query: Query, connection: AsyncConnection[Any], arguments: Mapping[str, Any]) -> Any:
    """Execute a query and return its result."""
    return await receive(query, await send(query, connection, arguments))
