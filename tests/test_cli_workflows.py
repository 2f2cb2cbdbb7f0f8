"""`wfstore workflows`: what it shows, writes and refuses, as processes of their own; and the demo's definition."""

from __future__ import annotations

import gzip
import json
import re
from copy import deepcopy
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from tests import documentkit
from tests.commandkit import environment, run
from tests.documentkit import Document
from tests.executionkit import Admin
from wfstore import Store
from wfstore.cli import workflow_changes
from wfstore.demo import definition
from wfstore.documents.diff import diff
from wfstore.documents.validation import validate
from wfstore.n8n import to_document, to_export

DESK: Document = {
    "name": "Desk [bold]\x1b[31m",
    "version": "1.2",
    "tags": ["support", "mail"],
    "description": "Answers\nmail.",
    "nodes": [
        {"node_id": "in", "name": "Mail", "node_type": "TRIGGER", "node_subtype": "x.imap", "integration": "imap"},
        {"node_id": "if", "name": "Urgent?", "node_type": "FLOW", "node_subtype": "x.if"},
        {
            "node_id": "out",
            "name": "Answer",
            "node_type": "ACTION",
            "disabled": True,
            "parameters": {"text": "a" * 300},
        },
    ],
    "connections": [
        {"source_node_id": "in", "target_node_id": "if"},
        {"source_node_id": "if", "source_index": 1, "target_node_id": "out"},
    ],
}


def read(database: str, *arguments: Any) -> str:
    """What a command writes that must work."""
    done = run(database, "workflows", *map(str, arguments))
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert "\x1b" not in done.stdout
    return done.stdout


def read_json(database: str, *arguments: Any) -> Any:
    return json.loads(read(database, *arguments, "--json"))


@pytest.fixture
def desk(store: Store) -> UUID:
    """A workflow of three versions."""
    saved = store.workflows.add(DESK, change_summary="the first")
    second = deepcopy(DESK)
    second["nodes"][2] |= {"name": "Reply", "parameters": {"text": "a" * 200 + "b" + "a" * 99, "cc": None}}
    second["nodes"].append({"node_id": "log", "name": "Log", "node_type": "ACTION"})
    second["connections"][1]["target_node_id"] = "log"
    store.workflows.replace(saved.id, second, revision=1)
    store.workflows.replace(saved.id, second | {"version": "2"}, revision=2, change_summary="a label")
    return saved.id


# --- list ---------------------------------------------------------------------------------------------------


def test_lists(database: str, store: Store, desk: UUID) -> None:
    other = store.workflows.add({"name": "Another", "nodes": [], "connections": []}).id
    everything = read(database, "list")
    assert "Desk [bold]\ufffd[31m" in everything
    assert everything.index(str(other)) < everything.index(str(desk))
    assert [row["id"] for row in read_json(database, "list")] == [str(other), str(desk)]
    assert [row["id"] for row in read_json(database, "list", "--before", other)] == [str(desk)]
    page = run(database, "workflows", "list", "--limit", "1")
    assert f"--before {other}" in page.stderr


@pytest.mark.parametrize(
    "criterion",
    ["--name=desk", "--tag=mail", "--node-type=FLOW", "--subtype=x.imap", "--integration=imap"],
)
def test_filters(database: str, store: Store, desk: UUID, criterion: str) -> None:
    store.workflows.add({"name": "Another", "nodes": [], "connections": []})
    assert [row["id"] for row in read_json(database, "list", criterion)] == [str(desk)]
    assert read(database, "list", criterion, "--tag", "none such") == "No workflows.\n"


def test_templates(database: str, store: Store, desk: UUID) -> None:
    template = store.workflows.add(DESK | {"name": "Pattern"}, is_template=True).id
    assert [row["id"] for row in read_json(database, "list", "--templates")] == [str(template)]
    made = read_json(database, "instantiate", template, "--name", "Mine")
    assert store.workflows.get(id=UUID(made["id"])).name == "Mine"
    assert run(database, "workflows", "list", "--templates", "--tag", "a").returncode == 2
    refused = run(database, "workflows", "instantiate", str(desk))
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "is no template" in refused.stderr


def test_an_empty_store_says_where_workflows_come_from(database: str) -> None:
    assert "wfstore import n8n" in read(database, "list")


def test_other_tenants_see_nothing(database: str, desk: UUID, other_tenant: UUID) -> None:
    assert read_json(database, "list", "--tenant", other_tenant) == []
    for command in ("show", "diff", "versions", "duplicate"):
        done = run(database, "workflows", command, str(desk), "--tenant", str(other_tenant))
        assert (done.returncode, done.stdout) == (1, "")
        assert f"there is no workflow {desk}" in done.stderr


# --- show ---------------------------------------------------------------------------------------------------


