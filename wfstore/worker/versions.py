"""The versions of workflows that a worker runs, each read once."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from wfstore.aio.store import AsyncStore
from wfstore.errors import NotFound
from wfstore.leases import ClaimedExecution
from wfstore.models import WorkflowVersion
from wfstore.vocabulary import NodeType

_KEPT = 256


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """What a version says of one of its nodes that matters to a step."""

    node_type: NodeType
    max_retries: int
    retry_wait: timedelta


@dataclass(frozen=True, slots=True)
class Version:
    """A version, and its nodes by id."""

    row: WorkflowVersion
    nodes: dict[str, NodeFacts]


class Versions:
    """Versions never change, so that a worker may keep the latest few hundred."""

    def __init__(self, store: AsyncStore) -> None:
        self._store = store
        self._kept: OrderedDict[tuple[UUID, int], Version] = OrderedDict()
        self._reading = asyncio.Lock()

    async def of(self, lease: ClaimedExecution) -> Version:
        """Return the version that an execution runs.

        Raises:
            NotFound: it is not there any more.
        """
        key = (lease.workflow_id, lease.workflow_revision)
        async with self._reading:  # many executions of one version begin at once: one of them reads it
            if key not in self._kept:
                self._kept[key] = await self._read(*key)
                if len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(key)
            return self._kept[key]

    async def _read(self, workflow_id: UUID, revision: int) -> Version:
        row: WorkflowVersion | None = await self._store.workflow_versions.get(
            workflow_id=workflow_id, revision=revision
        )
        if row is None:
            raise NotFound(f"workflow {workflow_id} has no version {revision}")
        nodes = row.workflow_data.get("nodes") or []
        return Version(row, {node["node_id"]: _facts(node) for node in reversed(nodes)})  # of two the first counts


def _facts(node: dict[str, Any]) -> NodeFacts:
    return NodeFacts(
        node_type=NodeType(node["node_type"]),
        max_retries=node.get("max_retries") or 0,
        retry_wait=timedelta(milliseconds=node.get("retry_wait_time") or 0),
    )
