"""An execution and the runs of its nodes as one document, or one message, and back to rows."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import facekit
from tests.executionkit import claimed, ending, history, result
from wfstore import Store
from wfstore.documents import to_document, to_message
from wfstore.documents.execution_data import from_rows, to_rows
from wfstore.documents.shape import faults
from wfstore.errors import InvalidDocument, InvalidInput, NotFound
from wfstore.ids import uuid7
from wfstore.models import Execution, NodeExecution
from wfstore.proto.execution_pb2 import ExecutionData
from wfstore.vocabulary import ExecutionMode, ExecutionStatus, NodeStatus, NodeType

face, app = facekit.face, facekit.app

# --- rows ---------------------------------------------------------------------------------------------------

_text = st.text(max_size=4)
_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.sampled_from([0.5, 1.0]) | _text,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_text, inner, max_size=2),
    max_leaves=4,
)
_time = st.none() | st.integers(-(2**63), 2**63 - 1)
_zones = st.sampled_from([UTC, timezone(timedelta(hours=-5, minutes=-30)), timezone(timedelta(hours=14))])
_instants = st.datetimes(datetime(1000, 1, 1), datetime(9000, 1, 1), timezones=_zones)
_count = st.integers(0, 2**31 - 1)


@st.composite
def _rows(draw: st.DrawFn) -> tuple[Execution, list[NodeExecution]]:
    execution = draw(
        st.builds(
            Execution,
            **dict.fromkeys(("tenant_id", "execution_id", "workflow_id"), st.uuids()),
            **dict.fromkeys(("parent_execution_id", "retry_of_execution_id"), st.none() | st.uuids()),
            workflow_revision=st.integers(0, 2**63 - 1),
            status=st.sampled_from(ExecutionStatus),
            mode=st.sampled_from(ExecutionMode),
            **dict.fromkeys(("start_time", "end_time"), _time),
            **dict.fromkeys(("error_message", "triggered_by"), st.none() | _text),
            **dict.fromkeys(("run_data", "error_details"), _json),
            created_at=_instants,
            metadata=st.dictionaries(_text, _json, max_size=2),
        )
    )
    node = st.builds(
        NodeExecution,
        tenant_id=st.just(execution.tenant_id),
        execution_id=st.just(execution.execution_id),
        node_id=_text.filter(bool),
        node_type=st.sampled_from(NodeType),
        status=st.sampled_from(NodeStatus),
        **dict.fromkeys(("start_time", "end_time"), _time),
        **dict.fromkeys(("run_index", "retry_count", "max_retries"), _count),
        **dict.fromkeys(("input_data", "output_data", "error_data"), _json),
    )
    nodes = draw(st.lists(node, max_size=5, unique_by=lambda row: (row.node_id, row.run_index)))
    return execution, sorted(nodes, key=lambda row: (row.node_id, row.run_index))


def exactly(execution: Execution, nodes: list[NodeExecution]) -> Any:
    """Rows as text that tells 1 from 1.0, and times of the same instant not from each other."""
    return execution.created_at, [
        json.dumps(row.model_dump(mode="json", exclude={"created_at"}), sort_keys=True) for row in (execution, *nodes)
    ]


@settings(deadline=None)
@given(rows=_rows())
def test_rows_come_back_the_same(rows: tuple[Execution, list[NodeExecution]]) -> None:
    execution, nodes = rows
    document = from_rows(execution, nodes)
    assert faults(document, message=ExecutionData) == []
    back, nodes_back = to_rows(json.loads(json.dumps(document)))
    assert exactly(back, nodes_back) == exactly(execution, nodes)
    assert from_rows(back, nodes_back) == document


@settings(deadline=None)
@given(rows=_rows())
def test_rows_come_back_from_a_message_or_are_refused(rows: tuple[Execution, list[NodeExecution]]) -> None:
    document = from_rows(*rows)
    try:
        message = to_message(document, ExecutionData)
    except InvalidDocument as refusal:
        assert "1.0" in json.dumps(document)  # where a double is 1
        assert [finding.code for finding in refusal.findings] == ["inconvertible"]
    else:
        back, nodes_back = to_rows(to_document(ExecutionData.FromString(message.SerializeToString())))
        assert exactly(back, nodes_back) == exactly(*rows)


ID = UUID("0198f0a2-0000-7000-8000-000000000001")
EXECUTION = Execution(
    **dict.fromkeys(("tenant_id", "execution_id", "workflow_id"), ID),
    workflow_revision=3,
    status=ExecutionStatus.ERROR,
    mode=ExecutionMode.MANUAL,
    start_time=1_700_000_000_000,
    end_time=1_700_000_001_000,
    error_message="no answer",
    created_at=datetime(2026, 1, 2, 1, 4, 5, 678, tzinfo=timezone(timedelta(hours=-2))),
    triggered_by=None,
    parent_execution_id=None,
    retry_of_execution_id=None,
    run_data=[1, None],
    metadata={},
    error_details=None,
)


def run_of(node_id: str, run_index: int, **columns: Any) -> NodeExecution:
    given: dict[str, Any] = dict.fromkeys(("start_time", "end_time", "input_data", "output_data", "error_data"))
    given |= {"tenant_id": ID, "execution_id": ID, "node_type": NodeType.FLOW, "status": NodeStatus.SUCCESS}
    given |= {"node_id": node_id, "run_index": run_index, "retry_count": 0, "max_retries": 2}
    return NodeExecution(**given | columns)


def test_the_document_is_what_the_message_says() -> None:
    nodes = [run_of("b", 0), run_of("a", 1, output_data={"x": 1}, end_time=5), run_of("b", 1, status=NodeStatus.ERROR)]
    run = {"node_type": "FLOW", "status": "SUCCESS", "retry_count": 0, "max_retries": 2}
    assert from_rows(EXECUTION, nodes) == {
        **dict.fromkeys(("tenant_id", "execution_id", "workflow_id"), str(ID)),
        "workflow_revision": 3,
        "status": "ERROR",
        "mode": "MANUAL",
        "start_time": 1_700_000_000_000,
        "end_time": 1_700_000_001_000,
        "error_message": "no answer",
        "created_at": "2026-01-02T03:04:05.000678+00:00",
        "run_data": [1, None],
        "metadata": {},
        "node_runs": {
            "nodes": {
                "b": {"runs": [run | {"run_index": 0}, run | {"run_index": 1, "status": "ERROR"}]},
                "a": {"runs": [run | {"run_index": 1, "end_time": 5, "data": {"output_data": {"x": 1}}}]},
            }
        },
    }


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (run_of("a", 0), "run 0 of node 'a' is there twice"),
        (run_of("c", 0, execution_id=uuid7()), "a run of node 'c' is of execution"),
        (run_of("c", 0, tenant_id=uuid7()), "a run of node 'c' is of execution"),
    ],
    ids=["twice", "other execution", "other tenant"],
)
def test_rows_that_do_not_belong_together_are_refused(other: NodeExecution, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        from_rows(EXECUTION, [run_of("a", 0), other])


DOCUMENT = from_rows(EXECUTION, [run_of("a", 0)])
BROKEN: list[tuple[Any, str]] = [
    ([], "a document that is ExecutionData is a JSON object, not a list"),
    ({"tenant_id": "me"}, "tenant_id: is 'me', which is not a UUID"),
    ({"parent_execution_id": ""}, "parent_execution_id: is '', which is not a UUID"),
    ({"created_at": "yesterday"}, "created_at: is 'yesterday', which is not an RFC 3339 time"),
    ({"created_at": "2026-01-02T03:04:05"}, "created_at: is '2026-01-02T03:04:05', which is not an RFC 3339 time"),
    ({"start_time": "1700000000000"}, "start_time: must be a whole number"),
    ({"metadata": None}, "metadata: is null, not an object"),
    ({"status": "DONE"}, "status: 'DONE' is unknown; it is one of NEW, RUNNING,"),
    ({"node_runs": {"nodes": {"a": {"runs": [{}]}}}}, "node_runs.nodes.a.runs[0].run_index: is missing"),
]


@pytest.mark.parametrize(("change", "message"), BROKEN, ids=[message[:50] for _, message in BROKEN])
def test_a_document_of_another_shape_is_refused(change: Any, message: str) -> None:
    with pytest.raises(InvalidDocument) as caught:
        to_rows(DOCUMENT | change if isinstance(change, dict) else change)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("runs", [None, {}, {"nodes": None}, {"nodes": {"a": {"runs": None}}}], ids=str)
def test_a_document_without_runs_has_none(runs: Any) -> None:
    assert to_rows(DOCUMENT | {"node_runs": runs, "of our own": 5}) == (EXECUTION, [])


# --- from the store -----------------------------------------------------------------------------------------


def test_an_execution_comes_with_all_its_node_runs(app: Store, store: Store, worker: Store) -> None:
    """More than a page of them, with the passes of one node on both sides of its end."""
    lease = claimed(store, worker)
    passes = [(node, number) for node, most in (("a", 3), ("m", 1_990), ("z", 7)) for number in range(most)]
    payload = {"fields": [1, 1.5, None, {"text": "ü"}]}
    results = [result(lease, node, run_index=number, output_data=payload) for node, number in passes]
    assert set(worker.node_executions.record_many(results)) == {None}
    worker.executions.finish(ending(lease, run_data={"seen": True}, error_details=[1]))

    document = app.executions.data(lease.execution_id)
    execution, nodes = to_rows(document)
    assert execution == history(store, lease.execution_id)
    assert [(row.node_id, row.run_index) for row in nodes] == passes
    assert {json.dumps(row.output_data) for row in nodes} == {json.dumps(payload)}
    assert to_document(to_message(document, ExecutionData)) == document


def test_an_execution_without_runs(app: Store, store: Store, worker: Store) -> None:
    lease = claimed(store, worker)
    document = app.executions.data(lease.execution_id)
    assert (document["status"], document["node_runs"]) == ("RUNNING", {})


def test_what_is_not_there_is_not_found(app: Store) -> None:
    with pytest.raises(NotFound, match="is not there"):
        app.executions.data(uuid7())
