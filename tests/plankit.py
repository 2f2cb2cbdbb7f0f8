"""Look at the plans of our queries as psycopg makes PostgreSQL run them: prepared, as the role that runs them.

A plan is measured, not estimated: EXPLAIN (ANALYZE) of the prepared statement, in a transaction that is rolled
back. What counts as touched is every row that a scan returned or threw away; what an index walks over without
returning it shows in no row count, so blocks are counted as well.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Literal, cast

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from tests.conftest import in_database
from tests.plancases import Case, seeded_at
from wfstore.check.checked import CheckedQuery
from wfstore.check.positioned import PositionedSql
from wfstore.ids import FIRST_ID
from wfstore.queryfiles.query import Query
from wfstore.queryfiles.scan import scan

Mode = Literal["custom", "generic"]
_SEED = Path(__file__).with_name("plans_seed.sql")
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
_FACTS = b"""
    SELECT
        (SELECT count(*) FROM users WHERE tenant_id = ANY(%(tenants)s)) AS people,
        (SELECT count(*) FROM workflows WHERE tenant_id = ANY(%(tenants)s)) AS workflows,
        500 AS document,
        (SELECT count(*) FROM execution_queue WHERE tenant_id = ANY(%(tenants)s)) AS queued,
        (
            SELECT count(*) FROM execution_queue
            WHERE queue = %(queue)s AND ready AND tenant_id <> ALL(%(tenants)s)
        ) AS others,
        (
            SELECT count(*) FROM execution_queue
            WHERE queue = %(queue)s AND NOT ready AND parked_by IS NULL AND visible_at <= %(now)s
        ) AS due,
        (
            SELECT count(*) FROM execution_queue
            WHERE tenant_id = ANY(%(tenants)s) AND workflow_id = %(workflow_id)s AND parked_by = 'WORKFLOW'
        ) AS parked,
        (
            SELECT count(*) FROM execution_stats
            WHERE tenant_id = ANY(%(tenants)s) AND hour >= wfstore_uuid7_hour(%(since_id)s)
        ) AS counts,
        (
            SELECT count(*) FROM execution_stats
            WHERE tenant_id = ANY(%(tenants)s) AND hour >= wfstore_uuid7_hour(%(since_id)s)
                AND CASE workflow_id
                    WHEN '00000000-0000-0000-0000-000000000000' THEN hour < wfstore_uuid7_midnight(%(since_id)s)
                    WHEN 'ffffffff-ffff-ffff-ffff-ffffffffffff' THEN hour >= wfstore_uuid7_midnight(%(since_id)s)
                    ELSE false
                END
        ) AS totals,
        (
            SELECT count(*) FROM node_executions WHERE tenant_id = ANY(%(tenants)s) AND execution_id >= %(since_id)s
        ) AS results,
        count(*) AS periods,
        count(*) FILTER (WHERE 'p' || to_char(
            wfstore_uuid7_time(%(since_id)s) AT TIME ZONE 'UTC' - interval '7 days', 'YYYYMMDD'
        ) < right(inhrelid::regclass::text, 9)) AS since
    FROM pg_inherits
    WHERE inhparent = 'workflow_executions'::regclass
"""
_OBJECTS = {"Relation Name", "Index Name"}
_SETTINGS = [b"jit = off", b"enable_seqscan = off"]  # session.set_up
_IN_ORDER = [b"enable_sort = off"]  # session.in_order_of_index
IN_ORDER = {"executions.claim", "executions.wake_due", "executions.start_many"}
"""What a claim consists of."""
_SETTING = {"custom": "force_custom_plan", "generic": "force_generic_plan"}


@contextmanager
def seeded_database(server_url: str, rows: int) -> Iterator[str]:
    """A superuser's URL of a seeded database that all processes of the test run share; the last one drops it."""
    name = f"{os.environ['WFSTORE_TESTS_TEMPLATE']}_{rows}"
    making, using = zlib.crc32(name.encode()), zlib.crc32(f"{name} used".encode())
    url = in_database(server_url, name)
    with closing(psycopg.connect(server_url, autocommit=True)) as server:
        server.execute("SELECT pg_advisory_lock(%s)", [making])
        if not server.execute("SELECT FROM pg_database WHERE datname = %s", [name]).fetchall():
            _create(server, url, name, rows)
        server.execute("SELECT pg_advisory_lock_shared(%s), pg_advisory_unlock(%s)", [using, making])
        try:
            yield url
        finally:
            server.execute("SELECT pg_advisory_lock(%s), pg_advisory_unlock_shared(%s)", [making, using])
            if server.execute("SELECT WHERE pg_try_advisory_lock(%s)", [using]).fetchall():
                server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _create(server: psycopg.Connection[Any], url: str, name: str, rows: int) -> None:
    template = sql.Identifier(os.environ["WFSTORE_TESTS_TEMPLATE"])
    server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), template))
    seed = _SEED.read_text().replace("$now", seeded_at().isoformat()).replace("$n", str(rows))
    with closing(psycopg.connect(url, autocommit=True)) as connection:
        with connection.transaction():
            connection.execute(seed.encode())
        connection.execute("VACUUM (ANALYZE)")
        connection.execute("ANALYZE")  # VACUUM passes by the parents of partitions


