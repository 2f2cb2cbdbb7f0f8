"""A database for one check, with the migrations applied, dropped afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, nullcontext
from itertools import takewhile
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import postgast
import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from wfstore.check.finding import Finding
from wfstore.check.migrationfile import found_at
from wfstore.errors import DatabaseUnavailable, MigrationError
from wfstore.migrate import known, migrate

_CATEGORIES: Mapping[str | None, str] = {
    "42601": "syntax",
    "42P01": "unknown-table",
    "42703": "unknown-column",
    "42883": "unknown-function",
}


@contextmanager
def scratch_database(server_url: str) -> Iterator[str]:
    """Give the URL of a new database on an administrator's server; drop it in the end."""
    name = f"wfstore_check_{uuid4().hex[:12]}"
    try:
        server = psycopg.connect(server_url, autocommit=True)
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable(f"no connection to the server: {error}".strip()) from error
    with closing(server):
        try:
            server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
        except psycopg.errors.InsufficientPrivilege as error:
            raise DatabaseUnavailable(
                f"the check needs a database of its own, and {server.info.user} may not make one",
                hint="Give the URL of a superuser, or none: then the embedded PostgreSQL is used.",
            ) from error
        try:
            yield _in_database(server_url, name)
        finally:
            server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def apply(url: str, folder: Path | None) -> Finding | None:
    """Apply wfstore's migrations, then those of a project beside it; return what the server refused, if it did.

    A folder that holds wfstore's own too, as a checkout does, takes their place.
    """
    if folder is not None and _is_whole(folder):
        try:
            migrate(url, folder=folder)
        except MigrationError as error:
            return _explained(folder, error)
        return None
    migrate(url)
    if folder is None:
        return None
    with closing(psycopg.connect(url, autocommit=True)) as connection:
        paths = (path for path in sorted(folder.glob("*.sql")) if not path.name.endswith(".rollback.sql"))
        return next((found for path in paths if (found := _apply_one(connection, path)) is not None), None)


def _explained(folder: Path, error: MigrationError) -> Finding:
    """Return the finding for an error that names its file, and perhaps its line."""
    message = str(error)
    for path in sorted(folder.glob("*.sql"), key=lambda path: path.name.endswith(".rollback.sql")):
        _, named, rest = message.partition(f"{path.name}:")
        if named or path.stem in message:
            digits = "".join(takewhile(str.isdigit, rest))
            sqlstate = getattr(error.__cause__, "sqlstate", None)
            return Finding(_CATEGORIES.get(sqlstate, "refused"), path, int(digits or 1), 1, message, error.hint)
    raise error


def _is_whole(folder: Path) -> bool:
    """Whether a folder holds all that wfstore's own does: a checkout, or a copy with one more."""
    return all((folder / file.path.name).is_file() for file in known())


def _apply_one(connection: psycopg.Connection[Any], path: Path) -> Finding | None:
    """Apply a migration as yoyo does: in one transaction, unless it says otherwise."""
    text = path.read_text(encoding="utf-8")
    transactional = not any(line.replace(" ", "") == "--transactional:false" for line in text.splitlines())
    begun = 0
    try:
        with connection.transaction() if transactional else nullcontext():
            for start, statement in _statements(text):
                begun = start
                connection.execute(statement.encode())
        connection.execute("RESET ALL")
        connection.execute("RESET ROLE")
    except psycopg.Error as error:
        category = _CATEGORIES.get(error.sqlstate, "refused")
        offset = begun + int(error.diag.statement_position or 1) - 1
        message = str(error.diag.message_primary or error)
        return found_at(path, text, offset, (category, message, error.diag.message_hint))
    return None


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Cut a file into statements: where each one's first word stands, and its text from there."""
    encoded = text.encode()
    words = [each.start for each in postgast.scan(text).tokens if not _is_comment(each)]
    for raw in postgast.parse(text).stmts:
        end = raw.stmt_location + raw.stmt_len if raw.stmt_len else len(encoded)
        begin = next(start for start in words if start >= raw.stmt_location)
        yield len(encoded[:begin].decode()), encoded[begin:end].decode()


def _is_comment(token: Any) -> bool:
    return str(postgast.pg_query_pb2.Token.Name(token.token)) in ("SQL_COMMENT", "C_COMMENT")


def _in_database(url: str, name: str) -> str:
    values = {key: quote(str(value), safe="") for key, value in conninfo_to_dict(url).items() if value is not None}
    values["dbname"] = quote(name, safe="")
    return "postgresql://?" + "&".join(f"{key}={value}" for key, value in values.items())
