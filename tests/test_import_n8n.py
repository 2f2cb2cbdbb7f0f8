"""`wfstore import n8n`: what is read from where, what is refused, what an import writes and what not."""

from __future__ import annotations

import gzip
import json
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.commandkit import run, start
from tests.exchangekit import TABLES, Admin, Document, counts, definition, dumped, importing, real, same
from tests.executionkit import count
from wfstore import Store
from wfstore.errors import InvalidInput, NotFound
from wfstore.exports.n8n import export_workflow
from wfstore.imports.n8n import import_definitions
from wfstore.imports.report import Imported, ImportReport, Outcome
from wfstore.imports.sources import Source, files, texts

LIMIT = 16 * 1024**2


OWN = "nKpW2x8vQz4Lr7Tb"


def text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def take(store: Store, *arguments: str | Path, **options: Any) -> ImportReport:
    return import_definitions(store, texts(list(files([str(each) for each in arguments])), LIMIT), **options)


def offer(store: Store, value: Any, name: str = "it") -> ImportReport:
    raw = value if isinstance(value, bytes) else text(value).encode()
    return import_definitions(store, [Source(name, lambda: raw)])


def written(admin: Admin) -> dict[str, Any]:
    """How many rows, and the latest transaction that wrote one: even an update to the same values would show."""
    look = "SELECT count(*), max(xmin::text::bigint) FROM {}"
    return {table: admin.execute(look.format(table)).fetchone() for table in TABLES}


def node_ids(store: Store, identifier: UUID) -> dict[str, str]:
    found = store.nodes.page_by_workflow(workflow_id=identifier, after_ordinal=-1, limit=9)
    return {node.name: node.node_id for node in found}


def names(admin: Admin) -> set[str]:
    return {name for [name] in admin.execute("SELECT name FROM workflows")}


# --- what is refused ----------------------------------------------------------------------------------------

GOOD = text(definition()).encode()
MALFORMED: dict[str, tuple[bytes, int, str]] = {
    "empty": (b"", 1, "is empty"),
    "cut": (b'{\n"nodes": [', 2, "is no JSON: Expecting value"),
    "utf-16": (GOOD.decode().encode("utf-16"), 1, "is UTF-16"),
    "latin-1": (b'{"nodes": [],\n"name": "caf\xe9"}', 2, "line 2, column 13: the byte 0xe9 is not UTF-8"),
    "two": (GOOD + b"\n" + GOOD, 2, "line 2, column 1: a second JSON document begins here"),
    "trailing": (GOOD + b"\nGreeter", 2, "text follows the end of the JSON document: 'Greeter'"),
    "list": (b"[1]", 1, "but a list"),
    "empty list": (b"[]", 1, "but a list"),
    "null": (b"null", 1, "but null"),
    "number": (b"1", 1, "but a number"),
    "nothing": (b"{}", 1, 'no key "nodes"'),
    "flattened": (b'{"\\"nodes\\"": "["}', 1, 'no key "nodes"'),
    "wrapped nothing": (b'{"workflow": {"name": "x"}}', 1, 'no key "nodes"'),
    "nodes no list": (b'{"nodes": {}, "connections": {}}', 1, "nodes"),
    "node no object": (b'{"nodes": ["x"], "connections": {}}', 1, "nodes[0]"),
    "twice": (b'{"nodes": [],\n"connections": {}, "nodes": []}', 2, 'the key "nodes" (nodes) stands twice'),
    "digits": (b'{"nodes": [], "x":\n0.1234567890123456789}', 2, "0.1234567890123456789 (x) loses digits"),
    "large": (b'{"nodes": [], "x":\n99999999999999999999}', 2, "is an integer beyond 64 bits"),
    "infinite": (b'{"nodes": [], "x": 1e400}', 1, "beyond what a double holds"),
    "nan": (b'{"nodes": [], "x": NaN}', 1, "NaN (x) is no JSON"),
    "nul": (GOOD.replace(b'"UTC"', b'"U\\u0000C"'), 1, "(settings.timezone) contains a NUL character"),
    "surrogate": (GOOD.replace(b'"UTC"', b'"\\ud800"'), 1, "(settings.timezone) contains a lone surrogate"),
    "deep": (b'{"nodes": [], "x": ' + b"[" * 10_000 + b"]" * 10_000 + b"}", 1, "is nested more than 254 levels deep"),
    "long": (b'{"nodes": [], "x": "' + b"x" * LIMIT + b'"}', 0, "is longer than 16,777,216 bytes (16 MiB)"),
}


