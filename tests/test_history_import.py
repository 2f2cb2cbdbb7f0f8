"""Bulk import of history: equal, all or nothing, again, in constant memory, for one's own tenant only."""

from __future__ import annotations

import gc
import threading
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import wfstore
from tests import facekit
from tests.crudkit import add_workflow, enqueue
from tests.databasekit import cloned
from tests.historykit import as_read, ended, endless, executions, many, run
from wfstore import EndedExecution, HistoryImport, Store, uuid7
from wfstore.errors import InvalidInput, NotFound, PartitionOutOfWindow, WfstoreError
from wfstore.history_rows import encode
from wfstore.ids import time_of
from wfstore.partitions import maintainer

face, app = facekit.face, facekit.app
FAR = datetime(2021, 3, 4, 5, tzinfo=UTC)
Admin = psycopg.Connection[Any]


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of 20 executions, and ten asked for at once."""
    for module in ("wfstore.aio.history", "wfstore.sync.history"):
        monkeypatch.setattr(f"{module}.CHUNK_EXECUTIONS", 20)
        monkeypatch.setattr(f"{module}.ASKED_AT_ONCE", 10)


def counted(connection: Admin) -> tuple[int, int]:
    [row] = connection.execute(
        "SELECT (SELECT count(*) FROM workflow_executions), (SELECT count(*) FROM node_executions)"
    ).fetchall()
    return row[0], row[1]


# --- what is imported is what is read -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def shared(server_url: str) -> Iterator[tuple[dict[str, Store], UUID]]:
    """Both faces on one database, with a workflow."""
    with cloned(server_url) as url, wfstore.connect(url) as store, facekit.Face("async").connect(url) as other:
        yield {"sync": store, "async": other}, add_workflow(store)


@pytest.mark.parametrize("name", ["sync", "async"])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_what_is_imported_is_what_is_read(
    shared: tuple[dict[str, Store], UUID], name: str, data: st.DataObject
) -> None:
    stores, workflow_id = shared
    given_ones = data.draw(st.lists(executions(workflow_id), max_size=5))
    counts = stores[name].executions.import_history(given_ones)
    nodes = sum(len(each.nodes) for each in given_ones)
    assert counts == HistoryImport(read=len(given_ones), inserted=len(given_ones), node_runs=nodes)
    for each in given_ones:
        assert as_read(stores["sync"], each.execution_id) == each


def test_what_is_left_out_and_json_that_is_text_already(app: Store) -> None:
    workflow_id = add_workflow(app)
    one = ended(workflow_id, metadata=b'{"a": 1e16}', nodes=[run(output_data=b"[1.0, 2]")])
    app.executions.import_history([one])
    stored = as_read(app, one.execution_id)
    assert stored == replace(
        one, metadata={"a": 1e16}, created_at=time_of(one.execution_id), nodes=[run(output_data=[1.0, 2])]
    )
    assert [type(number) for number in stored.nodes[0].output_data] == [float, int]


# --- again, and side by side --------------------------------------------------------------------------------


@pytest.mark.usefixtures("small_chunks")
def test_what_is_there_stays(app: Store, admin: Admin) -> None:
    """Chunks that are there, one that is there in part, and new ones; an id twice; one that is under way."""
    workflow_id = add_workflow(app)
    all_of_them = many(workflow_id, 70)
    app.executions.import_history(all_of_them[:47])
    running = enqueue(app, workflow_id)
    changed = [replace(each, error_message="changed", nodes=[run(), run(run_index=1)]) for each in all_of_them]
    again = [*changed, ended(workflow_id, execution_id=running), changed[3], changed[69]]
    seen: list[HistoryImport] = []
    counts = app.executions.import_history(again, progress=seen.append)
    assert counts == seen[-1] == HistoryImport(read=73, inserted=23, present=50, node_runs=46)
    assert [so_far.read for so_far in seen] == sorted(so_far.read for so_far in seen)
    assert len(seen) > 3
    stored = [as_read(app, each.execution_id) for each in all_of_them]
    assert [each.error_message for each in stored if each] == [None] * 47 + ["changed"] * 23
    assert [len(each.nodes) for each in stored if each] == [1] * 47 + [2] * 23
    assert app.executions.get(execution_id=running).status == "NEW"
    assert counted(admin) == (71, 93)


@pytest.mark.usefixtures("small_chunks")
def test_two_imports_of_the_same_executions(app: Store, admin: Admin) -> None:
    """In opposite orders: each execution is inserted by one of them, with its node runs, and none deadlocks."""
    everything = many(add_workflow(app), 100)
    gate = threading.Barrier(2)

    def imported(ones: list[EndedExecution]) -> HistoryImport:
        gate.wait(30)
        return app.executions.import_history(ones)

    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(imported, [everything, everything[::-1]])
    assert one.inserted + other.inserted == one.node_runs + other.node_runs == 100
    assert [each.inserted + each.present for each in (one, other)] == [100, 100]
    assert counted(admin) == (100, 100)


# --- refusals -----------------------------------------------------------------------------------------------

LONG = "".join(chr(0x4E00 + number) for number in range(5000))
HALF = "\ud800"
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "an id of another version": ({"execution_id": uuid4()}, "not a UUIDv7"),
    "an id that is a text": ({"execution_id": "x"}, "execution_id is 'x', which is not a UUID"),
    "no workflow": ({"workflow_id": None}, "workflow_id is None, which is not a UUID"),
    "no such workflow": ({"workflow_id": uuid7()}, "there is no workflow"),
    "not ended": ({"status": "RUNNING"}, "status is 'RUNNING', not one of SUCCESS, ERROR, CANCELED"),
    "no mode": ({"mode": "x"}, "mode is 'x', not one of MANUAL"),
    "times reversed": ({"start_time": 3}, "it ends at 2, before it starts at 3"),
    "no end": ({"end_time": None}, "end_time is None, which is not an integer"),
    "a time beyond 64 bits": ({"end_time": 2**63}, "end_time is 9223372036854775808, which is not an integer"),
    "a time without a zone": ({"created_at": datetime(2026, 1, 1)}, "which is not a time with a time zone"),
    "a NUL in a text": ({"error_message": "a\0b"}, "error_message contains a NUL"),
    "half a pair in a text": ({"triggered_by": HALF}, "triggered_by is '\\\\ud800', which is not a text"),
    "metadata that are no object": ({"metadata": [1]}, "metadata is a JSON object, not list"),
    "metadata that are no object, as text": ({"metadata": b"[1]"}, "workflow_executions: a value is not allowed"),
    "no JSON": ({"run_data": b'{"a":'}, "PostgreSQL cannot store a value"),
    "a NUL in JSON": ({"run_data": {"a": ["\0"]}}, r"run_data.a\[0\]: contains a NUL"),
    "a NUL in JSON, as text": ({"run_data": b'"\\u0000"'}, "PostgreSQL cannot store a value"),
    "half a pair in JSON": ({"error_details": [HALF]}, r"error_details\[0\]: contains a lone surrogate"),
    "no number of JSON": ({"run_data": {1}}, "run_data: is of type set"),
    "a node's word": ({"nodes": [run(node_type="X")]}, "node 'n000', run 0: node_type is 'X', not one of TRIGGER"),
    "a node's status": ({"nodes": [run(status="NEW")]}, "status is 'NEW', not one of PENDING"),
    "a node's times": ({"nodes": [run(), run(run_index=1, start_time=2, end_time=1)]}, "run 1: it ends at 1"),
    "a negative pass": ({"nodes": [run(run_index=-1)]}, "run_index, retry_count and max_retries are 0 or more"),
    "a pass beyond 32 bits": ({"nodes": [run(run_index=2**31)]}, "which is not an integer of 32 bits"),
    "a pass twice": ({"nodes": [run(), run(output_data=1)]}, "a node has two runs of one run_index"),
    "a node without an id": ({"nodes": [run(node_id=None)]}, "node_id is None, which is not a text"),
    "a node id too long for an index": ({"nodes": [run(node_id=LONG)]}, "cannot store"),
    "a node's payload": ({"nodes": [run(input_data={"a": HALF})]}, "run 0: input_data.a: contains a lone"),
}  # fmt: skip


def test_what_cannot_be_stored_is_refused_by_name_and_the_rest_goes_on(app: Store, admin: Admin) -> None:
    workflow_id = add_workflow(app)
    good = many(workflow_id, len(BAD) + 1)
    bad = {what: ended(workflow_id, **changes) for what, (changes, _) in BAD.items()}
    mixed = [good[-1], *(each for pair in zip(bad.values(), good, strict=False) for each in pair)]
    refused: dict[int, WfstoreError] = {}
    counts = app.executions.import_history(mixed, refused=lambda one, why: refused.setdefault(id(one), why))
    assert counts == HistoryImport(read=len(mixed), inserted=len(good), refused=len(bad), node_runs=len(good))
    assert {what for what, each in bad.items() if id(each) not in refused} == set()
    for each in bad.values():
        said = str(refused[id(each)])
        assert said.startswith(f"execution {each.execution_id}: "), said
    assert [as_read(app, each.execution_id) for each in good] == [
        replace(each, created_at=time_of(each.execution_id)) for each in good
    ]
    assert counted(admin) == (len(good), len(good))


@pytest.mark.parametrize("what", BAD)
def test_each_refusal_says_why(what: str, shared: tuple[dict[str, Store], UUID]) -> None:
    stores, workflow_id = shared
    changes, message = BAD[what]
    with pytest.raises((InvalidInput, NotFound), match=message):
        stores["sync"].executions.import_history([ended(workflow_id, **changes)])


@pytest.mark.usefixtures("small_chunks")
def test_without_a_place_for_refusals_the_first_one_ends_it(app: Store) -> None:
    workflow_id = add_workflow(app)
    ones = many(workflow_id, 45)
    ones[33] = replace(ones[33], run_data=b"{")
    with pytest.raises(InvalidInput, match=str(ones[33].execution_id)):
        app.executions.import_history(ones)
    ones[33] = replace(ones[33], run_data=None)
    counts = app.executions.import_history(ones)
    assert counts.inserted + counts.present == 45
    assert counts.present >= 20


def test_an_iterable_that_fails_ends_it(app: Store) -> None:
    def failing(workflow_id: UUID) -> Iterator[EndedExecution]:
        yield ended(workflow_id)
        raise RuntimeError("the source is gone")

    with pytest.raises(RuntimeError, match="the source is gone"):
        app.executions.import_history(failing(add_workflow(app)))


def test_not_inside_a_transaction(store: Store) -> None:
    with store.transaction() as tx, pytest.raises(InvalidInput, match="transactions of its own"):
        tx.executions.import_history([])


# --- tenants ------------------------------------------------------------------------------------------------


def test_rows_are_the_tenants_own(app: Store, admin: Admin, other_tenant: UUID) -> None:
    theirs = app.for_tenant(other_tenant)
    workflow_id, foreign = add_workflow(app), add_workflow(theirs)
    one = ended(workflow_id)
    app.executions.import_history([one])
    with pytest.raises(NotFound, match=f"there is no workflow {foreign}"):
        app.executions.import_history([ended(foreign)])
    # The same id is another execution to another tenant.
    assert theirs.executions.import_history([replace(one, workflow_id=foreign)]).inserted == 1
    stored = admin.execute("SELECT tenant_id, workflow_id FROM workflow_executions ORDER BY 1").fetchall()
    assert sorted(stored) == sorted([(app.tenant_id, workflow_id), (other_tenant, foreign)])


def test_nobody_takes_in_for_another_tenant(store: Store, other_tenant: UUID) -> None:
    foreign = add_workflow(store.for_tenant(other_tenant))
    with pytest.raises(WfstoreError, match="row-level security"), store.transaction() as tx:
        queries = store.catalogue.namespaces["history"]
        for name in ("stage_executions", "stage_node_runs"):
            tx.connection.execute(queries[name].text.encode())
        tx.connection.execute(
            "INSERT INTO wfstore_staged_executions (execution_id, workflow_id, workflow_revision, status, mode,"
            " end_time, metadata, created_at) VALUES (%s, %s, 1, 'SUCCESS', 'MANUAL', 1, '{}', now())",
            [uuid7(), foreign],
        )
        tx.connection.execute("SELECT wfstore_take_in(%s)", [other_tenant])


# --- periods ------------------------------------------------------------------------------------------------


def test_periods_within_the_window_are_made(app: Store, admin: Admin) -> None:
    at = datetime.now(UTC) - timedelta(days=30)
    one = ended(add_workflow(app), execution_id=uuid7(at))
    assert app.partitions.missing(ats=[at]) == [at]
    assert app.executions.import_history([one]).inserted == 1
    assert app.partitions.missing(ats=[at]) == []
    assert counted(admin) == (1, 1)


def test_periods_beyond_the_window_are_the_maintainers(app: Store, database: str) -> None:
    workflow_id = add_workflow(app)
    ones = [ended(workflow_id, execution_id=uuid7(FAR + timedelta(days=days))) for days in (0, 1, 8)]
    with pytest.raises(PartitionOutOfWindow, match=str(ones[0].execution_id)) as caught:
        app.executions.import_history(ones)
    assert "wfstore partitions make --from 2021-03-04" in str(caught.value.hint)
    made: list[str] = []
    with maintainer(database) as owner:
        counts = app.executions.import_history(ones, make_partition=lambda at: made.append(owner.make(at)))
    assert counts.inserted == 3
    assert made[-1] == "p20210308"
    assert sorted(set(made)) == ["p20210301", "p20210308"]


# --- memory -------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("small_chunks")
def test_memory_does_not_grow_with_the_number(store: Store) -> None:
    """Ten times as many executions, with four megabytes of payload between them, take no half a megabyte more."""
    workflow_id = add_workflow(store)

    def peak(count: int) -> int:
        gc.collect()
        tracemalloc.start()
        try:
            assert store.executions.import_history(endless(workflow_id, count, "x" * 2_000)).inserted == count
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(100)
    few, ten_times = peak(200), peak(2_000)
    assert ten_times < few + 500_000


def test_a_row_is_encoded_without_more_bytes_than_it_has() -> None:
    encoded = encode(ended(uuid7(), nodes=[]))
    assert encoded.nodes == b""
    assert encoded.size == len(encoded.row)
