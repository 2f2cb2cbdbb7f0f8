"""How far a replay is, and what it did."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID


@dataclass(slots=True)
class Progress:
    """How far a replay is."""

    executions: int
    finished: int = 0
    results: int = 0
    """As the workers say; the database has the last word in `ReplayReport`."""


@dataclass(slots=True)
class ReplayReport:
    """What a replay did, as the database has it."""

    executions: int = 0
    succeeded: int = 0
    failed: list[tuple[UUID, str]] = field(default_factory=list)
    results: int = 0
    """Node results that were stored; of a resumed replay, those that it added."""
    seconds: float = 0.0
    workers: int = 0
    killed: list[str] = field(default_factory=list)
    """Workers that did not end by themselves."""
    taken_over: int = 0
    """Executions that were claimed more than once: a later worker went on after the last stored node."""

    @property
    def executions_per_second(self) -> float:
        """Executions ended for each second of the replay."""
        return self.executions / self.seconds if self.seconds else 0.0

    @property
    def results_per_second(self) -> float:
        """Durable node results for each second of the replay."""
        return self.results / self.seconds if self.seconds else 0.0

    def as_json(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        return {
            "executions": self.executions,
            "succeeded": self.succeeded,
            "failed": [{"execution_id": key, "reason": reason} for key, reason in self.failed],
            "node_results": self.results,
            "seconds": round(self.seconds, 3),
            "executions_per_second": round(self.executions_per_second, 1),
            "node_results_per_second": round(self.results_per_second, 1),
            "workers": self.workers,
            "workers_lost": self.killed,
            "executions_taken_over": self.taken_over,
        }
