"""How calls reach the database: each group on its own, or inside a transaction of the caller's."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NoReturn, Protocol, TypeVar
from uuid import UUID

import psycopg
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from wfstore.aio.borrowing import borrowed
from wfstore.aio.calling import Call, pipelined
from wfstore.aio.waiting import sleep
from wfstore.errors import DatabaseUnavailable, InvalidInput, OutcomeUnknown, PartitionOutOfWindow
from wfstore.ids import time_of
from wfstore.queryfiles.catalogue import Catalogue
from wfstore.translate import connection_lost, partition_missing, reason, refuse, transaction_failed

T = TypeVar("T")

Woken = Callable[[list[Any]], Collection[str]]
"""Finds in the results of calls the queues in which they made something ready."""

_FIRST_PAUSE = 0.02
_LONGEST_PAUSE = 1.0


class AsyncRunner(Protocol):
    """Runs calls for a tenant."""

    catalogue: Catalogue
    tenant_id: UUID

    async def run(
        self, *calls: Call, ready: Collection[str] = (), woken: Woken | None = None, last: bool = False
    ) -> list[Any]:
        """Run the calls in order, in one transaction and one round trip; return their results.

        `last` says that no others follow: inside `transact` the commit then comes along. `ready` names queues in
        which they make something ready: who listens is told after the commit. `woken` finds such queues in the
        results, at the price of a round trip where there are any.
        """
        ...

    async def transact(
        self, body: Callable[[AsyncRunner], Awaitable[T]], *, repeatable: bool, ahead: Sequence[Call] = ()
    ) -> T:
        """Run several steps in one transaction; `repeatable`: also after a connection was lost.

        `ahead` is a transaction of its own before, whose locks are gone when the steps begin; it costs no round trip.
        Inside a transaction of the caller's it is part of that.
        """
        ...


class AsyncTransactionRunner:
    """Runs calls inside a transaction that somebody else opened and will end."""

    def __init__(self, connection: AsyncConnection[Any], catalogue: Catalogue, tenant_id: UUID) -> None:
        self.connection = connection
        self.catalogue = catalogue
        self.tenant_id = tenant_id

    async def run(
        self, *calls: Call, ready: Collection[str] = (), woken: Woken | None = None, last: bool = False
    ) -> list[Any]:
        """Run the calls in one round trip; a refusal by the database ends the transaction."""
        try:
            return await self._run(calls, ready, woken)
        except (psycopg.Error, UnicodeEncodeError) as error:
            if isinstance(error, psycopg.Error) and partition_missing(error):
                days = ", ".join(str(day) for day in _days(_execution_ids(calls)))
                raise PartitionOutOfWindow(
                    f"{_names(calls)}: history has no partition for an id of {days}",
                    hint="Make it before the transaction begins: store.partitions.make(at=...).",
                ) from error
            refuse(error, _named(calls))

    async def _run(
        self,
        calls: Sequence[Call],
        ready: Collection[str],
        woken: Woken | None,
        before: Sequence[Call] = (),
        after: Sequence[Call] = (),
    ) -> list[Any]:
        before = [*before, *_planning(self.catalogue, calls)]
        results = await pipelined(self.connection, [*before, *calls, *after, *_notify(self.catalogue, ready)])
        results = results[len(before) :][: len(calls)]
        if woken is not None and (told := _notify(self.catalogue, woken(results))):
            await pipelined(self.connection, told)
        return results

    async def transact(
        self, body: Callable[[AsyncRunner], Awaitable[T]], *, repeatable: bool, ahead: Sequence[Call] = ()
    ) -> T:
        """Run the steps as part of this transaction."""
        if ahead:
            await self.run(*ahead)
        return await body(self)


class AsyncPoolRunner:
    """Runs each group of calls in a transaction of its own, and repeats it where that is safe.

    What failed for serialization or a deadlock was rolled back: it is repeated. After a lost connection
    nobody knows what was committed: calls that may be repeated are, of others OutcomeUnknown is raised. A
    missing partition is made, once, in a transaction of its own.
    """

    def __init__(
        self,
        pool: AsyncConnectionPool[AsyncConnection[Any]],
        catalogue: Catalogue,
        tenant_id: UUID,
        attempts: int,
        *,
        default_tenant: UUID | None = None,
        tenants: Collection[UUID] = (),
    ) -> None:
        """Run calls for `tenant_id`.

        `default_tenant` is whom the server takes connections to work for, unless told; `tenants`, whose rows the
        transactions may touch, none: those of `tenant_id`.
        """
        self.pool = pool
        self.catalogue = catalogue
        self.tenant_id = tenant_id
        self.attempts = attempts
        self.default_tenant = default_tenant
        self.tenants = tuple(tenants) or (tenant_id,)

    def of_tenant(self, tenant_id: UUID) -> AsyncPoolRunner:
        """Return the same runner for another tenant."""
        return self.serving((tenant_id,))

    def serving(self, tenants: Collection[UUID]) -> AsyncPoolRunner:
        """Return the same runner for transactions that span tenants; calls are for the first unless they say more."""
        first = next(iter(tenants))
        return AsyncPoolRunner(
            self.pool, self.catalogue, first, self.attempts, default_tenant=self.default_tenant, tenants=tenants
        )

    async def run(
        self, *calls: Call, ready: Collection[str] = (), woken: Woken | None = None, last: bool = False
    ) -> list[Any]:
        """Run the calls in one transaction and one round trip; domain errors for what the database refuses."""
        before: Sequence[Call] = [*self.beginning(), *_planning(self.catalogue, calls)]
        after: Sequence[Call] = [Call(self.catalogue["session.commit"], {}), *self._telling(ready)]
        if len(calls) == 1 and len(before) == 1 and len(after) == 1:
            before = after = ()  # one statement that needs no setting is a transaction by itself

        async def once() -> list[Any]:
            async with borrowed(self.pool) as connection:
                results = (await pipelined(connection, [*before, *calls, *after]))[len(before) :][: len(calls)]
                if woken is not None and (told := self._telling(woken(results))):
                    # All is committed: a loss of the connection here is none of the caller's. Workers also poll.
                    with suppress(psycopg.OperationalError):
                        await pipelined(connection, told)
                return results

        return await self._repeated(once, _Work(calls))

    async def transact(
        self, body: Callable[[AsyncRunner], Awaitable[T]], *, repeatable: bool, ahead: Sequence[Call] = ()
    ) -> T:
        """Run the steps in one transaction of their own."""

        async def once() -> T:
            async with borrowed(self.pool) as connection:
                return await body(_StepsRunner(connection, self, ahead))

        return await self._repeated(once, _Work((), steps_repeatable=repeatable))

    def _telling(self, queues: Collection[str]) -> list[Call]:
        """Return the calls that tell who listens to these queues.

        In a transaction of their own: a commit that notifies makes all others that do wait for its disk. What it
        tells need not survive a crash, as workers also poll.
        """
        if not queues:
            return []
        begin, lazily, commit = (Call(self.catalogue[f"session.{name}"], {}) for name in ("begin", "lazily", "commit"))
        return [begin, lazily, *_notify(self.catalogue, queues), commit]

    def beginning(self) -> list[Call]:
        """Return the calls that a transaction for its tenants begins with."""
        begin = Call(self.catalogue["session.begin"], {})
        return [begin] if self.tenants == (self.default_tenant,) else [begin, self.setting()]

    def setting(self) -> Call:
        """Return the call that says for which tenants a transaction works."""
        return Call(self.catalogue["session.set_tenants"], {"tenant_ids": ",".join(map(str, self.tenants))})

    async def _repeated(self, once: Callable[[], Awaitable[T]], work: _Work) -> T:
        pause = _FIRST_PAUSE
        attempt = 1
        made_partitions = in_doubt = False
        while True:
            try:
                return await once()
            except DatabaseUnavailable as error:
                if in_doubt:
                    raise work.outcome_unknown(error) from error
                raise
            except UnicodeEncodeError as error:
                refuse(error, _named(work.calls))
            except psycopg.Error as error:
                if partition_missing(error) and not made_partitions:
                    made_partitions = True
                    await self._make_partitions(_execution_ids(work.calls))
                    continue
                lost = connection_lost(error)
                in_doubt = in_doubt or (lost and not work.reads_only)
                if attempt == self.attempts or not (transaction_failed(error) or (lost and work.repeatable)):
                    work.give_up(error, attempt)
            await sleep(random.uniform(0, pause))  # noqa: S311 - jitter, not a secret
            pause = min(2 * pause, _LONGEST_PAUSE)
            attempt += 1

    async def _make_partitions(self, identifiers: Sequence[UUID]) -> None:
        """Make the partitions that these executions belong to; one id a day is enough, none spans less."""
        for at in _days(identifiers).values():
            await self.run(Call(self.catalogue["partitions.make"], {"at": at}))


@dataclass(frozen=True, slots=True)
class _Work:
    """What is run, and perhaps repeated."""

    calls: Sequence[Call]
    """None of them: steps that make their own calls."""
    steps_repeatable: bool = False

    @property
    def name(self) -> str:
        """What messages call it."""
        return _names(self.calls) if self.calls else "a transaction"

    @property
    def repeatable(self) -> bool:
        """Whether to do it twice leaves the database as to do it once."""
        return all(call.query.repeatable for call in self.calls) if self.calls else self.steps_repeatable

    @property
    def reads_only(self) -> bool:
        """Whether it changes nothing."""
        return bool(self.calls) and all(call.query.reads_only for call in self.calls)

    def give_up(self, error: psycopg.Error, attempt: int) -> NoReturn:
        """Raise what the last attempt's error means."""
        if not connection_lost(error):
            if transaction_failed(error):
                error.add_note(f"{self.name}: given up after {attempt} attempts")
            refuse(error, _named(self.calls))
        if self.reads_only:
            raise DatabaseUnavailable(
                f"{self.name}: the connection was lost, {attempt} times in a row: {reason(error)}",
                hint="It only reads: repeat it when the server is up.",
            ) from error
        raise self.outcome_unknown(error) from error

    def outcome_unknown(self, error: Exception) -> OutcomeUnknown:
        """Return the error for a write that was under way when the connection was lost."""
        what_to_do = "it may be repeated as it is" if self.repeatable else "read before you repeat it"
        return OutcomeUnknown(
            f"{self.name}: the connection was lost: {reason(error)}",
            hint=f"It may or may not have been committed; {what_to_do}.",
        )


