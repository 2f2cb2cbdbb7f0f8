"""What docs/worker.md shows works as it stands there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.commandkit import environment
from tests.executionkit import add_workflow, until
from wfstore import Store
from wfstore.ids import LAST_ID

PAGE = Path(__file__).resolve().parent.parent / "docs" / "worker.md"
FIRST = """
import sys
from uuid import UUID
import wfstore
from wfstore import NewExecution
workflow_id = UUID(sys.argv[1])
"""


def test_the_example_of_the_page_runs(database: str, store: Store) -> None:
    text = PAGE.read_text(encoding="utf-8")
    handler, application = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    workflow_id = add_workflow(store)
    worker = subprocess.Popen([sys.executable, "-c", handler], env=environment(database))
    try:
        subprocess.run(
            [sys.executable, "-c", FIRST + application, str(workflow_id)], env=environment(database), check=True
        )
        [execution] = store.executions.page_by_workflow(workflow_id=workflow_id, before_id=LAST_ID, limit=9)

        def ended() -> bool:
            assert worker.poll() is None
            return store.executions.get(execution_id=execution.execution_id).status.is_final

        until(ended, "it ends")
    finally:
        worker.terminate()
        assert worker.wait(30) == 0
    found = store.executions.get(execution_id=execution.execution_id)
    assert found.run_data == {"state": "done", "sent": "lamp", "by": "Ada"}
    assert store.node_executions.count_by_execution(execution_id=execution.execution_id) == 3
