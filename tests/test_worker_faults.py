"""Workers under faults: lost leases, silent and lost connections, an exhausted pool, signals to stop."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from tests.commandkit import environment
from tests.conftest import as_role
from tests.executionkit import Admin, cloned
from tests.proxykit import Proxy
from tests.workerkit import bench, run, when, working
from wfstore import Role
from wfstore.aio import connect
from wfstore.errors import DatabaseUnavailable, LeaseLost, NotFound
from wfstore.worker import BlockingContext, Context, Worker

ANSWER = timedelta(seconds=1)
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def database(server_url: str) -> Iterator[str]:
    with cloned(server_url) as url:
        yield url


def sessions(admin: Admin, action: str = "") -> int:
    """How many sessions of workers there are; each goes through `action`."""
    text = f"""
        SELECT count({action or "pid"}) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
    """
    [found] = admin.execute(text).fetchone() or (0,)
    return int(found)


# --- leases -------------------------------------------------------------------------------------------------


def test_heartbeats_keep_a_lease_longer_than_it_is(database: str) -> None:
    async def handle(ctx: Context) -> int:
        await asyncio.sleep(2.5)
        return ctx.attempt

    def plain(ctx: BlockingContext) -> int:
        time.sleep(2.5)
        return ctx.attempt

    async def body() -> None:
        async with bench(database) as app:
            first, second = await app.workflow(), await app.workflow()
            handlers, lease = {first: handle, second: plain}, timedelta(seconds=1)
            # two, each of which would take what the other does not prolong
            async with working(database, handlers, lease=lease) as one, working(database, handlers, lease=lease) as two:
                ids = [await app.enqueue(each) for each in (first, second)]
                assert [(await app.ended(each)).run_data for each in ids] == [1, 1]
                assert one.health().last_heartbeat_at or two.health().last_heartbeat_at
                assert one.health().lost + two.health().lost == 0

    run(body())


@pytest.mark.parametrize("plain", [True, False], ids=["plain", "async"])
def test_a_heartbeat_finds_a_lost_lease_and_stops_the_handler(plain: bool, database: str) -> None:
    events: list[Any] = []
    let = threading.Event()

    async def handle(ctx: Context) -> None:
        events.append("begun")
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError as error:
            events.append(str(error))
            with pytest.raises(LeaseLost):
                await ctx.step("late", lambda: 1)
            raise

    def blocking(ctx: BlockingContext) -> None:
        events.append("begun")
        while not ctx.lost:
            let.wait(0.01)
        with pytest.raises(LeaseLost) as told:
            ctx.step("late", lambda: 1)
        events.append(f"LeaseLost: {told.value}")
        raise told.value

    async def body() -> None:
        handler = blocking if plain else handle
        async with bench(database) as app, working(database, handler, lease=timedelta(seconds=1)) as worker:
            execution = await app.enqueue(await app.workflow())
            await when(lambda: events, "it runs")
            await app.store.executions.cancel(execution)
            await when(lambda: worker.health().lost, "the heartbeat finds that")
            assert events[1].startswith("LeaseLost")
            assert await app.rows(execution) == {}
            assert (await app.get(execution)).status == "CANCELED"

    run(body())


def test_without_a_database_leases_are_taken_for_lost_before_they_end(database: str, server_url: str) -> None:
    stopped: list[float] = []
    begun: list[float] = []
    lease = 2.0

    async def handle(ctx: Context) -> None:
        begun.append(time.monotonic())
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            stopped.append(time.monotonic())
            raise

    async def body() -> None:
        with Proxy(as_role(database, Role.WORKER)) as proxy:
            async with (
                bench(database) as app,
                working(
                    proxy.url,
                    handle,
                    lease=timedelta(seconds=lease),
                    answer_timeout=timedelta(seconds=30),
                    drain_timeout=timedelta(0),
                ) as worker,
            ):
                await app.enqueue(await app.workflow(), queue="default")
                await when(lambda: begun, "it runs")
                proxy.refuse()
                proxy.stall()
                await when(lambda: stopped, "the handler is stopped")
                assert worker.health().last_error is None or worker.health().last_error
                assert stopped[0] - begun[0] <= 0.95 * lease + lease / 3 + 0.5
                for end in proxy._ends:  # so that the worker may end at once
                    end.close()

    run(body())


# --- connections --------------------------------------------------------------------------------------------


def test_a_half_open_socket_is_left_within_the_stated_time(database: str) -> None:
    """Every connection goes silent and none is closed: within the answer's time new ones do the work."""

    async def handle(ctx: Context) -> str:
        return await ctx.step("a", lambda: "done")

    async def body() -> None:
        with Proxy(as_role(database, Role.WORKER)) as proxy:
            async with (
                bench(database) as app,
                working(proxy.url, handle, answer_timeout=ANSWER, poll_interval=timedelta(seconds=30)) as worker,
            ):
                await when(lambda: worker.health().listening, "it listens")
                workflow = await app.workflow()
                await app.ended(await app.enqueue(workflow))
                proxy.stall()
                begin = time.monotonic()
                execution = await app.enqueue(workflow)
                await app.ended(execution)
                # the listener asks each half of the answer's time, and waits for it once; so does the claim
                assert time.monotonic() - begin < 2.5 * ANSWER.total_seconds() + 3
                await when(lambda: worker.health().listening, "it listens again")

    run(body())


