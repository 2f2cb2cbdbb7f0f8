"""`wfstore import wfformat`: what is read from where, what is refused, what an import writes and what not."""

from __future__ import annotations

import copy
import gzip
import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.commandkit import run, start
from tests.executionkit import REAL_TRACES, Admin, Document, count, diamond
from wfstore import Store
from wfstore.imports.report import Outcome
from wfstore.imports.wfformat import import_traces
from wfstore.wfformat import Source, parse, sources, workflow_id

TABLES = ("workflows", "workflow_versions", "workflow_terms", "nodes", "node_connections")


def text(document: Document) -> str:
    return json.dumps(document)


def written(admin: Admin) -> dict[str, Any]:
    """How many rows, and the latest transaction that wrote one: even an update to the same values would show."""
    look = "SELECT count(*), max(xmin::text::bigint) FROM {}"
    return {table: admin.execute(look.format(table)).fetchone() for table in TABLES}


def importing(database: str, *arguments: str | Path, code: int = 0, **options: Any) -> Any:
    """Import with `--json`, and return what it printed."""
    done = run(database, "import", "wfformat", "--json", *arguments, **options)
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


def revision(store: Store, workflow_id: UUID) -> int:
    found = store.workflows.get(id=workflow_id)
    assert found is not None
    return found.revision


def counts(report: dict[str, Any]) -> tuple[int, ...]:
    return tuple(report[key] for key in ("read", "imported", "updated", "unchanged", "refused"))


@pytest.fixture
def mixture(tmp_path: Path) -> Path:
    """A folder with three traces that can be read, and four files that cannot."""
    folder = tmp_path / "traces"
    (folder / "deeper").mkdir(parents=True)
    (folder / "1-good.json").write_text(text(diamond("one")))
    (folder / "2-cut.json").write_text(text(diamond("two"))[:200])
    (folder / "3-old.json").write_text(text(diamond("three") | {"schemaVersion": "1.4"}))
    (folder / "4-good.json.gz").write_bytes(gzip.compress(text(diamond("four")).encode()))
    (folder / "5-damaged.json.gz").write_bytes(gzip.compress(text(diamond("five")).encode())[:80])
    circle = diamond("six")
    circle["workflow"]["specification"]["tasks"][0]["parents"] = ["d"]
    circle["workflow"]["specification"]["tasks"][3]["children"] = ["a"]
    (folder / "deeper" / "6-circle.json").write_text(text(circle))
    (folder / "deeper" / "7-good.json").write_text(text(diamond("seven")))
    (folder / "notes.txt").write_text("no trace, and not asked for")
    return folder


def test_what_cannot_be_read_is_refused_one_by_one_and_the_rest_goes_on(
    mixture: Path, database: str, admin: Admin
) -> None:
    done = run(database, "import", "wfformat", mixture)
    assert done.returncode == 1
    assert "7 read: 3 imported, 0 updated, 0 unchanged, 4 refused" in done.stdout
    refusals = [line for line in done.stderr.splitlines() if line]
    expected = {
        "2-cut.json": "JSON",
        "3-old.json": "1.4",
        "5-damaged.json.gz": "gzip",
        "deeper/6-circle.json": "circle",
    }
    assert len(refusals) == len(expected)
    for line, (name, reason) in zip(refusals, expected.items(), strict=True):
        assert line.startswith(f"refused {mixture / name}: "), line
        assert reason in line, line
    assert {name for [name] in admin.execute("SELECT name FROM workflows")} == {"one", "four", "seven"}
    for name in ("one", "four", "seven"):  # a newcomer needs the ids for the next step
        assert str(workflow_id(parse(text(diamond(name)).encode()))) in done.stdout


