"""What the tests of executions, node results, imports and replays share."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

import psycopg
from psycopg.conninfo import conninfo_to_dict

from wfstore import ClaimedExecution, Ending, NewExecution, NodeResult, Store
from wfstore.models import Execution, QueueEntry
from wfstore.vocabulary import ExecutionStatus, NodeStatus, NodeType

Admin = psycopg.Connection[Any]
Document = dict[str, Any]

ROOT = Path(__file__).parents[1]
REAL_TRACES = ROOT / "../shared/data/wfinstances"
NOW = datetime.now(UTC)
LEASE = timedelta(seconds=30)
LATER = NOW + 2 * LEASE
"""When a lease taken at NOW is over."""
_PATIENCE = 120.0


def until(condition: Callable[[], Any], what: str, patience: float = _PATIENCE) -> Any:
    """Wait until the condition holds; return what it said."""
    deadline = time.monotonic() + patience
    while not (found := condition()):
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.005)
    return found


@contextmanager
def cloned(server_url: str) -> Iterator[str]:
    """A database for a whole module, where one for each test would take longer than the tests."""
    name = f"wfstore_test_{uuid4().hex}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {os.environ['WFSTORE_TESTS_TEMPLATE']}")
        yield make_url(server_url, name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def make_url(server_url: str, database: str) -> str:
    values = {**conninfo_to_dict(server_url), "dbname": database}
    return "postgresql://?" + "&".join(f"{key}={quote(str(value), safe='')}" for key, value in values.items() if value)


# --- in the database ----------------------------------------------------------------------------------------


def add_workflow(store: Store, *, name: str = "a workflow") -> UUID:
    return store.workflows.add({"name": name, "nodes": [], "connections": []}).id


def enqueue(store: Store, workflow_id: UUID, count: int = 1, **facts: Any) -> list[UUID]:
    executions = [NewExecution(workflow_id=workflow_id, **{"visible_at": NOW} | facts) for _ in range(count)]
    return [each.execution_id for each in store.executions.enqueue(*executions, now=NOW)]


def claim(worker: Store, *, limit: int = 1, **facts: Any) -> list[ClaimedExecution]:
    given: dict[str, Any] = {"queue": "default", "worker_id": "w", "lease": LEASE, "now": NOW} | facts
    return worker.executions.claim(limit=limit, **given)


def claimed(store: Store, worker: Store, **facts: Any) -> ClaimedExecution:
    """A lease on a new execution of a new workflow, the only one that is due."""
    enqueue(store, add_workflow(store), **facts)
    [lease] = claim(worker)
    return lease


def result(lease: ClaimedExecution, node_id: str = "a", **facts: Any) -> NodeResult:
    given: dict[str, Any] = {"node_type": NodeType.ACTION, "status": NodeStatus.SUCCESS} | facts
    return NodeResult(lease=lease, node_id=node_id, **given)


def ending(lease: ClaimedExecution, status: ExecutionStatus = ExecutionStatus.SUCCESS, **facts: Any) -> Ending:
    given: dict[str, Any] = {"end_time": (lease.start_time or 0) + 1_000} | facts
    return Ending(lease=lease, status=status, **given)


def history(store: Store, execution_id: UUID) -> Execution:
    """An execution that is there."""
    found = store.executions.get(execution_id=execution_id)
    assert found is not None
    return found


def queued(store: Store, execution_id: UUID) -> QueueEntry:
    """The queue's row of an execution that has not ended."""
    found = store.executions.get_queue_entry(execution_id=execution_id)
    assert found is not None
    return found


def rows(admin: Admin) -> dict[str, list[str]]:
    """All that the database knows of executions, to be compared."""
    tables = ("execution_queue", "workflow_executions", "node_executions")
    return {
        table: [row for [row] in admin.execute(f"SELECT t::text FROM {table} AS t ORDER BY 1").fetchall()]
        for table in tables
    }


def forget_executions(admin: Admin) -> None:
    """Leave no execution, and no result, as the latter go with the former."""
    admin.execute("DELETE FROM execution_queue")
    admin.execute("DELETE FROM workflow_executions")


def count(admin: Admin, table: str) -> int:
    [found] = admin.execute(f"SELECT count(*) FROM {table}").fetchone() or [0]
    return int(found)


def pid_of(connection: psycopg.Connection[Any]) -> int:
    return connection.info.backend_pid


def blocked_by(admin: Admin, pid: int) -> list[int]:
    """The sessions that wait for a lock that this one holds."""
    text = """
        SELECT pid FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock' AND %s = ANY (pg_blocking_pids(pid))
    """
    return [found for [found] in admin.execute(text, [pid]).fetchall()]


# --- traces and the command line ----------------------------------------------------------------------------


def trace(
    name: str, parents: dict[str, Sequence[str]], *, seconds: float = 1, executed_at: str = "2024-01-01T00:00:00+00:00"
) -> Document:
    """A WfFormat 1.5 document: each task takes `seconds`, and the run as long as all in a row."""
    children = {task: [other for other, its in parents.items() if task in its] for task in parents}
    return {
        "name": name,
        "schemaVersion": "1.5",
        "workflow": {
            "specification": {
                "tasks": [
                    {"id": task, "name": task, "parents": list(its), "children": children[task]}
                    for task, its in parents.items()
                ]
            },
            "execution": {
                "executedAt": executed_at,
                "makespanInSeconds": seconds * len(parents),
                "tasks": [{"id": task, "runtimeInSeconds": seconds} for task in parents],
            },
        },
    }


def diamond(name: str = "diamond", **facts: Any) -> Document:
    return trace(name, {"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"]}, **facts)


def layered(name: str, width: int, depth: int, **facts: Any) -> Document:
    """`depth` layers of `width` tasks; each waits for two of the layer before."""
    parents: dict[str, Sequence[str]] = {}
    for layer in range(depth):
        for place in range(width):
            above = {f"t{layer - 1:02}-{(place + step) % width:02}" for step in (0, 1)} if layer else set()
            parents[f"t{layer:02}-{place:02}"] = sorted(above)
    return trace(name, parents, **facts)
