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
    ready: int
    """May be claimed now."""
    scheduled: int
    """Will be ready later: starts that were put off, retries after their back-off."""
    running: int
    expired: int
    """Their lease ran out; the next claim takes them over, or gives them up."""
    waiting: int
    parked: int
    """Their workflow is paused, or all places of their concurrency key are taken."""
    paused: bool
    """Whether nothing of this queue is handed out."""
    oldest_ready_at: datetime | None


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


class Period(Row):
    """A piece of history: a partition of executions, and one of their node results."""

    suffix: str
    since: datetime
    until: datetime
    """Not included."""
    executions_estimate: int | None
    """The planner's estimate, not a count; None where it was never analysed."""
    total_bytes: int
