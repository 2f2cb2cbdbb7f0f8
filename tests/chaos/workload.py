"""What the workers have to do: executions of 5 to 20 nodes that wait, fail, have children, share keys."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from wfstore import NewExecution, uuid7
from wfstore.leases import RetryPolicy

LIMITS = {"key0": 1, "key1": 1, "key2": 2, "key3": 3}
"""How many executions of each key may run at once."""
SIGNAL = "go"
CHILDREN = 2
_CHILD_NODES = 3
_KINDS = ["plain"] * 8 + ["time"] * 3 + ["signal"] * 3 + ["fail"] * 3 + ["children"] * 3
# Never given up: each fault of a worker costs its executions an attempt.
POLICY = RetryPolicy(max_attempts=1_000_000, wait=timedelta(seconds=0.2), factor=1)


@dataclass
class Planned:
    """An execution, and what has been done for it."""

    number: int
    facts: dict[str, Any]
    execution_id: UUID = field(default_factory=uuid7)
    signal_id: UUID = field(default_factory=uuid7)
    enqueued: bool = False
    signal_at: float | None = None
    """When its signal is due; None: it has none, or it was sent."""
    in_doubt: bool = False
    """Whether its signal may have been sent: the answer was lost."""

    def new(self, workflow_id: UUID) -> NewExecution:
        """The execution to be enqueued."""
        key = self.facts["key"]
        return NewExecution(
            workflow_id=workflow_id,
            execution_id=self.execution_id,
            metadata=self.facts,
            retry=POLICY,
            priority=self.number % 3,
            concurrency_key=key,
            concurrency_limit=LIMITS.get(key, 1),
        )


def plan(seed: int, number: int) -> Planned:
    """Plan an execution; the same for the same seed and number."""
    rng = random.Random(f"{seed}:{number}")
    nodes = rng.randint(5, 20)
    facts = {
        "nodes": nodes,
        "kind": rng.choice(_KINDS),
        "at": rng.randrange(nodes),
        "key": rng.choice([*LIMITS, *[None] * 6]),
    }
    return Planned(number, facts)


def child_facts(place: int) -> dict[str, Any]:
    """What a child is told; every other one shares a key with strangers."""
    return {"nodes": _CHILD_NODES, "kind": "plain", "at": 0, "key": "key3" if place % 2 else None}
