"""Reading WfFormat traces: what is refused and how, the schedule, the document, the sources, and real traces."""

from __future__ import annotations

import copy
import gzip
import importlib
import io
import json
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wfstore.errors import InvalidDocument, InvalidInput
from wfstore.wfformat import (
    Source,
    Task,
    Trace,
    from_document,
    parse,
    schedule,
    sources,
    to_document,
    topological,
    workflow_id,
)

DATA = Path(__file__).parents[1] / "../shared/data/wfinstances"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

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


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "the text is empty"),
        (b" \n\t", "the text is empty"),
        (b"\xef\xbb\xbf", "the text is empty"),
        (b"[]", "the document: must be an object"),
        (b"null", "the document: must be an object"),
        (b"{}", "schemaVersion: is missing"),
        (b'{"a": 1,\n "b" 2}', "line 2, column 6: not JSON: Expecting ':' delimiter"),
        (b'{"a": 1', "line 1, column 8: not JSON: "),
        (b"{}\n{}", "line 2, column 1: not JSON: more follows after the end of the document"),
        (b"{} the end", "line 1, column 4: not JSON: more follows after the end of the document"),
        (b'{"a": NaN}', "a: must be a finite number"),
        (b'{"a": [1, -Infinity]}', "a[1]: must be a finite number"),
        (b'{"a": 1e400}', "a: must be a finite number"),
        (b'{"a":\n"\xff"}', "line 2: not UTF-8 text: byte 7 is 0xff"),
        (b"\x1f\x8b\x08", "line 1: not UTF-8 text: byte 1 is 0x8b"),
        (b'{"a": "\x00"}', "line 1, column 8: not JSON: Invalid control character"),
        (b"[" * 100_000, "line 1, column "),
        (b"[" * 100_000 + b"]" * 100_000, "line 1, column "),
        (b'{"schemaVersion": ' + b"[" * 1000 + b"]" * 1000 + b"}", "schemaVersion: is a list; only"),
    ],
)
def test_what_is_no_document_is_refused(raw: bytes, message: str) -> None:
    with pytest.raises(InvalidDocument) as refused:
        parse(raw)
    assert str(refused.value).startswith(message)


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


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("20200401T035043+0000", datetime(2020, 4, 1, 3, 50, 43, tzinfo=UTC)),
        ("12-19-20T21:31:53Z", datetime(2020, 12, 19, 21, 31, 53, tzinfo=UTC)),
        ("2020-12-27T18:23:37+00:00", datetime(2020, 12, 27, 18, 23, 37, tzinfo=UTC)),
        ("2023-03-29T15:45:52-10:00", datetime(2023, 3, 30, 1, 45, 52, tzinfo=UTC)),
        ("2023-03-29T15:45:52.1234567Z", datetime(2023, 3, 29, 15, 45, 52, 123456, tzinfo=UTC)),
        ("1970-01-01T00:00:00Z", EPOCH),
    ],
)
def test_the_forms_of_executed_at(text: str, expected: datetime) -> None:
    document = small()
    document["workflow"]["execution"]["executedAt"] = text
    found = read(document).executed_at
    assert found == expected
    assert found.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("2020-12-27T18:23:37", "must be a time with its offset"),
        ("2020-12-27", "must be a time with its offset"),
        ("", "must be a time with its offset"),
        ("٢٠٢٠-12-27T18:23:37Z", "must be a time with its offset"),
        ("2020-13-27T18:23:37Z", "which is no time"),
        ("13-13-20T21:31:53Z", "which is no time"),
        ("2020-12-27T18:23:37+99:00", "which is no time"),
        ("1969-12-31T23:59:59Z", "before 1970"),
        ("12-31-69T23:59:59Z", "before 1970"),
        ("0001-01-01T00:00:00+01:00", "outside the years"),
        ("9999-12-31T23:59:59-10:00", "outside the years"),
        ("2020" * 1000, "must be a time with its offset"),
    ],
)
def test_other_forms_of_executed_at_are_refused(text: str, reason: str) -> None:
    document = small()
    document["workflow"]["execution"]["executedAt"] = text
    with pytest.raises(InvalidDocument, match=reason) as refused:
        read(document)
    assert str(refused.value).startswith("workflow.execution.executedAt: ")
    assert len(str(refused.value)) < 300


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


# --- the schedule -------------------------------------------------------------------------------------------


