"""Start a peer in a process of its own, on a database of its own, and read what it measured."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.model import Measure, NotRun, Sample

_NEEDS: Mapping[str, tuple[str, ...]] = {
    "absurd": ("absurd_sdk", "absurdctl"),
    "dbos": ("dbos",),
    "pgqueuer": ("pgqueuer", "asyncpg"),
    "procrastinate": ("procrastinate",),
}
_PATIENCE = 600  # seconds


@contextmanager
def jobs(bench: Bench, name: str, count: int) -> Iterator[Measure]:
    """So many no-op jobs, enqueued before; a rate of jobs."""
    with _measured(bench, name, {"count": count}) as measure:
        yield measure


@contextmanager
def steps(bench: Bench, name: str, *, steps: int) -> Iterator[Measure]:
    """Workflows of so many steps, each returning 1 kB, two hundred at once; a rate of steps."""
    workflows = max(20, round(200 * min(1.0, bench.sizes.seconds / 4)))
    with _measured(bench, name, {"count": workflows, "steps": steps}) as measure:
        yield measure


@contextmanager
def _measured(bench: Bench, name: str, work: Mapping[str, int]) -> Iterator[Measure]:
    missing = [module for module in _NEEDS[name] if find_spec(module) is None]
    if missing:
        raise NotRun(f"{', '.join(missing)} is not installed: pip install -r benchmarks/requirements.txt")
    with bench.database(migrated=False) as url:
        _call(bench, name, "install", url, work)
        yield lambda: Sample(**json.loads(_call(bench, name, "measure", url, work)))


def _call(bench: Bench, name: str, action: str, url: str, work: Mapping[str, int]) -> str:
    options = [f"--{key}={value}" for key, value in work.items()]
    paths = [str(Path(sys.executable).parent), str(Path(bench.program("psql")).parent), os.environ.get("PATH", "")]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.peers", name, action, url, *options],
        capture_output=True,
        text=True,
        check=False,
        timeout=_PATIENCE,
        env={**os.environ, "PATH": os.pathsep.join(paths)},
    )
    if done.returncode != 0:
        last = (done.stderr.strip() or "it said nothing").splitlines()[-1]
        raise NotRun(f"{name} failed at {action}: {last}")
    return done.stdout.strip().splitlines()[-1] if done.stdout.strip() else ""
