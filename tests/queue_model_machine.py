"""The model against the real server: hypothesis takes the steps, the store's public API does them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.executionkit import Admin, ending, result
from tests.queue_model import Model, Row, Sent
from tests.queue_model_invariants import broken, empty
from wfstore import ClaimedExecution, NewExecution, Store, uuid7
from wfstore.errors import AlreadyFinished, LeaseLost
from wfstore.leases import Failure, RetryPolicy

LEASE = timedelta(seconds=30)
_QUEUES = st.sampled_from(["default", "default", "other"])
_KEYS = st.sampled_from([None, None, "k", "l"])
_NAMES = st.sampled_from(["go", "stop"])
_SELDOM = st.sampled_from([True, False, False, False, False, False])
_PLACE = st.integers(0, 1_000_000)
_NEW = st.fixed_dictionaries(
    {
        "queue": _QUEUES,
        "key": _KEYS,
        "priority": st.integers(0, 2),
        "delay": st.sampled_from([0, 0, 0, 20]),
        "max_attempts": st.sampled_from([5, 3, 1]),
        "parent": st.none() | _PLACE,
        "workflow": st.integers(0, 1),
        "limit": st.integers(1, 2),
        "idempotency_key": st.sampled_from([None, None, None, None, None, None, "x"]),
    }
)
_QUEUE = """
    SELECT execution_id, status, ready, parked_by, attempt, failures, worker_id, visible_at, wait_signal,
        wait_children, woken_by
    FROM execution_queue
