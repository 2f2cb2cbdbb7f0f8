"""What a plain handler is given: the same context, with calls that block the handler's thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from datetime import datetime, timedelta
from queue import SimpleQueue
from typing import Any, TypeVar
from uuid import UUID

from wfstore.leases import DEFAULT_QUEUE, NodeResult
from wfstore.models import Execution, WorkflowVersion
from wfstore.vocabulary import NodeStatus, NodeType
from wfstore.worker.context import Context, Facts
from wfstore.worker.journal import Journal, Step
from wfstore.worker.results import as_json
from wfstore.worker.steps import Call, run_step

T = TypeVar("T")
_Handed = tuple[Callable[[], Any], "asyncio.Future[Any]"]


class BlockingContext(Facts):
    """One execution under its lease, for a handler that is a plain function and runs in a thread of its own.

    The methods are those of `Context` and mean the same. When the lease is gone nothing can interrupt the thread:
    `lost` turns true, and every call raises LeaseLost. A long computation should look at `lost` now and then.
    """

    def __init__(self, journal: Journal, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(journal)
        self._context = Context(journal)
        self._loop = loop

    def workflow(self) -> WorkflowVersion:
        """Return the version of the workflow that runs, with its document."""
        return self._wait(self._context.workflow())

    def step(
        self,
        node_id: str,
        fn: Callable[[], T],
        *,
        node_type: NodeType | None = None,
        run_index: int = 0,
        input: Any = None,
        max_retries: int | None = None,
        retry_wait: timedelta | None = None,
    ) -> T:
        """Run `fn` in this thread, once in all attempts; as `Context.step`."""
        step = Step(node_id, run_index, node_type, as_json(input, "the input"), max_retries, retry_wait)
        result: T = self._drive(lambda call: run_step(self._journal, step, fn, call))
        return result

    def record(self, result: NodeResult) -> None:
        """Store a node's run of the handler's own making; as `Context.record`."""
        self._wait(self._context.record(result))

    def recorded(self) -> dict[tuple[str, int], NodeStatus]:
        """Return how each node's run stands that is stored; as `Context.recorded`."""
        return self._wait(self._context.recorded())

    def sleep(
        self, node_id: str, duration: timedelta | None = None, *, until: datetime | None = None, run_index: int = 0
    ) -> None:
        """Wait for a time; as `Context.sleep`."""
        self._wait(self._context.sleep(node_id, duration, until=until, run_index=run_index))

    def wait_signal(
        self, name: str, *, node_id: str | None = None, timeout: timedelta | None = None, run_index: int = 0
    ) -> Any:
        """Wait for a signal; as `Context.wait_signal`."""
        return self._wait(self._context.wait_signal(name, node_id=node_id, timeout=timeout, run_index=run_index))

    def start_child(
        self, workflow_id: UUID, *, node_id: str, run_index: int = 0, queue: str = DEFAULT_QUEUE, **facts: Any
    ) -> UUID:
        """Start an execution of another workflow; as `Context.start_child`."""
        return self._wait(
            self._context.start_child(workflow_id, node_id=node_id, run_index=run_index, queue=queue, **facts)
        )

    def wait_children(self) -> list[Execution]:
        """Wait until all children have ended; as `Context.wait_children`."""
        return self._wait(self._context.wait_children())

    def _wait(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a call on the worker's loop; this thread waits."""
        self._check(coroutine)
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def _drive(self, make: Callable[[Call], Coroutine[Any, Any, Any]]) -> Any:
        """Run a call on the worker's loop, and in this thread what it hands back."""
        handed: SimpleQueue[_Handed | None] = SimpleQueue()

        async def here(function: Callable[[], Any]) -> Any:
            answer: asyncio.Future[Any] = self._loop.create_future()
            handed.put((function, answer))
            return await answer

        coroutine = make(here)
        self._check(coroutine)
        outcome = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        outcome.add_done_callback(lambda _: handed.put(None))
        while (item := handed.get()) is not None:
            function, answer = item
            answering(self._loop, answer, function)
        return outcome.result()

    def _check(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        """Begin no call for a lease that is gone: its loop may be closed."""
        try:
            self._journal.holding.check()
        except BaseException:
            coroutine.close()
            raise


def answering(loop: asyncio.AbstractEventLoop, answer: asyncio.Future[Any], function: Callable[[], Any]) -> None:
    """Run a function in this thread and tell the loop what came of it, if anybody there still wants to know."""
    value: Any = None
    error: BaseException | None = None
    try:
        value = function()
    except (StopIteration, SystemExit, KeyboardInterrupt) as stop:  # no future takes the one, and no loop the others
        error = RuntimeError(f"the function raised {type(stop).__name__}: {stop}")
    except BaseException as raised:
        error = raised

    def settle() -> None:
        if answer.done():
            return
        if error is None:
            answer.set_result(value)
        else:
            answer.set_exception(error)

    with suppress(RuntimeError):  # the loop is closed: the worker has ended before its thread
        loop.call_soon_threadsafe(settle)


def in_thread(function: Callable[[], Any], name: str) -> Awaitable[Any]:
    """Run a function in a thread of its own, which does not keep the process from ending."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[Any] = loop.create_future()
    threading.Thread(target=answering, args=(loop, answer, function), name=name, daemon=True).start()
    return answer
