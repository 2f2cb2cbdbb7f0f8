"""Directed graphs as lists: `successors[n]` holds the numbers of the nodes that n leads to.

All of it is linear in nodes and edges, and nothing recurses: a document may be one chain of ten thousand nodes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

Graph = list[list[int]]


def reached(successors: Graph, starts: Iterable[int]) -> list[bool]:
    """Return for each node whether it is a start or one leads to it."""
    seen = [False] * len(successors)
    pending = list(starts)
    while pending:
        node = pending.pop()
        if not seen[node]:
            seen[node] = True
            pending += successors[node]
    return seen


def cycles(successors: Graph) -> list[list[int]]:
    """Return one cycle of each group of nodes that all lead to each other, from its first node on.

    A node that leads to itself alone is no group. The groups come in the order of their first nodes.
    """
    group_of = _groups(successors)
    sizes = [0] * len(successors)
    for group in group_of:
        sizes[group] += 1
    firsts: dict[int, int] = {}
    for node, group in enumerate(group_of):
        if sizes[group] > 1:
            firsts.setdefault(group, node)
    return [_shortest_cycle(successors, first, group_of) for first in firsts.values()]


def _groups(successors: Graph) -> list[int]:
    """Number the strongly connected components (Kosaraju): the number of its component for each node."""
    predecessors: Graph = [[] for _ in successors]
    for node, following in enumerate(successors):
        for successor in following:
            predecessors[successor].append(node)
    group_of = [-1] * len(successors)
    for group, root in enumerate(reversed(_finished(successors))):
        pending = [root]
        while pending:
            node = pending.pop()
            if group_of[node] < 0:
                group_of[node] = group
                pending += predecessors[node]
    return group_of


def _finished(successors: Graph) -> list[int]:
    """Return the nodes in the order in which a depth-first walk leaves them."""
    seen = [False] * len(successors)
    order: list[int] = []
    for root in range(len(successors)):
        if seen[root]:
            continue
        seen[root] = True
        trail = [(root, iter(successors[root]))]
        while trail:
            node, following = trail[-1]
            for successor in following:
                if not seen[successor]:
                    seen[successor] = True
                    trail.append((successor, iter(successors[successor])))
                    break
            else:
                trail.pop()
                order.append(node)
    return order


def _shortest_cycle(successors: Graph, start: int, group_of: list[int]) -> list[int]:
    """Return a shortest way from a node of a group back to it."""
    came_from = {start: start}
    pending = deque([start])
    while True:
        node = pending.popleft()
        for successor in successors[node]:
            if successor == start and node != start:
                way = [node]
                while way[-1] != start:
                    way.append(came_from[way[-1]])
                return way[::-1]
            if successor not in came_from and group_of[successor] == group_of[start]:
                came_from[successor] = node
                pending.append(successor)