@pytest.fixture
def mixture(tmp_path: Path) -> Path:
    """A folder with a file of each kind that cannot be read, one packed, and two that can."""
    folder = tmp_path / "flows"
    (folder / "deeper").mkdir(parents=True)
    for name, (raw, _, _) in MALFORMED.items():
        (folder / f"{name}.json").write_bytes(raw)
    (folder / "zipped.json.gz").write_bytes(gzip.compress(GOOD)[:-9])
    (folder / "a good one.json").write_bytes(GOOD)
    (folder / "deeper" / "good.json.gz").write_bytes(gzip.compress(b"\xef\xbb\xbf" + text(definition("two")).encode()))
    (folder / "notes.txt").write_text("no definition, and not asked for")
    return folder


def test_what_cannot_be_read_is_refused_one_by_one_and_the_rest_goes_on(
    mixture: Path, database: str, admin: Admin
) -> None:
    done = run(database, "import", "n8n", mixture)
    assert done.returncode == 1
    refused = len(MALFORMED) + 1
    assert f"{refused + 2} read: 2 imported, 0 updated, 0 unchanged, {refused} refused" in done.stdout
    refusals = {line for line in done.stderr.splitlines() if line.startswith("refused ")}
    assert len(refusals) == refused
    assert all(len(line) < 500 for line in refusals)
    for name, (_, line, reason) in MALFORMED.items():
        place = f"refused {mixture / name}.json{f':{line}' if line else ''}: "
        [found] = [each for each in refusals if each.startswith(place)]
        assert reason in found
    assert f"refused {mixture / 'zipped.json.gz'}: is a damaged gzip file: it ends too early" in refusals
    assert names(admin) == {"Greeter", "two"}
    for [identifier] in admin.execute("SELECT id FROM workflows"):  # a newcomer needs the ids for the next step
        assert str(identifier) in done.stdout


def test_the_same_as_json_is_all_that_goes_to_standard_output(mixture: Path, database: str) -> None:
    report = importing(database, mixture, code=1)
    assert counts(report) == (len(MALFORMED) + 3, 2, 0, 0, len(MALFORMED) + 1)
    refusals = {Path(each["source"]).stem: each for each in report["refusals"]}
    for name, (_, line, reason) in MALFORMED.items():
        assert refusals[name]["line"] == (line or None)
        assert reason in refusals[name]["reason"]
    found = [(each["name"], each["outcome"], each["revision"], each["nodes"]) for each in report["workflows"]]
    assert sorted(found) == [("Greeter", "imported", 1, 3), ("two", "imported", 1, 3)]
    assert report["warned"] == 2  # for the note
    for each in report["workflows"]:
        assert UUID(each["workflow_id"]).version == 5
        assert all({"code", "path", "message"} == warning.keys() for warning in each["warnings"])


def test_a_database_is_the_same_after_an_import_of_refused_things_alone(
    mixture: Path, database: str, tmp_path: Path
) -> None:
    importing(database, mixture / "a good one.json")
    before = dumped(database)
    for good in [mixture / "a good one.json", mixture / "deeper" / "good.json.gz"]:
        good.unlink()
    wrong = tmp_path / "wrong.jsonl"
    lines = [definition() | {"nodes": "x"}, {}, definition() | {"settings": {"x": "\0"}}]
    wrong.write_text("\n".join(json.dumps(line) for line in lines))
    report = importing(database, mixture, wrong, code=1)
    assert counts(report) == (len(MALFORMED) + 1 + 3, 0, 0, 0, len(MALFORMED) + 1 + 3)
    assert dumped(database) == before


