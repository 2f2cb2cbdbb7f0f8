"""All states of an execution by all operations: each cell is a transition, or a refusal that changes nothing.

A cell says what the execution is afterwards, or with which error the call is refused. Whatever it says, nothing but
the execution's own rows may have changed; of a refusal not even those.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.executionkit import LATER, LEASE, NOW, Admin, claim, cloned, ending, enqueue, result
from wfstore import ClaimedExecution, EndedExecution, NewExecution, NodeRun, Store, uuid7
from wfstore.errors import AlreadyFinished, InvalidInput, LeaseLost, NotFound
from wfstore.leases import Failure
from wfstore.vocabulary import ExecutionStatus, NodeStatus, NodeType

TABLES = (
    "execution_queue",
    "workflow_executions",
    "node_executions",
    "execution_signals",
    "execution_keys",
    "dead_letters",
    "concurrency_limits",
    "execution_pauses",
)
DOCUMENT = {"name": "w", "nodes": [{"node_id": "a", "node_type": "ACTION"}], "connections": []}
FAR = LATER + 10 * LEASE
WAIT = timedelta(hours=1)
Rows = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class World:
    """One execution in the state that is asked about, and others beside it."""

    app: Store
    worker: Store
    admin: Admin
    workflow_id: UUID
    other: Store
    """Another tenant's."""
    identifier: UUID
    lease: ClaimedExecution
    """The last lease that its worker knows of; of one never claimed, what its first claim would give."""
    now: datetime = NOW


@pytest.fixture(scope="module")
def database(server_url: str) -> Iterator[str]:
    with cloned(server_url) as url:
        yield url


@pytest.fixture
def bare(store: Store, worker: Store, admin: Admin) -> World:
    """The world before there is the execution."""
    tenant = uuid7()
    admin.execute("INSERT INTO tenants (id, slug, name) VALUES (%s, %s, 'Other')", [tenant, f"t{tenant}"])
    lease = ClaimedExecution(
        tenant_id=store.tenant_id,
        execution_id=tenant,
        attempt=1,
        max_attempts=20,
        lease_until=LATER,
        workflow_id=tenant,
        workflow_revision=1,
        mode="MANUAL",  # type: ignore[arg-type]
        parent_execution_id=None,
        metadata={},
        start_time=None,
    )
    workflow_id = store.workflows.add(DOCUMENT).id
    return World(store, worker, admin, workflow_id, store.for_tenant(tenant), tenant, lease)


# --- the states ---------------------------------------------------------------------------------------------


def _there(world: World, **facts: Any) -> World:
    [identifier] = enqueue(world.app, world.workflow_id, **facts)
    return replace(world, identifier=identifier, lease=replace(world.lease, execution_id=identifier))


def _running(world: World, **facts: Any) -> World:
    world = _there(world, **facts)
    [lease] = claim(world.worker)
    assert lease.execution_id == world.identifier
    return replace(world, lease=lease)


def _taken_over(world: World) -> World:
    world = replace(_running(world), now=LATER)
    assert claim(world.worker, now=LATER, worker_id="other")
    return world


def _waiting(world: World, **what: Any) -> World:
    world = _running(world)
    assert world.worker.executions.suspend(world.lease, now=NOW, **what)
    return world


def _waiting_for_children(world: World) -> World:
    world = _running(world)
    enqueue(world.app, world.workflow_id, parent_execution_id=world.identifier, queue="children")
    assert world.worker.executions.suspend(world.lease, children=True, now=NOW)
    return world


def _parked_by_key(world: World) -> World:
    enqueue(world.app, world.workflow_id, queue="beside", concurrency_key="k")
    assert claim(world.worker, queue="beside")
    world = _there(world, concurrency_key="k")
    assert claim(world.worker) == []
    return world


def _parked_by_pause(world: World) -> World:
    world = _there(world)
    world.app.execution_pauses.pause_workflow(world.workflow_id)
    assert claim(world.worker) == []
    return world


def _in_a_paused_queue(world: World) -> World:
    world = _there(world)
    world.app.execution_pauses.pause_queue("default")
    return world


