"""The roll-up of what has ended, and updates of history that stay on their page."""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any
from uuid import UUID

from tests.executionkit import LATER, NOW, Admin, add_workflow, claim, ending, enqueue
from tests.queue_model_invariants import broken
from wfstore import NewExecution, Store, uuid7
from wfstore.ids import LAST_ID
from wfstore.leases import Failure, RetryPolicy
from wfstore.resources import MIGRATIONS, QUERIES
from wfstore.vocabulary import ExecutionStatus

EVERYTHING = UUID(int=0)
"""What counts for the whole tenant, instead of a workflow."""
DAYS = UUID(int=2**128 - 1)
"""The same by the day."""


def bucket_of(milliseconds: int) -> int:
    return min(milliseconds.bit_length(), 31)


def counts(admin: Admin, workflow_id: UUID) -> dict[str, int]:
    """What the roll-up has of a workflow, or of the tenant."""
    text = "SELECT status, sum(executions)::integer FROM execution_stats WHERE workflow_id = %s GROUP BY status"
    return {status: number for status, number in admin.execute(text, [workflow_id]).fetchall() if number}


# --- histograms ---------------------------------------------------------------------------------------------


def test_histograms(admin: Admin) -> None:
    """Each duration in its bucket, also at the bounds; sums and weights; percentiles within a factor of two."""
    edges = [2**power + step for power in range(34) for step in (-1, 0, 1)]
    dice = random.Random(7)
    durations = [0, 0, *edges, *(int(dice.lognormvariate(8, 3)) for _ in range(500))]
    expected = [0] * 32
    for each in durations:
        expected[bucket_of(each)] += 1
    text = """
        SELECT wfstore_histogram(%(some)s), wfstore_histogram_size(wfstore_histogram(%(some)s)),
            wfstore_add_histograms(wfstore_histogram(%(some)s), wfstore_histogram(%(some)s, -1)),
            (SELECT wfstore_sum_histograms(wfstore_histogram(ARRAY[d])) FROM unnest(%(some)s) AS d),
            wfstore_histogram(ARRAY[NULL, 5]::bigint[])
    """
    row = admin.execute(text, {"some": durations}).fetchone()
    assert row is not None
    assert row == (expected, len(durations), [0] * 32, expected, [0, 0, 0, 1] + [0] * 28)
    ordered = sorted(each for each in durations if each < 2**30)  # the last bucket has no end
    for fraction in (0.001, 0.25, 0.5, 0.9, 0.95, 0.99, 1.0):
        text = "SELECT wfstore_percentile(wfstore_histogram(%s), %s)"
        [found] = admin.execute(text, [ordered, fraction]).fetchone() or [None]
        reached = [number >= fraction * len(ordered) for number in accumulate(1 for _ in ordered)]
        true = ordered[reached.index(True)]
        assert found is not None
        assert true / 2 <= found <= 2 * true, (fraction, true, found)
    assert admin.execute("SELECT wfstore_percentile(wfstore_histogram('{}'), 0.5)").fetchone() == (None,)


# --- what is counted ----------------------------------------------------------------------------------------


def additions(text: str) -> list[str]:
    """Each statement that adds to the roll-up, without comments and with one name for what has ended."""
    bare = re.sub(r"--.*", "", text)
    found = re.findall(r"INSERT INTO execution_stats AS.*?durations = [^\n]*", bare, re.DOTALL)
    sources = [re.search(r"FROM (\w+)(?: AS (\w+))?\s+(?:WHERE NOT \1\.retried\s+)?GROUP BY", each) for each in found]
    return [
        " ".join(
            re.sub(rf"\b{source[2] or source[1]}\.", "ended.", each.replace(source[0], "FROM ended GROUP BY")).split()
        )
        if source
        else each
        for each, source in zip(found, sources, strict=True)
    ]


def test_all_batches_are_counted_by_the_same_text() -> None:
    """It stands in each query that ends executions, as it must be one statement with them; they are in step."""
    queries = [each for path in sorted(QUERIES.glob("*.sql")) for each in additions(path.read_text())]
    steps = [each for path in sorted(MIGRATIONS.glob("*.sql")) for each in additions(path.read_text())]
    [alone] = [each for each in queries if "GROUP BY" not in each]  # delete: of one, and it is taken away
    assert "wfstore_histogram(ARRAY[ended.duration], -1)" in alone
    queries.remove(alone)
    assert (len(queries), len(steps)) == (3, 2)
    assert len({*queries, *steps}) == 1


