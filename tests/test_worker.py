"""The worker loop: handlers, steps, retries, endings."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from tests.executionkit import Admin, cloned
from tests.workerkit import bench, run, when, working
from wfstore import Store
from wfstore.errors import InvalidInput, LeaseLost
from wfstore.leases import RetryPolicy
from wfstore.worker import BlockingContext, Context, PermanentError, Retry, StepFailed, Worker
from wfstore.worker.claiming import Claimer
from wfstore.worker.health import Health
from wfstore.worker.settings import Settings


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


# --- what is not run again ----------------------------------------------------------------------------------


def test_a_step_that_is_stored_is_not_run_again_in_a_later_attempt(database: str) -> None:
    ran: list[str] = []

    async def handle(ctx: Context) -> list[Any]:
        def note(name: str) -> str:
            ran.append(name)
            return f"{name} of attempt {ctx.attempt}"

        first = [await ctx.step("a", lambda: note("a")), await ctx.step("b", lambda: note("b0"))]
        again = [await ctx.step("b", lambda: note("b1"), run_index=1), await ctx.step("b", lambda: note("never"))]
        if ctx.attempt < 3:
            raise RuntimeError(f"attempt {ctx.attempt}")
        assert set(await ctx.recorded()) == {("a", 0), ("b", 0), ("b", 1)}
        return first + again

    async def body() -> None:
        async with bench(database) as app, working(database, handle) as worker:
            execution = await app.enqueue(await app.workflow(), retry=QUICK)
            found = await app.ended(execution)
            assert found.run_data == [f"{name} of attempt 1" for name in ("a", "b0", "b1", "b0")]
            await when(lambda: worker.health().finished, "it is counted")
            assert (worker.health().failed, worker.health().claimed) == (2, 3)

    run(body())
    assert ran == ["a", "b0", "b1"]


def test_steps_run_side_by_side(database: str) -> None:
    async def handle(ctx: Context) -> list[int]:
        barrier = asyncio.Barrier(20)

        async def one(number: int) -> int:
            await barrier.wait()
            return number

        return await asyncio.gather(*(ctx.step(f"n{each}", partial(one, each)) for each in range(20)))

    async def body() -> None:
        async with bench(database) as app, working(database, handle):
            execution = await app.enqueue(await app.workflow())
            assert (await app.ended(execution)).run_data == list(range(20))
            assert len(await app.rows(execution)) == 20

    run(body())


def test_the_results_that_a_retry_took_over_count(database: str) -> None:
    ran: list[str] = []

    async def handle(ctx: Context) -> list[Any]:
        def note(node: str) -> str:
            ran.append(node)
            return node

        return [await ctx.step(node, partial(note, node)) for node in ("a", "b")]

    async def body() -> None:
        async with bench(database) as app, working(database, handle):
            workflow = (
                await app.store.workflows.add(
                    {
                        "name": "two",
                        "nodes": [{"node_id": each, "name": each, "node_type": "ACTION"} for each in "ab"],
                        "connections": [{"source_node_id": "a", "target_node_id": "b"}],
                    }
                )
            ).id
            first = await app.enqueue(workflow)
            await app.ended(first)
            second = await app.store.executions.retry(first, from_node="b")
            assert (await app.ended(second.execution_id)).run_data == ["a", "b"]

    run(body())
    assert ran == ["a", "b", "b"]


# --- errors -------------------------------------------------------------------------------------------------


def test_a_node_is_repeated_as_its_version_says_and_counts_in_its_row(database: str) -> None:
    tried: list[int] = []

    async def handle(ctx: Context) -> Any:
        def sometimes() -> str:
            tried.append(ctx.attempt)
            if len(tried) < 3:
                raise ConnectionError("no answer")
            return "at last"

        return await ctx.step("a", sometimes)

    async def body() -> None:
        async with bench(database) as app, working(database, handle):
            workflow = await app.workflow({"node_id": "a", "max_retries": 2, "retry_wait_time": 1})
            execution = await app.enqueue(workflow)
            assert (await app.ended(execution)).run_data == "at last"
            row = (await app.rows(execution))["a", 0]
            assert (row.status, row.retry_count, row.max_retries, row.error_data) == ("SUCCESS", 2, 2, None)

    run(body())
    assert tried == [1, 1, 1]


def test_a_long_rest_between_retries_suspends_the_execution(database: str) -> None:
    tried: list[int] = []

    async def handle(ctx: Context) -> Any:
        def sometimes() -> str:
            tried.append(ctx.attempt)
            if len(tried) < 3:
                raise ConnectionError("no answer")
            return "at last"

        return await ctx.step("a", sometimes, max_retries=5, retry_wait=timedelta(milliseconds=30))

    async def body() -> None:
        async with bench(database) as app, working(database, handle, longest_pause=timedelta(0)) as worker:
            execution = await app.enqueue(await app.workflow())
            found = await app.ended(execution)
            assert (found.run_data, (await app.rows(execution))["a", 0].retry_count) == ("at last", 2)
            assert (worker.health().suspended, worker.health().failed) == (2, 0)

    run(body())
    assert tried == [1, 2, 3]


def test_the_error_of_a_step_is_final_and_gives_the_execution_up(database: str) -> None:
    tried: list[int] = []

    def handle(ctx: BlockingContext) -> None:
        def fail() -> None:
            tried.append(ctx.attempt)
            raise ValueError("bad \0 value")

        ctx.step("a", fail, max_retries=1)

    async def body() -> None:
        async with bench(database) as app, working(database, handle):
            execution = await app.enqueue(await app.workflow())
            found = await app.ended(execution)
            assert found.status == "ERROR"
            assert found.error_message == "node 'a' failed: ValueError: bad \\0 value"
            assert found.error_details["type"] == "StepFailed"
            row = (await app.rows(execution))["a", 0]
            assert (row.status, row.retry_count) == ("ERROR", 1)
            assert row.error_data == {"type": "ValueError", "message": "bad \\0 value", "tries": 2}
            dead = await app.store.dead_letters.get(execution_id=execution)
            assert (dead.failures, dead.reason) == (1, found.error_message)

    run(body())
    assert tried == [1, 1]


def test_a_handler_that_catches_a_failed_step_finds_it_failed_again(database: str) -> None:
    ran: list[str] = []

    async def handle(ctx: Context) -> str:
        def fail() -> None:
            ran.append("a")
            raise PermanentError("no")

        try:
            await ctx.step("a", fail, max_retries=9)
        except StepFailed as failed:
            assert (failed.node_id, failed.run_index, failed.error_data["type"]) == ("a", 0, "PermanentError")
        else:
            raise AssertionError
        if ctx.attempt == 1:
            raise Retry(wait=timedelta(0))
        return await ctx.step("other way", lambda: "done")

    async def body() -> None:
        async with bench(database) as app, working(database, handle):
            execution = await app.enqueue(await app.workflow())
            assert (await app.ended(execution)).run_data == "done"

    run(body())
    assert ran == ["a"]


@pytest.mark.parametrize("error", [PermanentError("never"), KeyError("declared"), InvalidInput("bad")], ids=repr)
def test_after_a_permanent_error_nothing_is_tried_again(error: Exception, database: str) -> None:
    async def handle(ctx: Context) -> None:
        raise error

    async def body() -> None:
        async with bench(database) as app, working(database, handle, permanent=[KeyError]):
            execution = await app.enqueue(await app.workflow())
            found = await app.ended(execution)
            assert found.status == "ERROR"
            assert str(error) in found.error_message
            assert "raise error" in found.error_details["traceback"]

    run(body())


def test_an_attempt_is_tried_again_as_the_policy_says(database: str) -> None:
    attempts: list[int] = []

    async def handle(ctx: Context) -> None:
        attempts.append(ctx.attempt)
        raise OSError("again")

    async def body() -> None:
        async with bench(database) as app, working(database, handle):
            execution = await app.enqueue(await app.workflow(), retry=RetryPolicy(max_attempts=3, wait=timedelta(0)))
            found = await app.ended(execution)
            assert (found.status, found.error_message) == ("ERROR", "OSError: again")

    run(body())
    assert attempts == [1, 2, 3]


def test_a_retry_raised_in_a_step_leaves_no_result(database: str) -> None:
    async def handle(ctx: Context) -> str:
        def later() -> str:
            if ctx.attempt == 1:
                raise Retry("not yet", wait=timedelta(0))
            return "now"

        return await ctx.step("a", later)

    async def body() -> None:
        async with bench(database) as app, working(database, handle):
            execution = await app.enqueue(await app.workflow())
            assert (await app.ended(execution)).run_data == "now"
            assert (await app.rows(execution))["a", 0].retry_count == 0

    run(body())


@pytest.mark.parametrize("value", [object(), "a\0b", {1: 2}, "\ud800"], ids=["object", "NUL", "keys", "surrogate"])
def test_what_cannot_be_stored_fails_its_own_execution_only(value: Any, database: str) -> None:
    async def returning(ctx: Context) -> Any:
        return value if "bad" in ctx.metadata else 1

    async def stepping(ctx: Context) -> Any:
        return await ctx.step("a", lambda: value if "bad" in ctx.metadata else 1)

    async def body() -> None:
        for handle in (returning, stepping):
            async with bench(database) as app, working(database, handle):
                workflow = await app.workflow()
                bad = await app.enqueue(workflow, metadata={"bad": True})
                good = [await app.enqueue(workflow) for _ in range(5)]
                assert (await app.ended(bad)).status == "ERROR"
                assert {(await app.ended(each)).status for each in good} == {"SUCCESS"}

    run(body())


# --- claims -------------------------------------------------------------------------------------------------


def test_runs_that_end_all_the_time_do_not_put_off_the_next_look_at_the_queue() -> None:
    claims: list[int] = []

    class Executions:
        async def claim(self, **facts: Any) -> list[Any]:
            claims.append(facts["limit"])
            return []

    class Stub:
        executions = Executions()

    async def body() -> None:
        settings = Settings(poll_interval=timedelta(milliseconds=100))
        claimer = Claimer(
            Stub(),  # type: ignore[arg-type]
            settings,
            Health(worker_id="w"),
            room=lambda: 3,
            begin=lambda lease, until: None,
        )
        task = asyncio.create_task(claimer.run())

        async def enough() -> bool:
            claimer.make_room()
            return len(claims) >= 4

        await when(enough, "it looks again and again")
        claimer.stop()
        await task

    run(body())
    assert set(claims) == {3}


# --- who runs what ------------------------------------------------------------------------------------------


def test_handlers_by_workflow_and_by_choice(database: str) -> None:
    async def one(ctx: Context) -> str:
        return "one"

    def two(ctx: BlockingContext) -> str:
        return "two"

    async def body() -> None:
        async with bench(database) as app:
            first, second, third = [await app.workflow() for _ in range(3)]
            async with working(database, {first: one, second: two}):
                ids = [await app.enqueue(each, retry=RetryPolicy(max_attempts=1)) for each in (first, second, third)]
                found = [await app.ended(each) for each in ids]
                assert [each.run_data for each in found] == ["one", "two", None]
                assert f"no handler for workflow {third}" in found[2].error_message
            async with working(database, choose=lambda lease: one if lease.metadata.get("one") else two):
                assert (await app.ended(await app.enqueue(first, metadata={"one": 1}))).run_data == "one"
                assert (await app.ended(await app.enqueue(first))).run_data == "two"

    run(body())


@pytest.mark.parametrize(
    "options",
    [
        {"handlers": None},
        {"choose": lambda _: None},
        {"handlers": 7},
        {"queues": []},
        {"queues": [""]},
        {"concurrency": 0},
        {"lease": timedelta(0)},
        {"poll_interval": timedelta(seconds=-1)},
        {"drain_timeout": timedelta(seconds=-1)},
    ],
    ids=lambda options: next(iter(options)),
)
def test_what_makes_no_sense_is_refused_before_anything_is_connected(options: dict[str, Any]) -> None:
    given: dict[str, Any] = {"handlers": lambda ctx: None} | options
    with pytest.raises(InvalidInput):
        Worker("postgresql://nowhere", **given)


def test_no_more_run_than_there_is_room_for_and_queues_take_turns(database: str) -> None:
    running: set[str] = set()
    most = 0
    served: list[str] = []

    async def handle(ctx: Context) -> None:
        nonlocal most
        running.add(str(ctx.execution_id))
        served.append(ctx.metadata["queue"])
        most = max(most, len(running))
        await asyncio.sleep(0.001)
        running.discard(str(ctx.execution_id))

    async def body() -> None:
        async with bench(database) as app:
            workflow = await app.workflow()
            ids = [
                await app.enqueue(workflow, queue=queue, metadata={"queue": queue})
                for queue in ("x", "y")
                for _ in range(15)
            ]
            async with working(database, handle, queues=["x", "y"], concurrency=3):
                for each in ids:
                    await app.ended(each)

    run(body())
    assert most == 3
    assert len(set(served[:12])) == 2


def test_the_same_node_twice_at_once_and_a_wait_inside_a_step_are_refused(database: str) -> None:
    async def handle(ctx: Context) -> list[str]:
        async def long() -> None:
            await asyncio.sleep(0)

        twice = await asyncio.gather(ctx.step("a", long), ctx.step("a", long), return_exceptions=True)

        async def waiting() -> None:
            await ctx.wait_signal("never")

        inside = await asyncio.gather(ctx.step("b", waiting), return_exceptions=True)
        return [str(each) for each in (*twice, *inside) if each]

    async def body() -> None:
        async with bench(database) as app, working(database, handle):
            found = await app.ended(await app.enqueue(await app.workflow()))
            assert "under way already" in found.run_data[0]
            assert "waits inside its step" in found.run_data[1]

    run(body())


def test_the_lease_that_a_cancel_takes_is_learned_at_the_next_write(database: str, store: Store, admin: Admin) -> None:
    seen: list[BaseException] = []

    async def handle(ctx: Context) -> None:
        try:
            await ctx.step("a", lambda: store.executions.cancel(ctx.execution_id) and None)
        except LeaseLost as error:
            seen.append(error)
            assert ctx.lost
            raise

    async def body() -> None:
        async with bench(database) as app, working(database, handle) as worker:
            execution = await app.enqueue(await app.workflow())
            assert (await app.ended(execution)).status == "CANCELED"
            await when(lambda: worker.health().lost, "it learns it")
            assert await app.rows(execution) == {}

    run(body())
    assert len(seen) == 1