def _failed(world: World, **how: Any) -> World:
    world = _running(world)
    world.worker.executions.fail(Failure(lease=world.lease, error_message="no", **how), now=NOW)
    return world


def _ended(status: ExecutionStatus) -> Callable[[World], World]:
    def make(world: World) -> World:
        world = _running(world)
        world.worker.executions.finish(ending(world.lease, status))
        return world

    return make


def _anothers(world: World) -> World:
    document = world.other.workflows.add(DOCUMENT)
    [identifier] = enqueue(world.other, document.id)
    assert claim(world.worker.for_tenant(world.other.tenant_id))
    return replace(world, identifier=identifier, lease=replace(world.lease, execution_id=identifier))


STATES: dict[str, Callable[[World], World]] = {
    "scheduled": lambda world: _there(world, visible_at=FAR),
    "ready": _there,
    "running": _running,
    "running with a key": lambda world: _running(world, concurrency_key="k"),
    "lease over": lambda world: replace(_running(world), now=LATER),
    "taken over": _taken_over,
    "waits for a time": lambda world: _waiting(world, until=FAR),
    "waits for a signal": lambda world: _waiting(world, signal="go"),
    "waits for children": _waiting_for_children,
    "timed out": lambda world: replace(_waiting(world, signal="go", until=LATER), now=LATER),
    "parked by its key": _parked_by_key,
    "parked by a pause": _parked_by_pause,
    "in a paused queue": _in_a_paused_queue,
    "retrying": lambda world: _failed(world, wait=WAIT),
    "SUCCESS": _ended(ExecutionStatus.SUCCESS),
    "ERROR": _ended(ExecutionStatus.ERROR),
    "CANCELED": _ended(ExecutionStatus.CANCELED),
    "dead letter": lambda world: _failed(world, retry=False),
    "another tenant's": _anothers,
    "not there": lambda world: replace(world, identifier=uuid7()),
}
HELD = {"running", "running with a key", "lease over"}
ENDED = {"SUCCESS", "ERROR", "CANCELED", "dead letter"}
ABSENT = {"another tenant's", "not there"}
QUEUED = STATES.keys() - ENDED - ABSENT
IS = {
    **dict.fromkeys(("ready", "in a paused queue"), "ready"),
    **dict.fromkeys((*HELD, "taken over"), "running"),
    **dict.fromkeys(("waits for a time", "waits for a signal", "waits for children", "timed out"), "waiting"),
    "scheduled": "scheduled",
    "retrying": "retrying",
    "parked by its key": "parked by CONCURRENCY",
    "parked by a pause": "parked by WORKFLOW",
    "SUCCESS": "SUCCESS",
    "ERROR": "ERROR",
    "CANCELED": "CANCELED",
    "dead letter": "dead",
    "another tenant's": "gone",
    "not there": "gone",
}
"""What the rows of each state say."""


# --- the operations -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Expected:
    """A cell: what the execution is afterwards, and what the call returns and writes besides."""

    after: str
    writes: frozenset[str] = frozenset()
    """Tables in which rows of this execution change."""
    more: frozenset[str] = frozenset()
    """Tables in which rows come, go or change that are not this execution's."""


Cell = Expected | type[Exception]
HISTORY = frozenset({"execution_queue", "workflow_executions"})
NEW = HISTORY


@dataclass(frozen=True)
class Operation:
    """A call, and what comes of it in each state."""

    call: Callable[[World], Any]
    cell: Callable[[str], Cell | None]
    """None: nothing happens, and the call returns something false."""
    silent: bool = False
    """Whether it returns nothing, whatever it does."""


def _held(after: str, *tables: str, otherwise: type[Exception] | None = LeaseLost) -> Callable[[str], Cell | None]:
    return lambda state: Expected(after, frozenset(tables)) if state in HELD else otherwise


def _reads(state: str) -> Cell | None:
    return Expected(IS[state])


def _by(cells: dict[str, Cell]) -> Callable[[str], Cell | None]:
    return cells.get