def test_the_same_as_json_is_all_that_goes_to_standard_output(mixture: Path, database: str) -> None:
    report = importing(database, mixture, code=1)
    assert counts(report) == (7, 3, 0, 0, 4)
    assert (report["nodes"], report["warnings"]) == (12, 0)
    assert [Path(each["source"]).name[0] for each in report["refusals"]] == ["2", "3", "5", "6"]
    assert all(each["reason"] for each in report["refusals"])
    assert [(each["name"], each["outcome"], each["nodes"]) for each in report["workflows"]] == [
        ("one", "imported", 4),
        ("four", "imported", 4),
        ("seven", "imported", 4),
    ]
    assert all(UUID(each["workflow_id"]).version == 5 for each in report["workflows"])


def test_files_folders_and_standard_input_together(mixture: Path, database: str, tmp_path: Path) -> None:
    packed = tmp_path / "no suffix says that it is packed"
    packed.write_bytes(gzip.compress(text(diamond("packed")).encode()))
    report = importing(database, packed, "-", mixture / "deeper", "not there", code=1, text=text(diamond("piped")))
    assert [(each["source"], each["name"]) for each in report["workflows"]] == [
        (str(packed), "packed"),
        ("-", "piped"),
        (str(mixture / "deeper/7-good.json"), "seven"),
    ]
    assert [each["source"] for each in report["refusals"]] == [str(mixture / "deeper/6-circle.json"), "not there"]
    assert "No such file" in report["refusals"][1]["reason"]


def test_packed_standard_input(database: str) -> None:
    assert counts(importing(database, "-", text=gzip.compress(text(diamond()).encode()))) == (1, 1, 0, 0, 0)


@pytest.mark.parametrize("content", ["", "[]", "null", "{}", '{"schemaVersion": "1.5"}', "\0", "\ufeff{}"])
def test_what_is_no_trace_is_refused_with_a_reason(content: str, store: Store) -> None:
    [entry] = import_traces(store, [Source("it", content.encode)]).entries
    assert entry.outcome is Outcome.REFUSED
    assert entry.reason


def test_a_folder_without_traces_is_refused(database: str, tmp_path: Path) -> None:
    [refusal] = importing(database, tmp_path, code=1)["refusals"]
    assert refusal == {"source": str(tmp_path), "item": None, "line": None, "reason": "holds no .json or .json.gz file"}


def test_without_arguments_the_command_says_what_it_needs(database: str) -> None:
    done = run(database, "import", "wfformat")
    assert done.returncode == 2
    assert "FILE" in done.stderr


# --- again --------------------------------------------------------------------------------------------------


def test_a_second_import_writes_nothing(mixture: Path, database: str, admin: Admin) -> None:
    importing(database, mixture, code=1)
    before = written(admin)
    assert counts(importing(database, mixture, code=1)) == (7, 0, 0, 3, 4)
    assert written(admin) == before


def test_another_form_of_the_same_trace_is_unchanged(database: str, tmp_path: Path) -> None:
    path = tmp_path / "trace.json"
    path.write_text(text(diamond()))
    importing(database, path)
    path.write_text(json.dumps(diamond(), indent=3, sort_keys=True))
    assert counts(importing(database, path)) == (1, 0, 0, 1, 0)


def test_a_trace_that_has_changed_makes_a_new_version(
    database: str, store: Store, admin: Admin, tmp_path: Path
) -> None:
    path = tmp_path / "trace.json"
    first = diamond()
    path.write_text(text(first))
    [imported] = importing(database, path)["workflows"]
    changed = copy.deepcopy(first)
    changed["workflow"]["execution"]["tasks"][1]["runtimeInSeconds"] = 3.5
    path.write_text(text(changed))
    report = importing(database, path)
    assert counts(report) == (1, 0, 1, 0, 0)
    [updated] = report["workflows"]
    assert (updated["outcome"], updated["workflow_id"]) == ("updated", imported["workflow_id"])
    identifier = UUID(imported["workflow_id"])
    assert revision(store, identifier) == 2
    old, new = (store.workflow_versions.get(workflow_id=identifier, revision=number) for number in (1, 2))
    assert old is not None
    assert new is not None
    assert [node["parameters"]["runtime_seconds"] for node in old.workflow_data["nodes"]] == [1, 1, 1, 1]
    assert [node["parameters"]["runtime_seconds"] for node in new.workflow_data["nodes"]] == [1, 3.5, 1, 1]
    assert str(path) in new.change_summary
    path.write_text(text(first))
    assert counts(importing(database, path)) == (1, 0, 1, 0, 0)
    assert count(admin, "workflow_versions") == 3