class _StepsRunner(AsyncTransactionRunner):
    """Inside `transact`: the transaction begins with the first calls, and may end with the last.

    Errors stay psycopg's, so that the loop around it can judge them.
    """

    def __init__(self, connection: AsyncConnection[Any], runner: AsyncPoolRunner, ahead: Sequence[Call]) -> None:
        super().__init__(connection, runner.catalogue, runner.tenant_id)
        self._before = runner.beginning()
        if ahead:
            self._before += [*ahead, Call(self.catalogue["session.commit"], {}), *self._before]

    async def run(
        self, *calls: Call, ready: Collection[str] = (), woken: Woken | None = None, last: bool = False
    ) -> list[Any]:
        before, self._before = self._before, []
        after = [Call(self.catalogue["session.commit"], {})] if last and not ready and woken is None else []
        return await self._run(calls, ready, woken, before, after)


def _planning(catalogue: Catalogue, calls: Sequence[Call]) -> list[Call]:
    """Return what has to be said before calls of which one is planned for its arguments."""
    anew = any(call.query.is_planned_anew for call in calls)
    return [Call(catalogue["session.plan_anew"], {})] if anew else []


def _notify(catalogue: Catalogue, queues: Collection[str]) -> list[Call]:
    return [Call(catalogue["session.notify"], {"queues": sorted(queues)})] if queues else []


def _named(calls: Sequence[Call]) -> list[tuple[str, Mapping[str, Any]]]:
    return [(str(call.query), call.arguments) for call in calls]


def _names(calls: Sequence[Call]) -> str:
    """Name the calls in a few words: the first one that writes, and how many there are beside it."""
    named = next((call for call in calls if not call.query.reads_only), calls[0])
    return f"{named.query} (one of {len(calls)} in a transaction)" if len(calls) > 1 else str(named.query)


def _execution_ids(calls: Sequence[Call]) -> list[UUID]:
    found: list[UUID] = []
    for call in calls:
        found += call.arguments.get("execution_ids", [])
        if "execution_id" in call.arguments:
            found.append(call.arguments["execution_id"])
    return found


def _days(identifiers: Sequence[UUID]) -> dict[date, datetime]:
    """Return the days that these ids of executions belong to, with a time in each."""
    days: dict[date, datetime] = {}
    for identifier in identifiers:
        if identifier.version != 7:
            raise InvalidInput(
                f"execution id {identifier} is not a UUIDv7, whose time says where in history it belongs",
                hint="Make it with wfstore.uuid7(), or leave it out.",
            )
        at = time_of(identifier)
        days.setdefault(at.date(), at)
    return days