def _lease(world: World, change: int = 0) -> ClaimedExecution:
    return replace(world.lease, attempt=world.lease.attempt + change)


def _claim_cell(state: str) -> Cell | None:
    if state == "ready":
        return Expected("running", HISTORY)
    if state in ("lease over", "timed out"):  # RUNNING stays RUNNING in history
        return Expected("running", HISTORY if state == "timed out" else frozenset({"execution_queue"}))
    return None


def _wake_cell(state: str) -> Cell | None:
    return Expected("ready", frozenset({"execution_queue"})) if state in ("lease over", "timed out") else None


def _signal_cell(*woken: str) -> Callable[[str], Cell | None]:
    def cell(state: str) -> Cell:
        if state in ABSENT:
            return NotFound
        if state in ENDED:
            return AlreadyFinished
        if state in woken:
            return Expected("ready", frozenset({"execution_queue", "execution_signals"}))
        return Expected(IS[state], frozenset({"execution_signals"}))

    return cell


def _cancel_cell(state: str) -> Cell:
    if state in ABSENT:
        return NotFound
    if state in ENDED:
        return AlreadyFinished
    # the child goes along
    return Expected("CANCELED", HISTORY, HISTORY if state == "waits for children" else frozenset())


def _retry_cell(state: str) -> Cell:
    if state in ABSENT:
        return NotFound
    return Expected(IS[state], more=NEW) if state in ENDED else InvalidInput


def _enqueue_cell(state: str) -> Cell | None:
    return Expected("ready", HISTORY) if state in ABSENT else Expected(IS[state])


def _limit_cell(change: str) -> Callable[[str], Cell]:
    def cell(state: str) -> Cell:
        limits = frozenset({"concurrency_limits"})
        if state == "parked by its key" and change != "down":
            return Expected("ready", frozenset({"execution_queue"}), limits)
        known = state in ("parked by its key", "running with a key")
        return Expected(IS[state], more=frozenset() if change == "remove" and not known else limits)

    return cell


def _resume_cell(state: str) -> Cell | None:
    pauses = frozenset({"execution_pauses"})
    return Expected("ready", frozenset({"execution_queue"}), pauses) if state == "parked by a pause" else None


def _start_cell(state: str) -> Cell | None:
    if state in ENDED | ABSENT:
        return None
    starts = IS[state] in ("ready", "scheduled", "waiting", "retrying") or state.startswith("parked")
    return Expected(IS[state], frozenset({"workflow_executions"} if starts else ()))


def _failure(world: World, **how: Any) -> Failure:
    return Failure(lease=world.lease, error_message="no", **how)


def _again(world: World) -> NewExecution:
    return NewExecution(workflow_id=world.workflow_id, execution_id=world.identifier, visible_at=NOW)


def _elsewhere(world: World) -> EndedExecution:
    run = NodeRun(node_id="a", node_type=NodeType.ACTION, status=NodeStatus.SUCCESS)
    return EndedExecution(
        execution_id=world.identifier,
        workflow_id=world.workflow_id,
        workflow_revision=1,
        status=ExecutionStatus.SUCCESS,
        end_time=1,
        nodes=[run],
    )


