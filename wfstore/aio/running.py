"""How calls reach the database: each group on its own, or inside a transaction of the caller's."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar
from uuid import UUID

import psycopg
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from wfstore.aio.calling import receive, send
from wfstore.aio.waiting import sleep
from wfstore.errors import DatabaseUnavailable, OutcomeUnknown, PartitionOutOfWindow
from wfstore.ids import time_of
from wfstore.queryfiles.catalogue import Catalogue
from wfstore.queryfiles.query import Query
from wfstore.translate import connection_lost, partition_missing, transaction_failed, translate

T = TypeVar("T")

_FIRST_PAUSE = 0.02
_LONGEST_PAUSE = 1.0


@dataclass(frozen=True, slots=True)
class Call:
    """A query and its arguments."""

    query: Query
    arguments: Mapping[str, Any]


class AsyncRunner(Protocol):
    """Runs calls for a tenant."""

    catalogue: Catalogue
    tenant_id: UUID

    async def run(self, *calls: Call) -> list[Any]:
        """Run the calls in order, in one transaction and one round trip; return their results."""
        ...

    async def transact(self, body: Callable[[AsyncRunner], Awaitable[T]], *, repeatable: bool) -> T:
        """Run several steps in one transaction; `repeatable`: also after a connection was lost."""
        ...


async def pipelined(connection: AsyncConnection[Any], calls: Sequence[Call]) -> list[Any]:
    """Send all calls at once, then read all results."""
    async with connection.pipeline():
        cursors = [await send(call.query, connection, call.arguments) for call in calls]
    return [await receive(call.query, cursor) for call, cursor in zip(calls, cursors, strict=True)]


class AsyncTransactionRunner:
    """Runs calls inside a transaction that somebody else opened and will end."""

    def __init__(self, connection: AsyncConnection[Any], catalogue: Catalogue, tenant_id: UUID) -> None:
        self.connection = connection
        self.catalogue = catalogue
        self.tenant_id = tenant_id

    async def run(self, *calls: Call) -> list[Any]:
        """Run the calls in one round trip; a refusal by the database ends the transaction."""
        try:
            return await pipelined(self.connection, calls)
        except psycopg.Error as error:
            if partition_missing(error):
                raise PartitionOutOfWindow(
                    "a row of this transaction has no partition",
                    hint="Make it before the transaction begins: store.partitions.make(at=...).",
                ) from error
            raise translate(error) from error

    async def transact(self, body: Callable[[AsyncRunner], Awaitable[T]], *, repeatable: bool) -> T:
        """Run the steps as part of this transaction."""
        return await body(self)


class AsyncPoolRunner:
    """Runs each group of calls in a transaction of its own, and repeats it where that is safe.

    What failed for serialization or a deadlock was rolled back: it is repeated. After a lost connection
    nobody knows what was committed: calls that may be repeated are, of others OutcomeUnknown is raised. A
    missing partition is made, once, in a transaction of its own.
    """

    def __init__(
        self, pool: AsyncConnectionPool[AsyncConnection[Any]], catalogue: Catalogue, tenant_id: UUID, attempts: int
    ) -> None:
        self.pool = pool
        self.catalogue = catalogue
        self.tenant_id = tenant_id
        self.attempts = attempts

    async def run(self, *calls: Call) -> list[Any]:
        """Run the calls in one transaction and one round trip; domain errors for what the database refuses."""

        async def once() -> list[Any]:
            return await self._once(calls)

        repeatable = all(call.query.repeatable for call in calls)
        return await self._repeated(once, repeatable=repeatable, identifiers=_execution_ids(calls))

    async def transact(self, body: Callable[[AsyncRunner], Awaitable[T]], *, repeatable: bool) -> T:
        """Run the steps in one transaction of their own."""

        async def once() -> T:
            async with self.pool.connection() as connection:
                await pipelined(connection, [self._setting()])
                return await body(_BareRunner(connection, self.catalogue, self.tenant_id))

        return await self._repeated(once, repeatable=repeatable, identifiers=[])

    async def _once(self, calls: Sequence[Call]) -> list[Any]:
        async with self.pool.connection() as connection:
            commit = Call(self.catalogue["session.commit"], {})
            results = await pipelined(connection, [self._setting(), *calls, commit])
            return results[1:-1]

    def _setting(self) -> Call:
        return Call(self.catalogue["session.set_tenants"], {"tenant_ids": str(self.tenant_id)})

    async def _repeated(self, once: Callable[[], Awaitable[T]], *, repeatable: bool, identifiers: Sequence[UUID]) -> T:
        pause = _FIRST_PAUSE
        made_partitions = False
        for attempt in range(1, self.attempts + 1):
            try:
                return await once()
            except PoolTimeout as error:
                raise DatabaseUnavailable(
                    f"no connection to the database within {self.pool.timeout:g} s",
                    hint="Is the server up? If it is, the pool may be too small (max_size=).",
                ) from error
            except psycopg.Error as error:
                if partition_missing(error) and not made_partitions:
                    made_partitions = True
                    await self._make_partitions(identifiers)
                    continue
                lost = connection_lost(error)
                if lost:
                    await self.pool.check()  # a restart leaves the others dead too
                if attempt == self.attempts or not (transaction_failed(error) or (lost and repeatable)):
                    raise _explain(error) from error
            await sleep(random.uniform(0, pause))  # noqa: S311 - jitter, not a secret
            pause = min(2 * pause, _LONGEST_PAUSE)
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def _make_partitions(self, identifiers: Sequence[UUID]) -> None:
        """Make the partitions that these executions belong to; one id a day is enough, none spans less."""
        days = {time_of(identifier).date(): identifier for identifier in identifiers}
        make = self.catalogue["partitions.make"]
        for identifier in days.values():
            try:
                await self._once([Call(make, {"at": time_of(identifier)})])
            except psycopg.Error as error:
                raise translate(error) from error


class _BareRunner(AsyncTransactionRunner):
    """Inside `transact`: errors stay psycopg's, so that the loop around it can judge them."""

    async def run(self, *calls: Call) -> list[Any]:
        return await pipelined(self.connection, calls)


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
