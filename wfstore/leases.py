"""What is enqueued, what a worker holds, and what it writes. Times are Unix milliseconds."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from wfstore.ids import uuid7
from wfstore.vocabulary import ExecutionMode, ExecutionStatus, NodeStatus, NodeType

DEFAULT_QUEUE = "default"


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
    max_attempts: int = 20
    """It is not handed out again after so many claims."""
    concurrency_key: str | None = None


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