PAUSES = frozenset({"execution_pauses"})
QUEUE = frozenset({"execution_queue"})
EXECUTIONS: dict[str, Operation] = {
    "enqueue": Operation(lambda w: w.app.executions.enqueue(_again(w), now=NOW), _enqueue_cell),
    "claim": Operation(lambda w: claim(w.worker, limit=9, now=w.now), _claim_cell),
    "heartbeat": Operation(
        lambda w: w.worker.executions.heartbeat([w.lease], lease=2 * LEASE, now=w.now),
        _held("running", "execution_queue", otherwise=None),
    ),
    "heartbeat, attempt before": Operation(
        lambda w: w.worker.executions.heartbeat([_lease(w, -1)], lease=2 * LEASE, now=w.now), lambda _: None
    ),
    "suspend until": Operation(
        lambda w: w.worker.executions.suspend(w.lease, until=FAR, now=w.now),
        _held("waiting", *HISTORY),
    ),
    "suspend for a signal": Operation(
        lambda w: w.worker.executions.suspend(w.lease, signal="go", now=w.now), _held("waiting", *HISTORY)
    ),
    "suspend for children": Operation(  # there are none: nothing to wait for
        lambda w: w.worker.executions.suspend(w.lease, children=True, now=w.now),
        lambda state: None if state in HELD else LeaseLost,
    ),
    "suspend, attempt after": Operation(
        lambda w: w.worker.executions.suspend(_lease(w, 1), until=FAR, now=w.now),
        lambda state: Expected("waiting", HISTORY) if state == "taken over" else LeaseLost,
    ),
    "suspend for nothing": Operation(lambda w: w.worker.executions.suspend(w.lease), lambda _: InvalidInput),
    "take_signal": Operation(
        lambda w: w.worker.executions.take_signal(w.lease, "go", consumer="a:0", now=w.now),
        lambda state: None if state in HELD else LeaseLost,
    ),
    "finish": Operation(lambda w: w.worker.executions.finish(ending(w.lease)), _held("SUCCESS", *HISTORY), silent=True),
    "finish, attempt before": Operation(
        lambda w: w.worker.executions.finish(ending(_lease(w, -1))), lambda _: LeaseLost
    ),
    "finish_many": Operation(
        lambda w: w.worker.executions.finish_many([ending(w.lease, ExecutionStatus.CANCELED)]),
        _held("CANCELED", *HISTORY, otherwise=None),
    ),
    "finish with no end": Operation(
        lambda w: w.worker.executions.finish(ending(w.lease, ExecutionStatus.WAITING)), lambda _: InvalidInput
    ),
    "fail": Operation(lambda w: w.worker.executions.fail(_failure(w), now=w.now), _held("retrying", *HISTORY)),
    "fail for good": Operation(
        lambda w: w.worker.executions.fail(_failure(w, retry=False), now=w.now),
        _held("dead", *HISTORY, "dead_letters"),
    ),
    "fail_many": Operation(
        lambda w: w.worker.executions.fail_many([_failure(w)], now=w.now), _held("retrying", *HISTORY, otherwise=None)
    ),
    "signal": Operation(
        lambda w: w.app.executions.signal(w.identifier, "go", now=w.now),
        _signal_cell("waits for a signal", "timed out"),
    ),
    "signal of another name": Operation(
        lambda w: w.app.executions.signal(w.identifier, "other", now=w.now), _signal_cell()
    ),
    "cancel": Operation(lambda w: w.app.executions.cancel(w.identifier, now=w.now), _cancel_cell),
    "retry": Operation(lambda w: w.app.executions.retry(w.identifier), _retry_cell),
    "retry from a node": Operation(lambda w: w.app.executions.retry(w.identifier, from_node="a"), _retry_cell),
    "delete": Operation(
        lambda w: w.app.executions.delete(execution_id=w.identifier),
        lambda state: (
            Expected("gone dead" if state == "dead letter" else "gone", frozenset({"workflow_executions"}))
            if state in ENDED
            else None
        ),
    ),
    "update_metadata": Operation(
        lambda w: w.app.executions.update_metadata(execution_id=w.identifier, metadata={"a": 1}),
        lambda state: None if state in ABSENT else Expected(IS[state], frozenset({"workflow_executions"})),
    ),
    # the statements that the methods above are made of
    "lock": Operation(
        lambda w: w.app.executions.lock(execution_id=w.identifier),
        lambda state: Expected(IS[state]) if state in QUEUED else None,
    ),
    "lock_many": Operation(
        lambda w: w.worker.executions.lock_many(
            tenant_ids=[w.lease.tenant_id], execution_ids=[w.identifier], attempts=[w.lease.attempt]
        ),
        lambda state: Expected(IS[state]) if state in HELD else None,
    ),
    "heartbeat_many": Operation(
        lambda w: w.worker.executions.heartbeat_many(
            tenant_ids=[w.lease.tenant_id],
            execution_ids=[w.identifier],
            attempts=[w.lease.attempt],
            lease_until=FAR,
        ),
        _held("running", "execution_queue", otherwise=None),
    ),
    "enqueue_many": Operation(lambda w: None, lambda _: None),  # by `enqueue`
    "start_many": Operation(
        lambda w: w.worker.executions.start_many(
            tenant_ids=[w.lease.tenant_id], execution_ids=[w.identifier], start_time=1
        ),
        _start_cell,
    ),
    "wake_due": Operation(
        lambda w: w.worker.executions.wake_due(tenant_ids=[w.lease.tenant_id], queue="default", now=w.now, limit=9),
        _wake_cell,
    ),
    "wake_signaled": Operation(  # nobody has sent it
        lambda w: w.app.executions.wake_signaled(execution_id=w.identifier, signal="go", now=w.now), lambda _: None
    ),
    "get": Operation(lambda w: w.app.executions.get(execution_id=w.identifier) or 1, _reads),
    "get_many": Operation(lambda w: w.app.executions.get_many(execution_ids=[w.identifier]) or 1, _reads),
    "get_queue_entry": Operation(lambda w: w.app.executions.get_queue_entry(execution_id=w.identifier) or 1, _reads),
    "unfinished": Operation(lambda w: w.app.executions.unfinished(execution_ids=[w.identifier]) or 1, _reads),
    "page": Operation(lambda w: w.app.executions.page(before_id=uuid7(), limit=9) or 1, _reads),
    "page_by_workflow": Operation(
        lambda w: w.app.executions.page_by_workflow(workflow_id=w.workflow_id, before_id=uuid7(), limit=9) or 1, _reads
    ),
    "page_canceled": Operation(lambda w: w.app.executions.page_canceled(before_id=uuid7(), limit=9) or 1, _reads),
    "page_failed": Operation(lambda w: w.app.executions.page_failed(before_id=uuid7(), limit=9) or 1, _reads),
    "page_active": Operation(
        lambda w: w.app.executions.page_active(status="NEW", before_id=uuid7(), limit=9) or 1, _reads
    ),
    "data": Operation(
        lambda w: w.app.executions.data(w.identifier), lambda state: NotFound if state in ABSENT else _reads(state)
    ),
    "import_history": Operation(
        lambda w: w.app.executions.import_history([_elsewhere(w)]).read,
        # What there is stays as it is, whatever its state.
        lambda state: (
            Expected("SUCCESS", frozenset({"workflow_executions", "node_executions"}))
            if state in ABSENT
            else _reads(state)
        ),
    ),
    "page_children": Operation(
        lambda w: w.app.executions.page_children(parent_execution_id=w.identifier, after_id=UUID(int=0), limit=9) or 1,
        _reads,
    ),
    "page_queue": Operation(
        lambda w: w.app.executions.page_queue(queue="default", after_id=UUID(int=0), limit=9) or 1, _reads
    ),
}
NODE_EXECUTIONS: dict[str, Operation] = {
    "record": Operation(
        lambda w: w.worker.node_executions.record(result(w.lease)), _held("running", "node_executions"), silent=True
    ),
    "record, attempt before": Operation(
        lambda w: w.worker.node_executions.record(result(_lease(w, -1))), lambda _: LeaseLost
    ),
    "record_many": Operation(
        lambda w: w.worker.node_executions.record_many([result(w.lease)]) == [None],
        _held("running", "node_executions", otherwise=None),
    ),
}
DEAD_LETTERS: dict[str, Operation] = {
    "replay": Operation(
        lambda w: w.app.dead_letters.replay(w.identifier),
        lambda state: Expected("ERROR", frozenset({"dead_letters"}), NEW) if state == "dead letter" else NotFound,
    ),
    "replay from a node": Operation(
        lambda w: w.app.dead_letters.replay(w.identifier, from_node="a"),
        lambda state: Expected("ERROR", frozenset({"dead_letters"}), NEW) if state == "dead letter" else NotFound,
    ),
    "replay from no node": Operation(
        lambda w: w.app.dead_letters.replay(w.identifier, from_node="nowhere"),
        lambda state: InvalidInput if state == "dead letter" else NotFound,
    ),
    "dismiss": Operation(
        lambda w: w.app.dead_letters.dismiss(w.identifier),
        _by({"dead letter": Expected("ERROR", frozenset({"dead_letters"}))}),
    ),
    "delete_many": Operation(
        lambda w: w.app.dead_letters.delete_many(execution_ids=[w.identifier]),
        _by({"dead letter": Expected("ERROR", frozenset({"dead_letters"}))}),
    ),
    "get": Operation(lambda w: w.app.dead_letters.get(execution_id=w.identifier) or 1, _reads),
    "page": Operation(lambda w: w.app.dead_letters.page(before_id=uuid7(), limit=9) or 1, _reads),
}
PAUSE_STATES = {"in a paused queue": "QUEUE", "parked by a pause": "WORKFLOW"}
EXECUTION_PAUSES: dict[str, Operation] = {
    "pause_queue": Operation(
        lambda w: w.app.execution_pauses.pause_queue("default"),
        lambda state: None if state == "in a paused queue" else Expected(IS[state], more=PAUSES),
    ),
    "resume_queue": Operation(
        lambda w: w.app.execution_pauses.resume_queue("default"),
        _by({"in a paused queue": Expected("ready", more=PAUSES)}),
    ),
    "pause_workflow": Operation(
        lambda w: w.app.execution_pauses.pause_workflow(w.workflow_id),
        lambda state: None if state == "parked by a pause" else Expected(IS[state], more=PAUSES),
    ),
    "pause no workflow": Operation(lambda w: w.app.execution_pauses.pause_workflow(uuid7()), lambda _: NotFound),
    "resume_workflow": Operation(lambda w: w.app.execution_pauses.resume_workflow(w.workflow_id), _resume_cell),
    "create": Operation(lambda w: None, lambda _: None),  # by pause_...
    "delete": Operation(lambda w: None, lambda _: None),  # by resume_...
    "unpark": Operation(
        lambda w: w.app.execution_pauses.unpark(workflow_id=w.workflow_id),
        _by({"parked by a pause": Expected("ready", QUEUE)}),
    ),
    "page": Operation(lambda w: w.app.execution_pauses.page(after_kind="", after_name="", limit=9) or 1, _reads),
}
CONCURRENCY_LIMITS: dict[str, Operation] = {
    "set": Operation(lambda w: w.app.concurrency_limits.set("k", 2), _limit_cell("up"), silent=True),
    "set to 0": Operation(lambda w: w.app.concurrency_limits.set("k", 0), _limit_cell("down"), silent=True),
    "set below 0": Operation(lambda w: w.app.concurrency_limits.set("k", -1), lambda _: InvalidInput),
    "remove": Operation(lambda w: w.app.concurrency_limits.remove("k") or 1, _limit_cell("remove")),
    "set_limit": Operation(lambda w: None, lambda _: None),  # by `set`
    "delete": Operation(lambda w: None, lambda _: None),  # by `remove`
    "refill": Operation(lambda w: w.app.concurrency_limits.refill(concurrency_key="k"), lambda _: None),
    "get": Operation(lambda w: w.app.concurrency_limits.get(concurrency_key="k") or 1, _reads),
    "page": Operation(lambda w: w.app.concurrency_limits.page(after_key="", limit=9) or 1, _reads),
    "page_use": Operation(lambda w: w.app.concurrency_limits.page_use(after_key="", limit=9) or 1, _reads),
}
NAMESPACES = {
    "executions": EXECUTIONS,
    "node_executions": NODE_EXECUTIONS,
    "dead_letters": DEAD_LETTERS,
    "execution_pauses": EXECUTION_PAUSES,
    "concurrency_limits": CONCURRENCY_LIMITS,
}


