"""`python -m tests.chaos.keys`: many executions of many concurrency keys and several processes.

Limits are never exceeded, and nobody starves: asked of the workers, who count in shared memory how many of a key
they hold at once, and of the database, while it runs and at the end.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import orjson
import psycopg
from rich.console import Console
from rich.table import Table

import wfstore
from tests.chaos.place import Place
from tests.queue_model_invariants import broken
from wfstore import ClaimedExecution, Ending, NewExecution, Role, Store
from wfstore.vocabulary import ExecutionStatus

_LEASE = timedelta(minutes=5)
_ENQUEUED_AT_ONCE = 1_000
_LOOK = 2.0


class Counts:
    """What all processes count together."""

    def __init__(self, keys: int) -> None:
        self.held: Any = multiprocessing.Array("i", keys)
        self.most: Any = multiprocessing.Array("i", keys)
        self.done: Any = multiprocessing.Array("i", keys)
        self.stop: Any = multiprocessing.Event()

    def take(self, leases: Sequence[ClaimedExecution]) -> None:
        """Count leases that have just come."""
        with self.held.get_lock():
            for lease in leases:
                key = lease.metadata["key"]
                self.held[key] += 1
                self.most[key] = max(self.most[key], self.held[key])

    def give(self, leases: Sequence[ClaimedExecution]) -> None:
        """Count leases that are about to be given back."""
        with self.held.get_lock():
            for lease in leases:
                self.held[lease.metadata["key"]] -= 1
                self.done[lease.metadata["key"]] += 1


def work(url: str, name: str, at_once: int, counts: Counts) -> None:
    """Claim and finish until told to stop."""
    with wfstore.connect(url, role=Role.WORKER) as store:
        while not counts.stop.is_set():
            leases = store.executions.claim(queue="default", worker_id=name, limit=at_once, lease=_LEASE)
            if not leases:
                time.sleep(0.002)
                continue
            counts.take(leases)
            counts.give(leases)
            at = time.time_ns() // 1_000_000
            endings = [Ending(lease=lease, status=ExecutionStatus.SUCCESS, end_time=at) for lease in leases]
            if len(store.executions.finish_many(endings)) != len(leases):
                raise AssertionError("a lease was lost, and nobody was away")


def enqueue(store: Store, count: int, keys: int, limit: int) -> None:
    """Enqueue so many, the keys in turn."""
    workflow_id = store.workflows.add({"name": "keys", "nodes": [], "connections": []}).id
    for begin in range(0, count, _ENQUEUED_AT_ONCE):
        store.executions.enqueue(
            *(
                NewExecution(
                    workflow_id=workflow_id,
                    concurrency_key=f"key {number % keys}",
                    concurrency_limit=limit,
                    metadata={"key": number % keys},
                )
                for number in range(begin, min(count, begin + _ENQUEUED_AT_ONCE))
            )
        )


def watch(url: str, count: int, counts: Counts, patience: float) -> tuple[list[str], list[int]]:
    """Look on until all have ended; what was wrong, and of how many keys some had ended at each look."""
    wrong: list[str] = []
    served: list[int] = []
    deadline = time.monotonic() + patience
    with psycopg.connect(url, autocommit=True) as admin:
        while not wrong and sum(counts.done) < count:
            time.sleep(_LOOK)
            before = served[-1] if served else 0
            served.append(sum(done > 0 for done in counts.done))
            wrong += broken(admin) if served[-1] == before else []  # dear while the queue is long
            if time.monotonic() > deadline:
                wrong.append(f"only {sum(counts.done)} of {count} have ended after {patience:g} s")
        counts.stop.set()
    return wrong, served


def run(
    url: str, *, executions: int, keys: int, processes: int, limit: int, at_once: int, patience: float
) -> dict[str, Any]:
    """Enqueue, let the processes work, and judge."""
    counts = Counts(keys)
    with wfstore.connect(url, role=Role.APP) as store:
        begin = time.monotonic()
        enqueue(store, executions, keys, limit)
        enqueued = time.monotonic() - begin
    workers = [
        multiprocessing.Process(target=work, args=(url, f"w{number}", at_once, counts), daemon=True)
        for number in range(processes)
    ]
    begin = time.monotonic()
    for worker in workers:
        worker.start()
    wrong, served = watch(url, executions, counts, patience)
    seconds = time.monotonic() - begin
    for worker in workers:
        worker.join(30)
        if worker.exitcode != 0:
            wrong.append(f"a worker ended with {worker.exitcode}")
    if max(counts.most) > limit:
        wrong.append(f"a key had {max(counts.most)} at once, not {limit}")
    with psycopg.connect(url, autocommit=True) as admin:
        wrong += broken(admin)
        states = admin.execute("SELECT status, count(*) FROM workflow_executions GROUP BY status").fetchall()
        [[deadlocks]] = admin.execute(
            "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        ).fetchall()
    if not wrong and states != [("SUCCESS", executions)]:
        wrong.append(f"they ended so: {states}")
    return {
        "executions": executions,
        "keys": keys,
        "processes": processes,
        "limit": limit,
        "seconds to enqueue": round(enqueued, 1),
        "seconds": round(seconds, 1),
        "executions/s": round(sum(counts.done) / seconds),
        "most of a key at once": max(counts.most),
        "fewest ended of a key": min(counts.done),
        "seconds until each key had one": _LOOK * next((n for n, each in enumerate(served, 1) if each == keys), -1),
        "deadlocks, tried again": deadlocks,
        "wrong": wrong,
    }


def main() -> int:
    """Run it; 0 if all is well."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.keys", description=__doc__)
    parser.add_argument("--executions", type=int, default=100_000)
    parser.add_argument("--keys", type=int, default=100)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--limit", type=int, default=2, help="of each key")
    parser.add_argument("--at-once", type=int, default=50, help="a claim takes at most")
    parser.add_argument("--patience", type=float, default=900.0, help="seconds")
    parser.add_argument("--database-url", help="a superuser's; without it a server of its own")
    parser.add_argument("--json", action="store_true")
    given = vars(parser.parse_args())
    as_json, database_url = given.pop("json"), given.pop("database_url")
    with Place(database_url) as place:
        report = run(place.url, **given)
    if as_json:
        sys.stdout.write(orjson.dumps(report, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode())
    else:
        table = Table(title="concurrency keys", show_header=False)
        for name, value in report.items():
            table.add_row(name, str(value))
        Console().print(table)
    return 1 if report["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
