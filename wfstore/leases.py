"""What is enqueued, what a worker holds, and what it writes. Times are Unix milliseconds."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any
from uuid import UUID

from wfstore.ids import uuid7
from wfstore.vocabulary import ExecutionMode, ExecutionStatus, NodeStatus, NodeType, WakeReason

DEFAULT_QUEUE = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often an execution is tried, and how long it rests in between."""

    max_attempts: int = 20
    """After so many failures, lost leases among them, it is given up and a dead letter."""
    wait: timedelta = timedelta(seconds=1)
    """Before the first retry."""
    factor: float = 2.0
    """By which the wait grows with each failure."""
    longest_wait: timedelta = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewExecution:
    """An execution to be enqueued."""

    workflow_id: UUID
    execution_id: UUID = field(default_factory=uuid7)
    """A UUIDv7 of now; name it yourself, and enqueuing again after a lost connection does no harm."""
    mode: ExecutionMode = ExecutionMode.MANUAL
    triggered_by: str | None = None
    parent_execution_id: UUID | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    queue: str = DEFAULT_QUEUE
    priority: int = 0
    """Higher runs first."""
    visible_at: datetime | None = None
    """Not before this time; None: at once."""
    delay: timedelta | None = None
    """Not before so long from now; instead of `visible_at`."""
    retry: RetryPolicy = RetryPolicy()
    concurrency_key: str | None = None
    """Executions of one key run one at a time, or as many as the key's limit says."""
    concurrency_limit: int = 1
    """The key's limit if it has none yet; `store.concurrency_limits` changes it."""
    idempotency_key: str | None = None
    """Enqueued again under the same key it is the same execution, whatever its id."""
    idempotency_ttl: timedelta = timedelta(days=1)
    """How long the key is remembered."""
    workflow_revision: int | None = None
    """The version to run; None: the present one."""
    retry_of_execution_id: UUID | None = None
    """The ended execution that this one repeats."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedExecution:
    """A lease on an execution. `attempt` is the fence: every write under the lease presents it."""

    tenant_id: UUID
    execution_id: UUID
    attempt: int
    max_attempts: int
    lease_until: datetime
    workflow_id: UUID
    workflow_revision: int
    mode: ExecutionMode
    parent_execution_id: UUID | None
    metadata: dict[str, Any]
    start_time: int | None
    retry_of_execution_id: UUID | None = None
    failures: int = 0
    """How many attempts failed or lost their lease before."""
    woken_by: WakeReason | None = None
    """What ended its last wait; None: it has not waited."""
    concurrency_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeResult:
    """A node's run to be stored under a lease."""

    lease: ClaimedExecution
    node_id: str
    node_type: NodeType
    status: NodeStatus
    start_time: int | None = None
    end_time: int | None = None
    input_data: Any = None
    output_data: Any = None
    error_data: Any = None
    run_index: int = 0
    """Pass of a loop, from 0."""
    retry_count: int = 0
    max_retries: int = 0

    @property
    def key(self) -> tuple[UUID, UUID, str, int]:
        """The key of its row."""
        return (self.lease.tenant_id, self.lease.execution_id, self.node_id, self.run_index)


_RESULT_FACTS = {
    "tenant_ids": "lease.tenant_id",
    "execution_ids": "lease.execution_id",
    "attempts": "lease.attempt",
    "node_ids": "node_id",
    "run_indexes": "run_index",
    "node_types": "node_type",
    "statuses": "status",
    "start_times": "start_time",
    "end_times": "end_time",
    "retry_counts": "retry_count",
    "max_retries": "max_retries",
}
_facts_of = attrgetter(*_RESULT_FACTS.values())

ResultRow = tuple[Any, ...]
"""A node's run as `node_executions.record_many` takes it; its columns are `RESULT_COLUMNS`."""
RESULT_COLUMNS = (*_RESULT_FACTS, "input_data", "output_data", "error_data")


def result_row(result: NodeResult, input_data: Any, output_data: Any, error_data: Any) -> ResultRow:
    """Make the row of a result, with these payloads instead of its own."""
    return (*_facts_of(result), input_data, output_data, error_data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How an execution ends, to be stored under a lease."""

    lease: ClaimedExecution
    status: ExecutionStatus
    end_time: int
    start_time: int | None = None
    """None keeps the time of the first claim."""
    run_data: Any = None
    error_message: str | None = None
    error_details: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """How an attempt failed, to be stored under a lease."""

    lease: ClaimedExecution
    error_message: str
    error_details: Any = None
    retry: bool = True
    """False: it is given up at once."""
    wait: timedelta | None = None
    """How long to rest before the retry; None: as the execution's policy says."""


@dataclass(frozen=True, slots=True)
class Signal:
    """A signal that an execution has taken."""

    id: UUID
    name: str
    payload: Any
    created_at: datetime
