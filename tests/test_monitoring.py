"""What operators look at, against values computed by hand."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from tests.executionkit import NOW, Admin, add_workflow, claim, ending, enqueue, result
from wfstore import NewExecution, Store, uuid7
from wfstore.ids import FIRST_ID, floor_id
from wfstore.leases import RetryPolicy
from wfstore.models import NodeFailures, Performance, StatusCount, WorkflowPerformance
from wfstore.vocabulary import ExecutionStatus, NodeStatus

HOUR = timedelta(hours=1)
MILLISECOND = timedelta(milliseconds=1)
START = 1_700_000_000_000


@pytest.fixture
def busy_neighbour(store: Store, worker: Store, other_tenant: UUID) -> UUID:
    """Another tenant, in which everything occurs that is counted."""
    theirs, working = store.for_tenant(other_tenant), worker.for_tenant(other_tenant)
    workflow_id = add_workflow(theirs, name="theirs")
    run(theirs, working, workflow_id, 99_999, nodes={"theirs": (99_999, NodeStatus.ERROR)})
    enqueue(theirs, workflow_id, 3)
    enqueue(theirs, workflow_id, 1, queue="theirs")
    return other_tenant


def run(
    store: Store,
    worker: Store,
    workflow_id: UUID,
    milliseconds: int,
    *,
    status: ExecutionStatus = ExecutionStatus.SUCCESS,
    at: datetime = NOW,
    nodes: dict[str, tuple[int, NodeStatus]] | None = None,
) -> None:
    """An execution of the time `at` that took so long, with nodes that took so long."""
    execution = NewExecution(workflow_id=workflow_id, execution_id=uuid7(at), queue="run", visible_at=NOW)
    store.executions.enqueue(execution)
    [lease] = claim(worker, queue="run")
    for node, (duration, outcome) in (nodes or {}).items():
        facts = {"status": outcome, "start_time": START, "end_time": START + duration}
        worker.node_executions.record(result(lease, node, **facts))
    worker.executions.finish(ending(lease, status, start_time=START, end_time=START + milliseconds))


def by_status(counts: list[StatusCount]) -> dict[str, int]:
    return {str(each.status): each.executions for each in counts}


@pytest.mark.usefixtures("busy_neighbour")
def test_executions_by_status(store: Store, worker: Store) -> None:
    workflow_id = add_workflow(store)
    for status, count in ((ExecutionStatus.SUCCESS, 3), (ExecutionStatus.ERROR, 2)):
        for _ in range(count):
            run(store, worker, workflow_id, 10, status=status)
    cancelled, *_ = enqueue(store, workflow_id, 5)
    store.executions.cancel(cancelled)
    claim(worker)
    monitoring = store.monitoring
    everything = {"SUCCESS": 3, "ERROR": 2, "CANCELED": 1, "RUNNING": 1, "NEW": 3}
    assert by_status(monitoring.by_status(since_id=FIRST_ID)) == everything
    assert by_status(monitoring.active_by_status()) == {"RUNNING": 1, "NEW": 3}


def test_a_window_begins_at_an_id(store: Store, worker: Store) -> None:
    workflow_id = add_workflow(store)
    hour = NOW.replace(minute=0, second=0, microsecond=0)
    for hours, milliseconds in ((3, 1_000), (2, 100), (1, 10)):
        nodes = {"n": (milliseconds, NodeStatus.ERROR)}
        run(store, worker, workflow_id, milliseconds, at=hour - hours * HOUR + HOUR / 2, nodes=nodes)
    [waits] = store.executions.enqueue(NewExecution(workflow_id=workflow_id, execution_id=uuid7(hour - HOUR)))
    monitoring = store.monitoring
    for since, runs in ((hour - 4 * HOUR, 3), (hour - 1.5 * HOUR, 2), (hour - 1.4 * HOUR, 1), (hour, 0)):
        for query in (monitoring.failing_nodes, monitoring.slowest_nodes):
            assert [each.runs for each in query(limit=5, since_id=floor_id(since))] == [runs] * bool(runs)
    # What has ended is counted by the hour: from the full one in which the window begins; and so is what has not.
    for since, expected in (
        (hour - 3 * HOUR, 3),
        (hour - 2 * HOUR - MILLISECOND, 3),
        (hour - 2 * HOUR, 2),
        (hour - MILLISECOND, 1),
        (hour, 0),
    ):
        window = {"since_id": floor_id(since)}
        active = {"NEW": 1} if since < hour else {}
        assert by_status(monitoring.by_status(**window)) == active | ({"SUCCESS": expected} if expected else {})
        assert monitoring.performance(**window).executions == expected
        found = monitoring.performance_by_workflow(limit=5, **window)
        assert [each.executions for each in found] == [expected] * bool(expected)
    assert store.executions.cancel(waits.execution_id)
    assert by_status(monitoring.by_status(since_id=floor_id(hour))) == {}


@pytest.mark.usefixtures("busy_neighbour")
def test_durations_of_finished_executions(store: Store, worker: Store) -> None:
    fast, slow = add_workflow(store, name="fast"), add_workflow(store, name="slow")
    for milliseconds in (50, 10, 40, 20, 30):
        run(store, worker, fast, milliseconds)
    run(store, worker, slow, 1_000, status=ExecutionStatus.ERROR)
    run(store, worker, slow, 2_000)
    run(store, worker, slow, 5_555, status=ExecutionStatus.CANCELED)  # says nothing of how long it takes
    enqueue(store, slow)
    # The 7 lie in buckets that begin at 8 (one), 16 (two), 32 (two), 512 (one) and 1024 (one), and as if evenly in
    # each: half of them are 3.5, of which 0.5 lie in the two from 32 on; 0.95 are 6.65, and 0.65 in the one from 1024.
    assert rounded(store.monitoring.performance(since_id=FIRST_ID)) == (7, 450.0, 40.0, 1_689.6, 1_976.32)
    rows = store.monitoring.performance_by_workflow(since_id=FIRST_ID, limit=10)
    assert [(each.workflow_id, each.name, *rounded(each)) for each in rows] == [
        (fast, "fast", 5, 30.0, 28.0, 60.0, 63.2),
        (slow, "slow", 2, 1_500.0, 1_024.0, 1_945.6, 2_027.52),
    ]
    assert store.monitoring.performance_by_workflow(since_id=FIRST_ID, limit=1) == rows[:1]


def rounded(row: Performance | WorkflowPerformance) -> tuple[float | None, ...]:
    durations = (row.average_ms, row.p50_ms, row.p95_ms, row.p99_ms)
    return row.executions, *(value and round(value, 6) for value in durations)


def test_without_executions_there_are_no_durations(store: Store) -> None:
    nothing = Performance(executions=0, average_ms=None, p50_ms=None, p95_ms=None, p99_ms=None)
    monitoring = store.monitoring
    assert monitoring.performance(since_id=FIRST_ID) == nothing
    assert monitoring.by_status(since_id=FIRST_ID) == monitoring.active_by_status() == []
    assert monitoring.queue_depth(now=NOW) == []
    assert monitoring.failing_nodes(since_id=FIRST_ID, limit=1) == []


@pytest.mark.usefixtures("busy_neighbour")
def test_failing_and_slowest_nodes(store: Store, worker: Store) -> None:
    one, two = sorted((add_workflow(store, name="one"), add_workflow(store, name="two")))
    good, bad = NodeStatus.SUCCESS, NodeStatus.ERROR
    run(store, worker, one, 9, nodes={"a": (100, bad), "b": (10, good), "c": (7, good)})
    run(store, worker, one, 9, nodes={"a": (300, bad), "b": (20, bad)})
    run(store, worker, one, 9, nodes={"a": (200, good), "b": (60, good)})
    run(store, worker, two, 9, nodes={"a": (1_000, bad), "skipped": (0, NodeStatus.SKIPPED)})
    failures = store.monitoring.failing_nodes(since_id=FIRST_ID, limit=10)
    assert failures == [
        NodeFailures(workflow_id=one, node_id="a", runs=3, failures=2),
        NodeFailures(workflow_id=one, node_id="b", runs=3, failures=1),
        NodeFailures(workflow_id=two, node_id="a", runs=1, failures=1),
    ]
    assert store.monitoring.failing_nodes(since_id=FIRST_ID, limit=2) == failures[:2]
    # Of 100 200 300, p95 lies 0.95 of the way from the 1st to the 3rd: 290. Of 10 20 60: 56.
    slowest = store.monitoring.slowest_nodes(since_id=FIRST_ID, limit=3)
    assert [(e.workflow_id, e.node_id, e.runs, e.average_ms, round(e.p95_ms, 6), e.max_ms) for e in slowest] == [
        (two, "a", 1, 1_000.0, 1_000.0, 1_000),
        (one, "a", 3, 200.0, 290.0, 300),
        (one, "b", 3, 30.0, 56.0, 60),
    ]


@pytest.mark.usefixtures("busy_neighbour")
def test_queue_depth(store: Store, worker: Store, admin: Admin) -> None:
    workflow_id = add_workflow(store)
    second = timedelta(seconds=1)
    once = RetryPolicy(max_attempts=1)
    enqueue(store, workflow_id, 2, visible_at=NOW - 5 * second)
    for lease in claim(worker, limit=9):
        assert worker.executions.suspend(lease, until=NOW, now=NOW)  # it waits until a claim sees that it is due
    enqueue(store, workflow_id, 2, visible_at=NOW - 5 * second, concurrency_key="one at a time")
    enqueue(store, workflow_id, 2, visible_at=NOW - 5 * second)
    enqueue(store, workflow_id, 1, visible_at=NOW - 5 * second, retry=once)
    assert len(claim(worker, limit=9, now=NOW - second)) == 4  # one is parked
    enqueue(store, workflow_id, 1, visible_at=NOW - 90 * second)
    assert len(claim(worker, now=NOW - 80 * second)) == 1  # its lease was over 50 s ago: another may claim it
    enqueue(store, workflow_id, 1, visible_at=NOW - 200 * second, retry=once)
    assert len(claim(worker, now=NOW - 190 * second)) == 1  # over too, and it will be given up
    enqueue(store, workflow_id, 3, visible_at=NOW - 20 * second)
    enqueue(store, workflow_id, 1, visible_at=NOW)
    enqueue(store, workflow_id, 5, visible_at=NOW + second)
    enqueue(store, workflow_id, 2, queue="mail", visible_at=NOW + second)
    store.execution_pauses.pause_queue("mail")
    found = {each.queue: each.model_dump(exclude={"queue"}) for each in store.monitoring.queue_depth(now=NOW)}
    numbers = ("ready", "scheduled", "running", "expired", "waiting", "parked")
    assert found == {
        "default": {
            "ready": 4,
            "scheduled": 5,
            "running": 4,
            "expired": 2,
            "waiting": 2,
            "parked": 1,
            "paused": False,
            "oldest_ready_at": NOW - 20 * second,
        },
        "mail": dict.fromkeys(numbers, 0) | {"scheduled": 2, "paused": True, "oldest_ready_at": None},
    }
    [entries] = admin.execute("SELECT count(*) FROM execution_queue WHERE queue IN ('default', 'mail')") or [(0,)]
    theirs = 3
    assert sum(each[key] for each in found.values() for key in numbers) == entries[0] - theirs


def test_storage_sums_partitions_to_their_table(store: Store, worker: Store, admin: Admin) -> None:
    workflow_id = add_workflow(store)
    nodes = {f"n{number}": (number, NodeStatus.SUCCESS) for number in range(50)}
    run(store, worker, workflow_id, 10, nodes=nodes)
    run(store, worker, workflow_id, 10, nodes=nodes, at=NOW + timedelta(days=8))
    admin.execute("ANALYZE")
    found = {each.table_name: each for each in store.monitoring.storage(limit=1_000)}
    sizes = """
        SELECT parent.relname, count(*), sum(pg_total_relation_size(piece.oid)), sum(pg_relation_size(piece.oid))
        FROM pg_inherits
        JOIN pg_class AS parent ON parent.oid = inhparent
        JOIN pg_class AS piece ON piece.oid = inhrelid
        WHERE parent.relkind = 'p'
        GROUP BY parent.relname
    """
    partitioned = admin.execute(sizes).fetchall()
    assert {"workflow_executions", "node_executions"} <= {name for name, *_ in partitioned}
    for name, partitions, total, main in partitioned:
        table = found[name]
        assert (table.partitions, table.total_bytes, table.table_bytes) == (partitions, total, main), name
        assert table.table_bytes + table.index_bytes + table.toast_bytes <= table.total_bytes, name
    assert found["node_executions"].rows_estimate == 100
    assert found["workflow_executions"].rows_estimate == 2
    plain = admin.execute(
        "SELECT relname, pg_total_relation_size(oid) FROM pg_class WHERE relname = ANY (%s)",
        [["workflows", "execution_queue", "tenants"]],
    ).fetchall()
    assert {name: found[name].total_bytes for name, _ in plain} == dict(plain)
    assert not [name for name in found if "_p20" in name], "a partition stands for itself"
    totals = [each.total_bytes for each in store.monitoring.storage(limit=1_000)]
    assert totals == sorted(totals, reverse=True)
    assert [each.total_bytes for each in store.monitoring.storage(limit=2)] == totals[:2]
