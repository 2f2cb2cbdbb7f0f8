"""What differs between two documents, change by change, each with its path.

Nodes are matched by `node_id`, connections by their two ends, their indexes and their type, annotations by
`annotation_id`: a node that was renamed or moved is the same node. Inside them, and in the rest of the document,
objects are compared key by key and lists item by item, an item that was put in or taken out being one change.
Two documents have no change exactly if they are equal as JSON: 1 and 1.0, true and 1, null and absent differ.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from itertools import takewhile
from typing import Any, NamedTuple

import orjson

from wfstore.documents.canonical import canonical, equal
from wfstore.documents.paths import member
from wfstore.documents.storable import fault_of
from wfstore.errors import InvalidDocument

_ALIGNED = 200  # items; difflib takes the square of them in the worst case, so longer lists go by index
_ABSENT = object()


class ChangeKind(StrEnum):
    """What happened to a part."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


class Part(StrEnum):
    """What of a document a change is about."""

    WORKFLOW = "workflow"
    NODE = "node"
    CONNECTION = "connection"
    ANNOTATION = "annotation"


class Key(NamedTuple):
    """Names an element of `nodes`, `connections` or `annotations` as a step of a path."""

    label: str
    """As it stands in the path: `'a'`, or `'a':0 -> 'b':0 MAIN`."""
    nth: int
    """1, or more for a further element of the same key."""


Step = str | int | Key


@dataclass(frozen=True, slots=True)
class Change:
    """One difference."""

    kind: ChangeKind
    part: Part
    steps: tuple[Step, ...]
    """The path, step by step: keys, indexes of lists, and the keys of elements."""
    old: Any
    """The value before; None where it was not there."""
    new: Any
    """The value after; None where it is not there any more."""
    subject: str = ""
    """Which node, connection or annotation, as people call it: `Send reply`, `Ask -> Say`; empty for the workflow."""
    index: int | None = None
    """Where an added element of `nodes` and its like stands in the new list, a removed one in the old list."""

    @property
    def path(self) -> str:
        """Where it is: `nodes['a'].parameters.rules[2]`.

        An index counts in the new list, that of a removed item in the old one. `nodes` itself as `changed`
        means that the nodes which both documents have stand in another order.
        """
        path = ""
        for step in self.steps:
            path = member(path, step) if isinstance(step, str) else path + _bracketed(step)
        return path

    @property
    def is_order(self) -> bool:
        """Whether nothing but the order of elements differs; `old` and `new` are their keys in order."""
        return self.part is not Part.WORKFLOW and len(self.steps) == 1

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        shown = {"kind": self.kind, "part": self.part, "subject": self.subject, "path": self.path}
        return {**shown, "index": self.index, "old": self.old, "new": self.new}


def _bracketed(step: int | Key) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    return f"[{step.label}]" if step.nth == 1 else f"[{step.label}, {step.nth}]"


def diff(old: dict[str, Any], new: dict[str, Any]) -> list[Change]:
    """Return what must change in `old` to make it `new`: the workflow's own first, then nodes, connections, notes.

    Raises:
        InvalidDocument: one of them cannot be stored, so that it cannot be compared either.
    """
    try:
        return list(_changes(old, new))
    except orjson.JSONEncodeError as error:
        raise InvalidDocument(fault_of(old, "") or fault_of(new, "") or f"it is not JSON: {error}") from error


def _changes(old: dict[str, Any], new: dict[str, Any]) -> Iterator[Change]:
    for key in {**old, **new}:
        before, after = old.get(key, _ABSENT), new.get(key, _ABSENT)
        if key not in _ELEMENTS or not _comparable(_ELEMENTS[key], before, after):
            yield from _within(Part.WORKFLOW, "", (key,), before, after)
    names = {**_names(old), **_names(new)}
    for key, elements in _ELEMENTS.items():
        before, after = old.get(key, _ABSENT), new.get(key, _ABSENT)
        if key in {**old, **new} and _comparable(elements, before, after):
            yield from _of_elements(key, elements, before, after, names)


# --- nodes, connections, annotations ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Elements:
    """How the elements of a list are told apart and what they are called."""

    part: Part
    label: Callable[[Any], str | None]
    """Their key; None for what is no such element."""
    subject: Callable[[Any, dict[str, str]], str]
    """What people call one; takes the nodes' names by id."""


def _by_id(key: str) -> Callable[[Any], str | None]:
    def label(element: Any) -> str | None:
        identifier = element.get(key) if isinstance(element, dict) else None
        return repr(identifier) if isinstance(identifier, str) else None

    return label


def _connection_label(element: Any) -> str | None:
    if not isinstance(element, dict):
        return None
    ends = element.get("source_node_id"), element.get("target_node_id")
    indexes = element.get("source_index") or 0, element.get("target_index") or 0
    flow = element.get("connection_type") or "MAIN"
    if not all(isinstance(each, str) for each in (*ends, flow)) or not all(type(each) is int for each in indexes):
        return None
    return f"{ends[0]!r}:{indexes[0]} -> {ends[1]!r}:{indexes[1]} {flow}"


