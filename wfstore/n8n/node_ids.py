"""Which node of an export is which node of the document.

n8n names nodes; the document refers to them by ids. n8n's own id is taken where it can serve (a text, not
empty, of one node only); the others are made from names. In a later revision a node keeps the id that it had:
it is recognised by n8n's id, else by its name, as ids are absent from some exports and new in others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from wfstore.n8n.fields import Json, items, part, residue_of

_LONGEST = 200  # characters; an id is part of keys, which PostgreSQL bounds


@dataclass(slots=True)
class NodeIds:
    """The ids of a document's nodes, and of what stands for nodes that are not there."""

    usable: set[str]
    """The ids of n8n that can serve."""
    taken: set[str] = field(default_factory=set)
    by_name: dict[str, str] = field(default_factory=dict)
    """Names of the document's nodes, in its order."""
    missing: dict[str, str] = field(default_factory=dict)
    """Names of no node."""
    numbers: dict[str, int] = field(default_factory=dict)

    def of(self, name: str) -> str:
        """Return the id of the node of this name; one is made for a name that no node has."""
        if name in self.by_name:
            return self.by_name[name]
        if name not in self.missing:
            self.missing[name] = self.made(f"missing:{name}" if name in self.taken else name, "missing")
        return self.missing[name]

    def claim(self, node_id: str) -> str:
        """Return the id, now taken; nothing where it was taken before."""
        if not node_id or node_id in self.taken:
            return ""
        self.taken.add(node_id)
        return node_id

    def made(self, name: str, otherwise: str) -> str:
        """Return a new id, from a name if there is one."""
        base = name[:_LONGEST] or otherwise
        candidate = base
        while candidate in self.taken or candidate in self.usable:
            self.numbers[base] = self.numbers.get(base, 1) + 1
            candidate = f"{base} {self.numbers[base]}"
        self.taken.add(candidate)
        return candidate


@dataclass(frozen=True, slots=True)
class Known:
    """What an earlier revision called its nodes (or its notes)."""

    by_n8n_id: dict[str, str]
    by_name: dict[tuple[str, int], str]
    """By name, and how many of that name came before."""


def known(previous: Json | None, key: str, id_field: str) -> Known:
    """Return what the previous document called its `nodes` or `annotations`."""
    holders = items(previous or {}, key)
    n8n_ids = [_n8n_id(holder, id_field) for holder in holders]
    once = Counter(n8n_ids)
    places = _places(holder.get("name") or "" for holder in holders)
    return Known(
        {own: holder[id_field] for own, holder in zip(n8n_ids, holders, strict=True) if own and once[own] == 1},
        {place: holder[id_field] for place, holder in zip(places, holders, strict=True)},
    )


def usable_ids(nodes: Iterable[Json]) -> set[str]:
    """Return the ids of n8n that can serve: texts, not empty nor long, of one node only."""
    ids = Counter(node["id"] for node in nodes if isinstance(node.get("id"), str))
    return {node_id for node_id, times in ids.items() if times == 1 and 0 < len(node_id) <= _LONGEST}


def recognise(nodes: list[Json], before: Known, ids: NodeIds) -> list[str]:
    """Return for each node what it was called before; empty where it was not there."""
    chosen = [ids.claim(before.by_n8n_id.get(_usable_id(node, ids), "")) for node in nodes]
    for index, place in enumerate(_places(node["name"] for node in nodes)):
        if not chosen[index]:
            chosen[index] = ids.claim(before.by_name.get(place, ""))
    return chosen


def complete(nodes: list[Json], chosen: list[str], otherwise: str, ids: NodeIds) -> list[str]:
    """Return the ids with n8n's own, or one made from the name, for each node that has none yet."""
    return [
        before or ids.claim(_usable_id(node, ids)) or ids.made(node["name"], otherwise)
        for node, before in zip(nodes, chosen, strict=True)
    ]


def _usable_id(node: Json, ids: NodeIds) -> str:
    own = node.get("id")
    return own if isinstance(own, str) and own in ids.usable else ""


def _n8n_id(holder: Json, id_field: str) -> str:
    residue = residue_of(holder)
    own = part(residue, "rest").get("id") if id_field in part(residue, "filled") else holder[id_field]
    return own if isinstance(own, str) else ""


def _places(names: Iterable[str]) -> Iterator[tuple[str, int]]:
    """Yield each name with how many of the same came before it."""
    seen: Counter[str] = Counter()
    for name in names:
        yield name, seen[name]
        seen[name] += 1
