"""Finding workflows by what their documents say."""

from __future__ import annotations

from uuid import UUID

from wfstore.aio.typed import AsyncWorkflowsNamespace
from wfstore.documents import terms
from wfstore.ids import LAST_ID
from wfstore.models import WorkflowSummary

_SAMPLE = 1_000
"""Workflows that are counted of each term before the rarest one is gone through."""


class AsyncWorkflowFinding(AsyncWorkflowsNamespace):
    """A part of `store.workflows`."""

    async def find(
        self,
        *,
        name: str | None = None,
        tag: str | None = None,
        node_type: str | None = None,
        node_subtype: str | None = None,
        integration: str | None = None,
        credential: str | None = None,
        before_id: UUID = LAST_ID,
        limit: int = 50,
    ) -> list[WorkflowSummary]:
        """Find the tenant's workflows that meet all the criteria, latest id first.

        The next page begins where this one ended: `before_id` is the last id found. Where many workflows meet
        each criterion and few meet all, those with the rarest are gone through until the page is full.

        Args:
            name: words, all of which the name has, in whatever case, width and order; of a text without letters
                and digits the whole name. A word is a run of those; names are found by their first 64 words.
            tag: a tag, exactly.
            node_type: one of the eight node types, of any node.
            node_subtype: a subtype, exactly, of any node.
            integration: an outside service, exactly, that any node talks to.
            credential: the type, the id or the name of a credential, exactly, that any node refers to.
            before_id: only workflows of a lower id.
            limit: the most workflows to return.

        Raises:
            InvalidInput: there is no criterion, one is empty, or the node type is none.
        """
        wanted = terms.wanted(
            name=name,
            tag=tag,
            node_type=node_type,
            node_subtype=node_subtype,
            integration=integration,
            credential=credential,
        )
        found: list[WorkflowSummary] = await self._run(
            "page_by_terms",
            before_id=before_id,
            kinds=[kind for kind, _ in wanted],
            terms=[term for _, term in wanted],
            # a single term is the rarest, however many have it
            sample=_SAMPLE if len(wanted) > 1 else 1,
            limit=limit,
        )
        return found
