"""A worker as somebody might write it: a plain loop on the store's public API, one execution after the other."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import wfstore
from tests.chaos.journal import Journal
from tests.chaos.workload import CHILDREN, LIMITS, POLICY, SIGNAL, child_facts
from wfstore import ClaimedExecution, Ending, NewExecution, NodeResult, Role, Store
from wfstore.errors import DatabaseUnavailable, LeaseLost, OutcomeUnknown
from wfstore.leases import Failure
from wfstore.models import NodeExecution
from wfstore.vocabulary import ExecutionStatus, NodeStatus, NodeType

_AWAY = (DatabaseUnavailable, OutcomeUnknown)
_AT_ONCE = 3
_POLL = 0.05
_PAUSE = timedelta(seconds=0.4)


class Left(Exception):
    """The lease was given back, or is lost: on to the next one."""


class OwnLoop:
    """Claims a few, walks one after the other, prolongs all of them meanwhile."""

    def __init__(self, store: Store, journal: Journal, name: str, lease: timedelta) -> None:
        self._store = store
        self._journal = journal
        self._name = name
        self._lease = lease
        self._held: list[ClaimedExecution] = []
        self._prolonged = 0.0

    def run(self, stopped: Callable[[], bool]) -> None:
        """Work until told to stop; what is unfinished then is left to its lease."""
        while not stopped():
            try:
                if not self._round(stopped):
                    time.sleep(_POLL)
            except _AWAY:
                self._held.clear()  # whatever it was, it is stored or it is not; the leases run out
                time.sleep(_POLL)

    def _round(self, stopped: Callable[[], bool]) -> bool:
        at = datetime.now(UTC)
        self._held = self._store.executions.claim(
            queue="default", worker_id=self._name, limit=_AT_ONCE, lease=self._lease, now=at
        )
        self._prolonged = time.monotonic()
        for lease in self._held:
            self._journal.holds(lease, (at + self._lease).timestamp())
        found = bool(self._held)
        while self._held and not stopped():
            lease = self._held[0]
            with suppress(Left, LeaseLost):
                self._walk(lease)
            self._held = [each for each in self._held if each is not lease]
        return found

    def _walk(self, lease: ClaimedExecution) -> None:
        facts = lease.metadata
        stored = {row.node_id for row in self._stored(lease)}
        nodes = [f"n{place}" for place in range(facts["nodes"])]
        left = [node for node in nodes if node not in stored]
        while left:
            self._prolong(lease)
            batch = left[: random.randint(1, 4)]
            special = f"n{facts['at']}"
            if special in batch:
                batch = batch[: batch.index(special)] or [special]
            outputs = {node: {"nonce": uuid4().hex, "by": self._name} for node in batch}
            if batch == [special]:
                outputs[special] |= self._specialty(lease)
            self._record(lease, outputs)
            left = left[len(batch) :]
        self._journal.leaves(lease)
        ending = Ending(lease=lease, status=ExecutionStatus.SUCCESS, end_time=time.time_ns() // 1_000_000)
        self._store.executions.finish(ending)

    def _stored(self, lease: ClaimedExecution) -> list[NodeExecution]:
        return self._store.node_executions.page_results(
            execution_id=lease.execution_id, after_node_id="", after_run_index=-1, limit=100
        )

    def _record(self, lease: ClaimedExecution, outputs: dict[str, dict[str, Any]]) -> None:
        time.sleep(random.uniform(0, 0.004))
        results = [
            NodeResult(
                lease=lease,
                node_id=node,
                node_type=NodeType.ACTION,
                status=NodeStatus.SUCCESS,
                output_data=output,
            )
            for node, output in outputs.items()
        ]
        refusals = self._store.node_executions.record_many(results)
        for refusal, (node, output) in zip(refusals, outputs.items(), strict=True):
            if isinstance(refusal, LeaseLost):
                raise Left
            if refusal is not None:  # under a lease that is held nobody else writes
                raise refusal
            self._journal.acknowledged(lease, node, output["nonce"])

    def _prolong(self, lease: ClaimedExecution) -> None:
        if time.monotonic() - self._prolonged < self._lease.total_seconds() / 4:
            return
        at = datetime.now(UTC)
        held = self._store.executions.heartbeat(self._held, lease=self._lease, now=at)
        self._prolonged = time.monotonic()
        self._held = [each for each in self._held if each.execution_id in held]
        for each in self._held:
            self._journal.holds(each, (at + self._lease).timestamp())
        if lease.execution_id not in held:
            raise Left

    # --- what a node may be besides -------------------------------------------------------------------------

    def _specialty(self, lease: ClaimedExecution) -> dict[str, Any]:
        """Do what this execution is there for; what its node says of it."""
        match lease.metadata["kind"]:
            case "time" if lease.woken_by is None:
                self._suspend(lease, until=datetime.now(UTC) + _PAUSE)
            case "fail" if lease.failures == 0:
                self._journal.leaves(lease)
                self._store.executions.fail(Failure(lease=lease, error_message="on purpose"))
                raise Left
            case "signal":
                return {"signal": self._signal(lease)}
            case "children":
                self._children(lease)
        return {}

    def _suspend(self, lease: ClaimedExecution, **what: Any) -> None:
        """Wait; comes back only if what it would wait for is there."""
        # Said before: an answer that is lost leaves a lease that may be gone. If it was not suspended, it is held on.
        self._journal.leaves(lease)
        if self._store.executions.suspend(lease, **what):
            raise Left

    def _signal(self, lease: ClaimedExecution) -> Any:
        while True:
            taken = self._store.executions.take_signal(lease, SIGNAL, consumer=f"n{lease.metadata['at']}:0")
            if taken is not None:
                return taken.payload
            self._suspend(lease, signal=SIGNAL)

    def _children(self, lease: ClaimedExecution) -> None:
        children = [
            NewExecution(
                workflow_id=lease.workflow_id,
                parent_execution_id=lease.execution_id,
                metadata=(facts := child_facts(place)),
                retry=POLICY,
                concurrency_key=facts["key"],
                concurrency_limit=LIMITS.get(facts["key"], 1),
                # A successor enqueues them again; it gets the same ones.
                idempotency_key=f"{lease.execution_id}:{place}",
            )
            for place in range(CHILDREN)
        ]
        self._store.executions.enqueue(*children)
        self._suspend(lease, children=True)


def work(url: str, journal: Journal, name: str, lease: timedelta, stopped: Callable[[], bool]) -> None:
    """Connect, as soon as that is possible, and work."""
    while not stopped():
        try:
            with wfstore.connect(url, role=Role.WORKER, max_size=2, timeout=5) as store:
                journal.tell("ready")
                OwnLoop(store, journal, name, lease).run(stopped)
        except _AWAY:
            time.sleep(_POLL)
