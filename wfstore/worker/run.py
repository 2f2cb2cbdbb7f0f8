"""One execution in its handler, from the claim to its end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from wfstore.aio.group_commit import AsyncGroupWriter
from wfstore.errors import LeaseLost
from wfstore.leases import Ending, Failure
from wfstore.vocabulary import ExecutionStatus
from wfstore.worker import faults
from wfstore.worker.blocking import BlockingContext, in_thread
from wfstore.worker.context import Context
from wfstore.worker.errors import Retry, Suspended
from wfstore.worker.handlers import Choose, is_async
from wfstore.worker.health import Health
from wfstore.worker.holding import Holding
from wfstore.worker.journal import Journal, Surroundings
from wfstore.worker.results import Results, as_json

_log = logging.getLogger("wfstore.worker")


class Run:
    """An execution in its handler."""

    def __init__(self, holding: Holding, around: Surroundings, writer: AsyncGroupWriter, health: Health) -> None:
        self.holding = holding
        self.is_ending = False
        """Whether its end is being written: a heartbeat that does not find it any more means nothing."""
        self.has_ended = False
        """Whether nothing of its lease is left."""
        self._journal = Journal(holding, Results(holding, around.store, writer), around)
        self._writer = writer
        self._health = health
        self._handling: asyncio.Future[Any] | None = None
        self._in_thread = False
        self._is_handed_back = False

    def stop(self, reason: str) -> None:
        """Take the lease for gone: an async handler is cancelled, one in a thread finds out at its next call."""
        if self.is_ending or self.holding.lost.is_set():
            return
        self.holding.lose(reason)
        if self._handling is not None and not self._in_thread:
            self._handling.cancel(f"LeaseLost: {reason}")

    def hand_back(self) -> None:
        """Stop it, as the worker stops; its lease goes back and is not counted as lost."""
        self._is_handed_back = True
        self.stop("the worker stops")

    @property
    def can_be_stopped(self) -> bool:
        """Whether its handler ends soon after `stop`; a thread ends when it likes."""
        return not self._in_thread

    async def run(self, choose: Choose) -> None:
        """Run the handler and write what came of it."""
        try:
            value = await self._handle(choose)
        except asyncio.CancelledError:
            if not self.holding.lost.is_set():
                if _is_cancelling():
                    raise
                await self._failed(Retry("the handler cancelled itself"))
        except Suspended:
            pass
        except BaseExceptionGroup as group:
            await self._failed(_foremost(group))
        except Exception as error:
            await self._failed(error)
        else:
            await self._finished(value)
        self._count()

    def _count(self) -> None:
        if self.holding.suspended:
            self._health.suspended += 1
        elif self.holding.lost.is_set() and not self._is_handed_back:
            self._health.lost += 1

    async def _handle(self, choose: Choose) -> Any:
        handler = choose(self.holding.lease)
        if handler is None:
            raise Retry(f"this worker has no handler for workflow {self.holding.lease.workflow_id}")
        self._handling = self._begin(handler)
        try:
            return await self._handling
        finally:
            self._journal.closed = True

    def _begin(self, handler: Any) -> asyncio.Future[Any]:
        if is_async(handler):
            coroutine: Awaitable[Any] = handler(Context(self._journal))
            return asyncio.ensure_future(coroutine)
        self._in_thread = True
        blocking = BlockingContext(self._journal, asyncio.get_running_loop())
        name = f"wfstore-{self.holding.lease.execution_id}"
        return asyncio.ensure_future(in_thread(lambda: handler(blocking), name))

    async def _finished(self, value: Any) -> None:
        try:
            ending = self._ending(value)
            await self._end(lambda: self._writer.finish(ending))
        except LeaseLost:
            return
        except Exception as error:  # it cannot be stored: as bad as a handler that fails
            await self._failed(error)
            return
        self._health.finished += 1

    def _ending(self, value: Any) -> Ending:
        if isinstance(value, Ending):
            return value
        return Ending(
            lease=self.holding.lease,
            status=ExecutionStatus.SUCCESS,
            end_time=self._journal.milliseconds(),
            run_data=as_json(value, "what the handler returned"),
        )

    async def _failed(self, error: BaseException) -> None:
        if self.holding.lost.is_set() or isinstance(error, LeaseLost | Suspended):
            return
        _log.warning("execution %s failed: %s", self.holding.lease.execution_id, faults.message(error))
        failure = Failure(
            lease=self.holding.lease,
            error_message=faults.message(error),
            error_details=faults.details(error),
            retry=not isinstance(error, self._journal.around.permanent),
            wait=error.wait if isinstance(error, Retry) else None,
        )
        try:
            await self._end(lambda: self._writer.fail(failure))
        except LeaseLost:
            return
        self._health.failed += 1

    async def _end(self, write: Callable[[], Awaitable[object]]) -> None:
        """Write the end; LeaseLost if the lease was not held any more."""
        self.is_ending = True
        try:
            await self.holding.insist(write)
        finally:
            self.is_ending = False
        self.has_ended = True


def _is_cancelling() -> bool:
    """Whether this task itself is being cancelled, rather than the handler that it waited for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _foremost(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the error of a group that tells most: a lost lease or a suspension makes the others of no account."""
    found: list[BaseException] = []
    pending: list[BaseException] = [group]
    while pending:
        error = pending.pop(0)
        if isinstance(error, BaseExceptionGroup):
            pending += error.exceptions
        else:
            found.append(error)
    first = [each for each in found if isinstance(each, LeaseLost | Suspended)]
    return (first or found)[0]
