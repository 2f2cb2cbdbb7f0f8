"""What an import did, source by source."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID

from wfstore.documents.findings import Finding
from wfstore.imports.sources import place


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
    line: int | None = None
    """The line of its file at which it begins, or, when it was refused, at which the fault is, if that is known."""
    workflow_id: UUID | None = None
    name: str | None = None
    revision: int | None = None
    """The version that holds its document."""
    nodes: int = 0
    reason: str | None = None
    """Why it was refused."""
    warnings: tuple[Finding, ...] = ()
    item: int | None = None
    """Which item of the list that its file is, counted from 0."""

    @property
    def place(self) -> str:
        """The file, and the item or the line where it has one: `flows.jsonl:17`, `flows.json[3]:17`."""
        return place(self.source, self.line, self.item)


@dataclass(slots=True)
class ImportReport:
    """All sources of one import, in their order."""

    entries: list[Imported] = field(default_factory=list)

    def count(self, outcome: Outcome) -> int:
        """How many sources had this outcome."""
        return sum(entry.outcome is outcome for entry in self.entries)

    @property
    def warned(self) -> int:
        """How many sources had at least one warning."""
        return sum(bool(entry.warnings) for entry in self.entries)

    @property
    def workflow_ids(self) -> list[UUID]:
        """The workflows that the sources are now, each once, in the order of the sources."""
        return list(dict.fromkeys(entry.workflow_id for entry in self.entries if entry.workflow_id is not None))

    def as_json(self) -> dict[str, Any]:
        """Return what `--json` prints: counts, refusals with their reasons, workflows with their ids."""
        return {
            "read": len(self.entries),
            **{outcome.value: self.count(outcome) for outcome in Outcome if outcome is not Outcome.REFUSED},
            "warned": self.warned,
            "refused": self.count(Outcome.REFUSED),
            "nodes": sum(entry.nodes for entry in self.entries),
            "warnings": sum(len(entry.warnings) for entry in self.entries),
            "refusals": [_refusal(entry) for entry in self.entries if entry.outcome is Outcome.REFUSED],
            "workflows": [_workflow(entry) for entry in self.entries if entry.workflow_id is not None],
        }


def _refusal(entry: Imported) -> dict[str, Any]:
    return {"source": entry.source, "line": entry.line, "item": entry.item, "reason": entry.reason}


def _workflow(entry: Imported) -> dict[str, Any]:
    return {
        "source": entry.source,
        "line": entry.line,
        "item": entry.item,
        "outcome": entry.outcome,
        "workflow_id": entry.workflow_id,
        "name": entry.name,
        "revision": entry.revision,
        "nodes": entry.nodes,
        "warnings": [
            {"code": warning.code, "path": warning.path, "message": warning.message} for warning in entry.warnings
        ],
    }