@dataclass(frozen=True)
class Names:
    """What partitions and their indexes are called by those who speak of the parents'."""

    parents: Mapping[str, str]
    large: frozenset[str]
    """Tables and partitions that must not be read from end to end."""

    @classmethod
    def of(cls, connection: psycopg.Connection[Any]) -> Names:
        """Read the inheritance of tables and indexes."""
        rows = connection.execute(
            "SELECT child.relname, parent.relname FROM pg_inherits"
            " JOIN pg_class AS child ON child.oid = inhrelid JOIN pg_class AS parent ON parent.oid = inhparent"
        )
        large = connection.execute("SELECT relname FROM pg_class WHERE relkind = 'r' AND reltuples > 400")
        return cls(dict(rows.fetchall()), frozenset(row[0] for row in large.fetchall()))

    def parent(self, name: str) -> str:
        """Return the parent of a partition or of its index, and other names as they are."""
        return self.parents.get(name, name)


@dataclass(frozen=True)
class Plan:
    """What EXPLAIN (ANALYZE, BUFFERS) told."""

    root: Mapping[str, Any]
    names: Names
    sequential: frozenset[str]
    """Large tables that the statement, or a foreign key for it, read from end to end."""

    @cached_property
    def nodes(self) -> list[Mapping[str, Any]]:
        """All nodes that were executed."""
        return [node for node in _walk(self.root) if node.get("Actual Loops", 0) > 0]

    @cached_property
    def indexes(self) -> set[str]:
        """The indexes used, those of partitions by their parents' names; those that settle conflicts count."""
        used = {self.names.parent(node["Index Name"]) for node in self.nodes if "Index Name" in node}
        for node in self.nodes:
            used |= {self.names.parent(name) for name in node.get("Conflict Arbiter Indexes", [])}
        return used

    @cached_property
    def partitions(self) -> set[str]:
        """The periods of history that were read or written."""
        visited = {node["Relation Name"] for node in self.nodes if "Relation Name" in node and _reads(node)}
        return {name.rpartition("_")[2] for name in visited if name in self.names.parents}

    @cached_property
    def rows(self) -> int:
        """Rows that scans, those of arrays and of CTEs included, returned or threw away."""
        return round(sum(_touched(node) for node in self.nodes if _reads(node)))

    @property
    def blocks(self) -> int:
        """Blocks of tables and indexes looked at, without those that writing and its triggers cost."""
        return sum(_own_blocks(node) for node in self.nodes if _reads(node) and node.keys() & _OBJECTS)


