"""Node results: what may be replaced, what is immutable, what is the same, what cannot be stored."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.executionkit import (
    LATER,
    Admin,
    add_workflow,
    claim,
    claimed,
    cloned,
    count,
    ending,
    enqueue,
    forget_executions,
    result,
    rows,
)
from wfstore import ClaimedExecution, Store, uuid7
from wfstore.errors import AlreadyRecorded, InvalidInput, LeaseLost
from wfstore.vocabulary import NodeStatus, NodeType

FINAL = [status for status in NodeStatus if status.is_final]


@pytest.fixture(scope="module")
def database(server_url: str) -> Iterator[str]:
    with cloned(server_url) as url:
        yield url


@pytest.fixture(autouse=True)
def nothing_enqueued(admin: Admin) -> None:
    forget_executions(admin)


@pytest.fixture
def lease(store: Store, worker: Store) -> ClaimedExecution:
    return claimed(store, worker)


def stored(worker: Store, lease: ClaimedExecution, node_id: str = "a", run_index: int = 0) -> Any:
    return worker.node_executions.get(execution_id=lease.execution_id, node_id=node_id, run_index=run_index)


def test_a_result_is_stored_whole(worker: Store, lease: ClaimedExecution) -> None:
    worker.node_executions.record(
        result(
            lease,
            "fetch",
            node_type=NodeType.AI_AGENT,
            status=NodeStatus.ERROR,
            start_time=1_000,
            end_time=2**53,
            input_data={"url": "https://example.org"},
            output_data=[1, 2.5, None],
            error_data={"message": "no"},
            retry_count=2,
            max_retries=3,
        )
    )
    found = stored(worker, lease, "fetch")
    assert found.model_dump() == {
        "tenant_id": lease.tenant_id,
        "execution_id": lease.execution_id,
        "node_id": "fetch",
        "run_index": 0,
        "node_type": "AI_AGENT",
        "status": "ERROR",
        "start_time": 1_000,
        "end_time": 2**53,
        "retry_count": 2,
        "max_retries": 3,
        "input_data": {"url": "https://example.org"},
        "output_data": [1, 2.5, None],
        "error_data": {"message": "no"},
    }


# --- replaced, immutable, the same --------------------------------------------------------------------------


def test_each_status_after_each_status(store: Store, worker: Store, admin: Admin) -> None:
    lease = claimed(store, worker)
    for first in NodeStatus:
        for second in NodeStatus:
            cell, node = f"{first} then {second}", f"{first}-{second}"
            worker.node_executions.record(result(lease, node, status=first, output_data=1))
            before = rows(admin)
            later = result(lease, node, status=second, output_data=2, retry_count=1)
            if first.is_final:
                with pytest.raises(AlreadyRecorded):
                    worker.node_executions.record(later)
                assert rows(admin) == before, cell
            else:
                worker.node_executions.record(later)
                found = stored(worker, lease, node)
                assert (found.status, found.output_data, found.retry_count) == (second, 2, 1), cell


@pytest.mark.parametrize(
    ("first", "again"),
    [
        ((1, 2, ("a",)), [1, 2, ["a"]]),
        ({"n": 1}, {"n": 1.0}),
        ({"a": 1, "b": {"c": 2, "d": 3}}, {"b": {"d": 3, "c": 2}, "a": 1}),
        ({"a": [1, None, "x"]}, b'{ "a" : [1, null, "x"] }'),
        (b'{"a": 1, "a": 2}', {"a": 2}),
        ({"at": datetime(2024, 1, 1, tzinfo=UTC)}, {"at": "2024-01-01T00:00:00+00:00"}),
        (None, None),
        ({"big": 2**64 - 1, "small": -(2**63)}, {"big": 2**64 - 1, "small": -(2**63)}),
        ({"f": [0.1 + 0.2, 1e300, 5e-324, -0.0]}, {"f": [0.1 + 0.2, 1e300, 5e-324, 0.0]}),
        ("\U0001d518 🧵 ü", b'"\\ud835\\udd18 \\ud83e\\uddf5 \\u00fc"'),
    ],
    ids=[
        "tuples and lists",
        "1 and 1.0",
        "order of keys",
        "bytes are JSON",
        "a key twice",
        "a time",
        "nothing",
        "long integers",
        "floats",
        "beyond the basic plane",
    ],
)
def test_the_same_content_again_does_no_harm(
    first: object, again: object, worker: Store, lease: ClaimedExecution, admin: Admin
) -> None:
    facts: dict[str, Any] = {"start_time": 1, "end_time": 2, "input_data": first, "error_data": first}
    worker.node_executions.record(result(lease, output_data=first, **facts))
    before = rows(admin)
    worker.node_executions.record(result(lease, output_data=first, **facts))
    worker.node_executions.record(result(lease, output_data=again, **facts))
    assert rows(admin) == before


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("node_type", NodeType.TOOL),
        ("start_time", 11),
        ("end_time", None),
        ("retry_count", 1),
        ("max_retries", 4),
        ("input_data", {"a": 2}),
        ("output_data", None),
        ("error_data", []),
    ],
)
def test_other_content_is_refused_by_column(
    column: str, value: Any, worker: Store, lease: ClaimedExecution, admin: Admin
) -> None:
    facts: dict[str, Any] = {"start_time": 10, "end_time": 20, "max_retries": 3, "input_data": {"a": 1}}
    for status in FINAL:
        first = result(lease, status.value, status=status, output_data={"b": 1}, **facts)
        worker.node_executions.record(first)
        before = rows(admin)
        message = rf"node '{status}', run 0, has a final result with another {column}$"
        with pytest.raises(AlreadyRecorded, match=message) as told:
            worker.node_executions.record(replace(first, **{column: value}))
        assert told.value.hint
        assert rows(admin) == before


def test_another_final_status_is_refused(worker: Store, lease: ClaimedExecution) -> None:
    worker.node_executions.record(result(lease))
    for status in set(NodeStatus) - {NodeStatus.SUCCESS}:
        with pytest.raises(AlreadyRecorded, match=r"another status$"):
            worker.node_executions.record(result(lease, status=status))


def test_passes_of_a_loop_are_rows_of_their_own(worker: Store, lease: ClaimedExecution) -> None:
    for run_index in (0, 2, 1, 10):
        worker.node_executions.record(result(lease, "loop", run_index=run_index, output_data=run_index))
    worker.node_executions.record(result(lease, "after"))
    found = worker.node_executions.all_of(lease.execution_id)
    assert [(row.node_id, row.run_index) for row in found] == [
        ("after", 0),
        ("loop", 0),
        ("loop", 1),
        ("loop", 2),
        ("loop", 10),
    ]
    assert stored(worker, lease, "loop", 10).output_data == 10


def test_all_results_are_paged_through(worker: Store, lease: ClaimedExecution) -> None:
    wanted = [("even" if n % 2 else "odd", n) for n in range(2_500)]
    results = [result(lease, node, run_index=n) for node, n in wanted]
    assert worker.node_executions.record_many(results) == [None] * 2_500
    found = worker.node_executions.all_of(lease.execution_id)
    assert [(row.node_id, row.run_index) for row in found] == sorted(wanted)
    assert worker.node_executions.count_by_execution(execution_id=lease.execution_id) == 2_500


# --- the fence ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("why", ["taken over", "never claimed so often", "ended", "cancelled", "of another tenant"])
def test_without_the_lease_nothing_is_written(
    why: str, store: Store, worker: Store, lease: ClaimedExecution, admin: Admin
) -> None:
    worker.node_executions.record(result(lease, "before", status=NodeStatus.RUNNING))
    late = lease
    match why:
        case "taken over":
            claim(worker, now=LATER)
        case "never claimed so often":
            late = replace(lease, attempt=2)
        case "ended":
            worker.executions.finish(ending(lease))
        case "cancelled":
            store.executions.cancel(lease.execution_id)
        case _:
            late = replace(lease, tenant_id=uuid7())
    before = rows(admin)
    for node in ("before", "a"):
        with pytest.raises(LeaseLost, match=f"execution {lease.execution_id}: the lease of attempt {late.attempt}"):
            worker.node_executions.record(result(late, node))
    assert rows(admin) == before


# --- batches ------------------------------------------------------------------------------------------------


def test_of_a_batch_each_hears_its_own(store: Store, worker: Store, admin: Admin) -> None:
    enqueue(store, add_workflow(store), 2)
    held, lost = claim(worker, limit=2)
    store.executions.cancel(lost.execution_id)
    worker.node_executions.record(result(held, "same", output_data=(1, 2)))
    worker.node_executions.record(result(held, "other", output_data=1))
    refusals = worker.node_executions.record_many(
        [
            result(held, "new"),
            result(lost, "new"),
            result(held, "same", output_data=[1, 2]),
            result(held, "other", output_data=2),
            replace(result(held, "late"), lease=replace(held, attempt=9)),
        ]
    )
    assert [type(refusal) for refusal in refusals] == [
        type(None),
        LeaseLost,
        type(None),
        AlreadyRecorded,
        LeaseLost,
    ]
    assert count(admin, "node_executions") == 3
    assert worker.node_executions.record_many([]) == []


def test_one_bad_row_of_a_batch_refuses_the_batch(worker: Store, lease: ClaimedExecution, admin: Admin) -> None:
    with pytest.raises(InvalidInput):
        worker.node_executions.record_many([result(lease, "good"), result(lease, "bad", output_data="\0")])
    with pytest.raises(InvalidInput, match="same execution, node and run_index"):
        worker.node_executions.record_many([result(lease), result(lease, output_data=1)])
    assert count(admin, "node_executions") == 0


# --- payloads -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "payload",
    [
        {"inside": None, "list": [None, [None]]},
        [],
        {},
        "",
        0,
        False,
        {"": {"": ""}},
        {"emoji": "🧵", "\U0001d518": "\U0010ffff", "quote": '"\\\n\t'},
        "%(name)s %s :name $1 '); --",
        ["x" * 1_000_000],
    ],
    ids=lambda payload: repr(payload)[:30],
)
def test_a_payload_comes_back_as_it_was(payload: object, worker: Store, lease: ClaimedExecution) -> None:
    worker.node_executions.record(result(lease, input_data=payload, output_data={"deep": payload}))
    found = stored(worker, lease)
    assert (found.input_data, found.output_data, found.error_data) == (payload, {"deep": payload}, None)
    assert type(found.input_data) is type(payload)


def test_no_payload_is_sql_null_and_json_null_is_a_value(worker: Store, lease: ClaimedExecution, admin: Admin) -> None:
    worker.node_executions.record(result(lease, input_data=None, output_data=b"null"))
    [row] = admin.execute("SELECT input_data IS NULL, output_data::text FROM node_executions")
    assert row == (True, "null")


def _deep(levels: int) -> object:
    value: object = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "facts",
    [
        {"output_data": "a\0b"},
        {"output_data": {"a\0b": 1}},
        {"output_data": "\ud800"},
        {"output_data": b'"\\ud800"'},
        {"output_data": b"{"},
        {"output_data": b""},
        {"output_data": 2**64},
        {"output_data": {1: 2}},
        {"output_data": {"a"}},
        {"output_data": Ellipsis},
        {"output_data": _deep(300)},
        {"node_id": "a\0b"},
        {"node_id": "\ud800"},
        {"start_time": 2**63},
        {"run_index": 2**31},
        {"run_index": -1},
        {"retry_count": -1},
        {"start_time": 2, "end_time": 1},
        {"node_type": "NONSENSE"},
        {"status": "NONSENSE"},
    ],
    ids=lambda facts: " ".join(f"{key} {value!r:.20}" for key, value in facts.items()),
)
def test_what_cannot_be_stored_is_refused(
    facts: dict[str, Any], worker: Store, lease: ClaimedExecution, admin: Admin
) -> None:
    with pytest.raises(InvalidInput):
        worker.node_executions.record(replace(result(lease), **facts))
    assert count(admin, "node_executions") == 0
    worker.node_executions.record(result(lease))  # the store works on


def test_what_json_has_no_number_for_becomes_null(worker: Store, lease: ClaimedExecution) -> None:
    worker.node_executions.record(result(lease, output_data=[math.nan, math.inf]))
    worker.node_executions.record(result(lease, output_data=[math.nan, math.inf]))
    assert stored(worker, lease).output_data == [None, None]


def test_bytes_that_are_no_utf8_are_refused(worker: Store, lease: ClaimedExecution) -> None:
    with pytest.raises(InvalidInput):
        worker.node_executions.record(result(lease, output_data=b"\xff"))


def test_true_is_not_one(worker: Store, lease: ClaimedExecution) -> None:
    worker.node_executions.record(result(lease, output_data={"ok": 1}))
    with pytest.raises(AlreadyRecorded, match="output_data"):
        worker.node_executions.record(result(lease, output_data={"ok": True}))


def test_a_node_id_that_no_index_takes_is_refused(worker: Store, lease: ClaimedExecution) -> None:
    long = "".join(chr(0x4E00 + n * 7919 % 20_000) for n in range(6_000))  # such that it does not compress
    with pytest.raises(InvalidInput):
        worker.node_executions.record(result(lease, long))
