"""Both faces of the store behind one: a test is written once, for the sync face, and runs on either.

The async face is driven by an event loop in a thread of its own, so its calls block the thread that makes
them, as those of the sync face do; several threads may be inside it at once.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Literal, cast

import pytest

import wfstore
import wfstore.aio
from wfstore import Role, Store
from wfstore.aio.namespaces import AsyncNamespace
from wfstore.aio.queries import AsyncQueryNamespace
from wfstore.aio.store import AsyncNamespaces
from wfstore.sync.queries import Queries

PATIENCE = 30.0


class Face:
    """One of the two faces."""

    def __init__(self, name: Literal["sync", "async"]) -> None:
        self.name = name
        self._is_async = name == "async"

    def connect(self, *arguments: Any, **options: Any) -> Store:
        """Connect; the async store comes as one whose methods block."""
        if not self._is_async:
            return wfstore.connect(*arguments, **options)
        return cast(Store, Blocking(self.run(wfstore.aio.connect(*arguments, **options))))

    @property
    def queries(self) -> Queries:
        """The queries, for connections of this face."""
        return cast(Queries, Blocking(wfstore.aio.queries) if self._is_async else wfstore.queries)

    @staticmethod
    def run(outcome: Any) -> Any:
        """Return what a call of this face has returned, awaited where that is needed."""
        if not inspect.isawaitable(outcome):
            return outcome

        async def awaited() -> Any:
            return await outcome

        return asyncio.run_coroutine_threadsafe(awaited(), _loop()).result()

    def __str__(self) -> str:
        return self.name


class Blocking:
    """Something of the async face whose methods block."""

    def __init__(self, target: Any) -> None:
        self.target = target

    def __getattr__(self, name: str) -> Any:
        return _blocking(getattr(self.target, name))

    def __dir__(self) -> list[str]:
        return dir(self.target)

    def __enter__(self) -> Any:
        return _blocking(Face.run(self.target.__aenter__()))

    def __exit__(self, *error: Any) -> Any:
        return Face.run(self.target.__aexit__(*error))


def _blocking(value: Any) -> Any:
    if isinstance(value, AsyncNamespaces | AsyncNamespace | AsyncQueryNamespace) or hasattr(value, "__aenter__"):
        # a connection stays what it is: the queries of its face take it
        return value if type(value).__name__ == "AsyncConnection" else Blocking(value)
    if inspect.isawaitable(value):
        return Face.run(value)
    if inspect.isroutine(value):
        return lambda *arguments, **options: _blocking(value(*arguments, **options))
    return value


_loops: list[asyncio.AbstractEventLoop] = []


def _loop() -> asyncio.AbstractEventLoop:
    """The event loop of this process, made when it is needed."""
    if not _loops:
        _loops.append(asyncio.new_event_loop())
        threading.Thread(target=_loops[0].run_forever, name="async face", daemon=True).start()
    return _loops[0]


def until(condition: Callable[[], Any], what: str) -> Any:
    """Wait until the condition holds; return what it said."""
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.005)
    return found


@pytest.fixture(params=["sync", "async"])
def face(request: pytest.FixtureRequest) -> Face:
    """Each face in turn."""
    return Face(request.param)


@pytest.fixture
def app(face: Face, database: str) -> Iterator[Store]:
    """The default tenant's store, as wfstore_app, on each face."""
    with face.connect(database) as opened:
        yield opened


@pytest.fixture
def hand(face: Face, database: str) -> Iterator[Store]:
    """The default tenant's store, as wfstore_worker, on each face."""
    with face.connect(database, role=Role.WORKER) as opened:
        yield opened