def test_shows_facts_and_the_graph(database: str, desk: UUID) -> None:
    lines = read(database, "show", desk).splitlines()
    assert lines[:3] == ["Desk [bold]\ufffd[31m", "  Answers mail.", f"  workflow {desk}"]
    assert re.fullmatch(r"  revision 3, version 2, inactive, saved \d{4}-\d\d-\d\d \d\d:\d\d", lines[3])
    assert lines[4:6] == ["  4 nodes, 2 connections", "  tags: support, mail"]
    assert [line.split() for line in lines[7:]] == [
        *(["●", "Mail", "trigger", "imap"], ["●", "Urgent?", "flow", "if"], ["[false]"], ["●", "Log", "action"], []),
        *(["No", "trigger", "leads", "here:"], ["●", "Reply", "(disabled)", "action"]),
    ]


def test_shows_a_revision_its_nodes_and_its_document(database: str, desk: UUID) -> None:
    first = read(database, "show", desk, "--revision", 1)
    assert "revision 1, version 1.2, saved" in first
    assert "Answer (disabled)" in first
    table = read(database, "show", desk, "--nodes")
    assert re.search(r"out .* Reply .* ACTION .* yes", table)
    assert read_json(database, "show", desk, "--revision", 1) == DESK
    assert read_json(database, "show", desk)["version"] == "2"


def test_output_that_takes_no_unicode_gets_ascii(database: str, desk: UUID) -> None:
    done = run(database, "workflows", "show", str(desk), env=environment(database, PYTHONIOENCODING="ascii:replace"))
    assert done.returncode == 0
    assert done.stdout.isascii()
    assert "* Mail" in done.stdout


# --- diff ---------------------------------------------------------------------------------------------------


def test_the_diff_of_the_last_two_versions(database: str, desk: UUID) -> None:
    assert read(database, "diff", desk).splitlines()[1:] == ["~ workflow", '    ~ version: "1.2" → "2"']


def test_the_diff_of_two_revisions_is_grouped_by_node(database: str, desk: UUID) -> None:
    lines = read(database, "diff", desk, 1, 2).splitlines()
    assert lines[0] == "Desk [bold]\ufffd[31m: revision 1 to 2, 6 changes"
    assert set(lines) >= {
        "~ node Reply",
        '    ~ name: "Answer" → "Reply"',
        "    + parameters.cc: null",
        "    ~ parameters.text:",
        "+ node Log  action",
        "- connection Urgent? [1] -> Reply",
        "+ connection Urgent? [1] -> Log",
    }
    old, new = (next(line for line in lines if line.startswith(f"        {mark} ")) for mark in "-+")
    assert "b" in new
    assert "b" not in old
    assert old.endswith("… (51 more characters)")
    backwards = read(database, "diff", desk, 2, 1)
    assert "- node Log  action" in backwards
    assert "    - parameters.cc: null" in backwards


def test_the_diff_as_json_and_as_exit_code(database: str, store: Store, desk: UUID) -> None:
    found = read_json(database, "diff", desk, 1)
    assert found == [change.as_json() for change in store.workflows.diff(desk, 1)]
    assert run(database, "workflows", "diff", str(desk), "--exit-code").returncode == 1
    assert run(database, "workflows", "diff", str(desk), "3", "--exit-code").returncode == 0
    fresh = store.workflows.add(DESK).id
    assert "there is no other version" in read(database, "diff", fresh)
    assert read_json(database, "diff", fresh) == []


def test_a_revision_that_is_not_there(database: str, desk: UUID) -> None:
    for arguments in (["diff", desk, 9], ["show", desk, "--revision", 9], ["restore", desk, 9]):
        done = run(database, "workflows", *map(str, arguments))
        assert (done.returncode, done.stdout) == (1, "")
        assert f"workflow {desk} has no version of revision 9" in done.stderr


def test_changes_of_order_and_of_notes() -> None:
    old = documentkit.chain(3) | {"annotations": [{"annotation_id": "n1", "text": "a"}]}
    new = old | {"nodes": old["nodes"][::-1], "annotations": [{"annotation_id": "n1", "text": "b"}]}
    assert [line.plain for line in workflow_changes.shown(diff(old, new))] == [
        "~ order of nodes",
        "~ annotation n1",
        '    ~ text: "a" → "b"',
    ]


def test_what_is_kept_for_n8n_alone_differs_in_one_line() -> None:
    old = documentkit.chain(2)
    new = deepcopy(old)
    for document, kept in ((old, 1), (new, 2)):
        document["meta"] = {"n8n": {"outputs": {"a": kept}, "order": [kept]}, "own": kept}
        document["settings"] = {"meta": {"n8n": {"rest": kept}}}
        document["nodes"][0]["parameters"] = {"meta": {"n8n": kept}}
    new["nodes"][1]["meta"] = {"n8n": {"rest": {"executeOnce": True}}}
    name = new["nodes"][0].get("name") or new["nodes"][0]["node_id"]
    other = new["nodes"][1].get("name") or new["nodes"][1]["node_id"]
    assert [line.plain for line in workflow_changes.shown(diff(old, new))] == [
        "~ workflow",
        "    ~ meta.own: 1 → 2",
        "    ~ n8n's own details differ (3 changes; --json shows them)",
        f"~ node {name}",
        "    ~ parameters.meta.n8n: 1 → 2",
        f"~ node {other}",
        "    ~ n8n's own details differ (1 change; --json shows them)",
    ]


