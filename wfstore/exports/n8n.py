"""Export workflows to n8n: rebuilt from the stored document, with what the workflow's columns hold now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from wfstore.documents.canonical import equal
from wfstore.errors import InvalidDocument, NotFound
from wfstore.ids import LAST_ID
from wfstore.models import Workflow
from wfstore.n8n import to_export
from wfstore.sync.store import Store

_PAGE = 500
_RUN_TIME: dict[str, Any] = {"settings": {}, "static_data": None, "pin_data": None}
"""What changes at run time without making a version, and what its column holds of a document without it."""


@dataclass(frozen=True, slots=True)
class Exported:
    """A workflow in n8n's form."""

    workflow_id: UUID
    name: str
    revision: int
    """The version that it is of."""
    definition: dict[str, Any]


def export_workflow(store: Store, workflow_id: UUID, revision: int | None = None) -> dict[str, Any]:
    """Return a workflow as n8n's JSON.

    Settings, static data and pinned data are those of now; with `revision` all is that version's own.

    Raises:
        NotFound: there is no such workflow, or no version of it with this number.
        InvalidDocument: the document says something that n8n has no form for.
    """
    return export(store, workflow_id, revision).definition


def export(store: Store, workflow_id: UUID, revision: int | None = None) -> Exported:
    """Return what `export_workflow` does, and what it is called."""
    if revision is None:
        workflow = _found(store, workflow_id)
        revision, document = workflow.content_revision, _current(workflow)
    else:
        document = _version(store, workflow_id, revision)
    try:
        definition = to_export(document)
    except InvalidDocument as error:
        raise InvalidDocument(f"workflow {workflow_id} cannot be exported: {error}", hint=error.hint) from error
    return Exported(workflow_id, document["name"], revision, definition)


def check_present(store: Store, workflow_ids: Iterable[UUID]) -> None:
    """Look whether all workflows are there, so that nothing is written of some when one is not.

    Raises:
        NotFound: one is not; the message names it.
    """
    for workflow_id in workflow_ids:
        if store.workflows.revision(id=workflow_id) is None:
            raise _not_found(workflow_id)


def workflow_ids(store: Store) -> Iterator[UUID]:
    """The ids of all workflows of the tenant, latest first."""
    before = LAST_ID
    while page := store.workflows.page(before_id=before, limit=_PAGE):
        for workflow in page:
            yield workflow.id
        before = page[-1].id


def _found(store: Store, workflow_id: UUID) -> Workflow:
    found: Workflow | None = store.workflows.get(id=workflow_id)
    if found is None:
        raise _not_found(workflow_id)
    return found


def _not_found(workflow_id: UUID) -> NotFound:
    return NotFound(f"there is no workflow {workflow_id}", hint="wfstore workflows list shows those that are there.")


def _version(store: Store, workflow_id: UUID, revision: int) -> dict[str, Any]:
    found = store.workflow_versions.get(workflow_id=workflow_id, revision=revision)
    if found is None:
        check_present(store, [workflow_id])
        raise NotFound(
            f"workflow {workflow_id} has no version {revision}",
            hint=f"wfstore workflows versions {workflow_id} shows those that it has.",
        )
    document: dict[str, Any] = found.workflow_data
    return document


def _current(workflow: Workflow) -> dict[str, Any]:
    """Return the document with what its columns hold now, where that is not what it says itself."""
    document = dict(workflow.workflow_data)
    for key, absent in _RUN_TIME.items():
        now = getattr(workflow, key)
        own = document.get(key)
        if equal(now, absent if own is None else own):
            continue
        if now is None:
            del document[key]
        else:
            document[key] = now
    return document
