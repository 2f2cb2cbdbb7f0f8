"""An expired week of executions is dropped while others write: how long it takes, and how long a writer waits."""

from __future__ import annotations

import json
import sys
import threading
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

import wfstore
from wfstore import Ending, NewExecution, Role, migrate, retention
from wfstore.vocabulary import ExecutionStatus

_AT = datetime(2024, 1, 3, 12, tzinfo=UTC)
_WRITERS = 2
_FILL = """
    WITH made AS (
        INSERT INTO workflow_executions (
            tenant_id, execution_id, workflow_id, workflow_revision, status, start_time, end_time
        )
        SELECT w.tenant_id, wfstore_uuid7(%(at)s + n * interval '1 ms'), w.id, 1, 'SUCCESS', 1000, 2000
        FROM workflows AS w, generate_series(1, %(executions)s) AS n
        WHERE w.id = %(workflow)s
        RETURNING tenant_id, execution_id
    )
    INSERT INTO node_executions (tenant_id, execution_id, node_id, node_type, status, input_data, output_data)
    SELECT made.tenant_id, made.execution_id, 'node-' || node, 'ACTION', 'SUCCESS', %(data)s, %(data)s
    FROM made, generate_series(1, 3) AS node
"""


def run(url: str, executions: int = 1_000_000) -> dict[str, Any]:
    """Fill a week of a new database on this server with executions of 3 node results each, and drop it.

    Two writers enqueue, claim and finish all the while. `url` is an administrator's. Returns seconds: `dropped`,
    `attempts` and `longest_write` (of a writer, while it was being dropped) and `usual_write` (the longest before),
    and whether fsync was on.
    """
    name = f"wfstore_bench_{uuid4().hex}"
    with closing(psycopg.connect(url, autocommit=True)) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            return _measure(make_conninfo(url, dbname=name), executions)
        finally:
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _measure(conninfo: str, executions: int) -> dict[str, Any]:
    database = _as_url(conninfo)
    migrate.migrate(database)
    stop, durations = threading.Event(), [list[tuple[float, float]]() for _ in range(_WRITERS)]
    with wfstore.connect(database) as app, closing(psycopg.connect(database, autocommit=True)) as admin:
        workflow_id = app.workflows.add({"name": "w", "nodes": [], "connections": []}).id
        admin.execute("SELECT wfstore_create_partition(%s)", [_AT])
        data = json.dumps({"text": "x" * 100})
        admin.execute(_FILL, {"at": _AT, "executions": executions, "workflow": workflow_id, "data": data})
        admin.execute("VACUUM (ANALYZE)")  # long before it expires; one that is at work is waited for, without locks
        [fsync] = admin.execute("SHOW fsync").fetchone() or [None]
        threads = [threading.Thread(target=_write, args=(database, workflow_id, stop, each)) for each in durations]
        for thread in threads:
            thread.start()
        time.sleep(3)  # how it is without
        begun = time.perf_counter()
        attempts: list[str] = []
        with retention.maintainer(database) as owner:
            [period] = retention.before(owner, _AT + timedelta(days=7))
            retention.drop(owner, period, report=attempts.append)
        ended = time.perf_counter()
        time.sleep(1)
        stop.set()
        for thread in threads:
            thread.join()
    writes = [write for each in durations for write in each]
    during = [after - before for before, after in writes if after >= begun and before <= ended + 0.5]
    return {
        "executions": executions,
        "dropped": ended - begun,
        "attempts": len(attempts) + 1,
        "longest_write": max(during, default=0.0),
        "usual_write": max((after - before for before, after in writes if after < begun), default=0.0),
        "writes": len(writes),
        "fsync": fsync == "on",
    }


def _write(database: str, workflow_id: Any, stop: threading.Event, durations: list[tuple[float, float]]) -> None:
    with wfstore.connect(database) as app, wfstore.connect(database, role=Role.WORKER) as worker:
        while not stop.is_set():
            before = time.perf_counter()
            app.executions.enqueue(*[NewExecution(workflow_id=workflow_id) for _ in range(10)])
            middle = time.perf_counter()
            leases = worker.executions.claim(queue="default", worker_id="w", limit=10, lease=timedelta(minutes=1))
            claimed = time.perf_counter()
            endings = [
                Ending(lease=each, status=ExecutionStatus.SUCCESS, end_time=each.start_time or 0) for each in leases
            ]
            worker.executions.finish_many(endings)
            durations += [(before, middle), (middle, claimed), (claimed, time.perf_counter())]


def _as_url(conninfo: str) -> str:
    from urllib.parse import quote, urlencode

    from psycopg.conninfo import conninfo_to_dict

    return "postgresql://?" + urlencode(conninfo_to_dict(conninfo), quote_via=quote)


if __name__ == "__main__":
    print(json.dumps(run(sys.argv[1], *map(int, sys.argv[2:]))))
