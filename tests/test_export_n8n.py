"""`wfstore export n8n`: rebuilt from what is stored, to standard output or into files, all or nothing."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.commandkit import run
from tests.exchangekit import Document, definition, importing, same
from wfstore import Store
from wfstore.errors import NotFound
from wfstore.exports.files import file_name
from wfstore.exports.n8n import export_workflow, workflow_ids
from wfstore.imports.n8n import import_definitions
from wfstore.imports.sources import Source

MISSING = "0198c0de-0000-7000-8000-000000000000"
OWN = "nKpW2x8vQz4Lr7Tb"


def add(store: Store, *definitions: Document) -> list[UUID]:
    def source(number: int, found: Document) -> Source:
        return Source(f"{number}", lambda: json.dumps(found).encode())

    report = import_definitions(store, [source(number, found) for number, found in enumerate(definitions)])
    assert not [entry.reason for entry in report.entries if entry.reason]
    return [entry.workflow_id for entry in report.entries if entry.workflow_id is not None]


def change(store: Store, identifier: UUID, edit: Callable[[Document], None]) -> None:
    """Save an edited document, as an application does."""
    stored = store.workflows.get(id=identifier)
    assert stored is not None
    document = json.loads(json.dumps(stored.workflow_data))
    edit(document)
    store.workflows.replace(identifier, document, revision=stored.revision)


def node(document: Document, name: str) -> Document:
    [found] = [each for each in document["nodes"] if each["name"] == name]
    assert isinstance(found, dict)
    return found


# --- what comes out -----------------------------------------------------------------------------------------


def test_what_nobody_changed_comes_out_as_it_went_in(database: str, store: Store) -> None:
    given = definition(id=OWN, unknown=[1, 1.0, 1e16, None, True, "späť 😀"], active=False)
    [identifier] = add(store, given)
    assert same(export_workflow(store, identifier), given)
    done = run(database, "export", "n8n", str(identifier))
    assert (done.returncode, done.stderr) == (0, "")
    assert same(json.loads(done.stdout), given)
    assert '"name": "Is it späť?"' in done.stdout  # for people: indented, and as it is written
    assert done.stdout.startswith('{\n  "')
    assert done.stdout.endswith("}\n")


def test_the_output_is_utf_8_whatever_the_terminal_takes(database: str, store: Store) -> None:
    [identifier] = add(store, definition())
    environment = {**os.environ, "DATABASE_URL": database, "PYTHONIOENCODING": "ascii"}
    done = run(database, "export", "n8n", str(identifier), env=environment)
    assert same(json.loads(done.stdout), definition())


def test_a_renamed_node_shows_in_connections_and_pinned_data(store: Store) -> None:
    [identifier] = add(store, definition())

    def rename(document: Document) -> None:
        node(document, "Say")["name"] = "Speak"
        node(document, "Is it späť?")["name"] = "Back?"
        node(document, "Back?")["parameters"]["limit"] = 2.0

    change(store, identifier, rename)
    text = json.dumps(definition(limit=2.0), ensure_ascii=False)
    expected = json.loads(text.replace('"Say"', '"Speak"').replace('"Is it späť?"', '"Back?"'))
    expected["nodes"][1]["id"], expected["nodes"][2]["id"] = "id of Is it späť?", "id of Say"
    assert same(export_workflow(store, identifier), expected)


def test_run_time_columns_are_those_of_now_and_a_version_has_its_own(store: Store) -> None:
    [identifier] = add(store, given := definition(id=OWN, staticData={"at": 1}))
    stored = store.workflows.get(id=identifier)
    assert stored is not None
    [pinned] = dict(stored.pin_data or {})
    store.workflows.set_settings(id=identifier, settings={"timezone": "Asia/Tokyo"})
    store.workflows.set_static_data(id=identifier, static_data={"at": 1.0})
    store.workflows.set_pin_data(id=identifier, pin_data={pinned: [{"json": {}}]})
    now = export_workflow(store, identifier)
    assert now["settings"]["timezone"] == "Asia/Tokyo"
    assert same(now["staticData"], {"at": 1.0})
    assert same(now["pinData"], {"Say": [{"json": {}}]})
    assert same(export_workflow(store, identifier, revision=1), given)
    store.workflows.set_pin_data(id=identifier, pin_data=None)
    store.workflows.set_static_data(id=identifier, static_data=None)
    assert not {"pinData", "staticData"} & export_workflow(store, identifier).keys()


def test_columns_that_hold_nothing_add_nothing(store: Store) -> None:
    bare: Document = {"nodes": [], "connections": {}}
    [identifier] = add(store, bare)
    assert same(export_workflow(store, identifier), bare)
    nulls: Document = {"nodes": [], "connections": {}, "settings": {}, "staticData": None, "pinData": {}}
    [identifier] = add(store, nulls | {"id": OWN})
    assert same(export_workflow(store, identifier), nulls | {"id": OWN})


def test_a_version(database: str, store: Store) -> None:
    first, second = definition(id=OWN), definition(limit=2, id=OWN)
    identifier, _ = add(store, first, second)
    for revision, expected in [("1", first), ("2", second)]:
        assert same(
            json.loads(run(database, "export", "n8n", str(identifier), "--revision", revision).stdout), expected
        )
    done = run(database, "export", "n8n", str(identifier), "--revision", "3")
    assert (done.returncode, done.stdout) == (1, "")
    assert f"workflow {identifier} has no version 3" in done.stderr
    with pytest.raises(NotFound, match="no workflow"):
        export_workflow(store, UUID(MISSING), revision=1)


# --- where it goes ------------------------------------------------------------------------------------------


@pytest.fixture
def flows(store: Store) -> dict[UUID, Document]:
    """Three workflows, two of one name; one has a name that is no file's."""
    given = [definition("same"), definition("same", limit=2), definition("../etc/pass\twd 😀 " + "ž" * 200)]
    return dict(zip(add(store, *given), given, strict=True))


