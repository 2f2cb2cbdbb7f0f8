"""What a replay needs of a stored workflow: its tasks in dependency order, and when each of them ran."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from wfstore.errors import InvalidDocument
from wfstore.wfformat.faults import Amount, Items, quoted, validated
from wfstore.wfformat.schedule import Span, schedule, whole_span
from wfstore.wfformat.wire import Instant


@dataclass(frozen=True, slots=True)
class ReplayTask:
    """A node of the stored workflow: `id` is its node id, `parents` those of the nodes it waits for."""

    id: str
    name: str
    node_type: str
    parents: tuple[str, ...]
    runtime_seconds: int | float
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ReplayPlan:
    """A run to be repeated: `tasks` in dependency order, `schedule` the times of each by its id.

    `start_ms` and `end_ms` (Unix milliseconds) are those of the whole run as it was recorded: it ends after the
    recorded makespan, or with its last task should that be later.
    """

    name: str
    executed_at: datetime
    makespan_seconds: int | float
    tasks: tuple[ReplayTask, ...]
    schedule: Mapping[str, Span]
    start_ms: int
    end_ms: int

    @property
    def derived_makespan_ms(self) -> int:
        """From the start to the end of the last task: the longest path through the durations."""
        return max(span.end_ms for span in self.schedule.values()) - self.start_ms


class _Stored(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")


class _Node(_Stored):
    node_id: str
    name: str
    node_type: str
    parameters: dict[str, Any]


class _Connection(_Stored):
    source_node_id: str
    target_node_id: str


class _Run(_Stored):
    executed_at: Instant
    makespan_seconds: Amount


class _Meta(_Stored):
    wfformat: _Run


class _Origin(_Stored):
    meta: _Meta


class _Workflow(_Stored):
    name: str
    nodes: Items[_Node]
    connections: Items[_Connection]


class _Recorded(_Stored):
    runtime_seconds: Amount


def from_document(document: Any) -> ReplayPlan:
    """The plan to replay a stored Workflow document.

    `InvalidDocument` with the path of the fault where the document did not come from a trace, or was changed
    since so that it can no longer be replayed.
    """
    workflow = validated(_Workflow, document)
    tasks = _tasks(workflow)
    run = _run(document)
    spans = schedule(tasks, run.executed_at, where="connections")
    whole = whole_span(run.executed_at, run.makespan_seconds, where="meta.wfformat.makespan_seconds")
    by_id = {task.id: task for task in tasks}
    return ReplayPlan(
        name=workflow.name,
        executed_at=run.executed_at,
        makespan_seconds=run.makespan_seconds,
        tasks=tuple(by_id[task_id] for task_id in spans),
        schedule=spans,
        start_ms=whole.start_ms,
        end_ms=max(whole.end_ms, *(span.end_ms for span in spans.values())),
    )


def _run(document: Any) -> _Run:
    meta = document.get("meta")
    if not isinstance(meta, dict) or "wfformat" not in meta:
        raise InvalidDocument("meta.wfformat: is missing: the workflow was not imported from a WfFormat trace")
    return validated(_Origin, {"meta": meta}).meta.wfformat


def _tasks(workflow: _Workflow) -> list[ReplayTask]:
    if not workflow.nodes:
        raise InvalidDocument("nodes: holds no node")
    durations = [_duration(index, node) for index, node in enumerate(workflow.nodes)]
    parents = _parents(workflow)
    return [
        ReplayTask(node.node_id, node.name, node.node_type, tuple(parents[node.node_id]), duration, node.parameters)
        for node, duration in zip(workflow.nodes, durations, strict=True)
    ]


def _duration(index: int, node: _Node) -> int | float:
    where = f"nodes[{index}].parameters.runtime_seconds"
    if "runtime_seconds" not in node.parameters:
        raise InvalidDocument(f"{where}: is missing: the workflow has no recorded durations")
    try:
        return validated(_Recorded, node.parameters).runtime_seconds
    except InvalidDocument as error:
        raise InvalidDocument(f"nodes[{index}].parameters.{error}") from error


def _parents(workflow: _Workflow) -> dict[str, dict[str, None]]:
    """The parents of each node, each once: two nodes may be joined by several connections."""
    parents: dict[str, dict[str, None]] = {}
    for index, node in enumerate(workflow.nodes):
        if node.node_id in parents:
            raise InvalidDocument(f"nodes[{index}].node_id: repeats {quoted(node.node_id)}")
        parents[node.node_id] = {}
    for index, connection in enumerate(workflow.connections):
        for key in ("source_node_id", "target_node_id"):
            if (name := getattr(connection, key)) not in parents:
                raise InvalidDocument(f"connections[{index}].{key}: names no node {quoted(name)}")
        parents[connection.target_node_id][connection.source_node_id] = None
    return parents
