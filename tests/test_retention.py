"""Periods of history are listed and dropped; one that is still in use is not."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from tests.commandkit import run
from tests.executionkit import NOW, Admin, add_workflow, claim, count, ending, until
from tests.queue_model_invariants import broken
from wfstore import NewExecution, Store, retention, uuid7
from wfstore.errors import StillReferenced

WEEK = timedelta(days=7)
OLD = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.fixture
def old_weeks(store: Store, worker: Store, admin: Admin) -> list[str]:
    """Two weeks of long ago with an ended execution each, that a signal and a key refer to."""
    workflow_id = add_workflow(store)
    for at in (OLD, OLD + WEEK):
        admin.execute("SELECT wfstore_create_partition(%s)", [at])
        execution = NewExecution(
            workflow_id=workflow_id, execution_id=uuid7(at + timedelta(days=1)), visible_at=NOW, idempotency_key=str(at)
        )
        store.executions.enqueue(execution, now=NOW)
        store.executions.signal(execution.execution_id, "go", now=NOW)
        worker.executions.finish_many([ending(each) for each in claim(worker)])
    return ["p20240101", "p20240108"]


def periods(database: str) -> list[str]:
    with retention.maintainer(database) as connection:
        return [period.suffix for period in retention.periods(connection)]


def test_what_has_expired_is_dropped_with_what_refers_to_it(database: str, old_weeks: list[str], admin: Admin) -> None:
    first, second = old_weeks
    everything = periods(database)
    assert everything[:2] == old_weeks
    listed = json.loads(run(database, "partitions", "list", "--json").stdout)
    assert [(each["suffix"], each["expired"]) for each in listed] == [(each, each in old_weeks) for each in everything]
    would = run(database, "partitions", "drop", "--before", "2024-01-08", "--dry-run", "--json")
    assert json.loads(would.stdout) == {"would_drop": [first]}
    assert periods(database) == everything

    done = run(database, "partitions", "drop", "--before", "2024-01-08", "--yes", "--json")
    # of the first week: its counts (the workflow's, the tenant's, its day's), a signal and a key
    assert json.loads(done.stdout) == {"dropped": [first], "rows_removed": 5}
    assert periods(database) == everything[1:]
    tables = ("workflow_executions", "execution_signals", "execution_keys")
    assert [count(admin, table) for table in tables] == [1, 1, 1]
    assert broken(admin) == []
    assert json.loads(run(database, "partitions", "drop", "--expired", "--yes", "--json").stdout)["dropped"] == [second]
    assert run(database, "partitions", "drop", "--expired", "--yes").stdout == "nothing to drop\n"
    assert count(admin, "execution_stats") == 0
    assert run(database, "partitions", "analyze").stdout == "analyzed\n"


def test_what_would_go_by_mistake_is_refused(database: str, old_weeks: list[str], store: Store) -> None:
    for arguments, reason in (
        (["--yes"], "say which"),
        (["--expired", "--before", "2024-01-08"], "say which"),
        (["--expired"], "--yes"),
    ):
        refused = run(database, "partitions", "drop", *arguments)
        assert (refused.returncode, reason in refused.stderr) == (2, True)
    # One that has not ended, of another week than that of its first look.
    [workflow] = store.executions.page(before_id=uuid7(OLD + 2 * WEEK), limit=1)
    store.executions.enqueue(
        NewExecution(workflow_id=workflow.workflow_id, execution_id=uuid7(OLD + WEEK - NOW.resolution))
    )
    with retention.maintainer(database) as connection:
        [period] = retention.before(connection, OLD + WEEK)
        with pytest.raises(StillReferenced, match=r"p20240101 has an execution .* has not ended"):
            retention.drop(connection, period)
    refused = run(database, "partitions", "drop", "--before", "2024-01-08", "--yes")
    assert (refused.returncode, "has not ended" in refused.stderr, "Traceback" in refused.stderr) == (1, True, False)
    assert periods(database)[:2] == old_weeks


def test_who_is_in_the_way_is_waited_for_again_and_again(database: str, old_weeks: list[str]) -> None:
    """It gives way after 200 ms, so that those behind it go on; and comes back until the reader has gone."""
    tries: list[str] = []
    with psycopg.connect(database) as reader:
        reader.execute("SELECT FROM workflow_executions LIMIT 1")

        def drop() -> None:
            with retention.maintainer(database) as connection:
                [period] = retention.before(connection, OLD + WEEK)
                retention.drop(connection, period, report=tries.append)

        thread = threading.Thread(target=drop)
        thread.start()
        until(lambda: tries, "it gives way")
        reader.rollback()
        thread.join(60)
    assert not thread.is_alive()
    assert periods(database)[0] == old_weeks[1]
