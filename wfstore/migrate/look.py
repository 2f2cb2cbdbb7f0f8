"""Look without touching: how things stand, what would be done, what would be lost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from wfstore.migrate import failures, files, state
from wfstore.migrate.state import Status
from wfstore.migrate.statements import statements
from wfstore.models.migrations import TableSize
from wfstore.resources import MIGRATIONS


@dataclass(frozen=True, slots=True)
class Loss:
    """What goes when migrations are rolled back."""

    tables: list[TableSize]
    columns: list[str]


def status(url: str, *, folder: Path = MIGRATIONS) -> list[Status]:
    """How each migration stands in the database."""
    with _connected(url) as connection:
        return state.status(files.known(folder), state.applied(connection))


def plan(url: str, *, to: str | None = None, folder: Path = MIGRATIONS) -> list[str]:
    """What `migrate` would apply now; raises what it would raise."""
    known = files.known(folder)
    with _connected(url) as connection:
        done = state.applied(connection)
    state.refuse(known, done)
    return state.pending(known, done, to)


def plan_rollback(url: str, *, to: str | None = None, everything: bool = False, folder: Path = MIGRATIONS) -> list[str]:
    """What `rollback` would roll back now, the newest first."""
    with _connected(url) as connection:
        return state.to_roll_back(files.known(folder), state.applied(connection), to=to, everything=everything)


def loss(url: str, ids: Sequence[str], *, folder: Path = MIGRATIONS) -> Loss:
    """What the database loses when these migrations are rolled back."""
    going = [file for file in files.known(folder) if file.id in ids]
    tables = [table for file in going for table in file.tables_lost()]
    with _connected(url) as connection:
        sizes = statements.sizes(connection, names=tables)
    return Loss(tables=sizes, columns=[column for file in going for column in file.columns_lost()])


@contextmanager
def _connected(url: str) -> Iterator[psycopg.Connection[Any]]:
    with failures.connecting():
        connection: psycopg.Connection[Any] = psycopg.connect(
            url, autocommit=True, fallback_application_name="wfstore migrate"
        )
    with connection:
        try:
            yield connection
        except psycopg.Error as error:
            raise failures.explain(error, "reading what is applied") from error