def test_one_bad_line_among_many(database: str, tmp_path: Path) -> None:
    lines = [text(definition(f"flow {number}")) for number in range(200)]
    lines[99] = lines[99][:-5]
    lines[149] = "\n"
    path = tmp_path / "flows.jsonl"
    path.write_text("\n".join(lines))
    report = importing(database, path, code=1)
    assert counts(report) == (199, 198, 0, 0, 1)
    [refusal] = report["refusals"]
    assert (refusal["source"], refusal["line"]) == (str(path), 100)
    assert refusal["reason"].startswith("line 100, column ")
    assert [each["line"] for each in report["workflows"]] == [n for n in range(1, 202) if n not in (100, 150, 151)]


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_standard_input_of_either_form(pack: Any, database: str) -> None:
    for content, found in [
        (json.dumps(definition(), indent=2), (1, 1, 0, 0, 0)),
        ("\n".join(text(definition(f"flow {number}")) for number in range(3)), (3, 3, 0, 0, 0)),
    ]:
        assert counts(importing(database, "-", text=pack(content.encode()))) == found


@pytest.mark.parametrize("pretty", [False, True])
@pytest.mark.parametrize("name", ["all.json", "all", "-"])
def test_a_list_of_all_workflows(name: str, pretty: bool, database: str, store: Store, tmp_path: Path) -> None:
    """As `n8n export:workflow --all` writes it."""
    exports: list[Any] = [definition(f"flow {number}") for number in range(4)]
    exports[1] |= {"settings": {"x": "\0"}}
    exports[2] |= {"nodes": [1]}
    content = json.dumps([*exports, 7], indent=2 if pretty else None)
    path = tmp_path / name
    path.write_text(content)
    report = importing(database, name if name == "-" else path, code=1, text=content)
    assert counts(report) == (5, 2, 0, 0, 3)
    lines = [number for number, line in enumerate(content.split("\n"), 1) if line in ("  {", "  7")] * pretty
    assert [each["item"] for each in report["workflows"]] == [0, 3]
    assert [each["line"] for each in report["workflows"]] == ([lines[0], lines[3]] if pretty else [1, 1])
    assert [each["item"] for each in report["refusals"]] == [1, 2, 4]
    assert [each["line"] for each in report["refusals"]][1:] == ([lines[2], lines[4]] if pretty else [1, 1])
    nul = report["refusals"][0]
    column = content.split("\n")[nul["line"] - 1].index(r'"\u0000"') + 1
    assert nul["reason"].startswith(f"line {nul['line']}, column {column}: ")
    for each in report["workflows"]:
        assert same(export_workflow(store, UUID(each["workflow_id"])), exports[each["item"]])


def test_an_item_of_a_list_without_an_id_is_known_by_its_place(store: Store, admin: Admin, tmp_path: Path) -> None:
    exports: list[Any] = [{"nodes": []}, {"nodes": [], "name": "b"}]
    path = tmp_path / "all.json"
    path.write_text(text(exports))
    first = take(store, path)
    path.write_text(json.dumps([exports[0], exports[1] | {"name": "c"}], indent=1))
    again = take(store, path)
    assert [entry.outcome for entry in again.entries] == [Outcome.UNCHANGED, Outcome.UPDATED]
    assert again.workflow_ids == first.workflow_ids
    assert names(admin) == {"all", "c"}


def test_one_item_of_a_list_is_one_definition_to_save_to_a_workflow(store: Store, tmp_path: Path) -> None:
    identifier = store.workflows.add({"name": "w"}).id
    path = tmp_path / "all.json"
    path.write_text(text([definition()]))
    [entry] = take(store, path, workflow_id=identifier).entries
    assert (entry.workflow_id, entry.outcome) == (identifier, Outcome.UPDATED)


