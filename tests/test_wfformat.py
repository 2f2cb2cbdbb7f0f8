"""Reading WfFormat traces: what is refused and how, what is read, and the document made of it."""

from __future__ import annotations

import copy
import json
import sys
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wfstore.errors import InvalidDocument
from wfstore.wfformat import (
    Trace,
    from_document,
    parse,
    to_document,
    workflow_id,
)

Document = dict[str, Any]


def small() -> Document:
    """A diamond: a, then b and c, then d."""
    edges = [("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")]
    return {
        "name": "diamond",
        "description": "four tasks",
        "createdAt": "2024-01-01T00:00:00",
        "schemaVersion": "1.5",
        "author": {"name": "Ada", "email": "ada@example.org"},
        "runtimeSystem": {"name": "Weaver", "version": "2", "url": "https://example.org/"},
        "workflow": {
            "specification": {
                "tasks": [
                    {
                        "id": task,
                        "name": f"step {task}",
                        "parents": [x for x, y in edges if y == task],
                        "children": [y for x, y in edges if x == task],
                        "inputFiles": [],
                    }
                    for task in "abcd"
                ],
                "files": [],
            },
            "execution": {
                "executedAt": "2024-01-01T00:00:00+00:00",
                "makespanInSeconds": 7,
                "tasks": [
                    {
                        "id": task,
                        "runtimeInSeconds": runtime,
                        "command": {"program": "step", "arguments": ["-v"]},
                        "readBytes": 12,
                    }
                    for task, runtime in zip("dcba", (0.1, 3, 0.2, 1.5), strict=True)
                ],
            },
        },
    }


def read(document: Any) -> Trace:
    return parse(json.dumps(document).encode())


def specified(document: Document, index: int) -> Any:
    return document["workflow"]["specification"]["tasks"][index]


def executed(document: Document, index: int) -> Any:
    return document["workflow"]["execution"]["tasks"][index]


# --- what is refused ----------------------------------------------------------------------------------------


def put(path: str, value: Any) -> Callable[[Document], None]:
    """A change of a document: `put("workflow.execution.tasks.0.id", "x")`."""

    def change(document: Document) -> None:
        *way, last = [int(key) if key.isdigit() else key for key in path.split(".")]
        at: Any = document
        for key in way:
            at = at[key]
        at[last] = value

    return change


def drop(path: str) -> Callable[[Document], None]:
    def change(document: Document) -> None:
        *way, last = [int(key) if key.isdigit() else key for key in path.split(".")]
        at: Any = document
        for key in way:
            at = at[key]
        del at[last]

    return change


SPEC = "workflow.specification.tasks"
EXEC = "workflow.execution.tasks"

