"""Dropping periods of history that nobody wants to keep: for the owner of the tables, from maintenance."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

import psycopg
from psycopg import errors

from wfstore import queries
from wfstore.errors import DatabaseUnavailable, InvalidInput, StillReferenced
from wfstore.models import Period
from wfstore.server import Role, resolve

_POLICY = "workflow_executions"
_MOST = 10_000
_ATTEMPTS = 60
_PAUSE = 0.5  # seconds; writers that were held up go first


def maintainer(database_url: str | None = None) -> AbstractContextManager[psycopg.Connection[Any]]:
    """Connect as the owner of the tables, in autocommit.

    Raises:
        DatabaseUnavailable: there is no connection, or whoever logs in may not work as the owner.
    """
    try:
        return psycopg.connect(resolve(database_url, Role.OWNER), autocommit=True)
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable(
            f"no connection as wfstore_owner: {str(error).strip()}", hint="Use the URL that `wfstore migrate` uses."
        ) from error


def periods(connection: psycopg.Connection[Any]) -> list[Period]:
    """All periods of history, oldest first."""
    return queries.partitions.periods(connection, limit=_MOST)


def expired(connection: psycopg.Connection[Any], now: datetime) -> list[Period]:
    """Those that ended longer ago than the retention policy keeps; none where it keeps everything."""
    policy = queries.retention_policies.get(connection, table_name=_POLICY)
    if policy is None or policy.keep is None:
        return []
    return before(connection, now - policy.keep)


def before(connection: psycopg.Connection[Any], at: datetime) -> list[Period]:
    """Those that ended at this time or earlier."""
    return [period for period in periods(connection) if period.until <= at]


def drop(connection: psycopg.Connection[Any], period: Period, *, report: Callable[[str], None] = lambda _: None) -> int:
    """Drop a period: its executions and node results; then, apart, what refers to them. Returns how many such rows.

    Writers wait for it for at most 200 ms at a time: if it does not get its locks by then it lets them go on, and tries
    again.

    Raises:
        StillReferenced: an execution of this period has not ended; nothing was dropped.
        DatabaseUnavailable: somebody had history locked each time that it was tried.
        InvalidInput: there is no such period.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            queries.partitions.drop(connection, suffix=period.suffix)
            break
        except errors.UndefinedTable as error:
            raise InvalidInput(f"there is no period {period.suffix}", hint="`wfstore partitions list`") from error
        except errors.ObjectInUse as error:
            raise StillReferenced(str(error.diag.message_primary), hint=error.diag.message_hint) from error
        except (errors.LockNotAvailable, errors.DeadlockDetected) as error:
            if attempt == _ATTEMPTS:
                raise DatabaseUnavailable(
                    f"the period {period.suffix} was not dropped: history was locked each of {_ATTEMPTS} times",
                    hint="pg_stat_activity shows who, the oldest xact_start first. Run it again after them.",
                ) from error
            report(f"{period.suffix} is in use; trying again ({attempt})")
            time.sleep(_PAUSE)
    return queries.partitions.forget(connection, since=period.since, until=period.until)


def analyze(connection: psycopg.Connection[Any]) -> None:
    """Count what history holds, for the planner: autovacuum looks at partitions, never at their parents."""
    queries.partitions.analyze(connection)
