"""The short form of `python -m tests.chaos`; and that its verdict sees what it is there to see."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from tests.chaos import verdict
from tests.chaos.faults import KILL, RESTART, STOP, TERMINATE
from tests.chaos.journal import Journal, read
from tests.chaos.keys import run as run_keys
from tests.chaos.place import Place
from tests.chaos.run import Options, run
from tests.chaos.verdict import judge
from tests.chaos.workload import plan
from tests.executionkit import add_workflow, claim, ending, result
from wfstore import ClaimedExecution, Store

pytest.importorskip("psutil")


@pytest.mark.parametrize(("loop", "faults", "seed"), [("own", 8, 124), ("worker", 5, 164)])
def test_what_was_acknowledged_is_there_and_all_have_ended(loop: str, faults: int, seed: int) -> None:
    report = run(Options(seed=seed, workers=3, faults=faults, executions=20, loop=loop, lease=1.0))
    assert report.wrong == []
    assert sum(report.faults.values()) == faults
    assert set(report.faults) == {KILL, STOP, TERMINATE, RESTART}, "choose a seed that has them all"
    assert report.figures["executions"] >= 20
    assert report.figures["acknowledged"] <= report.figures["results"]


def test_a_plan_is_the_same_for_the_same_seed() -> None:
    assert [plan(3, number).facts for number in range(50)] == [plan(3, number).facts for number in range(50)]
    assert [plan(3, number).facts for number in range(50)] != [plan(4, number).facts for number in range(50)]


def test_limits_hold_and_no_key_starves(server_url: str) -> None:
    with Place(server_url) as place:
        report = run_keys(place.url, executions=300, keys=10, processes=3, limit=2, at_once=20, patience=60)
    assert report["wrong"] == []
    assert report["fewest ended of a key"] == 30
    assert report["most of a key at once"] <= 2


# --- the verdict --------------------------------------------------------------------------------------------


@pytest.fixture
def lease(store: Store, worker: Store) -> ClaimedExecution:
    """A lease on one that was planned as number 0 of seed 1, and that shares key0."""
    planned = plan(1, 0)
    planned.facts |= {"nodes": 1, "kind": "plain", "key": "key0"}
    store.executions.enqueue(planned.new(add_workflow(store)))
    [held] = claim(worker, now=None)
    assert held.execution_id == planned.execution_id
    return held


def judged(database: str, lease: ClaimedExecution, folder: Path) -> list[str]:
    planned = plan(1, 0)
    planned.execution_id = lease.execution_id
    planned.facts |= {"nodes": 1, "kind": "plain", "key": "key0"}
    with psycopg.connect(database, autocommit=True) as admin:
        return judge(admin, [planned], folder)[0]


def test_the_verdict_sees_nothing_where_all_is_well(
    database: str, worker: Store, lease: ClaimedExecution, tmp_path: Path
) -> None:
    journal = Journal(tmp_path / "w.journal")
    journal.holds(lease, lease.lease_until.timestamp())
    worker.node_executions.record(result(lease, "n0", output_data={"nonce": "x"}))
    journal.acknowledged(lease, "n0", "x")
    journal.leaves(lease)
    worker.executions.finish(ending(lease))
    assert judged(database, lease, tmp_path) == []


def test_the_verdict_sees_what_is_lost_and_what_is_another(
    database: str, worker: Store, lease: ClaimedExecution, tmp_path: Path
) -> None:
    journal = Journal(tmp_path / "w.journal")
    worker.node_executions.record(result(lease, "n0", output_data={"nonce": "x"}))
    journal.acknowledged(lease, "n0", "y")
    journal.acknowledged(lease, "n1", "z")
    said = "\n".join(judged(database, lease, tmp_path))
    assert f"acknowledged and not what is stored: {lease.execution_id} n0" in said
    assert f"acknowledged and gone: {lease.execution_id} n1" in said
    assert f"{lease.execution_id} is RUNNING" in said


def test_the_verdict_sees_two_leases_at_once(lease: ClaimedExecution, tmp_path: Path) -> None:
    for name in ("a", "b"):
        Journal(tmp_path / f"{name}.journal").holds(lease, lease.lease_until.timestamp())
    assert list(verdict._leases(read(tmp_path))) == [], "one lease, prolonged"
    other = ClaimedExecution(**{each: getattr(lease, each) for each in lease.__slots__} | {"attempt": 2})
    Journal(tmp_path / "c.journal").holds(other, lease.lease_until.timestamp())
    said = "\n".join(verdict._leases(read(tmp_path)))
    assert "has 2 valid leases" in said
    assert "key key0" in said
