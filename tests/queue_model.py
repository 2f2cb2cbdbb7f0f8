"""What the queue should do, in plain Python: one place, no locks, no indexes, nothing clever."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

FINAL = ("SUCCESS", "ERROR", "CANCELED")


@dataclass
class Row:
    """An execution that has not ended."""

    execution_id: UUID
    workflow_id: UUID
    queue: str
    priority: int
    visible_at: datetime | None
    ready: bool
    max_attempts: int
    key: str | None
    parent: UUID | None
    status: str = "NEW"
    parked_by: str | None = None
    attempt: int = 0
    failures: int = 0
    worker_id: str | None = None
    wait_signal: str | None = None
    wait_children: bool = False
    woken_by: str | None = None

    @property
    def urgency(self) -> tuple[Any, ...]:
        """What a claim orders by."""
        return (-self.priority, self.visible_at, self.execution_id)

    def facts(self) -> tuple[Any, ...]:
        """What the database's row must say."""
        return (
            *(self.status, self.ready, self.parked_by, self.attempt, self.failures, self.worker_id),
            *(self.visible_at, self.wait_signal, self.wait_children, self.woken_by),
        )


@dataclass
class Sent:
    """A signal."""

    id: UUID
    execution_id: UUID
    name: str
    consumed_by: str | None = None


