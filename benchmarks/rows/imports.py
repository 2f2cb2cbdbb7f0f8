"""Bulk import of history, against psql's \\copy of the same rows into the same tables."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import psycopg

import wfstore
from benchmarks import leases, measuring
from benchmarks.bench import Bench
from benchmarks.model import Measure, NotRun, Opened, Row, Sample, Subject, group, prepared
from benchmarks.payload import documents
from wfstore import DEFAULT_TENANT, Role
from wfstore.aio import connect
from wfstore.ids import uuid7
from wfstore.vocabulary import ExecutionStatus, NodeStatus, NodeType

COPY, THREADS, ASYNC = Subject("psql \\copy"), Subject("import_history"), Subject("import_history, async")
_NODES = 3  # of each execution
_COLUMNS = {
    "workflow_executions": (
        "tenant_id, execution_id, workflow_id, workflow_revision, status, mode, start_time, end_time, created_at"
    ),
    "node_executions": (
        "tenant_id, execution_id, node_id, run_index, node_type, status, start_time, end_time, input_data, output_data"
    ),
}


@dataclass(frozen=True)
class _Past:
    """Executions that ended elsewhere."""

    workflow_id: UUID
    at: datetime
    count: int

    def each(self) -> Iterator[tuple[UUID, int, Sequence[dict[str, Any]]]]:
        """Of each its id, its beginning in milliseconds, and the payloads of its nodes, the last one's output too."""
        payloads = documents(64)
        for number in range(self.count):
            at = self.at + timedelta(milliseconds=number)
            some = [payloads[(number + turn) % len(payloads)] for turn in range(_NODES + 1)]
            yield uuid7(at), int(at.timestamp() * 1000), some


class _Stage:
    """An empty database, and the rows that are brought into it again and again."""

    def __init__(self, bench: Bench, stack: ExitStack) -> None:
        self._bench = bench
        self._stack = stack
        self._database = stack.enter_context(bench.database())
        self._count = bench.sizes.executions
        app = bench.url(self._database, Role.APP)
        self._store = stack.enter_context(wfstore.connect(app))
        at = datetime.now(UTC) - timedelta(hours=1)
        with closing(psycopg.connect(self._database, autocommit=True)) as connection:
            connection.execute("SELECT wfstore_create_partition(%s)", [at])
        self._past = _Past(leases.add_workflow(self._store), at, self._count)
        self._runner = stack.enter_context(measuring.runner())
        self._async = self._runner.run(connect(app))
        stack.callback(lambda: self._runner.run(self._async.close()))
        self.handlers: dict[str, Callable[[int], Measure]] = {
            COPY.name: self._copy,
            THREADS.name: self._import,
            ASYNC.name: self._import_async,
        }

    def _timed(self, bring: Callable[[], object]) -> Sample:
        """Empty the tables, bring the rows in, and look whether they are there."""
        with closing(psycopg.connect(self._database, autocommit=True)) as connection:
            connection.execute("TRUNCATE node_executions, workflow_executions, execution_stats")
            connection.execute("CHECKPOINT")
            begun = time.perf_counter()
            bring()
            seconds = time.perf_counter() - begun
            found = connection.execute("SELECT count(*) FROM node_executions").fetchone()
        if found != (self._count * _NODES,):
            raise RuntimeError(f"{found} of {self._count * _NODES} node results were brought in")
        return Sample(self._count * (1 + _NODES) / seconds)

    def _copy(self, _at: int) -> Measure:
        files = {table: self._bench.folder / f"{table}.copy" for table in _COLUMNS}
        _write(self._past, files)
        command = [self._bench.program("psql"), "--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1", self._database]
        command += [f"--command=\\copy {table} ({_COLUMNS[table]}) FROM '{file}'" for table, file in files.items()]
        return lambda: self._timed(lambda: subprocess.run(command, check=True, capture_output=True))

    def _ended(self) -> list[Any]:
        """The executions as the import takes them."""
        try:
            history: Any = import_module("wfstore.history")
        except ModuleNotFoundError:
            raise NotRun("there is no bulk import yet") from None
        return list(_as_ended(history, self._past))

    def _import(self, _at: int) -> Measure:
        ended = self._ended()
        bring: Any = self._store.executions
        return lambda: self._timed(lambda: bring.import_history(ended))

    def _import_async(self, _at: int) -> Measure:
        ended = self._ended()
        bring: Any = self._async.executions
        return lambda: self._timed(lambda: self._runner.run(bring.import_history(ended)))


def _as_ended(history: Any, past: _Past) -> Iterator[Any]:
    for identifier, start, payloads in past.each():
        nodes = [
            history.NodeRun(
                node_id=f"node-{turn}", node_type=NodeType.ACTION,
                status=NodeStatus.SUCCESS, start_time=start, end_time=start + 1,
                input_data=payloads[turn], output_data=payloads[turn + 1],
            )
            for turn in range(_NODES)
        ]  # fmt: skip
        yield history.EndedExecution(
            execution_id=identifier, workflow_id=past.workflow_id, workflow_revision=1,
            status=ExecutionStatus.SUCCESS, start_time=start, end_time=start + _NODES, nodes=nodes,
        )  # fmt: skip


def _write(past: _Past, files: dict[str, Path]) -> None:
    """Write the same rows as COPY's text format has them."""
    executions, nodes = files["workflow_executions"], files["node_executions"]
    with executions.open("w", encoding="utf-8") as one, nodes.open("w", encoding="utf-8") as many:
        for identifier, start, payloads in past.each():
            key = (DEFAULT_TENANT, identifier)
            ran = ("SUCCESS", start, start + _NODES)
            at = datetime.fromtimestamp(start / 1000, UTC)
            one.write(_line(*key, past.workflow_id, 1, ran[0], "MANUAL", *ran[1:], at))
            texts = [orjson.dumps(each).decode() for each in payloads]
            for turn in range(_NODES):
                node = (f"node-{turn}", 0, "ACTION", "SUCCESS", start, start + 1, texts[turn], texts[turn + 1])
                many.write(_line(*key, *node))


def _line(*values: object) -> str:
    return "\t".join(_escaped(values)) + "\n"


def _escaped(values: Iterable[object]) -> Iterator[str]:
    """JSON has no tabs and no ends of lines that are not escaped already."""
    for value in values:
        yield str(value).replace("\\", "\\\\")


@contextmanager
def opening(bench: Bench, wanted: Collection[Subject]) -> Iterator[Opened]:
    """Prepare the rows in memory and in files."""
    with ExitStack() as stack:
        yield prepared(wanted, _Stage(bench, stack).handlers)


GROUP = group(
    "import",
    "Rows of history per second: an execution and its three node results are four, 1 kB in and 1 kB out",
    "/s",
    [
        Row("history", THREADS, (COPY,), wanted=0.6),
        Row("history-async", ASYNC, (COPY,), wanted=0.6),
    ],
    opening,
)