def test_a_database_that_was_away_is_found_again_within_the_stated_time(database: str) -> None:
    begun: list[int] = []

    async def handle(ctx: Context) -> str:
        begun.append(1)
        await asyncio.sleep(1)
        return await ctx.step("a", lambda: "done")

    async def body() -> None:
        with Proxy(as_role(database, Role.WORKER)) as proxy:
            async with bench(database) as app, working(proxy.url, handle, poll_interval=HOUR) as worker:
                await when(lambda: worker.health().listening, "it listens")
                workflow = await app.workflow()
                execution = await app.enqueue(workflow)
                await when(lambda: begun, "it runs")
                proxy.down()
                missed = await app.enqueue(workflow)
                await when(lambda: worker.health().last_error, "it notices")
                await asyncio.sleep(4)  # so that its pauses grow
                proxy.up()
                back = time.monotonic()
                await app.ended(missed)  # which nobody has told it of
                assert time.monotonic() - back < 10 + 1
                found = await app.ended(execution)
                assert found.run_data == "done"
                await when(lambda: worker.health().listening, "it listens again")

    run(body())


def test_a_worker_that_is_stopped_before_there_is_a_database_ends() -> None:
    async def body() -> None:
        worker = Worker("postgresql://postgres@127.0.0.1:1/none", lambda ctx: None, handle_signals=False)
        task = asyncio.create_task(worker.run())
        await asyncio.sleep(0.2)
        worker.stop()
        await task

    run(body())


def test_killed_connections_lose_nothing_and_listening_goes_on(database: str, admin: Admin) -> None:
    kill = "pg_terminate_backend(pid)"
    done: list[int] = []

    async def handle(ctx: Context) -> int:
        for index in range(10):
            await ctx.step("a", lambda: 1, run_index=index)
            await asyncio.sleep(0.01)
        done.append(1)
        return ctx.attempt

    async def body() -> None:
        options: dict[str, Any] = {"concurrency": 20, "poll_interval": timedelta(seconds=30)}
        async with bench(database) as app, working(database, handle, **options) as worker:
            await when(lambda: worker.health().listening, "it listens")
            workflow = await app.workflow()
            ids = [await app.enqueue(workflow) for _ in range(40)]
            for least in (1, 10, 25):
                await when(lambda least=least: len(done) >= least, "some are done")  # type: ignore[misc]
                with psycopg.connect(database, autocommit=True) as killing:
                    await when(lambda: sessions(killing, kill) >= 2, "some are killed")
            for each in ids:
                assert (await app.ended(each)).status == "SUCCESS"
                assert len(await app.rows(each)) == 10
            await when(lambda: worker.health().listening, "it listens again")
            begin = time.monotonic()
            await app.ended(await app.enqueue(workflow))
            assert time.monotonic() - begin < 10  # it was told: the next poll is later

    run(body())


