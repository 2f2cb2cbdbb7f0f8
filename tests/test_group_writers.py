"""The group writers of both faces, called by threads: all kinds of calls, several tenants, order, room, faults."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import wfstore
from tests import facekit
from tests.executionkit import (
    LEASE,
    NOW,
    ROOT,
    Admin,
    add_workflow,
    blocked_by,
    claim,
    cloned,
    count,
    ending,
    enqueue,
    forget_executions,
    history,
    pid_of,
    queued,
    result,
    until,
)
from tests.facekit import Blocking, Face
from wfstore import ClaimedExecution, Failure, NewExecution, Role, Store
from wfstore.aio.group_commit import AsyncGroupWriter
from wfstore.errors import AlreadyRecorded, InvalidInput, LeaseLost, NotFound, OutcomeUnknown, WfstoreError
from wfstore.group_items import prepare
from wfstore.grouping import Batch, Entry, Grouping, Kind, Lane, settle
from wfstore.ids import DEFAULT_TENANT
from wfstore.sync.group_commit import GroupWriter, _Answer, _linked
from wfstore.vocabulary import ExecutionStatus, NodeStatus

HOUR = timedelta(hours=1)

face = facekit.face


@pytest.fixture(scope="module")
def database(server_url: str) -> Iterator[str]:
    with cloned(server_url) as url:
        yield url


@pytest.fixture(autouse=True)
def no_executions(admin: Admin) -> None:
    forget_executions(admin)


@dataclass
class Group:
    """A writer whose calls block, what it has sent, and threads that call it."""

    writer: Any
    grouping: Grouping
    sent: list[tuple[Kind, list[Entry]]]
    threads: ThreadPoolExecutor

    def call(self, name: str, *arguments: Any, **options: Any) -> Future[Any]:
        """Call the writer in a thread; return when the call was taken in, or has ended."""
        before = self.grouping._numbered
        future = self.threads.submit(getattr(self.writer, name), *arguments, **options)
        until(lambda: self.grouping._numbered > before or future.done(), f"{name} is called")
        return future

    @property
    def statements(self) -> list[tuple[Kind, int]]:
        return [(kind, len(entries)) for kind, entries in self.sent]


@contextmanager
def opened(face: Face, database: str, **options: Any) -> Iterator[Group]:
    options = {"clock": lambda: NOW} | options
    most = options.get("writers", 2) + 1
    with (
        face.connect(database, role=Role.WORKER, min_size=0, max_size=most) as store,
        ThreadPoolExecutor(100) as threads,
    ):
        writer: Any
        if isinstance(store, Blocking):
            writer = AsyncGroupWriter(store.target, **options)
        else:
            writer = GroupWriter(store, **options)
        sent: list[tuple[Kind, list[Entry]]] = []
        send: Callable[..., Any] = writer._statements.send

        def noted(kind: Kind, detail: Any, entries: list[Entry]) -> Any:
            sent.append((kind, list(entries)))
            return send(kind, detail, entries)

        writer._statements.send = noted
        with Blocking(writer) if face.name == "async" else writer as blocking:
            yield Group(blocking, writer._grouping, sent, threads)


@contextmanager
def held_up(database: str) -> Iterator[psycopg.Connection[Any]]:
    """While this is open every statement waits: the queue is locked."""
    with psycopg.connect(database) as connection:
        connection.execute("LOCK TABLE execution_queue IN EXCLUSIVE MODE")
        yield connection


@contextmanager
def one_under_way(group: Group, database: str, admin: Admin, lease: ClaimedExecution) -> Iterator[Future[Any]]:
    """While this is open a result is under way, and a writer busy with it."""
    with held_up(database) as holder:
        first = group.call("record", result(lease, "under way"))
        until(lambda: blocked_by(admin, pid_of(holder)), "the statement waits")
        yield first


def leased(store: Store, worker: Store, number: int) -> list[ClaimedExecution]:
    enqueue(store, add_workflow(store), number)
    return claim(worker, limit=number)


def outcome(future: Future[Any]) -> Any:
    """What a call returned, or the type of what it raised."""
    error = future.exception(60)
    return future.result() if error is None else type(error)


# --- sharing ------------------------------------------------------------------------------------------------


def test_each_kind_shares_one_statement(face: Face, database: str, store: Store, worker: Store, admin: Admin) -> None:
    first, *leases = leased(store, worker, 41)
    workflow_id = leases[0].workflow_id
    with opened(face, database, writers=1) as group:
        with one_under_way(group, database, admin, first) as began:
            calls = [group.call("record", result(lease)) for lease in leases[:10]]
            calls += [group.call("heartbeat", lease, HOUR) for lease in leases[10:20]]
            calls += [group.call("finish", ending(lease, run_data={"n": 1})) for lease in leases[20:30]]
            calls += [group.call("fail", Failure(lease=lease, error_message="no")) for lease in leases[30:40]]
            calls += [group.call("enqueue", NewExecution(workflow_id=workflow_id)) for _ in range(10)]
            assert not any(call.done() for call in [began, *calls])
        outcomes = [outcome(call) for call in calls]
    kinds = [Kind.RESULT, Kind.HEARTBEAT, Kind.FINISH, Kind.FAIL, Kind.ENQUEUE]
    assert group.statements == [(Kind.RESULT, 1), *((kind, 10) for kind in kinds)]
    assert outcomes[:30] == [None] * 10 + [True] * 10 + [None] * 10
    assert [each.retried for each in outcomes[30:40]] == [True] * 10
    assert [each.created for each in outcomes[40:]] == [True] * 10
    assert count(admin, "node_executions") == 11
    assert {queued(store, lease.execution_id).visible_at for lease in leases[10:20]} == {NOW + HOUR}
    assert all(history(store, lease.execution_id).run_data == {"n": 1} for lease in leases[20:30])
    assert all(history(store, lease.execution_id).error_message == "no" for lease in leases[30:40])
    assert {queued(store, each.execution_id).queue for each in outcomes[40:]} == {"default"}


def test_heartbeats_of_other_lengths_are_apart(
    face: Face, database: str, store: Store, worker: Store, admin: Admin
) -> None:
    first, *leases = leased(store, worker, 5)
    with opened(face, database, writers=1) as group:
        with one_under_way(group, database, admin, first):
            lengths = [LEASE, HOUR, LEASE, HOUR]
            calls = [group.call("heartbeat", *each) for each in zip(leases, lengths, strict=True)]
        assert [outcome(call) for call in calls] == [True] * 4
    assert group.statements[1:] == [(Kind.HEARTBEAT, 2)] * 2
    assert [queued(store, each.execution_id).visible_at for each in leases] == [NOW + each for each in lengths]


def test_a_call_returns_after_its_commit(face: Face, database: str, store: Store, worker: Store, admin: Admin) -> None:
    leases = leased(store, worker, 30)
    looks = {
        "record": "SELECT 1 FROM node_executions WHERE execution_id = %s",
        "finish": "SELECT 1 FROM workflow_executions WHERE execution_id = %s AND status = 'SUCCESS'",
        "enqueue": "SELECT 1 FROM execution_queue WHERE execution_id = %s",
    }
    calls: list[tuple[str, UUID, Any]] = []
    for lease in leases:
        fresh = NewExecution(workflow_id=lease.workflow_id)
        calls.append(("enqueue", fresh.execution_id, fresh))
    calls += [("record", lease.execution_id, result(lease)) for lease in leases]
    calls += [("finish", lease.execution_id, ending(lease)) for lease in leases[:15]]
    with opened(face, database) as group:

        def call(name: str, execution_id: UUID, item: Any) -> bool:
            if name == "finish":
                until(lambda: admin.execute(looks["record"], [execution_id]).fetchone(), "its result is stored")
            getattr(group.writer, name)(item)
            return admin.execute(looks[name], [execution_id]).fetchone() is not None

        assert all(group.threads.map(lambda each: call(*each), calls))


def test_a_lone_caller_waits_for_nobody(face: Face, database: str, store: Store, worker: Store) -> None:
    [lease] = leased(store, worker, 1)
    with opened(face, database) as group:
        for node_id in "abc":
            group.writer.record(result(lease, node_id))
        assert group.writer.heartbeat(lease, HOUR)
        group.writer.finish(ending(lease))
        assert group.statements == [*[(Kind.RESULT, 1)] * 3, (Kind.HEARTBEAT, 1), (Kind.FINISH, 1)]


def test_the_example_of_the_docs_runs(
    database: str, store: Store, admin: Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (ROOT / "docs/group-commit.md").read_text(encoding="utf-8")
    [example] = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    identifiers = enqueue(store, add_workflow(store), 20)
    monkeypatch.setenv("DATABASE_URL", database)
    names: dict[str, Any] = {"__name__": "example"}
    exec(compile(example, "group-commit.md", "exec"), names)  # noqa: S102 - our own page
    asyncio.run(names["main"]())
    assert {history(store, each).status for each in identifiers} == {ExecutionStatus.SUCCESS}
    assert count(admin, "node_executions") == 40


# --- order, and room ----------------------------------------------------------------------------------------


def test_the_end_of_an_execution_is_written_after_the_results_called_before(
    face: Face, database: str, store: Store, worker: Store, admin: Admin
) -> None:
    first, *leases = leased(store, worker, 11)
    with opened(face, database) as group:
        with one_under_way(group, database, admin, first):
            calls = []
            for lease in leases:  # the second writer is held up, too, with the first of them
                running = result(lease, "a", status=NodeStatus.RUNNING, output_data=1)
                calls += [group.call("record", running), group.call("record", result(lease, "a", output_data=2))]
                calls += [group.call("finish", ending(lease)), group.call("record", result(lease, "late"))]
        assert [outcome(call) for call in calls] == [None, None, None, LeaseLost] * 10
    rows = admin.execute("SELECT output_data FROM node_executions WHERE node_id = 'a'").fetchall()
    assert rows == [(2,)] * 10


def test_there_is_room_for_so_many_and_others_wait_their_turn(
    face: Face, database: str, store: Store, worker: Store, admin: Admin
) -> None:
    first, *leases = leased(store, worker, 31)
    with opened(face, database, writers=1, max_waiting=5) as group:
        with one_under_way(group, database, admin, first):
            calls = [group.call("record", result(lease, output_data=object())) for lease in leases[:1]]
            calls += [group.call("record", result(lease, output_data=[1])) for lease in leases]
            assert outcome(calls.pop(0)) is InvalidInput, "JSON is encoded when there is room"
            assert group.grouping.waiting == 5
            outside = list(group.grouping._outside)
            assert len(outside) == 25
            assert all(entry.item.output_data == [1] for entry in outside), "which is not encoded yet"
        assert [outcome(call) for call in calls] == [None] * 30
    order = [entry.execution_id for _, entries in group.sent for entry in entries]
    assert order == [lease.execution_id for lease in (first, *leases)]
    assert group.statements[:2] == [(Kind.RESULT, 1), (Kind.RESULT, 5)]


# --- tenants ------------------------------------------------------------------------------------------------


def tenants_of(admin: Admin, number: int) -> list[UUID]:
    identifiers = [wfstore.uuid7() for _ in range(number)]
    for each in identifiers:
        admin.execute("INSERT INTO tenants (id, slug, name) VALUES (%s, %s, 'A tenant')", [each, f"t{each.hex}"])
    return identifiers


def test_a_hundred_tenants_share_one_statement(database: str, store: Store, worker: Store, admin: Admin) -> None:
    [first] = leased(store, worker, 1)
    tenants = tenants_of(admin, 100)
    admin.execute("ALTER TABLE workflow_executions ALTER COLUMN rare_status DROP EXPRESSION")  # or none can be copied
    for table in ("workflows", "workflow_versions", "workflow_executions", "execution_queue"):
        # the same execution for each of them, ids included: nothing but the tenant tells them apart
        admin.execute(
            f"""
            INSERT INTO {table}
            SELECT (jsonb_populate_record(row, jsonb_build_object('tenant_id', tenant))).*
            FROM {table} AS row, unnest(%s::uuid[]) AS tenant
            WHERE row.tenant_id = %s AND %s IN (to_jsonb(row) ->> 'id', to_jsonb(row) ->> 'workflow_id')
            """,
            [tenants, first.tenant_id, str(first.workflow_id)],
        )
    leases = [replace(first, tenant_id=each) for each in tenants]
    with opened(Face("sync"), database, writers=1, tenants=tenants) as group:
        entries = [Entry(result(each, output_data=1), each.tenant_id, each.execution_id, None) for each in leases]
        for each in entries:
            prepare(Kind.RESULT, each)
        assert group.writer._statements.send(Kind.RESULT, None, entries) == [None] * 100
        assert group.statements == [(Kind.RESULT, 100)]
    found = [tenant for [tenant] in admin.execute("SELECT tenant_id FROM node_executions").fetchall()]
    assert sorted(found) == sorted(tenants)


def test_several_tenants_share_statements_and_stay_apart(
    face: Face, database: str, store: Store, worker: Store, admin: Admin
) -> None:
    first, *own = leased(store, worker, 3)
    served, stranger = tenants_of(admin, 2)
    others = leased(store.for_tenant(served), worker.for_tenant(served), 2)
    [strange] = leased(store.for_tenant(stranger), worker.for_tenant(stranger), 1)
    with opened(face, database, writers=1, tenants=[served]) as group:
        with one_under_way(group, database, admin, first):
            leases = [*own, *others]
            calls = [group.call("record", result(lease)) for lease in leases]
            # an execution of another tenant under a name that is served, or the other way round
            forged = [replace(strange, tenant_id=served), replace(others[0], tenant_id=first.tenant_id)]
            refused = [group.call("record", result(lease, "forged")) for lease in forged]
            calls += [group.call("finish", ending(lease)) for lease in leases]
            enqueued = [
                group.call("enqueue", NewExecution(workflow_id=own[0].workflow_id)),
                group.call("enqueue", NewExecution(workflow_id=others[0].workflow_id), tenant_id=served),
                group.call("enqueue", NewExecution(workflow_id=own[0].workflow_id), tenant_id=served),
            ]
            for name, item in (("record", result(strange)), ("finish", ending(strange))):
                assert outcome(group.call(name, item)) is InvalidInput
        assert [outcome(call) for call in calls] == [None] * 8
        assert [outcome(call) for call in refused] == [LeaseLost] * 2
        assert [outcome(call).created for call in enqueued[:2]] == [True, True]
        assert outcome(enqueued[2]) is NotFound, "of a workflow of another tenant"
    assert {kind for kind, number in group.statements if number >= 4} == {Kind.RESULT, Kind.FINISH}
    found = admin.execute("SELECT tenant_id, execution_id FROM node_executions").fetchall()
    assert sorted(found) == sorted((lease.tenant_id, lease.execution_id) for lease in (first, *leases))
    mine, theirs = [outcome(call).execution_id for call in enqueued[:2]]
    assert store.executions.get(execution_id=mine) is not None
    assert store.executions.get(execution_id=theirs) is None
    assert store.for_tenant(served).executions.get(execution_id=theirs) is not None


# --- faults -------------------------------------------------------------------------------------------------

_STEPS = ["record"] * 4 + ["again", "other", "no JSON", "NUL", "NUL in the id", "stale", "beat", "enqueue", "unknown"]


class Walk:
    """One execution whose steps are called one after the other, and what each must come to."""

    def __init__(self, writer: Any, lease: ClaimedExecution) -> None:
        self.writer = writer
        self.lease = lease
        self.stored: dict[str, Any] = {}
        self.enqueued: list[UUID] = []

    def step(self, name: str, number: int) -> None:
        node_id = f"n{number}"
        lease = self.lease
        known = next(iter(self.stored), None)
        match name:
            case "record":
                self.writer.record(result(lease, node_id, output_data={"n": number}))
                self.stored[node_id] = {"n": number}
            case "again" if known is not None:
                self.writer.record(result(lease, known, output_data=self.stored[known]))
            case "beat":
                assert self.writer.heartbeat(lease, HOUR)
            case "enqueue":
                fresh = NewExecution(workflow_id=lease.workflow_id, queue="later")
                assert [self.writer.enqueue(fresh).created for _ in range(2)] == [True, False]
                self.enqueued.append(fresh.execution_id)
            case "unknown":
                with pytest.raises(NotFound):
                    self.writer.enqueue(NewExecution(workflow_id=wfstore.uuid7()))
            case _:
                self.bad_step(name, node_id, known)

    def bad_step(self, name: str, node_id: str, known: str | None) -> None:
        old = replace(self.lease, attempt=self.lease.attempt + 1)
        match name:
            case "other" if known is not None:
                self.refused(AlreadyRecorded, result(self.lease, known, output_data="other"))
            case "no JSON":
                self.refused(InvalidInput, result(self.lease, node_id, output_data=object()))
            case "NUL":
                self.refused(InvalidInput, result(self.lease, node_id, output_data={"text": "a\0b"}))
            case "NUL in the id":
                self.refused(InvalidInput, result(self.lease, "a\0b"))
            case "stale":
                self.refused(LeaseLost, result(old, node_id))
                assert not self.writer.heartbeat(old, HOUR)

    def refused(self, kind: type[WfstoreError], row: Any) -> None:
        with pytest.raises(kind):
            self.writer.record(row)

    def walk(self, steps: Sequence[str]) -> None:
        for number, name in enumerate(steps):
            self.step(name, number)
        with pytest.raises(InvalidInput):
            self.writer.finish(ending(self.lease, run_data={"bad": object()}))
        self.writer.finish(ending(self.lease, run_data=len(steps)))
        for again in (ending(self.lease), ending(self.lease, ExecutionStatus.ERROR)):
            with pytest.raises(LeaseLost):
                self.writer.finish(again)
        self.refused(LeaseLost, result(self.lease, "late"))


@settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(st.lists(st.sampled_from(_STEPS), max_size=8), min_size=4, max_size=12))
def test_each_call_of_a_crowd_comes_to_what_it_would_alone(  # noqa: PLR0917 - fixtures
    face: Face, database: str, store: Store, worker: Store, admin: Admin, scripts: list[list[str]]
) -> None:
    forget_executions(admin)
    leases = leased(store, worker, len(scripts))
    with opened(face, database, max_waiting=4) as group:
        walks = [Walk(group.writer, lease) for lease in leases]
        futures = [group.threads.submit(walk.walk, script) for walk, script in zip(walks, scripts, strict=True)]
        for future in futures:
            future.result(60)
    for walk, script in zip(walks, scripts, strict=True):
        look = "SELECT node_id, output_data FROM node_executions WHERE execution_id = %s"
        assert dict(admin.execute(look, [walk.lease.execution_id]).fetchall()) == walk.stored
        assert history(store, walk.lease.execution_id).run_data == len(script)
        for identifier in walk.enqueued:
            assert queued(store, identifier).queue == "later"


def test_a_lost_connection_fails_what_may_not_be_repeated_and_nothing_else(
    face: Face, database: str, store: Store, worker: Store, admin: Admin
) -> None:
    first, *leases = leased(store, worker, 11)
    with opened(face, database, writers=1) as group:
        with held_up(database) as holder:
            calls = [group.call("finish", ending(first))]
            [victim] = until(lambda: blocked_by(admin, pid_of(holder)), "the statement waits")
            calls += [group.call("finish", ending(lease)) for lease in leases[:5]]
            calls += [group.call("record", result(lease)) for lease in leases[5:]]
            admin.execute("SELECT pg_terminate_backend(%s)", [victim])
            [victim] = until(lambda: set(blocked_by(admin, pid_of(holder))) - {victim}, "the next statement waits")
            admin.execute("SELECT pg_terminate_backend(%s)", [victim])
        outcomes = [outcome(call) for call in calls]
        assert outcomes == [OutcomeUnknown] * 6 + [None] * 5
        errors = {id(call.exception()) for call in calls[1:6]}
        assert len(errors) == 5, "each caller raises an error of its own"


# --- the end ------------------------------------------------------------------------------------------------


class _Failed(Exception):
    pass


def test_the_end_of_the_block_waits_for_those_who_wait_for_room(
    face: Face, database: str, store: Store, worker: Store, admin: Admin
) -> None:
    first, *leases = leased(store, worker, 21)
    with ThreadPoolExecutor(1) as releasing, opened(face, database, writers=1, max_waiting=3) as group:
        holder = held_up(database)
        connection = holder.__enter__()
        calls = [group.call("record", result(first))]
        until(lambda: blocked_by(admin, pid_of(connection)), "the statement waits")
        calls += [group.call("record", result(lease)) for lease in leases]
        writer: Any = group.writer.target if isinstance(group.writer, Blocking) else group.writer

        def release() -> None:
            until(lambda: not writer._open, "the block ends")
            holder.__exit__(None, None, None)

        released = releasing.submit(release)
    released.result()
    assert [outcome(call) for call in calls] == [None] * 21
    assert count(admin, "node_executions") == 21


def test_a_block_that_fails_writes_nothing_more_and_says_so(
    database: str, store: Store, worker: Store, admin: Admin
) -> None:
    first, *leases = leased(store, worker, 21)
    calls: list[Future[Any]] = []
    with (
        ThreadPoolExecutor(1) as releasing,
        pytest.raises(_Failed),
        opened(Face("sync"), database, writers=1, max_waiting=3) as group,
    ):
        holder = held_up(database)
        connection = holder.__enter__()
        calls.append(group.call("record", result(first, "on its way")))
        until(lambda: blocked_by(admin, pid_of(connection)), "the statement waits")
        calls += [group.call("record", result(lease)) for lease in leases]

        def release() -> None:
            until(lambda: all(call.done() for call in calls[1:]), "who waits is told")
            holder.__exit__(None, None, None)

        released = releasing.submit(release)
        raise _Failed
    released.result()
    assert [outcome(call) for call in calls] == [None] + [WfstoreError] * 20
    assert admin.execute("SELECT node_id FROM node_executions").fetchall() == [("on its way",)]


def test_a_thread_that_is_interrupted_hands_its_place_on(
    database: str, store: Store, worker: Store, admin: Admin
) -> None:
    first, *leases = leased(store, worker, 8)
    with opened(Face("sync"), database, writers=1) as group:
        send = group.writer._statements.send

        def interrupted(kind: Kind, detail: Any, entries: list[Entry]) -> Any:
            if len(entries) > 1:
                raise KeyboardInterrupt
            return send(kind, detail, entries)

        group.writer._statements.send = interrupted
        with one_under_way(group, database, admin, first) as began:
            calls = [group.call("record", result(lease)) for lease in leases]
        assert outcome(began) is None
        # Whose thread it was, it knows itself; the others learn that nobody knows.
        assert sorted(outcome(call).__name__ for call in calls) == ["KeyboardInterrupt", *["OutcomeUnknown"] * 6]
        group.writer.record(result(leases[0]))
    assert count(admin, "node_executions") == 2


@pytest.mark.parametrize("option", ["writers", "max_waiting"])
def test_a_writer_needs_a_place_and_room(option: str, face: Face, database: str) -> None:
    with pytest.raises(InvalidInput, match=f"^{option} is at least 1, not 0"), opened(face, database, **{option: 0}):
        pass


def test_threads_wake_one_another_past_those_that_write_or_gave_up() -> None:
    """Each with its answer there before it is woken; who writes would let the others wait for what it writes."""
    asleep, writes, gave_up = [_Answer() for _ in range(3)], _Answer(), _Answer()
    writes.is_heir = True
    gave_up.give_up()
    answers = [writes, asleep[0], gave_up, asleep[1], asleep[2]]
    entries = [Entry(None, DEFAULT_TENANT, wfstore.uuid7(), each) for each in answers]
    batch = Batch(Lane(Kind.RESULT, None), entries, [])
    first = _linked(batch)
    settle(batch, ["a", "b", "c", "d", "e"])
    assert (writes.value, gave_up.value) == ("a", None)
    woken: list[tuple[_Answer, object]] = []
    while first is not None:
        assert not woken or not first._bell.acquire(blocking=False)
        first.ring()
        first.wait()
        woken.append((first, first.value))
        first = first.next
    assert woken == list(zip(asleep, ["b", "d", "e"], strict=True))
    assert (writes.next, gave_up.next) == (None, None)
