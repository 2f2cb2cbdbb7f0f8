"""The graph that a drawing shows: who leads to whom, who is a part of whom, and what is drawn below what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from wfstore.documents.drawing_words import ROLES_FIRST, clean, is_part, output, role

_ROOT = -1
"""Stands above all the nodes that trees begin with."""


@dataclass(frozen=True, slots=True)
class Edge:
    """A way out of a node."""

    target: int | None
    """The ordinal of the node it leads to; None if there is no such node."""
    target_id: str
    label: str
    """What the output is called; empty for the only output."""
    entry: int
    """Which input of the target it leads to."""


@dataclass(slots=True)
class Graph:
    """Nodes by ordinal, and their connections; what is no node or no connection is left out."""

    nodes: list[dict[str, Any]]
    flows: list[list[Edge]] = field(init=False)
    """The ways out of each node, by output."""
    parts: list[list[tuple[str, int]]] = field(init=False)
    """The parts of each node, as models and tools of an agent: role and ordinal."""
    attached: list[bool] = field(init=False)
    """Whether a node is a part of another one and nothing else."""
    nowhere: list[str] = field(default_factory=list)
    """Connections from nodes that are not there, as text."""

    def __post_init__(self) -> None:
        self.flows = [[] for _ in self.nodes]
        self.parts = [[] for _ in self.nodes]
        self.attached = [False for _ in self.nodes]

    @classmethod
    def of(cls, document: dict[str, Any]) -> Graph:
        """Read a document."""
        graph = cls(_objects(document.get("nodes")))
        graph._connect(_objects(document.get("connections")))
        return graph

    def name(self, node: int) -> str:
        """Return what a node is called, safe for a terminal."""
        found = self.nodes[node]
        named = clean(_text(found.get("name")))
        return named or clean(_text(found.get("node_id"))) or "(no name)"

    def triggers(self) -> list[int]:
        """Return the nodes that a run begins with, from the top of the canvas down."""
        found = (n for n, node in enumerate(self.nodes) if node.get("node_type") == "TRIGGER" and not self.attached[n])
        return self._from_the_top(found)

    def beginnings(self, done: set[int]) -> list[int]:
        """Return nodes from which all those that are not done can be reached: the ones without a way in first."""
        rest = {n for n in range(len(self.nodes)) if n not in done and not self.attached[n]}
        led_to = {edge.target for n in rest for edge in self.flows[n] if edge.target != n}
        found = self._from_the_top(rest - led_to)
        reached = set(self._reached(found, rest))
        for node in self._from_the_top(rest):
            if node not in reached:  # in a circle that nothing leads to
                found.append(node)
                reached |= set(self._reached([node], rest - reached))
        return found

    def successors(self, node: int) -> list[int]:
        """Return the nodes that a node leads to, each once, in the order of its outputs."""
        return list(dict.fromkeys(edge.target for edge in self.flows[node] if edge.target is not None))

    def _connect(self, connections: list[dict[str, Any]]) -> None:
        places: dict[str, int] = {}
        for place, node in enumerate(self.nodes):
            places.setdefault(_text(node.get("node_id")), place)
        used = {(_text(c.get("source_node_id")), _index(c, "source_index")) for c in connections if not _is_part(c)}
        several = {source for source, index in used if index}
        flowing = set()
        for connection in sorted(connections, key=lambda each: _index(each, "source_index")):
            source_id, target_id = _text(connection.get("source_node_id")), _text(connection.get("target_node_id"))
            source, target = places.get(source_id), places.get(target_id)
            if source is None:
                there = self.name(target) if target is not None else f"{clean(target_id)}?"
                self.nowhere.append(f"{clean(source_id)}? -> {there}")
            elif _is_part(connection) and target is not None:
                self.parts[target].append((role(_text(connection["connection_type"])), source))
                self.attached[source] = True
            else:
                label = output(self.nodes[source], connection, several=source_id in several)
                edge = Edge(target, target_id, label, _index(connection, "target_index"))
                if edge not in self.flows[source]:
                    self.flows[source].append(edge)
                flowing |= {source, target}
        for parts in self.parts:
            parts.sort(key=lambda part: ROLES_FIRST.get(part[0], len(ROLES_FIRST)))
        self.attached = [attached and n not in flowing for n, attached in enumerate(self.attached)]

    def _from_the_top(self, nodes: Iterable[int]) -> list[int]:
        def place(node: int) -> tuple[float, float, int]:
            found = self.nodes[node]
            return _number(found, "position_y"), _number(found, "position_x"), node

        return sorted(nodes, key=place)

    def _reached(self, starts: Sequence[int], within: set[int]) -> Iterator[int]:
        pending, seen = list(starts), set(starts)
        while pending:
            node = pending.pop()
            yield node
            following = [each for each in self.successors(node) if each in within and each not in seen]
            seen.update(following)
            pending += following


@dataclass(frozen=True, slots=True)
class Forest:
    """Which node is drawn below which."""

    above: Mapping[int, int]
    """The immediate dominator of each node: the last one that all ways to it pass through, or `_ROOT`."""
    entries: Mapping[int, set[int]]
    """From where a node is led to, but for ways back."""
    below: Mapping[int, list[int]]
    """The nodes below each node, each after those that lead to it."""

    @property
    def starts(self) -> list[int]:
        """The nodes that trees begin with."""
        return self.branches(_ROOT)

    def branches(self, node: int) -> list[int]:
        """Return the nodes below a node that nothing else leads to."""
        return [each for each in self.below.get(node, []) if self.entries[each] == {node}]

    def joins(self, node: int | None) -> list[int]:
        """Return the nodes where ways from below a node meet; None: those where ways from several trees do."""
        place = _ROOT if node is None else node
        return [each for each in self.below.get(place, []) if self.entries[each] != {place}]

    def is_above(self, upper: int, lower: int) -> bool:
        """Whether all ways to a node pass through another one, or it is the node itself."""
        while lower not in (upper, _ROOT):
            lower = self.above.get(lower, _ROOT)
        return lower == upper


def forest(graph: Graph, starts: list[int], done: frozenset[int] = frozenset()) -> Forest:
    """Arrange all that can be reached from `starts` and is not done."""
    following = {n: [each for each in graph.successors(n) if each not in done] for n in range(len(graph.nodes))}
    following[_ROOT] = starts
    order = _ordered(following)
    rank = {node: place for place, node in enumerate(order)}
    before: dict[int, list[int]] = {node: [] for node in order}
    for node in order:
        for each in following[node]:
            before[each].append(node)
    above = _dominators(order, rank, before)
    below: dict[int, list[int]] = {}
    for node in order[1:]:
        below.setdefault(above[node], []).append(node)
    entries = {node: {each for each in before[node] if rank[each] < rank[node]} for node in order}
    return Forest(above, entries, below)


def _ordered(following: dict[int, list[int]]) -> list[int]:
    """Return what the root leads to in reverse postorder: each node after those that lead to it, ways back apart."""
    finished: list[int] = []
    seen = {_ROOT}
    pending = [(_ROOT, iter(reversed(following[_ROOT])))]
    while pending:
        node, rest = pending[-1]
        found = next((each for each in rest if each not in seen), None)
        if found is None:
            finished.append(node)
            pending.pop()
        else:
            seen.add(found)
            pending.append((found, iter(reversed(following[found]))))
    return finished[::-1]


def _dominators(order: list[int], rank: dict[int, int], before: dict[int, list[int]]) -> dict[int, int]:
    """Return immediate dominators (Cooper, Harvey, Kennedy: A Simple, Fast Dominance Algorithm)."""
    above = {_ROOT: _ROOT}
    changed = True
    while changed:
        changed = False
        for node in order[1:]:
            known = [each for each in before[node] if each in above]
            found = known[0]
            for other in known[1:]:
                while found != other:
                    if rank[found] > rank[other]:
                        found = above[found]
                    else:
                        other = above[other]  # noqa: PLW2901 - the two fingers of the algorithm
            if above.get(node) != found:
                above[node] = found
                changed = True
    return above


def _objects(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _is_part(connection: dict[str, Any]) -> bool:
    return is_part(_text(connection.get("connection_type")))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _index(connection: dict[str, Any], key: str) -> int:
    value = connection.get(key)
    return value if isinstance(value, int) else 0


def _number(node: dict[str, Any], key: str) -> float:
    value = node.get(key)
    return value if isinstance(value, int | float) else 0