def test_a_pool_that_handlers_have_exhausted_takes_no_lease(database: str) -> None:
    seen: list[str] = []

    async def handle(ctx: Context) -> int:
        if "wants" in ctx.metadata:
            try:
                await ctx.store.workflows.page(before_id=ctx.execution_id, limit=1)
            except DatabaseUnavailable as error:
                seen.append(str(error))
                raise
        async with ctx.store.transaction():
            await ctx.step("a", lambda: 1)
            await asyncio.sleep(2.5)
        return ctx.attempt

    async def body() -> None:
        options: dict[str, Any] = {"handler_connections": 1, "answer_timeout": ANSWER, "lease": timedelta(seconds=1)}
        async with bench(database) as app, working(database, handle, **options) as worker:
            workflow = await app.workflow()
            holding = await app.enqueue(workflow)
            await when(lambda: worker.health().running, "it holds the connection")
            wanting = await app.enqueue(workflow, metadata={"wants": 1})
            assert (await app.ended(holding)).run_data == 1
            assert (await app.ended(wanting)).run_data >= 2
            assert "no connection to the database within 1 s" in seen[0]
            assert worker.health().lost == 0

    run(body())


def test_a_store_of_ones_own_is_what_handlers_get(database: str) -> None:
    async def body() -> None:
        async with bench(database) as app, await connect(database, role=Role.WORKER) as store:

            async def handle(ctx: Context) -> bool:
                return ctx.store is store

            async with working(store, handle):
                assert (await app.ended(await app.enqueue(await app.workflow()))).run_data is True
            assert await store.workflows.page(before_id=store.tenant_id, limit=1) is not None

    run(body())


def test_a_worker_waits_for_a_database_only_so_long(database: str) -> None:
    nowhere = "postgresql://postgres@127.0.0.1:1/none"

    async def body() -> None:
        worker = Worker(nowhere, lambda ctx: None, start_patience=timedelta(milliseconds=300), handle_signals=False)
        with pytest.raises(DatabaseUnavailable):
            await worker.run()
        with pytest.raises(NotFound):
            await Worker(database, lambda ctx: None, tenant="nobody", handle_signals=False).run()

    run(body())


# --- notifications ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("listen", [True, False], ids=["told", "polling"])
def test_new_work_is_found_by_notification_or_by_polling(listen: bool, database: str) -> None:
    async def handle(ctx: Context) -> None:
        return None

    async def body() -> None:
        poll = timedelta(seconds=50 if listen else 0.05)
        async with bench(database) as app, working(database, handle, listen=listen, poll_interval=poll) as worker:
            if listen:
                await when(lambda: worker.health().listening, "it listens")
            assert worker.health().listening == listen
            workflow = await app.workflow()
            for _ in range(3):
                await app.ended(await app.enqueue(workflow))

    run(body())


def test_a_crowd_of_notifications_is_few_claims(database: str) -> None:
    async def body() -> None:
        async with bench(database) as app:
            workflow = await app.workflow()

            async def handle(ctx: Context) -> None:
                return None

            async with working(database, handle, poll_interval=timedelta(seconds=50), concurrency=50) as worker:
                await when(lambda: worker.health().listening, "it listens")
                claims = 0
                last = worker.health().last_successful_claim_at

                def counted() -> bool:
                    nonlocal claims, last
                    now = worker.health().last_successful_claim_at
                    claims, last = claims + (now != last), now
                    return worker.health().finished == 50

                await asyncio.gather(*(app.enqueue(workflow) for _ in range(50)))
                await when(counted, "all are done")
                assert claims < 50

    run(body())


# --- stopping -----------------------------------------------------------------------------------------------