"""


@dataclass
class Bench:
    """What all machines of a test share: stores, perhaps with a broken variant of the queries, and a look inside."""

    app: Store
    worker: Store
    admin: Admin
    workflow_ids: list[UUID]


class Machine(RuleBasedStateMachine):
    """One life of a queue; `bench` is set by the test."""

    bench: Bench

    def __init__(self) -> None:
        super().__init__()
        empty(self.bench.admin)
        self.model = Model()
        # Ahead of the server's clock, which decides in one place (`visible_at` of who was woken by a child).
        self.now = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
        self.leases: list[ClaimedExecution] = []
        self.ids: list[UUID] = []

    # --- the caller's side ----------------------------------------------------------------------------------

    @initialize(batch=st.lists(_NEW, min_size=4, max_size=8))
    def begin(self, batch: list[dict[str, Any]]) -> None:
        """Begin with some."""
        for drawn in batch:
            self._enqueue(**drawn)

    @rule(drawn=_NEW)
    def enqueue(self, drawn: dict[str, Any]) -> None:
        """Enqueue one, perhaps as a child of one that is there."""
        self._enqueue(**drawn)

    def _enqueue(self, **drawn: Any) -> None:
        parent, key = drawn["parent"], drawn["key"]
        parent_id = self.ids[parent % len(self.ids)] if parent is not None and self.ids else None
        visible_at = self.now + timedelta(seconds=drawn["delay"])
        wanted = NewExecution(
            workflow_id=self.bench.workflow_ids[drawn["workflow"]],
            queue=drawn["queue"],
            priority=drawn["priority"],
            visible_at=visible_at,
            retry=RetryPolicy(max_attempts=drawn["max_attempts"]),
            parent_execution_id=parent_id,
            concurrency_key=key,
            concurrency_limit=drawn["limit"],
            idempotency_key=drawn["idempotency_key"],
        )
        [made] = self.bench.app.executions.enqueue(wanted, now=self.now)
        row = Row(
            *(wanted.execution_id, wanted.workflow_id, wanted.queue, wanted.priority, visible_at),
            *(visible_at <= self.now, drawn["max_attempts"], key, parent_id),
        )
        known = self.model.enqueue(row, drawn["limit"], drawn["idempotency_key"])
        assert (made.execution_id, made.created) == (known, known == wanted.execution_id)
        if made.created:
            self.ids.append(made.execution_id)

    @precondition(lambda self: self.ids)
    @rule(place=_PLACE, name=_NAMES)
    def signal(self, place: int, name: str) -> None:
        """Tell one something."""
        sent = Sent(uuid7(), self.ids[place % len(self.ids)], name)
        try:
            payload = {"id": str(sent.id)}
            self.bench.app.executions.signal(sent.execution_id, name, payload, signal_id=sent.id, now=self.now)
            told = True
        except AlreadyFinished:
            told = False
        assert told == self.model.signal(sent, self.now)

    @precondition(lambda self: self.ids)
    @rule(place=_PLACE)
    def cancel(self, place: int) -> None:
        """Cancel one, with its family."""
        execution_id = self.ids[place % len(self.ids)]
        try:
            canceled = set(self.bench.app.executions.cancel(execution_id, now=self.now))
        except AlreadyFinished:
            canceled = set()
        assert canceled == self.model.cancel(execution_id)

    @rule(key=st.sampled_from(["k", "l"]), limit=st.none() | st.integers(0, 3))
    def change_limit(self, key: str, limit: int | None) -> None:
        """Set or remove a key's limit."""
        if limit is None:
            self.bench.app.concurrency_limits.remove(key)
        else:
            self.bench.app.concurrency_limits.set(key, limit)
        self.model.set_limit(key, limit)

    @rule(queue=_QUEUES, seldom=_SELDOM)
    def pause_or_resume_queue(self, queue: str, seldom: bool) -> None:
        """Pause a queue, or resume it."""
        if queue in self.model.paused_queues:
            assert self.bench.app.execution_pauses.resume_queue(queue)
            self.model.paused_queues.discard(queue)
        elif seldom:
            assert self.bench.app.execution_pauses.pause_queue(queue)
            self.model.paused_queues.add(queue)

    @rule(workflow=st.integers(0, 1), seldom=_SELDOM)
    def pause_or_resume_workflow(self, workflow: int, seldom: bool) -> None:
        """Pause a workflow, or resume it."""
        workflow_id = self.bench.workflow_ids[workflow]
        if workflow_id in self.model.paused_workflows:
            assert self.bench.app.execution_pauses.resume_workflow(workflow_id)
            self.model.resume_workflow(workflow_id)
        elif seldom:
            assert self.bench.app.execution_pauses.pause_workflow(workflow_id)
            self.model.paused_workflows.add(workflow_id)

    @rule(seconds=st.sampled_from([1, 10, 31]))
    def wait(self, seconds: int) -> None:
        """Let time go by."""
        self.now += timedelta(seconds=seconds)

    @rule()
    def let_leases_end(self) -> None:
        """Let time go by until all leases of now are over, and the queues be claimed by others."""
        self.now += LEASE
        for queue in ("default", "other"):
            self._claim(queue, "zoe", 4)

    # --- the workers' side ----------------------------------------------------------------------------------

    @rule(queue=_QUEUES, worker=st.sampled_from(["ada", "bob", "eve"]), limit=st.sampled_from([3, 1, 4]))
    def claim(self, queue: str, worker: str, limit: int) -> None:
        """Claim: whom, in which order, and as which attempt is all foreseen."""
        self._claim(queue, worker, limit)

    def _claim(self, queue: str, worker: str, limit: int) -> None:
        leases = self.bench.worker.executions.claim(
            queue=queue, worker_id=worker, limit=limit, lease=LEASE, now=self.now
        )
        expected = self.model.claim(queue, worker, limit, self.now, LEASE)
        told = [(each.execution_id, each.attempt, each.failures, each.woken_by) for each in leases]
        assert told == [(row.execution_id, row.attempt, row.failures, row.woken_by) for row in expected]
        self.leases += leases

    @rule(limit=st.sampled_from([2, 5]))
    def claim_everywhere(self, limit: int) -> None:
        """Let two workers claim."""
        for worker, queue in (("ada", "default"), ("bob", "other")):
            self._claim(queue, worker, limit)

    def _lease(self, place: int) -> tuple[ClaimedExecution, Row | None]:
        """One of all leases ever given, and its row, if it is still held; those that somebody else has are likely."""
        rows = self.model.rows
        lost = [
            each
            for each in self.leases
            if each.execution_id in rows
            and rows[each.execution_id].status == "RUNNING"
            and rows[each.execution_id].attempt != each.attempt
        ]
        held = [each for each in self.leases if self.model.holds(each.execution_id, each.attempt)]
        some = (held, lost, held, self.leases)[place % 4] or self.leases
        lease = some[place // 4 % len(some)]
        return lease, self.model.holds(lease.execution_id, lease.attempt)

    @precondition(lambda self: self.leases)
    @rule(place=_PLACE)
    def heartbeat(self, place: int) -> None:
        """Prolong a lease, old or new."""
        lease, row = self._lease(place)
        held = self.bench.worker.executions.heartbeat([lease], lease=LEASE, now=self.now)
        assert held == (set() if row is None else {row.execution_id})
        if row is not None:
            row.visible_at = self.now + LEASE

    @precondition(lambda self: self.leases)
    @rule(place=_PLACE, node_id=st.sampled_from("abc"))
    def record(self, place: int, node_id: str) -> None:
        """Store a result: it tells who wrote it, so that nobody else's can be taken for it."""
        lease, row = self._lease(place)
        output = {"attempt": lease.attempt, "node": node_id}
        [refusal] = self.bench.worker.node_executions.record_many([result(lease, node_id, output_data=output)])
        if row is None:
            assert isinstance(refusal, LeaseLost), refusal
            return
        stored = self.model.results.setdefault((lease.execution_id, node_id), output)
        assert (refusal is None) == (stored == output), refusal

    @precondition(lambda self: self.leases)
    @rule(place=_PLACE)
    def finish(self, place: int) -> None:
        """End one under a lease, old or new."""
        lease, row = self._lease(place)
        finished = self.bench.worker.executions.finish_many([ending(lease)])
        assert finished == (set() if row is None else {row.execution_id})
        if row is not None:
            self.model.finish(row)

    @precondition(lambda self: self.leases)
    @rule(place=_PLACE, retry=st.booleans() | st.just(True))
    def fail(self, place: int, retry: bool) -> None:
        """Let an attempt fail."""
        lease, row = self._lease(place)
        failure = Failure(lease=lease, error_message="failed", retry=retry, wait=timedelta(seconds=10))
        failed = self.bench.worker.executions.fail_many([failure], now=self.now)
        assert set(failed) == (set() if row is None else {row.execution_id})
        if row is not None:
            retried = self.model.fail(row, retry=retry, visible_at=self.now + timedelta(seconds=10))
            assert failed[lease.execution_id].retried == retried

    @precondition(lambda self: self.leases)
    @rule(place=_PLACE, seconds=st.none() | st.integers(1, 40), name=st.none() | _NAMES, children=st.booleans())
    def suspend(self, place: int, seconds: int | None, name: str | None, children: bool) -> None:
        """Let one wait for a time, a signal, its children, or all of them."""
        lease, row = self._lease(place)
        until = None if seconds is None else self.now + timedelta(seconds=seconds)
        if until is None and name is None and not children:
            return
        facts: dict[str, Any] = {"until": until, "signal": name, "children": children}
        try:
            suspended = self.bench.worker.executions.suspend(lease, now=self.now, **facts)
        except LeaseLost:
            assert row is None
        else:
            assert row is not None, "suspended under a lease that is lost"
            assert suspended == self.model.suspend(row, **facts)

    @precondition(lambda self: self.leases)
    @rule(place=_PLACE, drawn=_NEW)
    def wait_for_a_child(self, place: int, drawn: dict[str, Any]) -> None:
        """Start a child, and wait for it and all others."""
        lease, row = self._lease(place)
        if row is not None:
            self._enqueue(**drawn | {"parent": self.ids.index(lease.execution_id), "idempotency_key": None})
            assert self.bench.worker.executions.suspend(lease, children=True, now=self.now)
            assert self.model.suspend(row, until=None, signal=None, children=True)

    @precondition(lambda self: self.leases)
    @rule(place=_PLACE, name=_NAMES, consumer=st.sampled_from(["a", "b"]))
    def take_signal(self, place: int, name: str, consumer: str) -> None:
        """Take a signal under a lease, old or new."""
        lease, row = self._lease(place)
        try:
            taken = self.bench.worker.executions.take_signal(lease, name, consumer=consumer, now=self.now)
        except LeaseLost:
            assert row is None
        else:
            assert row is not None, "taken under a lease that is lost"
            expected = self.model.take(row, name, consumer)
            assert (taken and taken.payload) == (expected and {"id": str(expected.id)})

    # --- after each step ------------------------------------------------------------------------------------

    @invariant()
    def nothing_is_broken(self) -> None:
        """What holds of every state; a limit that was lowered is reached when enough have ended."""
        faults = broken(self.bench.admin)
        lowered = {key for key, limit in self.model.limits.items() if self.model.running(key) > limit}
        assert not [fault for fault in faults if not (lowered and "more running than its limit" in fault)], faults

    @invariant()
    def model_and_database_agree(self) -> None:
        """Every column of every row is as foreseen."""
        model, admin = self.model, self.bench.admin
        found = {row[0]: row[1:] for row in admin.execute(_QUEUE).fetchall()}
        for execution_id in list(model.woken_by_children):
            if execution_id in model.rows:
                model.rows[execution_id].visible_at = found[execution_id][6]
        model.woken_by_children.clear()
        expected = {execution_id: row.facts() for execution_id, row in model.rows.items()}
        different = {each for each in found.keys() | expected.keys() if found.get(each) != expected.get(each)}
        assert not different, [(model.rows.get(each), found.get(each)) for each in different]
        assert dict(admin.execute("SELECT execution_id, status FROM workflow_executions").fetchall()) == model.history
        assert dict(admin.execute("SELECT execution_id, failures FROM dead_letters").fetchall()) == model.dead
        stored = admin.execute("SELECT execution_id, node_id, output_data FROM node_executions").fetchall()
        assert {(execution_id, node_id): output for execution_id, node_id, output in stored} == model.results
        signals = dict(admin.execute("SELECT id, consumed_by FROM execution_signals").fetchall())
        assert signals == {sent.id: sent.consumed_by for sent in model.signals}
