"""An execution as a whole: its row and those of its nodes, in one document."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from wfstore.aio.node_executions import AsyncNodeExecutions
from wfstore.aio.typed import AsyncExecutionsNamespace
from wfstore.documents.execution_data import from_rows
from wfstore.errors import NotFound
from wfstore.models import Execution


class AsyncExecutionData(AsyncExecutionsNamespace):
    """Reading executions with everything that belongs to them."""

    async def data(self, execution_id: UUID) -> dict[str, Any]:
        """Return an execution with all runs of its nodes, payloads included, as one ExecutionData document.

        `wfstore.documents.to_message(document, ExecutionData)` makes a message of it. Of an execution under way
        the node runs may be later than its own row.

        Raises:
            NotFound: there is no such execution.
        """
        execution: Execution | None = await self._run("get", execution_id=execution_id)
        if execution is None:
            raise NotFound(f"execution {execution_id} is not there")
        return from_rows(execution, await AsyncNodeExecutions(self._runner, "node_executions").whole_of(execution_id))