PROGRAM = """
import asyncio, sys
from datetime import timedelta
from wfstore.worker import run_worker

async def handle(ctx):
    await ctx.step("begun", lambda: True)
    await asyncio.sleep(float(ctx.metadata["seconds"]))
    return "drained" if ctx.draining else "done"

def plain(ctx):
    import time
    ctx.step("begun", lambda: True)
    time.sleep(float(ctx.metadata["seconds"]))

health = run_worker(None, choose=lambda lease: plain if lease.metadata.get("plain") else handle,
                    lease=timedelta(seconds=60), drain_timeout=timedelta(seconds=20))
print(health.finished, health.released, health.failed)
"""


@pytest.mark.parametrize(
    ("number", "times", "seconds", "plain"),
    [
        (signal.SIGTERM, 1, 1.5, False),
        (signal.SIGINT, 1, 1.5, True),
        (signal.SIGTERM, 2, 300, False),
        (signal.SIGINT, 2, 300, True),
    ],
    ids=["drained", "drained thread", "at once", "at once, thread"],
)
def test_signals_drain_the_worker_and_leases_that_are_left_are_handed_back(
    number: signal.Signals, times: int, seconds: float, plain: bool, database: str
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(database),
    )

    async def body() -> None:
        async with bench(database) as app:
            execution = await app.enqueue(await app.workflow(), metadata={"seconds": seconds, "plain": plain})

            async def begun() -> bool:
                assert process.poll() is None, process.communicate()
                return bool(await app.rows(execution))

            await when(begun, "it runs")
            for _ in range(times):
                os.kill(process.pid, number)
                await asyncio.sleep(0.2)
            stdout, stderr = await asyncio.to_thread(process.communicate, timeout=40)
            assert (process.returncode, stdout.strip()) == (0, "1 0 0" if times == 1 else "0 1 0"), stderr
            found = await app.get(execution)
            if times == 1:
                assert (found.status, found.run_data) == ("SUCCESS", None if plain else "drained")
                return
            entry = await app.store.executions.get_queue_entry(execution_id=execution)
            assert (entry.failures, entry.worker_id) == (0, None)

            async def handle(ctx: Context) -> str:
                return f"attempt {ctx.attempt}"

            async with working(database, handle):
                assert (await app.ended(execution)).run_data == "attempt 2"

    run(body())


@pytest.mark.parametrize("how", ["silent", "down"])
def test_without_a_database_it_stops_all_the_same(how: str, database: str) -> None:
    async def handle(ctx: Context) -> None:
        for index in range(10_000):
            await ctx.step("a", lambda: 1, run_index=index)
            await asyncio.sleep(0.01)

    async def body() -> None:
        with Proxy(as_role(database, Role.WORKER)) as proxy:
            async with bench(database) as app:
                worker = Worker(proxy.url, handle, answer_timeout=ANSWER, handle_signals=False)
                task = asyncio.create_task(worker.run())
                execution = await app.enqueue(await app.workflow())
                await when(lambda: worker.health().running, "it runs")
                if how == "down":
                    proxy.down()
                else:
                    proxy.refuse()
                    proxy.stall()
                begin = time.monotonic()
                worker.stop(at_once=True)
                await task
                assert time.monotonic() - begin < 30
                await app.store.executions.cancel(execution)

    run(body())


def test_a_worker_that_is_cancelled_hands_its_leases_back(database: str) -> None:
    async def body() -> None:
        async with bench(database) as app:
            begun = asyncio.Event()

            async def handle(ctx: Context) -> None:
                begun.set()
                await asyncio.Event().wait()

            worker = Worker(database, handle, handle_signals=False)
            task = asyncio.create_task(worker.run())
            execution = await app.enqueue(await app.workflow())
            await begun.wait()
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled()
            entry = await app.store.executions.get_queue_entry(execution_id=execution)
            assert (entry.failures, entry.worker_id, entry.status) == (0, None, "WAITING")
            assert worker.health().released == 1
            await app.store.executions.cancel(execution)

    run(body())