def test_what_cannot_be_saved_is_refused_with_its_place(store: Store, admin: Admin) -> None:
    many = definition() | {"nodes": [definition()["nodes"][1] | {"name": f"n{i}", "id": f"{i}"} for i in range(10_001)]}
    [entry] = offer(store, many).entries
    assert entry.outcome is Outcome.REFUSED
    assert entry.reason == "nodes: has 10,001 items; 10,000 can be saved"
    assert count(admin, "workflows") == 0


def test_without_arguments_the_command_says_what_it_needs(database: str) -> None:
    done = run(database, "import", "n8n")
    assert done.returncode == 2
    assert "FILE" in done.stderr


# --- identity and versions ----------------------------------------------------------------------------------


def test_a_second_import_writes_nothing(mixture: Path, database: str, admin: Admin) -> None:
    importing(database, mixture, code=1)
    before = written(admin)
    again = importing(database, mixture, code=1)
    assert counts(again) == (len(MALFORMED) + 3, 0, 0, 2, len(MALFORMED) + 1)
    assert again["warned"] == 2
    assert written(admin) == before


def test_a_changed_revision_makes_a_new_version_of_the_same_workflow(
    database: str, store: Store, tmp_path: Path
) -> None:
    path = tmp_path / "flow.json"
    revisions = [
        definition(id=OWN),
        definition("Greeter, renamed", id=OWN),
        definition(limit=1.0, id=OWN, pinData={}, settings={"timezone": "Europe/Bratislava"}),
        definition(limit=1.0, id=OWN, staticData={"node:Start": {"at": 1}}),
    ]
    outcomes = []
    for revision in revisions:
        path.write_text(text(revision))
        [entry] = importing(database, path)["workflows"]
        outcomes.append((entry["outcome"], entry["revision"]))
        # settings, pinned and static data follow, though they are columns of their own
        assert same(export_workflow(store, UUID(entry["workflow_id"])), revision)
    assert outcomes == [("imported", 1), ("updated", 2), ("updated", 3), ("updated", 4)]
    identifier = UUID(entry["workflow_id"])
    for number, revision in enumerate(revisions, 1):
        assert same(export_workflow(store, identifier, number), revision)
    version = store.workflow_versions.get(workflow_id=identifier, revision=4)
    assert version is not None
    assert version.change_summary == f"imported again from {path}"
    path.write_text(json.dumps(revisions[3], indent=3, sort_keys=True))  # another form of the same
    assert importing(database, path)["workflows"][0]["outcome"] == "unchanged"


def test_an_edit_keeps_the_ids_of_nodes_that_have_none(store: Store) -> None:
    """They are made at the first import; executions and memory refer to them."""
    bare = definition(id=OWN)
    for node in bare["nodes"]:
        del node["id"]
    identifier = offer(store, bare).workflow_ids[0]
    before = node_ids(store, identifier)
    edited = json.loads(text(bare))
    edited["nodes"].insert(0, edited["nodes"][0] | {"name": "First"})
    edited["nodes"][2]["parameters"] = {}
    assert offer(store, edited).count(Outcome.UPDATED) == 1
    assert node_ids(store, identifier).items() > before.items()


