"""Group commit by the names that wfstore gives it: the one place that knows them."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Protocol
from uuid import UUID

from wfstore import GroupWriter, NodeResult, Store
from wfstore.aio import AsyncGroupWriter, AsyncStore

AsyncWriter = AsyncGroupWriter


class Writer(Protocol):
    """What stores a thread's result: a group writer, or `store.node_executions`."""

    def record(self, result: NodeResult) -> None:
        """Store a result; durable when it returns."""
        ...


def async_writer(store: AsyncStore, tenants: Collection[UUID] = ()) -> AbstractAsyncContextManager[AsyncWriter]:
    """A group writer for tasks; with `tenants`, for executions of theirs too."""
    return AsyncGroupWriter(store, tenants=tenants)


def writer(store: Store) -> AbstractContextManager[Writer]:
    """A group writer for threads."""
    return GroupWriter(store)
