"""Making partitions of history for any time: the maintainer's affair. A write makes its own within 35 days of now."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import psycopg
from psycopg import errors as pg

from wfstore import retention
from wfstore.catalogue import CATALOGUE
from wfstore.compatibility import no_schema
from wfstore.errors import InvalidInput
from wfstore.inputs import check_time
from wfstore.sync.calling import call
from wfstore.translate import refuse


class Maintainer:
    """Makes partitions as the owner of the tables; see `maintainer`. One thread at a time."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def make(self, at: datetime) -> str:
        """Make the pair of partitions that holds this time, where it is missing; return their suffix, `p20240101`.

        Writers wait for nothing.

        Raises:
            InvalidInput: the time has no zone, or a partition of another length is in the way.
        """
        check_time(at, "at")
        return str(self._run("partitions.create", at=at))

    def spans(self, since: datetime, until: datetime) -> list[datetime]:
        """Return where the partitions begin that hold the times from `since` to before `until`.

        Raises:
            InvalidInput: a time has no zone, or there is none between them.
        """
        check_time(since, "since")
        check_time(until, "until")
        if since >= until:
            raise InvalidInput(f"there is no time from {since} to before {until}")
        return list(self._run("partitions.starts", since=since, until=until))

    def make_range(self, since: datetime, until: datetime, made: Callable[[str], object] = lambda _: None) -> list[str]:
        """Make all partitions that hold the times from `since` to before `until`, each in a transaction of its own.

        Args:
            since: the first time.
            until: the time after the last one.
            made: called with each suffix, at once.

        Raises:
            InvalidInput: as of `make` and `spans`; what was made before stays.
        """
        suffixes = []
        for at in self.spans(since, until):
            suffixes.append(self.make(at))
            made(suffixes[-1])
        return suffixes

    def _run(self, name: str, **arguments: Any) -> Any:
        try:
            return call(CATALOGUE[name], self._connection, arguments)
        except pg.InvalidObjectDefinition as error:
            raise InvalidInput(
                f"a partition is in the way: {error.diag.message_primary}",
                hint="Partitions were made with another partition_interval of retention_policies than the present one.",
            ) from error
        except psycopg.Error as error:
            refuse(error)


@contextmanager
def maintainer(database_url: str | None = None) -> Iterator[Maintainer]:
    """Connect as the owner of the tables: `with maintainer(url) as m: m.make(at)`.

    Args:
        database_url: a libpq URL; None takes DATABASE_URL, and without that the embedded PostgreSQL.

    Raises:
        DatabaseUnavailable: no server answered, or who logs in may not work as the owner.
        SchemaMissing: there is no schema yet.
    """
    with retention.maintainer(database_url) as connection:
        if not call(CATALOGUE["schema.exists"], connection, {}):
            raise no_schema()
        yield Maintainer(connection)
