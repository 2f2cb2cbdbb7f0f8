"""The benchmarks' command line, a row from end to end, and the single-row statement that stands for the limit."""

from __future__ import annotations

import re
import sys
from typing import Any
from uuid import UUID, uuid4

import orjson
import psycopg
import pytest
from typer.testing import CliRunner

from benchmarks.__main__ import app, main
from benchmarks.model import Row, Sample, Subject, group
from benchmarks.pgbench import PARAMETERS, script, statement
from benchmarks.results import Measured, judge
from tests.databasekit import session
from tests.executionkit import Admin, claimed, count
from wfstore import DEFAULT_TENANT, ClaimedExecution, Store

FAST, SLOW, GONE = Subject("fast"), Subject("slow"), Subject("gone")


def benchmarks(*arguments: str) -> str:
    """Run a command that must work; what it wrote to standard output."""
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_help_teaches() -> None:
    said = benchmarks("run", "--help")
    for option in ("--quick", "--json", "--plots", "--history", "--database-url", "--strict"):
        assert option in said


def test_each_row_of_the_design_is_listed_with_what_it_wants() -> None:
    rows = {row["row"]: row for row in orjson.loads(benchmarks("list", "--json"))}
    wanted = {name: (row["bound"], row["wanted"]) for name, row in rows.items() if row["wanted"] is not None}
    assert wanted["node-results.async-200"] == ("at least", 4.0)
    assert wanted["node-results.async-20"] == wanted["node-results.threads-64"] == ("at least", 1.5)
    assert (wanted["node-results.absurd"], wanted["node-results.dbos"]) == (("at least", 50.0), ("at least", 120.0))
    assert (wanted["claims.pgqueuer"], wanted["claims.procrastinate"]) == (("at least", 1.5), ("at least", 35.0))
    assert (wanted["reads.one-single-tenant"], wanted["reads.one"]) == (("at most", 1.15), ("at most", 1.4))
    assert (wanted["reads.thousand"], wanted["reads.one-orm"]) == (("at most", 1.5), ("at least", 2.5))
    assert (wanted["saving.add-40"], wanted["saving.add-1400"]) == (("at most", 5.0), ("at most", 100.0))
    assert {wanted[f"history.{name}"] for name in ("claim", "point-read", "page-failed", "status-counts")} == {
        ("at most", 1.5)
    }


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["no-such-row"], "no row is called 'no-such-row'"),
        (["saving", "--database-url", "postgresql://x@/y?host=/nowhere"], "cannot connect"),
    ],
)
def test_a_mistake_is_one_sentence(
    arguments: list[str], sentence: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["benchmarks", "run", *arguments])
    with pytest.raises(SystemExit) as exit_:
        main()
    assert exit_.value.code not in (0, None)
    assert sentence in capsys.readouterr().err


def test_a_row_from_end_to_end(server_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mark = uuid4()
    monkeypatch.setattr("benchmarks.bench.uuid4", lambda: mark)
    found = orjson.loads(benchmarks("run", "snapshot.held", "--tiny", "--json", "--database-url", server_url))
    [row] = found["rows"]
    assert (row["row"], row["what"], row["not_run"]) == ("snapshot.held", "a snapshot is held", None)
    assert row["value"] > 0
    assert row["against_value"] > 0
    assert row["ratio_lowest"] <= row["ratio"] <= row["ratio_highest"]
    assert len(found["samples"]) == 2
    assert found["server"]["synchronous_commit"] == "on"
    with psycopg.connect(server_url) as connection:
        named = f"%{mark.hex[:12]}%"
        left = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", [named]).fetchall()
    assert left == []


def measured(unit: Any, **samples: list[float]) -> Measured:
    """Samples of the three subjects, of which `gone` has none."""
    found = Measured(group("g", "Title", unit, [], None))  # type: ignore[arg-type]  # nothing is opened
    found.samples = {Subject(name): [Sample(value) for value in values] for name, values in samples.items()}
    found.absent = {GONE: "it is not installed"}
    return found


def test_a_ratio_is_the_median_of_its_rounds_against_the_best_rival_of_each() -> None:
    found = measured("/s", fast=[10.0, 40.0, 30.0], slow=[10.0, 10.0, 10.0])
    found.samples[Subject("slow", 2)] = [Sample(5.0), Sample(20.0), Sample(5.0)]
    outcome = judge(found, Row("r", FAST, (SLOW, Subject("slow", 2), GONE), wanted=2.0))
    assert (outcome.ratio, outcome.lowest, outcome.highest, outcome.met) == (2.0, 1.0, 3.0, True)
    assert judge(found, Row("r", FAST, (SLOW,), wanted=3.5)).met is False
    times = measured("ms", fast=[1.0], slow=[3.0])
    assert judge(times, Row("r", SLOW, (FAST,), "at most", 3.0)).met is True
    assert judge(times, Row("r", SLOW, (), "at most", 2.0)).met is False


def test_what_was_not_run_is_neither_met_nor_missed() -> None:
    found = measured("/s", fast=[10.0])
    for row in (Row("r", GONE, (FAST,), wanted=0.0), Row("r", FAST, (GONE,), wanted=0.0)):
        outcome = judge(found, row)
        assert outcome.met is None
        assert outcome.not_run == "it is not installed"


@pytest.fixture
def lease(store: Store, worker: Store) -> ClaimedExecution:
    return claimed(store, worker)


def record(database: str, execution_id: UUID, attempt: int, node: str = "a", output: str = "{}") -> list[Any]:
    """Run the single-row statement as pgbench does, as the worker."""
    with session(database, "wfstore_worker", str(DEFAULT_TENANT)) as connection:
        cursor = psycopg.RawCursor(connection)
        values = [DEFAULT_TENANT, execution_id, attempt, node, "{}", output]
        return cursor.execute(statement().encode(), values).fetchall()


def test_the_single_row_statement_holds_the_fence(database: str, admin: Admin, lease: ClaimedExecution) -> None:
    assert record(database, lease.execution_id, lease.attempt - 1) == []
    assert count(admin, "node_executions") == 0
    assert record(database, lease.execution_id, lease.attempt) == [(0,)]
    assert record(database, lease.execution_id, lease.attempt, output='{"other": 1}') == []  # a final one stays
    assert admin.execute("SELECT output_data FROM node_executions").fetchall() == [({},)]


def test_the_scripts_of_pgbench_run_that_statement_as_it_is() -> None:
    names = (*PARAMETERS, ":document15", ":document0")
    for tenancy in ("session", "transaction", "pipeline"):
        text = script(tenancy, 15)
        numbered = re.sub("|".join(names), lambda found: f"${names.index(found[0]) + 1}", text)
        assert statement().strip() in numbered
        assert ("SET LOCAL" in text) is (tenancy != "session")
