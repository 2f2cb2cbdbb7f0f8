"""Which nodes a change at one node concerns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from wfstore.errors import InvalidInput


def downstream(document: dict[str, Any], start: str) -> set[str]:
    """Return the ids of a node and of all nodes that its connections lead to.

    Raises:
        InvalidInput: the document has no such node.
    """
    if start not in {node["node_id"] for node in document.get("nodes") or ()}:
        raise InvalidInput(f"this version of the workflow has no node {start!r}")
    targets: dict[str, list[str]] = defaultdict(list)
    for connection in _connections(document):
        targets[connection["source_node_id"]].append(connection["target_node_id"])
    reached = {start}
    pending = [start]
    while pending:
        for target in targets[pending.pop()]:
            if target not in reached:
                reached.add(target)
                pending.append(target)
    return reached


def _connections(document: dict[str, Any]) -> Iterable[dict[str, Any]]:
    connections: list[dict[str, Any]] = document.get("connections") or []
    return connections
