"""What the README shows works as it stands there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.commandkit import environment
from tests.executionkit import until
from wfstore import NewExecution, Store

README = Path(__file__).resolve().parent.parent / "README.md"
EXAMPLES = re.findall(r"^```python\n(.*?)^```", README.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def test_the_example_of_the_readme_runs(database: str) -> None:
    """The Python block, in a process of its own, against a migrated database."""
    example, _ = EXAMPLES
    checks = """
    with wfstore.connect(role=Role.WORKER) as store:
        execution = store.executions.get(execution_id=lease.execution_id)
        assert execution.status == "SUCCESS", execution
        assert len(store.node_executions.all_of(lease.execution_id)) == 2
    """
    program = example + "\n".join(line.removeprefix("    ") for line in checks.splitlines())
    done = subprocess.run(
        [sys.executable, "-c", program], env={"DATABASE_URL": database}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_worker_of_the_readme_runs(database: str, store: Store) -> None:
    """In a process of its own, until the execution has ended and the worker is told to stop."""
    nodes = [{"node_id": "ask", "node_type": "TRIGGER"}, {"node_id": "say", "node_type": "ACTION"}]
    saved = store.workflows.add({"name": "greet", "nodes": nodes})
    [execution] = store.executions.enqueue(NewExecution(workflow_id=saved.id))
    worker = subprocess.Popen([sys.executable, "-c", EXAMPLES[1]], env=environment(database))
    try:
        store.executions.signal(execution.execution_id, "approved")

        def ended() -> bool:
            assert worker.poll() is None
            return store.executions.get(execution_id=execution.execution_id).status.is_final

        until(ended, "it ends")
    finally:
        worker.terminate()
        assert worker.wait(30) == 0
    assert store.executions.get(execution_id=execution.execution_id).run_data == {"said": "hello Ada"}