def test_a_collection_of_revisions_is_unchanged_when_it_comes_again(store: Store, admin: Admin, tmp_path: Path) -> None:
    """Of its revisions only the last is what is stored; the others are its history already."""
    first, second, third = (definition(limit=limit, id=OWN) for limit in (1, 2, 3))
    path, newer = tmp_path / "flows.jsonl", tmp_path / "newer.json"
    path.write_text("\n".join(map(text, [first, definition("other"), second, second])))
    outcomes = [(each.outcome, each.revision) for each in take(store, path).entries]
    assert outcomes == [("imported", 1), ("imported", 1), ("updated", 2), ("unchanged", 2)]
    before = written(admin)
    told: list[Imported] = []
    again = take(store, path, report_each=told.append)
    assert [(each.outcome, each.revision, each.line) for each in again.entries] == [
        ("unchanged", 1, 1),
        ("unchanged", 1, 2),
        ("unchanged", 2, 3),
        ("unchanged", 2, 4),
    ]
    assert sorted(told, key=lambda each: each.line or 0) == again.entries
    assert written(admin) == before
    newer.write_text(text(third))
    assert take(store, path, newer).entries[-1].revision == 3
    assert take(store, path, newer).count(Outcome.UNCHANGED) == 5
    # the older collection alone: its last revision is what was asked for
    back = take(store, path)
    assert [(each.outcome, each.revision) for each in back.entries[:1] + back.entries[2:]] == [
        ("unchanged", 1),
        ("unchanged", 2),
        ("updated", 4),
    ]
    assert same(export_workflow(store, back.entries[0].workflow_id or UUID(int=0)), second)


