"""From the rows of an execution and of its nodes to one JSON document of the form ExecutionData, and back.

The document has the columns under their names, ids as text, `created_at` as RFC 3339 in UTC, NULL as no key. The
runs of the nodes are in `node_runs`, a key of no column: `node_runs.nodes[node_id].runs[...]`, with their payload
in `data`. `messages.to_message(document, ExecutionData)` makes a message of it, where it can.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from wfstore.documents import shape
from wfstore.documents.findings import Finding, Severity
from wfstore.documents.paths import member
from wfstore.errors import InvalidDocument, InvalidInput
from wfstore.models import Execution, NodeExecution
from wfstore.proto.execution_pb2 import ExecutionData

_IDS = ("tenant_id", "execution_id", "workflow_id", "parent_execution_id", "retry_of_execution_id")
_PAYLOAD = ("input_data", "output_data", "error_data")
_OF_THE_EXECUTION = ("tenant_id", "execution_id")
_OF_A_RUN = tuple(
    column for column in NodeExecution.model_fields if column not in (*_OF_THE_EXECUTION, *_PAYLOAD, "node_id")
)


def from_rows(execution: Execution, nodes: Sequence[NodeExecution]) -> dict[str, Any]:
    """Return an execution and all its node runs as one document.

    Nodes are in the order of their first run in `nodes`, and the runs of each as they are there.

    Raises:
        InvalidInput: a run is of another execution, or there twice.
    """
    document = _without_nulls({column: getattr(execution, column) for column in Execution.model_fields})
    document |= {key: str(document[key]) for key in _IDS if key in document}
    document["created_at"] = execution.created_at.astimezone(UTC).isoformat()
    by_node: dict[str, dict[str, Any]] = {}
    seen: set[tuple[str, int]] = set()
    for row in nodes:
        if (row.tenant_id, row.execution_id) != (execution.tenant_id, execution.execution_id):
            raise InvalidInput(f"a run of node {row.node_id!r} is of execution {row.execution_id}, not of this one")
        if (row.node_id, row.run_index) in seen:
            raise InvalidInput(f"run {row.run_index} of node {row.node_id!r} is there twice")
        seen.add((row.node_id, row.run_index))
        by_node.setdefault(row.node_id, {"runs": []})["runs"].append(_run(row))
    return document | {"node_runs": {"nodes": by_node} if by_node else {}}


def to_rows(document: dict[str, Any]) -> tuple[Execution, list[NodeExecution]]:
    """Return the rows of a document: `to_rows(from_rows(execution, nodes))` are the same rows again.

    The runs come node by node. Keys that are no column are passed over.

    Raises:
        InvalidDocument: the document has not the shape of ExecutionData; the message gives the path of the fault.
    """
    found = shape.faults(document, message=ExecutionData)
    if found:
        raise InvalidDocument.of(found)
    columns = {column: document.get(column) for column in Execution.model_fields}
    for key in _IDS:
        columns[key] = _parsed(columns[key], UUID, key, "a UUID")
    columns["created_at"] = _parsed(columns["created_at"], _instant, "created_at", "an RFC 3339 time")
    execution = Execution.model_validate(columns)
    nodes = (document.get("node_runs") or {}).get("nodes") or {}
    return execution, [
        _row(execution, node_id, run) for node_id, runs in nodes.items() for run in runs.get("runs") or ()
    ]


def _run(row: NodeExecution) -> dict[str, Any]:
    payload = _without_nulls({column: getattr(row, column) for column in _PAYLOAD})
    run = _without_nulls({column: getattr(row, column) for column in _OF_A_RUN})
    return run | {"data": payload} if payload else run


def _row(execution: Execution, node_id: str, run: dict[str, Any]) -> NodeExecution:
    columns = {column: getattr(execution, column) for column in _OF_THE_EXECUTION}
    columns |= {column: run.get(column) for column in _OF_A_RUN}
    columns |= {column: (run.get("data") or {}).get(column) for column in _PAYLOAD}
    return NodeExecution.model_validate(columns | {"node_id": node_id})


def _without_nulls(columns: dict[str, Any]) -> dict[str, Any]:
    """Return what is not NULL; words as plain texts."""
    found = {column: value for column, value in columns.items() if value is not None}
    return found | {column: value.value for column, value in found.items() if isinstance(value, StrEnum)}


def _instant(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError("without an offset it is no point in time")
    return found


def _parsed(text: str | None, parse: Callable[[str], Any], key: str, wanted: str) -> Any:
    if text is None:
        return None
    try:
        return parse(text)
    except ValueError as error:
        finding = Finding("shape", Severity.ERROR, member("", key), f"is {shape.shown(text)}, which is not {wanted}")
        raise InvalidDocument.of([finding]) from error
