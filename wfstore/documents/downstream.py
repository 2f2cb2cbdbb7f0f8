"""Which nodes a change at one node concerns."""

from __future__ import annotations

from typing import Any

from wfstore.documents.graphs import Graph, reached
from wfstore.errors import InvalidInput


def downstream(document: dict[str, Any], start: str) -> set[str]:
    """Return the ids of a node and of all nodes that its connections lead to.

    Raises:
        InvalidInput: the document has no such node.
    """
    if start not in {node["node_id"] for node in document.get("nodes") or ()}:
        raise InvalidInput(f"this version of the workflow has no node {start!r}")
    edges = [(each["source_node_id"], each["target_node_id"]) for each in document.get("connections") or ()]
    number_of = {
        node_id: n for n, node_id in enumerate(dict.fromkeys([start, *(end for edge in edges for end in edge)]))
    }
    successors: Graph = [[] for _ in number_of]
    for source, target in edges:
        successors[number_of[source]].append(number_of[target])
    there = reached(successors, [number_of[start]])
    return {node_id for node_id, n in number_of.items() if there[n]}
