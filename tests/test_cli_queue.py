"""`wfstore queue`: depths, pauses, limits and dead letters, as processes of their own."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.commandkit import run, start
from tests.executionkit import Admin, claim, count, history, queued, rows
from wfstore import NewExecution, Store, uuid7
from wfstore.ids import LAST_ID
from wfstore.leases import Failure, RetryPolicy
from wfstore.vocabulary import ExecutionMode

NOW = datetime.now(UTC)
HOUR = timedelta(hours=1)
ODD = "odd [red]\x1b[31m"
Enqueue = Callable[..., UUID]


def read(database: str, *arguments: Any) -> str:
    """What a command writes that must work."""
    done = run(database, "queue", *map(str, arguments))
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert "\x1b" not in done.stdout
    return done.stdout


def read_json(database: str, *arguments: Any) -> Any:
    return json.loads(read(database, *arguments, "--json"))


def cells(line: str) -> list[str]:
    """The cells of a row of a table."""
    return [cell.strip() for cell in line.strip("│┃").split("│")]


@pytest.fixture
def workflow(store: Store) -> UUID:
    nodes = [{"node_id": each, "name": f"Node {each}", "node_type": "ACTION"} for each in "ab"]
    edges = [{"source_node_id": "a", "target_node_id": "b"}]
    return store.workflows.add({"name": "Desk [red]\x1b[31m", "nodes": nodes, "connections": edges}).id


@pytest.fixture
def enqueue(store: Store, workflow: UUID) -> Enqueue:
    """Enqueue an execution, an hour ago."""

    def one(**facts: Any) -> UUID:
        given: dict[str, Any] = {"workflow_id": workflow, "visible_at": NOW - HOUR}
        [created] = store.executions.enqueue(NewExecution(**given | facts), now=NOW)
        return created.execution_id

    return one


@pytest.fixture
def bury(worker: Store, enqueue: Enqueue) -> Enqueue:
    """Make an execution a dead letter."""

    def one(**facts: Any) -> UUID:
        execution = enqueue(queue="deadly", retry=RetryPolicy(max_attempts=1), **facts)
        [lease] = claim(worker, queue="deadly", now=NOW)
        worker.executions.fail(Failure(lease=lease, error_message=ODD))
        return execution

    return one


# --- depths -------------------------------------------------------------------------------------------------


def test_depths(database: str, store: Store, worker: Store, enqueue: Enqueue) -> None:
    for facts in ({}, {"visible_at": NOW + HOUR}, {"concurrency_key": "k"}, {"concurrency_key": "k"}):
        enqueue(queue="mail", **facts)
    assert len(claim(worker, queue="mail", limit=9, now=NOW, lease=HOUR)) == 2
    enqueue(queue=ODD)
    store.execution_pauses.pause_queue(ODD, reason="why [b]not")
    lines = read(database, "stats").splitlines()
    assert cells(lines[4]) == ["mail", "0", "-", "1", "2", "0", "0", "1"]
    name, ready, oldest, *others = cells(lines[5])
    assert (name, ready, others) == ("odd [red]\ufffd[31m (paused)", "1", ["0"] * 5)
    assert re.fullmatch(r"1 h \d+ min", oldest)
    assert any("why [b]not" in line for line in lines)
    found = read_json(database, "stats")
    assert [(depth["queue"], depth["parked"], depth["paused"]) for depth in found["queues"]] == [
        *(("mail", 1, False), (ODD, 0, True)),
    ]
    assert [each["name"] for each in found["pauses"]] == [ODD]


def test_depths_of_nothing(database: str, enqueue: Enqueue, other_tenant: UUID) -> None:
    enqueue()
    assert read(database, "stats", "--tenant", other_tenant) == "Queues: nothing is in any.\n"


def test_watching_goes_on_until_ctrl_c(database: str, enqueue: Enqueue) -> None:
    enqueue()
    process = start(database, "queue", "stats", "--watch", "0.1", "--json")
    assert process.stdout is not None
    looks = [json.loads(process.stdout.readline()) for _ in range(3)]
    assert [look["queues"][0]["ready"] for look in looks] == [1, 1, 1]
    assert looks[0]["at"] < looks[1]["at"] < looks[2]["at"]
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=30)
    assert (process.returncode, stderr) == (130, "")
    assert run(database, "queue", "stats", "--watch", "0").returncode == 2


# --- pauses -------------------------------------------------------------------------------------------------


def test_a_queue_is_paused_and_resumed(database: str, worker: Store, enqueue: Enqueue) -> None:
    enqueue(queue="mail")
    assert read(database, "pause", "mail", "--reason", "why [b]not") == (
        "queue mail is paused; what runs already goes on.\n"
    )
    assert "was paused before" in read(database, "pause", "mail")
    assert claim(worker, queue="mail", now=NOW) == []
    assert re.search(r"queue │ mail │ .* │ why \[b\]not", read(database, "pauses"))
    assert [each["kind"] for each in read_json(database, "pauses")] == ["QUEUE"]
    assert read(database, "resume", "mail") == "queue mail is handed out again.\n"
    assert len(claim(worker, queue="mail", now=NOW)) == 1
    assert "was not paused" in read(database, "resume", "mail")
    assert read(database, "pauses") == "Nothing is paused.\n"


def test_a_workflow_is_paused_and_resumed(database: str, worker: Store, enqueue: Enqueue, workflow: UUID) -> None:
    enqueue()
    assert f"workflow {workflow} is paused" in read(database, "pause", "--workflow", workflow)
    assert claim(worker, now=NOW) == []
    assert [each["name"] for each in read_json(database, "pauses")] == [str(workflow)]
    assert "is handed out again" in read(database, "resume", "--workflow", workflow)
    assert len(claim(worker, now=NOW)) == 1
    done = run(database, "queue", "pause", "--workflow", str(uuid7()))
    assert (done.returncode, done.stdout) == (1, "")
    assert "is not there" in done.stderr


def test_a_queue_that_nobody_uses_is_told(database: str, enqueue: Enqueue) -> None:
    enqueue(queue="mail")
    done = run(database, "queue", "pause", "mial\x1b")
    assert (done.returncode, done.stdout) == (0, "queue mial\ufffd is paused; what runs already goes on.\n")
    assert "Nothing is in queue mial\ufffd now" in done.stderr


@pytest.mark.parametrize("command", ["pause", "resume"])
def test_what_to_pause_is_named_once(database: str, command: str) -> None:
    for arguments in ([], ["mail", "--workflow", str(uuid7())], [""], ["--workflow", "7"]):
        done = run(database, "queue", command, *arguments)
        assert (done.returncode, done.stdout) == (2, "")


# --- limits -------------------------------------------------------------------------------------------------


def test_limits(database: str, store: Store, worker: Store, enqueue: Enqueue, admin: Admin) -> None:
    assert read(database, "limits").startswith("No concurrency key has a limit")
    for _ in range(4):
        enqueue(concurrency_key="customer-42")
    assert len(claim(worker, limit=9, now=NOW)) == 1
    store.concurrency_limits.set(ODD, 0)
    found = read_json(database, "limits")
    assert [tuple(row.values())[1:] for row in found] == [("customer-42", 1, 1, 3), (ODD, 0, 0, 0)]
    lines = read(database, "limits").splitlines()
    assert cells(lines[4]) == ["customer-42", "1", "1", "3"]
    assert "odd [red]\ufffd[31m" in lines[5]
    assert read(database, "limit", "customer-42", 3) == "Of key customer-42 3 may run at once.\n"
    assert count(admin, "execution_queue WHERE ready") == 2
    assert len(claim(worker, limit=9, now=NOW)) == 2


@pytest.mark.parametrize("arguments", [["k"], ["k", "-1"], ["k", "many"], ["", "1"], ["k", "9999999999"]])
def test_limits_that_are_none(database: str, arguments: list[str]) -> None:
    done = run(database, "queue", "limit", *arguments)
    assert (done.returncode, done.stdout) == (2, "")


# --- dead letters -------------------------------------------------------------------------------------------


def test_dead_letters_are_listed_in_pages(database: str, bury: Enqueue) -> None:
    assert read(database, "dead") == "No dead letters.\n"
    buried = [str(bury()) for _ in range(3)][::-1]
    assert [row["execution_id"] for row in read_json(database, "dead")] == buried
    lines = read(database, "dead").splitlines()
    identifier, name, queue, failures, _, reason = cells(lines[4])
    assert (identifier, name, queue, failures) == (buried[0], "Desk [red]\ufffd[31m", "deadly", "1")
    assert reason == "odd [red]\ufffd[31m"
    page = run(database, "queue", "dead", "--limit", "1", "--json")
    assert f"--before {buried[0]}" in page.stderr
    rest = read_json(database, "dead", "--before", buried[0])
    assert [row["execution_id"] for row in rest] == buried[1:]


def test_one_is_replayed_in_its_queue(database: str, store: Store, bury: Enqueue) -> None:
    first, second = bury(), bury()
    [outcome] = read_json(database, "replay", first, "--from-node", "Node b")
    made = UUID(outcome["replayed_as"])
    assert (outcome["execution_id"], outcome["refused"]) == (str(first), None)
    assert queued(store, made).queue == "deadly"
    assert history(store, made).mode is ExecutionMode.RETRY
    assert history(store, made).retry_of_execution_id == first
    assert [letter.execution_id for letter in store.dead_letters.page(before_id=LAST_ID, limit=9)] == [second]


def test_all_are_replayed(database: str, store: Store, bury: Enqueue, admin: Admin) -> None:
    other = store.workflows.add({"name": "other", "nodes": [], "connections": []}).id
    buried = [bury() for _ in range(2)]
    alone = bury(workflow_id=other)
    assert read(database, "replay", "--all", "--workflow", other).splitlines() == [
        next(iter(re.findall(rf".* repeats {alone}", read_again(admin, alone)))),
        "1 of 1 replayed",
    ]
    said = read(database, "replay", "--all")
    assert said.endswith("2 of 2 replayed\n")
    assert all(f"repeats {each}" in said for each in buried)
    assert count(admin, "dead_letters") == 0
    assert count(admin, "execution_queue WHERE ready") == 3
    assert read(database, "replay", "--all") == "0 of 0 replayed\n"


def read_again(admin: Admin, execution_id: UUID) -> str:
    """What a replay says of an execution."""
    statement = "SELECT execution_id FROM workflow_executions WHERE retry_of_execution_id = %s"
    return "\n".join(f"{row[0]} repeats {execution_id}" for row in admin.execute(statement, [execution_id]).fetchall())


def test_what_cannot_be_replayed_stays_and_stops_no_other(database: str, store: Store, bury: Enqueue) -> None:
    other = store.workflows.add({"name": "other", "nodes": [], "connections": []}).id
    good, bad, missing = bury(), bury(workflow_id=other), uuid7()
    done = run(database, "queue", "replay", *map(str, (missing, bad, good)), "--from-node", "b", "--json")
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert [row["refused"] is None for row in found] == [False, False, True]
    assert "is no dead letter" in found[0]["refused"]
    assert "no node 'b'" in found[1]["refused"]
    assert len(done.stderr.splitlines()) == 2
    assert [letter.execution_id for letter in store.dead_letters.page(before_id=LAST_ID, limit=9)] == [bad]


@pytest.mark.parametrize(
    "arguments", [[], ["--all", "%"], ["%", "--workflow", "%"], ["--all", "--workflow", "7"], ["seven"]], ids=str
)
def test_what_to_replay_is_named_once(database: str, arguments: list[str]) -> None:
    done = run(database, "queue", "replay", *(each.replace("%", str(uuid7())) for each in arguments))
    assert (done.returncode, done.stdout) == (2, "")


def test_dead_letters_are_dismissed(database: str, store: Store, bury: Enqueue) -> None:
    first, second, third = bury(), bury(), bury()
    assert read(database, "dismiss", first, second) == "2 of 2 dismissed\n"
    done = run(database, "queue", "dismiss", str(first), str(third), "--json")
    assert (done.returncode, json.loads(done.stdout)) == (1, [str(third)])
    assert f"{first} is no dead letter" in done.stderr
    assert history(store, first).status == "ERROR"


# --- all of them --------------------------------------------------------------------------------------------


def test_reading_writes_nothing(database: str, bury: Enqueue, enqueue: Enqueue, admin: Admin) -> None:
    bury()
    enqueue(concurrency_key="k")
    before = rows(admin)
    for command in ("stats", "pauses", "dead", "limits"):
        read(database, command)
    assert rows(admin) == before


def test_other_tenants_see_nothing(database: str, store: Store, bury: Enqueue, other_tenant: UUID) -> None:
    letter = bury()
    store.concurrency_limits.set("k", 1)
    store.execution_pauses.pause_queue("mail")
    for command in ("pauses", "dead", "limits"):
        assert read_json(database, command, "--tenant", other_tenant) == []
    assert run(database, "queue", "replay", str(letter), "--tenant", str(other_tenant)).returncode == 1
    assert run(database, "queue", "dismiss", str(letter), "--tenant", str(other_tenant)).returncode == 1