BROKEN: list[tuple[Callable[[Document], None], str]] = [
    (drop("schemaVersion"), "schemaVersion: is missing; only WfFormat 1.5 is read"),
    (put("schemaVersion", "1.4"), "schemaVersion: is '1.4'; only WfFormat 1.5 is read"),
    (put("schemaVersion", 1.5), "schemaVersion: is the number 1.5; only WfFormat 1.5 is read"),
    (put("schemaVersion", ["1.5"]), "schemaVersion: is a list; only"),
    (put("workflow.jobs", []), "workflow.jobs: is the layout of WfFormat 1.0 to 1.2; only WfFormat 1.5 is read"),
    (drop("name"), "name: is missing"),
    (put("name", ""), "name: must not be empty"),
    (put("name", None), "name: must be a string, is null"),
    (put("author", "Ada"), "author: must be an object, is a string"),
    (put("workflow", []), "workflow: must be an object, is a list"),
    (drop("workflow.execution"), "workflow.execution: is missing"),
    (put("workflow.specification.tasks", {}), f"{SPEC}: must be a list, is an object"),
    (put("workflow.specification.tasks", []), f"{SPEC}: holds no task"),
    (drop("workflow.specification.tasks.2.parents"), f"{SPEC}[2].parents: is missing"),
    (put("workflow.specification.tasks.2", 5), f"{SPEC}[2]: must be an object, is the number 5"),
    (put("workflow.specification.tasks.2.id", ""), f"{SPEC}[2].id: must not be empty"),
    (put("workflow.specification.tasks.2.id", "x" * 513), f"{SPEC}[2].id: must have at most 512 characters"),
    (put("workflow.specification.tasks.2.name", 3), f"{SPEC}[2].name: must be a string, is the number 3"),
    (put("workflow.specification.tasks.3.parents.0", "x"), f"{SPEC}[3].parents[0]: names no task 'x'"),
    (put("workflow.specification.tasks.3.parents.1", "b"), f"{SPEC}[3].parents[1]: names 'b' a second time"),
    (put("workflow.specification.tasks.3.parents.0", "d"), f"{SPEC}[3].parents[0]: task 'd' names itself"),
    (put("workflow.specification.tasks.3.parents.0", 7), f"{SPEC}[3].parents[0]: must be a string, is the number 7"),
    (
        put("workflow.specification.tasks.3.parents", ["b"]),
        f"{SPEC}[2].children[0]: task 'd' does not have 'c' among its parents",
    ),
    (
        put("workflow.specification.tasks.0.children", ["b"]),
        f"{SPEC}[2].parents[0]: task 'a' does not have 'c' among its children",
    ),
    (put("workflow.specification.tasks.1.id", "a"), f"{SPEC}[1].id: repeats 'a' of {SPEC}[0]"),
    (put("workflow.execution.tasks.1.id", "d"), f"{EXEC}[1].id: repeats 'd' of {EXEC}[0]"),
    (put("workflow.execution.tasks.1.id", "x"), f"{EXEC}[1].id: names no task 'x'"),
    (drop("workflow.execution.tasks.1"), f"{SPEC}[2].id: task 'c' is not in {EXEC}"),
    (drop("workflow.execution.tasks.1.runtimeInSeconds"), f"{EXEC}[1].runtimeInSeconds: is missing"),
    (put("workflow.execution.tasks.1.runtimeInSeconds", -1), f"{EXEC}[1].runtimeInSeconds: must not be negative"),
    (put("workflow.execution.tasks.1.runtimeInSeconds", "1"), f"{EXEC}[1].runtimeInSeconds: must be a number, is a st"),
    (put("workflow.execution.tasks.1.runtimeInSeconds", True), f"{EXEC}[1].runtimeInSeconds: must be a number, is tru"),
    (put("workflow.execution.tasks.1.runtimeInSeconds", float("nan")), f"{EXEC}[1].runtimeInSeconds: must be a finite"),
    (put("workflow.execution.tasks.1.avgCPU", float("inf")), f"{EXEC}[1].avgCPU: must be a finite number"),
    (put("workflow.execution.tasks.1.runtimeInSeconds", 1e300), f"{SPEC}: task 'c' would end after the year 9999"),
    (put("workflow.execution.tasks.1.readBytes", 1.5), f"{EXEC}[1].readBytes: must be a whole number"),
    (put("workflow.execution.tasks.1.readBytes", 2**63), f"{EXEC}[1].readBytes: is too large"),
    (put("workflow.execution.tasks.1.readBytes", 10**5000), "line 1, column "),
    (put("workflow.execution.tasks.1.command.arguments.0", 4), f"{EXEC}[1].command.arguments[0]: must be a string"),
    (put("workflow.execution.tasks.1.machines", "m1"), f"{EXEC}[1].machines: must be a list, is a string"),
    (
        put("workflow.execution.makespanInSeconds", None),
        "workflow.execution.makespanInSeconds: must be a number, is nu",
    ),
    (put("workflow.execution.makespanInSeconds", 1e15), "workflow.execution.makespanInSeconds: would end after the ye"),
    (put("workflow.execution.executedAt", "soon"), "workflow.execution.executedAt: must be a time with its offset"),
    (put("workflow.execution.executedAt", 5), "workflow.execution.executedAt: must be a string that names a time"),
    (put("description", "a\0b"), "description: has a NUL character, which PostgreSQL cannot store"),
    (put("workflow.execution.tasks.1.id", "\ud800"), f"{EXEC}[1].id: has half of a surrogate pair"),
    (put("workflow.\udc00", 1), "workflow: the key '\\udc00' has half of a surrogate pair"),
    (put("extra", [{"a\0": 1}]), "extra[0]: the key 'a\\x00' has a NUL character"),
]


@pytest.mark.parametrize(("change", "message"), BROKEN, ids=[f"{n}: {text[:50]}" for n, (_, text) in enumerate(BROKEN)])
def test_a_fault_is_refused_with_its_path(change: Callable[[Document], None], message: str) -> None:
    document = small()
    previous = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)  # to write the integer of 5,000 digits
    try:
        change(document)
        raw = json.dumps(document).encode()
    finally:
        sys.set_int_max_str_digits(previous)
    with pytest.raises(InvalidDocument) as refused:
        parse(raw)
    assert str(refused.value).startswith(message)
    str(refused.value).encode()  # can be printed


def test_a_circle_is_refused_with_its_members() -> None:
    document = small()
    specified(document, 0)["parents"] = ["d"]
    specified(document, 3)["children"] = ["a"]
    with pytest.raises(InvalidDocument, match=r"in a circle: ('. ?→? ?'?)+") as refused:
        read(document)
    members = str(refused.value).rsplit(": ", 1)[1].split(" → ")
    assert members in (["'b'", "'d'", "'a'", "'b'"], ["'d'", "'a'", "'b'", "'d'"], ["'a'", "'b'", "'d'", "'a'"])


def test_names_in_messages_are_cut() -> None:
    document = small()
    specified(document, 3)["parents"][0] = "x" * 1_000_000
    with pytest.raises(InvalidDocument) as refused:
        read(document)
    assert len(str(refused.value)) < 200


# --- what is read -------------------------------------------------------------------------------------------


