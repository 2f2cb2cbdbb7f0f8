"""What the README shows works as it stands there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).resolve().parent.parent / "README.md"


def test_the_example_of_the_readme_runs(database: str) -> None:
    """The Python block, in a process of its own, against a migrated database."""
    [example] = re.findall(r"^```python\n(.*?)^```", README.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
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
