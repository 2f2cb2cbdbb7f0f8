"""What the tests of the queue share: workers that hear, waits with proof, and what is where."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import Any, TypeVar
from uuid import UUID

import psycopg

from tests.executionkit import NOW, Admin, blocked_by, claim, enqueue, pid_of
from tests.facekit import until
from wfstore import ClaimedExecution, Store

T = TypeVar("T")


def one(store: Store, worker: Store, workflow_id: UUID, **facts: Any) -> ClaimedExecution:
    """A lease on a new execution."""
    [identifier] = enqueue(store, workflow_id, **facts)
    leases = claim(worker, limit=100, queue=facts.get("queue", "default"))
    assert [lease.execution_id for lease in leases] == [identifier]
    return leases[0]


class Ears:
    """A session that listens."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True)
        self._connection.execute("LISTEN wfstore_ready")

    def heard(self) -> list[str]:
        """Of which queues it has been told since the last call; what was sent before a commit is there after it."""
        self._connection.execute("SELECT 1")  # the server hands over what there is before it answers
        return sorted(each.payload for each in self._connection.notifies(timeout=0))

    def close(self) -> None:
        self._connection.close()


@contextmanager
def listening(url: str) -> Iterator[Ears]:
    with closing(Ears(url)) as ears:
        yield ears


@contextmanager
def meeting(
    first: Store, admin: Admin, holding: Callable[[Any], Any], *late: Callable[[], Any]
) -> Iterator[list[Future[Any]]]:
    """In a transaction of `first`, do `holding`; prove that all of `late` wait for it; commit and yield them."""
    with ThreadPoolExecutor(len(late)) as pool:
        with first.transaction() as transaction:
            holding(transaction)
            futures = [pool.submit(each) for each in late]
            pid = pid_of(transaction.connection)
            until(lambda: len(blocked_by(admin, pid)) >= len(late), "the others wait")
        yield futures


def together(*calls: Callable[[], T]) -> list[T]:
    """Make calls at the same time; return what they return."""
    gate = threading.Barrier(len(calls))

    def through(call: Callable[[], T]) -> T:
        gate.wait(timeout=30)
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(through, calls))


def status(admin: Admin, execution_id: UUID) -> str:
    """In one word: how the queue has it, or how it ended."""
    text = """
        SELECT coalesce(
            (
                SELECT CASE
                    WHEN q.parked_by IS NOT NULL THEN 'parked'
                    WHEN q.ready THEN 'ready'
                    WHEN q.status = 'NEW' THEN 'later'
                    ELSE lower(q.status)
                END
                FROM execution_queue AS q WHERE q.execution_id = %(id)s
            ),
            (SELECT e.status FROM workflow_executions AS e WHERE e.execution_id = %(id)s),
            'gone'
        )
    """
    [found] = admin.execute(text, {"id": execution_id}).fetchone() or [""]
    return str(found)


def running(admin: Admin, key: str) -> int:
    """How many executions of a key run."""
    text = "SELECT count(*) FROM execution_queue WHERE concurrency_key = %s AND status = 'RUNNING'"
    [found] = admin.execute(text, [key]).fetchone() or [0]
    return int(found)


__all__ = ["NOW", "Ears", "listening", "meeting", "one", "running", "status", "together"]
