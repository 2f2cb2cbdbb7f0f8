"""Saving an imported document: as a new workflow, as the next version of one that is there, or not at all."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar
from uuid import UUID

from wfstore.documents import content_hash
from wfstore.documents.findings import Finding
from wfstore.errors import AlreadyExists, InvalidInput, RevisionConflict
from wfstore.imports.report import Outcome
from wfstore.sync.store import Store

_TRIES = 8
_VERSIONS = 20
_FIRST = "imported from {}"
_AGAIN = "imported again from {}"


class Standing(Protocol):
    """Where a stored workflow stands."""

    @property
    def revision(self) -> int:
        """Counts its saves."""
        ...

    @property
    def content_revision(self) -> int:
        """The version that holds its document."""
        ...

    @property
    def content_hash(self) -> bytes:
        """The hash of its document."""
        ...


Present = TypeVar("Present", bound=Standing)


@dataclass(frozen=True, slots=True)
class Saved:
    """What a save did."""

    outcome: Outcome
    revision: int
    """The version that holds the document."""
    document: dict[str, Any]
    warnings: tuple[Finding, ...]


def save(
    store: Store,
    identifier: UUID,
    source: str,
    look: Callable[[], Present | None],
    document_for: Callable[[Present | None], dict[str, Any]],
) -> Saved:
    """Save a document; anew when somebody else has saved the workflow in the meantime.

    Args:
        store: where to.
        identifier: the workflow's id.
        source: what to call the origin in the version's summary.
        look: finds what is stored of the workflow now.
        document_for: makes the document to be saved, given what is stored. What it raises is raised.

    Raises:
        InvalidInput: the document cannot be saved, or others saved the workflow again and again.
    """
    for attempt in range(_TRIES):
        with suppress(AlreadyExists, RevisionConflict):
            present = look()
            return _save(store, identifier, source, present, document_for(present))
        time.sleep(random.uniform(0, 0.01 * 2**attempt))  # noqa: S311 - jitter, not a secret
    raise InvalidInput(f"others saved workflow {identifier} again and again at the same time")


def _save(store: Store, identifier: UUID, source: str, present: Standing | None, document: dict[str, Any]) -> Saved:
    if present is None:
        saved = store.workflows.add(document, workflow_id=identifier, change_summary=_FIRST.format(source))
        return Saved(Outcome.IMPORTED, saved.content_revision, document, tuple(saved.warnings))
    if present.content_hash == content_hash(document):
        warnings = tuple(store.workflows.validate(document))
        return Saved(Outcome.UNCHANGED, present.content_revision, document, warnings)
    saved = store.workflows.replace(
        identifier, document, revision=present.revision, change_summary=_AGAIN.format(source)
    )
    return Saved(Outcome.UPDATED, saved.content_revision, document, tuple(saved.warnings))


def earlier(store: Store, identifier: UUID, source: str, present: Standing, digest: bytes) -> int | None:
    """Return the version that the same source made of a document with this hash, before others became the latest."""
    versions = store.workflow_versions.page(
        workflow_id=identifier, before_revision=present.content_revision, limit=_VERSIONS
    )
    for version in versions:
        if version.change_summary in (_FIRST.format(source), _AGAIN.format(source)):
            found = store.workflow_versions.get(workflow_id=identifier, revision=version.revision)
            is_same = found is not None and found.content_hash == digest
            return version.revision if is_same else None
    return None
