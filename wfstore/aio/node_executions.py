"""Node results, written under the fence of a lease."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson

from wfstore.aio.leasing import lease_lost
from wfstore.aio.typed import AsyncNodeExecutionsNamespace
from wfstore.errors import AlreadyRecorded, InvalidInput, WfstoreError
from wfstore.leases import RESULT_COLUMNS, NodeResult, ResultRow, result_row
from wfstore.models import NodeExecution, NodeExecutionSummary, RecordRefusal

_PAGE = 1_000
_WHOLE_PAGE = 200


class AsyncNodeExecutions(AsyncNodeExecutionsNamespace):
    """The results of nodes."""

    async def record(self, result: NodeResult) -> None:
        """Store a node's run; it is durable when this returns.

        A row that is not final is replaced. The same final content again does no harm.

        Raises:
            LeaseLost: the lease is not this worker's any more; nothing was written.
            AlreadyRecorded: a final result with other content is stored.
        """
        [refusal] = await self.record_many([result])
        if refusal is not None:
            raise refusal

    async def record_many(self, results: Sequence[NodeResult]) -> list[WfstoreError | None]:
        """Store runs in one statement; return for each None or why it was refused, the others are stored.

        Raises:
            InvalidInput: two of them have the same key; nothing was written.
        """
        if not results:
            return []
        if _one_twice(results):
            raise InvalidInput("two results of one call have the same execution, node and run_index")
        rows = [result_row(each, each.input_data, each.output_data, each.error_data) for each in results]
        return await self.record_rows(rows, results)

    async def record_rows(self, rows: Sequence[ResultRow], results: Sequence[NodeResult]) -> list[WfstoreError | None]:
        """Store the rows of results, no two of one key."""
        columns = dict(zip(RESULT_COLUMNS, map(list, zip(*rows, strict=True)), strict=True))
        refused: list[RecordRefusal] = await self._run("record_many", **columns)
        refusals: list[WfstoreError | None] = [None] * len(results)
        clashes = []
        for each in refused:
            if each.held:
                clashes.append(each.ordinal - 1)
            else:
                refusals[each.ordinal - 1] = lease_lost(results[each.ordinal - 1].lease)
        if clashes:
            stored = await self._stored([results[index] for index in clashes])
            for index in clashes:
                refusals[index] = _compare(results[index], stored[results[index].key])
        return refusals

    async def all_of(self, execution_id: UUID) -> list[NodeExecutionSummary]:
        """Return all node runs of one execution without their payload, by node and pass."""
        return await self._every("page_by_execution", execution_id, _PAGE)

    async def whole_of(self, execution_id: UUID) -> list[NodeExecution]:
        """Return all node runs of one execution, payloads included, by node and pass."""
        return await self._every("page_results", execution_id, _WHOLE_PAGE)

    async def _every(self, pages: str, execution_id: UUID, limit: int) -> list[Any]:
        """Read page after page of a query of node runs."""
        found: list[Any] = []
        node_id, run_index = "", -1
        while True:
            page = await self._run(
                pages, execution_id=execution_id, after_node_id=node_id, after_run_index=run_index, limit=limit
            )
            found += page
            if len(page) < limit:
                return found
            node_id, run_index = page[-1].node_id, page[-1].run_index

    async def _stored(self, results: Sequence[NodeResult]) -> dict[tuple[UUID, UUID, str, int], NodeExecution]:
        rows: list[NodeExecution] = await self._run(
            "get_many",
            tenant_ids=list({result.lease.tenant_id for result in results}),
            execution_ids=list({result.lease.execution_id for result in results}),
            node_ids=list({result.node_id for result in results}),
        )
        return {(row.tenant_id, row.execution_id, row.node_id, row.run_index): row for row in rows}


def _one_twice(results: Sequence[NodeResult]) -> bool:
    """Whether two results have the same key; UUIDs hash in Python, their numbers do not."""
    keys = {(r.lease.execution_id.int, r.node_id, r.run_index, r.lease.tenant_id.int) for r in results}
    return len(keys) != len(results)


def _compare(result: NodeResult, row: NodeExecution) -> AlreadyRecorded | None:
    """Return None if the stored row says the same as the result."""
    for column in ("node_type", "status", "start_time", "end_time", "retry_count", "max_retries"):
        if getattr(result, column) != getattr(row, column):
            return _clash(result, column)
    for column in ("input_data", "output_data", "error_data"):
        if not _same(_as_stored(getattr(result, column)), getattr(row, column)):
            return _clash(result, column)
    return None


def _same(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same; to Python true is 1, to JSON it is not."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def _as_stored(value: Any) -> Any:
    """Return a payload as it reads after it was stored: tuples are lists, keys are strings."""
    if value is None:
        return None
    return orjson.loads(bytes(value) if isinstance(value, bytes) else orjson.dumps(value))


def _clash(result: NodeResult, column: str) -> AlreadyRecorded:
    return AlreadyRecorded(
        f"execution {result.lease.execution_id}: node {result.node_id!r}, run {result.run_index},"
        f" has a final result with another {column}",
        hint="A final result is immutable; the next pass of a loop takes the next run_index.",
    )
