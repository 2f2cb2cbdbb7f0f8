"""What a group writer offers, and how its batches are written: what both faces of it have in common."""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg

from wfstore.aio.executions import AsyncExecutions
from wfstore.aio.leasing import lease_lost
from wfstore.aio.node_executions import AsyncNodeExecutions
from wfstore.aio.store import AsyncStore
from wfstore.errors import DatabaseUnavailable, InvalidInput, OutcomeUnknown
from wfstore.group_items import prepare
from wfstore.grouping import Entry, Grouping, Kind
from wfstore.inputs import check_endings, check_failures, check_lease, check_new
from wfstore.leases import ClaimedExecution, Ending, Failure, NewExecution, NodeResult
from wfstore.models import ExecutionCreated, ExecutionFailed

# Not a row's fault: each call would have met it alone, too. What the database refuses comes as a domain error.
_EVERYBODYS = (DatabaseUnavailable, OutcomeUnknown, psycopg.OperationalError)


class AsyncGroupCalls:
    """Single writes that share statements and commits with those of other callers."""

    def __init__(
        self,
        store: AsyncStore,
        writers: int,
        max_waiting: int,
        tenants: Collection[UUID],
        clock: Callable[[], datetime] | None,
    ) -> None:
        for name, value in (("writers", writers), ("max_waiting", max_waiting)):
            if value < 1:
                raise InvalidInput(f"{name} is at least 1, not {value}")
        self._grouping = Grouping(max_waiting, writers, prepare)
        self._statements = AsyncGroupStatements(store, clock or _now)
        self._tenant_id = store.tenant_id
        self._tenants = frozenset(tenants) | {store.tenant_id}

    async def record(self, result: NodeResult) -> None:
        """Store a node's run; it is durable when this returns. Errors as of `store.node_executions.record`.

        Results of one execution are written in the order of their calls, and before an end that is called later.
        """
        lease = result.lease
        part = (result.node_id, result.run_index)
        await self._submit(Kind.RESULT, None, result, lease.tenant_id, lease.execution_id, part)

    async def heartbeat(self, held: ClaimedExecution, lease: timedelta) -> bool:
        """Prolong a lease to `lease` from now; return whether it was still held."""
        check_lease(lease)
        prolonged: bool = await self._submit(Kind.HEARTBEAT, lease, held, held.tenant_id, held.execution_id)
        return prolonged

    async def finish(self, ending: Ending) -> None:
        """End an execution; that is durable when this returns. Errors as of `store.executions.finish`."""
        check_endings([ending])
        lease = ending.lease
        await self._submit(Kind.FINISH, None, ending, lease.tenant_id, lease.execution_id)

    async def fail(self, failure: Failure) -> ExecutionFailed:
        """Let an attempt fail; return what became of it. Errors as of `store.executions.fail`."""
        check_failures([failure])
        lease = failure.lease
        failed: ExecutionFailed = await self._submit(Kind.FAIL, None, failure, lease.tenant_id, lease.execution_id)
        return failed

    async def enqueue(self, execution: NewExecution, *, tenant_id: UUID | None = None) -> ExecutionCreated:
        """Enqueue an execution, of the store's tenant or of another one that the writer serves.

        It is durable when this returns. Errors as of `store.executions.enqueue`.
        """
        check_new([execution])
        tenant = tenant_id or self._tenant_id
        created: ExecutionCreated = await self._submit(Kind.ENQUEUE, tenant, execution, tenant, execution.execution_id)
        return created

    async def _submit(  # noqa: PLR0917 - the hot path: names would cost as much as the rest of it
        self, kind: Kind, detail: Any, item: Any, tenant_id: UUID, execution_id: UUID, part: Any = None
    ) -> Any:
        """Hand a call in and wait for its answer."""
        if tenant_id is not self._tenant_id and tenant_id not in self._tenants:
            raise InvalidInput(
                f"execution {execution_id} is of tenant {tenant_id}, whom this group writer does not serve",
                hint="Name all tenants whose leases it may be given: tenants=[...].",
            )
        return await self._answered(kind, detail, Entry(item, tenant_id, execution_id, self._make_answer(), part))

    def _make_answer(self) -> Any:
        """Make what a caller waits for."""
        raise NotImplementedError

    async def _answered(self, kind: Kind, detail: Any, entry: Entry) -> Any:
        """Add an entry and wait for its answer, as tasks or threads do."""
        raise NotImplementedError


class AsyncGroupStatements:
    """Writes the calls of one lane in one statement."""

    def __init__(self, store: AsyncStore, clock: Callable[[], datetime]) -> None:
        self._own = frozenset([store.tenant_id])
        self._runner = store.pool_runner
        self._clock = clock
        self._executions = store.executions
        self._node_executions = store.node_executions

    async def send(self, kind: Kind, detail: Any, entries: Sequence[Entry]) -> list[Any]:
        """Write entries, all in one transaction; return what each call returns, or the error that it raises."""
        try:
            return await self._write(kind, detail, entries)
        except Exception as error:
            if len(entries) == 1:
                return [error]
            if isinstance(error, _EVERYBODYS):
                return [_own(error) for _ in entries]
        # Nothing was written, and one of them is at fault: the halves find out which.
        middle = len(entries) // 2
        return [
            *await self.send(kind, detail, entries[:middle]),
            *await self.send(kind, detail, entries[middle:]),
        ]

    async def _write(self, kind: Kind, detail: Any, entries: Sequence[Entry]) -> list[Any]:
        items = [entry.item for entry in entries]
        if kind is Kind.RESULT:
            return list(await self._results(entries).record_rows([entry.row for entry in entries], items))
        executions = self._of(entries)
        match kind:
            case Kind.HEARTBEAT:
                alive = await executions.heartbeat(items, lease=detail, now=self._clock())
                return [entry.execution_id in alive for entry in entries]
            case Kind.FINISH:
                finished = await executions.finish_many(items)
                return [None if each.lease.execution_id in finished else lease_lost(each.lease) for each in items]
            case Kind.FAIL:
                failed = await executions.fail_many(items, now=self._clock())
                return [failed.get(each.lease.execution_id) or lease_lost(each.lease) for each in items]
            case _:
                return list(await executions.enqueue(*items, now=self._clock()))

    def _results(self, entries: Sequence[Entry]) -> AsyncNodeExecutions:
        tenants = {entry.tenant_id for entry in entries}
        if tenants == self._own:
            return self._node_executions
        return AsyncNodeExecutions(self._runner.serving(tenants), "node_executions")

    def _of(self, entries: Sequence[Entry]) -> AsyncExecutions:
        tenants = {entry.tenant_id for entry in entries}
        if tenants == self._own:
            return self._executions
        if len(tenants) == 1:  # enqueues are of one tenant
            return AsyncExecutions(self._runner.of_tenant(next(iter(tenants))), "executions")
        return AsyncExecutions(self._runner.serving(tenants), "executions")


def _own(error: Exception) -> Exception:
    """Return a copy for one of several callers: what is raised gathers the trace of who raises it."""
    mine = copy.copy(error)
    mine.__cause__ = error.__cause__
    return mine


def _now() -> datetime:
    return datetime.now(UTC)