def test_the_schedule_of_the_diamond() -> None:
    plan = from_document(to_document(read(small())))
    start = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp() * 1000)
    spans = {task: (span.start_ms - start, span.end_ms - start) for task, span in plan.schedule.items()}
    assert spans == {"a": (0, 1500), "b": (1500, 1700), "c": (1500, 4500), "d": (4500, 4600)}
    assert [task.id for task in plan.tasks] == ["a", "b", "c", "d"]
    assert plan.tasks[3].parents == ("b", "c")
    assert (plan.start_ms, plan.end_ms, plan.derived_makespan_ms) == (start, start + 7000, 4600)


def test_a_sum_of_decimals_does_not_drift() -> None:
    # As floats, 0.1 + 0.2 ends after 0.3, and a thousand times 0.001 before 1.
    chain = [task(str(n), [str(n - 1)] if n else [], 0.001) for n in range(1000)]
    assert schedule(chain, EPOCH)["999"].end_ms == 1000
    pair = [task("a", [], 0.1), task("b", ["a"], 0.2)]
    assert schedule(pair, EPOCH + timedelta(microseconds=999))["b"].end_ms == 300


def test_a_run_whose_tasks_outlast_its_makespan_ends_with_the_last_task() -> None:
    document = small()
    document["workflow"]["execution"]["makespanInSeconds"] = 1
    plan = from_document(to_document(read(document)))
    assert plan.end_ms - plan.start_ms == plan.derived_makespan_ms == 4600


def test_a_chain_of_a_hundred_thousand_tasks() -> None:
    count = 100_000
    chain = [task(f"t{n}", [f"t{n - 1}"] if n else [], 0) for n in reversed(range(count))]
    assert [one.id for one in topological(chain)] == [f"t{n}" for n in range(count)]
    chain[-1] = task("t0", [f"t{count - 1}"], 0)
    with pytest.raises(InvalidDocument, match=r"100,000 tasks\)$"):
        topological(chain)


def task(task_id: str, parents: list[str], runtime: float) -> Task:
    return Task.model_construct(id=task_id, name=task_id, parents=tuple(parents), runtime_seconds=runtime)


RUNTIMES = st.one_of(st.integers(0, 10**6), st.floats(0, 10**6), st.sampled_from([0, 0.1, 0.2, 1e-7, 0.0005]))


@st.composite
def graphs(draw: st.DrawFn) -> list[Task]:
    """A random acyclic graph, its tasks in random order."""
    size = draw(st.integers(1, 25))
    tasks = []
    for number in range(size):
        parents = draw(st.sets(st.integers(0, number - 1), max_size=4)) if number else set()
        tasks.append(task(f"t{number}", [f"t{parent}" for parent in sorted(parents)], draw(RUNTIMES)))
    return draw(st.permutations(tasks))


@settings(deadline=None)
@given(graphs(), st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))
def test_the_schedule_of_any_graph(tasks: list[Task], begin: datetime) -> None:
    spans = schedule(tasks, begin)
    begin_ms = (begin - EPOCH) // timedelta(milliseconds=1)
    position = {one.id: place for place, one in enumerate(topological(tasks))}
    assert len(position) == len(tasks) == len(spans)
    for one in tasks:
        span = spans[one.id]
        assert begin_ms <= span.start_ms <= span.end_ms
        assert abs((span.end_ms - span.start_ms) / 1000 - one.runtime_seconds) < 0.0021
        for parent in one.parents:
            assert position[parent] < position[one.id]
            assert spans[parent].end_ms <= span.start_ms
        if not one.parents:
            assert span.start_ms == begin_ms
    longest = max(span.end_ms for span in spans.values()) - begin_ms
    assert longest <= sum(one.runtime_seconds for one in tasks) * 1000 + 1e-3


