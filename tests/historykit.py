"""Ended executions for tests, and how they read once they are in history."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from wfstore import EndedExecution, NodeRun, Store, uuid7
from wfstore.vocabulary import ExecutionMode, ExecutionStatus, NodeStatus, NodeType


def ended(of_workflow: UUID, **changes: Any) -> EndedExecution:
    """An execution with one node run."""
    facts: dict[str, Any] = {
        "execution_id": uuid7(),
        "workflow_id": of_workflow,
        "workflow_revision": 1,
        "status": ExecutionStatus.SUCCESS,
        "start_time": 1,
        "end_time": 2,
        "nodes": [run()],
    }
    return EndedExecution(**(facts | changes))


def run(**changes: Any) -> NodeRun:
    facts: dict[str, Any] = {"node_id": "n000", "node_type": NodeType.ACTION, "status": NodeStatus.SUCCESS}
    return NodeRun(**facts | changes)


def many(workflow_id: UUID, count: int, **changes: Any) -> list[EndedExecution]:
    return [ended(workflow_id, **changes) for _ in range(count)]


def as_read(store: Store, execution_id: UUID) -> EndedExecution | None:
    """The execution as history has it."""
    execution = store.executions.get(execution_id=execution_id)
    if execution is None:
        return None
    own = {field.name for field in fields(EndedExecution)} - {"nodes"}
    of_node = [field.name for field in fields(NodeRun)]
    nodes = [
        NodeRun(**{name: getattr(row, name) for name in of_node})
        for row in store.node_executions.whole_of(execution_id)
    ]
    return EndedExecution(**{name: getattr(execution, name) for name in own}, nodes=nodes)


# --- any of them --------------------------------------------------------------------------------------------

_TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
_TIMES = st.integers(-(2**63), 2**63 - 1)
# -0.0 reads as 0.0: jsonb has decimals.
_FLOATS = st.floats(allow_nan=False, allow_infinity=False).filter(lambda value: value or math.copysign(1, value) > 0)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | _FLOATS | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=6,
)


@st.composite
def _spans(draw: st.DrawFn) -> dict[str, int | None]:
    start, end = sorted([draw(_TIMES), draw(_TIMES)])
    return {"start_time": draw(st.sampled_from([None, start])), "end_time": end}


_COUNTS = st.integers(0, 2**31 - 1)
_RUNS = st.builds(
    lambda span, **facts: NodeRun(**facts, **span),
    _spans(),
    node_id=_TEXTS,
    node_type=st.sampled_from(NodeType),
    status=st.sampled_from(NodeStatus),
    run_index=_COUNTS,
    input_data=JSON,
    output_data=JSON,
    error_data=JSON,
    retry_count=_COUNTS,
    max_retries=_COUNTS,
)


def _in_order(runs: list[NodeRun]) -> list[NodeRun]:
    return sorted(runs, key=lambda each: (each.node_id.encode(), each.run_index))


def executions(workflow_id: UUID) -> st.SearchStrategy[EndedExecution]:
    """Whatever history can hold of a workflow."""
    now = datetime.now(UTC)
    instants = st.integers(0, 10**12).map(
        lambda number: datetime(2001, 1, 1, tzinfo=UTC) + timedelta(microseconds=number)
    )
    return st.builds(
        lambda span, **facts: EndedExecution(workflow_id=workflow_id, **facts, **span),
        _spans(),
        # No two of one id, whatever is drawn.
        execution_id=st.integers(0, 6).map(lambda days: uuid7(now - timedelta(days=days))),
        workflow_revision=st.integers(-(2**63), 2**63 - 1),
        status=st.sampled_from([status for status in ExecutionStatus if status.is_final]),
        mode=st.sampled_from(ExecutionMode),
        triggered_by=st.none() | _TEXTS,
        parent_execution_id=st.none() | st.uuids(),
        retry_of_execution_id=st.none() | st.uuids(),
        run_data=JSON,
        metadata=st.dictionaries(_TEXTS, JSON, max_size=3),
        error_message=st.none() | _TEXTS,
        error_details=JSON,
        created_at=instants,
        nodes=st.lists(_RUNS, max_size=4, unique_by=lambda each: (each.node_id, each.run_index)).map(_in_order),
    )


def endless(workflow_id: UUID, count: int, payload: str) -> Iterator[EndedExecution]:
    """So many executions, made when they are asked for."""
    for number in range(count):
        yield ended(workflow_id, nodes=[run(output_data={"number": number, "payload": payload})])
