"""`wfstore replay`: every task once, parents first, whoever is killed, stopped or cut off on the way."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import random
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest

from tests.commandkit import environment, run, start
from tests.executionkit import (
    NOW,
    REAL_TRACES,
    Admin,
    Document,
    claim,
    count,
    diamond,
    history,
    layered,
    result,
    trace,
    until,
)
from wfstore import ClaimedExecution, NewExecution, NodeResult, Role, Store, uuid7
from wfstore.aio import connect
from wfstore.aio.group_commit import AsyncGroupWriter
from wfstore.demo import sample
from wfstore.errors import WfstoreError
from wfstore.ids import time_of
from wfstore.imports.wfformat import import_traces
from wfstore.leases import RetryPolicy
from wfstore.replay import process
from wfstore.replay.supervise import QUEUE, Replay, ReplayOptions
from wfstore.replay.walk import Walk
from wfstore.vocabulary import ExecutionStatus
from wfstore.wfformat import ReplayPlan, Source, from_document, parse, to_document

psutil: Any = pytest.importorskip("psutil")

QUICK = ("--json", "--workers", "2")


def imported(store: Store, *documents: Document | bytes) -> list[UUID]:
    texts = [each if isinstance(each, bytes) else orjson.dumps(each) for each in documents]
    report = import_traces(store, [Source("it", lambda text=text: text) for text in texts])  # type: ignore[misc]
    assert not [entry.reason for entry in report.entries if entry.reason]
    return report.workflow_ids


def plan_of(document: Document | bytes) -> ReplayPlan:
    return from_document(to_document(parse(document if isinstance(document, bytes) else orjson.dumps(document))))


def replaying(database: str, *arguments: str | Path, code: int = 0, **options: Any) -> Any:
    """Replay with `--json`, and return what it printed."""
    done = run(database, "replay", "--json", *arguments, **options)
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


def verify(admin: Admin, plans: dict[UUID, ReplayPlan], executions: int) -> None:
    """Every execution has ended well, with each node of its plan once, at the time that the plan says."""
    found = admin.execute(
        "SELECT execution_id, workflow_id, status, start_time, end_time, run_data FROM workflow_executions"
    ).fetchall()
    assert len(found) == executions
    assert count(admin, "execution_queue") == 0
    for execution_id, workflow_id, status, start_time, end_time, run_data in found:
        plan = plans[workflow_id]
        assert (status, start_time, end_time) == ("SUCCESS", plan.start_ms, plan.end_ms)
        assert run_data["nodes"] == len(plan.tasks)
        rows = admin.execute(
            "SELECT node_id, run_index, status, start_time, end_time FROM node_executions WHERE execution_id = %s",
            [execution_id],
        ).fetchall()
        expected = {(key, 0, "SUCCESS", span.start_ms, span.end_ms) for key, span in plan.schedule.items()}
        assert len(rows) == len(expected)
        assert set(rows) == expected
        derived = max(row[4] for row in rows) - min(row[3] for row in rows)
        assert derived <= plan.makespan_seconds * 1000


# --- one walk, watched --------------------------------------------------------------------------------------


def walk(
    database: str, lease: ClaimedExecution, plan: ReplayPlan, look: Callable[[NodeResult], None] = lambda _: None
) -> list[tuple[str, str]]:
    """Walk what is not stored yet; return when each result was handed in and when it was durable."""
    events: list[tuple[str, str]] = []

    async def body() -> None:
        async with await connect(database, role=Role.WORKER) as store, AsyncGroupWriter(store) as writer:

            async def record(result: NodeResult) -> None:
                look(result)
                events.append(("begins", result.node_id))
                await writer.record(result)
                events.append(("durable", result.node_id))

            done = {row.node_id for row in await store.node_executions.all_of(lease.execution_id)}
            await store.executions.finish(await Walk(lease, plan, done=done, record=record, speed=None).run())

    asyncio.run(asyncio.wait_for(body(), 60))
    return events


def leased(store: Store, worker: Store, document: Document | bytes) -> ClaimedExecution:
    [workflow_id] = imported(store, document)
    store.executions.enqueue(NewExecution(workflow_id=workflow_id, visible_at=NOW))
    [lease] = claim(worker)
    return lease


@pytest.mark.parametrize("document", [layered("layers", 7, 9), sample.load()], ids=["layers", "the sample"])
def test_a_node_begins_when_the_results_of_its_parents_are_durable(
    document: Document | bytes, database: str, store: Store, worker: Store, admin: Admin
) -> None:
    plan = plan_of(document)
    parents = {task.id: list(task.parents) for task in plan.tasks}
    visible = "SELECT count(*) FROM node_executions WHERE node_id = ANY (%s)"

    def look(offered: NodeResult) -> None:
        assert admin.execute(visible, [parents[offered.node_id]]).fetchone() == (len(parents[offered.node_id]),)

    events = walk(database, leased(store, worker, document), plan, look)
    place = {event: number for number, event in enumerate(events)}
    assert len(place) == len(events) == 2 * len(plan.tasks)
    for node, above in parents.items():
        assert all(place["durable", parent] < place["begins", node] for parent in above)
    # The graph is walked as wide as it is, not one node after the other.
    assert any(first[0] == second[0] == "begins" for first, second in pairwise(events))


def test_a_later_attempt_runs_only_what_is_not_stored(database: str, store: Store, worker: Store, admin: Admin) -> None:
    document = layered("layers", 4, 5)
    plan = plan_of(document)
    first = leased(store, worker, document)
    already = [task for task in plan.tasks[:9] if task.id != "t01-02"]  # with a hole that something waits for
    for task in already:
        span = plan.schedule[task.id]
        worker.node_executions.record(result(first, task.id, start_time=span.start_ms, end_time=span.end_ms))
    [second] = claim(worker, now=first.lease_until)
    events = walk(database, second, plan)
    ran = [node for what, node in events if what == "begins"]
    assert len(ran) == len(set(ran))
    assert set(ran) == {task.id for task in plan.tasks} - {task.id for task in already}
    run_data = history(store, first.execution_id).run_data
    assert run_data == {"attempt": 2, "nodes": 20, "found_stored": 8}
    verify(admin, {second.workflow_id: plan}, 1)


# --- the command --------------------------------------------------------------------------------------------


def test_the_sample_and_a_trace_of_ones_own(database: str, admin: Admin, tmp_path: Path) -> None:
    path = tmp_path / "own.json"
    path.write_bytes(orjson.dumps(diamond()))
    begin = datetime.now(UTC) - timedelta(milliseconds=1)
    done = run(database, "replay", sample.FILE, path, "--repeat", "3", *QUICK)
    assert (done.returncode, done.stderr) == (0, "")  # no bar where there is no terminal
    report = json.loads(done.stdout)
    seconds = report.pop("seconds")
    assert report.pop("node_results_per_second") == pytest.approx(654 / seconds, rel=0.01)
    assert report.pop("executions_per_second") == pytest.approx(6 / seconds, rel=0.05)
    assert report == {
        "executions": 6,
        "succeeded": 6,
        "failed": [],
        "node_results": 3 * (214 + 4),
        "workers": 2,
        "workers_lost": [],
        "executions_taken_over": 0,
    }
    plans = {UUID(key): plan_of(text) for key, text in _workflows(admin, sample.load(), orjson.dumps(diamond()))}
    verify(admin, plans, 6)
    for [identifier] in admin.execute("SELECT execution_id FROM workflow_executions"):
        assert begin <= time_of(identifier) <= datetime.now(UTC)


def _workflows(admin: Admin, *texts: bytes) -> list[tuple[str, bytes]]:
    by_name = {parse(text).name: text for text in texts}
    found = admin.execute("SELECT id::text, name FROM workflows").fetchall()
    return [(identifier, by_name[name]) for identifier, name in found]


def test_ids_are_replayed_without_their_files(database: str, store: Store, admin: Admin) -> None:
    documents = [diamond("one"), layered("two", 3, 3)]
    identifiers = imported(store, *documents)
    report = replaying(database, *map(str, identifiers), "--workers", "1")
    assert (report["executions"], report["node_results"]) == (2, 13)
    verify(admin, {key: plan_of(document) for key, document in zip(identifiers, documents, strict=True)}, 2)


def test_the_pace_of_the_recording(database: str, tmp_path: Path) -> None:
    path = tmp_path / "chain.json"
    path.write_bytes(orjson.dumps(trace("chain", {"a": [], "b": ["a"], "c": ["b"], "d": ["a"]}, seconds=2)))
    report = replaying(database, path, "--speed", "5", "--workers", "1")
    assert 3 * 2 / 5 <= report["seconds"] < 10


@pytest.mark.parametrize(
    ("arguments", "code", "message", "hint"),
    [
        ([], 2, "name traces or ids of workflows to replay, or --resume alone", None),
        (["--resume", "x.json"], 2, "or --resume alone", None),
        (["there is none.json"], 1, "refused there is none.json: cannot be read: No such file", "Leave them out"),
        ([str(uuid7())], 1, "there is no workflow", "wfstore import wfformat"),
        (["x.json", "--workers", "0"], 2, "--workers", None),
        (["x.json", "--tenant", "nobody"], 1, "no active tenant 'nobody'", None),
    ],
    ids=["nothing", "both", "no file", "unknown id", "no workers", "no tenant"],
)
def test_what_cannot_be_replayed_is_said_in_a_sentence(
    arguments: list[str], code: int, message: str, hint: str | None, database: str
) -> None:
    done = run(database, "replay", *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert message in done.stderr
    assert hint is None or hint in done.stderr
    assert "Traceback" not in done.stderr


def test_malformed_traces_are_named_and_nothing_is_started(database: str, admin: Admin, tmp_path: Path) -> None:
    for name, text in (("1.json", b"{"), ("2.json", orjson.dumps(diamond())), ("3.json", b"[]")):
        (tmp_path / name).write_bytes(text)
    done = run(database, "replay", tmp_path)
    assert done.returncode == 1
    assert f"refused {tmp_path}/1.json: " in done.stderr
    assert f"refused {tmp_path}/3.json: " in done.stderr
    assert "2 of 3 source(s) cannot be replayed; nothing was started" in done.stderr
    assert count(admin, "workflow_executions") == 0


def drawn_by_hand(store: Store) -> UUID:
    node = {"node_id": "a", "name": "a", "node_type": "ACTION", "parameters": {}}
    return store.workflows.add({"name": "drawn by hand", "nodes": [node], "connections": []}).id


def test_a_workflow_that_is_no_trace_is_named(database: str, store: Store) -> None:
    identifier = drawn_by_hand(store)
    done = run(database, "replay", str(identifier))
    assert done.returncode == 1
    assert f"workflow {identifier} (drawn by hand) cannot be replayed" in done.stderr
    assert "the workflow has no recorded durations" in done.stderr


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs pseudo-terminals")
def test_the_progress_bar_is_for_terminals(database: str, store: Store) -> None:
    [identifier] = imported(store, layered("layers", 5, 20))
    ours, theirs = pty.openpty()
    arguments = ("replay", str(identifier), *QUICK, "--speed", "20")
    process = start(database, *arguments, stderr=theirs, env=environment(database, TERM="xterm"))
    os.close(theirs)
    shown = b""
    while chunk := _read(ours):
        shown += chunk
    stdout, _ = process.communicate(timeout=60)
    os.close(ours)
    assert process.returncode == 0
    assert json.loads(stdout)["node_results"] == 100
    assert "replaying: 0 of 1 executions, node results" in shown.decode()


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65_536)
    except OSError:  # how Linux says that the other end was closed
        return b""


# --- killed, stopped, cut off -------------------------------------------------------------------------------

WIDTH, DEPTH, REPEAT = 5, 16, 6
NODES = WIDTH * DEPTH * REPEAT
SLOW = ("--json", "--lease", "1", "--repeat", str(REPEAT), "--concurrency", "3", "--speed", "20")


class Running:
    """A replay of several executions that takes about a second, to be troubled on its way."""

    def __init__(self, database: str, store: Store, admin: Admin, workers: int = 4) -> None:
        self.admin = admin
        self.document = layered("layers", WIDTH, DEPTH)
        [self.workflow_id] = imported(store, self.document)
        self.process = start(database, "replay", str(self.workflow_id), *SLOW, "--workers", str(workers))

    def workers(self) -> list[Any]:
        children = psutil.Process(self.process.pid).children(recursive=True)
        return [child for child in children if "wfstore.replay.worker" in " ".join(child.cmdline())]

    def reaches(self, share: float) -> None:
        """Wait until this share of the results is stored."""

        def enough() -> bool:
            assert self.process.poll() is None, self.process.communicate()
            return count(self.admin, "node_executions") >= share * NODES

        until(enough, f"{share:.0%} of the results")

    def stored(self) -> dict[UUID, int]:
        """How many results each execution has."""
        text = "SELECT execution_id, count(*) FROM node_executions GROUP BY execution_id"
        return dict(self.admin.execute(text).fetchall())

    def ends(self, code: int = 0) -> tuple[str, str]:
        stdout, stderr = self.process.communicate(timeout=60)
        assert self.process.returncode == code, stderr
        assert "Traceback" not in stderr
        assert "never retrieved" not in stderr
        return stdout, stderr

    def verify(self, at_the_kill: dict[UUID, int]) -> int:
        """Everything is there once, and what was stored before was not run again; return what was taken over."""
        verify(self.admin, {self.workflow_id: plan_of(self.document)}, REPEAT)
        facts = dict(self.admin.execute("SELECT execution_id, run_data FROM workflow_executions").fetchall())
        later = {key: data["found_stored"] for key, data in facts.items() if data["attempt"] > 1}
        for execution_id, found in later.items():
            assert found >= at_the_kill.get(execution_id, 0)
        return len(later)


@pytest.fixture
def running(database: str, store: Store, admin: Admin) -> Running:
    return Running(database, store, admin)


@pytest.mark.parametrize(("seed", "victims"), [(1, 1), (2, 1), (3, 3), (4, 3)])
def test_workers_are_killed_at_some_moment(seed: int, victims: int, running: Running) -> None:
    draw = random.Random(seed)
    running.reaches(draw.uniform(0.05, 0.6))
    for victim in draw.sample(running.workers(), victims):
        victim.kill()
    before = running.stored()
    stdout, stderr = running.ends()
    report = json.loads(stdout)
    assert (report["succeeded"], report["node_results"]) == (REPEAT, NODES)
    assert len(report["workers_lost"]) == victims
    assert stderr.count("was killed by SIGKILL; what it had is due again within 1 s") == victims
    assert running.verify(before) == report["executions_taken_over"]


def test_a_worker_that_is_killed_has_its_executions_taken_over(running: Running) -> None:
    running.reaches(0.3)
    for victim in running.workers()[:3]:
        victim.kill()
    before = running.stored()
    running.ends()
    assert running.verify(before) >= 1


def test_all_workers_are_killed_and_a_later_replay_finishes(database: str, running: Running, admin: Admin) -> None:
    running.reaches(0.3)
    for victim in running.workers():
        victim.kill()
    stdout, stderr = running.ends(code=1)
    assert stdout == ""
    assert stderr.count("was killed by SIGKILL") == 4
    assert "no worker is left, and 6 execution(s) are unfinished" in stderr
    assert "wfstore replay --resume" in stderr
    before = running.stored()
    report = replaying(database, "--resume", "--lease", "1", "--workers", "2")
    assert (report["executions"], report["succeeded"]) == (REPEAT, REPEAT)
    assert report["node_results"] == NODES - sum(before.values())
    running.verify(before)
    done = run(database, "replay", "--resume")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "Nothing to resume: no replay has left anything in the queue.\n"


def test_without_their_supervisor_workers_stop_by_themselves(database: str, running: Running) -> None:
    running.reaches(0.2)
    workers = running.workers()
    running.process.kill()
    _, living = psutil.wait_procs(workers, timeout=20)
    assert not living
    running.ends(code=-signal.SIGKILL)
    before = running.stored()
    assert sum(before.values()) < NODES
    replaying(database, "--resume", "--lease", "1", "--workers", "2")
    running.verify(before)


def test_a_worker_that_is_stopped_past_its_lease_writes_no_more_and_works_on(running: Running, admin: Admin) -> None:
    running.reaches(0.2)
    victim = running.workers()[0]
    victim.suspend()
    again = "SELECT count(*) FROM workflow_executions WHERE (run_data->>'attempt')::integer > 1"
    claimed_again = "SELECT count(*) FROM execution_queue WHERE attempt > 1"
    until(lambda: admin.execute(f"SELECT ({again}) + ({claimed_again})").fetchone() != (0,), "a take-over")
    before = running.stored()
    victim.resume()
    stdout, stderr = running.ends()
    report = json.loads(stdout)
    assert stderr == ""
    assert (report["succeeded"], report["workers_lost"]) == (REPEAT, [])
    assert running.verify(before) == report["executions_taken_over"] >= 1


def test_a_worker_that_stays_stopped_does_not_hold_up_the_end(running: Running) -> None:
    running.reaches(0.2)
    victim = running.workers()[0]
    victim.suspend()
    stdout, _ = running.ends()
    assert json.loads(stdout)["succeeded"] == REPEAT
    assert not victim.is_running()
    running.verify({})


def _has_ended(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def test_a_worker_that_ends_while_its_supervisor_sleeps_is_not_killed_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On a busy machine the supervisor may learn of a worker's end only after its patience is over."""
    monkeypatch.setattr(process, "_STOP_SECONDS", 0.01)

    async def body() -> None:
        reading = [sys.executable, "-c", "import sys; sys.stdin.read()"]
        pipe = asyncio.subprocess.PIPE
        worker = process.WorkerProcess("it", await asyncio.create_subprocess_exec(*reading, stdin=pipe, stdout=pipe))
        stopping = asyncio.create_task(worker.stop())
        for _ in range(5):  # until its input is closed
            await asyncio.sleep(0)
        until(lambda: _has_ended(worker.process.pid), "it ends")  # and meanwhile the loop stands still
        await stopping
        assert worker.ended

    asyncio.run(asyncio.wait_for(body(), 60))


