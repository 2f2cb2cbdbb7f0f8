"""A database for one check, with the migrations applied, dropped afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
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

_SYNTAX = "42601"


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
            return Finding("refused", path, int(digits or 1), 1, message, error.hint)
    raise error


def _is_whole(folder: Path) -> bool:
    """Whether a folder holds all that wfstore's own does: a checkout, or a copy with one more."""
    return all((folder / file.path.name).is_file() for file in known())


def _apply_one(connection: psycopg.Connection[Any], path: Path) -> Finding | None:
    text = path.read_text(encoding="utf-8")
    transactional = not any(line.replace(" ", "") == "--transactional:false" for line in text.splitlines())
    done = 0
    try:
        if transactional:
            with connection.transaction():
                connection.execute(text.encode())
        else:
            for statement in postgast.split(text):
                connection.execute(statement.encode())
                done = text.index(statement, done) + len(statement)
        connection.execute("RESET ALL")
        connection.execute("RESET ROLE")
    except psycopg.Error as error:
        category = "syntax" if error.sqlstate == _SYNTAX else "refused"
        offset = done + int(error.diag.statement_position or 1) - 1
        message = str(error.diag.message_primary or error)
        return found_at(path, text, offset, (category, message, error.diag.message_hint))
    return None


def _in_database(url: str, name: str) -> str:
    values = {key: quote(str(value), safe="") for key, value in conninfo_to_dict(url).items() if value is not None}
    values["dbname"] = quote(name, safe="")
    return "postgresql://?" + "&".join(f"{key}={value}" for key, value in values.items())
