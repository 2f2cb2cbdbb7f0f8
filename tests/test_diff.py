"""The diff of two documents: nothing is missed, nothing is made up, and people can read it."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any
from uuid import uuid4

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import documentkit
from tests.documentkit import Document
from tests.workkit import growth
from wfstore import Store
from wfstore.documents.diff import Change, ChangeKind, Key, Part, diff
from wfstore.errors import InvalidDocument, NotFound

_notes = st.lists(
    st.fixed_dictionaries({"annotation_id": st.sampled_from("xyz")}, optional={"text": st.sampled_from(["", "a"])}),
    max_size=4,
)
_plain = st.recursive(
    st.sampled_from([None, True, False, 0, 1, 1.0, 0.0, "", "a"]),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.sampled_from(["a", "b", "c d"]), inner, max_size=3),
    max_leaves=20,
)
_documents = st.builds(
    lambda document, notes, more: {**document, **notes, **more},
    documentkit.documents,
    st.fixed_dictionaries({}, optional={"annotations": st.none() | _notes}),
    st.fixed_dictionaries({}, optional={"static_data": _plain, "nodes": st.none() | _plain, "tags": _plain}),
)


def canonical(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def paths(old: Document, new: Document) -> list[str]:
    return [f"{change.kind} {change.path}" for change in diff(old, new)]


# --- properties ---------------------------------------------------------------------------------------------


@given(_documents)
def test_a_document_does_not_differ_from_itself(document: Document) -> None:
    assert diff(document, deepcopy(document)) == []


@given(_documents, _documents)
def test_there_is_a_change_if_and_only_if_the_documents_differ(old: Document, new: Document) -> None:
    assert bool(diff(old, new)) == (canonical(old) != canonical(new))


@given(_documents, _documents)
def test_the_changes_make_the_new_document_of_the_old_one(old: Document, new: Document) -> None:
    assert canonical(applied(old, diff(old, new))) == canonical(new)


@given(_plain, _plain)
def test_so_do_those_of_free_form_values(old: Any, new: Any) -> None:
    documents: list[Document] = [{"name": "n", "static_data": value} for value in (old, new)]
    assert canonical(applied(documents[0], diff(*documents))) == canonical(documents[1])


@given(_documents, _documents)
def test_every_path_is_named_once_for_each_kind(old: Document, new: Document) -> None:
    named = [(change.kind, change.path) for change in diff(old, new)]
    assert len(named) == len(set(named))


def applied(document: Document, changes: list[Change]) -> Document:
    """The document after the changes: outer ones first, as paths count in the new document."""
    document = deepcopy(document)
    names = {str(change.steps[0]) for change in changes if change.part is not Part.WORKFLOW}
    elements = {name: keyed(name, document.get(name, [])) for name in names}
    for change in sorted(changes, key=_turn):
        _apply(document, elements, change)
    for name, items in elements.items():
        if name in document:
            document[name] = [element for _, element in items]
    return document


def _turn(change: Change) -> tuple[Any, ...]:
    last = change.steps[-1]
    place = change.index if change.index is not None else last if isinstance(last, int) else 0
    kinds = [ChangeKind.REMOVED, ChangeKind.ADDED, ChangeKind.CHANGED]
    if len(change.steps) == 1:  # a list that is not there yet comes first, the order of what stays last
        return 1, [ChangeKind.ADDED, ChangeKind.REMOVED, ChangeKind.CHANGED].index(change.kind), 0
    turn = kinds.index(change.kind)
    return len(change.steps), turn, -place if change.kind is ChangeKind.REMOVED else place


def keyed(name: str, elements: list[Any]) -> list[tuple[str, Any]]:
    """Elements with their keys, as their own removal from the document says they are."""
    removals = diff({name: elements}, {name: []})
    return [(change.path, change.old) for change in removals]


def _apply(document: Document, elements: dict[str, list[tuple[str, Any]]], change: Change) -> None:
    name, *rest = change.steps
    assert isinstance(name, str)
    if change.part is Part.WORKFLOW:
        is_empty_list = name in elements and change.steps == (name,) and change.new == []
        _set(document, list(change.steps), change)
        if is_empty_list and change.kind is ChangeKind.ADDED:
            elements[name] = []
    elif change.is_order:
        order = [f"{name}[{label}]" for label in change.new]
        kept = iter(sorted((each for each in elements[name] if each[0] in order), key=lambda e: order.index(e[0])))
        elements[name] = [next(kept) if each[0] in order else each for each in elements[name]]
    elif len(change.steps) == 2:
        here = elements[name]
        if change.kind is ChangeKind.ADDED:
            assert change.index is not None
            here.insert(change.index, (change.path, deepcopy(change.new)))
        else:
            assert canonical(dict(here)[change.path]) == canonical(change.old)
            here[:] = [each for each in here if each[0] != change.path]
    else:
        assert isinstance(rest[0], Key)
        path = Change(change.kind, change.part, change.steps[:2], None, None).path
        _set(dict(elements[name])[path], rest[1:], change)


def _set(holder: Any, steps: list[Any], change: Change) -> None:
    for step in steps[:-1]:
        holder = holder[step]
    last = steps[-1]
    if change.kind is not ChangeKind.ADDED:
        assert canonical(holder[last]) == canonical(change.old) or change.new is None or change.old == []
    if change.kind is ChangeKind.REMOVED:
        del holder[last]
    elif change.kind is ChangeKind.ADDED and isinstance(holder, list):
        holder.insert(last, deepcopy(change.new))
    else:
        holder[last] = deepcopy(change.new)


# --- what people read ---------------------------------------------------------------------------------------


def test_a_renamed_node_is_the_same_node_and_its_connections_stay() -> None:
    old = documentkit.chain(3)
    new = deepcopy(old)
    new["nodes"][1]["name"] = "Another"
    [change] = diff(old, new)
    assert (change.path, change.old, change.new) == ("nodes['node-1'].name", "Node 1", "Another")
    assert (change.kind, change.part, change.subject) == ("changed", "node", "Another")


def test_connections_are_called_by_the_names_of_their_nodes() -> None:
    old = documentkit.chain(3)
    new = deepcopy(old)
    new["connections"][1] |= {"target_node_id": "node-0", "source_index": 1, "connection_type": "AI_TOOL"}
    removed, added = diff(old, new)
    assert (removed.path, removed.subject) == ("connections['node-1':0 -> 'node-2':0 MAIN]", "Node 1 -> Node 2")
    assert (added.path, added.subject) == (
        "connections['node-1':1 -> 'node-0':0 AI_TOOL]",
        "Node 1 [1] -> Node 0 (AI_TOOL)",
    )


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (1, 1.0, ["changed static_data"]),
        (1, True, ["changed static_data"]),
        (0.0, False, ["changed static_data"]),
        ({"a": None}, {}, ["removed static_data.a"]),
        ({}, {"a": None}, ["added static_data.a"]),
        ({"a b": 1}, {"a b": 2}, ["changed static_data['a b']"]),
        ([1, 2, 3], [1, 9, 2, 3], ["added static_data[1]"]),
        ([1, 2, 3], [2, 3], ["removed static_data[0]"]),
        ([1, {"a": 2}], [1, {"a": 3}], ["changed static_data[1].a"]),
        ([0, {}, 5], [{}, 4, 5, 6], ["removed static_data[0]", "added static_data[1]", "added static_data[3]"]),
        ([], {}, ["changed static_data"]),
    ],
)  # fmt: skip
def test_values(old: Any, new: Any, expected: list[str]) -> None:
    assert paths({"static_data": old}, {"static_data": new}) == expected


def test_another_order_of_the_nodes_is_one_change() -> None:
    old = documentkit.chain(4)
    new = old | {"nodes": old["nodes"][::-1]}
    [change] = diff(old, new)
    assert (change.path, change.kind, change.is_order) == ("nodes", "changed", True)
    assert change.old == ["'node-0'", "'node-1'", "'node-2'", "'node-3'"]


def test_a_node_put_in_the_middle_is_no_other_order() -> None:
    old = documentkit.chain(4)
    new = deepcopy(old)
    new["nodes"].insert(2, {"node_id": "new", "node_type": "ACTION"})
    [change] = diff(old, new)
    assert (change.path, change.kind, change.index, change.is_order) == ("nodes['new']", "added", 2, False)


def test_further_elements_of_one_key_are_told_apart() -> None:
    edge = {"source_node_id": "a", "target_node_id": "b"}
    [change] = diff({"connections": [edge]}, {"connections": [edge, edge | {"label": "x"}]})
    assert change.path == "connections['a':0 -> 'b':0 MAIN, 2]"
    nodes = [{"node_id": "a", "name": "A"}, {"node_id": "a", "name": "B"}]
    [change] = diff({"nodes": nodes}, {"nodes": [nodes[0], nodes[1] | {"name": "C"}]})
    assert (change.path, change.old) == ("nodes['a', 2].name", "B")


def test_lists_that_have_no_keys_are_compared_as_values() -> None:
    assert paths({"nodes": [1]}, {"nodes": [2]}) == ["changed nodes[0]"]
    assert paths({"nodes": None}, {"nodes": [{"node_id": "a"}]}) == ["changed nodes"]
    assert paths({"connections": [{"source_node_id": []}]}, {}) == ["removed connections"]
    assert paths({}, {"nodes": [{"node_id": "a"}]}) == ["added nodes", "added nodes['a']"]


def test_as_json() -> None:
    [change] = diff({"name": "a"}, {"name": "b"})
    assert orjson.loads(orjson.dumps(change.as_json())) == {
        "kind": "changed", "part": "workflow", "subject": "", "path": "name", "index": None, "old": "a", "new": "b",
    }  # fmt: skip


# --- large, deep, wrong -------------------------------------------------------------------------------------


def test_the_work_is_in_proportion_to_the_document() -> None:
    def changed(size: int) -> Callable[[], object]:
        old = documentkit.chain(size)
        new = deepcopy(old)
        for node in new["nodes"][::2]:
            node["parameters"]["options"]["retry"] = 7
        new["nodes"].reverse()
        return lambda: diff(old, new)

    assert growth(changed, 700) < 2.2


def test_the_work_is_in_proportion_to_long_lists() -> None:
    def shuffled(size: int) -> Callable[[], object]:
        old, new = list(range(size)), [*range(1, size, 2), *range(0, size, 2)]
        return lambda: diff({"static_data": old}, {"static_data": new})

    assert growth(shuffled, 5_000) < 2.2


def test_deep_documents() -> None:
    def deep(leaf: Any, levels: int = 252) -> Any:
        for level in range(levels):
            leaf = {"a": leaf} if level % 2 else [leaf]
        return leaf

    [change] = diff({"static_data": deep(1)}, {"static_data": deep(2)})
    assert (change.old, change.new, len(change.steps)) == (1, 2, 253)
    with pytest.raises(InvalidDocument, match="nested more than 254 levels deep"):
        diff({"static_data": deep(1, 600)}, {"static_data": deep(2, 600)})


# --- in the store -------------------------------------------------------------------------------------------


def test_two_revisions(store: Store) -> None:
    first = documentkit.chain(2)
    saved = store.workflows.add(first)
    second = first | {"description": "more"}
    third = second | {"version": "3"}
    for revision, document in enumerate((second, third), start=1):
        store.workflows.replace(saved.id, document, revision=revision)
    assert [change.path for change in store.workflows.diff(saved.id, 1, 2)] == ["description"]
    assert {change.path for change in store.workflows.diff(saved.id, 1)} == {"description", "version"}
    assert store.workflows.diff(saved.id, 3) == []
    assert [change.kind for change in store.workflows.diff(saved.id, 2, 1)] == ["removed"]


def test_a_revision_that_is_not_there(store: Store) -> None:
    saved = store.workflows.add(documentkit.chain(2))
    with pytest.raises(NotFound, match=f"workflow {saved.id} has no version of revision 7"):
        store.workflows.diff(saved.id, 7)
    with pytest.raises(NotFound, match="has no version of revision 8"):
        store.workflows.diff(saved.id, 1, 8)
    missing = uuid4()
    with pytest.raises(NotFound, match=f"there is no workflow {missing}"):
        store.workflows.diff(missing, 1)
