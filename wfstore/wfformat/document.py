"""A trace as the Workflow document that the store keeps: a task is a node, a dependency a connection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wfstore.wfformat.schedule import topological
from wfstore.wfformat.trace import SCHEMA_VERSION, Task, Trace

SUBTYPE = "wfformat.task"
"""`node_subtype` of every node that comes from a trace."""

_COLUMN_WIDTH = 240
_ROW_HEIGHT = 120

# What of a task goes into its node's parameters beside the duration, where the file says it.
_RECORDED = (
    "program",
    "arguments",
    "machines",
    "core_count",
    "avg_cpu",
    "read_bytes",
    "written_bytes",
    "memory_bytes",
    "energy_kwh",
    "avg_power_watts",
    "priority",
    "input_files",
    "output_files",
)


def to_document(trace: Trace) -> dict[str, Any]:
    """The trace as a Workflow document (JSON values only), the same for the same trace.

    Nodes are in the order of the tasks, connections in that of the tasks they start from. A node's parameters
    hold what was recorded of its task, `meta.wfformat` what was recorded of the run. The author's e-mail address
    is left out.
    """
    positions = layout(trace.tasks)
    return {
        "name": trace.name,
        "description": trace.description,
        "version": "",
        "tags": _tags(trace),
        "settings": {},
        "nodes": [_node(task, *positions[task.id]) for task in trace.tasks],
        "connections": [_connection(task.id, child) for task in trace.tasks for child in task.children],
        "meta": {"wfformat": _meta(trace)},
    }


def layout(tasks: Sequence[Task]) -> dict[str, tuple[int, int]]:
    """Where to draw each task, by its id: x by the longest path that leads to it, y near the middle of its parents.

    Each column is centred on y = 0, and no two tasks share a place.
    """
    level: dict[str, int] = {}
    columns: list[list[Task]] = []
    for task in topological(tasks):
        depth = level[task.id] = max((level[parent] + 1 for parent in task.parents), default=0)
        if depth == len(columns):
            columns.append([])
        columns[depth].append(task)
    places: dict[str, tuple[int, int]] = {}

    def middle_of_parents(task: Task) -> float:
        return sum(places[parent][1] for parent in task.parents) / max(len(task.parents), 1)

    for depth, column in enumerate(columns):
        top = -(len(column) - 1) * _ROW_HEIGHT // 2
        for row, task in enumerate(sorted(column, key=middle_of_parents)):
            places[task.id] = (depth * _COLUMN_WIDTH, top + row * _ROW_HEIGHT)
    return places


def _tags(trace: Trace) -> list[str]:
    system = (trace.runtime_system.name or "").strip().lower() if trace.runtime_system else ""
    return ["wfformat", system] if system and system != "wfformat" else ["wfformat"]


def _node(task: Task, x: int, y: int) -> dict[str, Any]:
    return {
        "node_id": task.id,
        "name": task.name,
        "node_type": "ACTION",
        "node_subtype": SUBTYPE,
        "type_version": 1,
        "position_x": x,
        "position_y": y,
        "parameters": {"runtime_seconds": task.runtime_seconds} | _recorded(task),
    }


def _recorded(task: Task) -> dict[str, Any]:
    found = {name: getattr(task, name) for name in _RECORDED}
    return {
        name: list(value) if isinstance(value, tuple) else value for name, value in found.items() if value is not None
    }


def _connection(source: str, target: str) -> dict[str, Any]:
    return {
        "source_node_id": source,
        "source_index": 0,
        "target_node_id": target,
        "target_index": 0,
        "connection_type": "MAIN",
    }


def _meta(trace: Trace) -> dict[str, Any]:
    system = trace.runtime_system
    meta = {
        "schema_version": SCHEMA_VERSION,
        "executed_at": trace.executed_at.isoformat(),
        "makespan_seconds": trace.makespan_seconds,
        "created_at": trace.created_at,
        "author": {"name": trace.author} if trace.author else None,
        "runtime_system": system.model_dump(exclude_none=True) if system else None,
    }
    return {name: value for name, value in meta.items() if value is not None}
