"""Where races are prepared, and what most actors do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from tests.executionkit import LEASE, NOW, ending
from tests.queue_model_races import Act, Run
from wfstore import ClaimedExecution, NewExecution, Role, Store
from wfstore.sync.store import Namespaces

Body = Callable[[Namespaces], Any]


@dataclass
class Stage:
    """Where a race is prepared, by a store of each role."""

    app: Store
    worker: Store
    workflow_id: UUID
    ids: dict[str, UUID] = field(default_factory=dict)
    leases: dict[str, ClaimedExecution] = field(default_factory=dict)

    def enqueue(self, name: str, **facts: Any) -> UUID:
        """Enqueue an execution under a name of this race."""
        wanted = NewExecution(workflow_id=self.workflow_id, **{"visible_at": NOW} | facts)
        self.app.executions.enqueue(wanted, now=NOW)
        self.ids[name] = wanted.execution_id
        return wanted.execution_id

    def run(self, name: str, **facts: Any) -> ClaimedExecution:
        """Enqueue it and claim it at once."""
        lease_time = facts.pop("lease", LEASE)
        self.enqueue(name, **{"priority": 100} | facts)
        queue = facts.get("queue", "default")
        [lease] = self.worker.executions.claim(queue=queue, worker_id=name, limit=1, lease=lease_time, now=NOW)
        assert lease.execution_id == self.ids[name]
        self.leases[name] = lease
        return lease

    def suspend(self, name: str, **facts: Any) -> None:
        """Let one that runs wait."""
        assert self.worker.executions.suspend(self.leases.pop(name), now=NOW, **facts)


@dataclass(frozen=True)
class Race:
    """A critical pair, or three."""

    name: str
    prepare: Callable[[Stage], Sequence[Act]]
    check: Callable[[Stage, Run], None] = lambda stage, run: None
    never_waits: bool = False
    """Whether nobody may have to wait for a lock."""
    deadlocks: bool = False
    """Whether there may be a deadlock, which the server ends and the store tries again."""


def act(name: str, body: Body, role: Role = Role.WORKER) -> Act:
    """An actor of one transaction."""
    return Act(name, role, lambda actor: actor.transaction(body))


def claim(name: str, *, limit: int = 1, **facts: Any) -> Act:
    """An actor that claims."""
    given: dict[str, Any] = {"queue": "default", "worker_id": name, "lease": LEASE, "now": NOW} | facts
    return act(name, lambda store: store.executions.claim(limit=limit, **given))


def finish(name: str, *leases: ClaimedExecution) -> Act:
    """An actor that finishes."""
    return act(name, lambda store: store.executions.finish_many([ending(lease) for lease in leases]))


def no_errors(stage: Stage, run: Run) -> None:
    for outcome in run.outcomes.values():
        assert not isinstance(outcome, Exception), outcome


def cancel(name: str, execution_id: UUID) -> Act:
    return act(name, lambda store: store.executions.cancel(execution_id, now=NOW + LEASE), Role.APP)


def signal(name: str, execution_id: UUID) -> Act:
    return act(name, lambda store: store.executions.signal(execution_id, "go", now=NOW), Role.APP)
