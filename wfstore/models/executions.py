"""Executions, the queue, node results."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from wfstore.models.row import Row
from wfstore.vocabulary import (
    AnExecutionMode,
    AnExecutionStatus,
    ANodeStatus,
    ANodeType,
    AParkReason,
    APauseKind,
    AWakeReason,
)


class ExecutionSummary(Row):
    """An execution without its payload: what lists show. Times are Unix milliseconds."""

    tenant_id: UUID
    execution_id: UUID
    workflow_id: UUID
    workflow_revision: int
    status: AnExecutionStatus
    mode: AnExecutionMode
    start_time: int | None
    end_time: int | None
    error_message: str | None
    created_at: datetime


class Execution(ExecutionSummary):
    """An execution, whole."""

    triggered_by: str | None
    parent_execution_id: UUID | None
    retry_of_execution_id: UUID | None
    run_data: Any | None
    metadata: dict[str, Any]
    error_details: Any | None


class ExecutionCreated(Row):
    """An execution that was enqueued, with the version it will run."""

    execution_id: UUID
    workflow_id: UUID
    workflow_revision: int
    created: bool
    """False where the id was there before: enqueuing again does nothing."""


class Claim(Row):
    """What a claim met: a lease, so that until `visible_at` the execution is the worker's, or one that was parked."""

    tenant_id: UUID
    execution_id: UUID
    admitted: bool
    """Whether it is a lease; if not, its workflow is paused or all places of its key are taken."""
    attempt: int
    """The proof of the lease."""
    failures: int
    max_attempts: int
    visible_at: datetime
    woken_by: AWakeReason | None
    concurrency_key: str | None


class StartedExecution(Row):
    """What a worker needs to know of an execution that it claimed."""

    ordinal: int
    """Its place among those that were claimed, from 1."""
    workflow_id: UUID
    workflow_revision: int
    mode: AnExecutionMode
    parent_execution_id: UUID | None
    retry_of_execution_id: UUID | None
    metadata: dict[str, Any]
    start_time: int


class ExecutionKey(Row):
    """The key of an execution."""

    tenant_id: UUID
    execution_id: UUID


class Lease(Row):
    """A lease that was prolonged."""

    tenant_id: UUID
    execution_id: UUID
    visible_at: datetime


class QueueEntry(Row):
    """An execution that has not ended, as the queue sees it."""

    tenant_id: UUID
    execution_id: UUID
    workflow_id: UUID
    queue: str
    status: AnExecutionStatus
    priority: int
    visible_at: datetime | None
    """NEW: not before; RUNNING: the end of the lease; WAITING: when the wait times out, None for never."""
    ready: bool
    """May be claimed now."""
    parked_by: AParkReason | None
    attempt: int
    failures: int
    max_attempts: int
    worker_id: str | None
    concurrency_key: str | None
    wait_signal: str | None
    wait_children: bool


class ExecutionFailed(Row):
    """What became of an execution that failed."""

    tenant_id: UUID
    execution_id: UUID
    retried: bool
    """False: it was given up, and is a dead letter."""
    failures: int
    visible_at: datetime | None
    """When it will be tried again."""


class Suspended(Row):
    """Whether an execution waits now."""

    tenant_id: UUID
    execution_id: UUID
    suspended: bool
    """False: what it would wait for is there already, and the lease goes on."""


class ExecutionSignal(Row):
    """What an execution was told."""

    tenant_id: UUID
    execution_id: UUID
    id: UUID
    name: str
    payload: Any | None
    created_at: datetime
    expires_at: datetime | None
    consumed_at: datetime | None
    consumed_by: str | None


class TakenSignal(Row):
    """A signal that was taken under a lease; `id` is None where there is none."""

    execution_id: UUID
    id: UUID | None
    payload: Any | None
    created_at: datetime | None


class IdempotencyKey(Row):
    """Which execution came of a caller's key."""

    tenant_id: UUID
    idempotency_key: str
    execution_id: UUID
    expires_at: datetime


class ConcurrencyLimit(Row):
    """How many executions of a key may run at once."""

    tenant_id: UUID
    concurrency_key: str
    max_running: int
    created_at: datetime
    updated_at: datetime


class ConcurrencyUse(Row):
    """The limit of a key, and what it is used for."""

    tenant_id: UUID
    concurrency_key: str
    max_running: int
    running: int
    parked: int
    """Waiting for a place."""


class ExecutionPause(Row):
    """A queue or a workflow of which nothing is handed out."""

    tenant_id: UUID
    kind: APauseKind
    name: str
    reason: str
    created_at: datetime


class DeadLetter(Row):
    """An execution that was given up."""

    tenant_id: UUID
    execution_id: UUID
    workflow_id: UUID
    queue: str
    priority: int
    concurrency_key: str | None
    failures: int
    reason: str
    died_at: datetime


class NodeExecutionSummary(Row):
    """A node's run without its payload. Times are Unix milliseconds."""

    tenant_id: UUID
    execution_id: UUID
    node_id: str
    run_index: int
    node_type: ANodeType
    status: ANodeStatus
    start_time: int | None
    end_time: int | None
    retry_count: int
    max_retries: int


class NodeExecution(NodeExecutionSummary):
    """A node's run, whole."""

    input_data: Any | None
    output_data: Any | None
    error_data: Any | None


class RecordRefusal(Row):
    """One offered node result that was not written."""

    ordinal: int
    """Its place in the call, from 1."""
    held: bool
    """Whether the fence was right: then a final result was there before."""


class TakenIn(Row):
    """How much of what was copied is new in history."""

    executions: int
    node_runs: int
