"""Everything that can be said about a document before it is saved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from types import MappingProxyType
from typing import Any

from wfstore.documents import limits
from wfstore.documents.canonical import hash_of
from wfstore.documents.findings import Finding, Severity
from wfstore.documents.shape import faults
from wfstore.documents.storable import stored
from wfstore.documents.structure import structure_findings
from wfstore.errors import InvalidDocument

CODES: Mapping[str, Severity] = MappingProxyType(
    {
        "unstorable": Severity.ERROR,
        "limit": Severity.ERROR,
        "shape": Severity.ERROR,
        "cycle-without-flow": Severity.WARNING,
        "dangling-connection": Severity.WARNING,
        "duplicate-connection": Severity.WARNING,
        "duplicate-node-id": Severity.WARNING,
        "duplicate-node-name": Severity.WARNING,
        "foreign-connection-type": Severity.WARNING,
        "misplaced-memory": Severity.WARNING,
        "misplaced-tool": Severity.WARNING,
        "no-trigger": Severity.WARNING,
        "self-loop": Severity.WARNING,
        "unreachable-node": Severity.WARNING,
    }
)
"""Every code that a finding may have, and its severity; docs/documents.md explains them."""

_MOST_IDS = 100
"""Node ids that are too long, of which findings are given."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A document that can be saved."""

    document: dict[str, Any]
    """As it will read."""
    text: bytes
    """The same as JSON, for the database."""
    content_hash: bytes
    warnings: list[Finding]


def validate(document: Any) -> list[Finding]:
    """Return what is wrong with a document, errors first, without a database.

    Faults of the shape, up to a hundred, are looked for only in what can be stored, oddities of the graph only in
    a document that has no error.
    """
    try:
        return checked(document).warnings
    except InvalidDocument as refusal:
        return list(refusal.findings)


def checked(document: Any) -> Checked:
    """Check a document, and return what a save needs of it.

    Raises:
        InvalidDocument: it has errors; its findings are all that `validate` finds.
    """
    kept = stored(document)
    too_long = islice(limits.of_node_ids(kept.value), _MOST_IDS)
    errors = [*limits.of_counts(kept.value), *too_long, *faults(kept.value)]
    if errors:
        raise InvalidDocument.of(errors)
    return Checked(kept.value, kept.text, hash_of(kept.text), structure_findings(kept.value))