# --- versions, restore, duplicate ---------------------------------------------------------------------------


def test_versions(database: str, desk: UUID) -> None:
    found = read_json(database, "versions", desk)
    assert [(row["revision"], row["version"], row["change_summary"]) for row in found] == [
        *((3, "2", "a label"), (2, "1.2", ""), (1, "1.2", "the first")),
    ]
    table = read(database, "versions", desk)
    assert table.index("a label") < table.index("the first")
    assert "--limit" in run(database, "workflows", "versions", str(desk), "--limit", "2").stderr


def test_restore(database: str, store: Store, desk: UUID) -> None:
    assert "it stands at revision 4" in read(database, "restore", desk, 1)
    assert store.workflows.diff(desk, 1) == []
    again = read_json(database, "restore", desk, 1)
    assert (again["revision"], again["changed"]) == (5, False)


def test_duplicate(database: str, store: Store, desk: UUID) -> None:
    made = read_json(database, "duplicate", desk, "--name", "Second desk")
    copy = store.workflows.get(id=UUID(made["id"]))
    assert (copy.name, copy.revision) == ("Second desk", 1)
    assert re.fullmatch(r"Second desk \(copy\) is workflow [0-9a-f-]{36}\n", read(database, "duplicate", copy.id))


# --- validate -----------------------------------------------------------------------------------------------


def test_validate_needs_no_database(tmp_path: Path) -> None:
    good, odd, bad = tmp_path / "good.json", tmp_path / "odd.json.gz", tmp_path / "bad.json"
    good.write_bytes(orjson.dumps(documentkit.chain(2)))
    odd.write_bytes(
        gzip.compress(orjson.dumps(DESK | {"connections": [{"source_node_id": "in", "target_node_id": "x"}]}))
    )
    bad.write_bytes(orjson.dumps({"name": "n", "nodes": [{"node_id": "a", "node_type": "ODD"}]}))
    fine = run(None, "workflows", "validate", str(good), str(odd))
    assert fine.returncode == 0, fine.stderr
    assert "dangling-connection" in fine.stdout
    assert "2 document(s): 0 error(s)" in fine.stdout
    done = run(None, "workflows", "validate", str(tmp_path), "--json")
    assert done.returncode == 1
    found = json.loads(done.stdout)
    [error] = [each for each in found if each["severity"] == "error"]
    assert (error["source"], error["code"], error["path"]) == (str(bad), "shape", "nodes[0].node_type")
    assert run(None, "workflows", "validate", str(bad)).returncode == 1


@pytest.mark.parametrize("text", ["", "{", "[1, 2", '{"name": "\\ud800"}', "7"])
def test_validate_names_what_cannot_be_read(text: str) -> None:
    done = run(None, "workflows", "validate", "-", "--json", text=text)
    assert done.returncode == 1
    assert {each["severity"] for each in json.loads(done.stdout)} == {"error"}
    assert "Traceback" not in done.stderr


# --- mistakes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["show", "diff", "versions", "duplicate"])
def test_ids_that_are_none_and_ids_of_nothing(database: str, command: str) -> None:
    done = run(database, "workflows", command, "not-an-id")
    assert (done.returncode, done.stdout) == (2, "")
    assert "valid UUID" in done.stderr
    missing = uuid4()  # and one that no bigint holds is refused before the database sees it
    assert run(database, "workflows", "diff", str(missing), "9" * 20).returncode == 2
    done = run(database, "workflows", command, str(missing))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"wfstore: there is no workflow {missing}")


def test_reading_writes_nothing(database: str, desk: UUID, admin: Admin) -> None:
    before = documentkit.state(admin)
    for arguments in (["list"], ["show", desk], ["diff", desk], ["versions", desk]):
        read(database, *arguments)
    assert documentkit.state(admin) == before


# --- the demo's definition ----------------------------------------------------------------------------------


def test_the_definition_of_the_demo_is_a_sound_one_with_all_that_it_is_to_show() -> None:
    export = json.loads(definition.FILE.read_bytes())
    document = to_document(export).document
    assert [finding.code for finding in validate(document)] == ["unreachable-node"]
    kinds = {node["node_type"] for node in document["nodes"]}
    assert kinds == {"TRIGGER", "AI_AGENT", "EXTERNAL_ACTION", "ACTION", "FLOW", "HUMAN_IN_THE_LOOP", "TOOL", "MEMORY"}
    assert orjson.dumps(to_export(document), option=orjson.OPT_SORT_KEYS) == orjson.dumps(
        export, option=orjson.OPT_SORT_KEYS
    )


def test_the_change_of_the_demo_shows_everywhere_in_the_export() -> None:
    document = to_document(json.loads(definition.FILE.read_bytes())).document
    before = deepcopy(document)
    after = definition.changed(document)
    assert document == before
    assert len(diff(document, after)) == 4
    places = [definition.places(to_export(each), name) for each in (document, after) for name in definition.RENAMED]
    assert places[0] == places[3] == {"nodes": 1, "connections": 8, "pinData": 1}
    assert places[1] == places[2] == {}
