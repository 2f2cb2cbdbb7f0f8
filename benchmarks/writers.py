"""Group commit by the names that wfstore gives it: the one place that knows them."""

from __future__ import annotations

from collections.abc import Awaitable, Collection
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from importlib import import_module
from typing import Any, Protocol
from uuid import UUID

from benchmarks.model import NotRun
from wfstore import NodeResult, Store
from wfstore.aio import AsyncStore


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


def async_writer(store: AsyncStore, tenants: Collection[UUID] = ()) -> AbstractAsyncContextManager[AsyncWriter]:
    """A group writer for tasks; with `tenants`, for executions of theirs too."""
    module: Any = import_module("wfstore.aio.group_commit")
    if hasattr(module, "AsyncGroupWriter"):
        found: AbstractAsyncContextManager[AsyncWriter] = module.AsyncGroupWriter(store, tenants=tenants)
        return found
    if tenants:
        raise NotRun("there is no group commit for many tenants yet")
    only_results: AbstractAsyncContextManager[AsyncWriter] = module.AsyncResultWriter(store)
    return only_results


def writer(store: Store) -> AbstractContextManager[Writer]:
    """A group writer for threads."""
    try:
        module: Any = import_module("wfstore.sync.group_commit")
    except ModuleNotFoundError:
        raise NotRun("there is no group commit for threads yet") from None
    found: AbstractContextManager[Writer] = module.GroupWriter(store)
    return found
