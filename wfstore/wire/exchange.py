"""Send calls and receive their results: one round trip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from psycopg import BaseConnection, pq
from psycopg.abc import PQGen
from psycopg.errors import InvalidSqlStatementName, OperationalError, error_from_result
from psycopg.pq.abc import PGconn, PGresult
from psycopg.waiting import Ready, Wait

from wfstore.queryfiles.query import Query
from wfstore.wire.session import Session
from wfstore.wire.statement import BINARY, Bound, with_literals

_SYNC = pq.ExecStatus.PIPELINE_SYNC
_FINE = (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK)


class Exchange:
    """Some calls on one connection, in their order, up to a point of synchronisation.

    A call that is refused takes those after it with it; without a BEGIN among them also those before.
    """

    def __init__(
        self, connection: BaseConnection[Any], session: Session, calls: Sequence[tuple[Query, Mapping[str, Any]]]
    ) -> None:
        """Make bytes of all arguments.

        Raises:
            TypeError: an argument's name is wrong.
            InvalidInput: one that is to be JSON is not.
            psycopg.Error, UnicodeEncodeError: PostgreSQL could not take one.
        """
        self._connection, self._session = connection, session
        self._calls = [(query, *_bound(query, arguments)) for query, arguments in calls]

    def communicate(self) -> PQGen[list[PGresult]]:
        """Send all, wait for all answers; for `connection.wait`. A lost connection raises psycopg's error."""
        pgconn = self._connection.pgconn
        pgconn.enter_pipeline_mode()
        prepared = [self._send(pgconn, *call) for call in self._calls]
        pgconn.pipeline_sync()
        results = yield from _answers(pgconn)
        pgconn.exit_pipeline_mode()
        return self._without_preparations(results, prepared)

    def _send(self, pgconn: PGconn, query: Query, text: bytes | None, bound: Bound) -> bool:
        """Put a call into the pipeline; whether its preparation goes before it."""
        values, formats = bound
        if text is not None:
            pgconn.send_query_params(text, None)
            return False
        statement = query.statement
        prepares = self._session.prepares(query)
        if prepares:
            # named before it is known to be there: a query that comes twice is prepared once
            pgconn.send_prepare(self._session.name(query), statement.text, statement.types)
        name = self._session.prepared.get(query)
        if name is not None:
            pgconn.send_query_prepared(name, values, formats, BINARY)
        else:
            pgconn.send_query_params(statement.text, values, statement.types, formats, BINARY)
        return prepares

    def _without_preparations(self, results: list[PGresult], prepared: list[bool]) -> list[PGresult]:
        """Return the answers to the calls alone; what could not be prepared is not taken for it."""
        if not any(prepared):
            return results
        answers: list[PGresult] = []
        place = 0
        for (query, *_), prepares in zip(self._calls, prepared, strict=True):
            if prepares:
                if place >= len(results) or results[place].status not in _FINE:
                    self._session.prepared.pop(query, None)
                place += 1
            answers += results[place : place + 1]
            place += 1
        return answers if all(each.status in _FINE for each in results) else results

    def read(self, results: Sequence[PGresult]) -> list[Any]:
        """Return what the queries promise; raises psycopg's error for the first one that was refused."""
        for result in results:
            if result.status not in _FINE:
                error = error_from_result(result, encoding="utf-8")
                if isinstance(error, InvalidSqlStatementName):  # somebody has discarded them
                    self._session.prepared.clear()
                raise error
        if len(results) < len(self._calls):
            raise OperationalError("the connection was lost before all was answered")
        return [self._session.read(call[0], result) for call, result in zip(self._calls, results, strict=True)]


def _bound(query: Query, arguments: Mapping[str, Any]) -> tuple[bytes | None, Bound]:
    """Return a text of its own, where the arguments stand in it, and what is sent of them."""
    query.check_names(arguments)
    if query.binds_on_client:
        return with_literals(query.text, tuple((name, str(value)) for name, value in arguments.items())), ([], [])
    return None, query.statement.bind(arguments)


def _answers(pgconn: PGconn) -> PQGen[list[PGresult]]:
    """Flush, and read up to the point of synchronisation, whatever the server says first."""
    while pgconn.flush():
        ready = yield Wait.RW
        if ready & Ready.R:
            pgconn.consume_input()
    results: list[PGresult] = []
    while True:
        while pgconn.is_busy():
            if (yield Wait.R):
                pgconn.consume_input()
        result = pgconn.get_result()
        if result is None:  # the end of one statement
            if pgconn.status == pq.ConnStatus.BAD:
                return results
        elif result.status == _SYNC:
            return results
        else:
            results.append(result)


def broken(connection: BaseConnection[Any]) -> bool:
    """Whether an exchange has left a connection of which nobody knows what it will say next."""
    pgconn = connection.pgconn
    return pgconn.status == pq.ConnStatus.OK and pgconn.pipeline_status != pq.PipelineStatus.OFF
