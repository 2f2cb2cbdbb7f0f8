"""The node results of one execution: what an earlier attempt has stored, and what this one adds."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from wfstore.aio.group_commit import AsyncGroupWriter
from wfstore.aio.store import AsyncStore
from wfstore.errors import InvalidInput
from wfstore.leases import NodeResult
from wfstore.models import NodeExecution
from wfstore.vocabulary import NodeStatus
from wfstore.worker.holding import Holding

Key = tuple[str, int]
"""A node's id and its run_index."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A node's run as the database has it."""

    status: NodeStatus
    retry_count: int = 0
    start_time: int | None = None
    end_time: int | None = None
    """Unix milliseconds."""
    input_data: Any = None
    output_data: Any = None
    error_data: Any = None


class Results:
    """The results of one execution, under its lease."""

    def __init__(self, holding: Holding, store: AsyncStore, writer: AsyncGroupWriter) -> None:
        self._holding = holding
        self._store = store
        self._writer = writer
        self._known: dict[Key, Stored] = {}
        self._reading = asyncio.Lock()
        # a first attempt of an execution that repeats no other finds nothing: it need not ask
        self._read = holding.lease.attempt == 1 and holding.lease.retry_of_execution_id is None

    async def get(self, key: Key) -> Stored | None:
        """Return what is stored of a node's run."""
        return (await self.all()).get(key)

    async def all(self) -> Mapping[Key, Stored]:
        """Return what is stored."""
        if not self._read:
            async with self._reading:
                if not self._read:
                    await self._holding.insist(self._read_all)
                    self._read = True
        return self._known

    async def put(self, result: NodeResult) -> None:
        """Store a node's run; it is durable when this returns, whatever happened to the database meanwhile.

        Raises:
            LeaseLost: the lease is gone; nothing was written.
            AlreadyRecorded: a final result with other content is stored.
            InvalidInput: the database cannot store it.
        """
        await self._holding.insist(lambda: self._writer.record(result))
        self.note(result)

    def note(self, result: NodeResult) -> None:
        """Remember what was stored."""
        self._known[result.node_id, result.run_index] = Stored(
            status=result.status,
            retry_count=result.retry_count,
            start_time=result.start_time,
            end_time=result.end_time,
            input_data=_read(result.input_data),
            output_data=_read(result.output_data),
            error_data=_read(result.error_data),
        )

    async def _read_all(self) -> None:
        for row in await self._store.node_executions.whole_of(self._holding.lease.execution_id):
            self._known[row.node_id, row.run_index] = _stored(row)


def _stored(row: NodeExecution) -> Stored:
    return Stored(
        status=row.status,
        retry_count=row.retry_count,
        start_time=row.start_time,
        end_time=row.end_time,
        input_data=row.input_data,
        output_data=row.output_data,
        error_data=row.error_data,
    )


def as_json(value: Any, what: str) -> bytes | None:
    """Return a value as it will be stored; None is no value.

    Raises:
        InvalidInput: JSON has nothing like it.
    """
    if value is None:
        return None
    try:
        return orjson.dumps(value)
    except TypeError as error:
        raise InvalidInput(f"{what} is not JSON: {error}") from error


def _read(value: Any) -> Any:
    return orjson.loads(value) if isinstance(value, bytes) else value