def test_one_trace_twice_in_one_import(database: str, tmp_path: Path) -> None:
    for name in ("a.json", "b.json"):
        (tmp_path / name).write_text(text(diamond()))
    report = importing(database, tmp_path)
    assert counts(report) == (2, 1, 0, 1, 0)
    assert len({each["workflow_id"] for each in report["workflows"]}) == 1


def test_imports_of_the_same_traces_at_once_meet(database: str, admin: Admin, tmp_path: Path) -> None:
    names = [f"trace {number}" for number in range(30)]
    for name in names:
        (tmp_path / f"{name}.json").write_text(text(diamond(name)))
    processes = [start(database, "import", "wfformat", "--json", tmp_path) for _ in range(3)]
    reports = []
    for process in processes:
        stdout, stderr = process.communicate(timeout=60)
        assert (process.returncode, stderr) == (0, "")
        reports.append(json.loads(stdout))
    assert [report["refused"] for report in reports] == [0, 0, 0]
    assert sum(report["imported"] for report in reports) == 30
    assert count(admin, "workflow_versions") == 30


def test_two_stores_that_save_the_same_trace_at_once(store: Store, database: str) -> None:
    """As above, but many times and close together; the contents differ, so that each save counts."""
    documents = [diamond(seconds=seconds) for seconds in range(1, 9)]

    def save(document: Document) -> Outcome:
        [entry] = import_traces(store, [Source("it", text(document).encode)]).entries
        assert entry.reason is None
        return entry.outcome

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(save, documents))
    assert outcomes.count(Outcome.IMPORTED) == 1
    assert outcomes.count(Outcome.UPDATED) == 7


def test_a_tenant_of_its_own(database: str, store: Store, other_tenant: UUID, tmp_path: Path) -> None:
    path = tmp_path / "trace.json"
    path.write_text(text(diamond()))
    for tenant in ("other", str(other_tenant)):
        [entry] = importing(database, path, "--tenant", tenant)["workflows"]
    identifier = UUID(entry["workflow_id"])
    assert store.workflows.get(id=identifier) is None
    assert revision(store.for_tenant(other_tenant), identifier) == 1
    done = run(database, "import", "wfformat", path, "--tenant", "nobody")
    assert done.returncode == 1
    assert "no active tenant 'nobody'" in done.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_may_not_be_read_is_refused(database: str, tmp_path: Path) -> None:
    path = tmp_path / "closed.json"
    path.write_text(text(diamond()))
    path.chmod(0)
    [refusal] = importing(database, path, code=1)["refusals"]
    assert "Permission denied" in refusal["reason"]


# --- published traces ---------------------------------------------------------------------------------------


def test_all_published_traces(database: str, store: Store, admin: Admin) -> None:
    if not REAL_TRACES.is_dir():
        pytest.skip("the collection of published traces is not beside this checkout (../shared/data/wfinstances)")
    report = importing(database, REAL_TRACES)
    assert counts(report) == (72, 72, 0, 0, 0)
    assert (report["nodes"], report["warnings"]) == (21_625, 0)
    assert count(admin, "nodes") == 21_625
    assert count(admin, "node_connections") == 44_837
    assert count(admin, "workflow_versions") == 72
    before = written(admin)
    again = import_traces(store, sources([str(REAL_TRACES)]))
    assert again.count(Outcome.UNCHANGED) == 72
    assert written(admin) == before
