# Derived from wfstore/aio by .ci/derive_sync.py: change it there.
"""How calls reach the database: each group on its own, or inside a transaction of the caller's."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar
from uuid import UUID

import psycopg
from psycopg import Connection
from psycopg_pool import ConnectionPool, PoolTimeout

from wfstore.errors import DatabaseUnavailable, OutcomeUnknown, PartitionOutOfWindow
from wfstore.ids import time_of
from wfstore.queryfiles.catalogue import Catalogue
from wfstore.queryfiles.query import Query
from wfstore.sync.calling import receive, send
from wfstore.sync.waiting import sleep
from wfstore.translate import connection_lost, partition_missing, transaction_failed, translate

T = TypeVar("T")

_FIRST_PAUSE = 0.02
_LONGEST_PAUSE = 1.0


@dataclass(frozen=True, slots=True)
class Call:
    """A query and its arguments."""

    query: Query
    arguments: Mapping[str, Any]


class Runner(Protocol):
    """Runs calls for a tenant."""

    catalogue: Catalogue
    tenant_id: UUID

    def run(self, *calls: Call) -> list[Any]:
        """Run the calls in order, in one transaction and one round trip; return their results."""
        ...

    def transact(self, body: Callable[[Runner], T], *, repeatable: bool) -> T:
        """Run several steps in one transaction; `repeatable`: also after a connection was lost."""
        ...


def pipelined(connection: Connection[Any], calls: Sequence[Call]) -> list[Any]:
    """Send all calls at once, then read all results."""
    with connection.pipeline():
        cursors = [send(call.query, connection, call.arguments) for call in calls]
    return [receive(call.query, cursor) for call, cursor in zip(calls, cursors, strict=True)]


class TransactionRunner:
    """Runs calls inside a transaction that somebody else opened and will end."""

    def __init__(self, connection: Connection[Any], catalogue: Catalogue, tenant_id: UUID) -> None:
        self.connection = connection
        self.catalogue = catalogue
        self.tenant_id = tenant_id

    def run(self, *calls: Call) -> list[Any]:
        """Run the calls in one round trip; a refusal by the database ends the transaction."""
        try:
            return pipelined(self.connection, calls)
        except psycopg.Error as error:
            if partition_missing(error):
                raise PartitionOutOfWindow(
                    "a row of this transaction has no partition",
                    hint="Make it before the transaction begins: store.partitions.make(at=...).",
                ) from error
            raise translate(error) from error

    def transact(self, body: Callable[[Runner], T], *, repeatable: bool) -> T:
        """Run the steps as part of this transaction."""
        return body(self)


class PoolRunner:
    """Runs each group of calls in a transaction of its own, and repeats it where that is safe.

    What failed for serialization or a deadlock was rolled back: it is repeated. After a lost connection
    nobody knows what was committed: calls that may be repeated are, of others OutcomeUnknown is raised. A
    missing partition is made, once, in a transaction of its own.
    """

    def __init__(
        self, pool: ConnectionPool[Connection[Any]], catalogue: Catalogue, tenant_id: UUID, attempts: int
    ) -> None:
        self.pool = pool
        self.catalogue = catalogue
        self.tenant_id = tenant_id
        self.attempts = attempts

    def run(self, *calls: Call) -> list[Any]:
        """Run the calls in one transaction and one round trip; domain errors for what the database refuses."""

        def once() -> list[Any]:
            return self._once(calls)

        repeatable = all(call.query.repeatable for call in calls)
        return self._repeated(once, repeatable=repeatable, identifiers=_execution_ids(calls))

    def transact(self, body: Callable[[Runner], T], *, repeatable: bool) -> T:
        """Run the steps in one transaction of their own."""

        def once() -> T:
            with self.pool.connection() as connection:
                pipelined(connection, [self._setting()])
                return body(_BareRunner(connection, self.catalogue, self.tenant_id))

        return self._repeated(once, repeatable=repeatable, identifiers=[])

    def _once(self, calls: Sequence[Call]) -> list[Any]:
        with self.pool.connection() as connection:
            commit = Call(self.catalogue["session.commit"], {})
            results = pipelined(connection, [self._setting(), *calls, commit])
            return results[1:-1]

    def _setting(self) -> Call:
        return Call(self.catalogue["session.set_tenants"], {"tenant_ids": str(self.tenant_id)})

    def _repeated(self, once: Callable[[], T], *, repeatable: bool, identifiers: Sequence[UUID]) -> T:
        pause = _FIRST_PAUSE
        made_partitions = False
        for attempt in range(1, self.attempts + 1):
            try:
                return once()
            except PoolTimeout as error:
                raise DatabaseUnavailable(
                    f"no connection to the database within {self.pool.timeout:g} s",
                    hint="Is the server up? If it is, the pool may be too small (max_size=).",
                ) from error
            except psycopg.Error as error:
                if partition_missing(error) and not made_partitions:
                    made_partitions = True
                    self._make_partitions(identifiers)
                    continue
                lost = connection_lost(error)
                if lost:
                    self.pool.check()  # a restart leaves the others dead too
                if attempt == self.attempts or not (transaction_failed(error) or (lost and repeatable)):
                    raise _explain(error) from error
            sleep(random.uniform(0, pause))  # noqa: S311 - jitter, not a secret
            pause = min(2 * pause, _LONGEST_PAUSE)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _make_partitions(self, identifiers: Sequence[UUID]) -> None:
        """Make the partitions that these executions belong to; one id a day is enough, none spans less."""
        days = {time_of(identifier).date(): identifier for identifier in identifiers}
        make = self.catalogue["partitions.make"]
        for identifier in days.values():
            try:
                self._once([Call(make, {"at": time_of(identifier)})])
            except psycopg.Error as error:
                raise translate(error) from error


class _BareRunner(TransactionRunner):
    """Inside `transact`: errors stay psycopg's, so that the loop around it can judge them."""

    def run(self, *calls: Call) -> list[Any]:
        return pipelined(self.connection, calls)


def _explain(error: psycopg.Error) -> Exception:
    if connection_lost(error):
        return OutcomeUnknown(
            f"the connection was lost: {str(error).strip() or type(error).__name__}",
            hint="The statement may or may not have been committed; read before you repeat it.",
        )
    return translate(error)


def _execution_ids(calls: Sequence[Call]) -> list[UUID]:
    found: list[UUID] = []
    for call in calls:
        found += call.arguments.get("execution_ids", [])
        if "execution_id" in call.arguments:
            found.append(call.arguments["execution_id"])
    return found
