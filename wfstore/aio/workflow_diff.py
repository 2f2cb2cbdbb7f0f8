"""What differs between two revisions of a workflow."""

from __future__ import annotations

from uuid import UUID

from wfstore.aio.typed import AsyncWorkflowsNamespace
from wfstore.documents.diff import Change, diff
from wfstore.errors import NotFound
from wfstore.models import Workflow, WorkflowVersion


class AsyncWorkflowDiff(AsyncWorkflowsNamespace):
    """A part of `store.workflows`."""

    async def diff(self, workflow_id: UUID, old_revision: int, new_revision: int | None = None) -> list[Change]:
        """Return what changed from one revision to another, or to the document as it is now.

        Raises:
            NotFound: there is no such workflow, or none of its versions has that revision.
        """
        revisions = [old_revision] if new_revision is None else [old_revision, new_revision]
        get = [self._call("workflow_versions.get", workflow_id=workflow_id, revision=each) for each in revisions]
        current, *versions = await self._runner.run(self._call("get", id=workflow_id), *get)
        if current is None:
            raise NotFound(f"there is no workflow {workflow_id}")
        found: list[Workflow | WorkflowVersion] = []
        for revision, version in zip(revisions, versions, strict=True):
            if version is None:
                raise NotFound(
                    f"workflow {workflow_id} has no version of revision {revision}",
                    hint=f"`wfstore workflows versions {workflow_id}` lists them; a save without a change makes none.",
                )
            found.append(version)
        old, new = found if new_revision is not None else (*found, current)
        return diff(old.workflow_data, new.workflow_data)
