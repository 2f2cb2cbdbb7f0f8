"""Group commit: who shares a statement, who hears of what, what is durable when, and how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import psycopg
import pytest

from tests.executionkit import (
    Admin,
    add_workflow,
    blocked_by,
    claim,
    cloned,
    enqueue,
    forget_executions,
    pid_of,
    result,
)
from wfstore import ClaimedExecution, NodeResult, Role, Store
from wfstore.aio import AsyncStore, connect
from wfstore.aio.group_commit import AsyncGroupWriter
from wfstore.errors import AlreadyRecorded, InvalidInput, LeaseLost, OutcomeUnknown, WfstoreError
from wfstore.leases import ResultRow
from wfstore.vocabulary import NodeStatus


@pytest.fixture(scope="module")
def database(server_url: str) -> Iterator[str]:
    with cloned(server_url) as url:
        yield url


@pytest.fixture
def leases(store: Store, worker: Store, admin: Admin) -> list[ClaimedExecution]:
    forget_executions(admin)
    enqueue(store, add_workflow(store), 4)
    return claim(worker, limit=4)


@dataclass
class Group:
    """A writer, and the sizes of the statements that it has sent."""

    store: AsyncStore
    writer: AsyncGroupWriter
    statements: list[int]

    def spawn(self, *results: NodeResult) -> list[asyncio.Task[None]]:
        return [asyncio.create_task(self.writer.record(each)) for each in results]

    async def outcomes(self, *results: NodeResult) -> list[BaseException | None]:
        return await asyncio.gather(*self.spawn(*results), return_exceptions=True)


@asynccontextmanager
async def opened(database: str, writers: int = 2) -> AsyncIterator[Group]:
    async with await connect(database, role=Role.WORKER, min_size=writers, max_size=writers + 1) as store:
        statements: list[int] = []
        record_rows: Callable[..., Awaitable[Any]] = store.node_executions.record_rows

        async def counted(rows: list[ResultRow], results: list[NodeResult]) -> Any:
            statements.append(len(rows))
            return await record_rows(rows, results)

        store.node_executions.record_rows = counted  # type: ignore[method-assign, assignment]
        async with AsyncGroupWriter(store, writers=writers) as writer:
            yield Group(store, writer, statements)


@contextmanager
def held_up(database: str) -> Iterator[psycopg.Connection[Any]]:
    """While this is open every writer of results waits: the queue is locked."""
    with psycopg.connect(database) as connection:
        connection.execute("LOCK TABLE execution_queue IN EXCLUSIVE MODE")
        yield connection


async def when(condition: Callable[[], Any], what: str) -> Any:
    for _ in range(6_000):
        if found := condition():
            return found
        await asyncio.sleep(0.005)
    raise AssertionError(f"never: {what}")


def run(body: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(body, 60))


def nodes(admin: Admin) -> dict[str, Any]:
    """What is stored: by node, its output."""
    found = admin.execute("SELECT node_id, output_data FROM node_executions").fetchall()
    assert len(found) == len(dict(found))
    return dict(found)


def many(lease: ClaimedExecution, count: int, **facts: Any) -> list[NodeResult]:
    return [result(lease, f"n{number:04}", **facts) for number in range(count)]


# --- sharing ------------------------------------------------------------------------------------------------


def test_a_crowd_shares_statements(database: str, leases: list[ClaimedExecution], admin: Admin) -> None:
    async def body() -> None:
        async with opened(database) as group:
            assert await group.outcomes(*many(leases[0], 400)) == [None] * 400
            assert sum(group.statements) == 400
            assert len(group.statements) <= 12

    run(body())
    assert len(nodes(admin)) == 400


def test_whoever_comes_alone_does_not_wait_for_others(database: str, leases: list[ClaimedExecution]) -> None:
    async def body() -> None:
        async with opened(database) as group:
            for each in many(leases[0], 20):
                await group.writer.record(each)
            assert group.statements == [1] * 20

    run(body())


def test_what_comes_while_a_statement_is_under_way_shares_the_next(
    database: str, leases: list[ClaimedExecution], admin: Admin
) -> None:
    async def body() -> None:
        async with opened(database, writers=1) as group:
            with held_up(database) as holder:
                first = group.spawn(result(leases[0], "first"))
                await when(lambda: blocked_by(admin, pid_of(holder)), "the first statement waits")
                others = group.spawn(*many(leases[1], 30))
                await asyncio.sleep(0)
                assert not any(task.done() for task in first + others)
            await asyncio.gather(*first, *others)
            assert group.statements == [1, 30]

    run(body())


def test_a_result_is_durable_when_its_call_returns(database: str, leases: list[ClaimedExecution], admin: Admin) -> None:
    async def body() -> None:
        async with opened(database) as group:

            async def record(each: NodeResult) -> None:
                await group.writer.record(each)
                # Blocks the loop, so that nothing else can happen between the return and this look.
                look = "SELECT 1 FROM node_executions WHERE execution_id = %s AND node_id = %s"
                assert admin.execute(look, [each.lease.execution_id, each.node_id]).fetchone()

            await asyncio.gather(*(record(each) for lease in leases for each in many(lease, 50)))

    run(body())


# --- each hears its own -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [{"output_data": "a\0b"}, {"node_id": "a\0b"}, {"run_index": -1}, {"output_data": object}, {"start_time": 2**70}],
    ids=["NUL", "NUL in the id", "negative", "no JSON", "out of range"],
)
def test_bad_rows_fail_their_own_callers_only(
    fault: dict[str, Any], database: str, leases: list[ClaimedExecution], admin: Admin
) -> None:
    results = many(leases[0], 100)
    for bad in (0, 50, 51, 99):
        results[bad] = replace(results[bad], **fault)

    async def body() -> None:
        async with opened(database) as group:
            outcomes = await group.outcomes(*results)
            assert [place for place, each in enumerate(outcomes) if each is not None] == [0, 50, 51, 99]
            assert all(isinstance(each, InvalidInput) for each in outcomes if each is not None)
            assert len(group.statements) < 60

    run(body())
    assert len(nodes(admin)) == 96


def test_lost_leases_and_other_content_fail_their_own_callers_only(
    database: str, store: Store, leases: list[ClaimedExecution], admin: Admin
) -> None:
    held, lost, *_ = leases
    store.executions.cancel(lost.execution_id)

    async def body() -> None:
        async with opened(database) as group:
            await group.writer.record(result(held, "stored", output_data=1))
            outcomes = await group.outcomes(
                result(held, "new"),
                result(lost, "new"),
                result(held, "stored", output_data=2),
                result(held, "stored", output_data=1),
            )
        assert [type(each) for each in outcomes] == [type(None), LeaseLost, AlreadyRecorded, type(None)]

    run(body())
    assert nodes(admin) == {"stored": 1, "new": None}


def test_who_gives_up_before_the_statement_is_not_written_and_others_are(
    database: str, leases: list[ClaimedExecution], admin: Admin
) -> None:
    async def body() -> None:
        async with opened(database, writers=1) as group:
            with held_up(database) as holder:
                [sent] = group.spawn(result(leases[0], "sent"))
                await when(lambda: blocked_by(admin, pid_of(holder)), "the statement waits")
                waiting = group.spawn(*many(leases[1], 10))
                await asyncio.sleep(0)
                for task in (sent, *waiting[::2]):
                    task.cancel()
            outcomes = await asyncio.gather(sent, *waiting, return_exceptions=True)
        gave_up = [isinstance(each, asyncio.CancelledError) for each in outcomes]
        assert gave_up == [True, *[True, False] * 5]

    run(body())
    # What was on its way is stored: who gives up does not take it back.
    assert sorted(nodes(admin)) == ["n0001", "n0003", "n0005", "n0007", "n0009", "sent"]


# --- one key ------------------------------------------------------------------------------------------------


def test_results_of_one_key_are_written_in_the_order_of_their_calls(
    database: str, leases: list[ClaimedExecution], admin: Admin
) -> None:
    running = [result(leases[0], status=NodeStatus.RUNNING, output_data=number) for number in range(10)]
    others = [result(lease, f"other{number}") for number, lease in enumerate(leases)]

    async def body() -> None:
        async with opened(database) as group:
            final = result(leases[0], output_data="final")
            outcomes = await group.outcomes(*running, *others, final, final, replace(final, output_data="other"))
            assert outcomes[:-1] == [None] * 16
            assert isinstance(outcomes[-1], AlreadyRecorded)

    run(body())
    assert nodes(admin)["a"] == "final"
    assert len(nodes(admin)) == 5


def test_a_key_that_is_on_its_way_is_not_sent_a_second_time(
    database: str, leases: list[ClaimedExecution], admin: Admin
) -> None:
    async def body() -> None:
        async with opened(database, writers=2) as group:
            with held_up(database) as holder:
                first = group.spawn(result(leases[0], status=NodeStatus.RUNNING))
                await when(lambda: blocked_by(admin, pid_of(holder)), "the first waits")
                second = group.spawn(result(leases[0]), result(leases[0], "b"))
                for _ in range(10):
                    await asyncio.sleep(0)
                assert group.statements == [1]
            await asyncio.gather(*first, *second)

    run(body())
    assert len(nodes(admin)) == 2


# --- the end ------------------------------------------------------------------------------------------------


def test_the_end_of_the_block_waits_for_what_was_handed_in(
    database: str, leases: list[ClaimedExecution], admin: Admin
) -> None:
    async def body() -> None:
        async with opened(database) as group:
            tasks = group.spawn(*many(leases[0], 300))
            await asyncio.sleep(0)  # so that they are handed in
        assert [task.exception() for task in tasks] == [None] * 300

    run(body())
    assert len(nodes(admin)) == 300


class _Failed(Exception):
    pass


def test_a_block_that_fails_tells_each_caller_what_became_of_its_result(
    database: str, leases: list[ClaimedExecution], admin: Admin
) -> None:
    tasks: list[asyncio.Task[None]] = []

    async def failing() -> None:
        async with opened(database, writers=1) as group:
            with held_up(database) as holder:
                tasks.extend(group.spawn(result(leases[0], "sent")))
                await when(lambda: blocked_by(admin, pid_of(holder)), "the statement waits")
                tasks.extend(group.spawn(*many(leases[1], 40)))
                await asyncio.sleep(0)
                raise _Failed

    async def body() -> None:
        with pytest.raises(_Failed):
            await failing()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(each) for each in outcomes] == [OutcomeUnknown, *[WfstoreError] * 40]
        assert "nothing was written" in str(outcomes[1])

    run(body())
    assert not [node for node in nodes(admin) if node != "sent"]


def test_outside_the_block_nothing_is_taken(database: str, leases: list[ClaimedExecution]) -> None:
    async def body() -> None:
        async with await connect(database, role=Role.WORKER) as store:
            writer = AsyncGroupWriter(store)
            for _ in range(2):
                with pytest.raises(WfstoreError, match="not open"):
                    await writer.record(result(leases[0]))
                async with writer:
                    await writer.record(result(leases[0]))

    run(body())


# --- a lost connection --------------------------------------------------------------------------------------


def terminate_all(admin: Admin) -> int:
    """Kill every session of this database but the administrator's; return how many there were."""
    killing = """
        SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
        WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
    """
    [killed] = admin.execute(killing).fetchone() or [0]
    return int(killed)


