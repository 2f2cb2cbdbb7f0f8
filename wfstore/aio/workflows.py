"""Saving definitions: the document and its projections in one transaction, in one round trip."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from wfstore.aio.running import Call
from wfstore.aio.typed import AsyncWorkflowsNamespace
from wfstore.documents import Projection, ProjectionWarning, as_stored, hash_of_stored, project
from wfstore.ids import uuid7
from wfstore.models import WorkflowRevision


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
    warnings: list[ProjectionWarning]
    """What of the document has no rows."""


class AsyncWorkflows(AsyncWorkflowsNamespace):
    """Workflow definitions."""

    async def add(
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
            InvalidDocument: the document has not the shape of a Workflow; nothing was written.
            AlreadyExists: there is a workflow of this id.
        """
        identifier = workflow_id or uuid7()
        stored = as_stored(document)
        projection = project(stored)
        create = self._call(
            "create",
            id=identifier,
            user_id=user_id,
            is_template=is_template,
            template_category=template_category,
            settings=stored.get("settings") or {},
            static_data=stored.get("static_data"),
            pin_data=stored.get("pin_data"),
            **_document_columns(stored, projection),
        )
        saved: WorkflowRevision = (
            await self._runner.run(create, *self._projection_calls(identifier, projection, change_summary, user_id))
        )[0]
        return SavedWorkflow(identifier, saved.revision, saved.content_revision, True, projection.warnings)

    async def replace(
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
        not touched, those whose part has vanished are removed.

        Raises:
            InvalidDocument: the document has not the shape of a Workflow.
            NotFound: there is no such workflow.
            RevisionConflict: somebody saved it since it was read. In all cases nothing was written.
        """
        stored = as_stored(document)
        projection = project(stored)
        _, saved, *_ = await self._runner.run(
            self._call("lock", id=workflow_id, revision=revision),
            self._call("save", id=workflow_id, **_document_columns(stored, projection)),
            *self._projection_calls(workflow_id, projection, change_summary, user_id),
            *self._removal_calls(workflow_id, projection),
        )
        changed = saved.content_revision == saved.revision
        return SavedWorkflow(workflow_id, saved.revision, saved.content_revision, changed, projection.warnings)

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


def _document_columns(document: dict[str, Any], projection: Projection) -> dict[str, Any]:
    """Return the document's columns."""
    return {**projection.columns, "workflow_data": document, "content_hash": hash_of_stored(document)}
