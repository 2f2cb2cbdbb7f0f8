"""Sleeps, signals and children of the worker's contexts: waits that outlive the process."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.executionkit import cloned
from tests.workerkit import bench, run, when, working
from wfstore.errors import NotFound
from wfstore.ids import LAST_ID
from wfstore.leases import RetryPolicy
from wfstore.worker import BlockingContext, Context, Retry, SignalTimedOut


@pytest.fixture(scope="module")
def database(server_url: str) -> Iterator[str]:
    with cloned(server_url) as url:
        yield url


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now


# --- sleeps -------------------------------------------------------------------------------------------------


def test_a_long_sleep_suspends_until_its_time_and_is_not_slept_again(database: str) -> None:
    clock = Clock()
    begun: list[int] = []

    async def handle(ctx: Context) -> int:
        begun.append(ctx.attempt)
        await ctx.sleep("rest", timedelta(hours=1))
        if ctx.attempt == 2:
            raise Retry(wait=timedelta(0))
        return ctx.attempt

    async def body() -> None:
        async with bench(database) as app, working(database, handle, clock=clock) as worker:
            execution = await app.enqueue(await app.workflow())
            await app.in_status(execution, "WAITING")
            entry = await app.store.executions.get_queue_entry(execution_id=execution)
            assert entry.visible_at == clock.now + timedelta(hours=1)
            row = (await app.rows(execution))["rest", 0]
            assert (row.node_type, row.status) == ("FLOW", "WAITING")
            clock.now += timedelta(minutes=59)
            claims = worker.health().last_successful_claim_at
            await when(lambda: worker.health().last_successful_claim_at != claims, "it looks again")
            assert (await app.get(execution)).status == "WAITING"
            clock.now += timedelta(minutes=2)
            assert (await app.ended(execution)).run_data == 3
            row = (await app.rows(execution))["rest", 0]
            assert row.status == "SUCCESS"
            assert row.end_time - row.start_time == 61 * 60 * 1000
            assert worker.health().suspended == 1

    run(body())
    assert begun == [1, 2, 3]


def test_a_short_sleep_goes_on_in_the_process(database: str) -> None:
    def handle(ctx: BlockingContext) -> int:
        ctx.sleep("a", timedelta(milliseconds=20))
        ctx.sleep("b", until=datetime.now(UTC) - timedelta(days=1))
        return ctx.attempt

    async def body() -> None:
        async with bench(database) as app, working(database, handle):
            execution = await app.enqueue(await app.workflow())
            assert (await app.ended(execution)).run_data == 1
            row = (await app.rows(execution))["a", 0]
            assert row.end_time - row.start_time >= 20

    run(body())


def test_a_suspension_waits_for_the_steps_beside_it(database: str) -> None:
    ran: list[str] = []
    let = asyncio.Event()

    async def handle(ctx: Context) -> tuple[str, Any]:
        async def slow() -> str:
            ran.append("slow")
            await let.wait()
            return "slow"

        return await asyncio.gather(ctx.step("slow", slow), ctx.wait_signal("go"))

    async def body() -> None:
        async with bench(database) as app, working(database, handle):
            execution = await app.enqueue(await app.workflow())
            await when(lambda: ran, "the step runs")
            assert (await app.get(execution)).status == "RUNNING"
            let.set()
            await app.in_status(execution, "WAITING")
            await app.store.executions.signal(execution, "go", 1)
            assert (await app.ended(execution)).run_data == ["slow", 1]

    run(body())
    assert ran == ["slow"]


@pytest.mark.parametrize("facts", [{}, {"duration": timedelta(1), "until": datetime.now(UTC)}], ids=["neither", "both"])
def test_a_sleep_has_one_end(facts: dict[str, Any], database: str) -> None:
    async def handle(ctx: Context) -> None:
        await ctx.sleep("a", **facts)

    async def body() -> None:
        async with bench(database) as app, working(database, handle):
            assert "duration or an end" in (await app.ended(await app.enqueue(await app.workflow()))).error_message

    run(body())


# --- signals ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("plain", [True, False], ids=["plain", "async"])
def test_a_signal_is_taken_once_whenever_it_comes(before: bool, plain: bool, database: str) -> None:
    def blocking(ctx: BlockingContext) -> list[Any]:
        return [ctx.wait_signal("go", node_id="ask", run_index=index) for index in range(2)]

    async def handle(ctx: Context) -> list[Any]:
        return [await ctx.wait_signal("go", node_id="ask", run_index=index) for index in range(2)]

    async def body() -> None:
        async with bench(database) as app, working(database, blocking if plain else handle, listen=False):
            execution = await app.enqueue(await app.workflow(), delay=timedelta(milliseconds=100 if before else 0))
            if not before:
                await app.in_status(execution, "WAITING")
            for payload in ({"first": 1}, None):
                await app.store.executions.signal(execution, "go", payload)
            assert (await app.ended(execution)).run_data == [{"first": 1}, None]
            row = (await app.rows(execution))["ask", 0]
            assert (row.node_type, row.status, row.output_data) == ("HUMAN_IN_THE_LOOP", "SUCCESS", {"first": 1})

    run(body())


def test_a_signal_that_comes_too_late_changes_nothing(database: str) -> None:
    clock = Clock()

    async def handle(ctx: Context) -> str:
        try:
            return str(await ctx.wait_signal("go", timeout=timedelta(hours=1)))
        except SignalTimedOut:
            if await ctx.step("asked", lambda: "go on" if ctx.attempt == 2 else "?") == "go on" and ctx.attempt == 2:
                raise Retry(wait=timedelta(hours=1)) from None
            return "timed out"

    async def body() -> None:
        async with bench(database) as app, working(database, handle, clock=clock):
            execution = await app.enqueue(await app.workflow())
            await app.in_status(execution, "WAITING")
            clock.now += timedelta(minutes=61)
            await app.in_status(execution, "NEW")
            await app.store.executions.signal(execution, "go", "late")
            clock.now += timedelta(minutes=61)
            assert (await app.ended(execution)).run_data == "timed out"
            row = (await app.rows(execution))["go", 0]
            assert (row.status, row.error_data["type"]) == ("ERROR", "SignalTimedOut")

    run(body())


def test_two_waits_at_once_are_refused(database: str) -> None:
    async def handle(ctx: Context) -> None:
        await asyncio.gather(ctx.wait_signal("a"), ctx.wait_signal("b"))

    async def body() -> None:
        async with bench(database) as app, working(database, handle) as worker:
            execution = await app.enqueue(await app.workflow(), retry=RetryPolicy(max_attempts=1))
            found = await app.ended(execution)
            assert "waits for two things at once" in found.error_message
            await when(lambda: not worker.health().running, "it is idle")
            assert (worker.health().suspended, worker.health().failed) == (0, 1)

    run(body())


# --- children -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("plain", [True, False], ids=["plain", "async"])
def test_a_parent_starts_each_child_once_and_waits_for_all(plain: bool, database: str) -> None:
    workflows: dict[str, Any] = {}

    async def parent(ctx: Context) -> list[Any]:
        for index in range(3):
            await ctx.start_child(
                workflows["child"],
                node_id="each",
                run_index=index,
                metadata={"n": index},
                retry=RetryPolicy(max_attempts=1),
            )
        if ctx.attempt == 1:
            raise Retry(wait=timedelta(0))
        return [(each.status, each.run_data) for each in await ctx.wait_children()]

    def blocking(ctx: BlockingContext) -> list[Any]:
        for index in range(3):
            ctx.start_child(
                workflows["child"],
                node_id="each",
                run_index=index,
                metadata={"n": index},
                retry=RetryPolicy(max_attempts=1),
            )
        return [(each.status, each.run_data) for each in ctx.wait_children()]

    async def child(ctx: Context) -> int:
        if ctx.metadata["n"] == 1:
            raise ValueError("one of them fails")
        return int(ctx.metadata["n"])

    async def body() -> None:
        async with bench(database) as app:
            workflows["parent"], workflows["child"] = await app.workflow(), await app.workflow()
            handlers = {workflows["parent"]: blocking if plain else parent, workflows["child"]: child}
            async with working(database, handlers):
                execution = await app.enqueue(workflows["parent"])
                found = await app.ended(execution)
                assert found.run_data == [["SUCCESS", 0], ["ERROR", None], ["SUCCESS", 2]]
                row = (await app.rows(execution))["each", 2]
                assert (row.node_type, row.status) == ("FLOW", "SUCCESS")
                rows = await app.store.executions.page_by_workflow(
                    workflow_id=workflows["child"], before_id=LAST_ID, limit=10
                )
                assert len(rows) == 3

    run(body())


def test_without_children_there_is_nothing_to_wait_for_and_no_child_of_an_unknown_workflow(database: str) -> None:
    async def handle(ctx: Context) -> Any:
        try:
            await ctx.start_child(ctx.execution_id, node_id="c")
        except NotFound:
            return await ctx.wait_children()

    async def body() -> None:
        async with bench(database) as app, working(database, handle):
            assert (await app.ended(await app.enqueue(await app.workflow()))).run_data == []

    run(body())


def test_a_worker_that_lost_its_lease_starts_no_child(database: str) -> None:
    async def body() -> None:
        async with bench(database) as app:
            workflow = await app.workflow()

            async def handle(ctx: Context) -> None:
                await app.store.executions.cancel(ctx.execution_id)
                await ctx.start_child(workflow, node_id="c", queue="nobody's")

            async with working(database, handle) as worker:
                execution = await app.enqueue(workflow)
                await when(lambda: worker.health().lost, "it learns that")
                assert (await app.get(execution)).status == "CANCELED"
                assert await app.store.executions.page_queue(queue="nobody's", after_id=execution, limit=9) == []

    run(body())