def exported(folder: Path) -> list[Any]:
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.iterdir())]


def test_several_go_to_standard_output_as_lines(database: str, flows: dict[UUID, Document]) -> None:
    lines = run(database, "export", "n8n", *map(str, flows)).stdout.splitlines()
    assert [json.loads(line) for line in lines] == list(flows.values())
    every = run(database, "export", "n8n", "--all").stdout
    assert sorted(every.splitlines()) == sorted(lines)
    again = importing(database, "-", text=every)  # what one command writes the other reads
    assert (again["read"], again["refused"]) == (3, 0)


def test_a_folder_gets_a_file_of_each(database: str, flows: dict[UUID, Document], tmp_path: Path) -> None:
    folder = tmp_path / "some" / "where"
    report = json.loads(run(database, "export", "n8n", "--all", "--output", f"{folder}/", "--json").stdout)
    assert {each["workflow_id"] for each in report} == {str(identifier) for identifier in flows}
    assert {each["file"] for each in report} == {str(path) for path in folder.iterdir()}
    assert len(report) == 3
    for each in report:
        assert json.loads(Path(each["file"]).read_bytes()) == flows[UUID(each["workflow_id"])]
        assert (each["name"], each["revision"]) == (flows[UUID(each["workflow_id"])]["name"], 1)


