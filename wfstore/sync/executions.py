# Derived from wfstore/aio by .ci/derive_sync.py: change it there.
"""Executions: enqueue, claim, prolong, finish."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from wfstore.documents.execution_data import from_rows
from wfstore.errors import AlreadyFinished, LeaseLost, NotFound
from wfstore.leases import ClaimedExecution, Ending, NewExecution
from wfstore.models import (
    Claim,
    Execution,
    ExecutionCreated,
    ExecutionKey,
    Lease,
    NodeExecution,
    NodeExecutionSummary,
    StartedExecution,
)
from wfstore.sync.running import Call, Runner
from wfstore.sync.typed import ExecutionsNamespace

_PAGE = 1_000


class Executions(ExecutionsNamespace):
    """Executions, and the queue that workers claim them from."""

    def enqueue(self, *executions: NewExecution) -> list[ExecutionCreated]:
        """Enqueue executions at their workflows' present versions, all or none.

        An id that exists already is left as it is, with `created` false in its result.

        Raises:
            NotFound: one of the workflows is not there; nothing was enqueued.
        """
        now = datetime.now(UTC)
        created: list[ExecutionCreated] = self._run(
            "enqueue_many",
            execution_ids=[e.execution_id for e in executions],
            workflow_ids=[e.workflow_id for e in executions],
            modes=[e.mode for e in executions],
            triggered_bys=[e.triggered_by for e in executions],
            parent_execution_ids=[e.parent_execution_id for e in executions],
            metadata=[e.metadata for e in executions],
            queues=[e.queue for e in executions],
            priorities=[e.priority for e in executions],
            visible_ats=[e.visible_at or now for e in executions],
            max_attempts=[e.max_attempts for e in executions],
            concurrency_keys=[e.concurrency_key for e in executions],
        )
        return created

    def claim(
        self, *, queue: str, worker_id: str, limit: int, lease: timedelta, now: datetime | None = None
    ) -> list[ClaimedExecution]:
        """Claim up to `limit` due executions, most urgent first, for the time of `lease`.

        Queue and history change in one transaction. An execution whose lease ran out is due again.
        """
        at = now or datetime.now(UTC)
        claim = self._call(
            "claim",
            tenant_ids=[self._runner.tenant_id],
            queue=queue,
            worker_id=worker_id,
            limit=limit,
            now=at,
            lease_until=at + lease,
        )

        def steps(transaction: Runner) -> list[ClaimedExecution]:
            [claims] = transaction.run(claim)
            if not claims:
                return []
            [started] = transaction.run(self._start(claims, at))
            return _leases(claims, started)

        # A claim whose answer was lost costs one lease time; the worker may as well ask again.
        return self._runner.transact(steps, repeatable=True)

    def _start(self, claims: Sequence[Claim], at: datetime) -> Call:
        return self._call(
            "start_many",
            tenant_ids=[self._runner.tenant_id],
            execution_ids=[claim.execution_id for claim in claims],
            start_time=int(at.timestamp() * 1000),
        )

    def heartbeat(
        self, leases: Sequence[ClaimedExecution], *, lease: timedelta, now: datetime | None = None
    ) -> set[UUID]:
        """Prolong leases to `lease` from now; return the ids of those that were still held."""
        held: list[Lease] = self._run(
            "heartbeat_many",
            tenant_ids=[each.tenant_id for each in leases],
            execution_ids=[each.execution_id for each in leases],
            attempts=[each.attempt for each in leases],
            lease_until=(now or datetime.now(UTC)) + lease,
        )
        return {each.execution_id for each in held}

    def finish(self, ending: Ending) -> None:
        """End an execution: final in history, gone from the queue.

        Raises:
            LeaseLost: the lease is not this worker's any more; nothing was written.
        """
        finished = self.finish_many([ending])
        if ending.lease.execution_id not in finished:
            raise lease_lost(ending.lease)

    def finish_many(self, endings: Sequence[Ending]) -> set[UUID]:
        """End executions; return the ids of those whose lease was still held, the others are untouched."""
        finished: list[ExecutionKey] = self._run(
            "finish_many",
            tenant_ids=[e.lease.tenant_id for e in endings],
            execution_ids=[e.lease.execution_id for e in endings],
            attempts=[e.lease.attempt for e in endings],
            statuses=[e.status for e in endings],
            start_times=[e.start_time for e in endings],
            end_times=[e.end_time for e in endings],
            run_data=[e.run_data for e in endings],
            error_messages=[e.error_message for e in endings],
            error_details=[e.error_details for e in endings],
        )
        return {each.execution_id for each in finished}

    def data(self, execution_id: UUID) -> dict[str, Any]:
        """Return an execution with all runs of its nodes, payloads included, as one ExecutionData document.

        `wfstore.documents.to_message(document, ExecutionData)` makes a message of it. Of an execution under way
        the node runs may be later than its own row.

        Raises:
            NotFound: there is no such execution.
        """
        execution: Execution | None = self._run("get", execution_id=execution_id)
        if execution is None:
            raise NotFound(f"execution {execution_id} is not there")
        return from_rows(execution, self._node_runs(execution_id))

    def _node_runs(self, execution_id: UUID) -> list[NodeExecution]:
        """Return whole rows by node and pass, read by the nodes of a page at a time."""
        found: dict[str, list[NodeExecution]] = {}
        node_id, run_index = "", -1
        while True:
            page: list[NodeExecutionSummary] = self._run(
                "node_executions.page_by_execution",
                execution_id=execution_id,
                after_node_id=node_id,
                after_run_index=run_index,
                limit=_PAGE,
            )
            # All passes of a node are read at once: it may be on the page before.
            wanted = [each for each in dict.fromkeys(row.node_id for row in page) if each not in found]
            found |= {each: [] for each in wanted}
            whole: list[NodeExecution] = self._run(
                "node_executions.get_many",
                tenant_ids=[self._runner.tenant_id],
                execution_ids=[execution_id],
                node_ids=wanted,
            )
            for row in whole:
                found[row.node_id].append(row)
            if len(page) < _PAGE:
                return [row for rows in found.values() for row in sorted(rows, key=lambda each: each.run_index)]
            node_id, run_index = page[-1].node_id, page[-1].run_index

    def cancel(self, execution_id: UUID, *, now: datetime | None = None) -> None:
        """End an execution as CANCELED; a worker that has it learns so at its next write.

        Raises:
            AlreadyFinished: it has ended before.
            NotFound: there is no such execution.
        """
        end_time = int((now or datetime.now(UTC)).timestamp() * 1000)
        if self._run("cancel", execution_id=execution_id, end_time=end_time) is None:
            execution = self._run("get", execution_id=execution_id)
            if execution is None:
                raise NotFound(f"execution {execution_id} is not there")
            raise AlreadyFinished(f"execution {execution_id} has ended before, with {execution.status}")


def lease_lost(lease: ClaimedExecution) -> LeaseLost:
    """Make the error for a lease that is not the worker's any more."""
    return LeaseLost(
        f"execution {lease.execution_id}: the lease of attempt {lease.attempt} is lost",
        hint="Stop working on it; whoever has it now goes on from the last stored node.",
    )


def _leases(claims: Sequence[Claim], started: Sequence[StartedExecution]) -> list[ClaimedExecution]:
    """Join what queue and history said, in the order of the claims."""
    facts = {(each.tenant_id, each.execution_id): each for each in started}
    leases = []
    for claim in claims:
        fact = facts.get((claim.tenant_id, claim.execution_id))
        if fact is not None:
            leases.append(
                ClaimedExecution(
                    tenant_id=claim.tenant_id,
                    execution_id=claim.execution_id,
                    attempt=claim.attempt,
                    max_attempts=claim.max_attempts,
                    lease_until=claim.visible_at,
                    workflow_id=fact.workflow_id,
                    workflow_revision=fact.workflow_revision,
                    mode=fact.mode,
                    parent_execution_id=fact.parent_execution_id,
                    metadata=fact.metadata,
                    start_time=fact.start_time,
                )
            )
    return leases
