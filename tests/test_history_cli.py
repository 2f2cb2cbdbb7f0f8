"""`wfstore export history`, `wfstore import history`, `wfstore partitions make`: out of one database, into another."""

from __future__ import annotations

import gzip
import json
import signal
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import psycopg

import wfstore
from tests import commandkit
from tests.crudkit import add_workflow, enqueue
from tests.databasekit import cloned
from tests.facekit import until
from tests.historykit import as_read, ended, many, run
from wfstore import EndedExecution, Store, uuid7
from wfstore.exports.history import lines
from wfstore.imports.history import from_document

Admin = psycopg.Connection[Any]
Document = dict[str, Any]


def history(connection: Admin) -> list[Any]:
    """All of history, as text."""
    return connection.execute(
        "SELECT to_jsonb(e)::text, (SELECT jsonb_agg(to_jsonb(n) ORDER BY n.node_id, n.run_index)::text"
        " FROM node_executions AS n WHERE n.execution_id = e.execution_id)"
        " FROM workflow_executions AS e ORDER BY e.execution_id"
    ).fetchall()


def document(execution: EndedExecution, **changes: Any) -> Document:
    """A line of an export, written by hand."""
    found: Document = {
        "execution_id": str(execution.execution_id),
        "workflow_id": str(execution.workflow_id),
        "workflow_revision": 1,
        "status": "SUCCESS",
        "end_time": 2,
        "node_runs": {"nodes": {"a": {"runs": [{"node_type": "ACTION", "status": "SUCCESS"}]}}},
    }
    return found | changes


def text(*documents: Document) -> bytes:
    return b"".join(orjson.dumps(each) + b"\n" for each in documents)


def importing(database: str, *arguments: str | Path, code: int = 0, **options: Any) -> Document:
    done = commandkit.run(database, "import", "history", "--json", *arguments, **options)
    assert done.returncode == code, done.stderr
    found: Document = json.loads(done.stdout)
    return found


def counts(report: Document) -> tuple[int, ...]:
    return tuple(report[key] for key in ("read", "inserted", "present", "refused", "node_runs"))


def test_out_of_one_database_and_into_another(
    store: Store, database: str, admin: Admin, server_url: str, tmp_path: Path
) -> None:
    """Equal to the last column; what has not ended stays where it is."""
    workflow_id = add_workflow(store)
    rich = run(
        run_index=3,
        start_time=5,
        end_time=9,
        input_data={"a": [1, 1.0, 1e300, "ä😀", None]},
        error_data=[],
        retry_count=2,
    )
    ones = [
        ended(workflow_id, metadata={"b": {"c": 1e16}}, triggered_by="me", parent_execution_id=uuid7(), nodes=[rich]),
        ended(workflow_id, status="ERROR", error_message="no", error_details={"x": 2**63}, start_time=None, nodes=[]),
        ended(workflow_id, status="CANCELED", run_data=[True], created_at=datetime(2020, 2, 2, 2, 2, 2, 222222, UTC)),
    ]
    store.executions.import_history(ones)
    before = history(admin)
    assert len(before) == 3
    enqueue(store, workflow_id)
    packed = tmp_path / "all.jsonl.gz"
    done = commandkit.run(database, "export", "history", "--output", packed, "--json")
    assert (done.returncode, json.loads(done.stdout)) == (0, {"executions": 3, "file": str(packed)}), done.stderr
    plain = commandkit.run(database, "export", "history")
    assert plain.stdout == gzip.decompress(packed.read_bytes()).decode()
    with cloned(server_url) as other, psycopg.connect(other, autocommit=True) as looking:
        with wfstore.connect(other) as target:
            target.workflows.add({"name": "w", "nodes": []}, workflow_id=workflow_id)
        assert counts(importing(other, tmp_path)) == (3, 3, 0, 0, 2)
        assert history(looking) == before
        assert counts(importing(other, "-", text=plain.stdout)) == (3, 0, 3, 0, 0)
        assert history(looking) == before