def test_all_connections_are_killed_again_and_again(running: Running, database: str, admin: Admin) -> None:
    killing = """
        SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
        WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
    """
    for share in (0.2, 0.4, 0.6):
        running.reaches(share)
        [killed] = admin.execute(killing).fetchone() or (0,)
        assert killed >= 5
    stdout, _ = running.ends()
    assert json.loads(stdout)["workers_lost"] == []
    running.verify({})


def test_a_second_replay_at_the_same_time(running: Running, database: str, store: Store) -> None:
    """Both serve one queue, so that each runs executions of the other; both end, and nothing is there twice."""
    [other] = imported(store, diamond())
    running.reaches(0.1)
    report = replaying(database, str(other), "--lease", "1", "--repeat", "5", "--workers", "2")
    assert (report["succeeded"], report["node_results"]) == (5, 20)
    running.ends()
    plans = {running.workflow_id: plan_of(running.document), other: plan_of(diamond())}
    verify(running.admin, plans, REPEAT + 5)


# --- executions that cannot be finished ---------------------------------------------------------------------


def test_an_execution_that_cannot_be_replayed_ends_with_its_reason(database: str, store: Store) -> None:
    good, bad = imported(store, diamond())[0], drawn_by_hand(store)
    executions = [NewExecution(workflow_id=each, queue=QUEUE) for each in (bad, good)]
    store.executions.enqueue(*executions)
    report = replaying(database, "--resume", "--workers", "1", code=1)
    assert (report["executions"], report["succeeded"], report["workers_lost"]) == (2, 1, [])
    [failed] = report["failed"]
    assert failed["execution_id"] == str(executions[0].execution_id)
    assert "the workflow has no recorded durations" in failed["reason"]
    assert history(store, executions[0].execution_id).status is ExecutionStatus.ERROR


