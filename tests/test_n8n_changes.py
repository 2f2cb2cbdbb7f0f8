"""A change of an imported document shows in its export as the same change made in n8n would."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.n8nkit import Json, copied, exactly, sound, stored
from wfstore.n8n import to_document, to_export

modestly = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))

Change = Callable[[Json], None]


def changed(export: Json, change: Change) -> Json:
    """What is exported after a change of the imported document."""
    document = stored(to_document(export).document)
    change(document)
    return to_export(stored(document))


def targets(export: Json) -> Iterator[tuple[list[Any], int]]:
    """The targets of all connections: the list that each is in, and where."""
    for kinds in export["connections"].values():
        for outputs in kinds.values():
            for output in outputs:
                for index in range(len(output or [])):
                    yield output, index


def graph_nodes(export: Json) -> list[Json]:
    """The nodes that are no notes."""
    return [node for node in export["nodes"] if not node["type"].endswith("stickyNote")]


def find(holders: list[Json], name: str) -> Json:
    """The node of this name."""
    return next(holder for holder in holders if holder["name"] == name)


# --- one change, any sound export ---------------------------------------------------------------------------


@modestly
@given(sound, st.data())
def test_a_rename_shows_in_connections_and_pinned_data(export: Json, data: st.DataObject) -> None:
    old = data.draw(st.sampled_from(graph_nodes(export)))["name"]
    new = data.draw(st.sampled_from(["Note 0", "__proto__", "😀", "id-0", " "]))

    def rename(document: Json) -> None:
        find(document["nodes"], old)["name"] = new

    wanted = copied(export)
    find(graph_nodes(wanted), old)["name"] = new
    for output, index in targets(wanted):
        if output[index]["node"] == old:
            output[index]["node"] = new
    for holder in (wanted["connections"], wanted["pinData"]):
        if old in holder:
            holder[new] = holder.pop(old)
    assert exactly(changed(export, rename)) == exactly(wanted)


@modestly
@given(sound, st.data())
def test_a_node_that_goes_takes_its_connections_and_pinned_data(export: Json, data: st.DataObject) -> None:
    gone = data.draw(st.sampled_from(graph_nodes(export)))
    tidy = data.draw(st.booleans())

    def remove(document: Json) -> None:
        document["nodes"] = [node for node in document["nodes"] if node["node_id"] != gone["id"]]
        if tidy:  # or the connections stay behind, to a node that is not there
            document["connections"] = [
                edge
                for edge in document["connections"]
                if gone["id"] not in (edge["source_node_id"], edge["target_node_id"])
            ]

    wanted = copied(export)
    wanted["nodes"] = [node for node in wanted["nodes"] if node["id"] != gone["id"]]
    wanted["connections"].pop(gone["name"], None)
    wanted["pinData"].pop(gone["name"], None)
    for kinds in wanted["connections"].values():
        kinds["main"] = [
            output and [target for target in output if target["node"] != gone["name"]] for output in kinds["main"]
        ]
    assert normal(changed(export, remove)) == normal(wanted)


def normal(export: Json) -> str:
    """The export with empty outputs for null ones: an output that lost its targets was a list or is none."""
    export = copied(export)
    for kinds in export["connections"].values():
        for kind, outputs in kinds.items():
            kinds[kind] = [output or [] for output in outputs]
    return exactly(export)


@modestly
@given(sound, st.data())
def test_a_connection_that_goes_moves_no_other_output(export: Json, data: st.DataObject) -> None:
    document = to_document(export).document
    assume(document["connections"])
    position = data.draw(st.integers(0, len(document["connections"]) - 1))
    edge = document["connections"][position]
    before = [
        each
        for each in document["connections"][:position]
        if (each["source_node_id"], each["source_index"]) == (edge["source_node_id"], edge["source_index"])
    ]

    def disconnect(document: Json) -> None:
        del document["connections"][position]

    wanted = copied(export)
    source = next(node["name"] for node in export["nodes"] if node["id"] == edge["source_node_id"])
    del wanted["connections"][source]["main"][edge["source_index"]][len(before)]
    assert exactly(changed(export, disconnect)) == exactly(wanted)


@modestly
@given(sound, st.data(), st.integers(0, 4))
def test_a_new_connection_comes_last_in_its_output(export: Json, data: st.DataObject, index: int) -> None:
    source, target = (data.draw(st.sampled_from(graph_nodes(export))) for _ in range(2))

    def connect(document: Json) -> None:
        edge = {"source_node_id": source["id"], "source_index": index, "target_node_id": target["id"]}
        document["connections"].append(edge)

    wanted = copied(export)
    outputs = wanted["connections"].setdefault(source["name"], {}).setdefault("main", [])
    outputs += [[] for _ in range(index + 1 - len(outputs))]
    outputs[index] = [*(outputs[index] or []), {"node": target["name"], "type": "main", "index": 0}]
    assert exactly(changed(export, connect)) == exactly(wanted)


# --- one change, one export ---------------------------------------------------------------------------------


def an_export() -> Json:
    """An export with something of everything that changes."""
    nodes: list[Json] = [
        {"id": "1", "name": "Start", "type": "n8n-nodes-base.manualTrigger", "continueOnFail": True},
        {"id": "2", "name": "Note", "type": "n8n-nodes-base.stickyNote", "parameters": {"content": "a", "x": 1}},
        {
            "id": "3",
            "name": "Ask",
            "type": "n8n-nodes-base.httpRequest",
            "retryOnFail": True,
            "onError": "stopWorkflow",
        },
        {"id": 4, "name": "Start", "type": "n8n-nodes-base.set"},
        {"name": "Odd", "type": "n8n-nodes-base.set", "disabled": "yes", "typeVersion": "2", "id": 5},
    ]
    usual = {"typeVersion": 1, "position": [0, 0], "parameters": {"url": "x"}}
    return {
        "name": "w",
        "nodes": [usual | node for node in nodes],
        "connections": {
            "Start": {"main": [[{"node": "Ask", "type": "main", "index": 0}, {"node": "Gone"}]], "error": [None]},
            "Gone": {"main": [[{"node": "Start", "type": "main", "index": 1}]]},
        },
        "pinData": {"Ask": [{"json": {}}], "Gone": [1]},
        "settings": {"timezone": "UTC", "executionTimeout": -1, "executionOrder": "v1"},
        "tags": [{"id": "t1", "name": "one"}, {"id": "t2", "name": "two", "createdAt": "then"}],
    }


START, NOTE, ASK, SECOND, ODD = range(5)


@pytest.mark.parametrize(
    ("fields", "index", "keys"),
    [
        ({"parameters": {"url": "y"}}, 2, {"parameters": {"url": "y"}}),
        ({"disabled": True}, 2, {"disabled": True}),
        ({"disabled": True}, 4, {"disabled": True}),
        ({"disabled": None}, 4, {}),
        ({"position_x": 5.5}, 2, {"position": [5.5, 0]}),
        ({"type_version": 3}, 4, {"typeVersion": 3}),
        ({"node_subtype": "n8n-nodes-base.telegram"}, 2, {"type": "n8n-nodes-base.telegram"}),
        ({"node_id": "new"}, 4, {"id": "new"}),
        ({"notes": "n", "description": "d"}, 2, {"notes": "n", "description": "d"}),
        ({"webhooks": ["h"]}, 2, {"webhookId": "h"}),
        ({"webhooks": []}, 2, {}),
        ({"credentials": {"x": "y"}}, 2, {"credentials": {"x": "y"}}),
        ({"retry_wait_time": 9}, 2, {"waitBetweenTries": 9}),
        ({"max_retries": 4}, 2, {"retryOnFail": True, "maxTries": 5}),
        ({"max_retries": 0}, 2, {"retryOnFail": False}),
        ({"max_retries": 1}, 0, {"retryOnFail": True, "maxTries": 2}),
        ({"error_handling": "CONTINUE_ERROR_OUTPUT_ON_ERROR"}, 2, {"onError": "continueErrorOutput"}),
        ({"error_handling": None}, 2, {"onError": None}),
        ({"error_handling": "STOP_WORKFLOW_ON_ERROR"}, 0, {"continueOnFail": False}),
        (
            {"error_handling": "CONTINUE_ERROR_OUTPUT_ON_ERROR"},
            0,
            {"continueOnFail": None, "onError": "continueErrorOutput"},
        ),
    ],
)
def test_a_changed_field_of_a_node_shows(fields: Json, index: int, keys: Json) -> None:
    def change(document: Json) -> None:
        document["nodes"][{START: 0, ASK: 1, ODD: 2}[index]].update(fields)

    wanted = an_export()
    wanted["nodes"][index] = {key: value for key, value in (wanted["nodes"][index] | keys).items() if value is not None}
    assert exactly(changed(an_export(), change)) == exactly(wanted)


@pytest.mark.parametrize(
    ("fields", "keys"),
    [
        ({"name": "v"}, {"name": "v"}),
        ({"description": "d"}, {"description": "d"}),
        ({"static_data": {"a": 1}}, {"staticData": {"a": 1}}),
        ({"pin_data": {}}, {"pinData": {"Gone": [1]}}),
        ({"pin_data": None}, {"pinData": None}),
        ({"pin_data": {"1": [2], "nobody": [3]}}, {"pinData": {"Start": [2], "Gone": [1]}}),
        ({"tags": None}, {"tags": None}),
        ({"tags": ["two"]}, {"tags": [{"id": "t2", "name": "two", "createdAt": "then"}]}),
        (
            {"tags": ["new", "two", "one"]},
            {
                "tags": [
                    {"name": "new"},
                    {"id": "t2", "name": "two", "createdAt": "then"},
                    {"id": "t1", "name": "one"},
                ]
            },
        ),
        ({"settings": {"timezone": "Asia/Tokyo"}}, {"settings": {"timezone": "Asia/Tokyo"}}),
        ({"settings": None}, {"settings": {}}),
    ],
)
def test_a_changed_field_of_the_workflow_shows(fields: Json, keys: Json) -> None:
    def change(document: Json) -> None:
        document.update(fields)

    wanted = {key: value for key, value in (an_export() | keys).items() if value is not None}
    assert exactly(changed(an_export(), change)) == exactly(wanted)


def test_a_changed_setting_leaves_the_others() -> None:
    def change(document: Json) -> None:
        document["settings"].update(timezone="Asia/Tokyo", execution_timeout=60)

    wanted = an_export()
    wanted["settings"] = {"timezone": "Asia/Tokyo", "executionTimeout": 60, "executionOrder": "v1"}
    assert exactly(changed(an_export(), change)) == exactly(wanted)


def test_plain_tags_stay_plain() -> None:
    export = an_export() | {"tags": ["b", "a", "b"]}
    assert changed(export, lambda document: document["tags"].append("c"))["tags"] == ["b", "b", "a", "c"]
    assert changed(export, lambda document: document["tags"].remove("b"))["tags"] == ["a"]
    assert changed(export | {"tags": []}, lambda document: document["tags"].append("c"))["tags"] == [{"name": "c"}]


def test_a_changed_note_shows() -> None:
    def change(document: Json) -> None:
        document["annotations"][0].update(text="b", width=10, position_y=7)

    wanted = an_export()
    wanted["nodes"][NOTE]["parameters"] = {"content": "b", "width": 10, "url": "x", "x": 1}
    wanted["nodes"][NOTE]["position"] = [0, 7]
    wanted["nodes"][NOTE]["parameters"].pop("url")
    export = an_export()
    export["nodes"][NOTE]["parameters"].pop("url", None)
    assert exactly(changed(export, change)) == exactly(wanted)


def test_a_note_that_goes_leaves_the_order_of_the_others() -> None:
    wanted = an_export()
    del wanted["nodes"][NOTE]
    assert exactly(changed(an_export(), lambda document: document.pop("annotations"))) == exactly(wanted)


def test_new_nodes_and_notes_come_last_with_what_n8n_needs() -> None:
    def change(document: Json) -> None:
        document["nodes"].append({"node_id": "n", "node_type": "FLOW", "name": "Ask"})
        document["nodes"].append({"node_id": "Gone", "node_type": "ACTION"})
        document["annotations"].append({"annotation_id": "a", "text": "t"})
        document["connections"].append({"source_node_id": "n", "target_node_id": "1", "connection_type": "AI_TOOL"})

    export = changed(an_export(), change)
    wanted = an_export()
    assert exactly(export["nodes"][:5]) == exactly(wanted["nodes"])
    assert export["nodes"][5:] == [
        {
            "id": "n",
            "name": "Ask1",
            "type": "n8n-nodes-base.noOp",
            "typeVersion": 1,
            "position": [0, 0],
            "parameters": {},
        },
        {
            "id": "Gone",
            "name": "Gone1",
            "type": "n8n-nodes-base.set",
            "typeVersion": 1,
            "position": [0, 0],
            "parameters": {},
        },
        {
            "id": "a",
            "name": "Sticky Note",
            "type": "n8n-nodes-base.stickyNote",
            "typeVersion": 1,
            "position": [0, 0],
            "parameters": {"content": "t"},
        },
    ]
    assert export["connections"]["Ask1"] == {"ai_tool": [[{"node": "Start", "type": "ai_tool", "index": 0}]]}


def test_a_connection_to_nothing_can_be_led_to_a_node() -> None:
    def change(document: Json) -> None:
        for edge in document["connections"]:
            for end in ("source_node_id", "target_node_id"):
                edge[end] = "3" if edge[end] == "Gone" else edge[end]

    wanted = an_export()["connections"]
    wanted["Start"]["main"][0][1]["node"] = "Ask"
    wanted["Ask"] = wanted["Gone"]
    wanted["Gone"] = {"main": [[]]}
    assert changed(an_export(), change)["connections"] == wanted


# --- revisions ----------------------------------------------------------------------------------------------


def test_nodes_keep_their_ids_over_revisions() -> None:
    first = to_document(an_export()).document
    ids = {node["name"]: node["node_id"] for node in first["nodes"]}
    assert ids == {"Start": "1", "Ask": "3", "Odd": "Odd"}

    revision = an_export()
    find(revision["nodes"], "Ask").update(id="a new id")  # as n8n gives when nodes are pasted
    find(revision["nodes"], "Start").update(name="Begin")  # the id tells that it is the same
    del find(revision["nodes"], "Note")["id"]
    revision["nodes"].append(an_export()["nodes"][ASK] | {"id": "6", "name": "Another"})
    second = to_document(revision, previous=first).document
    ids = {node["name"]: node["node_id"] for node in second["nodes"]}
    assert ids == {"Begin": "1", "Ask": "3", "Odd": "Odd", "Start": "Start", "Another": "6"}
    assert second["annotations"][0]["annotation_id"] == "2"
    assert exactly(to_export(second)) == exactly(revision)

    # The third has the second's new id, and no trace of the old one.
    third = to_document(revision, previous=second).document
    assert exactly(third) == exactly(second)


def test_two_nodes_never_get_one_id() -> None:
    def export(*nodes: tuple[str, str]) -> Json:
        return {"nodes": [{"name": name, "id": own, "type": "x"} for name, own in nodes]}

    first = to_document(export(("A", "1"), ("B", "2"))).document
    pasted = to_document(export(("A", "3"), ("B", "2")), previous=first).document
    assert [node["node_id"] for node in pasted["nodes"]] == ["1", "2"]
    swapped = export(("A", "2"), ("B", "1"), ("C", "3"))
    third = to_document(swapped, previous=pasted).document
    assert [node["node_id"] for node in third["nodes"]] == ["2", "B", "1"]
    assert exactly(to_export(third)) == exactly(swapped)


def test_an_id_that_is_made_is_none_of_n8n() -> None:
    nodes: list[Json] = [
        {"name": "X", "type": "x"},
        {"name": "Y", "type": "x", "id": "X"},
        {"name": "X 2", "type": "x"},
    ]
    document = to_document({"nodes": nodes}).document
    assert [node["node_id"] for node in document["nodes"]] == ["X 2", "X", "X 2 2"]
