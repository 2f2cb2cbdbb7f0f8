"""Frozen pydantic models: exactly the columns that a query selects, one model a shape."""

from wfstore.models.checks import CatalogColumn, CatalogFunction, CatalogOperator, CatalogType
from wfstore.models.executions import (
    Claim,
    Execution,
    ExecutionCreated,
    ExecutionKey,
    ExecutionSummary,
    Lease,
    NodeExecution,
    NodeExecutionSummary,
    QueueEntry,
    RecordOutcome,
    StartedExecution,
)
from wfstore.models.migrations import AppliedMigration, TableSize
from wfstore.models.monitoring import (
    NodeDurations,
    NodeFailures,
    Performance,
    QueueDepth,
    StatusCount,
    TableStorage,
    WorkflowPerformance,
)
from wfstore.models.row import Row
from wfstore.models.session import SessionFacts
from wfstore.models.tenants import RetentionPolicy, Tenant, User
from wfstore.models.workflows import (
    Node,
    NodeConnection,
    Workflow,
    WorkflowRevision,
    WorkflowSummary,
    WorkflowTerm,
    WorkflowVersion,
    WorkflowVersionSummary,
)

__all__ = [
    "AppliedMigration",
    "CatalogColumn",
    "CatalogFunction",
    "CatalogOperator",
    "CatalogType",
    "Claim",
    "Execution",
    "ExecutionCreated",
    "ExecutionKey",
    "ExecutionSummary",
    "Lease",
    "Node",
    "NodeConnection",
    "NodeDurations",
    "NodeExecution",
    "NodeExecutionSummary",
    "NodeFailures",
    "Performance",
    "QueueDepth",
    "QueueEntry",
    "RecordOutcome",
    "RetentionPolicy",
    "Row",
    "SessionFacts",
    "StartedExecution",
    "StatusCount",
    "TableSize",
    "TableStorage",
    "Tenant",
    "User",
    "Workflow",
    "WorkflowPerformance",
    "WorkflowRevision",
    "WorkflowSummary",
    "WorkflowTerm",
    "WorkflowVersion",
    "WorkflowVersionSummary",
]