def supervise(database: str, options: ReplayOptions, workflow_ids: list[UUID] | None) -> None:
    async def body() -> None:
        async with await connect(database) as store:
            replay = Replay(store, options, lambda _: None)
            await (replay.resume() if workflow_ids is None else replay.run(workflow_ids, 0))

    asyncio.run(asyncio.wait_for(body(), 60))


def test_executions_that_were_given_up_are_not_waited_for(database: str, store: Store, worker: Store) -> None:
    [workflow_id] = imported(store, diamond())
    execution = NewExecution(workflow_id=workflow_id, queue=QUEUE, retry=RetryPolicy(max_attempts=1), visible_at=NOW)
    store.executions.enqueue(execution)
    worker.executions.claim(queue=QUEUE, worker_id="dead", limit=1, lease=timedelta(milliseconds=1), now=NOW)
    report = replaying(database, "--resume", "--workers", "1", code=1)
    [failed] = report["failed"]
    assert failed["execution_id"] == str(execution.execution_id)
    assert "worker dead let its lease run out" in failed["reason"]
    assert store.dead_letters.get(execution_id=execution.execution_id).failures == 1


def test_when_no_worker_can_start_nothing_is_enqueued(database: str, store: Store, admin: Admin) -> None:
    [workflow_id] = imported(store, diamond())
    nowhere = database.replace("dbname=", "dbname=no_such_")
    with pytest.raises(WfstoreError, match="no worker could start; worker 2 ended: ") as told:
        supervise(database, ReplayOptions(nowhere, workers=2), [workflow_id])
    assert told.value.hint
    assert count(admin, "workflow_executions") == 0


# --- published traces ---------------------------------------------------------------------------------------


def test_all_published_traces_with_a_worker_killed(database: str, admin: Admin) -> None:
    if not REAL_TRACES.is_dir():
        pytest.skip("the collection of published traces is not beside this checkout (../shared/data/wfinstances)")
    process = start(database, "replay", REAL_TRACES, "--json", "--lease", "1")
    until(lambda: count(admin, "node_executions") > 5_000, "some results")
    victim = psutil.Process(process.pid).children()[0]
    victim.kill()
    stdout, stderr = process.communicate(timeout=90)
    assert process.returncode == 0, stderr
    report = json.loads(stdout)
    assert (report["succeeded"], report["node_results"], len(report["workers_lost"])) == (72, 21_625, 1)
    documents = admin.execute("SELECT id, workflow_data FROM workflows").fetchall()
    verify(admin, {identifier: from_document(document) for identifier, document in documents}, 72)