@settings(deadline=None)
@given(graphs())
def test_any_graph_goes_through_a_file_and_a_document(tasks: list[Task]) -> None:
    document = small()
    document["workflow"]["specification"]["tasks"] = [
        {
            "id": one.id,
            "name": one.id,
            "parents": list(one.parents),
            "children": [other.id for other in tasks if one.id in other.parents],
        }
        for one in tasks
    ]
    document["workflow"]["execution"]["tasks"] = [
        {"id": one.id, "runtimeInSeconds": one.runtime_seconds} for one in tasks
    ]
    trace = read(document)
    stored = to_document(trace)
    assert stored == to_document(trace)
    assert len({(node["position_x"], node["position_y"]) for node in stored["nodes"]}) == len(tasks)
    plan = from_document(orjson.loads(orjson.dumps(stored)))
    assert plan.schedule == schedule(tasks, trace.executed_at)
    assert {one.id: set(one.parents) for one in plan.tasks} == {one.id: set(one.parents) for one in tasks}


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


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_refused(raw: bytes) -> None:
    with pytest.raises(InvalidDocument):
        parse(raw)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            drop("nodes.3.parameters.runtime_seconds"),
            "nodes[3].parameters.runtime_seconds: is missing: the workflow has",
        ),
        (
            put("nodes.3.parameters.runtime_seconds", "1"),
            "nodes[3].parameters.runtime_seconds: must be a number, is a s",
        ),
        (
            put("nodes.3.parameters.runtime_seconds", float("nan")),
            "nodes[3].parameters.runtime_seconds: must be a finit",
        ),
        (drop("meta"), "meta.wfformat: is missing: the workflow was not imported"),
        (put("meta", None), "meta.wfformat: is missing: the workflow was not imported"),
        (put("meta.wfformat.executed_at", "x"), "meta.wfformat.executed_at: must be a time"),
        (put("meta.wfformat.makespan_seconds", 1e300), "meta.wfformat.makespan_seconds: would end after"),
        (put("nodes", []), "nodes: holds no node"),
        (put("nodes.1.node_id", "a"), "nodes[1].node_id: repeats 'a'"),
        (put("connections.1.source_node_id", "x"), "connections[1].source_node_id: names no node 'x'"),
        (put("connections.0.source_node_id", "b"), "connections: tasks wait for each other in a circle: 'b' → 'b'"),
    ],
)
def test_a_workflow_that_cannot_be_replayed(change: Callable[[Document], None], message: str) -> None:
    document = to_document(read(small()))
    change(document)
    with pytest.raises(InvalidDocument) as refused:
        from_document(document)
    assert str(refused.value).startswith(message)


def test_a_workflow_with_more_connections_between_two_nodes_is_replayed() -> None:
    document = to_document(read(small()))
    document["connections"].append(document["connections"][0] | {"source_index": 1})
    assert from_document(document).tasks[1].parents == ("a",)


# --- sources ------------------------------------------------------------------------------------------------


def names(found: list[Source]) -> list[str]:
    return [Path(source.name).name for source in found]


def reason(source: Source) -> str:
    with pytest.raises(InvalidInput) as refused:
        source.read()
    return str(refused.value)


def test_files_and_folders_in_order(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    packed = gzip.compress(b"[2]")
    (tmp_path / "deep" / "er" / "b.json.gz").write_bytes(packed)
    (tmp_path / "deep" / "a.json").write_bytes(packed)  # gzip, whatever its name says
    (tmp_path / "z.json").write_bytes(b"[1]")
    (tmp_path / "notes.txt").write_bytes(b"no")
    (tmp_path / "round").symlink_to(tmp_path)
    found = list(sources([str(tmp_path / "notes.txt"), str(tmp_path)]))
    assert names(found) == ["notes.txt", "a.json", "b.json.gz", "z.json"]
    assert [source.read() for source in found] == [b"no", b"[2]", b"[2]", b"[1]"]


def test_what_cannot_be_read_is_refused_under_its_name(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "lost.json").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "folder" / "pipe.json")
    damaged = gzip.compress(bytes(1000))
    (tmp_path / "short.json.gz").write_bytes(damaged[:-4])
    (tmp_path / "wrong.json.gz").write_bytes(damaged[:-6] + b"??" + damaged[-4:])
    (tmp_path / "bad.json.gz").write_bytes(damaged[:10] + b"\xff" * 20)
    arguments = ["missing.json", "empty", "folder", "short.json.gz", "wrong.json.gz", "bad.json.gz"]
    found = list(sources([str(tmp_path / name) for name in arguments]))
    assert [(name, reason(source)[:28]) for name, source in zip(names(found), found, strict=True)] == [
        ("missing.json", "cannot be read: No such file"),
        ("empty", "holds no .json or .json.gz f"),
        ("lost.json", "cannot be read: No such file"),
        ("pipe.json", "is not a regular file"),
        ("short.json.gz", "is a damaged gzip file: it e"),
        ("wrong.json.gz", "is a damaged gzip file: CRC "),
        ("bad.json.gz", "is a damaged gzip file: Erro"),
    ]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root reads whatever it likes")
