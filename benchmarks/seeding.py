"""Histories of a given size, made by the server itself, as fast as it writes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

import wfstore
from benchmarks import leases
from benchmarks.bench import Bench
from wfstore import DEFAULT_TENANT, Role

SQL = Path(__file__).with_name("sql")
_WEEKS = 12
_WORKFLOWS = 100
_CHUNK = 250_000  # executions of one statement
_WRITERS = 2


@dataclass(frozen=True)
class History:
    """What was made."""

    database: str
    """A superuser's URL."""
    workflows: list[UUID]
    executions: int


@dataclass(frozen=True)
class _Span:
    """A stretch of history: the numbers of its executions, and their time."""

    first: int
    last: int
    since: datetime
    until: datetime


def seed(bench: Bench, database: str, executions: int) -> History:
    """Fill twelve weeks with ended executions of a hundred workflows, three node results each.

    As superuser with triggers and foreign keys switched off: it is consistent because it is written so.
    """
    with wfstore.connect(bench.url(database, Role.APP)) as store:
        workflows = [leases.add_workflow(store) for _ in range(_WORKFLOWS)]
    end = datetime.now(UTC)
    begin = end - timedelta(weeks=_WEEKS)
    with closing(psycopg.connect(database, autocommit=True)) as connection:
        for week in range(_WEEKS + 1):
            connection.execute("SELECT wfstore_create_partition(%s)", [begin + timedelta(weeks=week)])
    shared = {"tenant": DEFAULT_TENANT, "workflows": workflows, "count": executions, "since": begin, "until": end}
    with ThreadPoolExecutor(_WRITERS) as pool:
        for _ in pool.map(partial(_write, database, shared), _spans(executions, begin, end)):
            pass
    with closing(psycopg.connect(database, autocommit=True)) as connection:
        connection.execute("VACUUM (ANALYZE) workflow_executions, node_executions")
    return History(database, workflows, executions)


def _spans(executions: int, begin: datetime, end: datetime) -> list[_Span]:
    each = (end - begin) / executions
    return [
        _Span(first, last, begin + each * first, begin + each * (last + 1))
        for first in range(0, executions, _CHUNK)
        for last in [min(first + _CHUNK, executions) - 1]
    ]


def _write(database: str, shared: dict[str, Any], span: _Span) -> None:
    """Write a stretch of executions, then their node results."""
    with closing(psycopg.connect(database)) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("SET synchronous_commit = off")
        connection.execute(_statement("seed_executions"), {**shared, "first": span.first, "last": span.last})
        times = {"since": span.since, "until": span.until}
        connection.execute(_statement("seed_node_executions"), times)
        [rolled_up] = connection.execute("SELECT to_regclass('execution_stats') IS NOT NULL").fetchone() or [False]
        if rolled_up:
            connection.execute(_statement("seed_stats"), {**times, "slot": span.first // _CHUNK})
        connection.commit()


def _statement(name: str) -> bytes:
    return (SQL / f"{name}.sql").read_bytes()
