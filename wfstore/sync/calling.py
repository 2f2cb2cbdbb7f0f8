# Derived from wfstore/aio by .ci/derive_sync.py: change it there.
"""Run queries on one connection: one by psycopg's cursor, several in one round trip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import ClientCursor, Connection, Cursor
from psycopg.pq import PipelineStatus

from wfstore.queryfiles.query import Query
from wfstore.wire.exchange import Exchange, broken
from wfstore.wire.session import Session, session_of


@dataclass(frozen=True, slots=True)
class Call:
    """A query and its arguments."""

    query: Query
    arguments: Mapping[str, Any]


def pipelined(connection: Connection[Any], calls: Sequence[Call]) -> list[Any]:
    """Send all calls at once, then read all results."""
    session = session_of(connection)
    if session is None or connection.pgconn.pipeline_status != PipelineStatus.OFF:
        return _by_cursors(connection, calls)
    return _exchanged(connection, session, calls)


def _exchanged(connection: Connection[Any], session: Session, calls: Sequence[Call]) -> list[Any]:
    with connection.lock:
        exchange = Exchange(connection, session, [(call.query, call.arguments) for call in calls])
        try:
            results = connection.wait(exchange.communicate())
        except BaseException:
            if broken(connection):  # cancelled: an answer is on its way to nobody
                connection.pgconn.finish()
            raise
        return exchange.read(results)


def _by_cursors(connection: Connection[Any], calls: Sequence[Call]) -> list[Any]:
    """The same on a connection of the caller's own, whose pipeline and whose prepared statements are psycopg's."""
    cursors: list[Cursor[Any]] = []
    failure: Exception | None = None
    try:
        with connection.pipeline():
            try:
                for call in calls:
                    cursors.append(send(call.query, connection, call.arguments))
            except Exception as error:  # raised outside: inside, psycopg would log a warning beside it
                failure = error
    except psycopg.Error:
        if failure is None:
            raise
    if failure is not None:
        raise failure
    return [receive(call.query, cursor) for call, cursor in zip(calls, cursors, strict=True)]


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
