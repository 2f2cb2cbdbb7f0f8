"""`wfstore executions`: what it shows, changes and refuses, as processes of their own."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.commandkit import environment, run
from tests.executionkit import LEASE, Admin, claim, count, history, queued, result, rows
from wfstore import Ending, NewExecution, Store, uuid7
from wfstore.cli import executions as cli
from wfstore.ids import LAST_ID
from wfstore.leases import ClaimedExecution, Failure, RetryPolicy
from wfstore.vocabulary import ExecutionMode, ExecutionStatus, NodeStatus, NodeType

NOW = datetime.now(UTC)
SECOND = timedelta(seconds=1)
SENDING = "Send [bold]mail\x1b[31m"
NODES = {"in": "Mail arrives", "fetch": "Fetch customer", "ask": "Ask a human", "send": SENDING}
DESK: dict[str, Any] = {
    "name": "Desk [red]\x1b[31m",
    "nodes": [{"node_id": key, "name": name, "node_type": "ACTION"} for key, name in NODES.items()],
    "connections": [
        {"source_node_id": source, "target_node_id": target}
        for source, target in (("in", "fetch"), ("fetch", "ask"), ("ask", "send"))
    ],
}
Enqueue = Callable[..., UUID]


def read(database: str, *arguments: Any, **options: Any) -> str:
    """What a command writes that must work."""
    done = run(database, "executions", *map(str, arguments), **options)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert "\x1b" not in done.stdout
    return done.stdout


def read_json(database: str, *arguments: Any) -> Any:
    return json.loads(read(database, *arguments, "--json"))


def ids(found: list[dict[str, Any]]) -> list[str]:
    return [row["execution_id"] for row in found]


@pytest.fixture
def desk(store: Store) -> UUID:
    return store.workflows.add(DESK).id


@pytest.fixture
def enqueue(store: Store, desk: UUID) -> Enqueue:
    """Enqueue an execution of the desk, a minute ago."""

    def one(**facts: Any) -> UUID:
        given: dict[str, Any] = {"workflow_id": desk, "visible_at": NOW - timedelta(minutes=1)}
        [created] = store.executions.enqueue(NewExecution(**given | facts), now=NOW)
        return created.execution_id

    return one


def lease_of(worker: Store, execution_id: UUID) -> ClaimedExecution:
    [lease] = claim(worker, now=NOW, lease=timedelta(hours=1))
    assert lease.execution_id == execution_id
    return lease


def finish(worker: Store, lease: ClaimedExecution, status: ExecutionStatus, **facts: Any) -> None:
    end = int(NOW.timestamp() * 1000) + 2_000
    worker.executions.finish(Ending(lease=lease, status=status, end_time=end, **facts))


def ran(lease: ClaimedExecution, node_id: str, begin: float, end: float | None, **facts: Any) -> Any:
    start = int(NOW.timestamp() * 1000)
    times = {"start_time": start + int(begin * 1000), "end_time": None if end is None else start + int(end * 1000)}
    return result(lease, node_id, **times | facts)


# --- list ---------------------------------------------------------------------------------------------------


def test_lists_latest_first_with_what_the_queue_says(database: str, worker: Store, enqueue: Enqueue) -> None:
    done = enqueue()
    finish(worker, lease_of(worker, done), ExecutionStatus.ERROR, error_message="no [b]such\x1b[31m host")
    waiting = enqueue()
    assert worker.executions.suspend(lease_of(worker, waiting), signal="approved")
    later = enqueue(visible_at=NOW + timedelta(days=2))  # another day than today, also after midnight
    found = read_json(database, "list")
    assert ids(found) == [str(later), str(waiting), str(done)]
    assert [row["queue"] and row["queue"]["status"] for row in found] == ["NEW", "WAITING", None]
    assert not {"run_data", "metadata", "error_details"} & found[0].keys()
    lines = read(database, "list").splitlines()
    assert [
        re.search(expected, line) is not None
        for line, expected in zip(
            lines[4:7],
            (
                rf"{later} │ Desk \[red\]\ufffd\[31m │ NEW +│ - .* starts on \d{{4}}-",
                rf"{waiting} .* WAITING .* waits for signal approved",
                rf"{done} .* ERROR .* 2.0 s +│ no \[b\]such\ufffd\[31m host",
            ),
            strict=True,
        )
    ] == [True] * 3, lines


def test_filters(database: str, store: Store, worker: Store, desk: UUID, enqueue: Enqueue) -> None:
    other = store.workflows.add(DESK | {"name": "Other"}).id
    by_status: dict[str, str] = {}
    for end in (ExecutionStatus.SUCCESS, ExecutionStatus.ERROR):
        by_status[end] = str(enqueue())
        finish(worker, lease_of(worker, UUID(by_status[end])), end)
    by_status["CANCELED"] = str(enqueue())
    store.executions.cancel(UUID(by_status["CANCELED"]))
    by_status["RUNNING"] = str(enqueue())
    lease_of(worker, UUID(by_status["RUNNING"]))
    by_status["WAITING"] = str(enqueue())
    assert worker.executions.suspend(lease_of(worker, UUID(by_status["WAITING"])), signal="x")
    by_status["NEW"] = str(enqueue())
    another = str(enqueue(workflow_id=other))

    def found(workflow: UUID | None, status: str) -> list[str]:
        rows, _ = cli._found(store, workflow, ExecutionStatus(status), LAST_ID, 50)
        return [str(row.execution_id) for row in rows]

    for status, expected in by_status.items():
        others = [another] if status == "NEW" else []
        assert found(desk, status) == [expected]
        assert found(None, status) == [*others, expected]
        assert found(other, status) == others
    assert ids(read_json(database, "list", "--status", "canceled", "--workflow", desk)) == [by_status["CANCELED"]]
    assert ids(read_json(database, "list", "--failed")) == [by_status["ERROR"]]
    assert ids(read_json(database, "list", "--workflow", other)) == [another]
    assert read(database, "list", "--failed", "--workflow", other) == "No executions.\n"
    assert run(database, "executions", "list", "--failed", "--status", "NEW").returncode == 2
    assert run(database, "executions", "list", "--status", "odd").returncode == 2


def test_what_is_awake_again_is_new(database: str, store: Store, worker: Store, enqueue: Enqueue) -> None:
    """History says WAITING until a worker has it; who looks is told what the queue knows."""
    execution = enqueue()
    assert worker.executions.suspend(lease_of(worker, execution), signal="x")
    store.executions.signal(execution, "x")
    assert history(store, execution).status is ExecutionStatus.WAITING
    assert ids(read_json(database, "list", "--status", "NEW")) == [str(execution)]
    assert read_json(database, "list", "--status", "WAITING") == []
    assert re.search(r"│ NEW +│.* ready for a worker since", read(database, "list"))


def test_pages(database: str, store: Store, enqueue: Enqueue, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [enqueue() for _ in range(5)][::-1]
    done = run(database, "executions", "list", "--limit", "2", "--json")
    assert ids(json.loads(done.stdout)) == [str(each) for each in made[:2]]
    assert f"--before {made[1]}" in done.stderr
    assert ids(read_json(database, "list", "--before", made[1])) == [str(each) for each in made[2:]]
    for each in made[::2]:
        store.executions.cancel(each)
    monkeypatch.setattr(cli, "_LOOKED_AT_ONCE", 1)
    page = cli._found(store, None, ExecutionStatus.CANCELED, LAST_ID, 2)
    assert ([row.execution_id for row in page[0]], page[1]) == ([made[0], made[2]], made[2])
    monkeypatch.setattr(cli, "_LOOKED_THROUGH", 4)
    rest, goes_on = cli._found(store, None, ExecutionStatus.SUCCESS, LAST_ID, 1)
    assert (rest, goes_on) == ([], made[3])


def test_other_tenants_see_nothing(database: str, enqueue: Enqueue, other_tenant: UUID) -> None:
    execution = str(enqueue())
    assert read_json(database, "list", "--tenant", other_tenant) == []
    for command in (["show", execution], ["cancel", execution], ["retry", execution], ["signal", execution, "x"]):
        done = run(database, "executions", *command, "--tenant", str(other_tenant))
        assert (done.returncode, done.stdout) == (1, "")
        assert execution in done.stderr


def test_a_narrow_screen_breaks_no_id(database: str, enqueue: Enqueue) -> None:
    from wfstore.cli import output

    execution = enqueue(visible_at=NOW + timedelta(days=1))
    width = output.out.width
    try:
        for output.out.width in (80, 110, 120):
            with output.out.capture() as captured:
                output.listing("T", ["id", "workflow", "status", "n"], [[execution, "w" * 50, None, 3]])
            assert str(execution) in captured.get()
            assert max(map(len, captured.get().splitlines())) <= output.out.width
    finally:
        output.out.width = width


# --- show ---------------------------------------------------------------------------------------------------


@pytest.fixture
def busy(worker: Store, enqueue: Enqueue) -> UUID:
    """One with a loop, parallel nodes, retries, and a wait for a signal; and with a child."""
    execution = enqueue(
        mode=ExecutionMode.WEBHOOK, triggered_by="ada", metadata={"ticket": 4711}, priority=3, queue="default"
    )
    lease = lease_of(worker, execution)
    failed = {"type": "TimeoutError", "message": "no answer\x1b[31m\nin 3 s"}
    worker.node_executions.record_many(
        [
            ran(lease, "in", 0, 0.2, input_data={"from": "x"}, output_data={"text": "a" * 400}),
            ran(lease, "fetch", 0.2, 1.2, retry_count=2, max_retries=3),
            ran(lease, "fetch", 1.2, 2.4, run_index=1, status=NodeStatus.ERROR, error_data=failed, max_retries=3),
            ran(lease, "send", 0.4, 1.9),
            ran(lease, "ask", 2.4, None, status=NodeStatus.WAITING, node_type=NodeType.HUMAN_IN_THE_LOOP),
        ]
    )
    enqueue(parent_execution_id=execution, queue="children")
    assert worker.executions.suspend(lease, signal="approved", until=NOW + timedelta(hours=1), now=NOW)
    return execution


@pytest.mark.parametrize("width", [80, 120, 200])
def test_shows_facts_and_the_timeline(database: str, desk: UUID, busy: UUID, width: int) -> None:
    shown = read(database, "show", busy, env=environment(database, COLUMNS=str(width)))
    lines = shown.splitlines()
    assert re.fullmatch(r"Desk \[red\]\ufffd\[31m: WAITING for \d+.*", lines[0])
    assert lines[1:4] == [
        f"  execution {busy}",
        f"  workflow {desk}, revision 1",
        next(line for line in lines if line.startswith("  WEBHOOK by ada, enqueued at ")),
    ]
    assert "  queue default, priority 3, attempt 1" in lines
    assert any(line.startswith("  waits for signal approved until ") for line in lines)
    assert '  metadata: {"ticket":4711}' in lines
    assert "Children: 1" in lines
    begin = next(place for place, line in enumerate(lines) if line.startswith("node "))
    drawn = lines[begin : begin + 6]
    assert all(len(line) <= width for line in drawn)
    assert [line.split("  ")[0].removesuffix(" (in)") for line in drawn[1:3]] == [
        "Mail arrives",
        "Fetch customer #0" if width == 80 else "Fetch customer (fetch) #0",
    ]
    assert [re.search(r"SUCCESS|ERROR|WAITING", line)[0] for line in drawn[1:]] == [  # type: ignore[index]
        *("SUCCESS", "SUCCESS", "SUCCESS", "ERROR", "WAITING"),
    ]
    assert "2/3" in drawn[2]
    assert drawn[5].endswith("▶")
    assert "Send [bold]mail\ufffd[" in drawn[3]
    assert lines[begin + 7 :] == ["Fetch customer (fetch) #1", "  error  TimeoutError: no answer\ufffd[31m in 3 s"]


def test_shows_payloads_shortened(database: str, busy: UUID) -> None:
    shown = read(database, "show", busy, "--payloads")
    assert '  in     {"from":"x"}' in shown
    assert re.search(r'  out    \{"text":"a+… \(\d+ more characters\)', shown)
    assert "TimeoutError" in shown


def test_shows_all_of_it_as_json(database: str, store: Store, busy: UUID) -> None:
    store.executions.signal(busy, "approved", {"by": "ada"})
    found = read_json(database, "show", busy)
    assert found["execution_id"] == str(busy)
    assert found["metadata"] == {"ticket": 4711}
    assert found["queue"]["status"] == "NEW"
    assert [signal["payload"] for signal in found["signals"]] == [{"by": "ada"}]
    assert len(found["children"]) == 1
    assert len(found["node_runs"]) == 5
    [first] = [each for each in found["node_runs"] if each["node_id"] == "in"]
    assert first["output_data"] == {"text": "a" * 400}
    assert found["dead_letter"] is None


def test_shows_signals_and_who_took_them(database: str, store: Store, worker: Store, busy: UUID) -> None:
    for payload in (1, 2):
        store.executions.signal(busy, "approved", payload)
    [lease] = [each for each in claim(worker, limit=9, now=datetime.now(UTC)) if each.execution_id == busy]
    assert worker.executions.take_signal(lease, "approved", consumer="ask:0") is not None
    shown = read(database, "show", busy, "--payloads")
    assert re.search(r"approved .* ask:0 at \d\d:\d\d:\d\d +│ 1 ", shown)
    assert re.search(r"approved .* nothing yet +│ 2 ", shown)


def test_shows_what_is_in_its_way(database: str, store: Store, worker: Store, enqueue: Enqueue, desk: UUID) -> None:
    parked = [enqueue(concurrency_key="customer-42") for _ in range(2)][1]
    assert len(claim(worker, limit=9, now=NOW)) == 1
    assert "  parked: the one place of key customer-42 is taken" in read(database, "show", parked)
    store.execution_pauses.pause_queue("mail", reason="too fast")
    assert "but queue mail is paused (too fast)" in read(database, "show", enqueue(queue="mail"))
    store.execution_pauses.pause_workflow(desk)
    ready = enqueue()
    assert "but its workflow is paused" in read(database, "show", ready)
    assert claim(worker, limit=9, now=NOW) == []
    assert "  parked: its workflow is paused" in read(database, "show", ready)


def test_shows_retries_and_dead_letters(database: str, worker: Store, enqueue: Enqueue) -> None:
    execution = enqueue(retry=RetryPolicy(max_attempts=2, wait=timedelta(hours=1)))
    worker.executions.fail(Failure(lease=lease_of(worker, execution), error_message="no answer"))
    shown = read(database, "show", execution)
    assert re.search(r"  retries (at|on) .*, 1 of 2 attempts failed\n  last error: no answer", shown)
    assert shown.endswith("No node has run yet.\n")
    [lease] = claim(worker, now=NOW + timedelta(hours=3))
    worker.executions.fail(Failure(lease=lease, error_message="gone"))
    shown = read(database, "show", execution)
    assert "  error: gone" in shown
    assert f"`wfstore queue replay {execution}` runs it again" in shown
    assert read_json(database, "show", execution)["dead_letter"]["failures"] == 2


def test_shows_what_a_retry_took_over(database: str, store: Store, worker: Store, enqueue: Enqueue) -> None:
    old = enqueue()
    lease = lease_of(worker, old)
    worker.node_executions.record_many([ran(lease, "in", 0, 1), ran(lease, "fetch", 1, 2)])
    finish(worker, lease, ExecutionStatus.SUCCESS)
    new = store.executions.retry(old, from_node="fetch").execution_id
    shown = read(database, "show", new)
    assert f"  repeats execution {old}" in shown
    assert "Taken over from the execution that it repeats: Mail arrives (in)" in shown
    assert shown.endswith("No node has run yet.\n")
    [lease] = claim(worker, now=NOW + 10 * SECOND)
    worker.node_executions.record(ran(lease, "fetch", 11, 12))
    drawn = read(database, "show", new).split("node  ")[1].splitlines()
    assert len(drawn) == 2
    assert "+1.0 s" in drawn[1]


def test_of_many_runs_those_that_went_well_are_left_out(database: str, worker: Store, enqueue: Enqueue) -> None:
    execution = enqueue()
    lease = lease_of(worker, execution)
    runs = [ran(lease, "fetch", at, at + 1, run_index=at) for at in range(1_100)]
    runs[-1] = ran(lease, "fetch", 1_100, 1_101, run_index=1_100, status=NodeStatus.ERROR)
    worker.node_executions.record_many(runs)
    done = run(database, "executions", "show", str(execution), "--limit", "3")
    assert done.returncode == 0
    assert re.findall("#[0-9]+(?=  )", done.stdout) == ["#0", "#1", "#1100"]
    assert "1,097 more node runs" in done.stderr
    assert len(read_json(database, "show", execution)["node_runs"]) == 1_100


def test_reading_writes_nothing(database: str, busy: UUID, admin: Admin) -> None:
    before = rows(admin)
    for arguments in (["list"], ["list", "--status", "waiting"], ["show", busy], ["show", busy, "--payloads"]):
        read(database, *arguments)
    assert rows(admin) == before


# --- cancel -------------------------------------------------------------------------------------------------


def test_cancel_takes_children_along(database: str, store: Store, enqueue: Enqueue) -> None:
    parent, alone = enqueue(), enqueue()
    children = [enqueue(parent_execution_id=parent) for _ in range(2)]
    shown = read(database, "cancel", parent, children[0], alone).splitlines()
    assert shown[0].startswith(f"{parent} is canceled, and with it the 2 executions it had started: ")
    assert {str(child) in shown[0] for child in children} == {True}
    assert shown[1:] == [f"{children[0]} went along with its parent", f"{alone} is canceled"]
    assert {history(store, each).status for each in (parent, alone, *children)} == {ExecutionStatus.CANCELED}


def test_cancel_goes_on_past_what_has_ended(database: str, store: Store, enqueue: Enqueue) -> None:
    ended, missing, running = enqueue(), uuid7(), enqueue()
    store.executions.cancel(ended)
    done = run(database, "executions", "cancel", *map(str, (ended, missing, running)), "--json")
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert [row["canceled"] for row in found] == [[], [], [str(running)]]
    assert "has ended before, with CANCELED" in found[0]["refused"]
    assert "is not there" in found[1]["refused"]
    assert len(done.stderr.splitlines()) == 2
    assert history(store, running).status is ExecutionStatus.CANCELED


# --- retry --------------------------------------------------------------------------------------------------


def test_retry_by_a_nodes_id_and_by_its_name(
    database: str, store: Store, worker: Store, enqueue: Enqueue, admin: Admin
) -> None:
    old = enqueue(metadata={"ticket": 1})
    lease = lease_of(worker, old)
    worker.node_executions.record_many([ran(lease, node, at, at + 1) for at, node in enumerate(NODES)])
    assert run(database, "executions", "retry", str(old)).returncode == 1
    finish(worker, lease, ExecutionStatus.ERROR)
    for node in ("ask", "Ask a human"):
        made = read_json(database, "retry", old, "--from-node", node, "--queue", "slow")
        assert count(admin, f"node_executions WHERE execution_id = '{made['execution_id']}'") == 2
        assert queued(store, UUID(made["execution_id"])).queue == "slow"
        assert history(store, UUID(made["execution_id"])).metadata == {"ticket": 1}
    assert re.fullmatch(rf"[0-9a-f-]{{36}} repeats {old}\n", read(database, "retry", old))
    done = run(database, "executions", "retry", str(old), "--from-node", "nowhere\x1b")
    assert (done.returncode, done.stdout) == (1, "")
    assert "no node 'nowhere\\x1b'" in done.stderr


def test_retry_of_a_name_that_several_have(database: str, store: Store, enqueue: Enqueue) -> None:
    twice = [{"node_id": each, "name": "Same", "node_type": "ACTION"} for each in "ab"]
    execution = enqueue(workflow_id=store.workflows.add({"name": "w", "nodes": twice, "connections": []}).id)
    store.executions.cancel(execution)
    done = run(database, "executions", "retry", str(execution), "--from-node", "Same")
    assert done.returncode == 1
    assert "2 nodes are called 'Same'" in done.stderr
    assert "a, b" in done.stderr


# --- signal -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "case",
    [
        ([], None, None),
        (["--payload", '{"by": "ada"}'], None, {"by": "ada"}),
        (["--payload", "null"], None, None),
        (["--payload", "-"], '[1, "zwei"]', [1, "zwei"]),
    ],
    ids=str,
)
def test_signals(database: str, worker: Store, enqueue: Enqueue, case: tuple[list[str], str | None, Any]) -> None:
    arguments, text, payload = case
    execution = enqueue()
    assert worker.executions.suspend(lease_of(worker, execution), signal="approved")
    assert "is told 'approved'" in read(database, "signal", execution, "approved", *arguments, text=text or "")
    [lease] = claim(worker, now=datetime.now(UTC), lease=LEASE)
    taken = worker.executions.take_signal(lease, "approved", consumer="ask:0")
    assert taken is not None
    assert taken.payload == payload


def test_the_same_signal_twice_is_one(database: str, admin: Admin, enqueue: Enqueue) -> None:
    execution, signal = enqueue(), uuid7()
    for _ in range(2):
        sent = read_json(database, "signal", execution, "approved", "--id", signal)
        assert sent == {"id": str(signal), "execution_id": str(execution), "name": "approved"}
    assert count(admin, "execution_signals") == 1


@pytest.mark.parametrize(
    "case",
    [
        (["approved", "--payload", "yes"], None, 2, "is no JSON"),
        (["approved", "--payload", "-"], "yes", 1, "standard input is no JSON"),
        (["approved", "--payload", "-"], "", 1, "standard input is no JSON"),
        (["", "--payload", "1"], None, 2, "a signal has a name"),
        (["approved", "--id", "7"], None, 2, "valid UUID"),
        (["approved", "--payload", '"\\u0000"'], None, 1, "wfstore: "),
    ],
    ids=str,
)
def test_signals_that_are_refused(
    database: str, admin: Admin, enqueue: Enqueue, case: tuple[list[str], str | None, int, str]
) -> None:
    arguments, text, code, said = case
    done = run(database, "executions", "signal", str(enqueue()), *arguments, text=text)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert count(admin, "execution_signals") == 0


# --- mistakes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [["show"], ["cancel"], ["retry"], ["signal"]])
def test_ids_that_are_none_and_ids_of_nothing(database: str, command: list[str]) -> None:
    more = ["approved"] if command == ["signal"] else []
    done = run(database, "executions", *command, "not-an-id", *more)
    assert (done.returncode, done.stdout) == (2, "")
    assert "valid UUID" in done.stderr
    for missing in (str(uuid7()), str(LAST_ID), "00000000-0000-0000-0000-000000000000"):
        done = run(database, "executions", *command, missing, *more)
        assert (done.returncode, done.stdout) == (1, "")
        assert missing in done.stderr
        assert "Traceback" not in done.stderr