# --- the table ----------------------------------------------------------------------------------------------


def snapshot(admin: Admin) -> Rows:
    """All rows of all tables by their keys."""
    return {
        table: {f"{row}": row for [row] in admin.execute(f"SELECT to_jsonb(t) FROM {table} AS t").fetchall()}
        for table in TABLES
    }


def differences(before: Rows, after: Rows, world: World) -> tuple[set[str], set[str]]:
    """In which tables rows of the execution changed, and in which others."""
    own: set[str] = set()
    others: set[str] = set()
    for table in TABLES:
        changed = before[table].keys() ^ after[table].keys()
        for key in changed:
            row = before[table].get(key) or after[table][key]
            mine = (row["tenant_id"], row.get("execution_id")) == (str(world.app.tenant_id), str(world.identifier))
            (own if mine else others).add(table)
    return own, others


def state_of(world: World) -> str:
    """What the rows say that an execution is; queue and history must agree."""
    found = {}
    for table in ("execution_queue", "workflow_executions", "dead_letters"):
        text = f"SELECT to_jsonb(t) FROM {table} AS t WHERE tenant_id = %s AND execution_id = %s"
        row = world.admin.execute(text, [world.app.tenant_id, world.identifier]).fetchone()
        found[table] = row[0] if row else None
    queue, past, letter = found["execution_queue"], found["workflow_executions"], found["dead_letters"]
    if queue is None:
        assert past is None or past["status"] in ("SUCCESS", "ERROR", "CANCELED"), past
        if letter is not None:
            assert past is None or past["status"] == "ERROR"
            return "dead" if past else "gone dead"
        return past["status"] if past else "gone"
    assert past is not None and past["end_time"] is None, past
    if queue["status"] != "NEW":
        return {"RUNNING": "running", "WAITING": "waiting"}[queue["status"]]
    if queue["parked_by"]:
        return f"parked by {queue['parked_by']}"
    return "ready" if queue["ready"] else "retrying" if queue["failures"] else "scheduled"


