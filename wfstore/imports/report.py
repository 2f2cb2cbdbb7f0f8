"""What an import did, file by file."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID


class Outcome(StrEnum):
    """What became of one source."""

    IMPORTED = "imported"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Imported:
    """One source and what became of it."""

    source: str
    outcome: Outcome
    workflow_id: UUID | None = None
    name: str | None = None
    nodes: int = 0
    reason: str | None = None
    """Why it was refused."""
    warnings: tuple[str, ...] = ()


@dataclass(slots=True)
class ImportReport:
    """All sources of one import, in their order."""

    entries: list[Imported] = field(default_factory=list)

    def count(self, outcome: Outcome) -> int:
        """How many sources had this outcome."""
        return sum(entry.outcome is outcome for entry in self.entries)

    @property
    def workflow_ids(self) -> list[UUID]:
        """The workflows that the sources are now, each once, in the order of the sources."""
        return list(dict.fromkeys(entry.workflow_id for entry in self.entries if entry.workflow_id is not None))

    def as_json(self) -> dict[str, Any]:
        """Return what `--json` prints: counts, refusals with their reasons, workflows with their ids."""
        return {
            "read": len(self.entries),
            **{outcome.value: self.count(outcome) for outcome in Outcome},
            "nodes": sum(entry.nodes for entry in self.entries),
            "warnings": sum(len(entry.warnings) for entry in self.entries),
            "refusals": [
                {"source": entry.source, "reason": entry.reason}
                for entry in self.entries
                if entry.outcome is Outcome.REFUSED
            ],
            "workflows": [
                {
                    "source": entry.source,
                    "outcome": entry.outcome,
                    "workflow_id": entry.workflow_id,
                    "name": entry.name,
                    "nodes": entry.nodes,
                    "warnings": list(entry.warnings),
                }
                for entry in self.entries
                if entry.workflow_id is not None
            ],
        }
