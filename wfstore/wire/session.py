"""What is known of a connection: which queries are prepared there, and how their rows are read."""

from __future__ import annotations

import gc
from typing import Any
from weakref import WeakKeyDictionary

from psycopg import BaseConnection
from psycopg.adapt import Transformer
from psycopg.pq.abc import PGresult

from wfstore.queryfiles.query import Query
from wfstore.queryfiles.rows import checked, direct

_MANY = 100
"""From so many rows on Python's garbage collector waits: it would look through all of them, again and again."""


class Session:
    """One connection whose prepared statements are ours alone."""

    def __init__(self, connection: BaseConnection[Any], prepare_threshold: int | None) -> None:
        self.prepared: dict[Query, bytes] = {}
        """By which name each query is known there."""
        self._connection = connection
        self._threshold = prepare_threshold
        self._named = 0
        self._used: dict[Query, int] = {}
        self._readers: dict[Query, Reader] = {}

    def prepares(self, query: Query) -> bool:
        """Count a use of a query; whether it is time to prepare it, as it was used so often before."""
        if self._threshold is None or query.is_planned_anew or query in self.prepared:
            return False
        used = self._used.get(query, 0)
        self._used[query] = used + 1
        return used >= self._threshold

    def name(self, query: Query) -> bytes:
        """Give a query the name that it is prepared by from now on; two of one name may be there."""
        self._named += 1
        name = self.prepared[query] = f"{query}#{self._named}".encode()
        return name

    def read(self, query: Query, result: PGresult) -> Any:
        """Return what the query promises: a list of rows, one row or None, one value or None, a row count."""
        if query.shape == "count":
            return -1 if result.command_tuples is None else result.command_tuples
        reader = self._readers.get(query)
        if reader is None:
            reader = self._readers[query] = Reader(self._connection, query, result)
        if query.shape == "list":
            return reader.read(result, result.ntuples)
        rows = reader.read(result, 1)
        return rows[0] if rows else None


class Reader:
    """Reads the rows of one query on one connection; what loads a column is looked up once."""

    def __init__(self, connection: BaseConnection[Any], query: Query, result: PGresult) -> None:
        self._transformer = Transformer(connection)
        self._transformer.set_pgresult(result)
        names = tuple((result.fname(place) or b"").decode() for place in range(result.nfields))
        self._checked, self._direct = checked(query.model, names), direct(query.model, names)

    def read(self, result: PGresult, limit: int) -> list[Any]:
        """Return the first rows."""
        rows = min(result.ntuples, limit)
        collects = rows >= _MANY and gc.isenabled()
        transformer = self._transformer
        transformer.set_pgresult(result, set_loaders=False)
        if collects:
            gc.disable()
        try:
            found: list[Any] = transformer.load_rows(0, min(rows, 1), self._checked)
            return found if rows <= 1 else found + transformer.load_rows(1, rows, self._direct)
        finally:
            if collects:
                gc.enable()
            transformer.set_pgresult(None, set_loaders=False)  # it would keep the rows


_SESSIONS: WeakKeyDictionary[BaseConnection[Any], Session] = WeakKeyDictionary()


def begin(connection: BaseConnection[Any], prepare_threshold: int | None) -> None:
    """Let the calls on a connection, one of our pool's, travel by `exchange`."""
    # psycopg's own prepared statements come with a DEALLOCATE ALL after some rollbacks.
    connection.prepare_threshold = None
    _SESSIONS[connection] = Session(connection, prepare_threshold)


def session_of(connection: BaseConnection[Any]) -> Session | None:
    """Return what is known of a connection; None: it is the caller's own, and psycopg's cursors serve it."""
    return _SESSIONS.get(connection)