def test_whatever_ends_is_counted_where_its_id_lies(store: Store, worker: Store, admin: Admin) -> None:
    """Finished, failed for good, given up, canceled with its children; not counted: retried. Deleted: no more."""
    first, second = add_workflow(store), add_workflow(store)
    monday = datetime(2024, 1, 1, tzinfo=UTC)
    admin.execute("SELECT wfstore_create_partition(%s)", [monday])
    hours = [monday + timedelta(hours=hours, milliseconds=ms) for hours, ms in ((0, 0), (1, -1), (1, 0), (5, 7))]

    def started(workflow_id: UUID, at: datetime, **facts: Any) -> Any:
        execution = NewExecution(workflow_id=workflow_id, execution_id=uuid7(at), visible_at=NOW, **facts)
        store.executions.enqueue(execution, now=NOW)
        [lease] = claim(worker)
        return lease

    leases = [started(workflow_id, at) for workflow_id in (first, second) for at in hours]
    worker.executions.finish_many([ending(each, end_time=each.start_time + 10 * n) for n, each in enumerate(leases)])
    assert (counts(admin, first), counts(admin, EVERYTHING)) == ({"SUCCESS": 4}, {"SUCCESS": 8})
    assert broken(admin) == []

    never_again, again = (started(first, hours[0], retry=RetryPolicy(max_attempts=n)) for n in (1, 2))
    failures = [Failure(lease=lease, error_message="broken") for lease in (never_again, again)]
    outcomes = worker.executions.fail_many(failures, now=NOW)
    assert {i: o.retried for i, o in outcomes.items()} == {never_again.execution_id: False, again.execution_id: True}
    assert counts(admin, first) == {"SUCCESS": 4, "ERROR": 1}
    assert broken(admin) == []

    started(second, hours[1], retry=RetryPolicy(max_attempts=1))
    assert worker.executions.wake_due(queue="default", now=LATER, limit=9, tenant_ids=[store.tenant_id]) >= 1
    assert counts(admin, second) == {"SUCCESS": 4, "ERROR": 1}
    assert broken(admin) == []

    [parent] = enqueue(store, first)
    enqueue(store, second, 3, parent_execution_id=parent)
    assert store.executions.cancel(parent)
    assert (counts(admin, first)["CANCELED"], counts(admin, second)["CANCELED"]) == (1, 3)
    assert broken(admin) == []

    for lease in leases[::2]:
        assert store.executions.delete(execution_id=lease.execution_id) == 1
        assert store.executions.delete(execution_id=lease.execution_id) == 0
    assert store.executions.delete(execution_id=parent) == 1
    assert counts(admin, EVERYTHING) == counts(admin, DAYS) == {"SUCCESS": 4, "ERROR": 2, "CANCELED": 3}
    assert counts(admin, first) == {"SUCCESS": 2, "ERROR": 1}
    assert broken(admin) == []


def test_a_batch_is_one_row_for_each_workflow_hour_and_status(store: Store, worker: Store, admin: Admin) -> None:
    """However many it has; and a second one of the same connection is added to the same rows."""
    workflow_id = add_workflow(store)
    at = NOW.replace(minute=30)
    for _ in range(2):
        executions = [NewExecution(workflow_id=workflow_id, execution_id=uuid7(at), visible_at=NOW) for _ in range(40)]
        store.executions.enqueue(*executions, now=NOW)
        leases = claim(worker, limit=40)
        statuses = [ExecutionStatus.SUCCESS, ExecutionStatus.ERROR] * 20
        with worker.transaction() as tx:
            tx.executions.finish_many([ending(*each) for each in zip(leases, statuses, strict=True)])
    text = "SELECT workflow_id, status, slot, sum(executions)::integer FROM execution_stats GROUP BY 1, 2, 3"
    found = admin.execute(text).fetchall()
    slots = {slot for _, _, slot, _ in found}
    expected = [(w, s, 40) for w in (workflow_id, EVERYTHING, DAYS) for s in ("SUCCESS", "ERROR")]
    assert sorted((str(w), s, sum(n for a, b, _, n in found if (a, b) == (w, s))) for w, s, _ in expected) == sorted(
        (str(w), s, n) for w, s, n in expected
    )
    [written] = admin.execute("SELECT count(*) FROM execution_stats").fetchone() or [0]
    assert written == 6 * len(slots)


# --- pages by a rare status, and updates that stay on their page --------------------------------------------


def test_pages_by_a_rare_status(store: Store, worker: Store) -> None:
    """Through an index of the few that failed or were canceled."""
    workflow_id = add_workflow(store)
    ids: dict[ExecutionStatus, list[UUID]] = {status: [] for status in ExecutionStatus if status.is_final}
    for status in (ExecutionStatus.SUCCESS, ExecutionStatus.ERROR) * 3:
        enqueue(store, workflow_id)
        [lease] = claim(worker)
        worker.executions.finish(ending(lease, status))
        ids[status].insert(0, lease.execution_id)
    for identifier in enqueue(store, workflow_id, 4)[:3]:
        store.executions.cancel(identifier)
        ids[ExecutionStatus.CANCELED].insert(0, identifier)
    pages = {
        ExecutionStatus.ERROR: store.executions.page_failed,
        ExecutionStatus.CANCELED: store.executions.page_canceled,
    }
    for status, page in pages.items():
        expected = sorted(ids[status], reverse=True)
        assert [row.execution_id for row in page(before_id=LAST_ID, limit=9)] == expected
        assert [row.execution_id for row in page(before_id=expected[0], limit=1)] == expected[1:2]
        assert {row.status for row in page(before_id=LAST_ID, limit=9)} == {status}


def test_a_run_that_succeeds_writes_to_no_index_of_history_again(store: Store, worker: Store) -> None:
    """Its updates are heap-only: no index names what they change. What fails enters the index of failures."""
    workflow_id = add_workflow(store)
    statuses = [ExecutionStatus.SUCCESS] * 6 + [ExecutionStatus.ERROR] * 2
    updated = """
        SELECT sum(pg_stat_get_xact_tuples_updated(relid))::integer,
            sum(pg_stat_get_xact_tuples_hot_updated(relid))::integer
        FROM pg_partition_tree('workflow_executions')
    """
    # In one transaction: its old versions stay, so all three of each must have room on one page.
    with worker.transaction() as tx:
        new = [NewExecution(workflow_id=workflow_id, visible_at=NOW) for _ in statuses]
        tx.executions.enqueue(*new, now=NOW)
        leases = tx.executions.claim(queue="default", worker_id="w", limit=9, lease=timedelta(seconds=30), now=NOW)
        tx.executions.finish_many([ending(*each) for each in zip(leases, statuses, strict=True)])
        found = tx.connection.execute(updated).fetchone()
    assert found == (16, 14)
    assert [row.status for row in store.executions.page(before_id=LAST_ID, limit=9)].count(ExecutionStatus.ERROR) == 2
