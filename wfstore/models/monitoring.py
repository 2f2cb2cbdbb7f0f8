"""What operators look at. Durations are milliseconds."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from wfstore.models.row import Row
from wfstore.vocabulary import AnExecutionStatus


class StatusCount(Row):
    """How many executions have a status."""

    status: AnExecutionStatus
    executions: int


class Performance(Row):
    """How long finished executions took; None where none has finished."""

    executions: int
    average_ms: float | None
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None


class WorkflowPerformance(Row):
    """The same for one workflow, of which some have finished."""

    name: str
    executions: int
    average_ms: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    workflow_id: UUID


class TableStorage(Row):
    """What a table takes on disk, its partitions and indexes included."""

    table_name: str
    partitions: int
    rows_estimate: int | None
    """The planner's estimate, not a count; None where a piece was never analysed."""
    table_bytes: int
    index_bytes: int
    toast_bytes: int
    total_bytes: int


class QueueDepth(Row):
    """What waits in a queue."""

    queue: str
    due: int
    """May be claimed now."""
    scheduled: int
    """Will be due later."""
    running: int
    waiting: int
    exhausted: int
    """Claimed as often as allowed and never finished."""
    oldest_due_at: datetime | None


class NodeFailures(Row):
    """How often a node failed."""

    node_id: str
    runs: int
    failures: int
    workflow_id: UUID


class NodeDurations(Row):
    """How long a node's runs took."""

    node_id: str
    runs: int
    average_ms: float
    p95_ms: float
    max_ms: int
    workflow_id: UUID
