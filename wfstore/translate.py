"""Database errors become domain errors: by SQLSTATE and constraint, never by message."""

from __future__ import annotations

import re

import psycopg
from psycopg import errors as pg

from wfstore import errors

_BY_SQLSTATE: dict[str, type[errors.WfstoreError]] = {
    cls.sqlstate: cls
    for cls in vars(errors).values()
    if isinstance(cls, type) and issubclass(cls, errors.WfstoreError) and cls.sqlstate and cls.sqlstate.startswith("WF")
}
_SHARD_SUFFIX = re.compile(r"_\d{5,}$")


def translate(error: psycopg.Error) -> Exception:
    """Return the domain error that a database error means, or the error itself where it means none."""
    cls = _BY_SQLSTATE.get(error.sqlstate or "")
    if cls is not None:
        return cls(error.diag.message_primary or cls.__name__, hint=error.diag.message_hint)
    table, constraint = error.diag.table_name, _constraint(error)
    match error:
        case pg.UniqueViolation():
            return errors.AlreadyExists(
                f"{table}: there is such a row already ({constraint}: {error.diag.message_detail})"
            )
        case pg.ForeignKeyViolation() if "still referenced" in (error.diag.message_detail or ""):
            return errors.StillReferenced(
                f"{table}: other rows refer to it ({constraint}: {error.diag.message_detail})",
                hint="Remove those first.",
            )
        case pg.ForeignKeyViolation():
            return errors.NotFound(f"{table}: refers to what is not there ({constraint}: {error.diag.message_detail})")
        case pg.CheckViolation() | pg.NotNullViolation():
            what = constraint or error.diag.column_name
            return errors.InvalidInput(f"{table}: a value is not allowed ({what}: {error.diag.message_primary})")
        case pg.InsufficientPrivilege():
            return errors.WfstoreError(
                f"not allowed: {error.diag.message_primary}",
                hint="Definitions are the app role's, claims and node results the worker role's; connect with role=.",
            )
        case psycopg.DataError():  # NUL characters, lone surrogates, numbers out of range, text that is no JSON
            return errors.InvalidInput(f"PostgreSQL cannot store a value: {error.diag.message_primary or error}")
        case _:
            return error


def connection_lost(error: psycopg.Error) -> bool:
    """Whether the connection is gone, so that nobody knows what became of the last statement."""
    if not isinstance(error, psycopg.OperationalError):
        return False
    state = error.sqlstate
    return state is None or state.startswith("08") or state in ("57P01", "57P02", "57P03", "57P05")


def transaction_failed(error: psycopg.Error) -> bool:
    """Whether the transaction was rolled back for reasons that a repetition may not meet again."""
    return isinstance(error, pg.SerializationFailure | pg.DeadlockDetected)


def partition_missing(error: psycopg.Error) -> bool:
    """Whether a row found no partition: a CHECK violation that names no constraint."""
    return (
        isinstance(error, pg.CheckViolation)
        and error.diag.constraint_name is None
        and "no partition of relation" in (error.diag.message_primary or "")
    )


def _constraint(error: psycopg.Error) -> str | None:
    """Name of the constraint; a shard's has a number at its end."""
    name = error.diag.constraint_name
    return _SHARD_SUFFIX.sub("", name) if name else None
