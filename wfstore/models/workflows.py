"""Definitions: workflows, versions, nodes, connections, terms."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from wfstore.models.row import Row
from wfstore.vocabulary import AConnectionType, AnErrorHandling, ANodeType, ATermKind


class WorkflowSummary(Row):
    """A workflow without its documents: what lists show."""

    tenant_id: UUID
    id: UUID
    user_id: UUID | None
    name: str
    description: str
    active: bool
    version: str
    revision: int
    content_revision: int
    tags: list[str]
    is_template: bool
    template_category: str | None
    created_at: datetime
    updated_at: datetime


class Workflow(WorkflowSummary):
    """A workflow, whole."""

    workflow_data: dict[str, Any]
    settings: dict[str, Any]
    static_data: Any | None
    pin_data: Any | None
    content_hash: bytes


class WorkflowName(Row):
    """What a workflow is called."""

    id: UUID
    name: str


class WorkflowRevision(Row):
    """Where a workflow stands, and the hash of its document: enough to know whether a save is due."""

    id: UUID
    revision: int
    content_revision: int
    content_hash: bytes


class WorkflowVersionSummary(Row):
    """A version without its document."""

    tenant_id: UUID
    workflow_id: UUID
    revision: int
    version: str
    change_summary: str
    created_by: UUID | None
    created_at: datetime


class WorkflowVersion(WorkflowVersionSummary):
    """A document that a workflow has had."""

    workflow_data: dict[str, Any]
    content_hash: bytes


class WorkflowTerm(Row):
    """Something a workflow is found by."""

    kind: ATermKind
    term: str


class Node(Row):
    """A node of a workflow, as projected from its document."""

    tenant_id: UUID
    workflow_id: UUID
    node_id: str
    node_type: ANodeType
    node_subtype: str
    integration: str
    type_version: Decimal
    name: str
    description: str
    disabled: bool
    position_x: float
    position_y: float
    parameters: Any
    credentials: Any
    error_handling: AnErrorHandling
    max_retries: int
    retry_wait_time: int
    notes: str
    webhooks: list[str]
    ordinal: int


class NodeConnection(Row):
    """An edge of a workflow, as projected from its document."""

    tenant_id: UUID
    workflow_id: UUID
    ordinal: int
    source_node_id: str
    source_index: int
    target_node_id: str
    target_index: int
    connection_type: AConnectionType
    label: str
    conditions: Any | None
