"""Which handler runs an execution, and how it is called."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias
from uuid import UUID

from wfstore.errors import InvalidInput
from wfstore.leases import ClaimedExecution
from wfstore.worker.blocking import BlockingContext
from wfstore.worker.context import Context

Handler: TypeAlias = Callable[[Context], Awaitable[Any]] | Callable[[BlockingContext], Any]
"""Runs one execution: async, or a plain function, which gets a thread of its own. What it returns
is kept as `run_data`; one that returns an `Ending` says itself how the execution ends, and when."""

Choose: TypeAlias = Callable[[ClaimedExecution], Handler | None]
"""Names the handler of an execution that was claimed; None: there is none here."""


def chooser(handlers: Handler | Mapping[UUID, Handler] | None, choose: Choose | None) -> Choose:
    """Return the function that names handlers.

    Raises:
        InvalidInput: there is no handler, or two ways to name one.
    """
    if (handlers is None) == (choose is None):
        raise InvalidInput(
            "a worker has handlers, or a function that chooses one",
            hint="Name a handler for all executions, a mapping by workflow id, or choose=.",
        )
    if choose is not None:
        return choose
    if isinstance(handlers, Mapping):
        by_workflow = dict(handlers)
        return lambda lease: by_workflow.get(lease.workflow_id)
    if not callable(handlers):
        raise InvalidInput(f"a handler is a function of a context, not {handlers!r}")
    only = handlers
    return lambda _: only


def is_async(handler: Handler) -> bool:
    """Whether a handler runs on the event loop."""
    # an object that is called like a function says so with its class
    return inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(type(handler).__call__)