def test_an_export_by_time(store: Store, database: str, tmp_path: Path) -> None:
    workflow_id = add_workflow(store)
    now = datetime.now(UTC)
    ones = [ended(workflow_id, execution_id=uuid7(now - timedelta(days=days))) for days in range(5)]
    store.executions.import_history(ones)
    days = [orjson.loads(line)["execution_id"] for line in lines(store, now - timedelta(days=3), now)]
    assert days == [str(ones[number].execution_id) for number in (1, 2, 3)]
    first = f"{now - timedelta(days=4):%Y-%m-%dT%H:%M:%S}"
    target = tmp_path / "some.jsonl"
    done = commandkit.run(database, "export", "history", "--before", first, "--output", target)
    assert (done.returncode, target.read_bytes()) == (0, b""), done.stderr
    again = commandkit.run(database, "export", "history", "--from", first, "--output", target)
    assert again.returncode == 1
    assert "is there already" in again.stderr
    assert commandkit.run(database, "export", "history", "--from", first, "-o", target, "--force").returncode == 0
    assert len(target.read_bytes().splitlines()) == 5
    assert [path.name for path in tmp_path.iterdir()] == ["some.jsonl"]


# What a line has instead, and words of the reason.
BAD: dict[str, tuple[Document, str]] = {
    "under way": ({"status": "RUNNING", "end_time": None}, "it has no end_time, so it has not ended"),
    "no such status": ({"status": "DONE"}, "status"),
    "an id that is none": ({"execution_id": "x"}, "execution_id"),
    "no workflow": ({"workflow_id": None}, "workflow_id: is null"),
    "a workflow that is not there": ({"workflow_id": str(uuid7())}, "there is no workflow"),
    "another tenant's": ({"tenant_id": str(uuid7())}, "is of tenant"),
    "a time as a text": ({"end_time": "2"}, "end_time"),
    "runs that are no object": ({"node_runs": {"nodes": [1]}}, "node_runs"),
    "a run without a status": ({"node_runs": {"nodes": {"a": {"runs": [{"node_type": "ACTION"}]}}}}, "status"),
    "a NUL": ({"run_data": "\0"}, "NUL"),
}


def test_what_a_line_cannot_be(store: Store, database: str, admin: Admin, tmp_path: Path) -> None:
    """Each with its line and its reason, and the lines between are imported; so are other tenants', if so wished."""
    workflow_id = add_workflow(store)
    good = many(workflow_id, len(BAD) + 3)
    found = [
        text(document(one), document(ended(workflow_id), **bad))
        for one, (bad, _) in zip(good, BAD.values(), strict=False)
    ]
    found += [text(document(good[-3])), b'{"a": 1,}\n', text(document(good[-2])), b"[1]\n"]
    digits = text(document(ended(workflow_id))).replace(
        b'"end_time":2', b'"end_time":2,"run_data":0.1234567890123456789'
    )
    path = tmp_path / "lines.jsonl"
    path.write_bytes(b"".join([*found, text(document(good[-1])), digits]))
    report = importing(database, path, code=1)
    assert counts(report) == (2 * len(BAD) + 6, len(good), 0, len(BAD) + 3, len(good))
    # In the order in which they are found: what the line itself shows comes before what the database knows.
    reasons = {refusal["place"]: refusal["reason"] for refusal in report["refusals"]}
    expected = [message for _, message in BAD.values()] + ["is no JSON", "an object", "loses digits"]
    for number, message in enumerate(expected):
        assert message in reasons[f"{path}:{2 * number + 2}"]
    assert len(history(admin)) == len(good)
    other = text(document(ended(workflow_id), tenant_id=str(uuid7())))
    assert counts(importing(database, "-", "--any-tenant", text=other)) == (1, 1, 0, 0, 1)
    said = commandkit.run(database, "import", "history", path)
    assert said.returncode == 1
    assert f"refused {path}:2: " in said.stderr
    assert f"{2 * len(BAD) + 6} read: 0 inserted, {len(good)} present, {len(BAD) + 3} refused" in said.stdout


def test_a_document_is_read_as_it_was(store: Store) -> None:
    one = ended(add_workflow(store), nodes=[run(run_index=1), run(node_id="b", output_data={"x": 1.0})])
    store.executions.import_history([one])
    assert from_document(store.executions.data(one.execution_id)) == as_read(store, one.execution_id)


# --- killed -------------------------------------------------------------------------------------------------


