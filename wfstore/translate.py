"""Database errors become domain errors: by SQLSTATE and constraint, by message only where there is no other way."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn
from uuid import UUID

import psycopg
from psycopg import errors as pg

from wfstore import errors
from wfstore.documents import fault_of

Named = Iterable[tuple[str, Mapping[str, Any]]]
"""What was called, each with its arguments."""

_BY_SQLSTATE: dict[str, type[errors.WfstoreError]] = {
    cls.sqlstate: cls
    for cls in vars(errors).values()
    if isinstance(cls, type) and issubclass(cls, errors.WfstoreError) and cls.sqlstate and cls.sqlstate.startswith("WF")
}
_SHARD_SUFFIX = re.compile(r"_\d{5,}$")
_PARTITION_SUFFIX = re.compile(r"_p\d{8}$")
_INT4 = range(-(2**31), 2**31)


def refuse(error: psycopg.Error | UnicodeEncodeError, calls: Named = ()) -> NoReturn:
    """Raise the domain error that an error means, or the error itself where it means none."""
    meaning = translate(error, calls)
    if meaning is error:
        raise error
    raise meaning from error


def translate(error: psycopg.Error | UnicodeEncodeError, calls: Named = ()) -> Exception:
    """Return the domain error that an error means, or the error itself where it means none."""
    if isinstance(error, UnicodeEncodeError):  # psycopg's own way to refuse a lone surrogate
        return errors.InvalidInput(_at_fault(calls) or f"a text cannot be stored: {error}")
    cls = _BY_SQLSTATE.get(error.sqlstate or "")
    if cls is not None:
        return cls(error.diag.message_primary or cls.__name__, hint=error.diag.message_hint)
    match error:
        case pg.UniqueViolation() | pg.ForeignKeyViolation() | pg.CheckViolation() | pg.NotNullViolation():
            return _violation(error, calls)
        case pg.InsufficientPrivilege():
            return _not_allowed(error)
        case pg.NumericValueOutOfRange():
            wide = _too_wide(calls)
            return errors.InvalidInput(f"{wide or 'a number'} is out of range: {error.diag.message_primary}")
        case psycopg.DataError() | pg.ProgramLimitExceeded():  # NUL characters, no JSON, too long for an index
            fault = _at_fault(calls)
            return errors.InvalidInput(
                fault or f"PostgreSQL cannot store a value: {error.diag.message_primary or error}"
            )
        case _:
            return error


def connection_lost(error: BaseException) -> bool:
    """Whether the connection is gone, so that nobody knows what became of the last statement."""
    if isinstance(error, pg.IdleInTransactionSessionTimeout):
        return True
    if not isinstance(error, psycopg.OperationalError):
        return False
    state = error.sqlstate
    return state is None or state.startswith("08") or state in ("57P01", "57P02", "57P03", "57P05")


def transaction_failed(error: psycopg.Error) -> bool:
    """Whether the transaction was rolled back for reasons that a repetition may not meet again."""
    # Prepared statements are gone after a DEALLOCATE or DISCARD; the next attempt makes them again.
    return isinstance(error, pg.SerializationFailure | pg.DeadlockDetected | pg.InvalidSqlStatementName)


def partition_missing(error: psycopg.Error) -> bool:
    """Whether a row found no partition: a CHECK violation that names no constraint."""
    return (
        isinstance(error, pg.CheckViolation)
        and error.diag.constraint_name is None
        # by the function that raised it, as the message is in the server's language; a shard's has only the message
        and (
            error.diag.source_function == "ExecFindPartition"
            or "no partition of relation" in (error.diag.message_primary or "")
        )
    )


def reason(error: BaseException) -> str:
    """Return the first line of what an error says; libpq goes on with what may have been the cause."""
    return str(error).strip().partition("\n")[0] or type(error).__name__


def _violation(error: psycopg.Error, calls: Named) -> errors.WfstoreError:
    """Tell what a constraint refused."""
    table = _PARTITION_SUFFIX.sub("", _SHARD_SUFFIX.sub("", error.diag.table_name or ""))
    constraint = _constraint(error) or error.diag.column_name or ""
    detail = error.diag.message_detail or ""
    # Row-level security makes the server keep the values to itself.
    given = ": ".join(part for part in (constraint, _given(constraint, table, calls)) if part)
    match error:
        case pg.UniqueViolation():
            return errors.AlreadyExists(f"{table}: there is such a row already ({given})")
        case pg.ForeignKeyViolation() if "still referenced" in detail:
            return errors.StillReferenced(f"rows of {table} still refer to it ({given})", hint="Remove those first.")
        case pg.ForeignKeyViolation():
            return errors.NotFound(f"{table}: refers to what is not there ({given})")
        case _:
            return errors.InvalidInput(f"{table}: a value is not allowed ({given}: {error.diag.message_primary})")


def _given(constraint: str, table: str, calls: Named) -> str:
    """Return the arguments that a constraint is about, as its name tells: users_email_key is about email."""
    about = re.sub(r"_?(pkey|fkey|key|check)$", "", constraint.removeprefix(f"{table}_")) or "id"
    names = {about, f"{about}s", f"{about}es", f"{about}_id", f"{about}_ids"}
    found = []
    for _, arguments in calls:
        for name in sorted(names & arguments.keys()):
            value = arguments[name]
            values = list(dict.fromkeys(value)) if isinstance(value, list) else [value]
            if values and all(isinstance(each, str | int | UUID) for each in values):
                found.append(f"{name} {', '.join(str(each) for each in values[:3])}{', ...' * (len(values) > 3)}")
    return "; ".join(dict.fromkeys(found))


def _not_allowed(error: psycopg.Error) -> errors.WfstoreError:
    if error.diag.source_function == "ExecWithCheckOptions" or "row-level security" in (
        error.diag.message_primary or ""
    ):
        hint = "A store writes rows of its own tenant; store.for_tenant(id) is the same store for another."
    else:
        hint = (
            "Definitions are the app role's, claims and node results the worker role's: connect with role=."
            " Retention policies are the owner's, who uses no store."
        )
    return errors.WfstoreError(f"not allowed: {error.diag.message_primary}", hint=hint)


def _at_fault(calls: Named) -> str | None:
    """Return which argument of which call PostgreSQL cannot store, and why."""
    for name, arguments in calls:
        for argument, value in arguments.items():
            fault = fault_of(value, argument, texts_only=True)
            if fault:
                return f"{name}: {fault}"
    return None


def _too_wide(calls: Named) -> str | None:
    """Return the arguments that an integer column may not hold."""
    wide = [
        f"{name}: {argument}"
        for name, arguments in calls
        for argument, value in arguments.items()
        if any(isinstance(item, int) and item not in _INT4 for item in (value if isinstance(value, list) else [value]))
    ]
    return ", ".join(wide) or None


def _constraint(error: psycopg.Error) -> str | None:
    """Name of the constraint; a shard's has a number at its end."""
    name = error.diag.constraint_name
    return _SHARD_SUFFIX.sub("", name) if name else None
