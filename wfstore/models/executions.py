"""Executions, the queue, node results."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from wfstore.models.row import Row
from wfstore.vocabulary import AnExecutionMode, AnExecutionStatus, ANodeStatus, ANodeType


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
    """A lease: until `visible_at` this execution is the worker's, and `attempt` is the proof."""

    tenant_id: UUID
    execution_id: UUID
    attempt: int
    max_attempts: int
    visible_at: datetime


class StartedExecution(Row):
    """What a worker needs to know of an execution that it claimed."""

    tenant_id: UUID
    execution_id: UUID
    workflow_id: UUID
    workflow_revision: int
    mode: AnExecutionMode
    parent_execution_id: UUID | None
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
    queue: str
    status: AnExecutionStatus
    priority: int
    visible_at: datetime
    attempt: int
    max_attempts: int
    worker_id: str | None
    concurrency_key: str | None


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


class RecordOutcome(Row):
    """What became of one offered node result."""

    ordinal: int
    """Its place in the call, from 1."""
    held: bool
    """Whether the fence was right; if not, nothing was written."""
    written: bool
    """Whether the row was written; if held and not written, a final result was there before."""
