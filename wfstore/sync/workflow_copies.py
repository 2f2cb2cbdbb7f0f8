# Derived from wfstore/aio by .ci/derive_sync.py: change it there.
"""Saves of documents that are there already: restoring a version, duplicating, instantiating a template."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from wfstore.documents.copying import copied, copy_name
from wfstore.errors import InvalidInput, NotFound
from wfstore.ids import LAST_ID, SYSTEM_TENANT
from wfstore.models import Workflow, WorkflowSummary, WorkflowVersion
from wfstore.sync.typed import WorkflowsNamespace

if TYPE_CHECKING:
    from wfstore.sync.workflows import SavedWorkflow, Workflows


class WorkflowCopies(WorkflowsNamespace):
    """A part of `store.workflows`."""

    def restore(
        self,
        workflow_id: UUID,
        to_revision: int,
        *,
        revision: int,
        user_id: UUID | None = None,
        change_summary: str | None = None,
    ) -> SavedWorkflow:
        """Save the document of an earlier version again, over the workflow that was read at `revision`.

        It is a save like any other: the versions between stay, and what of settings, static and pinned data differs
        between the two documents changes at run time too.

        Raises:
            NotFound: the workflow has no version of `to_revision`; saves that changed nothing made none.
            RevisionConflict: somebody saved it since it was read.
            InvalidDocument: what the version holds is refused today. In all cases nothing was written.
        """
        # Versions are never updated: it does not matter that the save is another transaction.
        version: WorkflowVersion | None = self._run(
            "workflow_versions.get", workflow_id=workflow_id, revision=to_revision
        )
        if version is None:
            raise NotFound(
                f"workflow {workflow_id} has no version of revision {to_revision}",
                hint="store.workflow_versions.page(workflow_id=..., before_revision=..., limit=...) lists them.",
            )
        return self._saves.replace(
            workflow_id,
            version.workflow_data,
            revision=revision,
            user_id=user_id,
            change_summary=f"restored from revision {to_revision}" if change_summary is None else change_summary,
        )

    def duplicate(
        self,
        workflow_id: UUID,
        *,
        name: str | None = None,
        new_id: UUID | None = None,
        user_id: UUID | None = None,
        is_template: bool = False,
        template_category: str | None = None,
    ) -> SavedWorkflow:
        """Add a copy of a workflow, inactive and at revision 1; of another name, or named "... (copy)".

        Its settings and pinned data are those that the workflow has at run time; what triggers and nodes
        remembered between runs is not copied, nor by which id another system knew the original. It belongs to
        `user_id`, and is no template unless it shall be.

        Raises:
            NotFound: there is no such workflow.
            InvalidDocument: the name is empty, or settings that were set at run time have no place in a document.
            AlreadyExists: there is a workflow of the id `new_id`.
        """
        source: Workflow | None = self._run("get", id=workflow_id)
        if source is None:
            raise NotFound(
                f"workflow {workflow_id} is not there",
                hint="Templates of the system tenant are copied with store.workflows.instantiate.",
            )
        return self._saves.add(
            _copied(source, copy_name(source.name) if name is None else name),
            workflow_id=new_id,
            user_id=user_id,
            change_summary=f"copied from {source.name} revision {source.content_revision}",
            is_template=is_template,
            template_category=template_category,
        )

    def instantiate(
        self,
        template_id: UUID,
        *,
        name: str | None = None,
        new_id: UUID | None = None,
        user_id: UUID | None = None,
    ) -> SavedWorkflow:
        """Add a workflow made from a template of the tenant's own or of the system tenant, inactive.

        It has the template's name if no other is given, its settings and pinned data, and is no template.

        Raises:
            NotFound: neither the tenant nor the system tenant has a workflow of this id.
            InvalidInput: it is there, and is no template; InvalidDocument: as for `duplicate`.
            AlreadyExists: there is a workflow of the id `new_id`.
        """
        gets = [self._call("get", id=template_id, tenant_id=tenant) for tenant in self._template_owners()]
        found: list[Workflow] = [row for row in self._runner.run(*gets) if row is not None]
        template = next((row for row in found if row.is_template), None)
        if template is not None:
            return self._saves.add(
                _copied(template, template.name if name is None else name),
                workflow_id=new_id,
                user_id=user_id,
                change_summary=f"from template {template.name} revision {template.content_revision}",
            )
        if found:
            raise InvalidInput(
                f"workflow {template_id}, {found[0].name!r}, is no template",
                hint="store.workflows.duplicate copies any workflow; add(..., is_template=True) makes a template.",
            )
        raise NotFound(f"template {template_id} is not there", hint="store.workflows.templates() lists them.")

    def templates(self, *, before_id: UUID = LAST_ID, limit: int = 50) -> list[WorkflowSummary]:
        """Return the templates that can be instantiated, the tenant's own and the system tenant's, latest id first.

        The next page begins where this one ended: `before_id` is the last id. A template of the tenant's own
        hides one of the system tenant's that has the same id.
        """
        pages: list[list[WorkflowSummary]] = self._runner.run(
            *(
                self._call("page_templates", before_id=before_id, limit=limit, tenant_id=tenant)
                for tenant in self._template_owners()
            )
        )
        found = {row.id: row for page in reversed(pages) for row in page}
        return [found[identifier] for identifier in sorted(found, reverse=True)[:limit]]

    @property
    def _saves(self) -> Workflows:
        """The namespace that this is a part of: how it saves."""
        return cast("Workflows", self)

    def _template_owners(self) -> list[UUID]:
        """Return the tenants whose templates can be read, each once."""
        return list(dict.fromkeys((self._runner.tenant_id, SYSTEM_TENANT)))


def _copied(source: Workflow, name: str) -> dict[str, Any]:
    """Return the document of a copy, with the settings and pinned data that the source has at run time."""
    return copied(source.workflow_data, name=name, settings=source.settings, pin_data=source.pin_data)
