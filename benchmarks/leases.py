"""Executions that are running: what node results are written under."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from uuid import UUID

import psycopg

import wfstore
from benchmarks.bench import Bench
from wfstore import ClaimedExecution, NewExecution, NodeResult, Role, Store
from wfstore.ids import DEFAULT_TENANT, uuid7
from wfstore.vocabulary import NodeStatus, NodeType

_HOURS = timedelta(hours=12)  # no lease ends while it is measured
_BATCH = 500


def tenants(database_url: str, count: int) -> list[UUID]:
    """The default tenant, and so many new ones that there are `count`."""
    ids = [uuid7() for _ in range(count - 1)]
    with closing(psycopg.connect(database_url, autocommit=True)) as connection, connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO tenants (id, slug, name) VALUES (%s, %s, 'Tenant')", [(each, str(each)) for each in ids]
        )
    return [DEFAULT_TENANT, *ids]


def add_workflow(store: Store) -> UUID:
    """Add a small workflow."""
    return store.workflows.add({"name": "benchmark", "nodes": [], "connections": []}).id


def enqueue(store: Store, workflow_id: UUID, count: int) -> None:
    """Enqueue so many executions."""
    for begin in range(0, count, _BATCH):
        new = (NewExecution(workflow_id=workflow_id) for _ in range(min(_BATCH, count - begin)))
        store.executions.enqueue(*new)


def claimed(bench: Bench, database_url: str, count: int, *, tenant: UUID = DEFAULT_TENANT) -> list[ClaimedExecution]:
    """Enqueue executions of one tenant and claim them."""
    with wfstore.connect(bench.url(database_url, Role.APP), tenant=tenant) as store:
        enqueue(store, add_workflow(store), count)
    found: list[ClaimedExecution] = []
    with wfstore.connect(bench.url(database_url, Role.WORKER), role=Role.WORKER, tenant=tenant) as worker:
        while len(found) < count:
            limit = min(_BATCH, count - len(found))
            found += worker.executions.claim(queue="default", worker_id="benchmark", limit=limit, lease=_HOURS)
    return found


class Nodes:
    """The nodes of one execution, one after the other."""

    def __init__(self, lease: ClaimedExecution, given: object, returned: object) -> None:
        self._lease = lease
        self._given = given
        self._returned = returned
        self._done = 0

    def next(self) -> NodeResult:
        """The result of the next node."""
        self._done += 1
        return NodeResult(
            lease=self._lease,
            node_id=f"node-{self._done}",
            node_type=NodeType.ACTION,
            status=NodeStatus.SUCCESS,
            start_time=1_700_000_000_000,
            end_time=1_700_000_000_010,
            input_data=self._given,
            output_data=self._returned,
        )
