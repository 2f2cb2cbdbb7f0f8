"""The worker loop: handlers, steps, retries, endings."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.executionkit import Admin, cloned
from tests.workerkit import bench, run, when, working
from wfstore import Store
from wfstore.errors import InvalidInput, LeaseLost
from wfstore.leases import RetryPolicy
from wfstore.vocabulary import NodeStatus
from wfstore.worker import BlockingContext, Context, PermanentError, Retry, StepFailed, Worker


@pytest.fixture(scope="module")
def database(server_url: str) -> Iterator[str]:
    with cloned(server_url) as url:
        yield url


QUICK = RetryPolicy(wait=timedelta(milliseconds=1))


def test_an_async_handler_runs_its_steps_and_ends(database: str) -> None:
    async def handle(ctx: Context) -> dict[str, Any]:
        one = await ctx.step("a", lambda: {"n": (1, 2)}, input={"in": 1})

        async def double() -> int:
            await asyncio.sleep(0)
            return len(one["n"]) * 2

        return {"two": await ctx.step("b", double), "one": one}

    async def body() -> None:
        async with bench(database) as app, working(database, handle) as worker:
            workflow = await app.workflow({"node_id": "a", "node_type": "TRIGGER"})
            execution = await app.enqueue(workflow, metadata={"m": 1})
            found = await app.ended(execution)
            assert (found.status, found.run_data) == ("SUCCESS", {"two": 4, "one": {"n": [1, 2]}})
            rows = await app.rows(execution)
            assert {key: (row.node_type, row.status, row.output_data) for key, row in rows.items()} == {
                ("a", 0): ("TRIGGER", "SUCCESS", {"n": [1, 2]}),
                ("b", 0): ("ACTION", "SUCCESS", 4),
            }
            assert rows["a", 0].input_data == {"in": 1}
            assert rows["a", 0].start_time <= rows["a", 0].end_time
            await when(lambda: not worker.health().running, "it is idle")
            assert (worker.health().claimed, worker.health().finished, worker.health().failed) == (1, 1, 0)

    run(body())


def test_a_plain_handler_runs_in_a_thread(database: str) -> None:
    threads = set()

    def handle(ctx: BlockingContext) -> int:
        threads.add(threading.current_thread())

        def work() -> int:
            threads.add(threading.current_thread())
            return 7

        return ctx.step("a", work)

    async def body() -> None:
        async with bench(database) as app, working(database, handle):
            execution = await app.enqueue(await app.workflow())
            assert (await app.ended(execution)).run_data == 7

    run(body())
    [only] = threads
    assert only is not threading.main_thread()
