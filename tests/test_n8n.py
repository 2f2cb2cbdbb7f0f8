"""n8n exports become documents and come back: every value of every type, and what a document shows of them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from tests import documentkit
from tests.n8nkit import Json, copied, exactly, nasty, sound, stored, there_and_back
from wfstore.documents.shape import faults
from wfstore.errors import InvalidDocument
from wfstore.n8n import to_document, to_export

NOTE = "n8n-nodes-base.stickyNote"
thoroughly = settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))


def node(name: str = "A", **keys: Any) -> Json:
    """A node as n8n writes it."""
    usual = {
        "id": f"id of {name}",
        "type": "n8n-nodes-base.set",
        "typeVersion": 1,
        "position": [0, 0],
        "parameters": {},
    }
    return {"name": name} | usual | keys


def export_of(*nodes: Json, **keys: Any) -> Json:
    """An export of these nodes."""
    return {"nodes": list(nodes), "connections": {}} | keys


def document_of(*nodes: Json, **keys: Any) -> Json:
    """What an export of these nodes becomes."""
    return to_document(export_of(*nodes, **keys)).document


def only_node(**keys: Any) -> Json:
    """What a node becomes, without its residue."""
    (found,) = document_of(node(**keys))["nodes"]
    return {key: value for key, value in found.items() if key != "meta"}


# --- there and back -----------------------------------------------------------------------------------------


@thoroughly
@given(nasty)
def test_what_is_taken_comes_back_exactly(export: Json) -> None:
    before = exactly(export)
    document = to_document(export).document
    assert exactly(to_export(stored(document))) == before
    assert exactly(export) == before
    assert faults(document) == []


@thoroughly
@given(nasty, nasty)
def test_a_revision_comes_back_exactly_and_changes_nothing_the_second_time(export: Json, before: Json) -> None:
    previous = to_document(before).document
    document = to_document(export, previous=stored(previous)).document
    assert exactly(to_export(stored(document))) == exactly(export)
    assert exactly(to_document(export, previous=stored(document)).document) == exactly(document)
    ids = [each["node_id"] for each in document["nodes"]]
    ids += [each["annotation_id"] for each in document.get("annotations", [])]
    assert len(ids) == len(set(ids))


@thoroughly
@given(sound)
def test_what_n8n_writes_needs_little_residue(export: Json) -> None:
    document = to_document(export).document
    assert exactly(to_export(stored(document))) == exactly(export)
    assert not any("meta" in each for each in (*document["nodes"], *document["connections"]))
    assert {*document["meta"]["n8n"]} <= {"rest", "outputs", "order", "tags"}
    assert {*document["meta"]["n8n"].get("rest", {})} == {"id", "active"}


@pytest.mark.parametrize("value", [1, 1.0, True, "1", [1], {"1": 1}, None, [], {}, "", 0, 0.0, False, -1, 2**40])
@pytest.mark.parametrize(
    "key",
    [
        *("name", "id", "active", "settings", "staticData", "tags", "pinData", "meta", "description", "nodes of ours"),
        *("node.id", "node.typeVersion", "node.position", "node.parameters", "node.credentials", "node.disabled"),
        *("node.notes", "node.webhookId", "node.onError", "node.continueOnFail", "node.retryOnFail", "node.maxTries"),
        *("node.waitBetweenTries", "node.meta", "note.id", "note.parameters", "note.color", "note.name of ours"),
        *("settings.timezone", "settings.executionTimeout", "target.index", "target.type", "target.more"),
        *("connections.A", "connections.none", "main", "main.0", "main.0.0"),
    ],
)
def test_each_key_keeps_each_value(key: str, value: Any) -> None:
    target: Json = {"node": "A", "type": "main", "index": 0}
    export = export_of(node(), node("Note", type=NOTE), settings={}, connections={"A": {"main": [[target]]}})
    holders: dict[str, Any] = {
        "node": export["nodes"][0],
        "note": export["nodes"][1],
        "settings": export["settings"],
        "target": target,
        "connections": export["connections"],
    }
    match key.split("."):
        case ["main"]:
            export["connections"]["A"]["main"] = value
        case ["main", "0"]:
            export["connections"]["A"]["main"][0] = value
        case ["main", "0", "0"]:
            export["connections"]["A"]["main"][0][0] = value
        case [holder, name]:
            holders[holder][name] = value
        case [name]:
            export[name] = value
    assert exactly(there_and_back(export)) == exactly(export)


@pytest.mark.parametrize(
    "outputs",
    [
        *(
            [],
            [[]],
            [None],
            [[], None, []],
            [None, None, [{"node": "A", "type": "main", "index": 0}]],
            [[None]],
            [[3, {}]],
        ),
        *([["x", {"node": "A"}, "y", {"node": "A"}]], [{"node": "A"}], "main", {"raw": 1}, [{"raw": 1}], [[]] * 10_002),
        *([*[None] * 10_001, [{"node": "A", "type": "main", "index": 0}]],),
    ],
    ids=lambda outputs: str(outputs)[:40],
)
def test_outputs_of_any_form_come_back(outputs: Any) -> None:
    export = export_of(node(), connections={"A": {"main": outputs, "ai_tool": [], "": None}})
    assert exactly(there_and_back(export)) == exactly(export)


@pytest.mark.parametrize("kind", ["main", "MAIN", "ai_tool", "AI_TOOL", "error", "", "n8n:", "n8n:MAIN", "raw", "😀"])
def test_connection_types_of_any_name_come_back(kind: str) -> None:
    targets = [{"node": "A", "type": kind, "index": 0}, {"node": "A", "type": "main", "index": 0}, {"node": "A"}]
    export = export_of(node(), connections={"A": {kind: [targets], "main": [targets[:1]]}})
    assert exactly(there_and_back(export)) == exactly(export)
    if kind not in ("main", "ai_tool"):
        edges = document_of(node(), connections={"A": {kind: [targets]}})["connections"]
        assert not {edge["connection_type"] for edge in edges} & documentkit.FLOWS


@pytest.mark.parametrize(
    "names", [("A",), ("A", "A"), ("", ""), ("A", "B", "A", "A"), ("__proto__", "meta", "n8n", "rest")]
)
@pytest.mark.parametrize("ids", ["own", "none", "one", "of the names"])
def test_names_and_ids_of_any_kind_come_back(names: tuple[str, ...], ids: str) -> None:
    nodes = [node(name) for name in names] + [node(name, type=NOTE) for name in names]
    for number, each in enumerate(nodes):
        del each["id"]
        if ids != "none":
            each["id"] = {"own": str(number), "one": "1", "of the names": names[number % len(names)]}[ids]
    connections = {name: {"main": [[{"node": other, "type": "main", "index": 0} for other in names]]} for name in names}
    export = export_of(*nodes, connections=connections, pinData={name: [] for name in names})
    assert exactly(there_and_back(export)) == exactly(export)


# --- what is refused ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("export", "message"),
    [
        ([], "the export: is a list, not an object"),
        (None, "the export: is null, not an object"),
        ({}, "nodes: is missing"),
        ({"nodes": {}}, "nodes: is an object, not a list"),
        ({"nodes": [], "connections": []}, "connections: is a list, not an object"),
        ({"nodes": [[]]}, r"nodes\[0\]: is a list, not an object"),
        ({"nodes": [node(), {"type": "x"}]}, r"nodes\[1\].name: is missing"),
        ({"nodes": [{"name": 1, "type": "x"}]}, r"nodes\[0\].name: is a number, not a string"),
        ({"nodes": [{"name": "x"}]}, r"nodes\[0\].type: is missing"),
        ({"nodes": [{"name": "x", "type": None}]}, r"nodes\[0\].type: is null, not a string"),
        ({'"nodes"': "[]"}, "nodes: is missing"),
    ],
)
def test_what_is_no_workflow_is_refused_with_its_path(export: Any, message: str) -> None:
    with pytest.raises(InvalidDocument, match=message):
        to_document(export)


@pytest.mark.parametrize("export", [{"nodes": []}, {"nodes": [], "connections": None}])
def test_connections_may_be_absent(export: Json) -> None:
    assert to_document(export).document["connections"] == []
    assert exactly(there_and_back(export)) == exactly(export)


def test_a_document_of_another_shape_is_not_exported() -> None:
    with pytest.raises(InvalidDocument, match=r"nodes\[0\].node_id: is missing"):
        to_export({"name": "w", "nodes": [{"node_type": "FLOW"}]})


def test_an_output_that_n8n_could_not_list_is_refused() -> None:
    document = documentkit.chain(2)
    document["connections"][0]["source_index"] = 2**31 - 1
    with pytest.raises(InvalidDocument, match="source_index 2147483647"):
        to_export(document)


# --- what the document shows --------------------------------------------------------------------------------


def test_a_node_in_the_document() -> None:
    found = only_node(
        name="Ask",
        type="n8n-nodes-base.telegram",
        typeVersion=1.2,
        position=[10, -0.5],
        parameters={"text": "=x"},
        credentials={"telegramApi": {"id": "1", "name": "bot"}},
        disabled=True,
        notes="why",
        webhookId="hook",
        onError="continueErrorOutput",
        retryOnFail=True,
        maxTries=5,
        waitBetweenTries=2000,
        alwaysOutputData=True,
    )
    assert found == {
        "node_id": "id of Ask",
        "node_type": "EXTERNAL_ACTION",
        "node_subtype": "n8n-nodes-base.telegram",
        "integration": "telegram",
        "type_version": 1.2,
        "name": "Ask",
        "position_x": 10,
        "position_y": -0.5,
        "parameters": {"text": "=x"},
        "credentials": {"telegramApi": {"id": "1", "name": "bot"}},
        "disabled": True,
        "notes": "why",
        "webhooks": ["hook"],
        "error_handling": "CONTINUE_ERROR_OUTPUT_ON_ERROR",
        "max_retries": 4,
        "retry_wait_time": 2000,
    }


@pytest.mark.parametrize(
    ("keys", "fields"),
    [
        ({}, (None, None)),
        ({"onError": "stopWorkflow"}, ("STOP_WORKFLOW_ON_ERROR", None)),
        ({"onError": "?"}, (None, None)),
        ({"continueOnFail": True}, ("CONTINUE_REGULAR_OUTPUT_ON_ERROR", None)),
        ({"continueOnFail": False}, ("STOP_WORKFLOW_ON_ERROR", None)),
        ({"continueOnFail": True, "onError": "stopWorkflow"}, ("STOP_WORKFLOW_ON_ERROR", None)),
        ({"retryOnFail": True}, (None, 2)),
        ({"retryOnFail": True, "maxTries": 1}, (None, None)),
        ({"retryOnFail": True, "maxTries": "9"}, (None, 2)),
        ({"retryOnFail": False, "maxTries": 5}, (None, None)),
        ({"maxTries": 5}, (None, None)),
    ],
)
def test_what_a_node_does_about_failures(keys: Json, fields: tuple[Any, Any]) -> None:
    found = only_node(**keys)
    assert (found.get("error_handling"), found.get("max_retries")) == fields


def test_a_workflow_in_the_document() -> None:
    tags = [{"id": "1", "name": "x"}, "y", {"name": "x"}, {"id": 2}, ""]
    document = document_of(
        node(),
        name="w",
        description="d",
        tags=tags,
        settings={"timezone": "UTC", "executionTimeout": 60, "executionOrder": "v1"},
        staticData="s",
        pinData={"A": [1], "gone": [2]},
        active=True,
    )
    assert {key: document[key] for key in document if key not in ("nodes", "connections", "meta")} == {
        "name": "w",
        "description": "d",
        "tags": ["x", "y"],
        "settings": {
            "timezone": "UTC",
            "execution_timeout": 60,
            "meta": {"n8n": {"rest": {"executionOrder": "v1"}}},
        },
        "static_data": "s",
        "pin_data": {"id of A": [1]},
    }


def test_connections_in_the_document() -> None:
    def to(name: str, **keys: Any) -> Json:
        return {"node": name, "type": "main", "index": 0} | keys

    document = document_of(
        node("B"),
        node("A"),
        connections={
            "A": {"ai_tool": [[to("B", type="ai_tool")]], "main": [None, [to("B", index=1), to("gone")]]},
            "B": {"error": [[to("A")]]},
        },
    )
    b, a = "id of B", "id of A"
    keys = ("source_node_id", "source_index", "target_node_id", "target_index", "connection_type")
    assert [tuple(edge[key] for key in keys) for edge in document["connections"]] == [
        (b, 0, a, 0, "error"),
        (a, 1, b, 1, "MAIN"),
        (a, 1, "gone", 0, "MAIN"),
        (a, 0, b, 0, "AI_TOOL"),
    ]
    assert [edge.get("meta") for edge in document["connections"]] == [
        {"n8n": {"rest": {"type": "main"}}},
        None,
        None,
        None,
    ]


def test_an_end_that_is_no_node_is_never_taken_for_one() -> None:
    connections = {"id of A": {"main": [[{"node": "id of A"}, {"node": ""}, {"node": "missing"}]]}}
    document = document_of(node(), connections=connections)
    ends = {edge[end] for edge in document["connections"] for end in ("source_node_id", "target_node_id")}
    assert ends == {"missing:id of A", "missing", "missing:missing"}
    assert document["meta"]["n8n"]["missing"] == {
        "missing:id of A": "id of A",
        "missing": "",
        "missing:missing": "missing",
    }


def test_a_note_in_the_document() -> None:
    parameters = {"content": "# hi", "width": 100, "height": 50.5, "color": 3, "x": 1}
    document = document_of(node("n", type=NOTE, position=[1, 2], parameters=parameters), node())
    assert [each["name"] for each in document["nodes"]] == ["A"]
    assert document["annotations"] == [
        {
            "annotation_id": "id of n",
            "name": "n",
            "text": "# hi",
            "position_x": 1,
            "position_y": 2,
            "width": 100,
            "height": 50.5,
            "color": 3,
            "meta": {"n8n": {"parameters": {"x": 1}}},
        }
    ]


def test_a_workflow_without_a_name_gets_one_that_is_not_exported() -> None:
    export = export_of(node())
    assert to_document(export).document["name"] == "Untitled workflow"
    document = to_document(export, fallback_name="a file").document
    assert document["name"] == "a file"
    assert exactly(to_export(document)) == exactly(export)
    # It keeps the name that it got, from whatever file the next revision comes.
    assert to_document(export, previous=document, fallback_name="another").document["name"] == "a file"
    assert to_document(export, previous=document | {"name": "mine"}, fallback_name="x").document["name"] == "x"


def test_warnings_are_of_what_nodes_and_connections_do_not_show() -> None:
    export = export_of(
        node("n", type=NOTE),
        node(),
        node("m", type=NOTE),
        node(id="twice"),
        node("B", id="twice"),
        connections={"A": {"main": [[{}], 5]}, "B": [], "gone": {"main": [[]]}, "id": {"main": [[{"node": "A"}]]}},
        pinData={"A": [], "gone": []},
    )
    assert [(each.code, each.path) for each in to_document(export).warnings] == [
        ("duplicate-node-id", "nodes[3]"),
        ("duplicate-node-name", "nodes[3]"),
        ("duplicate-node-id", "nodes[4]"),
        ("canvas-notes", "nodes"),
        ("odd-connection", "connections['A']['main'][0][0]"),
        ("odd-connection", "connections['A']['main'][1]"),
        ("odd-connection", "connections['B']"),
        ("dangling-connection", "connections['gone']"),
        ("stray-pin-data", "pinData['gone']"),
    ]
    assert to_document(export_of(node())).warnings == []


# --- documents that never were n8n's ------------------------------------------------------------------------


@thoroughly
@given(documentkit.documents)
def test_any_document_becomes_an_export_that_n8n_can_read(document: Json) -> None:
    export = to_export(stored(document))
    names = [each["name"] for each in export["nodes"]]
    assert len(names) == len(set(names)) == len(document["nodes"])
    for each in export["nodes"]:
        assert {"id", "name", "type", "typeVersion", "position", "parameters"} <= each.keys()
        assert len(each["position"]) == 2
    assert {"name", "nodes", "connections", "settings", "active"} <= export.keys()
    ends = {target["node"] for kinds in export["connections"].values() for target in _targets(kinds)}
    assert ends | export["connections"].keys() <= {*names}
    assert exactly(there_and_back(export)) == exactly(export)


def _targets(kinds: Json) -> list[Json]:
    return [target for outputs in kinds.values() for targets in outputs for target in targets]


def test_a_chain_as_an_export() -> None:
    export = to_export(documentkit.chain(3))
    assert [(each["id"], each["name"], each["type"]) for each in export["nodes"]] == [
        ("node-0", "Node 0", "kind-0"),
        ("node-1", "Node 1", "kind-1"),
        ("node-2", "Node 2", "kind-2"),
    ]
    assert export["connections"] == {
        "Node 0": {"main": [[{"node": "Node 1", "type": "main", "index": 0}]]},
        "Node 1": {"main": [[{"node": "Node 2", "type": "main", "index": 0}]]},
    }


def test_nodes_without_name_or_subtype_get_fitting_ones() -> None:
    nodes = [{"node_id": f"n{number}", "node_type": kind} for number, kind in enumerate(documentkit.TYPES)]
    nodes += [{"node_id": "x", "node_type": "FLOW", "name": "n0"}, {"node_id": "y", "node_type": "FLOW", "name": "n0"}]
    export = to_export({"name": "w", "nodes": nodes})
    again = to_document(export).document
    assert [each["node_type"] for each in again["nodes"][:8]] == documentkit.TYPES
    assert [each["name"] for each in export["nodes"]] == ["n01", *(f"n{n}" for n in range(1, 8)), "n0", "n02"]


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(sound, nasty)
def test_nothing_of_the_export_or_the_document_is_changed_by_conversion(export: Json, other: Json) -> None:
    for each in (export, other):
        before = copied(each)
        document = to_document(each).document
        kept = exactly(document)
        to_export(document)
        to_document(other, previous=document)
        assert exactly(each) == exactly(before)
        assert exactly(document) == kept