def test_a_file_that_is_there_is_not_replaced_unless_asked(
    database: str, flows: dict[UUID, Document], tmp_path: Path
) -> None:
    first, *others = flows
    told = run(database, "export", "n8n", str(first), "--output", tmp_path)
    [path] = tmp_path.iterdir()
    assert told.stdout == f"{path}\n"
    path.write_text("precious")
    done = run(database, "export", "n8n", *map(str, [*others, first]), "--output", tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"{path} is there already; nothing was written" in done.stderr
    assert "--force" in done.stderr
    assert [each.read_text() for each in tmp_path.iterdir()] == ["precious"]
    assert run(database, "export", "n8n", "--all", "--output", tmp_path, "--force").returncode == 0
    assert len(exported(tmp_path)) == 3
    path.unlink()
    path.symlink_to(tmp_path / "elsewhere")
    assert run(database, "export", "n8n", "--all", "--output", tmp_path).returncode == 1
    assert not (tmp_path / "elsewhere").exists()


def test_one_file_of_a_name_that_was_given(database: str, flows: dict[UUID, Document], tmp_path: Path) -> None:
    first, *_ = flows
    path = tmp_path / "mine.json"
    assert run(database, "export", "n8n", str(first), "-o", path).returncode == 0
    assert json.loads(path.read_bytes()) == flows[first]
    assert list(tmp_path.iterdir()) == [path]
    umask = os.umask(0o022)
    os.umask(umask)
    assert path.stat().st_mode & 0o777 == 0o666 & ~umask
    assert run(database, "export", "n8n", str(first), "-o", path).returncode == 1
    done = run(database, "export", "n8n", str(first), "-o", path / "below")
    assert done.returncode == 1
    assert "cannot be written" in done.stderr
    several = run(database, "export", "n8n", *map(str, flows), "-o", path)
    assert several.returncode == 1
    assert "cannot be written" in several.stderr


@pytest.mark.parametrize("options", [[], ["--output"]], ids=["to standard output", "into files"])
def test_an_unknown_id_is_named_and_nothing_is_written(
    options: list[str], database: str, flows: dict[UUID, Document], tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    where = [*options, str(folder)] if options else []
    done = run(database, "export", "n8n", *map(str, flows), MISSING, *where)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"there is no workflow {MISSING}" in done.stderr
    assert not folder.exists()


@pytest.mark.parametrize(
    "arguments", [[], [MISSING, "--all"], [MISSING, MISSING[:-1] + "1", "--revision", "1"], ["no id"]], ids=str
)
def test_what_is_no_request(arguments: list[str], database: str) -> None:
    done = run(database, "export", "n8n", *arguments)
    assert (done.returncode, done.stdout) == (2, "")


def test_a_tenant_without_workflows(database: str, other_tenant: UUID, flows: dict[UUID, Document]) -> None:
    done = run(database, "export", "n8n", "--all", "--tenant", "other")
    assert (done.returncode, done.stdout) == (0, "")
    assert run(database, "export", "n8n", str(next(iter(flows))), "--tenant", "other").returncode == 1


def test_all_of_many(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wfstore.exports.n8n._PAGE", 2)
    identifiers = [store.workflows.add({"name": "w", "nodes": [], "connections": []}).id for _ in range(5)]
    assert list(workflow_ids(store)) == sorted(identifiers, reverse=True)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("My flow: v2.1 (draft)", "My-flow-v2-1-draft-"),
        ("../../etc/passwd", "etc-passwd-"),
        ("späť 日本", "späť-日本-"),
        ("", ""),
        ("\x00\x1b[31m\u202e..", "31m-"),
        ("😀", ""),
        ("ž" * 500, "ž" * 60 + "-"),
    ],
)
def test_names_of_files(name: str, expected: str) -> None:
    found = file_name(name, UUID(MISSING))
    assert found == f"{expected}{MISSING}.json"
    assert len(os.fsencode(found)) <= 255


def test_what_was_not_imported_can_be_exported(store: Store) -> None:
    """A document that was written for the store has a form in n8n as well."""
    document = {
        "name": "drawn by hand",
        "nodes": [
            {"node_id": "a", "node_type": "TRIGGER", "name": "Start"},
            {"node_id": "b", "node_type": "ACTION", "name": "End"},
        ],
        "connections": [{"source_node_id": "a", "target_node_id": "b"}],
    }
    found = export_workflow(store, store.workflows.add(document).id)
    assert [each["name"] for each in found["nodes"]] == ["Start", "End"]
    assert found["connections"] == {"Start": {"main": [[{"node": "End", "type": "main", "index": 0}]]}}