def test_an_older_revision_alone_becomes_the_latest(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wfstore.imports.n8n._MOST_WAITING", 1)
    for number in (1, 2):
        lines = [text(definition(limit=number, id=f"{OWN}{letter}")) for letter in "abc"]
        (tmp_path / f"{number}.jsonl").write_text("\n".join(lines))
    expected = [(1, "imported"), (2, "updated"), (1, "updated"), (1, "unchanged"), (2, "updated")]
    for number, outcome in expected:
        report = take(store, tmp_path / f"{number}.jsonl")
        assert [each.outcome for each in report.entries] == [outcome] * 3
        limits = [export_workflow(store, each)["nodes"][1]["parameters"]["limit"] for each in report.workflow_ids]
        assert limits == [number] * 3


def test_where_a_definition_without_an_id_comes_from_is_its_identity(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.json", "b.json"):
        (tmp_path / name).write_text(text(definition()))
    lines = tmp_path / "c.jsonl"
    lines.write_text("\n".join([text(definition())] * 2))
    found = take(store, tmp_path)
    assert found.count(Outcome.IMPORTED) == 4
    monkeypatch.chdir(tmp_path)
    again = take(store, "a.json", "b.json", "c.jsonl")
    assert again.count(Outcome.UNCHANGED) == 4
    assert again.workflow_ids == found.workflow_ids


def test_a_definition_without_a_name_is_called_after_its_file(store: Store, admin: Admin, tmp_path: Path) -> None:
    bare = definition()
    del bare["name"]
    (tmp_path / "Morning mail.json.gz").write_bytes(gzip.compress(text(bare).encode()))
    (tmp_path / "lines.JSONL").write_text(text({"path": "mail/Évening v1.2.json", "workflow": bare}))
    report = take(store, tmp_path / "Morning mail.json.gz", tmp_path / "lines.JSONL")
    assert names(admin) == {"Morning mail", "Évening v1.2"}
    assert all(same(export_workflow(store, identifier), bare) for identifier in report.workflow_ids)


def test_a_collection_keeps_an_export_with_where_it_comes_from(store: Store, tmp_path: Path) -> None:
    records = [
        {"source": "somewhere", "path": "a.json", "license": "MIT", "workflow": definition("one")},
        {"source": "somewhere", "path": "b.json", "license": "MIT", "workflow": definition("two")},
    ]
    (tmp_path / "one.jsonl").write_text("\n".join(map(text, records)))
    (tmp_path / "two.jsonl").write_text("\n".join(map(text, reversed(records))))
    first, second = take(store, tmp_path / "one.jsonl"), take(store, tmp_path / "two.jsonl")
    assert first.count(Outcome.IMPORTED) == 2
    assert second.count(Outcome.UNCHANGED) == 2
    assert same(export_workflow(store, first.workflow_ids[0]), records[0]["workflow"])
    # an export that says `workflow` itself is an export
    own = definition(workflow={"nodes": []})
    assert same(export_workflow(store, offer(store, own).workflow_ids[0]), own)


def test_standard_input_without_an_id_never_becomes_a_version_of_something_else(database: str, admin: Admin) -> None:
    for name, outcome in [("one", "imported"), ("two", "imported"), ("one", "unchanged")]:
        [entry] = importing(database, "-", text=text(definition(name)))["workflows"]
        assert (entry["source"], entry["outcome"]) == ("-", outcome)
    assert count(admin, "workflows") == 2


def test_the_next_version_of_a_workflow_that_is_named(
    database: str, store: Store, admin: Admin, tmp_path: Path
) -> None:
    identifier = store.workflows.add({"name": "drawn by hand", "nodes": [], "connections": []}).id
    path = tmp_path / "flow.json"
    path.write_text(text(definition(id=OWN)))
    for outcome, place in [("updated", str(path)), ("unchanged", "-")]:
        [entry] = importing(database, place, "--workflow", str(identifier), text=path.read_text())["workflows"]
        assert (entry["outcome"], entry["workflow_id"], entry["revision"]) == (outcome, str(identifier), 2)
    assert count(admin, "workflows") == 1
    lines = tmp_path / "flows.jsonl"
    lines.write_text("\n".join([text(definition())] * 2))
    before = written(admin)
    with pytest.raises(InvalidInput, match="more than one definition"):
        take(store, lines, workflow_id=identifier)
    missing = "0198c0de-0000-7000-8000-000000000000"
    done = run(database, "import", "n8n", path, "--workflow", missing)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"no workflow {missing}" in done.stderr
    with pytest.raises(NotFound):
        take(store, path, workflow_id=UUID(missing))
    assert written(admin) == before


def test_imports_of_the_same_definitions_at_once_meet(database: str, admin: Admin, tmp_path: Path) -> None:
    path = tmp_path / "flows.jsonl"
    path.write_text("\n".join(text(definition(f"flow {number}")) for number in range(30)))
    processes = [start(database, "import", "n8n", "--json", "--quiet", path) for _ in range(3)]
    reports = []
    for process in processes:
        stdout, stderr = process.communicate(timeout=60)
        assert (process.returncode, stderr) == (0, "")
        reports.append(json.loads(stdout))
    assert sum(report["imported"] for report in reports) == 30
    assert count(admin, "workflow_versions") == 30


def test_revisions_that_are_saved_at_once_all_become_versions(store: Store) -> None:
    revisions = [definition(limit=limit) for limit in range(8)]

    def save(revision: Document) -> Outcome:
        [entry] = offer(store, revision).entries
        assert entry.reason is None
        return entry.outcome

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(save, revisions))
    assert (outcomes.count(Outcome.IMPORTED), outcomes.count(Outcome.UPDATED)) == (1, 7)


def test_a_tenant_of_its_own(database: str, store: Store, other_tenant: UUID, tmp_path: Path) -> None:
    path = tmp_path / "flow.json"
    path.write_text(text(definition()))
    [entry] = importing(database, path, "--tenant", "other")["workflows"]
    identifier = UUID(entry["workflow_id"])
    assert store.workflows.get(id=identifier) is None
    assert store.for_tenant(other_tenant).workflows.get(id=identifier) is not None


# --- what is told -------------------------------------------------------------------------------------------


def test_warnings_are_a_line_for_each_definition_and_all_if_asked_for(database: str, tmp_path: Path) -> None:
    wild = definition()
    wild["connections"]["Say"] = {"main": [[{"node": f"nowhere {n}", "type": "main", "index": 0} for n in range(9)]]}
    path = tmp_path / "flows.jsonl"
    path.write_text("\n".join(text(wild | {"id": f"flow number {number}"}) for number in range(25)))
    told = run(database, "import", "n8n", path).stderr.splitlines()
    assert len(told) == 21
    assert all(line.startswith(f"warning {path}:{number}: ") for number, line in enumerate(told[:20], 1))
    assert all(line.endswith("more)") for line in told[:20])
    assert told[20] == "5 more with warnings; --verbose shows them all"
    every = run(database, "import", "n8n", path, "--verbose").stderr
    assert every.count("nowhere 8") == 25
    quiet = run(database, "import", "n8n", path, "-q")
    assert quiet.stderr == ""
    assert "25 read: 0 imported, 0 updated, 25 unchanged, 0 refused; 25 with warnings" in quiet.stdout


def test_help_shows_examples(database: str) -> None:
    shown = run(database, "import", "n8n", "--help").stdout
    for words in ("wfstore import n8n flow.json", "--workflow", "exit code is 1"):
        assert words in " ".join(shown.split())


def test_an_interrupt_ends_it_without_a_traceback(database: str, admin: Admin) -> None:
    """What was imported before stays; standard input that says nothing more keeps it waiting meanwhile."""
    process = start(database, "import", "n8n", "-", stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write("{")
    process.stdin.flush()
    with admin.cursor() as cursor:  # it is connected, so past its own start
        wait = """
            SELECT FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
        """
        while not cursor.execute(wait).fetchall():
            assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in stderr


def test_a_reader_that_goes_away_is_no_error(database: str, tmp_path: Path) -> None:
    path = tmp_path / "flows.jsonl"
    path.write_text("\n".join(text(definition(f"flow {number}")) for number in range(100)))
    process = start(database, "import", "n8n", "--json", "-q", path)
    head = subprocess.run(["head", "-1"], stdin=process.stdout, capture_output=True, text=True, check=True)
    assert process.stdout is not None
    process.stdout.close()
    _, stderr = process.communicate(timeout=60)
    assert (head.stdout, stderr) == ("{\n", "")


# --- real definitions ---------------------------------------------------------------------------------------


def test_all_real_definitions_come_out_as_they_went_in(store: Store, admin: Admin, tmp_path: Path) -> None:
    for name, read in [("n8n", 809), ("n8n_rewritten", 38)]:
        records = real(name)
        path = tmp_path / f"{name}.jsonl"
        path.write_text("\n".join(map(text, records)))
        report = take(store, path)
        assert len(report.entries) == read == len(records)
        assert report.count(Outcome.REFUSED) == 0
        for entry, record in zip(report.entries, records, strict=True):
            assert entry.workflow_id is not None
            assert same(export_workflow(store, entry.workflow_id, entry.revision), record["workflow"]), entry.place
        last = dict(zip([entry.workflow_id for entry in report.entries], records, strict=True))
        for identifier, record in last.items():
            assert identifier is not None
            assert same(export_workflow(store, identifier), record["workflow"])
        before = written(admin)
        assert take(store, path).count(Outcome.UNCHANGED) == read
        assert written(admin) == before
        if name == "n8n_rewritten":  # damaged ones, of workflows that are there
            assert report.warned == read
            assert report.count(Outcome.UPDATED) == read


def test_all_real_malformed_files_are_refused(database: str, admin: Admin, tmp_path: Path) -> None:
    records = real("n8n_malformed")
    for number, record in enumerate(records):
        (tmp_path / f"{number}.json").write_bytes(record["raw"].encode())
    (tmp_path / "all.jsonl").write_text("\n".join(map(text, records)))
    report = importing(database, tmp_path, code=1)
    assert counts(report) == (14, 0, 0, 0, 14)
    assert all(each["reason"] and each["line"] for each in report["refusals"])
    reasons = " ".join(each["reason"] for each in report["refusals"])
    for words in ("a second JSON document", "text follows", "is empty", 'no key "nodes"'):
        assert words in reasons
    assert count(admin, "workflows") == 0