def _walk(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield node
    for child in node.get("Plans", []):
        yield from _walk(child)


def _reads(node: Mapping[str, Any]) -> bool:
    return str(node["Node Type"]).endswith("Scan") and node["Node Type"] != "Bitmap Index Scan"


def _touched(node: Mapping[str, Any]) -> float:
    removed = ("Rows Removed by Filter", "Rows Removed by Index Recheck")
    each = node["Actual Rows"] + sum(node.get(key, 0) for key in removed)
    return float(each * node["Actual Loops"])


def _own_blocks(node: Mapping[str, Any]) -> int:
    keys = ("Shared Hit Blocks", "Shared Read Blocks")
    others = [child for child in node.get("Plans", []) if child["Node Type"] != "Bitmap Index Scan"]
    return int(sum(node.get(key, 0) for key in keys) - sum(child.get(key, 0) for child in others for key in keys))


@cache
def _texts(path: Path) -> Mapping[str, PositionedSql]:
    """Read the statements of a query file with numbered parameters, as the server gets them."""
    return {statement.header.name: CheckedQuery.of(statement).sql for statement in scan(path)}


class Bench:
    """Plans queries on one connection."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection
        self.names = Names.of(connection)

    def plan(self, query: Query, case: Case, role: str, mode: Mode, made_for: Case | None = None) -> Plan:
        """Run a query by a plan of this kind, which was made for another call if so, and take it back."""
        with self._prepared(query, made_for or case, role, mode) as text:
            if made_for is not None:
                self._execute(b"SAVEPOINT before_it")
                self._execute(self._call(text, query, made_for))
                self._execute(b"ROLLBACK TO before_it")
                self._work_for(case)
            before = self._reads()
            explained = self._execute(
                b"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) " + self._call(text, query, case)
            )
            after = self._reads()
        assert explained is not None
        read = {piece for piece, scans in after.items() if scans > before.get(piece, 0)}
        return Plan(explained[0][0]["Plan"], self.names, frozenset(read & self.names.large))

    def variables(self, case: Case) -> dict[str, int]:
        """Return what the formulas of a call may name."""
        sizes = {name: len(value) for name, value in case.arguments.items() if isinstance(value, list)}
        numbers = {name: value for name, value in case.arguments.items() if type(value) is int}
        since = {
            **{"since_id": FIRST_ID, "queue": "", "now": _LONG_AGO, "workflow_id": None},
            **case.arguments,
            "tenants": list(case.tenants),
        }
        with self.connection.cursor(row_factory=dict_row) as cursor:
            facts = cursor.execute(_FACTS, since).fetchone()
        return {**sizes, **numbers, **(facts or {})}

    @contextmanager
    def _prepared(self, query: Query, case: Case, role: str, mode: Mode) -> Iterator[PositionedSql]:
        """Prepare as a store's connection does; what is done meanwhile is rolled back."""
        text = _texts(Path(query.location.rpartition(":")[0]))[query.name]
        with self.connection.transaction(force_rollback=True):
            # One at a time: statements that lock the same rows, each in its own order, may wait in a ring.
            self._execute(b"SELECT pg_advisory_xact_lock(0)")
            self._execute(b"SET LOCAL ROLE " + role.encode())
            self._work_for(case)
            self._execute(b"SET LOCAL plan_cache_mode = " + _SETTING[mode].encode())
            for setting in _SETTINGS + _IN_ORDER * (str(query) in IN_ORDER):
                self._execute(b"SET LOCAL " + setting)
            prepared = self.connection.pgconn.prepare(b"it", text.text.rstrip(" \n;").encode(), [])
            assert prepared.status == psycopg.pq.ExecStatus.COMMAND_OK, prepared.get_error_message()
            yield text
            self._execute(b"DEALLOCATE it")

    def _work_for(self, case: Case) -> None:
        tenants = ",".join(str(tenant) for tenant in case.tenants)
        self._execute(b"SET LOCAL wfstore.tenant_id = " + sql.Literal(tenants).as_bytes(self.connection))

    def _call(self, text: PositionedSql, query: Query, case: Case) -> bytes:
        literals = [sql.Literal(value).as_bytes(self.connection) for value in _values(text, query, case)]
        return b"EXECUTE it (" + b", ".join(literals) + b")"

    def _execute(self, statement: bytes) -> tuple[Any, ...] | None:
        cursor = self.connection.execute(statement)
        return cast("tuple[Any, ...] | None", cursor.fetchone()) if cursor.description else None

    def _reads(self) -> dict[str, int]:
        """Return how often each table was read from end to end in this transaction, by foreign keys as well."""
        return dict(self.connection.execute("SELECT relname, seq_scan FROM pg_stat_xact_user_tables").fetchall())


def _values(text: PositionedSql, query: Query, case: Case) -> list[Any]:
    bound = query.bind(case.arguments)
    return [bound[name] for name in text.parameters]
