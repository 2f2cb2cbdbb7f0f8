"""What an error of the database means to whoever migrates."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import errors

from wfstore.errors import DatabaseUnavailable, MigrationError, OutcomeUnknown, WfstoreError
from wfstore.migrate.files import read
from wfstore.translate import connection_lost

RIGHTS = "Migrations need a superuser, or a role with CREATEROLE that owns the database (`--database-url`)."
_HINTS: dict[type[psycopg.Error], str] = {
    errors.InsufficientPrivilege: RIGHTS,
    errors.DiskFull: "The server's disk is full; make room there, then run it again.",
    errors.ReadOnlySqlTransaction: "This server is a standby, or read-only; migrate on the primary.",
    errors.LockNotAvailable: "pg_stat_activity shows who, the oldest xact_start first. Run it again after them.",
    errors.DeadlockDetected: "Others lock the same tables; run it again when they are done.",
    errors.DuplicateTable: "Something of this name is there already, and no migration is marked as having made it.",
    errors.DuplicateObject: "Something of this name is there already, and no migration is marked as having made it.",
}


@contextmanager
def connecting() -> Iterator[None]:
    """Turn a failed connection into one sentence."""
    try:
        yield
    except psycopg.OperationalError as error:
        reason = " ".join(str(error).split())
        raise DatabaseUnavailable(f"no connection to the database: {reason}") from error


def explain(
    error: psycopg.Error, doing: str, *, committing: bool = False, whole: bool = True, where: str | None = None
) -> WfstoreError:
    """Return the error to raise for one that a migration ran into; `doing` reads like `0004.users`.

    `whole` is false for a migration that runs outside a transaction, and so may be half done.
    """
    if committing and _is_lost(error):
        return OutcomeUnknown(
            f"{doing}: the connection was lost while it was being committed",
            hint="`wfstore migrate --status` shows whether it was; running it again is safe.",
        )
    if _is_lost(error):
        return DatabaseUnavailable(
            f"{doing}: the connection to the server was lost",
            hint="Nothing of it is left behind; run it again." if whole else "Part of it may be done; run it again.",
        )
    message = error.diag.message_primary or " ".join(str(error).split())
    hint = next((hint for kind, hint in _HINTS.items() if isinstance(error, kind)), None)
    return MigrationError(f"{doing}: {message}{f' ({where})' if where else ''}", hint=hint or error.diag.message_hint)


def place(path: Path, statement: object, error: psycopg.Error) -> str | None:
    """Return `file:line` of what the server complained about, if it is in this file."""
    text = read(path)
    start = text.find(statement) if isinstance(statement, str) else -1
    if start < 0:
        return None
    position = int(error.diag.statement_position or 0)
    if position:
        start += position - 1
    else:
        lines = text[start:].splitlines(keepends=True)
        code = next(
            (index for index, line in enumerate(lines) if line.strip() and not line.lstrip().startswith("--")), 0
        )
        start += sum(len(line) for line in lines[:code])
    return f"{path.name}:{text.count(chr(10), 0, start) + 1}"


def _is_lost(error: psycopg.Error) -> bool:
    return connection_lost(error) or isinstance(error, errors.IdleInTransactionSessionTimeout)
