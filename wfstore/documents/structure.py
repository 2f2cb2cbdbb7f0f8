"""What is odd about the graph of a document: warnings, as engines save such workflows while people edit them.

The graph is what has rows: the first node of each id, and the connections of known types between such nodes.
MAIN connections lead from node to node; the AI_ ones tie a sub-node to the node that it serves.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wfstore.documents.findings import Finding, Severity
from wfstore.documents.graphs import Graph, cycles, reached
from wfstore.vocabulary import ConnectionType, NodeType

WITHOUT_ROW = frozenset({"dangling-connection", "duplicate-node-id", "foreign-connection-type"})
"""The codes of findings about parts that stay in the document alone."""

_CONNECTION_TYPES = frozenset(ConnectionType)
_MOST_NAMED = 10
_LONGEST_NAME = 60  # characters of a message
_FOR_AGENTS = {
    ConnectionType.AI_TOOL: ("misplaced-tool", "tool"),
    ConnectionType.AI_MEMORY: ("misplaced-memory", "memory"),
}


def structure_findings(document: dict[str, Any]) -> list[Finding]:
    """Look at the graph of a document in which `shape.faults` has found nothing; null is as good as absent.

    Returns:
        warnings: of the nodes, of the connections, of the whole. Each node or connection that has no row has one of
        a code `WITHOUT_ROW`, and no other has.
    """
    return list(_Structure(document).findings())


class _Structure:
    """A document's nodes and connections by number."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.nodes: list[dict[str, Any]] = document.get("nodes") or []
        self.connections: list[dict[str, Any]] = document.get("connections") or []
        self.first_of: dict[str, int] = {}
        """The number of the first node of each id."""
        for number, node in enumerate(self.nodes):
            self.first_of.setdefault(node["node_id"], number)
        self.main: Graph = [[] for _ in self.nodes]
        """Where the MAIN connections lead."""
        self.ties: Graph = [[] for _ in self.nodes]
        """What the others tie together, in both directions."""

    def findings(self) -> Iterator[Finding]:
        yield from self._of_nodes()
        yield from self._of_connections()
        yield from self._unreachable()
        yield from self._endless()

    def _of_nodes(self) -> Iterator[Finding]:
        names: dict[str, int] = {}
        for number, node in enumerate(self.nodes):
            first = self.first_of[node["node_id"]]
            if first != number:
                node_id = _quoted(node["node_id"])
                message = f"is {node_id}, as that of nodes[{first}]; only the first has a row"
                yield _warning("duplicate-node-id", f"nodes[{number}].node_id", message)
            name = node.get("name")
            if name and names.setdefault(name, number) != number:
                message = f"is {_quoted(name)}, as that of nodes[{names[name]}]"
                yield _warning("duplicate-node-name", f"nodes[{number}].name", message)

    def _of_connections(self) -> Iterator[Finding]:
        """Look at each connection, and fill the graph with those that have rows."""
        firsts: dict[tuple[Any, ...], int] = {}
        for number, connection in enumerate(self.connections):
            path = f"connections[{number}]"
            kind = connection.get("connection_type") or ConnectionType.MAIN
            key = (
                source_id := connection["source_node_id"],
                connection.get("source_index") or 0,
                target_id := connection["target_node_id"],
                connection.get("target_index") or 0,
                kind,
            )
            if firsts.setdefault(key, number) != number:
                ends = f"from {self._named(source_id)} to {self._named(target_id)}"
                message = f"says again what connections[{firsts[key]}] says: {_quoted(kind)} {ends}"
                yield _warning("duplicate-connection", path, message)
            source, target = self.first_of.get(source_id), self.first_of.get(target_id)
            if source_id == target_id:
                yield _warning("self-loop", path, f"leads from {self._named(source_id)} to itself")
            if source is None:
                yield _dangling(f"{path}.source_node_id", source_id)
            if target is None:
                yield _dangling(f"{path}.target_node_id", target_id)
            if kind not in _CONNECTION_TYPES:
                message = f"is {_quoted(kind)}, which is none of the known types; the connection has no row"
                yield _warning("foreign-connection-type", f"{path}.connection_type", message)
            elif source is not None and target is not None:
                yield from self._add(kind, source, target, path)

    def _add(self, kind: str, source: int, target: int, path: str) -> Iterator[Finding]:
        if kind == ConnectionType.MAIN:
            self.main[source].append(target)
            return
        self.ties[source].append(target)
        self.ties[target].append(source)
        if kind in _FOR_AGENTS and self.nodes[target]["node_type"] != NodeType.AI_AGENT:
            code, what = _FOR_AGENTS[ConnectionType(kind)]
            other = f"{self._called(target)}, which is of type {self.nodes[target]['node_type']}, not AI_AGENT"
            yield _warning(code, path, f"attaches the {what} {self._called(source)} to {other}")

    def _unreachable(self) -> Iterator[Finding]:
        firsts = self.first_of.values()
        triggers = [number for number in firsts if self.nodes[number]["node_type"] == NodeType.TRIGGER]
        if not triggers:
            if self.nodes:
                message = "have no TRIGGER among them; the workflow starts by hand or from another one"
                yield _warning("no-trigger", "nodes", message)
            return
        seen = reached([main + ties for main, ties in zip(self.main, self.ties, strict=True)], triggers)
        for number in firsts:
            if not seen[number]:
                message = f"is {self._called(number)}, to which no connection leads from a trigger"
                yield _warning("unreachable-node", f"nodes[{number}]", message)

    def _endless(self) -> Iterator[Finding]:
        """Look for cycles in what is left without the FLOW nodes: only these can end one."""
        is_flow = [node["node_type"] == NodeType.FLOW for node in self.nodes]
        rest = [
            [] if is_flow[number] else [successor for successor in successors if not is_flow[successor]]
            for number, successors in enumerate(self.main)
        ]
        for cycle in cycles(rest):
            names = [self._called(number) for number in cycle[:_MOST_NAMED]]
            unnamed = len(cycle) - len(names)
            names += [f"{unnamed} more"] if unnamed else []
            message = f"is part of a cycle without a FLOW node: {' -> '.join([*names, names[0]])}"
            yield _warning("cycle-without-flow", f"nodes[{cycle[0]}]", message)

    def _called(self, number: int) -> str:
        """Return a node's name, or its id if it has none."""
        return _quoted(self.nodes[number].get("name") or self.nodes[number]["node_id"])

    def _named(self, node_id: str) -> str:
        return self._called(self.first_of[node_id]) if node_id in self.first_of else _quoted(node_id)


def _quoted(text: str) -> str:
    return repr(text if len(text) <= _LONGEST_NAME else text[: _LONGEST_NAME - 1] + "…")


def _dangling(path: str, node_id: str) -> Finding:
    return _warning("dangling-connection", path, f"is {_quoted(node_id)}, and no node has that id; it has no row")


def _warning(code: str, path: str, message: str) -> Finding:
    return Finding(code, Severity.WARNING, path, message)
