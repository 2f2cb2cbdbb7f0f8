"""The walker over the messages: what is a fault, where, and what is passed by."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.documentkit import Document, chain, documents
from tests.workkit import calls_of, growth
from wfstore.documents.findings import Severity
from wfstore.documents.shape import faults
from wfstore.proto.execution_pb2 import ExecutionData
from wfstore.proto.memory_pb2 import Memory
from wfstore.proto.trigger_pb2 import Trigger

COUNT = "must be a whole number from 0 to 2147483647"
INT64 = "must be a whole number from -9223372036854775808 to 9223372036854775807"
NODE_TYPES = "TRIGGER, AI_AGENT, EXTERNAL_ACTION, ACTION, FLOW, HUMAN_IN_THE_LOOP, TOOL, MEMORY"
HANDLINGS = "STOP_WORKFLOW_ON_ERROR, CONTINUE_REGULAR_OUTPUT_ON_ERROR, CONTINUE_ERROR_OUTPUT_ON_ERROR"


def said(document: Any, **options: Any) -> list[str]:
    return [str(fault) for fault in faults(document, **options)]


def node(**keys: Any) -> Document:
    return {"name": "w", "nodes": [{"node_id": "a", "node_type": "TOOL"}, {"node_id": "b", "node_type": "FLOW"} | keys]}


def edge(**keys: Any) -> Document:
    return {"name": "w", "connections": [{"source_node_id": "a", "target_node_id": "b"} | keys]}


def note(**keys: Any) -> Document:
    return {"name": "w", "annotations": [{"annotation_id": "a"} | keys]}


BROKEN: list[tuple[Any, list[str]]] = [
    (None, ["a workflow document is a JSON object, not null"]),
    ([], ["a workflow document is a JSON object, not a list"]),
    (True, ["a workflow document is a JSON object, not a boolean"]),
    ({}, ["name: is missing"]),
    ({"name": None}, ["name: is null, not a string"]),
    ({"name": ""}, ["name: is empty"]),
    ({"name": 0}, ["name: is a number, not a string"]),
    ({"name": []}, ["name: is a list, not a string"]),
    ({"name": "w", "version": 1}, ["version: is a number, not a string"]),
    ({"name": "w", "version": True}, ["version: is a boolean, not a string"]),
    ({"name": "w", "tags": "red"}, ["tags: is a string, not a list"]),
    ({"name": "w", "tags": ["red", 5, None]}, ["tags[1]: is a number, not a string", "tags[2]: is null, not a string"]),
    ({"name": "w", "settings": [1]}, ["settings: is a list, not an object"]),
    ({"name": "w", "settings": {"execution_timeout": -1}}, [f"settings.execution_timeout: {COUNT}"]),
    ({"name": "w", "settings": {"max_concurrency": 1.0}}, [f"settings.max_concurrency: {COUNT}"]),
    ({"name": "w", "settings": {"timezone": 7}}, ["settings.timezone: is a number, not a string"]),
    ({"name": "w", "meta": []}, ["meta: is a list, not an object"]),
    ({"name": "w", "nodes": {}}, ["nodes: is an object, not a list"]),
    ({"name": "w", "nodes": [None, "a"]}, ["nodes[0]: is null, not an object", "nodes[1]: is a string, not an object"]),
    ({"name": "w", "nodes": [{"node_type": "TOOL"}]}, ["nodes[0].node_id: is missing"]),
    ({"name": "w", "nodes": [{"node_id": "a"}]}, [f"nodes[0].node_type: is missing; it is one of {NODE_TYPES}"]),
    (node(node_id=None), ["nodes[1].node_id: is null, not a string"]),
    (node(node_id=""), ["nodes[1].node_id: is empty"]),
    (node(node_id=5), ["nodes[1].node_id: is a number, not a string"]),
    (node(node_type=None), [f"nodes[1].node_type: is missing; it is one of {NODE_TYPES}"]),
    (node(node_type=""), [f"nodes[1].node_type: '' is unknown; it is one of {NODE_TYPES}"]),
    (node(node_type="tool"), [f"nodes[1].node_type: 'tool' is unknown; it is one of {NODE_TYPES}"]),
    (node(node_type="NODE_TYPE_UNSPECIFIED"), ["nodes[1].node_type: 'NODE_TYPE_UNSPECIFIED' is unknown; {}"]),
    (node(node_type="x" * 99), [f"nodes[1].node_type: '{'x' * 60}...' is unknown; {{}}"]),
    (node(node_type=["TOOL"]), ["nodes[1].node_type: is a list, not a string"]),
    (node(node_type=1), ["nodes[1].node_type: is a number, not a string"]),
    (node(error_handling="PANIC"), [f"nodes[1].error_handling: 'PANIC' is unknown; it is one of {HANDLINGS}"]),
    (node(error_handling=0), ["nodes[1].error_handling: is a number, not a string"]),
    (node(integration=0), ["nodes[1].integration: is a number, not a string"]),
    (node(type_version="2"), ["nodes[1].type_version: is a string, not a number"]),
    (node(type_version=True), ["nodes[1].type_version: is a boolean, not a number"]),
    (node(position_x={}), ["nodes[1].position_x: is an object, not a number"]),
    (node(max_retries=-1), [f"nodes[1].max_retries: {COUNT}"]),
    (node(max_retries=2**31), [f"nodes[1].max_retries: {COUNT}"]),
    (node(max_retries=True), [f"nodes[1].max_retries: {COUNT}"]),
    (node(max_retries="1"), [f"nodes[1].max_retries: {COUNT}"]),
    (node(retry_wait_time=1.0), [f"nodes[1].retry_wait_time: {COUNT}"]),
    (node(disabled=0), ["nodes[1].disabled: is a number, not a boolean"]),
    (node(disabled="false"), ["nodes[1].disabled: is a string, not a boolean"]),
    (node(parameters=[]), ["nodes[1].parameters: is a list, not an object"]),
    (node(credentials="x"), ["nodes[1].credentials: is a string, not an object"]),
    (node(webhooks="x"), ["nodes[1].webhooks: is a string, not a list"]),
    (node(webhooks=["x", None]), ["nodes[1].webhooks[1]: is null, not a string"]),
    (node(meta=1), ["nodes[1].meta: is a number, not an object"]),
    ({"name": "w", "connections": {"a": []}}, ["connections: is an object, not a list"]),
    ({"name": "w", "connections": [{"target_node_id": "b"}]}, ["connections[0].source_node_id: is missing"]),
    (edge(target_node_id=None), ["connections[0].target_node_id: is null, not a string"]),
    (edge(source_index=-1), [f"connections[0].source_index: {COUNT}"]),
    (edge(target_index=0.0), [f"connections[0].target_index: {COUNT}"]),
    (edge(connection_type=5), ["connections[0].connection_type: is a number, not a string"]),
    (edge(label=5), ["connections[0].label: is a number, not a string"]),
    ({"name": "w", "annotations": [{}]}, ["annotations[0].annotation_id: is missing"]),
    (note(width="wide"), ["annotations[0].width: is a string, not a number"]),
    (note(text=None, height=False), ["annotations[0].height: is a boolean, not a number"]),
    # several, in the order of the document; what an object lacks comes first
    (
        {"tags": [1], "nodes": [{"name": 1, "position_y": "low"}], "name": ""},
        [
            *("name: is empty", "tags[0]: is a number, not a string", "nodes[0].node_id: is missing"),
            f"nodes[0].node_type: is missing; it is one of {NODE_TYPES}",
            *("nodes[0].name: is a number, not a string", "nodes[0].position_y: is a string, not a number"),
        ],
    ),
]


@pytest.mark.parametrize(("document", "messages"), BROKEN, ids=[messages[0][:60] for _, messages in BROKEN])
def test_faults_have_their_path_and_reason(document: Any, messages: list[str]) -> None:
    before = copy.deepcopy(document)
    found = faults(document)
    assert [str(fault) for fault in found] == [each.format(f"it is one of {NODE_TYPES}") for each in messages]
    assert {(fault.code, fault.severity) for fault in found} == {("shape", Severity.ERROR)}
    assert document == before


FINE: list[Any] = [
    {"name": "w"},
    {"name": "w", "nodes": None, "connections": None, "settings": None, "tags": None, "meta": None, "version": None},
    {"name": "w", "nodes": (), "tags": ("a",)},  # as orjson writes them
    {
        "name": "w",
        "static_data": [1, {"a": None}],
        "pin_data": "anything",
        "odd key": float("nan"),
        "x": {"y": object()},
    },
    node(parameters={"a": [None, 1.0, {"node_type": 5}]}, credentials={"a": "b", "c": {"id": None}}, webhooks=[]),
    node(max_retries=2**31 - 1, retry_wait_time=0, type_version=2.1, position_x=-1, position_y=-0.5, disabled=None),
    edge(connection_type="smoke signal", conditions=5, label=None, source_index=0),
    edge(connection_type=""),
    note(color=4, width=0, height=-1.5),
    {"name": "w", "settings": {"timezone": "UTC", "execution_timeout": 0, "of our own": [1]}},
]


@pytest.mark.parametrize("document", FINE)
def test_what_is_no_fault(document: Any) -> None:
    assert said(document) == []


def test_a_document_of_before_still_reads() -> None:
    """Of before annotations, integrations and meta."""
    assert said(OLD) == []


OLD: Document = {
    "name": "Invoices",
    "description": "",
    "version": "3",
    "tags": ["finance"],
    "settings": {"timezone": "Europe/Vienna", "save_manual_executions": True},
    "static_data": {"node:hook": {"last": 1700000000000}},
    "nodes": [
        {
            **{"node_id": "hook", "node_type": "TRIGGER", "node_subtype": "webhook", "type_version": 1.1},
            **{
                "name": "Hook",
                "position_x": 240,
                "position_y": -80.5,
                "webhooks": ["f0"],
                "parameters": {"path": "in"},
            },
        },
        {
            **{"node_id": "post", "node_type": "EXTERNAL_ACTION", "node_subtype": "http", "disabled": False},
            **{"credentials": {"httpBasicAuth": "ledger"}, "error_handling": "CONTINUE_ERROR_OUTPUT_ON_ERROR"},
            **{"max_retries": 3, "retry_wait_time": 1000, "notes": "slow", "description": None},
        },
    ],
    "connections": [
        {"source_node_id": "hook", "target_node_id": "post"},
        {
            **{"source_node_id": "post", "source_index": 1, "target_node_id": "post", "target_index": 0},
            **{"connection_type": "MAIN", "label": "again", "conditions": {"left": 3}},
        },
    ],
    "parallelism": 4,
}


# --- any place ----------------------------------------------------------------------------------------------

# What each key takes, by the part that it is of; apart from the messages, on purpose.
KEYS: dict[str, dict[str, str]] = {
    "document": {
        **dict.fromkeys(("name", "description", "version"), "text"),
        **dict.fromkeys(("nodes", "connections", "annotations"), "list"),
        **{"tags": "list", "settings": "object", "meta": "object"},
    },
    "settings": {
        **dict.fromkeys(("timezone", "error_workflow_id"), "text"),
        **{"execution_timeout": "count", "max_concurrency": "count", "meta": "object"},
    },
    "nodes": {
        **dict.fromkeys(("node_id", "node_subtype", "integration", "name", "description", "notes"), "text"),
        **dict.fromkeys(("type_version", "position_x", "position_y"), "number"),
        **dict.fromkeys(("parameters", "credentials", "meta"), "object"),
        **{"node_type": "word", "error_handling": "word", "disabled": "boolean", "webhooks": "list"},
        **{"max_retries": "count", "retry_wait_time": "count"},
    },
    "connections": {
        **dict.fromkeys(("source_node_id", "target_node_id", "connection_type", "label"), "text"),
        **{"source_index": "count", "target_index": "count", "meta": "object"},
    },
    "annotations": {
        **dict.fromkeys(("annotation_id", "name", "text"), "text"),
        **dict.fromkeys(("position_x", "position_y", "width", "height"), "number"),
        "meta": "object",
    },
}
REQUIRED = {
    ("document", "name"),
    ("nodes", "node_id"),
    ("nodes", "node_type"),
    ("connections", "source_node_id"),
    ("connections", "target_node_id"),
    ("annotations", "annotation_id"),
}
WRONG: dict[str, list[Any]] = {
    "text": [0, 1.5, True, [], {}],
    "word": [0, "a word", "", True, [], {}],
    "number": ["1", "", True, False, [], {}],
    "count": ["1", True, -1, 2**31, 0.5, 1.0, [], {}],
    "boolean": [0, 1, "true", [], {}],
    "list": [0, "", True, {}],
    "object": [0, "", False, []],
}


def parts(document: Document) -> Iterator[tuple[str, str, Document]]:
    """The objects of a document: what they are, their path, themselves."""
    yield "document", "", document
    if isinstance(document.get("settings"), dict):
        yield "settings", "settings.", document["settings"]
    for kind in ("nodes", "connections", "annotations"):
        for index, part in enumerate(document.get(kind) or []):
            yield kind, f"{kind}[{index}].", part


@settings(deadline=None)
@given(document=documents, data=st.data())
def test_a_wrong_value_at_any_place_is_found_there(document: Document, data: st.DataObject) -> None:
    assert said(document) == []
    changed: Document = {**copy.deepcopy(document), "annotations": [{"annotation_id": "a"}]}
    kind, path, part = data.draw(st.sampled_from(list(parts(changed))))
    key = data.draw(st.sampled_from(sorted(KEYS[kind])))
    missing = (kind, key) in REQUIRED and data.draw(st.booleans())
    if missing:
        del part[key]
    else:
        part[key] = data.draw(st.sampled_from(WRONG[KEYS[kind][key]]))
    assert [fault.path for fault in faults(changed)] == [path + key]
    assert not missing or faults(changed, types_only=True) == []


def test_only_the_first_faults_are_told() -> None:
    document: Document = {"name": "w", "tags": [None] * 1_000, "nodes": [{}] * 1_000}
    assert len(faults(document)) == 100
    assert [fault.path for fault in faults(document, at_most=2)] == ["tags[0]", "tags[1]"]
    assert faults(document, at_most=0) == []


def test_what_is_free_may_be_deeper_than_the_stack() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    assert said(node(parameters={"a": deep}, unknown=deep) | {"static_data": deep}) == []
    assert said(node(name=deep)) == ["nodes[1].name: is a list, not a string"]
    while deep:  # or freeing it would be what recurses
        deep = deep.pop()


# --- other messages -----------------------------------------------------------------------------------------

RUN = {"run_index": 0, "node_type": "TOOL", "status": "SKIPPED", "retry_count": 0, "max_retries": 0}
EXECUTION = {
    **{"tenant_id": "t", "execution_id": "e", "workflow_id": "w", "workflow_revision": 0, "status": "NEW"},
    **{"mode": "RETRY", "metadata": {}, "created_at": "2026-01-02T03:04:05+00:00"},
}


def test_other_messages_have_a_shape_too() -> None:
    assert said({}, message=Trigger)[0] == "tenant_id: is missing"
    assert said([], message=Trigger) == ["a document that is Trigger is a JSON object, not a list"]
    memory = {"tenant_id": "t", "id": "i", "workflow_id": "w", "memory_key": "k", "memory_type": "eternal"}
    words = "it is one of runtime, persistent, shared"
    assert said(memory, message=Memory) == [f"memory_type: 'eternal' is unknown; {words}"]


def test_maps_and_64_bits() -> None:
    assert said(EXECUTION, message=ExecutionData) == []
    assert said(EXECUTION | {"start_time": 2**62, "end_time": None}, message=ExecutionData) == []
    assert said(EXECUTION | {"start_time": 2**63}, message=ExecutionData) == [f"start_time: {INT64}"]
    runs = {"a": {"runs": [RUN]}, "odd key": {"runs": [RUN, RUN | {"run_index": -1, "data": []}]}, "": None, "c": {}}
    assert said(EXECUTION | {"node_runs": {"nodes": runs}}, message=ExecutionData) == [
        f"node_runs.nodes['odd key'].runs[1].run_index: {COUNT}",
        "node_runs.nodes['odd key'].runs[1].data: is a list, not an object",
        "node_runs.nodes['']: is null, not an object",
    ]
    assert said(EXECUTION | {"node_runs": {"nodes": [runs]}}, message=ExecutionData) == [
        "node_runs.nodes: is a list, not an object"
    ]


# --- how much work ------------------------------------------------------------------------------------------


def test_the_work_is_in_proportion_to_the_document() -> None:
    def walk(size: int) -> Callable[[], object]:
        document = chain(size)
        return lambda: faults(document)

    assert growth(walk, 700) < 2.2


def test_a_plain_value_costs_little() -> None:
    """1,400 nodes are to take less than 10 ms: two or three calls a value, not ten."""
    document = chain(1_400)
    for each in document["nodes"]:
        each |= {"type_version": 1, "position_y": 100, "disabled": False, "credentials": {}, "max_retries": 3}
    for each in document["connections"]:
        each |= {"source_index": 0, "target_index": 0, "connection_type": "MAIN"}
    assert faults(document) == []
    values = sum(len(each) for part in ("nodes", "connections") for each in document[part])
    assert calls_of(lambda: faults(document)) < 3 * values
