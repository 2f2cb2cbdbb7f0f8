"""A step: its function runs until a result is final, and the result is durable before anybody sees it."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from wfstore.errors import DatabaseUnavailable, LeaseLost, OutcomeUnknown
from wfstore.vocabulary import NodeStatus, NodeType
from wfstore.worker.errors import Retry
from wfstore.worker.faults import error_data
from wfstore.worker.journal import Journal, Step, inside, outcome
from wfstore.worker.results import as_json

Call = Callable[[Callable[[], Any]], Awaitable[Any]]
"""Runs a step's function where it belongs: on the loop, or in the handler's thread."""

# No fault of the step's: the attempt fails, and the next one runs the step again.
_NOT_ITS_FAULT = (Retry, DatabaseUnavailable, OutcomeUnknown, LeaseLost)


async def run_step(journal: Journal, step: Step, function: Callable[[], Any], call: Call) -> Any:
    """Return a step's stored output, or run it, with its retries, and store what it returned."""
    with journal.working(step.key):
        stored = await journal.results.get(step.key)
        if stored is not None and stored.status.is_final:
            return outcome(step.key, stored)
        step = await journal.completed(step, NodeType.ACTION)
        tries = stored.retry_count if stored is not None else 0
        if stored is not None and tries and stored.end_time is not None:
            await _rest(journal, step, stored.end_time)
        while not await _try(journal, step, tries, function, call):
            tries += 1
            await _rest(journal, step, journal.milliseconds())
        return outcome(step.key, await journal.results.get(step.key))


async def _try(journal: Journal, step: Step, tries: int, function: Callable[[], Any], call: Call) -> bool:
    """Run the function once and store what came of it; return whether that is final."""
    begin = journal.milliseconds()
    try:
        async with journal.busy():
            value = await call(_inside(step.node_id, function))
        output = as_json(value, f"the output of node {step.node_id!r}")
        end = max(begin, journal.milliseconds())
        done = journal.result(step, NodeStatus.SUCCESS, begin, end_time=end, tries=tries, output_data=output)
        await journal.results.put(done)
    except _NOT_ITS_FAULT:
        raise
    except Exception as error:
        again = tries < (step.max_retries or 0) and not isinstance(error, journal.around.permanent)
        failed = journal.result(
            step,
            NodeStatus.WAITING if again else NodeStatus.ERROR,
            begin,
            end_time=max(begin, journal.milliseconds()),
            tries=tries + again,
            error_data=error_data(error, tries=tries + 1),
        )
        await journal.results.put(failed)
        if not again:
            _raise_from(journal, step, error, await journal.results.get(step.key))
        return False
    return True


def _raise_from(journal: Journal, step: Step, error: Exception, stored: Any) -> None:
    try:
        outcome(step.key, stored)
    except Exception as failed:
        raise failed from error


async def _rest(journal: Journal, step: Step, failed_at: int) -> None:
    wait = step.retry_wait or timedelta(0)
    await journal.rest(datetime.fromtimestamp(failed_at / 1000, UTC) + wait)


def _inside(node_id: str, function: Callable[[], Any]) -> Callable[[], Any]:
    """Mark that a step runs, so that a wait inside it is refused."""

    def marked() -> Any:
        token = inside.set(node_id)
        try:
            value = function()
        finally:
            inside.reset(token)
        return _awaited(node_id, value) if inspect.isawaitable(value) else value

    return marked


async def _awaited(node_id: str, value: Awaitable[Any]) -> Any:
    token = inside.set(node_id)
    try:
        return await value
    finally:
        inside.reset(token)


async def on_the_loop(function: Callable[[], Any]) -> Any:
    """Run a step's function here; one that is async is awaited."""
    value = function()
    return await value if inspect.isawaitable(value) else value