def _connection_subject(element: Any, names: dict[str, str]) -> str:
    source, target = (names.get(element[end], element[end]) for end in ("source_node_id", "target_node_id"))
    output, entry = (element.get(key) or 0 for key in ("source_index", "target_index"))
    flow = element.get("connection_type") or "MAIN"
    shown = f"{source}{f' [{output}]' if output else ''} -> {target}{f' [{entry}]' if entry else ''}"
    return shown if flow == "MAIN" else f"{shown} ({flow})"


_ELEMENTS = {
    "nodes": _Elements(Part.NODE, _by_id("node_id"), lambda node, _: _called(node, "node_id")),
    "connections": _Elements(Part.CONNECTION, _connection_label, _connection_subject),
    "annotations": _Elements(Part.ANNOTATION, _by_id("annotation_id"), lambda note, _: _called(note, "annotation_id")),
}


def _called(element: Any, key: str) -> str:
    name = element.get("name")
    return name if isinstance(name, str) and name else str(element[key])


def _names(document: dict[str, Any]) -> dict[str, str]:
    nodes = document.get("nodes")
    found = [node for node in nodes if _by_id("node_id")(node)] if isinstance(nodes, list) else []
    return {node["node_id"]: _called(node, "node_id") for node in found}


def _comparable(elements: _Elements, *lists: Any) -> bool:
    """Whether all elements can be told apart, in a list that is there on one side at least."""
    present = [each for each in lists if each is not _ABSENT]
    if not all(isinstance(each, list) for each in present):
        return False
    return all(elements.label(element) is not None for each in present for element in each)


def _of_elements(key: str, elements: _Elements, old: Any, new: Any, names: dict[str, str]) -> Iterator[Change]:
    if old is _ABSENT:
        yield Change(ChangeKind.ADDED, Part.WORKFLOW, (key,), None, [])
    before = _keyed(elements, [] if old is _ABSENT else old)
    after = _keyed(elements, [] if new is _ABSENT else new)
    for index, (each, element) in enumerate(before.items()):
        if each not in after:
            subject = elements.subject(element, names)
            yield Change(ChangeKind.REMOVED, elements.part, (key, each), element, None, subject, index)
    for index, (each, element) in enumerate(after.items()):
        subject = elements.subject(element, names)
        if each not in before:
            yield Change(ChangeKind.ADDED, elements.part, (key, each), None, element, subject, index)
        elif not equal(before[each], element):
            yield from _within(elements.part, subject, (key, each), before[each], element)
    orders = [each for each in before if each in after], [each for each in after if each in before]
    if orders[0] != orders[1]:
        labels, new_labels = ([_bracketed(each)[1:-1] for each in order] for order in orders)
        yield Change(ChangeKind.CHANGED, elements.part, (key,), labels, new_labels, f"order of {key}")
    if new is _ABSENT and old is not _ABSENT:
        yield Change(ChangeKind.REMOVED, Part.WORKFLOW, (key,), [], None)


def _keyed(elements: _Elements, present: list[Any]) -> dict[Key, Any]:
    """Return elements by key, in their order."""
    seen: Counter[str] = Counter()
    keyed = {}
    for element in present:
        label = str(elements.label(element))
        seen[label] += 1
        keyed[Key(label, seen[label])] = element
    return keyed


# --- values -------------------------------------------------------------------------------------------------


def _within(part: Part, subject: str, steps: tuple[Step, ...], old: Any, new: Any) -> Iterator[Change]:
    """Compare two values; a stack and no recursion, as documents may be deep."""
    pending = [(steps, old, new)]
    while pending:
        steps, old, new = pending.pop()
        if old is _ABSENT:
            yield Change(ChangeKind.ADDED, part, steps, None, new, subject)
        elif new is _ABSENT:
            yield Change(ChangeKind.REMOVED, part, steps, old, None, subject)
        elif isinstance(old, dict) and isinstance(new, dict):
            keys = reversed({**old, **new})
            pending += [((*steps, key), old.get(key, _ABSENT), new.get(key, _ABSENT)) for key in keys]
        elif isinstance(old, list) and isinstance(new, list):
            pairs = list(_paired(old, new))
            pending += [((*steps, index), *pair) for index, *pair in reversed(pairs)]
        elif not equal(old, new):
            yield Change(ChangeKind.CHANGED, part, steps, old, new, subject)


def _paired(old: list[Any], new: list[Any]) -> Iterator[tuple[int, Any, Any]]:
    """Pair the items of two lists that are not equal; one without a partner was put in or taken out."""
    before, after = [canonical(item) for item in old], [canonical(item) for item in new]
    head = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(before, after, strict=False)))
    rest = reversed(before[head:]), reversed(after[head:])
    tail = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(*rest, strict=False)))
    ends = len(old) - tail, len(new) - tail
    blocks = [(head, ends[0], head, ends[1])]
    if max(ends) - head <= _ALIGNED:
        matcher = SequenceMatcher(None, before[head : ends[0]], after[head : ends[1]], autojunk=False)
        unequal = [code[1:] for code in matcher.get_opcodes() if code[0] != "equal"]
        blocks = [(head + a, head + b, head + c, head + d) for a, b, c, d in unequal]
    for start, end, new_start, new_end in blocks:
        both = min(end - start, new_end - new_start)
        yield from ((new_start + i, old[start + i], new[new_start + i]) for i in range(both))
        yield from ((index, old[index], _ABSENT) for index in range(start + both, end))
        yield from ((index, _ABSENT, new[index]) for index in range(new_start + both, new_end))
