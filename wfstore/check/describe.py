"""Ask the server about a query without running it: does it accept it, what are its parameters and columns.

The statement is prepared and described as the role that runs it, and then planned, since rights are checked
only then. Which role that is: the one of `-- role:` (app, worker, readonly, owner; admin is whoever connected);
without that line `wfstore_app`, or if that may not run it `wfstore_worker`.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg.pq import DiagnosticField, ExecStatus
from psycopg.pq.abc import PGresult

from wfstore.catalogue import CATALOGUE
from wfstore.check.checked import CheckedQuery
from wfstore.check.positioned import positioned
from wfstore.check.types import ServerType, ServerTypes
from wfstore.server import Role
from wfstore.sync.calling import call

_NAME = "wfstore_check"
_NOT_PERMITTED = "42501"
_PLANNED = ("select_stmt", "insert_stmt", "update_stmt", "delete_stmt", "merge_stmt")


@dataclass(frozen=True, slots=True)
class DescribedColumn:
    """A column of a result, as the server describes it."""

    name: str
    type: ServerType
    table_oid: int
    """The table that it comes from unchanged; 0 for an expression."""
    table_column: int
    """Its number in that table."""


@dataclass(frozen=True, slots=True)
class Description:
    """What the server says of a statement that it accepts."""

    role: str | None
    """The role it was prepared as; None: whoever connected."""
    parameters: tuple[ServerType, ...]
    """In the order of `PositionedSql.parameters`."""
    columns: tuple[DescribedColumn, ...]


class Refused(Exception):
    """The server does not accept a statement."""

    def __init__(self, sqlstate: str, message: str, position: int | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate
        self.message = message
        self.position = position
        """An offset from 0, in characters."""
        self.hint = hint

    @classmethod
    def of(cls, result: PGresult) -> Refused:
        """Read the server's refusal."""

        def field(which: DiagnosticField) -> str | None:
            value = result.error_field(which)
            return value.decode("utf-8", "replace") if value is not None else None

        position = field(DiagnosticField.STATEMENT_POSITION)
        return cls(
            field(DiagnosticField.SQLSTATE) or "XX000",
            field(DiagnosticField.MESSAGE_PRIMARY) or "refused",
            int(position) - 1 if position else None,
            field(DiagnosticField.MESSAGE_HINT),
        )


def describe(connection: psycopg.Connection[Any], query: CheckedQuery, types: ServerTypes) -> Description:
    """Describe a query as the role that runs it; everything is rolled back.

    Raises:
        Refused: the server accepts it from no role that could run it; the reason is the first one's.
    """
    first, *others = _roles(query)
    try:
        return _describe(connection, query, first, types)
    except Refused as refusal:
        if refusal.sqlstate != _NOT_PERMITTED:
            raise
        for role in others:
            with suppress(Refused):
                return _describe(connection, query, role, types)
        raise


def _roles(query: CheckedQuery) -> list[str | None]:
    declared = query.header.directives.get("role")
    if declared is None:
        return [Role.APP.database_role, Role.WORKER.database_role]
    return [Role(declared).database_role if declared in set(Role) else declared]


def _describe(
    connection: psycopg.Connection[Any], query: CheckedQuery, role: str | None, types: ServerTypes
) -> Description:
    pgconn = connection.pgconn
    try:
        with connection.transaction(force_rollback=True):
            if role is not None:
                _work_as(connection, role)
            prepared = pgconn.prepare(_NAME.encode(), _text(query).encode())
            if prepared.status != ExecStatus.COMMAND_OK:
                raise Refused.of(prepared)
            described = pgconn.describe_prepared(_NAME.encode())
            if described.status != ExecStatus.COMMAND_OK:
                raise Refused.of(described)
            _plan(connection, query, described.nparams)
    finally:
        # It outlives the rollback, unless psycopg has taken that for a reason to forget all that is prepared.
        with suppress(psycopg.errors.InvalidSqlStatementName), connection.transaction():
            call(CATALOGUE["checks.end_statement"], connection, {})
    columns = tuple(
        DescribedColumn(
            (described.fname(i) or b"").decode(),
            types[described.ftype(i)],
            described.ftable(i),
            described.ftablecol(i),
        )
        for i in range(described.nfields)
    )
    return Description(role, tuple(types[described.param_type(i)] for i in range(described.nparams)), columns)


def _text(query: CheckedQuery) -> str:
    """Return the text to be prepared: a utility statement takes no parameters, so it gets empty strings."""
    if query.header.directives.get("binding") != "client":
        return query.sql.text
    body, header = query.statement.body, query.header
    return positioned(body, header.parameters, header.path, body[0].line, as_strings=True).text


def _work_as(connection: psycopg.Connection[Any], role: str) -> None:
    try:
        call(CATALOGUE["checks.work_as"], connection, {"role": role})
    except psycopg.Error as error:
        raise Refused(_NOT_PERMITTED, error.diag.message_primary or str(error)) from error


def _plan(connection: psycopg.Connection[Any], query: CheckedQuery, parameters: int) -> None:
    """Plan the statement: preparing it has not looked at rights."""
    if query.tree.stmts[0].stmt.WhichOneof("node") not in _PLANNED:
        return
    call(CATALOGUE["checks.use_generic_plans"], connection, {})
    # As many NULLs as the statement has parameters: no query file can say that.
    nulls = sql.SQL(" ({})").format(sql.SQL(", ").join([sql.NULL] * parameters)) if parameters else sql.SQL("")
    result = connection.pgconn.exec_(
        (sql.SQL("EXPLAIN EXECUTE {}").format(sql.Identifier(_NAME)) + nulls).as_bytes(connection)
    )
    if result.status != ExecStatus.TUPLES_OK:
        raise Refused.of(result)
