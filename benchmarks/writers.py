"""Group commit by the name that wfstore gives it: the one place that knows it."""

from __future__ import annotations

from collections.abc import Awaitable
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from importlib import import_module
from typing import Any, Protocol

from benchmarks.model import NotRun
from wfstore import NodeResult, Store
from wfstore.aio import AsyncStore
from wfstore.aio.group_commit import AsyncResultWriter


class AsyncWriter(Protocol):
    """What is used of the async writer."""

    def record(self, result: NodeResult) -> Awaitable[None]:
        """Store a result; durable when it returns."""
        ...


class Writer(Protocol):
    """What is used of the sync writer."""

    def record(self, result: NodeResult) -> None:
        """Store a result; durable when it returns."""
        ...


def async_writer(store: AsyncStore) -> AbstractAsyncContextManager[AsyncWriter]:
    """A group writer for tasks."""
    return AsyncResultWriter(store)


def writer(store: Store) -> AbstractContextManager[Writer]:
    """A group writer for threads."""
    try:
        module: Any = import_module("wfstore.sync.group_commit")
    except ModuleNotFoundError:
        raise NotRun("there is no group commit for threads yet") from None
    found: AbstractContextManager[Writer] = module.ResultWriter(store)
    return found
