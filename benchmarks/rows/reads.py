"""Reads as models, against the same statements on a bare driver and against an ORM."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from importlib import import_module
from itertools import cycle
from typing import Any
from uuid import UUID

import orjson
import psycopg
from psycopg.types.json import set_json_loads

import wfstore
from benchmarks import measuring
from benchmarks.bench import Bench, with_option
from benchmarks.model import Measure, NotRun, Opened, Row, Subject, group, prepared
from benchmarks.seeding import seed
from wfstore import DEFAULT_TENANT, Role
from wfstore.aio import connect
from wfstore.catalogue import CATALOGUE

_LATEST = UUID(int=2**128 - 1)
_EXECUTIONS = 120_000  # of a hundred workflows: each has more than a page
_PAGE = 1_000
_KEYS = 1_000

ONE, MANY = "one execution", "1,000 executions"
SYNC, ASYNC = "wfstore", "wfstore async"
SINGLE, ASYNC_SINGLE = "wfstore, one tenant", "wfstore async, one tenant"
BARE, ASYNC_BARE, ORM = "psycopg", "psycopg async", "SQLAlchemy ORM"


class _Stage:
    """A database with some history; each subject reads the same rows."""

    def __init__(self, bench: Bench, stack: ExitStack) -> None:
        self._database = stack.enter_context(bench.database())
        self._stack = stack
        history = seed(bench, self._database, _EXECUTIONS)
        self._runner = stack.enter_context(measuring.runner())
        self._url = bench.url(self._database, Role.APP)
        self._times = {ONE: round(400 * bench.sizes.seconds), MANY: round(15 * bench.sizes.seconds)}
        self._page: dict[str, Any] = {"workflow_id": history.workflows[3], "before_id": _LATEST, "limit": _PAGE}
        with closing(psycopg.connect(self._database)) as connection:
            found = connection.execute("SELECT execution_id FROM workflow_executions LIMIT %s", [_KEYS])
            self._keys = [key for (key,) in found]
        one_tenant = with_option(self._url, f"-c wfstore.tenant_id={DEFAULT_TENANT}")
        self.handlers: dict[str, Callable[[int], Measure]] = {}
        for what in (ONE, MANY):
            self._add(what, SYNC, lambda what: self._of_store(self._url, what))
            self._add(what, SINGLE, lambda what: self._of_store(one_tenant, what))
            self._add(what, ASYNC, lambda what: self._of_async_store(self._url, what))
            self._add(what, ASYNC_SINGLE, lambda what: self._of_async_store(one_tenant, what))
            self._add(what, BARE, self._of_psycopg)
            self._add(what, ASYNC_BARE, self._of_async_psycopg)
            self._add(what, ORM, self._of_orm)

    def _add(self, what: str, name: str, handler: Callable[[str], Measure]) -> None:
        self.handlers[f"{name}, {what}"] = lambda _at: handler(what)

    def _sync(self, what: str, one: Callable[[UUID], object], many: Callable[[], Sequence[object]]) -> Measure:
        keys = cycle(self._keys)
        if len(many()) != _PAGE or one(next(keys)) is None:
            raise RuntimeError("the reads do not find what was written")
        call: Callable[[], object] = (lambda: one(next(keys))) if what == ONE else many
        return lambda: measuring.latency(call, self._times[what])

    def _async(
        self, what: str, one: Callable[[UUID], Awaitable[object]], many: Callable[[], Awaitable[object]]
    ) -> Measure:
        keys = cycle(self._keys)
        call: Callable[[], Awaitable[object]] = (lambda: one(next(keys))) if what == ONE else many
        return lambda: self._runner.run(measuring.async_latency(call, self._times[what]))

    def _of_store(self, url: str, what: str) -> Measure:
        executions = self._stack.enter_context(wfstore.connect(url)).executions
        return self._sync(
            what, lambda key: executions.get(execution_id=key), lambda: executions.page_by_workflow(**self._page)
        )

    def _of_async_store(self, url: str, what: str) -> Measure:
        store = self._runner.run(connect(url))
        self._stack.callback(lambda: self._runner.run(store.close()))
        executions = store.executions
        return self._async(
            what, lambda key: executions.get(execution_id=key), lambda: executions.page_by_workflow(**self._page)
        )

    def _of_psycopg(self, what: str) -> Measure:
        """The same statements, prepared, tuple rows, as superuser: no policies, no transaction around them."""
        connection = self._stack.enter_context(closing(psycopg.connect(self._database, autocommit=True)))
        set_json_loads(orjson.loads, connection)
        cursor = connection.cursor()
        get, page = (CATALOGUE[f"executions.{name}"].text.encode() for name in ("get", "page_by_workflow"))
        tenant = {"tenant_id": DEFAULT_TENANT}
        arguments = {**self._page, **tenant}
        return self._sync(
            what,
            lambda key: cursor.execute(get, {**tenant, "execution_id": key}, prepare=True).fetchone(),
            lambda: cursor.execute(page, arguments, prepare=True).fetchall(),
        )

    def _of_async_psycopg(self, what: str) -> Measure:
        connection = self._runner.run(_connected(self._database))
        self._stack.callback(lambda: self._runner.run(connection.close()))
        cursor = connection.cursor()
        get, page = (CATALOGUE[f"executions.{name}"].text.encode() for name in ("get", "page_by_workflow"))
        tenant = {"tenant_id": DEFAULT_TENANT}
        arguments = {**self._page, **tenant}

        async def one(key: UUID) -> object:
            await cursor.execute(get, {**tenant, "execution_id": key}, prepare=True)
            return await cursor.fetchone()

        async def many() -> object:
            await cursor.execute(page, arguments, prepare=True)
            return await cursor.fetchall()

        return self._async(what, one, many)

    def _of_orm(self, what: str) -> Measure:
        """A session for each read, as a request has; the identity map is empty, as superuser."""
        try:
            orm: Any = import_module("benchmarks.peers.orm")
        except ModuleNotFoundError as error:
            raise NotRun(f"{error.name} is not installed: pip install -r benchmarks/requirements.txt") from None
        reader = orm.Reader(self._database)
        self._stack.callback(reader.close)
        return self._sync(
            what, lambda key: reader.one(DEFAULT_TENANT, key), lambda: reader.many(DEFAULT_TENANT, **self._page)
        )


async def _connected(url: str) -> psycopg.AsyncConnection[Any]:
    connection = await psycopg.AsyncConnection.connect(url, autocommit=True)
    set_json_loads(orjson.loads, connection)
    return connection


@contextmanager
def opening(bench: Bench, wanted: Collection[Subject]) -> Iterator[Opened]:
    """Seed the history and connect the readers."""
    with ExitStack() as stack:
        yield prepared(wanted, _Stage(bench, stack).handlers)


def _rows() -> Iterator[Row]:
    for what, short, single, several in ((ONE, "one", 1.15, 1.4), (MANY, "thousand", 1.5, 1.5)):
        bare, async_bare = Subject(f"{BARE}, {what}"), Subject(f"{ASYNC_BARE}, {what}")
        yield Row(f"{short}-single-tenant", Subject(f"{SINGLE}, {what}"), (bare,), "at most", single)
        yield Row(f"{short}", Subject(f"{SYNC}, {what}"), (bare,), "at most", several)
        yield Row(f"{short}-async-single-tenant", Subject(f"{ASYNC_SINGLE}, {what}"), (async_bare,), "at most", single)
        yield Row(f"{short}-async", Subject(f"{ASYNC}, {what}"), (async_bare,), "at most", several)
        orm = Subject(f"{ORM}, {what}")
        yield Row(f"{short}-orm", orm, (Subject(f"{SYNC}, {what}"),), "at least", 2.5, "how much longer the ORM takes")


GROUP = group("reads", "Milliseconds of a read, as models", "ms", list(_rows()), opening)