def test_closed_files_and_folders_are_refused(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0)
    (tmp_path / "closed.json").touch(mode=0)
    assert [reason(source) for source in sources([str(tmp_path)])] == [
        "cannot be searched: Permission denied",
        "cannot be read: Permission denied",
    ]


def test_odd_names(tmp_path: Path) -> None:
    (found,) = sources(["a\0b.json"])
    assert "null" in reason(found)
    odd = os.fsdecode(b"caf\xe9.json")
    (found,) = sources([odd])
    assert found.name == "caf\\udce9.json"


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_standard_input(pack: Callable[[bytes], bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(pack(b"[1]"))))
    (source,) = sources(["-"])
    assert (source.name, source.read()) == ("-", b"[1]")


def test_a_gzip_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # In the package, `sources` is the function of that name.
    monkeypatch.setattr(importlib.import_module("wfstore.wfformat.sources"), "MAX_BYTES", 4 * 1024**2)
    (tmp_path / "a.json.gz").write_bytes(gzip.compress(bytes(5 * 1024**2)))
    (tmp_path / "b.json").write_bytes(bytes(5 * 1024**2))
    (tmp_path / "c.json.gz").write_bytes(gzip.compress(bytes(4 * 1024**2)))
    bomb, long, fits = sources([str(tmp_path)])
    assert reason(bomb) == "unpacks to more than 4 MiB, the most that is read"
    assert reason(long) == "is longer than 4 MiB, the most that is read"
    assert len(fits.read()) == 4 * 1024**2


# --- real traces --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real_traces() -> list[tuple[Document, Trace]]:
    """Each entry of the index with its trace."""
    if not DATA.is_dir():
        pytest.skip("the collection of published traces is not beside this checkout (../shared/data/wfinstances)")
    index = [json.loads(line) for line in (DATA / "INDEX.jsonl").read_text().splitlines()]
    return [(entry, parse(gzip.decompress((DATA / entry["file"]).read_bytes()))) for entry in index]


def test_real_traces_are_read_in_full(real_traces: list[tuple[Document, Trace]]) -> None:
    for entry, trace in real_traces:
        found = (len(trace.tasks), trace.edge_count, trace.makespan_seconds)
        assert found == (entry["tasks"], entry["edges"], entry["makespanInSeconds"]), entry["file"]
    assert len(real_traces) == 72
    assert sum(len(trace.tasks) for _, trace in real_traces) == 21_625


def test_real_traces_take_at_most_their_recorded_makespan(real_traces: list[tuple[Document, Trace]]) -> None:
    for entry, trace in real_traces:
        plan = from_document(to_document(trace))
        assert 0 < plan.derived_makespan_ms <= trace.makespan_seconds * 1000, entry["file"]
        assert plan.end_ms - plan.start_ms == int(trace.makespan_seconds * 1000)


def test_real_traces_go_through_a_document(real_traces: list[tuple[Document, Trace]]) -> None:
    for entry, trace in real_traces:
        stored = orjson.loads(orjson.dumps(to_document(trace)))
        assert stored == to_document(trace)
        assert len(stored["connections"]) == entry["edges"]
        plan = from_document(stored)
        facts = {one.id: (set(one.parents), repr(one.runtime_seconds)) for one in plan.tasks}
        assert facts == {one.id: (set(one.parents), repr(one.runtime_seconds)) for one in trace.tasks}
        assert list(plan.schedule) == [one.id for one in plan.tasks]


def test_each_real_trace_is_a_workflow_of_its_own(real_traces: list[tuple[Document, Trace]]) -> None:
    assert len({workflow_id(trace) for _, trace in real_traces}) == len(real_traces)
    # The name alone would not do.
    assert len({trace.name for _, trace in real_traces}) < len(real_traces)


def test_the_folder_of_real_traces_has_each_of_them(real_traces: list[tuple[Document, Trace]]) -> None:
    found = [Path(source.name).relative_to(DATA).as_posix() for source in sources([str(DATA)])]
    assert found == sorted(found, key=Path)
    assert set(found) == {entry["file"] for entry, _ in real_traces}