@dataclass
class Model:
    """The whole state, and each operation upon it."""

    rows: dict[UUID, Row] = field(default_factory=dict)
    history: dict[UUID, str] = field(default_factory=dict)
    results: dict[tuple[UUID, str], Any] = field(default_factory=dict)
    signals: list[Sent] = field(default_factory=list)
    limits: dict[str, int] = field(default_factory=dict)
    dead: dict[UUID, int] = field(default_factory=dict)
    """Dead letters, with their failures."""
    keys: dict[str, UUID] = field(default_factory=dict)
    """Idempotency keys."""
    paused_queues: set[str] = field(default_factory=set)
    paused_workflows: set[UUID] = field(default_factory=set)
    woken_by_children: set[UUID] = field(default_factory=set)
    """Whose `visible_at` is the server's clock: it is read back."""

    # --- the caller's side ----------------------------------------------------------------------------------

    def enqueue(self, row: Row, limit: int, idempotency_key: str | None) -> UUID:
        """Add an execution; return its id, or that of the one which the key stands for."""
        if idempotency_key is not None:
            if idempotency_key in self.keys:
                return self.keys[idempotency_key]
            self.keys[idempotency_key] = row.execution_id
        if row.key is not None:
            self.limits.setdefault(row.key, limit)
        self.rows[row.execution_id] = row
        self.history[row.execution_id] = "NEW"
        return row.execution_id

    def signal(self, sent: Sent, now: datetime) -> bool:
        """Tell an execution something; False if it has ended."""
        row = self.rows.get(sent.execution_id)
        if row is None:
            return False
        self.signals.append(sent)
        if row.status == "WAITING" and row.wait_signal == sent.name:
            self._wake(row, "SIGNAL", now)
        return True

    def cancel(self, execution_id: UUID) -> set[UUID]:
        """End an execution and all that it started; return which."""
        if execution_id not in self.rows:
            return set()
        family = {execution_id}
        while more := {row.execution_id for row in self.rows.values() if row.parent in family} - family:
            family |= more
        gone = [self.rows.pop(each) for each in family]
        self.history.update(dict.fromkeys(family, "CANCELED"))
        self._gone(gone)
        return family

    def set_limit(self, key: str, limit: int | None) -> None:
        """Change a key's limit; None removes it."""
        if limit is None:
            self.limits.pop(key, None)
        else:
            self.limits[key] = limit
        self._refill()

    def resume_workflow(self, workflow_id: UUID) -> None:
        """Make ready what was parked for it."""
        self.paused_workflows.discard(workflow_id)
        for row in self.rows.values():
            if row.workflow_id == workflow_id and row.parked_by == "WORKFLOW":
                row.ready, row.parked_by = True, None

    # --- the worker's side ----------------------------------------------------------------------------------

    def claim(self, queue: str, worker_id: str, limit: int, now: datetime, lease: timedelta) -> list[Row]:
        """Claim; return the rows in the order of the claim."""
        while True:
            self._wake_due(queue, now)
            ready = sorted((row for row in self._ready(queue)), key=lambda row: row.urgency)[:limit]
            admitted = list(self._admitted(ready))
            for row in ready:
                if row not in admitted:
                    row.ready = False
                    row.parked_by = "WORKFLOW" if row.workflow_id in self.paused_workflows else "CONCURRENCY"
            for row in admitted:
                row.status, row.ready, row.worker_id = "RUNNING", False, worker_id
                row.attempt += 1
                row.visible_at = now + lease
                self.history[row.execution_id] = "RUNNING"
            self._refill()
            if admitted or not ready:
                return admitted

    def holds(self, execution_id: UUID, attempt: int) -> Row | None:
        """The row of a lease that is still held."""
        row = self.rows.get(execution_id)
        return row if row is not None and row.status == "RUNNING" and row.attempt == attempt else None

    def finish(self, row: Row) -> None:
        """End an execution."""
        self._end(row, "SUCCESS")
        self._gone([row])

    def fail(self, row: Row, *, retry: bool, visible_at: datetime) -> bool:
        """Let an attempt fail; return whether it is tried again."""
        if retry and row.failures + 1 < row.max_attempts:
            row.failures += 1
            row.status, row.worker_id, row.visible_at = "NEW", None, visible_at
            self.history[row.execution_id] = "NEW"
            self._refill()
            return True
        self._give_up([row])
        return False

    def suspend(self, row: Row, *, until: datetime | None, signal: str | None, children: bool) -> bool:
        """Let an execution wait; False if what it would wait for is there."""
        if signal is not None and any(
            each.name == signal and each.execution_id == row.execution_id and each.consumed_by is None
            for each in self.signals
        ):
            return False
        if children and not self._has_children(row.execution_id):
            return False
        row.status, row.worker_id, row.visible_at = "WAITING", None, until
        row.wait_signal, row.wait_children, row.woken_by = signal, children, None
        self.history[row.execution_id] = "WAITING"
        self._refill()
        return True

    def take(self, row: Row, name: str, consumer: str) -> Sent | None:
        """Take a signal, or the one that this consumer has taken."""
        mine = [each for each in self.signals if each.execution_id == row.execution_id and each.name == name]
        for wanted in (consumer, None):
            for each in sorted(mine, key=lambda each: each.id):
                if each.consumed_by == wanted:
                    each.consumed_by = consumer
                    return each
        return None

    # --- what follows ---------------------------------------------------------------------------------------

    def running(self, key: str) -> int:
        """How many of a key run."""
        return sum(row.key == key and row.status == "RUNNING" for row in self.rows.values())

    def _ready(self, queue: str) -> Iterator[Row]:
        return (
            row for row in self.rows.values() if row.ready and row.queue == queue and queue not in self.paused_queues
        )

    def _admitted(self, candidates: Sequence[Row]) -> Iterator[Row]:
        taken: dict[str, int] = {}
        for row in candidates:
            if row.workflow_id in self.paused_workflows:
                continue
            if row.key is not None and row.key in self.limits:
                taken.setdefault(row.key, self.running(row.key))
                if taken[row.key] >= self.limits[row.key]:
                    continue
                taken[row.key] += 1
            yield row

    def _wake_due(self, queue: str, now: datetime) -> None:
        given_up = []
        for row in list(self.rows.values()):
            due = row.visible_at is not None and row.visible_at <= now
            if row.queue != queue or row.ready or row.parked_by is not None or not due:
                continue
            if row.status == "RUNNING" and row.failures + 1 >= row.max_attempts:
                given_up.append(row)
            else:
                row.failures += row.status == "RUNNING"
                self._wake(row, "TIME" if row.status == "WAITING" else row.woken_by, row.visible_at)
        self._give_up(given_up)

    def _wake(self, row: Row, reason: str | None, visible_at: datetime | None) -> None:
        row.status, row.ready, row.worker_id, row.visible_at = "NEW", True, None, visible_at
        row.wait_signal, row.wait_children, row.woken_by = None, False, reason

    def _give_up(self, rows: Sequence[Row]) -> None:
        for row in rows:
            self.dead[row.execution_id] = row.failures + 1
            self._end(row, "ERROR")
        self._gone(rows)

    def _end(self, row: Row, status: str) -> None:
        del self.rows[row.execution_id]
        self.history[row.execution_id] = status

    def _gone(self, rows: Iterable[Row]) -> None:
        for row in rows:
            parent = self.rows.get(row.parent) if row.parent is not None else None
            if parent is not None and parent.wait_children and not self._has_children(parent.execution_id):
                self._wake(parent, "CHILDREN", datetime.now(UTC))
                self.woken_by_children.add(parent.execution_id)
        self._refill()

    def _has_children(self, execution_id: UUID) -> bool:
        return any(row.parent == execution_id for row in self.rows.values())

    def _refill(self) -> None:
        """Let the next ones of each key in, in each queue as many as there are places not spoken for."""
        for key, queue in {(row.key, row.queue) for row in self.rows.values() if row.parked_by == "CONCURRENCY"}:
            assert key is not None
            ready = sum(row.key == key and row.ready and row.queue == queue for row in self.rows.values())
            parked = sorted(
                (
                    row
                    for row in self.rows.values()
                    if row.parked_by == "CONCURRENCY" and (row.key, row.queue) == (key, queue)
                ),
                key=lambda row: row.urgency,
            )
            places = (
                self.limits.get(key, len(parked)) - self.running(key) - ready if key in self.limits else len(parked)
            )
            for row in parked[: max(0, places)]:
                row.ready, row.parked_by = True, None