def test_numbers_stay_what_they_are_and_sections_are_joined_by_id() -> None:
    trace = read(small())
    assert [task.id for task in trace.tasks] == ["a", "b", "c", "d"]
    assert [repr(task.runtime_seconds) for task in trace.tasks] == ["1.5", "0.2", "3", "0.1"]
    assert repr(trace.makespan_seconds) == "7"
    assert trace.edge_count == 4
    assert trace.created_at == "2024-01-01T00:00:00"


def test_optional_keys_may_be_absent_or_null_and_unknown_ones_are_ignored() -> None:
    document = small()
    for key in ("description", "createdAt", "author"):
        del document[key]
    document["runtimeSystem"] = None
    document["unknown"] = {"deep": [1, None]}
    executed(document, 0)["command"] = None
    executed(document, 0)["readBytes"] = 12.0
    executed(document, 1)["readBytes"] = None
    trace = read(document)
    assert (trace.description, trace.created_at, trace.author, trace.runtime_system) == ("", None, None, None)
    assert repr(trace.tasks[3].read_bytes) == "12"
    assert trace.tasks[3].program is None
    assert to_document(trace)["tags"] == ["wfformat"]
    assert set(to_document(trace)["meta"]["wfformat"]) == {"schema_version", "executed_at", "makespan_seconds"}


def test_a_byte_order_mark_and_an_escaped_backslash_are_no_faults() -> None:
    document = small()
    document["description"] = "\\u0000"
    assert parse(b"\xef\xbb\xbf" + json.dumps(document).encode()).description == "\\u0000"


def test_the_document_has_the_columns_names_and_no_address() -> None:
    document = to_document(read(small()))
    assert list(document) == ["name", "description", "version", "tags", "settings", "nodes", "connections", "meta"]
    assert document["tags"] == ["wfformat", "weaver"]
    assert document["nodes"][1] == {
        "node_id": "b",
        "name": "step b",
        "node_type": "ACTION",
        "node_subtype": "wfformat.task",
        "type_version": 1,
        "position_x": 240,
        "position_y": -60,
        "parameters": {
            "runtime_seconds": 0.2,
            "program": "step",
            "arguments": ["-v"],
            "read_bytes": 12,
            "input_files": [],
        },
    }
    assert document["connections"][0] == {
        "source_node_id": "a",
        "source_index": 0,
        "target_node_id": "b",
        "target_index": 0,
        "connection_type": "MAIN",
    }
    assert document["meta"]["wfformat"] == {
        "schema_version": "1.5",
        "executed_at": "2024-01-01T00:00:00+00:00",
        "makespan_seconds": 7,
        "created_at": "2024-01-01T00:00:00",
        "author": {"name": "Ada"},
        "runtime_system": {"name": "Weaver", "version": "2"},
    }
    assert b"@" not in orjson.dumps(document)


def test_the_id_is_that_of_the_run_not_of_its_content_or_its_spelling() -> None:
    first = workflow_id(read(small()))
    revised = small()
    executed(revised, 0)["runtimeInSeconds"] = 0.3
    revised["description"] = "corrected"
    revised["workflow"]["execution"]["executedAt"] = "20240101T010000+0100"
    assert workflow_id(read(revised)) == first
    # A release that gave another id would import every trace a second time.
    assert str(first) == "4547c304-d197-5860-8741-e742afa3d364"
    for change in (put("name", "other"), put("workflow.execution.executedAt", "2024-01-01T00:00:01Z")):
        other = small()
        change(other)
        assert workflow_id(read(other)) != first


# --- damaged documents --------------------------------------------------------------------------------------

JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(["a", "b", "d", "\0", "\ud800", "1.4", "2024-01-01T00:00:00Z"]),
    st.lists(st.sampled_from(["a", "d", 1, None]), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)


def damage(data: st.DataObject, document: Any) -> None:
    """Go down a random way, then replace, remove, repeat or add what is there."""
    at = document
    while True:
        keys = list(at) if isinstance(at, dict) else list(range(len(at)))
        if not keys:
            return
        key = data.draw(st.sampled_from(keys))
        if isinstance(at[key], dict | list) and data.draw(st.integers(0, 4)):
            at = at[key]
            continue
        match data.draw(st.sampled_from(["replace", "remove", "repeat"])):
            case "replace":
                at[key] = data.draw(JUNK)
            case "remove":
                del at[key]
            case "repeat" if isinstance(at, list):
                at.append(copy.deepcopy(at[key]))
        return


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_a_damaged_trace_is_read_or_refused_but_never_crashes(data: st.DataObject) -> None:
    document = small()
    for _ in range(data.draw(st.integers(1, 3))):
        damage(data, document)
    try:
        trace = read(document)
    except InvalidDocument as error:
        assert str(error)
        str(error).encode()
    else:
        from_document(orjson.loads(orjson.dumps(to_document(trace))))


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_a_damaged_workflow_is_planned_or_refused_but_never_crashes(data: st.DataObject) -> None:
    document = to_document(read(small()))
    for _ in range(data.draw(st.integers(1, 3))):
        damage(data, document)
    try:
        plan = from_document(document)
    except InvalidDocument as error:
        assert str(error)
        str(error).encode()
    else:
        assert plan.start_ms <= plan.end_ms
