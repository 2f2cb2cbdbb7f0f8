# Derived from wfstore/aio by .ci/derive_sync.py: change it there.
"""Run one query on one connection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from psycopg import ClientCursor, Connection, Cursor

from wfstore.queryfiles.query import Query


def send(query: Query, connection: Connection[Any], arguments: Mapping[str, Any]) -> Cursor[Any]:
    """Execute a query and leave its rows on the cursor: in a pipeline they are not here yet."""
    if query.binds_on_client:
        cursor: Cursor[Any] = ClientCursor(connection, row_factory=query.row_factory)
    else:
        cursor = Cursor(connection, row_factory=query.row_factory)
    # psycopg's None: prepared once it has been executed a few times
    prepare = False if query.is_planned_anew else None
    cursor.execute(query.text.encode(), query.bind(arguments), prepare=prepare)
    return cursor


def receive(query: Query, cursor: Cursor[Any]) -> Any:
    """Return what the query promises: a list of rows, one row or None, one value or None, a row count."""
    match query.shape:
        case "list":
            return cursor.fetchall()
        case "count":
            return cursor.rowcount
        case _:
            return cursor.fetchone()


def call(query: Query, connection: Connection[Any], arguments: Mapping[str, Any]) -> Any:
    """Execute a query and return its result."""
    return receive(query, send(query, connection, arguments))
