# Derived from wfstore/aio by .ci/derive_sync.py: change it there.
"""Saving definitions: the document and its projections in one transaction, in one round trip."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from wfstore.documents import Projection, project
from wfstore.documents.findings import Finding
from wfstore.documents.validation import Checked, checked, validate
from wfstore.ids import uuid7
from wfstore.models import WorkflowRevision
from wfstore.sync.calling import Call
from wfstore.sync.workflow_copies import WorkflowCopies
from wfstore.sync.workflow_diff import WorkflowDiff
from wfstore.sync.workflow_finding import WorkflowFinding


@dataclass(frozen=True, slots=True)
class SavedWorkflow:
    """What a save did."""

    id: UUID
    revision: int
    """Counts saves; name it in the next one."""
    content_revision: int
    """The version that holds this document."""
    changed: bool
    """Whether the document differs from the one before, so that there is a new version."""
    warnings: list[Finding]
    """What is odd about the document."""


class Workflows(WorkflowFinding, WorkflowCopies, WorkflowDiff):
    """Workflow definitions."""

    def add(
        self,
        document: dict[str, Any],
        *,
        workflow_id: UUID | None = None,
        user_id: UUID | None = None,
        change_summary: str = "",
        is_template: bool = False,
        template_category: str | None = None,
    ) -> SavedWorkflow:
        """Add a workflow from its document, as revision 1.

        Raises:
            InvalidDocument: the document has errors, which `findings` holds; nothing was written.
            AlreadyExists: there is a workflow of this id.
        """
        identifier = workflow_id or uuid7()
        save = checked(document)
        projection = project(save.document)
        create = self._call(
            "create",
            id=identifier,
            user_id=user_id,
            is_template=is_template,
            template_category=template_category,
            **_document_columns(save, projection),
        )
        saved: WorkflowRevision = (
            self._runner.run(create, *self._projection_calls(identifier, projection, change_summary, user_id))
        )[0]
        return SavedWorkflow(identifier, saved.revision, saved.content_revision, True, save.warnings)

    def replace(
        self,
        workflow_id: UUID,
        document: dict[str, Any],
        *,
        revision: int,
        user_id: UUID | None = None,
        change_summary: str = "",
    ) -> SavedWorkflow:
        """Save a document over the workflow that was read at `revision`.

        A document that is the same as before makes no version; rows of the projection that are the same are
        not touched, those whose part has vanished are removed. Settings, static and pinned data that were set
        apart from the document stay, unless this document has other ones than the document before.

        Raises:
            InvalidDocument: the document has errors, which `findings` holds.
            NotFound: there is no such workflow.
            RevisionConflict: somebody saved it since it was read. In all cases nothing was written.
        """
        save = checked(document)
        projection = project(save.document)
        _, saved, *_ = self._runner.run(
            self._call("lock", id=workflow_id, revision=revision),
            self._call("save", id=workflow_id, **_document_columns(save, projection)),
            *self._projection_calls(workflow_id, projection, change_summary, user_id),
            *self._removal_calls(workflow_id, projection),
        )
        changed = saved.content_revision == saved.revision
        return SavedWorkflow(workflow_id, saved.revision, saved.content_revision, changed, save.warnings)

    def validate(self, document: Any) -> list[Finding]:
        """Return what is wrong with a document, errors first, without asking the database.

        Errors refuse a save, warnings come back with it. Faults of the shape, up to a hundred, are looked for
        only in what can be stored, oddities of the graph only in a document that has no error.
        """
        return validate(document)

    def _projection_calls(
        self, workflow_id: UUID, projection: Projection, change_summary: str, user_id: UUID | None
    ) -> list[Call]:
        """Keep the version, write the rows; nodes before the connections that refer to them."""
        return [
            self._call(
                "workflow_versions.create",
                workflow_id=workflow_id,
                change_summary=change_summary,
                created_by=user_id,
            ),
            self._call("nodes.upsert_many", workflow_id=workflow_id, **projection.nodes),
            self._call("node_connections.upsert_many", workflow_id=workflow_id, **projection.connections),
            self._call("workflow_terms.add_many", workflow_id=workflow_id, **projection.term_arrays()),
        ]

    def _removal_calls(self, workflow_id: UUID, projection: Projection) -> list[Call]:
        """Remove what vanished; connections before the nodes that they refer to."""
        ordinals, node_ids = projection.connections["ordinals"], projection.nodes["node_ids"]
        return [
            self._call("node_connections.remove_others", workflow_id=workflow_id, ordinals=ordinals),
            self._call("nodes.remove_others", workflow_id=workflow_id, node_ids=node_ids),
            self._call("workflow_terms.remove_others", workflow_id=workflow_id, **projection.term_arrays()),
        ]


def _document_columns(save: Checked, projection: Projection) -> dict[str, Any]:
    """Return the document's columns."""
    return {
        **projection.columns,
        "settings": save.document.get("settings") or {},
        "static_data": save.document.get("static_data"),
        "pin_data": save.document.get("pin_data"),
        "workflow_data": save.text,
        "content_hash": save.content_hash,
    }
