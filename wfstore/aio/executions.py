"""Executions: enqueue, signal, cancel, retry; what a worker does with them is in `leasing`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from wfstore.aio.execution_data import AsyncExecutionData
from wfstore.aio.history import AsyncHistoryWriting
from wfstore.aio.leasing import AsyncLeasing, milliseconds
from wfstore.aio.running import AsyncRunner
from wfstore.documents.downstream import downstream
from wfstore.errors import AlreadyFinished, InvalidInput, NotFound, WfstoreError
from wfstore.ids import uuid7
from wfstore.inputs import check_name, check_new, check_time
from wfstore.leases import NewExecution
from wfstore.models import Execution, ExecutionCreated, IdempotencyKey, WorkflowVersion
from wfstore.vocabulary import ExecutionMode


class AsyncExecutions(AsyncLeasing, AsyncExecutionData, AsyncHistoryWriting):
    """Executions, and the queue that workers claim them from."""

    async def enqueue(self, *executions: NewExecution, now: datetime | None = None) -> list[ExecutionCreated]:
        """Enqueue executions, all or none; workers of their queues are told.

        An id that exists already is left as it is, with `created` false in its result; so is what an idempotency
        key was used for before, with the id of that execution.

        Raises:
            NotFound: one of the workflows is not there; nothing was enqueued.
            InvalidInput: a value makes no sense; nothing was enqueued.
        """
        check_new(executions)
        check_time(now, "now")
        at = now or datetime.now(UTC)
        return await self._enqueue(self._runner, executions, at)

    async def _enqueue(
        self, runner: AsyncRunner, executions: Sequence[NewExecution], at: datetime
    ) -> list[ExecutionCreated]:
        created: list[ExecutionCreated]
        [created] = await runner.run(
            self._call("enqueue_many", now=at, **_arrays(executions, at)),
            ready={execution.queue for execution in executions if _visible_at(execution, at) <= at},
        )
        return await self._by_key(runner, executions, created)

    async def _by_key(
        self, runner: AsyncRunner, executions: Sequence[NewExecution], created: list[ExecutionCreated]
    ) -> list[ExecutionCreated]:
        """Put in the executions that idempotency keys stood for before."""
        keys = [
            execution.idempotency_key
            for execution, each in zip(executions, created, strict=True)
            if execution.idempotency_key is not None and not each.created
        ]
        if not keys:
            return created
        known: list[IdempotencyKey]
        [known] = await runner.run(self._call("execution_keys.get_many", idempotency_keys=keys))
        first = {each.idempotency_key: each.execution_id for each in known}
        return [
            each.model_copy(update={"execution_id": first.get(execution.idempotency_key or "", each.execution_id)})
            for execution, each in zip(executions, created, strict=True)
        ]

    async def signal(
        self,
        execution_id: UUID,
        name: str,
        payload: Any = None,
        *,
        signal_id: UUID | None = None,
        expires_at: datetime | None = None,
        now: datetime | None = None,
    ) -> UUID:
        """Tell an execution something, whether it waits for it already or not yet; return the signal's id.

        The same `signal_id` again does nothing.

        Raises:
            AlreadyFinished: the execution has ended.
            NotFound: there is no such execution.
            InvalidInput: the name is empty, or the signal expires before it is sent.
        """
        identifier = signal_id or uuid7()
        at = now or datetime.now(UTC)
        check_name(name, "the signal's name")
        check_time(now, "now")
        check_time(expires_at, "expires_at")
        if expires_at is not None and expires_at <= at:
            raise InvalidInput(f"signal {name!r} would expire at {expires_at}, before it is sent")
        status, *_ = await self._runner.run(
            # Locked first: a wait that begins at the same time either sees the signal or is woken by it.
            self._call("lock", execution_id=execution_id),
            self._call(
                "execution_signals.add",
                execution_id=execution_id,
                id=identifier,
                name=name,
                payload=payload,
                expires_at=expires_at,
            ),
            self._call("wake_signaled", execution_id=execution_id, signal=name, now=at),
            woken=lambda results: () if results[-1] is None else (results[-1],),
        )
        if status is None:
            raise await self._ended(execution_id)
        return identifier

    async def cancel(self, execution_id: UUID, *, now: datetime | None = None) -> list[UUID]:
        """End an execution as CANCELED, with the children it started; a worker learns so at its next write.

        Returns the ids of all that were canceled.

        Raises:
            AlreadyFinished: it has ended before.
            NotFound: there is no such execution.
        """
        check_time(now, "now")
        end_time = milliseconds(now or datetime.now(UTC))
        [canceled] = await self._waking(self._call("cancel", execution_id=execution_id, end_time=end_time))
        if not canceled:
            raise await self._ended(execution_id)
        return [each.execution_id for each in canceled]

    async def retry(
        self,
        execution_id: UUID,
        *,
        from_node: str | None = None,
        new: NewExecution | None = None,
        now: datetime | None = None,
    ) -> ExecutionCreated:
        """Run an ended execution again, as a new one of mode RETRY, at the same version of its workflow.

        With `from_node`, the results of all nodes that this one does not lead to are taken over and count as
        done. `new` may say queue, priority, policy and so on; its workflow, version and mode are the old one's.

        Raises:
            NotFound: there is no such execution, or no such version of its workflow any more.
            InvalidInput: it has not ended, or the workflow has no such node.
        """

        async def steps(transaction: AsyncRunner) -> ExecutionCreated:
            [old] = await transaction.run(self._call("get", execution_id=execution_id))
            repeated = await self._again(transaction, old, execution_id, from_node)
            fresh = new or NewExecution(workflow_id=old.workflow_id, metadata=old.metadata)
            check_new([fresh])
            fresh = replace(
                fresh,
                workflow_id=old.workflow_id,
                workflow_revision=old.workflow_revision,
                mode=ExecutionMode.RETRY,
                parent_execution_id=None,
                retry_of_execution_id=execution_id,
            )
            [created] = await self._enqueue(transaction, [fresh], now or datetime.now(UTC))
            if repeated is not None and created.created:
                await transaction.run(
                    self._call(
                        "node_executions.copy_results",
                        from_execution_id=execution_id,
                        to_execution_id=created.execution_id,
                        except_node_ids=sorted(repeated),
                    )
                )
            return created

        # Repeated after a lost connection it would be a second retry.
        return await self._runner.transact(steps, repeatable=False)

    async def _again(
        self, transaction: AsyncRunner, old: Execution | None, execution_id: UUID, from_node: str | None
    ) -> set[str] | None:
        """Check that an execution can be repeated; return which nodes are, None for all."""
        if old is None:
            raise NotFound(f"execution {execution_id} is not there")
        if not old.status.is_final:
            raise InvalidInput(
                f"execution {execution_id} has not ended, it is {old.status}",
                hint="Cancel it first, or wait for its end.",
            )
        if from_node is None:
            return None
        version: WorkflowVersion | None
        [version] = await transaction.run(
            self._call("workflow_versions.get", workflow_id=old.workflow_id, revision=old.workflow_revision)
        )
        if version is None:
            raise NotFound(f"revision {old.workflow_revision} of workflow {old.workflow_id} is not there any more")
        return downstream(version.workflow_data, from_node)

    async def _ended(self, execution_id: UUID) -> WfstoreError:
        execution: Execution | None = await self._run("get", execution_id=execution_id)
        if execution is None:
            return NotFound(f"execution {execution_id} is not there")
        return AlreadyFinished(f"execution {execution_id} has ended before, with {execution.status}")


def _visible_at(execution: NewExecution, now: datetime) -> datetime:
    return now + execution.delay if execution.delay is not None else execution.visible_at or now


def _arrays(executions: Sequence[NewExecution], now: datetime) -> dict[str, list[Any]]:
    return {
        "execution_ids": [e.execution_id for e in executions],
        "workflow_ids": [e.workflow_id for e in executions],
        "workflow_revisions": [e.workflow_revision for e in executions],
        "modes": [e.mode for e in executions],
        "triggered_bys": [e.triggered_by for e in executions],
        "parent_execution_ids": [e.parent_execution_id for e in executions],
        "retry_ofs": [e.retry_of_execution_id for e in executions],
        "metadata": [e.metadata for e in executions],
        "queues": [e.queue for e in executions],
        "priorities": [e.priority for e in executions],
        "visible_ats": [_visible_at(e, now) for e in executions],
        "max_attempts": [e.retry.max_attempts for e in executions],
        "retry_waits": [e.retry.wait.total_seconds() for e in executions],
        "retry_factors": [e.retry.factor for e in executions],
        "retry_wait_maxs": [e.retry.longest_wait.total_seconds() for e in executions],
        "concurrency_keys": [e.concurrency_key for e in executions],
        "concurrency_limits": [e.concurrency_limit for e in executions],
        "idempotency_keys": [e.idempotency_key for e in executions],
        "key_expirations": [now + e.idempotency_ttl for e in executions],
    }