def test_a_connection_that_is_killed_while_it_writes_loses_and_doubles_nothing(
    database: str, leases: list[ClaimedExecution], admin: Admin
) -> None:
    async def body() -> None:
        async with opened(database) as group:
            with held_up(database) as holder:
                tasks = group.spawn(*many(leases[0], 100))
                victims = await when(lambda: blocked_by(admin, pid_of(holder)), "the writers wait")
                for victim in victims:
                    admin.execute("SELECT pg_terminate_backend(%s)", [victim])
            assert await asyncio.gather(*tasks) == [None] * 100
            assert len(group.statements) <= 6

    run(body())
    assert len(nodes(admin)) == 100


def test_connections_that_are_killed_again_and_again_lose_and_double_nothing(
    database: str, leases: list[ClaimedExecution], admin: Admin
) -> None:
    async def body() -> None:
        async with opened(database) as group:

            async def steps(lease: ClaimedExecution, lane: int) -> None:
                for step in range(25):
                    await group.writer.record(result(lease, f"{lane}-{step}", output_data=step))

            lanes = [asyncio.create_task(steps(leases[lane % 4], lane)) for lane in range(40)]
            for milestone in (100, 300, 500, 700, 900):
                await when(lambda least=milestone: len(nodes(admin)) >= least, "results come")  # type: ignore[misc]
                assert terminate_all(admin) >= 2
            await asyncio.gather(*lanes)

    run(body())
    assert nodes(admin) == {f"{lane}-{step}": step for lane in range(40) for step in range(25)}


def test_without_a_database_each_caller_hears_so(database: str, leases: list[ClaimedExecution]) -> None:
    async def body() -> None:
        async with await connect(database, role=Role.WORKER) as store, AsyncGroupWriter(store) as writer:
            await store.close()
            outcomes = await asyncio.gather(
                *(writer.record(each) for each in many(leases[0], 5)), return_exceptions=True
            )
            assert all(isinstance(each, Exception) for each in outcomes), outcomes

    run(body())