def waiting_for(admin: Admin, holder: Admin) -> list[int]:
    """Who waits for a lock of a session's."""
    found = admin.execute(
        "SELECT pid FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid))", [holder.info.backend_pid]
    )
    return [row[0] for row in found.fetchall()]


def of_workflow(admin: Admin, workflow_id: UUID) -> Sequence[Any]:
    [row] = admin.execute(
        "SELECT count(DISTINCT e.execution_id), count(n.node_id) FROM workflow_executions AS e"
        " LEFT JOIN node_executions AS n ON n.execution_id = e.execution_id WHERE e.workflow_id = %s",
        [workflow_id],
    ).fetchall()
    return list(row)


def test_killed_in_the_middle_of_a_chunk_and_run_again(
    store: Store, database: str, admin: Admin, tmp_path: Path
) -> None:
    """The second chunk has copied its rows and waits for a lock: of it nothing is ever seen. Others go on meanwhile."""
    first, second = add_workflow(store), add_workflow(store)
    ones = [*many(first, 1_000), *many(second, 200)]
    path = tmp_path / "all.jsonl"
    path.write_bytes(text(*(document(each) for each in ones)))
    with psycopg.connect(database) as holder:
        holder.execute("SELECT FROM workflows WHERE id = %s FOR UPDATE", [second])
        process = commandkit.start(database, "import", "history", path)
        [pid] = until(lambda: waiting_for(admin, holder), "the second chunk waits for its workflow")
        assert (of_workflow(admin, first), of_workflow(admin, second)) == ([1_000, 1_000], [0, 0])
        enqueue(store, first)  # waits for nobody
        process.send_signal(signal.SIGKILL)
        _, _ = process.communicate()
        holder.rollback()
    gone = "SELECT FROM pg_stat_activity WHERE pid = %s"
    until(lambda: not admin.execute(gone, [pid]).fetchall(), "the server has ended the session")
    assert (of_workflow(admin, first), of_workflow(admin, second)) == ([1_001, 1_000], [0, 0])
    assert counts(importing(database, path)) == (1_200, 200, 1_000, 0, 200)
    assert (of_workflow(admin, first), of_workflow(admin, second)) == ([1_001, 1_000], [200, 200])


# --- periods ------------------------------------------------------------------------------------------------


def make(database: str, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = commandkit.run(database, "partitions", "make", *arguments)
    assert done.returncode == code, done.stderr
    return done


def test_periods_for_an_import(store: Store, database: str, tmp_path: Path) -> None:
    workflow_id = add_workflow(store)
    ones = [ended(workflow_id, execution_id=uuid7(datetime(2021, 3, day, tzinfo=UTC))) for day in (1, 2, 30)]
    path = tmp_path / "old.jsonl"
    path.write_bytes(text(*(document(each) for each in ones)))
    refused = commandkit.run(database, "import", "history", path)
    assert refused.returncode == 1
    assert "no partition for 2021-03-0" in refused.stderr
    assert "wfstore partitions make --from 2021-03-0" in refused.stderr
    assert "--make-partitions" in refused.stderr
    assert counts(importing(database, path, "--make-partitions")) == (3, 3, 0, 0, 3)
    whole = ("--from", "2021-03-01", "--until", "2021-03-31")
    dry = json.loads(make(database, *whole, "--json", "--dry-run").stdout)
    assert [start[:10] for start in dry["would_make"]] == [f"2021-03-{day:02}" for day in (1, 8, 15, 22, 29)]
    there = json.loads(make(database, *whole, "--json").stdout)
    assert there == {"there": [f"p202103{day:02}" for day in (1, 8, 15, 22, 29)]}
    assert store.partitions.missing(ats=[datetime(2021, 3, day, tzinfo=UTC) for day in (1, 12, 31)]) == []
    assert "There: 1 period, from p20210329 to p20210329" in make(database, "--from", "2021-04-02").stdout


def test_periods_that_cannot_be_made(database: str, admin: Admin) -> None:
    make(database, "--from", "2021-03-10")
    admin.execute("UPDATE retention_policies SET partition_interval = '1 day' WHERE table_name = 'workflow_executions'")
    assert "a partition is in the way" in make(database, "--from", "2021-03-11", code=1).stderr
    assert "lies before --from" in make(database, "--from", "2021-03-10", "--until", "2021-03-09", code=2).stderr
