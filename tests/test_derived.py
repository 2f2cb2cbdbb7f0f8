"""The sync face is derived from the async one, is current, and offers the same."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import wfstore
import wfstore.aio
import wfstore.sync
from wfstore.aio.borrowing import borrowed as async_borrowed
from wfstore.aio.executions import AsyncExecutions
from wfstore.aio.namespaces import AsyncNamespace
from wfstore.aio.node_executions import AsyncNodeExecutions
from wfstore.aio.queries import AsyncQueries, AsyncQueryNamespace
from wfstore.aio.running import AsyncPoolRunner
from wfstore.aio.workflows import AsyncWorkflows
from wfstore.sync.borrowing import borrowed
from wfstore.sync.executions import Executions
from wfstore.sync.namespaces import Namespace
from wfstore.sync.node_executions import NodeExecutions
from wfstore.sync.queries import Queries, QueryNamespace
from wfstore.sync.running import PoolRunner
from wfstore.sync.workflows import Workflows

ROOT = Path(__file__).parents[1]
DERIVE = ROOT / ".ci" / "derive_sync.py"

TWINS: list[tuple[Any, Any]] = [
    (wfstore.aio.AsyncStore, wfstore.Store),
    (wfstore.aio.AsyncTransaction, wfstore.Transaction),
    (AsyncPoolRunner, PoolRunner),
    (AsyncNamespace, Namespace),
    (AsyncWorkflows, Workflows),
    (AsyncExecutions, Executions),
    (AsyncNodeExecutions, NodeExecutions),
    (AsyncQueries, Queries),
    (AsyncQueryNamespace, QueryNamespace),
]


@pytest.mark.skipif(not DERIVE.exists(), reason="the tests run without the repository")
def test_the_sync_face_is_current() -> None:
    pytest.importorskip("unasync", reason="derives the sync face; a dependency of development")
    check = subprocess.run(
        [sys.executable, str(DERIVE), "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert check.returncode == 0, f"run python .ci/derive_sync.py\n{check.stdout}{check.stderr}"


def as_sync(text: str) -> str:
    """What the signature of an async function is in the sync face."""
    text = re.sub(r"\bAsync(?=[A-Z])", "", text).replace("wfstore.aio", "wfstore.sync")
    return re.sub(r"Awaitable\[(\w+)\]", r"\1", text)


def offered(of: Any) -> dict[str, str]:
    """The public names of a class, each with its kind and signature."""
    found = {}
    for name, member in inspect.getmembers(of):
        if name.startswith("_"):
            continue
        kind = "property" if isinstance(member, property) else "call" if callable(member) else "value"
        found[name] = as_sync(f"{kind} {inspect.signature(member) if kind == 'call' else ''}")
    return found


@pytest.mark.parametrize(("of_async", "of_sync"), TWINS, ids=lambda it: it.__name__)
def test_both_faces_offer_the_same(of_async: Any, of_sync: Any) -> None:
    assert offered(of_async) == offered(of_sync)
    assert as_sync(of_async.__name__) == of_sync.__name__
    assert of_sync.__doc__ == of_async.__doc__ or "async" in (of_async.__doc__ or "")


def test_both_faces_are_entered_in_the_same_way() -> None:
    for of_async, of_sync in ((wfstore.aio.connect, wfstore.connect), (async_borrowed, borrowed)):
        wanted = as_sync(str(inspect.signature(of_async))).replace("AsyncIterator", "Iterator")
        assert wanted == str(inspect.signature(of_sync))


def test_every_coroutine_of_one_face_is_a_function_of_the_other() -> None:
    for of_async, of_sync in TWINS:
        for name, member in inspect.getmembers(of_sync, inspect.isfunction):
            assert not inspect.iscoroutinefunction(member), name
        waiting = {name for name, each in inspect.getmembers(of_async, inspect.iscoroutinefunction) if name[0] != "_"}
        assert all(callable(getattr(of_sync, name)) for name in waiting)


def test_both_faces_have_the_same_queries() -> None:
    assert dir(wfstore.aio.queries) == dir(wfstore.queries)
    for namespace in dir(wfstore.queries):
        one, other = getattr(wfstore.aio.queries, namespace), getattr(wfstore.queries, namespace)
        assert dir(one) == dir(other)
        for name in dir(one):
            assert inspect.signature(getattr(one, name)) == inspect.signature(getattr(other, name))
            assert getattr(one, name).__doc__ == getattr(other, name).__doc__
            assert inspect.iscoroutinefunction(getattr(one, name))


def test_no_module_of_the_sync_face_awaits() -> None:
    asynchronous = (ast.Await, ast.AsyncFunctionDef, ast.AsyncFor, ast.AsyncWith)
    for path in Path(wfstore.sync.__file__).parent.glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert not [node for node in ast.walk(tree) if isinstance(node, asynchronous)], path.name
        assert "asyncio" not in {
            name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names
        }