def forget(admin: Admin) -> None:
    admin.execute("; ".join(f"DELETE FROM {table}" for table in TABLES))


@pytest.mark.parametrize("namespace", NAMESPACES)
@pytest.mark.parametrize("state", STATES)
def test_a_cell_is_a_transition_or_a_refusal(state: str, namespace: str, bare: World) -> None:
    wrong = []
    for name, operation in NAMESPACES[namespace].items():
        forget(bare.admin)
        beside = enqueue(bare.app, bare.workflow_id, queue="bystanders")
        world = STATES[state](bare)
        assert beside and state_of(world) == IS[state], f"the state {state} was not reached: {state_of(world)}"
        fault = _fault(world, operation, operation.cell(state))
        if fault:
            wrong.append(f"{state} by {namespace}.{name}: {fault}")
    assert not wrong, "\n".join(["", *wrong])


def _fault(world: World, operation: Operation, expected: Cell | None) -> str | None:
    """Do it; say what was not as expected."""
    was, before = state_of(world), snapshot(world.admin)
    outcome: Any
    try:
        outcome = operation.call(world)
    except Exception as error:  # a cell that is to be refused says so; anything else is reported
        outcome = error
    own, others = differences(before, snapshot(world.admin), world)
    if isinstance(expected, type):
        if not isinstance(outcome, expected):
            return f"expected {expected.__name__}, got {outcome!r}"
        return f"refused, but changed {own | others}" if own | others else None
    if isinstance(outcome, Exception):
        return f"refused with {outcome!r}, expected {expected}"
    if expected is None:
        if outcome:
            return f"expected nothing, got {outcome!r}"
        return f"did nothing, but changed {own | others}" if own | others else None
    if not outcome and not operation.silent:
        return f"did nothing ({outcome!r}), expected {expected}"
    if (now := state_of(world)) != expected.after:
        return f"was {was}, is {now}, expected {expected.after}"
    if own != expected.writes or others != expected.more:
        return f"wrote {own} of it and {others} of others; expected {set(expected.writes)}, {set(expected.more)}"
    return None


@pytest.mark.parametrize("namespace", sorted(NAMESPACES.keys() - {"node_executions"}))
def test_the_table_has_every_method(namespace: str, store: Store) -> None:
    assert set(dir(getattr(store, namespace))) <= NAMESPACES[namespace].keys() | {
        name.partition(" ")[0] for name in NAMESPACES[namespace]
    }
