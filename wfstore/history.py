"""Executions that ended elsewhere: what is brought into history, and what came of it. Times are Unix milliseconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from wfstore.vocabulary import ExecutionMode, ExecutionStatus, NodeStatus, NodeType


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRun:
    """A node's run, as it was; payloads are any JSON, `bytes` are JSON already."""

    node_id: str
    node_type: NodeType
    status: NodeStatus
    run_index: int = 0
    """Pass of a loop, from 0."""
    start_time: int | None = None
    end_time: int | None = None
    input_data: Any = None
    output_data: Any = None
    error_data: Any = None
    retry_count: int = 0
    max_retries: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedExecution:
    """An execution that has ended, with all runs of its nodes."""

    execution_id: UUID
    """A UUIDv7 whose time is when it ran, `uuid7(at)`: it says where in history the execution belongs. The same
    execution has the same id at each import."""
    workflow_id: UUID
    workflow_revision: int
    status: ExecutionStatus
    """SUCCESS, ERROR or CANCELED."""
    end_time: int
    start_time: int | None = None
    mode: ExecutionMode = ExecutionMode.MANUAL
    triggered_by: str | None = None
    parent_execution_id: UUID | None = None
    retry_of_execution_id: UUID | None = None
    run_data: Any = None
    metadata: Any = field(default_factory=dict)
    """A JSON object."""
    error_message: str | None = None
    error_details: Any = None
    created_at: datetime | None = None
    """None: the time of its id."""
    nodes: Sequence[NodeRun] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryImport:
    """What became of an import so far: each execution that was read is inserted, present or refused."""

    read: int = 0
    inserted: int = 0
    """New in history."""
    present: int = 0
    """There before, or twice among what was read; they stay as they are."""
    refused: int = 0
    node_runs: int = 0
    """Of those that were inserted."""

    def plus(self, **counts: int) -> Self:
        """Return the sum of this and of more."""
        return replace(self, **{name: getattr(self, name) + count for name, count in counts.items()})
