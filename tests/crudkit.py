"""Users, workflows and executions for tests, through the store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from wfstore import NewExecution, Store, models, uuid7


def add_user(store: Store, email: str = "ada@example.org", **changes: Any) -> models.User:
    facts: dict[str, Any] = {"id": uuid7(), "email": email, "name": "Ada", "avatar_url": None, "role": "user"} | changes
    user: models.User = store.users.create(**facts)
    return user


def document(name: str = "a workflow", nodes: int = 2) -> dict[str, Any]:
    """A chain of nodes."""
    return {
        "name": name,
        "tags": ["red", "blue"],
        "nodes": [{"node_id": f"n{i:03}", "node_type": "ACTION", "name": f"Node {i}"} for i in range(nodes)],
        "connections": [{"source_node_id": f"n{i:03}", "target_node_id": f"n{i + 1:03}"} for i in range(nodes - 1)],
    }


def add_workflow(store: Store, **changes: Any) -> UUID:
    return store.workflows.add(document(), **changes).id


def enqueue(store: Store, workflow_id: UUID, **changes: Any) -> UUID:
    [created] = store.executions.enqueue(NewExecution(workflow_id=workflow_id, **changes))
    return created.execution_id


def cancel(store: Store, execution_id: UUID) -> None:
    """End an execution now, or when it began if that is later: ids of a test may be made ahead of the clock."""
    store.executions.cancel(execution_id, now=datetime.now(UTC) + timedelta(minutes=1))
